"""`ipsp_memory:`: IPSP channels in memory between the tester and one node of this process, on a virtual clock.

Strategy: both ends of a channel are there octet for octet (`ipsp_channel`), only the radio is not: PDUs wait in one
queue, ordered by time, and `receive` moves the clock to whatever is due next (a PDU, a timer of the node's, the
deadline). With a connection interval set, a PDU waits for the next connection event. The node makes its own end of a
channel, so a node that cuts too long, overspends its credits or refuses the service is a node with one method changed.

`ipsp_memory:?mtu=1500&mps=64&credits=5` are our own terms.
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import parse_qsl

from rigs.air.events import ConnectionEvents, in_words
from rigs.air.settings import AirSettings
from rigs.air.way import Way
from rigs.links.ipsp.channel import Channel, Terms
from rigs.links.ipsp.channel_link import ChannelLink, Refused, Role
from rigs.links.memory.link import DUT, TESTER
from rigs.model import LinkClosed, Received, RigError

if TYPE_CHECKING:
    from rigs.bench import Bench
    from rigs.configuration.models import RigFile

_OCTET: Final = 8e-6  # LE 1M
_PREAMBLE: Final = 192e-6
_ANOTHER: Final = bytes.fromhex("c00000000003")
_PATIENCE: Final = 2.0
_KINDS: Final = {0b11: "static", 0b01: "resolvable"}


class ChannelNode(Protocol):
    """What the link asks of its node. `peer` is the tester's device address on a connection."""

    def device_address(self) -> bytes:
        """The address for the next connection: 6 octets, big-endian."""

    def meets(self, peer: bytes) -> bool:
        """Whether it lets itself be connected with, or connects to, this device."""

    def make_channel(self, peer: bytes, send: Callable[[int, bytes], None]) -> Channel:
        """Its end of the channel on that connection."""

    def connected(self, peer: bytes, now: float) -> None:
        """The channel is open."""

    def disconnected(self, peer: bytes) -> None:
        """The connection is gone."""

    def hear_from(self, peer: bytes, frame: bytes, now: float) -> list[tuple[bytes, bytes]]:
        """Take one SDU in; (peer, SDU) of what it says to that."""

    def wake_up(self, now: float) -> list[tuple[bytes, bytes]]:
        """Do what is due, and what was asked for from the node's own side."""

    def next_timer(self) -> float | None:
        """When `wake_up` has something to do next; None when it never has."""

    def services(self) -> list[str]:
        """What GATT discovery finds at it."""

    def serve(self) -> None:
        """Be told that it is to serve the channel."""

    def hear_pdu(self, channel: Channel, cid: int, pdu: bytes) -> None:
        """Take one PDU of a connection in, at its end of the channel."""


class Wire:
    """The medium: one clock, one node, one queue of what is under way."""

    def __init__(self) -> None:
        self.now = 0.0
        #: The connection interval in seconds; 0: there are no events.
        self.interval = 0.0
        self._events: dict[str, ConnectionEvents] = {}
        self.node: ChannelNode | None = None
        self.links: dict[bytes, MemoryChannel] = {}
        self._queue: list[tuple[float, int, Callable[[], None], int]] = []
        self._serial = count()

    def pace(self, interval: float, losses: AirSettings) -> None:
        """Deliver at connection events only; 0 is at once."""
        self.interval = interval
        self._events = {
            way: ConnectionEvents(interval, Way(losses, f"{losses.seed}/{way}").loses)
            for way in ("there", "back")
            if interval
        }

    def carry(self, deliver: Callable[[], None], octets: int, way: str) -> None:
        """Deliver some octets at the next connection event, or at once; what was sent first comes first."""
        events = self._events.get(way)
        event = events.arrival(self.now, octets) if events else self.now
        heapq.heappush(self._queue, (event, next(self._serial), deliver, octets))

    def step(self, deadline: float) -> bool:
        """Let the next thing happen that is due until `deadline`; False (and it is `deadline`) when there is none."""
        assert self.node is not None
        timer = self.node.next_timer()
        if self._queue and (timer is None or self._queue[0][0] <= timer) and self._queue[0][0] <= deadline:
            time, _, deliver, octets = heapq.heappop(self._queue)
            self.now = max(self.now, time)
            if not self._events:
                self.now += _PREAMBLE + _OCTET * octets
            deliver()
        elif timer is not None and timer <= deadline:
            self.now = max(self.now, timer)
            self.say(self.node.wake_up(self.now))
        else:
            self.now = max(self.now, deadline)
            return False
        return True

    def settle(self) -> None:
        """Let everything happen that is due now."""
        while self._queue and self._queue[0][0] <= self.now:
            self.step(self.now)

    def say(self, sdus: list[tuple[bytes, bytes]]) -> None:
        """Pass what the node says on to its ends of the channels."""
        for peer, sdu in sdus:
            link = self.links.get(peer)
            if link is not None and link.there is not None:
                link.there.send(sdu)


class MemoryChannel(ChannelLink):
    """The tester's end of one connection; `dut` is the address that the node came with."""

    clock = "virtual"

    def __init__(self, wire: Wire, tester: bytes, terms: Terms) -> None:
        self._wire, self.tester, self._terms = wire, tester, terms
        self.dut = DUT["ble"]
        self.mtu = 1280
        self.channel = Channel(terms, self._send_pdu, self._on_sdu)
        self.there: Channel | None = None
        self._heard: deque[Received] = deque()
        self._away = True
        self._closed = False
        self._connection = 0
        self._loss, self._random = 0.0, random.Random(0)

    # -- Link -------------------------------------------------------------------------------------------------

    def attach(self, node: ChannelNode) -> None:
        """Put `node` at the other end; `reconnect` opens the channel."""
        self._wire.node = node
        self.dut = node.device_address()

    def now(self) -> float:
        return self._wire.now

    def send(self, frame: bytes) -> None:
        self._check()
        if not self._away and self._random.random() >= self._loss:
            self.channel.send(frame)
            self._wire.settle()

    def receive(self, deadline: float) -> Received | None:
        while not self._heard:
            self._check()
            if not self._wire.step(deadline):
                break
        return self._heard.popleft() if self._heard else None

    def close(self) -> None:
        self._closed = True

    def _check(self) -> None:
        if self._closed or self._wire.node is None:
            raise LinkClosed("the in-memory channel is closed")
        if not self._away and self.channel.state != "open":
            raise LinkClosed(f"the IPSP channel is {self.channel.state}")

    # -- the two ends -----------------------------------------------------------------------------------------

    def _send_pdu(self, cid: int, pdu: bytes) -> None:
        connection, there = self._connection, self.there

        def deliver() -> None:
            if connection == self._connection and there is not None and self._wire.node is not None:
                self._wire.node.hear_pdu(there, cid, pdu)

        self._wire.carry(deliver, len(pdu) + 4, "there")

    def _send_back(self, cid: int, pdu: bytes) -> None:
        connection = self._connection

        def deliver() -> None:
            if connection == self._connection:
                self.channel.hear(cid, pdu)

        self._wire.carry(deliver, len(pdu) + 4, "back")

    def _on_sdu(self, sdu: bytes) -> None:
        if self._random.random() >= self._loss:
            self._heard.append(Received(sdu, self._wire.now, self.clock))

    def _at_the_dut(self, sdu: bytes) -> None:
        node = self._wire.node
        assert node is not None
        self._wire.say(node.hear_from(self.tester, sdu, self._wire.now))

    # -- what only a channel can do ---------------------------------------------------------------------------

    def _act(self, function: Callable[..., object], *arguments: object) -> None:
        function(*arguments)
        self._wire.settle()

    def reconnect(self, terms: Terms | None = None, role: Role | None = None, *, renew: bool = True) -> None:
        node = self._wire.node
        if self._closed or node is None:
            raise LinkClosed("the in-memory channel is closed")
        self.disconnect()
        if renew:
            node.serve()
        self._connection += 1
        self.dut = node.device_address()
        if not node.meets(self.tester):
            raise RigError("the DUT does not connect")
        self._wire.links[self.tester] = self
        self.channel.terms, self.channel.generous, self.channel.segment = terms or self._terms, True, None
        self.there = node.make_channel(self.tester, self._send_back)
        self.there.on_sdu = self._at_the_dut
        opening = self.there if role == "central" else self.channel
        opening.ask()
        end = self._wire.now + _PATIENCE
        while opening.state == "asked" and self._wire.step(end):
            pass
        if opening.state != "open" or self.channel.state != "open":
            self.disconnect()
            raise Refused(opening.refused)
        self._away, self.mtu = False, min(1280, self.channel.peer.mtu)
        self._heard.clear()
        node.connected(self.tester, self._wire.now)

    def disconnect(self) -> None:
        if self.there is not None and self._wire.node is not None:
            self._wire.node.disconnected(self.tester)
        self._away, self.there = True, None
        self._connection += 1  # what is under way belongs to no connection any more
        if self._wire.links.get(self.tester) is self:
            del self._wire.links[self.tester]
        self.channel.lost()

    def wait_closed(self, deadline: float) -> bool:
        while self.channel.state != "closed":
            if not self._wire.step(deadline):
                return False
        return True

    def request(self, spsm: int) -> int | None:
        self._act(self.channel.probe, spsm)
        end = self._wire.now + _PATIENCE
        while self.channel.probed is None and self._wire.step(end):
            pass
        return self.channel.probed

    def lose(self, share: float, seed: int = 0) -> None:
        self._loss, self._random = share, random.Random(seed)

    @property
    def medium(self) -> str:
        """Memory, with what it makes of the time of connection events."""
        return f"memory, {in_words(self._wire.interval)}"

    def interval(self, seconds: float, losses: AirSettings | None = None) -> None:
        self._wire.pace(seconds, losses or AirSettings())

    @contextmanager
    def another(self, address: bytes | None = None) -> Iterator[MemoryChannel]:
        address = _ANOTHER if address is None else address
        link = MemoryChannel(self._wire, address, self._terms)
        link.reconnect()
        try:
            yield link
        finally:
            link.disconnect()
            self.channel.breaches += link.taken_breaches()

    def services(self) -> list[str] | None:
        return self._wire.node.services() if self._wire.node is not None else None

    @property
    def dut_address_kind(self) -> str:
        return _KINDS.get(self.dut[0] >> 6, "non-resolvable")

    @property
    def peer_address(self) -> bytes:
        return self.dut


def _terms(address: str) -> Terms:
    name, _, query = address.partition("?")
    given = dict(parse_qsl(query, keep_blank_values=True))
    if name or (unknown := given.keys() - {"mtu", "mps", "credits"}):
        raise ValueError(f"there are mtu, mps and credits, not {name or next(iter(unknown))}")
    for key, value in given.items():
        if not value.isdecimal():
            raise ValueError(f"{key}: expected a whole number; found {value!r}")
    return Terms(**{key: int(value) for key, value in given.items()})


def misread(address: str) -> str:
    """What is wrong with what stands behind "ipsp_memory:"; empty where nothing is."""
    try:
        _terms(address)
    except ValueError as error:
        return str(error)
    return ""


def open_link(bench: Bench, address: str, rig: RigFile) -> MemoryChannel:
    """Open `ipsp_memory:`; a node of this process attaches itself. Raises `RigError`."""
    try:
        terms = _terms(address)
    except ValueError as error:
        raise RigError(f"{rig.path}: tester.link: ipsp_memory:{address}: {error}") from error
    return bench.resource("memory", lambda: MemoryChannel(Wire(), TESTER["ble"], terms))
