"""A TCP connection from the tester to the DUT, for cases that move data over it."""

from __future__ import annotations

from collections.abc import Callable

from fixtures.api import Case, Seen
from rigs.tcp import PROTOCOL, Tcp, checked
from sixlowpan import ipv6

#: Whether a segment is lost: called with it on its way to the DUT, or from it.
Loses = Callable[[bytes], bool]


def expect(case: Case, holds: bool, code: str, expected: str, actual: str, *, frame: bytes = b"") -> bool:
    """`Case.expect` under the sentence that has packets carried on this kind of link, whatever is in them."""
    rule = "RFC7668-3.2-03" if case.rig.link.kind == "ble" else "RFC6282-2-04"
    return case.expect(holds, code, expected, actual, requirement=rule, frame=frame)


def nothing(_segment: bytes) -> bool:
    """Nothing is lost."""
    return False


def first_data(segment: bytes) -> bool:
    """Whether a segment carries data."""
    return len(segment) > (segment[12] >> 4) * 4


def once(holds: Loses) -> Loses:
    """The first segment for which `holds`, and no other."""
    lost: list[bytes] = []

    def loses(segment: bytes) -> bool:
        if lost or not holds(segment):
            return False
        lost.append(segment)
        return True

    return loses


class Stream:
    """One connection. Everything that is waited for has a deadline on the clock of the link."""

    def __init__(self, case: Case, *, there: Loses = nothing, back: Loses = nothing) -> None:
        """`there` and `back` say which segments are lost on the way to the DUT, and from it."""
        self._case, self._there, self._back = case, there, back
        self.port = 0x4000 | case.tester.next_identifier() & 0x3FFF
        here = 0xC000 | case.tester.next_identifier() & 0x3FFF
        self.tcp = Tcp(here, self.port, self._send, start=case.tester.random.getrandbits(32))
        #: The octets that the DUT says it received.
        self.at_the_dut = bytearray()
        #: (time, octets that had come by then) of what came from the DUT.
        self.came: list[tuple[float, int]] = []
        #: When what was heard at each moment of the clock of deadlines had come: a tester that waits for room on the
        #: medium hears several segments at once, long after they came.
        self.stamps: dict[float, float] = {}

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        """Reset the connection: a DUT that still has something to send must not do so in the cases that follow."""
        self.tcp.abort()

    def open(self) -> bool:
        """Shake hands; a finding and False when the DUT does not."""
        self._case.rig.node.tcp_listen(self.port)
        self.tcp.open(self._now())
        return expect(
            self._case, self.run(lambda: self.tcp.state == "established", 5.0),
            "tcp_refused", "the DUT accepts the connection (SYN, ACK)", f"no answer to our SYN: {self.tcp.state}",
        )  # fmt: skip

    def send(self, data: bytes) -> None:
        """Send octets to the DUT."""
        self.tcp.send(data, self._now())

    def ask(self, data: bytes) -> None:
        """Have the DUT send octets to us."""
        self._case.rig.node.tcp_send(self.port, data)

    def run(self, done: Callable[[], bool], seconds: float) -> bool:
        """Let the connection go on until `done()`; False when it is not within `seconds`."""
        tester, end = self._case.tester, self._now() + seconds
        while not done():
            due = self.tcp.due()
            seen = tester.hear(min(end, due) if due is not None else end)
            if seen is not None:
                self._heard(seen)
            self.tcp.tick(self._now())
            if seen is None and self._now() >= end:
                return done()
        return True

    def received_at_the_dut(self, more: int = 0) -> bytes:
        """Everything that the DUT received so far; where so many `more` octets are due, it is waited for no others."""
        node, due = self._case.rig.node, len(self.at_the_dut) + more
        while (data := node.tcp_receive(self.port, self._now() + self._case.settle)) is not None:
            self.at_the_dut += data
            if more and len(self.at_the_dut) >= due:
                break
        return bytes(self.at_the_dut)

    def _now(self) -> float:
        return self._case.tester.now()

    def _send(self, segment: bytes) -> None:
        tester = self._case.tester
        source, there = tester.identity.address, tester.dut_address
        whole = checked(segment, ipv6.checksum(source, there, PROTOCOL, segment))
        if not self._there(segment):
            tester.send_packet(ipv6.build(source, there, PROTOCOL, whole))

    def _heard(self, seen: Seen) -> None:
        segment = seen.upper
        if seen.view is None or seen.view.upper()[0] != PROTOCOL or self._back(segment):
            return
        before, now = len(self.tcp.received), self._now()
        self.stamps[now] = seen.time
        self.tcp.hear(segment, now)
        if len(self.tcp.received) > before:
            self.came.append((now, len(self.tcp.received)))
