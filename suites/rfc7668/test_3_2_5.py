"""RFC 7668 §3.2.5, address mapping: the link has no multicast, so all goes to the one neighbour."""

from fixtures.case import Case
from fixtures.marks import needs, on_link, requirement
from rigs.tester import ECHO_REQUEST
from suites.rfc7668.channel import modes

pytestmark = on_link("ble")


@needs("ping")
@requirement("RFC7668-3.2.5-04")
def test_multicast_goes_to_the_6lbr(case: Case):
    """A multicast packet of the DUT's comes on the channel like any other, compressed as a multicast address (M=1)."""
    group = bytes.fromhex("ff020000000000000000000000000001")
    identifier = case.tester.next_identifier()
    seen = case.sent_by(
        lambda: case.rig.node.ping(group, 8, identifier, 1),
        lambda s: s.icmp_type == ECHO_REQUEST and s.upper[4:6] == identifier.to_bytes(2),
    )
    if seen is not None:
        second = seen.payloads[0][1]
        case.expect(
            bool(second & 8), "multicast_bit", "M=1", f"modes {modes(seen.payloads[0])}", frame=seen.frames[0]
        )
