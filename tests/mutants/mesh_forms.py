"""Mutants that misread a form behind a mesh or broadcast header, or a unicast address in a broadcast, only.

RFC 4944 §5, §11: what follows those headers is what follows no header; RFC 6282 §3.2.2: link addresses are the mesh's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import DecodeError, LinkInfo, mesh
from sixlowpan.addresses import BROADCAST, link_local
from tests.mutants import ANY, IEEE802154, Node, mutant, reads, rewrites, step
from tests.mutants.chains import within
from tests.mutants.declared import is_mesh
from tests.mutants.wire import changed, hop_limit, iphc, set_traffic_class


@partial(step, kinds=IEEE802154)
def behind_mesh(function: Callable) -> Node:
    """function(node, packet, header: Iphc, info) changes what was decoded of an IPHC payload behind a mesh header."""

    class Behind(ReferenceNode):
        def reassemble(self, payload, info):
            packet = super().reassemble(payload, info)
            at, inner = mesh.unwrap(payload, info)
            return changed(packet, iphc(payload[at:]) if at else None, function, self, inner)

    return Behind


@behind_mesh("mesh-inner-from-originator", requirement="RFC6282-3.2.2-01")
def _(node, packet, header, info):
    "Behind a mesh header an inner IPv6 header takes an elided source from the originator, not from the outer header."
    inner = within(header)
    if inner is not None and not inner.sac and inner.sam == 3:
        packet[48:64] = link_local(info.src)


@reads("mesh-inner-dropped", requirement="RFC6282-4.2-10", kinds=IEEE802154)
def _(node, payload, header, info):
    "Knows no inner IPv6 header behind a mesh header."
    behind, _ = mesh.unwrap(payload, info)
    return None if behind and within(iphc(payload[behind:])) is not None else payload


behind_mesh("mesh-hlim-decremented", "RFC6282-3.1.1-09", what="HLIM=10 behind a mesh header is 63.")(
    hop_limit(2, 63)
)
behind_mesh("mesh-hlim-11-is-64", "RFC6282-3.1.1-10", what="HLIM=11 behind a mesh header is 64.")(
    hop_limit(3, 64)
)
behind_mesh("mesh-hlim-01-is-255", "RFC6282-3.1.1-08", what="HLIM=01 behind a mesh header is 255.")(
    hop_limit(1, 255)
)


@behind_mesh("mesh-hlim-inline-hops", requirement="RFC6282-3.1.1-07")
def _(node, packet, header, info):
    "An in-line hop limit behind a mesh header keeps four bits, as Hops Left has."
    if header.hlim == 0:
        packet[7] &= 15


@behind_mesh("mesh-traffic-lost", requirement="RFC6282-3.1.1-01")
def _(node, packet, header, info):
    "Behind a mesh header TF=00 loses the traffic class."
    if header.tf == 0:
        set_traffic_class(packet, 0)


@behind_mesh("mesh-flow-label-lost", requirement="RFC6282-3.1.1-02")
def _(node, packet, header, info):
    "Behind a mesh header TF=01 loses the flow label."
    if header.tf == 1:
        packet[1:4] = bytes((packet[1] & 0xF0, 0, 0))


@behind_mesh("mesh-ecn-as-it-stands", requirement="RFC6282-3.1.1-03")
def _(node, packet, header, info):
    "Behind a mesh header TF=10 is the traffic class as it stands."
    if header.tf == 2:
        set_traffic_class(packet, header.payload[header.tf_at])


@behind_mesh("mesh-final-from-mac", requirement="RFC6282-3.1.1-32")
def _(node, packet, header, info):
    "DAM=11 behind a mesh header is the node's EUI-64, whichever of its addresses is the final destination."
    if not header.m and not header.dac and header.dam == 3:
        packet[32:40] = LinkInfo("ieee802154", node.link.dut, node.link.dut).dst_iid


@behind_mesh("mesh-context-lost", requirement="RFC6282-3.1.1-14")
def _(node, packet, header, info):
    "Behind a mesh header takes the link-local prefix for the source's context."
    if header.sac and header.sam:
        packet[8:16] = b"\xfe\x80" + bytes(6)


@behind_mesh("mesh-context-elided-mac", requirement="RFC6282-3.1.1-22")
def _(node, packet, header, info):
    "SAC=1 SAM=11 behind a mesh header without the U/L bit inverted."
    if header.sac and header.sam == 3 and len(info.src) == 8:
        packet[16] ^= 2


@behind_mesh("mesh-udp-ports", requirement="RFC6282-4.3.3-06")
def _(node, packet, header, info):
    "P=11 behind a mesh header: the ports change places."
    if header.nhc & 0xFB == 0xF3:
        packet[40:44] = packet[42:44] + packet[40:42]


@behind_mesh("mesh-options-length", requirement="RFC6282-4.2-13")
def _(node, packet, header, info):
    "The length of a compressed extension header behind a mesh header counts octets."
    if header.nhc >> 4 == 0xE and header.nhc & 0xFE not in {0xE4, 0xEE} and len(packet) > 41:
        packet[41] = 8 * packet[41] + 6


@behind_mesh("mesh-group-scope", requirement="RFC6282-3.1.1-39")
def _(node, packet, header, info):
    "The 32-bit form of a group behind a mesh header has scope 2."
    if header.m and not header.dac and header.dam == 2:
        packet[25] = 2


@reads("mesh-uncompressed-dropped", requirement="RFC4944-5-04", kinds=IEEE802154)
def _(node, payload, header, info):
    "Drops an uncompressed packet behind a mesh header."
    return None if is_mesh(payload) and payload[mesh.parse(payload, 0).end :][:1] == b"\x41" else payload


@reads("mesh-fragment-dropped", requirement="RFC4944-5-04", kinds=IEEE802154)
def _(node, payload, header, info):
    "Drops fragments behind a mesh header."
    at = mesh.parse(payload, 0).end if is_mesh(payload) else len(payload)
    return None if payload[at : at + 1] and payload[at] & 0xD8 == 0xC0 else payload


@reads("mesh-group-dropped", requirement="RFC4944-5-04", kinds=IEEE802154)
def _(node, payload, header, info):
    "Drops multicast behind a mesh header without a broadcast header."
    inner = iphc(payload[mesh.parse(payload, 0).end :]) if is_mesh(payload) else None
    return None if inner is not None and inner.m else payload


@reads("bc0-uncompressed-dropped", requirement="RFC4944-5-04", kinds=IEEE802154)
def _(node, payload, header, info):
    "Drops an uncompressed packet behind a broadcast header."
    at = mesh.parse(payload, 0).end if is_mesh(payload) else 0
    return None if payload[at : at + 1] == b"\x50" and payload[at + 2 : at + 3] == b"\x41" else payload


@reads("bc0-fragment-dropped", requirement="RFC4944-5-02", kinds=IEEE802154)
def _(node, payload, header, info):
    "Drops fragments behind a broadcast header."
    at = mesh.parse(payload, 0).end if is_mesh(payload) else 0
    fragment = payload[at : at + 1] == b"\x50" and payload[at + 2 : at + 3] >= b"\xc0"
    return None if fragment else payload


@reads("bc0-sequence-zero-dropped", requirement="RFC4944-11.1-01", kinds=IEEE802154)
def _(node, payload, header, info):
    "Drops a broadcast header with sequence number 0."
    at = mesh.parse(payload, 0).end if is_mesh(payload) else 0
    return None if payload[at : at + 2] == b"\x50\0" else payload


# -- a unicast address in a broadcast ---------------------------------------------------------------------------


@rewrites("broadcast-dam11-is-own", requirement="RFC6282-3.1.1-32", kinds=IEEE802154)
def _(node, packet, header, info):
    "Takes an elided unicast destination in a broadcast frame for its own link-local address."
    if info.dst == BROADCAST and not header.m and not header.dac and header.dam == 3:
        packet[24:40] = node.own[0]


@rewrites("broadcast-dac11-is-own", requirement="RFC6282-3.1.1-36", kinds=IEEE802154)
def _(node, packet, header, info):
    "Takes the elided IID of a destination under a context in a broadcast frame for its own."
    if info.dst == BROADCAST and not header.m and header.dac and header.dam == 3:
        packet[32:40] = node.own[0][8:]


# -- what a nibble without an address says ----------------------------------------------------------------------


@reads("unspecified-context-needed", requirement="RFC6282-3.1.2-05", kinds=ANY)
def _(node, payload, header, info):
    "Drops SAC=1 SAM=00 where SCI names a context that it does not know."
    unknown = header is not None and header.cid and payload[2:3] and payload[2] >> 4 not in node.contexts
    return None if unknown and header.sac and not header.sam else payload


@reads("group-context-needed", requirement="RFC6282-3.1.2-05", kinds=ANY)
def _(node, payload, header, info):
    "Drops a stateless group where DCI names a context that it does not know."
    unknown = header is not None and header.cid and payload[2:3] and payload[2] & 15 not in node.contexts
    return None if unknown and header.m and not header.dac else payload


@rewrites("rfc3306-length-64", requirement="RFC6282-3.1.1-41")
def _(node, packet, header, info):
    "M=1 DAC=1: the prefix length is 64, whatever that of the context is."
    if header.m and header.dac:
        packet[27] = 64


@rewrites("rfc3306-flags-made-up", requirement="RFC6282-3.2.4-01")
def _(node, packet, header, info):
    "M=1 DAC=1: makes up the flags P and T, which are in-line."
    if header.m and header.dac:
        packet[25] |= 0x30


@rewrites("rfc3306-order", requirement="RFC6282-3.2.4-01")
def _(node, packet, header, info):
    "M=1 DAC=1: has the reserved octet in front of flags and scope."
    if header.m and header.dac:
        packet[25], packet[26] = packet[26], packet[25]


@reads("rfc3306-dropped", requirement="RFC6282-3.1.1-41")
def _(node, payload, header, info):
    "Knows no stateful multicast."
    return None if header is not None and header.m and header.dac and not header.dam else payload


# -- UDP --------------------------------------------------------------------------------------------------------


@reads("udp-one-zero-cut", requirement="RFC6282-4.3-01")
def _(node, payload, header, info):
    "Takes UDP data of the single octet 00 for padding, and cuts it off."
    at = header.end + 1 + (4, 3, 3, 1)[header.nhc & 3] + 2 if header and header.nhc >> 2 == 0x3C else -1
    return payload[:-1] if at == len(payload) - 1 and payload[-1:] == b"\0" else payload


@reads("udp-zeros-cut", requirement="RFC6282-4.3.3-08")
def _(node, payload, header, info):
    "Takes zeros at the end of UDP data for padding, and cuts them off."
    return payload.rstrip(b"\0") if header and header.nhc >> 2 == 0x3C and len(payload) > 30 else payload


@reads("icmp-zero-at-the-end-cut", requirement="RFC6282-3.2-03")
def _(node, payload, header, info):
    "Takes a last octet 00 for padding where the payload has an even number of octets."
    cut = header is not None and not header.nh and len(payload) % 2 == 0 and payload[-1:] == b"\0"
    return payload[:-1] if cut and len(payload) > 30 else payload


# -- fragments behind it ------------------------------------------------------------------------------------------


def in_mesh(id, requirement):
    """function(header: MeshHeader) -> whether a fragment behind such a mesh header is dropped."""

    def register(drops):
        class Node(ReferenceNode):
            def reassemble(self, payload, info):
                if 0x80 <= payload[0] < 0xC0:
                    header = mesh.parse(payload, 0)
                    if payload[header.end : header.end + 1] >= b"\xc0" and drops(header):
                        raise DecodeError("unsupported", 0, None, "a fragment behind such a mesh header")
                return super().reassemble(payload, info)

        mutant(id, requirement=requirement, what=drops.__doc__)(Node)
        return drops

    return register


@in_mesh("mesh-fragments-of-short-originators-dropped", "RFC4944-5.2-01")
def _(header):
    """Looks for fragments behind a mesh header with a 64-bit originator only."""
    return len(header.originator) == 2


@in_mesh("mesh-fragments-behind-deep-hops-dropped", "RFC4944-5.2-05")
def _(header):
    """Looks for the fragment header where it stands without a Deep Hops Left octet."""
    return header.deep


@mutant("mesh-hops-left-in-key", requirement="RFC4944-5.3-18")
class HopsLeftInKey(ReferenceNode):
    """Begins anew at a fragment that came by a way of another length: Hops Left is in its key."""

    came = -1

    def reassemble(self, payload, info):
        if 0x80 <= payload[0] < 0xC0:
            hops = mesh.parse(payload, 0).hops_left
            if self.came not in {-1, hops}:
                self.reassembler.clear()
            self.came = hops
        return super().reassemble(payload, info)


@mutant("mesh-short-originator-with-pan", requirement="RFC6282-3.2.2-05", kinds=IEEE802154)
class ShortWithPan(ReferenceNode):
    """Makes the IID of a short originator with the PAN id in front (RFC 4944 §6), of other short addresses without."""

    def understand(self, payload, info):
        if payload[:1] and payload[0] >> 6 == 2 and payload[0] & 0x20:
            info = replace(info, pan=self.link.pan)
        return super().understand(payload, info)
