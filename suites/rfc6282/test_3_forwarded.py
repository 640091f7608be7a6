"""RFC 6282 §3, what a router sends on: the header is compressed anew for the next link, and means the same packet.

"Stateful address compression must be applied to the source and destination IPv6 addresses because they do not
statelessly match the source and destination link-layer addresses on intermediate hops", and "the Hop Limit ... may take
any value". A router changes nothing but the hop limit (RFC 8200 §3), and the fragments that it sends are its own.
"""

from contextlib import nullcontext
from ipaddress import IPv6Address

from fixtures.api import UDP, Case, HostParty, RouterParty, Seen, advice, loses_nothing, on_link, requirement
from sixlowpan import Context, fragment, ipv6, nd
from sixlowpan.addresses import LOOPBACK, UNSPECIFIED
from suites.rfc6775.parties import heard, host
from suites.rfc6775.roles import ROUTER
from suites.rfc6775.routing import arrives, global_of, registered_host
from suites.rfc7668.devices import Device
from suites.rfc7668.star import carried, forwardable

pytestmark = ROUTER
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
    case.lives()  # what is dead forwards nothing, and died of this packet
    return None


def is_another(case: Case, what: str, packet: bytes, link: bytes, row: str) -> None:
    """A finding: a packet did not come out as it was. It breaks what speaks of what came, `row` where nothing did.

    An extension header that keeps a packet from being forwarded was looked at (RFC 8200 §4); any node may look at
    Hop-by-Hop Options. A router may mark packets by their traffic class (RFC 8200 §7, RFC 2474), and set a flow label
    that was zero (RFC 6437 §3): that it does is advice.
    """
    came = [s.packet for s in case.tester.heard if s.info.dst == link and s.packet[8:] == packet[8:]]
    head = came[-1][:4] if came else packet[:4]
    named: str | None = None
    if not came:
        named = "RFC8200-4-01" if packet[6] in {43, 44, 60} else row
    elif (label := int.from_bytes(packet[:4]) & 0xFFFFF) and label != int.from_bytes(head) & 0xFFFFF:
        named = "RFC6437-2-01"
    with advice(case) if named is None and head != packet[:4] else nullcontext():
        got = f"{came[-1][:8].hex()}..." if came else "nothing"
        case.finding("not_forwarded", f"{what}, as it was sent", got, requirement=named)


@requirement(
    "RFC6282-3-03", "RFC6282-3.2.2-06", "RFC6775-6.5.4-02", "RFC8200-3-01", "RFC8200-4-01", "RFC6437-2-01"
)
def test_stays_as_it_is(case: Case):
    """Any protocol, extension header, traffic class, hop limit, size or wrong checksum: it comes out the same."""
    with registered_host(case) as (above, party, address):
        for what, packet in forwardable(case.tester, outside(case, above), address).items():
            seen = passed_on(case, above, packet, party.link)
            if seen is None:
                is_another(case, what, packet, party.link, "RFC6775-6.5.4-02")
                continue
            case.expect(
                seen.packet[7] == packet[7] - 1, "hop_limit", str(packet[7] - 1), str(seen.packet[7]),
                requirement="RFC8200-3-01", frame=seen,
            )  # fmt: skip


@on_link("ieee802154")
@requirement("RFC6282-3-03", "RFC6775-5.6-02", "RFC8200-4-01", "RFC6437-2-01")
def test_stays_as_it_is_outward(case: Case):
    """And so does what a host sends beyond its router, to the DUT's own default router."""
    if case.rig.profile.parameters.role == "6LBR":
        case.unsupported("a 6LBR's way out is another link", "not_on_this_link")
    with registered_host(case) as (above, party, address):
        for what, packet in forwardable(case.tester, address, outside(case, above)).items():
            if passed_on(case, party, packet, above.link) is None:
                is_another(case, what, packet, above.link, "RFC6775-5.6-02")  # out by a default router


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
@requirement("RFC4944-5.3-13", "RFC6775-6.5.4-02")
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
            case.expect(seen is not None, "not_forwarded", "the packet at the host", "not that",
                        requirement="RFC6775-6.5.4-02")  # fmt: skip
            if seen is not None:
                tags.append(int.from_bytes(seen.payloads[0][2:4]))
        case.expect(len(set(tags)) == len(tags), "datagram_tag", "a tag for each datagram", f"{tags} in turn")


#: Ends of packets that no router forwards; True: the text speaks of who sends them, and not of routers.
NEVER = (
    (UNSPECIFIED, None, "RFC4291-2.5.2-01", False),
    (LOOPBACK, None, "RFC4291-2.5.3-01", True),
    (None, LOOPBACK, "RFC4291-2.5.3-01", False),
    (None, UNSPECIFIED, "RFC4291-2.5.2-01", True),
    (GROUP, None, "RFC4291-2.5.2-01", True),
)


@requirement("RFC4291-2.5.2-01", "RFC4291-2.5.3-01")
def test_never_forwarded(case: Case):
    """From ::, and to ::1: "must never be forwarded by an IPv6 router" (RFC 4291 §2.5.2, §2.5.3).

    That nothing is from ::1, for ::, or from a group (§2.7), binds who sends it: to forward it is advice.
    """
    with registered_host(case) as (above, party, address):
        tester = case.tester
        source = outside(case, above)
        for here, there, row, sent in NEVER:
            ends, data = (here or source, there or address), tester.pattern(12)
            above.send(ipv6.build(*ends, UDP, ipv6.udp(0xF0B5, 0xF0B6, data, *ends), hop_limit=64))
            seen = heard(case, lambda s, d=data: s.upper[8:] == d)
            with advice(case) if sent else nullcontext():
                said = f"from {ends[0].hex()} to {ends[1].hex()}"
                case.expect(seen is None, "forwarded", f"nothing {said}", "it is forwarded", requirement=row)
        behind = arrives(case, above, address, party.link)
        case.expect(behind is not None, "not_forwarded", "an ordinary packet behind them", "nothing",
                    requirement="RFC6775-6.5.4-02")  # fmt: skip
