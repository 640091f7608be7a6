"""RFC 6282 §3, what a router sends on: the header is compressed anew for the next link, and means the same packet.

"Stateful address compression must be applied to the source and destination IPv6 addresses because they do not
statelessly match the source and destination link-layer addresses on intermediate hops", and "the Hop Limit ... may take
any value". A router changes nothing but the hop limit (RFC 8200 §3), and the fragments that it sends are its own.
"""

from ipaddress import IPv6Address

from fixtures.api import (
    UDP,
    Case,
    HostParty,
    RouterParty,
    Seen,
    binds,
    loses_nothing,
    needs,
    on_link,
    requirement,
)
from sixlowpan import Context, fragment, ipv6, nd
from sixlowpan.addresses import LOOPBACK, UNSPECIFIED
from suites.rfc6775.parties import heard, host
from suites.rfc6775.routing import arrives, global_of, registered_host
from suites.rfc7668.devices import Device
from suites.rfc7668.star import carried, forwardable

pytestmark = [binds("6LR|6LBR", "nd"), needs("reset")]
CID = 9
GROUP = bytes.fromhex("ff1500000000000000000000000a11ce")


def outside(case: Case, sender: RouterParty | HostParty) -> bytes:
    """The address that packets through the DUT come from; over Bluetooth LE what the sender has registered."""
    if isinstance(sender, Device) and sender.registered:
        return sender.registered[-1]
    return bytes.fromhex("20010db8ffff0000") + case.tester.pattern(8)


def passed_on(case: Case, sender: RouterParty | HostParty, packet: bytes, link: bytes) -> Seen | None:
    """Send a packet through the DUT; what comes of it at this link-layer address, the same but for the hop limit."""
    for _ in range(case.rig.file.attempts):
        sender.send(packet)
        seen = heard(case, lambda s: s.info.dst == link and carried(packet, s.packet))
        if seen is not None:
            return seen
    return None


@requirement("RFC6282-3-03", "RFC6282-3.2.2-06", "RFC6775-6.5.4-01")
def test_stays_as_it_is(case: Case):
    """Any protocol, extension header, traffic class, hop limit, size or wrong checksum: it comes out the same."""
    with registered_host(case) as (above, party, address):
        for what, packet in forwardable(case.tester, outside(case, above), address).items():
            seen = passed_on(case, above, packet, party.link)
            case.expect(seen is not None, "not_forwarded", f"{what}, as it was sent", "not that")
            if seen is not None:
                case.expect(
                    seen.packet[7] == packet[7] - 1, "hop_limit", str(packet[7] - 1), str(seen.packet[7]),
                    frame=seen.frames[0],
                )  # fmt: skip


@on_link("ieee802154")
@requirement("RFC6282-3-03", "RFC6775-6.5.4-01")
def test_stays_as_it_is_outward(case: Case):
    """And so does what a host sends beyond its router, to the DUT's own default router."""
    if case.rig.profile.parameters.role == "6LBR":
        case.unsupported("a 6LBR's way out is another link", "not_on_this_link")
    with registered_host(case) as (above, party, address):
        for what, packet in forwardable(case.tester, address, outside(case, above)).items():
            seen = passed_on(case, party, packet, above.link)
            case.expect(seen is not None, "not_forwarded", f"{what}, as it was sent", "not that")


@on_link("ieee802154")
@requirement("RFC6282-3.2.2-06", "RFC6282-3-03")
def test_elided_anew(case: Case):
    """A source that its sender elides under a context: it does not match the DUT's own, and is carried."""
    if case.rig.profile.parameters.contexts <= CID:
        case.unsupported(f"the DUT does not hold context {CID}", "not_declared")
    with registered_host(case) as (above, party, address):
        tester, prefix = case.tester, address[:8] + bytes(8)
        if isinstance(above, RouterParty) and above.options:  # it has told a 6LR of the prefix
            above.options = [*above.options, nd.ContextOption(prefix, 64, True, CID, 60)]
            above.advertise()
            tester.contexts = tester.contexts.with_context(CID, Context(prefix, 64))
        else:
            case.dut.set_context(CID, f"{IPv6Address(prefix)}/64")
        source = global_of(above, prefix)
        message = ipv6.udp(0xF0B5, 0xF0B6, tester.pattern(24), source, address)
        seen = passed_on(case, above, ipv6.build(source, address, UDP, message), party.link)
        case.expect(seen is not None, "not_forwarded", "the packet, from its source", "not that")


@on_link("ieee802154")
@requirement("RFC4944-5.3-13", "RFC6775-6.5.4-01")
def test_tags_of_its_own(case: Case):
    """Two senders have one tag for datagrams of one size to one host: on the next link each has a tag of the DUT's."""
    loses_nothing(case)
    with registered_host(case) as (above, party, address):
        other, tester = host(case), case.tester
        tags = []
        for sender in (above, other):
            source = outside(case, above)
            message = ipv6.udp(0xF0B5, 0xF0B6, tester.pattern(200), source, address)
            packet = ipv6.build(source, address, UDP, message)
            tester.send(fragment(packet, sender.info(), tester.contexts, mtu=96, tag=0x7A6), sender.info())
            seen = heard(case, lambda s, p=packet: s.info.dst == party.link and carried(p, s.packet))
            case.expect(seen is not None, "not_forwarded", "the packet at the host", "not that")
            if seen is not None:
                tags.append(int.from_bytes(seen.payloads[0][2:4]))
        case.expect(len(set(tags)) == len(tags), "datagram_tag", "a tag for each datagram", f"{tags} in turn")


@requirement("RFC6775-6.5.4-01")
def test_never_forwarded(case: Case):
    """From or to :: and ::1, and from a group: RFC 4291 §2.5.2, §2.5.3 and §2.7 have no router forward such packets."""
    with registered_host(case) as (above, party, address):
        tester = case.tester
        source, data = outside(case, above), tester.pattern(12)
        ends = [(bad, address) for bad in (UNSPECIFIED, LOOPBACK, GROUP)]
        for here, there in (*ends, (source, UNSPECIFIED), (source, LOOPBACK)):
            above.send(
                ipv6.build(here, there, UDP, ipv6.udp(0xF0B5, 0xF0B6, data, here, there), hop_limit=64)
            )
        seen = heard(case, lambda s: s.upper[8:] == data)
        said = f"from {seen.view.src.hex()} to {seen.view.dst.hex()}" if seen and seen.view else ""
        case.expect(seen is None, "forwarded", "none of these", said)
        behind = arrives(case, above, address, party.link)
        case.expect(behind is not None, "not_forwarded", "an ordinary packet behind them", "nothing")
