"""What is counted: one packet inside the DUT for one that was sent, one answer to one question, none to a repetition.

RFC 4944 §5 has one packet in an encapsulation, and a fragment that comes twice is no new datagram (§5.3).
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from fixtures.api import (
    DESTINATION_UNREACHABLE,
    ECHO_REPLY,
    Case,
    Inconclusive,
    Seen,
    Stimulus,
    link_info,
    loses_nothing,
    needs,
    on_link,
    outcome,
    pause,
    pieces,
    requirement,
    stimulus,
    well_answered,
)
from sixlowpan import ipv6, mac
from sixlowpan.addresses import ALL_NODES

#: More than a DUT sends between two of "every fiftieth".
MANY = 110
#: So often echoes are sent anew of which our own radio repeated some.
TRIES = 5


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


def twice(case: Case, act: Callable[[], tuple[list[bytes], list[Seen]]]) -> tuple[list[bytes], list[Seen]]:
    """The packets that were handed on more often than once, and the answers that came again, of what sends each once.

    `act` sends, and tells the packets and what was heard. It is done again where something came twice and the tester's
    radio had sent a frame twice: it does so where no acknowledgement comes in time, as on a busy machine, and nothing
    obliges a DUT to know the frame again.
    """
    for _ in range(TRIES):
        before = case.rig.link.repeated()
        packets, heard = act()
        delivered = [packet for packet, times in Counter(packets).items() if times > 1 and case.dut.has_tap]
        again = sent_twice(case, heard)
        if not (delivered or again) or case.rig.link.repeated() == before:
            return delivered, again
    raise Inconclusive(f"the tester's radio had to send frames twice in each of {TRIES} tries")


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

    def batch() -> tuple[list[bytes], list[Seen]]:
        stimuli = [stimulus(case, tester.echo(size, destination=destination)) for _ in range(step)]
        before = len(tester.heard)
        packets, _ = outcome(case, stimuli)
        return packets, tester.heard[before:]

    for _ in range(0, count, step):
        delivered, again = twice(case, batch)
        for packet in delivered:
            case.finding("delivered_twice", "one packet for one that was sent", f"more: {packet.hex(' ')}")
        for seen in again:
            case.finding(
                "answered_twice",
                "one answer to one Echo Request",
                f"another one with the same data: {seen.upper[4:24].hex(' ')}",
                frame=seen,
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


def with_checksum(echo: bytes, value: int) -> bytes:
    """An Echo Request with this checksum, and last two octets with which it holds; its data has an even size."""
    word = (int.from_bytes(echo[-2:]) + int.from_bytes(echo[42:44]) - value) % 0xFFFF
    return echo[:42] + value.to_bytes(2) + echo[44:-2] + word.to_bytes(2)


@requirement("RFC4443-2.3-01", "RFC4443-4.2-01", "RFC4443-4.2-02")
@pytest.mark.parametrize("value", [0x0000, 0x0100], ids=["of-the-request", "of-the-answer"])
def test_checksum_of_zero(case: Case, value: int):
    """An echo with checksum 0000, or whose answer (type 129 for 128) has it: it is one as any other (RFC 4443 §2.3)."""
    well_answered(case, lambda: with_checksum(case.tester.echo(12), value))


@requirement("RFC4443-4.2-02", "RFC6282-2-04")
@pytest.mark.parametrize("sizes", [(20, 20), (160, 160), (20, 40)], ids=["small", "large", "growing"])
def test_answers_that_wait(case: Case, sizes: tuple[int, int]):
    """Two echoes from an unknown sender: what waits for its address is one answer to each, whole, or is dropped.

    RFC 4861 §7.2.2: the queue "MUST hold at least one packet", and no packet in it takes the octets of another.
    """
    loses_nothing(case)
    tester = case.tester
    requests = list[bytes]()
    replies = list[Seen]()

    def both() -> tuple[list[bytes], list[Seen]]:
        tester.fresh()
        requests[:] = [tester.echo(size) for size in sizes]
        before = len(tester.heard)
        for request in requests:
            tester.send(stimulus(case, request).payloads)
        pause(case, case.settle)
        case.control()
        replies[:] = [seen for seen in tester.heard[before:] if seen.icmp_type == ECHO_REPLY]
        return [], replies

    for seen in twice(case, both)[1]:
        case.finding("answered_twice", "one answer to each", seen.upper.hex(" "), frame=seen)
    for seen in replies:
        if seen.upper[4:8] in {request[44:48] for request in requests}:
            case.expect(
                seen.upper[4:] in {request[44:] for request in requests},
                "sent_payload",
                "the data of the request",
                seen.upper[4:].hex(" "),
                frame=seen,
            )


@on_link("ieee802154")
@requirement("RFC4944-8-01", "RFC4443-4.2-02")
def test_two_unknown_senders(case: Case):
    """Echoes of two unknown senders, one right behind the other: each answer goes to the address of who asked."""
    case.several_senders()
    tester, asked = case.tester, dict[bytes, bytes]()
    before = len(tester.heard)
    for _ in range(2):
        who, request = tester.fresh(), tester.echo(20)
        asked[request[44:48]] = who.link
        tester.send(stimulus(case, request).payloads)
    pause(case, case.settle)
    case.control()
    for seen in tester.heard[before:]:
        if seen.icmp_type == ECHO_REPLY and seen.upper[4:8] in asked:
            wanted, got = asked[seen.upper[4:8]].hex(), seen.info.dst.hex()
            case.expect(wanted == got, "neighbour_address", f"the answer goes to {wanted}", got, frame=seen)


def spoilt(case: Case, how: str) -> tuple[Stimulus, bytes]:
    """An echo whose checksum is wrong by one bit, and nothing else; and its identifier and sequence number."""
    tester = case.tester
    size = 300 if how == "large" else 20
    packet = tester.echo(size, destination=ALL_NODES if how == "to-a-group" else None)
    packet = packet[:42] + bytes([packet[42] ^ 0x04]) + packet[43:]
    numbers = packet[44:48]
    if how == "behind-options":
        packet = ipv6.build(packet[8:24], packet[24:40], 60, bytes.fromhex("3a00010400000000") + packet[40:])
    made = stimulus(case, packet, info=link_info(case, packet), note=f"a wrong checksum, {how}")
    return replace(made, packet=None), numbers


@requirement("RFC4443-2.3-01")
@pytest.mark.parametrize("how", ["small", "large", "behind-options", "to-a-group"])
def test_wrong_checksum(case: Case, how: str):
    """An echo with a wrong checksum is not answered, whatever it comes in (RFC 4443 §2.3)."""
    made, numbers = spoilt(case, how)
    before = len(case.tester.heard)
    case.tapped_behind([made])
    for seen in case.tester.heard[before:]:
        if seen.icmp_type == ECHO_REPLY and seen.upper[4:8] == numbers:
            case.finding("accepted", "no answer", "an Echo Reply", frame=seen)


@needs("port_unreachable")
@requirement("RFC8200-8.1-01")
@pytest.mark.parametrize("how", ["small", "large", "behind-options"])
def test_wrong_udp_checksum(case: Case, how: str):
    """A datagram with a wrong checksum for a closed port draws no error: it is for no port at all (RFC 8200 §8.1)."""
    tester = case.tester
    packet = tester.datagram(300 if how == "large" else 20)
    packet = packet[:46] + bytes([packet[46] ^ 0x04]) + packet[47:]
    data = packet[48:64]
    if how == "behind-options":
        header = bytes([ipv6.UDP, 0]) + bytes.fromhex("010400000000")
        packet = ipv6.build(packet[8:24], packet[24:40], 60, header + packet[40:])
    made = replace(stimulus(case, packet, note=f"a wrong UDP checksum, {how}"), packet=None)
    before = len(tester.heard)
    case.tapped_behind([made])
    for seen in tester.heard[before:]:
        if seen.icmp_type == DESTINATION_UNREACHABLE and data in seen.packet:
            case.finding("accepted", "no error", "Destination Unreachable", frame=seen)
