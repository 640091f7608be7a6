"""Shape S7, MAC headers that lie: other frame types, missing and reserved addresses, security that is not there.

"IPv6 packets MUST be carried on data frames" (RFC 4944 §2) binds the sender, and what a radio filters is not for
RFC 4944 to say: so the DUT is asked that it lives on, and takes a full-size echo behind the lies.
"""

from itertools import product

import pytest

from fixtures.api import ALL_NODES, Case, in_line, on_link, outcome, recovers, requirement, stimulus, whole
from sixlowpan import mac
from suites.rfc4944.test_2_headers import TERMINATION, element
from suites.rfc4944.test_3 import frame

pytestmark = on_link("ieee802154")


def payload(case: Case) -> bytes:
    """An echo with its addresses in-line, so that a frame without addresses still holds a whole packet."""
    return stimulus(case, case.tester.echo(), SAM=0, DAM=0).payloads[0]


@requirement("RFC4944-2-01")
@pytest.mark.parametrize("kind", [mac.BEACON, mac.ACK, mac.COMMAND, 4, 5, 6, 7], ids=lambda n: f"type{n}")
def test_frame_type(case: Case, kind: int):
    """A good echo in a frame that is no data frame: whatever becomes of it, the DUT lives on."""
    good = frame(case, payload(case))
    lie = bytes([good[0] & 0xF8 | kind]) + good[1:]
    outcome(case, [whole(case, lie, note=f"frame type {kind}"), whole(case, lie[:3], note="cut")] * 4)
    recovers(case)


@requirement("RFC4944-2-04")
@pytest.mark.parametrize("missing", ["source", "destination", "both"])
def test_missing_addresses(case: Case, missing: str):
    """Data frames that lack an address, which RFC 4944 §2 wants: no text says what to do; the DUT lives on."""
    fields: dict[str, object] = {"pan_compression": False}
    if missing != "destination":
        fields |= {"src": b"", "src_pan": None}
    if missing != "source":
        fields |= {"dst": b"", "dst_pan": None}
    outcome(case, [whole(case, frame(case, payload(case), **fields), note=f"{missing} missing")] * 4)
    recovers(case)


@requirement("RFC4944-2-01", "RFC4944-2-04")
def test_every_frame_control(case: Case):
    """Every second octet of the frame control, whatever is reserved in it, with PAN id compression and without.

    The first octet is of every frame type, and of a data frame with each of its other bits.
    """
    good = frame(case, payload(case))
    stimuli = []
    for low in (0x00, 0x01, 0x02, 0x03, 0x41, 0x09, 0x49, 0x21, 0x51, 0xC1, 0x05):
        for high in range(256):
            control = bytes([low, high])
            stimuli.append(whole(case, control + good[2:], note=f"frame control {control.hex()}"))
    for start in range(0, len(stimuli), 64):
        outcome(case, stimuli[start : start + 64])
    recovers(case)


@requirement("RFC4944-2-01")
@pytest.mark.parametrize("level", range(1, 8), ids=lambda n: f"level{n}")
def test_security_that_is_too_short(case: Case, level: int):
    """A secured frame shorter than its own security header and MIC: the DUT lives on."""
    stimuli = []
    for key_mode, key in enumerate((b"", b"\x01", bytes(5), bytes(9))):
        for tail in (b"", b"\x7a", b"\x7a\x33\x3a\x80", bytes(40)):
            lie = frame(
                case,
                tail,
                security=True,
                security_control=level | key_mode << 3,
                frame_counter=1,
                key_id=key,
            )
            note = f"level {level}, key mode {key_mode}, {len(tail)} octets behind"
            stimuli.append(whole(case, lie, note=note))
            stimuli.append(whole(case, lie[: -1 - len(key) - len(tail)], note=note + ", cut"))
    for start in range(0, len(stimuli), 16):
        outcome(case, stimuli[start : start + 16])
    recovers(case)


@requirement("RFC4944-2-01")
def test_empty_frames(case: Case):
    """Data frames without a payload, acknowledgements nobody asked for, and the longest frame there is."""
    stimuli = [whole(case, frame(case, b""), note="no payload")]
    stimuli += [whole(case, mac.ack(n), note="an acknowledgement") for n in range(0, 256, 16)]
    room = case.rig.link.mtu - len(frame(case, b""))
    for first in (0x7A, 0x41, 0xC5, 0xE5, 0x80):
        # of the fragments: one tag, and nothing in the first that could be decoded, whatever the seed
        longest = bytes([first, 0x33, 0x5E, 0x01, 0x00]) + case.tester.pattern(room - 5)
        stimuli.append(whole(case, frame(case, longest), note=f"{first:02x} and {room - 1} octets"))
    outcome(case, stimuli)
    recovers(case)


@requirement("RFC4944-2-01", "RFC4944-3-01", "RFC4944-8-01", "RFC6282-2-04")
def test_its_own_addresses(case: Case):
    """Frames and packets that have the DUT's own addresses for source: no text says what to do; the DUT lives on."""
    tester, link = case.tester, case.rig.link
    own = tester.dut_address
    packets = [
        tester.echo(source=own),
        tester.echo(source=own, destination=ALL_NODES),
        tester.echo(200, source=own),
    ]
    sources = {tester.identity.link, link.dut, link.dut_short} if link.any_source else {tester.identity.link}
    stimuli = [
        whole(case, frame(case, payload, src=source), note=f"from {source.hex()}")
        for packet in packets
        for payload in tester.payloads(packet, tester.info(), in_line(packet))
        for source in sorted(sources - {b""})
    ]
    outcome(case, stimuli)
    for _ in range(2):
        case.understood(lambda: stimulus(case, tester.echo()))
    recovers(case)


#: Header IEs that end well or badly (IEEE 802.15.4-2015 §7.4), in front of what follows.
ELEMENTS = {
    "empty, the last octets": bytes.fromhex("0000"),
    "empty, no terminator, an octet behind": bytes.fromhex("0000 7a"),
    "no terminator": element(b"\x5a" * 4),
    "no terminator, all of the frame": element(b"\x5a" * 70),
    "longer than the frame": bytes.fromhex("7f00") + b"\x5a" * 9,
    "as long as can be": element(b"\x5a" * 80) + TERMINATION,
    "half a descriptor": b"\x05",
    "half a descriptor behind one": element(b"\x5a") + b"\x05",
    "twenty empty ones": bytes(40) + TERMINATION,
    "a terminator with content": bytes.fromhex("843f 5a5a5a5a"),
    "a payload IE in their place": bytes.fromhex("0488 5a5a5a5a"),
    "payload IEs, no terminator": bytes.fromhex("003f 0488 5a5a5a5a"),
    "payload IEs beyond the frame": bytes.fromhex("003f ff8f 5a5a"),
    "payload IEs and their terminator": bytes.fromhex("003f 0488 5a5a5a5a 00f8"),
}


@requirement("RFC4944-2-01", "RFC4944-5-01")
@pytest.mark.parametrize("number", [7, None], ids=["sequence", "no-sequence"])
def test_header_ies(case: Case, number: int | None):
    """Header IEs of frames of 2015 that end early, late or not at all, with a payload behind them and without."""
    stimuli = []
    room = case.rig.link.mtu - len(frame(case, b"", pan_compression=False))
    for (name, ies), tail, one_pan in product(ELEMENTS.items(), (b"", payload(case)), (True, False)):
        header = {"version": 2, "sequence": number, "header_ies": ies, "pan_compression": one_pan}
        sent = frame(case, tail[: max(0, room - len(ies))], **header)
        stimuli.append(whole(case, sent, note=f"header IEs: {name}, {len(tail)} octets behind"))
    for start in range(0, len(stimuli), 16):
        outcome(case, stimuli[start : start + 16])
    recovers(case)
