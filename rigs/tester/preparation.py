"""What a rig needs once it is open: a tester opposite its DUT, and the standard contexts and addresses on both.

Strategy: one tester lives as long as the link it sits on; a recovered rig gets a new one. Contexts and addresses
are set up once, as far as the profile declares that the DUT takes them, so that cases need not.
"""

from __future__ import annotations

import weakref

from rigs.bench import Rig
from rigs.model import Link
from rigs.tester.discovery import Teacher
from rigs.tester.framing import Air
from rigs.tester.host import Tester
from sixlowpan import Context, Contexts, link_local

#: Contexts that both sides know (RFC 6282 §3.1.2), as far as the DUT can hold them. Lengths on either side of 64
#: and not on an octet boundary are where implementations differ.
STANDARD_CONTEXTS: dict[int, str] = {
    0: "2001:db8::/64",
    1: "2001:db8:1::/64",
    2: "2001:db8:2:4000::/50",
    3: "2001:db8:3::/48",
    4: "2001:db8:4:0:aabb:ccdd::/96",
    5: "2001:db8:5:0:212:7400:0:100/120",
    9: "2001:db8:9::/64",
    15: "2001:db8:f::/64",
}

_testers: weakref.WeakKeyDictionary[Link, Tester] = weakref.WeakKeyDictionary()


def tester_for(rig: Rig, seed: int) -> Tester:
    """Return the tester on the rig's present link, made and prepared at the first call."""
    tester = _testers.get(rig.link)
    if tester is None:
        parameters = rig.profile.parameters
        address = _to_be_spoken_to(rig)
        tester = Tester(Air(rig.link), address, seed, neighbours=parameters.neighbours)
        if rig.link.kind == "ble" and "nd" in parameters.features:
            tester.role = {"6LN": "6LBR", "6LBR": "6LN"}.get(parameters.role)
        prepare(rig, tester)
        _testers[rig.link] = tester
    return tester


def prepare(rig: Rig, tester: Tester) -> None:
    """Give a DUT that has just started the standard contexts and addresses, and the tester the same contexts."""
    meet(rig, tester)
    rig.node.use_router(tester.identity.address)
    if rig.profile.parameters.contexts_by == "ra":
        rig.node.teach = Teacher(tester, abro="multihop" in rig.profile.parameters.features)
    if "context" in rig.profile.abilities:
        tester.contexts = _share_contexts(rig)
    if "address" in rig.profile.abilities and 0 in tester.contexts:
        rig.node.add_address(tester.contexts[0].prefix[:8] + tester.info().dst_iid)


def meet(rig: Rig, tester: Tester) -> None:
    """Learn how a DUT that has just started is spoken to: a device with a private address has another one now."""
    tester.dut_address = _to_be_spoken_to(rig)


def _to_be_spoken_to(rig: Rig) -> bytes:
    """The DUT's first address, or that link-local one of its own which its link-layer address gives.

    Elided it goes only where it follows from that; a DUT that has other ones besides (RFC 8064) answers there as well.
    """
    own, link = rig.node.addresses(), rig.link
    derived = [link_local(address) for address in (link.dut, link.dut_short) if address]
    return next((address for address in own if address in derived), own[0])


def _share_contexts(rig: Rig) -> Contexts:
    shared: dict[int, Context] = {}
    for identifier, network in STANDARD_CONTEXTS.items():
        context = Context.parse(network)
        only = rig.profile.parameters.context_length
        if identifier >= rig.profile.parameters.contexts or (only is not None and only != context.length):
            continue
        rig.node.set_context(identifier, context.prefix, context.length)
        shared[identifier] = context
    return Contexts(shared)
