"""`python -m tests.mutants`: run the suites against every mutant, and against the node that has no defect.

Strategy: everything is imported once; then each mutant gets a process of its own by fork, as many at a time as
there are CPUs, and a run of the suites as any user would start it, with a record of its own. What a run came to is
read from its record, so that the runner believes exactly what a user would be shown. A mutant is killed by a case
that fails with a finding; its run stops there, unless `--matrix` asks for every case that kills. The cases that
name the broken requirement go first, then its section's; those that took long on the conforming node go behind the
others; and where that requirement is advice, the run is a strict one. Any case that does not pass on the conforming
node is a false alarm. Then come the wrong *oracles* (`tests.mutation.oracles`), which a node built on them shares, so
that the vectors must see them. The result goes to reports/out/mutants.json.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from reports.files import put
from rigs.model import ABILITIES
from tests.mutants import PAIR, Mutant, load
from tests.mutants.runs import CONFORMING, NO_CASE, RIGS, ROOT, Job, Outcome, outcomes, warm
from tests.mutation import oracles
from vectors.catalogue import CATALOGUE


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
    if strange := [
        f"{mutant.id} ({mutant.requirement})"
        for mutant in mutants.values()
        if mutant.requirement not in CATALOGUE
    ]:
        parser.error(f"no such requirement in the catalogue: {', '.join(strange)}")
    pairs = not options.suites or any(path == "suites" or "interop" in path for path in options.suites)
    chosen = [m for m in mutants.values() if m.id in (options.ids or mutants) and runs_on(m, options.rig)]
    everywhere = bool(options.suites) or not options.ids  # a few files take a second on each rig
    needed = [rig for rig in CONFORMING if everywhere or any(runs_on(m, [rig]) for m in chosen)]
    rigs = options.rig or [rig for rig in needed if pairs or rig != PAIR]  # it has no other cases
    if options.list:
        print(f"{'mutant':34} {'breaks':18} {'seen in':20} what it does")
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
    alarms, costs = false_alarms(suites, options.workers, rigs) if chosen else ([], {})
    ignored = {alarm.case for alarm in alarms}
    alive = {mutant.id: Outcome(Job(mutant, "")) for mutant in chosen}
    kills: dict[str, dict[str, str]] = {}
    strangers: list[str] = []  # caught, but by no case that names what they break
    spent: Counter[str] = Counter()  # seconds in all runs of a mutant
    for plan in rounds(options.matrix):
        jobs = [job for outcome in list(alive.values()) for job in plan(outcome.job.mutant)]
        jobs = [job for job in jobs if not job.named or index.of(job.named)]
        for outcome in outcomes(jobs, suites, options.workers, options.matrix, ignored, index, costs):
            spent[outcome.job.name] += outcome.cost
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
        "false_alarms": [str(alarm) for alarm in alarms],
        "by_another_requirement": sorted(strangers),
        "kills": dict(sorted(kills.items())),
        "cpu_seconds": {name: round(cost, 2) for name, cost in spent.most_common()},
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    put(options.out, json.dumps(report, indent=1) + "\n")
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


@dataclass(frozen=True, slots=True)
class Alarm:
    """A case that does not pass on a conforming node, or a run that says nothing."""

    case: str
    rig: str
    what: str

    def __str__(self) -> str:
        return f"{self.case}: {self.rig}: {self.what}"


def false_alarms(
    suites: list[str], workers: int, rigs: Iterable[str]
) -> tuple[list[Alarm], dict[str, float]]:
    """Cases that do not pass on the conforming node, even strictly judged; and what each case took, in seconds.

    `--suites` may name files that have no case for the link of a rig: such a rig raises no alarm if another tried one.
    """
    alarms: list[Alarm] = []
    idle: list[Alarm] = []
    costs: dict[str, float] = {}
    tried = False
    for outcome in outcomes([Job(None, rig) for rig in rigs], suites, workers, matrix=True):
        rig = outcome.job.rig
        if outcome.error == NO_CASE and "suites" not in suites:
            idle.append(Alarm("(the run)", rig, NO_CASE))
            print(f"{outcome.job.name} on {rig}: no case for this rig", flush=True)
            continue
        tried = True
        found = {case: ", ".join(codes) for case, codes in outcome.fails.items()} | outcome.others
        if outcome.error:
            found["(the run)"] = outcome.error
        alarms += [Alarm(case, rig, what) for case, what in found.items()]
        for case, cost in outcome.costs.items():
            costs[case] = max(cost, costs.get(case, 0.0))
        print(
            f"{outcome.job.name} on {rig}: {outcome.passed} cases pass, {len(found)} do not, "
            f"{outcome.cost:.0f} s of CPU",
            flush=True,
        )
    alarms = alarms if tried else idle
    for alarm in alarms:
        print(f"FALSE ALARM  {alarm}")
    return alarms, costs


if __name__ == "__main__":
    sys.exit(main())
