"""`hwsim:wpan0`: the tester's radio inside the Linux guest, beside the DUT's (`rigs.guests.hwsim`).

Strategy: the guest is a resource of the bench, so that link and node share it; what it raises is told as the rig's
fault. Timestamps are the guest's own, taken by its kernel at one tap for frames either way, and turned into this host's
clock: intervals are exact, and the moment is off by `clock_error` at most.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from rigs.guests import hwsim, packages, qemu
from rigs.guests.contexts import ContextError
from rigs.guests.handles import AgentError, TransportClosed
from rigs.guests.image import ImageError, kernel_of
from rigs.guests.modules import ModuleError
from rigs.model import Link, LinkClosed, Received, RigError
from rigs.registry import Missing

if TYPE_CHECKING:
    from rigs.bench import Bench
    from rigs.configuration.models import RigFile

T = TypeVar("T")
#: What [dut] clock says of a guest whose time stands still while we think.
INSTRUCTIONS = "instructions"
#: Frames of ours whose stamps are kept.
_KEPT = 1 << 14
_FAULTS = (
    AgentError,
    ContextError,
    qemu.GuestError,
    ImageError,
    ModuleError,
    packages.PackageError,
    TimeoutError,
)


def told(act: Callable[[], T]) -> T:
    """Run something of the guest's; its faults are the rig's. Raises `RigError`, `LinkClosed`."""
    try:
        return act()
    except TransportClosed as error:
        raise LinkClosed(f"the port to the guest is closed: {error}") from error
    except _FAULTS as error:
        raise RigError(str(error)) from error


class HwsimBench:
    """The guest as a resource of the bench."""

    def __init__(self, rig: RigFile) -> None:
        kernel = told(lambda: kernel_of(rig.dut.options))
        self.guest = hwsim.HwsimGuest(
            kernel=kernel,
            dut=rig.dut.address or hwsim.DUT_EUI64,
            dut_short=rig.dut.short or b"",
            pan=rig.tester.pan,
            channel=rig.tester.channel,
            takes_turns=rig.dut.options.get("clock") == INSTRUCTIONS,
        )
        self.guest.shows_outgoing = False
        told(self.guest.start)

    def close(self) -> None:
        """End the guest."""
        self.guest.stop()


class HwsimLink(Link):
    """Frames on the simulated medium, from and to any address."""

    kind = "ieee802154"
    clock = "guest"
    medium = "simulated radios (mac802154_hwsim), without airtime"
    mtu = 125
    any_source = True

    def __init__(self, bench: HwsimBench) -> None:
        self._guest = bench.guest
        self.tester, self.dut, self.dut_short = self._guest.tester, self._guest.dut, self._guest.dut_short
        self.pan = self._guest.pan.to_bytes(2)
        self.clock_error = self._guest.client.offset_error_ns / 1e9
        self.takes_turns = self._guest.client.takes_turns
        self._heard: deque[Received] = deque()
        self._left: deque[Received] = deque(maxlen=_KEPT)

    def now(self) -> float:
        return self._guest.client.now()

    def stamp(self) -> float:
        return self.now() if self.takes_turns else super().stamp()

    def held_up(self) -> float:
        return 0.0 if self.takes_turns else super().held_up()

    def send(self, frame: bytes) -> None:
        told(lambda: self._guest.link.send(frame))

    def receive(self, deadline: float) -> Received | None:
        while not self._heard:
            if not self._take(deadline):
                return None
        return self._heard.popleft()

    def outgoing(self) -> Sequence[Received]:
        with contextlib.suppress(LinkClosed, RigError):  # `receive` tells it
            while self._take(float("-inf")):
                pass
        return self._left

    def _take(self, deadline: float) -> bool:
        got = told(lambda: self._guest.link.receive(deadline))
        if got is None:
            return False
        received = Received(got.data, self._guest.client.host_seconds(got.time_ns), self.clock)
        (self._left if got.direction == "outgoing" else self._heard).append(received)
        return True

    def close(self) -> None:
        """The bench ends the guest."""


def bench_of(bench: Bench, rig: RigFile) -> HwsimBench:
    """The one guest of this bench, booted at the first call."""
    return bench.resource("hwsim", lambda: HwsimBench(rig))


def open_link(bench: Bench, address: str, rig: RigFile) -> HwsimLink:
    """Open `hwsim:wpan0`. Raises `RigError`."""
    if wrong := misread(address):
        raise RigError(f"{rig.path}: tester.link: hwsim:{address}: {wrong}")
    return HwsimLink(bench_of(bench, rig))


def misread(address: str) -> str:
    """What is wrong with what stands behind "hwsim:"; empty where nothing is."""
    return "" if address == "wpan0" else "there is hwsim:wpan0 only"


def check(rig: RigFile) -> list[Missing]:
    """What this machine lacks for a guest."""
    missing = []
    try:
        qemu.qemu_program()
    except qemu.GuestError as error:
        missing.append(Missing(qemu.QEMU, str(error)))
    try:
        kernel_of(rig.dut.options)
    except ImageError as error:
        what, _, remedy = str(error).partition("; ")
        missing.append(Missing(what, remedy))
    return missing
