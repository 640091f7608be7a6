"""`python -m reports history`: add runs to a history, show it, find the first bad run, and hold a run against a
policy.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from reports.files import put
from reports.history import output, policy, store, trends
from reports.record import RecordError, read
from reports.text import one_line


def add_commands(parser: argparse.ArgumentParser) -> None:
    """The verbs of `history`, each with its help."""
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    def verb(name: str, run: Any, words: str) -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=words, description=words[:1].upper() + words[1:] + ".")
        made.add_argument("file", metavar="FILE", type=Path, help="the history: one SQLite file")
        made.set_defaults(run=run)
        return made

    adding = verb("add", _add, "add runs; what is there already is left as it is")
    adding.add_argument("runs", metavar="RUN", type=Path, nargs="+", help="runs, or a folder of run folders")
    adding.add_argument("--lab", default="", help="where they ran, when several labs share a history")

    showing = verb(
        "show", _show, "runs, the cases that changed or are always bad, flaky cases, figures that changed"
    )
    showing.add_argument("--case", help="cases: an id, or a glob such as 'rfc6282/*'")
    showing.add_argument("--figure", help="figures: a part of 'case: name', or a glob")
    showing.add_argument("--rig", help="only this rig")
    showing.add_argument(
        "--all", action="store_true", help="every case, not only those that changed or are always bad"
    )
    showing.add_argument("--html", metavar="DIR", type=Path, help="write trend pages there instead")

    bisecting = verb("bisect", _bisect, "the first bad run of a case, and what changed with it")
    bisecting.add_argument("--case", required=True, help="an id, or a glob")
    bisecting.add_argument("--rig", help="only this rig")

    gating = verb("gate", _gate, "hold a run against a policy: exit status 0 pass, 1 fail, 3 cannot be told")
    gating.add_argument(
        "--policy", metavar="POLICY", type=Path, required=True, help="TOML file, see docs/reports.md"
    )
    gating.add_argument("--run", dest="run_id", metavar="RUN-ID", help="default: the last run")
    gating.add_argument(
        "--today",
        metavar="DATE",
        type=_day,
        default=None,
        help="day on which quarantines are judged (default: today)",
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no day: write it as 2026-12-31") from error


def _add(options: argparse.Namespace) -> int:
    paths = run_paths(options.runs)
    with store.opened(options.file, new=True) as history:
        for path in paths:
            added = store.add(history, read(path), options.lab)
            print(f"{one_line(path)}: {'added' if added else 'is there already'}")
    return 0


def _show(options: argparse.Namespace) -> int:
    with store.opened(options.file) as history:
        options.rig = trends.node_of(history, options.rig)
        if wrong := trends.unknown(history, options.case, options.rig, options.figure):
            raise RecordError(f"{options.file}: {wrong}")
        if options.html:
            made = output.pages(history, options.case, options.figure, options.rig)
            for path in output.write(options.html, made, put):
                print(one_line(path))
            return 0
        for row in output.show(history, options.case, options.figure, options.rig, every=options.all):
            print(one_line(row))
    return 0


def _bisect(options: argparse.Namespace) -> int:
    bad = found = 0
    with store.opened(options.file) as history:
        options.rig = trends.node_of(history, options.rig)
        if wrong := trends.unknown(history, options.case, options.rig):
            raise RecordError(f"{options.file}: {wrong}")
        for rig, case, points in trends.series(history, options.case, options.rig):
            found += 1
            if trends.first_bad(points) is None:
                continue
            bad += 1
            print(f"{one_line(rig)}  {one_line(case)}")
            for row in output.about_case(points):
                print(f"    {one_line(row)}")
    print(f"{bad} of {found} cases are bad in their last run")
    return 0


def _gate(options: argparse.Namespace) -> int:
    rules = policy.read_policy(options.policy)
    with store.opened(options.file) as history:
        run = trends.latest(history, options.run_id)
        # date.today: a quarantine ends with the calendar of whoever runs the gate
        today, rigs = options.today or date.today(), trends.rigs_of(history)
        rules, pooled = policy.by_pool(rules, trends.pools_of(history), rigs)
        owed = trends.owed(history, run, rules.required)
        named = any(rule.breach != "*" for rule in rules.quarantine)
        seen = trends.breaches(history, run) if named else []
        gated = policy.gate(trends.of_run(history, run), rules, today, owed, rigs, seen)
    print(f"run {one_line(run.run_id)}" + ("" if run.whole else ", interrupted"))
    if not run.whole:
        gated.unknown.append("the run was interrupted")
    parts = (
        ("failed", gated.failed),
        ("cannot be told", gated.unknown),
        ("excused", gated.excused),
        ("note", pooled + gated.notes),
    )
    for title, rows in parts:
        for row in rows:
            print(f"{title}: {one_line(row)}")
    print({0: "gate: pass", 1: "gate: fail", 3: "gate: cannot be told"}[gated.status])
    return gated.status


def run_paths(paths: Sequence[Path]) -> list[Path]:
    """Runs, where a folder of run folders stands for all of them. Raises `RecordError` for an empty one."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir() and not (path / "run.jsonl").exists():
            inside = [p for p in sorted(path.iterdir()) if (p / "run.jsonl").exists() and not p.is_symlink()]
            if not inside:
                raise RecordError(f"{path}: no run folders in it (a run folder holds a run.jsonl)")
            found += inside
        else:
            found.append(path)
    return found


if __name__ == "__main__":
    from reports.__main__ import main

    sys.exit(main(["history", *sys.argv[1:]]))
