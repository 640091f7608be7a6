"""Have a Linux host serve the channel of the Internet Protocol Support Profile, by its shell or by the agent in it.

Strategy: the kernel does what is written to `6lowpan_enable` a while later, in a work queue. On a busy machine a
request for the channel came before that, and was refused (result 0x0002). What the kernel serves is in its list of
L2CAP channels, where it shows one: state 4 (BT_LISTEN) and SPSM 35 (0x0023).
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from rigs.guests.handles import AgentError

if TYPE_CHECKING:
    from rigs.guests.client import AgentClient

ENABLE: Final = "/sys/kernel/debug/bluetooth/6lowpan_enable"
CHANNELS: Final = "/sys/kernel/debug/bluetooth/l2cap"
LISTENING: Final = " 4 35 "
_LISTENS: Final = f"grep -qs '{LISTENING}' {CHANNELS}"
#: Of 50 ms each; the request itself shows what is wrong with a kernel that needs longer.
_TRIES: Final = 100


def _wait(condition: str) -> str:
    return f"for i in $(seq {_TRIES}); do {{ {condition}; }} && break; sleep 0.05; done"


#: Serve it (again): what is served already is ended first.
SERVE: Final = (
    f"echo 0 >{ENABLE}; {_wait(f'! {_LISTENS}')}; "
    f"echo 1 >{ENABLE} && {_wait(f'[ ! -e {CHANNELS} ] || {_LISTENS}')}"
)


def serve(client: AgentClient) -> None:
    """The same in a guest, without a shell. Raises `AgentError`."""
    for text, gone in (("0", True), ("1", False)):
        client.write(ENABLE, text)
        with contextlib.suppress(AgentError):  # a kernel that does not show its channels
            client.await_line(CHANNELS, LISTENING, gone=gone, timeout=_TRIES * 0.05)
