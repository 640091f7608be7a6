"""`python -m rigs`: which rigs there are, what one lacks on this machine, and a second try of recorded frames."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from reports.text import inert, one_line
from rigs import leases, registry
from rigs.bench import Rig
from rigs.configuration.loading import Loaded, known_rigs, load
from rigs.configuration.models import ConfigError, outside
from rigs.model import RigError
from rigs.replay import replay, sent_frames
from rigs.tester.preparation import tester_for

DONE, LACKING, WRONG, INTERRUPTED = 0, 1, 2, 130

_EXAMPLES = """\
A rig is one bench: a link, a device under test, and how to reach and reset it. Each is one TOML file: those of the
tree (rigs/NAME.toml) are named by name, your own by path. What the device can do is in the profile it names.

examples:
  python -m rigs list                                  what there is
  python -m rigs check reference lwip-ble              can they run here, and if not, what is missing
  python -m rigs check ./desk.toml --set dut.console=serial:/dev/ttyACM1
  python -m rigs replay reports/out/latest/evidence/lwip-ble/x.pcapng --rig lwip-ble
  pytest suites --rig lwip-ble                         run the suites on a rig

exit status: 0 done, 1 something is missing or nothing came back, 2 a mistake in a file or on the command line,
130 interrupted
"""


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m rigs",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="name the rigs of the tree")
    listing.add_argument(
        "--kinds", action="store_true", help="name link schemes, node kinds and console schemes instead"
    )
    check = commands.add_parser("check", help="read rig files and profiles, then say what this machine lacks")
    check.add_argument("rigs", nargs="+", metavar="NAME|PATH", help="a rig's name, or the path of a rig file")
    check.add_argument(
        "--run-adapters",
        action="store_true",
        help="import the adapters that are not of the tree, to hear what they need: a rig file is code then",
    )
    again = commands.add_parser(
        "replay", help="send the tester's frames of an evidence file at a rig once more"
    )
    again.add_argument("file", type=Path, metavar="FILE.pcapng", help="evidence of a case")
    again.add_argument("--rig", required=True, metavar="NAME|PATH", help="where to send them")
    again.add_argument(
        "--wait", type=float, default=1.0, metavar="SECONDS", help="how long to listen at the end; default: 1"
    )
    for command in (check, again):
        command.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="KEY=VALUE",
            dest="overrides",
            help="override a key of the rig file, such as dut.console=serial:/dev/ttyACM0",
        )
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    try:
        if options.command == "list":
            return _kinds() if options.kinds else _list()
        if options.command == "check":
            return max([_check(name, options.overrides, run=options.run_adapters) for name in options.rigs])
        return _replay(options)
    except ConfigError as error:
        print(inert(str(error)), file=sys.stderr)
        return WRONG
    except RigError as error:
        print(inert(str(error)), file=sys.stderr)
        return LACKING
    except KeyboardInterrupt:  # leases and rigs were let go on the way here
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except (
        BrokenPipeError
    ):  # the reader, such as `head`, has seen enough; Python must not flush into it again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


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


def _check(name: str, overrides: Sequence[str], *, run: bool) -> int:
    try:
        loaded = _load(name, overrides)
    except ConfigError as error:
        print(
            f"{one_line(name)}: {len(error.mistakes)} {'mistake' if len(error.mistakes) == 1 else 'mistakes'}"
        )
        for mistake in error.mistakes:
            print(f"  {one_line(mistake)}")
        return WRONG
    missing = registry.missing(loaded.rig, run=run)
    profile = loaded.profile
    about = one_line(f"{profile.stack} over {profile.link}, profile {profile.name}")
    misfits = registry.misfits(loaded.rig, profile, run=run)
    told = loaded.rig.dut.options.get("version")
    print(f"{loaded.rig.name}: {'not ready' if missing or misfits else 'ready'} ({about})")
    for misfit in [*misfits, *(outside(profile, str(told)) if told else [])]:
        print(f"  profile: {one_line(misfit)}")
    for item in missing:
        print(f"  missing: {one_line(item.what)}\n  to do:   {one_line(item.remedy)}")
    for module in () if run else registry.strangers(loaded.rig):
        print(
            f"  the adapter {module} was read, not run: what it needs on this machine, --run-adapters tells"
        )
    return LACKING if missing or misfits else DONE


def _replay(options: argparse.Namespace) -> int:
    frames = sent_frames(options.file)
    loaded = _load(options.rig, options.overrides)
    with leases.of(loaded.rig), Rig.of(loaded) as rig:
        tester_for(rig, 0)  # the contexts and addresses that the run had
        count = replay(rig, frames, options.wait, sys.stdout)
        dut = one_line(f"{rig.node.stack} {rig.version}")
        print(f"{len(frames)} frames sent, {count} received; {rig.name} is {dut}")
    return DONE if count else LACKING


def _load(name: str, overrides: Sequence[str]) -> Loaded:
    return registry.load(name, overrides)


if __name__ == "__main__":
    sys.exit(main())
