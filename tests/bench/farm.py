"""A farm's run record, made of a seed: as many results of as many rigs as one asks for, in the form that a run writes.

`.venv/bin/python -m tests.bench.farm OUT --results 1000000 --rigs 1000`

Strategy: reports of a farm are measured on records that look like those of real runs: about 1 kB a line, a dozen
firmware versions of a few stacks, known deviations that every rig of a stack shows, failures that came with one
version, a few rigs that are flaky or lost, a tenth of the cases not tried. Lines are written by the record's own
writer. One seed gives the same bytes but for the times of header and footer.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from random import Random

from reports.record import Finding, Result, Writer
from reports.sections import SUBJECTS
from vectors.catalogue import CATALOGUE

STACKS = {
    "lwip": ("2.1.3", "2.2.0", "2.2.1"),
    "linux": ("5.15.167", "6.1.119", "6.6.63", "6.12.1"),
    "contiki-ng": ("4.9", "5.0"),
    "riot": ("2024.07", "2024.10"),
    "openthread": ("1.3",),
}
OCTETS = "63 33 ee 0a bc de 3a 12 34 56 78 9a bc de f0 80 00 1b 00 00 00 07 00 01"
#: Of a stack's cases: those that its profile declares as deviations, those that it lacks, and those that a text lets
#: a node ignore.
KNOWN, LACKING, IGNORED = 0.02, 0.10, 0.02


class Farm:
    """Cases, rigs and what each stack does, all drawn from one seed; `drift` more failures came with `run`."""

    def __init__(self, results: int, rigs: int, seed: int, run: str = "a", drift: float = 0.0) -> None:
        draw = Random(f"{seed} {results} {rigs}")
        self.run, self.seed, self.drift = run, seed, drift
        self.cases = [self._case(number, draw) for number in range(max(1, -(-results // rigs)))]
        versions = [(stack, version) for stack, several in STACKS.items() for version in several]
        self.rigs = [(f"bench-{number:04}", *versions[number % len(versions)]) for number in range(rigs)]
        self.results = results
        self.known = {stack: self._some(draw, KNOWN) for stack in STACKS}
        self.lacking = {stack: self._some(draw, LACKING) - self.known[stack] for stack in STACKS}
        self.ignored = {stack: self._some(draw, IGNORED) for stack in STACKS}
        self.broken = {one: set(draw.sample(range(len(self.cases)), 1)) for one in versions[1::3]}

    def _some(self, draw: Random, share: float) -> set[int]:
        return set(draw.sample(range(len(self.cases)), round(share * len(self.cases))))

    @staticmethod
    def _case(number: int, draw: Random) -> tuple[str, list[str], str]:
        sections = [*SUBJECTS, "rfc6282/3.1.1", "rfc6282/4.3.1", "rfc4944/6", "robustness", "interop/echo"]
        names = list(CATALOGUE)
        section = sections[number % len(sections)]
        what = f"§{draw.randrange(3, 9)}: form {number} of the section is taken as it stands, and answered."
        return f"{section}/form[{number}]", draw.sample(names, draw.randrange(1, 4)), what

    def write(self, folder: Path) -> Path:
        """Write the record into `folder` and return the file."""
        profile = "# what the DUT declares\n" + "".join(f"feature_{n} = true\n" for n in range(40))
        files = {
            name: {
                "file": {"name": f"{name}.toml", "text": f'node = "{stack}"\n', "sha256": "00" * 32},
                "profile": {"name": f"{stack}.toml", "text": profile, "sha256": "11" * 32},
            }
            for name, stack, _ in self.rigs
        }
        suite, host = (
            {"version": "1.0.0", "commit": "0123456789ab"},
            {"python": "3.11.7", "machine": "x86_64"},
        )
        writer = Writer(folder, run_id=f"farm-{self.run}", seed=self.seed, suite=suite, host=host, rigs=files)
        left = self.results
        for number, (name, stack, version) in enumerate(self.rigs):
            count = min(len(self.cases), left - (len(self.rigs) - 1 - number))
            left -= count
            self._rig(writer, name, stack, version, count)
        writer.close()
        return writer.path

    def _rig(self, writer: Writer, name: str, stack: str, version: str, count: int) -> None:
        draw = Random(f"{self.seed} {name} {self.run}")
        writer.rig(
            name,
            "ready",
            kind=stack,
            profile=stack,
            dut={"stack": stack, "version": version},
            notes=[],
            deviations=[self._deviation(stack, case) for case in sorted(self.known[stack])],
            taken=count,
            left_out={},
        )
        for case in range(count):
            writer.write(self._result(case, name, stack, version, draw).to_json())
        values = [draw.lognormvariate(-3.0, 0.3) for _ in range(50)]
        writer.write(
            {
                "type": "measurement",
                "case": "performance/latency/echo[64]",
                "rig": name,
                "name": "round trip",
                "unit": "s",
                "parameters": {"octets": 64},
                "values": values,
            }
        )

    def _deviation(self, stack: str, case: int) -> dict[str, str]:
        name, requirements, _ = self.cases[case]
        why = f"form {case} comes out with two fields swapped, and the text has them the other way round"
        return {
            "id": f"{stack}-{case}",
            "case": name,
            "finding": "traffic_class",
            "requirement": requirements[0],
            "why": why,
            "frame": OCTETS.replace(" ", ""),
        }

    def _result(self, case: int, rig: str, stack: str, version: str, draw: Random) -> Result:
        name, requirements, what = self.cases[case]
        second = draw.randrange(3600)
        made = Result(
            case=name,
            rig=rig,
            requirements=requirements,
            verdict="pass",
            what=what,
            t=f"2026-11-21T{10 + second // 3600}:{second // 60 % 60:02}:{second % 60:02}.{draw.randrange(1000):03}Z",
            seconds=round(draw.uniform(0.01, 0.4), 4),
            attempts="1/1",
            controls="2/2",
            observed_by="quote",
            evidence=f"evidence/{rig}/{name.replace('/', '-')}.pcapng",
            stimulus=f"UDP to closed port 5000, form {case}\n{OCTETS} {draw.randbytes(16).hex(' ')}",
            repeat=f".venv/bin/python -m pytest 'suites/test_form.py::test_form[rig=({rig})-{case}]' --rig {rig}",
        )
        luck = draw.random()
        if case in self.lacking[stack]:
            made.verdict, made.reason, made.evidence = "unsupported", "not_declared", ""
            made.message = f"the profile {stack} does not declare form {case}"
        elif case in self.known[stack]:
            self._fail(made, f"{stack}-{case}")
        elif case in self.broken.get((stack, version), ()) or luck < self.drift:
            self._fail(made, None)
        elif luck > 0.9995:
            made.verdict = "inconclusive"
            made.message = f"the tester heard none of its own controls: radio deaf since {made.t}"
        elif case in self.ignored[stack]:
            made.verdict, made.message = "harmless", "ignored, and no harm done"
        return made

    @staticmethod
    def _fail(made: Result, known: str | None) -> None:
        wrong = Finding(
            "traffic_class",
            made.requirements[0],
            "FORMAT",
            "6bbabcde",
            "6eeabcde",
            OCTETS.replace(" ", ""),
            2,
        )
        wrong.known = made.known = known
        made.verdict, made.findings = "fail", [wrong]
        made.expected, made.actual = (
            "quoted header starts with 6bbabcde",
            "quoted header starts with 6eeabcde",
        )
        made.message = f"{wrong.requirement}: expected 6bbabcde; actual: 6eeabcde"
        made.annotated = (
            f"{OCTETS}\n      ^^ ^^\n  [2]   0xee    traffic class   ECN 3, DSCP 46 expected: 0xbb"
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.farm", description=__doc__)
    parser.add_argument("out", metavar="OUT", type=Path, help="new folder of the run")
    parser.add_argument("--results", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--rigs", type=int, default=1_000, metavar="M")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument(
        "--run", default="a", help="part of the run's id: another one has other times and luck"
    )
    parser.add_argument("--drift", type=float, default=0.0, help="share of results that fail anew")
    options = parser.parse_args()
    farm = Farm(options.results, options.rigs, options.seed, options.run, options.drift)
    print(farm.write(options.out))


if __name__ == "__main__":
    main()
