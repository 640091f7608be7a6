"""`python -m rigs`: which rigs there are, what one lacks on this machine, and a second try of recorded frames."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from reports.record import RecordError
from reports.text import inert, one_line
from rigs import leases, registry, scaffold
from rigs.bench import Rig
from rigs.configuration.loading import RIGS, Loaded, is_path, known_rigs, load, resolved, shown
from rigs.configuration.models import ConfigError, outside
from rigs.configuration.telling import hint
from rigs.deviation import deviation, of_no_case
from rigs.leases import LeaseError, LeaseHeldError, left
from rigs.model import RigError, Unsupported
from rigs.probe import probe
from rigs.replay import elsewhere, replay, sent_frames
from rigs.tester.preparation import tester_for
from sixlowpan import command

DONE, LACKING, WRONG = 0, 1, 2
#: What makes the parser of a command.
Adding = Callable[..., argparse.ArgumentParser]

_EXAMPLES = """\
A rig is one bench: a link, a device under test, and how to reach and reset it. Each is one TOML file: those of the
tree (rigs/files/NAME.toml) are named by name, your own by path. What the device can do is in the profile it names.

examples:
  .venv/bin/python -m rigs list                                  what there is
  .venv/bin/python -m rigs check reference lwip-ble              can they run here, and if not, what is missing
  .venv/bin/python -m rigs check ./desk.toml --probe             open it, ping the DUT, say who is heard
  .venv/bin/python -m rigs check ./desk.toml --set dut.console=serial:/dev/ttyACM1
  .venv/bin/python -m rigs init ./desk.toml --node black_box --link packet:wpan0 --address f4:ce:36:00:00:00:00:01
  .venv/bin/python -m rigs deviation reports/out/latest 'rfc6282/3.1.1/hlim[01]'
  .venv/bin/python -m rigs replay reports/out/latest/evidence/lwip-ble/x.pcapng --rig lwip-ble
  .venv/bin/python -m rigs release 20261129T162233-8e9f           free the boards of a lab that a killed run has left
  .venv/bin/python -m pytest suites --rig lwip-ble               run the suites on a rig

exit status: 0 done, 1 something is missing or nothing came back, 2 a mistake in a file or on the command line,
130 interrupted
"""


def _seconds(text: str) -> float:
    try:
        if 0 <= (seconds := float(text)) <= 3600:
            return seconds
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"expected seconds, 0 to 3600; found {text!r}")


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m rigs",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = top.add_subparsers(dest="command", required=True, metavar="COMMAND").add_parser
    listing = add("list", help="name the rigs of the tree")
    listing.add_argument(
        "--kinds", action="store_true", help="name link schemes, node kinds and console schemes instead"
    )
    _with_overrides(_add_check(add))
    _with_overrides(_add_replay(add))
    scaffold.add_options(
        add(
            "init",
            help="write a rig file (and a profile) for a board, by options or by questions on a terminal",
            description="Write a rig file for a board. What is not given as an option is asked on a terminal.",
        )
    )
    _add_deviation(add)
    _with_overrides(_add_release(add))
    return top


def _with_overrides(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="overrides",
        help="override a key of the rig file, such as dut.console=serial:/dev/ttyACM0",
    )


def _add_check(add: Adding) -> argparse.ArgumentParser:
    check = add("check", help="read rig files and profiles, then say what this machine lacks")
    check.add_argument("rigs", nargs="+", metavar="NAME|PATH", help="a rig's name, or the path of a rig file")
    check.add_argument(
        "--run-adapters",
        action="store_true",
        help="import the adapters that are not of the tree, to hear what they need: a rig file is code then",
    )
    check.add_argument(
        "--probe",
        action="store_true",
        help="then open the rig, ping its DUT, and say who is heard: a wrong address or PAN shows in seconds",
    )
    return check


def _add_replay(add: Adding) -> argparse.ArgumentParser:
    again = add("replay", help="send the tester's frames of an evidence file at a rig once more")
    again.add_argument("file", type=Path, metavar="FILE.pcapng", help="evidence of a case")
    again.add_argument("--rig", required=True, metavar="NAME|PATH", help="where to send them")
    again.add_argument(
        "--wait",
        type=_seconds,
        default=1.0,
        metavar="SECONDS",
        help="how long to listen at the end, 0 to 3600; default: 1",
    )
    return again


def _add_deviation(add: Adding) -> None:
    known = add("deviation", help="print a failed case of a record as a [[deviation]] for the profile")
    known.add_argument("run", type=Path, metavar="RUN", help="the run's folder, such as reports/out/latest")
    known.add_argument("case", metavar="CASE", help="the case's id, such as 'rfc6282/3.1.1/hlim[01]'")
    known.add_argument("--rig", metavar="NAME", help="which rig, where the case failed on several")
    known.add_argument("--id", metavar="ID", help="the deviation's name, such as lwip-ecn-order")


def _add_release(add: Adding) -> argparse.ArgumentParser:
    free = add("release", help="give back the boards of a lab that a killed run has left, found by its name")
    free.add_argument("run", metavar="RUN", help="the run's id, or the folder of its record")
    free.add_argument(
        "--rig",
        action="append",
        default=[],
        metavar="NAME|PATH",
        help="a rig of that run: its coordinator is asked, or its `release` program run. Repeatable; without it "
        "the record says which coordinators",
    )
    free.add_argument(
        "--coordinator",
        action="append",
        default=[],
        metavar="HOST:PORT",
        help="a labgrid coordinator to ask. Repeatable; default: those of the record, else LG_COORDINATOR",
    )
    return free


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line; an option that its command has not ends the program with the nearest that it has."""
    top = parser()
    options, strange = top.parse_known_args(arguments)
    if strange:
        commands = next(each.choices for each in top._actions if isinstance(each.choices, dict))
        known = list(commands[options.command]._option_string_actions)
        told = "; ".join(f"{word}{_hint(word.partition('=')[0], known)}" for word in strange)
        commands[options.command].error(f"unrecognized arguments: {told}")
    return options


def _hint(word: str, known: Sequence[str]) -> str:
    if word == "--rig" and word not in known:  # as pytest has it
        return " (this command takes the rig without it: NAME, or the PATH of a rig file)"
    return hint(word, known)


def main(arguments: Sequence[str] | None = None) -> int:
    return command.run("python -m rigs", lambda: _run(_parsed(arguments)), show=one_line)


def _run(options: argparse.Namespace) -> int:
    try:
        if options.command == "list":
            return _kinds() if options.kinds else _list()
        if options.command == "check":
            return _check_all(options)
        if options.command == "init":
            return _init(options)
        if options.command == "release":
            return _release(options)
        if options.command == "deviation":
            print(inert(deviation(options.run, options.case, rig=options.rig, name=options.id)), end="")
            return DONE
        return _replay(options)
    except RecordError as error:
        print(one_line(error), file=sys.stderr)
        return WRONG
    except ConfigError as error:
        print(inert(str(error)), file=sys.stderr)
        return WRONG
    except (RigError, Unsupported) as error:
        print(inert(str(error)), file=sys.stderr)
        return LACKING


def _list() -> int:
    rows, status = [("rig", "stack", "link", "what it is")], DONE
    for name in known_rigs():
        unset: list[str] = []
        try:
            loaded = load(name, unset=unset)
        except ConfigError as error:
            print(inert(str(error)), file=sys.stderr)
            status = WRONG
            continue
        wanted = f" (set {', '.join(unset)})" if unset else ""
        rows.append((name, loaded.profile.stack, loaded.profile.link, one_line(loaded.rig.what + wanted)))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        print(
            "  ".join(
                [*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]
            ).rstrip()
        )
    return status


def _kinds() -> int:
    print("link schemes:   ", ", ".join(registry.kinds("open_link")))
    print("node kinds:     ", ", ".join(registry.kinds("open_node")))
    print("console schemes:", ", ".join(registry.kinds("open_console")))
    return DONE


def _check_all(options: argparse.Namespace) -> int:
    status = max([_check(name, options) for name in options.rigs])
    for mistake in _twins(options.rigs):
        print(one_line(mistake))
        status = WRONG
    return status


def _twins(names: Sequence[str]) -> Iterator[str]:
    """Rig files of one name, which a run would not know apart."""
    first: dict[str, tuple[str, Path]] = {}
    for name in names:
        path = resolved(Path(), name) if is_path(name) else RIGS / f"{name}.toml"
        if path is None:  # its mistake is told
            continue
        other, there = first.setdefault(path.stem, (name, path))
        if there != path:
            yield f"{name}: {other} is called {path.stem}, too: no run takes both; rename one of the files"


def _check(name: str, options: argparse.Namespace) -> int:
    run = options.run_adapters or options.probe  # to open a rig is to run its adapters
    try:
        loaded = _load(name, options.overrides)
    except ConfigError as error:
        print(
            f"{one_line(name)}: {len(error.mistakes)} {'mistake' if len(error.mistakes) == 1 else 'mistakes'}"
        )
        for mistake in error.mistakes:
            print(f"  {one_line(mistake)}")
        return WRONG
    awaited = ", ".join(loaded.awaited)  # what it needs is known behind its lease
    missing = _lacking(loaded, run=run)
    profile = loaded.profile
    about = one_line(f"{profile.stack} over {profile.link}, profile {profile.name}")
    misfits = [f"profile: {each}" for each in registry.misfits(loaded.rig, profile, run=run)]
    misfits += _misaddressed(loaded) if run else []
    told = loaded.rig.dut.options.get("version")
    print(f"{loaded.rig.name}: {'not ready' if missing or misfits else 'ready'} ({about})")
    for misfit in misfits:
        print(f"  mistake: {one_line(shown(loaded.rig.path))}: {one_line(misfit)}")
    for misfit in outside(profile, str(told)) if told else []:
        print(f"  profile: {one_line(misfit)}")
    for item in missing:
        print(f"  missing: {one_line(item.what)}\n  to do:   {one_line(item.remedy)}")
    if awaited:
        print(f"  note:    the lease tells {one_line(awaited)}: --probe asks for it")
    for remark in [*registry.remarks(loaded.rig), *of_no_case(profile)]:
        print(f"  note:    {one_line(remark)}")
    for module in () if run else registry.strangers(loaded.rig):
        print(
            f"  the adapter {module} was read, not run: what it needs on this machine, --run-adapters tells"
        )
    if misfits:
        return WRONG
    if missing:
        return LACKING
    return _probe(loaded) if options.probe else DONE


def _misaddressed(loaded: Loaded) -> list[str]:
    """What adapters that are not of the tree say against their addresses; those of the tree were asked before."""
    rig = loaded.rig
    found = [("tester.link", registry.misread("open_link", rig.tester.link, shown(rig.path), run=True))]
    if rig.dut.console is not None:
        console = registry.misread("open_console", rig.dut.console, shown(rig.path), run=True)
        found.append(("dut.console", console))
    return [f"{key}: {wrong}" for key, wrong in found if wrong]


def _lacking(loaded: Loaded, *, run: bool) -> list[registry.Missing]:
    """What the rig lacks. Where another run has it, that alone: all else that is missing may be what that run uses."""
    lease = []
    try:
        leases.of(loaded.rig).check()
    except LeaseHeldError as error:
        return [registry.Missing(str(error), "wait for that run, or end it")]
    except LeaseError as error:
        lease = [registry.Missing("its lease cannot be asked for", str(error))]
    return [*([] if loaded.awaited else registry.missing(loaded.rig, run=run)), *lease]


def _probe(loaded: Loaded) -> int:
    try:
        with leases.of(loaded.rig) as lease, Rig.of(registry.leased(loaded, lease.facts)) as rig:
            answers, lines = probe(rig)
    except ConfigError as error:  # what only the adapter, or the lease, could tell
        for mistake in error.mistakes:
            print(f"  mistake: {one_line(mistake)}")
        return WRONG
    except RigError as error:
        said = str(error).replace(f"{loaded.rig.name}: cannot be opened: ", "", 1)
        answers, lines = False, [f"cannot be opened: {said}"]
    for line in lines:
        print(f"  {one_line(line)}")
    return DONE if answers else LACKING


def _init(options: argparse.Namespace) -> int:
    written = scaffold.init(options, scaffold.asker(), lambda text: print(inert(text)))
    for path in written:
        print(f"written: {one_line(path)}")
    print(
        f"next:    {shlex.join([shown(Path(sys.executable)), '-m', 'rigs', 'check', '--probe', str(written[0])])}"
    )
    return DONE


def _replay(options: argparse.Namespace) -> int:
    loaded = _load(options.rig, options.overrides)
    frames = sent_frames(options.file)
    if frames[0].kind != loaded.profile.link:
        raise ConfigError(
            [
                f"{options.file}: has {frames[0].kind} frames, and the rig {options.rig} is {loaded.profile.link}"
            ]
        )
    with leases.of(loaded.rig) as lease, Rig.of(registry.leased(loaded, lease.facts)) as rig:
        tester_for(rig, 0)  # the contexts and addresses that the run had
        count = replay(rig, frames, options.wait, sys.stdout)
        dut = one_line(f"{rig.node.stack} {rig.version}")
        print(f"{len(frames)} frames sent, {count} received; {rig.name} is {dut}")
        if not count and (why := elsewhere(rig.link, frames)):
            print(why)
    return DONE if count else LACKING


def _release(options: argparse.Namespace) -> int:
    rigs = [_load(name, options.overrides) for name in options.rig]
    told, done = left.release(left.known(options.run), rigs, options.coordinator)
    for line in told:
        print(one_line(line))
    return DONE if done else LACKING


def _load(name: str, overrides: Sequence[str]) -> Loaded:
    return registry.load(name, overrides)


if __name__ == "__main__":
    sys.exit(main())
