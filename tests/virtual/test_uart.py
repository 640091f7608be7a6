"""The guest's Bluetooth adapter, whose controller is on the host."""

import dataclasses
import select
import shutil
import socket

import pytest

from rigs.guests import boot, hci, image, qemu, uart, wire
from rigs.guests.ble import BleGuest

RESET = bytes.fromhex("01030c00")


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
        assert booted.client.run(uart.START)[0] == 0
        booted.client.check(uart.AWAIT, timeout=40)
        booted.client.run("hciconfig hci0 up", timeout=0.5)  # nobody answers it, so it is cut short
        assert controller.recv(4) == RESET
        assert "6lowpan" in booted.client.check("ls /sys/kernel/debug/bluetooth")
        assert "hci0" in booted.client.check("ls /sys/class/bluetooth")


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.skipif(shutil.which(qemu.QEMU) is None, reason=f"{qemu.QEMU} is not here: {qemu.REMEDY}")
def test_a_kernel_without_the_line_discipline_is_told():
    """Debian's kernel without that module, as one of the user's own may be built."""
    modules = tuple(name for name in image.BLE.modules if name != "hci_uart")
    guest = BleGuest()
    guest.spec = dataclasses.replace(image.BLE, name="ble-without-uart", modules=modules)
    try:
        guest.start()
        with pytest.raises(
            qemu.GuestError, match=r"kernel 6\..* makes no Bluetooth adapter .*CONFIG_BT_HCIUART_H4"
        ):
            guest.up()
    finally:
        guest.stop()
