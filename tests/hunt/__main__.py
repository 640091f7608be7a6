"""`python -m tests.hunt`: how well the hunter finds what is planted, and that the suites do not.

Strategy: each planted node is hunted by itself, in a process of its own, without a corpus, until something is found or
its CPU time is spent (CPU time, so that a busy machine changes no figure). `--variants` hunts on the conforming nodes,
of which nothing may be found. `--suites` runs the suites against them (`tests.hunt.watching`), and says which case
kills each: what is killed there says nothing for the hunter.
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import sys
import tempfile
import time
import traceback
from functools import partial
from pathlib import Path

from fixtures.evidence.capture import Evidence
from fixtures.hunt.case import PAUSES
from fixtures.hunt.findings import Budget
from fixtures.hunt.search import Search
from fixtures.hunt.sequence import octets, written
from fixtures.judging.session import Session
from reports.files import put
from rigs import registry
from rigs.bench import Rig
from rigs.tester.preparation import tester_for
from tests.hunt.planted import load
from tests.hunt.watching import killed

ROOT = Path(__file__).resolve().parents[2]


def hunt(
    overrides,
    seed,
    seconds,
    *,
    rig="reference",
    findings=1,
    tell=lambda _text: None,
    lost_one=lambda _unrepeated: None,
    plays=None,
    real=False,
    clock=None,
):
    """Hunt on a node in memory for so many seconds of CPU time, as if its clock were real; returns the search.

    `plays`: as many sequences instead; `clock`: seconds by what its player has done, so that a hunt on a slow node
    comes to the same on every machine.
    """
    loaded = registry.load(rig, overrides)
    with Rig.of(loaded) as opened:

        def tester():
            return tester_for(opened, seed)

        session, players = Session(opened, tester(), Evidence(opened.link), tester), []
        now = time.process_time
        if clock is not None:
            now = lambda: clock(players[0]) if players else 0.0  # noqa: E731 - one of three
        elif (
            plays is not None
        ):  # what is asked for by a number of plays comes to the same on every machine, too
            now = partial(next, itertools.count())
        budget = Budget(seconds, plays, findings, now=now)
        pauses = () if real else PAUSES["virtual"]
        search = Search(session, seed, budget, pauses=pauses, tell=tell, lost_one=lost_one, real=real or None)
        players.append(search.player)
        search.run()
        return search


def one(job):
    """What a hunt on one planted node came to, as a row of the table."""
    name, seed, seconds = job
    load()
    began = time.process_time()
    search = hunt([f"dut.mutant={json.dumps(name)}"], seed, seconds)
    row = {"id": name, "found": "", "seconds": round(time.process_time() - began, 1), "plays": search.plays}
    for found in search.found[:1]:
        row |= {"found": found.breach.code, "seconds": round(found.seconds, 1), "before": found.before[0]}
        row |= {"frames": len(found.sequence), "octets": octets(found.sequence)}
        row |= {"sequence": written(found.sequence)}
    row["rate"] = round(search.plays / max(1e-6, search.budget.elapsed))
    return row


def quiet(job):
    """What a hunt on a conforming node found: (name, sequences, findings, breaches that did not come again)."""
    name, path, seed, seconds = job
    lost = []
    try:
        search = hunt([], seed, seconds, rig=path, findings=None, lost_one=lost.append)
    except Exception:  # noqa: BLE001 - an error of ours on one node ends the hunt on that one only
        return name, 0, [f"error\n{traceback.format_exc()[-1400:]}"], []
    found = [f"{one.kind}: {one.breach.actual}\n{written(one.sequence)}" for one in search.found]
    once = [
        f"{one.breach.code} ({one.breach.requirement}) after {one.plays} sequences, expected {one.breach.expected}; "
        f"actual {one.breach.actual}; it {one.why}\n{written(one.before[-200:])}\n# and then\n{written(one.sequence)}"
        for one in lost
    ]
    return name, search.plays, found, once


def on_variants(chosen, seed, seconds, workers, out):
    """Hunt on the reference node and its variants, of which nothing may be found; returns how many breaches it saw."""
    from tests import variants

    wrong = all_once = all_plays = 0
    rows = []
    with tempfile.TemporaryDirectory(prefix="hunt-") as top:
        jobs = [("(reference)", "reference", seed, seconds), ("(reference)", "reference-ble", seed, seconds)]
        jobs += [
            (f"{one.id} {rig}", str(variants.write(one, rig, Path(top))), seed, seconds)
            for one in variants.load().values()
            for rig in one.rigs
        ]
        jobs = [job for job in jobs if not chosen or job[0].split()[0] in chosen]
        with multiprocessing.get_context("fork").Pool(workers, maxtasksperchild=1) as pool:
            for name, plays, found, once in pool.imap(quiet, jobs):
                wrong, all_once, all_plays = wrong + len(found), all_once + len(once), all_plays + plays
                print(
                    f"{name:44} {plays:7} sequences, {len(found)} found, {len(once)} not repeated", flush=True
                )
                for text in found:
                    print(f"    FALSE  {text[:1500]}", flush=True)
                for text in once:
                    print(f"    ONCE   {text}", flush=True)
                rows.append({"node": name, "sequences": plays, "found": found, "once": once})
                put(out, json.dumps(rows, indent=1) + "\n")
    print(
        f"{len(jobs)} conforming nodes, {all_plays} sequences, {wrong} false findings, "
        f"{all_once} breaches that did not come again, {seconds:g} s of CPU time each"
    )
    return wrong + all_once


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tests.hunt", description=__doc__.partition("\n")[0])
    parser.add_argument("ids", nargs="*", help="planted nodes; default: all")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=300.0, help="CPU time for each; default: 300")
    parser.add_argument("--suites", action="store_true", help="run the suites against them instead")
    parser.add_argument(
        "--variants", action="store_true", help="hunt on conforming nodes instead: nothing may be found"
    )
    parser.add_argument("-j", "--workers", type=int, default=1)
    parser.add_argument("--out", type=Path, default=ROOT / "reports" / "out" / "hunt.json")
    options = parser.parse_args(arguments)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    if options.variants:
        from tests import variants

        known = {"(reference)", *variants.load()}
        if unknown := [name for name in options.ids if name not in known]:
            parser.error(f"no such variant: {', '.join(unknown)}")
        return (
            1 if on_variants(options.ids, options.seed, options.seconds, options.workers, options.out) else 0
        )
    planted = load()
    if unknown := [name for name in options.ids if name not in planted]:
        parser.error(f"no such planted node: {', '.join(unknown)}; --list shows all")
    names = options.ids or list(planted)
    if options.list:
        for name in names:
            print(f"{name:36} {planted[name].frames} frames  {planted[name].what}")
        return 0
    if options.suites:
        return 1 if killed(names, options.workers) else 0
    rows = []
    print(
        f"{'planted':36} {'frames':>6} {'found as':14} {'CPU s':>7} {'sequences':>9} {'shrunk to':>9}",
        flush=True,
    )
    with multiprocessing.get_context("fork").Pool(options.workers, maxtasksperchild=1) as pool:
        for row in pool.imap(one, [(name, options.seed, options.seconds) for name in names]):
            least = planted[row["id"]].frames
            shrunk = f"{row['frames']} of {row['before']}" if row["found"] else "-"
            row["good"] = bool(row["found"]) and row["frames"] <= least + 1
            rows.append(row)
            print(f"{row['id']:36} {least:6} {row['found'] or 'NOT FOUND':14} {row['seconds']:7} {row['plays']:9} "
                  f"{shrunk:>9}{'' if row['good'] else '   !'}", flush=True)  # fmt: skip
    rows = [row for row in rows if not planted[row["id"]].known] or rows
    good = sum(row["good"] for row in rows)
    found = sum(bool(row["found"]) for row in rows)
    print(
        f"{len(rows)} planted, {found} found, {good} of them shrunk to one frame more than it takes at most"
    )
    put(options.out, json.dumps(rows, indent=1) + "\n")
    return 0 if good >= 0.9 * len(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
