"""RFC 7668 §2.4, the credits of the L2CAP channel (Core Vol 3 Part A §10.1): none, many, and too many."""

import pytest

from fixtures.api import Case, Inconclusive, Seen, needs, on_link, requirement, stimulus
from rigs.links.ipsp.channel_link import ChannelLink, Terms
from suites.rfc7668.channel import connected, echoed, reconnected

pytestmark = [on_link("ble"), needs("connect"), requirement("RFC7668-2.4-01")]
MPS = 64
#: K-frames of 64 octets for a full-size answer in the longest form (a CID octet, all in-line) and the SDU length.
FRAMES = 21
#: How often a DUT that has used up its credits for something else is given more.
GRANTS = 20
#: Connections in which a DUT may show whether it waits for its own answer: what it says first is a race in it.
CONNECTIONS = 12


def answer_to(case: Case, request: bytes) -> Seen | None:
    """The answer, None where it does not come in time. Raises `Inconclusive` where the machine was too slow to tell."""
    seen = case.tester.reply_to(request, case.tester.now() + case.timeout)
    if seen is None and (slow := case.too_slow()):
        raise Inconclusive(slow)
    return seen


def served(case: Case, link: ChannelLink, request: bytes) -> Seen | None:
    """The answer, or None where it does not come although credits are left: the DUT does not use them.

    A DUT that says much of itself on a new connection uses them up for that, and is given more.
    """
    for _ in range(GRANTS):
        reply = answer_to(case, request)
        if reply is not None or link.channel.given > 0:
            return reply
        link.grant(FRAMES)
    raise Inconclusive(
        f"the DUT used {GRANTS * FRAMES} credits for packets of its own, and none for the answer"
    )


@pytest.mark.parametrize("credits", [1, 255, 256, 512, 32768, 65535], ids=str)
def test_first_credits(case: Case, credits: int):
    """From one credit to the most that there are: full-size answers come, however many K-frames they need."""
    with connected(case, Terms(mps=MPS, credits=credits)):
        case.tester.listen(case.settle)  # what the DUT says of itself on a new connection goes first
        for size in (8, 1232, 1232):
            echoed(case, size)


@pytest.mark.parametrize(
    "packets",
    [pytest.param((FRAMES,), id="at-once"), pytest.param((1, 2, 3, 6, 9), id="in-small-packets")],
)
def test_no_credits_at_first(case: Case, packets: tuple[int, ...]):
    """A channel without a first credit: it opens, nothing comes; credits given later add up, and the answer comes."""
    tester = case.tester
    with connected(case, Terms(mps=MPS, credits=0)) as link:
        link.starve()
        request = tester.echo(1232)
        tester.send_packet(request)
        early = tester.reply_to(request, tester.now() + case.settle)
        case.expect(early is None, "no_credit", "nothing without a credit", "an answer")
        for more in packets:
            link.grant(more)
        reply = served(case, link, request)
        if reply is None:  # a full queue may have dropped that answer, if not what the DUT had begun to send
            request = tester.echo(8)
            tester.send_packet(request)
            reply = served(case, link, request)
        left = f"none, and {link.channel.given} credits are unused"
        case.expect(reply is not None, "stuck", "the answer, for which there are credits", left)


def test_more_than_255_by_packets(case: Case):
    """254 credits at first, and 20 more before one is used: the DUT has 274, for several full-size answers."""
    tester = case.tester
    with connected(case, Terms(mps=MPS, credits=254)) as link:
        link.starve()
        link.grant(20)
        for _ in range(10):
            request = tester.echo(1232)
            tester.send_packet(request)
            reply = answer_to(case, request)
            if reply is None and link.channel.given <= 0:
                break  # it has used up all 274, for packets of its own as well: it had counted them
            if not case.expect(reply is not None, "stuck", "ten answers: there are 274 credits", "no answer"):
                break


def test_nothing_before_the_answer(case: Case):
    """Twelve connections: no K-frame comes in front of the answer that accepts the channel; until then there is none.

    Who asked drops such a frame by right, and knows of no credit that it took: the DUT has that many fewer for good.
    Of six credits two are gone, and no SDU of more than four K-frames ever gets across (the field report's hang).
    """
    for number in range(1, CONNECTIONS + 1):
        early = reconnected(case).channel.early
        if not case.expect(
            not early, "early", "the answer to our request (Core Vol 3 Part A §4.23), then K-frames",
            f"{len(early)} K-frames in front of the answer, in connection {number}", frame=b"".join(early[:1]),
        ):  # fmt: skip
            break
    echoed(case, 1232)


def test_more_credits_than_there_are(case: Case):
    """More than 65535 credits: §10.1, the DUT ends the channel; it serves the next."""
    tester = case.tester
    with connected(case) as link:
        link.starve()
        link.grant(65535)
        ended = link.wait_closed(tester.now() + case.timeout)
        case.expect(ended, "too_many_credits", "the end of the channel", "it stays open")
    echoed(case)


@requirement("RFC7668-3.2-04")
def test_large_packet_while_output_waits(case: Case):
    """A full-size packet comes while an answer of the DUT's waits in its midst for credits: neither harms the other."""
    tester = case.tester
    with connected(case, Terms(mps=MPS, credits=2)) as link:
        echoed(case)  # behind what it says of itself on a new connection
        link.starve()
        waiting = tester.echo(400)
        tester.send_packet(waiting)
        tester.listen(case.settle)  # two of its K-frames come
        case.tapped()
        large = stimulus(case, tester.echo(1232))
        tester.send(large.payloads)
        tester.listen(case.settle)
        seen = case.tapped()
        if case.dut.has_tap:
            case.expect(
                large.packet in seen, "lost_while_waiting", "the full-size packet",
                "another one" if seen else "nothing came out", frame=large.payloads[0][:60],
            )  # fmt: skip
        link.starve(False)
        link.grant(2 * FRAMES)
        answers(case, [waiting, large.packet or b""], must=waiting)
        echoed(case, 1232)


def answers(case: Case, requests: list[bytes], *, must: bytes) -> None:
    """Whatever answer comes to these is right octet by octet; one to `must`, which had begun, comes."""
    tester = case.tester
    came: set[bytes] = set()
    deadline = tester.now() + case.timeout
    while len(came) < len(requests) and (seen := tester.hear(deadline)) is not None:
        for request in requests:
            if seen.upper[:1] == b"\x81" and seen.upper[4:8] == request[44:48]:
                came.add(request)
                case.expect(
                    tester.asked_by(seen) is not None, "answer_harmed", "the data of the request",
                    seen.upper[8:40].hex(" ") + " ...", frame=seen,
                )  # fmt: skip
    if must not in came and (slow := case.too_slow()):
        raise Inconclusive(slow)
    case.expect(must in came, "stuck", "the rest of the answer that waited", "it does not come")
