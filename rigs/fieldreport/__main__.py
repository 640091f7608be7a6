"""`python -m rigs.fieldreport`: measure as the field report did, and print a page like its own, with causes."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from reports.files import judge, put
from reports.record import RecordError
from reports.text import one_line
from rigs.fieldreport.bench import TwoLaptops
from rigs.fieldreport.measure import Field, measure
from rigs.fieldreport.page import page
from rigs.model import RigError
from sixlowpan import command


def main(arguments: list[str] | None = None) -> int:
    """Print the page; 0 when all of it was measured, 1 otherwise, 2 when the bench cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m rigs.fieldreport", description=__doc__)
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the page there as well")
    asked = parser.parse_args(arguments)
    began, field = time.monotonic(), Field()
    try:
        if asked.out is not None:
            judge(asked.out)
    except RecordError as error:
        print(f"--out: {one_line(error)}", file=sys.stderr)
        return 2

    def say(what: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {what}", file=sys.stderr, flush=True)

    try:
        say("two guests boot")
        laptops = TwoLaptops()
    except (RigError, OSError) as error:
        print(f"the two guests cannot be had: {error}", file=sys.stderr)
        return 2
    try:
        measure(laptops, say, field)
    except KeyboardInterrupt:
        field.missing.append("the rest: interrupted")
    finally:
        laptops.close()
    text = page(field)
    print(text)
    if asked.out is not None:
        try:
            put(asked.out, text)
        except RecordError as error:
            print(f"--out: {one_line(error)}", file=sys.stderr)
            return 2
    return 1 if field.missing else 0


if __name__ == "__main__":
    sys.exit(command.run("python -m rigs.fieldreport", main))
