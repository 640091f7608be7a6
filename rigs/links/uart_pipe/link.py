"""`uart_pipe:HOST:PORT`: the air of Zephyr's UART pipe radio driver, a serial port of QEMU carried over TCP.

Strategy: the driver writes each frame to its UART as F0, a length octet and the PSDU without FCS, and reads the same.
We listen, because links are opened before nodes: QEMU connects when it starts (`-serial tcp:HOST:PORT`, as the serial
port that the driver uses, the second one on qemu_x86). One connection is one life of the DUT's radio; when it ends,
the link is closed, and the bench opens both anew. A UART never loses and never waits, therefore what a radio does
besides (acknowledging, pace) is `rigs.links.acknowledgement`'s. The driver makes its address up at every boot: unless
the rig file has `dut.address`, it is the source of the first data frame heard, and Zephyr speaks as soon as it is up.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
import time
from typing import TYPE_CHECKING, Final

from rigs import clock
from rigs.links.acknowledgement import Acknowledger, AcknowledgingLink
from rigs.links.arrivals import Arrivals
from rigs.model import LinkClosed, Received, RigError, overdue
from rigs.registry import Missing
from sixlowpan import DecodeError, mac

if TYPE_CHECKING:
    from rigs.bench import Bench
    from rigs.configuration.models import RigFile

#: What begins a frame on the wire (the driver's UART_PIPE_RADIO_15_4_FRAME_TYPE), and the longest PSDU.
START: Final = 0xF0
LONGEST: Final = 127
TESTER: Final = bytes.fromhex("02005efffe000002")
#: Seconds to wait for QEMU to connect, and for the DUT's first frame behind that.
PATIENCE: Final = 20.0
#: Frames kept that nobody has asked for.
_KEPT: Final = 1 << 14
_EUI64: Final = 8


class Deframer:
    """Octets of the wire to frames; what is no frame (boot noise of the port) is passed over and counted."""

    def __init__(self) -> None:
        self._octets = bytearray()
        #: Octets that belonged to no frame.
        self.noise = 0

    def feed(self, octets: bytes) -> list[bytes]:
        """Take octets, in portions of any size; return the frames that became whole, in order."""
        self._octets += octets
        frames = []
        while self._octets:
            start = self._octets.find(START)
            noise = len(self._octets) if start < 0 else start
            if noise == 0 and len(self._octets) > 1 and not 0 < self._octets[1] <= LONGEST:
                noise = 1  # no length: this octet was not the start of a frame
            self.noise += noise
            del self._octets[:noise]
            if noise:
                continue
            if len(self._octets) < 2 or len(self._octets) < 2 + self._octets[1]:
                break
            length = self._octets[1]
            frames.append(bytes(self._octets[2 : 2 + length]))
            del self._octets[: 2 + length]
        return frames


#: Zephyr's driver draws its EUI-64 anew at each start (`rigs.registry.hears_the_address`).
HEARS_THE_ADDRESS: Final = True


class UartPipeLink(AcknowledgingLink):
    """The tester's end of the wire: frames are PSDUs without FCS, from and to any address."""

    #: The driver has no acknowledgements; those that the stack itself asks for are given (`mac_ack`).
    auto_ack = False
    medium = "a wire in the place of a radio (uart_pipe)"

    def __init__(
        self,
        host: str,
        port: int,
        *,
        pan: bytes = b"\xab\xcd",
        tester: bytes = TESTER,
        dut: bytes = b"",
        patience: float = PATIENCE,
    ) -> None:
        """Listen at `host` and `port` (0: any that is free, see `port`). Raises `OSError`."""
        self.pan, self.tester, self._dut, self._learns = pan, tester, dut, not dut
        self._patience = patience
        self._arrivals = Arrivals(self._check, kept=_KEPT)
        self._arrived = self._arrivals.changed
        self._ended = ""  # why no frame comes any more
        self._connection: socket.socket | None = None
        self._writing = threading.Lock()  # a frame and an acknowledgement do not mix
        self._deframer = Deframer()
        self.radio = Acknowledger(self._transmit)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=1)
        self.host, self.port = host, int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._read, name=f"uart_pipe {self.where}", daemon=True)
        self._thread.start()

    @property
    def where(self) -> str:
        """HOST:PORT as QEMU's `-serial tcp:` wants it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def dut(self) -> bytes:  # type: ignore[override]
        """The DUT's EUI-64: that of the rig file, or waited for on the air. Raises `RigError`, `LinkClosed`."""
        deadline = clock.now() + self._patience
        if not self._arrivals.until(lambda: bool(self._dut), deadline):
            raise overdue(RigError(self._silence("no frame with an EUI-64 as its source was heard")))
        return self._dut

    def restarting(self) -> None:
        """Zephyr's driver draws the EUI-64 anew at each start."""
        if self._learns:
            with self._arrived:
                self._dut = b""

    def send(self, frame: bytes) -> None:
        """Send one PSDU of 1 to 127 octets; the first waits until QEMU has connected. Raises `LinkClosed`."""
        if not 0 < len(frame) <= LONGEST:
            raise RigError(f"uart_pipe:{self.where}: a frame has 1 to {LONGEST} octets, not {len(frame)}")
        self._connected()
        self.radio.send(frame, awaits=False)

    def close(self) -> None:
        self._end("it was closed")
        for one in (self._listener, self._connection):
            if one is not None:
                with contextlib.suppress(OSError):  # it is no more connected
                    one.shutdown(socket.SHUT_RDWR)  # wakes the reader
        self._thread.join(5)
        self._listener.close()
        if self._connection is not None:
            self._connection.close()

    def _connected(self) -> None:
        deadline = clock.now() + self._patience
        if not self._arrivals.until(lambda: self._connection is not None, deadline):
            raise overdue(LinkClosed(self._silence("nobody has connected")))

    def _check(self) -> None:
        if self._ended and not len(self._arrivals):
            raise LinkClosed(f"uart_pipe:{self.where}: {self._ended}")

    def _silence(self, what: str) -> str:
        return (
            f"uart_pipe:{self.where}: {what} within {self._patience:g} s: is the DUT started with "
            f"-serial tcp:{self.where} as the port of its uart_pipe radio, and is that in its firmware?"
        )

    def _transmit(self, frame: bytes) -> None:
        connection = self._connection
        try:
            if connection is None:
                raise LinkClosed(self._silence("nobody is connected"))
            with self._writing:
                connection.sendall(bytes((START, len(frame))) + frame)
        except OSError as error:
            raise LinkClosed(f"uart_pipe:{self.where}: cannot be written to: {error}") from error

    def _read(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:  # closed before anybody came
            return
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._arrived:
            if self._ended:  # `close` came between
                connection.close()
                return
            self._connection = connection
            self._arrived.notify_all()
        why = "the DUT's end of the wire was closed"
        while True:
            try:
                octets = connection.recv(4096)
            except OSError as error:
                octets, why = b"", str(error)
            if not octets:
                self._end(why)
                return
            stamp = time.monotonic()
            for frame in self._deframer.feed(octets):
                self._file(frame, stamp)

    def _file(self, frame: bytes, stamp: float) -> None:
        try:
            wanted = self.radio.heard(frame)
        except LinkClosed:  # its ACK found the wire closed; the frame came all the same
            wanted = True
        if not wanted:
            return
        with self._arrived:
            self._dut = self._dut or _source(frame)
        self._arrivals.put(Received(frame, stamp, self.clock))

    def _end(self, why: str) -> None:
        with self._arrived:
            self._ended = self._ended or why
            self._arrived.notify_all()


def _source(frame: bytes) -> bytes:
    """The EUI-64 that a data frame comes from; empty when it says none."""
    try:
        header, _ = mac.parse(frame)
    except DecodeError:
        return b""
    return header.src if header.type == mac.DATA and len(header.src) == _EUI64 else b""


def parse(address: str) -> tuple[str, int]:
    """Read `HOST:PORT`, the host being of this machine only. Raises `ValueError`."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    if not port.isdecimal() or not 0 <= int(port) < 65536:
        raise ValueError("a port is missing")
    literal = "127.0.0.1" if host == "localhost" else host
    if not ipaddress.ip_address(literal).is_loopback:
        raise ValueError(f"{host} is no loopback address, and anybody could connect there")
    return literal, int(port)


def _parsed(address: str, rig: RigFile) -> tuple[str, int]:
    if wrong := misread(address):
        raise RigError(f"{rig.path}: tester.link: uart_pipe:{address}: {wrong}")
    return parse(address)


def misread(address: str) -> str:
    """What is wrong with what stands behind "uart_pipe:"; empty where nothing is."""
    try:
        parse(address)
    except ValueError as error:
        return f"expected uart_pipe:127.0.0.1:PORT ({error})"
    return ""


def check(rig: RigFile) -> list[Missing]:
    """Whether the address can be listened at."""
    address = rig.tester.link.partition(":")[2]
    try:
        host, port = _parsed(address, rig)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        socket.create_server((host, port), family=family).close()
    except (OSError, RigError) as error:
        return [
            Missing(
                f"a free TCP port for the link ({error})",
                "name another: tester.link=uart_pipe:127.0.0.1:PORT",
            )
        ]
    return []


def open_link(bench: Bench, address: str, rig: RigFile) -> UartPipeLink:
    """Open `uart_pipe:127.0.0.1:60071`: listen there until the DUT's QEMU connects. Raises `RigError`."""
    del bench
    host, port = _parsed(address, rig)
    try:
        return UartPipeLink(
            host,
            port,
            pan=rig.tester.pan_octets,
            tester=rig.tester.address or TESTER,
            dut=rig.dut.address or b"",
        )
    except OSError as error:
        raise RigError(
            f"{rig.path}: tester.link: uart_pipe:{address}: cannot listen there: {error.strerror}; "
            "is another run using it? Name another port, here and in the DUT's -serial tcp:"
        ) from error
