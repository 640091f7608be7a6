"""A medium in memory between the tester and one node of this process, on a clock that nobody has to wait for.

Strategy: the node is a plain object that hears a frame and returns what it says to it. Time is a number: every
frame costs its air time, and when both ends are idle `receive` moves the clock to the node's next timer, or to
the deadline, at once. So a reassembly timeout of 60 s takes as long as the arithmetic, and hundreds of mutants
are affordable. Frames between the two may be lost, doubled or swapped by a seeded `Medium`, which is how the
suites' own rules about loss are tried.
"""

from __future__ import annotations

import random
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import parse_qsl

from rigs.model import Link, LinkClosed, LinkKind, Received, RigError

if TYPE_CHECKING:
    from rigs.bench import Bench
    from rigs.configuration.models import RigFile

#: Seconds for an octet: 250 kbit/s (IEEE 802.15.4 at 2.4 GHz) and 1 Mbit/s (LE 1M), and for a frame's preamble.
_OCTET: Final = {"ieee802154": 32e-6, "ble": 8e-6}
_PREAMBLE: Final = 192e-6
_MTU: Final = {"ieee802154": 125, "ble": 1280}

TESTER: Final = {"ieee802154": bytes.fromhex("02005efffe000002"), "ble": bytes.fromhex("c00000000002")}
DUT: Final = {"ieee802154": bytes.fromhex("02005efffe000001"), "ble": bytes.fromhex("c00000000001")}
DUT_SHORT: Final = bytes.fromhex("0001")


class Hearing(Protocol):
    """What a `MemoryLink` asks of its node. Frames are those that the node puts on the medium, in order."""

    def hear(self, frame: bytes, now: float) -> list[bytes]:
        """Take one frame off the medium."""

    def wake(self, now: float) -> list[bytes]:
        """Do what is due: timers, and what was asked for from the node's own side."""

    def next_timer(self) -> float | None:
        """When `wake` has something to do next; None when it never has."""


class Medium:
    """Loses, doubles and swaps frames, each with its probability, the same for the same seed."""

    def __init__(
        self, seed: int = 0, *, loss: float = 0.0, duplication: float = 0.0, reordering: float = 0.0
    ) -> None:
        self._random = random.Random(seed)
        self.loss, self.duplication, self.reordering = loss, duplication, reordering
        self._held: bytes | None = None

    def carry(self, frame: bytes) -> list[bytes]:
        """What arrives when `frame` is sent."""
        if self._random.random() < self.loss:
            return self.flush()
        arriving = [frame] * (1 + (self._random.random() < self.duplication))
        if self._held is None and self._random.random() < self.reordering:
            self._held = arriving.pop()
            return arriving
        return arriving + self.flush()

    def flush(self) -> list[bytes]:
        """What was held back and comes after all, because nothing overtakes it any more."""
        held, self._held = self._held, None
        return [] if held is None else [held]


class MemoryLink(Link):
    """The tester's end. `attach` gives it the node at the other end."""

    clock = "virtual"

    def __init__(
        self,
        kind: LinkKind,
        *,
        pan: bytes = b"\xab\xcd",
        there: Medium | None = None,
        back: Medium | None = None,
        tester: bytes | None = None,
        dut: bytes | None = None,
        short: bytes | None = None,
    ) -> None:
        """`tester`, `dut`, `short`: addresses of both ends, where they are to be others than usual."""
        self.kind = kind
        self.mtu = _MTU[kind]
        self.tester, self.dut = tester or TESTER[kind], dut or DUT[kind]
        self.dut_short = (short or (dut[-2:] if dut else DUT_SHORT)) if kind == "ieee802154" else b""
        self.pan = pan
        self.any_source = kind == "ieee802154"
        self.auto_ack = False
        self._there, self._back = there or Medium(), back or Medium()
        #: Whether frames take their time here; not where another air gives it to them.
        self.paced = True
        self._node: Hearing | None = None
        self._now = 0.0
        self._heard: deque[Received] = deque()
        self._closed = False

    def attach(self, node: Hearing) -> None:
        """Put `node` at the other end."""
        self._node = node

    def now(self) -> float:
        return self._now

    def send(self, frame: bytes) -> None:
        node = self._other_end()
        self._pass(frame)
        for arriving in self._there.carry(frame):
            self._file(node.hear(arriving, self._now))

    def receive(self, deadline: float) -> Received | None:
        node = self._other_end()
        while not self._heard:
            for arriving in self._there.flush():
                self._file(node.hear(arriving, self._now))
            if not self._heard:
                self._file([], self._back.flush())
            if self._heard:
                break
            due = node.next_timer()
            if due is None or due > deadline:
                self._now = max(self._now, deadline)
                return None
            self._now = max(self._now, due)
            self._file(node.wake(self._now))
        return self._heard.popleft()

    def close(self) -> None:
        self._closed = True

    def _other_end(self) -> Hearing:
        if self._closed:
            raise LinkClosed("the in-memory link is closed")
        if self._node is None:
            raise LinkClosed("the in-memory link has no node at its other end: attach one")
        return self._node

    @property
    def attached(self) -> bool:
        """Whether there is a node at the other end."""
        return self._node is not None

    def due(self) -> float | None:
        """When something comes of itself next: a frame that is here already, or the node's next timer; None: never."""
        return self._now if self._heard else self._other_end().next_timer()

    def advance(self, time: float) -> None:
        """Move the clock on, and let nothing happen: whoever moves it has seen that nothing was due."""
        self._now = max(self._now, time)

    def _pass(self, frame: bytes) -> None:
        if self.paced:
            self._now += _PREAMBLE + _OCTET[self.kind] * len(frame)

    def _file(self, frames: list[bytes], late: list[bytes] | None = None) -> None:
        for frame in frames:
            self._pass(frame)
            self._heard.extend(Received(f, self._now, self.clock) for f in self._back.carry(frame))
        self._heard.extend(Received(f, self._now, self.clock) for f in late or ())


def open_link(bench: Bench, address: str, rig: RigFile) -> MemoryLink:
    """Open `memory:802154` or `memory:ble`; a node of this process attaches itself. Raises `RigError`.

    `memory:802154?loss=0.1&seed=7` loses that share of all frames, the same ones for the same seed.
    """
    kinds: dict[str, LinkKind] = {"802154": "ieee802154", "ieee802154": "ieee802154", "ble": "ble"}
    name, _, query = address.partition("?")
    if name not in kinds:
        raise RigError(f"{rig.path}: tester.link: memory:{name}: there are memory:802154 and memory:ble")
    try:
        options = dict(parse_qsl(query, strict_parsing=True)) if query else {}
        seed, loss = int(options.pop("seed", "0")), float(options.pop("loss", "0"))
    except ValueError as error:
        raise RigError(
            f"{rig.path}: tester.link: memory:{address}: {error}; such as ?loss=0.1&seed=7"
        ) from error
    if options:
        raise RigError(
            f"{rig.path}: tester.link: memory:{address}: there are loss and seed, not {', '.join(options)}"
        )
    there, back = Medium(seed, loss=loss), Medium(seed + 1, loss=loss)
    ends = {"tester": rig.tester.address, "dut": rig.dut.address, "short": rig.dut.short}
    return bench.resource(
        "memory", lambda: MemoryLink(kinds[name], pan=rig.tester.pan_octets, there=there, back=back, **ends)
    )
