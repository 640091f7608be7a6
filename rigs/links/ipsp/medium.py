"""Bluetooth LE without a radio: Bumble's virtual controllers on one medium, mended where IPSP needs it.

Strategy: the DUT's controller and the tester's are the same two objects that Bumble has for its own tests; only what
would make a conformance run untrue is changed. A frame comes from the address that the connection was made with, not
from whatever random address the controller has now; data that is longer than a buffer of the host is handed on in
pieces (Bumble hands on one packet of any length, which Linux drops); frames of one direction never overtake each
other; with a connection interval set, they wait for the next connection event, as on a radio.

All this runs in one asyncio loop.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from collections import Counter, deque
from collections.abc import Callable

from bumble import controller, hci, link, ll
from bumble.core import PhysicalTransport

from rigs.air.events import ConnectionEvents
from rigs.air.settings import AirSettings
from rigs.air.way import Way

#: Octets of one ACL packet. With Bumble's own 27, Linux chooses an MPS of 23.
ACL_LENGTH = 251
_BUFFERS = 64
#: A host is told of packets that have left when there are so many, so many seconds later, or before any other event.
_MANY, _LATER = 16, 0.02
_LOG = logging.getLogger(controller.__name__)
_FEATURES = (
    hci.LeFeatureMask.LE_ENCRYPTION
    | hci.LeFeatureMask.LE_DATA_PACKET_LENGTH_EXTENSION
    | hci.LeFeatureMask.EXTENDED_REJECT_INDICATION
    | hci.LeFeatureMask.PERIPHERAL_INITIATED_FEATURE_EXCHANGE
)


class Medium(link.LocalLink):  # type: ignore[misc]  # bumble is not typed for us
    """What two controllers share. Everything is handed on at once, until `pace` sets a connection interval."""

    def __init__(self) -> None:
        super().__init__()
        #: The connection interval in seconds; 0: everything is handed on at once.
        self.interval = 0.0
        self._pace: Callable[[str], ConnectionEvents] = lambda _direction: ConnectionEvents()
        self._events: dict[str, ConnectionEvents] = {}
        self._waiting: dict[str, deque[tuple[float, Callable[[], None]]]] = {}

    async def pace(self, interval: float, losses: AirSettings | None = None) -> None:
        """Hand on at connection events only, so many seconds apart, each PDU until the link layer has it across."""
        losses = losses or AirSettings()

        def events(direction: str) -> ConnectionEvents:
            return ConnectionEvents(interval, Way(losses, f"{losses.seed}/{direction}").loses)

        self._pace, self.interval = events, interval
        self._events.clear()

    def send_acl_data(
        self, sender_controller: Controller, destination_address: object, transport: object, data: bytes
    ) -> float | None:
        """Carry one L2CAP PDU to the controller at the other end of the connection.

        Returns the time (of the loop) at which it arrives there; None when there is no connection.
        """
        connection = sender_controller.le_connections.get(destination_address)
        there = self.find_le_controller(destination_address)
        if connection is None or there is None:
            return None
        source = connection.self_address
        return self._carry(
            sender_controller.name,
            lambda: there.on_link_acl_data(source, PhysicalTransport.LE, data),
            len(data),
        )

    def _carry(self, direction: str, deliver: Callable[[], None], octets: int) -> float:
        loop = asyncio.get_running_loop()
        if (events := self._events.get(direction)) is None:
            events = self._events[direction] = self._pace(direction)
        queue = self._waiting.setdefault(direction, deque())
        due = events.arrival(loop.time(), octets)
        if not events.interval and not queue:
            deliver()  # the other end hands it to its host in a call of its own
            return due
        queue.append((due, deliver))
        if len(queue) == 1:  # timers with equal deadlines have no order, so one timer serves the whole queue
            loop.call_at(due, self._deliver, queue)
        return due

    def _deliver(self, queue: deque[tuple[float, Callable[[], None]]]) -> None:
        loop = asyncio.get_running_loop()
        while queue and queue[0][0] <= loop.time():
            queue[0][1]()
            queue.popleft()
        if queue:
            loop.call_at(queue[0][0], self._deliver, queue)


class Controller(controller.Controller):  # type: ignore[misc]
    """One LE controller (no BR/EDR, legacy advertising) on a `Medium`; make it inside the loop."""

    def __init__(self, name: str, medium: Medium, public_address: str) -> None:
        super().__init__(name, link=medium, public_address=public_address)
        self.le_acl_data_packet_length = ACL_LENGTH
        self.total_num_le_acl_data_packets = _BUFFERS
        self.supported_max_tx_octets = self.supported_max_rx_octets = ACL_LENGTH
        self.suggested_max_tx_octets = ACL_LENGTH
        self.le_features = _FEATURES
        #: By connection handle: data packets that have left, and the host has not been told of.
        self._left: Counter[int] = Counter()
        self._telling: asyncio.TimerHandle | None = None

    # Bumble makes text of each packet for its log before it asks whether anybody keeps it, and an event for each data
    # packet that has left: that was a third of the CPU time of an echo on either side of the HCI.

    def on_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Take one packet from the host."""
        if isinstance(packet, hci.HCI_AclDataPacket) and not _LOG.isEnabledFor(logging.DEBUG):
            self.on_hci_acl_data_packet(packet)
        else:
            super().on_hci_packet(packet)

    def on_hci_acl_data_packet(self, packet: hci.HCI_AclDataPacket) -> None:
        """Let data leave, and tell the host of several packets at once (Bluetooth Core, Vol 4, Part E, §7.7.19)."""
        connection = self.find_connection_by_handle(packet.connection_handle)
        if connection is None:
            super().on_hci_acl_data_packet(packet)
            return
        connection.assembler.feed_packet(packet)
        self._left[packet.connection_handle] += 1
        if self._left[packet.connection_handle] >= _MANY:
            self._tell_what_left()
        elif self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(_LATER, self._tell_what_left)

    def _tell_what_left(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None
        if self._left:
            counts = b"".join(struct.pack("<HH", handle, count) for handle, count in self._left.items())
            self._left.clear()
            event = hci.HCI_NUMBER_OF_COMPLETED_PACKETS_EVENT
            self._pass_on(bytes([hci.HCI_EVENT_PACKET, event, 1 + len(counts), len(counts) // 4]) + counts)

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Hand one packet to the host; what it is told is in the order in which it happened."""
        if not isinstance(packet, hci.HCI_AclDataPacket):
            self._tell_what_left()
        if _LOG.isEnabledFor(logging.DEBUG):
            super().send_hci_packet(packet)
        else:
            self._pass_on(bytes(packet))

    def _pass_on(self, octets: bytes) -> None:
        if self.host:
            asyncio.get_running_loop().call_soon(self.host.on_packet, octets)

    def on_hci_reset_command(self, command: hci.HCI_Reset_Command) -> hci.HCI_StatusReturnParameters:
        """Forget connections and advertising (Bluetooth Core, Vol 4, Part E, §7.3.2), which Bumble keeps.

        The other end hears nothing any more; for it the supervision timeout ends the connection.
        """
        self._forget()
        return super().on_hci_reset_command(command)

    def power_off(self) -> None:
        """Leave the medium: the host is gone."""
        self._forget()
        self.link.remove_controller(self)

    def _forget(self) -> None:
        self.le_legacy_advertiser.stop()
        for connection in list(self.le_connections.values()):
            connection.send_ll_control_pdu(ll.TerminateInd(hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR))
        self.le_connections.clear()
        self._left.clear()

    def on_link_acl_data(self, sender_address: object, transport: object, data: bytes) -> None:
        """Hand data on to the host in pieces of the buffer length."""
        del transport  # there is only LE
        connection = self.le_connections.get(sender_address)
        if connection is None:
            return
        for start in range(0, len(data), ACL_LENGTH):
            piece = data[start : start + ACL_LENGTH]
            boundary = 2 if start == 0 else 1
            self.send_hci_packet(hci.HCI_AclDataPacket(connection.handle, boundary, 0, len(piece), piece))
