"""Mutants that crash on what is cut, or contradicts itself, behind something: FRAG1, a mesh header, another header.

A decoder that checks the first header of a payload has still to check each one behind it (RFC 7400 §5; RFC 4944 §5).
"""

from __future__ import annotations

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import DecodeError
from tests.mutants import IEEE802154, mutant
from tests.mutants.robustness import crash
from tests.mutants.wire import iphc

PORTS = (4, 3, 3, 1)


def in_frag1(payload):
    """(the octets behind a FRAG1 header, the IPHC header there); (b"", None) where there is none."""
    if len(payload) < 6 or payload[0] >> 3 != 0x18:
        return b"", None
    return payload[4:], iphc(payload[4:])


def behind_mesh(payload):
    """The octets behind a mesh header, b"" where there is none or it is cut."""
    if not payload or payload[0] >> 6 != 2:
        return b""
    at = 1 + (payload[0] & 15 == 15) + (2 if payload[0] & 32 else 8) + (2 if payload[0] & 16 else 8)
    return payload[at:]


def inner(payload, h):
    """(the octets of an inner header, the header), or (b"", None)."""
    if h is None or h.nhc & 0xFE != 0xEE:
        return b"", None
    rest = payload[h.end + 1 :]
    return rest, iphc(rest)


def udp_is_cut(payload):
    """Whether the payload is a FRAG1 in which a compressed UDP header is cut."""
    rest, f = in_frag1(payload)
    if not f or f.nhc >> 3 != 0x1E:
        return False
    return len(rest) < f.end + 1 + PORTS[f.nhc & 3] + (0 if f.nhc & 4 else 2)


@crash("crash-frag1-udp-cut", "RFC6282-4.3-01", kinds=IEEE802154)
def _(payload, h):
    """Crashes where the UDP fields of a FRAG1 are cut."""
    return udp_is_cut(payload)


@crash("crash-mesh-frag1-udp-cut", "RFC6282-4.3-01", kinds=IEEE802154)
def _(payload, h):
    """Crashes where the UDP fields of a FRAG1 behind a mesh header are cut."""
    return udp_is_cut(behind_mesh(payload))


@crash("crash-frag1-extension-cut", "RFC6282-4.2-13", kinds=IEEE802154)
def _(payload, h):
    """Crashes where a compressed extension header goes on beyond a FRAG1."""
    rest, f = in_frag1(payload)
    if not f or f.nhc >> 4 != 0xE or f.nhc & 0xFE == 0xEE:
        return False
    at = f.end + (1 if f.nhc & 1 else 2)
    return at >= len(rest) or at + 1 + rest[at] > len(rest)


@crash("crash-frag1-nhc-missing", "RFC6282-3.1.1-06", kinds=IEEE802154)
def _(payload, h):
    """Crashes where NH is 1 and a FRAG1 ends behind IPHC."""
    rest, f = in_frag1(payload)
    return f and f.nh and len(rest) == f.end


@crash("crash-frag1-longer-than-size", "RFC4944-5.3-20", kinds=IEEE802154)
def _(payload, h):
    """Crashes where a FRAG1 stands for more octets than datagram_size says, but not many."""
    rest, f = in_frag1(payload)
    if not f or f.nh:
        return False
    return 0 < 40 + len(rest) - f.end - (int.from_bytes(payload[:2]) & 0x7FF) < 16


@crash("crash-frag1-size-below-headers", "RFC4944-5.3-10", kinds=IEEE802154)
def _(payload, h):
    """Crashes where datagram_size is from 40 to 47 octets and a compressed UDP header is in FRAG1."""
    _, f = in_frag1(payload)
    return f and f.nhc >> 3 == 0x1E and 40 <= int.from_bytes(payload[:2]) & 0x7FF < 48


@crash("crash-frag1-inner", "RFC6282-4.2-19", kinds=IEEE802154)
def _(payload, h):
    """Crashes where a FRAG1 ends within an inner IPv6 header."""
    rest, f = in_frag1(payload)
    found, i = inner(rest, f)
    return bool(f and f.nhc & 0xFE == 0xEE and (i is None or len(found) < i.end))


@crash("crash-frag1-ghc-cut", "RFC7400-5-01", kinds=IEEE802154)
def _(payload, h):
    """Crashes where a FRAG1 ends within a literal of GHC."""
    rest, f = in_frag1(payload)
    if not f or f.nhc != 0xDF or len(rest) < f.end + 2:
        return False
    code = rest[f.end + 1]
    return code < 0x60 and f.end + 2 + code > len(rest)


@crash("crash-frag1-page", "RFC4944-5.3-05", kinds=IEEE802154)
def _(payload, h):
    """Crashes on a page switch behind FRAG1."""
    return len(payload) > 4 and payload[0] >> 3 == 0x18 and payload[4] >= 0xF0


@crash("crash-frag1-mesh", "RFC4944-5-02", kinds=IEEE802154)
def _(payload, h):
    """Crashes on a mesh header behind FRAG1."""
    return len(payload) > 4 and payload[0] >> 3 == 0x18 and payload[4] >> 6 == 2


@crash("crash-frag1-frag1", "RFC4944-5-02", kinds=IEEE802154)
def _(payload, h):
    """Crashes on a fragment header behind FRAG1."""
    return len(payload) > 4 and payload[0] >> 3 == 0x18 and payload[4] >> 3 in {0x18, 0x1C}


@crash("crash-frag1-hc1-cut", "RFC4944-5.1-06", kinds=IEEE802154)
def _(payload, h):
    """Crashes where a FRAG1 ends within HC1."""
    return payload[4:5] == b"\x42" and payload[0] >> 3 == 0x18 and len(payload) < 10


@crash("crash-hc1-cut", "RFC4944-5.1-06", kinds=IEEE802154)
def _(payload, h):
    """Crashes where the in-line fields of HC1 are cut."""
    if payload[:1] != b"\x42" or len(payload) < 2:
        return False
    size = 3 + sum((16, 8, 8, 0)[payload[1] >> s & 3] for s in (6, 4))
    return len(payload) < size


@crash("crash-hc2-cut", "RFC4944-5.1-06", kinds=IEEE802154)
def _(payload, h):
    """Crashes where HC1 says that HC_UDP follows, and nothing does."""
    return payload[:1] == b"\x42" and len(payload) == 2 and payload[1] & 7 == 3


@crash("crash-mesh-nothing-behind", "RFC4944-5.2-06", kinds=IEEE802154)
def _(payload, h):
    """Crashes on a mesh header that nothing follows."""
    return payload and payload[0] >> 6 == 2 and len(payload) > 4 and behind_mesh(payload) == b""


@crash("crash-mesh-deep-missing", "RFC4944-5.2-05", kinds=IEEE802154)
def _(payload, h):
    """Crashes on a mesh header that ends where its Deep Hops Left octet should stand."""
    return len(payload) == 1 and payload[0] >> 6 == 2 and payload[0] & 15 == 15


@crash("crash-mesh-iphc-cut", "RFC4944-5-04", kinds=IEEE802154)
def _(payload, h):
    """Crashes where IPHC behind a mesh header is cut."""
    rest = behind_mesh(payload)
    f = iphc(rest)
    return bool(rest and rest[0] >> 5 == 3 and (f is None or len(rest) < f.end))


@crash("crash-mesh-fragment-cut", "RFC4944-5.3-05", kinds=IEEE802154)
def _(payload, h):
    """Crashes where a fragment header behind a mesh header is cut."""
    rest = behind_mesh(payload)
    return bool(rest and rest[0] >> 3 in {0x18, 0x1C} and len(rest) < 5)


@crash("crash-mesh-mesh", "RFC4944-5-02", kinds=IEEE802154)
def _(payload, h):
    """Crashes on a mesh header behind a mesh header."""
    rest = behind_mesh(payload)
    return bool(rest and rest[0] >> 6 == 2)


@crash("crash-mesh-nalp", "RFC4944-5.1-14", kinds=IEEE802154)
def _(payload, h):
    """Crashes on a NALP dispatch behind a mesh header."""
    rest = behind_mesh(payload)
    return bool(rest and rest[0] < 0x40)


@crash("crash-bc0-nothing-behind", "RFC4944-11.1-01", kinds=IEEE802154)
def _(payload, h):
    """Crashes on a broadcast header that nothing follows."""
    return len(payload) == 2 and payload[0] == 0x50


@crash("crash-inner-cut", "RFC6282-4.2-19")
def _(payload, h):
    """Crashes where an inner IPv6 header is cut."""
    rest, i = inner(payload, h)
    return bool(h and h.nhc & 0xFE == 0xEE and (i is None or len(rest) < i.end))


@crash("crash-inner-reserved", "RFC6282-4.2-19")
def _(payload, h):
    """Crashes on a reserved address mode of an inner IPv6 header."""
    _, i = inner(payload, h)
    return bool(i and i.dac and ((i.m and i.dam) or (not i.m and not i.dam)))


@crash("crash-inner-udp-cut", "RFC6282-4.3-01")
def _(payload, h):
    """Crashes where the UDP fields behind an inner IPv6 header are cut."""
    rest, i = inner(payload, h)
    if not i or i.nhc >> 3 != 0x1E:
        return False
    return len(rest) < i.end + 1 + PORTS[i.nhc & 3] + (0 if i.nhc & 4 else 2)


@crash("crash-second-extension-beyond", "RFC6282-4.2-13")
def _(payload, h):
    """Crashes where a second compressed extension header goes on beyond the frame."""
    if not h or h.nhc & 0xF1 != 0xE1 or h.nhc == 0xEF or len(payload) < h.end + 2:
        return False
    second = h.end + 2 + payload[h.end + 1]
    if len(payload) < second + 2 or payload[second] >> 4 != 0xE or payload[second] & 0xFE == 0xEE:
        return False
    at = second + (1 if payload[second] & 1 else 2)
    return at >= len(payload) or at + 1 + payload[at] > len(payload)


@crash("crash-udp-behind-options-cut", "RFC6282-4.3-01")
def _(payload, h):
    """Crashes where the UDP fields behind a compressed extension header are cut."""
    if not h or h.nhc & 0xF1 != 0xE1 or h.nhc == 0xEF or len(payload) < h.end + 2:
        return False
    second = h.end + 2 + payload[h.end + 1]
    if len(payload) <= second or payload[second] >> 3 != 0x1E:
        return False
    return len(payload) < second + 1 + PORTS[payload[second] & 3] + (0 if payload[second] & 4 else 2)


@crash("crash-extension-of-none", "RFC6282-4.2-13")
def _(payload, h):
    """Never comes to the end of a chain of compressed extension headers of length 0."""
    if not h or h.nhc & 0xF1 != 0xE1 or h.nhc == 0xEF:
        return False
    return payload[h.end + 1 : h.end + 2] == b"\0" and payload[h.end + 2 : h.end + 3] == bytes((h.nhc,))


@crash("crash-uncompressed-length", "RFC4944-5.1-05", kinds=IEEE802154)
def _(payload, h):
    """Crashes where the Payload Length of an uncompressed packet is more than is there."""
    return payload[:1] == b"\x41" and len(payload) >= 41 and int.from_bytes(payload[5:7]) > len(payload) - 41


@crash("crash-uncompressed-version", "RFC4944-5.1-05", kinds=IEEE802154)
def _(payload, h):
    """Crashes on version 4 behind 0x41."""
    return payload[:1] == b"\x41" and len(payload) > 21 and payload[1] >> 4 == 4


@crash("crash-icmp-short", "RFC6282-3.1.1-05")
def _(payload, h):
    """Crashes on an ICMPv6 message of one to three octets."""
    return h and not h.nh and len(payload) > h.end and payload[h.nh_at] == 58 and len(payload) < h.end + 4


@crash("crash-udp-short", "RFC6282-3.1.1-05")
def _(payload, h):
    """Crashes on UDP in-line of less than eight octets."""
    return h and not h.nh and len(payload) > h.end and payload[h.nh_at] == 17 and len(payload) < h.end + 8


@crash("crash-ghc-empty", "RFC7400-5-01")
def _(payload, h):
    """Crashes on ICMPv6 GHC without an octet of bytecode."""
    return h and h.nhc == 0xDF and len(payload) == h.end + 1


@crash("crash-ghc-extension-no-stop", "RFC7400-5-01")
def _(payload, h):
    """Crashes on an extension header by GHC that no stop code ends."""
    return h and h.nhc >> 3 == 0x16 and b"\x90" not in payload[h.end :]


class Ghc(ReferenceNode):
    """Crashes by what its interpreter of GHC meets."""

    fatal: tuple[str, ...] = ()

    def understand(self, payload, info):
        try:
            return super().understand(payload, info)
        except DecodeError as error:
            header = iphc(payload)
            packed = header is not None and (header.nhc == 0xDF or header.nhc >> 3 in {0x1A, 0x16})
            if packed and error.requirement in self.fatal:
                raise IndexError("beyond the buffer") from error
            raise


@mutant("crash-ghc-udp-literal-cut", requirement="RFC7400-5-01", kinds=IEEE802154)
class GhcLiteral(Ghc):
    """Crashes on a literal of GHC that goes on beyond the payload, behind UDP or an extension header only."""

    fatal = ("RFC7400-2-02",)

    def understand(self, payload, info):
        header = iphc(payload)
        if header is not None and header.nhc == 0xDF:
            return ReferenceNode.understand(self, payload, info)
        return super().understand(payload, info)


@mutant("crash-ghc-udp-beyond-the-mtu", requirement="RFC7400-5-01", kinds=IEEE802154)
class GhcLong(ReferenceNode):
    """Crashes where more than 1280 octets come out of GHC of UDP."""

    def decode_payload(self, payload, info):
        packet = super().decode_payload(payload, info)
        header = iphc(payload)
        if header is not None and header.nhc >> 3 == 0x1A and len(packet) > 1280:
            raise IndexError("beyond the buffer")
        return packet
