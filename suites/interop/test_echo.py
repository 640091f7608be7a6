"""Echoes of all sizes between two nodes, each way."""

from fixtures.api import FULL, PairCase, on_link, requirement
from suites.interop.sizes import SMALL, boundaries
from suites.interop.ways import each_way


@on_link("ieee802154")
@each_way
@requirement("RFC4944-5.3-02", "RFC4944-5.3-03", "RFC4944-5.3-16", "RFC6282-2-06", "RFC4443-2.3-01")
def test_at_fragment_boundaries(pair: PairCase, way: str):
    """On either side of each size at which the asker needs one more frame, as its own frames show them."""
    asker, other = pair.way(way, asker="ping")
    if pair.echo(asker, other, SMALL) and pair.echo(asker, other, FULL):
        for size in pair.each(boundaries(pair, asker)):
            pair.echo(asker, other, size)


@each_way
@requirement("RFC4944-4-01", "RFC4944-5.3-19", "RFC7668-3.2-03", "RFC4443-4.2-01", "RFC4443-4.2-02")
def test_every_50_octets(pair: PairCase, way: str):
    """0, 50, 100 ... octets of data, and as many as 1280 octets of IPv6 hold."""
    asker, other = pair.way(way, asker="ping")
    for size in pair.each([*range(0, FULL, 50), FULL]):
        pair.echo(asker, other, size)
