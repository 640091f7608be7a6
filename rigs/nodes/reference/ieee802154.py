"""The reference node's link half on IEEE 802.15.4: MAC frames, mesh headers and fragments (RFC 4944).

Strategy: each step between a frame and its payload is one small method (`parse_mac`, `accepts`, `link_info`;
`sent_info`, `mac_frame`) that a mutant can take wrongly. Where the payload is an IPv6 packet, `adaptation` goes on.
"""

from __future__ import annotations

from rigs.links.memory.link import MemoryLink
from rigs.nodes.reference.adaptation import Adaptation
from sixlowpan import LinkInfo, MacHeader, link_local, mac, mesh
from sixlowpan.addresses import BROADCAST, multicast_link_address
from sixlowpan.link import link_between


class Ieee802154(Adaptation):
    """One interface on IEEE 802.15.4."""

    point_to_point = False

    def boot(self) -> None:
        super().boot()
        self.sequence = 0

    def attach(self) -> None:
        assert isinstance(self.link, MemoryLink)
        self.link.attach(self)

    # -- in ---------------------------------------------------------------------------------------------------

    def receive_frame(self, frame: bytes) -> None:
        header, payload = self.parse_mac(frame)
        if not self.accepts(header):
            return
        if header.ack_request and header.dst != BROADCAST and header.sequence is not None:
            self._out.append((b"", mac.ack(header.sequence)))
        self.receive_payload(payload, self.link_info(header))

    def parse_mac(self, frame: bytes) -> tuple[MacHeader, bytes]:
        return mac.parse(frame)

    def accepts(self, header: MacHeader) -> bool:
        """RFC 4944 §2: data frames, with both addresses; IEEE 802.15.4: for our PAN and one of our addresses."""
        return (
            header.type == mac.DATA
            and not header.security
            and len(header.src) in {2, 8}
            and header.src not in {BROADCAST, b"\xff\xfe"}
            and header.pan in {self.link.pan, BROADCAST}
            and header.dst in {self.link.dut, self.link.dut_short, BROADCAST}
        )

    def link_info(self, header: MacHeader) -> LinkInfo:
        return link_between("ieee802154", header.src, header.dst)

    def understand(self, payload: bytes, info: LinkInfo) -> bytes | None:
        if not self.in_mesh_for_us(payload, info):
            return None
        if payload[:1] >= b"\x80" or payload[:1] == b"\x50":
            return self.reassemble(payload, info)  # fragments, also behind mesh and broadcast headers
        return super().understand(payload, info)

    def in_mesh_for_us(self, payload: bytes, info: LinkInfo) -> bool:
        """RFC 4944 §11: "If the node is the final destination, it consumes the packet"; we forward nothing."""
        del info
        if payload[:1] < b"\x80" or payload[:1] >= b"\xc0":
            return True
        groups = {multicast_link_address(group) for group in self.groups}  # §9
        return mesh.parse(payload, 0).final in {self.link.dut, self.link.dut_short, BROADCAST, *groups}

    # -- out --------------------------------------------------------------------------------------------------

    def receivers(self, packet: bytes, neighbour: bytes) -> list[bytes]:
        del packet
        return [neighbour]

    def sent_info(self, packet: bytes, neighbour: bytes) -> LinkInfo:
        """RFC 4944 §3: multicast goes to the broadcast address; our address is the one behind our IPv6 source."""
        short = packet[8:24] == link_local(self.link.dut_short)
        source = self.link.dut_short if short else self.link.dut
        return link_between("ieee802154", source, neighbour or BROADCAST)

    def room(self, info: LinkInfo) -> int:
        return self.link.mtu - len(self.mac_frame(b"", info))

    def frame(self, payload: bytes, info: LinkInfo) -> bytes:
        self.sequence = (self.sequence + 1) & 0xFF
        return self.mac_frame(payload, info)

    def mac_frame(self, payload: bytes, info: LinkInfo) -> bytes:
        ask = info.dst != BROADCAST  # RFC 4944 §2: acknowledgements are RECOMMENDED
        return mac.data_frame(info.src, info.dst, self.link.pan, self.sequence, payload, ask)
