"""Spinel on the wire, held against a captured session of OpenThread's ot-rcp."""

from pathlib import Path

import pytest

from rigs.links.spinel import hdlc, protocol
from rigs.links.spinel.link import Options
from sixlowpan import mac
from tests.links.spinel_bench import DUT, ESCAPES, PAN, TESTER, opened
from tests.links.spinel_peer import Port, Rcp, framed, unframed

LINES = [
    line.split()
    for line in (Path(__file__).parent / "spinel_session.txt").read_text().splitlines()
    if not line.startswith("#")
]
SESSION = [(way, bytes.fromhex(octets)) for way, octets in LINES]
TO_DUT = mac.data_frame(TESTER, DUT, PAN, 7, ESCAPES, True)
FROM_DUT = mac.data_frame(DUT, TESTER, PAN, 9, ESCAPES, True)


def captured_times():
    """The times (8 octets) in what the co-processor said of frames on channel 26, in order."""
    for way, line in SESSION:
        for message in unframed(line):
            at = message.find(bytes.fromhex("0a001a00"))
            if way == "<" and at > 0:
                yield int.from_bytes(message[at + 4 : at + 12], "little")


def test_the_peer_of_the_tests_says_what_the_real_one_said():
    times = captured_times()
    rcp = Rcp(now=lambda: next(times), others={DUT})
    said = [framed(bytes.fromhex("80060070"))]  # at its power-up
    for way, line in SESSION:
        if way == ">":
            assert not said, "the real one said less"
            said = [framed(message) for message in unframed(rcp.feed(line))]
            continue
        if not said:  # it heard a frame
            message = unframed(line)[0]
            psdu = message[5 : 5 + int.from_bytes(message[3:5], "little")]
            said = [rcp.hear(psdu[:-2])[0]]
        assert said.pop(0) == line
    assert next(times, None) is None


def test_the_link_says_what_it_said_then():
    asked = [line for way, line in SESSION if way == ">"]
    port = Port(Rcp(others={DUT}))
    link = opened(port, Options(power=8))
    link.send(mac.data_frame(TESTER, b"\xff\xff", PAN, 1, ESCAPES))
    link.send(mac.data_frame(TESTER, DUT, PAN, 2, ESCAPES, True))
    link.send(mac.data_frame(TESTER, bytes(8), PAN, 3, b"\x7a", True))
    assert (port.lines, link.unacknowledged) == (asked[: len(port.lines)], 1)
    assert len(port.lines) == 16
    link.close()
    port.close()


@pytest.mark.parametrize("portion", [1, 3, 4096], ids=str)
def test_frames_come_whole_whatever_they_are_cut_into(portion):
    stream = b"boot\x7e\x7e" + b"".join(line for way, line in SESSION if way == "<")
    deframer, frames = hdlc.Deframer(), []
    for at in range(0, len(stream), portion):
        frames += deframer.feed(stream[at : at + portion])
    assert frames == [message for way, line in SESSION if way == "<" for message in unframed(line)]
    assert deframer.noise == 1


@pytest.mark.parametrize(
    "octets",
    [
        b"\x7e\x01\x02\x7e",
        b"\x7e\x80\x06\x00\x70\xee\x75\x7e",
        b"\x7e" + bytes(5000) + b"\x7e",
        b"\x7e\x01\x7d\x7e",
    ],
    ids=["too-short", "wrong-fcs", "endless", "escape-at-the-end"],
)
def test_what_is_no_frame_is_passed_over_and_counted(octets):
    deframer = hdlc.Deframer()
    assert deframer.feed(octets) == []
    assert deframer.noise == 1
    assert deframer.feed(hdlc.encode(b"\x80\6\0\0")) == [b"\x80\6\0\0"]


def test_every_octet_goes_through():
    message = bytes(range(256))
    assert hdlc.encode(message) == framed(message)
    assert hdlc.Deframer().feed(framed(message)) == [message]


@pytest.mark.parametrize("number", [0, 1, 127, 128, 513, 0x7777, 2**28])
def test_packed_integers(number):
    octets = protocol.packed(number)
    assert protocol.unpacked(octets, 0) == (number, len(octets))
    assert len(octets) == max(1, -(-number.bit_length() // 7))


@pytest.mark.parametrize("octets", ["", "00", "8006", "80ff", "80" + "ff" * 9, "c00600"])
def test_what_is_no_message(octets):
    with pytest.raises(protocol.SpinelError):
        protocol.parse(bytes.fromhex(octets))
