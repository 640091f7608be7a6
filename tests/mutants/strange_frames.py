"""Mutants that an unusual frame or packet puts off: from itself, of full length, from odd addresses.

RFC 4944 §2, §3, §5; RFC 8200 has no packet that may stop a node.
"""

from __future__ import annotations

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan.addresses import BROADCAST
from tests.mutants import ANY, IEEE802154, mutant
from tests.mutants.mac_forms import hears

# -- from itself ----------------------------------------------------------------------------------------------------


@mutant("own-source-endless", requirement="RFC6282-2-04", kinds=ANY)
class OwnSource(ReferenceNode):
    """Answers a packet that has its own address as source to itself, and that answer, until its stack is full."""

    def input(self, packet):
        if packet[8:24] in self.own and packet[24:40] in self.own:
            raise RecursionError("an answer to itself")
        super().input(packet)


@mutant("own-source-learnt", requirement="RFC4944-8-01", kinds=IEEE802154)
class OwnLinkAddressLearnt(ReferenceNode):
    """Crashes on a frame whose MAC source is its own EUI-64."""

    def accepts(self, header):
        if header.src == self.link.dut:
            raise IndexError("no neighbour of that address")
        return super().accepts(header)


# -- lengths --------------------------------------------------------------------------------------------------------


@hears("mac-full-frames-dropped", requirement="RFC4944-4-03")
def _(node, frame):
    """Has a buffer of 126 octets: a frame of 127 with its FCS is dropped."""
    return None if len(frame) >= 125 else frame


@mutant("payload-above-102-dropped", requirement="RFC4944-4-03", kinds=IEEE802154)
class Payload102(ReferenceNode):
    """Has room for 102 octets of MAC payload, what the largest MAC header leaves."""

    def understand(self, payload, info):
        return None if len(payload) > 104 else super().understand(payload, info)


# -- addresses ------------------------------------------------------------------------------------------------------


@mutant("mac-source-ending-ffff", requirement="RFC4944-3-01", kinds=IEEE802154)
class EndingFfff(ReferenceNode):
    """Drops frames whose extended source ends in ffff, which it takes for the broadcast address."""

    def accepts(self, header):
        return header.src[-2:] != BROADCAST and super().accepts(header)


@mutant("mac-source-of-zero-octet", requirement="RFC4944-3-01", kinds=IEEE802154)
class ZeroOctet(ReferenceNode):
    """Takes a short source whose first octet is zero for none."""

    def accepts(self, header):
        return not (len(header.src) == 2 and header.src[0] == 0) and super().accepts(header)


@mutant("mac-source-above-3fff", requirement="RFC4944-12-01", kinds=IEEE802154)
class Above3fff(ReferenceNode):
    """Drops frames from short addresses above 0x3fff: keeps fourteen bits for a unicast address."""

    def accepts(self, header):
        return not (len(header.src) == 2 and header.src[0] & 0x40) and super().accepts(header)


@mutant("iid-of-local-eui64-short", requirement="RFC6282-3.2.2-04", kinds=IEEE802154)
class ZerosInFront(ReferenceNode):
    """Takes an EUI-64 of six zero octets and two others for a short address when it makes an identifier of it."""

    def link_info(self, header):
        info = super().link_info(header)
        return info.between(info.src[6:], info.dst) if info.src[:6] == bytes(6) else info
