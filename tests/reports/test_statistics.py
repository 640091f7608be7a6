"""The numbers, against definitions and values that others publish."""

import math
import statistics as stdlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.statistics import (
    against_law,
    airtime,
    bursts,
    datagram_loss,
    floor,
    jitter,
    knee,
    multiples,
    order,
    quantile,
    quantile_estimate,
    slope,
    spread,
    trials_for,
    values_for,
    wilson,
)
from reports.statistics.distribution import ranks
from reports.statistics.probability import binomial, normal, student

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


@pytest.mark.parametrize(
    ("confidence", "freedom", "published"),
    # the t table that every textbook prints
    [
        (0.95, 1, 12.706),
        (0.95, 2, 4.303),
        (0.95, 10, 2.228),
        (0.99, 9, 3.250),
        (0.9, 30, 1.697),
        (0.95, 120, 1.980),
    ],
)
def test_students_quantile_matches_the_tables(confidence, freedom, published):
    assert student(confidence, freedom) == pytest.approx(published, abs=6e-4)
    assert student(confidence, freedom) > normal(confidence) == student(confidence, 10**6)


def test_the_binomial_distribution_adds_up():
    exact = [sum(math.comb(10, j) * 0.3**j * 0.7 ** (10 - j) for j in range(k + 1)) for k in range(11)]
    assert binomial(10, 0.3) == pytest.approx(exact, abs=1e-12)


def test_a_quantile_lies_between_two_of_the_values():
    # David and Nagaraja: of 10 values the 2nd and the 9th hold the median in 97.9 % of all samples
    assert ranks(10, 0.5) == (2, 9)
    values = [float(n) for n in range(1, 11)]
    assert quantile_estimate(values, 0.5) == (5.5, 2.0, 9.0)
    assert quantile_estimate(values, 0.99).high == math.inf
    for bad in (0.0, 1.0):
        with pytest.raises(ValueError, match="no interval"):
            quantile_estimate(values, bad)
    with pytest.raises(ValueError, match="confidence"):
        quantile_estimate(values, 0.5, confidence=95)


@pytest.mark.parametrize(("q", "least"), [(0.5, 6), (0.95, 72), (0.99, 368), (0.01, 368)])
def test_how_many_values_bound_a_quantile(q, least):
    assert values_for(q) == least
    assert 0 < ranks(least, q)[0] < ranks(least, q)[1] <= least
    lower, upper = ranks(least - 1, q)
    assert lower == 0 or upper == least


@pytest.mark.parametrize(("share", "precision"), [(0.01, 0.01), (0.05, 0.02), (0.5, 0.05), (0.0, 0.005)])
def test_as_many_trials_as_the_precision_needs_and_no_more(share, precision):
    trials = trials_for(share, precision)
    low, high = wilson(round(share * trials), trials)
    assert (high - low) / 2 <= 1.1 * precision
    assert trials_for(share, 2 * precision) < trials
    for bad in ((-0.1, 0.1), (0.5, 0.0)):
        with pytest.raises(ValueError, match="precision"):
            trials_for(*bad)


def test_a_node_that_keeps_to_the_law_and_one_that_does_not():
    right = against_law(122, 1000, 13, 100, 10_000)
    assert right.expected == pytest.approx(0.122, abs=1e-3)
    assert 0.3 < right.chance < 0.7
    assert not right.worse()
    assert against_law(180, 1000, 13, 100, 10_000).worse()
    assert not against_law(60, 1000, 13, 100, 10_000).worse(), "better than the law is not worse"
    assert against_law(5, 100, 13, 0, 1000).worse(), "nothing is lost on the medium"
    assert against_law(0, 100, 13, 0, 1000).chance == pytest.approx(0.5, abs=0.01)
    assert not against_law(100, 100, 13, 1000, 1000).worse(), "nothing arrives at all"
    with pytest.raises(ValueError, match="not a proportion"):
        against_law(0, 0, 13, 1, 10)


def test_losses_in_bursts():
    found = bursts([bool(int(fate)) for fate in "0001110000000011000000001000000000"])
    assert found.lengths == (3, 2, 1)
    assert found.mean == 2.0
    assert found.enter is not None
    assert found.leave is not None
    assert found.enter.value == pytest.approx(3 / 27)  # 28 arrived; the last has none behind it
    assert found.leave.value == pytest.approx(3 / 6)
    assert bursts([False, True] * 30).leave.value == 1.0
    assert not bursts([False, True] * 30).bursty
    assert bursts(([True] * 10 + [False] * 90) * 5).bursty
    assert bursts([False] * 5).mean == 0.0
    assert bursts([True] * 5).independent_mean == math.inf
    with pytest.raises(ValueError, match="nothing was sent"):
        bursts([])


def test_jitter_of_rfc_3550():
    assert jitter([0.0, 1.0, 2.0], [5.0, 6.0, 7.0]) == 0.0
    # D = 0.016, then -0.016: J = 0.001, then 0.001 + (0.016 - 0.001) / 16
    assert jitter([0.0, 1.0, 2.0], [5.0, 6.016, 7.0]) == pytest.approx(0.0019375)
    with pytest.raises(ValueError, match="as many"):
        jitter([0.0], [1.0, 2.0])


@pytest.mark.parametrize(
    ("arrivals", "extents"),
    # shapes like those of RFC 4737 §7: one, two and three packets come late
    [
        ([1, 2, 3, 5, 6, 7, 8, 4, 9, 10], (4,)),
        ([1, 2, 3, 4, 7, 5, 6, 8, 9, 10], (1, 2)),
        ([1, 2, 3, 7, 8, 9, 10, 4, 5, 6, 11], (4, 5, 6)),
        ([1, 2, 4, 5], ()),
        ([], ()),
    ],
)
def test_reordering_of_rfc_4737(arrivals, extents):
    assert order(arrivals).extents == extents
    assert order(arrivals).share == pytest.approx(len(extents) / max(1, len(arrivals)))


def test_copies_are_counted_and_are_not_reordered():
    found = order([1, 2, 1, 3, 3, 3])
    assert (found.arrived, found.extents, found.copies) == (3, (), 3)


@pytest.mark.parametrize(
    ("octets", "plain", "acknowledged"),
    # an echo of 8 octets with EUI-64s has 40 octets without FCS: 4.4 ms both ways, 5.4 ms with acknowledgements
    [(40, 2.176e-3, 2.720e-3), (125, 4.896e-3, 5.440e-3), (16, 0.960e-3, 1.504e-3), (17, 1.440e-3, 1.984e-3)],
)
def test_airtime_of_a_frame(octets, plain, acknowledged):
    assert airtime(octets) == pytest.approx(plain)
    assert airtime(octets, acknowledged=True) == pytest.approx(acknowledged)
    space = 192e-6 if octets <= 16 else 640e-6  # behind the last frame nobody waits
    assert floor([octets, octets]) == pytest.approx(2 * plain - space)
    assert floor([octets, octets], acknowledged=True) == pytest.approx(acknowledged + plain - space)
    with pytest.raises(ValueError, match="no frames"):
        floor([])


@pytest.mark.parametrize("octets", [0, 126])
def test_a_frame_that_cannot_be_has_no_airtime(octets):
    with pytest.raises(ValueError, match="1 to 125"):
        airtime(octets)


def test_round_trips_in_multiples_of_what_is_possible():
    assert multiples([0.0544, 0.1088], 0.0544) == [1.0, 2.0]
    with pytest.raises(ValueError, match="shorter than"):
        multiples([0.1, -0.0135], 0.005)
    with pytest.raises(ValueError, match="shorter than"):
        multiples([0.1, 0.0048], 0.005)
    assert multiples([0.0048], 0.005, error=0.0003) == [pytest.approx(0.96)]
    with pytest.raises(ValueError, match="1 of 1"):
        multiples([math.nan], 0.005)
    with pytest.raises(ValueError, match="above 0"):
        multiples([1.0], 0.0)


def test_the_knee_of_a_queue_that_is_full():
    loads = [float(load) for load in range(1, 21)]
    plateau = knee([(load, min(load, 12.0)) for load in loads])
    assert plateau is not None
    assert plateau.load.holds(12.0)
    assert plateau.load.half_width < 0.5
    assert plateau.carried == pytest.approx(1.0, abs=0.02)
    assert plateau.beyond == pytest.approx(0.0, abs=0.02)
    collapse = knee([(load, load if load < 8 else 16 - load) for load in loads[:14]])
    assert collapse is not None
    assert collapse.beyond == pytest.approx(-1.0, abs=0.1)
    assert knee([(load, 0.9 * load) for load in loads]) is None
    assert knee([(load, max(load, 2 * load - 10)) for load in loads]) is None, "it bends upwards"
    for bad in ([(1.0, 1.0)] * 4, [(1.0, 1.0)] * 6, [(float(n), 1.0) for n in range(8)]):
        with pytest.raises(ValueError, match="load"):
            knee(bad)


def test_values_that_stick_together_widen_the_interval_of_a_slope():
    apart = [(float(x), float((-1) ** x)) for x in range(40)]
    together = [(float(x), float((-1) ** (x // 8))) for x in range(40)]
    assert slope(together).half_width > 2 * slope(apart).half_width
