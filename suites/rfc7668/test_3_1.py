"""RFC 7668 §3.1, protocol stack: UDP, TCP "or any other upper-layer protocol capable of running atop IPv6"."""

from fixtures.case import Case
from fixtures.marks import needs, on_link, requirement
from rigs.tester import Seen
from suites.rfc7668.tcp import PSH, Connection

pytestmark = on_link("ble")


@needs("tcp")
@requirement("RFC7668-3.2-03")
def test_tcp_echo(case: Case):
    """A TCP connection to the DUT is accepted, and what we send comes back."""
    tcp = _connected(case)
    tcp.send(PSH, b"keyhole")
    case.expect(tcp.data(b"keyhole") is not None, "tcp", "the data comes back", "it does not")


@needs("tcp")
@requirement("RFC7668-3.2-03")
def test_tcp_retransmission(case: Case):
    """A field complaint: a segment that is not acknowledged must be sent again (RFC 9293 §3.8.1), on this link, too.

    An IPv6 packet that is handed to the link must leave by it, in RFC 6282's format (§3.2).
    """
    tcp = _connected(case)
    tcp.send(PSH, b"keyhole")
    first = tcp.data(b"keyhole")
    again = (
        tcp.data(b"keyhole", seconds=4.0) if first is not None else None
    )  # the first timeouts are 0.2 to 1 s
    if case.expect(first is not None, "tcp", "the data comes back", "it does not"):
        case.expect(
            again is not None,
            "retransmission_lost",
            "the segment again, because nobody acknowledged it",
            "not once within 4 s",
            frame=first.frames[0] if isinstance(first, Seen) else b"",
        )


def _connected(case: Case) -> Connection:
    listen = getattr(case.rig.node, "tcp_echo", None)
    if listen is None:
        case.unsupported("the node cannot be told to accept TCP connections")
    tcp = Connection(case)
    listen(tcp.there)
    if not tcp.open():
        case.finding("tcp", "the DUT accepts the connection (SYN, ACK)", "no answer to our SYN")
    case.result.observed_by = "wire"
    return tcp
