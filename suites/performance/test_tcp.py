"""TCP in each direction, at once, after a loss, and for long: the field report's "TCP works one way only"."""

from itertools import groupby, pairwise

import pytest

from fixtures.api import Case, needs, requirement
from reports.statistics import mean, slope
from suites.performance.stream import Stream, expect, first_data, once

AMOUNT = 20_000
#: Seconds that the long transfers take, and the length of the periods that are compared.
LONG, PERIOD = 6.0, 0.5
#: Octets a second at the bit rate of the radio, and what is given to TCP at once: no radio carries more than that, and
#: a simulated one that carries ten times as much shows nothing else by it.
BIT_RATE, GIVEN = {"ieee802154": 250_000 // 8, "ble": 1_000_000 // 8}, 8192
#: Seconds that a segment lost twice takes: RFC 6298 §2.4, "SHOULD be rounded up to 1 second", and §5.5, "RTO * 2".
PAUSE = 3.0
#: The counter of packets that a node's queue dropped before they were sent.
QUEUE_DROPPED = "queue_dropped"
#: What is counted, and until when: data on its way to the DUT is known to be there once it is acknowledged.
ENDS = {"to-the-dut": "octets that the DUT acknowledged", "from-the-dut": "octets that came to the tester"}
WHOLE = {
    "to-the-dut": "TCP, until the DUT acknowledged the last octet",
    "from-the-dut": "TCP, from the order to send until the last octet came to the tester",
}
WAITS = {"to-the-dut": "the tester's, 1 s", "from-the-dut": "the DUT's"}
DIRECTIONS = pytest.mark.parametrize("direction", ["to-the-dut", "from-the-dut"])


def moved(case: Case, stream: Stream, direction: str, data: bytes, seconds: float = 20.0) -> float | None:
    """Move data one way; seconds until the last octet was acknowledged, None and a finding when that fails."""
    began = case.tester.stamp()
    if direction == "to-the-dut":
        stream.send(data)
        done = stream.run(lambda: not stream.tcp.unacknowledged, seconds)
        took = case.tester.stamp() - began
        arrived = stream.received_at_the_dut()
    else:
        stream.ask(data)
        done = stream.run(lambda: len(stream.tcp.received) >= len(data), seconds)
        took = case.tester.stamp() - began
        arrived = bytes(stream.tcp.received)
    whole = arrived == data
    code = "stalled" if data.startswith(arrived) else "garbled"
    rest = "" if done else f", and the rest not within {seconds:g} s"
    expect(case, whole, code, f"{len(data)} octets as they were sent", f"{len(arrived)} octets arrived{rest}")
    return took if whole else None


@needs("tcp")
@requirement("RFC6282-2-04", "RFC7668-3.2-03")
@DIRECTIONS
def test_one_way(case: Case, direction: str):
    """20 kB in one direction, as `nc` sends a file: they arrive, in order, and only acknowledgements go back."""
    with Stream(case) as stream:
        if stream.open() and (took := moved(case, stream, direction, case.tester.pattern(AMOUNT))):
            case.measure(
                "goodput", "B/s", [AMOUNT / took], method=WHOLE[direction], direction=direction,
                octets=AMOUNT,
            )  # fmt: skip


@needs("tcp")
@requirement("RFC6282-2-04", "RFC7668-3.2-03")
@DIRECTIONS
def test_small_writes(case: Case, direction: str):
    """Forty lines, each written when the one before has arrived: no line waits for the next."""
    with Stream(case) as stream:
        if not stream.open():
            return
        waits = []
        for number in range(40):
            took = moved_more(case, stream, direction, b"line %02d\n" % number)
            if took is None:
                return
            waits.append(1000 * took)
        case.measure(
            "time of a line",
            "ms",
            waits,
            method=WHOLE[direction],
            direction=direction,
            octets=len(b"line 00\n"),
        )


def moved_more(case: Case, stream: Stream, direction: str, line: bytes) -> float | None:
    """One more line on a connection; how long it took, None and a finding when it does not come."""
    began, tcp = case.tester.stamp(), stream.tcp
    if direction == "to-the-dut":
        stream.send(line)
        done = stream.run(lambda: not tcp.unacknowledged, 5.0)
        took = case.tester.stamp() - began
        done = done and stream.received_at_the_dut(len(line)).endswith(line)
    else:
        wanted = len(tcp.received) + len(line)
        stream.ask(line)
        done = stream.run(lambda: len(tcp.received) >= wanted, 5.0) and tcp.received.endswith(line)
        took = case.tester.stamp() - began
    return took if expect(case, done, "stalled", f"{line!r} arrives", "it does not within 5 s") else None


@needs("tcp")
@requirement("RFC6282-2-04", "RFC7668-3.2-03")
def test_both_ways_at_once(case: Case):
    """20 kB up and 20 kB down on one connection: neither starves the other."""
    with Stream(case) as stream:
        if not stream.open():
            return
        up, down, began = case.tester.pattern(AMOUNT), case.tester.pattern(AMOUNT), case.tester.stamp()
        stream.ask(down)
        stream.send(up)
        stream.run(lambda: not stream.tcp.unacknowledged and len(stream.tcp.received) >= AMOUNT, 30.0)
        took = case.tester.stamp() - began
        there, back = stream.received_at_the_dut(), bytes(stream.tcp.received)
        for name, sent, arrived in (("to the DUT", up, there), ("from the DUT", down, back)):
            code = "stalled" if sent.startswith(arrived) else "garbled"
            expect(
                case, arrived == sent, code, f"{AMOUNT} octets {name}", f"{len(arrived)} octets within 30 s"
            )
        if (there, back) == (up, down):
            case.measure(
                "goodput", "B/s", [2 * AMOUNT / took], direction="both", octets=2 * AMOUNT,
                method="TCP, both ways together, until the last octet each way was acknowledged or here",
            )  # fmt: skip


@needs("tcp")
@requirement("RFC6282-2-04", "RFC7668-3.2-03")
@DIRECTIONS
def test_one_lost_segment(case: Case, direction: str):
    """The first segment with data is lost: whoever sent it sends it again (RFC 9293 §3.8.1), and all arrives."""
    loses = once(first_data)
    with Stream(case, there=loses) if direction == "to-the-dut" else Stream(case, back=loses) as stream:
        if not stream.open():
            return
        took = moved(case, stream, direction, case.tester.pattern(4000), seconds=10.0)
        if took is not None:
            case.measure(
                "time with one loss", "s", [took], direction=direction, octets=4000,
                method=f"{WHOLE[direction]}; the timeout that the lost segment waits for is {WAITS[direction]}",
            )  # fmt: skip


@needs("tcp")
@requirement("RFC6282-2-04", "RFC7668-3.2-03")
@DIRECTIONS
def test_goodput_over_time(case: Case, direction: str):
    """Six seconds: goodput by the half second, and whether it falls; a pause longer than two timeouts fails."""
    with Stream(case) as stream:
        if not stream.open():
            return
        began, truly, tcp = case.tester.now(), case.tester.stamp(), stream.tcp
        dropped = queue_dropped(case)
        give, chunk, given = (
            stream.send if direction == "to-the-dut" else stream.ask,
            case.tester.pattern(GIVEN),
            0,
        )

        def waits() -> int:
            return tcp.unacknowledged if direction == "to-the-dut" else given - len(tcp.received)

        while (gone := case.tester.now() - began) < LONG:
            due = given / BIT_RATE[case.tester.kind] - PERIOD
            if waits() < GIVEN and gone >= due:
                give(chunk)
                given += GIVEN
            before = len(tcp.progress), len(tcp.received)
            longest = PERIOD if waits() else min(PERIOD, due - gone)
            stream.run(lambda before=before: (len(tcp.progress), len(tcp.received)) != before, longest)
        before = len(tcp.progress), len(tcp.received)
        goes_on = not waits() or stream.run(
            lambda: (len(tcp.progress), len(tcp.received)) != before, PAUSE + PERIOD
        )
        marks = tcp.progress if direction == "to-the-dut" else stream.came
        rates = [
            n / PERIOD for n in _by_period([(stream.stamps[at] - truly, octets) for at, octets in marks])
        ]
        how = f"TCP, {ENDS[direction]}, in each {PERIOD:g} s, of {BIT_RATE[case.tester.kind]:,} B/s at most"
        case.measure(
            "goodput", "B/s", rates, figure=mean(rates), method=how, direction=direction, period=PERIOD
        )
        rise = slope([(n * PERIOD, rate) for n, rate in enumerate(rates)])
        case.measure(
            "goodput slope", "B/s per s", [rise.value], figure=rise, count=len(rates), direction=direction,
            method="straight line through the goodput of the periods",
        )  # fmt: skip
        # by the clock that stands still while the rig is held up: on a busy machine nothing moves for a while
        periods = _by_period([(at - began, octets) for at, octets in marks])
        pause = PERIOD * max(
            len(list(run)) if not octets else 0 for octets, run in groupby(periods, key=bool)
        )
        case.measure(
            "longest pause", "s", [pause], direction=direction, period=PERIOD,
            method="periods in a row in which nothing moved, on the clock that stands still while the rig is held up",
        )  # fmt: skip
        lost = queue_dropped(case) - dropped
        cause = f"; the DUT's own queue dropped {lost} packets before they left" if lost else ""
        expect(
            case,
            pause <= PAUSE and goes_on,
            "stalled",
            f"no pause of more than {PAUSE:g} s",
            f"one of {pause:g} s{'' if goes_on else ', and nothing more in the end'}{cause}",
        )


def queue_dropped(case: Case) -> int:
    """Packets that the DUT's own queue has dropped so far, where it tells: they were never on the medium."""
    return case.rig.node.counters().get(QUEUE_DROPPED, 0) if case.can("counters") else 0


def _by_period(marks: list[tuple[float, int]]) -> list[int]:
    """Octets in each period, of (time, octets so far)."""
    ends = [0] * (round(LONG / PERIOD) + 1)
    for number in range(1, len(ends)):
        ends[number] = max((octets for at, octets in marks if at <= number * PERIOD), default=0)
    return [after - before for before, after in pairwise(ends)]
