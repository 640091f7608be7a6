"""Numbers about measurements: pure functions, values in, values out. No clock, no file, nothing from outside.

`distribution` has quantiles and what `ping` prints, `loss` shares, the law of fragments and bursts, `order` jitter,
reordering and copies, `holes` what sizes that do not work have in common, `trend` slopes, means and knees, `airtime`
the floor of IEEE 802.15.4, `connection` the interval of Bluetooth LE, `probability` the distributions behind the
intervals, `units` how a figure is written, `host` what of its change the host explains.
"""

from reports.statistics.airtime import airtime, floor, multiples
from reports.statistics.connection import Interval, interval_of, off_grid
from reports.statistics.distribution import (
    Spread,
    quantile,
    quantile_estimate,
    spread,
    values_for,
)
from reports.statistics.holes import cause, runs
from reports.statistics.loss import (
    Bursts,
    Law,
    against_law,
    bursts,
    datagram_loss,
    proportion,
    trials_for,
    wilson,
)
from reports.statistics.order import Order, jitter, order
from reports.statistics.probability import CONFIDENCE, Estimate
from reports.statistics.trend import Knee, knee, mean, slope

__all__ = [
    "CONFIDENCE",
    "Bursts",
    "Estimate",
    "Interval",
    "Knee",
    "Law",
    "Order",
    "Spread",
    "against_law",
    "airtime",
    "bursts",
    "cause",
    "datagram_loss",
    "floor",
    "interval_of",
    "jitter",
    "knee",
    "mean",
    "multiples",
    "off_grid",
    "order",
    "proportion",
    "quantile",
    "quantile_estimate",
    "runs",
    "slope",
    "spread",
    "trials_for",
    "values_for",
    "wilson",
]
