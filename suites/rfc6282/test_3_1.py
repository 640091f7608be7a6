"""RFC 6282 §3.1, the LOWPAN_IPHC encoding format: all 8,192 values of its 13 bits, in one case each way."""

from collections.abc import Iterator

from fixtures.api import (
    Case,
    Make,
    Stimulus,
    link_info,
    needs,
    on_link,
    outcome,
    requirement,
    spelled,
    understood_all,
)

LINK_LOCAL = bytes.fromhex("fe80000000000000")
GROUPS = {
    # (DAC, DAM): octets in-line that name a group
    (0, 0): bytes.fromhex("ff15000000000000 0000000000001234"),
    (0, 1): bytes.fromhex("15 9a12345678"),
    (0, 2): bytes.fromhex("15 9a1234"),
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


def modes(word: int) -> str:
    """How both addresses are compressed: the code of a finding about them."""
    *_, sac, sam, multicast, dac, dam = fields(word)
    return f"sac{sac}-sam{sam:02b}-m{multicast}-dac{dac}-dam{dam:02b}"


def head(case: Case, word: int) -> bytes:
    """An IPHC header word and in-line fields that fit it."""
    tf, nh, hlim, cid, sac, sam, multicast, dac, dam = fields(word)
    own, there = case.tester.identity.address, case.tester.dut_address
    # the traffic class is the same with ECN and DSCP swapped
    inline = (bytes.fromhex("aa0bcdef"), bytes.fromhex("0bcdef"), b"\xaa", b"")[tf]
    inline += (b"" if nh else b"\x3a") + (b"\x21" if hlim == 0 else b"")
    inline += b"" if sac and not sam else (own, own[8:], b"\x12\x34", b"")[sam]
    inline += GROUPS[dac, dam] if multicast else (there, there[8:], there[14:], b"")[dam]
    plain = [0, *(k for k, context in case.tester.contexts.items() if context.length == 64)]
    return word.to_bytes(2) + (bytes([plain[-1] << 4 | plain[len(plain) // 2]]) if cid else b"") + inline


def built(case: Case, word: int) -> Stimulus:
    """A packet that fits an IPHC header word: in-line fields by hand, addresses as they must come out of them."""
    return spelled(case, head(case, word), note=f"IPHC header word {word:04x}")


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
    "RFC6282-3.1.1-01",
    "RFC6282-3.1.1-02",
    "RFC6282-3.1.1-03",
    "RFC6282-3.1.1-04",
    "RFC6282-3.1.1-07",
    "RFC6282-3.1.1-08",
    "RFC6282-3.1.1-09",
    "RFC6282-3.1.1-10",
    "RFC6282-3.1.1-13",
    "RFC6282-3.2.1-01",
    "RFC6282-3.2.1-02",
    "RFC6282-3.2.1-03",
    "RFC6282-3.2.2-04",
    "RFC6282-3.2.3-02",
    "RFC6282-3.2.3-03",
    "RFC6282-3.2.3-04",
)
def test_every_legal_header_word(case: Case):
    """All 6,144 legal IPHC header words, each with a packet that fits it, come out bit for bit on the IP tap."""

    def makes() -> Iterator[tuple[str, Make]]:
        # not in order: what a header leaves behind shows in the next one only where that one has less in-line
        for word in (0x6000 | n * 0x0B5D & 0x1FFF for n in range(0x2000)):
            if not reserved(word):
                yield modes(word), lambda word=word: built(case, word)

    understood_all(case, makes())


#: Octets of data that no frame has room for, and header words in front of so much: elided, in part and whole.
MANY = 120
IN_FRAGMENTS = (0x7A33, 0x7A77, 0x7A66, 0x7E33, 0x7E77, 0x7E62)


@needs("ip_tap", "context")
@on_link("ieee802154")
@requirement(
    "RFC6282-3.1.1-17",
    "RFC6282-3.1.1-18",
    "RFC6282-3.1.1-21",
    "RFC6282-3.1.1-22",
    "RFC6282-3.1.1-31",
    "RFC6282-3.1.1-32",
    "RFC6282-3.1.1-35",
    "RFC6282-3.1.1-36",
    "RFC6282-3.2.2-05",
    "RFC6282-3.2.2-06",
    "RFC4944-3-01",
)
def test_every_address_mode_between_short_addresses(case: Case):
    """Frames from a short address to a short one: only what is elided comes from the frame, in each mode of both."""
    tester, to = case.tester, case.rig.link.dut_short
    if not to:
        case.unsupported("the DUT has no short address", "not_declared")
    if case.rig.link.any_source:
        tester.fresh_short()

    def made(word: int) -> Stimulus:
        octets = head(case, word)
        if word & 0xB == 0b10:  # 16 bits of a unicast destination, others than those of the frame
            octets = octets[:-2] + b"\x56\x78"
        return spelled(case, octets, to=to, size=MANY if word in IN_FRAGMENTS else 4)

    words = [first << 8 | second for first in (0x78, 0x7B) for second in range(256)] + [*IN_FRAGMENTS]
    words = sorted((word for word in words if not reserved(word)), key=lambda word: word & 0xC == 0xC)
    if not any(outcome(case, [spelled(case, head(case, 0x7800), to=to)])):
        case.unsupported("nothing comes of a frame between short addresses, which other cases judge")
    understood_all(case, ((modes(word), lambda word=word: made(word)) for word in words))


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


#: A header with all of its fields in-line, which says in its first two octets how long it is.
LONGEST = bytes.fromhex("60 80 12 aa0bcdef 3a 21") + bytes(range(0x40, 0x60))
#: TF=00, 01, 10 and 11, in-line and elided hop limits, addresses of every size, with and without contexts.
AFTER = (0x6091, 0x6A22, 0x72B3, 0x7B33, 0x62D1, 0x6A65, 0x78F6, 0x67F7, 0x624B, 0x6A4C, 0x7033, 0x7C33)


@needs("ip_tap", "context")
@requirement("RFC6282-2-04", "RFC6282-3-02", "RFC6282-3.2-03", "RFC6282-3.1.1-07", "RFC6282-3.1.2-05")
def test_nothing_stays_of_a_bad_header(case: Case):
    """A header that ends in the middle, then a whole one: nothing of the first is left in what the second means."""
    cuts = [LONGEST[:size] for size in (1, 2, 3, 5, 7, 8, 9, 20, 24, 30, len(LONGEST) - 1)]
    cuts += [bytes.fromhex("7e33"), bytes.fromhex("7e33f1f0"), bytes.fromhex("7e33e03a20ff")]

    def behind(cut: bytes, word: int) -> Stimulus:
        good = built(case, word)
        good.payloads = [cut, *good.payloads]
        return good

    understood_all(
        case,
        ((modes(word), lambda word=word, cut=cut: behind(cut, word)) for cut in cuts for word in AFTER),
        alone=False,  # that nothing comes of the bad ones is for robustness/truncation
    )
