"""`labgrid-client`, the program: how a labgrid coordinator is asked, and what its answers mean.

Strategy: labgrid is never imported (its fork of pyserial replaces ours); its client runs from an environment of its own
(`make labgrid`, or any on PATH). Each call is one start of the program. What it prints for people is read by the few
words that stand in every answer; a test asks a real coordinator.
"""

from __future__ import annotations

import ast
import re
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rigs.leases import program
from rigs.leases.model import LeaseError

#: Where `make labgrid` puts it.
OURS: Final = Path(__file__).parents[2] / ".labgrid" / "bin"
#: Seconds that any single call but the waiting one may take.
_CALL: Final = 30.0
DEFAULT: Final = "127.0.0.1:20408"
_UNREACHABLE: Final = re.compile(
    r"coordinator is unavailable|Could not connect to coordinator|StatusCode\.UNAVAILABLE"
)
_RESERVATION: Final = re.compile(
    r"owner: (?P<owner>\S+)\s+token: (?P<token>\S+)\s+state: (?P<state>\S+)"
    r"(?:.*?allocations:\s+main: (?P<place>[^\n]+))?",
    re.DOTALL,
)


class LostError(LeaseError):
    """The coordinator does not answer."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """A place in the queue: who asked ("HOST/USER"), its token and state, and the place that it was given, if any."""

    owner: str
    token: str
    state: str
    place: str


@dataclass(frozen=True, slots=True)
class Held:
    """An acquired place, and by whom ("HOST/USER")."""

    place: str
    owner: str


class Client:
    """Asks one coordinator in the name of one user."""

    def __init__(self, rig: str, user: str, coordinator: str | None) -> None:
        """`rig` begins every message. `coordinator` is HOST:PORT; None: as LG_COORDINATOR says."""
        self._rig = rig
        self.environment = {"LG_USERNAME": user, "PYTHONUNBUFFERED": "1", "LC_ALL": "C.UTF-8"}
        if coordinator:
            self.environment["LG_COORDINATOR"] = coordinator
        self._where = coordinator or "that LG_COORDINATOR names"

    @property
    def path(self) -> str:
        """The program. Raises `LeaseError` when there is none."""
        found = shutil.which("labgrid-client") or shutil.which("labgrid-client", path=str(OURS))
        if found is None:
            raise LeaseError(
                f"{self._rig}: the program labgrid-client is missing. `make labgrid` installs it in an environment of "
                "its own (.labgrid); or put another one on PATH."
            )
        return found

    def call(self, *arguments: str) -> str:
        """What the client prints. Raises `LeaseError`; `LostError` where no coordinator answers."""
        return self._said(arguments, self._run(arguments, _CALL))

    def reserve(self, match: list[str]) -> Reservation:
        """Stand in the queue for a place with these tags. Raises `LeaseError`."""
        return self._one(("reserve", *match), self.call("reserve", *match))

    def wait(self, token: str, seconds: float) -> Reservation | None:
        """Wait until a reservation waits no longer; None after `seconds` from the coordinator's first answer on."""
        ended = self._run(("wait", token), seconds, b"state:")
        if ended.status is None and "state:" in ended.out:
            return None
        return self._one(("wait", token), self._said(("wait", token), ended))

    def reservations(self) -> list[Reservation]:
        """All reservations that the coordinator knows."""
        return _reservations(self.call("reservations"))

    def held(self) -> list[Held]:
        """All places that somebody has."""
        header, *rows = self.call("who").splitlines() or [""]
        try:
            host, place, changed = (header.index(word) for word in ("Host", "Place", "Changed"))
        except ValueError as error:
            raise LeaseError(
                f"{self._rig}: `labgrid-client who` has no columns Host, Place and Changed; it said: {header!r}"
            ) from error
        return [
            Held(row[place:changed].strip(), f"{row[host:place].strip()}/{row[:host].strip()}")
            for row in rows
        ]

    def facts(self, place: str) -> dict[str, str]:
        """What the coordinator knows of an acquired place, by the names that a rig file may use.

        `place`; `tag.KEY`; `CLASS.ARGUMENT` of every resource, such as `NetworkService.username`; and of these the
        address of its console (`serial`), the command that cycles its power (`power`), its host (`address`).
        """
        facts, resources = _shown(self.call("-p", place, "show"))
        facts["place"] = place
        for kind, arguments in resources:
            for key, value in arguments.items():
                facts.setdefault(f"{kind}.{key}", str(value))
            if kind == "NetworkSerialPort":
                facts.setdefault("serial", _console(arguments))
            elif kind == "NetworkService":
                facts.setdefault("address", str(arguments.get("address", "")))
            elif "Power" in kind:
                words = ["env", *(f"{key}={value}" for key, value in self.environment.items()), self.path]
                facts.setdefault("power", "command:" + shlex.join([*words, "-p", place, "power", "cycle"]))
        return facts

    def _run(self, arguments: tuple[str, ...], seconds: float, first: bytes = b"") -> program.Ended:
        try:
            return program.run([self.path, *arguments], self.environment, seconds, first)
        except OSError as error:
            raise LeaseError(f"{self._rig}: labgrid-client cannot be run: {error.strerror}") from error

    def _said(self, arguments: tuple[str, ...], ended: program.Ended) -> str:
        what = f"`labgrid-client {' '.join(arguments)}`"
        if ended.status == 0:
            return ended.out
        if ended.status is None or _UNREACHABLE.search(ended.err):
            raise LostError(
                f"{self._rig}: the labgrid coordinator {self._where} does not answer {what}. Start it, or correct "
                f"[lease] coordinator (without it LG_COORDINATOR, else {DEFAULT})."
            )
        raise LeaseError(f"{self._rig}: {what} failed: {ended.said}")

    def _one(self, arguments: tuple[str, ...], text: str) -> Reservation:
        found = _reservations(text)
        if not found:
            raise LeaseError(
                f"{self._rig}: `labgrid-client {' '.join(arguments)}` told of no reservation; it said: {text.strip()!r}"
            )
        return found[-1]


def _reservations(text: str) -> list[Reservation]:
    blocks = re.split(r"(?=^\s*owner: )", text, flags=re.MULTILINE)
    found = [match for block in blocks if (match := _RESERVATION.search(block))]
    return [
        Reservation(**{key: (value or "").strip() for key, value in match.groupdict().items()})
        for match in found
    ]


def _shown(text: str) -> tuple[dict[str, str], list[tuple[str, Mapping[str, Any]]]]:
    """Tags and resources of `labgrid-client show`: facts, and each acquired resource's class with its arguments."""
    facts: dict[str, str] = {}
    resources: list[tuple[str, Mapping[str, Any]]] = []
    if tags := re.search(r"^ +tags: (.+)$", text, re.MULTILINE):
        for pair in tags[1].split(", "):
            key, _, value = pair.partition("=")
            facts[f"tag.{key}"] = value
    for block in re.split(r"^Acquired resource ", text, flags=re.MULTILINE)[1:]:
        try:
            told = ast.literal_eval(re.sub(r"\n(?=\S)(?s:.*)", "", block.partition("\n")[2]).strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue  # not as we know it: what it tells is then missing, and said to be where it is asked for
        if isinstance(told, dict) and isinstance(arguments := told.get("params"), dict):
            own = {key: value for key, value in arguments.items() if key != "extra"}
            resources.append((str(told.get("cls")), own))
    return facts, resources


def _console(arguments: Mapping[str, Any]) -> str:
    """The address of a console behind a NetworkSerialPort."""
    scheme = "socket" if arguments.get("protocol") == "raw" else "rfc2217"
    host, port, speed = (arguments.get(key) for key in ("host", "port", "speed"))
    baud = f"?baud={speed}" if speed and scheme == "rfc2217" else ""
    return f"{scheme}://{host}:{port}{baud}"
