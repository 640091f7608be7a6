"""Spinel, as far as a radio co-processor needs it: commands, properties, and the two messages that carry frames.

A message is a header octet (10, interface 00, transaction id of 4 bits), a command and a property, both packed unsigned
integers (7 bits an octet, lowest first), and the value. Multi-octet fields are little-endian; EUI-64s go as printed.
Source: draft-rquattle-spinel-unified, and OpenThread's src/lib/spinel/spinel.h and src/ncp/ncp_base_radio.cpp, read
beside what its ot-rcp sends (tests/links/spinel_session.txt).
"""

from __future__ import annotations

from typing import Final, NamedTuple

# commands
RESET, GET, SET, IS = 1, 2, 3, 6
# properties
LAST_STATUS, PROTOCOL_VERSION, NCP_VERSION, CAPABILITIES, HARDWARE_ADDRESS = 0, 1, 2, 5, 8
PHY_ENABLED, PHY_CHANNEL, PHY_TX_POWER = 0x20, 0x21, 0x25
LONG_ADDRESS, SHORT_ADDRESS, PAN_ID, RAW_STREAM_ENABLED, PROMISCUOUS = 0x34, 0x35, 0x36, 0x37, 0x38
STREAM_RAW: Final = 0x71
PROTOCOL_MAJOR: Final = 4
#: SPINEL_RESET_STACK: the firmware's own state, not the chip; a USB port stays where it is.
RESET_STACK: Final = 2
#: SPINEL_CAP_MAC_RAW, what a radio co-processor has.
CAP_MAC_RAW: Final = 513
#: Statuses: the first 112 to 127 tell of a reset.
OK, NO_ACK, CCA_FAILURE = 0, 17, 18
RESETS: Final = range(112, 128)
STATUS: Final = {
    1: "failure", 2: "unimplemented", 3: "invalid argument", 4: "invalid state", 5: "invalid command",
    7: "internal error", 8: "security error", 9: "parse error", 10: "in progress", 11: "no memory", 12: "busy",
    13: "property not found", 14: "dropped", 15: "empty", 16: "command too big", 17: "no acknowledgement",
    18: "channel busy", 19: "already",
    112: "power on", 113: "external reset", 114: "software reset", 115: "fault", 116: "crash", 117: "assertion",
    118: "reset", 119: "reset, why is not known", 120: "watchdog",
}  # fmt: skip
NAMES: Final = {
    PROTOCOL_VERSION: "protocol version",
    NCP_VERSION: "version",
    CAPABILITIES: "capabilities",
    HARDWARE_ADDRESS: "hardware address",
    PHY_ENABLED: "PHY enabled",
    PHY_CHANNEL: "channel",
    PHY_TX_POWER: "transmit power",
    LONG_ADDRESS: "EUI-64",
    SHORT_ADDRESS: "short address",
    PAN_ID: "PAN id",
    RAW_STREAM_ENABLED: "raw stream enabled",
    PROMISCUOUS: "promiscuous mode",
    STREAM_RAW: "raw stream",
}
#: Transaction ids: 0 is for what nobody asked for.
TRANSACTIONS: Final = range(1, 16)
_CSMA_BACKOFFS: Final = 4  # macMaxCsmaBackoffs


class SpinelError(ValueError):
    """A message that cannot be read, and why."""


class Message(NamedTuple):
    """One message: transaction id, command, property, value."""

    transaction: int
    command: int
    property: int
    value: bytes


class Frame(NamedTuple):
    """A frame as the co-processor heard it: PSDU with two octets in the place of the FCS, and when, on its own clock.

    `microseconds` is None where the firmware does not say.
    """

    psdu: bytes
    microseconds: int | None


def packed(number: int) -> bytes:
    """A packed unsigned integer."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*out, number))


def unpacked(octets: bytes, at: int) -> tuple[int, int]:
    """(number, offset behind it) of a packed unsigned integer. Raises `SpinelError`."""
    value = 0
    for place in range(5):
        if at + place >= len(octets):
            raise SpinelError("a number is cut short")
        value |= (octets[at + place] & 0x7F) << 7 * place
        if octets[at + place] < 0x80:
            return value, at + place + 1
    raise SpinelError("a number has more than 5 octets")


def message(transaction: int, command: int, prop: int, value: bytes = b"") -> bytes:
    """The octets of a message about a property."""
    return bytes((0x80 | transaction,)) + packed(command) + packed(prop) + value


def reset() -> bytes:
    """The octets that restart the firmware."""
    return bytes((0x80, RESET, RESET_STACK))


def parse(octets: bytes) -> Message:
    """Read a message about a property. Raises `SpinelError`."""
    if not octets or octets[0] & 0xC0 != 0x80:
        raise SpinelError("no header of Spinel")
    command, at = unpacked(octets, 1)
    prop, at = unpacked(octets, at)
    return Message(octets[0] & 15, command, prop, octets[at:])


def transmission(psdu: bytes, channel: int, retries: int) -> bytes:
    """The value that sends a PSDU (without FCS): by CSMA-CA, as it is, its security being done already."""
    body = psdu + bytes(2)  # the radio makes the FCS
    csma, header_updated, repeated, secured = 1, 0, 0, 1
    return (
        len(body).to_bytes(2, "little")
        + body
        + bytes((channel, _CSMA_BACKOFFS, retries, csma, header_updated, repeated, secured))
    )


def received(value: bytes) -> Frame:
    """Read what a raw stream carries. Raises `SpinelError`.

    Length and PSDU, RSSI, noise floor, flags of 2 octets; then, as a structure with its length, channel, LQI and a time
    of 8 octets.
    """
    size = int.from_bytes(value[:2], "little")
    if len(value) < 2 + size + 4:
        raise SpinelError("a frame is cut short")
    at = 2 + size
    about = value[at + 4 :]
    inside = about[2 : 2 + int.from_bytes(about[:2], "little")]
    time = int.from_bytes(inside[2:10], "little") if len(inside) >= 10 else None
    return Frame(value[2 : 2 + size], time)
