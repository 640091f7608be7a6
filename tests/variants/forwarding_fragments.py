"""A conforming 6LR that forwards fragments as they come, and puts together what is for itself only (RFC 8930)."""

from __future__ import annotations

from sixlowpan import codec, compress, fragment_header_1, fragment_header_n, ipv6
from tests.variants import ReferenceNode, variant


@variant("6lr-forwards-fragments", rigs=("reference-nd-6lr", "reference-nd-6lr-8505"))
class ForwardsFragments(ReferenceNode):
    """Forwards each fragment when it comes, by a tag of its own: RFC 8930 §4, a virtual reassembly buffer.

    What comes before the first fragment waits for that, since RFC 4944 §5.3 has fragments in any order.
    """

    def boot(self):
        super().boot()
        #: (source, destination, size, tag) -> link-layer addresses and tag of the way out, and what has gone there.
        self.flows = {}

    def understand(self, payload, info):
        fragment = self.is_router and len(payload) > 5 and payload[0] & 0xD8 == 0xC0
        return None if fragment and self.forwarded(payload, info) else super().understand(payload, info)

    def forwarded(self, payload, info):
        """Whether this fragment is of a packet for others."""
        size, tag = int.from_bytes(payload[:2]) & 0x7FF, int.from_bytes(payload[2:4])
        key = info.src, info.dst, size, tag
        if payload[0] & 0x20:
            if key not in self.flows:
                return False
            self.go_on(key, payload[4] * 8, payload[5:])
            return True
        first = codec.first_part(payload, 4, info, self.contexts, size).octets
        whole = first + bytes(size - len(first))
        view = ipv6.Packet.parse(whole) if len(first) >= 40 else None
        if view is None or view.dst in self.own or view.dst[0] == 0xFF or self.stays(view):
            return False
        link = self.next_hop(view.dst)
        if link and whole[7] > 1:
            self.begin(key, whole[:7] + bytes((whole[7] - 1,)) + whole[8:], len(first), link)
        return True

    def begin(self, key, whole, covered, link):
        info, tag, size = self.sent_info(whole, link), self.next_tag(), key[2]
        self.flows[key] = info, tag, {}
        header = compress.header(whole, 0, info, self.contexts, None, False)
        cut = covered
        while cut > 40 and 4 + len(header) + cut - 40 > self.room(info):
            cut = (cut - 1) // 8 * 8
        self.emit(key, 0, cut, fragment_header_1(size, tag) + header + whole[40:cut])
        if cut < covered:
            self.go_on(key, cut, whole[cut:covered])
        early = self.reassembler._datagrams.pop(key, None)
        for begin, end in early.pieces.items() if early is not None else ():
            self.go_on(key, begin, bytes(early.buffer[begin:end]))

    def go_on(self, key, begin, octets):
        info, tag, _ = self.flows[key]
        size, step = key[2], (self.room(info) - 5) // 8 * 8
        for at in range(0, len(octets), step):
            part = octets[at : at + step]
            head = fragment_header_n(size, tag, (begin + at) // 8)
            self.emit(key, begin + at, begin + at + len(part), head + part)
            if key not in self.flows:
                return

    def emit(self, key, begin, end, payload):
        info, _, gone = self.flows[key]
        self._out.append((info.dst, self.frame(payload, info)))
        gone[begin] = end
        if sum(end - begin for begin, end in gone.items()) >= key[2]:
            del self.flows[key]
