"""Conforming nodes whose addresses do not follow from their link-layer addresses, or not as one expects."""

from __future__ import annotations

from rigs.links.memory.link import DUT_SHORT
from sixlowpan import link_local
from sixlowpan.addresses import LINK_LOCAL_PREFIX, iid
from tests.variants import ReferenceNode, variant

OPAQUE = LINK_LOCAL_PREFIX + bytes.fromhex("1c5f93a0e6d27b48")
#: Another opaque one whose universal/local bit says "universal": RFC 7136 §5, the bit means nothing.
OPAQUE_U = LINK_LOCAL_PREFIX + bytes.fromhex("fe5f93a0e6d27b48")


def at(*addresses: bytes):
    """A node with these addresses, the link-local one first."""

    class Addressed(ReferenceNode):
        def first_addresses(self):
            return addresses

    return Addressed


@variant("opaque-iid")
class OpaqueIid(at(OPAQUE)):
    """Its only link-local address is opaque: RFC 8064 §3, RFC 7217; RFC 4944 §6 says what an IID "may" be made of."""


@variant("opaque-iid-universal-bit")
class OpaqueIidUniversal(at(OPAQUE_U)):
    """The same with the U/L bit set: RFC 7136 §5, "no particular meaning"."""


@variant("opaque-iid-no-tap", without=["ip_tap"])
class OpaqueIidNoTap(at(OPAQUE)):
    """An opaque link-local address, and only its errors show what it decompressed."""


@variant("opaque-iid-echo-only", without=["ip_tap", "port_unreachable", "address", "context", "join"])
class OpaqueIidEchoOnly(at(OPAQUE)):
    """An opaque link-local address of a node that only answers echoes."""

    def error(self, packet, view, kind, code, word):
        return


@variant("opaque-iid-short-source")
class OpaqueIidShortSource(at(OPAQUE)):
    """An opaque link-local address, and its frames come from its short address (RFC 4944 §3)."""

    def sent_info(self, packet, neighbour):
        info = super().sent_info(packet, neighbour)
        return info.between(DUT_SHORT, info.dst)


@variant("opaque-iid-one-place", parameters={"reassembly_slots": 1, "reassembly_timeout": "5s"})
class OpaqueIidOnePlace(at(OPAQUE)):
    """An opaque link-local address; the profile declares one place for reassembly, and there are more."""


@variant("opaque-beside-derived")
class OpaqueBesideDerived(at(OPAQUE, link_local(bytes.fromhex("02005efffe000001")))):
    """Has the derived link-local address, too, and prefers the opaque one as a source (RFC 6724 §5 leaves it open)."""


@variant("iid-of-the-pan-id")
class IidOfThePanId(at(LINK_LOCAL_PREFIX + iid(DUT_SHORT, bytes.fromhex("a9cd")))):
    """Its IID is made of PAN id and short address: RFC 4944 §6, "16_bit_PAN:16_zero_bits", universal bit zero."""


@variant("short-address-only", strict=False)
class ShortAddressOnly(at(link_local(DUT_SHORT))):
    """Its only link-local address is that of its short address: RFC 6282 §3.2.2; RFC 4944 §6 would have the PAN id."""
