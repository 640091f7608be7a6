"""Conforming senders that cut datagrams in unusual ways."""

from __future__ import annotations

import random

from rigs.links.memory.link import DUT_SHORT
from sixlowpan import EncodeError, encode, fragment, fragment_header_n
from tests.variants import ReferenceNode, variant
from tests.variants.manners import in_mesh
from tests.variants.sending import Reversed


class FragmentsByLot(ReferenceNode):
    """Cuts datagrams anew each time: sizes, order and copies by lot."""

    least = 16

    def boot(self):
        super().boot()
        self.lot = random.Random(31)

    def fragment_packet(self, packet, info):
        whole = super().fragment_packet(packet, info)
        if len(whole) == 1:
            return whole
        tag, room = int.from_bytes(whole[0][2:4]), self.room(info)
        first = whole
        for _ in range(8):
            try:
                made = fragment(packet, info, self.contexts, mtu=self.lot.randrange(40, room + 1), tag=tag)
            except EncodeError:
                continue
            if len(made) > 1:
                first = made
                break
        at, sent = first[1][4] * 8, first[:1]
        while at < len(packet):
            step = 8 * self.lot.randrange(self.least // 8, (room - 5) // 8 + 1)
            sent.append(fragment_header_n(len(packet), tag, at // 8) + packet[at : at + step])
            at += step
        return self.arranged(sent)

    def arranged(self, sent):
        order = self.lot.sample(sent, len(sent))
        last = order[-1:]
        return [one for one in order[:-1] for _ in range(self.lot.choice((1, 1, 2)))] + last


@variant("fragments-by-lot")
class ByLot(FragmentsByLot):
    """Fragments of sizes by lot, in any order, some of them twice: RFC 4944 §5.3 sets none of it."""


@variant("fragments-by-lot-short-source")
class ByLotShort(FragmentsByLot):
    """The same from the short address (RFC 4944 §3)."""

    def sent_info(self, packet, neighbour):
        info = super().sent_info(packet, neighbour)
        return info.between(DUT_SHORT, info.dst)


@variant("fragments-in-mesh-reversed")
class MeshReversed(in_mesh(True), Reversed):
    """Mesh addressing in front of each fragment, the last fragment first (RFC 4944 §5.3, §11)."""


@variant("fragments-of-what-fits", strict=False)
class OfWhatFits(ReferenceNode):
    """Cuts each packet of more than 60 octets in two, if it fits a frame or not: RFC 4944 §5.3, "should not"."""

    def fragment_packet(self, packet, info):
        if len(packet) <= 60 or len(super().encode_packet(packet, info)) > self.room(info):
            return super().fragment_packet(packet, info)
        try:
            whole = encode(packet, info, self.contexts)
            return fragment(packet, info, self.contexts, mtu=len(whole) - 1, tag=self.next_tag())
        except EncodeError:
            return super().fragment_packet(packet, info)
