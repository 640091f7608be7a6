"""Captures that are not on every desk: what differs within a file, what it lacks, and what contradicts itself."""

from __future__ import annotations

import struct

import pytest

from sixlowpan import capture, data_frame, encode, fragment, ipv6
from tests.sixlowpan.captures import (
    block,
    btsnoop,
    cooked,
    cooked_2,
    enhanced,
    ethernet,
    interface,
    ipv4,
    pcap,
    right,
    section,
    simple,
    ti,
    udp,
    zep,
)
from tests.sixlowpan.samples import DST, EUI_A, EUI_B, LONG, PAN_ID, SRC, udp_packet


def echo(number):
    return data_frame(
        EUI_A, EUI_B, PAN_ID, number, encode(ipv6.echo_request(SRC, DST, 1, number, b"abcd"), LONG)
    )


def written(tmp_path, octets):
    path = tmp_path / "f.pcapng"
    path.write_bytes(octets)
    return path


@pytest.mark.parametrize("other", [ti, bytes], ids=["TI", "none"])
@pytest.mark.parametrize("sections", [1, 2])
def test_two_sniffers_of_one_link_type_put_different_things_behind_a_frame(tmp_path, other, sections):
    """As `mergecap` and Wireshark write it: two interfaces of type 195, in one section or in two."""
    first = b"".join(enhanced(0, right(echo(number))) for number in range(3))
    second = b"".join(enhanced(2 - sections, other(echo(number))) for number in range(3, 6))
    between = section() + interface(195) if sections == 2 else b""
    begin = section() + interface(195) * (3 - sections)
    judgement = capture.judge(written(tmp_path, begin + first + between + second))
    assert (judgement.judged, dict(judgement.skipped), judgement.failed) == (6, {}, False)


def test_as_many_interfaces_as_a_file_describes(tmp_path):
    octets = section() + interface(1) * 2000 + interface(230) + enhanced(2000, echo(1))
    assert capture.judge(written(tmp_path, octets)).judged == 1


def test_a_block_header_that_is_cut_is_counted(tmp_path):
    octets = section() + interface(230) + enhanced(0, echo(1)) + enhanced(0, echo(2))[:5]
    judgement = capture.judge(written(tmp_path, octets))
    assert (judgement.read, judgement.judged) == (2, 1)
    assert dict(judgement.skipped) == {"the file ends in it": 1}


def test_a_block_with_two_lengths_ends_the_reading(tmp_path):
    """ "Block Total Length" stands at both ends of a block "to permit backward file navigation"."""
    octets = section() + interface(230) + enhanced(0, echo(1)) + enhanced(0, echo(2))[:-4] + b"\1\2\3\4"
    judgement = capture.judge(written(tmp_path, octets))
    assert judgement.judged == 1
    assert "two different lengths" in judgement.damage


def test_another_version_of_pcapng_is_not_guessed_at(tmp_path):
    head = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 2, 0, -1))
    with pytest.raises(ValueError, match="another version"):
        capture.judge(written(tmp_path, head + interface(230) + enhanced(0, echo(1))))


def tagged(data, first):
    pieces = fragment(udp_packet(SRC, DST, data=data), LONG, mtu=80, tag=7)
    return [data_frame(EUI_A, EUI_B, PAN_ID, first + at, each) for at, each in enumerate(pieces)]


def test_without_times_a_tag_that_comes_again_proves_nothing(tmp_path):
    """Simple Packet Blocks have no time, and "its initial value is not defined": the node may have started anew."""
    frames = tagged(bytes(120), 1) + tagged(b"\1" * 120, 50)
    judgement = capture.judge(written(tmp_path, section() + interface(230) + b"".join(map(simple, frames))))
    assert judgement.judged == len(frames)
    assert ("datagram_tag", "advice") in {(each.code, each.level) for each in judgement.findings}
    assert not judgement.failed


@pytest.mark.parametrize("stamp", [0, 9_000_000])
def test_a_clock_that_stands_proves_nothing(tmp_path, stamp):
    """Sniffers without one write the same time for all."""
    frames = [*tagged(bytes(400), 1), *tagged(b"\1" * 400, 50)]
    octets = b"".join(enhanced(0, frame, stamp=stamp) for frame in frames)
    judgement = capture.judge(written(tmp_path, section() + interface(230) + octets))
    assert ("datagram_tag", "advice") in {(each.code, each.level) for each in judgement.findings}
    assert not judgement.failed
    assert {bool(did.fails) for did in judgement.senders.values()} == {False}
    moving = b"".join(enhanced(0, frame, stamp=stamp + at) for at, frame in enumerate(frames))
    assert capture.judge(written(tmp_path, section() + interface(230) + moving)).failed


def test_when_the_clock_was_set_back_a_tag_that_comes_again_proves_nothing(tmp_path):
    """A restart that took a minute may seem to have taken none."""
    frames = [*tagged(bytes(120), 1), echo(100), *tagged(b"\1" * 120, 50)]
    stamps = [100.0, 100.1, 160.0, 100.2, 100.3]
    octets = b"".join(
        enhanced(0, frame, stamp=int(at * 1e6)) for at, frame in zip(stamps, frames, strict=True)
    )
    judgement = capture.judge(written(tmp_path, section() + interface(230) + octets))
    assert ("datagram_tag", "advice") in {(each.code, each.level) for each in judgement.findings}
    assert not judgement.failed


def test_without_times_a_repetition_is_one(tmp_path):
    frames = [frame for frame in tagged(bytes(120), 1) for _ in range(2)]
    judgement = capture.judge(written(tmp_path, section() + interface(230) + b"".join(map(simple, frames))))
    assert dict(judgement.skipped) == {"a repetition": len(frames) // 2}
    assert not judgement.findings


def test_another_version_of_the_tap_header_is_not_guessed_at(tmp_path):
    path = pcap(tmp_path / "f", 283, [b"\1\0\4\0" + echo(1)])
    assert dict(capture.judge(path).skipped) == {"version 1 of the TAP header": 1}


def test_the_length_in_zep_has_seven_bits(tmp_path):
    datagram = bytearray(zep(echo(1)))
    datagram[31] |= 0x80
    path = pcap(tmp_path / "f", 1, [ethernet(0x0800, ipv4(udp(bytes(datagram))))])
    assert capture.judge(path).judged == 1


@pytest.mark.parametrize(("link_type", "wrap"), [(113, cooked), (276, cooked_2)])
def test_the_source_of_a_cooked_payload_has_the_length_that_the_header_says(tmp_path, link_type, wrap):
    (item,) = capture.payloads(pcap(tmp_path / "f", link_type, [wrap(0xA0ED, echo(1)[21:])]))
    assert item.link.src.hex() == "020000fffe000001"


@pytest.mark.parametrize("version", [1, 2, 3])
def test_zep_is_known_on_any_port(tmp_path, version):
    """Two simulations on one host need two ports."""
    frames = [ethernet(0x0800, ipv4(udp(zep(echo(number), version), 17755))) for number in range(3)]
    assert capture.judge(pcap(tmp_path / "f", 1, frames)).judged == 3


@pytest.mark.parametrize("datalink", [0, 1, 2, 1004, 0xFFFFFFFF])
def test_another_datalink_of_btsnoop_is_named(tmp_path, datalink):
    path = btsnoop(tmp_path / "f", [(0, b"\xc0\0\0")], datalink=datalink)
    (reason,) = capture.judge(path).skipped
    assert reason == f"datalink {datalink} of btsnoop, which is not read here (H4 is: 1002)"
