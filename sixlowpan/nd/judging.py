"""What the sender of a Neighbor Discovery message did wrong by RFC 6775 or RFC 8505, although it can be read.

Strategy: `judge` walks the octets once, so that every finding has the offset of the field that is wrong, counted in the
ICMPv6 message. A message that cannot be read is one finding, and its fields are not judged. Rules that bind a role are
judged by what shows the role: who sends an ARO registers, who sends a 6CO or an ABRO is a 6LoWPAN router.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sixlowpan.addresses import UNSPECIFIED, is_link_local, is_multicast
from sixlowpan.errors import DecodeError
from sixlowpan.findings import ADVICE, FAIL, LintFinding, Say
from sixlowpan.ipv6 import ICMPV6, Packet
from sixlowpan.nd.messages import DAC, DAR, NA, NS, RA, RS, parse
from sixlowpan.nd.options import ABRO, ARO, PIO, SIXCIO, SIXCO, SLLAO, STATUS

#: Where the options of a message begin.
OPTIONS: Final = {RS: 8, RA: 16, NS: 24, NA: 24}
#: The row that says how a received message is validated.
_VALID: Final = {
    RS: "RFC4861-6.1.1-01",
    RA: "RFC4861-6.1.2-01",
    NS: "RFC4861-7.1.1-01",
    NA: "RFC4861-7.1.2-01",
}
_LAST_STATUS: Final = len(STATUS) - 1


@dataclass(frozen=True, slots=True)
class At:
    """One option: its type, where it begins in the message, and its octets with type and length."""

    type: int
    offset: int
    octets: bytes

    @property
    def units(self) -> int:
        """Its Length field."""
        return self.octets[1]


def walk(data: bytes, at: int) -> list[At]:
    """The options at `data[at:]` as they stand; ends where one has length 0 or is cut short."""
    found = []
    while at + 2 <= len(data) and data[at + 1] and at + 8 * data[at + 1] <= len(data):
        found.append(At(data[at], at, data[at : at + 8 * data[at + 1]]))
        at += 8 * data[at + 1]
    return found


def breaches(packet: bytes) -> list[LintFinding]:
    """What is wrong with a packet that is a Neighbor Discovery message; empty for any other."""
    found: list[LintFinding] = []
    judge(
        packet,
        lambda code, requirement, level, offset, expected, actual, text: found.append(
            LintFinding(code, requirement, level, 0, offset, str(expected), str(actual), text)
        ),
    )
    return found


def judge(packet: bytes, say: Say) -> None:
    """Say what is wrong with a packet; offsets count in its ICMPv6 message."""
    view = Packet.parse(packet)
    protocol, _, data = view.upper()
    if protocol != ICMPV6 or not data or data[0] not in {RS, RA, NS, NA, DAR, DAC}:
        return
    try:
        parse(data)
    except DecodeError as error:
        where = (FAIL, error.offset, "a message that can be read", error.kind, error.message)
        say("nd_malformed", error.requirement or _VALID.get(data[0], "RFC6775-8.2.1-01"), *where)
        return
    if data[0] in {DAR, DAC}:
        _duplicate_address(view, data, say)
        return
    if view.hop_limit != 255:
        # RFC 4861 6.1, 7.1: "The IP Hop Limit field has a value of 255"
        say("hop_limit", _VALID[data[0]], FAIL, 0, 255, view.hop_limit, "Neighbor Discovery goes with 255")
    if data[1]:
        say("nd_code", _VALID[data[0]], FAIL, 1, 0, data[1], "the ICMP Code is 0")
    options = walk(data, OPTIONS[data[0]])
    {RS: _solicitation, RA: _advertisement, NS: _registration, NA: _answer}[data[0]](view, data, options, say)
    for option in options:
        if option.type == SIXCIO:
            _capabilities(option, say)


def _solicitation(view: Packet, data: bytes, options: list[At], say: Say) -> None:
    del data
    if not any(option.type == SIXCIO for option in options):
        return  # nothing says that this is a 6LoWPAN node
    if view.src == UNSPECIFIED:
        # RFC 6775 5.3: "An unspecified source address MUST NOT be used in RS messages"
        say("nd_source", "RFC6775-5.3-03", FAIL, 0, "an address of the sender", "::", "the source of an RS")
    elif not any(option.type == SLLAO for option in options):
        # RFC 6775 5.3: "An SLLAO MUST be included to enable unicast RAs in response"
        say("nd_sllao", "RFC6775-5.3-02", FAIL, 8, "an SLLAO", "none", "an RS has an SLLAO")


def _advertisement(view: Packet, data: bytes, options: list[At], say: Say) -> None:
    del view
    kinds = [option.type for option in options]
    if not {SIXCO, ABRO} & {*kinds}:
        return
    if SLLAO not in kinds:
        # RFC 6775 6.3: "A 6LR or 6LBR MUST include an SLLAO in the RAs it sends". A 6CO alone may be of a router that
        # is neither: only an ABRO shows that RFC 6775 is what the sender speaks.
        say(
            "nd_sllao",
            "RFC6775-6.3-04",
            FAIL if ABRO in kinds else ADVICE,
            16,
            "an SLLAO",
            "none",
            "an RA has an SLLAO",
        )
    if kinds.count(ABRO) > 1:
        # RFC 6775 8.1.5: each prefix is "in an RA that includes an ABRO from the first 6LBR, etc."
        at = [option for option in options if option.type == ABRO][1].offset
        say("nd_abro", "RFC6775-8.1.5-01", FAIL, at, "one ABRO", kinds.count(ABRO), "6LBRs are not mixed")
    if kinds.count(SIXCO) > 16:
        say("nd_context", "RFC6775-4.2-03", FAIL, 16, "up to 16", kinds.count(SIXCO), "6COs in one RA")
    if data[5] & 0x18 == 0x10:
        # RFC 4191 2.2: Prf 10 is reserved, "MUST NOT be sent"
        say("nd_preference", "RFC6775-6-02", FAIL, 5, "Prf 00, 01 or 11", "10", "a reserved preference")
    for option in options:
        if option.type == PIO and option.octets[3] & 0x80:
            # RFC 6775 6.1: "A router MUST NOT set the L (on-link) flag in the PIOs"
            say("on_link", "RFC6775-6.1-02", FAIL, option.offset + 3, "L=0", "L=1", "a PIO that is on-link")
        elif option.type == SIXCO:
            _context(option, say)
        elif option.type == ABRO and option.units != 3:
            say("nd_length", "RFC6775-4.3-02", FAIL, option.offset + 1, 3, option.units, "Length of an ABRO")


def _context(option: At, say: Say) -> None:
    at, octets = option.offset, option.octets
    length, prefix = octets[2], int.from_bytes((octets[8:24] + bytes(16))[:16])
    if option.units not in {2, 3}:
        say("nd_length", "RFC6775-4.2-01", FAIL, at + 1, "2 or 3", option.units, "Length of a 6CO")
    if octets[3] & 0xE0 or octets[4:6] != b"\0\0":
        # RFC 6775 4.2: Res and Reserved "MUST be initialized to zero by the sender"
        where = at + (3 if octets[3] & 0xE0 else 4)
        say("nd_reserved", "RFC6775-4.2-07", FAIL, where, 0, octets[3:6].hex(), "reserved bits of a 6CO")
    if prefix & ((1 << 128 - length) - 1):
        # RFC 6775 4.2: "This field is padded with zeros"; that bits within the last octet count is our reading
        say("nd_context", "RFC6775-4.2-01", ADVICE, at + 8, f"zeros behind bit {length}", octets[8:].hex(),
            "the prefix of a 6CO is padded")  # fmt: skip


def _registration(view: Packet, data: bytes, options: list[At], say: Say) -> None:
    for option in options:
        if option.type != ARO:
            continue
        at, octets = option.offset, option.octets
        extended = bool(octets[4] & 1)
        if octets[2]:
            # RFC 6775 4.1: "MUST be set to 0 in NS messages"
            row = "RFC8505-4.1-02" if extended else "RFC6775-4.1-04"
            say("nd_status", row, FAIL, at + 2, 0, octets[2], "the Status of an NS")
        if view.src == UNSPECIFIED:
            # RFC 6775 5.5.1: "An unspecified source address MUST NOT be used in NS messages"
            say("nd_source", "RFC6775-5.5.1-02", FAIL, 0, "an address", "::", "the source of a registration")
        if is_multicast(view.dst):
            # RFC 6775 5.4.1: registered "by unicasting an NS with an ARO"
            say("nd_destination", "RFC6775-5.4.1-02", FAIL, 0, "unicast", view.dst.hex(), "of a registration")
        if not any(other.type == SLLAO for other in options) and not extended:
            # RFC 6775 4.1: "an SLLAO ... MUST be included"; RFC 8505 5.5 has an EARO without one, among registrars
            say("nd_sllao", "RFC6775-4.1-01", FAIL, at, "an SLLAO", "none", "a registration has an SLLAO")
        if extended and not is_link_local(view.src) and data[8:24] != view.dst:
            # RFC 8505 5.6: "a 6LN MUST use a Link-Local Address as the Source Address of the registration"; not so of
            # one for the router itself, which is how RFC 6775 5.5 has it: section 6, with a router of RFC 6775 only
            say("nd_source", "RFC8505-5.6-02", FAIL, 0, "link-local", view.src.hex(), "the source of an EARO")
        _fields(option, say)


def _answer(view: Packet, data: bytes, options: list[At], say: Say) -> None:
    if is_multicast(view.dst) and data[4] & 0x40:
        # RFC 4861 7.1.2: "If the IP Destination Address is a multicast address the Solicited flag is zero"
        say("solicited_flag", "RFC4861-7.1.2-01", FAIL, 4, "S=0", "S=1", "multicast is never solicited")
    for option in options:
        if option.type != ARO:
            continue
        if option.octets[2] > _LAST_STATUS:
            say("nd_status", "RFC6775-4.1-11", ADVICE, option.offset + 2, f"0 to {_LAST_STATUS}",
                option.octets[2], "an unassigned Status")  # fmt: skip
        if option.octets[2] in {1, 2} and not option.octets[4] & 1 and not is_link_local(view.dst):
            # RFC 6775 6.5.2: "the NA is sent to the link-local IPv6 address with the Interface ID part derived from
            # the EUI-64 field of the ARO"
            say("nd_destination", "RFC6775-6.5.2-01", FAIL, 0, "a link-local address", view.dst.hex(),
                "where a refusal goes")  # fmt: skip
        _fields(option, say)


def _fields(option: At, say: Say) -> None:
    """Length, reserved bits and I of an ARO or EARO, which NS and NA have alike."""
    at, octets = option.offset, option.octets
    extended = bool(octets[4] & 1)
    lengths = range(2, 6) if extended or option.units > 2 else range(2, 3)
    row = "RFC8505-4.1-01" if option.units > 2 else "RFC6775-4.1-03"
    if option.units not in lengths:
        say("nd_length", row, FAIL, at + 1, f"2 to {lengths[-1]}", option.units, "Length of an (E)ARO")
    if extended and octets[4] & 0xF0:
        # RFC 8505 4.1: Rsvd "MUST be initialized to 0 by the sender"; later RFCs use three of the four bits
        level = FAIL if octets[4] & 0x80 else ADVICE
        say("nd_reserved", "RFC8505-4.1-03", level, at + 4, 0, f"{octets[4]:02x}", "reserved bits of an EARO")
    if octets[4] & 0x0C:
        # RFC 8505 4.1: "All other values of "I" are reserved and MUST NOT be used"; P in RFC 9685: not ours to tell
        level = ADVICE if extended else FAIL
        row = "RFC8505-4.1-04" if extended else "RFC6775-4.1-05"
        say("nd_reserved", row, level, at + 4, "I=0", octets[4] >> 2 & 3, "a reserved value of I")
    if not extended and (octets[3] or octets[4] & 0xF0 or octets[5]):
        # RFC 6775 4.1: Reserved "MUST be initialized to zero by the sender"; without T there is no TID, either
        say("nd_reserved", "RFC6775-4.1-05", FAIL, at + 3, 0, octets[3:6].hex(), "reserved octets of an ARO")


def _capabilities(option: At, say: Say) -> None:
    at, octets = option.offset, option.octets
    if option.units != 1:
        say("nd_length", "RFC7400-3.3-03", FAIL, at + 1, 1, option.units, "Length of a 6CIO")
    if octets[2]:
        # RFC 7400 3.4: flags 0 to 7 are for experiments
        say("experimental_bits", "RFC7400-3.4-04", FAIL, at + 2, 0, f"{octets[2]:02x}", "flags 0 to 7")
    if octets[4:8] != bytes(4):
        say("nd_reserved", "RFC7400-3.4-02", FAIL, at + 4, 0, octets[4:8].hex(), "unassigned flags of a 6CIO")


def _duplicate_address(view: Packet, data: bytes, say: Say) -> None:
    if view.hop_limit > 64:
        # RFC 6775 4.4: "Hop Limit: Set to MULTIHOP_HOPLIMIT on transmit", which is 64
        row = "RFC6775-4.4-02"
        say("hop_limit", row, FAIL, 0, "64 or less", view.hop_limit, "the hop limit of a DAR or DAC")
    if data[1] >> 4:
        # RFC 8505 4.2: "The Code Prefix MUST be set to 0 by the sender"
        say("nd_code", "RFC8505-4.2-02", FAIL, 1, 0, data[1] >> 4, "the Code Prefix")
    if data[0] == DAR and data[4]:
        # RFC 6775 4.4: "MUST be set to 0 in the DAR"
        say("nd_status", "RFC6775-4.4-04", FAIL, 4, 0, data[4], "the Status of a DAR")
    if not data[1] & 15 and data[5]:
        say("nd_reserved", "RFC6775-4.4-01", FAIL, 5, 0, data[5], "Reserved of a DAR or DAC")
    for name, address in (("source", view.src), ("destination", view.dst)):
        if is_multicast(address) or is_link_local(address) or address == UNSPECIFIED:
            # RFC 6775 4.4: "A non-link-local address of the sending router", "of a 6LBR"
            say(f"nd_{name}", "RFC6775-4.4-02", FAIL, 0, "neither link-local nor multicast", address.hex(),
                f"the {name} of a DAR or DAC")  # fmt: skip
    registered = 8 + 8 * max(data[1] & 15, 1)
    if is_multicast(data[registered : registered + 16]):
        # RFC 6775 8.2.1: "The Registered Address is not a multicast address"
        say("nd_address", "RFC6775-8.2.1-01", FAIL, registered, "unicast", data[registered:][:16].hex(),
            "the Registered Address")  # fmt: skip
