"""RFC 7668 §3.2.5, address mapping: the link has no multicast, so all goes to the one neighbour."""

from fixtures.api import ALL_NODES, Case, needs, on_link, requirement
from suites.rfc7668.channel import is_ping, modes
from suites.rfc7668.star import INCLUDE, arrives, two

pytestmark = on_link("ble")
GROUP = bytes.fromhex("ff1500000000000000000000000a11ce")


@needs("ping")
@requirement("RFC7668-3.2.5-04")
def test_multicast_goes_to_the_6lbr(case: Case):
    """A multicast packet of the DUT's comes on the channel like any other, compressed as a multicast address (M=1)."""
    identifier = case.tester.next_identifier()
    seen = case.sent_by(
        lambda: case.rig.node.ping(ALL_NODES, 8, identifier, 1),
        lambda s: is_ping(s, identifier, ALL_NODES),
    )
    if seen is not None:
        second = seen.payloads[0][1]
        case.expect(bool(second & 8), "multicast_bit", "M=1", f"modes {modes(seen.payloads[0])}", frame=seen)


@needs("ping", "connect")
@requirement("RFC7668-3.2.5-01")
def test_multicast_is_replicated(case: Case):
    """A 6LBR's own multicast goes to each 6LN by itself, as there is no multicast on the link."""
    with two(case) as members:
        case.rig.node.ping(ALL_NODES, 8, case.tester.next_identifier(), 1)
        for number, member in enumerate(members, 1):
            found = member.heard(lambda packet, _: packet[40:41] == b"\x80" and packet[24:40] == ALL_NODES)
            case.expect(found is not None, "not_replicated", f"a copy to 6LN {number} of 2", "none")


@needs("connect")
@requirement("RFC7668-3.2.5-02", "RFC7668-3.2.5-03")
def test_listeners_only(case: Case):
    """Multicast is forwarded to a 6LN that reported to listen (MLD), from then on and until it leaves."""
    with two(case) as (first, second):
        prefix = first.prefix()
        source = prefix[:8] + bytes.fromhex("5eed000000000001")
        first.register(source)

        def came() -> bool:
            return arrives(first, first.datagram(source, GROUP), second) is not None

        rule = "RFC7668-3.2.5-03"
        case.expect(
            not came(), "unasked", "nothing to a 6LN that listens to no group", "it comes", requirement=rule
        )
        second.listen(GROUP)
        case.expect(came(), "listener_lost", "the packet, to a listener", "nothing")
        second.listen(GROUP, kind=INCLUDE)
        case.expect(
            not came(), "unasked", "nothing to a 6LN that left the group", "it comes", requirement=rule
        )
