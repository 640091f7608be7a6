"""RFC 6282 §3.1, the LOWPAN_IPHC encoding format: all 8,192 values of its 13 bits, in one case each way."""

from collections.abc import Iterator
from dataclasses import replace

from fixtures.case import Case, Make
from fixtures.marks import needs, requirement
from fixtures.stimuli import link_info
from fixtures.sweep import understood_all
from rigs.tester import BROADCAST, Stimulus
from sixlowpan import decode, ipv6

LINK_LOCAL = bytes.fromhex("fe80000000000000")
GROUPS = {
    # (DAC, DAM): octets in-line that name a group
    (0, 0): bytes.fromhex("ff15000000000000 0000000000001234"),
    (0, 1): bytes.fromhex("15 0012345678"),
    (0, 2): bytes.fromhex("15 001234"),
    (0, 3): bytes.fromhex("01"),
    (1, 0): bytes.fromhex("35 00 00123456"),
}


def fields(word: int) -> tuple[int, ...]:
    """TF, NH, HLIM, CID, SAC, SAM, M, DAC, DAM of an IPHC header word (RFC 6282 §3.1.1)."""
    layout = ((11, 3), (10, 1), (8, 3), (7, 1), (6, 1), (4, 3), (3, 1), (2, 1), (0, 3))
    return tuple(word >> shift & mask for shift, mask in layout)


def reserved(word: int) -> bool:
    """M=0 DAC=1 DAM=00, and M=1 DAC=1 with DAM other than 00, are reserved."""
    *_, multicast, dac, dam = fields(word)
    return bool(dac) and (dam != 0 if multicast else dam == 0)


def built(case: Case, word: int) -> Stimulus:
    """A packet that fits an IPHC header word: in-line fields by hand, addresses as they must come out of them."""
    tf, nh, hlim, cid, sac, sam, multicast, dac, dam = fields(word)
    tester = case.tester
    own, there = tester.identity.address, tester.dut_address
    head = word.to_bytes(2) + (b"\x00" if cid else b"")
    head += (bytes.fromhex("aa0bcdef"), bytes.fromhex("0bcdef"), b"\xaa", b"")[
        tf
    ]  # the same with ECN and DSCP swapped
    head += (b"" if nh else b"\x3a") + (b"\x21" if hlim == 0 else b"")
    head += b"" if sac and not sam else (own, own[8:], b"\x12\x34", b"")[sam]
    head += GROUPS[dac, dam] if multicast else (there, there[8:], there[14:], b"")[dam]
    info = replace(
        tester.info(destination=BROADCAST) if multicast and tester.kind == "ieee802154" else tester.info()
    )
    probe = decode(head + (b"\xf0" + bytes(6) if nh else bytes(8)), info, tester.contexts)
    source, destination = probe[8:24], probe[24:40]
    if nh:
        message = ipv6.udp(0x1234, tester.next_identifier(), tester.pattern(4), source, destination)
        tail = b"\xf0" + message[:4] + message[6:]
    else:
        message = ipv6.Packet.parse(tester.echo(4, source=source, destination=destination)).payload
        tail = message
    packet = probe[:4] + len(message).to_bytes(2) + probe[6:40] + message
    return Stimulus([head + tail], packet, info, f"IPHC header word {word:04x}")


@needs("ip_tap", "context")
@requirement(
    "RFC6282-2-04",
    "RFC6282-3-01",
    "RFC6282-3.1.1-11",
    "RFC6282-3.1.1-12",
    "RFC6282-3.1.1-15",
    "RFC6282-3.1.1-16",
    "RFC6282-3.1.1-17",
    "RFC6282-3.1.1-18",
    "RFC6282-3.1.1-19",
    "RFC6282-3.1.1-20",
    "RFC6282-3.1.1-21",
    "RFC6282-3.1.1-22",
    "RFC6282-3.1.1-29",
    "RFC6282-3.1.1-30",
    "RFC6282-3.1.1-31",
    "RFC6282-3.1.1-32",
    "RFC6282-3.1.1-34",
    "RFC6282-3.1.1-35",
    "RFC6282-3.1.1-36",
    "RFC6282-3.1.1-37",
    "RFC6282-3.1.1-38",
    "RFC6282-3.1.1-39",
    "RFC6282-3.1.1-40",
    "RFC6282-3.1.1-41",
)
def test_every_legal_header_word(case: Case):
    """All 6,144 legal IPHC header words, each with a packet that fits it, come out bit for bit on the IP tap."""

    def makes() -> Iterator[tuple[str, Make]]:
        for word in range(0x6000, 0x8000):
            *_, sac, sam, multicast, dac, dam = fields(word)
            code = f"sac{sac}-sam{sam:02b}-m{multicast}-dac{dac}-dam{dam:02b}"
            if not reserved(word):
                yield code, lambda word=word: built(case, word)

    understood_all(case, makes())


@needs("ip_tap")
@requirement("RFC6282-3.1.1-33", "RFC6282-3.1.1-42", "RFC6282-3.1.1-43", "RFC6282-3.1.1-44")
def test_every_reserved_header_word(case: Case):
    """All 2,048 reserved header words: no packet may come of them (no RFC says so: advice), and the node lives on."""
    words = [word for word in range(0x6000, 0x8000) if reserved(word)]
    tail = case.tester.pattern(40)
    for start in range(0, len(words), 64):
        batch = words[start : start + 64]
        stimuli = [
            Stimulus([word.to_bytes(2) + tail], None, link_info(case, case.tester.echo())) for word in batch
        ]
        for packet in case.tapped_behind(stimuli):
            if packet not in case.tester.ordinary:
                case.finding(
                    "accepted", "no packet", f"between {batch[0]:04x} and {batch[-1]:04x}: {packet.hex(' ')}"
                )
