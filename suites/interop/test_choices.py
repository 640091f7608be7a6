"""What the texts leave to a sender: whichever choice one of two nodes makes, the other one must understand it."""

import pytest

from fixtures.api import PairCase, requirement
from suites.interop.ways import each_way

SIZES = (8, 120, 300, 1000)
CHOICES = {
    "small-fragments": ("RFC4944-5.3-19", "RFC4944-5.3-16"),
    "uneven-fragments": ("RFC4944-5.3-19", "RFC4944-5.3-16"),
    "last-fragment-first": ("RFC4944-5.3-19",),
    "uncompressed": ("RFC4944-5.1-05",),
    "longest-form": ("RFC6282-2-04", "RFC7668-3.2-03"),
    "short-source": ("RFC4944-3-01",),
    "padding": ("RFC6282-4.2-02", "RFC7668-3.2-03"),
}


@pytest.mark.parametrize(
    "choice", [pytest.param(name, marks=requirement(*rows)) for name, rows in CHOICES.items()]
)
@each_way
def test_sender(pair: PairCase, way: str, choice: str):
    """The asker sends everything as it may choose to: echoes small and in fragments, and answers to the other's."""
    asker, other = pair.way(way, asker="ping choices")
    pair.choose(asker, choice)
    for size in pair.each(SIZES):
        pair.echo(asker, other, size)
        if "ping" in other.profile.abilities:
            pair.echo(other, asker, size)
