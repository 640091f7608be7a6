"""`python -m vectors`: write the JSON files, and say what is covered.

Exit codes: 0 done, 1 the answer is bad news (files were out of date under --check, ids that do not exist),
2 bad usage.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from sixlowpan import command
from vectors.catalogue import CATALOGUE, UnknownRequirement
from vectors.coverage import SUITES, coverage, unknown_in_cases
from vectors.generate import FOLDER, all_vectors, documents, generate
from vectors.traceability import document, plugtests, read_kills, requirements

#: Where `make mutants` leaves what it found.
MUTANTS = Path("reports/out/mutants.json")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""

    def asked() -> int:
        options = _parser().parse_args(arguments)
        code: int = options.run(options)
        return code

    return command.run("python -m vectors", asked)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m vectors", description="Vectors and requirements of Keyhole."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    verb = commands.add_parser("generate", help="write vectors/json from the families")
    verb.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is out of date")
    verb.set_defaults(run=_generate)

    verb = commands.add_parser("coverage", help="requirements that vectors and cases try, and those missing")
    verb.add_argument("--json", action="store_true", help="as one JSON object by RFC")
    verb.add_argument("--vectors", action="store_true", help="list rows for a codec that no vector names")
    verb.add_argument("--missing", action="store_true", help="list testable rows that no case names")
    verb.add_argument("--suites", type=Path, default=SUITES, help="folder with the cases (default: suites)")
    verb.set_defaults(run=_coverage)

    verb = commands.add_parser(
        "traceability",
        help="requirement <-> cases <-> mutants, and the public plug tests",
        description="Which cases try a requirement, and which mutants (deliberately wrong nodes) they caught when "
        "`make mutants` ran last; what covers the public plug-test descriptions.",
    )
    verb.add_argument("--json", action="store_true", help="as one JSON object")
    verb.add_argument(
        "--mutants", type=Path, default=MUTANTS, help="what make mutants wrote (default: %(default)s)"
    )
    verb.set_defaults(run=_traceability)

    verb = commands.add_parser("requirement", help="print rows of the catalogue: one, or a section's")
    verb.add_argument(
        "ids",
        nargs="+",
        metavar="ID",
        help="a row (RFC6282-4.2-15) in full; a document (RFC8505), a section (RFC6282-4.2) or a glob "
        "('*-3.1.*-01') as a list",
    )
    verb.set_defaults(run=_requirement)
    return parser


def _generate(options: argparse.Namespace) -> int:
    if options.check:
        stale = [
            name
            for name, text in documents()
            if not (FOLDER / name).exists() or (FOLDER / name).read_text(encoding="utf-8") != text
        ]
        for name in stale:
            print(f"{name} is out of date: run python -m vectors generate", file=sys.stderr)
        return 1 if stale else 0
    for path in generate():
        print(path.name)
    print(f"{len(all_vectors())} vectors")
    return 0


def _coverage(options: argparse.Namespace) -> int:
    if not options.suites.is_dir():
        print(f"python -m vectors coverage: {options.suites} is no folder", file=sys.stderr)
        return 2
    found = coverage(options.suites)
    if options.json:
        shown = {}
        for name, row in found.items():
            shown[name] = {
                "testable": row.testable,
                "in_vectors": row.in_vectors,
                "in_cases": row.in_cases,
                "missing": list(row.missing),
            }
            if options.vectors:
                shown[name]["without_vector"] = list(row.without_vector)
        print(json.dumps(shown, indent=1))
        return 0
    print(f"{'RFC':<8} {'testable':>8} {'in vectors':>10} {'in cases':>8} {'missing':>8}")
    for name, row in found.items():
        print(f"{name:<8} {row.testable:>8} {row.in_vectors:>10} {row.in_cases:>8} {len(row.missing):>8}")
    tested = sum(row.testable for row in found.values())
    print(
        f"{'all':<8} {tested:>8} {sum(r.in_vectors for r in found.values()):>10} "
        f"{sum(r.in_cases for r in found.values()):>8} {sum(len(r.missing) for r in found.values()):>8}"
    )
    for wanted, title, part in (
        (options.missing, "testable rows without a case", "missing"),
        (options.vectors, "rows for a codec without a vector", "without_vector"),
    ):
        if wanted:
            print(f"\n{title}:")
            for row in found.values():
                for name in getattr(row, part):
                    print(f"  {name:<20} {CATALOGUE[name].level:<10} {CATALOGUE[name].text}")
    unknown = unknown_in_cases(options.suites)
    for name, files in unknown.items():
        print(f"{name} is in no row of the catalogue: {', '.join(files)}", file=sys.stderr)
    return 1 if unknown else 0


def _traceability(options: argparse.Namespace) -> int:
    try:
        kills = read_kills(options.mutants)
    except ValueError as error:
        print(f"python -m vectors traceability: {error}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(document(kills), indent=1))
        return 0
    for name, traced in requirements(kills).items():
        if traced.cases or traced.mutants:
            print(f"{name:<20} {', '.join(traced.cases) or 'no case'}")
            for mutant, case in traced.mutants.items():
                print(f"{'':<20}   mutant {mutant}: caught by {case}")
    tests = plugtests()
    for test in tests:
        print(f"{test.id:<32} {', '.join(test.cases) or f'out of scope: {test.out_of_scope}'}")
    covered = sum(bool(test.cases) for test in tests)
    print(
        f"{covered} of {len(tests)} public plug tests are covered; {len(kills)} mutants from {options.mutants}"
    )
    return 0


def _requirement(options: argparse.Namespace) -> int:
    code = 0
    for name in options.ids:
        several = [
            row for row in CATALOGUE.values() if row.id.startswith(f"{name}-") or fnmatchcase(row.id, name)
        ]
        if several and name not in CATALOGUE:
            for row in several:
                print(f"{row.id:<20} {row.level:<10} {row.binding:<6} {row.text}")
            continue
        try:
            row = CATALOGUE[name]
        except UnknownRequirement as error:
            print(error, file=sys.stderr)
            code = 2
            continue
        when = f", if it declares {row.when}" if row.when else ""
        print(
            f"{row.id}  {row.level} ({row.title}; a breach is {row.binding}{when}; tried by {', '.join(row.check)})"
        )
        print(f"    {row.text}")
        print(f"    applies to: {', '.join((row.applies_to, *row.also_applies_to))}")
        for label, text in (
            ("observable", row.observable),
            ("note", row.note),
            ("updated by", row.updated_by),
        ):
            if text:
                print(f"    {label}: {text}")
    return code


if __name__ == "__main__":
    sys.exit(main())
