"""Figures as a reader compares them: one box for each measurement, and one line for each rig over a parameter.

Strategy: distributions, not averages. Values that are None are what was lost, and are counted, not dropped. What is of
one case is never drawn together with what is of another: a rate under load and one at rest are no curve. Plots are SVG
in the page, drawn from whole numbers of a fixed canvas, so that the same record gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from markupsafe import Markup

from reports.bench import Bench, bench_of
from reports.causes import Cause
from reports.coverage import share
from reports.html.overview import overview
from reports.plots import loss_by_size, svg
from reports.statistics import Spread, quantile, spread
from reports.statistics.units import amount
from reports.view import View, natural

WIDTH: Final = 240
_CHART: Final = (520, 220)
#: Measurements of one figure that the page has: those of a farm are thousands.
MOST: Final = 400
#: Parameters that say what came out, and not what was asked.
_OUTCOMES: Final = ("holes", "cause")


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement: its numbers and the places of its box on a canvas `WIDTH` wide."""

    line: Mapping[str, Any]
    parameters: str
    lost: int
    spread: Spread
    quantiles: tuple[float, float, float]
    box: tuple[int, ...]
    #: The figure with its 95 % interval, in words; empty where the values stand for themselves.
    value: str
    #: Each limit of the rig file that it is held against: (in words, whether it is broken).
    limits: list[tuple[str, bool]]


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


@dataclass(frozen=True, slots=True)
class Group:
    """All measurements of one figure."""

    name: str
    unit: str
    figures: list[Figure]
    charts: list[Chart]
    pictures: list[tuple[str, Markup]]
    #: (case, rig) of what was looked for and is not there, such as sizes without an answer.
    none: list[tuple[str, str]]
    methods: list[str]


def measurements(
    page: View, found: Sequence[Cause] = (), rigs: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The context of the template. `rigs`: column -> the rig whose file stands for it, where they differ."""
    benches = {
        rig.name: bench_of(page.record.header, (rigs or {}).get(rig.name, rig.name)) for rig in page.rigs
    }
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    empty = 0
    for line in page.record.measurements:
        bench = benches.setdefault(line["rig"], bench_of(page.record.header, line["rig"]))
        if line["medium"] and line["medium"] != bench.medium:  # what the link said of itself
            benches[line["rig"]] = replace(bench, medium=line["medium"], simulated=True)
        if _values(line) or not line["values"]:  # without any value: what was looked for is not there
            groups.setdefault((line["name"], line["unit"]), []).append(line)
        else:
            empty += 1
    ordered = sorted(groups.items(), key=lambda item: natural(f"{item[0][0]} {item[0][1]}"))
    return {
        "page": page,
        "groups": [_group(name, unit, lines[:MOST], benches) for (name, unit), lines in ordered],
        "empty": empty,
        "left_out": sum(max(0, len(lines) - MOST) for lines in groups.values()),
        "width": WIDTH,
        "chart": _CHART,
        **overview(page, [(*key, lines) for key, lines in ordered], benches, found),
    }


def _group(name: str, unit: str, lines: Sequence[Mapping[str, Any]], benches: Mapping[str, Bench]) -> Group:
    valued = [line for line in lines if _values(line)]
    by_case: dict[str, list[Mapping[str, Any]]] = {}
    for line in valued:
        by_case.setdefault(line["case"].partition("[")[0], []).append(line)
    charts = [
        chart for case in sorted(by_case) for chart in _charts(f"{name} in {case}", unit, by_case[case])
    ]
    none = [(line["case"], line["rig"]) for line in lines if not line["values"] and not svg(line)]
    methods = list(dict.fromkeys(line["method"] for line in lines if line["method"]))
    return Group(
        name, unit, _figures(valued, benches) if valued else [], charts, _pictures(lines), none, methods
    )


def _pictures(lines: Sequence[Mapping[str, Any]]) -> list[tuple[str, Markup]]:
    """(what it is of, picture) of each measurement that can be drawn, and of losses over the size, for each rig."""
    ordered = sorted(lines, key=lambda one: natural(f"{one['case']} {_parameters(one)} {one['rig']}"))
    found = [
        (f"{line['case']} on {line['rig']}" + (f", {told}" if (told := _parameters(line)) else ""), svg(line))
        for line in ordered
    ]
    by_size: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for line in lines:
        way = str(line["parameters"].get("direction", ""))
        by_size.setdefault((line["case"].partition("[")[0], line["rig"], way), []).append(line)
    for (case, rig, way), several in sorted(by_size.items()):
        found.append((f"{case}, all sizes, on {rig} {way}".strip(), loss_by_size(several)))
    return [(of, picture) for of, picture in found if picture]


def _values(line: Mapping[str, Any]) -> list[float]:
    return [float(value) for value in line["values"] if value is not None]


def _figures(lines: Sequence[Mapping[str, Any]], benches: Mapping[str, Bench]) -> list[Figure]:
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
        held = [limit for limit in benches[line["rig"]].limits if line["figure"] and limit.concerns(line)]
        limits = [(limit.words(line["unit"]), limit.broken(line)) for limit in held]
        numbers = whole, (p50, p75, p95), box
        found.append(Figure(line, _parameters(line), lost, *numbers, _with_interval(line), limits))
    return found


def _with_interval(line: Mapping[str, Any]) -> str:
    figure, unit = line["figure"], line["unit"]
    if not figure:
        return ""
    ends = ("?" if figure[end] is None else amount(figure[end], unit) for end in ("low", "high"))
    bounded = figure["low"] is not None or figure["high"] is not None
    return amount(figure["value"], unit) + (f" ({' to '.join(ends)})" if bounded else "") + _disturbed(line)


def _disturbed(line: Mapping[str, Any]) -> str:
    """What is said beside a figure that was measured while other work held the rig up most of the time."""
    load = line["load"]
    if not load or load["held_up"] <= load["lasted"] / 2:
        return ""
    part = share(round(1000 * min(load["held_up"], load["lasted"])), round(1000 * load["lasted"]))
    return f"; the host was held up by other work for {part} of the time: this says little about the node"


def _parameters(line: Mapping[str, Any]) -> str:
    told = {key: value for key, value in line["parameters"].items() if key not in _OUTCOMES or value}
    return ", ".join(f"{key}={value}" for key, value in sorted(told.items()))


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
            rest = ", ".join(f"{k} {v}" for k, v in sorted(line["parameters"].items()) if k != parameter)
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
