"""What stands above a comparison: which two runs, of which suites, and which DUT each rig had before and after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from reports.compare.verdicts import nodes_of
from reports.pools import keys_of, labels
from reports.record import Record
from reports.text import one_line
from reports.verdict import plural
from reports.view import WIDE, natural


def sides(before: Record, after: Record) -> list[str]:
    """Which two runs are compared: id, when it began, suite of either."""
    told = []
    for name, record in (("before", before), ("after", after)):
        run, started = record.header["run_id"] or record.path, record.header["started"] or "no date"
        told.append(f"{name}: run {one_line(run)}, {one_line(started)}, suite {_suite(record)}")
    return told


def duts(before: Record, after: Record, match: Mapping[str, str] | None = None) -> list[str]:
    """The suite of both records, and which DUT each rig of both had, before and after.

    A line for each rig; of many rigs one for all that had the same DUTs.
    """
    suites = [_suite(record) for record in (before, after)]
    lines = [
        _changed("suite", *suites),
        _changed("seed", *(str(one.header["seed"]) for one in (before, after))),
    ]
    keys = keys_of(before, after, match or {})
    old, new = nodes_of(before, keys.before), nodes_of(after, keys.after)
    common = sorted(old.keys() & new.keys(), key=natural)
    told = {name: (old[name].describe(), new[name].describe()) for name in common}
    if len(common) > WIDE:
        rigs = Counter(told.values())
        pairs = sorted(rigs, key=lambda pair: natural(" ".join(pair)))
        return [*lines, *(_changed(plural(rigs[pair], "rig"), *pair) for pair in pairs)]
    called = labels(before, after, keys)
    lines += [_changed(called.get(name, name), *told[name]) for name in common]
    for only, where in ((old.keys() - new.keys(), "first"), (new.keys() - old.keys(), "second")):
        lines += [f"{name}: in the {where} run only" for name in sorted(only, key=natural)[:WIDE]]
    return lines


def _changed(name: str, was: str, now: str) -> str:
    return f"{name}: {was} -> {now}" if was != now else f"{name}: {now}"


def _suite(record: Record) -> str:
    suite = record.header["suite"]
    return f"{suite.get('version', 'unknown')} ({suite.get('commit', 'no commit')})"
