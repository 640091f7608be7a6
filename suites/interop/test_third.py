"""A third node on the air of two: each two of the three must go on, as if the third were not there."""

from fixtures.api import PairCase, Unsupported, on_link, requirement
from suites.interop.ways import each_way

pytestmark = on_link("ieee802154")
SIZE = 300


@each_way
@requirement("RFC4944-8-01", "RFC6282-2-04", "RFC4944-5.3-18")
def test_beside(pair: PairCase, way: str):
    """A third node talks to both between what they say to each other, small and in fragments, and is answered."""
    asker, other = pair.way(way, asker="ping")
    with pair.third() as third:
        for size in pair.each((8, SIZE)):
            pair.echo(third, asker, size)
            pair.echo(third, other, size)
            pair.echo(asker, other, size)
            pair.echo(asker, third, size)


@each_way
@requirement("RFC4944-5.3-18")
def test_same_tag(pair: PairCase, way: str):
    """The asker's datagram comes while a third node's of the same tag and size is half sent: both are answered."""
    asker, other = pair.way(way, asker="ping")
    if (other.profile.parameters.reassembly_slots or 1) < 2:
        raise Unsupported(f"the {other.name} does not declare two places for reassembly", "not_declared")
    with pair.third() as third:
        if not (pair.echo(third, other, 8) and pair.echo(asker, other, SIZE)):
            return
        tag = int.from_bytes(pair.requests(asker.name)[-1].payloads[0][2:4])
        third.begin_datagrams_with(tag + 1)
        third.keeps_the_rest = True

        def meanwhile() -> None:
            pair.echo(asker, other, SIZE)
            third.keeps_the_rest = False

        pair.echo(third, other, SIZE, meanwhile=meanwhile)
