"""What is inside one captured packet: an 802.15.4 PSDU, a piece of Bluetooth, a 6LoWPAN payload, or nothing of ours.

Strategy: one function for each link type in `_LINK_TYPES`; those that only wrap another one (PPI, Ethernet, cooked
Linux, IP, ZEP) hand on to it. Which frame check sequence follows a PSDU is often not what the link type says, so an
`Inside` names a `source`, the kind of place it came from, and `trailer` finds out what these carry.

Sources: the link types of tcpdump.org/linktypes, Wireshark's dissectors for ZEP, PPI and the nRF sniffer.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable
from typing import Final, NamedTuple

from sixlowpan.capture import exported, zep
from sixlowpan.capture.containers import OF_BTSNOOP, UNDESCRIBED

#: Which FCS is expected where nothing else is known of a source.
CRC, CRC32, TI, NONE = "crc", "crc32", "ti", "none"
PSDU, HCI, AIR, PAYLOAD = "psdu", "hci", "air", "payload"
#: TI's SmartRF Packet Sniffer 2 sends what it hears to this UDP port
TI_PORT: Final = 17760
_ETHERTYPES_IP: Final = {0x0800, 0x86DD}
_ETHERTYPES_VLAN: Final = {0x8100, 0x88A8, 0x9100}
#: 802.15.4 in Ethernet and cooked captures: ETH_P_IEEE802154, and what was used before it had a number
_ETHERTYPES_802154: Final = {0x00F6, 0x809A}
_6LOWPAN: Final = 0xA0ED  # RFC 7973
#: Link types whose packets are a PSDU and nothing else, and the FCS that they promise.
BARE: Final = {195: CRC, 230: NONE}
_MONITOR: Final = 805  # ARPHRD_IEEE802154_MONITOR


class Inside(NamedTuple):
    """What one record holds. `missing` counts octets that the capture cut off.

    kind     PSDU: `data` is an 802.15.4 frame; `fcs` is what follows it by the rules of `source`, and `sure` that the
             packet itself says so.
             HCI: an HCI packet with its H4 octet; AIR: an LE link-layer packet from access address to CRC.
             PAYLOAD: a 6LoWPAN payload between the addresses `src` and `dst`.
    sent     HCI and AIR: True from host or central, False to it, None: not told.
    channel  HCI: the adapter.
    slot     PSDU: the absolute slot number of TSCH, where the packet says it.
    """

    kind: str
    data: bytes
    source: str
    fcs: str = NONE
    sure: bool = False
    missing: int = 0
    sent: bool | None = None
    channel: int = 0
    decrypted: bool = False
    src: bytes = b""
    dst: bytes = b""
    slot: int | None = None


class NothingInside(Exception):  # noqa: N818  it is an answer, not a fault
    """There is no frame for us in this packet; the text is the reason, as it is counted."""


_CUT: Final = "cut by the capture"


def inside(link_type: int, data: bytes, length: int) -> Inside:
    """What a record holds; `NothingInside` if nothing that is judged."""
    if not data:
        raise NothingInside(_CUT if length else "no octets in it")
    return _within(link_type, data, max(length - len(data), 0), 0)


def _within(link_type: int, data: bytes, missing: int, depth: int) -> Inside:
    if link_type in BARE:
        return Inside(PSDU, data, str(link_type), BARE[link_type], False, missing)
    unwrap = _LINK_TYPES.get(link_type)
    if unwrap is None:
        raise NothingInside(_unknown(link_type))
    if depth > 3:
        raise NothingInside("wrapped too deep")
    return unwrap(data, missing, depth)


#: What is met in place of a sniffer's link type.
_NAMES: Final = {9: "PPP", 105: "802.11", 127: "802.11", 189: "USB", 220: "USB", 249: "USB"}


def _unknown(link_type: int) -> str:
    if link_type == UNDESCRIBED:
        return "of an interface that the file does not describe"
    if link_type <= OF_BTSNOOP:
        return f"datalink {OF_BTSNOOP - link_type} of btsnoop, which is not read here (H4 is: 1002)"
    name = "private use" if 147 <= link_type <= 162 else _NAMES.get(link_type)
    return f"unknown link type {link_type}" + (f" ({name})" if name else "")


def _uncut(read: Callable[[bytes], Inside]) -> Callable[[bytes, int, int], Inside]:
    """A reader of whole records: one of which octets are missing tells nothing."""

    @functools.wraps(read)
    def reader(data: bytes, missing: int, _: int) -> Inside:
        if missing:
            raise NothingInside(_CUT)
        return read(data)

    return reader


def _exported(data: bytes, missing: int, depth: int) -> Inside:
    """252: what Wireshark, or its udpdump, exports for a dissector."""
    try:
        name, begin = exported.named(data)
    except ValueError as error:
        raise NothingInside(_CUT if missing else "damaged header of an exported PDU") from error
    if name == "zep":
        return _zep(data[begin:], missing)
    if name not in exported.LINK_TYPES:  # 6lowpan comes without the MAC header, whose addresses it needs
        raise NothingInside("an exported PDU that is no 802.15.4 frame")
    return _within(exported.LINK_TYPES[name], data[begin:], missing, depth + 1)


def _padded(data: bytes, missing: int, _: int) -> Inside:
    """191: what Linux drivers gave, read as 195."""
    return Inside(PSDU, data, "191", CRC, False, missing)


def _phy(data: bytes, missing: int, _: int) -> Inside:
    """215: preamble, SFD and PHR in front of the PSDU."""
    if missing and len(data) < 6:
        raise NothingInside(_CUT)
    if any(data[:4]):
        raise NothingInside("no preamble in front, as link type 215 has it")
    size = _at(data, 5) & 0x7F
    psdu = data[6 : 6 + size]
    return Inside(PSDU, psdu, "215", CRC, False, size - len(psdu))


def _tap(data: bytes, missing: int, _: int) -> Inside:
    """283: TLVs, of which type 0 says which FCS follows (0 none, 1 of 16 bits, 2 of 32), type 7 the slot of TSCH."""
    if len(data) < 4:
        raise NothingInside(_CUT if missing else "damaged TAP header")
    if data[0]:
        raise NothingInside(f"version {data[0]} of the TAP header")
    size, at, told, slot = data[2] | data[3] << 8, 4, 0, None
    if size > len(data):
        raise NothingInside(_CUT if missing else "damaged TAP header")
    while at + 4 <= size:
        kind, length = struct.unpack_from("<HH", data, at)
        if kind == 0 and at + 4 < size:
            told = data[at + 4]
        elif kind == 7 and length == 8 and at + 12 <= size:
            (slot,) = struct.unpack_from("<Q", data, at + 4)
        at += 4 + length + -length % 4
    if told > 2:
        raise NothingInside(f"unknown FCS type {told} in the TAP header")
    fcs = (NONE, CRC, CRC32)[told]
    return Inside(PSDU, data[size:], f"283 type {told}", fcs, True, missing, slot=slot)


def _ppi(data: bytes, missing: int, depth: int) -> Inside:
    """192: a header that names its length and the link type of what follows."""
    if len(data) < 8:
        raise NothingInside(_CUT if missing else "damaged PPI header")
    _, _, size, link_type = struct.unpack_from("<BBHI", data)
    found = _within(link_type, data[size:], missing, depth + 1)
    return found._replace(source=f"192, {found.source}")


def _pktap(data: bytes, missing: int, depth: int) -> Inside:
    """258, "any" of macOS: the length of the header, what comes next (1: a packet), its DLT, and more."""
    if len(data) < 12:
        raise NothingInside(_CUT if missing else "damaged PKTAP header")
    size, following, link_type = struct.unpack_from("<III", data)
    if following != 1 or size < 12:
        raise NothingInside("damaged PKTAP header")
    # of the few that differ between DLT and link type, only raw IP has something of ours in it, and that is known here
    return _within(link_type, data[size:], missing, depth + 1)


def _ethernet(data: bytes, missing: int, depth: int) -> Inside:
    at, ethertype = 14, _word(data, 12)
    if missing and len(data) < at:
        raise NothingInside(_CUT)
    while ethertype in _ETHERTYPES_VLAN:
        at, ethertype = at + 4, _word(data, at + 2)
    return _by_ethertype(ethertype, data[at:], missing, data[6:12], data[:6], monitor=False)


def _cooked(data: bytes, missing: int, _: int) -> Inside:
    """113, Linux "any": kind, device type, address length, address, protocol."""
    if missing and len(data) < 16:
        raise NothingInside(_CUT)
    source = data[6 : 6 + min(_word(data, 4), 8)]
    return _by_ethertype(_word(data, 14), data[16:], missing, source, b"", monitor=_word(data, 2) == _MONITOR)


def _cooked_2(data: bytes, missing: int, _: int) -> Inside:
    """276, Linux "any" of newer tools."""
    if missing and len(data) < 20:
        raise NothingInside(_CUT)
    source = data[12 : 12 + min(_at(data, 11), 8)]
    return _by_ethertype(_word(data, 0), data[20:], missing, source, b"", monitor=_word(data, 8) == _MONITOR)


def _by_ethertype(
    ethertype: int, data: bytes, missing: int, src: bytes, dst: bytes, *, monitor: bool
) -> Inside:
    if ethertype in _ETHERTYPES_VLAN and len(data) >= 4:  # behind a cooked header
        return _by_ethertype(_word(data, 2), data[4:], missing, src, dst, monitor=monitor)
    if ethertype in _ETHERTYPES_IP:
        return _ip(data, missing, 0)
    if ethertype in _ETHERTYPES_802154:
        # a monitor interface hands frames on with their FCS, any other without
        source = f"ethertype {ethertype:04x}" + (", monitor" if monitor else "")
        return Inside(PSDU, data, source, CRC if monitor else NONE, False, missing)
    if ethertype == _6LOWPAN:
        if missing:
            raise NothingInside(_CUT)
        return Inside(PAYLOAD, data, "ethertype a0ed", src=_eui64(src), dst=_eui64(dst))
    raise NothingInside(f"no 802.15.4 in it (ethertype {ethertype:04x})")


def _eui64(address: bytes) -> bytes:
    """The EUI-64 of an Ethernet address (RFC 2464 section 4); a group becomes the broadcast address."""
    if len(address) != 6:
        return address[:8] if len(address) == 8 and any(address) else b""
    return b"\xff\xff" if address[0] & 1 else address[:3] + b"\xff\xfe" + address[3:]


def _loopback(data: bytes, missing: int, _: int) -> Inside:
    """0 and 108: an address family in front, in the byte order of whoever captured."""
    return _ip(data[4:], missing, 0)


def _ip(packet: bytes, missing: int, _: int) -> Inside:
    """ZEP over UDP in an IP packet."""
    version = packet[0] >> 4 if packet else 0
    if missing and len(packet) < {4: 28, 6: 48}.get(version, 20):
        raise NothingInside(_CUT)
    if version == 4 and len(packet) >= 20 and packet[9] == 17:
        if _word(packet, 6) & 0x3FFF:
            raise NothingInside("a fragment of IPv4")
        at = (packet[0] & 15) * 4
    elif version == 6 and len(packet) >= 40 and (behind := _behind_extensions(packet)):
        at = behind
    else:
        raise NothingInside("plain IP, no ZEP in it")
    ports, datagram = {_word(packet, at), _word(packet, at + 2)}, packet[at + 8 : at + _word(packet, at + 4)]
    if TI_PORT in ports:
        return _ti_radio(datagram, missing, 17)
    if zep.PORT not in ports and not zep.fits(datagram):
        raise NothingInside("plain IP, no ZEP in it")
    return _zep(packet[at + 8 :], missing)


def _ti_radio(data: bytes, missing: int, begin: int) -> Inside:
    """TI's Radio Packet Info: 16 octets, in which `protocol` says what follows; the last octet in front is a length."""
    if missing:
        raise NothingInside(_CUT)
    protocol, status = _at(data, 6), _at(data, 15)
    if protocol not in {1, 2}:  # 802.15.4g, 802.15.4
        raise NothingInside(f"no 802.15.4 in it (protocol {protocol} of TI's sniffer)")
    if not status & 0x80:
        raise NothingInside("FCS wrong")
    psdu = data[begin + (2 if protocol == 1 else 0) :]  # of 802.15.4g the PHY header, too
    return Inside(PSDU, psdu, f"TI radio, protocol {protocol}", CRC)


@_uncut
def _user0(data: bytes) -> Inside:
    """147, for private use. CatSniffer: TI's header and 4 octets more. The nRF sniffer: channel, RSSI and LQI."""
    if len(data) > 20 and data[6] < 5 and data[15] & 0x7F == 0 and data[19] == len(data) - 20:
        return _ti_radio(data, 0, 20)
    if len(data) > 6 and data[1] == data[5] == 0 and 11 <= data[0] <= 26:
        return Inside(PSDU, data[6:], "nRF, no TAP")
    raise NothingInside(_unknown(147))


def _behind_extensions(packet: bytes) -> int:
    """Where UDP begins in an IPv6 packet, behind hop-by-hop, routing and destination options; 0 if it does not."""
    protocol, at = packet[6], 40
    while protocol in {0, 43, 60} and at + 8 <= len(packet):
        protocol, at = packet[at], at + 8 + 8 * packet[at + 1]
    return at if protocol == 17 else 0


def _zep(data: bytes, missing: int) -> Inside:
    try:
        begin, size, whole = zep.header(data)
    except ValueError as error:
        raise NothingInside(str(error)) from error
    except EOFError as error:
        raise NothingInside(_CUT if missing else str(error)) from error
    psdu, nominal = data[begin : begin + size], CRC if whole else TI
    return Inside(PSDU, psdu, f"ZEP v{data[2]}, {nominal}", nominal, False, size - len(psdu))


@_uncut
def _h4(data: bytes) -> Inside:
    return Inside(HCI, data, "HCI")


@_uncut
def _h4_directed(data: bytes) -> Inside:
    return Inside(HCI, data[4:], "HCI", sent=data[:4] == bytes(4))


#: opcode of the Linux monitor -> (H4 octet, from the host)
_MONITOR_KINDS: Final = {2: (b"\x01", True), 3: (b"\x04", False), 4: (b"\x02", True), 5: (b"\x02", False)}


@_uncut
def _monitor(data: bytes) -> Inside:
    adapter, opcode = _word(data, 0), _word(data, 2)
    if opcode not in _MONITOR_KINDS:
        raise NothingInside("a note of the Bluetooth monitor")
    kind, sent = _MONITOR_KINDS[opcode]
    return Inside(HCI, kind + data[4:], "HCI", sent=sent, channel=adapter)


@_uncut
def _air(data: bytes) -> Inside:
    return Inside(AIR, data, "LE")


@_uncut
def _air_with_header(data: bytes) -> Inside:
    """256: channel, powers, reference access address and flags in front."""
    flags = int.from_bytes(data[8:10], "little")
    if flags & 0x0400 and not flags & 0x0800:
        raise NothingInside("CRC wrong")
    sent = {2: True, 3: False}.get(flags >> 7 & 7)
    packet = _uncoded(data[10:], flags >> 14)
    return Inside(AIR, packet, "LE", sent=sent, decrypted=bool(flags & 0x0008))


def _uncoded(packet: bytes, phy: int) -> bytes:
    """A packet without the coding indicator that follows the access address on the coded PHY (2)."""
    return packet[:4] + packet[5:] if phy == 2 else packet


@_uncut
def _nordic(data: bytes) -> Inside:
    """272, the nRF sniffer: board, its own header in three versions, then flags and the packet."""
    # version 1: header length 6, payload length; versions 2 and 3: payload length of two octets
    version, kind = _at(data, 3), _at(data, 6)
    if version not in {1, 2, 3}:
        raise NothingInside(f"version {version} of the nRF sniffer")
    if kind not in ({2, 6} if version == 3 else {6}):
        raise NothingInside("a note of the nRF sniffer")
    flags = _at(data, 8)
    if not flags & 1:
        raise NothingInside("CRC wrong")
    packet = data[7 + max(_at(data, 7), 10) :]
    to_peripheral = bool(flags & 2) if kind == 6 else None
    packet = _uncoded(packet, flags >> 4 & 7 if version == 3 else 0)
    # bit 2: enciphered on the air, bit 3: its integrity code held, so the sniffer had the key
    return Inside(AIR, packet, "LE", sent=to_peripheral, decrypted=flags & 12 == 12)


def _word(data: bytes, at: int) -> int:
    """Two octets, big-endian; 0 where there are none."""
    return int.from_bytes(data[at : at + 2], "big")


def _at(data: bytes, at: int) -> int:
    return data[at] if at < len(data) else 0


_LINK_TYPES: Final[dict[int, Callable[[bytes, int, int], Inside]]] = {
    0: _loopback,
    1: _ethernet,
    12: _ip,
    14: _ip,
    101: _ip,
    108: _loopback,
    113: _cooked,
    147: _user0,
    187: _h4,
    191: _padded,
    192: _ppi,
    201: _h4_directed,
    215: _phy,
    228: _ip,
    229: _ip,
    251: _air,
    252: _exported,
    254: _monitor,
    256: _air_with_header,
    258: _pktap,
    272: _nordic,
    276: _cooked_2,
    283: _tap,
}
