"""How much goes through of what is offered: UDP from a trickle to more than the medium carries, and where it bends."""

import pytest

from fixtures.api import Case, needs, requirement
from reports.statistics import knee
from suites.performance.datagrams import Stream, from_the_dut, to_the_dut
from suites.performance.stream import expect

SIZE, SECONDS = 500, 0.6
#: Offered loads in octets a second: below and above what IEEE 802.15.4 (18 kB/s) and a slow LE connection carry.
LOADS = (2_000, 4_000, 6_000, 9_000, 12_000, 16_000, 24_000, 40_000)
#: The share of what is offered beyond a knee that may still arrive.
FLAT = 0.5
WAYS = {"to-the-dut": to_the_dut, "from-the-dut": from_the_dut}


def sent_at(case: Case, direction: str, load: int) -> Stream:
    """Datagrams at a steady rate for a while, four at least."""
    count = max(4, round(load * SECONDS / SIZE))
    return WAYS[direction](case, SIZE, count, pause=SIZE / load)


@pytest.mark.soak
@needs("udp")
@requirement("RFC6282-2-04", "RFC7668-3.2-03")
@pytest.mark.parametrize("direction", WAYS)
def test_offered_load(case: Case, direction: str):
    """Goodput at the receiver for eight offered loads; the load from which on more is not carried is told."""
    points = []
    for load in LOADS:
        stream = sent_at(case, direction, load)
        octets = SIZE * len(set(stream.good))
        # what was offered, not what was meant: a busy machine sends later than it should
        offered = SIZE * len(stream.sent) / stream.sending if stream.sending > 0 else float(load)
        # what had to be waited for behind the last sending counts: a queue that drains late carries no more
        goodput = octets / max(stream.took, stream.sending) if stream.sending > 0 else 0.0
        points.append((offered, goodput))
        case.measure(
            "goodput",
            "B/s",
            [goodput],
            method="UDP datagrams at a steady rate, counted at the receiver",
            direction=direction,
            load=load,
        )
        case.measure(
            "offered load", "B/s", [offered], method="datagrams as they were sent: a busy machine sends later",
            direction=direction, load=load,
        )  # fmt: skip
    expect(case, any(rate for _, rate in points), "nothing_came", "datagrams, or some of them", "none")
    found = knee(points)
    if found is None or found.beyond > FLAT:  # behind a knee more is offered, and little more comes
        case.note(
            f"no knee up to {LOADS[-1]} B/s: goodput follows the offered load, or bends nowhere for sure"
        )
        return
    case.measure(
        "knee", "B/s", [found.load.value], figure=found.load, count=len(points), direction=direction,
        method="broken line through the goodput of eight offered loads",
    )  # fmt: skip
    case.note(
        f"{100 * found.carried:.0f} % of a load below the knee arrives, and {100 * found.beyond:.0f} % of what is more"
    )
