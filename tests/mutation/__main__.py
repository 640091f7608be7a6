"""`python -m tests.mutation [MODULE ...]`: do the tests and vectors of the oracle notice when it is wrong?

Every mutant (see `mutator`) of `sixlowpan/iphc.py`, `nhc.py`, `fragment.py` and `addresses.py` runs against the tests
of the oracle and the vectors until the first test fails. The command fails if fewer than 95 % are killed, or if one
survives that `survivors.txt` does not explain, or if that file explains one that does not survive.

Why no mutation tool from the package index: mutmut changes function bodies only, and half of the truth here stands in
tables at module level; cosmic-ray finds 4,734 mutants in these four modules and starts a new interpreter for each,
which takes hours on two cores, and it changes the files of the checkout in place. Here nothing is written to
the checkout: this process imports all that is slow and nothing of the oracle, then forks for each mutant, and the child
imports the oracle with one module built from the changed tree.
"""

from __future__ import annotations

import argparse
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import hypothesis
import jsonschema  # noqa: F401  imported here, so that no child has to
import pytest

from tests.mutation.mutator import Mutant, build, mutants
from vectors.generate import all_vectors

ROOT = Path(__file__).parents[2]
MODULES = ("addresses", "fragment", "iphc", "nhc")
EXPLAINED = Path(__file__).parent / "survivors.txt"
OUT = ROOT / "reports" / "out" / "mutation.json"
LEAST = 95.0
CPU_SECONDS, MEMORY = 60, 2 << 30
#: The tests behind the vectors, fastest killers first. Left out: the command line, captures, what needs another program.
STAGES = (
    ("tests/sixlowpan/test_headers.py", "tests/sixlowpan/test_fragment.py", "tests/sixlowpan/test_basics.py"),
    ("tests/sixlowpan/test_errors.py", "tests/sixlowpan/test_codec.py", "tests/vectors/test_vectors.py"),
    tuple(f"tests/sixlowpan/test_{name}.py" for name in ("judges", "ble", "nd", "fuzz", "sweep")),
)
BASELINE = Mutant("", 0, 0, 0, "the oracle as it is")


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives one module of the oracle out of a tree."""

    def __init__(self, mutant: Mutant) -> None:
        self.name = f"sixlowpan.{mutant.module}"
        self.path = ROOT / "sixlowpan" / f"{mutant.module}.py"
        self.mutant = mutant

    def find_spec(self, fullname: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
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
    if mutant.module:
        sys.meta_path.insert(0, _Finder(mutant))
    from tests.vectors import test_vectors  # the vectors kill most of them, and pytest's own start costs more

    for family in test_vectors.FAMILIES:
        test_vectors.test_the_oracle_agrees_with_every_vector(family)
    for stage in STAGES:
        existing = [each for each in stage if not each.endswith(".py") or (ROOT / each).exists()]
        code = pytest.main(["-x", "-q", "--noconftest", "-p", "no:cacheprovider", "-p", "no:xdist", *existing])
        if code != pytest.ExitCode.OK:
            return 1
    return 0


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
        if status == 0 and mutant.module:
            print(f"mutation: survives: {mutant.module}.py:{mutant.line}: {mutant.name}", flush=True)
        if status == 0:
            yield mutant
        if done % 100 == 0:
            print(f"mutation: {done} of {len(found)} in {time.monotonic() - start:.0f} s", flush=True)


def explained() -> dict[str, str]:
    """Mutant name -> why it survives, from `survivors.txt`: a paragraph of names, then indented lines with the reason."""
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
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description="Mutation testing of the oracle.")
    parser.add_argument("modules", nargs="*", default=MODULES, metavar="MODULE", help=", ".join(MODULES))
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", default="", metavar="TEXT", help="mutants whose name has this in it")
    options = parser.parse_args()
    hypothesis.settings.register_profile(
        "mutation", derandomize=True, database=None, deadline=None, phases=[hypothesis.Phase.generate]
    )
    hypothesis.settings.load_profile("mutation")
    all_vectors()
    os.chdir(ROOT)
    if not list(survivors([BASELINE], 1)):
        print("mutation: the tests fail without any change: see make test", file=sys.stderr)
        return 2
    found = [
        mutant
        for module in options.modules
        for mutant in mutants(module, (ROOT / "sixlowpan" / f"{module}.py").read_text(encoding="utf-8"))
        if options.only in mutant.name
    ]
    left = {mutant.name for mutant in survivors(found, options.jobs)}
    reasons = explained()
    unexplained = sorted(left - set(reasons))
    stale = sorted(name for name in {mutant.name for mutant in found} & set(reasons) if name not in left)
    gone = sorted(set(reasons) - {mutant.name for mutant in found}) if options.modules == MODULES else []
    share = 100 * (1 - len(left) / len(found))
    for title, names in (("unexplained", unexplained), ("explained, but killed", stale), ("no such mutant", gone)):
        for name in names if not options.only or title != "no such mutant" else []:
            print(f"mutation: {title}: {name}")
    print(f"mutation: {len(found) - len(left)} of {len(found)} killed, {share:.1f} % (at least {LEAST:.0f} % asked for)")
    OUT.parent.mkdir(parents=True, exist_ok=True)
    result = {"mutants": len(found), "killed": len(found) - len(left), "survivors": sorted(left)}
    OUT.write_text(json.dumps({**result, "unexplained": unexplained}, indent=1) + "\n")
    return int(share < LEAST or bool(unexplained or stale))


if __name__ == "__main__":
    sys.exit(main())
