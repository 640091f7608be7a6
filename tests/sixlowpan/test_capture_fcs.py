"""What stands behind a frame is found out from the file, and what is wrong there is told."""

from __future__ import annotations

import pytest

from sixlowpan import capture, data_frame, encode, fcs, ipv6, mac
from sixlowpan.capture import Options, trailer
from sixlowpan.capture.linktypes import CRC, CRC32, NONE, TI
from tests.sixlowpan.captures import pcap, right, right32, tap, ti
from tests.sixlowpan.samples import DST, EUI_A, EUI_B, LONG, PAN_ID, SRC


def echo(number, size=20, broken=False):
    """A data frame with an echo whose data no other has; `broken`: with a wrong checksum."""
    packet = ipv6.echo_request(SRC, DST, 7, number, bytes((number * 7 + n) & 0xFF for n in range(size)))
    if broken:
        packet = packet[:42] + b"\0\0" + packet[44:]
    return data_frame(EUI_A, EUI_B, PAN_ID, number, encode(packet, LONG))


def counts(path, **said):
    judgement = capture.judge(path, options=Options(**said))
    return judgement.judged, dict(judgement.skipped)


TRAILERS = {
    "crc": right,
    "crc of 4 octets": right32,
    "TI": ti,
    "zeros": lambda psdu: psdu + b"\0\0",
    "ones": lambda psdu: psdu + b"\xff\xff",
    "000f": lambda psdu: psdu + b"\x00\x0f",
    "one constant": lambda psdu: psdu + b"\x12\x34",
    "nothing": lambda psdu: psdu,
    "not captured": lambda psdu: (psdu, len(psdu) + 2),
}


#: of link type 230 it is believed that nothing follows, unless a CRC is right
FOUND_OUT = [*((195, name) for name in TRAILERS), (230, "crc"), (230, "crc of 4 octets"), (230, "nothing")]


@pytest.mark.parametrize(("link_type", "name"), FOUND_OUT)
def test_found_out(tmp_path, link_type, name):
    path = pcap(tmp_path / "f", link_type, [TRAILERS[name](echo(number)) for number in range(4)])
    assert counts(path) == (4, {})
    (found, *_) = capture.payloads(path)
    assert found.payload == encode(ipv6.echo_request(SRC, DST, 7, 0, bytes(range(20))), LONG)


@pytest.mark.parametrize("name", ["TI", "nothing", "zeros"])
def test_found_out_without_right_checksums(tmp_path, name):
    """Shape alone: an echo is not shorter than 8 octets."""
    frames = [TRAILERS[name](echo(number, 0, broken=True)) for number in range(3)]
    assert counts(pcap(tmp_path / "f", 195, frames)) == (3, {})


def test_acknowledgements_tell(tmp_path):
    frames = [mac.ack(3), echo(1, broken=True), mac.ack(4)]
    assert counts(pcap(tmp_path / "f", 195, frames)) == (1, {"not a data frame": 2})


def test_one_right_fcs_is_proof(tmp_path):
    wrong = echo(2) + b"\0\0"
    path = pcap(tmp_path / "f", 195, [right(echo(1)), wrong])
    assert counts(path) == (1, {"FCS wrong": 1})
    assert counts(pcap(tmp_path / "f", 195, [wrong[:-1] + b"\x55", right(echo(1))])) == (1, {"FCS wrong": 1})


def test_a_damaged_frame_alone_is_not_judged(tmp_path):
    whole = right(echo(1))
    for at in (3, 30, len(whole) - 1):
        damaged = whole[:at] + bytes((whole[at] ^ 0x10,)) + whole[at + 1 :]
        assert counts(pcap(tmp_path / "f", 195, [damaged])) == (0, {"FCS wrong": 1})


def test_the_radio_says_that_it_is_wrong(tmp_path):
    frames = [ti(echo(1)), ti(echo(2), good=False), ti(echo(3))]
    assert counts(pcap(tmp_path / "f", 195, frames)) == (2, {"FCS wrong": 1})


@pytest.mark.parametrize("kind", [1, 2], ids=["crc", "crc of 4 octets"])
def test_the_tap_header_promises_one(tmp_path, kind):
    """Link type 283: its header says which FCS follows, and one that is wrong is no frame."""
    wrong = tap(echo(1), kind)
    wrong = wrong[:-1] + bytes((wrong[-1] ^ 0x10,))
    assert counts(pcap(tmp_path / "f", 283, [tap(echo(2), kind), wrong])) == (1, {"FCS wrong": 1})
    assert counts(pcap(tmp_path / "f", 283, [wrong])) == (0, {"FCS wrong": 1})


def test_said(tmp_path):
    odd = [echo(number) + bytes((number, 1)) for number in range(3)]
    path = pcap(tmp_path / "f", 195, odd)
    assert counts(path) == (0, {"FCS wrong": 3})
    assert counts(path, fcs="none")[0] == 3
    assert counts(pcap(tmp_path / "f", 195, [ti(echo(1))]), fcs="ti") == (1, {})
    assert counts(pcap(tmp_path / "f", 230, [right(echo(1)), echo(2)]), fcs="crc") == (1, {"FCS wrong": 1})


@pytest.mark.parametrize("missing", [1, 3, 30])
def test_cut_by_the_capture(tmp_path, missing):
    whole = right(echo(1))
    path = pcap(tmp_path / "f", 195, [(whole[:-missing], len(whole))])
    assert counts(path) == (0, {"cut by the capture": 1})
    assert counts(pcap(tmp_path / "f", 230, [(echo(1)[:-missing], len(echo(1)))])) == (
        0,
        {"cut by the capture": 1},
    )
    # among whole frames with a right FCS, one that lacks it is cut, too
    path = pcap(tmp_path / "f", 195, [right(echo(2)), (echo(1), len(whole))])
    assert counts(path) == (1, {"cut by the capture": 1})


def test_chance():
    """One frame in 65,536 has a right CRC by chance; that is no proof."""

    def seen(right_ones, wrong_ones):
        frames = [right(echo(n)) for n in range(right_ones)] + [echo(n % 200) for n in range(wrong_ones)]
        from sixlowpan.capture.linktypes import PSDU, Inside

        return trailer.find_out(Inside(PSDU, each, "x", CRC) for each in frames)

    assert seen(1, 100) == CRC
    assert seen(1, 5000) == NONE
    assert seen(32, 0) == CRC


def test_cut():
    psdu = echo(1)
    assert trailer.cut(CRC, right(psdu)) == psdu
    assert trailer.cut(CRC, psdu + b"\1\2") is None
    assert trailer.cut(CRC32, right32(psdu)) == psdu
    assert trailer.cut(CRC32, right(psdu)) is None
    assert trailer.cut(TI, ti(psdu)) == psdu
    assert trailer.cut(TI, ti(psdu, good=False)) is None
    assert trailer.cut(NONE, psdu) == psdu
    for kind in (CRC, CRC32, TI, trailer.FILLER, trailer.FILLER32):
        assert trailer.cut(kind, b"\1\2") is None
    assert trailer.crc32(b"\x41\x42") == trailer.crc32(b"\x41\x42\0\0")


def test_fcs_is_crc_kermit():
    assert fcs(b"123456789") == (0x2189).to_bytes(2, "little")
