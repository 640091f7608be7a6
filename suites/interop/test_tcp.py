"""TCP between two nodes: the field report's "TCP works one way only", and a segment that the medium loses."""

from fixtures.api import PairCase, requirement
from suites.interop.ways import each_way


@each_way
@requirement("RFC6282-2-04", "RFC7668-3.2-03")
def test_both_ways_at_once(pair: PairCase, way: str):
    """One opens a connection, and 12,000 octets go each way on it at once: each application gets them as they were."""
    pair.stream(*pair.way(way, "tcp"), pair.pattern(12_000), pair.pattern(12_000))


@each_way
@requirement("RFC6282-2-04", "RFC7668-3.2-03")
def test_one_lost_segment(pair: PairCase, way: str):
    """The first segment with data is lost: who sent it must send it again (RFC 9293 §3.8.1), and it arrives."""
    pair.stream(*pair.way(way, "tcp"), pair.pattern(30), lossy=True)
