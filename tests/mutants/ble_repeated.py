"""Mutants on Bluetooth LE that show only for a second connection, prefix or 6LN, or at a boundary."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.ble import NodeChannel
from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import link_local
from sixlowpan.addresses import is_link_local, is_multicast
from tests.mutants import BLE, ble_6lbr, ble_6ln, mutant
from tests.mutants.ble_channel import CHANNEL, channel
from tests.mutants.ble_frames import FrameByFrame
from tests.mutants.nd_router_events import LinkLocalSourceForwarded

wrong_6lbr, wrong_6ln = ble_6lbr.wrong, ble_6ln.wrong

# -- the channel ------------------------------------------------------------------------------------------------


@channel("ble-begins-again-when-starved")
class BeginsAgain(NodeChannel):
    """Begins with an SDU anew when the credits ended in the middle of it."""

    whole = b""

    def _pump(self):
        starved = bool(self._going) and self.credits > 0
        if starved and self.whole:
            self._going, self.whole = self.whole, b""
        waiting = self._queue[0][0] if self._queue and not self._going else b""
        super()._pump()
        if self._going and waiting.endswith(self._going):
            self.whole = waiting


@channel("ble-k-frame-of-the-mps-dropped")
class FullDropped(NodeChannel):
    """Drops a K-frame that is as long as its MPS: >= where > is meant."""

    def _heard_k_frame(self, pdu):
        if len(pdu) < self.terms.mps:
            super()._heard_k_frame(pdu)


@channel("ble-later-k-frames-by-two-longer")
class TwoLonger(FrameByFrame):
    """Cuts K-frames by the MPS and the two octets of the SDU length, which only the first one has."""

    def cut(self, sdu):
        first, rest = sdu[: self.peer.mps - 2], sdu[self.peer.mps - 2 :]
        frames = [len(sdu).to_bytes(2, "little") + first]
        size = self.peer.mps + 2
        return frames + [rest[at : at + size] for at in range(0, len(rest), size)]


@channel("ble-exact-k-frame-waits")
class ExactWaits(NodeChannel):
    """Waits for one more K-frame when an SDU ends where a full K-frame does."""

    held = None

    def _heard_k_frame(self, pdu):
        whole = []
        deliver, self.on_sdu = self.on_sdu, whole.append
        super()._heard_k_frame(pdu)
        self.on_sdu = deliver
        for sdu in whole:
            if len(pdu) == self.terms.mps and len(sdu) + 2 > self.terms.mps:
                self.held = sdu
            else:
                deliver(sdu)


class Remembers(ReferenceNode):
    """A node that keeps something of the terms of its first connection."""

    terms_of_the_first = None

    def make_channel(self, peer, send):
        end = super().make_channel(peer, send)
        begin, node = end._begin, self

        def remembered(peer):
            node.terms_of_the_first = node.terms_of_the_first or peer
            begin(node.remembered(node.terms_of_the_first, peer))

        end._begin = remembered
        return end

    def remembered(self, first, now):
        raise NotImplementedError


@mutant("ble-mps-of-the-first-connection", requirement=CHANNEL, kinds=BLE)
class FirstMps(Remembers):
    """Cuts K-frames by the MPS of its first connection."""

    def remembered(self, first, now):
        return replace(now, mps=first.mps)


@mutant("ble-larger-mps-of-an-earlier-connection", requirement=CHANNEL, kinds=BLE)
class LargestMps(Remembers):
    """Cuts K-frames by the largest MPS that a connection had."""

    def remembered(self, first, now):
        largest = self.terms_of_the_first = replace(now, mps=max(first.mps, now.mps))
        return largest


@mutant("ble-source-flipped-for-universal", requirement="RFC7668-3.2.2-05", kinds=BLE)
class FlippedForUniversal(ReferenceNode):
    """Inverts the U/L bit of a peer's IID where its device address has it clear."""

    def ble_info(self, peer, *, sent):
        flipped = bytes([peer[0] ^ 2]) + peer[1:] if not peer[0] & 2 else peer
        info = super().ble_info(peer, sent=sent)
        return replace(info, dst=flipped) if sent else replace(info, src=flipped)


@mutant("ble-source-flipped-for-local", requirement="RFC7668-3.2.2-05", kinds=BLE)
class FlippedForLocal(ReferenceNode):
    """Inverts the U/L bit of a peer's IID where its device address has it set."""

    def ble_info(self, peer, *, sent):
        flipped = bytes([peer[0] ^ 2]) + peer[1:] if peer[0] & 2 else peer
        info = super().ble_info(peer, sent=sent)
        return replace(info, dst=flipped) if sent else replace(info, src=flipped)


@wrong_6ln("6ln-addresses-of-its-first-connection", "RFC7668-3.2-05")
class FirstPeer(ReferenceNode):
    """Rebuilds elided addresses from its own device address of the first connection."""

    first = None

    def ble_info(self, peer, *, sent):
        self.first = self.first or self.link.dut
        info = super().ble_info(peer, sent=sent)
        return replace(info, src=self.first) if sent else replace(info, dst=self.first)


# -- 6LN --------------------------------------------------------------------------------------------------------


@wrong_6ln("6ln-one-latest-for-all-prefixes", "RFC7668-3.2.4-05")
class OneLatest(ReferenceNode):
    """Elides the address that it registered last, whatever the prefix, and no other."""

    def sent_info(self, packet, neighbour):
        info = super().sent_info(packet, neighbour)
        source = packet[8:24]
        if info.registered and source != info.registered[-1]:
            return replace(info, registered=tuple(a for a in info.registered if a[:8] != source[:8]))
        return info


@wrong_6ln("6ln-16-bits-where-32-match", "RFC7668-3.2.4-06")
class Where32(ble_6ln.EarlierWrong):
    """Sends an earlier address with 16 bits where the first 32 of its identifier are those of the latest."""

    def changed(self, source, known):
        return (*known, source[:14] + bytes(2)) if source[:12] == known[-1][:12] else known


@wrong_6ln("6ln-refused-is-latest", "RFC7668-3.2.4-09")
class RefusedIsLatest(ReferenceNode):
    """Has no registered address to elide any more once one of them was refused."""

    def registration_answered(self, address, option):
        if option.status:
            self.peers[self.peer].registered = ()
        super().registration_answered(address, option)


@wrong_6ln("6ln-solicits-on-its-first-connection-only", "RFC7668-3.2.2-10")
class SolicitsOnce(ReferenceNode):
    """Solicits a router on its first connection only."""

    def solicit_router(self):
        if self.connections < 2:
            super().solicit_router()


@wrong_6ln("6ln-own-address-of-the-first-connection", "RFC7668-3.2.4-02")
class FirstEui64(ReferenceNode):
    """Registers with the device address of its first connection."""

    eui = None

    def eui64(self):
        self.eui = self.eui or super().eui64()
        return self.eui


@wrong_6ln("6ln-registered-before-it-came-again", "RFC7668-3.2.4-09")
class StillRegistered(ReferenceNode):
    """Takes what the last connection registered for registered on the next one."""

    before = ()

    def disconnected(self, peer):
        self.before = self.peers[peer].registered if peer in self.peers else self.before
        super().disconnected(peer)

    def connected(self, peer, now):
        super().connected(peer, now)
        self.peers[peer].registered = self.before


# -- 6LBR -------------------------------------------------------------------------------------------------------


@wrong_6lbr("6lbr-one-latest-for-all-prefixes", "RFC7668-3.2.4-15")
class BorderOneLatest(ble_6lbr.Known):
    """Elides the address that a 6LN registered last, whatever the prefix, and no other."""

    def known(self, registered, destination):
        if registered and destination != registered[-1]:
            return tuple(a for a in registered if a[:8] != destination[:8])
        return registered


@wrong_6lbr("6lbr-latest-of-all-links", "RFC7668-3.2.4-15")
class LatestOfAll(ReferenceNode):
    """Elides the address that any of its 6LNs registered last, and no other."""

    last = b""

    def latest_last(self, known, address):
        self.last = address
        return super().latest_last(known, address)

    def sent_info(self, packet, neighbour):
        info = super().sent_info(packet, neighbour)
        there = packet[24:40]
        if there != self.last and there in info.registered[-1:]:
            return replace(info, registered=(*info.registered, self.last))
        return info


@wrong_6lbr("6lbr-refused-is-latest", "RFC7668-3.2.4-15")
class BorderRefusedIsLatest(ReferenceNode):
    """Takes an address that it refused for the latest of that 6LN."""

    def reply(self, asked, status):
        super().reply(asked, status)
        if status:
            known = self.peers[self.peer]
            known.registered = self.latest_last(known.registered, asked.address)


@wrong_6lbr("6lbr-removed-is-latest", "RFC7668-3.2.4.2-02")
class RemovedIsLatest(ReferenceNode):
    """Takes an address that was given back for the latest of that 6LN."""

    def accept(self, asked):
        super().accept(asked)
        known = self.peers[self.peer]
        known.registered = self.latest_last(known.registered, asked.address)


@wrong_6lbr("6lbr-16-bits-where-32-match", "RFC7668-3.2.4-16")
class BorderWhere32(ble_6lbr.Known):
    """Sends an earlier address with 16 bits where the first 32 of its identifier are those of the latest."""

    def known(self, registered, destination):
        if destination in registered[:-1] and destination[:12] == registered[-1][:12]:
            return (*registered, destination[:14] + bytes(2))
        return registered


@wrong_6lbr("6lbr-link-local-source-forwarded", "RFC7668-3.2.1-02")
class LinkLocalSource(LinkLocalSourceForwarded):
    """Forwards from a link-local address to an address of the shared prefix."""


@wrong_6lbr("6lbr-sends-it-back", "RFC7668-3.2.1-03")
class SendsBack(ReferenceNode):
    """Sends what it has nobody for back to the 6LN that it came from."""

    def route(self, packet, view):
        ours = view.dst in self.own or is_multicast(view.dst)
        if not ours and view.dst not in self.bindings and not is_link_local(view.dst):
            self.pass_on(packet, self.peer)
            return True
        return super().route(packet, view)


@wrong_6lbr("6lbr-one-place-for-half-an-sdu", "RFC7668-3.2-03")
class OnePlace(ReferenceNode):
    """Puts the K-frames of all connections together in one place."""

    half = None

    def hear_pdu(self, channel, cid, pdu):
        if cid != 5 and self.half is not None and self.half is not channel and self.half._coming is not None:
            channel._coming, channel._wanted = self.half._coming, self.half._wanted
            self.half._coming = None
        super().hear_pdu(channel, cid, pdu)
        self.half = channel if channel._coming is not None else None


@wrong_6lbr("6lbr-credits-of-all-in-one", "RFC7668-3.2-03")
class OneAccount(ReferenceNode):
    """Keeps one account of credits for all its connections."""

    def hear_pdu(self, channel, cid, pdu):
        before = channel.credits
        super().hear_pdu(channel, cid, pdu)
        if cid == 5 and pdu[:1] == b"\x16" and channel.credits > before:
            self.others(channel).credits = channel.credits

    def others(self, channel):
        ends = [link.there for link in self.link._wire.links.values() if link.there is not channel]
        return ends[0] if ends else channel


@wrong_6lbr("6lbr-link-local-of-the-first-6ln", "RFC7668-3.2.1-03")
class OfTheFirst(ReferenceNode):
    """Sends link-local packets for any 6LN to the one that connected first."""

    def receivers(self, packet, neighbour):
        destination = packet[24:40]
        if is_link_local(destination) and link_local(self.peer) == destination and len(self.peers) > 1:
            return list(self.peers)[:1]
        return super().receivers(packet, neighbour)
