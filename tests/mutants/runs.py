"""One run of the suites in a process of its own, as any user would start it, and what its record says: for mutants,
variants and the hunter's planted defects."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import gc
import importlib.metadata
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import pytest

from fixtures.evidence.capture import Evidence
from reports import record
from tests.mutants import PAIR, Mutant
from tests.mutants.plugins import CheapFirst, Hopeless, Index
from vectors.catalogue import CATALOGUE
from vectors.coverage import in_cases

ROOT = Path(__file__).resolve().parents[2]
RIGS = {"ieee802154": "reference", "ble": "reference-ble"}
#: Where the node without a defect must pass everything: those, and the roles of RFC 7668.
DISCOVERY = tuple(f"reference-nd-{role}{more}" for role in ("6ln", "6lr", "6lbr") for more in ("", "-8505"))
CONFORMING = (*RIGS.values(), "reference-6ln", "reference-6lbr", *DISCOVERY, PAIR)
#: What a rig's own subject is: where its mutants are looked for, and its variants tried.
SUBJECT = {
    rig: ["suites/rfc6775", "suites/rfc8505", "suites/robustness/test_discovery.py"] for rig in DISCOVERY
} | {Path(PAIR).stem: ["suites/interop"]}
#: Requirement -> the files whose cases name it.
NAMED_IN = in_cases()
NO_CASE = "the run tried no case"
_PYTEST = ["-q", "-n0", "--tb=native", "--assert=plain", "--seed=1"]
_PYTEST += [f"-pno:{plugin}" for plugin in ("cacheprovider", "hypothesispytest", "allure_pytest")]
#: They collect garbage ten times in each run, which takes a third of the time of a short one.
_PYTEST += [f"-pno:{plugin}" for plugin in ("unraisableexception", "threadexception")]


@dataclass(frozen=True, slots=True)
class Job:
    """One run: a mutant (none for the conforming node) on one rig."""

    mutant: Mutant | None
    rig: str
    #: Only the cases that name a requirement of this pattern; empty: all cases.
    named: str = ""
    #: How the conforming node is judged.
    strict: bool = True

    @property
    def name(self) -> str:
        return self.mutant.id if self.mutant else "(conforming)"


@dataclass(slots=True)
class Outcome:
    """What one run came to: case -> codes of its findings for those that failed, and all other verdicts."""

    job: Job
    fails: dict[str, list[str]] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)
    #: Case -> what a user is told of it, for those that failed.
    said: dict[str, str] = field(default_factory=dict)
    passed: int = 0
    unsupported: int = 0
    error: str = ""
    #: Seconds of CPU time of the run, and what each case took of it.
    cost: float = 0.0
    costs: dict[str, float] = field(default_factory=dict)


def warm(suites: list[str]) -> Index:
    """Import pytest, its plugins, ours and every suite, once for all the processes that will be forked."""
    index = Index()
    with open(os.devnull, "w") as nothing, contextlib.redirect_stdout(nothing):  # noqa: PTH123
        rigs = [f"--rig={rig}" for rig in CONFORMING]  # cases of another link than a rig's are not collected
        pytest.main([*suites, "--collect-only", *rigs, *_PYTEST], plugins=[index])
    found, entries = (
        list(importlib.metadata.distributions()),
        importlib.metadata.Distribution.entry_points.fget,
    )
    importlib.metadata.distributions = lambda **_: (
        found
    )  # pytest looks in all for each plugin of ours by its name
    importlib.metadata.Distribution.entry_points = property(functools.cache(entries))
    gc.freeze()  # what all runs share is nobody's garbage
    return index


def narrowed(suites: list[str], files: list[str]) -> list[str]:
    """The arguments of a run with `files` in place of the folders; the options stay."""
    options = next((n for n, argument in enumerate(suites) if argument.startswith("-")), len(suites))
    return [*files, *suites[options:]]


def run(
    job: Job, suites: list[str], folder: Path, matrix: bool, ignored: Set[str], costs: Mapping[str, float]
) -> None:
    """In a process of its own: one run of pytest, silent. Never returns."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: no run outlives the runner
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.chdir(ROOT)
    log = os.open(folder / "log.txt", os.O_WRONLY | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    arguments = [*chosen_suites(job, suites), "--rig", job.rig, "--record-dir", str(folder), *_PYTEST]
    if job.mutant is None and job.strict:
        arguments.append("--strict")
    if job.mutant is not None:
        arguments += ["--mutant", job.mutant.id, *([] if matrix else [f"--maxfail={1 + len(ignored)}"])]
        if job.named:
            arguments += ["--requirement", job.named]
        if job.mutant.advice or CATALOGUE[job.mutant.requirement].binding == "advice":
            arguments.append("--strict")
    Evidence.save = lambda *_: None  # it would be thrown away with the folder
    status = 1
    try:
        status = int(pytest.main(arguments, plugins=[Hopeless(), CheapFirst(costs)]))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def chosen_suites(job: Job, suites: list[str]) -> list[str]:
    """The files that can say something: those that name the one requirement, else the rig's subject; of a conforming
    node on a rig of the tree, all.

    Most of a run's time goes into the collection of cases that are not run.
    """
    paths = [path for path in suites if not path.startswith("--")]
    if paths != ["suites"] or (job.mutant is None and job.rig in CONFORMING):
        return suites
    rest = [argument for argument in suites if argument not in paths]
    files = [f"suites/{path}" for path in NAMED_IN.get(job.named, ())]
    rig = Path(job.rig).stem.rpartition(".")[2]  # of a variant: its id, and the rig that it is a variant of
    return [*(files or SUBJECT.get(rig, paths)), *rest]


def judge(job: Job, folder: Path, ignored: Set[str]) -> Outcome:
    """Read the record of a run; a case of `ignored` is a false alarm and kills nothing."""
    outcome = Outcome(job)
    records = sorted(folder.glob("*/run.jsonl"))
    if not records:
        outcome.error = (folder / "log.txt").read_text(errors="replace")[-2000:] or "the run left no record"
        return outcome
    read = record.read(records[0])
    for line in read.results:
        outcome.costs[line["case"]] = line["seconds"]
        if line["case"] in ignored:
            continue
        if line["verdict"] == "fail" and any(finding["requirement"] for finding in line["findings"]):
            outcome.fails[line["case"]] = [finding["code"] for finding in line["findings"]]
            outcome.said[line["case"]] = line["message"]
        elif line["verdict"] in {"pass", "harmless"}:
            outcome.passed += 1
        elif line["verdict"] == "unsupported":
            outcome.unsupported += 1
        else:
            outcome.others[line["case"]] = f"{line['verdict']}: {line['message']}"
    if not read.results:
        outcome.error = NO_CASE
    return outcome


def outcomes(
    jobs: Iterable[Job],
    suites: list[str],
    workers: int,
    matrix: bool,
    ignored: Set[str] = frozenset(),
    index: Index | None = None,
    costs: Mapping[str, float] = MappingProxyType({}),
) -> Iterator[Outcome]:
    """Run the jobs, `workers` at a time, and yield what each came to as it ends.

    With an `index`, a job that asks for one requirement collects only the files that have a case of it.
    Cases with high `costs`, in seconds, go behind the others.
    """
    waiting, running = list(jobs)[::-1], {}
    with tempfile.TemporaryDirectory(prefix="mutants-") as top:
        try:
            while waiting or running:
                while waiting and len(running) < workers:
                    job = waiting.pop()
                    asked = narrowed(suites, index.of(job.named)) if index and job.named else suites
                    folder = Path(tempfile.mkdtemp(dir=top))
                    pid = os.fork()
                    if pid == 0:
                        run(job, asked, folder, matrix, ignored, costs)
                    running[pid] = job, folder
                pid, _, usage = os.wait4(-1, 0)
                if pid in running:
                    job, folder = running.pop(pid)
                    outcome = judge(job, folder, ignored)
                    outcome.cost = usage.ru_utime + usage.ru_stime
                    yield outcome
                    shutil.rmtree(folder, ignore_errors=True)
        finally:
            for pid in running:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, 9)
