"""The reference node's 6LoWPAN layer on whichever link (RFC 4944, RFC 6282): between the IPv6 host and the link half.

Strategy: a packet's way is a row of small methods (`understand`, `decode_payload`, `deliver`, then the host;
`transmit`, `fragment_packet`, `encode_packet`), each doing one step of an RFC. What differs by link are the abstract
methods under "the link half"; `ieee802154` and `ble` are the two halves that have them.
"""

from __future__ import annotations

import traceback
from abc import abstractmethod
from typing import Final

from rigs.links.ipsp_memory.link import MemoryChannel
from rigs.links.memory.link import MemoryLink
from rigs.model import LinkKind
from rigs.nodes.reference.choices import Choice
from rigs.nodes.reference.host import Host
from sixlowpan import (
    Context,
    Contexts,
    DecodeError,
    EncodeError,
    LinkInfo,
    Reassembler,
    decode,
    encode,
    fragment,
    link_local,
)

SLOTS: Final = 4


class Adaptation(Host):
    """The adaptation layer of one interface."""

    link: MemoryLink | MemoryChannel
    kind: LinkKind
    #: How payloads are made of a packet, of what the texts leave to a sender.
    choice: Choice
    #: Who the frame that is being handled came from, where the link has several peers.
    peer: bytes

    def boot(self) -> None:
        super().boot()
        self.now = self.link.now()
        #: What is compressed with; and what of it was set by hand.
        self.contexts = self.given = Contexts()
        self.reassembler = self.make_reassembler()
        self.tag = 0x1000
        self.peer = self.link.tester
        self.dropped = 0
        self.crash = ""
        self._out: list[tuple[bytes, bytes]] = []  # (to whom, on BLE; frame)

    def make_reassembler(self) -> Reassembler:
        return Reassembler(max_datagrams=SLOTS)

    def first_addresses(self) -> tuple[bytes, ...]:
        return tuple(link_local(link) for link in (self.link.dut, self.link.dut_short) if link)

    @abstractmethod
    def attach(self) -> None:
        """Be the node at the other end of the link."""

    def join_link(self) -> None:
        """Be connected to the far end."""

    def come_up(self) -> None:
        """Begin: the interface is initialized."""

    def spread_context(self, identifier: int, context: Context | None) -> None:
        """A context was set by hand, or removed."""

    # -- the medium -------------------------------------------------------------------------------------------

    def hear(self, frame: bytes, now: float) -> list[bytes]:
        return [answer for _, answer in self.hear_from(self.peer, frame, now)]

    def hear_from(self, peer: bytes, frame: bytes, now: float) -> list[tuple[bytes, bytes]]:
        """As `hear`, from one of several peers; and with each frame of the answer for whom it is."""
        self.peer, self.now = peer, now
        if not self.crash:
            try:
                self.receive_frame(frame)
            except DecodeError:
                self.dropped += 1
            except Exception:  # noqa: BLE001 - whatever a decoder's bug raises is a crash of the node
                self.crash = traceback.format_exc(limit=-3)
                self._out.clear()
        return self._taken()

    def wake(self, now: float) -> list[bytes]:
        return [frame for _, frame in self.wake_up(now)]

    def wake_up(self, now: float) -> list[tuple[bytes, bytes]]:
        self.now = now
        if not self.crash:
            self.tick()
        return self._taken()

    def next_timer(self) -> float | None:
        return self.now if self._out else None if self.crash else self.due()

    def _taken(self) -> list[tuple[bytes, bytes]]:
        out, self._out = self._out, []
        return out

    # -- the link half ----------------------------------------------------------------------------------------

    @abstractmethod
    def receive_frame(self, frame: bytes) -> None:
        """Take one frame off the medium; `DecodeError` drops it."""

    @abstractmethod
    def receivers(self, packet: bytes, neighbour: bytes) -> list[bytes]:
        """Link-layer addresses of those a packet goes to; empty: all."""

    @abstractmethod
    def sent_info(self, packet: bytes, neighbour: bytes) -> LinkInfo:
        """The link-layer addresses that frames of a packet have."""

    @abstractmethod
    def room(self, info: LinkInfo) -> int:
        """Octets of payload in one frame."""

    @abstractmethod
    def frame(self, payload: bytes, info: LinkInfo) -> bytes:
        """The frame that carries a payload."""

    # -- in ---------------------------------------------------------------------------------------------------

    def receive_payload(self, payload: bytes, info: LinkInfo) -> None:
        """Handle the payload of one frame."""
        packet = self.understand(payload, info)
        if packet is not None:
            self.deliver(packet, info)

    def understand(self, payload: bytes, info: LinkInfo) -> bytes | None:
        """The packet that a payload is or completes; `DecodeError` drops it."""
        self.reassembler.expire(self.now)
        return self.decode_payload(payload, info)

    def decode_payload(self, payload: bytes, info: LinkInfo) -> bytes:
        return decode(payload, info, self.contexts)

    def reassemble(self, payload: bytes, info: LinkInfo) -> bytes | None:
        return self.reassembler.receive(payload, info, self.contexts, self.now)

    def deliver(self, packet: bytes, info: LinkInfo) -> None:
        """Hand a decompressed packet to the IPv6 layer."""
        del info
        self.input(packet)

    # -- out --------------------------------------------------------------------------------------------------

    def transmit(self, packet: bytes, neighbour: bytes) -> None:
        for to in self.receivers(packet, neighbour):
            info, payloads = self.choice(self, packet, self.sent_info(packet, to))
            self._out += [(to, self.frame(payload, info)) for payload in payloads]

    def encode_packet(self, packet: bytes, info: LinkInfo) -> bytes:
        return encode(packet, info, self.contexts)

    def fragment_packet(self, packet: bytes, info: LinkInfo) -> list[bytes]:
        payload = self.encode_packet(packet, info)
        room = self.room(info)
        if len(payload) <= room:
            return [payload]
        tag = self.next_tag()
        try:
            return fragment(packet, info, self.contexts, mtu=room, tag=tag, payload=payload)
        except EncodeError:  # RFC 6282 §2: headers that do not fit the first fragment are not compressed
            return fragment(packet, info, self.contexts, mtu=room, tag=tag)

    def next_tag(self) -> int:
        """RFC 4944 §5.3: "The sender SHALL increment datagram_tag for successive, fragmented datagrams"."""
        self.tag = (self.tag + 1) & 0xFFFF
        return self.tag
