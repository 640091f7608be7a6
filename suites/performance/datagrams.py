"""Numbered UDP datagrams to the DUT's application and from it, counted at the receiver."""

from __future__ import annotations

from dataclasses import dataclass, field

from fixtures.api import UDP, Case, Seen, full_size
from sixlowpan import ipv6

HERE, THERE = 0xF0B3, 0xF0B4
#: So often an echo is sent that may find the DUT full of the last datagram, until its reassembly timer has run out.
TRIES = 4


@dataclass(slots=True)
class Stream:
    """What was sent, what arrived in that order, and how many seconds from the first sending to the last arrival."""

    sent: list[bytes]
    arrived: list[bytes] = field(default_factory=list)
    took: float = 0.0
    #: Seconds that the sending took, the pause behind the last one included.
    sending: float = 0.0

    @property
    def good(self) -> list[bytes]:
        """What arrived as it was sent."""
        sent = set(self.sent)
        return [data for data in self.arrived if data in sent]

    @property
    def lost(self) -> int:
        """How many did not arrive at all."""
        return len(self.sent) - len(set(self.good))


def numbered(case: Case, number: int, size: int) -> bytes:
    """Data that says which datagram of the case it is."""
    return number.to_bytes(2) + case.tester.pattern(size - 2)


def to_the_dut(case: Case, size: int, count: int, pause: float = 0.0) -> Stream:
    """So many datagrams, `pause` seconds apart."""
    tester, node = case.tester, case.rig.node
    source, there = tester.identity.address, tester.dut_address
    node.udp_open(THERE)
    while node.udp_receive(THERE, tester.now()) is not None:
        pass
    roomy = full_size(case)
    stream, began = Stream([numbered(case, n, size) for n in range(count)]), tester.stamp()
    full = _full(case)
    for number, data in enumerate(stream.sent):
        if number and pause:
            tester.listen(pause)
        message = ipv6.udp(HERE, THERE, data, source, there)
        tester.send_packet(ipv6.build(source, there, UDP, message))
    stream.sending = tester.stamp() - began + pause
    while len(stream.arrived) < count:
        if pause:
            tester.listen(0)
        if (got := node.udp_receive(THERE, tester.now() + case.timeout)) is None:
            break
        stream.arrived.append(got[2])
        stream.took = tester.stamp() - began
    _note_what_the_air_dropped(case, full)
    if roomy:
        _leave_room(case)
    return stream


def _leave_room(case: Case) -> None:
    """Bring back a DUT whose application keeps what it was handed (Zephyr's shell): no case behind is to find it full.

    That it keeps them is a finding of robustness/leak. One that is silent for good is told of by the end of the case.
    """
    if not any(case.trial.controls.from_the_first(8) for _ in range(TRIES)) or full_size(case):
        return
    case.outwait_all()
    if not full_size(case):
        case.interrupted("its application keeps datagrams, and leaves no room for others")


def from_the_dut(case: Case, size: int, count: int, pause: float = 0.0) -> Stream:
    """So many datagrams, `pause` seconds apart."""
    tester, node = case.tester, case.rig.node
    there = tester.identity.address
    stream, began = Stream([numbered(case, n, size) for n in range(count)]), tester.stamp()
    full = _full(case)

    def take(seen: Seen) -> None:
        if _ours(seen):
            stream.arrived.append(seen.upper[8:])
            stream.took = tester.stamp() - began

    for data in stream.sent:
        node.udp_send(there, HERE, THERE, data)
        end = tester.now() + pause
        while pause and (seen := tester.hear(end)) is not None:
            take(seen)
    stream.sending = tester.stamp() - began
    while len(stream.arrived) < count and (seen := tester.hear(tester.now() + case.timeout)) is not None:
        take(seen)
    _note_what_the_air_dropped(case, full)
    return stream


def _full(case: Case) -> int:
    """Frames so far for which the queue of a software air had no room."""
    air = getattr(case.rig.link, "air", None)
    return air.counts["queue full"] if air is not None else 0


def _note_what_the_air_dropped(case: Case, before: int) -> None:
    """A radio holds its device back; the air cannot, and what it drops then is no loss of the DUT's."""
    if dropped := _full(case) - before:
        case.note(
            f"{dropped} frames found the queue of the air full (air.queue): a radio would have held the DUT back"
        )


def _ours(seen: Seen) -> bool:
    return seen.view is not None and seen.view.upper()[0] == UDP and seen.upper[2:4] == THERE.to_bytes(2)
