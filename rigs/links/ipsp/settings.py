"""What the address of an `ipsp:` link says: which adapter or place, and the settings behind "?".

Strategy: no Bluetooth here, so that a rig file is judged without Bumble, whose import takes long.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

from rigs.configuration.telling import hint
from rigs.links.ipsp.channel import Terms
from rigs.links.ipsp.channel_link import Role
from rigs.model import RigError

#: How Bumble names what is behind an adapter (`bumble.transport.open_transport`).
TRANSPORTS: Final = (
    *(
        "usb",
        "hci-socket",
        "serial",
        "tcp-client",
        "tcp-server",
        "udp",
        "ws-client",
        "ws-server",
        "pty",
        "file",
    ),
    *("vhci", "pyusb", "unix", "unix-client", "unix-server", "android-emulator", "android-netsim"),
)
#: What some of them want behind their name (a regex), and how that is said; the others take what Bumble takes.
_PLACE: Final = (r"(\[[^\]]+\]|[^:]+):\d{1,5}", "HOST:PORT")
_WANTED: Final = {
    **dict.fromkeys(("tcp-client", "tcp-server", "ws-server"), _PLACE),
    "ws-client": (r"wss?://.+", "a URL such as ws://lab1:9001"),
    **dict.fromkeys(("usb", "pyusb"), (r".+", "which one, such as 0 or VENDOR:PRODUCT")),
    **dict.fromkeys(("serial", "file", "unix", "unix-client", "unix-server"), (r".+", "a path")),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the link's address says: `hci:usb:0?role=central&mps=23`."""

    #: The tester's adapter; empty: all controllers are virtual.
    transport: str = ""
    role: Role = "peripheral"
    terms: Terms = field(default_factory=Terms)
    interval: float = 0.0
    #: HOST:PORT where the DUT's Bluetooth host gets its virtual controller; empty: the DUT is a guest of ours.
    h4: str = ""

    @classmethod
    def parse(cls, address: str) -> Settings:
        """Raises `RigError` with what is wrong."""
        transport, _, query = address.partition("?")
        given = dict(parse_qsl(query, keep_blank_values=True))
        role = given.pop("role", "peripheral")
        try:
            own = {name: _whole(name, given.pop(name)) for name in ("mtu", "mps", "credits") if name in given}
            interval = _milliseconds(given.pop("interval", "0"))
            terms = Terms(**own)
        except ValueError as error:
            raise RigError(f"tester.link: ipsp:{address}: {error}") from error
        kind, _, rest = transport.partition(":")
        if transport and (kind not in {"hci", "h4"} or not rest):
            raise RigError(
                f"tester.link: ipsp:{address}: there are ipsp:, ipsp:hci:TRANSPORT (such as ipsp:hci:usb:0) and "
                "ipsp:h4:HOST:PORT"
            )
        if kind == "hci" and (scheme := rest.partition(":")[0]) not in TRANSPORTS:
            raise RigError(
                f"tester.link: ipsp:{address}: Bumble has no transport {scheme!r}{hint(scheme, TRANSPORTS)}; "
                f"there are: {', '.join(TRANSPORTS)}"
            )
        if (
            kind == "hci"
            and (wanted := _WANTED.get(scheme))
            and not re.fullmatch(wanted[0], rest[len(scheme) + 1 :])
        ):
            raise RigError(f"tester.link: ipsp:{address}: behind {scheme}: stands {wanted[1]}")
        if kind == "hci" and interval:
            raise RigError(
                f"tester.link: ipsp:{address}: interval: is for virtual controllers; of an adapter the central sets it"
            )
        if kind == "h4":
            place(rest)
        if given or role not in {"central", "peripheral"}:
            what = f"role={role}" if not given else next(iter(given))
            raise RigError(
                f"tester.link: ipsp:{address}: {what}: there are role (central or peripheral), mtu, mps, credits "
                "and interval"
            )
        return cls(
            rest if kind == "hci" else "",
            "peripheral" if role == "peripheral" else "central",
            terms,
            interval,
            rest if kind == "h4" else "",
        )


def _whole(name: str, text: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text):
        raise ValueError(f"{name}: expected a whole number; found {text!r}")
    return int(text)


def _milliseconds(text: str) -> float:
    if not re.fullmatch(r"\d{1,9}(\.\d*)?", text):
        raise ValueError(f"interval: expected milliseconds, such as 48.75; found {text!r}")
    return float(text) / 1000


def place(where: str) -> tuple[str, int]:
    """HOST:PORT or [HOST]:PORT. Raises `RigError`."""
    host, _, port = where.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 0xFFFF:
        raise RigError(f"tester.link: ipsp:h4:{where}: name host and port, such as ipsp:h4:127.0.0.1:60073")
    return host.strip("[]"), int(port)


def misread(address: str) -> str:
    """What is wrong with what stands behind "ipsp:"; empty where nothing is."""
    try:
        Settings.parse(address)
    except RigError as error:
        return str(error).removeprefix(f"tester.link: ipsp:{address}: ")
    return ""
