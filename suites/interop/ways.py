"""The two ways of an exchange between two nodes."""

import pytest

each_way = pytest.mark.parametrize("way", ["to_peer", "from_peer"])
