"""How much the DUT has room for: a burst of echoes, and how soon it answers again behind a flood."""

from fixtures.api import ECHO_REPLY, Case, requirement
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
            "answers to a burst", "count", [got], figure=None, burst=count,
            method=METHOD,
        )  # fmt: skip
        if got < count:
            break
        longest = count
    case.measure(
        "longest burst without loss", "count", [longest], figure=None, tried=BURSTS[-1], method=METHOD
    )
    expect(case, longest > 0, "no_answer", "one echo is answered", "none is")


@requirement("RFC6282-2-04", "RFC7668-3.2-03")
def test_recovery_after_a_flood(case: Case):
    """Two hundred echoes back to back, whatever becomes of them; then how long until an ordinary one is answered."""
    tester = case.tester
    for _ in range(FLOOD):
        tester.send_packet(tester.echo(8))
    began, tries, answered = tester.stamp(), 0, False
    while not answered and tries < 20:
        tries += 1
        answered = tester.control(8, timeout=case.timeout)
    took = tester.stamp() - began
    if expect(
        case, answered, "no_answer", f"an echo behind {FLOOD} others is answered", f"none of {tries} is"
    ):
        case.measure(
            "recovery", "ms", [1000 * took], figure=None, flood=FLOOD, tries=tries,
            method="from the last octet of the flood to the answer to an echo behind it",
        )  # fmt: skip


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
