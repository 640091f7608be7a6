"""`python -m tests.stress`: a busy machine changes no verdict.

Strategy: the suites run once on a quiet machine (or `--quiet RECORD` names such a run), then beside hogs, with the
same seed; the verdicts of each case on each rig are compared. What could not be told beside the hogs is inconclusive
with the reason "machine too slow", and may be so in one case of a hundred. A deviation that the profile calls sporadic
shows or does not by a race in the DUT itself: that is told apart. Any other difference is a failure, and so is a test
of our own that fails beside the hogs.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from reports.record import read
from tests.stress.hogs import hogs

ROOT = Path(__file__).resolve().parents[2]
RIGS = ("lwip-ble", "lwip-802154", "linux-802154", "linux-ble")
REASON = "machine too slow"
#: The share of cases that may be inconclusive for that reason.
ALLOWED = 0.01


def verdict(result):
    """What a run says of a case: the verdict, and the deviations that cover it."""
    return result["verdict"] + (f" ({result['known']})" if result.get("known") else "")


def differences(quiet, loaded, sporadic=frozenset()):
    """({case: difference}, {case: reason of a machine too slow}, {case: race of the DUT}) of two lists of results.

    `sporadic` are deviations, as (rig, id), that need not show in each run.
    """
    before = {(r["rig"], r["case"]): r for r in quiet}
    after = {(r["rig"], r["case"]): r for r in loaded}
    differ, slow, raced = {}, {}, {}
    for key in sorted(before.keys() | after.keys()):
        name = f"[{key[0]}] {key[1]}"
        one, two = before.get(key), after.get(key)
        if one is None or two is None:
            differ[name] = "not in the quiet run" if one is None else "not in the run beside the hogs"
        elif two["verdict"] == "inconclusive" and REASON in two["message"].partition("\n")[0]:
            slow[name] = two["message"]
        elif verdict(one) != verdict(two):
            known = [(key[0], result["known"]) for result in (one, two) if result.get("known")]
            passed = "pass" in {one["verdict"], two["verdict"]}
            by_race = passed and len(known) == 1 and known[0] in sporadic
            told = f"{verdict(one)} -> {verdict(two)}: {two['message'] or one['message']}"
            (raced if by_race else differ)[name] = told
    return differ, slow, raced


def suites(options, folder):
    """Run the suites once; the record of the run. Raises `SystemExit` when there is none."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        *(options.suites or ["suites"]),
        "-q",
        "--seed",
        str(options.seed),
    ]
    for rig in options.rig or RIGS:
        command += ["--rig", rig]
    subprocess.run([*command, "--record-dir", str(folder)], cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
    return record_of(folder / "latest")


def record_of(folder):
    record = read(folder)
    if record.interrupted:
        raise SystemExit(f"stress: {folder} is the record of a run that did not come to its end")
    return record


def sporadic_in(record):
    """(rig, id) of the deviations that need not show in each run."""
    return {
        (event["rig"], deviation["id"])
        for event in record.rigs
        for deviation in event.get("deviations") or ()
        if deviation.get("sporadic")
    }


def own_tests(options, log):
    """Run the project's own tests; the lines that say what failed."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        *(options.tests or ["tests"]),
        "-q",
        "-n",
        str(os.cpu_count() or 2),
    ]
    with log.open("w", encoding="utf-8") as file:
        status = subprocess.run(command, cwd=ROOT, stdout=file, stderr=file, check=False).returncode
    if not status:
        return []
    failed = [
        line for line in log.read_text(encoding="utf-8").splitlines() if line.startswith(("FAILED", "ERROR"))
    ]
    return failed or [f"pytest ended with {status}: see {log}"]


def main(arguments=None):
    """Exit status 0: no verdict differs; 1: some do; 2: bad usage."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress", description=__doc__.partition("\n")[0])
    parser.add_argument("--rig", action="append", help=f"repeatable; default: {', '.join(RIGS)}")
    parser.add_argument("--suites", action="append", help="what to run in place of suites/; repeatable")
    parser.add_argument("--tests", action="append", help="what to run in place of tests/; repeatable")
    parser.add_argument("--without-tests", action="store_true", help="leave the project's own tests out")
    parser.add_argument("--hogs", type=int, default=8, help="hogs for each CPU (8)")
    parser.add_argument("--rounds", type=int, default=1, help="runs beside the hogs (1)")
    parser.add_argument("--quiet", type=Path, help="a quiet run with the same seed, in place of a new one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=ROOT / "reports" / "out" / "stress")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the hogs end
    options.out.mkdir(parents=True, exist_ok=True)
    base = record_of(options.quiet) if options.quiet else suites(options, options.out / "quiet")
    quiet = base.results
    print(
        f"stress: the quiet run has {len(quiet)} results: {dict(Counter(map(verdict_of, quiet)))}", flush=True
    )
    rounds = []
    with hogs(options.hogs * (os.cpu_count() or 1)) as running:
        for number in range(1, options.rounds + 1):
            busy = suites(options, options.out / f"busy-{number}")
            differ, slow, raced = differences(quiet, busy.results, sporadic_in(base))
            failed = [] if options.without_tests else own_tests(options, options.out / f"tests-{number}.log")
            rounds.append({"different": differ, "too_slow": slow, "raced": raced, "tests_failed": failed})
            tell(number, len(running), len(quiet), rounds[-1])
    bad = [n for n, found in enumerate(rounds, 1) if is_bad(found, len(quiet))]
    summary = {
        "hogs": options.hogs * (os.cpu_count() or 1),
        "cases": len(quiet),
        "rounds": rounds,
        "bad_rounds": bad,
    }
    path = options.out / "stress.json"
    path.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    print(f"stress: {len(rounds) - len(bad)} of {len(rounds)} rounds without a verdict that differs; {path}")
    return 1 if bad else 0


def verdict_of(result):
    return result["verdict"]


def is_bad(found, cases):
    return bool(found["different"] or found["tests_failed"] or len(found["too_slow"]) > ALLOWED * cases)


def tell(number, running, cases, found):
    """One round, for people."""
    print(
        f"round {number}, beside {running} hogs: {len(found['different'])} of {cases} verdicts differ, "
        f"{len(found['too_slow'])} could not be told (machine too slow), {len(found['raced'])} by a race in the DUT "
        f"(sporadic deviations), {len(found['tests_failed'])} tests failed",
        flush=True,
    )
    for name, what in [*found["different"].items(), *found["too_slow"].items(), *found["raced"].items()]:
        print(f"    {name}: {what[:300]}", flush=True)
    for line in found["tests_failed"]:
        print(f"    {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
