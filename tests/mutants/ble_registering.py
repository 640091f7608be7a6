"""Mutants of a 6LN of RFC 7668 in what it has of RFC 6775 (§3.2.3): tries, renewals, refusals, contexts.

They are those of a 6LN on IEEE 802.15.4, at the other end of a channel.
"""

from __future__ import annotations

from tests.mutants import BLE, mutant
from tests.mutants import nd_host as host
from tests.mutants import nd_host_state as state
from tests.mutants import nd_registering as registering

_NODES = {
    "rs-goes-on": ("RFC6775-5.3-07", host.GoesOn),
    "registers-once": ("RFC6775-5.5-01", registering.Once),
    "registers-hastily": ("RFC6775-5.5-01", registering.Hastily),
    "no-renewal": ("RFC6775-5.5-01", registering.NoRenewal),
    "renews-once": ("RFC6775-5.5-01", state.RenewsOnce),
    "lifetime-in-seconds": ("RFC6775-4.1-07", registering.InSeconds),
    "aro-status": ("RFC6775-4.1-04", registering.Status),
    "other-eui64-counts": ("RFC6775-5.5.2-02", registering.OtherEui64),
    "long-answer-counts": ("RFC6775-5.5.2-01", registering.LongCounts),
    "duplicate-used": ("RFC6775-5.5.3-01", registering.DuplicateUsed),
    "duplicate-made-anew": ("RFC6775-5.5.3-01", state.MadeAnew),
    "context-c-not-updated": ("RFC6775-5.4.2-01", state.CompressionKept),
    "context-removal-ends-all": ("RFC6775-4.2-06", state.RemovesAll),
    "na-hop-limit-unchecked": ("RFC4861-7.1.2-01", state.NaHopLimitUnchecked),
}
for _id, (_requirement, _node) in _NODES.items():
    mutant(f"ble-{_id}", requirement=_requirement, kinds=BLE, rig="reference-6ln")(_node)
