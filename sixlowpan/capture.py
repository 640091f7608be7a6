"""Capture files: pcap and pcapng in, findings out. With `__main__` the only module that reads a file.

Link types: 802.15.4 with FCS (195), without (230), with a TAP header (283); HCI with direction (201): the
SDUs of IPSP channels; Ethernet (1) and raw IP (101, 228, 229): ZEP over UDP port 17754. Contexts are learnt
from the 6CO of Router Advertisements as they pass, by PAN; everything kept is bounded, so a capture may be
of any size.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from sixlowpan import frame, hci, mac, nd
from sixlowpan.contexts import NO_CONTEXTS, Contexts
from sixlowpan.errors import DecodeError
from sixlowpan.ipv6 import ICMPV6, Packet
from sixlowpan.link import LinkInfo
from sixlowpan.lint import FAIL, Linter, LintFinding

ZEP_PORT: Final = 17754
_LARGEST: Final = 1 << 24
_MOST_PANS: Final = 256


class Record(NamedTuple):
    """One captured packet; `number` counts from 1."""

    number: int
    time: float
    link_type: int
    data: bytes


class Payload(NamedTuple):
    """One 6LoWPAN payload of a capture."""

    number: int
    time: float
    pan: bytes
    payload: bytes
    link: LinkInfo


def records(path: Path) -> Iterator[Record]:
    """The packets of a pcap or pcapng file; ValueError if it is neither."""
    with path.open("rb") as file:
        magic = file.read(4)
        if magic == b"\x0a\x0d\x0d\x0a":
            yield from _pcapng(file)
        elif magic in {b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d"}:
            yield from _pcap(file, magic)
        else:
            raise ValueError(f"{path.name} is neither pcap nor pcapng")


def _pcap(file: BinaryIO, magic: bytes) -> Iterator[Record]:
    order = "<" if magic[0] in {0xD4, 0x4D} else ">"
    fraction = 1e-9 if magic in {b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d"} else 1e-6
    header = file.read(20)
    if len(header) < 20:
        return
    link_type = struct.unpack(order + "I", header[16:20])[0] & 0xFFFF
    number = 0
    while len(head := file.read(16)) == 16:
        seconds, parts, captured, _ = struct.unpack(order + "IIII", head)
        if captured > _LARGEST:
            raise ValueError("a packet of more than 16 MiB: the file is damaged")
        number += 1
        yield Record(number, seconds + parts * fraction, link_type, file.read(captured))


def _pcapng(file: BinaryIO) -> Iterator[Record]:
    order, number = "<", 0
    interfaces: list[tuple[int, float]] = []
    file.seek(0)
    while len(head := file.read(8)) == 8:
        if head[:4] == b"\x0a\x0d\x0d\x0a":
            mark = file.read(4)
            order = "<" if mark == b"\x4d\x3c\x2b\x1a" else ">"
            interfaces = []
            kind, size = 0x0A0D0D0A, struct.unpack(order + "I", head[4:])[0]
            body = mark + file.read(max(size - 16, 0)) if size <= _LARGEST else b""
        else:
            kind, size = struct.unpack(order + "II", head)
            body = file.read(max(size - 12, 0)) if size <= _LARGEST else b""
        if size > _LARGEST or size < 12:
            raise ValueError("a block of impossible size: the file is damaged")
        file.read(4)
        if kind == 1 and len(body) >= 8 and len(interfaces) < 1024:
            interfaces.append((struct.unpack(order + "H", body[:2])[0], _resolution(body[8:], order)))
        elif kind == 6 and len(body) >= 20:
            index, high, low, captured, _ = struct.unpack(order + "IIIII", body[:20])
            number += 1
            if index < len(interfaces):
                link_type, unit = interfaces[index]
                yield Record(number, (high << 32 | low) * unit, link_type, body[20 : 20 + captured])


def _resolution(data: bytes, order: str) -> float:
    """Seconds in one unit of an interface's time stamps (option if_tsresol)."""
    while len(data) >= 4:
        code, length = struct.unpack(order + "HH", data[:4])
        if code == 9 and length >= 1 and len(data) >= 5:
            return 2.0 ** -(data[4] & 0x7F) if data[4] & 0x80 else 10.0 ** -data[4]
        data = data[4 + length + -length % 4 :]
    return 1e-6


def payloads(path: Path) -> Iterator[Payload | LintFinding]:
    """The 6LoWPAN payloads of a file; a MAC header that carries one and is broken comes as a finding."""
    trace = hci.Trace()
    for number, time, link_type, data in records(path):
        if link_type in {201, 187}:
            sent = data[:4] == bytes(4) if link_type == 201 else True
            for sdu in trace.add(data[4:] if link_type == 201 else data, sent):
                yield Payload(number, time, sdu.link.src + sdu.link.dst, *sdu)
            continue
        psdu = _psdu(link_type, data)
        if psdu is None:
            continue
        try:
            header, payload = mac.parse(psdu)
        except DecodeError as error:
            yield LintFinding(
                "mac_header", None, FAIL, number, 0, "an 802.15.4 header", error.kind, error.message
            )
            continue
        if header.type != mac.DATA or not payload or (header.security and header.security_control & 4):
            continue
        if not header.src or not header.dst:
            # RFC 4944 2: "both source and destination addresses are included in the IEEE 802.15.4 frame
            # header"
            missing = "source" if not header.src else "destination"
            message = f"the frame has no {missing} address"
            yield LintFinding(
                "mac_addresses", "RFC4944-2-04", FAIL, number, 0, "both addresses", missing, message
            )
        yield Payload(number, time, header.pan or b"", payload, frame.link_info(header))


def _psdu(link_type: int, data: bytes) -> bytes | None:
    """The PSDU without FCS in one captured packet, or None if there is none (or its FCS is wrong)."""
    if link_type == 230:
        return data
    if link_type == 195:
        return _checked(data)
    if link_type == 283 and len(data) >= 4:
        size = data[2] | data[3] << 8
        # the first TLV of type 0 says which FCS follows: 0 none, 1 of 16 bits
        at, kind = 4, 0
        while at + 4 <= size:
            tlv, length = struct.unpack("<HH", data[at : at + 4]) if at + 4 <= len(data) else (0xFFFF, 0)
            if tlv == 0 and at + 4 < len(data):
                kind = data[at + 4]
            at += 4 + length + -length % 4
        return {0: data[size:], 1: _checked(data[size:])}.get(kind, data[size:-4])
    if link_type in {1, 101, 228, 229}:
        return _zep(data[14:] if link_type == 1 else data)
    return None


def _checked(data: bytes) -> bytes | None:
    return data[:-2] if len(data) > 2 and mac.fcs(data[:-2]) == data[-2:] else None


def _zep(packet: bytes) -> bytes | None:
    """The PSDU of a ZEP v2 data datagram in an IP packet."""
    if not packet:
        return None
    if packet[0] >> 4 == 4 and len(packet) >= 20 and packet[9] == 17:
        udp = packet[(packet[0] & 15) * 4 :]
    elif packet[0] >> 4 == 6 and len(packet) >= 40 and packet[6] == 17:
        udp = packet[40:]
    else:
        return None
    if len(udp) < 8 + 32 or ZEP_PORT not in struct.unpack(">HH", udp[:4]):
        return None
    zep = udp[8:]
    if zep[:4] != b"EX\x02\x01":
        return None
    return _checked(zep[32 : 32 + zep[31]])


def judge(path: Path, contexts: Contexts = NO_CONTEXTS, mtu: int | None = None) -> list[LintFinding]:
    """Every finding of a capture file; `frame` is the number of the packet in it, from 1.

    `contexts` are known beforehand on every PAN; more are learnt from Router Advertisements.
    """
    linter = Linter(mtu)
    learnt: dict[bytes, Contexts] = {}
    for item in payloads(path):
        if isinstance(item, LintFinding):
            linter.findings.append(item)
            continue
        known = learnt.get(item.pan, contexts)
        linter.add(item.number, item.payload, item.link, known, item.time)
        if linter.packet is not None:
            update = learn(linter.packet, known)
            if update is not known:
                if len(learnt) >= _MOST_PANS:
                    learnt.clear()
                learnt[item.pan] = update
    linter.close()
    return sorted(linter.findings, key=lambda finding: (finding.frame, finding.offset))


def learn(packet: bytes, contexts: Contexts) -> Contexts:
    """The contexts after a packet: those of the 6CO of a Router Advertisement come in, a lifetime of 0 takes out."""
    view = Packet.parse(packet)
    protocol, _, data = view.upper()
    # RFC 4861 6.1.2: a valid Router Advertisement has a hop limit of 255
    if protocol != ICMPV6 or view.hop_limit != 255 or data[:1] != bytes((nd.RA,)):
        return contexts
    try:
        message = nd.parse(data)
    except DecodeError:
        return contexts
    assert isinstance(message, nd.RouterAdvertisement), "the type octet says so"
    for option in message.options:
        if isinstance(option, nd.ContextOption):
            # RFC 6775 4.2: "A value of all zero bits (0x0) indicates that this context entry MUST be removed"
            if option.valid_lifetime:
                contexts = contexts.with_context(option.cid, option.context())
            else:
                contexts = contexts.without(option.cid)
    return contexts
