"""The bridge that makes a controller on the host the guest's `hci0`."""

import select
import shutil
import socket
import threading

import pytest

from rigs.guests import boot, hci, image, qemu, vhci, wire

RESET = bytes.fromhex("01030c00")
EVENT = bytes.fromhex("040e0401030c00")
ACL = bytes.fromhex("0201200500") + b"hello"
ISO = bytes.fromhex("0501200500") + b"hello"


@pytest.mark.parametrize(
    "packet", [RESET, EVENT, ACL, ISO, bytes.fromhex("0301200161"), bytes.fromhex("0400") + b"\0"]
)
def test_packet_sizes(packet):
    assert vhci.packet_size(packet + b"more") == len(packet)
    header = {1: 4, 2: 5, 3: 4, 4: 3, 5: 5}[packet[0]]
    assert [vhci.packet_size(packet[:n]) for n in range(header)] == [None] * header


def test_garbage_is_no_packet():
    with pytest.raises(ValueError, match="4b65"):
        vhci.packet_size(b"Keyhole")


def test_the_device_gets_one_packet_a_write():
    port, host = socket.socketpair()
    device, kernel = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    thread = threading.Thread(target=vhci.bridge, args=(port.fileno(), device.fileno()))
    thread.start()
    try:
        assert kernel.recv(100) == b"\xff\x00"
        stream = EVENT + ACL + ISO
        for octet in stream:
            host.sendall(bytes([octet]))
        assert [kernel.recv(100) for _ in range(3)] == [EVENT, ACL, ISO]
        kernel.send(
            b"\xff\x00\x00\x00"
        )  # the kernel's answer to the creation, which is not for the controller
        kernel.send(RESET)
        assert host.recv(100) == RESET
    finally:
        host.close()
        thread.join(5)
        for end in (port, device, kernel):
            end.close()
    assert not thread.is_alive()


def test_a_command_is_answered_by_the_event_that_names_it():
    """Nobody counts seconds: a controller may answer late, and answer another command first."""
    theirs, kernel = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    told = []
    asked = hci.Hci(select.poll(), lambda *message: told.append(message))
    asked._open = lambda device: (
        asked._sockets.update({device: theirs}),
        asked._by_fd.update({theirs.fileno(): device}),
    )
    try:
        for number, opcode, parameters in [(7, 0x200A, b"\1"), (8, 0x2006, bytes(15)), (9, 0x0406, b"")]:
            asked.command(hci.ORDER.pack(0, opcode) + parameters, number)
        assert kernel.recv(100) == bytes.fromhex("010a200101")
        assert kernel.recv(100) == bytes.fromhex("0106200f") + bytes(15)
        assert theirs.fileno() in asked
        for event in ("040e0401062000", "040e0401030c00", "040f0400010604", "040e04010a200c", "043e020a00"):
            kernel.send(bytes.fromhex(event))
            asked.ready(theirs.fileno())
        assert told == [(wire.REPLY, 8, b"\0"), (wire.REPLY, 9, b"\0"), (wire.REPLY, 7, b"\x0c")]
    finally:
        theirs.close()
        kernel.close()


@pytest.mark.real
@pytest.mark.skipif(shutil.which(qemu.QEMU) is None, reason=f"{qemu.QEMU} is not here: {qemu.REMEDY}")
def test_the_guests_bluetooth_talks_to_the_host():
    with boot.boot(image.BLE, ports=("agent", "hci")) as booted:
        controller = booted.guest.port("hci")
        assert booted.client.run(vhci.START)[0] == 0
        booted.client.check(
            "i=0; while [ ! -d /sys/class/bluetooth/hci0 ] && [ $i -lt 100 ]; do usleep 50000; i=$((i+1)); done"
        )
        booted.client.run("hciconfig hci0 up", timeout=0.5)  # nobody answers it, so it is cut short
        assert controller.recv(4) == RESET
        assert "6lowpan" in booted.client.check("ls /sys/kernel/debug/bluetooth")
        assert "hci0" in booted.client.check("ls /sys/class/bluetooth")
