"""How bad a breach is, and what a user of the node would notice of it.

Strategy: the code of a finding says what was seen, so it says as well what that does to whoever uses the node. One
table maps groups of codes to a severity and one sentence; a code that no group names is a field of a packet or an
encoding, and counts as serious, for its packets are not what they must be. A breach of what a text only advises is
minor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, Final

from vectors.catalogue import CATALOGUE

#: Worst first.
SEVERITIES: Final = ("critical", "serious", "moderate", "minor")


@dataclass(frozen=True, slots=True)
class Effect:
    """A severity of `SEVERITIES`, and what a user of the node would notice."""

    severity: str
    notice: str


_CRITICAL = Effect(
    "critical",
    "Whoever is in radio range and sends such frames takes the node off the network until it restarts.",
)
_LEAK = Effect(
    "critical",
    "Octets of one packet appear in another: data of one sender reaches another, or is taken for its own.",
)
_UNHEARD = Effect(
    "serious",
    "Packets in this form never arrive: a peer that uses it, as it may, cannot talk to the node.",
)
_UNCONNECTED = Effect(
    "serious",
    "No connection to the node comes about, or not again: it cannot be reached until somebody sets it up anew.",
)
_STALLED = Effect(
    "serious",
    "TCP connections hang: a transfer stands still behind a lost packet, or none comes about.",
)
_TAKEN = Effect(
    "moderate",
    "The node acts on frames that it must ignore: forged, damaged or foreign packets reach the application.",
)
_MISMADE = Effect(
    "serious",
    "A datagram is put together from octets that do not belong together: wrong data reaches the application.",
)
_SENT = Effect(
    "serious",
    "Peers that follow the text drop or misread what the node sends: some of its packets do not arrive.",
)
_SLOW = Effect("moderate", "Traffic arrives late, in part or not at all while the link is busy or lossy.")
_LONGER = Effect(
    "minor", "Packets are longer than they need to be, or name more than they need to: air time and energy."
)
_READ = Effect("serious", "The application gets another packet than the one that was sent.")
_PRIVACY = Effect("moderate", "The node can be followed or its hardware recognised by its addresses.")
_MISSED = Effect("moderate", "A figure is worse than whoever runs the rig allows, or than it was before.")
_ADVICE = Effect(
    "minor",
    "The text advises against it, and binds nobody: a peer that relies on the advice may be surprised.",
)

_GROUPS: Final[tuple[tuple[Effect, tuple[str, ...]], ...]] = (
    (_CRITICAL, ("dut_lost", "crash_signature")),
    (_LEAK, ("leak", "stale_octets", "mixed", "mixed_s*", "mixed_originators", "outside")),
    (
        _MISMADE,
        ("mixed_*", "patched", "hole", "beyond", "size_mismatch", "shifted", "no_sequence", "misread"),
    ),
    (_UNCONNECTED, ("refused", "not_found", "not_advertised", "not_asked", "no_ipss", "reconnect")),
    (_STALLED, ("tcp*", "retransmission_lost", "stalled")),
    (
        _UNHEARD,
        (
            *("dropped", "no_answer", "unresolved", "wrong_answer", "too_large", "lost", "not_delivered"),
            *("nothing_came", "no_room_for_two", "not_released"),
            *("solicitation_dropped", "mtu", "stuck"),
            *("lost_while_waiting", "listener_lost", "not_replicated", "not_forwarded", "not_confirmed"),
            *("traffic", "all-twice", "thrice", "run-twice", "form-*", "size-*", "order-*", "duplicate-*"),
            *(
                "fragments-of-*",
                "echo-*",
                "sac?-*",
                "sa??-da??",
                "tf?",
                "*-group",
                "*-source",
                "*-destination",
            ),
            *("neighbour_moved", "neighbour_address", "no_address", "no_ra", "not_registered", "no_rs"),
        ),
    ),
    (
        _TAKEN,
        (
            *(
                "accepted",
                "answered",
                "answered_twice",
                "delivered_twice",
                "zero_checksum",
                "removed_context",
            ),
            *("own_address", "another_address", "another_pan", "consumed", "timeout_too_long", "frame_type"),
            *(
                "advertised",
                "excess_taken",
                "beyond_the_mtu",
                "any_spsm",
                "duplicate",
                "carried",
                "forwarded",
            ),
            *("connected", "too_many_credits", "prefix_length", "registered", "on_link"),
        ),
    ),
    (_MISSED, ("limit", "worse")),
    (_PRIVACY, ("device_address", "embedded", "address_changed")),
    (_SLOW, ("round_trip", "garbled", "blocked", "not_starved", "no_credit*", "terms")),
    (
        _LONGER,
        (
            *("not_minimal", "uncompressed", "needless_*", "trailing_octets", "udp_in_line", "not_iphc"),
            *("no_ack_request", "unasked", "dad", "dynamic_port", "elision", "resolved"),
        ),
    ),
    (
        _SENT,
        (
            *(
                "sent_*",
                "malformed",
                "reserved*",
                "unsupported",
                "undecodable",
                "dispatch",
                "datagram_*",
                "tag_*",
            ),
            *("checksum*", "answer_*", "address_*", "multicast_*", "not_broadcast", "broadcast_*", "quote_*"),
            *(
                "frame_too_long",
                "beyond_mtu",
                "offset",
                "incomplete",
                "no_first_fragment",
                "hc1*",
                "context*",
            ),
        ),
    ),
)


def effect_of(finding: Mapping[str, Any]) -> Effect:
    """What one finding means for a user of the node."""
    asked = (str(finding.get(key) or "") for key in ("code", "requirement", "level"))
    return _effect(*asked, of_field=bool(finding.get("field")))


@lru_cache(maxsize=4096)
def _effect(code: str, requirement: str, level: str, *, of_field: bool) -> Effect:
    row = CATALOGUE.get(requirement)
    if level == "SHOULD" or (row is not None and row.binding != "fail"):
        return _ADVICE
    for effect, globs in _GROUPS:
        if any(fnmatchcase(code, glob) for glob in globs):
            return effect
    return _READ if of_field else _SENT


def worst_effect(findings: Iterable[Mapping[str, Any]]) -> Effect | None:
    """The gravest effect among findings; None of none."""
    effects = [effect_of(finding) for finding in findings]
    return min(effects, key=lambda effect: SEVERITIES.index(effect.severity), default=None)
