"""Have a Linux host serve the channel of the Internet Protocol Support Profile, by its shell.

Strategy: the kernel does what is written to `6lowpan_enable` a while later, in a work queue. On a busy machine a
request for the channel came before that, and was refused (result 0x0002). What the kernel serves is in its list of
L2CAP channels, where it shows one: state 4 (BT_LISTEN) and SPSM 35 (0x0023).
"""

from typing import Final

ENABLE: Final = "/sys/kernel/debug/bluetooth/6lowpan_enable"
_CHANNELS: Final = "/sys/kernel/debug/bluetooth/l2cap"
_LISTENS: Final = f"grep -qs ' 4 35 ' {_CHANNELS}"
_TRIES: Final = 100  # of 50 ms; the request itself shows what is wrong with a kernel that needs longer


def _wait(condition: str) -> str:
    return f"for i in $(seq {_TRIES}); do {{ {condition}; }} && break; sleep 0.05; done"


#: Serve it (again): what is served already is ended first.
SERVE: Final = (
    f"echo 0 >{ENABLE}; {_wait(f'! {_LISTENS}')}; "
    f"echo 1 >{ENABLE} && {_wait(f'[ ! -e {_CHANNELS} ] || {_LISTENS}')}"
)
