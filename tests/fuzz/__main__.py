"""`python -m tests.fuzz`: thousands of damaged inputs, each made from the seed and its number: one can be repeated.

A fault is: an exception (a traceback for the user), a status that is not allowed or that comes without its words, text
that a terminal would obey, a file changed outside, more CPU time or memory than any honest input takes. CPU time is
counted, not the clock on the wall, so that a busy machine changes nothing.
"""

import argparse
import collections
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
import tracemalloc
from pathlib import Path

from reports.text import inert
from tests.fuzz.kinds import KINDS

#: Seconds of CPU time, and octets of memory beyond what was there before, that one input may take.
SECONDS, OCTETS = 10.0, 200 << 20


class Spent(BaseException):
    """An input took too much CPU time; no reader can catch it."""


def spent(_number, _frame):
    raise Spent(f"more than {SECONDS:g} s of CPU time")


def tree(folder):
    return {
        path.name: path.read_bytes() if path.is_file() else "folder"
        for path in folder.iterdir()
        if path.name != "work"
    }


def one(kind, attempt, seed, number, outside):
    """Run one input; returns (status, None) or (None, what is wrong)."""
    chance = random.Random(f"{seed} {kind} {number}")
    before = tree(outside)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        status, said, allowed = attempt(chance)
    except (Exception, Spent):  # noqa: BLE001 - whatever a reader raises is the fault that is looked for
        return None, traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    if status not in allowed or allowed[status] not in said:
        return None, f"status {status!r} with {said[-300:]!r}"
    if "Traceback" in said or inert(said) != said[: 1 << 18]:
        return None, f"text that is obeyed, or a traceback: {said[-300:]!r}"
    if tree(outside) != before:
        return None, "something outside was written"
    return status, None


def fuzz(kind, count, seed, first=0, *, memory=False):
    """Run `count` inputs of a kind; returns the statuses and the faults, each with its number."""
    statuses, faults = collections.Counter(), {}
    signal.signal(signal.SIGVTALRM, spent)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "work").mkdir()
        (folder / "precious").write_text("mine")
        (folder / "work" / "precious").symlink_to(folder / "precious")
        attempt = KINDS[kind](folder / "work")
        for number in range(first, first + count):
            if memory:
                tracemalloc.start()
            status, fault = one(kind, attempt, seed, number, folder)
            if memory:
                _, peak = tracemalloc.get_traced_memory()
                tracemalloc.stop()
                if fault is None and peak > OCTETS:
                    fault = f"{peak >> 20} MiB of memory"
            if fault is None:
                statuses[status] += 1
            else:
                faults[number] = fault
    return statuses, faults


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="inputs in all; default: 20000")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", choices=KINDS, action="append", help="only this kind (repeatable)")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="one input again, by its number")
    options = parser.parse_args(arguments)
    kinds = options.kind or list(KINDS)
    worst = 0
    for kind in kinds:
        start = time.process_time()
        count, first = (1, options.only) if options.only is not None else (options.count // len(kinds), 0)
        statuses, faults = fuzz(kind, count, options.seed, first)
        told = ", ".join(f"{n} with status {status}" for status, n in sorted(statuses.items()))
        print(
            f"{kind}: {count} inputs, {time.process_time() - start:.0f} s of CPU: {told}; {len(faults)} faults"
        )
        for number, fault in list(faults.items())[:5]:
            print(f"  --kind {kind} --seed {options.seed} --only {number}\n{fault}")
        worst = max(worst, bool(faults))
    print(f"peak of memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB")
    return worst


if __name__ == "__main__":
    sys.exit(main())
