"""Loss of frames and of datagrams, and what it hangs on: the field report's "packet loss seems bad, super bad"."""

from statistics import median
from typing import Any

import pytest

from fixtures.api import Case, advice, needs, requirement
from reports.statistics import Estimate, against_law, bursts, datagram_loss, proportion, slope
from suites.performance.datagrams import from_the_dut, to_the_dut
from suites.performance.echoes import METHOD, SURE, Fate, answered, answers_twice, regular, sent_one_by_one
from suites.performance.stream import expect

SMALL, LARGE = 8, 600
COUNT, LARGE_COUNT = 600, 100
#: An answer to a small echo that is not here after so many times what settles a silence is lost.
LATE = 4
SOAK_MINUTES = 30
LINE = "straight line through the values, over the time of sending"
BY_MINUTE = "sixty Echo Requests with 56 octets a minute, one after the other: their loss, and their median"


def told(case: Case, fates: list[Fate], **parameters: Any) -> list[bool]:
    """Record the share that is lost, with its Wilson interval, and how the losses stand together."""
    lost = [fate.trip is None for fate in fates]
    case.measure(
        "loss", "share", [float(is_lost) for is_lost in lost],
        figure=proportion(sum(lost), len(lost)), method=f"{METHOD}; lost: no answer in time", **parameters,
    )  # fmt: skip
    if any(lost):
        case.measure(
            "losses in a row", "count", bursts(lost).lengths, figure=None, method=METHOD, **parameters
        )
    return lost


def keeps_count(case: Case) -> bool:
    """Whether a second answer is the DUT's: the medium neither doubles frames nor has radios that repeat them."""
    air = case.rig.file.air
    doubles = air is not None and (air.duplication or air.to_dut.duplication or air.from_dut.duplication)
    return case.rig.file.attempts == 1 and not doubles


@requirement("RFC6282-2-04", "RFC7668-3.2-03")
def test_frames_and_datagrams(case: Case):
    """Small echoes and large ones by turns: large ones are lost as their frames explain, 1-(1-p)^n, and no more."""
    before = len(case.tester.heard)
    small, large = [], []
    turns = LARGE_COUNT // 10
    for _ in range(turns):
        small += sent_one_by_one(case, SMALL, COUNT // turns, wait=case.settle * LATE, part=0.5 / turns)
        large += sent_one_by_one(case, LARGE, LARGE_COUNT // turns, part=0.5 / turns)
        if all(fate.trip is None for fate in small[-(COUNT // turns) :]):
            case.lives()  # who died is not asked hundreds of times more
    few, many = told(case, small, size=SMALL), told(case, large, size=LARGE)
    twice = answers_twice(case, before)
    case.measure(
        "second answers", "count", [twice], echoes=len(few + many),
        method="Echo Replies that had come before, whatever else came between",
    )  # fmt: skip
    # an exchange of small echoes is two frames, so a large one counts as the exchanges that its frames would make
    law = against_law(sum(many), len(many), large[0].frames, sum(few), len(few))
    by_law = Estimate(*(datagram_loss(p, large[0].frames) for p in proportion(sum(few), len(few))))
    case.measure(
        "expected loss", "share", [law.expected], figure=by_law, count=len(few), size=LARGE, frames=large[0].frames,
        method=f"1-(1-p)^n, p the loss of exchanges with {SMALL} octets",
    )  # fmt: skip
    with advice(case):  # an IPv6 packet may be lost (RFC 8200); why a node loses some is worth a word
        expect(
            case, not law.worse(SURE) or (bursts(few + many).bursty and sum(few) > 0), "worse_than_its_frames",
            f"{100 * law.expected:.1f} % of echoes in {large[0].frames} frames are lost, as single frames are",
            f"{sum(many)} of {len(many)} are: reassembly loses what the medium did not",
        )  # fmt: skip
        expect(
            case,
            not twice or not keeps_count(case),
            "second_answer",
            "one answer to each echo",
            f"{twice} of {len(few + many)} came again",
        )


@requirement("RFC6282-2-04", "RFC7668-3.2-03")
def test_over_time(case: Case):
    """Round trips and losses in the order of sending: whether the DUT gets worse the longer it is used."""
    fates = sent_one_by_one(case, 56, 200, part=1.0)
    lost = told(case, fates, size=56)
    points = [(fate.sent - fates[0].sent, 1000 * fate.trip) for fate in fates if fate.trip is not None]
    if len(points) < 20:
        return
    trips = answered(fates)
    case.measure("round trip", "ms", trips, method=METHOD, size=56)
    rise = slope(points)
    case.measure(
        "round trip slope", "ms per s", [rise.value], figure=rise, count=len(points), size=56, method=LINE
    )
    # the least of each quarter: what the DUT adds to every echo is in it, and what a busy machine adds to some is not
    early, late = min(trips[: len(trips) // 4]), min(trips[-(len(trips) // 4) :])
    with advice(case):
        expect(
            case,
            not (rise.low > 0 and late > 1.5 * early and late - early > 2.0),
            "slows_down",
            "the last echoes take as long as the first",
            f"{early:.1f} ms at least in the first quarter, {late:.1f} ms in the last, {points[-1][0]:.1f} s later",
        )
        every = regular(lost)
        expect(
            case,
            not every,
            "lost_regularly",
            "losses come by chance",
            f"with one of {every} a loss begins, each time after as many",
        )
        usual = sorted(trips)[len(trips) // 2] / 1000
        stalls = regular(
            [fate.trip is not None and fate.trip > max(10 * usual, usual + 0.05) for fate in fates]
        )
        expect(
            case,
            not stalls,
            "stalls_regularly",
            "echoes that take ten times as long as the others come by chance",
            f"one of {stalls} does, each time after as many",
        )


@needs("udp")
@requirement("RFC6282-2-04", "RFC7668-3.2-03")
def test_by_direction(case: Case):
    """Datagrams to the DUT and from it, as many of the same size: what is lost one way only has no cause on the air."""
    shares, apart = {}, max(0.02, case.tester.slowest)  # a slow DUT drops what comes faster than it answers
    for direction, send in (("to-the-dut", to_the_dut), ("from-the-dut", from_the_dut)):
        stream = send(case, 100, 60, pause=apart)
        lost = stream.lost
        shares[direction] = proportion(lost, len(stream.sent))
        case.measure(
            "loss", "share", [float(data not in stream.good) for data in stream.sent], figure=shares[direction],
            method="UDP datagrams, each 20 ms or the slowest answer after the last one",
            direction=direction, size=100,
        )  # fmt: skip
    there, back = shares["to-the-dut"], shares["from-the-dut"]
    with advice(case):
        expect(
            case, not (there.low > 2 * back.high or back.low > 2 * there.high), "one_way",
            "as many are lost one way as the other",
            f"{100 * there.value:.0f} % to the DUT, {100 * back.value:.0f} % from it",
        )  # fmt: skip


@pytest.mark.soak
@requirement("RFC6282-2-04", "RFC7668-3.2-03")
def test_soak(case: Case):
    """Thirty minutes, an echo a second: loss and the median round trip of each minute, and their slopes."""
    fates: list[Fate] = []
    points: dict[str, list[tuple[float, float]]] = {"loss": [], "round trip": []}
    with (
        case.series("loss by minute", "share", figure=None, method=BY_MINUTE) as losses,
        case.series("round trip by minute", "ms", figure=None, method=BY_MINUTE) as medians,
    ):
        for _ in range(SOAK_MINUTES):
            minute = sent_one_by_one(case, 56, 60, pause=1.0, part=1 / SOAK_MINUTES)
            fates += minute
            at, trips = minute[0].sent - fates[0].sent, answered(minute)
            lost = 1 - len(trips) / len(minute)
            losses.append(lost)
            medians.append(median(trips) if trips else None)
            points["loss"].append((at, lost))
            points["round trip"] += [(at, median(trips))] if trips else []
    told(case, fates, size=56)
    for name, unit in (("loss", "share per s"), ("round trip", "ms per s")):
        if len(points[name]) >= 3:
            rise = slope(points[name])
            case.measure(
                f"{name} slope",
                unit,
                [rise.value],
                figure=rise,
                count=len(points[name]),
                method=f"{LINE} of the minutes",
            )
