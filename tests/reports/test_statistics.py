"""The numbers, against definitions and values that others publish."""

import math
import statistics as stdlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.statistics import datagram_loss, quantile, slope, spread, wilson

numbers = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=50)


@given(numbers)
def test_quantile_agrees_with_the_standard_library(values):
    cuts = stdlib.quantiles(values, n=20, method="inclusive")
    assert quantile(values, 0.95) == pytest.approx(cuts[18], abs=1e-6)
    assert quantile(values, 0) == min(values)
    assert quantile(values, 1) == max(values)


@pytest.mark.parametrize(("values", "q"), [([], 0.5), ([1.0], 1.5), ([1.0], -0.1)])
def test_quantile_refuses_nonsense(values, q):
    with pytest.raises(ValueError, match=r"."):
        quantile(values, q)


def test_spread_prints_what_ping_prints():
    # ping -c 3: rtt min/avg/max/mdev of 1, 2, 4 ms; mdev = sqrt(mean(x^2) - mean(x)^2)
    found = spread([1.0, 2.0, 4.0])
    assert str(found) == "1.000/2.333/4.000/1.247"
    assert found.count == 3
    with pytest.raises(ValueError, match="nothing answered"):
        spread([])


@given(numbers)
def test_mdev_is_the_population_deviation(values):
    assert spread(values).mdev == pytest.approx(stdlib.pstdev(values), rel=1e-6, abs=1e-6)


def test_wilson_matches_published_values():
    # Newcombe 1998, table I: 81/263 -> 0.2553..0.3662; 0/20 -> 0..0.1611; 1/29 -> 0.0061..0.1718
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson(1, 29) == pytest.approx((0.0061, 0.1718), abs=5e-5)
    assert wilson(20, 20)[1] == 1.0
    for bad in ((1, 0), (3, 2), (-1, 2)):
        with pytest.raises(ValueError, match="not a proportion"):
            wilson(*bad)


def test_datagram_loss_of_thirteen_fragments_at_one_percent():
    assert datagram_loss(0.01, 13) == pytest.approx(0.122, abs=5e-4)
    assert datagram_loss(0.0, 13) == 0.0
    assert datagram_loss(0.25, 1) == 0.25
    for bad in ((1.1, 1), (0.1, 0)):
        with pytest.raises(ValueError, match=r"."):
            datagram_loss(*bad)


def test_slope_of_a_falling_goodput():
    line = [(float(x), 100.0 - 2 * x + (-1) ** x) for x in range(40)]
    estimate, low, high = slope(line)
    assert low < -2.0 < high
    assert high < 0.0
    assert math.isclose((low + high) / 2, estimate)
    with pytest.raises(ValueError, match="three points"):
        slope([(0.0, 1.0)])
    with pytest.raises(ValueError, match="same"):
        slope([(1.0, 1.0)] * 3)
