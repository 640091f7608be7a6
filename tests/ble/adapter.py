"""A Bluetooth adapter behind a TCP port, as Bumble's `tcp-client:` finds one: a virtual controller on a medium."""

import asyncio
import socket

from rigs.links.ipsp.bench import TESTER
from rigs.links.ipsp.h4 import Bridge
from rigs.links.ipsp.medium import Controller


class AdapterPort:
    """Whoever connects gets an adapter; when he goes, its links end as when nobody answers. Made in the loop."""

    def __init__(self, medium):
        self._medium = medium
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.transport = f"tcp-client:127.0.0.1:{self._listener.getsockname()[1]}"
        #: The adapters that are in use.
        self.bridges = []
        self._endings = set()
        self._task = asyncio.get_running_loop().create_task(self._accept())

    async def _accept(self):
        with self._listener:
            while True:
                stream, _ = await asyncio.get_running_loop().sock_accept(self._listener)
                controller = Controller("tester", self._medium, TESTER.hex(":").upper())
                bridge = Bridge(controller)
                with stream:
                    await bridge.open(stream)
                self.bridges.append(bridge)
                ended = asyncio.get_running_loop().create_task(bridge.ended())
                ended.add_done_callback(lambda _, pair=(bridge, controller): self._gone(*pair))
                self._endings.add(ended)

    def unplug(self):
        """Take every adapter away from whoever has it."""
        for bridge in self.bridges:
            bridge.close()

    def _gone(self, bridge, controller):
        self.bridges.remove(bridge)
        controller.power_off()
