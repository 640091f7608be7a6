"""`python -m reports`: everything that is made of run records.

Strategy: a command reads records, calls one function and prints. Exit codes: 0 done, 1 the answer is bad news
(regressions), 2 bad usage or an unreadable record, with one line that says what to do, 3 the answer cannot be told.
Files are put in place whole, and a link that stands there is replaced, never written through.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from reports import allure, badge, html, junit, markdown, pairs, show, validate
from reports.compact import skim
from reports.compare import as_html, as_json, as_markdown, compare, duts, figures, report, sides, words
from reports.compare.verdicts import read_required
from reports.files import STDOUT, made_folder, put
from reports.history.__main__ import add_commands
from reports.merge import merge
from reports.pools import nodes
from reports.record import RecordError, read
from reports.text import all_inert, one_line
from reports.view import (
    STATES,
    left_out_by,
    partial,
    rigs_of,
    view,
)
from sixlowpan import command
from vectors.traceability import read_kills

Adding = Callable[..., argparse.ArgumentParser]
Doing = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""

    def asked() -> int:
        options = _parser().parse_args(arguments)
        code: int = options.run(options)
        return code

    return command.run("python -m reports", asked, refused=(RecordError, ValueError), show=one_line)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m reports",
        description="Make pages, comparisons and histories of run records (run.jsonl).",
        epilog="RUN is a run's folder (reports/out/RUN-ID, reports/out/latest) or its run.jsonl.",
    )
    add = parser.add_subparsers(required=True, metavar="COMMAND").add_parser
    _add_of_one_run(add)
    _add_of_several(add)
    add_commands(add("history", help="many runs in one file: trends, first bad run, flaky cases, gate"))
    return parser


def _add_of_one_run(add: Adding) -> None:
    verb = _of_a_run(
        add,
        "render",
        _render,
        help="write the pages and the summary of a run",
        description="Write index.html (the page to forward) with requirements.html, measurements.html, "
        "interoperability.html and environment.html beside it, summary.md (fits a pull-request comment) and badge.json "
        "(an endpoint of shields.io). Where GITHUB_STEP_SUMMARY is set, the summary is appended to that file; under "
        "GITLAB_CI, metrics.txt is written for artifacts:reports:metrics.",
    )
    verb.add_argument("--out", type=Path, help="folder to write to (default: the run's own)")

    verb = _of_a_run(
        add,
        "matrix",
        _matrix,
        help="which nodes of a run get on with which, and who is to blame where they do not",
        description="Print the pairs of a run (--pairs, --matrix, rigs with a peer): whether each works, which node is "
        "to blame, and over all pairs whether a node fails with every peer or with one only.",
    )
    verb.add_argument("--format", choices=("text", "markdown", "json"), default="text", help="default: text")

    verb = _of_a_run(add, "export", _export, help="write a run as JUnit XML or as Allure results")
    verb.add_argument(
        "--junit",
        metavar="FILE",
        type=Path,
        help="JUnit XML, with rig, requirements and evidence; - is standard output",
    )
    verb.add_argument(
        "--allure", metavar="DIR", type=Path, help="new folder of results for Allure's generator"
    )

    verb = _of_a_run(
        add,
        "show",
        _show,
        help="print what went wrong in a run by cause, or cases in full",
        description="What went wrong, by cause: what no profile declares with its proof, what is known in short. "
        "With --case or --all results in full.",
    )
    verb.add_argument("--state", action="append", choices=STATES, help="which results (repeatable)")
    verb.add_argument("--rig", help="only this rig")
    verb.add_argument(
        "--case", default="", help="in full: cases whose id contains this, or is like this glob"
    )
    verb.add_argument(
        "--all", action="store_true", help="in full: every result that went wrong, or is of these states"
    )


def _add_of_several(add: Adding) -> None:
    verb = _command(
        add,
        "compare",
        _compare,
        help="two runs: what got worse, better, unknown; verdicts and measurements",
        description="Compare run B with run A, case by case and figure by figure. Exit status: 0 same or better, "
        "1 a regression, 2 unusable input, 3 not comparable enough (results missing or inconclusive).",
    )
    verb.add_argument("a", metavar="A", type=Path, help="the run before")
    verb.add_argument("b", metavar="B", type=Path, help="the run after")
    verb.add_argument(
        "--match", action="append", default=[], metavar="RIG=RIG", help="a rig of A under its name in B"
    )
    verb.add_argument(
        "--all",
        action="store_true",
        help="list every case, however many, and the figures that did not change",
    )
    verb.add_argument(
        "--require",
        metavar="FILE",
        type=Path,
        help="what must be known and right in B, one a line: CASE, or RIG CASE (ids or globs)",
    )
    verb.add_argument(
        "--least",
        metavar="SHARE",
        type=_share,
        default=0.05,
        help="change of a figure that matters (default: 5%%)",
    )
    verb.add_argument(
        "--format", choices=("text", "markdown", "json", "html"), default="text", help="default: text"
    )

    verb = _command(
        add,
        "validate",
        _validate,
        help="whether records keep what their schema promises; --schema prints it",
        description="Say every mistake of records. Exit status: 0 none, 1 some, 2 a record that cannot be read.",
    )
    verb.add_argument("runs", metavar="RUN", type=Path, nargs="*")
    verb.add_argument("--schema", action="store_true", help="print the JSON Schema of a line")

    verb = _command(add, "merge", _merge, help="several runs as one record, with their evidence")
    verb.add_argument("out", metavar="OUT", type=Path, help="new folder for the merged run")
    verb.add_argument("runs", metavar="RUN", type=Path, nargs="+")


def _of_a_run(add: Adding, name: str, run: Doing, **told: str) -> argparse.ArgumentParser:
    """As `_command`, of one run."""
    verb = _command(add, name, run, **told)
    verb.add_argument("run_dir", metavar="RUN", type=Path)
    return verb


def _command(add: Adding, name: str, run: Doing, **told: str) -> argparse.ArgumentParser:
    """The parser of a command that `run` does; `told`: its help and its description."""
    verb = add(name, **told)
    verb.set_defaults(run=run)
    return verb


def _matrix(options: argparse.Namespace) -> int:
    found = pairs.matrix(skim(options.run_dir))
    if options.format == "markdown":
        print("\n".join(pairs.as_markdown(found, markdown.code)) or "No pair is in this record.")
    else:
        print(pairs.as_json(found) if options.format == "json" else pairs.as_text(found), end="")
    return 0


def _render(options: argparse.Namespace) -> int:
    shown = view(skim(options.run_dir))
    if not nodes(shown).wide:  # one page shows every octet
        shown = view(read(options.run_dir))
    record = shown.record
    where: Path = options.out or record.path.parent
    where = made_folder(where, f"name {'another' if options.out else 'a'} folder with --out")
    kills = all_inert(read_kills(record.path.parent.parent / "mutants.json"))
    summary = markdown.render(shown)
    files = {**html.pages(shown, kills), "summary.md": summary, "badge.json": badge.render(shown)}
    if os.environ.get("GITLAB_CI"):
        files["metrics.txt"] = badge.metrics(shown)
    for name, text in files.items():
        put(where / name, text)
    if step := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(step).open("a", encoding="utf-8") as file:
            file.write(summary)
    for name in ("index.html", "summary.md"):
        print(one_line(where / name))
    return 0


def _export(options: argparse.Namespace) -> int:
    if not (options.junit or options.allure):
        raise RecordError("export: name what to write: --junit FILE, --allure DIR, or both")
    record = read(options.run_dir)
    if options.junit == STDOUT:
        if options.allure:
            raise RecordError(
                "export: --junit - has standard output for itself: write Allure's results by another"
            )
        print(junit.render(record), end="")
    elif options.junit:
        put(options.junit, junit.render(record))
        print(one_line(options.junit))
    if options.allure:
        print(f"{one_line(options.allure)}: {allure.export(record, options.allure)} results")
    return 0


def _show(options: argparse.Namespace) -> int:
    states = tuple(name for name in STATES if name in (options.state or ()))
    asked = show.Asked(states, options.rig, options.case, options.all)
    for row in show.lines(nodes(skim(options.run_dir)), asked):
        print(row)
    return 0


def _compare(options: argparse.Namespace) -> int:
    match = {}
    for pair in options.match:
        name, sign, other = pair.partition("=")
        if not sign or not name or not other:
            raise RecordError(f"--match {pair}: write it as RIG_OF_A=RIG_OF_B")
        match[name] = other
    before, after = skim(options.a), skim(options.b)
    found = compare(before, after, match, read_required(options.require) if options.require else ())
    found.figures = figures(before, after, match, least=options.least)
    heads = sides(before, after)
    heads += [
        f"{one_line(record.path)} is a partial run: {one_line(part)}"
        for record in (before, after)
        if (part := partial(left_out_by(record.header.get("asked", {})), rigs_of(record).values()))
    ]
    heads += duts(before, after, match)
    if found.regressions:  # from the row to its proof
        first = found.regressions[0]
        found.notes.append(
            f"the first of them in full: .venv/bin/python -m reports show {one_line(options.b)} --case '{first.case}' "
            f"--rig {first.ran.rpartition(' -> ')[2] or first.rig}"
        )
    limit = None if options.all else 20
    if options.format == "json":
        print(as_json(found, heads, every=options.all), end="")
    elif options.format == "markdown":
        print(as_markdown(found, heads, limit), end="")
    elif options.format == "html":
        print(as_html(found, heads, every=options.all), end="")
    else:
        print("\n".join([f"Keyhole compare: {words(found)}", *heads, "", report(found, limit)]))
    return found.status


def _share(text: str) -> float:
    """`5%` or `0.05`."""
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0.0 <= share < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no share: write it as 5% or 0.05")
    return share


def _validate(options: argparse.Namespace) -> int:
    if options.schema:
        print(validate.schema(), end="")
    elif not options.runs:
        raise RecordError("validate: name a run, or --schema")
    bad = 0
    for path in options.runs:
        record = read(path)
        found = validate.mistakes(record)
        bad += bool(found)
        for mistake in found:
            print(f"{one_line(record.path)}: {one_line(mistake)}")
        if not found:
            print(
                f"{one_line(record.path)}: schema {record.header['schema']}, {len(record.results)} results, no mistake"
            )
    return 1 if bad else 0


def _merge(options: argparse.Namespace) -> int:
    print(one_line(merge(options.runs, options.out)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
