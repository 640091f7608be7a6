"""What was on the air between two Linux nodes over an IPSP channel: packets, credits, TCP segments. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from sixlowpan import DecodeError, LinkInfo, decode, ipv6

_SIGNALS, _CREDITS = 0x0005, 0x16
_FIRST_DYNAMIC = 0x0040
TCP, UDP = 6, 17


@dataclass(slots=True)
class Traffic:
    """What one side sent. `k_frames` counts PDUs of the channel; `packets` are IPv6 packets by their next header."""

    k_frames: int = 0
    packets: Counter[int] = field(default_factory=Counter)
    undecodable: int = 0
    #: Sequence numbers of TCP segments with data, in the order in which they were on the air.
    segments: list[int] = field(default_factory=list)

    @property
    def repeated(self) -> int:
        """TCP segments with data that were on the air before."""
        return len(self.segments) - len(set(self.segments))


@dataclass(slots=True)
class _Sdu:
    wanted: int = 0
    octets: bytes = b""


def traffic(pdus: Iterable[tuple[float, str, bytes]], addresses: dict[str, bytes]) -> dict[str, Traffic]:
    """Read L2CAP PDUs (time, sender, octets with their header); `addresses` are the device addresses by sender."""
    found = {name: Traffic() for name in addresses}
    partial = {name: _Sdu() for name in addresses}
    for _, sender, pdu in pdus:
        if int.from_bytes(pdu[2:4], "little") < _FIRST_DYNAMIC:
            continue
        mine, sdu, data = found[sender], partial[sender], pdu[4:]
        mine.k_frames += 1
        if not sdu.wanted:
            sdu.wanted, data = int.from_bytes(data[:2], "little"), data[2:]
        sdu.octets += data
        if len(sdu.octets) >= sdu.wanted:
            other = next(name for name in addresses if name != sender)
            _read(mine, sdu.octets, LinkInfo("ble", src=addresses[sender], dst=addresses[other]))
            partial[sender] = _Sdu()
    return found


def _read(mine: Traffic, octets: bytes, info: LinkInfo) -> None:
    try:
        protocol, _, message = ipv6.Packet.parse(decode(octets, info)).upper()
    except DecodeError:
        mine.undecodable += 1
        return
    mine.packets[protocol] += 1
    if protocol == TCP and len(message) > (message[12] >> 4) * 4:
        mine.segments.append(int.from_bytes(message[4:8], "big"))


def credits_left(pdus: Iterable[tuple[float, str, bytes]], initial: int = 6) -> dict[str, int]:
    """Credits that each side has left: granted with the channel (Linux: six) and since, less K-frames sent."""
    left = {"central": initial, "peripheral": initial}
    for _, sender, pdu in pdus:
        cid = int.from_bytes(pdu[2:4], "little")
        if cid == _SIGNALS and pdu[4] == _CREDITS:
            left["peripheral" if sender == "central" else "central"] += int.from_bytes(pdu[10:12], "little")
        elif cid >= _FIRST_DYNAMIC:
            left[sender] -= 1
    return left
