"""RFC 6282 §3.2, IPv6 header encoding: what stands in-line, in which order, and what the DUT itself sends."""

from collections.abc import Callable

import pytest

from fixtures.api import (
    Case,
    Seen,
    needs,
    on_link,
    requirement,
    router_advertisement,
    spelled,
    stimulus,
    understood_all,
    understood_if_shown,
    well_answered,
    well_sent,
)
from sixlowpan import link_local
from sixlowpan.addresses import LINK_LOCAL_PREFIX


@requirement(
    "RFC6282-3.2-01",
    "RFC6282-3.2-02",
    "RFC6282-3.2-03",
    "RFC6282-3-02",
    "RFC6282-3.2.2-03",
    "RFC6282-3.2.2-02",
    "RFC6282-3.2.1-01",
)
@pytest.mark.parametrize("size", [0, 1, 7, 40, 64], ids=str)
def test_the_answer_is_well_compressed(case: Case, size: int):
    """The Echo Reply decodes to exactly the packet that RFC 4443 asks for, and every header octet is legal."""
    well_answered(case, lambda: case.tester.echo(size))


@needs("ping")
@requirement("RFC6282-3.2-01", "RFC6282-3.2-02", "RFC6282-3.2-03", "RFC6282-3-02")
@pytest.mark.parametrize("size", [0, 4, 56], ids=str)
def test_a_ping_of_its_own(case: Case, size: int):
    """The DUT originates an Echo Request: it decodes, its checksum is right, every header octet is legal."""
    tester = case.tester
    identifier = tester.next_identifier()
    seen = case.sent_by(
        lambda: case.rig.node.ping(tester.identity.address, size, identifier, 7),
        # by its size: many shells choose the identifier themselves, and it may ping us of its own accord as well
        lambda s: (
            s.icmp_type == 128
            and s.view is not None
            and s.view.dst == tester.identity.address
            and len(s.upper) == 8 + size
        ),
    )
    if seen is not None:
        well_sent(case, seen)


@requirement("RFC6282-3.2-01", "RFC6282-3.1.1-06")
def test_a_hop_limit_of_its_own(case: Case):
    """§3.2: fields "appear in the same order as they do in the IPv6 header": next header, then a hop limit in-line.

    RFC 4861 §6.3.4: a host takes the Cur Hop Limit of a Router Advertisement for what it sends.
    """
    case.survives(lambda: router_advertisement(case, hop_limit=99))
    try:
        seen = well_answered(case, case.tester.echo)
    finally:
        case.survives(lambda: router_advertisement(case, hop_limit=64))
    if seen and seen.view and not case.result.findings and seen.view.hop_limit in {1, 64, 255}:
        case.unsupported("the DUT does not take the hop limit of a Router Advertisement for its answers")


@on_link("ieee802154")
@requirement("RFC6282-3.2.2-05", "RFC6282-3.2.2-03")
def test_answer_from_a_short_address(case: Case):
    """§3.2.2: what is elided behind a 16-bit source is 0000:00ff:fe00:XXXX of the very frame that carries it."""
    link = case.rig.link
    address = link_local(link.dut_short) if link.dut_short else b""
    if address not in case.rig.node.addresses():
        case.unsupported("the DUT has no link-local address of a 16-bit link-layer address", "not_declared")
    well_answered(case, lambda: case.tester.echo(destination=address), destination=link.dut_short)


@on_link("ieee802154")
@requirement("RFC6282-3.2.2-04")
def test_extended_address_iid(case: Case):
    """§3.2.2: the IID of an extended address is the EUI-64 with the U/L bit inverted: only then is it elided."""
    case.understood(lambda: stimulus(case, case.tester.echo(), SAM=0b11))


@on_link("ieee802154")
@requirement("RFC6282-3.2.2-05")
def test_short_address_iid(case: Case):
    """§3.2.2: the IID of a short address is 0000:00ff:fe00:XXXX, without PAN id and without U/L bit."""
    case.short_sender()
    case.understood(lambda: stimulus(case, case.tester.echo(), SAC=0, SAM=0b11))


@on_link("ieee802154")
@needs("context")
@requirement("RFC6282-3.2.2-06")
def test_short_address_under_a_context(case: Case):
    """§3.2.2: what a context leaves of an elided IID comes from the short address, as 0000:00ff:fe00:XXXX."""
    case.short_sender()
    source = case.tester.also(case.tester.contexts[0].prefix[:8] + case.tester.identity.address[8:])
    understood_if_shown(case, lambda: stimulus(case, case.tester.echo(source=source), SAC=1, SAM=0b11, CID=0))


@requirement("RFC6282-3-03", "RFC6282-3.1.1-15", "RFC6282-3.1.1-16", "RFC6282-3.1.1-29", "RFC6282-3.1.1-30")
@pytest.mark.parametrize("source", ["inline", "iid"])
def test_foreign_source(case: Case, source: str):
    """A source whose IID is not the sender's link address travels in-line and comes out as it is (§3.2.2)."""
    prefix = LINK_LOCAL_PREFIX
    address = case.tester.also(prefix + bytes.fromhex("02aabbfffe") + case.tester.identity.address[13:])
    case.understood(
        lambda: stimulus(case, case.tester.echo(source=address), SAC=0, SAM=0 if source == "inline" else 1)
    )


@needs("address")
@requirement("RFC6282-3.2.2-03", "RFC6282-3-02")
def test_answer_from_an_iid_of_its_own(case: Case):
    """§3.2.2: what the DUT sends from an IID that its link address does not give is not elided: it comes out right."""
    address = LINK_LOCAL_PREFIX + bytes.fromhex("0123456789abcdef")
    case.give_address(address)
    well_answered(case, lambda: case.tester.echo(destination=address))


@requirement(
    "RFC6282-3.2.3-01",
    "RFC6282-3.2.3-02",
    "RFC6282-3.2.3-03",
    "RFC6282-3.2.3-04",
    "RFC6282-3.1.1-42",
    "RFC6282-3.1.1-43",
    "RFC6282-3.1.1-44",
)
def test_own_multicast(case: Case):
    """§3.2.3: what multicast the DUT sends by itself (NS, MLD) is compressed legally and decodes."""
    tester = case.tester
    case.stranger()  # a neighbour that the DUT must look for
    tester.send_packet(tester.echo())
    seen = _multicast(case, until=lambda seen: seen.icmp_type == 129 and not seen.stale)
    if seen is None and case.can("join"):  # a group that it must report (RFC 3810 §6.1), if it reports any
        case.join(bytes.fromhex("ff0500000000000000000000") + tester.pattern(4))
        seen = _multicast(case, until=lambda _: False)
    if seen is None:
        case.unsupported(
            "the DUT sent no multicast packet: it looks for no neighbour here, and reports no group"
        )
    well_sent(case, seen)


def _multicast(case: Case, until: Callable[[Seen], bool]) -> Seen | None:
    """The next packet from the DUT to a group, or one that cannot be decoded, before another that ends the wait."""
    deadline = case.tester.now() + case.timeout
    while (seen := case.tester.hear(deadline)) is not None:
        if seen.error is not None or (seen.view is not None and seen.view.dst[0] == 0xFF):
            return seen
        if until(seen):
            return None
    return None


@needs("context", "join|ip_tap")
@requirement("RFC6282-3.2.4-01", "RFC6282-3.2.4-02", "RFC6282-3.1.1-41")
@pytest.mark.parametrize("reserved", [0x00, 0x0A], ids=["rfc3306", "riid"])
def test_unicast_prefix_based_multicast(case: Case, reserved: int):
    """§3.2.4, M=1 DAC=1 DAM=00: ffXX:XXLL:PPPP:PPPP:PPPP:PPPP:XXXX:XXXX, prefix and its length from the context."""
    prefix = case.tester.contexts[0]
    group = bytes([0xFF, 0x35, reserved, prefix.length]) + prefix.prefix[:8] + bytes.fromhex("12345678")
    if not case.dut.has_tap:
        case.join(group)
    understood_if_shown(case, lambda: stimulus(case, case.tester.echo(destination=group), M=1, DAC=1, DAM=0))


@needs("context", "ip_tap")
@requirement("RFC6282-3.2.4-01", "RFC6282-3.2.4-02", "RFC6282-3.1.1-41")
def test_unicast_prefix_based_multicast_of_any_kind(case: Case):
    """§3.2.4 with any flags and scope, which are in-line, any second octet, and the length of each context."""
    makes = []
    for identifier, context in case.tester.contexts.items():
        if context.length <= 64:  # RFC 3306 §4 has room for 64 bits of a prefix
            for octets in ("3500", "0500", "1e0a", "750f", "f5a5"):
                head = bytes([0x7A, 0xBC, identifier, 58]) + bytes.fromhex(octets + "12345678")
                makes.append((None, lambda head=head: spelled(case, head)))
    understood_all(case, makes)
