"""What goes between the tester and a DUT, as the tester sees it: who it is, what it sends, what it heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sixlowpan import DecodeError, LinkInfo, ipv6, mac
from sixlowpan.link import link_between
from sixlowpan.mesh import unwrap

ICMPV6 = 58
UDP = 17
DESTINATION_UNREACHABLE = 1
PARAMETER_PROBLEM = 4
ECHO_REQUEST = 128
ECHO_REPLY = 129
NEIGHBOR_SOLICITATION = 135
NEIGHBOR_ADVERTISEMENT = 136
UNSPECIFIED = bytes(16)
#: Seconds that an incomplete datagram may be kept (RFC 4944 §5.3).
LONGEST = 60.0

#: A UDP port that nobody opened.
CLOSED = 0x5678
#: Forms of what is ordinary, the first that a DUT understands being used: the smallest, all in-line, uncompressed.
FORMS = ("smallest", "in-line", "uncompressed")


def is_fragment(payload: bytes) -> bool:
    """FRAG1 and FRAGN, RFC 4944 §5.3."""
    return bool(payload) and payload[0] & 0xD8 == 0xC0


def unwrapped(payload: bytes, info: LinkInfo) -> tuple[bytes, LinkInfo]:
    """A payload behind its mesh and broadcast headers (RFC 4944 §5.2, §11.1), and the addresses that count there."""
    try:
        at, info = unwrap(payload, info)
    except DecodeError:
        return payload, info
    return payload[at:], info


def upper_message(packet: bytes) -> bytes:
    """The upper-layer message of an IPv6 packet: what stands behind its extension headers."""
    return ipv6.Packet.parse(packet).upper()[2]


def in_line(packet: bytes) -> bytes:
    """A packet without traffic class and flow label: TF=11, NH=0, HLIM=00, SAM=00, DAM=00 (RFC 6282 §3.1.1)."""
    return bytes([0x78, 0x08 if packet[24] == 0xFF else 0x00, packet[6], packet[7]]) + packet[8:]


def datagram_of(payload: bytes, info: LinkInfo) -> bytes:
    """The key (RFC 4944 §5.3) of the datagram that a DUT may take a payload for a fragment of, or empty.

    No text states what becomes of the reserved values around 11000 and 11100: some keep them as they keep fragments.
    """
    inner, ends = unwrapped(payload, info)
    return ends.src + ends.dst + bytes([inner[0] & 7]) + inner[1:4] if inner[:1] >= b"\xc0" else b""


def datagram_in(frame: bytes) -> bytes:
    """`datagram_of` what an IEEE 802.15.4 frame carries."""
    try:
        header, payload = mac.parse(frame)
    except DecodeError:
        return b""
    return datagram_of(payload, link_between("ieee802154", header.src, header.dst))


@dataclass(frozen=True, slots=True)
class Identity:
    """One appearance of the tester: a link-layer address and an IPv6 address (16 octets)."""

    link: bytes
    address: bytes


def is_group(link: bytes) -> bool:
    """Whether this link-layer address is the broadcast address, or one of a group (RFC 4944 §9: 100xxxxx xxxxxxxx)."""
    return len(link) == 2 and (link == b"\xff\xff" or link[0] >> 5 == 4)


@dataclass(slots=True)
class Seen:
    """One packet (or one undecodable payload) that the DUT sent, with all that carried it."""

    packet: bytes
    info: LinkInfo
    payloads: list[bytes]
    frames: list[bytes]
    time: float
    error: DecodeError | None = None
    view: ipv6.Packet | None = None
    #: Whether it is the copy of an answer that came before, or the answer to another case, which came late: media
    #: duplicate packets, hosts look for neighbours first, and nobody is to blame.
    stale: bool = False
    #: The packet of ours that an ICMPv6 error is about for sure (`rigs.tester.owed`).
    about: bytes | None = None
    #: When the first of its frames came; `time` is when the last did.
    began: float = 0.0

    @property
    def icmp_type(self) -> int | None:
        """Type of the ICMPv6 message right after the headers, if it is one."""
        if self.view is None:
            return None
        protocol, _, data = self.view.upper()
        return data[0] if protocol == ICMPV6 and data else None

    @property
    def behind_mesh(self) -> list[bytes]:
        """The payloads without mesh addressing and broadcast headers, which any of them may have (RFC 4944 §11)."""
        return [unwrapped(payload, self.info)[0] for payload in self.payloads]

    @property
    def origin(self) -> bytes:
        """The link-layer address of who made it: of a mesh header's originator, whom others may forward for."""
        return unwrapped(self.payloads[-1], self.info)[1].src

    @property
    def protocol(self) -> int | None:
        """The protocol of the upper-layer message, behind any extension headers; None of what nobody can decode."""
        return None if self.view is None else self.view.upper()[0]

    @property
    def upper(self) -> bytes:
        """The upper-layer message (ICMPv6, UDP, ...) without extension headers."""
        return b"" if self.view is None else self.view.upper()[2]

    @property
    def may_answer(self) -> bool:
        """Whether it can have come of a stimulus: an error, an Echo Reply, a segment of TCP, something undecodable.

        What a host says without being asked is none: Neighbor Discovery, MLD, RPL, Echo Requests, UDP, multicasts, a
        segment that opens a connection of TCP (SYN without ACK, RFC 9293 §3.5).
        """
        if self.view is None:
            return True
        if self.icmp_type is not None:
            return self.icmp_type < ECHO_REQUEST or self.icmp_type == ECHO_REPLY
        opens = self.protocol == ipv6.TCP and len(self.upper) > 13 and self.upper[13] & 0x12 == 0x02
        return self.view.dst[0] != 0xFF and self.protocol != UDP and not opens


@dataclass(slots=True)
class Stimulus:
    """What a case sends: the payloads, the packet that they must be understood as, and the link addresses.

    `packet` is None where no packet may come out of the payloads. It is a value: nothing is sent before the tester
    sends it, and it can be sent again.
    """

    payloads: Sequence[bytes]
    packet: bytes | None
    info: LinkInfo
    note: str = ""
    #: Whole frames that are sent in place of the payloads, where the MAC headers are part of what is tried; `payloads`
    #: then say what they carry, as far as that can be said.
    frames: Sequence[bytes] = ()
    #: What is sent right in front of it, so that nothing which an earlier packet left in a buffer of the DUT spoils
    #: what a wrong reading would make of this one.
    before: Stimulus | None = None

    @property
    def datagrams(self) -> list[bytes]:
        """Of each frame on IEEE 802.15.4: the key of the datagram that it may be a fragment of, or empty."""
        if self.frames:
            return [datagram_in(frame) for frame in self.frames]
        return [datagram_of(payload, self.info) for payload in self.payloads]
