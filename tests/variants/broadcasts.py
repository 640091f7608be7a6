"""Conforming nodes that look at the numbers of broadcast headers: RFC 4944 §11.1 leaves open what is done with them."""

from __future__ import annotations

from sixlowpan import mesh
from tests.variants import ReferenceNode, variant


class Suppressing(ReferenceNode):
    """Looks at the sequence number of broadcast headers, for each originator."""

    def boot(self):
        super().boot()
        self.numbers: dict[bytes, list[int]] = {}

    def old(self, before: list[int], number: int) -> bool:
        raise NotImplementedError

    def reassemble(self, payload, info):
        originator, at = info.src, 0
        if 0x80 <= payload[0] < 0xC0:
            header = mesh.parse(payload, 0)
            originator, at = header.originator, header.end
        if payload[at : at + 1] == b"\x50" and len(payload) > at + 1:
            before, number = self.numbers.setdefault(originator, []), payload[at + 1]
            if before and self.old(before, number):
                return None
            before.append(number)
        return super().reassemble(payload, info)


@variant("broadcasts-once")
class BroadcastsOnce(Suppressing):
    """Drops a broadcast of an originator's last eight numbers: RFC 4944 §11.1, "to detect duplicate packets"."""

    def old(self, before, number):
        return number in before[-8:]


@variant("broadcasts-newer-only")
class BroadcastsNewer(Suppressing):
    """Takes a broadcast whose number is ahead of its originator's last one: §11.1, the rest is "out of the scope"."""

    def old(self, before, number):
        return not 0 < (number - before[-1]) % 256 < 128
