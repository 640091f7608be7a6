"""How much the DUT has room for: a burst of echoes, and how soon it answers again behind a flood."""

from fixtures.api import ECHO_REPLY, Case, requirement, stimulus
from suites.performance.stream import expect

BURSTS = (1, 2, 4, 8, 16, 32, 64)
FLOOD = 200
METHOD = "Echo Requests with 8 octets back to back, Echo Replies counted"


@requirement("RFC6282-2-04", "RFC7668-3.2-03")
def test_longest_burst(case: Case):
    """Echoes back to back, twice as many each time: the longest burst of which none is lost is recorded."""
    longest = 0
    for count in BURSTS:
        got = burst(case, count)
        case.measure(
            "answers to a burst", "count", [got], burst=count, method=METHOD,
        )  # fmt: skip
        if got < count:
            break
        longest = count
    case.measure("longest burst without loss", "count", [longest], tried=BURSTS[-1], method=METHOD)
    if not longest and case.rig.file.attempts > 1:  # lost by the medium: by the ordinary rules of silence
        case.answered(lambda: stimulus(case, case.tester.echo(8)))
    else:
        expect(case, longest > 0, "no_answer", "one echo is answered", "none is")


@requirement("RFC6282-2-04", "RFC7668-3.2-03")
def test_recovery_after_a_flood(case: Case):
    """Two hundred echoes back to back, whatever becomes of them; then how long until an ordinary one is answered."""
    tester, seen, tries = case.tester, None, 0
    for _ in range(FLOOD):
        flood = tester.send_packet(tester.echo(8))
    while seen is None and tries < 20:
        tries += 1
        request = tester.echo(8)
        tester.send_packet(request)
        seen = tester.reply_to(request, tester.now() + case.timeout)
    expect(
        case,
        seen is not None,
        "no_answer",
        f"an echo behind {FLOOD} others is answered",
        f"none of {tries} is",
    )
    if seen is not None:
        # both by a tap of the medium where there is one: what the flood waited for on our side is none of the DUT's
        case.measure(
            "recovery", "ms", [1000 * (seen.time - tester.left(flood[-1]))], flood=FLOOD,
            method="from where the last frame of the flood left to the answer to an echo behind it",
        )  # fmt: skip
        if tries > 1:
            case.note(f"the first {tries - 1} echoes behind the flood were not answered")


def burst(case: Case, count: int) -> int:
    """How many of so many echoes that are sent back to back are answered."""
    tester, wanted = case.tester, set()
    for _ in range(count):
        request = tester.echo(8)
        wanted.add(request[44:48])
        tester.send_packet(request)
    end = tester.now() + case.timeout
    while wanted and (seen := tester.hear(end)) is not None:
        if seen.icmp_type == ECHO_REPLY:
            wanted.discard(seen.upper[4:8])
    return count - len(wanted)
