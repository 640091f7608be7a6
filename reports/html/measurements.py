"""Figures as a reader compares them: one box for each measurement, and one line for each rig over a parameter.

Strategy: distributions, not averages. Values that are None are what was lost, and are counted, not dropped. Plots
are SVG in the page, drawn from whole numbers of a fixed canvas, so that the same record gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from reports.plots import loss_by_size, svg
from reports.statistics import Spread, quantile, spread
from reports.view import View, natural

WIDTH: Final = 240
_CHART: Final = (520, 220)
#: Measurements of one figure that the page has: those of a farm are thousands.
MOST: Final = 400


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement: its numbers and the places of its box on a canvas `WIDTH` wide."""

    line: Mapping[str, Any]
    parameters: str
    lost: int
    spread: Spread
    quantiles: tuple[float, float, float]
    box: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """The median over a parameter, one line for each rig: (rig, points of the SVG, (x, y) of each point)."""

    title: str
    unit: str
    parameter: str
    lines: list[tuple[str, str, list[tuple[int, int]]]]
    low: float
    high: float
    first: float
    last: float


def measurements(page: View) -> dict[str, Any]:
    """The context of the template."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    empty = 0
    for line in page.record.measurements:
        if _values(line) or svg(line):  # a map of sizes without a hole has no value, and is a figure
            groups.setdefault((line["name"], line["unit"]), []).append(line)
        else:
            empty += 1
    shown = []
    left_out = 0
    for (name, unit), every in sorted(groups.items(), key=lambda item: natural(f"{item[0][0]} {item[0][1]}")):
        lines = every[:MOST]
        left_out += len(every) - len(lines)
        valued = [line for line in lines if _values(line)]
        charts = _charts(name, unit, valued)
        shown.append((name, unit, _figures(valued) if valued else [], charts, _pictures(lines)))
    return {
        "page": page,
        "groups": shown,
        "empty": empty,
        "left_out": left_out,
        "width": WIDTH,
        "chart": _CHART,
    }


def _pictures(lines: Sequence[Mapping[str, Any]]) -> list[tuple[str, Markup]]:
    """(what it is of, picture) of each measurement that can be drawn, and of losses over the size, for each rig."""
    ordered = sorted(lines, key=lambda one: natural(f"{one['case']} {_parameters(one)} {one['rig']}"))
    found = [(f"{line['case']} on {line['rig']}", svg(line)) for line in ordered]
    by_size: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for line in lines:
        way = str(line["parameters"].get("direction", ""))
        by_size.setdefault((line["rig"], way), []).append(line)
    for (rig, way), several in sorted(by_size.items()):
        found.append((f"all sizes on {rig} {way}".strip(), loss_by_size(several)))
    return [(of, picture) for of, picture in found if picture]


def _values(line: Mapping[str, Any]) -> list[float]:
    return [float(value) for value in line["values"] if value is not None]


def _figures(lines: Sequence[Mapping[str, Any]]) -> list[Figure]:
    every = [value for line in lines for value in _values(line)]
    most, least = max(every), min(0.0, *every)
    found = []
    for line in sorted(lines, key=lambda one: natural(f"{one['case']} {_parameters(one)} {one['rig']}")):
        values = _values(line)
        whole = spread(values)
        p25, p50, p75, p95 = (quantile(values, q) for q in (0.25, 0.5, 0.75, 0.95))
        places = (whole.minimum, p25, p50, p75, whole.maximum)
        box = tuple(_at(value, least, most, WIDTH - 4) + 2 for value in places)
        lost = len(line["values"]) - len(values)
        found.append(Figure(line, _parameters(line), lost, whole, (p50, p75, p95), box))
    return found


def _parameters(line: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(line["parameters"].items()))


def _at(value: float, least: float, most: float, size: int) -> int:
    return round(size * (value - least) / (most - least)) if most > least else 0


def _charts(name: str, unit: str, lines: Sequence[Mapping[str, Any]]) -> list[Chart]:
    """A chart for each numeric parameter that takes three values or more; other parameters tell lines apart."""
    charts = []
    parameters = {
        key
        for line in lines
        for key, value in line["parameters"].items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    }
    for parameter in sorted(parameters):
        series: dict[str, dict[float, float]] = {}
        for line in lines:
            x = line["parameters"].get(parameter)
            if not isinstance(x, (int, float)):
                continue
            rest = ", ".join(str(v) for k, v in sorted(line["parameters"].items()) if k != parameter)
            series.setdefault(f"{line['rig']} {rest}".strip(), {})[float(x)] = quantile(_values(line), 0.5)
        points = {rig: sorted(ys.items()) for rig, ys in series.items() if len(ys) >= 3}
        if points:
            charts.append(_chart(name, unit, parameter, points))
    return charts


def _chart(name: str, unit: str, parameter: str, points: Mapping[str, list[tuple[float, float]]]) -> Chart:
    width, height = _CHART
    xs = [x for line in points.values() for x, _ in line]
    ys = [y for line in points.values() for _, y in line]
    low, high = min(0.0, *ys), max(ys)
    lines = []
    for rig in sorted(points, key=natural):
        places = [
            (10 + _at(x, min(xs), max(xs), width - 20), height - 10 - _at(y, low, high, height - 20))
            for x, y in points[rig]
        ]
        lines.append((rig, " ".join(f"{x},{y}" for x, y in places), places))
    return Chart(name, unit, parameter, lines, low, high, min(xs), max(xs))
