"""What is counted: one packet inside the DUT for one that was sent, one answer to one question, none to a repetition.

RFC 4944 §5 has one packet in an encapsulation, and a fragment that comes twice is no new datagram (§5.3).
"""

from collections import Counter

import pytest

from fixtures.api import (
    ECHO_REPLY,
    Case,
    Seen,
    Stimulus,
    link_info,
    loses_nothing,
    on_link,
    outcome,
    pieces,
    requirement,
    stimulus,
)
from sixlowpan import mac
from sixlowpan.addresses import ALL_NODES

#: More than a DUT sends between two of "every fiftieth".
MANY = 110


def sent_twice(case: Case, heard: list[Seen]) -> list[Seen]:
    """Echo Replies that came more often than once, but for frames that a MAC repeats for want of an acknowledgement."""
    first: dict[bytes, Seen] = {}
    again = []
    for seen in heard:
        if seen.icmp_type != ECHO_REPLY:
            continue
        before = first.setdefault(seen.upper[4:], seen)
        if before is not seen and _numbers(case, before) != _numbers(case, seen):
            again.append(seen)
    return again


def _numbers(case: Case, seen: Seen) -> list[int | None]:
    """The MAC sequence numbers of a packet's frames: a repetition by the MAC has those of the first time."""
    if case.tester.kind == "ble":
        return [len(case.tester.heard), id(seen)]  # L2CAP repeats nothing
    return [mac.parse(frame)[0].sequence for frame in seen.frames]


@requirement("RFC6282-2-04", "RFC4944-5-01", "RFC4944-5.3-13")
@pytest.mark.parametrize("what", ["small", "large", "broadcast"])
def test_once(case: Case, what: str):
    """Every echo is handed on once, and answered once: small ones, such as need fragments, and those to all nodes."""
    loses_nothing(case)
    tester = case.tester
    size, destination = {
        "small": (12, None),
        "large": (150 if tester.kind == "ieee802154" else 600, None),
        "broadcast": (40, ALL_NODES),
    }[what]
    count, step = (MANY, 10) if what == "small" else (30, 3)
    for _ in range(0, count, step):
        stimuli = [stimulus(case, tester.echo(size, destination=destination)) for _ in range(step)]
        before = len(tester.heard)
        packets, _ = outcome(case, stimuli)
        for packet, times in Counter(packets).items() if case.dut.has_tap else ():
            case.expect(
                times == 1,
                "delivered_twice",
                "one packet for one that was sent",
                f"{times}: {packet.hex(' ')}",
            )
        for seen in sent_twice(case, tester.heard[before:]):
            case.finding(
                "answered_twice",
                "one answer to one Echo Request",
                f"another one with the same data: {seen.upper[4:24].hex(' ')}",
                frame=seen.frames[0],
            )
        if case.result.findings:
            return


@on_link("ieee802154")
@requirement("RFC4944-5.3-24", "RFC4944-5.3-20")
@pytest.mark.parametrize("which", [0, 1, -1], ids=["first", "middle", "last"])
def test_late_duplicate(case: Case, which: int):
    """A fragment of a datagram that was complete comes once more, alone: nothing comes of it (§5.3)."""
    loses_nothing(case)
    tester = case.tester
    for _ in range(3):
        packet, parts = pieces(case, 160, 48)
        info = link_info(case, packet)
        if not case.takes(
            lambda parts=parts, packet=packet, info=info: Stimulus(parts, packet, info, "fragments")
        ):
            case.unsupported("the DUT takes no datagram in four fragments")
        before = len(tester.heard)
        packets, _ = outcome(case, [Stimulus([parts[which]], None, info, "a fragment of it again")])
        again = [seen for seen in tester.heard[before:] if seen.upper[4:] == packet[44:]]
        case.expect(
            not again and packet not in packets,
            "delivered_twice",
            "nothing comes of a late duplicate of one fragment",
            "the datagram was handed on once more",
            frame=case.evidence.frame_of(parts[which]),
        )
