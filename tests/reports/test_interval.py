"""The connection interval out of round trips: the field report's ten, made-up ones, and ones that have none."""

import random
from itertools import accumulate

import pytest

from reports.statistics.connection import STEP, interval_of, off_grid

FIELD = [0.0783, 0.0527, 0.0747, 0.0968, 0.0701, 0.0928, 0.0661, 0.0887, 0.0620, 0.0848]


def test_the_field_report():
    sent = [n * 1.0014 for n in range(len(FIELD))]
    found = interval_of(sent, FIELD)
    assert found is not None
    assert abs(found.seconds - 0.04875) <= 1e-9
    assert found.error == STEP
    assert found.rms < 0.0004


@pytest.mark.parametrize("steps", [6, 12, 24, 39, 40, 80, 400])
def test_every_interval_is_found(steps):
    interval, draw = steps * STEP, random.Random(steps)
    sent, trips = [], []
    now = draw.random()
    for _ in range(20):
        now += draw.uniform(1.0, 2.0) * 4 * interval
        event = (now // interval + 1) * interval
        sent.append(now)
        trips.append(event + interval - now + draw.gauss(0, interval / 200))
    found = interval_of(sent, trips)
    assert found is not None
    assert found.seconds == pytest.approx(interval, abs=STEP + 1e-9)


@pytest.mark.parametrize(("milliseconds", "taken"), [(30, 4), (48.75, 6), (50, 6)])
def test_ends_that_take_their_time_hide_no_interval(milliseconds, taken):
    """Two guests take 4 ms between `ping` and the medium: a round trip may be longer than two intervals."""
    interval, draw = milliseconds / 1000, random.Random(3)
    sent = [n * 0.213 + draw.uniform(0, 0.01) for n in range(20)]
    ends = [(at // interval + 2) * interval + (taken + draw.uniform(-0.5, 0.5)) / 1000 for at in sent]
    trips = [end - at for at, end in zip(sent, ends, strict=True)]
    assert max(trips) > 2.05 * interval
    found = interval_of(sent, trips)
    assert found is not None
    assert found.seconds == pytest.approx(interval)


def pings(draw):
    """When twelve pings are sent, in seconds."""
    return list(accumulate(draw.uniform(0.06, 0.2) for _ in range(12)))


def test_of_many_repeats_no_interval_is_wrong_and_few_are_made_up():
    """Ends that take 4 to 7 ms, at 30 and 48.75 ms; and round trips that hang on nothing."""
    draw = random.Random(1)
    for interval in (0.03, 0.04875):
        for _ in range(200):
            sent = pings(draw)
            trips = [(at // interval + 2) * interval - at + draw.uniform(0.004, 0.007) for at in sent]
            found = interval_of(sent, trips)
            assert found is not None
            assert found.seconds == pytest.approx(interval)
    every = ((0.03, 0.06), (0.06, 0.1), (0.009, 0.014), (0.04, 0.045))
    made_up = [
        interval_of(sent, [draw.uniform(low, high) for _ in sent]) is not None
        for low, high in every
        for _ in range(200)
        for sent in [pings(draw)]
    ]
    assert sum(made_up) <= 8  # of 800; 0.2 % were seen in 6,000


def test_without_a_grid_nothing_is_said():
    draw = random.Random(1)
    sent = [n * 1.0 for n in range(30)]
    assert interval_of(sent, [draw.uniform(0.03, 0.06) for _ in sent]) is None


def test_round_trips_that_span_too_much_fit_nothing():
    assert interval_of([0, 1, 2, 3], [0.01, 0.5, 0.02, 0.4]) is None


def test_a_grid_is_a_circle():
    assert off_grid([0.0499, 0.1001, 0.15, 0.2999], 0.05) < 0.0002


def test_three_pings_are_too_few():
    with pytest.raises(ValueError, match="at least four"):
        interval_of([0, 1, 2], [0.01, 0.01, 0.01])
