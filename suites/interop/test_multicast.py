"""Multicast between two nodes, each way."""

import pytest

from fixtures.api import ALL_NODES, PairCase, requirement
from suites.interop.ways import each_way

#: Groups that RFC 6282 §3.1.1 carries in 32, 48 and 128 bits.
GROUPS = {
    "32": "ff020000000000000000000000a1b2c3",
    "48": "ff02000000000000000000a1b2c3d4e5",
    "128": "ff02" + "a7" * 14,
}


@each_way
@requirement("RFC6282-3.1.1-40", "RFC4944-3-02", "RFC7668-3.2.2-08")
def test_all_nodes(pair: PairCase, way: str):
    """A datagram to ff02::1: every node is a member of that group (RFC 4291 §2.8)."""
    asker, other = pair.way(way, "udp")
    for size in pair.each((8, 300)):
        pair.datagram(asker, other, (0x1237, 0x567B), pair.pattern(size), ALL_NODES)


@pytest.mark.parametrize("bits", GROUPS)
@each_way
@requirement("RFC6282-3.1.1-37", "RFC6282-3.1.1-38", "RFC6282-3.1.1-39", "RFC4944-3-02")
def test_joined_group(pair: PairCase, way: str, bits: str):
    """A datagram to a group that the other one has joined."""
    asker, other = pair.way(way, "udp", other="join")
    group = bytes.fromhex(GROUPS[bits])
    pair.join(other, group)
    pair.datagram(asker, other, (0x1238, 0x567C), pair.pattern(12), group)
