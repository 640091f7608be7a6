"""Addresses: how interface identifiers and multicast link addresses follow from other addresses.

Pure functions on octets, big-endian as printed. Three rules live here that are easily mixed up: EUI-64 with
the U/L bit inverted (RFC 4944 section 6), short address without or with the PAN id (RFC 6282 section 3.2.2,
RFC 4944 section 6), Bluetooth device address with every bit unchanged (RFC 7668 section 3.2.2).
"""

from __future__ import annotations

from typing import Final

LINK_LOCAL_PREFIX: Final = bytes.fromhex("fe80000000000000")
SHORT_IID_PREFIX: Final = bytes.fromhex("000000fffe00")
UNSPECIFIED: Final = bytes(16)
#: ::1 (RFC 4291 §2.5.3).
LOOPBACK: Final = bytes(15) + b"\x01"
#: ff02::1, all nodes of the link (RFC 4291 §2.7.1).
ALL_NODES: Final = bytes.fromhex("ff020000000000000000000000000001")
#: ff02::2, all routers of the link (RFC 4291 §2.7.1).
ALL_ROUTERS: Final = bytes.fromhex("ff020000000000000000000000000002")
BROADCAST: Final = b"\xff\xff"


def iid(link_address: bytes, pan: bytes | None = None) -> bytes:
    """The 8-octet interface identifier of a link-layer address of 8 (EUI-64), 2 (short) or 6 (BLE) octets.

    `pan` (2 octets) asks for the form of RFC 4944 section 6 for a short address; without it the form is
    that of RFC 6282 section 3.2.2. Raises ValueError for any other size.
    """
    size = len(link_address)
    if size == 8:
        # RFC 6282 3.2.2: "The only change needed to transform an IEEE EUI-64 identifier to an interface
        # identifier is to invert the universal/local bit."
        return bytes((link_address[0] ^ 0x02,)) + link_address[1:]
    if size == 2:
        if pan is None:
            # RFC 6282 3.2.2: "0000:00ff:fe00:XXXX where XXXX carries the short address"
            return SHORT_IID_PREFIX + link_address
        if len(pan) != 2:
            raise ValueError("a PAN id has 2 octets")
        # RFC 4944 6: PAN id, 16 zero bits and the short address are a 48-bit address, into which RFC 2464 inserts
        # FFFE, and the Universal/Local bit "SHALL be set to zero" there
        return bytes((pan[0] & 0xFD, pan[1], 0, 0xFF, 0xFE, 0)) + link_address
    if size == 6:
        # RFC 7668 3.2.2: "inserting two octets, with hexadecimal values of 0xFF and 0xFE in the middle";
        # each bit is "copied as is without any changes on any bit"
        return link_address[:3] + b"\xff\xfe" + link_address[3:]
    raise ValueError(f"a link-layer address has 2, 6 or 8 octets, not {size}")


def link_local(link_address: bytes, pan: bytes | None = None) -> bytes:
    """The 16-octet link-local address: fe80::/64 and the interface identifier (RFC 4944 section 7)."""
    return LINK_LOCAL_PREFIX + iid(link_address, pan)


def modified_eui64(device_address: bytes) -> bytes:
    """The EUI-64 field of an ARO on Bluetooth LE: FFFE inserted AND the U/L bit inverted (RFC 7668 section 3.2.4)."""
    if len(device_address) != 6:
        raise ValueError("a Bluetooth device address has 6 octets")
    return bytes((device_address[0] ^ 0x02,)) + device_address[1:3] + b"\xff\xfe" + device_address[3:]


def is_multicast(address: bytes) -> bool:
    """True if the 16-octet address is in ff00::/8."""
    return address[0] == 0xFF


def is_link_local(address: bytes) -> bool:
    """True if the 16-octet address is in fe80::/10 (RFC 4291 section 2.4)."""
    return address[0] == 0xFE and address[1] & 0xC0 == 0x80


def multicast_link_address(address: bytes) -> bytes:
    """The 16-bit link address of a multicast group in a mesh (RFC 4944 section 9): 100, then the last 13 bits."""
    if len(address) != 16 or address[0] != 0xFF:
        raise ValueError("not an IPv6 multicast address")
    return bytes((0x80 | address[14] & 0x1F, address[15]))


def solicited_node(address: bytes) -> bytes:
    """The solicited-node group ff02::1:ffXX:XXXX of a 16-octet unicast address (RFC 4291 section 2.7.1)."""
    return bytes.fromhex("ff0200000000000000000001ff") + address[13:]
