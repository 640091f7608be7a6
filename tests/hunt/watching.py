"""Which planted defects the suites bring about, seen in one run; and which of those a case then finds.

Strategy: a planted node does as it should up to its first strike. One node that conforms is asked, at every frame and
packet of a whole run, whether each planted node would strike: a defect that never strikes is one that no case can see.
Only those that do are run by themselves, as `tests.mutants` runs a mutant, until the first case that fails: the files
where they strike, then all.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

from tests.hunt.planted import PLANTED, Sequential, load
from tests.mutants import IEEE802154, MUTANTS, Mutant
from tests.mutants.runs import Job, outcomes, warm

#: Suites that a node of IEEE 802.15.4 without neighbor discovery of RFC 6775 can fail.
SUITES = [
    *(
        "suites/rfc4861",
        "suites/rfc4944",
        "suites/rfc6282",
        "suites/rfc7400",
        "suites/rfc8025",
        "suites/rfc8066",
    ),
    *("suites/robustness", "suites/performance", "suites/mtu", "suites/hunt"),
]
_ALL = "all-planted"


class Watching(Sequential):
    """Conforms, and writes down which planted node would strike, and in which case."""

    #: Where to; set before the run.
    log: Path

    def begin(self):
        super().begin()
        self.ghosts = {}
        for one in PLANTED.values():
            ghost = one.node.__new__(one.node, self.link)  # not opened: it is asked, and sends nothing
            ghost.begin()
            self.ghosts[one.id] = ghost

    def wrong(self, new, past):
        self.note(name for name, ghost in self.ghosts.items() if ghost.wrong(new, past))
        return False

    def handed(self, packet):
        self.note(name for name, ghost in self.ghosts.items() if ghost.handed(packet))
        return False

    def note(self, names):
        case = os.environ.get("PYTEST_CURRENT_TEST", "").partition(" ")[0]
        with self.log.open("a") as log:
            log.writelines(f"{name}\t{case}\n" for name in names)


def strikes():
    """Planted node -> case -> how often it would strike there; and the cases that fail on the node that watches."""
    MUTANTS[_ALL] = Mutant(_ALL, "Watches.", "RFC6282-2-04", None, IEEE802154, Watching)
    with tempfile.TemporaryDirectory(prefix="watching-") as folder:
        Watching.log = Path(folder) / "strikes.txt"
        Watching.log.touch()
        try:
            (outcome,) = outcomes([Job(MUTANTS[_ALL], "reference")], SUITES, 1, matrix=True)
        finally:
            del MUTANTS[_ALL]
        found = defaultdict(Counter)
        for line in Watching.log.read_text().splitlines():
            name, case = line.split("\t")
            found[name][case] += 1
    return found, outcome


def killed(names, workers):
    """Run the suites against these planted nodes; the ids of those that a case kills, or whose run is an error.

    Of those that are `known` it is said, and not counted.
    """
    load()
    warm(SUITES)
    struck, watched = strikes()
    unsound = [*watched.fails, *watched.others, *([watched.error] if watched.error else [])]
    print(
        f"one run that watches: {watched.passed} pass, {len(unsound)} do not {unsound[:3] or ''}", flush=True
    )
    found = ["the run that watches"] if unsound else []
    for name in names:
        if name not in struck:
            print(f"{name:36} no case brings it about", flush=True)
    alive = [name for name in names if name in struck]
    for name in list(alive):  # where it strikes first: most of those that are killed are killed there
        files = list(dict.fromkeys(case.partition("::")[0] for case in struck[name]))
        (outcome,) = outcomes([Job(MUTANTS[name], "reference")], files, 1, matrix=False)
        if case := _killer(outcome):
            alive.remove(name)
            _tell(name, case, struck[name])
            found += [name] if not PLANTED[name].known else []
    for outcome in outcomes(
        [Job(MUTANTS[name], "reference") for name in alive], SUITES, workers, matrix=False
    ):
        name, case = outcome.job.name, _killer(outcome)
        _tell(name, case or f"no case kills it ({outcome.passed} pass)", struck[name])
        found += [name] if case and not PLANTED[name].known else []
    return found


def _killer(outcome):
    """The case that kills a planted node; what is wrong with the run, if anything; empty: none kills it."""
    return next(iter(outcome.fails), "") or (f"error: {outcome.error}" if outcome.error else "")


def _tell(name, said, where):
    print(f"{name:36} {said}; it strikes in {len(where)} cases, such as {next(iter(where))}", flush=True)
