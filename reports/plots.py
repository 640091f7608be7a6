"""Measurements as pictures: SVG that a page can hold as it is, and that says in words what it shows.

Strategy: a pure function of one line of the record (`svg`), or of several that belong together (`loss_by_size`). What
is drawn follows from what was measured: round trips as a distribution function with its percentiles, a map of sizes as
a bar with its holes, a series as a line over time. No script, no font, nothing fetched, and no style of its own:
colours are the page's (`svg.plot` in `html/assets/page.css`), because the page's policy allows no other. Text of a
record is escaped, so what is returned is safe in a page. A line of which there is nothing to draw gives an empty text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from markupsafe import Markup, escape

from reports.statistics import quantile
from reports.statistics.units import amount

Line = Mapping[str, Any]

WIDTH, HEIGHT = 560, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 84, 12, 26, 34
#: Fewer values make no distribution.
_FEWEST: Final = 5
_PERCENTILES: Final = (0.5, 0.95, 0.99)
_LARGEST: Final = 1232
#: A distribution is drawn in so many steps at most: more cannot be told apart, and a page has many of them.
_STEPS: Final = 120


def svg(measurement: Line) -> Markup:
    """The picture of one measurement; empty where there is nothing to draw."""
    values = [float(value) for value in measurement["values"] if value is not None]
    parameters = measurement.get("parameters", {})
    if _is_number(parameters.get("tried")) and measurement["unit"] == "B":
        return _size_map(measurement, values)
    if measurement["unit"] == "share" and not str(measurement["name"]).endswith("minute"):
        return Markup()
    period = parameters.get("period", 1 if str(measurement["name"]).endswith("minute") else None)
    if _is_number(period):
        return _series(measurement, values, float(period))
    if len(values) < _FEWEST or min(values) == max(values) or measurement["unit"] not in {"ms", "s"}:
        return Markup()
    return _distribution(measurement, values)


def loss_by_size(measurements: Sequence[Line]) -> Markup:
    """Loss with its interval for each size, of the lines called "loss" that have a size and a figure."""
    lines = [
        line
        for line in measurements
        if line["name"] == "loss"
        and line.get("figure")
        and _is_number(line.get("parameters", {}).get("size"))
    ]
    points = sorted(
        ((float(line["parameters"]["size"]), line["figure"]) for line in lines), key=lambda p: p[0]
    )
    if not points:
        return Markup()
    largest = max(1.0, *(size for size, _ in points))
    most = max(0.01, *(figure["high"] or figure["value"] for _, figure in points))
    parts = [_axes("octets of data", largest, "% lost", 100 * most)]
    for size, figure in points:
        x, y = _x(size / largest), _y(figure["value"] / most)
        low, high = figure["low"] or 0.0, figure["high"] if figure["high"] is not None else figure["value"]
        parts.append(
            f'<line class="whisker" x1="{x:.1f}" x2="{x:.1f}" y1="{_y(low / most):.1f}" y2="{_y(high / most):.1f}"/>'
            f'<circle class="line" cx="{x:.1f}" cy="{y:.1f}" r="3"/>'
        )
    words = ", ".join(f"{100 * figure['value']:.1f} % with {size:g} octets" for size, figure in points[:6])
    return _whole("Loss by size, with 95 % intervals", words, parts)


def _distribution(measurement: Line, values: list[float]) -> Markup:
    ordered, unit = sorted(values), str(measurement["unit"])
    most = ordered[-1]
    steps = [f"M{_x(0):.1f},{_y(0):.1f}"]
    count = len(ordered)
    ends = sorted({round(count * step / _STEPS) for step in range(1, _STEPS + 1)} - {0})
    steps += [f"H{_x(ordered[end - 1] / most):.1f}V{_y(end / count):.1f}" for end in ends]
    parts = [_axes(unit, most, "% of them", 100.0), f'<path class="line" d="{"".join(steps)}"/>']
    told = []
    for share in _PERCENTILES:
        value = quantile(ordered, share)
        told.append(f"p{100 * share:g} {amount(value, unit)}")
        x = _x(value / most)
        parts.append(f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{_y(0):.1f}" y2="{_y(1):.1f}"/>')
    return _whole(_title(measurement), f"{', '.join(told)}; n = {len(ordered)}", parts)


def _series(measurement: Line, values: list[float], period: float) -> Markup:
    if len(values) < 2 or not max(values) > 0:
        return Markup()
    lasted, most = period * len(values), max(values)
    points = " ".join(
        f"{_x((n + 0.5) / len(values)):.1f},{_y(max(0.0, value) / most):.1f}"
        for n, value in enumerate(values)
    )
    unit = "min" if str(measurement["name"]).endswith("minute") else "s"
    parts = [
        _axes(unit, lasted, str(measurement["unit"]), most),
        f'<polyline class="line" points="{points}"/>',
    ]
    said = (
        f"{amount(min(values), measurement['unit'])} to {amount(most, measurement['unit'])} in "
        f"{len(values)} periods of {period:g} {unit}"
    )
    return _whole(_title(measurement), said, parts)


def _size_map(measurement: Line, holes: list[float]) -> Markup:
    tried = int(measurement["parameters"]["tried"])
    span = _LARGEST + 1
    top, height = _y(0.8), _y(0.3) - _y(0.8)
    parts = [
        _axes("octets of data", float(_LARGEST), "", 0.0),
        f'<rect class="good" x="{_x(0):.1f}" y="{top:.1f}" width="{_x(1) - _x(0):.1f}" height="{height:.1f}"/>',
    ]
    width = max(1.0, (_x(1) - _x(0)) / span)
    parts += [
        f'<rect class="hole" x="{_x(size / span):.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}"/>'
        for size in holes
        if 0 <= size <= _LARGEST
    ]
    cause = str(measurement["parameters"].get("cause", ""))
    said = f"{len(holes)} of {tried} sizes do not work: {cause}" if holes else f"all {tried} sizes work"
    return _whole(_title(measurement), said, parts)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0


def _title(measurement: Line) -> str:
    told = {
        k: v for k, v in measurement.get("parameters", {}).items() if k not in {"holes", "cause", "tried"}
    }
    words = ", ".join(f"{key} {value}" for key, value in told.items())
    return f"{measurement['name']} ({words})" if words else str(measurement["name"])


def _axes(x_unit: str, x_most: float, y_unit: str, y_most: float) -> str:
    y_label = amount(y_most, y_unit) if y_unit else ""
    return (
        f'<path class="axis" d="M{_x(0)},{_y(1)}V{_y(0)}H{_x(1)}"/>'
        f'<text x="{_x(0)}" y="{_y(0) + 14}">0</text>'
        f'<text x="{_x(1)}" y="{_y(0) + 14}" text-anchor="end">{escape(amount(x_most, x_unit))}</text>'
        f'<text x="{_x(0) - 4}" y="{_y(1) + 4}" text-anchor="end">{escape(y_label)}</text>'
    )


def _whole(title: str, said: str, parts: Sequence[str]) -> Markup:
    title, said = escape(title), escape(said)
    # every part is made here, of numbers and of text that was escaped
    return Markup(  # noqa: S704
        f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}: {said}">'
        f'<text x="{_x(0)}" y="14">{title}</text>{"".join(parts)}'
        f'<text x="{_x(0)}" y="{HEIGHT - 4}">{said}</text></svg>'
    )


def _x(share: float) -> float:
    return _LEFT + share * (WIDTH - _LEFT - _RIGHT)


def _y(share: float) -> float:
    return HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM)
