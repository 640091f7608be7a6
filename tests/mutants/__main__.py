"""`python -m tests.mutants`: run the suites against every mutant, and against the node that has no defect.

Strategy: everything is imported once; then each mutant gets a process of its own by fork, as many at a time as
there are CPUs, and a run of the suites as any user would start it, with a record of its own. What a run came to is
read from its record, so that the runner believes exactly what a user would be shown. A mutant is killed by a case
that fails with a finding; its run stops there, unless `--matrix` asks for every case that kills. The cases that
name the broken requirement go first, then its section's, and where that requirement is advice, the run is a strict
one. Any case that does not pass on the conforming node is a false alarm. Then come the wrong *oracles*
(`tests.mutation.oracles`), which a node built on them shares, so that the vectors must see them. The result goes to
reports/out/mutants.json.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import functools
import gc
import importlib.metadata
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fixtures.evidence.capture import Evidence
from reports import record
from rigs.model import ABILITIES
from tests.mutants import PAIR, Mutant, load
from tests.mutants.plugins import Hopeless, Index
from tests.mutation import oracles
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
    #: Seconds of CPU time.
    cost: float = 0.0


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


def run(job: Job, suites: list[str], folder: Path, matrix: bool, ignored: Set[str]) -> None:
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
        status = int(pytest.main(arguments, plugins=[Hopeless()]))
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
) -> Iterator[Outcome]:
    """Run the jobs, `workers` at a time, and yield what each came to as it ends.

    With an `index`, a job that asks for one requirement collects only the files that have a case of it.
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
                        run(job, asked, folder, matrix, ignored)
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


def rounds(matrix: bool) -> Iterator[Callable[[Mutant], list[Job]]]:
    """What is tried on those still alive: cases that name the requirement, the section's, all, all on other links."""
    if not matrix:
        yield lambda mutant: [Job(mutant, rig, mutant.requirement) for rig in rigs_of(mutant)]
        yield lambda mutant: [Job(mutant, rigs_of(mutant)[0], f"{mutant.requirement.rpartition('-')[0]}-*")]
    yield lambda mutant: [Job(mutant, rigs_of(mutant)[0])]
    yield lambda mutant: [Job(mutant, rig) for rig in rigs_of(mutant)[1:]]


def rigs_of(mutant: Mutant) -> list[str]:
    """The rigs on which a mutant can be told from the node without a defect."""
    return [mutant.rig] if mutant.rig else [RIGS[kind] for kind in mutant.kinds]


def runs_on(mutant: Mutant, rigs: list[str] | None) -> bool:
    """Whether a mutant is run first on one of these rigs; those of tests/mutants/rigs go with `reference`."""
    first = rigs_of(mutant)[0]
    return not rigs or (first if first in CONFORMING else "reference") in rigs


def tell(outcome: Outcome, matrix: bool) -> None:
    mutant = outcome.job.mutant
    state = "killed" if outcome.fails else "SURVIVED"
    by = next(iter(outcome.fails.items()), None)
    note = f"{by[0]} ({', '.join(list(dict.fromkeys(by[1]))[:3])})" if by else outcome.error.strip()[-300:]
    if not by and outcome.others:
        case, verdict = next(iter(outcome.others.items()))
        note = f"{len(outcome.others)} undecided, such as {case}: {verdict}"[:300]
    print(f"{state:8}  {outcome.job.name:34} {Path(outcome.job.rig).stem:13} {note}", flush=True)
    if matrix:
        for case, codes in outcome.fails.items():
            print(f"          {case}: {', '.join(list(dict.fromkeys(codes))[:5])}")
    if not outcome.fails and mutant is not None:
        print(f"          {mutant.requirement}: {mutant.what}", flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0: all killed, by cases that name the requirement, no false alarm; 1: otherwise; 2: bad usage."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__.partition("\n")[0])
    parser.add_argument("ids", nargs="*", help="mutants to run; default: all, and the conforming node")
    parser.add_argument("--list", action="store_true", help="list the mutants and end")
    parser.add_argument(
        "--matrix", action="store_true", help="do not stop at the first case that kills; show all"
    )
    parser.add_argument(
        "--rig",
        action="append",
        choices=CONFORMING,
        help="only the mutants that are run there first; repeatable",
    )
    parser.add_argument("--suites", action="append", help="what to run in place of suites/; repeatable")
    parser.add_argument(
        "--without",
        action="append",
        choices=sorted(ABILITIES),
        default=[],
        metavar="ABILITY",
        help="hide an ability of the node, such as ip_tap; repeatable: what the suites see of a black box",
    )
    parser.add_argument("-j", "--workers", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--out", type=Path, default=ROOT / "reports" / "out" / "mutants.json")
    options = parser.parse_args(arguments)
    mutants = load()
    wrong = [name for name in oracles.ORACLES if name in options.ids or not (options.ids or options.rig)]
    unknown = [name for name in options.ids if name not in mutants and name not in wrong]
    if unknown:
        parser.error(f"no such mutant: {', '.join(unknown)}; `--list` shows all")
    pairs = not options.suites or any(path == "suites" or "interop" in path for path in options.suites)
    rigs = options.rig or [rig for rig in CONFORMING if pairs or rig != PAIR]  # it has no other cases
    chosen = [m for m in mutants.values() if m.id in (options.ids or mutants) and runs_on(m, options.rig)]
    if options.list:
        for mutant in chosen:
            print(f"{mutant.id:34} {mutant.requirement:18} {mutant.defect or '-':20} {mutant.what}")
        for name in wrong:
            print(f"{name:34} {oracles.ORACLES[name].requirement:18} {'-':20} {oracles.ORACLES[name].what}")
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that temporary folders are removed
    suites, started = options.suites or ["suites"], time.monotonic()
    if options.without:
        suites = [*suites, "--set", f"without={json.dumps(options.without)}"]
    index = warm(suites)
    alarms = false_alarms(suites, options.workers, rigs) if chosen else {}
    alive = {mutant.id: Outcome(Job(mutant, "")) for mutant in chosen}
    kills: dict[str, dict[str, str]] = {}
    strangers: list[str] = []  # caught, but by no case that names what they break
    costs: Counter[str] = Counter()  # of all runs of a mutant
    for plan in rounds(options.matrix):
        jobs = [job for outcome in list(alive.values()) for job in plan(outcome.job.mutant)]
        jobs = [job for job in jobs if not job.named or index.of(job.named)]
        for outcome in outcomes(jobs, suites, options.workers, options.matrix, set(alarms), index):
            costs[outcome.job.name] += outcome.cost
            if outcome.fails and outcome.job.mutant is not None:
                alive.pop(outcome.job.name, None)
                kills[outcome.job.name] = {
                    "requirement": outcome.job.mutant.requirement,
                    "case": next(iter(outcome.fails)),
                }
                if outcome.job.named != outcome.job.mutant.requirement and not options.matrix:
                    strangers.append(outcome.job.name)
                tell(outcome, options.matrix)
            elif outcome.job.name in alive and not outcome.job.named:
                alive[outcome.job.name] = outcome
    survivors = [alive[name] for name in sorted(alive)]
    unseen = unseen_oracles(wrong, options.workers)
    report = {
        "mutants": len(chosen) + len(wrong),
        "killed": len(chosen) + len(wrong) - len(survivors) - len(unseen),
        "survivors": [outcome.job.name for outcome in survivors] + unseen,
        "false_alarms": [f"{case}: {what}" for case, what in alarms.items()],
        "by_another_requirement": sorted(strangers),
        "kills": dict(sorted(kills.items())),
        "cpu_seconds": {name: round(cost, 2) for name, cost in costs.most_common()},
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    for outcome in survivors:
        tell(outcome, matrix=False)
    if strangers:
        print(f"caught by no case that names the requirement: {', '.join(sorted(strangers))}")
    print(
        f"{report['mutants']} mutants, {report['killed']} killed, {len(survivors) + len(unseen)} survived, "
        f"{len(strangers)} caught under another requirement, {len(alarms)} false alarms, "
        f"{time.monotonic() - started:.0f} s; {options.out}"
    )
    return 1 if survivors or unseen or alarms or strangers else 0


def unseen_oracles(wrong: list[str], workers: int) -> list[str]:
    """Those of the wrong oracles in which the vectors find nothing wrong."""
    unseen = []
    for name, killer in oracles.outcomes(workers, wrong):
        print(f"{'killed' if killer else 'SURVIVED':8}  {name:34} {'vectors':13} {killer}", flush=True)
        if not killer:
            unseen.append(name)
    return unseen


def false_alarms(suites: list[str], workers: int, rigs: Iterable[str]) -> dict[str, str]:
    """Cases that do not pass on the conforming node, even strictly judged -> the rig and what was said.

    `--suites` may name files that have no case for the link of a rig: such a rig raises no alarm if another tried one.
    """
    alarms: dict[str, str] = {}
    idle: dict[str, str] = {}
    tried = False
    for outcome in outcomes([Job(None, rig) for rig in rigs], suites, workers, matrix=True):
        if outcome.error == NO_CASE and "suites" not in suites:
            idle["(the run)"] = f"{outcome.job.rig}: {NO_CASE}"
            print(f"{outcome.job.name} on {outcome.job.rig}: no case for this rig", flush=True)
            continue
        tried = True
        found = {case: ", ".join(codes) for case, codes in outcome.fails.items()} | outcome.others
        if outcome.error:
            found["(the run)"] = outcome.error
        alarms |= {case: f"{outcome.job.rig}: {what}" for case, what in found.items()}
        print(
            f"{outcome.job.name} on {outcome.job.rig}: {outcome.passed} cases pass, {len(found)} do not",
            flush=True,
        )
    if not tried:
        alarms |= idle
    for case, what in alarms.items():
        print(f"FALSE ALARM  {case}: {what}")
    return alarms


if __name__ == "__main__":
    sys.exit(main())
