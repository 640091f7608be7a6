"""A guest's Bluetooth adapter, whose controller is on the host: a terminal on which the kernel itself speaks HCI.

Strategy: the port is a virtual console (`/dev/hvc0`), and BlueZ' `btattach` gives it the kernel's line discipline for
HCI in its serial form (H4, Bluetooth Core, Vol 4 Part A), so that no program of the guest's handles packets: one in
Python took half of what an echo over Bluetooth cost the guest. `hci0` goes when the port closes. A kernel of the user's
own must have that line discipline; one that has not is told.
"""

from __future__ import annotations

from typing import Final

PORT: Final = "hci"
#: The shell command that makes the adapter.
START: Final = "btattach -B /dev/hvc0 -P h4 </dev/null >/dev/console 2>&1 &"
#: The shell command that waits for it, as long as btattach lives; its exit status where there is none.
NONE: Final = 97
AWAIT: Final = (
    "for i in $(seq 400); do [ -d /sys/class/bluetooth/hci0 ] && break; pidof btattach >/dev/null || break; "
    f"sleep 0.05; done; [ -d /sys/class/bluetooth/hci0 ] || exit {NONE}"
)


def lacking(kernel: str) -> str:
    """What a kernel lacks that makes no adapter of the port."""
    return (
        f"the guest's kernel {kernel} makes no Bluetooth adapter of its terminal: it needs the module hci_uart with H4 "
        "(CONFIG_BT_HCIUART, CONFIG_BT_HCIUART_H4), in KEYHOLE_KERNEL_MODULES or built in"
    )
