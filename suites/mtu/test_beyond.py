"""Sizes beyond the MTU of 1280 octets: what a node makes of them, and that it keeps to the MTU itself."""

import pytest

from fixtures.api import ECHO_REPLY, Case, complete, cut, joined, requirement
from sixlowpan import ipv6
from suites.performance.stream import expect

MTU = 1280
#: Octets of echo data. With 1452 a packet has 1500 octets, which every IPv6 node takes in fragments (RFC 8200 §5).
BEYOND = (1233, 1452, 1960)
RULE = {"ieee802154": "RFC4944-4-01", "ble": "RFC7668-2.4-01"}


def answer(case: Case, request: bytes, before: int) -> tuple[bytes, list[bytes]]:
    """(message, packets) of the answer, whole or in IPv6 fragments, among what was heard; empty where none came."""
    parts = dict[bytes, list[bytes]]()
    for seen in case.tester.heard[before:]:
        if seen.view is None or seen.view.dst != request[8:24]:
            continue
        if seen.view.next_header == ipv6.FRAGMENT:
            mine = parts.setdefault(seen.packet[44:48], [])
            mine.append(seen.packet)
            if complete(mine) and _answers(message := joined(mine), request):
                return message, mine
        elif _answers(seen.upper, request):
            return seen.upper, [seen.packet]
    return b"", []


def _answers(message: bytes, request: bytes) -> bool:
    return message[:1] == bytes([ECHO_REPLY]) and message[4:8] == request[44:48]


@requirement(*RULE.values(), "RFC6282-2-04", "RFC7668-3.2-03")
@pytest.mark.parametrize("how", ["in_one_packet", "in_ipv6_fragments"])
def test_beyond_the_mtu(case: Case, how: str):
    """Echoes of more than 1280 octets: which of them are answered is a figure. An answer has the data that was sent
    (RFC 4443 §4.2) and goes in packets of 1280 octets at most, in IPv6 fragments where it is larger (RFC 8200 §4.5).
    """
    if how == "in_one_packet" and case.tester.kind == "ble":
        case.unsupported(
            "an SDU beyond the MTU of the channel ends it (Core Vol 3 Part A §3.4.3)", "not_on_this_link"
        )
    works = []
    for size in BEYOND:
        for _ in range(case.rig.file.attempts):
            request = case.tester.echo(size)
            parts = (
                [request] if how == "in_one_packet" else cut(request, MTU, case.tester.random.getrandbits(32))
            )
            before = len(case.tester.heard)
            for part in parts:
                case.tester.send_packet(part)
            case.control()  # its answer comes behind that
            case.tester.listen(case.settle)
            message, packets = answer(case, request, before)
            if message:
                break
        case.recording.borne(understood=bool(message))
        if not message:
            continue
        longest = max(map(len, packets))
        case.expect(
            longest <= MTU, "beyond_mtu", f"packets of {MTU} octets at most", f"{longest} octets",
            requirement=RULE[case.tester.kind],
        )  # fmt: skip
        same = message[4:] == request[44:]
        expect(
            case,
            same,
            "garbled",
            f"the {size} octets of data that were sent",
            f"{len(message) - 8} octets, others",
        )
        works += [float(size)] * same
    case.measure(
        "size beyond the MTU that works", "B", works, figure=None, how=how, sizes=list(BEYOND),
        method="ICMPv6 echoes larger than the MTU",
    )  # fmt: skip
