"""`slip_radio:127.0.0.1:60001`: we are the radio of a node that keeps its own radio behind SLIP, on a TCP port of ours.

Strategy: the DUT (Contiki-NG's native border router) is the client, so this link listens, and a node that starts
anew connects anew. Inside SLIP (RFC 1055) go messages of two octets and a body, or a frame as it is, without FCS:

    to us     ?M                         the DUT asks for its EUI-64
              !S sid n n*(id, u16) frame transmit this frame; n attributes stand before it
    to it     !M EUI-64                  its address, which is `dut`
              !R sid status count        what became of a transmission: always "acknowledged at the first try"
              frame                      a frame that was received

So the radio itself acknowledges and filters, and no acknowledgement frame is on the medium. Two oddities are met
here. A frame whose first octet is one of "!", "?" and CR would be taken as a message: it cannot be sent, and saying
so is all that an honest radio can do (`Unsupported`). And the DUT's main loop sleeps for up to a second even when
fragments wait for their turn, unless something arrives: an empty SLIP packet (a lone END, which RFC 1055 lets
anybody send) wakes it, and is sent whenever the line was quiet for `QUIET` seconds.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from typing import TYPE_CHECKING, Final

from rigs import clock
from rigs.links.arrivals import Arrivals
from rigs.model import Link, LinkClosed, Received, RigError, Unsupported

if TYPE_CHECKING:
    from rigs.bench import Bench
    from rigs.configuration.models import RigFile

END, ESC, ESC_END, ESC_ESC = 0xC0, 0xDB, 0xDC, 0xDD  # RFC 1055

DUT: Final = bytes.fromhex("02124b0000000001")
TESTER: Final = bytes.fromhex("02124b00000000aa")

#: First octets by which the DUT knows what is no frame: message, request, debug text.
RESERVED: Final = b"!?\r"
#: Seconds after which an END is sent into a quiet line.
QUIET: Final = 0.008
#: Seconds that the DUT may leave unread what it is sent.
STUCK: Final = 5.0
#: A packet on this line is far smaller; what is longer is noise and dropped.
LONGEST: Final = 2048


def pack(message: bytes) -> bytes:
    """One SLIP packet: the message escaped, then END (RFC 1055)."""
    escaped = message.replace(bytes([ESC]), bytes([ESC, ESC_ESC])).replace(
        bytes([END]), bytes([ESC, ESC_END])
    )
    return escaped + bytes([END])


class Unpacker:
    """The messages in a stream of SLIP packets, cut anywhere. An escape that RFC 1055 lacks stands for its octet."""

    def __init__(self) -> None:
        self._message = bytearray()
        self._escaped = False

    def feed(self, data: bytes) -> list[bytes]:
        """Return the messages that `data` completes, without empty ones."""
        done = []
        for octet in data:
            if octet == END:
                if self._message and len(self._message) <= LONGEST:
                    done.append(bytes(self._message))
                self._message.clear()
                self._escaped = False
            elif self._escaped:
                self._escaped = False
                self._message.append({ESC_END: END, ESC_ESC: ESC}.get(octet, octet))
            elif octet == ESC:
                self._escaped = True
            elif len(self._message) <= LONGEST:
                self._message.append(octet)
        return done


class SlipRadio(Link):
    """The medium around one DUT: what it has transmitted, the tester hears, and the other way round."""

    kind = "ieee802154"
    any_source = True
    medium = "a wire in the place of a radio (SLIP)"
    #: `!R` tells the DUT that it was acknowledged; acknowledgement frames are never seen by anybody.
    auto_ack = False

    def __init__(self, host: str, port: int, dut: bytes, tester: bytes, pan: bytes) -> None:
        self.dut, self.tester, self.pan = dut, tester, pan
        self.address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._arrivals = Arrivals(self._check)
        self._arrived = self._arrivals.changed
        self._line: socket.socket | None = None
        self._writing = threading.Lock()
        self._why = "no DUT has connected to it yet"
        self._closed = False
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self._listener = socket.create_server((host, port), family=family)
        except OSError as error:
            raise RigError(
                f"slip_radio:{self.address}: cannot listen there: {error.strerror or error}"
            ) from error
        #: Where we listen; the port that was chosen when 0 was asked for.
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, name="slip radio", daemon=True)
        self._thread.start()

    def send(self, frame: bytes) -> None:
        if frame[:1] and frame[0] in RESERVED:
            raise Unsupported(
                f"a frame that begins with {frame[0]:02x}: on a SLIP radio's line that is no frame but a message"
            )
        self._write(frame)

    def _check(self) -> None:
        if self._closed or self._line is None:
            raise LinkClosed(f"slip_radio:{self.address}: {self._why}")

    def receive(self, deadline: float) -> Received | None:
        return self._arrivals.take(deadline)

    def connected(self, deadline: float) -> bool:
        """Wait until a DUT is connected; False at the deadline."""
        with self._arrived:
            while self._line is None and (left := deadline - clock.now()) > 0:
                self._arrived.wait(left)
            return self._line is not None

    def close(self) -> None:
        with self._arrived:
            self._closed, self._why = True, "closed"
            line = self._line
            self._arrived.notify_all()
        for end in (self._listener, line):
            if end is not None:
                with contextlib.suppress(OSError):  # not connected, or no longer
                    end.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._listener.close()

    def _write(self, message: bytes) -> None:
        line = self._line
        if line is None:
            raise LinkClosed(f"slip_radio:{self.address}: {self._why}")
        try:
            self._push(line, message)
        except OSError as error:
            raise LinkClosed(f"slip_radio:{self.address}: the DUT's line broke: {error}") from error

    def _push(self, line: socket.socket, message: bytes) -> None:
        with self._writing:
            line.sendall(pack(message))

    def _serve(self) -> None:
        while not self._closed:
            try:
                line, peer = self._listener.accept()
            except OSError:  # `close` shut it down
                return
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with line:
                self._attach(line, "")
                self._attach(None, self._listen(line) or f"the DUT at {peer[0]}:{peer[1]} closed the line")

    def _attach(self, line: socket.socket | None, why: str) -> None:
        with self._arrived:
            if not self._closed:
                self._line, self._why = line, why
            self._arrived.notify_all()

    def _listen(self, line: socket.socket) -> str:
        """Handle what the DUT says until its line ends; return why it did."""
        unpacker = Unpacker()
        line.settimeout(STUCK)
        try:
            while True:
                if not select.select([line], [], [], QUIET)[0]:
                    self._push(line, b"")  # wakes a DUT that sleeps on fragments of its own
                    continue
                data = line.recv(65536)
                if not data:
                    return ""
                for message in unpacker.feed(data):
                    self._handle(line, message)
        except OSError as error:
            return f"the DUT's line broke: {error}"

    def _handle(self, line: socket.socket, message: bytes) -> None:
        stamp = time.monotonic()
        if message == b"?M":
            self._push(line, b"!M" + self.dut)
        elif message[:2] == b"!S" and len(message) >= 4:
            body = 4 + 3 * message[3]
            if len(message) <= body:  # no frame in it
                return
            self._arrivals.put(Received(message[body:], stamp, self.clock))
            self._push(line, b"!R" + bytes([message[2], 0, 1]))
        # Anything else sets or asks for what this radio has not (channel, power), and needs no answer.


def open_link(bench: Bench, address: str, rig: RigFile) -> SlipRadio:
    """Listen for the DUT at `slip_radio:HOST:PORT`. Raises `RigError`."""
    del bench
    host, port = endpoint(address, rig)
    dut, tester = rig.dut.address or DUT, rig.tester.address or TESTER
    for key, link_address in (("dut.address", dut), ("tester.address", tester)):
        if len(link_address) != 8:
            raise RigError(f"{rig.path}: {key}: a SLIP radio needs an EUI-64, 8 octets")
    return SlipRadio(host, port, dut, tester, rig.tester.pan_octets)


def misread(address: str) -> str:
    """What is wrong with what stands behind "slip_radio:"; empty where nothing is."""
    host, _, port = address.rpartition(":")
    right = host and port.isdecimal() and int(port) <= 65535
    return "" if right else "name where to listen, such as slip_radio:127.0.0.1:60001"


def endpoint(address: str, rig: RigFile) -> tuple[str, int]:
    """(host, port) of what stands behind `slip_radio:`. Raises `RigError`."""
    if wrong := misread(address):
        raise RigError(f"{rig.path}: tester.link: slip_radio:{address}: {wrong}")
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)
