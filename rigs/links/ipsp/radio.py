"""The tester's Bluetooth host: Bumble over any HCI, a connection with one DUT, and our own IPSP channel on it.

Strategy: everything Bluetooth runs in one thread with one asyncio loop (`Loop`), and everybody else calls into it with
a deadline. Bumble keeps the connection, pairing and GATT; L2CAP PDUs are first shown to our `Channel`. What crosses the
HCI is kept with its direction and time, as evidence: `Hci.since` gives a case's part of it, headed by what a dissector
must have seen to follow the channel.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import struct
import threading
import time
from collections import deque
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from bumble.core import UUID, AdvertisingData, BaseBumbleError, ProtocolError
from bumble.device import Device, DeviceConfiguration, Peer
from bumble.gatt import Service
from bumble.hci import Address, HCI_AclDataPacket, HCI_Event, OwnAddressType
from bumble.host import Host
from bumble.snoop import Snooper
from bumble.transport.common import TransportLostError

from rigs import clock
from rigs.links.ipsp.channel import SIGNALLING, Channel, State
from rigs.links.ipsp.channel_link import Refused
from rigs.model import Direction, LinkClosed, RadioLost, RigError, overdue

T = TypeVar("T")
logging.getLogger("bumble").addHandler(logging.NullHandler())  # what it says is for whoever asks for it
_HOST_LOG = logging.getLogger(Host.__module__)
IPSS = 0x1820
_ATT = 5.0  # seconds for all services; a host without GATT never answers
_KEPT = 50_000  # HCI packets; a case has far fewer
_REMOTE_USER_ENDED = 0x13


class Loop:
    """An asyncio loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(self._failed)
        #: What callbacks raised; the link tells it when it is next used.
        self.faults: list[str] = []
        self._thread = threading.Thread(target=self._loop.run_forever, name="bluetooth", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T], timeout: float, what: str) -> T:
        """Run `work` in the loop and return its result. Raises `RigError` after `timeout` seconds, saying `what`."""
        return self.wait(self.start(work), timeout, what)

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Begin `work` in the loop."""
        if not self._thread.is_alive():
            work.close()
            raise LinkClosed("the Bluetooth loop has ended")
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    @staticmethod
    def wait(future: Future[T], timeout: float, what: str) -> T:
        """The result of what was started.

        Raises `RigError` after `timeout` seconds and where the controller refuses it, `RadioLost` where that is gone,
        saying `what`.
        """
        deadline = clock.now() + timeout
        while not future.done() and (left := deadline - clock.now()) > 0:
            with contextlib.suppress(TimeoutError):  # the future's own is told below
                future.exception(left)
        if not future.done():
            future.cancel()
            raise overdue(RigError(f"{what}: not done within {timeout:g} s"))
        try:
            return future.result()
        except TransportLostError as error:
            raise RadioLost(f"{what}: the Bluetooth adapter is gone") from error
        except BaseBumbleError as error:
            raise RigError(f"{what}: {str(error) or type(error).__name__}") from error

    def call(self, function: Any, *arguments: object) -> None:
        """Call a plain function in the loop, soon, without waiting."""
        try:
            self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError as error:
            raise LinkClosed("the Bluetooth loop has ended") from error

    def close(self) -> None:
        """End all tasks and the thread. May be called twice."""
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._stop)
        self._thread.join(5)
        if not self._thread.is_alive():
            self._loop.close()

    def _stop(self) -> None:
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.call_later(0.01, self._loop.stop)  # so that cancelled tasks end

    def _failed(self, _loop: object, context: dict[str, Any]) -> None:
        self.faults.append(f"{context.get('message')}: {context.get('exception')!r}")


class Hci(Snooper):  # type: ignore[misc]
    """What crosses the tester's HCI: (direction, time on the monotonic clock, H4 packet)."""

    def __init__(self) -> None:
        self._packets: deque[tuple[Direction, float, bytes]] = deque(maxlen=_KEPT)
        self._opening: list[tuple[Direction, float, bytes]] = []

    def snoop(self, hci_packet: bytes, direction: Any) -> None:
        """Take one packet in; called by Bumble's host, in the loop's thread."""
        towards: Direction = "sent" if direction == Snooper.Direction.HOST_TO_CONTROLLER else "received"
        entry = (towards, time.monotonic(), bytes(hci_packet))
        if _is_connection_complete(hci_packet):
            self._opening = [e for e in self._opening if _is_read_address(e[2])]
        if _opens(hci_packet):
            self._opening.append(entry)
        self._packets.append(entry)

    def since(self, start: float) -> list[tuple[Direction, float, bytes]]:
        """Packets from `start` on, and in front of them those that opened what was open then.

        Nothing when not all packets from `start` on are here (any more): half a trace is worse than a rendering.
        """
        if not self._packets or start < self._packets[0][1]:
            return []
        later = [entry for entry in list(self._packets) if entry[1] >= start]
        return [entry for entry in list(self._opening) if entry[1] < start] + later


def _is_connection_complete(packet: bytes) -> bool:
    return packet[0] == 4 and packet[1] == 0x3E and packet[3] in {0x01, 0x0A} and packet[4] == 0


def _is_read_address(packet: bytes) -> bool:
    return packet[:2] == b"\x04\x0e" and packet[4:6] == b"\x09\x10"


def _opens(packet: bytes) -> bool:
    """Whether a dissector needs this packet to follow what comes later: addresses, connections, channel requests."""
    if packet[0] == 2 and len(packet) > 9:
        return struct.unpack_from("<H", packet, 7)[0] == SIGNALLING and packet[9] in {0x14, 0x15}
    return _is_connection_complete(packet) or _is_read_address(packet)


class QuietHost(Host):  # type: ignore[misc]
    """Bumble's host, that makes no text of a packet for a log that nobody keeps.

    Its two methods format each packet before they ask whether debugging is on, at a third of the thread's time.
    """

    def send_hci_packet(self, packet: Any) -> None:
        """Hand one packet to the controller."""
        if _HOST_LOG.isEnabledFor(logging.DEBUG):
            super().send_hci_packet(packet)
            return
        octets = bytes(packet)
        if self.snooper:
            self.snooper.snoop(octets, Snooper.Direction.HOST_TO_CONTROLLER)
        if self.hci_sink:
            self.hci_sink.on_packet(octets)

    def on_hci_packet(self, packet: Any) -> None:
        """Take one packet from the controller: data and events here, whatever else as Bumble does."""
        data = isinstance(packet, HCI_AclDataPacket)
        if _HOST_LOG.isEnabledFor(logging.DEBUG) or not (data or isinstance(packet, HCI_Event)):
            super().on_hci_packet(packet)
            return
        if self.snooper:
            self.snooper.snoop(bytes(packet), Snooper.Direction.CONTROLLER_TO_HOST)
        if data:
            self.on_hci_acl_data_packet(packet)
        else:
            self.on_hci_event_packet(packet)


async def opened(transport: str) -> Any:
    """An adapter, named as Bumble names transports. Raises `RigError`."""
    from bumble.transport import open_transport

    try:
        return await open_transport(transport)
    except Exception as error:  # Bumble hands on what libusb, pyserial and sockets raise
        said = str(error) or type(error).__name__
        raise RigError(
            f"the Bluetooth adapter {transport} cannot be opened: {said}; plug it in, let nobody else use it "
            '(`hciconfig hci0 down`), or correct "hci:..." in the rig file'
        ) from error


class Radio:
    """The tester's host. Its coroutines run in the loop; `address` is what the DUT knows us by."""

    def __init__(self, channel: Channel, address: str, *, public: bool = False) -> None:
        self.channel, self.public = channel, public
        self.address = address
        self.hci = Hci()
        self.connection: Any = None
        self._reason = 0  # why the last connection ended (Vol 1 Part F)
        self._peer: Any = None
        self._changed = asyncio.Event()
        self._device: Any = None
        self._transport: Any = None
        channel.send_pdu = self._send_pdu
        channel.on_state = self._on_state

    async def power_on(self, controller: Any) -> None:
        """Begin on a controller of this process."""
        host = QuietHost()
        controller.host = host
        await self._begin(host, controller)

    async def open(self, transport: str) -> None:
        """Begin on an adapter, named as Bumble names transports ("usb:0", "serial:/dev/ttyACM0,1000000").

        Raises `RigError`.
        """
        self._transport = await opened(transport)
        self._transport.source.terminated.add_done_callback(lambda _: self._on_disconnection(0))
        await self._begin(QuietHost(self._transport.source, self._transport.sink), None)

    async def _begin(self, host: Any, sink: Any) -> None:
        if sink is not None:
            host.set_packet_sink(sink)
        host.snooper = self.hci
        settings = DeviceConfiguration(
            name="keyhole", address=Address(self.address), le_enabled=True, classic_enabled=False,
            address_resolution_offload=False,
        )  # fmt: skip
        device = self._device = Device(host=host, config=settings)
        device.add_service(Service(UUID.from_16_bits(IPSS), []))
        manager = device.l2cap_channel_manager
        rest = manager.on_pdu

        def on_pdu(connection: Any, cid: int, pdu: bytes) -> None:
            if connection is not self.connection or not self.channel.hear(cid, pdu):
                rest(connection, cid, pdu)

        manager.on_pdu = on_pdu
        device.on("connection", self._on_connection)
        await device.power_on()
        if self.public:
            self.address = str(device.public_address).partition("/")[0]

    async def close(self) -> None:
        """End the connection, and give the adapter back."""
        if self._transport is not None:
            try:
                await self.disconnect()
            finally:
                await self._transport.close()

    # -- connections ------------------------------------------------------------------------------------------

    async def advertise(self) -> None:
        """Be a peripheral with the Internet Protocol Support Service, until somebody connects."""
        data = AdvertisingData(
            [
                (AdvertisingData.FLAGS, b"\x06"),
                (AdvertisingData.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS, struct.pack("<H", IPSS)),
                (AdvertisingData.COMPLETE_LOCAL_NAME, b"keyhole"),
            ]
        )
        own = OwnAddressType.PUBLIC if self.public else OwnAddressType.RANDOM
        await self._device.start_advertising(
            advertising_data=bytes(data), own_address_type=own,
            advertising_interval_min=50, advertising_interval_max=50,
        )  # fmt: skip

    async def services(self) -> list[str] | None:
        """The DUT's services by GATT, UUIDs of the SIG's with 4 digits; None when it answers no ATT request."""
        peer = Peer(self.connection)
        try:
            found = await asyncio.wait_for(peer.discover_services(), _ATT)
        except (TimeoutError, ProtocolError):
            return None
        return [service.uuid.to_hex_str().lower() for service in found]

    async def connect(self, peer: str, *, public: bool) -> None:
        """Be a central: connect to `peer`."""
        kind = Address.PUBLIC_DEVICE_ADDRESS if public else Address.RANDOM_DEVICE_ADDRESS
        own = OwnAddressType.PUBLIC if self.public else OwnAddressType.RANDOM
        await self._device.connect(Address(peer, kind), own_address_type=own)

    async def disconnect(self) -> None:
        """End the connection, as a central or peripheral may at any time."""
        if self.connection is not None:
            await self.connection.disconnect(_REMOTE_USER_ENDED)
        await self.until(lambda: self.connection is None)

    async def ask(self) -> None:
        """Ask for the channel and wait for the peer's answer. Raises `Refused`, `LinkClosed`."""
        self.channel.ask()
        await self.until(lambda: self.channel.state in {"open", "closed"})
        if self.connection is None:
            raise LinkClosed(
                f"the connection ended (reason {self._reason:#04x}) before the DUT answered our request for the IPSP "
                "channel"
            )
        if self.channel.state != "open":
            raise Refused(self.channel.refused)

    @property
    def peer_address_kind(self) -> str:
        """public, static, resolvable or non-resolvable (Vol 6 Part B §1.3), of the connection that there is or was."""
        address = self._peer
        if address is None or address.is_public:
            return "public"
        return {0b11: "static", 0b01: "resolvable"}.get(bytes(address)[5] >> 6, "non-resolvable")

    @property
    def peer_address(self) -> bytes:
        """Six octets, big-endian; none before the first connection."""
        return b"" if self._peer is None else bytes(self._peer)[::-1]

    async def until(self, holds: Any) -> None:
        """Wait until something about connection or channel holds."""
        while not holds():
            self._changed.clear()
            await self._changed.wait()

    def _on_connection(self, connection: Any) -> None:
        self.connection, self._peer = connection, connection.peer_address
        connection.on("disconnection", self._on_disconnection)
        self._changed.set()

    def _on_disconnection(self, reason: int) -> None:
        self.connection, self._reason = None, reason
        self.channel.lost()
        self._changed.set()

    def _on_state(self, _state: State) -> None:
        self._changed.set()

    def _send_pdu(self, cid: int, pdu: bytes) -> None:
        if self.connection is not None:
            self._device.host.send_l2cap_pdu(self.connection.handle, cid, pdu)
