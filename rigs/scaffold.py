"""`python -m rigs init`: a rig file and a profile for a board, from options or from answers at a terminal.

Strategy: what cannot be known of a board is asked: its link, the node, its address, its console. All else has the
default of the models and stands in the file as a comment, so that the file teaches. What is written is read again by
`registry.load`, and a mistake is told before anything stands on disk. Nothing that is there is overwritten.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from rigs import registry
from rigs.configuration.loading import PROFILES, known_rigs
from rigs.configuration.models import NAME, ConfigError
from rigs.configuration.telling import hint

#: Characters of a file's name that are written down to be judged.
_LONGEST: Final = 200
#: How often a person is asked again.
_ROUNDS: Final = 20
#: The link of each kind of profile.
_BLE: Final = ("ipsp",)
#: Links that learn the DUT's address from what it sends: a simulated node may draw another one at each start.
_LEARNS: Final = ("zep", "uart_pipe")
#: The profile that a node of the tree has where the rig's own is not named: (802.15.4, BLE).
_PROFILE: Final = {
    "black_box": "black-box-802154",
    "zephyr": "zephyr-802154",
    "contiki_ng": "contiki-ng-native",
    "riot": "riot-802154",
    "openthread": "openthread-802154",
}


@dataclass(slots=True)
class Answers:
    """What is known of the board. Each field is an option and a question."""

    file: str = ""
    node: str = ""
    link: str = ""
    address: str = ""
    console: str = ""
    pan: str = ""
    channel: str = ""
    stack: str = ""


#: (field, question, default): in this order they are asked.
QUESTIONS: Final = (
    ("file", "Name of the rig file", "./desk.toml"),
    ("node", "Kind of node (`rigs list --kinds` shows all; black_box: any that answers pings)", "black_box"),
    ("link", "The tester's link, such as packet:wpan0, zep:[::1]:17754 or ipsp:hci:usb:0", "packet:wpan0"),
    (
        "address",
        "The DUT's link-layer address in hex (8 octets; 6 on BLE; empty: a simulated node's own)",
        "",
    ),
    ("console", "Its console, such as serial:/dev/serial/by-id/... or process:./node.elf (empty: none)", ""),
    ("pan", "PAN id", "0xabcd"),
    ("channel", "Channel", "26"),
    ("stack", "The stack's name for a profile of its own (empty: the profile of the tree)", ""),
)


def add_options(command: argparse.ArgumentParser) -> None:
    """The options of `init`."""
    command.add_argument(
        "file", nargs="?", metavar="FILE.toml", help="the rig file to write, such as ./desk.toml"
    )
    for name, question, default in QUESTIONS[1:]:
        shown = f" (default: {default})" if default else ""
        command.add_argument(f"--{name}", help=f"{question}{shown}")


def init(
    options: argparse.Namespace,
    ask: Callable[[str], str] | None,
    tell: Callable[[str], None] = lambda _text: None,
) -> list[Path]:
    """Write a rig file, and a profile stub where `stack` is given; returns what was written.

    `ask` puts a question to a person and returns the answer; None where nobody is there: then defaults stand. What was
    answered wrong is told (`tell`) and asked again. Raises `ConfigError` with every mistake.
    """
    answers = Answers(**{f.name: getattr(options, f.name) or "" for f in fields(Answers)})
    due = {name for name, _, _ in QUESTIONS if not getattr(answers, name)}
    for _ in range(_ROUNDS):
        for name, question, default in QUESTIONS:
            if name not in due or (name in {"pan", "channel"} and _is_ble(answers.link)):
                continue
            told = ask(f"{question}{f' [{default}]' if default else ''}: ").strip() if ask else ""
            setattr(answers, name, told or default)
        try:
            return _write(answers)
        except ConfigError as error:
            due = {_asked_by(mistake) for mistake in error.mistakes}
            if ask is None or "" in due:
                raise
            tell(str(error))
    return _write(answers)


def _asked_by(mistake: str) -> str:
    """The question that a mistake is about; empty where it is about none."""
    option = mistake.partition(": ")[0].removeprefix("--")
    return next((name for name, _, _ in QUESTIONS if name == option), "")


def _is_ble(link: str) -> bool:
    return link.partition(":")[0] in _BLE


def _is_learnt(answers: Answers) -> bool:
    return answers.link.partition(":")[0] in _LEARNS and answers.node != "black_box"


def _write(answers: Answers) -> list[Path]:
    path = Path(answers.file if answers.file.endswith(".toml") else f"{answers.file}.toml")
    profile = path.with_name(f"{path.stem}-profile.toml") if answers.stack else None
    mistakes = [f"file: {wrong}" for wrong in _wrong_with(path, profile, answers.file)]
    if not answers.address and not _is_learnt(answers):
        mistakes.append(
            "--address: is missing: the DUT's link-layer address in hex, such as f4:ce:36:00:00:00:00:01"
        )
    kinds = registry.kinds("open_node")
    known = answers.node in kinds or "." in answers.node
    if not known:
        there = ", ".join(kinds)
        mistakes.append(
            f"--node: no kind of node {answers.node!r}{hint(answers.node, kinds)}; there are: {there}; "
            "a module of your own has a dot in its name (docs/write-an-adapter.md)"
        )
    named = _PROFILE.get(answers.node, "") if not _is_ble(answers.link) else ""
    if profile is None and not named and known:
        there = ", ".join(sorted(p.stem for p in PROFILES.glob("*.toml")))
        mistakes.append(
            f"--stack: is missing: the tree has no profile for {answers.node!r} on {answers.link!r}, "
            f"so one is written for the stack that you name (there are: {there})"
        )
    texts = {path: _rig_text(answers, f"./{profile.name}" if profile else named)}
    if profile:
        texts[profile] = _profile_text(answers)
    if known and (profile or named) and len(path.name) <= _LONGEST and path.name.isprintable():
        told = {mistake.partition(": ")[0] for mistake in mistakes}
        mistakes += [wrong for wrong in _judge(answers, texts) if wrong.partition(": ")[0] not in told]
    if mistakes:
        raise ConfigError(mistakes)
    written: list[Path] = []
    try:
        for file, text in texts.items():
            with file.open("x", encoding="utf-8") as out:
                written.append(file)
                out.write(text)
    except OSError as error:
        full = error.filename or written[-1]  # on a full disk the error names none
        for each in written:  # all of it or nothing
            each.unlink()
        raise ConfigError([f"file: {full}: cannot be written: {error.strerror}"]) from error
    return written


def _wrong_with(path: Path, profile: Path | None, named: str) -> Iterator[str]:
    """What is wrong with the files that are to be written."""
    try:
        if Path(named).is_dir():
            yield f"{named}: is a folder: name a file in it, such as {Path(named) / 'desk.toml'}"
            return
        if not path.parent.is_dir():
            yield f"{path}: there is no folder {path.parent}"
        for there in (path, profile):
            if there and there.exists():
                yield f"{there}: is there already: name another file"
    except (OSError, ValueError) as error:
        yield f"{path}: cannot be looked for: {getattr(error, 'strerror', error)}"
    if not re.match(NAME, path.stem):
        yield f"{path}: a rig's name (its file's name) has letters, digits, '.', '_' and '-' only"
    elif path.stem in known_rigs():
        yield f"{path}: a rig of the tree is called {path.stem}: name another file"


def _judge(answers: Answers, texts: dict[Path, str]) -> list[str]:
    """What is wrong with the texts that are about to be written, a rig file's first, in the names of the options."""
    rig = next(iter(texts))
    with tempfile.TemporaryDirectory() as folder:
        for file, text in texts.items():
            (Path(folder) / file.name).write_text(text, encoding="utf-8")
        inside = Path(folder) / "rig.toml"  # whatever the file is called, it is judged
        (Path(folder) / rig.name).rename(inside)
        try:
            loaded = registry.load(str(inside))
        except ConfigError as error:
            return [_of_option(mistake.replace(f"{folder}/", ""), inside.name) for mistake in error.mistakes]
    wrong = []
    if registry.lacks_console(loaded.rig, run=False):
        wrong.append(
            f"--console: is missing: the node {answers.node!r} needs one, such as serial:/dev/ttyACM0"
        )
    option = "stack" if answers.stack else "node"
    misfits = registry.misfits(loaded.rig, loaded.profile, run=False)
    return [*wrong, *(f"--{option}: {misfit.partition(': name another')[0]}" for misfit in misfits)]


def _of_option(mistake: str, file: str) -> str:
    """A mistake that names the option which the wrong value came from."""
    key, colon, rest = mistake.removeprefix(f"{file}: ").partition(": ")
    option = key.rpartition(".")[2]
    keys = {f"{table}.{each.name}" for table in ("tester", "dut") for each in fields(Answers)}
    return f"--{option}{colon}{rest}" if key in keys and mistake.startswith(f"{file}: ") else mistake


def _rig_text(answers: Answers, profile: str) -> str:
    console = (
        f"console = {_text(answers.console)}\n"
        if answers.console
        else ('# console = "serial:/dev/serial/by-id/...?baud=115200"   # read only\n')
    )
    address = f"address = {_text(answers.address)}"
    if not answers.address:
        address = '# address = "02:00:..."   # without it, the one that the node is heard from'
    radio = (
        ""
        if _is_ble(answers.link)
        else f"pan = {_number(answers.pan)}\nchannel = {_number(answers.channel)}\n"
    )
    return f"""# What each key means stands in docs/bring-your-board.md.
schema = 1
profile = {_text(profile)}
what = {_text(answers.stack or answers.node)}
attempts = 3          # a radio loses frames: an unanswered stimulus is sent up to 3 times
settle = "100ms"      # how late an answer may be

[tester]
link = {_text(answers.link)}
{radio}
[dut]
node = {_text(answers.node)}
{address}
{console}# short = "0001"      # its 16-bit address, if it has one
# power = "command:uhubctl -l 1-1 -a cycle"               # how to bring it back when it died

[lease]
kind = "flock"        # nobody else on this host uses the board meanwhile
wait = "60s"
"""


def _profile_text(answers: Answers) -> str:
    link = "ble" if _is_ble(answers.link) else "ieee802154"
    return f"""# What the DUT declares that it can do. An ability that is declared and does not work is a failure;
# one that is not declared makes cases `unsupported`. See docs/bring-your-board.md, "The profile".
schema = 1
stack = {_text(answers.stack)}
versions = ""         # such as ">=1.4,<2": the versions this profile is for
link = "{link}"
abilities = ["echo", "port_unreachable"]

[parameters]
role = "host"
# reassembly_slots = 1          # datagrams that it reassembles at a time
# reassembly_timeout = "60s"    # how long it keeps fragments

# A failure that is to stay for now: `.venv/bin/python -m rigs deviation RUN CASE` writes one from a record.
# [[deviation]]
"""


def _number(value: str) -> str:
    """A number as it was typed; what is none becomes a text, which the model of the rig file refuses in its words."""
    return value if re.fullmatch(r"0x[0-9a-fA-F]+|0|[1-9][0-9]*", value) else _text(value)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def asker() -> Callable[[str], str] | None:
    """Questions on the terminal, where there is one at both ends. The end of its input is as an interrupt."""

    def ask(question: str) -> str:
        try:
            return input(question)
        except EOFError:
            raise KeyboardInterrupt from None

    return ask if sys.stdin.isatty() and sys.stdout.isatty() else None
