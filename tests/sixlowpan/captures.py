"""Captures made by hand: containers, and what sniffers put around a frame. Each wrapper is checked against tshark."""

from __future__ import annotations

import gzip
import struct

from sixlowpan import fcs, ipv6
from sixlowpan.capture.trailer import crc32


def pcap(path, link_type, frames, order="<", nano=False, snaplen=65535, step=1):
    """`frames`: octets, or (octets, length on the medium), `step` seconds apart."""
    magic = 0xA1B23C4D if nano else 0xA1B2C3D4
    data = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snaplen, link_type)
    for number, frame in enumerate(frames):
        octets, length = frame if isinstance(frame, tuple) else (frame, len(frame))
        data += struct.pack(order + "IIII", number * step, 5, len(octets), length) + octets
    path.write_bytes(data)
    return path


def gzipped(path):
    """The same file, packed."""
    path.write_bytes(gzip.compress(path.read_bytes()))
    return path


def block(kind, body, order="<"):
    body += bytes(-len(body) % 4)
    size = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + size + body + size


def section(order="<"):
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link_type, order="<", options=b"", snaplen=0):
    return block(1, struct.pack(order + "HHI", link_type, 0, snaplen) + options, order)


def enhanced(index, octets, order="<", stamp=0, length=None):
    size = len(octets) if length is None else length
    return block(
        6, struct.pack(order + "IIIII", index, stamp >> 32, stamp, len(octets), size) + octets, order
    )


def obsolete(index, octets, order="<", stamp=0):
    head = struct.pack(order + "HHIIII", index, 0, stamp >> 32, stamp, len(octets), len(octets))
    return block(2, head + octets, order)


def simple(octets, order="<", length=None):
    return block(3, struct.pack(order + "I", len(octets) if length is None else length) + octets, order)


def pcapng(path, frames, order="<", options=b""):
    """`frames`: (link type, octets), a microsecond apart, each link type an interface."""
    types = sorted({link_type for link_type, _ in frames})
    data = section(order) + b"".join(interface(each, order, options) for each in types)
    data += block(0xBAD, b"ignored", order)
    for number, (link_type, octets) in enumerate(frames):
        data += enhanced(types.index(link_type), octets, order, number)
    path.write_bytes(data)
    return path


def btsnoop(path, packets, datalink=1002):
    """`packets`: (flags, octets)."""
    data = b"btsnoop\0" + struct.pack(">II", 1, datalink)
    for number, (flags, octets) in enumerate(packets):
        stamp = 0x00DCDDB30F2F8000 + number * 1_000_000
        data += struct.pack(">IIIIq", len(octets), len(octets), flags, 0, stamp) + octets
    path.write_bytes(data)
    return path


def right(psdu):
    return psdu + fcs(psdu)


def right32(psdu):
    return psdu + crc32(psdu)


def ti(psdu, good=True):
    """What CC24xx put in the place of the FCS: RSSI, then the CRC bit over a correlation."""
    return psdu + bytes((0xC8 + psdu[2] % 8, (0x80 if good else 0) | 0x60 + psdu[2] % 8))


def ipv4(datagram):
    head = struct.pack(
        ">BBHHHBBH4s4s", 0x45, 0, 20 + len(datagram), 1, 0, 64, 17, 0, b"\x7f\0\0\1", b"\x7f\0\0\1"
    )
    return head + datagram


def udp(data, port=17754):
    return struct.pack(">HHHH", port, port, 8 + len(data), 0) + data


def zep(psdu, version=2, crc=True, kind=1):
    """A ZEP datagram; its frame has an FCS (`crc`), or what TI puts there."""
    whole = right(psdu) if crc else ti(psdu)
    if version == 1:
        return b"EX\x01" + bytes((26, 0, 1, int(crc), 0x55)) + bytes(7) + bytes((len(whole),)) + whole
    head = b"EX" + bytes((version, kind, 26, 0, 1, int(crc), 0x55)) + bytes(8) + b"\0\0\0\1"
    return head + bytes(10) + bytes((len(whole),)) + whole


def ethernet(ethertype, data, vlans=0):
    tags = b"\x81\0\0\5" * vlans
    return bytes.fromhex("020000000002020000000001") + tags + struct.pack(">H", ethertype) + data


def cooked(ethertype, data, hardware=1):
    return struct.pack(">HHH8sH", 0, hardware, 6, bytes.fromhex("0200000000010000"), ethertype) + data


def cooked_2(ethertype, data, hardware=1):
    return struct.pack(">HHIHBB8s", ethertype, 0, 1, hardware, 0, 6, bytes.fromhex("0200000000010000")) + data


def tap(psdu, kind):
    whole = {0: psdu, 1: right(psdu), 2: right32(psdu)}[kind]
    return struct.pack("<BBHHHI", 0, 0, 12, 0, 1, kind) + whole


def v6(datagram, protocol=17):
    return ipv6.build(bytes(15) + b"\1", bytes(15) + b"\1", protocol, datagram)


def ti_radio(psdu, behind=b"", protocol=2, status=0x80):
    """TI's Radio Packet Info, `behind` it, and the frame with its length in front."""
    head = struct.pack("<BHBHBBHHHbB", 0, 0, 3, 2, protocol, 3, 2480, 0, 26, -60, status)
    return head + behind + bytes((len(psdu) + 2,)) + right(psdu)


def pktap(link_type, packet):
    head = struct.pack("<III24sIIII", 108, 1, link_type, b"lo0", 0, 2, 4, 0)
    return head.ljust(108, b"\0") + packet


def exported(dissector, pdu):
    """What Wireshark's "Export PDUs" and udpdump write: tags, of which 12 names the dissector, with padding."""
    name = dissector.encode()
    name += bytes(-len(name) % 4)
    return struct.pack(">HH", 12, len(name)) + name + bytes(4) + pdu


#: name -> (link type, what it puts around a PSDU without FCS)
WRAPPERS = {
    "230": (230, lambda psdu: psdu),
    "195": (195, right),
    "195 of 4 octets": (195, right32),
    "191": (191, right),
    "215": (215, lambda psdu: bytes(4) + b"\xa7" + bytes((len(psdu) + 2,)) + right(psdu)),
    "TAP without TLV": (283, lambda psdu: bytes.fromhex("00000400") + psdu),
    "TAP without FCS": (283, lambda psdu: tap(psdu, 0)),
    "TAP": (283, lambda psdu: tap(psdu, 1)),
    "TAP of 4 octets": (283, lambda psdu: tap(psdu, 2)),
    "PPI": (192, lambda psdu: struct.pack("<BBHI", 0, 0, 8, 195) + right(psdu)),
    "PPI with a field": (192, lambda psdu: struct.pack("<BBHI", 0, 0, 16, 230) + bytes(8) + psdu),
    "ZEP v1": (1, lambda psdu: ethernet(0x0800, ipv4(udp(zep(psdu, 1))))),
    "ZEP v1 LQI": (1, lambda psdu: ethernet(0x0800, ipv4(udp(zep(psdu, 1, False))))),
    "ZEP v2": (1, lambda psdu: ethernet(0x0800, ipv4(udp(zep(psdu))))),
    "ZEP v2 LQI": (1, lambda psdu: ethernet(0x0800, ipv4(udp(zep(psdu, 2, False))))),
    "ZEP v3": (1, lambda psdu: ethernet(0x0800, ipv4(udp(zep(psdu, 3))))),
    "ZEP over IPv6": (1, lambda psdu: ethernet(0x86DD, v6(udp(zep(psdu))))),
    "ZEP behind options": (229, lambda psdu: v6(b"\x3c\0\1\4\0\0\0\0\x11\0\1\4\0\0\0\0" + udp(zep(psdu)), 0)),
    "ZEP in VLAN": (1, lambda psdu: ethernet(0x0800, ipv4(udp(zep(psdu))), 1)),
    "ZEP in two VLANs": (1, lambda psdu: ethernet(0x0800, ipv4(udp(zep(psdu))), 2)),
    "ZEP cooked": (113, lambda psdu: cooked(0x0800, ipv4(udp(zep(psdu))))),
    "ZEP cooked v2": (276, lambda psdu: cooked_2(0x86DD, v6(udp(zep(psdu))))),
    "ZEP on loopback": (0, lambda psdu: struct.pack("<I", 2) + ipv4(udp(zep(psdu)))),
    "ZEP on OpenBSD loopback": (108, lambda psdu: struct.pack(">I", 24) + v6(udp(zep(psdu)))),
    "ZEP in raw IP": (101, lambda psdu: ipv4(udp(zep(psdu)))),
    "ZEP in raw IPv4": (228, lambda psdu: ipv4(udp(zep(psdu)))),
    "ZEP in raw IPv6": (229, lambda psdu: v6(udp(zep(psdu)))),
    "Ethernet 809a": (1, lambda psdu: ethernet(0x809A, right(psdu))),
    "cooked 809a": (113, lambda psdu: cooked(0x809A, psdu, 804)),
    "cooked 00f6": (113, lambda psdu: cooked(0x00F6, psdu, 804)),
    "cooked 00f6 monitor": (113, lambda psdu: cooked(0x00F6, right(psdu), 805)),
    "cooked v2 00f6": (276, lambda psdu: cooked_2(0x00F6, psdu, 804)),
    "ZEP in PKTAP": (258, lambda psdu: pktap(0, struct.pack("<I", 2) + ipv4(udp(zep(psdu))))),
    "PKTAP": (258, lambda psdu: pktap(195, right(psdu))),
    "exported": (252, lambda psdu: exported("wpan", right(psdu))),
    "exported without FCS": (252, lambda psdu: exported("wpan_nofcs", psdu)),
    "exported ZEP": (252, lambda psdu: exported("zep", zep(psdu))),
    "TI radio": (228, lambda psdu: ipv4(udp(ti_radio(psdu), 17760))),
    "TI radio in Ethernet": (1, lambda psdu: ethernet(0x0800, ipv4(udp(ti_radio(psdu), 17760)))),
    "CatSniffer": (147, lambda psdu: ti_radio(psdu, bytes(3))),
    "nRF without TAP": (147, lambda psdu: struct.pack("<HhH", 26, -60, 200) + psdu),
}
