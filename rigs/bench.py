"""A rig at work: its link and node opened together, closed in the right order, opened anew when it broke.

Strategy: link and node often hang on one thing (a virtual machine carries the radio *and* the console; a
child process is both). That thing is a resource of the `Bench`: whoever needs it first makes it, and the
bench closes everything in reverse order. A `Rig` is the bench with what stands on it. It knows nothing of
cases: who drives it decides when to recover, and two recoveries that failed in a row end it.
"""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Protocol, TypeVar, cast

from rigs import clock, power, registry
from rigs.configuration.loading import Loaded
from rigs.configuration.models import Profile, RigFile
from rigs.consoles.model import Console
from rigs.model import Link, LinkClosed, Node, RadioLost, RigError, is_overdue

#: So many failed recoveries in a row, and the rig is given up: its other cases are inconclusive.
RECOVERIES = 2
#: So often a rig is opened that other work kept from it.
OPENINGS = 3
_STDLIB = str(Path(os.__file__).parent)
_SHOWN = 200  # characters of a console's last line
#: Other work that takes more than this share of the time in which a rig failed to open, and more than a second, may be
#: why it failed.
_MOST_HELD = 0.5


class Closeable(Protocol):
    """Anything with a `close` that may be called twice."""

    def close(self) -> None: ...


#: Called with an event of the record ("lost", "recovered") and its details.
Teller = Callable[[str, dict[str, str]], None]

T = TypeVar("T", bound=Closeable)


class Bench:
    """What link and node hang on: guests, child processes, sockets. Each made once, closed in reverse."""

    def __init__(self) -> None:
        self._resources: dict[str, Closeable] = {}

    def resource(self, key: str, factory: Callable[[], T]) -> T:
        """Return the resource called `key`; `factory` makes it when nobody has asked for it yet."""
        if key not in self._resources:
            self._resources[key] = factory()
        return cast("T", self._resources[key])

    def last_words(self) -> str:
        """The last line that came on a console of this bench, for a message; empty when there was none."""
        for resource in reversed(self._resources.values()):
            if isinstance(resource, Console):
                lines = resource.kept().decode(errors="replace").strip().splitlines()
                if not lines or not any(c.isalnum() for c in lines[-1]):  # a prompt and noise say nothing
                    continue
                # a protocol is not for people, but what stands in for a dongle and ends says why in words
                if resource.is_text or (resource.ended and lines[-1].isprintable()):
                    return lines[-1].strip()[:_SHOWN]
        return ""

    def close(self) -> None:
        """Close every resource, the newest first, whatever goes wrong with one. May be called twice."""
        errors: list[Exception] = []
        while self._resources:
            _, resource = self._resources.popitem()
            try:
                resource.close()
            except Exception as error:  # noqa: BLE001 - the others must be closed; it is raised below
                errors.append(error)
        if errors:
            raise errors[0]


def open_device(bench: Bench, file: RigFile, profile: Profile) -> tuple[Link, Node, str]:
    """Link and node of a rig file on a bench, and what the node says of itself; nothing stays open when one fails.

    Raises `RigError`, or an adapter's `OSError`.
    """
    with ExitStack() as opened:
        with _opening(f"tester.link = {file.tester.link!r}"):
            link = registry.open_link(bench, file)
        opened.callback(_let_go, link)
        with _opening(f"dut.node = {file.dut.node!r}"):
            node = registry.open_node(bench, file)
        opened.callback(_let_go, node)
        if "ip_tap" not in profile.abilities:
            node.tap = None  # what is not declared is not used
        version = node.version()
        opened.pop_all()
    return link, node, version


@contextmanager
def _opening(what: str) -> Iterator[None]:
    """An adapter's `OSError` says neither whose it is nor where it was raised: note both."""
    try:
        yield
    except OSError as error:
        stack = traceback.extract_tb(error.__traceback__)
        at = [frame for frame in stack if not frame.filename.startswith(_STDLIB)][-1]
        error.add_note(f"{what}: {Path(at.filename).name} line {at.lineno}: ")
        raise


def _let_go(part: Closeable) -> None:
    """Close what is broken already, and may fail to close."""
    with suppress(Exception):
        part.close()


class Rig:
    """One rig: the file, the profile, and (while open) `link` and `node`."""

    def __init__(self, file: RigFile, profile: Profile, tell: Teller | None = None) -> None:
        self.file = file
        self.profile = profile
        self._tell = tell
        #: Why the rig is given up; empty while it is not.
        self.ended = ""
        #: What the DUT said of itself when it was opened last (`Node.version`).
        self.version = ""
        #: What was tried last, so that a late death can be told with it.
        self.last = ""
        #: Octets of the largest packet that the DUT answers, once it was seen to answer no larger one; 0: unknown.
        self.largest = 0
        self._failures = 0
        self._bench = Bench()
        self._link: Link | None = None
        self._node: Node | None = None

    @classmethod
    def of(cls, loaded: Loaded, tell: Teller | None = None) -> Rig:
        if loaded.peer is None:
            return cls(loaded.rig, loaded.profile, tell)
        from rigs.pair import Pair  # a pair is a rig, so it stands on this module

        return Pair(loaded.rig, loaded.profile, loaded.peer, tell)

    @property
    def name(self) -> str:
        return self.file.name

    @property
    def is_open(self) -> bool:
        return self._node is not None

    @property
    def link(self) -> Link:
        if self._link is None:
            raise RigError(self.ended or f"{self.name}: the rig is not open")
        return self._link

    @property
    def node(self) -> Node:
        if self._node is None:
            raise RigError(self.ended or f"{self.name}: the rig is not open")
        return self._node

    def open(self) -> None:
        """Open link and node; nothing stays open when one fails. Does nothing when the rig is open.

        Raises `RigError`, also in place of an adapter's `OSError`; whatever else an adapter raises is a bug.
        What did not come in time because other work held the rig up is tried again.
        """
        if self.is_open:
            return
        for left in reversed(range(OPENINGS)):
            began = time.monotonic(), clock.held_up()
            try:
                self._open(began)
            except RigError as error:
                if not (left and is_overdue(error) and _too_slow(*began)):
                    raise
            else:
                return

    def _open(self, began: tuple[float, float]) -> None:
        """Open link and node once; `began` is when, and how long the rig had been held up until then."""
        try:
            self._set_up()
        except OSError as error:
            self._abandon()
            where = "".join(getattr(error, "__notes__", ()))
            slow = _too_slow(*began) if isinstance(error, TimeoutError | ConnectionError) else ""
            raise RigError(f"{slow}{self.name}: cannot be opened: {where}{error}") from error
        except RigError as error:
            said, slow = self._bench.last_words(), _too_slow(*began) if is_overdue(error) else ""
            self._abandon()
            if said in str(error):  # an empty one is in every text
                said = ""
            if (said or slow) and type(error) in {RigError, LinkClosed, RadioLost}:
                last = f"; the last line on its console: {said!r}" if said else ""
                raise type(error)(f"{slow}{error}{last}") from error
            raise
        except BaseException:
            self._abandon()
            raise

    def _set_up(self) -> None:
        """Open link and node on the bench."""
        self._link, self._node, self.version = open_device(self._bench, self.file, self.profile)

    def close(self) -> None:
        """Close node, link and what they hang on. May be called twice."""
        node, link, bench = self._node, self._link, self._bench
        self._node, self._link, self._bench = None, None, Bench()
        errors: list[Exception] = []
        for part in (node, link, bench):
            try:
                if part is not None:
                    part.close()
            except Exception as error:  # noqa: BLE001 - the rest must be closed; it is raised below
                errors.append(error)
        if errors:
            raise RigError(f"{self.name}: cannot be closed cleanly: {errors[0]}") from errors[0]

    def restart(self) -> None:
        """Restart the DUT by its node; the link stays. Raises `RigError`, `Unsupported`."""
        self.link.restarting()
        self.node.reset()

    def recover(self, why: str = "") -> None:
        """Close everything, cycle the DUT's power if the rig file says how, and open it anew; `why` says what was lost.

        Raises `RigError` when that fails; twice in a row ends the rig for good (`ended` says why).
        """
        if self.ended:
            raise RigError(self.ended)
        if self.is_open:  # else it was lost before, and this is another try
            self._note("lost", why)
        self._abandon()
        try:
            if self.file.dut.power:
                power.cycle(self.file.dut.power)
            self.open()
        except RigError as error:
            self._failures += 1
            if self._failures >= RECOVERIES:
                self.ended = (
                    f"{self.name}: given up after {self._failures} failed recoveries in a row: {error}"
                )
                raise RigError(self.ended) from error
            raise
        self._note("recovered", "")

    def proved(self) -> None:
        """The DUT answered: whatever failed before is over."""
        self._failures = 0

    def unproved(self, why: str) -> None:
        """A recovery that brought nothing back has failed as well. Raises `RigError` when it was the last."""
        self._failures += 1
        if self._failures >= RECOVERIES:
            self.ended = f"{self.name}: given up after {self._failures} failed recoveries in a row: {why}"
            raise RigError(self.ended)

    def __enter__(self) -> Rig:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _note(self, event: str, message: str) -> None:
        if self._tell is not None:
            self._tell(event, {"message": message} if message else {})

    def _abandon(self) -> None:
        """Close without complaint: what is broken already may fail to close."""
        try:
            self.close()
        except RigError:
            return


def _too_slow(began: float, held: float) -> str:
    """How a message begins when other work held the rig up for most of the time since then; else empty."""
    lasted, held = time.monotonic() - began, clock.held_up() - held
    if held <= max(1.0, _MOST_HELD * lasted):
        return ""
    return f"machine too slow: other work held the rig up for {held:.1f} of {lasted:.1f} s; "
