"""Judges a sender by its payloads: findings, each with the requirement, the octet, what was expected and what came.

Strategy: every payload goes through a Reassembler, so whatever the decoder refuses is a finding; what the
decoder lets pass, because the octets are clear although the sender broke a rule, is looked for here. "fail"
is a breach of a MUST or of a format, "advice" a SHOULD, a legal but longer encoding, or something that
these octets alone cannot prove.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from sixlowpan import codec, dispatch, iphc, mesh, nhc
from sixlowpan import rfc7668 as ble
from sixlowpan.compress import segments
from sixlowpan.contexts import NO_CONTEXTS, Contexts
from sixlowpan.errors import UNSUPPORTED, DecodeError
from sixlowpan.fragment import Reassembler
from sixlowpan.ipv6 import FRAGMENT, ICMPV6, ROUTING, UDP, Packet, checksum_holds
from sixlowpan.link import BLE, IEEE802154, LinkInfo

FAIL, ADVICE = "fail", "advice"
_FRAGMENTS = {dispatch.FRAG1, dispatch.FRAGN}
_MOST = 1024
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
# an "unsupported" that is a breach all the same; every other one may be legal, only not for us to resolve
_BREACHES = {"RFC7668-3-01", "RFC7668-3.2-03", "RFC7668-3.2.4-08"}


@dataclass(frozen=True, slots=True)
class LintFinding:
    """One breach or remark. `frame` is the index of the payload, `offset` an octet in it."""

    code: str
    requirement: str | None
    level: str
    frame: int
    offset: int
    expected: str
    actual: str
    message: str

    def __str__(self) -> str:
        return (
            f"{self.level}: frame {self.frame} octet {self.offset}: {self.code}: {self.message}; "
            f"expected {self.expected}, got {self.actual}"
            + (f" ({self.requirement})" if self.requirement else "")
        )


def lint(
    payloads: Sequence[bytes],
    link: LinkInfo | Sequence[LinkInfo],
    contexts: Contexts = NO_CONTEXTS,
    *,
    times: Sequence[float] | None = None,
    mtu: int | None = None,
) -> list[LintFinding]:
    """Judge payloads in the order in which they were sent.

    `link` is one for all or one for each; `times` in seconds let fragments expire; `mtu` is what one
    payload may have in octets, without it nothing is said about sizes. Findings come in frame order.
    """
    linter = Linter(mtu)
    for index, payload in enumerate(payloads):
        each = link if isinstance(link, LinkInfo) else link[index]
        linter.add(index, payload, each, contexts, times[index] if times else 0.0)
    linter.close()
    return sorted(linter.findings, key=lambda finding: (finding.frame, finding.offset))


class Linter:
    """The judge, one payload at a time; `findings` grows. `packet` is what the last payload was or completed."""

    def __init__(self, mtu: int | None = None) -> None:
        self.mtu = mtu
        self.findings: list[LintFinding] = []
        self.packet: bytes | None = None
        self._reassembler = Reassembler(max_datagrams=256)
        # all by sender, all bounded by _remember
        self._open: dict[tuple[bytes, bytes, int], _Cut] = {}  # (source, destination, tag)
        self._tags: dict[tuple[bytes, bytes], int] = {}
        self._sequences: dict[bytes, tuple[int, bytes]] = {}
        self._last: dict[bytes, bytes] = {}
        self._frame = 0

    def add(self, index: int, payload: bytes, link: LinkInfo, contexts: Contexts, now: float = 0.0) -> None:
        """Judge one more payload."""
        self._frame, self.packet = index, None
        if self.mtu is not None and len(payload) > self.mtu:
            self._say(
                "too_long", "RFC4944-4-03", FAIL, self.mtu, self.mtu, len(payload), "the payload has no room"
            )
        for key in self._reassembler.expire(now):
            self._incomplete(self._open.pop((key[0], key[1], key[3]), None))
        self._frame = index
        try:
            at, inner = mesh.unwrap(payload, link)
            if self._last.get(link.src) == payload and dispatch.KIND[payload[at]] in _FRAGMENTS:
                return  # a frame sent again by the MAC, for want of an acknowledgement: the sender's right
            _remember(self._last, link.src, payload)
            self._stack(payload, at, link, inner)
            kind = dispatch.KIND[payload[at]]
            if kind in _FRAGMENTS and link.kind != BLE:
                self._fragment(payload, at, kind, inner)
            packet = self._reassembler.receive(payload, link, contexts, now, index)
            self._datagram(payload, at, kind, inner, contexts)
        except DecodeError as error:
            self._undecodable(error)
            return
        self.packet = packet
        if packet is not None:
            self._packet(payload, at, kind, packet, link, inner, contexts)

    def close(self) -> None:
        """Say what is left incomplete."""
        for cut in self._open.values():
            self._incomplete(cut)
        self._open.clear()

    def _incomplete(self, cut: _Cut | None) -> None:
        if cut is not None:
            self._frame = cut.frame
            message = "a datagram was not completed"
            self._say(
                "incomplete", None, ADVICE, 0, f"{cut.size} octets", f"{cut.octets} compressed", message
            )

    def _say(
        self,
        code: str,
        requirement: str | None,
        level: str,
        offset: int,
        expected: object,
        actual: object,
        text: str,
    ) -> None:
        finding = LintFinding(code, requirement, level, self._frame, offset, str(expected), str(actual), text)
        self.findings.append(finding)

    def _undecodable(self, error: DecodeError) -> None:
        breach = error.kind != UNSUPPORTED or error.requirement in _BREACHES
        self._say(
            error.kind,
            error.requirement,
            FAIL if breach else ADVICE,
            error.offset,
            "a decodable payload",
            error.kind,
            error.message,
        )
        if isinstance(error.frame, int):
            self.findings[-1] = replace(self.findings[-1], frame=error.frame)

    def _stack(self, payload: bytes, at: int, link: LinkInfo, inner: LinkInfo) -> None:
        """The headers in front of the datagram."""
        broadcast_at = at - 2 if at >= 2 and payload[at - 2] == 0x50 else -1
        if dispatch.KIND[payload[0]] == dispatch.MESH:
            header = mesh.parse(payload, 0)
            broadcast_at = header.end if header.end < at else -1
            if header.hops_left == 0:
                self._say(
                    "hops_left",
                    "RFC4944-5.2-04",
                    ADVICE,
                    0,
                    "1 or more",
                    0,
                    "a packet with no hops left was sent",
                )
        elif broadcast_at == 0:
            message = "the broadcast header comes directly behind a mesh header"
            self._say("broadcast_header", "RFC4944-11.1-01", ADVICE, 0, "a mesh header", "none", message)
        if broadcast_at >= 0:
            sequence, last = payload[broadcast_at + 1], self._sequences.get(inner.src)
            kind = dispatch.KIND[payload[at]]
            if (
                last is not None
                and last[0] == sequence
                and last[1] != payload[at:]
                and kind != dispatch.FRAGN
            ):
                # RFC 4944 11.1: "SHALL be incremented by the originator whenever it sends a new mesh
                # broadcast"
                message = "a new broadcast has the sequence number of the one before"
                wanted = (sequence + 1) & 0xFF
                self._say(
                    "sequence_number", "RFC4944-11.1-02", FAIL, broadcast_at + 1, wanted, sequence, message
                )
            _remember(self._sequences, inner.src, (sequence, payload[at:]))

    def _fragment(self, payload: bytes, at: int, kind: str, link: LinkInfo) -> None:
        if len(payload) < at + 5:
            return
        size, tag = (payload[at] & 7) << 8 | payload[at + 1], payload[at + 2] << 8 | payload[at + 3]
        key = (link.src, link.dst, tag)
        cut = self._open.get(key)
        if cut is not None and cut.size != size:
            # RFC 4944 5.3: "The value of datagram_size SHALL be the same for all link-layer fragments of an
            # IP packet."
            message = "datagram_size differs between fragments with one tag"
            self._say("datagram_size", "RFC4944-5.3-09", FAIL, at, cut.size, size, message)
        if cut is None:
            self._tag(tag, at, link)
            cut = _remember(self._open, key, _Cut(size, self._frame))
        cut.octets += len(payload) - at - (4 if kind == dispatch.FRAG1 else 5)
        if size > 1280:
            message = "the MTU is 1280 octets"
            self._say("datagram_size", "RFC4944-4-01", ADVICE, at, "up to 1280", size, message)

    def _tag(self, tag: int, at: int, link: LinkInfo) -> None:
        last = self._tags.get((link.src, link.dst))
        if last is not None and tag == last:
            # RFC 4944 5.3: "The sender SHALL increment datagram_tag for successive, fragmented datagrams."
            message = "a new datagram has the tag of the one before"
            self._say("datagram_tag", "RFC4944-5.3-13", FAIL, at + 2, (last + 1) & 0xFFFF, tag, message)
        elif (
            last is not None and (tag - last) & 0xFFFF > 0x100
        ):  # a counter may serve other peers, so it may jump a bit
            message = "the tag does not look like a counter (RFC 8930 section 7 prefers a random one)"
            self._say("datagram_tag", "RFC4944-5.3-13", ADVICE, at + 2, (last + 1) & 0xFFFF, tag, message)
        _remember(self._tags, (link.src, link.dst), tag)

    def _datagram(self, payload: bytes, at: int, kind: str, link: LinkInfo, contexts: Contexts) -> None:
        """The compressed headers, whether whole or in a first fragment."""
        if kind == dispatch.FRAGN:
            return
        at += 4 if kind == dispatch.FRAG1 else 0
        while payload[at] >= 0xF0:
            at += 1
        octet = payload[at]
        if octet == 0x42:
            self._say(
                "hc1", "RFC6282-2-03", ADVICE, at, "LOWPAN_IPHC", "LOWPAN_HC1", "HC1 SHOULD NOT be sent"
            )
        elif octet == 0x41 and link.kind == BLE:
            # RFC 7668 3.2.4: "All headers MUST be compressed according to the encoding formats described in
            # RFC 6282"
            self._say(
                "uncompressed",
                "RFC7668-3.2.4-01",
                ADVICE,
                at,
                "LOWPAN_IPHC",
                "0x41",
                "the header is not compressed",
            )
        elif octet >> 5 == 3:
            self._headers(payload, at, link, contexts)

    def _headers(self, payload: bytes, at: int, link: LinkInfo, contexts: Contexts) -> None:
        """Every IPHC header and every NHC octet of one datagram."""
        outer: tuple[bytes, bytes] | None = None
        header = iphc.expand(payload, at, link, contexts)
        self._iphc(payload, at, header, link, contexts, outer)
        behind = header[5]
        compressed = header[1] < 0
        while compressed:
            octet = payload[behind]
            kind = nhc.KIND[octet]
            if kind == nhc.EXT:
                begin = behind + 1 + (not octet & 1)
                length = 6 if nhc.EXTENSIONS[octet >> 1 & 7] == 44 else payload[begin]
                behind, compressed = begin + 1 + length, bool(octet & 1)
            elif kind == nhc.INNER:
                if octet & 1:
                    # RFC 6282 4.2: "the NH bit of the LOWPAN_NHC encoding is unused and MUST be set to zero"
                    message = "the NH bit of an IPv6 header's NHC octet"
                    self._say("nhc_nh_bit", "RFC6282-4.2-18", FAIL, behind, "0xee", hex(octet), message)
                outer, start = (header[3], header[4]), behind + 1
                header = iphc.expand(payload, start, link, contexts, outer)
                self._iphc(payload, start, header, link, contexts, outer)
                behind, compressed = header[5], header[1] < 0
            else:
                if kind in {nhc.UDP_NHC, nhc.UDP_GHC} and octet & 4:
                    message = "the UDP checksum is elided: the upper layer must have allowed it"
                    self._say("udp_checksum", "RFC6282-4.3.2-02", ADVICE, behind, "C=0", "C=1", message)
                return

    def _iphc(
        self,
        payload: bytes,
        at: int,
        header: iphc.Header,
        link: LinkInfo,
        contexts: Contexts,
        outer: tuple[bytes, bytes] | None,
    ) -> None:
        first, second = payload[at], payload[at + 1]
        tf, cid = first >> 3 & 3, second >> 7
        begin = at + 2 + cid
        pad, where = (
            (payload[begin + 1] & 0xF0, begin + 1)
            if tf == 0
            else (payload[begin] & 0x30 if tf == 1 else 0, begin)
        )
        if pad:
            row = "RFC6282-3.2.1-02" if tf == 0 else "RFC6282-3.2.1-03"
            self._say(
                "reserved_bits",
                row,
                ADVICE,
                where,
                "0",
                hex(pad),
                "the rsv bits beside the flow label are not zero",
            )
        source, destination = second >> 4 & 7, second & 15
        if (header[4][0] == 0xFF) != (destination >= 8):
            row = "RFC6282-3.1.1-25" if destination < 8 else "RFC6282-3.1.1-26"
            what = "multicast" if destination < 8 else "unicast"
            self._say(
                "multicast_bit",
                row,
                FAIL,
                at + 1,
                f"M={1 - (destination >> 3)}",
                f"M={destination >> 3}",
                f"the destination is {what}",
            )
        identifiers = payload[at + 2] if cid else 0
        for uses, identifier in ((source > 4, identifiers >> 4), (destination & 4, identifiers & 15)):
            context = contexts.table[identifier]
            if uses and context is not None and not context.compress:
                # RFC 6775 4.2: a context without the C flag "MUST NOT be used for compression"
                message = f"context {identifier} is valid for decompression only"
                self._say(
                    "context", "RFC6775-4.2-04", FAIL, at + 1 + cid, "another context", identifier, message
                )
        if link.kind == BLE and outer is None:
            self._elision(at, source, header[3], link, contexts, source=True)
            if destination < 8:
                self._elision(at, destination, header[4], link, contexts, source=False)

    def _elision(
        self, at: int, mode: int, address: bytes, link: LinkInfo, contexts: Contexts, *, source: bool
    ) -> None:
        """What RFC 7668 section 3.2.4 wants elided."""
        wanted = ble.wanted(address, link, contexts, source=source)
        if wanted is not None and wanted[0] != mode:
            message = f"the {'source' if source else 'destination'} MUST be elided as far as it goes"
            self._say("elision", wanted[1], FAIL, at + 1, f"mode {wanted[0]:03b}", f"{mode:03b}", message)

    def _packet(
        self,
        payload: bytes,
        at: int,
        kind: str,
        packet: bytes,
        link: LinkInfo,
        inner: LinkInfo,
        contexts: Contexts,
    ) -> None:
        """What only the whole packet shows."""
        smallest = len(codec.encode(packet, inner, contexts))
        if kind in _FRAGMENTS:
            tag = payload[at + 2] << 8 | payload[at + 3]
            cut = self._open.pop((inner.src, inner.dst, tag), None)
            if cut is not None and self.mtu is not None and cut.octets + at <= self.mtu:
                # RFC 4944 5.3: if it "fits within a single 802.15.4 frame, it is unfragmented"
                message = "the datagram would have fitted one frame"
                self._say(
                    "needless_fragments", "RFC4944-5.3-01", ADVICE, at, "one frame", "fragments", message
                )
        elif len(payload) - at > smallest:
            message = "a smaller encoding exists"
            self._say(
                "not_minimal", None, ADVICE, at, f"{smallest} octets", f"{len(payload) - at} octets", message
            )
        if (
            link.kind == IEEE802154
            and packet[24] == 0xFF
            and link.dst
            and link.dst != b"\xff\xff"
            and inner is link
        ):
            # RFC 4944 3: "IPv6 level multicast packets MUST be carried as link-layer broadcast frames"
            message = "an IPv6 multicast packet goes to the short address ffff"
            self._say("link_broadcast", "RFC4944-3-05", FAIL, 0, "ffff", link.dst.hex(), message)
        if ROUTING not in {protocol for protocol, _, _ in segments(packet)}:
            self._upper(packet, at)

    def _upper(self, packet: bytes, at: int) -> None:
        # a checksum covers the message of all fragments (RFC 8200 §4.5)
        if any(
            protocol == FRAGMENT and int.from_bytes(packet[begin + 2 : begin + 4], "big") & 0xFFF9
            for protocol, begin, _ in segments(packet)
        ):
            return
        view = Packet.parse(packet)
        protocol, _, data = view.upper()
        whole = protocol == UDP and len(data) >= 8 and data[4] << 8 | data[5] == len(data)
        if (whole or (protocol == ICMPV6 and len(data) >= 4)) and not checksum_holds(
            view.src, view.dst, protocol, data
        ):
            message = "the upper-layer checksum does not hold: wrong addresses (contexts?) or wrong octets"
            self._say("checksum", None, ADVICE, at, "a right checksum", "a wrong one", message)


@dataclass(slots=True)
class _Cut:
    """A datagram in fragments: how many of its compressed octets were sent."""

    size: int
    frame: int
    octets: int = 0


def _remember(memory: dict[_Key, _Value], key: _Key, value: _Value) -> _Value:
    """Put it in; what was put in first goes when there is too much."""
    if key not in memory and len(memory) >= _MOST:
        del memory[next(iter(memory))]
    memory[key] = value
    return value
