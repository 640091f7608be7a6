"""Two nodes that have never met find each other."""

from fixtures.api import PairCase, on_link, requirement
from suites.interop.sizes import able
from suites.interop.ways import each_way


@on_link("ieee802154")
@each_way
@requirement("RFC4944-8-01", "RFC4944-8-02", "RFC4944-8-04")
def test_strangers(pair: PairCase, way: str):
    """Both start anew, then one pings the other: each must look for the other's link-layer address, and be told."""
    asker, other = pair.way(way, asker="ping reset", other="reset")
    pair.restart(other)
    pair.restart(asker)
    able(pair, asker, other)


@each_way
@requirement("RFC4944-8-01", "RFC6282-2-04", "RFC7668-3.2-03")
def test_each_way(pair: PairCase, way: str):
    """Ten small echoes one way; all must be answered, and decompressed as the oracle reads them."""
    asker, other = pair.way(way, asker="ping")
    for size in pair.each(range(10)):
        able(pair, asker, other, size)
