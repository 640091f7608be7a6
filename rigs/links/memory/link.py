"""A medium in memory between the tester and one node of this process, on a clock that nobody has to wait for.

Strategy: the node is a plain object that hears a frame and returns what it says to it. Time is a number: every
frame costs its air time, and when both ends are idle `receive` moves the clock to the node's next timer, or to
the deadline, at once. So a reassembly timeout of 60 s takes as long as the arithmetic, and hundreds of mutants
are affordable. Nothing is lost here: what a medium does to frames is the software air's to do (`rigs.air`).
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

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


class MemoryLink(Link):
    """The tester's end. `attach` gives it the node at the other end."""

    clock = "virtual"

    def __init__(
        self,
        kind: LinkKind,
        *,
        pan: bytes = b"\xab\xcd",
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
        #: Whether frames take their time here; not where another air gives it to them.
        self.paced = True
        self._node: Hearing | None = None
        self._now = 0.0
        self._heard: deque[Received] = deque()
        self._closed = False

    @property
    def medium(self) -> str:
        """Memory, at the rate of the air that it stands for where no other air gives frames their time."""
        return (
            f"memory, {8e-3 / _OCTET[self.kind]:g} kbit/s, no space between frames"
            if self.paced
            else "memory"
        )

    def attach(self, node: Hearing) -> None:
        """Put `node` at the other end."""
        self._node = node

    def now(self) -> float:
        return self._now

    def send(self, frame: bytes) -> None:
        node = self._other_end()
        self._pass(frame)
        self._file(node.hear(frame, self._now))

    def receive(self, deadline: float) -> Received | None:
        node = self._other_end()
        while not self._heard:
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

    def _file(self, frames: list[bytes]) -> None:
        for frame in frames:
            self._pass(frame)
            self._heard.append(Received(frame, self._now, self.clock))


_KINDS: Final[dict[str, LinkKind]] = {"802154": "ieee802154", "ieee802154": "ieee802154", "ble": "ble"}


def misread(address: str) -> str:
    """What is wrong with what stands behind "memory:"; empty where nothing is."""
    remedy = "; what is done to frames stands in [air], such as loss = 0.1" if "?" in address else ""
    return "" if address in _KINDS else f"there are memory:802154 and memory:ble{remedy}"


def open_link(bench: Bench, address: str, rig: RigFile) -> MemoryLink:
    """Open `memory:802154` or `memory:ble`; a node of this process attaches itself. Raises `RigError`."""
    if wrong := misread(address):
        raise RigError(f"{rig.path}: tester.link: memory:{address}: {wrong}")
    ends = {"tester": rig.tester.address, "dut": rig.dut.address, "short": rig.dut.short}
    return bench.resource("memory", lambda: MemoryLink(_KINDS[address], pan=rig.tester.pan_octets, **ends))
