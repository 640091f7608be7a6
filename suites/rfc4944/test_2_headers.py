"""RFC 4944 §2 and §12: MAC headers of data frames in every form that is good, and addresses that are another's.

Of IEEE 802.15.4 the text takes data frames with both addresses, extended or short; "source and destination PAN ID
fields may also be included". What a frame of a later edition means is read rightly, or the frame is dropped.
"""

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from fixtures.api import (
    Case,
    Frame,
    Identity,
    Stimulus,
    advice,
    frame_of,
    heeded,
    nothing_came,
    nothing_of,
    on_link,
    requirement,
    stimulus,
    whole,
)
from sixlowpan.addresses import link_local
from suites.rfc4944.test_3 import BROADCAST, frame

pytestmark = on_link("ieee802154")

#: A header IE of a vendor (IEEE 802.15.4-2015 §7.4.2: id 0), and Header Termination 2: the payload follows.
VENDOR = 0x00
TERMINATION = bytes.fromhex("803f")


def element(content: bytes, identifier: int = VENDOR) -> bytes:
    """A header IE: 7 bits of length, 8 of id, the type bit 0, least octet first."""
    return (len(content) | identifier << 7).to_bytes(2, "little") + content


def people(case: Case) -> list[Identity]:
    """The tester with an extended address, and with a short one where the link can send from it."""
    first = case.tester.identity
    return [first, case.tester.fresh_short()] if case.rig.link.any_source else [first]


def echo(case: Case, who: Identity, destination: bytes = b"", **header: object) -> Stimulus:
    """An echo of `who` to an address of the DUT's link, in a frame with these fields of its MAC header."""
    tester = case.tester
    destination = destination or tester.dut_link
    with tester.acting_as(who):
        other = destination != tester.dut_link
        packet = tester.echo()
        info = tester.info(destination=destination)
        form: dict[str, Any] = {"DAM": 0, "M": 0} if other else {}
        made = stimulus(case, packet, info=info, **form)
        sent = frame(case, made.payloads[0], dst=destination, **header)
    note = ", ".join(f"{name} {value}" for name, value in header.items() if name != "sequence")
    return whole(case, sent, packet=packet, note=f"{note}, {len(who.link)} to {len(destination)} octets")


def good_headers(case: Case, who: Identity, row: str) -> Iterator[tuple[str, Frame]]:
    """Frames from `who` with each form of a good header; `row` is what is broken where one with one PAN id is lost."""
    sequence = 240
    ends = list(filter(None, (case.rig.link.dut, case.rig.link.dut_short)))
    for ack, pending, one_pan, to in product((True, False), (False, True), (True, False), ends):
        sequence += 1
        header = {
            "ack_request": ack,
            "pending": pending,
            "pan_compression": one_pan,
            "sequence": sequence & 0xFF,
        }
        broken = row if one_pan or len(who.link) == 2 else "RFC4944-2-04"
        yield broken, lambda to=to, header=header: echo(case, who, to, **header)


@requirement("RFC4944-5-01", "RFC4944-2-04", "RFC4944-2-02", "RFC4944-2-05", "RFC6282-2-04")
def test_every_good_header(case: Case):
    """Data frames with AR, frame pending, one PAN id or both, any sequence number and kind of destination are taken."""
    heeded(case, list(good_headers(case, case.tester.identity, "RFC4944-5-01")))


@requirement("RFC4944-3-01", "RFC6282-2-04")
def test_every_good_header_from_a_short_source(case: Case):
    """The same from a 16-bit source address."""
    heeded(case, list(good_headers(case, case.short_sender(), "RFC4944-3-01")))


@requirement("RFC6282-2-04", "RFC4944-5-01")
def test_sequence_numbers_are_the_senders(case: Case):
    """A frame whose sequence number another sender has just used is no repetition: it is taken."""
    case.several_senders()
    tester = case.tester
    first = tester.identity
    crowd = [tester.fresh() for _ in range(4)]
    tester.identity = first  # of the control: a DUT may let one answer wait for an address, the newest
    alike = crowd[0].link[:5] + bytes([crowd[0].link[5] ^ 0x40]) + crowd[0].link[6:]
    crowd.append(tester._own(Identity(alike, link_local(alike))))
    for number in (0, 7, 255):
        for _ in range(2 * case.rig.file.attempts):
            lost = nothing_came(case, [echo(case, who, sequence=number) for who in crowd])
            if not lost:
                break
        else:
            frame = frame_of(case, lost[0])
            wanted, got = (
                f"echoes of {len(crowd)} senders with sequence number {number}",
                f"{len(lost)} are dropped",
            )
            case.finding("dropped", wanted, got, requirement="RFC6282-2-04", frame=frame)


@requirement("RFC4944-5-01", "RFC4944-2-01")
@pytest.mark.parametrize("version", [1, 2], ids=["2006", "2015"])
def test_later_editions(case: Case, version: int):
    """A good data frame of a later edition, with header IEs where it has them: taken for what it is, or dropped."""
    who = people(case)[-1]
    stimuli = []
    for one_pan, number, ies in product(
        (True, False),
        (7, None) if version == 2 else (7,),
        (b"", TERMINATION, element(b"") + TERMINATION, element(b"\x5a" * 20) + TERMINATION)
        if version == 2
        else (b"",),
    ):
        header: dict[str, Any] = {
            "version": version,
            "pan_compression": one_pan,
            "sequence": number,
            "header_ies": ies,
        }
        stimuli += [echo(case, someone, **header) for someone in {case.tester.identity, who}]
    nothing_came(case, stimuli, requirement="RFC4944-5-01")


@requirement("RFC4944-5-01", "RFC4944-5.1-03")
def test_payload_begins_behind_the_header(case: Case):
    """The payload begins right behind the MAC header: an echo at another place in the frame is not answered.

    Behind octets 00, a NALP dispatch, which an offset of one field too many passes over; and in a header IE. As advice
    where IEEE 802.15.4-2003, to which the bits of the version are reserved, has it where the echo stands.
    """
    tester = case.tester
    good = stimulus(case, tester.echo(), SAM=0, DAM=0).payloads[0]
    stimuli: list[Stimulus] = []
    by_edition: list[Stimulus] = []
    for version, one_pan, size in product((0, 1, 2), (True, False), (1, 2, 4)):
        sent = frame(case, bytes(size) + good, version=version, pan_compression=one_pan)
        note = f"version {version}, {'one PAN id' if one_pan else 'both'}, {size} octets 00 before the echo"
        (by_edition if version == 2 and not one_pan else stimuli).append(whole(case, sent, note=note))
    for who, one_pan, tail in product(people(case), (True, False), (b"", TERMINATION + b"\0")):
        with tester.acting_as(who):
            echo_of_who = stimulus(case, tester.echo(), SAM=0, DAM=0).payloads[0]
            sent = frame(case, tail, version=2, pan_compression=one_pan, header_ies=element(echo_of_who))
        # the PAN ids of a frame with a short address are those of 2003 and 2006 (IEEE 802.15.4-2015 table 7-2)
        alike = one_pan or len(who.link) == 2
        (stimuli if alike else by_edition).append(whole(case, sent, note="an echo in a header IE"))
    nothing_of(case, stimuli, code="shifted")
    with advice(case):
        nothing_of(case, by_edition, code="shifted")
    legacy = frame(case, good)
    suppressed = bytes([legacy[0], legacy[1] | 1]) + legacy[3:]
    note = "a frame of 2003 without sequence number, its reserved bit 8 set"
    with advice(case):  # what bit 8 means, and in which edition, is IEEE 802.15.4's
        nothing_of(case, [whole(case, suppressed, note=note)], code="no_sequence")


@requirement("RFC4944-2-01")
def test_frame_types_have_three_bits(case: Case):
    """A good echo in a frame of the types 4 to 7, which are no data frames whatever their last two bits are."""
    sent = frame(case, stimulus(case, case.tester.echo(), SAM=0, DAM=0).payloads[0])
    stimuli = [
        whole(case, bytes([sent[0] & 0xF8 | kind]) + sent[1:], note=f"frame type {kind}")
        for kind in (4, 5, 6, 7)
    ]
    with advice(case):  # what a radio filters is IEEE 802.15.4's to say; §2 binds the sender
        nothing_of(case, stimuli, code="frame_type")


def neighbours_of(address: bytes) -> list[bytes]:
    """Addresses that are easily taken for this one: one octet is another, or their order is."""
    near = [address[:at] + bytes([address[at] ^ 0x10]) + address[at + 1 :] for at in range(len(address))]
    return [other for other in (*near, address[::-1]) if other != address]


@requirement("RFC4944-3-01", "RFC4944-2-04", "RFC4944-12-03", "RFC4944-12-04", "RFC4944-12-01")
@pytest.mark.parametrize(
    ("to", "row"),
    [
        ("extended", "RFC4944-3-01"),
        ("short", "RFC4944-3-01"),
        ("reserved", "RFC4944-12-03"),
        ("fffe", "RFC4944-12-04"),
    ],
    ids=["extended", "short", "reserved", "fffe"],
)
def test_for_another(case: Case, to: str, row: str):
    """An echo for the DUT's IPv6 address in a frame to another link-layer address: nothing comes of it.

    0xfffe is nobody's, and the short addresses that begin with 101, 110 and 111 are reserved (§12).
    """
    link, tester = case.rig.link, case.tester
    short = link.dut_short or link.dut[-2:]
    others = {
        "extended": neighbours_of(link.dut),
        "short": neighbours_of(short),
        "reserved": [bytes.fromhex(value) for value in ("a001", "c000", "ff00", "fffd")],
        "fffe": [b"\xff\xfe"],
    }[to]
    stimuli = []
    for other in others:
        if other in {link.dut, link.dut_short, BROADCAST}:
            continue
        payload = stimulus(case, tester.echo(), SAM=0, DAM=0).payloads[0]
        stimuli.append(whole(case, frame(case, payload, dst=other), note=f"for {other.hex()}"))
    with advice(case):  # the filter is IEEE 802.15.4's
        nothing_of(case, stimuli, code="another_address", requirement=row)
