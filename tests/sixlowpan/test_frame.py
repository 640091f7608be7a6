"""The short way through a whole frame says what the long way, by the whole MAC header, says."""

import pytest

from sixlowpan import DecodeError, frame, mac
from sixlowpan.link import LinkInfo

OCTETS = bytes(range(0x21, 0x21 + 40))
PLAIN = [0x01 | low << 4 | high << 8 for low in range(8) for high in range(256)]  # type data, no security


def by_the_header(psdu, pan_iids):
    header, payload = mac.parse(psdu)
    pan = header.pan if pan_iids else None
    return payload, LinkInfo("ieee802154", header.src, header.dst, pan)


def answer(read, *what):
    try:
        return read(*what)
    except DecodeError as error:
        return error.kind, error.offset, error.requirement, error.message


@pytest.mark.parametrize("pan_iids", [False, True])
def test_every_frame_control_field_of_a_plain_data_frame(pan_iids):
    for control in PLAIN:
        for psdu in (control.to_bytes(2, "little") + OCTETS, control.to_bytes(2, "little") + OCTETS[::-1]):
            assert answer(frame.parse, psdu, pan_iids) == answer(by_the_header, psdu, pan_iids), psdu.hex()


def test_frames_that_end_in_their_header_or_with_it():
    for control in PLAIN[::5]:
        for length in (0, 1, 2, 3, 9, 21, 22, 23, 24):
            psdu = (control.to_bytes(2, "little") + OCTETS)[:length]
            assert answer(frame.parse, psdu) == answer(by_the_header, psdu, False), psdu.hex()


def test_what_carries_no_payload_is_refused():
    assert "frame type 2" in answer(frame.parse, b"\x02\x88" + OCTETS)[3]
    assert "encrypted" in answer(frame.parse, b"\x09\x88" + bytes([0x21] * 9) + b"\x0d" + OCTETS)[3]


@pytest.mark.parametrize("dst", [b"", b"\0\1", b"\xff\xff", bytes(range(8))])
@pytest.mark.parametrize("src", [b"", b"\0\2", bytes(range(8, 16))])
def test_a_data_frame_is_the_built_one(src, dst):
    for sequence, ask in ((0, False), (255, True), (256 + 7, True)):
        both = bool(src and dst)
        header = mac.MacHeader(
            mac.DATA, False, False, ask, both, 0, sequence & 255, b"\xab\xcd", dst, b"\xab\xcd", src
        )
        assert mac.data_frame(src, dst, b"\xab\xcd", sequence, b"payload", ask) == mac.build(
            header, b"payload"
        )
