"""TCP between two nodes: the field report's "TCP works one way only", and a segment that the medium loses."""

from fixtures.api import PairCase, requirement
from rigs.pair import Side
from suites.interop.ways import each_way


def with_tcp(pair: PairCase, way: str) -> tuple[Side, Side]:
    """Who opens the connection and who takes it; both must have TCP."""
    asker, other = pair.way(way)
    for side in (asker, other):
        pair.needs(side, "tcp")
    return asker, other


@each_way
@requirement("RFC6282-2-04", "RFC7668-3.2-03")
def test_both_ways_at_once(pair: PairCase, way: str):
    """One opens a connection, and 12,000 octets go each way on it at once: each application gets them as they were."""
    pair.stream(*with_tcp(pair, way), pair.pattern(12_000), pair.pattern(12_000))


@each_way
@requirement("RFC6282-2-04", "RFC7668-3.2-03")
def test_one_lost_segment(pair: PairCase, way: str):
    """The first segment with data is lost: who sent it must send it again (RFC 9293 §3.8.1), and it arrives."""
    pair.stream(*with_tcp(pair, way), pair.pattern(30), lossy=True)
