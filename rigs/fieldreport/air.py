"""What two Linux nodes sent each other over an IPSP channel: packets, credits, TCP segments, round trips. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sixlowpan import DecodeError, LinkInfo, decode, ipv6

_SIGNALS, _CREDITS = 0x0005, 0x16
_FIRST_DYNAMIC = 0x0040
TCP, UDP, _ICMP = 6, 17, 58
_REQUEST, _REPLY = 128, 129


@dataclass(frozen=True, slots=True)
class Pdu:
    """One L2CAP PDU on the medium, with its header. Times are seconds: handed to the controller, at the other one."""

    sent: float
    sender: str
    octets: bytes
    arrives: float


@dataclass(slots=True)
class Traffic:
    """What one side sent. `k_frames` counts PDUs of the channel; `packets` are IPv6 packets by their next header."""

    k_frames: int = 0
    packets: Counter[int] = field(default_factory=Counter)
    undecodable: int = 0
    #: Sequence numbers of TCP segments with data, in the order in which they were sent.
    segments: list[int] = field(default_factory=list)

    @property
    def repeated(self) -> int:
        """TCP segments with data that were sent before."""
        return len(self.segments) - len(set(self.segments))

    def take(self, packet: ipv6.Packet) -> None:
        """Count a packet."""
        protocol, _, message = packet.upper()
        self.packets[protocol] += 1
        if protocol == TCP and len(message) > (message[12] >> 4) * 4:
            self.segments.append(int.from_bytes(message[4:8], "big"))


@dataclass(frozen=True, slots=True)
class Trip:
    """One echo as the medium saw it, in seconds: until the request arrived, its answer came, and that arrived."""

    there: float
    answering: float
    back: float

    @property
    def whole(self) -> float:
        """From the sending of the request to the arrival of its answer."""
        return self.there + self.answering + self.back


@dataclass(slots=True)
class _Sdu:
    """One SDU: when its first K-frame was sent and its last one arrives."""

    sender: str
    sent: float = 0.0
    arrives: float = 0.0
    wanted: int = 0
    octets: bytes = b""


def _sdus(pdus: Iterable[Pdu]) -> Iterator[_Sdu]:
    partial: dict[str, _Sdu] = {}
    for pdu in pdus:
        if int.from_bytes(pdu.octets[2:4], "little") < _FIRST_DYNAMIC:
            continue
        data, sdu = pdu.octets[4:], partial.get(pdu.sender)
        if sdu is None:
            sdu = partial[pdu.sender] = _Sdu(pdu.sender, pdu.sent, 0.0, int.from_bytes(data[:2], "little"))
            data = data[2:]
        sdu.octets += data
        if len(sdu.octets) >= sdu.wanted:
            sdu.arrives = pdu.arrives
            yield partial.pop(pdu.sender)


def _packets(pdus: Iterable[Pdu], addresses: dict[str, bytes]) -> Iterator[tuple[_Sdu, ipv6.Packet | None]]:
    for sdu in _sdus(pdus):
        other = next(name for name in addresses if name != sdu.sender)
        info = LinkInfo("ble", src=addresses[sdu.sender], dst=addresses[other])
        try:
            yield sdu, ipv6.Packet.parse(decode(sdu.octets, info))
        except DecodeError:
            yield sdu, None


def traffic(pdus: Iterable[Pdu], addresses: dict[str, bytes]) -> dict[str, Traffic]:
    """What each side had on the air; `addresses` are the device addresses by sender."""
    kept = list(pdus)
    found = {name: Traffic() for name in addresses}
    for pdu in kept:
        if int.from_bytes(pdu.octets[2:4], "little") >= _FIRST_DYNAMIC:
            found[pdu.sender].k_frames += 1
    for sdu, packet in _packets(kept, addresses):
        if packet is None:
            found[sdu.sender].undecodable += 1
        else:
            found[sdu.sender].take(packet)
    return found


def at_the_interface(packets: Iterable[bytes]) -> Traffic:
    """What IPv6 handed to the 6LoWPAN interface, as a tap behind its queue saw it."""
    found = Traffic()
    for packet in packets:
        try:
            found.take(ipv6.Packet.parse(packet))
        except DecodeError:
            found.undecodable += 1
    return found


def trips(pdus: Iterable[Pdu], addresses: dict[str, bytes]) -> list[Trip]:
    """Every echo that was answered, in the order of the requests."""
    asked: dict[tuple[str, bytes], _Sdu] = {}
    answered: dict[tuple[str, bytes], Trip] = {}
    for sdu, packet in _packets(pdus, addresses):
        if packet is None:
            continue
        protocol, _, message = packet.upper()
        if protocol != _ICMP or len(message) < 8:
            continue
        other = next(name for name in addresses if name != sdu.sender)
        if message[0] == _REQUEST:
            asked[sdu.sender, message[4:8]] = sdu
        elif message[0] == _REPLY and (request := asked.get((other, message[4:8]))):
            answered.setdefault(
                (other, message[4:8]),
                Trip(request.arrives - request.sent, sdu.sent - request.arrives, sdu.arrives - sdu.sent),
            )
    return [answered[key] for key in asked if key in answered]


def credits_left(pdus: Iterable[Pdu], initial: int = 6) -> dict[str, int]:
    """Credits that each side has left: granted with the channel (Linux: six) and since, less K-frames sent."""
    left = {"central": initial, "peripheral": initial}
    for pdu in pdus:
        cid = int.from_bytes(pdu.octets[2:4], "little")
        if cid == _SIGNALS and pdu.octets[4] == _CREDITS:
            other = "peripheral" if pdu.sender == "central" else "central"
            left[other] += int.from_bytes(pdu.octets[10:12], "little")
        elif cid >= _FIRST_DYNAMIC:
            left[pdu.sender] -= 1
    return left
