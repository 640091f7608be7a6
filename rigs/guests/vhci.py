"""Runs inside the guest, in a process of its own: a Bluetooth controller on the host becomes the guest's `hci0`.

Strategy: the host speaks HCI in its serial form (H4) on a virtio-serial port, a stream; `/dev/vhci` wants exactly one
packet a write and gives one a read. So octets are put together to packets in one direction and passed on in the other.
Started through the agent: `client.run(vhci.START, ...)`. It ends, and `hci0` goes, when the port closes.

H4: one octet of type, then the packet: command 3 octets of header, the last the length (Bluetooth Core, Vol 4 Part E
§5.4.1), ACL 4 with a 16-bit length (§5.4.2), synchronous 3 (§5.4.3), event 2 (§5.4.4), ISO 4 with 14 bits (§5.4.5).
"""

from __future__ import annotations

import os
import select
import sys

from rigs.guests.ports import find_port

#: The shell command that starts the bridge to the port named "hci".
START = (
    "cd /agent; /usr/bin/python3 -S -E -s -c 'from rigs.guests.vhci import main; main()' "
    "</dev/null >/dev/console 2>&1 &"
)
PORT = "hci"
_CREATE = b"\xff\x00"  # vendor packet: make a primary controller (drivers/bluetooth/hci_vhci.c)
_VENDOR = 0xFF


def packet_size(data: bytes | bytearray) -> int | None:
    """Octets of the H4 packet that `data` begins with; None when too little has come to tell. Raises `ValueError`."""
    if not data:
        return None
    kind = data[0]
    header = {1: 4, 2: 5, 3: 4, 4: 3, 5: 5}.get(kind)
    if header is None:
        raise ValueError(f"no H4 packet begins with {bytes(data[:8]).hex()}")
    if len(data) < header:
        return None
    if kind in {1, 3, 4}:
        return header + data[header - 1]
    length = data[3] | data[4] << 8
    return header + (length & 0x3FFF if kind == 5 else length)


def bridge(port: int, device: int) -> None:
    """Pass packets between the two file descriptors until `port` closes."""
    os.write(device, _CREATE)
    poll = select.poll()
    poll.register(port, select.POLLIN)
    poll.register(device, select.POLLIN)
    buffer = bytearray()
    while True:
        ready = {fd for fd, _ in poll.poll()}
        if device in ready:
            packet = memoryview(os.read(device, 8192))
            while packet and packet[0] != _VENDOR:
                packet = packet[os.write(port, packet) :]
        if port in ready:
            data = os.read(port, 65536)
            if not data:
                return
            buffer += data
            while (size := packet_size(buffer)) is not None and len(buffer) >= size:
                os.write(device, buffer[:size])
                del buffer[:size]


def main() -> None:
    """Bridge the port named "hci"."""
    try:
        bridge(os.open(find_port(10, PORT), os.O_RDWR), os.open("/dev/vhci", os.O_RDWR))
    except (OSError, ValueError) as error:
        sys.exit(f"KEYHOLE vhci: {error}")
