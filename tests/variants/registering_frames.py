"""Conforming nodes of RFC 6775 and RFC 8505 that take the liberties of RFC 4944 and RFC 6282: forms, frames, times."""

from __future__ import annotations

import random

from rigs.links.memory.link import DUT_SHORT
from sixlowpan import Reassembler
from tests.variants import ReferenceNode, variant
from tests.variants.advertising import ON_802154
from tests.variants.answers import HeaderEachTime, LateErrors
from tests.variants.cutting import FragmentsByLot
from tests.variants.discovery_liberties import HOSTS
from tests.variants.hosts import SLOW, Late
from tests.variants.manners import in_mesh
from tests.variants.radios import (
    Associates,
    Forwards,
    HeadersInTurn,
    Later,
    NullData,
    Of2015,
    OthersContext,
    ShortFrames,
    TwoPans,
)
from tests.variants.sending import lawful
from tests.variants.sleepers import Polls

NODES = (*HOSTS, *ON_802154)


@variant("nd-any-form", rigs=NODES)
class AnyForm(ReferenceNode):
    """Each time another legal form, by lot, as a host and as a router of RFC 6775."""

    def boot(self):
        self.lot = random.Random(41)
        super().boot()

    def encode_packet(self, packet, info):
        return self.lot.choice(list(lawful(packet, info, self.contexts)))


@variant("nd-uncompressed", rigs=NODES)
class Uncompressed(ReferenceNode):
    """Sends all behind 0x41 (RFC 4944 §5.1), which puts much of ND into fragments."""

    def encode_packet(self, packet, info):
        return b"\x41" + packet


@variant("nd-fragments-by-lot", rigs=NODES)
class Fragments(FragmentsByLot):
    """Fragments of sizes by lot, in any order, some twice."""


@variant("nd-header-each-time", rigs=NODES, strict=False)
class Headers(HeaderEachTime):
    """Another traffic class, flow label and hop limit each time, where ND does not need 255."""

    def output(self, packet):
        multihop = packet[6] == 58 and packet[40] in {157, 158}  # their hop limit is MULTIHOP_HOPLIMIT
        if multihop:
            super(HeaderEachTime, self).output(packet)
        else:
            super().output(packet)


@variant("nd-frame-headers-in-turn", rigs=NODES)
class FrameHeaders(HeadersInTurn):
    """Versions 0, 1 and 2, one and both PAN ids, frame by frame."""


@variant("nd-late", rigs=NODES, rig={"settle": "300ms"}, parameters=SLOW)
class NdLate(Late):
    """Sends all 150 ms late, as a host and as a router."""

    delays = (0.15,)


@variant("nd-polls", rigs=HOSTS, rig={"settle": "300ms"}, parameters=SLOW)
class NdPolls(Polls):
    """Polls its parent each 200 ms: a sleepy host, whom RFC 6775 §1.3 is for."""


@variant("nd-in-mesh", rigs=NODES)
class NdInMesh(in_mesh(False)):
    """A mesh addressing header in front of unicast (RFC 4944 §11)."""


@variant("nd-short-frames", rigs=NODES, strict=False)
class NdShortFrames(ShortFrames):
    """Keeps its frames below 81 octets (RFC 4944 §4)."""


@variant("nd-two-pans", rigs=NODES)
class NdTwoPans(TwoPans):
    """Is in another PAN as well."""


@variant("nd-context-of-another-link-neighbour", rigs=NODES)
class NdOthersContext(OthersContext):
    """Shares a context with its parent and nobody else."""


@variant("nd-talks-in-mesh-and-associates", rigs=NODES)
class NdForwards(Associates):
    """Forwards for others in mesh headers, associates others, and speaks later dispatches with its parent."""

    def frames_beside(self):
        return [
            *super().frames_beside(),
            *Forwards.frames_beside(self),
            *Later.frames_beside(self),
        ]


@variant("nd-errors-late-one-place", rigs=NODES, rig={"settle": "400ms"}, parameters={"reassembly_slots": 1})
class ErrorsLateOnePlace(LateErrors):
    """Sends errors 250 ms late, and has one place for reassembly, which the newest datagram takes."""

    def make_reassembler(self):
        return Reassembler(max_datagrams=1)


class ShortSource(ReferenceNode):
    """Frames from the short address where the packet does not tell that address's own."""

    def sent_info(self, packet, neighbour):
        info = super().sent_info(packet, neighbour)
        return info.between(DUT_SHORT, info.dst)


@variant("nd-short-source", rigs=NODES)
class NdShortSource(ShortSource):
    """Frames from its short address, addresses and options of its EUI-64: RFC 4944 §3, §8."""


@variant("nd-frames-of-a-busy-radio", rigs=NODES, rig={"settle": "150ms"})
class Busy(FragmentsByLot, HeadersInTurn, Late):
    """Fragments by lot, MAC headers in turn, each frame 0 to 90 ms late, and a beacon in front of each packet."""

    delays = tuple(random.Random(8).uniform(0, 0.09) for _ in range(83))

    def transmit(self, packet, neighbour):
        pan = self.link.pan[::-1]
        self._out.append((b"", bytes((0x00, 0x80, 7)) + pan + b"\x01\0" + bytes.fromhex("ffcf0000")))
        super().transmit(packet, neighbour)


@variant("nd-all-beside", rigs=NODES, rig={"settle": "400ms"})
class AllBeside(Headers, NdForwards, FragmentsByLot, HeadersInTurn, LateErrors):
    """Frames of all kinds beside each packet, headers and MAC headers each time anew, fragments by lot, errors late."""

    def frames_beside(self):
        kinds = TwoPans, OthersContext, NullData, Of2015
        more = [frame for kind in kinds for frame in kind.frames_beside(self)]
        return [*super().frames_beside(), *more]


@variant("nd-mesh-short-late-any-form", rigs=NODES, rig={"settle": "300ms"}, parameters=SLOW)
class MeshShortLate(AnyForm, in_mesh(False), ShortSource, Late):
    """Unicast behind mesh headers, from the short address, in any form, 150 ms late."""

    delays = (0.15,)
