"""The shapes that break parsers (S2 to S6): sizes that are too small, offsets beyond, odd modes, chains, nonsense.

Eight shapes account for almost all crash entries of public stacks. What is right is the same for all: nothing comes
of them, the DUT answers a small and a full-size echo behind them, and prints no sign of a crash.
"""

from collections.abc import Callable
from itertools import product

import pytest

from fixtures.api import (
    FULL,
    Case,
    Stimulus,
    nothing_of,
    on_link,
    raw,
    recovers,
    requirement,
    stimulus,
    unanswered,
    whole,
)
from sixlowpan import DecodeError, decode, fragment_header_1, fragment_header_n, ipv6, mesh_header
from suites.rfc4944.test_3 import frame

#: What stacks print when they die, or would have died without a checker.
SIGNATURES = (
    *("BUG:", "Oops", "KASAN", "UBSAN", "AddressSanitizer", "stack smashing", "HardFault", "assert"),
    *("Assertion", "panic", "double free", "corruption", "core_panic", "FATAL", "MPU FAULT", "BUS FAULT"),
)


@pytest.fixture
def unharmed(case: Case) -> Callable[[], None]:
    """Shows a full-size echo now; what it returns shows one behind the stimuli, and that the console is quiet."""
    printed = len(case.rig.node.console_text())

    def after() -> None:
        recovers(case)
        text = case.rig.node.console_text()[printed:]
        for line in text.splitlines():
            case.expect(
                not any(signature in line for signature in SIGNATURES),
                "crash_signature",
                "no sign of a crash on the console",
                line[:200],
            )

    return after


def ready(case: Case) -> None:
    case.ready_for(FULL)


@on_link("ieee802154")
@requirement("RFC4944-5.3-20", "RFC4944-5.3-10", "RFC4944-5.3-05")
@pytest.mark.parametrize("inner", ["iphc", "udp", "ipv6-in-ipv6", "ipv6", "hc1", "extension"])
def test_datagram_size_too_small(case: Case, unharmed: Callable[[], None], inner: str):
    """FRAG1 with datagram_size 0 to 56, smaller than the headers that it holds; then a FRAGN of the same."""
    ready(case)
    tester = case.tester
    message = tester.echo()[40:]
    payload = {
        "iphc": bytes.fromhex("7a33 3a") + message,
        "udp": bytes.fromhex("7e33 f0 1234 5678 abcd") + message,
        "ipv6-in-ipv6": bytes.fromhex("7e33 ee 7a33 3a") + message,
        "ipv6": b"\x41" + tester.echo(),
        "hc1": bytes.fromhex("42fb 40") + message,
        "extension": bytes.fromhex("7e33 e0 3a 06 1e04a1a2a3a4") + message,
    }[inner]
    stimuli = []
    for size in [*range(0, 56, 3), 39, 40, 41, 47, 48, 49]:
        if size == 56:
            continue  # the size of a whole packet
        tag = tester.next_tag()
        parts = [fragment_header_1(size, tag) + payload, fragment_header_n(size, tag, 1) + bytes(8)]
        stimuli.append(raw(case, parts, note=f"datagram_size {size}, {inner}"))
    nothing_of(case, stimuli)
    unharmed()


@on_link("ieee802154")
@requirement("RFC4944-5.3-20", "RFC4944-5.3-07")
def test_offset_beyond(case: Case, unharmed: Callable[[], None]):
    """FRAGN at and beyond datagram_size, alone, with and without octets, for sizes of every kind."""
    ready(case)
    stimuli = []
    for size in (0, 8, 40, 48, 127, 248, 1280, 1281, 2047):
        for offset in (0, 1, size // 8, size // 8 + 1, 255):
            for length in (0, 1, 8, 96):
                header = fragment_header_n(size, case.tester.next_tag(), min(offset, 255))
                note = f"size {size}, offset {offset * 8}, {length} octets"
                stimuli.append(raw(case, [header + case.tester.pattern(length)], note=note))
    nothing_of(case, stimuli)
    unharmed()


@on_link("ieee802154")
@requirement("RFC4944-5.3-20", "RFC6282-2-06", "RFC6282-2-07")
def test_headers_over_two_fragments(case: Case, unharmed: Callable[[], None]):
    """FRAG1 cut inside its compressed headers, the rest in FRAGN: RFC 6282 §2 wants them whole in the first."""
    ready(case)
    stimuli = []
    packet = case.tester.echo(40)
    payload = stimulus(case, packet, SAM=0, DAM=0).payloads[0]
    for cut in (1, 2, 3, 10, 20, 34):
        tag = case.tester.next_tag()
        parts = [
            fragment_header_1(len(packet), tag) + payload[:cut],
            fragment_header_n(len(packet), tag, 1) + payload[cut:],
        ]
        stimuli.append(raw(case, parts, note=f"headers cut after {cut} octets"))
    nothing_of(case, stimuli)
    unharmed()


@on_link("ieee802154")
@requirement("RFC4944-5.3-05", "RFC4944-5.1-15", "RFC4944-5.1-17", "RFC4944-5.1-14", "RFC4944-11.1-01")
@pytest.mark.parametrize("behind", ["nothing", "frag1", "fragn", "mesh", "mesh-frag1", "mesh-bc0", "bc0"])
def test_every_dispatch(case: Case, unharmed: Callable[[], None], behind: str):
    """Each of the 256 dispatch values behind each header, with nothing and with 40 octets behind it: no answer.

    The octets are f0, which is an NHC octet (of UDP) wherever one is looked for: what others do is tried elsewhere.
    """
    ready(case)
    tester = case.tester
    header = mesh_header(tester.identity.link, tester.dut_link, 3)
    stimuli = []
    for dispatch in range(256):
        for length in (0, 40):
            tag = tester.next_tag()
            heads = {
                "nothing": b"",
                "frag1": fragment_header_1(248, tag),
                "fragn": fragment_header_n(248, tag, 8),
                "mesh": header,
                "mesh-frag1": header + fragment_header_1(248, tag),
                "mesh-bc0": header + b"\x50\x01",
                "bc0": b"\x50\x01",
            }
            payload = heads[behind] + bytes([dispatch]) + b"\xf0" * length
            stimuli.append(raw(case, [payload], note=f"{dispatch:02x} and {length} octets behind {behind}"))
    unanswered(case, stimuli, few=8)
    unharmed()


@requirement("RFC6282-3.1.1-33", "RFC6282-3.1.1-44", "RFC6282-3.1.1-15", "RFC6282-3.1.1-29", "RFC6282-4.2-19")
def test_reserved_modes(case: Case, unharmed: Callable[[], None]):
    """Reserved destination modes with tails of every length, where a decoder that guesses runs out of octets.

    Then the same of an inner IPv6 header (RFC 6282 §4.2: EID 7).
    """
    ready(case)
    stimuli = []
    for low in (0x04, 0x0D, 0x0E, 0x0F):
        for high in (0x00, 0x30, 0x40, 0x70, 0x80, 0xF0):
            for length in (0, 1, 7, 15, 40):
                payload = bytes([0x7A, high | low]) + case.tester.pattern(length)
                stimuli.append(raw(case, [payload], note=f"7a{high | low:02x}, {length} octets"))
        for high, length in product((0x30, 0x80), (0, 40)):
            inner = bytes.fromhex("7e33 ee 7a") + bytes([high | low]) + case.tester.pattern(length)
            stimuli.append(raw(case, [inner], note=f"inner 7a{high | low:02x}, {length} octets"))
    nothing_of(case, stimuli)
    unharmed()


@on_link("ieee802154")
@requirement("RFC6282-3.1.1-18", "RFC6282-3.1.1-32", "RFC4944-2-04")
def test_elided_address_without_one(case: Case, unharmed: Callable[[], None]):
    """SAM=11 and DAM=11 in frames that lack the address, or have a reserved addressing mode."""
    ready(case)
    payload = bytes.fromhex("7a33 3a") + case.tester.echo()[40:]
    stimuli = [
        whole(
            case, frame(case, payload, src=b"", src_pan=None, pan_compression=False), note="no source address"
        ),
        whole(
            case,
            frame(case, payload, dst=b"", dst_pan=None, pan_compression=False),
            note="no destination address",
        ),
    ]
    good = frame(case, payload)
    for mode, name in ((0x04, "destination"), (0x40, "source")):
        high = good[1] & (0xF3 if mode == 0x04 else 0x3F) | mode
        stimuli.append(
            whole(case, good[:1] + bytes([high]) + good[2:], note=f"reserved {name} addressing mode")
        )
    nothing_of(case, stimuli)
    unharmed()


@requirement("RFC6282-4.2-13", "RFC6282-4.2-12", "RFC6282-3.1.1-06", "RFC6282-5-02")
def test_chains(case: Case, unharmed: Callable[[], None]):
    """NHC chains: very long, of every odd length, beyond the end, with nothing behind, and nested IPv6."""
    ready(case)
    tester = case.tester
    echo = tester.echo()[40:]
    chains = {
        f"{octet:02x} length {length}": bytes([octet, 58, length])
        for octet in (0xE0, 0xE2, 0xE6, 0xE8)
        for length in (1, 7, 9, 200, 255)
    }
    chains |= {f"NH=1 behind {octet:02x} and no octet": bytes([octet, 0]) for octet in (0xE1, 0xE3, 0xE7)}
    chains |= {
        "30 empty headers": b"\xe1\x00" * 30,
        "30 headers": (b"\xe7\x01\x00") * 28,
        "fragment headers": b"\xe5\x00\x00\x00\x00\x00\x00\x01" * 6,
    }
    chains |= {
        "nested IPv6": bytes.fromhex("ee7e33") * 20,
        "nested IPv6, no end": bytes.fromhex("ee7e33") * 25 + b"\xee",
    }
    chains |= {f"unknown NHC {octet:02x}": bytes([octet]) for octet in (0x00, 0x5A, 0xC0, 0xF8, 0xFF)}
    chains["nothing"] = b""
    stimuli = []
    for name, chain in chains.items():
        for tail in (b"", b"\x3a", echo[:30]):
            payload = bytes.fromhex("7e33") + chain + tail
            stimuli.append(raw(case, [payload[:100]], note=f"{name}, {len(tail)} octets behind"))
    unassigned = [made for made in stimuli if _at_an_unassigned_octet(case, made)]
    unanswered(case, [made for made in stimuli if made not in unassigned], few=48)
    unanswered(case, unassigned, few=48, requirement="RFC6282-5-02")
    unharmed()


def _at_an_unassigned_octet(case: Case, made: Stimulus) -> bool:
    """Whether the oracle refuses it for an NHC octet that nobody assigned: no text says what a receiver does (§5)."""
    try:
        decode(made.payloads[0], made.info, case.tester.contexts)
    except DecodeError as error:
        return error.requirement in {"RFC6282-5-02", "RFC6282-5-03"}
    return False


@requirement("RFC6282-3.2-01", "RFC6282-4.3-01", "RFC6282-3.2-03", "RFC6282-3.1.1-05")
def test_nonsense_for_others(case: Case, unharmed: Callable[[], None]):
    """Packets for another node whose next header promises what is not there: nothing is forwarded or answered."""
    ready(case)
    tester = case.tester
    stranger = bytes.fromhex("20010db8 ffff 0000 0000 0000 0000 0001")
    stimuli = []
    for protocol in (0, 6, 17, 41, 43, 44, 50, 58, 59, 60, 135, 255):
        for length in (0, 1, 3, 7, 8):
            packet = ipv6.build(tester.identity.address, stranger, protocol, tester.pattern(length))
            made = stimulus(case, packet, SAM=3, M=0, DAM=0, NH=0)
            made.note = f"next header {protocol}, {length} octets behind"
            stimuli.append(made)
    unanswered(case, stimuli, few=64)
    unharmed()


@requirement("RFC4944-5.1-05", "RFC6282-3.2-03")
def test_lengths_that_lie(case: Case, unharmed: Callable[[], None]):
    """0x41 with a payload length beyond the frame, or version 4, 0 and 15: no answer."""
    ready(case)
    stimuli = []
    for at, value in (
        (4, b"\x00\x20"),
        (4, b"\x05\x00"),
        (4, b"\xff\xff"),
        (0, b"\x40"),
        (0, b"\x00"),
        (0, b"\xf0"),
    ):
        packet = case.tester.echo()
        wrong = b"\x41" + packet[:at] + value + packet[at + len(value) :]
        stimuli.append(Stimulus([wrong], None, case.tester.info(), f"octet {at}: {value.hex(' ')}"))
    unanswered(case, stimuli, few=len(stimuli))
    unharmed()
