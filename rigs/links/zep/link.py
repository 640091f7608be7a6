"""`zep:[::1]:17754`: the ZigBee Encapsulation Protocol over UDP, the radio of simulated nodes such as RIOT native.

Strategy: the tester binds the address of the rig file and the node is told it (`-z [::1]:17754`); who spoke last is
the node, because one that reboots comes back from another port. Nothing acknowledges on this medium, therefore
`rigs.links.acknowledgement` does. What this radio does not hear, as no radio would: other channels, frames with a wrong
FCS, datagrams that are no ZEP; a complaint counts them.

A node must send something: only then is it known where it is. One that starts does of itself; one that ran before
(behind a terminal of its own) is made to ping all nodes by its adapter, twice: what it sent while nobody had the port
left an error behind (ECONNREFUSED), which its socket returns in the place of sending the next frame. Its EUI-64 is the
rig file's `dut.address`, else the one in its hello (type 255), else the source of the first frame that it sends.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import select
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rigs import clock, registry
from rigs.links.acknowledgement import Acknowledger, AcknowledgingLink
from rigs.links.arrivals import Arrivals
from rigs.links.zep.datagram import DATA, HELLO, ZepError, unwrap, wrap
from rigs.links.zep.ports import users_of_port
from rigs.model import Health, RadioLost, Received, RigError, Unsupported, overdue
from rigs.registry import Missing
from sixlowpan import DecodeError, mac

if TYPE_CHECKING:
    from rigs.bench import Bench
    from rigs.configuration.models import RigFile

#: Seconds in which a node must have sent something once it was started; and in which one that ran before may, unasked.
SPEAKS, UNASKED = 15.0, 2.0
#: Seconds in which one that is heard on another channel or in another PAN may still be heard where it should be.
ASTRAY: Final = 2.0
_ALL_NODES: Final = bytes.fromhex("ff020000000000000000000000000001")
TESTER_EUI64: Final = bytes.fromhex("02005efffe00002a")
_ADDRESS: Final = re.compile(r"(?:\[(?P<six>[^\]]+)\]|(?P<host>[^:\[\]]+)):(?P<port>\d{1,5})")
_WANTED: Final = "expected HOST:PORT, as in zep:[::1]:17754 or zep:127.0.0.1:17754"
_SWITCH: Final = 5e-4  # seconds
#: Seconds. RIOT's driver acknowledges a frame before it is done with it, and ends in an assertion (2026.07:
#: netdev_ieee802154_submac.c:365) when the next one, or a repetition of the same, comes in between: RX_DONE in the
#: same pass as the TX_DONE of its acknowledgement. It is given the time, on a busy machine as well: until it sleeps.
#: That is enough: a datagram on the loopback interface has made the node runnable (SIGIO) when `sendto` returns, and it
#: sleeps only in its idle thread, when every other has done its work. `_REST` is for a node whose process nobody knows.
_ACK_WAIT: Final = 0.5
_REST: Final = 2e-3
#: Seconds around a frame that nobody acknowledges: while RIOT takes in or sends another, it is gone. It sleeps while it
#: sends: a timer stands for the time on the air, 4.3 ms at most, which this must exceed.
_AROUND: Final = 15e-3
_KEPT: Final = 1 << 16  # frames that nobody asks for
#: RIOT native is given its EUI-64 on its own command line (`rigs.registry.hears_the_address`).
HEARS_THE_ADDRESS: Final = True


class ZepLink(AcknowledgingLink):
    """Frames to and from the one node that speaks ZEP to the tester's UDP port.

    `host` and `port` are bound; `dut` is empty until it is known (`await_node`).
    """

    auto_ack = True
    medium = "UDP in the place of a radio (ZEP)"

    def __init__(
        self,
        host: str,
        port: int,
        *,
        pan: bytes,
        channel: int,
        dut: bytes = b"",
        dut_short: bytes = b"",
        tester: bytes = TESTER_EUI64,
    ) -> None:
        self.pan, self.tester, self.dut, self.dut_short = pan, tester, dut, dut_short
        self.name = f"zep:[{host}]:{port}" if ":" in host else f"zep:{host}:{port}"
        self._channel = channel
        self._socket = _bind(host, port, self.name)
        self._arrivals = Arrivals(self._check, kept=_KEPT)
        self._arrived = self._arrivals.changed
        self._node: tuple[str, int] | None = None  # where it spoke from last
        self._not_heard: Counter[str] = Counter()
        self._channels: set[int] = set()  # others, on which frames came
        self._astray = 0.0  # when the first frame came on another channel or in another PAN (`clock.now`)
        self._sequence = 0
        self._closed = False
        self._waker = os.eventfd(0)
        #: Acknowledges, repeats and drops repetitions; counts what was repeated and never acknowledged.
        self.radio = Acknowledger(
            self._transmit, wait=_ACK_WAIT, rest=_REST, around=_AROUND, busy=self._node_is_busy
        )
        #: Whether the node's adapter sees to the PAN: it tells it ours, or says that it is in another.
        self.tuned = False
        #: Tells the node's process, where it is one of this host's; None: nobody knows what it is doing.
        self.process: Callable[[], int | None] = lambda: None
        # macAckWaitDuration is 0.9 ms: who acknowledges must not wait for its turn as long as threads do by default.
        self._interval = sys.getswitchinterval()
        sys.setswitchinterval(min(self._interval, _SWITCH))
        self._reader = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._reader.start()

    @property
    def port(self) -> int:
        """The UDP port that is bound."""
        return int(self._socket.getsockname()[1])

    def await_node(self, health: Callable[[], Health], speaks: float = SPEAKS) -> None:
        """Wait until the node has spoken and its EUI-64 is known.

        Raises `RigError` when it says nothing, or nothing that can be heard, within `speaks` seconds, `ASTRAY` seconds
        after it was heard on another channel or in another PAN, and at once when `health` tells that it is gone.
        """
        began = clock.now()
        deadline = began + speaks
        with self._arrived:
            while not (self._node and self.dut):
                state = health()
                if state.state != "alive":
                    raise RigError(f"{self.name}: the node {_gone(state)} before it spoke: {state.detail}")
                if self._astray:
                    deadline = min(deadline, max(began, self._astray) + ASTRAY)
                left = deadline - clock.now()
                if left <= 0:
                    raise overdue(RigError(self._complaint(clock.now() - began)))
                self._arrived.wait(min(left, 0.25))  # `health` wakes nobody

    def send(self, frame: bytes) -> None:
        """Put one frame on the medium; wait for its ACK when it asks the node for one. Raises `RadioLost`."""
        self._check()
        self.radio.send(frame, awaits=self._for_the_dut(frame))

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self.lost("closed")
        sys.setswitchinterval(self._interval)
        os.eventfd_write(self._waker, 1)
        self._reader.join(5)
        self._socket.close()
        os.close(self._waker)

    def passed_over(self) -> str:
        return ", ".join(f"{n} x {why}" for why, n in self._not_heard.most_common(4))

    def _node_is_busy(self) -> bool:
        """Whether the node's process runs, or waits for a CPU to run on (proc(5), /proc/PID/stat)."""
        process = self.process()
        if process is None:
            return False
        try:
            state = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
        except OSError:  # it has ended
            return False
        return state.rpartition(")")[2].split()[0] == "R"

    def _for_the_dut(self, frame: bytes) -> bool:
        try:
            header, _ = mac.parse(frame)
        except DecodeError:
            return False
        return (
            header.type == mac.DATA
            and header.dst_pan == self.pan
            and header.dst in {self.dut, self.dut_short} - {b""}
        )

    def _transmit(self, frame: bytes) -> None:
        if self._node is None:
            return  # nobody is there; `await_node` complains
        self._sequence += 1
        try:
            self._socket.sendto(wrap(frame, self._channel, self._sequence), self._node)
        except OSError as error:
            self.lost(f"cannot be sent to: {error.strerror or error}")
            self._check()

    def _run(self) -> None:
        poll = select.poll()
        for descriptor in (self._socket.fileno(), self._waker):
            poll.register(descriptor, select.POLLIN)
        while not self._gone:
            poll.poll()
            try:
                data, node = self._socket.recvfrom(2048)
            except (BlockingIOError, ConnectionError):  # nothing; or what was sent to a node that is gone
                continue
            except OSError as error:
                self.lost(f"cannot be heard any more: {error.strerror or error}")
                return
            with contextlib.suppress(RadioLost):  # an acknowledgement cannot be sent: the loop ends
                self._take(data, (node[0], node[1]), time.monotonic())

    def _take(self, data: bytes, node: tuple[str, int], at: float) -> None:
        try:
            kind, channel, body = unwrap(data)
        except ZepError as error:
            self._not_heard[str(error)] += 1
            return
        if kind == DATA and channel != self._channel:
            self._channels.add(channel)
            self._strays()
            self._not_heard[f"a frame on channel {channel} (tester.channel is {self._channel})"] += 1
            return
        with self._arrived:
            self._node = node
            if kind == HELLO:
                self.dut = self.dut or (body if len(body) == 8 else b"")
            self._arrived.notify_all()
        if kind == DATA and self.radio.heard(body):
            with self._arrived:
                self.dut = self.dut or self._source(body)
            self._arrivals.put(Received(body, at, self.clock))

    def _strays(self) -> None:
        """The node speaks, but not where it is listened to."""
        with self._arrived:
            self._astray = self._astray or clock.now()
            self._arrived.notify_all()

    def _source(self, frame: bytes) -> bytes:
        """The EUI-64 that a frame in our PAN comes from, or one in any PAN where the node is yet to be told ours."""
        try:
            header, _ = mac.parse(frame)
        except DecodeError:
            return b""
        if header.pan != self.pan and not self.tuned:
            self._strays()
            shown = "none" if header.pan is None else f"0x{header.pan.hex()}"
            self._not_heard[f"a frame of PAN {shown} (tester.pan is 0x{self.pan.hex()})"] += 1
            return b""
        if len(header.src) != 8:
            self._not_heard[f"a frame from the short address {header.src.hex() or 'none'}"] += 1
        return header.src if len(header.src) == 8 else b""

    def _complaint(self, speaks: float) -> str:
        what = "frame with the node's EUI-64 (set dut.address)" if self._node else "frame from the node"
        heard = self.passed_over()
        told = "nothing came: was the node started with this host and port? If it ran before, start it anew"
        seen = f"what came: {heard}{self._remedy()}" if heard else told
        return f"{self.name}: no {what} within {speaks:.3g} s on channel {self._channel}; {seen}"

    def _remedy(self) -> str:
        """What to do where the node is heard on one other channel."""
        if len(self._channels) != 1:
            return ""
        return f"; to do: tester.channel = {next(iter(self._channels))} in the rig file"


def _gone(state: Health) -> str:
    return state.state if state.state == "crashed" else f"was {state.state}"


def _bind(host: str, port: int, name: str) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as error:
        raise RigError(
            f"{name}: {host} is no host that is known: {error.strerror}; correct its name, or write an address"
        ) from error
    try:
        bound.setblocking(False)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise RigError(f"{name}: {_why_not(host, port, error)}") from error
    return bound


def _why_not(host: str, port: int, error: OSError) -> str:
    """Why a port cannot be bound, and what to do about it."""
    if error.errno == errno.EADDRINUSE:
        whose = users_of_port(port) or "another process"
        return f"the UDP port is held by {whose}; end it, or set another port in tester.link and dut.console"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine; name one of its own: the tester listens there"
    return f"cannot be bound: {error.strerror}; set another port in tester.link and dut.console"


def misread(rest: str) -> str:
    """What is wrong with what stands behind "zep:"; empty where nothing is."""
    found = _ADDRESS.fullmatch(rest)
    return "" if found and int(found["port"]) <= 65535 else _WANTED


def check(rig: RigFile) -> list[Missing]:
    """Whether the UDP port can be bound here."""
    scheme, _, rest = rig.tester.link.partition(":")
    if wrong := misread(rest):
        return [Missing(f"tester.link: {rig.tester.link} cannot be read", wrong)]
    try:
        host, port = _host_and_port(rest, rig)
        _bind(host, port, f"{scheme}:{rest}").close()
    except RigError as error:
        what, _, remedy = str(error).partition("; ")
        return [Missing(f"tester.link: {what}", remedy)]
    return []


def _host_and_port(address: str, rig: RigFile) -> tuple[str, int]:
    found = _ADDRESS.fullmatch(address)
    if found is None or misread(address):
        raise RigError(f"{rig.path}: tester.link: zep:{address}: {_WANTED}")
    return found["six"] or found["host"], int(found["port"])


def open_link(bench: Bench, address: str, rig: RigFile) -> ZepLink:
    """Open `zep:HOST:PORT`, start the node behind the DUT's console and wait until it speaks. Raises `RigError`."""
    host, port = _host_and_port(address, rig)
    link = bench.resource(
        "zep",
        lambda: ZepLink(
            host,
            port,
            pan=rig.tester.pan_octets,
            channel=rig.tester.channel,
            dut=rig.dut.address or b"",
            dut_short=rig.dut.short or b"",
            tester=rig.tester.address or TESTER_EUI64,
        ),
    )
    console = registry.open_console(bench, rig.dut.console, rig) if rig.dut.console else None
    link.tuned = console is not None
    link.process = lambda: getattr(console, "pid", None)  # another one when it was started anew
    health = console.health if console else lambda: Health("alive")

    def spoken(seconds: float) -> None:
        try:
            link.await_node(health, seconds)
        except RigError as error:
            if health().state == "alive":
                raise
            raise RigError(f"dut.console: {error}") from error

    if console is None or console.restarts:
        spoken(SPEAKS)
        return link
    try:
        spoken(UNASKED)
    except RigError:
        if health().state != "alive":
            raise
        node = registry.open_node(bench, rig)  # it shares the console; that of the rig is opened behind us
        with contextlib.suppress(Unsupported):
            node.ping(_ALL_NODES, 8, 1, 1)
            with contextlib.suppress(RigError):  # `spoken` says it below
                spoken(UNASKED)
                return link
            node.ping(_ALL_NODES, 8, 1, 1)
        spoken(SPEAKS)
    return link
