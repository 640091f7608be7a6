"""RFC 7668 §2.4, the signalling beside the L2CAP channel's data: of another channel, within an SDU, at its end.

Signalling packets and K-frames share the connection, and what one says about the other is bound to an identifier
(Core Vol 3 Part A §4.6, §4.24).
"""

import struct
from contextlib import nullcontext

import pytest

from fixtures.api import Case, LinkClosed, advice, needs, on_link, requirement, stimulus
from rigs.links.ipsp.channel_link import Refused, Terms
from sixlowpan import encode, ipv6
from suites.rfc7668.channel import connected, echoed, live, reconnected
from suites.rfc7668.test_2_4 import lawful
from suites.rfc7668.test_2_4_credits import FRAMES, MPS, answer_to, answers
from suites.rfc7668.test_2_4_frames import came_of, k_frames

pytestmark = [on_link("ble"), needs("connect"), requirement("RFC7668-2.4-01")]

DISCONNECTION_REQUEST, CREDITS = 0x06, 0x16
#: Of the dynamic range, and of no channel.
NOBODYS = 0x007E
#: SDUs of which nothing comes: not a LoWPAN frame (RFC 4944 §5.1), and an IPHC that ends too early.
NOTHING = (b"\x00" + bytes(30), b"\x7a\x33")
#: At most that many SDUs are sent to find out whether credits come back.
MOST = 300


def test_credits_of_another_channel(case: Case):
    """Credits for a channel that is not there are none for this one (§4.24): the DUT sends nothing for them."""
    tester = case.tester
    with connected(case, Terms(mps=MPS, credits=2)) as link:
        echoed(case)  # behind what the DUT says of itself on a new connection
        link.starve()
        waiting = tester.echo(1232)
        tester.send_packet(waiting)
        tester.listen(case.settle)
        link.signal(CREDITS, struct.pack("<HH", NOBODYS, 2 * FRAMES))
        early = tester.reply_to(waiting, tester.now() + case.settle)
        case.expect(early is None, "no_credit", "no answer: there are no credits for it", "the answer")
        lawful(case)
        link.starve(False)
    echoed(case)


@pytest.mark.parametrize("wrong", ["destination", "source"])
def test_disconnection_of_another_channel(case: Case, wrong: str):
    """A Disconnection Request for a channel that is not there: the one that is stays open.

    Where only the source CID is another one it "should be silently discarded" (§4.6): advice.
    """
    link = live(case)
    theirs, own = link.channel.peer_cid, link.channel.own_cid
    pair = (NOBODYS, own) if wrong == "destination" else (theirs, NOBODYS)
    link.signal(DISCONNECTION_REQUEST, struct.pack("<HH", *pair))
    tester = case.tester
    open_still = not link.wait_closed(tester.now() + case.settle)
    if open_still:  # it may have ended it without a word
        request = tester.echo()
        try:
            tester.send_packet(request)
            open_still = answer_to(case, request) is not None
        except LinkClosed:
            open_still = False
    with advice(case) if wrong == "source" else nullcontext():
        case.expect(open_still, "ended_the_channel", "the channel stays open", "nothing is answered on it")
    if not open_still:
        reconnected(case)
    echoed(case)


@pytest.mark.parametrize("cid", [0x0040, 0x007F, 0], ids=["first", "last", "that-of-the-dut"])
def test_our_identifier(case: Case, cid: int):
    """Our end has any identifier of the dynamic range (Core Vol 3 Part A §2.1: 0x0040 to 0x007f on an LE-U link).

    Each end gives its own, so that both may have the same one.
    """
    link = live(case)
    link.channel.wanted_cid = cid or link.channel.peer_cid
    try:
        reconnected(case)
        for size in (8, 1232):
            echoed(case, size)
        lawful(case)
    except Refused as refused:
        wanted = f"the channel, our end of which is {link.channel.wanted_cid:#06x}"
        case.finding("refused", wanted, str(refused))
    finally:
        link.channel.wanted_cid = 0
        reconnected(case)


def test_we_end_the_channel(case: Case):
    """The channel ends by our request: the DUT answers (§4.7), and the next connection has one again."""
    with connected(case) as link:
        echoed(case)
        link.leave()
        ended = link.wait_closed(case.tester.now() + case.timeout)
        case.expect(ended, "no_answer", "a Disconnection Response (Core Vol 3 Part A §4.7)", "none")
        lawful(case)
    echoed(case)


@requirement("RFC7668-3.2-04")
def test_credits_within_an_sdu(case: Case):
    """Credit packets between the K-frames of an SDU: they are about the other direction, and the SDU comes whole."""
    link, tester = live(case), case.tester
    packet = tester.echo(60)
    payload = encode(packet, tester.info(), tester.contexts)
    frames = k_frames(payload, min(30, link.channel.peer.mps))
    if link.channel.credits < len(frames):
        case.unsupported("the DUT gives too few credits at a time", "not_observable")
    for frame in frames[:-1]:
        link.send_frames(frame)
        link.grant(1)
    found = came_of(case, link, frames[-1])
    answers = [seen for seen in found if ipv6.Packet.parse(seen).upper()[2][4:] == packet[44:]]
    case.expect(
        bool(answers), "no_answer", "the SDU, with credit packets between its K-frames", "nothing came"
    )


@pytest.mark.parametrize("what", range(len(NOTHING)), ids=["not-a-lowpan-frame", "cut-short"])
def test_what_is_dropped_costs_no_credit(case: Case, what: int):
    """More SDUs of which nothing comes than the DUT gives credits at a time: it goes on to take K-frames (§10.1)."""
    with connected(case) as link:
        for _ in range(min(MOST, 3 * max(link.channel.peer.credits, 1))):
            link.send(NOTHING[what])
        case.tester.listen(case.settle)
        echoed(case, 1232)


def test_answers_wait_in_line(case: Case):
    """Answers of many sizes wait behind one that has begun; credits come one, two, three at a time: all are right.

    The first fills its last K-frame, so that nothing but its length tells where the second begins.
    """
    tester = case.tester
    with connected(case, Terms(mps=MPS, credits=2)) as link:
        echoed(case)
        link.starve()
        head = len(stimulus(case, tester.echo(0)).payloads[0]) + 2
        requests = [tester.echo(size) for size in (5 * MPS - head, 8, 0, MPS - head, 300)]
        for request in requests:
            tester.send_packet(request)
        for more in (1, 2, 3, 1, 2, 3, 5, FRAMES):
            link.grant(more)
        answers(case, requests, must=requests[0])
        lawful(case)
        link.starve(False)
    echoed(case)


def test_half_an_answer_at_the_end(case: Case):
    """The connection ends while an answer waits for credits: what is left of it is no part of the next channel."""
    tester = case.tester
    with connected(case, Terms(mps=MPS, credits=3)) as link:
        echoed(case)
        link.starve()
        tester.send_packet(tester.echo(1232))
        tester.listen(case.settle)
    for size in (8, 1232):
        echoed(case, size)
    lawful(case)
