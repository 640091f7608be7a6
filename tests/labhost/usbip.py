"""A USB Bluetooth adapter that is not there: a USB/IP server, with a virtual controller behind its endpoints.

Strategy: the kernel's `vhci_hcd` takes the TCP connection that `usbip attach` has made and speaks of transfers on it
(URBs: Documentation/usb/usbip_protocol.rst of the kernel); what comes of them is its own USB core and `btusb`. The
device is what Bluetooth Core, Vol 4, Part B asks for: commands by control transfers of class requests, events by
interrupt transfers of endpoint 81, ACL data by bulk transfers of endpoints 82 and 02. It has no interface for SCO.
"""

import asyncio
import struct
from collections import deque

from bumble.transport.common import PacketParser

PORT = 3240
BUS_ID = b"1-1"
#: The device descriptor: class E0, subclass 01, protocol 01 is a Bluetooth adapter.
DEVICE = bytes.fromhex("1201 0002 e0 01 01 40 0912 0100 0001 00 00 00 01")
#: Configuration, interface, and the endpoints 81 (16 octets, each millisecond), 82 and 02 (64 octets).
CONFIGURATION = bytes.fromhex(
    "0902 2700 01 01 00 80 320904 00 00 03 e0 01 01 000705 81 03 1000 010705 82 02 4000 000705 02 02 4000 00"
)
_EVENTS, _ACL = 1, 2
_EVENT_SIZE = 16
#: Version 1.1.1, code, status; then the device: path, bus id, bus, device, speed (2: full), ids, class, and counts.
_OPERATION = struct.Struct("!HHI")
_DESCRIBED = struct.Struct("!256s32sIIIHHHBBBBBB")
_LIST, _IMPORT = 0x8005, 0x8003
#: command, sequence number, device, direction (1: in), endpoint; and what stands behind them in each command.
_HEADER = struct.Struct("!IIIII")
_SUBMIT = struct.Struct("!IIIII8s")
_SUBMITTED = struct.Struct("!iIIII8x")
_UNLINKED = struct.Struct("!i24x")
_PDU = 48
_STALL, _RESET = -32, -104  # EPIPE, ECONNRESET


def described():
    """The device as answers to both operations have it."""
    vendor, product, version = struct.unpack_from("<HHH", DEVICE, 8)
    path = b"/sys/devices/keyhole/" + BUS_ID
    return _DESCRIBED.pack(path, BUS_ID, 1, 1, 2, vendor, product, version, 0xE0, 1, 1, 1, 1, 1)


class UsbAdapter(asyncio.Protocol):
    """One connection of a USB/IP client; its controller's radio is off when it is gone."""

    def __init__(self, controller):
        self._controller, self._parser = controller, PacketParser(controller)
        controller.host = self
        self._octets = bytearray()
        self._imported = False
        self._waiting = {
            _EVENTS: deque(),
            _ACL: deque(),
        }  # (sequence number, octets) of the kernel's transfers
        self._ready = {_EVENTS: deque(), _ACL: deque()}  # what is to be read by them

    def connection_made(self, transport):
        self._stream = transport

    def connection_lost(self, _error):
        self._controller.power_off()

    def on_packet(self, packet):
        """Take a packet of the controller's, in H4."""
        kind, body = packet[0], bytes(packet[1:])
        if kind == 4:
            pieces = [body[at : at + _EVENT_SIZE] for at in range(0, len(body), _EVENT_SIZE)]
            self._ready[_EVENTS].extend(pieces)
        elif kind == 2:
            self._ready[_ACL].append(body)
        self._hand_over()

    def data_received(self, data):
        self._octets += data
        while self._step():
            pass

    def _step(self):
        """Work off one message, if a whole one is there."""
        if self._imported:
            if len(self._octets) < _PDU:
                return False
            command, number, _, incoming, endpoint = _HEADER.unpack_from(self._octets)
            if command == 2:
                (unlinked,) = struct.unpack_from("!I", self._octets, _HEADER.size)
                self._take(_PDU)
                self._unlink(number, unlinked)
                return True
            _, length, *_, setup = _SUBMIT.unpack_from(self._octets, _HEADER.size)
            size = _PDU + (0 if incoming else length)
            if len(self._octets) < size:
                return False
            self._submit(number, endpoint, bool(incoming), length, setup, self._take(size)[_PDU:])
            return True
        if len(self._octets) < _OPERATION.size:
            return False
        version, code, _ = _OPERATION.unpack_from(self._octets)
        size = _OPERATION.size + (32 if code == _IMPORT else 0)
        if len(self._octets) < size:
            return False
        wanted = self._take(size)[_OPERATION.size :].rstrip(b"\0")
        if code == _LIST:
            interface = bytes.fromhex("e0010100")
            answer = struct.pack("!I", 1) + described() + interface
            self._stream.write(_OPERATION.pack(version, _LIST & 0x7FFF, 0) + answer)
        else:
            self._imported = wanted == BUS_ID
            answer = described() if self._imported else b""
            self._stream.write(_OPERATION.pack(version, _IMPORT & 0x7FFF, not self._imported) + answer)
        return True

    def _take(self, size):
        taken = bytes(self._octets[:size])
        del self._octets[:size]
        return taken

    def _submit(self, number, endpoint, incoming, length, setup, data):
        if endpoint == 0:
            self._control(number, setup, data)
        elif incoming:
            self._waiting[endpoint].append((number, length))
            self._hand_over()
        else:
            self._done(number, actual=len(data))
            self._parser.feed_data(b"\2" + data)

    def _control(self, number, setup, data):
        kind, request, value, _, length = struct.unpack("<BBHHH", setup)
        if (kind, request) == (0x20, 0):  # a command of HCI
            self._done(number, actual=len(data))
            self._parser.feed_data(b"\1" + data)
        elif (kind, request) == (0x80, 6) and value >> 8 in {1, 2}:
            self._done(number, (DEVICE if value >> 8 == 1 else CONFIGURATION)[:length])
        elif kind & 0xE0 == 0x80:  # further descriptors, which it has not
            self._done(number, status=_STALL)
        else:  # configuration, interface, features
            self._done(number)

    def _hand_over(self):
        for endpoint, waiting in self._waiting.items():
            while waiting and self._ready[endpoint]:
                number, length = waiting.popleft()
                data = self._ready[endpoint].popleft()
                assert len(data) <= length, "a transfer of the kernel's is too short"
                self._done(number, data)

    def _done(self, number, data=b"", *, status=0, actual=None):
        if self._stream.is_closing():
            return
        length = len(data) if actual is None else actual
        self._stream.write(_HEADER.pack(3, number, 0, 0, 0) + _SUBMITTED.pack(status, length, 0, 0, 0) + data)

    def _unlink(self, number, unlinked):
        found = False
        for waiting in self._waiting.values():
            for one in [one for one in waiting if one[0] == unlinked]:
                waiting.remove(one)
                found = True
        status = _RESET if found else 0
        self._stream.write(_HEADER.pack(4, number, 0, 0, 0) + _UNLINKED.pack(status))
