"""A guest's Bluetooth adapter, whose controller is on the host: a terminal on which the kernel itself speaks HCI.

Strategy: the port is a virtual console (`/dev/hvc0`), and BlueZ' `btattach` gives it the kernel's line discipline for
HCI in its serial form (H4, Bluetooth Core, Vol 4 Part A), so that no program of the guest's handles packets: one in
Python took half of what an echo over Bluetooth cost the guest. `hci0` goes when the port closes.
"""

from __future__ import annotations

from typing import Final

PORT: Final = "hci"
#: The shell command that makes the adapter.
START: Final = "btattach -B /dev/hvc0 -P h4 </dev/null >/dev/console 2>&1 &"
