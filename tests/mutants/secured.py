"""Mutants on a secured link: of the frame budget (RFC 4944 §4), and of the checksum that a MIC lets a sender elide."""

from __future__ import annotations

from functools import partial

from rigs.links.ot_security.link import OVERHEAD
from sixlowpan import ipv6
from tests.mutants import SECURED, Node, mutant, step
from tests.mutants.chains import nhcs
from tests.mutants.wire import iphc
from tests.variants.secured import MODE, SecuredNode, TakesSecuredAndElided


@mutant("secured-mic-not-counted", requirement="RFC4944-4-03", rig=SECURED)
class MicNotCounted(SecuredNode):
    """Fills its frames and leaves no room for the MIC, so that they are longer than the PHY carries."""

    def room(self, info):
        return super().room(info) + 4


@mutant("secured-header-not-counted", requirement="RFC4944-4-03", rig=SECURED)
class SecurityNotCounted(SecuredNode):
    """Fills its frames as if none of them was secured."""

    def room(self, info):
        return super().room(info) + OVERHEAD[MODE]


# -- the checksum that was elided (RFC 6282 §4.3.2) -------------------------------------------------------------


def summed(packet: bytes, message: bytes, **other: bytes) -> int:
    """The checksum of this UDP message in the packet; `other`: its source or destination, if they are not used."""
    source, destination = other.get("source", packet[8:24]), other.get("destination", packet[24:40])
    return ipv6.checksum(source, destination, 17, message[:6] + b"\0\0" + message[8:])


@partial(step, kinds=("ieee802154",))
def restores(function) -> Node:
    """function(node, header, packet, message) -> the checksum of UDP in a secured frame that elides it, None: right."""

    class Restoring(TakesSecuredAndElided):
        def decode_payload(self, payload, info):
            packet, header = super().decode_payload(payload, info), iphc(payload)
            protocol, _, message = ipv6.Packet.parse(packet).upper()
            if header is None or protocol != 17 or not elided(header):
                return packet
            restored, at = function(self, header, packet, message), len(packet) - len(message) + 6
            return packet if restored is None else packet[:at] + restored.to_bytes(2) + packet[at + 2 :]

    return Restoring


def elided(header) -> bool:
    """Whether UDP NHC with C=1 follows the IPHC header, or extension headers behind it."""
    at = header.end
    for _, _, behind in nhcs(header):
        at = behind
    return bool(header.nh) and header.payload[at : at + 1] != b"" and header.payload[at] & 0xDC == 0xD4


ELIDED = "RFC6282-4.3.2-09"


@restores("elided-checksum-of-an-even-number", ELIDED, rig=SECURED)
def _(node, header, packet, message):
    "Restores an elided checksum without the last of an odd number of octets."
    return summed(packet, message[:-1]) if len(message) & 1 else None


@restores("elided-checksum-under-a-context", ELIDED, rig=SECURED)
def _(node, header, packet, message):
    "Restores an elided checksum over the link-local source, where a context makes another one."
    source = b"\xfe\x80" + bytes(6) + packet[16:24]
    return summed(packet, message, source=source) if header.sac and header.sam else None


@restores("elided-checksum-of-ports-in-line", ELIDED, rig=SECURED)
def _(node, header, packet, message):
    "Restores an elided checksum beside P=01 without the f0 that is elided, too."
    return summed(packet, message[:2] + b"\0" + message[3:]) if header.nhc & 3 == 1 else None


@restores("elided-checksum-behind-options", ELIDED, rig=SECURED)
def _(node, header, packet, message):
    "Restores an elided checksum behind an extension header over that as well."
    return summed(packet, packet[40:]) if any(nhcs(header)) else None


@restores("elided-checksum-to-a-group", ELIDED, rig=SECURED)
def _(node, header, packet, message):
    "Restores an elided checksum of what went to a group over an address of its own."
    return summed(packet, message, destination=node.own[0]) if header.m else None


@restores("elided-checksum-of-no-data", ELIDED, rig=SECURED)
def _(node, header, packet, message):
    "Leaves the checksum of a datagram without data zero."
    return 0 if len(message) == 8 else None


@restores("elided-checksum-of-bytecode", ELIDED, rig=SECURED)
def _(node, header, packet, message):
    "Restores an elided checksum of UDP by GHC over what stands in the frame."
    at = header.end + 5
    return summed(packet, message[:8] + header.payload[at:]) if header.nhc == 0xD4 else None
