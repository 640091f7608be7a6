"""UDP, which nobody acknowledges: what counts is what the receiver has."""

import pytest

from fixtures.api import UDP, Case, Seen, needs, requirement
from reports.statistics import wilson
from sixlowpan import ipv6
from suites.performance.stream import expect

HERE, THERE = 0xF0B3, 0xF0B4
COUNT = 60


def numbered(case: Case, number: int, size: int) -> bytes:
    """Data that says which datagram of the case it is."""
    return number.to_bytes(2) + case.tester.pattern(size - 2)


@needs("udp")
@requirement("RFC6282-2-04", "RFC7668-3.2-03")
@pytest.mark.parametrize("size", [8, 1000], ids=str)
def test_goodput_to_the_dut(case: Case, size: int):
    """Sixty datagrams back to back, counted at the DUT's application; all that arrive are as they were sent."""
    tester, node = case.tester, case.rig.node
    source, there = tester.identity.address, tester.dut_address
    node.udp_open(THERE)
    while node.udp_receive(THERE, tester.now()) is not None:
        pass
    sent, began = [numbered(case, n, size) for n in range(COUNT)], tester.stamp()
    for data in sent:
        message = ipv6.udp(HERE, THERE, data, source, there)
        tester.send_packet(ipv6.build(source, there, UDP, message))
    arrived, last = [], began
    while len(arrived) < COUNT and (got := node.udp_receive(THERE, tester.now() + case.timeout)) is not None:
        arrived.append(got[2])
        last = tester.stamp()
    judged(case, sent, arrived, last - began, "to-the-dut", size)


@needs("udp")
@requirement("RFC6282-2-04", "RFC7668-3.2-03")
@pytest.mark.parametrize("size", [8, 1000], ids=str)
def test_goodput_from_the_dut(case: Case, size: int):
    """Sixty datagrams back to back from the DUT's application, counted at the tester."""
    tester, node = case.tester, case.rig.node
    there = tester.identity.address
    sent, began = [numbered(case, n, size) for n in range(COUNT)], tester.stamp()
    for data in sent:
        node.udp_send(there, HERE, THERE, data)
    arrived, last = [], began
    while len(arrived) < COUNT and (seen := tester.hear(tester.now() + case.timeout)) is not None:
        if _ours(seen):
            arrived.append(seen.upper[8:])
            last = tester.stamp()
    judged(case, sent, arrived, last - began, "from-the-dut", size)


def _ours(seen: Seen) -> bool:
    return seen.view is not None and seen.view.upper()[0] == UDP and seen.upper[2:4] == THERE.to_bytes(2)


def judged(
    case: Case, sent: list[bytes], arrived: list[bytes], took: float, direction: str, size: int
) -> None:
    """Loss is a figure and no finding, unless nothing came; a datagram that nobody sent is one."""
    good = [data for data in arrived if data in sent]
    expect(case, bool(good), "nothing_came", f"{len(sent)} datagrams, or some of them", "none")
    expect(
        case,
        len(good) == len(arrived),
        "garbled",
        "datagrams as they were sent",
        f"{len(arrived) - len(good)} others",
    )
    lost = len(sent) - len(set(good))
    case.measure(
        "loss", "share", [lost / len(sent), *wilson(lost, len(sent))], direction=direction, size=size
    )
    if took > 0:
        case.measure("goodput", "B/s", [len(good) * size / took], direction=direction, size=size)
