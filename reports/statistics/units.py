"""Figures as people read them: three or four digits, with the prefix that makes them so.

Strategy: times and rates get a prefix of the SI (`123 µs`, `1.26 MB/s`), shares are percent, sizes stay in octets, for
the octets of a header are counted one by one. The record keeps plain numbers in the unit that it names.
"""

from __future__ import annotations

import math
from typing import Final

#: Seconds in a unit of time.
SECONDS: Final = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_TIMES: Final = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
_RATES: Final = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))
#: No figure of a node has as many octets or seconds: a record of a stranger may say so all the same.
_LARGEST: Final = 1e15
#: What a number counts by itself.
_BARE: Final = ("count", "ratio", "")


def amount(value: float, unit: str, *, signed: bool = False) -> str:
    """A value with its unit: `123 µs`, `1.255 MB/s`, `6.02 %`, `1280 B`; of a count or a ratio the number alone.

    `signed`: with a plus where it is not below zero, as a change has it.
    """
    head, per, rest = unit.partition(" per ")
    if head in SECONDS:
        seconds = value * SECONDS[head]
        factor, name = _prefix(seconds, _TIMES, "s")
        return f"{_digits(seconds / factor, signed=signed)} {name}{per}{rest}"
    if "/" in unit:
        factor, name = _prefix(value, _RATES, "")
        return f"{_digits(value / factor, signed=signed)} {name}{unit}"
    if unit == "share":
        return f"{_digits(100 * value, signed=signed)} %"
    number = _digits(value, signed=signed)
    return number if unit in _BARE else f"{number} {unit}"


def _prefix(value: float, prefixes: tuple[tuple[float, str], ...], of_zero: str) -> tuple[float, str]:
    """The largest prefix that leaves a number of 1 or more; the smallest one for less."""
    if not value or not math.isfinite(value):
        return 1.0, of_zero
    size = float(f"{abs(value):.4g}")  # 999.99 ms are a second once they are rounded
    return next((one for one in prefixes if size >= one[0]), prefixes[-1])


def _digits(value: float, *, signed: bool) -> str:
    """Four digits that count, without an exponent where the number is one that anything real has."""
    sign = "+" if signed else ""
    if not math.isfinite(value) or abs(value) >= _LARGEST:
        return f"{value:{sign}.4g}"
    rounded = float(f"{value:.4g}")
    if abs(rounded) >= 1000:
        return f"{value:{sign}.0f}"
    text = f"{rounded:{sign}.12f}".rstrip("0").rstrip(".")
    return text if text not in ("-0", "") else "0"
