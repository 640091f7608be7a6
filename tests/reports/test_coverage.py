"""What was not tried, in words of a reader who has seen no profile."""

import pytest

from reports.coverage import DECLARED, explained
from rigs.configuration.models import FEATURES
from rigs.model import ABILITIES


def test_every_ability_and_every_feature_has_words():
    assert set(DECLARED) == ABILITIES | set(FEATURES)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("the profile x does not declare ip_tap", "a view of the packets as the node decompressed them"),
        (
            "the profile x does not declare ip_tap or port_unreachable",
            "a view of the packets as the node decompressed them; ICMPv6 errors that quote the packet",
        ),
        (
            "the profile x does not declare nd, nd_extended",
            "neighbor discovery of RFC 6775; extended registration, RFC 8505",
        ),
        ("the DUT does not declare room for two datagrams", ""),
        ("this takes hours on a clock that cannot be moved", ""),
    ],
)
def test_names_of_a_profile_are_explained(said, told):
    assert explained(said) == (f"{said} ({told})" if told else said)
