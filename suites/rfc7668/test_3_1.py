"""RFC 7668 §3.1, protocol stack: UDP, TCP "or any other upper-layer protocol capable of running atop IPv6"."""

from fixtures.api import Case, needs, on_link, requirement
from suites.performance.stream import Stream, first_data, once
from suites.rfc7668.channel import live

pytestmark = on_link("ble")


@requirement("RFC7668-3.1-01", "RFC7668-2-01")
def test_service_is_found(case: Case):
    """GATT runs beside IPv6 "to discover nodes supporting the Internet Protocol Support Service": 0x1820 is found."""
    found = live(case).services()
    if found is None:
        case.unsupported("this tester cannot ask the DUT's GATT server", "not_on_this_link")
    case.expect("1820" in found, "no_ipss", "the service 0x1820", ", ".join(found) or "no service at all")


@needs("tcp")
@requirement("RFC7668-3.2-03")
def test_tcp_both_ways(case: Case):
    """A TCP connection to the DUT is accepted, and data goes over it in either direction."""
    with Stream(case) as stream:
        if stream.open():
            stream.send(b"keyhole")
            stream.run(lambda: not stream.tcp.unacknowledged, 5.0)
            found = stream.received_at_the_dut()
            case.expect(found == b"keyhole", "tcp", "the DUT receives what we send", found.hex() or "nothing")
            stream.ask(b"elohyek")
            stream.run(lambda: bool(stream.tcp.received), 5.0)
            found = bytes(stream.tcp.received)
            case.expect(found == b"elohyek", "tcp", "we receive what the DUT sends", found.hex() or "nothing")


@needs("tcp")
@requirement("RFC7668-3.2-03")
def test_tcp_retransmission(case: Case):
    """A field complaint: a segment that is not acknowledged must be sent again (RFC 9293 §3.8.1), on this link, too.

    An IPv6 packet that is handed to the link must leave by it, in RFC 6282's format (§3.2).
    """
    lost: list[bytes] = []
    drop = once(first_data)

    def loses(segment: bytes) -> bool:
        if drop(segment):
            lost.append(segment)
            return True
        return False

    with Stream(case, back=loses) as stream:
        if not stream.open():
            return
        stream.ask(b"keyhole")
        stream.run(lambda: bool(stream.tcp.received), 5.0)  # the first timeouts are 0.2 to 1 s
        if case.expect(bool(lost), "tcp", "the DUT sends what it was told to", "it does not"):
            frame = next((s.frames[0] for s in case.tester.heard if s.upper == lost[0]), b"")
            case.expect(
                stream.tcp.received == b"keyhole", "retransmission_lost",
                "the segment again, because nobody acknowledged it", "not once within 5 s", frame=frame,
            )  # fmt: skip
