"""Figures as people read them."""

import math

import pytest

from reports.statistics.units import amount


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0.000123, "s", "123 µs"),
        (0.04939699647366069, "ms", "49.4 µs"),
        (999.99, "ms", "1 s"),
        (0.99994, "ms", "999.9 µs"),
        (0, "ms", "0 s"),
        (12345.6, "s", "12346 s"),
        (-3, "us", "-3 µs"),
        (1255267.1, "B/s", "1.255 MB/s"),
        (-5526.04, "B/s per s", "-5.526 kB/s per s"),
        (0.0119, "ms per s", "11.9 µs per s"),
        (0.0601718, "share", "6.017 %"),
        (1280, "B", "1280 B"),
        (64, "count", "64"),
        (1.321, "ratio", "1.321"),
        (-1e-20, "B", "0 B"),
        (math.inf, "ms", "inf s"),
        (1e300, "B", "1e+300 B"),
    ],
)
def test_a_figure_has_a_prefix_and_a_unit(value, unit, said):
    assert amount(value, unit) == said


def test_a_change_has_a_sign():
    assert amount(0.0005, "s", signed=True) == "+500 µs"
    assert amount(-0.02, "share", signed=True) == "-2 %"
