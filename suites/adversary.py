"""What the adversary's cases share: many stimuli in one go, whole frames, and verdicts between right and ignored.

Strategy: a stimulus that no text tells a receiver to take is judged by two rules only. The DUT lives on, and
whatever comes of it is what the octets say (`right_or_nothing`), or, where they say nothing, nothing
(`nothing_of`). Stimuli are sent back to back with one control behind them; what came of a batch is traced to the one
that did it by its data, or by sending each again alone, so that the finding shows its frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from fixtures.judging.case import Case, Inconclusive, Make, Observation, describe
from fixtures.judging.observation import shown as told
from fixtures.judging.plausibility import without_extensions
from fixtures.stimuli.addressed import addressed
from fixtures.stimuli.packets import link_info
from fixtures.stimuli.predecessors import is_about, is_of_fragments, poisoned
from rigs.tester.packets import ECHO_REPLY, NEIGHBOR_ADVERTISEMENT, Seen, Stimulus
from sixlowpan import fragment, fragment_header_n, ipv6

#: Octets of echo data whose packet has the size of the MTU (RFC 4944 §4: 1280).
FULL = 1280 - 48
BATCH = 64
#: Small echoes that a medium must carry without a loss, that the loss of all full-size ones is not its doing.
LOSSLESS = 20
#: ICMPv6 errors, RFC 4443 §2.1: destination unreachable, packet too big, time exceeded, parameter problem.
ERRORS = frozenset({1, 2, 3, 4})


def declares(case: Case, feature: str) -> bool:
    """Whether the profile says that the DUT has an optional part (`rigs.configuration.models.FEATURES`)."""
    return case.declares(feature)


def right_or_nothing(
    case: Case, make: Make, *, feature: str = "", requirement: str | None = None
) -> Observation | None:
    """The stimulus is understood or ignored, never misread; understood it must be by a DUT that declares `feature`.

    A case in which all was ignored is `harmless`, not green.
    """
    if feature and declares(case, feature):
        case.borne(understood=True)
        return case.understood(make, requirement=requirement)
    observation = case.survives(make)
    packet = observation.stimulus.packet
    frame = observation.frames[0] if observation.frames else b""
    for got in observation.tapped:
        if got != packet:
            _misread(case, packet, shown(got), requirement, frame)
    for seen in observation.others:
        if packet is not None and not _tells(seen, packet):
            _misread(case, packet, describe(seen), requirement, frame)
    case.borne(understood=bool(observation.tapped or observation.others))
    return observation


def _tells(seen: Seen, packet: bytes) -> bool:
    """Whether an answer may be one to this packet: its data, or as much of it as an ICMPv6 error quotes."""
    if seen.icmp_type == ECHO_REPLY:
        return seen.upper[4:] == _message(packet)[4:]
    quote = quoted(seen)
    return quote is None or packet.startswith(quote) or quote.startswith(packet)


def quoted(seen: Seen) -> bytes | None:
    """What an ICMPv6 error says of the packet that it is about (RFC 4443 §2.4 c); None when it is no error."""
    return seen.upper[8:] if seen.icmp_type in ERRORS else None


def patched(case: Case, observation: Observation, *fine: bytes) -> list[str]:
    """What came of fragments that contradict each other and is none of these packets, in words."""
    made = [shown(packet) for packet in observation.tapped if packet not in fine]
    answers = [seen for seen in observation.others if not any(_tells(seen, packet) for packet in fine)]
    return made + [f"{describe(seen)}, data {shown(seen.upper[8:])}" for seen in answers]


def shown(octets: bytes) -> str:
    """Octets for people: all of them, or the beginning and how many there are."""
    return octets.hex(" ") if len(octets) <= 96 else f"{octets[:80].hex(' ')} ... ({len(octets)} octets)"


def _misread(case: Case, packet: bytes | None, got: str, requirement: str | None, frame: bytes) -> None:
    wanted = "nothing" if packet is None else f"{shown(packet)}, or nothing"
    case.finding("misread", wanted, got, requirement=requirement, frame=frame)


def _message(packet: bytes) -> bytes:
    return ipv6.Packet.parse(packet).upper()[2]


def whole(case: Case, *frames: bytes, packet: bytes | None = None, note: str = "") -> Stimulus:
    """A stimulus of whole frames: for cases about the MAC header."""
    return Stimulus((), packet, case.tester.info(), note, frames)


def interrupted(case: Case, made: Stimulus, index: int, *frames: bytes) -> Stimulus:
    """The same stimulus, with frames of somebody else in front of its payload at `index`."""
    own = [case.tester.air.frame(payload, made.info) for payload in made.payloads]
    return replace(made, frames=[*own[:index], *frames, *own[index:]])


def outcome(case: Case, stimuli: Sequence[Stimulus]) -> tuple[list[bytes], list[Seen]]:
    """Send stimuli back to back; the packets that came of them, and the Echo Replies that are no control's.

    Without an IP tap the packets are those that ICMPv6 errors quote.
    """
    before = len(case.tester.heard)
    packets = [p for p in case.tapped_behind(stimuli) if p not in case.tester.ordinary]
    _take_in(case, before)
    if case.rig.node.tap is None:
        errors = (seen for seen in case.tester.heard[before:] if not is_about(seen, case.tester.ordinary))
        packets = [quote for quote in map(quoted, errors) if quote is not None]
    case.result.observed_by = "tap" if case.rig.node.tap is not None else "wire"
    answers = _answers(case, before)
    if case.rig.node.tap is None:
        case.count_answers(len(packets) + len(answers))
    return packets, answers


def unanswered(case: Case, stimuli: Sequence[Stimulus], few: int) -> None:
    """No stimulus draws an Echo Reply. A few at a time are sent in front of a control, lest a death be anybody's."""
    before = len(case.tester.heard)
    for start in range(0, len(stimuli), few):
        case.tapped_behind(poisoned(case.tester, stimuli[start : start + few]))
    _take_in(case, before)
    answers = _answers(case, before)
    case.count_answers(len(answers))
    case.expect(not answers, "answered", "no answer", f"{len(answers)} Echo Replies")


def advertises(case: Case) -> bool:
    """Whether a right Neighbor Solicitation is answered: without that, silence to a wrong one says nothing."""
    for _ in range(case.rig.file.attempts):
        case.tester.solicit()
        deadline = case.tester.now() + case.timeout
        while (seen := case.tester.hear(deadline)) is not None:
            if is_solicited(seen):
                return True
    return False


def is_solicited(seen: Seen) -> bool:
    """Whether it is an advertisement that answers a solicitation (S flag: RFC 4861 §4.4); others come unasked."""
    return seen.icmp_type == NEIGHBOR_ADVERTISEMENT and bool(seen.upper[4] & 0x40)


def _answers(case: Case, before: int) -> list[Seen]:
    """The Echo Replies heard since that are no control's."""
    return [
        seen
        for seen in case.tester.heard[before:]
        if seen.icmp_type == ECHO_REPLY and not seen.stale and seen.upper[4:8] not in case.tester.control_ids
    ]


def _take_in(case: Case, before: int) -> None:
    """Wait for the answer to the last control, and behind it as long as any answer may be late.

    A DUT that has to ask for the link address of whoever it answers does so behind that control.
    """
    tester = case.tester
    wanted = _message(tester.last_control)[4:8]
    if all(seen.upper[4:8] != wanted for seen in tester.heard[before:]):
        tester.reply_to(tester.last_control, tester.now() + case.timeout)
    pause(case, case.settle)


def nothing_of(
    case: Case,
    stimuli: Sequence[Stimulus],
    *,
    code: str = "accepted",
    requirement: str | None = None,
    allowed: Callable[[Stimulus], bytes | None] = lambda _stimulus: None,
    at_once: bool = False,
) -> None:
    """Nothing comes of any stimulus but the packet that is `allowed` for it; a finding for the first that is not so.

    A packet that is allowed is still never answered (code `answered`): its checksum cannot hold. `at_once`: fragments
    that are sent without a wait for the DUT's only place, and without a packet in front of each.
    """
    stimuli = [addressed(case.tester, stimulus) for stimulus in stimuli]  # `allowed` reads what is sent
    for batch in _batches(case, stimuli, at_once):
        if not at_once:
            batch = poisoned(case.tester, batch)
        wrong = _wrong(case, batch, allowed)
        if not wrong and not any(map(is_of_fragments, batch)):
            batch = [replace(made, before=None) for made in batch]
            wrong = _wrong(case, batch, allowed)
        if wrong:
            _accepted(case, *_guilty(case, batch, wrong, allowed), code, requirement)


def _guilty(
    case: Case, batch: Sequence[Stimulus], wrong: Came, allowed: Callable[[Stimulus], bytes | None]
) -> tuple[Stimulus, str]:
    """The stimulus of a batch that something came of, by the end of its data, or else by sending each again alone."""
    of = (
        [made for made in batch if any(wrong.end in payload for payload in made.payloads)]
        if wrong.end
        else []
    )
    if len(batch) == 1 or len(of) == 1:
        return (of or batch)[0], wrong.words
    for made in batch:
        if alone := _wrong(case, [made], allowed):
            return made, alone.words
    return batch[0], f"(or one of {len(batch) - 1} behind it; not when alone) {wrong.words}"


def _batches(case: Case, stimuli: Sequence[Stimulus], at_once: bool) -> Iterator[Sequence[Stimulus]]:
    """Many stimuli in one go; fragments one by one where the first of a batch keeps the only place by right."""
    alone = (
        any(map(is_of_fragments, stimuli))
        and not at_once
        and case.rig.profile.parameters.reassembly_slots == 1
    )
    step = 1 if alone else BATCH
    for start in range(0, len(stimuli), step):
        if alone:
            case.outwait_fragments()
        yield stimuli[start : start + step]


class Came(NamedTuple):
    """What came of stimuli and must not: in words, and the last eight octets of its data."""

    words: str
    end: bytes


def _wrong(
    case: Case, stimuli: Sequence[Stimulus], allowed: Callable[[Stimulus], bytes | None]
) -> Came | None:
    """The first of what came of stimuli that must not come; None when nothing did."""
    packets, answers = outcome(case, stimuli)
    fine = {allowed(stimulus) for stimulus in stimuli}
    if (
        case.rig.node.tap is None
    ):  # an error need not quote all, and where one quotes more it is not about this
        fine |= {without_extensions(packet) for packet in fine if packet}
        fine |= {p for p in packets if any(f and (f.startswith(p) or p.startswith(f)) for f in fine)}
    made = [Came(f"a packet: {shown(packet)}", packet[-8:]) for packet in packets if packet not in fine]
    made += [Came(f"an answer: {describe(answer)}", answer.upper[-8:]) for answer in answers]
    return made[0] if made else None


def _accepted(case: Case, stimulus: Stimulus, got: str, code: str, requirement: str | None) -> None:
    frame = frame_of(case, stimulus)
    # with a tap an answer without a packet is one to a packet that was allowed: another fault than taking the frame
    answered = "an answer" in got and case.rig.node.tap is not None
    case.finding(
        "answered" if answered else code,
        "nothing comes of it",
        f"{stimulus.note}: {got}",
        requirement=requirement,
        frame=frame,
    )
    if len(case.result.findings) == 1:
        case.result.stimulus = told(stimulus)


def frame_of(case: Case, stimulus: Stimulus) -> bytes:
    """The first frame of a stimulus that was sent."""
    return stimulus.frames[0] if stimulus.frames else case.evidence.frame_of(stimulus.payloads[0])


def balanced(case: Case, size: int) -> bytes:
    """Echo data of which every aligned 4 octets add nothing to the Internet checksum.

    With octets of it missing, zero, old, or patched from another such packet, the checksum holds all the same: a DUT
    that makes a packet of that answers it, and shows so without an IP tap.
    """
    words = (case.tester.pattern(2) for _ in range(0, size, 4))
    return b"".join(word + bytes(octet ^ 0xFF for octet in word) for word in words)[:size]


def pieces(
    case: Case, size: int = 200, step: int = 64, tag: int | None = None, *, data: bytes | None = None
) -> tuple[bytes, list[bytes]]:
    """A fragmented Echo Request: the packet, and payloads that each carry `step` octets of it or so."""
    packet = case.tester.echo(size, data=data)
    tag = case.tester.next_tag() if tag is None else tag
    return packet, fragment(packet, link_info(case, packet), case.tester.contexts, mtu=step + 5, tag=tag)


def the_rest(case: Case, packet: bytes, parts: list[bytes], gap: int) -> Make:
    """What completes a datagram whose first `gap` fragments were sent; tried again, all, a small echo in the gap."""
    tries = iter([parts[gap:]])

    def make() -> Stimulus:
        small = tester.echo(8)
        tester.ordinary.add(small)
        tester.control_ids.add(_message(small)[4:8])
        between = tester.payloads(small)
        sent = next(tries, [*parts[:gap], *between, *parts[gap:]])
        return Stimulus(sent, packet, link_info(case, packet), "the rest of the fragmented echo")

    tester = case.tester
    return make


def silent_each_time(case: Case, make: Make) -> None:
    """As `case.silent`, and where the medium loses frames something must come of it as often as it is tried.

    For what is right when one fragment of it is lost: a breach on a medium that loses none.
    """
    for _ in range(case.rig.file.attempts):
        case.result.findings.clear()
        case.result.expected = case.result.actual = ""
        case.silent(make)
        if not case.result.findings:
            return


def head(payload: bytes) -> tuple[int, int]:
    """(datagram_size, datagram_tag) of a fragment (RFC 4944 §5.3)."""
    return int.from_bytes(payload[:2]) & 0x7FF, int.from_bytes(payload[2:4])


def piece(like: bytes, offset: int, octets: bytes) -> bytes:
    """A FRAGN of the same datagram as `like`, with `octets` at `offset` (in units of 8 octets)."""
    return fragment_header_n(*head(like), offset) + octets


def full_size(case: Case) -> bool:
    """Whether an echo that fills the MTU is answered with its own data; where frames are lost, one of some."""
    return any(_full_size(case) for _ in range(case.rig.file.attempts))


def _full_size(case: Case) -> bool:
    tester = case.tester
    request = tester.echo(FULL)
    tester.control_ids.add(_message(request)[4:8])
    tester.send_packet(request)
    reply = tester.reply_to(request, tester.now() + case.timeout)
    return reply is not None and reply.upper[4:] == _message(request)[4:]


def loses_nothing(case: Case) -> None:
    """For cases in which a lost fragment looks like a fault: only on a medium that loses none."""
    if case.rig.file.attempts > 1:
        case.unsupported(
            "the medium loses frames, and what is left of a datagram stays by right", "not_on_this_rig"
        )


def pause(case: Case, seconds: float) -> None:
    """Listen for a while, on the link's clock: on a virtual one it costs nothing."""
    case.tester.listen(seconds)


def recovers(case: Case, requirement: str = "RFC4944-5.3-28") -> None:
    """A full-size echo is answered now, or at the first try once every reassembly timer has run out (§5.3: 60 s).

    The wait separates what leaks from what is held by right, and is spent only on a DUT that is jammed.
    """
    attempts = case.rig.file.attempts
    tries = range(1 if attempts == 1 else 2 * attempts)
    if case.tester.kind == "ble" or any(full_size(case) for _ in tries):
        return
    case.outwait_all()
    if any(full_size(case) for _ in tries):
        return
    if attempts > 1 and not all(case.control() for _ in range(LOSSLESS)):
        raise Inconclusive("no full-size echo is answered, but the medium loses small ones as well")
    limit = case.rig.profile.parameters.reassembly_timeout or 60.0
    case.finding(
        "not_released",
        "a full-size echo is answered once the reassembly timers have run out",
        f"it is not answered {limit:g} s later, and a small one is",
        requirement=requirement,
    )
    case.spoilt("it has no room for a full-size datagram any more")
