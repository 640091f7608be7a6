"""`ipsp:` and `ipsp:hci:usb:0`: SDUs of an IPSP channel over a live LE connection (RFC 7668 §2.4, §3.2).

Strategy: the tester is Bumble's host with our own end of the channel (`radio`, `channel`). For `ipsp:` alone the DUT is
a Linux guest, and its controller and ours are virtual ones on one medium (`medium`); for `ipsp:h4:HOST:PORT` the DUT is
a stack in an emulator, whose Bluetooth host connects there and is given such a controller (`h4`). For
`ipsp:hci:TRANSPORT` ours is a real adapter, named as Bumble names transports, and the DUT is whoever has [dut] address.
One frame is one SDU. A thread keeps every SDU from the moment at which the channel opens, with the time at which its
last octet came.

The address may end in settings: `ipsp:?role=central&mps=23`. There are `role` of the DUT ("peripheral", the default,
advertises, as a 6LN does in RFC 7668 §3; "central" connects to us), `mtu`, `mps` and `credits` of our end, and
`interval`, the connection interval in ms (virtual only; 0, the default, delivers at once).
"""

from __future__ import annotations

import importlib.util
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rigs import clock, registry
from rigs.air.settings import AirSettings
from rigs.links.arrivals import Arrivals
from rigs.links.ipsp.channel import State, Terms
from rigs.links.ipsp.channel_link import ChannelLink, Role
from rigs.links.ipsp.settings import misread
from rigs.model import Direction, LinkClosed, Received, RigError, Unsupported
from rigs.registry import Missing

if TYPE_CHECKING:
    from rigs.bench import Bench
    from rigs.configuration.models import RigFile
    from rigs.links.ipsp.bench import Device, IpspBench

_ANOTHER = bytes.fromhex("064b65796803")
_ANSWER = 2.0  # seconds that a signalling request waits for its answer


class IpspLink(ChannelLink):
    """The tester's end of a channel over Bluetooth's air or a virtual one; `hci_since` is for the evidence."""

    clock = "monotonic"

    def __init__(self, bench: Device) -> None:
        self._bench = bench
        self.tester, self.dut = bench.tester, bench.dut
        self.channel = bench.channel
        self.mtu = 1280
        self._arrivals = Arrivals(self._check)
        self._changed = self._arrivals.changed
        self._loss = 0.0
        self._random = random.Random(0)
        self.channel.on_sdu = self._on_sdu
        self._bench.on_state = self._on_state

    # -- Link -------------------------------------------------------------------------------------------------

    @property
    def medium(self) -> str:
        """The virtual controllers of its bench; empty for an adapter."""
        return self._bench.medium

    def send(self, frame: bytes) -> None:
        self._check()
        if self._random.random() >= self._loss:
            self._bench.loop.call(self.channel.send, frame)

    def receive(self, deadline: float) -> Received | None:
        return self._arrivals.take(deadline)

    def close(self) -> None:
        """The bench ends the connection."""

    def _on_sdu(self, sdu: bytes) -> None:
        now = time.monotonic()
        if self._random.random() >= self._loss:
            self._arrivals.put(Received(sdu, now, self.clock))

    def _on_state(self, state: State) -> None:
        with self._changed:
            if state == "open":
                self.mtu = min(1280, self.channel.peer.mtu)
            self._changed.notify_all()

    def _check(self) -> None:
        if self.channel.state != "open" and not self._bench.away:
            raise LinkClosed(f"the IPSP channel is {self.channel.state}")
        if self._bench.loop.faults:
            raise RigError(f"the Bluetooth thread failed: {self._bench.loop.faults[0]}")

    # -- what only a live channel can do ----------------------------------------------------------------------

    def _whole(self) -> IpspBench:
        """The bench behind the link, which knows the DUT's side as well."""
        from rigs.links.ipsp.bench import IpspBench

        if not isinstance(self._bench, IpspBench):
            raise Unsupported("the second device of a tester can send and receive, and no more")
        return self._bench

    def _act(self, function: Callable[..., object], *arguments: object) -> None:
        self._bench.call(function, *arguments)

    def lose(self, share: float, seed: int = 0) -> None:
        self._loss, self._random = share, random.Random(seed)

    def interval(self, seconds: float, losses: AirSettings | None = None) -> None:
        self._whole().set_interval(seconds, losses)

    def disconnect(self) -> None:
        self._whole().disconnect()

    @contextmanager
    def another(self, address: bytes | None = None) -> Iterator[ChannelLink]:
        second = self._whole().another(address or _ANOTHER)
        try:
            yield IpspLink(second)
        finally:
            second.close()
            self.channel.breaches += second.channel.breaches

    def offer(self) -> None:
        self._whole().offer()

    def services(self) -> list[str] | None:
        return self._whole().services()

    def wait_closed(self, deadline: float) -> bool:
        return clock.wait_until(self._changed, lambda: self.channel.state == "closed", deadline)

    @property
    def dut_address_kind(self) -> str:
        return self._bench.radio.peer_address_kind

    @property
    def peer_address(self) -> bytes:
        return self._bench.radio.peer_address

    def reconnect(self, terms: Terms | None = None, role: Role | None = None, *, renew: bool = True) -> None:
        # what comes before this returns is of the new connection: a node may solicit routers at once, and only once
        self._whole().reconnect(terms, role, renew=renew, ended=self._arrivals.forget)
        self.mtu = min(1280, self.channel.peer.mtu)

    def request(self, spsm: int) -> int | None:
        self._act(self.channel.probe, spsm)
        end = clock.now() + _ANSWER
        with self._changed:
            while self.channel.probed is None and (left := end - clock.now()) > 0:
                self._changed.wait(left)
        return self.channel.probed

    def hci_since(self, start: float) -> list[tuple[Direction, float, bytes]]:
        """H4 packets of the tester's HCI from `start` on, headed by those that opened connection and channel."""
        return self._bench.radio.hci.since(start)


def bench_of(bench: Bench, rig: RigFile) -> IpspBench:
    """The one connection of this bench, made at the first call. Raises `RigError`."""
    from rigs.links.ipsp.bench import IpspBench

    return bench.resource("ipsp", lambda: IpspBench(rig, lambda: registry.dut_side(bench, rig)))


def open_link(bench: Bench, address: str, rig: RigFile) -> IpspLink:
    """Open `ipsp:` (a Linux guest), `ipsp:hci:TRANSPORT` (a real adapter) or `ipsp:h4:HOST:PORT`. Raises `RigError`."""
    del address  # it is in the rig file, where the node finds it too
    return IpspLink(bench_of(bench, rig))


def check(rig: RigFile) -> list[Missing]:
    """What this machine lacks for the link: Bumble, and QEMU when the DUT is a guest."""
    missing = []
    if importlib.util.find_spec("bumble") is None:
        missing.append(Missing("bumble", "install the extra: pip install -e '.[ble]' or uv sync --extra ble"))
    if not rig.tester.link.startswith(("ipsp:hci:", "ipsp:h4:")):
        from rigs.links.hwsim import link as of_a_guest

        missing += of_a_guest.check(rig)
    return missing


__all__ = ["IpspLink", "Terms", "bench_of", "check", "misread", "open_link"]
