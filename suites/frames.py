"""Whole frames as stimuli: those that must be heeded, and those that are heeded rightly or not at all.

Strategy: frames go out back to back with one control behind them, and what came of them is told by their packets: on
the IP tap, or by the answers. One of which nothing came is tried again alone, lest it was lost in the crowd.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from fixtures.judging.case import Case
from fixtures.judging.recording import ADVICE
from rigs.tester.packets import Stimulus
from sixlowpan import ipv6
from suites.adversary import BATCH, frame_of, outcome

#: So many frames of one case are tried again alone.
AGAIN = 8

Frame = Callable[[], Stimulus]


@contextmanager
def advice(case: Case) -> Iterator[None]:
    """What is found meanwhile is advice: IEEE 802.15.4 or IPv6 says so, and no 6LoWPAN text does."""
    before = len(case.result.findings)
    yield
    for finding in case.result.findings[before:]:
        finding.level = ADVICE


def heeded(case: Case, makes: Sequence[tuple[str, Frame]], *, code: str = "dropped") -> None:
    """Something comes of every frame, and it is the frame's packet; each is named with the requirement of its form."""
    again = 0
    for start in range(0, len(makes), BATCH):
        batch = [(requirement, make, make()) for requirement, make in makes[start : start + BATCH]]
        lost = nothing_came(case, [stimulus for _, _, stimulus in batch])
        for requirement, make, stimulus in batch:
            if stimulus not in lost or again >= AGAIN:
                continue
            again += 1
            for _ in range(2 * case.rig.file.attempts - 1):
                alone = make()
                if not nothing_came(case, [alone]):
                    break
            else:
                _dropped(case, alone, code, requirement)


def _dropped(case: Case, stimulus: Stimulus, code: str, requirement: str) -> None:
    frame = frame_of(case, stimulus)
    wanted, got = (
        f"understood: {stimulus.note}",
        "nothing came out, and a control sent behind it was answered",
    )
    case.finding(code, wanted, got, requirement=requirement, frame=frame)


def nothing_came(
    case: Case, stimuli: Sequence[Stimulus], *, requirement: str | None = None
) -> list[Stimulus]:
    """Send stimuli back to back; those of which nothing came. What came and was not sent is a finding (`misread`)."""
    packets, answers = outcome(case, stimuli)
    sent = [stimulus.packet for stimulus in stimuli]
    for packet in packets if case.rig.node.tap is not None else ():
        if packet not in sent:
            wanted = "the packets that were sent, or nothing"
            case.finding("misread", wanted, packet.hex(" "), requirement=requirement)
    answered = {answer.upper[4:] for answer in answers}
    for answer in answers:
        if case.tester.asked_by(answer) is None:
            got = f"an Echo Reply with {answer.upper[4:44].hex(' ')}"
            case.finding("misread", "answers with the data of the requests", got, requirement=requirement)
    return [
        stimulus
        for stimulus in stimuli
        if stimulus.packet is not None
        and stimulus.packet not in packets
        and _message(stimulus.packet)[4:] not in answered
    ]


def _message(packet: bytes) -> bytes:
    return ipv6.Packet.parse(packet).upper()[2]
