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
import math
from collections.abc import Callable

from bumble import controller, hci, link
from bumble.core import PhysicalTransport

#: Octets of one ACL packet. With Bumble's own 27, Linux chooses an MPS of 23.
ACL_LENGTH = 251
_BUFFERS = 64
_FEATURES = (
    hci.LeFeatureMask.LE_ENCRYPTION
    | hci.LeFeatureMask.LE_DATA_PACKET_LENGTH_EXTENSION
    | hci.LeFeatureMask.EXTENDED_REJECT_INDICATION
    | hci.LeFeatureMask.PERIPHERAL_INITIATED_FEATURE_EXCHANGE
)


class Medium(link.LocalLink):  # type: ignore[misc]  # bumble is not typed for us
    """What two controllers share. `interval` is the connection interval in seconds; 0 hands on at once."""

    def __init__(self) -> None:
        super().__init__()
        self.interval = 0.0
        self._waiting: dict[str, list[Callable[[], None]]] = {}

    def send_acl_data(
        self, sender_controller: Controller, destination_address: object, transport: object, data: bytes
    ) -> None:
        """Carry one L2CAP PDU to the controller at the other end of the connection."""
        connection = sender_controller.le_connections.get(destination_address)
        there = self.find_le_controller(destination_address)
        if connection is None or there is None:
            return
        source = connection.self_address
        self._carry(
            sender_controller.name, lambda: there.on_link_acl_data(source, PhysicalTransport.LE, data)
        )

    def _carry(self, direction: str, deliver: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        queue = self._waiting.setdefault(direction, [])
        if not self.interval and not queue:
            loop.call_soon(deliver)
            return
        queue.append(deliver)
        if len(queue) == 1:  # timers with equal deadlines have no order, so one timer empties the whole queue
            event = (math.floor(loop.time() / self.interval) + 1) * self.interval
            loop.call_at(event, self._deliver, queue)

    @staticmethod
    def _deliver(queue: list[Callable[[], None]]) -> None:
        due, queue[:] = queue[:], []
        for deliver in due:
            deliver()


class Controller(controller.Controller):  # type: ignore[misc]
    """One LE controller (no BR/EDR, legacy advertising) on a `Medium`; make it inside the loop."""

    def __init__(self, name: str, medium: Medium, public_address: str) -> None:
        super().__init__(name, link=medium, public_address=public_address)
        self.le_acl_data_packet_length = ACL_LENGTH
        self.total_num_le_acl_data_packets = _BUFFERS
        self.supported_max_tx_octets = self.supported_max_rx_octets = ACL_LENGTH
        self.suggested_max_tx_octets = ACL_LENGTH
        self.le_features = _FEATURES

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
