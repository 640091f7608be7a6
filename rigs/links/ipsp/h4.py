"""H4 (Bluetooth Core, Vol 4, Part A) between a virtual controller and a host elsewhere; `ipsp:h4:HOST:PORT`.

Strategy: a guest of ours hands us its stream. A stack in an emulator has a Bluetooth host and no controller. The
emulator connects the port on which the host speaks H4 (Zephyr: `zephyr,bt-uart`) to a socket (QEMU:
`-serial tcp:HOST:PORT`). There we listen; whoever connects gets the DUT's controller, a new one each time, so that an
emulator that is started anew begins with nothing of the old connection.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from bumble.transport.common import PacketParser

from rigs.links.ipsp.medium import Controller
from rigs.links.ipsp.settings import place
from rigs.model import RigError


class Bridge(asyncio.Protocol):
    """A host's H4 stream and its controller, passed on to each other in the loop."""

    def __init__(self, controller: Controller) -> None:
        self._parser = PacketParser(controller)
        self._stream: asyncio.Transport | None = None
        self._gone = asyncio.Event()
        controller.host = self

    async def open(self, stream: socket.socket) -> None:
        """Begin; the socket is duplicated, so that its owner can still close it."""
        made = await asyncio.get_running_loop().create_connection(lambda: self, sock=stream.dup())
        self._stream = made[0]

    async def ended(self) -> None:
        """Wait until the host is gone."""
        await self._gone.wait()

    def close(self) -> None:
        """Hang up on the host. May be called twice."""
        if self._stream is not None:
            self._stream.close()

    def on_packet(self, packet: bytes) -> None:
        """Take a packet of the controller's."""
        if self._stream is not None and not self._stream.is_closing():
            self._stream.write(packet)

    def data_received(self, data: bytes) -> None:
        """Take octets of the host's."""
        self._parser.feed_data(data)

    def connection_lost(self, error: Exception | None) -> None:
        """The host is gone."""
        del error
        self._gone.set()


class HostSocket:
    """Where the DUT's Bluetooth host connects to; one connection at a time, one after the other."""

    def __init__(self, where: str, controller: Callable[[], Controller]) -> None:
        """Listen at `where` (HOST:PORT, see `place`). `controller` makes the DUT's, in the loop. Raises `RigError`."""
        host, port = place(where)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._listener = socket.create_server((host, port), family=family, backlog=1)
        except OSError as error:
            raise RigError(f"tester.link: ipsp:h4:{where}: cannot listen there: {error.strerror}") from error
        self._listener.setblocking(False)
        self.port = int(self._listener.getsockname()[1])
        self._controller = controller

    async def serve(self) -> None:
        """Take whoever connects; runs until it is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            stream, _ = await loop.sock_accept(self._listener)
            controller = self._controller()
            with stream:
                stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                bridge = Bridge(controller)
                await bridge.open(stream)
            try:
                await bridge.ended()
            finally:
                controller.power_off()

    def close(self) -> None:
        """Listen no more. May be called twice."""
        self._listener.close()
