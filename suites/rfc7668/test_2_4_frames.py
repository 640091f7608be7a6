"""RFC 7668 §2.4, L2CAP fragmentation octet by octet: SDUs that fill their K-frames or the MTU, and go beyond.

What the channel's own text says a receiver must end the channel for (Core Vol 3 Part A §3.4.3) may also be dropped
here; that a packet comes of it is a breach.
"""

import pytest

from fixtures.api import (
    DESTINATION_UNREACHABLE,
    ECHO_REPLY,
    Case,
    LinkClosed,
    Stimulus,
    behind,
    needs,
    on_link,
    raw,
    requirement,
    stimulus,
)
from rigs.links.ipsp.channel_link import ChannelLink, Terms
from sixlowpan import encode, ipv6
from suites.rfc7668.channel import connected, echoed, in_k_frames, live, reconnected

pytestmark = on_link("ble")


@needs("connect")
@requirement("RFC7668-2.4-01", "RFC7668-2.4-03")
@pytest.mark.parametrize("mps", [23, 64], ids=str)
def test_last_k_frame(case: Case, mps: int):
    """Answers of as many sizes as a K-frame has octets: one fills its last K-frame, one needs one octet more.

    Behind an SDU nothing may follow but the next SDU, which begins with its length.
    """
    with connected(case, Terms(mps=mps)):
        for size in (*range(mps), *range(200, 200 + mps)):
            echoed(case, size)


@requirement("RFC7668-2.4-01", "RFC7668-3.2-02")
@pytest.mark.parametrize("less", range(5), ids=lambda n: str(1280 - n))
def test_sdu_of_the_mtu(case: Case, less: int):
    """An SDU of 1280 octets and a little less: with all fields in-line it is as long as the packet.

    A sender has to elide these addresses (§3.2.4); what a receiver makes of the form is RFC 6282's.
    """

    def make() -> Stimulus:
        packet = case.tester.echo(1232 - less)
        # TF=00, NH=0, HLIM=00, SAC=0 SAM=00, DAC=0 DAM=00: 2 octets, and all of the header but its length
        payload = b"\x60\x00" + bytes(4) + packet[6:]
        return raw(case, [payload], packet, f"an SDU of {len(payload)} octets")

    case.understood(make)


@requirement("RFC7668-2.4-01", "RFC7668-2.4-03")
def test_full_size_in_the_smallest_k_frames(case: Case):
    """A full-size packet in K-frames of 3 octets, as many at a time as the DUT's credits allow."""
    link = live(case)
    case.understood(lambda: in_k_frames(case, link, 3, 1232))


def came_of(case: Case, link: ChannelLink, *k_frames: bytes) -> list[bytes]:
    """Send K-frames as they are; the packets on the tap, and the answers and errors that come.

    The channel is up again behind that, if it was ended.
    """
    tester = case.tester
    case.tapped()
    link.send_frames(*k_frames)
    ended = link.wait_closed(tester.now() + case.timeout)
    found = []
    try:
        deadline = tester.now() + case.settle
        while (seen := tester.hear(deadline)) is not None:
            if seen.icmp_type in {ECHO_REPLY, DESTINATION_UNREACHABLE} and not seen.stale:
                found.append(seen.packet)
    except LinkClosed:
        ended = True
    found += [packet for packet in case.tapped() if packet not in tester.ordinary]
    if ended:
        reconnected(case)
    return found


def k_frames(sdu: bytes, size: int, length: int | None = None) -> list[bytes]:
    """The K-frames that carry an SDU; `length` is what the first of them says in place of its length."""
    data = (len(sdu) if length is None else length).to_bytes(2, "little") + sdu
    return [data[at : at + size] for at in range(0, len(data), size)]


@needs("connect")
@requirement("RFC7668-2.4-01")
@pytest.mark.parametrize("what", ["echo", "datagram"])
@pytest.mark.parametrize("over", [1, 720], ids=lambda n: str(1280 + n))
def test_sdu_beyond_the_mtu(case: Case, over: int, what: str):
    """An SDU longer than the DUT's MTU, a good packet: it ends the channel or drops it, and nothing comes of it.

    Our own MTU is larger, so that it could answer.
    """
    mtu = live(case).channel.peer.mtu
    if mtu + over > 0xFFFF - 48:
        case.unsupported("no SDU is longer than the DUT's MTU: its length has 16 bits")
    tester = case.tester
    with connected(case, Terms(mtu=4096)) as link:
        make = tester.echo if what == "echo" else tester.datagram
        size = mtu + over - len(encode(make(0), tester.info(), tester.contexts))
        payload = encode(make(size), tester.info(), tester.contexts)
        assert len(payload) == mtu + over, "a wrong frame of ours"
        found = came_of(case, link, *k_frames(payload, link.channel.peer.mps))
        case.expect(
            not found, "beyond_the_mtu", f"nothing of an SDU of {mtu + over} octets, the MTU being {mtu}",
            f"{len(found)} packets, the first with {len(found[0]) if found else 0} octets",
        )  # fmt: skip
        echoed(case)


@needs("connect")
@requirement("RFC7668-2.4-01")
@pytest.mark.parametrize("frames", [1, 4], ids=str)
def test_more_than_the_sdu_length(case: Case, frames: int):
    """K-frames with 4 octets more than the SDU length: those are part of no packet.

    The packet is a good one with them, so that whoever takes them answers.
    """
    link, tester = live(case), case.tester
    packet = tester.echo(100)
    payload = encode(packet, tester.info(), tester.contexts)
    size = -(-(len(payload) + 2) // frames)
    if size > link.channel.peer.mps:
        case.unsupported("the DUT takes no K-frame of that size")
    found = came_of(case, link, *k_frames(payload, size, len(payload) - 4))
    right = ipv6.Packet.parse(packet).upper()[2][4:8]
    taken = [p for p in found if p == packet or ipv6.Packet.parse(p).upper()[2][4:8] == right]
    # what the SDU length covers, and no more, is what it says: the IPv6 layer may have that
    taken = [p for p in taken if len(p) >= len(packet)]
    case.expect(
        not taken, "excess_taken", "no packet with octets beyond the SDU length",
        taken[0].hex(" ") if taken else "", frame=payload,
    )  # fmt: skip
    echoed(case)


@needs("connect")
@requirement("RFC7668-2.4-01")
@pytest.mark.parametrize("over", [1, 200], ids="{}-more".format)
def test_k_frame_beyond_the_mps(case: Case, over: int):
    """A K-frame longer than the DUT's MPS: it ends the channel, drops it or takes it, and takes it rightly."""
    link, tester = live(case), case.tester
    size = link.channel.peer.mps + over - 2
    packet = tester.echo(8)
    size -= len(encode(packet, tester.info(), tester.contexts)) - 8
    if size > 1232:
        case.unsupported("the DUT takes a full-size packet in one K-frame")
    packet = tester.echo(size)
    payload = encode(packet, tester.info(), tester.contexts)
    data = ipv6.Packet.parse(packet).upper()[2][4:]
    for found in came_of(case, link, *k_frames(payload, len(payload) + 2)):
        right = found == packet or ipv6.Packet.parse(found).upper()[2][4:] == data
        case.expect(right, "misread", "the packet, or nothing", found.hex(" "))
    echoed(case)


@needs("connect")
@requirement("RFC7668-2.4-01")
@pytest.mark.parametrize("odd", ["empty-sdu", "half-a-length", "empty-k-frame", "long-sdu-begun"])
def test_odd_k_frames(case: Case, odd: str):
    """An SDU of no octets, a first K-frame of one octet, one of none within an SDU, an SDU beyond the MTU just begun.

    The DUT ends the channel or not, lives on, and takes what comes next for what it is.
    """
    tester = case.tester

    def sent() -> None:
        link = live(case)
        whole = k_frames(encode(tester.echo(200), tester.info(), tester.contexts), 40)
        mtu = min(link.channel.peer.mtu + 1, 0xFFFF)
        small = encode(tester.echo(8), tester.info(), tester.contexts)
        frames = {
            "empty-sdu": [b"\0\0"],
            "half-a-length": [b"\x0b"],
            "empty-k-frame": [*whole[:2], b"", *whole[2:]],
            # what follows is part of the long SDU, and a good SDU of its own for whoever forgot that
            "long-sdu-begun": [mtu.to_bytes(2, "little") + bytes(20), *k_frames(small, 23)],
        }[odd]
        found = came_of(case, link, *frames)
        if odd != "empty-k-frame":
            case.expect(not found, "accepted", "nothing", found[0].hex(" ") if found else "")
        if odd in {"half-a-length", "long-sdu-begun"}:
            reconnected(case)  # for a DUT that still waits for the rest

    case.answered(behind(sent, lambda: stimulus(case, tester.echo())))


@requirement("RFC7668-2.4-01", "RFC7668-2.4-03")
def test_k_frames_that_grow(case: Case):
    """Each K-frame of an SDU is longer than the one before: no more than the MPS is said of their length (§3.4.3)."""
    link, tester = live(case), case.tester
    if link.channel.credits < 3:
        case.unsupported("the DUT gives fewer than three credits at a time", "not_observable")
    packet = tester.echo(24)
    payload = encode(packet, tester.info(), tester.contexts)
    data = len(payload).to_bytes(2, "little") + payload
    found = came_of(case, link, data[:6], data[6:16], data[16:])
    answers = [seen for seen in found if ipv6.Packet.parse(seen).upper()[2][4:] == packet[44:]]
    case.expect(
        bool(answers), "no_answer", "an SDU in K-frames of 6, 10 and more octets comes", "nothing came"
    )
