"""What reports of a farm cost: `.venv/bin/python -m tests.bench.reports --results 1000000 --rigs 1000`.

Strategy: two records of one farm are made of seeds, then merge, compare and render run on them as processes of their
own, and each is told with its CPU time, wall time and greatest memory, beside the bars of one million results: 60 s
and 1 GB. CPU time is what to compare between runs on a machine that does other work as well.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.farm import Farm


def cost(arguments: list[str]) -> str:
    """Run `python -m reports` and tell what it took. Exits when it could not do its work."""
    start = time.monotonic()
    quiet = (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)
    command = [sys.executable, "-m", "reports", *arguments]
    child = os.posix_spawn(sys.executable, command, os.environ, file_actions=[quiet])
    _, status, used = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, 1, 3):
        sys.exit(f"bench: python -m reports {' '.join(arguments)} ended with {code}")
    wall = time.monotonic() - start
    spent = used.ru_utime + used.ru_stime
    return f"{spent:8.1f} s of CPU time {wall:8.1f} s {used.ru_maxrss / 1024:8.0f} MB"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.reports", description=__doc__)
    parser.add_argument("--results", type=int, default=100_000, metavar="N")
    parser.add_argument("--rigs", type=int, default=100, metavar="M")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for run, drift in (("a", 0.0), ("b", 0.0001)):
            Farm(options.results, options.rigs, 7, run, drift).write(folder / run)
        size = (folder / "a" / "run.jsonl").stat().st_size
        print(f"bench: {options.results:,} results of {options.rigs:,} rigs, {size / 1e6:,.0f} MB a record")
        a, b, out = (str(folder / part) for part in ("a", "b", "out"))
        for what in (["merge", out, a], ["compare", a, b], ["render", a]):
            print(f"{what[0]:8} {cost(what)}", flush=True)
        pages = {path.name: path.stat().st_size for path in (folder / "a").glob("*.html")}
        largest = max(pages, key=lambda page: pages[page])
        print(
            f"pages: {len(pages)}, {sum(pages.values()) / 1e6:.1f} MB; index.html {pages['index.html'] / 1e6:.1f} MB, "
            f"the largest is {largest} with {pages[largest] / 1e6:.1f} MB"
        )


if __name__ == "__main__":
    main()
