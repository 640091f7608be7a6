"""Conforming senders of GHC (RFC 7400): who learns that a neighbour reads it may send it, as small as it likes."""

from __future__ import annotations

from sixlowpan import compress, encode, explain, fragment, ghc, nd
from sixlowpan.ipv6 import ICMPV6, UDP, Packet
from tests.variants import ANY, ReferenceNode, variant


class GhcSender(ReferenceNode):
    """Sends GHC to who has sent it GHC, or a 6CIO with the G bit: §3.3, "it may send GHC-compressed packets"."""

    def boot(self):
        self.readers: set[bytes] = set()
        super().boot()

    def deliver(self, packet, info):
        protocol, _, message = Packet.parse(packet).upper()
        if protocol == ICMPV6 and message[:1] and message[0] in range(nd.RS, nd.NA + 1):
            options = nd.parse(message).options
            if any(isinstance(o, nd.CapabilityIndication) and 15 in o.flags for o in options):
                self.readers.add(info.src)
        super().deliver(packet, info)

    def understand(self, payload, info):
        if any(header.name == "GHC" for header in explain(payload, info, self.contexts).children):
            self.readers.add(info.src)
        return super().understand(payload, info)

    def encode_packet(self, packet, info):
        if info.dst not in self.readers:
            return super().encode_packet(packet, info)
        return self.packed(packet, info)

    def packed(self, packet, info):
        return encode(packet, info, self.contexts, ghc=True)

    def fragment_packet(self, packet, info):
        if (
            info.dst not in self.readers
            or self.kind == "ble"
            or len(self.encode_packet(packet, info)) <= self.room(info)
        ):
            return super().fragment_packet(packet, info)
        return fragment(packet, info, self.contexts, mtu=self.room(info), tag=self.next_tag(), ghc=True)


@variant("ghc-once-told", rigs=ANY)
class OnceTold(GhcSender):
    """Sends GHC to who has sent it GHC, or a 6CIO with the G bit: RFC 7400 §3.3."""


class PacksItself(GhcSender):
    """A sender whose bytecode comes from `codes`, for the messages of ICMPv6 and the data of UDP."""

    def packed(self, packet, info):
        addresses = packet[8:40]
        head = compress.header(packet, 0, info, self.contexts, None, True)
        if packet[6] == ICMPV6:
            return head + b"\xdf" + self.codes(packet[40:], addresses)
        if packet[6] == UDP:
            udp = compress.udp(packet, 40)
            return (
                head + bytes((udp[0] & ~0x20,)) + udp[1:] + packet[46:48] + self.codes(packet[48:], addresses)
            )
        return encode(packet, info, self.contexts)

    def codes(self, data, addresses):
        return ghc.compress(data, addresses)

    def fragment_packet(self, packet, info):
        """Packs only what fits one frame then; what does not goes by RFC 6282."""
        if len(self.encode_packet(packet, info)) <= self.room(info):
            return super().fragment_packet(packet, info)
        return ReferenceNode.fragment_packet(self.plain(), packet, info)

    def plain(self):
        """This node, with nobody whom it knows to read GHC."""
        self.readers.clear()
        return self


@variant("ghc-runs-of-zeros-only", rigs=ANY)
class RunsOfZeros(PacksItself):
    """Packs runs of zeros and nothing else, longer than it might: §2 asks no sender for the smallest bytecode."""

    def codes(self, data, addresses):
        out, at = b"", 0
        while at < len(data):
            run = next((n for n in range(17, 1, -1) if data[at : at + n] == bytes(n)), 0)
            end = at + run if run else min(len(data), at + 95, *(_runs(data, at) or [len(data)]))
            out += bytes((0x80 | run - 2,)) if run else bytes((end - at,)) + data[at:end]
            at = end
        return out


def _runs(data: bytes, at: int) -> list[int]:
    """Where the next two zeros stand."""
    found = data.find(b"\0\0", at)
    return [found] if found > at else []


@variant("ghc-stop-at-the-end", rigs=ANY)
class StopAtTheEnd(PacksItself):
    """Ends each payload by a stop code: RFC 7400 §3.2 needs none there, and forbids none."""

    def codes(self, data, addresses):
        return super().codes(data, addresses) + ghc.STOP


@variant("ghc-in-many-codes", rigs=ANY)
class ManyCodes(PacksItself):
    """Packs in literals of 20 octets, an 101nssss that adds nothing in front of each: §2 asks for no short bytecode."""

    def codes(self, data, addresses):
        parts = (data[at : at + 20] for at in range(0, len(data), 20))
        return b"".join(b"\xa0" + bytes((len(part),)) + part for part in parts)


@variant("ghc-indication-in-each-message", rigs=ANY)
class InEachMessage(GhcSender):
    """A 6CIO in each of its solicitations and advertisements: RFC 7400 §3.4, it "can be used in any ND packet"."""

    def send_nd(self, source, destination, kind, body):
        super().send_nd(source, destination, kind, body + nd.CapabilityIndication(frozenset({15})).build())
