"""Files that end in the middle, and files of another kind: what is missing is said, and nothing else is."""

from __future__ import annotations

import pytest

from sixlowpan import capture
from sixlowpan.capture import report
from tests.sixlowpan.captures import btsnoop, enhanced, gzipped, interface, pcap, section

GOOD = bytes.fromhex("41dc01cdab0807060504030201" + "1817161514131211") + bytes.fromhex("7a333a8000")


@pytest.mark.parametrize("mark", ["28b52ffd", "04224d18", "fd377a585a00", "425a6839", "504b0304", "1f8b08"])
def test_another_packer_is_named(tmp_path, mark):
    path = tmp_path / "f"
    path.write_bytes(bytes.fromhex(mark) + bytes(30))
    if mark == "1f8b08":
        gzipped(path)
    with pytest.raises(ValueError, match=r"it is packed by .*: unpack it first"):
        capture.judge(path)


def ends(path, whole, header, body):
    """What `judge` says of `whole`, a file of two packets, cut `header` octets, then `body` octets into the second."""
    for octets in (header, body):
        path.write_bytes(whole[:octets])
        yield capture.judge(path)


def test_a_file_that_ends_in_a_packet_says_so(tmp_path):
    path, one = tmp_path / "f", pcap(tmp_path / "f", 230, [GOOD]).read_bytes()
    two = pcap(path, 230, [GOOD, GOOD]).read_bytes()
    ng = section() + interface(230) + enhanced(0, GOOD)
    snoop = btsnoop(path, [(0, b"\2\1\x20\0\0")]).read_bytes()
    snoops = btsnoop(path, [(0, b"\2\1\x20\0\0")] * 2).read_bytes()
    for first, whole, header, body in (
        (len(one), two, 5, 20),
        (len(ng), ng + enhanced(0, GOOD), 15, 40),
        (len(snoop), snoops, 5, 26),
    ):
        for judgement in ends(path, whole, first + header, first + body):
            assert judgement.read == 2
            assert judgement.skipped["the file ends in it"] == 1
            assert not judgement.damage
            assert any("ends in the midst of a packet" in line for line in report.text(judgement))


def test_a_file_without_packets_says_so(tmp_path):
    """Of a capture that ends in its first block, as of one in which nothing was heard."""
    for octets in (section()[:20], section() + interface(230), pcap(tmp_path / "f", 230, []).read_bytes()):
        (tmp_path / "f").write_bytes(octets)
        assert next(report.text(capture.judge(tmp_path / "f"))).startswith("hint: no packet is in this file")


@pytest.mark.parametrize("link_type", [0, 1, 12, 101, 113, 192, 195, 215, 230, 251, 256, 272, 276, 283])
def test_a_packet_that_is_cut_in_its_header_is_cut_and_nothing_else(tmp_path, link_type):
    for octets in (b"", b"\2"):
        judgement = capture.judge(pcap(tmp_path / "f", link_type, [(octets, 100)]))
        assert judgement.skipped == {"cut by the capture": 1}, octets
