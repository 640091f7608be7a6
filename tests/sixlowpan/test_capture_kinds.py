"""Kinds of captures that are rare: each is read whole, its one wrong frame found, and no right one blamed.

tshark counts the same packets, but for what it gives up at.
"""

from __future__ import annotations

import gzip
import struct

import pytest

from sixlowpan import capture, data_frame, encode, ipv6
from tests.sixlowpan.captures import (
    block,
    cooked,
    enhanced,
    ethernet,
    exported,
    interface,
    ipv4,
    right,
    section,
    tap,
    udp,
    zep,
)
from tests.sixlowpan.crosscheck import TSHARK
from tests.sixlowpan.samples import DST, EUI_A, EUI_B, LONG, PAN_ID, SRC
from tests.waiting import completed

RESERVED = data_frame(EUI_A, EUI_B, PAN_ID, 9, bytes.fromhex("7a343a") + DST + b"\x80\0\0\0")
FRAMES = [
    *(
        data_frame(EUI_A, EUI_B, PAN_ID, n, encode(ipv6.echo_request(SRC, DST, 1, n, b"abcd"), LONG))
        for n in range(1, 6)
    ),
    RESERVED,
]


def head(link_type, order="<", magic=0xA1B2C3D4, version=(2, 4), snaplen=65535):
    return struct.pack(order + "IHHiIII", magic, *version, 0, 0, snaplen, link_type)


def packet(octets, order="<", seconds=1, parts=0, length=None, more=b""):
    size = len(octets) if length is None else length
    return struct.pack(order + "IIII", seconds & 0xFFFFFFFF, parts, len(octets), size) + more + octets


def plain(link_type, wrap=lambda psdu: psdu, how=packet, **header):
    return head(link_type, **header) + b"".join(how(wrap(each)) for each in FRAMES)


def next_generation(options=b"", stamp=0, between=b"", link_type=230):
    blocks = (enhanced(0, each, stamp=stamp * at) + between for at, each in enumerate(FRAMES))
    return section() + interface(link_type, options=options) + b"".join(blocks)


def with_flags(psdu, flags):
    options = struct.pack("<HHIHH", 2, 4, flags, 0, 0)
    body = struct.pack("<IIIII", 0, 0, 0, len(psdu), len(psdu)) + psdu + bytes(-len(psdu) % 4) + options
    return block(6, body)


def all_of_tap(psdu):
    """RSSI, channel, FCS type, times of both ends, the quality of the link."""
    told = [(1, struct.pack("<f", -60.5)), (3, struct.pack("<HB", 26, 0)), (0, b"\1"), (4, bytes(8)), (5, bytes(8)),
            (10, b"\xc8")]  # fmt: skip
    tlvs = b"".join(struct.pack("<HH", kind, len(each)) + each + bytes(-len(each) % 4) for kind, each in told)
    return struct.pack("<BBH", 0, 0, 4 + len(tlvs)) + tlvs + right(psdu)


PACKED = gzip.compress(plain(230))
#: name -> octets, how many packets are in it beside the frames, and how many tshark counts where it counts others
KINDS = {
    "nanoseconds, big-endian": (
        plain(195, right, lambda octets: packet(octets, ">", parts=999_999_999), order=">", magic=0xA1B23C4D), 0, None),
    "patched, big-endian": (
        plain(195, right, lambda octets: packet(octets, ">", more=struct.pack(">IHBB", 1, 246, 0, 0)), order=">",
              magic=0xA1B2CD34), 0, None),
    "length of the FCS beside the link type": (plain(195 | 0x24000000, right), 0, None),
    "no snaplen": (plain(195, right, snaplen=0), 0, None),
    "a snaplen below the packets": (plain(195, right, snaplen=16), 0, None),
    "shorter on the medium than captured": (plain(230, how=lambda octets: packet(octets, length=5)), 0, None),
    "no length on the medium": (plain(230, how=lambda octets: packet(octets, length=0)), 0, None),
    "microseconds beyond a second": (plain(230, how=lambda octets: packet(octets, parts=4_000_000_000)), 0, None),
    "the last second of 32 bits": (plain(230, how=lambda octets: packet(octets, seconds=-1)), 0, None),
    "an old version": (plain(230, version=(2, 2)), 0, None),
    "zeros behind": (plain(230) + bytes(64), 4, None),
    "times in halves": (next_generation(struct.pack("<HHB3x", 9, 1, 0x94), 1 << 20), 0, None),
    "times of no size": (next_generation(struct.pack("<HHB3x", 9, 1, 127), 1 << 20), 0, None),
    "an offset of ages": (next_generation(struct.pack("<HHq", 14, 8, -(2**63)), 1 << 20), 0, None),
    "blocks of others between": (next_generation(between=block(0x80000001, b"z") + block(5, bytes(12))), 0, None),
    "flags that tell of an FCS": (
        section() + interface(230) + b"".join(with_flags(right(each), 0x41) for each in FRAMES), 0, None),
    "members of gzip": (gzip.compress(plain(230)[:100]) + gzip.compress(plain(230)[100:]), 0, None),
    "TAP with all it can tell": (plain(283, all_of_tap), 0, None),
    "exported TAP": (plain(252, lambda psdu: exported("wpan-tap", tap(psdu, 1))), 0, None),
    "ZEP of three versions": (
        head(1) + b"".join(packet(ethernet(0x800, ipv4(udp(zep(each, 1 + at % 3))))) for at, each in enumerate(FRAMES)),
        0, None),
    "ZEP, heard twice by any": (plain(113, lambda psdu: cooked(0x800, ipv4(udp(zep(psdu)))),
                                      lambda octets: packet(octets) * 2), 6, None),
    "an interface that is not described": (
        next_generation() + enhanced(7, FRAMES[0]), 1, 6),
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_a_rare_kind(tmp_path, name):
    octets, others, counted = KINDS[name]
    path = tmp_path / "f"
    path.write_bytes(octets)
    found = capture.judge(path)
    assert (found.judged, sum(found.skipped.values())) == (6, others)
    assert {each.requirement for each in found.findings if each.level == "fail"} == {"RFC6282-3.1.1-33"}
    if TSHARK:
        seen = completed([TSHARK, "-n", "-r", path, "-T", "fields", "-e", "frame.number"]).stdout.splitlines()
        assert len(seen) == (counted or found.read)


def test_a_wrong_sum_of_gzip_is_damage_behind_all_frames(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(PACKED[:-8] + b"\1\2\3\4" + PACKED[-4:])
    found = capture.judge(path)
    assert found.judged == 6
    assert "CRC check failed" in found.damage
