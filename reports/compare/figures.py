"""Measurements of two records: which figures changed, by how much, and which changes are worse.

Strategy: a measurement is the same one when case, rig, name, unit and parameters are. Of many values the whole (by
ranks) and the quantiles p50, p95, p99 are compared, each where there are enough values for it; of lost and answered
ones the share; of a figure of which only the interval is known, the interval. All tests of a comparison share one
false discovery rate. A change is a regression when it is no chance, at least as large as `least`, in the
direction that is worse, and more than the host can explain (`reports.compare.hosts`). Where the two records do not name
one method, the numbers are of two things, and nothing is compared.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from reports.compare.hosts import Hosts
from reports.pools import keys_of, with_rig
from reports.record import Record
from reports.statistics.comparison import (
    discoveries,
    estimate_change,
    mann_whitney,
    quantile_change,
    share_change,
)
from reports.statistics.distribution import quantile, values_for
from reports.statistics.probability import Estimate
from reports.statistics.units import SECONDS, amount
from reports.verdict import plural
from reports.view import natural

#: Values on each side that a test of ranks or of a quantile takes at least.
FEWEST: Final = 20
QUANTILES: Final = (0.5, 0.95, 0.99)
#: The share of a change that is asked of the host where its interval meets nothing, but a test of ranks tells it.
_HARDLY: Final = 0.05
#: What a share of lost values is called.
LOSS: Final = "loss (share)"
_LESS_IS_WORSE: Final = ("goodput", "throughput", "rate", "delivered")
_MORE_IS_WORSE: Final = ("s", "ms", "us", "ns")


#: Case, rig, name, unit, parameters.
Key = tuple[str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure of one measurement: `change` is after - before, `chance` the p-value of no change."""

    case: str
    rig: str
    name: str
    unit: str
    parameters: str
    what: str
    before: float
    after: float
    change: Estimate
    chance: float
    #: 1: more is worse, -1: less is worse, 0: neither is.
    direction: int
    real: bool = False
    #: Why it may be the host's, and not the node's.
    host: str = ""
    #: Of values too few for a test: how many there are.
    few: str = ""
    #: How the hosts were meanwhile, in words.
    load: str = ""
    #: Of a pool: the rigs of it that measured.
    ran: str = ""

    @property
    def key(self) -> Key:
        """What makes two lines the same measurement."""
        return self.case, self.rig, self.name, self.unit, self.parameters

    @property
    def figure(self) -> tuple[str, ...]:
        """What is the same on all rigs."""
        return self.case, self.name, self.unit, self.parameters, self.what

    @property
    def worse(self) -> bool:
        """Whether the change is in the direction that is worse."""
        return bool(self.direction) and (self.change.value > 0) == (self.direction > 0)

    @property
    def relative(self) -> float:
        """The change as a share of what was before; infinite from nothing."""
        return (
            self.change.value / abs(self.before)
            if self.before
            else math.copysign(math.inf, self.change.value)
        )

    def extent(self) -> tuple[float, float]:
        """The least and the greatest size of the change as a share of what was before, by its interval.

        From nothing no change is like another: (infinite, 0).
        """
        low, high = sorted((abs(self.change.low), abs(self.change.high)))
        if not self.before:
            return math.inf, 0.0
        before = abs(self.before)
        return (low if self.change.low * self.change.high > 0 else 0.0) / before, high / before

    def __str__(self) -> str:
        unit = "share" if self.what == LOSS else self.unit
        before, after = (amount(value, unit) for value in (self.before, self.after))
        host = f"; not comparable: {self.host}" if self.host else ""
        if self.load and self.worse and not self.host and not self.few:
            host = f"; {self.load}"
        return (
            f"{with_rig(self.rig, self.ran)}  {about(self.case, self.parameters)}  {self.name}, {self.what}: "
            f"{before} -> {after} "
            f"({self._change(unit)}; {self.few or chance_in_words(self.chance)}){host}"
        )

    def _change(self, unit: str) -> str:
        """The change, as a share of what was before, and its interval, where that has a width."""
        by, low, high = (
            amount(value, unit, signed=True)
            for value in (self.change.value, self.change.low, self.change.high)
        )
        share = f", {self.relative:+.1%}" if math.isfinite(self.relative) else ""
        return f"{by}{share}" + (f"; 95 % interval {low} to {high}" if low != high else "")


@dataclass(frozen=True, slots=True)
class Another:
    """One measurement that was made by another method: `before` and `after` are what the records call them."""

    case: str
    rig: str
    name: str
    unit: str
    parameters: str
    before: str
    after: str

    def __str__(self) -> str:
        methods = (repr(one) if one else "no method is named" for one in (self.before, self.after))
        return (
            f"{self.rig}  {about(self.case, self.parameters)}  {self.name}: measured by another method: "
            f"{' -> '.join(methods)}"
        )


def about(case: str, parameters: str) -> str:
    """A case with the parameters of a measurement, in words."""
    of = ", ".join(f"{name} {value}" for name, value in json.loads(f"{{{parameters}}}").items())
    return f"{case} ({of})" if of else case


def chance_in_words(chance: float) -> str:
    """A p-value as papers print it: never zero, which no test can tell."""
    return "p < 0.001" if chance < 0.001 else f"p = {chance:.2g}"


@dataclass(slots=True)
class Figures:
    """What became of the measurements of two records."""

    worse: list[Cell] = field(default_factory=list)
    better: list[Cell] = field(default_factory=list)
    changed: list[Cell] = field(default_factory=list)
    #: What was tested and did not change, or by less than matters.
    same: list[Cell] = field(default_factory=list)
    #: Changes that the hosts can explain: of the node they say nothing.
    unclear: list[Cell] = field(default_factory=list)
    #: Measurements whose numbers are not of the same thing.
    methods: list[Another] = field(default_factory=list)
    #: What a reader must know of the hosts before a change is blamed on the node.
    doubt: str = ""
    #: What differs, of values too few for a test, where no host can be the cause: counts, sizes, ratios.
    few: list[Cell] = field(default_factory=list)
    #: Tests that were made, measurements of which nothing could be said, and those on one side only.
    tested: int = 0
    untested: int = 0
    gone: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)

    @property
    def lost(self) -> list[Cell]:
        """What would be a regression, had the hosts been alike: whether it is one is not known."""
        return [cell for cell in self.unclear if cell.worse]


def figures(
    before: Record,
    after: Record,
    match: Mapping[str, str] | None = None,
    *,
    least: float = 0.05,
    seed: int = 0,
) -> Figures:
    """Compare what was measured. `least`: the smallest relative change that matters; `seed`: of the bootstrap."""
    keys = keys_of(before, after, match or {})
    old, new = _lines(before, keys.before), _lines(after, keys.after)
    hosts, found, cells = Hosts(before, after, keys), Figures(), []
    for key in sorted(old.keys() & new.keys(), key=lambda k: natural(" ".join(k))):
        was, now = (str(line.get("method") or "") for line in (old[key], new[key]))
        if was != now:
            found.methods.append(Another(*key, was, now))
            continue
        ran = keys.ran(key[1], old[key]["rig"], new[key]["rig"])
        tests = [replace(cell, ran=ran) for cell in _tests(key, old[key], new[key], seed, hosts)]
        cells += tests
        found.untested += not tests
        if not tests:
            found.few += (replace(cell, ran=ran) for cell in _of_few(key, old[key], new[key], least))
    found.gone = [" ".join(key) for key in sorted(old.keys() - new.keys())]
    found.added = [" ".join(key) for key in sorted(new.keys() - old.keys())]
    found.tested = len(cells)
    real = discoveries([cell.chance for cell in cells])
    shifted = []
    for cell, told in zip(cells, real, strict=True):
        if told and abs(cell.relative) >= least:
            shifted.append(replace(cell, real=True))
        else:
            found.same.append(cell)
    alike: dict[tuple[str, ...], list[Cell]] = {}
    for cell in shifted:
        alike.setdefault(cell.figure, []).append(cell)
    for cell in shifted:
        asked = bool(cell.direction) and not cell.host
        said = replace(cell, host=_common(cell, alike[cell.figure], hosts)) if asked else cell
        if said.host:
            found.unclear.append(said)
        elif said.direction == 0:
            found.changed.append(said)
        else:
            (found.worse if said.worse else found.better).append(said)
    for cells in (found.worse, found.better, found.changed, found.unclear):
        cells[:] = _once(cells)
    found.doubt = _doubt(found.worse, new)
    return found


def _once(cells: Sequence[Cell]) -> list[Cell]:
    """The changes; that a figure has shifted as a whole is not told beside its median, which says by how much."""
    medians = {cell.key for cell in cells if cell.what == "p50"}
    return [cell for cell in cells if cell.what != "shift" or cell.key not in medians]


def _common(cell: Cell, alike: Sequence[Cell], hosts: Hosts) -> str:
    """Which rig with a node of another make moved by as much, where one of the two has the node that it had."""
    for other in alike:
        if not hosts.another_make(cell.rig, other.rig):
            continue
        if other.worse != cell.worse or other.extent()[1] < cell.extent()[0]:
            continue
        moved = f"{other.rig} moved by {other.relative:+.1%}"
        if hosts.unchanged(other.rig):
            return f"{moved}, and its node did not change: it is the host, or the suite"
        if hosts.unchanged(cell.rig):
            return f"this node did not change, and {moved} as well: it is the host, or the suite"
    return ""


def _doubt(worse: Sequence[Cell], new: Mapping[Key, Any]) -> str:
    """A word where the second record does not say how loaded its host was."""
    unsaid = sum(not new[cell.key].get("load") for cell in worse)
    if not unsaid:
        return ""
    return (
        f"of {unsaid} of the {len(worse)} figures that got worse the second record does not say how loaded its "
        "host was: run it again on a quiet host before you blame the node"
    )


def _lines(record: Record, names: Mapping[str, str]) -> dict[Key, Mapping[str, Any]]:
    found: dict[Key, Mapping[str, Any]] = {}
    for line in record.measurements:
        rig = names.get(line["rig"], line["rig"])
        parameters = json.dumps(line["parameters"], sort_keys=True, ensure_ascii=False)
        found[line["case"], rig, line["name"], line["unit"], parameters.strip("{}")] = line
    return found


def direction_of(name: str, unit: str) -> int:
    """Which way is worse: 1 up, -1 down, 0 nobody says."""
    words = name.lower()
    if any(word in words for word in _LESS_IS_WORSE) or unit.endswith("/s"):
        return -1
    if unit in _MORE_IS_WORSE or ("loss" in words and unit == "share"):
        return 1
    return 0


def _tests(
    key: Key, was: Mapping[str, Any], now: Mapping[str, Any], seed: int, hosts: Hosts
) -> Iterator[Cell]:
    _, _, name, unit, _ = key
    direction = direction_of(name, unit)

    def cell(
        what: str, before: float, after: float, change: Estimate, chance: float, q: float | None = None
    ) -> Cell:
        way = 1 if what == LOSS else direction
        host = hosts.explain(was, now, (before, before + _at_least(change)), q, way)
        load = hosts.in_words(was, now) if way else ""
        return Cell(*key, what, before, after, change, chance, way, host=host, load=load)

    old, new = _values(was), _values(now)
    lost = [
        (len(line["values"]) - len(values), len(line["values"])) for line, values in ((was, old), (now, new))
    ]
    if all(total >= FEWEST for _, total in lost) and any(gone for gone, _ in lost):
        change, chance = share_change(lost[0], lost[1])
        yield cell(LOSS, lost[0][0] / lost[0][1], lost[1][0] / lost[1][1], change, chance)
    if min(len(old), len(new)) >= FEWEST:
        middle, _ = quantile_change(old, new, 0.5, seed)
        _, chance = mann_whitney(old, new)
        yield cell("shift", quantile(old, 0.5), quantile(new, 0.5), middle, chance, 0.5)
        for q in QUANTILES:
            if min(len(old), len(new)) >= values_for(q):
                change, chance = quantile_change(old, new, q, seed)
                yield cell(f"p{q * 100:.0f}", quantile(old, q), quantile(new, q), change, chance, q)
        return
    yield from _of_figures(was.get("figure"), now.get("figure"), unit, cell)


def _at_least(change: Estimate) -> float:
    """The least change in its direction that the interval leaves: a host must not explain that."""
    near = change.low if change.value > 0 else change.high
    return near if near * change.value > 0 else change.value * _HARDLY


def _of_figures(was: Any, now: Any, unit: str, cell: Callable[..., Cell]) -> Iterator[Cell]:
    """Of measurements with few values: what the record says they come to."""
    if not was or not now:
        return
    counts = [(round(one["value"] * one.get("n", 0)), one.get("n", 0)) for one in (was, now)]
    if unit == "share" and all(n >= FEWEST and 0 <= x <= n for x, n in counts):
        change, chance = share_change(counts[0], counts[1])
        yield cell("share", was["value"], now["value"], change, chance)
        return
    ends = [(one.get("low"), one.get("high")) for one in (was, now)]
    if all(isinstance(end, (int, float)) for pair in ends for end in pair):
        one, other = (Estimate(figure["value"], figure["low"], figure["high"]) for figure in (was, now))
        change, chance = estimate_change(one, other)
        yield cell(now.get("what") or "figure", one.value, other.value, change, chance, 0.5)


def _of_few(key: Key, was: Mapping[str, Any], now: Mapping[str, Any], least: float) -> Iterator[Cell]:
    """What differs between values too few for a test; of times, rates and losses, which no two runs share, nothing."""
    _, _, name, unit, _ = key
    sides = [sorted(_values(line)) for line in (was, now)]
    if not all(sides) or unit.partition(" ")[0] in SECONDS or "/" in unit or unit == "share":
        return
    before, after = (quantile(side, 0.5) for side in sides)
    change = after - before
    if not change or (before and abs(change / before) < least):
        return
    few = f"{len(sides[0])} and {plural(len(sides[1]), 'value')}: too few for a test"
    yield Cell(
        *key,
        "median",
        before,
        after,
        Estimate(change, change, change),
        1.0,
        direction_of(name, unit),
        few=few,
    )


def _values(line: Mapping[str, Any]) -> list[float]:
    return [float(value) for value in line["values"] if value is not None]
