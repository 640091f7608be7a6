"""What sniffers are known to write that no link type promises, each as public tools do it."""

from __future__ import annotations

import itertools
import struct

import pytest

from sixlowpan import capture, data_frame, encode, ipv6, mac
from sixlowpan.__main__ import main
from sixlowpan.capture import Options, trailer
from sixlowpan.capture.linktypes import CRC
from tests.sixlowpan.captures import WRAPPERS, ethernet, ipv4, pcap, right, tap, ti_radio, udp
from tests.sixlowpan.samples import DST, EUI_A, EUI_B, LONG, SRC


def echo(number, size=20):
    packet = ipv6.echo_request(SRC, DST, 7, number, bytes((number * 7 + n) & 0xFF for n in range(size)))
    return data_frame(EUI_A, EUI_B, b"\xab\xcd", number, encode(packet, LONG))


mac_fcs = mac.fcs
ECHOES = [echo(number) for number in range(6)]


def counts(path, **said):
    judgement = capture.judge(path, options=Options(**said))
    assert not judgement.findings
    return judgement.judged, dict(judgement.skipped)


def rssi_and_lqi(number):
    """As pyspinel and others: the LQI has no bit for a right CRC."""
    return bytes((0xC0 + number, 30 + 40 * number))


@pytest.mark.parametrize("link_type", [195, 230])
def test_octets_that_differ_and_are_no_fcs(tmp_path, link_type, capsys):
    """Noise does not spoil the FCS of every frame and nothing else of them."""
    frames = [psdu + rssi_and_lqi(number) for number, psdu in enumerate(ECHOES)]
    path = pcap(tmp_path / "f", link_type, frames)
    assert counts(path) == (6, {})
    assert main(["judge", str(path)]) == 0
    assert "hint: behind the frames stand octets that are no FCS" in capsys.readouterr().out
    assert counts(pcap(tmp_path / "f", link_type, frames[:3]), fcs="skip") == (3, {})


def test_an_lqi_that_looks_like_a_correlation(tmp_path):
    frames = [psdu + bytes((0xD0, 60 + 30 * number)) for number, psdu in enumerate(ECHOES)]
    assert counts(pcap(tmp_path / "f", 195, frames)) == (6, {})


def test_damage_to_mac_headers_leaves_checksums_alone(tmp_path):
    """A few of many frames, whose radio says that they are damaged: the bit says so, and they are not read."""
    right = [echo(number) + bytes((0xD0, 0xE0 + number % 8)) for number in range(30)]
    wrong = [
        bytes((psdu[0], psdu[1], psdu[2] ^ 0x55)) + psdu[3:] + b"\xd0\x69"
        for psdu in map(echo, range(40, 45))
    ]
    assert counts(pcap(tmp_path / "f", 195, right + wrong)) == (30, {"FCS wrong": 5})


def test_frames_of_link_type_230_end_where_they_end(tmp_path):
    """Two octets too many in what one node says are its fault: what others say shows that nothing is put behind."""
    others = [data_frame(EUI_B, EUI_A, b"\xab\xcd", 9, encode(ipv6.echo_request(DST, SRC, 1, 1, b"x"), LONG))]
    frames = [*others, *(psdu + b"\1\2" for psdu in ECHOES)]
    judgement = capture.judge(pcap(tmp_path / "f", 230, frames))
    assert ("checksum", 2) in {(each.code, each.frame) for each in judgement.findings}


def test_a_few_right_fcs_do_not_make_all_others_of_230_wrong(tmp_path):
    """One in 65,536 is right by chance."""
    judgement = capture.judge(
        pcap(tmp_path / "f", 230, [right(echo(0)), *(echo(number) for number in range(1, 40))])
    )
    assert (judgement.judged, judgement.skipped) == (40, {})


@pytest.mark.parametrize("header", [bytes.fromhex("00000400"), tap(b"", 0)[:12]], ids=["not told", "none"])
def test_a_tap_header_that_conceals_the_fcs(tmp_path, header):
    frames = [header + right(psdu) for psdu in ECHOES]
    assert counts(pcap(tmp_path / "f", 283, frames)) == (6, {})


@pytest.mark.parametrize("size", range(1, 25))
def test_zeros_behind_the_fcs(tmp_path, size):
    """A buffer that is written whole: the CRC of 802.15.4 holds behind any number of zeros as well."""
    frames = [right(echo(number, size)).ljust(100, b"\0") for number in range(40)]
    assert counts(pcap(tmp_path / "f", 195, frames)) == (40, {})


def test_zeros_without_end_take_no_time(monkeypatch):
    """Each length of them has a right FCS, and the first few are enough."""
    counted = []
    monkeypatch.setattr(trailer.mac, "fcs", lambda psdu: counted.append(psdu) or mac_fcs(psdu))
    assert trailer.cut(CRC, bytes(4096)) is not None
    assert len(counted) < 8


def test_an_fcs_that_ends_with_a_zero_is_no_padding(tmp_path):
    found = (data_frame(EUI_A, EUI_B, b"\xab\xcd", n, echo(n)[21:]) for n in itertools.count())
    psdu = next(each for each in found if mac.fcs(each)[1] == 0)
    assert counts(pcap(tmp_path / "f", 195, [right(psdu)])) == (1, {})


def test_frames_that_ethernet_padded(tmp_path):
    """46 octets at least: a frame of 44 gets two, one of 45 gets one."""
    frames = [
        ethernet(0x809A, right(echo(number, size)).ljust(46, b"\0"))
        for number, size in enumerate((0, 6, 7, 8))
    ]
    assert counts(pcap(tmp_path / "f", 1, frames)) == (4, {})


def test_acknowledgements_in_whole_buffers_without_fcs(tmp_path):
    """Nothing tells where these frames end, so nothing is judged."""
    frames = [psdu.ljust(100, b"\0") for psdu in [*ECHOES, mac.ack(1)]]
    assert capture.judge(pcap(tmp_path / "f", 195, frames)).judged == 0


@pytest.mark.parametrize("name", ["TI radio", "TI radio in Ethernet", "CatSniffer", "nRF without TAP"])
def test_sniffers_with_a_header_of_their_own(tmp_path, name):
    link_type, wrap = WRAPPERS[name]
    assert counts(pcap(tmp_path / "f", link_type, map(wrap, ECHOES))) == (6, {})


def test_ti_sniffers_hear_other_things(tmp_path):
    damaged = ti_radio(ECHOES[1], status=0)
    frames = [ipv4(udp(each, 17760)) for each in (ti_radio(ECHOES[0], protocol=3), damaged)]
    told = {"no 802.15.4 in it (protocol 3 of TI's sniffer)": 1, "FCS wrong": 1}
    assert counts(pcap(tmp_path / "f", 228, frames)) == (0, told)


@pytest.mark.parametrize(
    ("link_type", "reason"),
    [
        (147, "unknown link type 147 (private use)"),
        (249, "unknown link type 249 (USB)"),
        (299, "unknown link type 299"),
        (215, "no preamble in front, as link type 215 has it"),
    ],
)
def test_what_is_no_frame_of_ours_is_named(tmp_path, link_type, reason):
    assert counts(pcap(tmp_path / "f", link_type, [right(ECHOES[0])])) == (0, {reason: 1})


@pytest.mark.parametrize("order", "<>")
def test_pcap_of_a_patched_libpcap(tmp_path, order):
    """Magic a1b2cd34: interface, protocol and kind stand behind the four fields of a record."""
    head = struct.pack(order + "IHHiIII", 0xA1B2CD34, 2, 4, 0, 0, 65535, 230)
    records = [
        struct.pack(order + "IIIIIHBB", n, 0, len(psdu), len(psdu), 3, 0xF6, 0, 0) + psdu
        for n, psdu in enumerate(ECHOES)
    ]
    (tmp_path / "f").write_bytes(head + b"".join(records))
    assert counts(tmp_path / "f") == (6, {})


def test_two_files_put_together_by_cat(tmp_path):
    path = pcap(tmp_path / "f", 230, ECHOES)
    path.write_bytes(path.read_bytes() * 2)
    judgement = capture.judge(path)
    assert (judgement.judged, judgement.findings) == (6, [])
    assert judgement.damage.endswith(
        "another pcap file begins here: `mergecap` puts files together, `cat` does not"
    )


def test_a_file_that_was_made_larger_than_its_packets(tmp_path):
    """Zeros read as packets without octets, as tshark reads them; they are no fault of a sender."""
    path = pcap(tmp_path / "f", 230, ECHOES)
    path.write_bytes(path.read_bytes() + bytes(64))
    assert counts(path) == (6, {"no octets in it": 4})


def test_a_mistyped_pan_is_told_from_silence(tmp_path, capsys):
    path = pcap(
        tmp_path / "f", 230, [*ECHOES, data_frame(b"\0\1", b"\0\2", b"\x12\x34", 1, b"\x7a\x33\x3a\0\0\0\0")]
    )
    assert main(["judge", str(path), "--pan", "abce"]) == 2
    assert "hint: nothing of this PAN was heard, but of abcd, 1234\n" in capsys.readouterr().out
    assert main(["judge", str(path), "--pan", "abcd"]) == 0
    assert "hint" not in capsys.readouterr().out


def test_a_frame_without_source_is_told_once(tmp_path, capsys):
    psdu = data_frame(b"", EUI_B, b"\xab\xcd", 1, encode(ipv6.echo_request(SRC, DST, 1, 1, b"x"), LONG))
    path = pcap(tmp_path / "f", 230, [psdu])
    assert [(each.code, each.level) for each in capture.judge(path).findings] == [("mac_addresses", "fail")]
    assert main(["judge", str(path)]) == 1
    assert "hint" not in capsys.readouterr().out
