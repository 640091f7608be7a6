"""`python -m tests.mutation [MODULE ...]`: do the tests and vectors of the oracle notice when it is wrong?

Every mutant (see `mutator`) of the modules named in `TESTS` runs against the tests that are named there beside it until
the first test fails. The command fails if fewer than 95 % are killed, or if one
survives that `survivors.txt` does not explain, or if that file explains one that does not survive.

Why no mutation tool from the package index: mutmut changes function bodies only, and half of the truth here stands in
tables at module level; cosmic-ray finds 4,734 mutants in the codec alone and starts a new interpreter for each,
which takes hours on two cores, and it changes the files of the checkout in place. Here nothing is written to
the checkout: this process imports all that is slow and nothing of the oracle, then forks for each mutant, and the child
imports the oracle with one module built from the changed tree.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import itertools
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import hypothesis
import jsonschema  # noqa: F401  imported here, so that no child has to
import pytest
from _pytest.mark import ParameterSet

from tests.mutation.mutator import Mutant, build, mutants
from vectors.generate import all_vectors

ROOT = Path(__file__).parents[2]
EXPLAINED = Path(__file__).parent / "survivors.txt"
OUT = ROOT / "reports" / "out" / "mutation.json"
LEAST = 95.0
CPU_SECONDS, MEMORY = 25, 1 << 30
#: The tests of the codec, fastest killers first.
_CODEC = (
    "vectors.test_vectors", "sixlowpan.test_errors", "sixlowpan.test_headers", "vectors.test_examples",
    "sixlowpan.test_ble", "sixlowpan.test_fragment", "sixlowpan.test_reassembly", "sixlowpan.test_basics",
    "sixlowpan.test_codec", "sixlowpan.test_judges", "sixlowpan.test_fuzz", "sixlowpan.test_sweep",
)  # fmt: skip
_JUDGES = ("sixlowpan.test_judges", "sixlowpan.test_capture_senders", "sixlowpan.test_fuzz")
_CAPTURES = (
    "sixlowpan.test_capture_sift", "sixlowpan.test_capture_fcs", "sixlowpan.test_capture_bluetooth",
    "sixlowpan.test_capture", "sixlowpan.test_capture_senders", "sixlowpan.test_capture_cut",
)  # fmt: skip
#: What is mutated, and the tests that must notice. Left out of these: what needs another program or a pytest fixture
#: other than `tmp_path`.
TESTS = {
    **dict.fromkeys(("addresses", "fragment", "iphc", "nhc"), _CODEC),
    **dict.fromkeys(("lint", "lint_headers"), _JUDGES),
    "lint_fragments": ("sixlowpan.test_lint_fragments", "sixlowpan.test_capture_senders"),
    "explain": ("sixlowpan.test_judges", "sixlowpan.test_requirement_ids"),
    "mac": ("sixlowpan.test_basics", "sixlowpan.test_capture_sift"),
    "mpx": ("sixlowpan.test_mpx", "sixlowpan.test_capture_sift"),
    **dict.fromkeys(
        ("nd.judging", "nd.messages", "nd.options", "nd.tid"),
        ("vectors.test_nd", "sixlowpan.test_nd", "sixlowpan.test_capture_senders", "vectors.test_vectors"),
    ),
    "ghc": ("sixlowpan.test_ghc", "vectors.test_vectors", "sixlowpan.test_headers", "vectors.test_examples"),
    **dict.fromkeys(
        (
            "hci", "l2cap", "security", "coverage", "capture.air", "capture.containers", "capture.judging",
            "capture.linktypes", "capture.sift", "capture.trailer",
        ),
        _CAPTURES,
    ),
}  # fmt: skip
MODULES = tuple(TESTS)
#: Tests in these modules that are not about the oracle's answers, and slow.
IDLE = {
    "test_every_file_obeys_the_schema_and_the_schema_allows_nothing_else",
    "test_nothing_that_makes_vectors_imports_the_oracle",
    "test_the_files_are_what_the_families_generate", "test_mac_round_trip",
}  # fmt: skip
BASELINE = "the oracle as it is"


def _source(module: str) -> Path:
    return ROOT / "sixlowpan" / f"{module.replace('.', '/')}.py"


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives one module of the oracle out of a tree."""

    def __init__(self, mutant: Mutant) -> None:
        self.name = f"sixlowpan.{mutant.module}"
        self.path = _source(mutant.module)
        self.mutant = mutant

    def find_spec(
        self, fullname: str, path: object, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self.name:
            return None
        return importlib.util.spec_from_file_location(fullname, self.path, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        tree = build(self.path.read_text(encoding="utf-8"), self.mutant)
        exec(compile(tree, str(self.path), "exec"), module.__dict__)


def child(mutant: Mutant) -> int:
    """0 if all tests pass."""
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    if mutant.name != BASELINE:
        sys.meta_path.insert(0, _Finder(mutant))
    for slow in (False, True):
        for name in TESTS[mutant.module]:
            for test in calls(importlib.import_module(f"tests.{name}"), slow):
                test()
    return 0


def calls(module: ModuleType, slow: bool) -> Iterator[Callable[[], object]]:
    """The tests of a module as plain calls, their parameters filled in; those that ask for a fixture are left out.

    The `slow` ones are those with random input, and the sweep.

    pytest itself would take most of the time of a mutant that dies early.
    """
    for name, function in vars(module).items():
        if not name.startswith("test_") or name in IDLE:
            continue
        if slow != (hasattr(function, "hypothesis") or module.__name__.endswith("sweep")):
            continue
        marks = [mark for mark in getattr(function, "pytestmark", ()) if mark.name == "parametrize"]
        choices = [
            [dict(zip(_names(mark), _values(mark, row), strict=True)) for row in mark.args[1]]
            for mark in marks
        ]
        wanted = {each for mark in marks for each in _names(mark)} | {"tmp_path"}
        if not hasattr(function, "hypothesis") and set(inspect.signature(function).parameters) - wanted:
            continue
        for chosen in itertools.product(*choices):
            arguments = {key: value for part in chosen for key, value in part.items()}
            if "tmp_path" in inspect.signature(function).parameters:
                arguments["tmp_path"] = Path(tempfile.mkdtemp())
            yield functools.partial(function, **arguments)


def _names(mark: pytest.Mark) -> list[str]:
    return mark.args[0].replace(" ", "").split(",") if isinstance(mark.args[0], str) else list(mark.args[0])


def _values(mark: pytest.Mark, row: object) -> tuple[object, ...]:
    if isinstance(row, ParameterSet):
        return tuple(row.values)
    return (row,) if len(_names(mark)) == 1 else tuple(row)


def survivors(found: list[Mutant], jobs: int) -> Iterator[Mutant]:
    """Those of the mutants that no test kills."""
    running: dict[int, Mutant] = {}
    waiting, done, start = list(reversed(found)), 0, time.monotonic()
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant = waiting.pop()
            process = os.fork()
            if not process:
                code = 1
                try:
                    code = child(mutant)
                finally:
                    os._exit(code)
            running[process] = mutant
        process, status = os.wait()
        mutant = running.pop(process)
        done += 1
        if status == 0 and mutant.name != BASELINE:
            print(f"mutation: survives: {mutant.module}.py:{mutant.line}: {mutant.name}", flush=True)
        if status == 0:
            yield mutant
        if done % 100 == 0:
            print(f"mutation: {done} of {len(found)} in {time.monotonic() - start:.0f} s", flush=True)


def explained() -> dict[str, str]:
    """Mutant name -> why it survives, from `survivors.txt`: paragraphs of names and, indented, the reason."""
    reasons: dict[str, str] = {}
    names: list[str] = []
    for line in EXPLAINED.read_text(encoding="utf-8").splitlines():
        if line.startswith("#") or not line.strip():
            names = []
        elif line.startswith("    "):
            for name in names:
                reasons[name] = f"{reasons.get(name, '')} {line.strip()}".strip()
        else:
            names.append(line)
            reasons[line] = ""
    return reasons


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutation", description="Mutation testing of the oracle."
    )
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"default: all of {', '.join(MODULES)}")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", default="", metavar="TEXT", help="mutants whose name has this in it")
    options = parser.parse_args()
    options.modules = tuple(options.modules) or MODULES
    unknown = [module for module in options.modules if module not in TESTS]
    if unknown:
        parser.error(f"no tests are named for {', '.join(unknown)}")
    hypothesis.settings.register_profile(
        "mutation", derandomize=True, database=None, deadline=None, phases=[hypothesis.Phase.generate]
    )
    hypothesis.settings.load_profile("mutation")
    all_vectors()
    os.chdir(ROOT)
    first = {TESTS[module]: Mutant(module, 0, 0, 0, BASELINE) for module in options.modules}
    if len(list(survivors(list(first.values()), 1))) < len(first):
        print("mutation: the tests fail without any change: see make test", file=sys.stderr)
        return 2
    found = [
        mutant
        for module in options.modules
        for mutant in mutants(module, _source(module).read_text(encoding="utf-8"))
        if options.only in mutant.name
    ]
    left = {mutant.name for mutant in survivors(found, options.jobs)}
    reasons = explained()
    unexplained = sorted(left - set(reasons))
    stale = sorted(name for name in {mutant.name for mutant in found} & set(reasons) if name not in left)
    gone = sorted(set(reasons) - {mutant.name for mutant in found}) if options.modules == MODULES else []
    share = 100 * (1 - len(left) / len(found))
    for title, names in (
        ("unexplained", unexplained),
        ("explained, but killed", stale),
        ("no such mutant", gone),
    ):
        for name in names if not options.only or title != "no such mutant" else []:
            print(f"mutation: {title}: {name}")
    print(
        f"mutation: {len(found) - len(left)} of {len(found)} killed, {share:.1f} % (at least {LEAST:.0f} % asked for)"
    )
    OUT.parent.mkdir(parents=True, exist_ok=True)
    result = {"mutants": len(found), "killed": len(found) - len(left), "survivors": sorted(left)}
    OUT.write_text(json.dumps({**result, "unexplained": unexplained}, indent=1) + "\n")
    return int(share < LEAST or bool(unexplained or stale))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:  # a mutant that is killed cleans up nothing
        tempfile.tempdir = scratch
        sys.exit(main())
