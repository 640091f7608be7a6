"""UDP, which nobody acknowledges: what counts is what the receiver has."""

import pytest

from fixtures.api import Case, needs, requirement
from reports.statistics import proportion
from suites.performance.datagrams import Stream, from_the_dut, to_the_dut
from suites.performance.stream import expect

COUNT = 60
METHOD = "UDP datagrams back to back, counted at the receiver"


@needs("udp")
@requirement("RFC6282-2-04", "RFC7668-3.2-03")
@pytest.mark.parametrize("size", [8, 1000], ids=str)
def test_goodput_to_the_dut(case: Case, size: int):
    """Sixty datagrams back to back, counted at the DUT's application; all that arrive are as they were sent."""
    judged(case, to_the_dut(case, size, COUNT), "to-the-dut", size)


@needs("udp")
@requirement("RFC6282-2-04", "RFC7668-3.2-03")
@pytest.mark.parametrize("size", [8, 1000], ids=str)
def test_goodput_from_the_dut(case: Case, size: int):
    """Sixty datagrams back to back from the DUT's application, counted at the tester."""
    judged(case, from_the_dut(case, size, COUNT), "from-the-dut", size)


def judged(case: Case, stream: Stream, direction: str, size: int) -> None:
    """Loss is a figure and no finding, unless nothing came; a datagram that nobody sent is one."""
    good, others = stream.good, len(stream.arrived) - len(stream.good)
    expect(case, bool(good), "nothing_came", f"{len(stream.sent)} datagrams, or some of them", "none")
    expect(case, not others, "garbled", "datagrams as they were sent", f"{others} others")
    lost, sent = stream.lost, len(stream.sent)
    came = set(good)
    case.measure(
        "loss", "share", [float(data not in came) for data in stream.sent], figure=proportion(lost, sent),
        method=METHOD, direction=direction, size=size,
    )  # fmt: skip
    if stream.took > 0:
        case.measure(
            "goodput", "B/s", [len(came) * size / stream.took],
            method=f"{METHOD}: octets that came, each once, from the first sending to the last arrival",
            direction=direction, size=size, datagrams=sent,
        )  # fmt: skip
