"""RFC 7668 §2.4, packet sizes and MTU: L2CAP does fragmentation and reassembly, and offers 1280 octets or more."""

import pytest

from fixtures.api import ECHO_REPLY, Case, behind, needs, on_link, requirement, stimulus, terms_broken
from rigs.links.ipsp.channel_link import Terms
from suites.rfc7668.channel import connected, echoed, in_k_frames, live, reconnected

pytestmark = on_link("ble")
#: Echoes of 400 octets, so many that their answers need more than the first credits.
WAITING = 24


def lawful(case: Case) -> None:
    """Everything that the DUT sent on the channel kept to the terms: MTU, MPS, credits."""
    for breach in terms_broken(live(case)):
        case.breached(breach)


@requirement("RFC7668-2.4-01")
def test_mtu_offered(case: Case):
    """The DUT takes SDUs of 1280 octets at least: what it offered when the channel was opened."""
    offered = live(case).channel.peer
    case.expect(offered.mtu >= 1280, "mtu", "an MTU of 1280 or more", str(offered.mtu))


@needs("connect")
@requirement("RFC7668-2.4-01", "RFC7668-2.4-02")
@pytest.mark.parametrize("mtu", [1280, 1281, 2000, 32768, 65535], ids=str)
def test_mtu_of_each_direction(case: Case, mtu: int):
    """The MTU "is negotiated separately for each direction": ours may be larger, and full-sized echoes still work."""
    with connected(case, Terms(mtu=mtu)):
        echoed(case, 1232)
        lawful(case)


@needs("connect")
@requirement("RFC7668-2.4-03", "RFC7668-2.4-01")
@pytest.mark.parametrize("mps", [23, 64, 247, 1282, 32768, 65533], ids=str)
def test_segmentation_of_answers(case: Case, mps: int):
    """The DUT cuts a 1280-octet packet into K-frames that we can take, from the smallest MPS to one for a whole SDU."""
    with connected(case, Terms(mps=mps)):
        for size in (8, 100, 1232):
            echoed(case, size)
        lawful(case)


@requirement("RFC7668-2.4-01", "RFC7668-3.2-04")
@pytest.mark.parametrize("octets", [3, 23, 100], ids=str)
def test_reassembly(case: Case, octets: int):
    """An SDU in many small K-frames is one packet; at 3 octets each, the first has one beside the SDU length."""
    link = live(case)
    case.understood(lambda: in_k_frames(case, link, octets, octets + 200))


@requirement("RFC7668-2.4-01")
def test_first_k_frame_with_the_length_only(case: Case):
    """A first K-frame with the SDU length and nothing else: odd, but in the format; the DUT lives on."""
    link = live(case)
    case.survives(lambda: in_k_frames(case, link, 2, 20))


@requirement("RFC7668-2.4-01")
def test_credits_withheld(case: Case):
    """While we give no credits the DUT sends no K-frame; when we give them again it goes on, and nothing is broken."""
    link, tester = live(case), case.tester
    link.starve()
    for _ in range(WAITING):
        tester.send_packet(tester.echo(400))
    before = _replies(case)
    lawful(case)
    link.starve(False)
    after = _replies(case)
    case.expect(
        before < WAITING,
        "not_starved",
        "the DUT runs out of credits",
        f"{WAITING} answers without new credits",
    )
    case.expect(
        after > 0, "stuck", "the DUT sends what waited for credits", "nothing came once there were credits"
    )
    echoed(case, 400)
    lawful(case)


def _replies(case: Case) -> int:
    deadline = case.tester.now() + 5 * case.settle
    found = 0
    while (seen := case.tester.hear(deadline)) is not None:
        if seen.icmp_type == ECHO_REPLY:
            found += 1
            right = case.tester.asked_by(seen) is not None
            case.expect(right, "answer_harmed", "the data of the request", seen.upper[8:40].hex(" ") + " ...")
    return found


@needs("connect")
@requirement("RFC7668-2.4-01")
@pytest.mark.parametrize("k_frames", [1, 3], ids=str)
def test_connection_lost_within_an_sdu(case: Case, k_frames: int):
    """The connection ends when part of an SDU has come: nothing of it may turn up in the next connection."""
    link = live(case)

    def lost() -> None:
        link.send_part(stimulus(case, case.tester.echo(1000)).payloads[0], k_frames)
        link.disconnect()
        reconnected(case)

    case.understood(behind(lost, lambda: stimulus(case, case.tester.echo(100))))
