"""What happens to one of two nodes must not keep them from going on: a restart, a long silence."""

from fixtures.api import PairCase, requirement
from suites.interop.sizes import able
from suites.interop.ways import each_way

#: A neighbour is stale behind 15 to 45 s (RFC 4861 §6.3.2, REACHABLE_TIME 30 s).
SILENCE = 46.0


@each_way
@requirement("RFC4944-8-01", "RFC4944-5.3-18", "RFC6282-2-04")
def test_restart_of_the_other(pair: PairCase, way: str):
    """They talk, one restarts (its tags and its neighbours begin anew), and they go on, small and in fragments."""
    asker, other = pair.way(way, asker="ping", other="reset")
    able(pair, asker, other, 300)
    pair.restart(other)
    for size in pair.each((8, 300, 300, 1232)):
        able(pair, asker, other, size)


@each_way
@requirement("RFC4944-8-01", "RFC6282-2-04")
def test_silence_and_return(pair: PairCase, way: str):
    """They talk, are silent until each must look anew for the other, and go on."""
    asker, other = pair.way(way, asker="ping")
    able(pair, asker, other)
    pair.silence(SILENCE)
    for size in pair.each((8, 300)):
        able(pair, asker, other, size)
