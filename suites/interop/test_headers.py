"""Header fields between two nodes: what one sends of itself is what the other rebuilds."""

from fixtures.api import PairCase, requirement
from suites.interop.sizes import able
from suites.interop.ways import each_way

GROUP = bytes.fromhex("ff020000000000000000000000a1b2c4")
NETWORK = "2001:db8::/64"
PREFIX = bytes.fromhex("20010db800000000")
IIDS = {"dut": bytes.fromhex("5a5a00000000000d"), "peer": bytes.fromhex("5a5a00000000000e")}
#: Of a 16-bit address (RFC 4944 §6).
SHORT = bytes.fromhex("000000fffe00")


@each_way
@requirement("RFC6282-3.1.1-07", "RFC6282-3.1.1-08", "RFC6282-3.1.1-09", "RFC6282-3.1.1-10")
def test_hop_limits(pair: PairCase, way: str):
    """An echo, Neighbor Discovery (255), the report of a group (1): the other's IP tap shows each as it was sent."""
    asker, other = pair.way(way, asker="ping")
    if "reset" in asker.profile.abilities:
        pair.restart(asker)
    able(pair, asker, other)
    if "join" in asker.profile.abilities:
        pair.join(asker, GROUP)
    pair.rebuilt_all(asker, other)


@each_way
@requirement("RFC6282-3.1.1-14", "RFC6282-3.1.1-28", "RFC6282-3.1.2-01")
def test_shared_context(pair: PairCase, way: str):
    """Both know context 0 and have an address in it: echoes between these addresses, compressed by it or not."""
    asker, other = pair.way(way, asker="ping context address", other="context address")
    pair.share_context(0, NETWORK)
    given = {}
    for side in (asker, other):
        # who has a 16-bit address alone (lwIP) may be able to speak from none that is not made of it
        own = pair.address(side)[8:]
        given[side.name] = PREFIX + (own if own.startswith(SHORT) else IIDS[side.name])
        pair.give_address(side, given[side.name])
    for size in pair.each((8, 200)):
        pair.echo(asker, other, size, given[other.name])
