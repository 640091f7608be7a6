"""Inside the guest: commands for its Bluetooth controller, through a raw HCI socket.

Strategy: `hciconfig` gives each command one second of the guest's clock, in which a busy host's controller may not
answer. Here nothing is given up: the host waits, by a clock that knows how busy it is.
"""

from __future__ import annotations

import _socket
import select
import struct

from rigs.guests import wire

TYPE_CHECKING = False  # the guest has neither typing nor collections.abc
if TYPE_CHECKING:
    from collections.abc import Callable

_SOL_HCI, _HCI_FILTER = 0, 2
#: Bluetooth Core Vol 4 Part A §2 (H4) and Part E §7.7.14, §7.7.15.
_COMMAND, _EVENT = 1, 4
_COMPLETE, _STATUS = 0x0E, 0x0F
ORDER = struct.Struct("!HH")  # number of the controller, opcode; its parameters follow


class Hci:
    """What was asked of controllers. `tell` sends a message to the host."""

    def __init__(self, poll: select.poll, tell: Callable[[int, int, bytes], None]) -> None:
        self._poll, self._tell = poll, tell
        self._sockets: dict[int, _socket.socket] = {}  # by controller
        self._by_fd: dict[int, int] = {}
        self._asked: dict[tuple[int, int], int] = {}  # controller and opcode: the request

    def __contains__(self, fd: int) -> bool:
        return fd in self._by_fd

    def command(self, body: bytes, number: int) -> None:
        """`ORDER`, parameters. Reply, when the controller has done it: its return parameters, or the status."""
        device, opcode = ORDER.unpack_from(body)
        parameters = body[ORDER.size :]
        if device not in self._sockets:
            self._open(device)
        self._asked[device, opcode] = number
        self._sockets[device].send(struct.pack("<BHB", _COMMAND, opcode, len(parameters)) + parameters)

    def _open(self, device: int) -> None:
        sock = _socket.socket(_socket.AF_BLUETOOTH, _socket.SOCK_RAW, _socket.BTPROTO_HCI)
        sock.bind((device,))
        wanted = struct.pack("=IIIH2x", 1 << _EVENT, 1 << _COMPLETE | 1 << _STATUS, 0, 0)
        sock.setsockopt(_SOL_HCI, _HCI_FILTER, wanted)
        self._sockets[device], self._by_fd[sock.fileno()] = sock, device
        self._poll.register(sock.fileno(), select.POLLIN)

    def ready(self, fd: int) -> None:
        """An event has come."""
        device = self._by_fd[fd]
        try:
            event = self._sockets[device].recv(260)
        except OSError:  # the controller is gone
            self._poll.unregister(fd)
            del self._by_fd[fd]
            self._sockets.pop(device).close()
            return
        if (found := answer(event)) and (number := self._asked.pop((device, found[0]), None)) is not None:
            self._tell(wire.REPLY, number, found[1])


def answer(event: bytes) -> tuple[int, bytes] | None:
    """(opcode, return parameters or status) of an event that ends a command; None of any other."""
    if event[:2] == bytes([_EVENT, _COMPLETE]):
        return int.from_bytes(event[4:6], "little"), event[6:]
    if event[:2] == bytes([_EVENT, _STATUS]):
        return int.from_bytes(event[5:7], "little"), event[3:4]
    return None
