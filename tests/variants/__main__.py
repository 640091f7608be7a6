"""`python -m tests.variants`: run the suites against every conforming variant; whatever does not pass is a false alarm.

Strategy: each variant gets a rig file and a profile of its own in a temporary folder, such as its owner would write
them, and a run of the suites as any user would start it, by the runner of the mutants. The result goes to
reports/out/variants.json.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from reports.files import put
from tests.mutants.runs import NO_CASE, ROOT, Job, Outcome, outcomes, warm
from tests.variants import Variant, load, write


def alarms(outcome: Outcome, *, lossy: bool) -> dict[str, str]:
    """Case -> what was said of it, for every case that says something against the node or cannot judge it.

    On a medium that loses frames "inconclusive" is a right verdict.
    """
    found = {
        case: f"{', '.join(dict.fromkeys(codes))}: {outcome.said[case]}"
        for case, codes in outcome.fails.items()
    }
    found |= {
        case: said for case, said in outcome.others.items() if not (lossy and said.startswith("inconclusive"))
    }
    if outcome.error:
        found["(the run)"] = outcome.error.strip()
    return found


def tried(chosen: list[Variant], suites: list[str], workers: int, rigs: list[str] | None = None):
    """Run the suites against these variants; yield (variant's id, rig, outcome) as each run ends."""
    with tempfile.TemporaryDirectory(prefix="variants-") as top:
        of = {
            str(write(variant, rig, Path(top))): (variant, rig)
            for variant in chosen
            for rig in variant.rigs
            if not rigs or rig in rigs
        }
        jobs = [Job(None, path, strict=variant.strict) for path, (variant, _) in of.items()]
        for outcome in outcomes(jobs, suites, workers, matrix=True):
            variant, rig = of[outcome.job.rig]
            yield variant.id, rig, outcome


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0: no false alarm; 1: some, or no case was tried; 2: bad usage."""
    parser = argparse.ArgumentParser(prog="python -m tests.variants", description=__doc__.partition("\n")[0])
    parser.add_argument("ids", nargs="*", help="variants to run; default: all")
    parser.add_argument("--list", action="store_true", help="list the variants and end")
    parser.add_argument("--rig", action="append", help="only on this rig; repeatable")
    parser.add_argument("--suites", action="append", help="what to run in place of suites/; repeatable")
    parser.add_argument("-j", "--workers", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--out", type=Path, default=ROOT / "reports" / "out" / "variants.json")
    options = parser.parse_args(arguments)
    variants = load()
    unknown = [name for name in options.ids if name not in variants]
    if unknown:
        parser.error(f"no such variant: {', '.join(unknown)}; `--list` shows all")
    chosen = [variants[name] for name in options.ids or variants]
    if options.list:
        for variant in chosen:
            print(f"{variant.id:28} {' '.join(variant.rigs):28} {variant.what}")
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that temporary folders are removed
    suites, started = options.suites or ["suites"], time.monotonic()
    warm(suites)
    runs = []
    for name, rig, outcome in tried(chosen, suites, options.workers, options.rig):
        if outcome.error == NO_CASE and options.suites:  # files about another link
            print(f"{name:28} {rig:14} no case for this rig", flush=True)
            continue
        found = alarms(outcome, lossy="loss" in variants[name].rig.get("air", {}))
        counts = {"passed": outcome.passed, "unsupported": outcome.unsupported, "false_alarms": found}
        runs.append({"variant": name, "rig": rig, **counts})
        print(
            f"{name:28} {rig:14} {outcome.passed:4} pass, {outcome.unsupported:4} unsupported, {len(found)} alarms",
            flush=True,
        )
        for case, what in found.items():
            print(f"    FALSE ALARM  {case}: {what[:400]}", flush=True)
    runs.sort(key=lambda run: (run["variant"], run["rig"]))
    total = sum(len(run["false_alarms"]) for run in runs)
    report = {"variants": len(chosen), "runs": runs, "false_alarms": total}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    put(options.out, json.dumps(report, indent=1) + "\n")
    seconds = time.monotonic() - started
    for run in runs:  # once more, at the end: what was told above is hundreds of lines away
        for case in run["false_alarms"]:
            print(f"FALSE ALARM  {run['variant']} on {run['rig']}: {case}")
    print(f"{len(chosen)} variants, {len(runs)} runs, {total} false alarms, {seconds:.0f} s; {options.out}")
    return 0 if runs and not total else 1


if __name__ == "__main__":
    sys.exit(main())
