"""Judges a sender by its payloads: findings, each with the requirement, the octet, what was expected and what came.

Strategy: every payload goes through a Reassembler, so whatever the decoder refuses is a finding; what the
decoder lets pass, because the octets are clear although the sender broke a rule, is looked for here, in
`lint_fragments` and in `lint_headers`. "fail" is a breach of a MUST or of a format, "advice" a SHOULD, a legal but
longer encoding, or something that these octets alone cannot prove.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from sixlowpan import codec, dispatch, iphc, mesh, nd, nhc
from sixlowpan.compress import segments
from sixlowpan.contexts import NO_CONTEXTS, Contexts
from sixlowpan.errors import UNSUPPORTED, DecodeError
from sixlowpan.findings import ADVICE, FAIL, LintFinding
from sixlowpan.fragment import Reassembler
from sixlowpan.ipv6 import FRAGMENT, ICMPV6, ROUTING, UDP, Packet, checksum_holds
from sixlowpan.link import BLE, IEEE802154, LinkInfo
from sixlowpan.lint_fragments import RESTART, Cut, FragmentLint, remember
from sixlowpan.lint_headers import HeaderLint

__all__ = ["ADVICE", "FAIL", "LintFinding", "Linter", "lint"]
_FRAGMENTS = {dispatch.FRAG1, dispatch.FRAGN}
# an "unsupported" that is a breach all the same; every other one may be legal, only not for us to resolve
_BREACHES = {"RFC7668-3-01", "RFC7668-3.2-03", "RFC7668-3.2.4-08"}
#: takes a finding, with the link-layer address of the sender that it is about
Report = Callable[[bytes, LintFinding], None]


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


#: ICMPv6 messages of which only the checksum is judged.
_ECHOES = {128, 129}
#: Longer payloads are no single frame of 802.15.4, and take the long way.
_LONGEST = 2048


class _Clean(NamedTuple):
    """Header octets in which nothing was wrong: what is left to judge of a payload with them is its upper layer.

    `begin` is where the octets end, `words` the one's complement sum of what they say: addresses, next header, ports.
    """

    begin: int
    udp: bool
    words: int

    def holds(self, payload: bytes) -> bool:
        """Whether the upper-layer checksum does (RFC 8200 section 8.1), without making the packet."""
        behind = payload[self.begin :]
        octets = len(behind)
        if self.udp:  # the checksum comes first; the length stands in the pseudo-header and in the UDP header
            if behind[:2] == b"\0\0":
                return False
            words = self.words + 2 * (octets + 6)
        else:
            if octets < 4:
                return False
            words = self.words + octets
        value = int.from_bytes(behind, "big")
        return (words + (value << 8 if octets & 1 else value)) % 0xFFFF == 0


@lru_cache(maxsize=4096)
def _shape(octets: bytes) -> tuple[int, bool] | None:
    """Of the two octets of LOWPAN_IPHC: its length with its fields, and whether NHC follows; None: no such."""
    first, second = iphc.FIRST[octets[0]], iphc.SECOND[octets[1]]
    return None if first is None or second is None else (2 + first[3] + second[3], bool(first[1]))


def _cleared(form: bytes, packet: bytes) -> _Clean:
    """What the header octets `form` say in every packet, by the first one that had them."""
    udp = packet[6] == UDP
    said = packet[8:40] + (packet[40:44] if udp else b"")
    return _Clean(len(form), udp, int.from_bytes(said, "big") % 0xFFFF + packet[6])


class Linter:
    """The judge, one payload at a time.

    `packet` is what the last payload was or completed; None as well where that is not needed: its headers were `known`
    and above them is an echo or UDP.

    Findings go to `report` as they come, or into `findings`, which grows.
    """

    def __init__(self, mtu: int | None = None, report: Report | None = None) -> None:
        self.mtu = mtu
        self.findings: list[LintFinding] = []
        self.packet: bytes | None = None
        self._report = report or (lambda _, finding: self.findings.append(finding))
        self._reassembler = Reassembler(max_datagrams=256)
        self._fragments = FragmentLint(self._say)
        self._headers = HeaderLint(self._say)
        # what was found of these octets of headers before: nothing
        self._clean: dict[bytes | None, _Clean] = {}
        self._clean_under = NO_CONTEXTS
        # the link of the last payload, and what it says of forms: None where a form is not all
        self._link: LinkInfo | None = None
        self._ends: bytes | None = None
        self._said = 0
        self.known = False  # the last payload had the headers of one before, in which nothing was wrong
        self._sequences: dict[bytes, tuple[int, bytes, float]] = {}  # by originator, bounded by `remember`
        self._frame, self._sender = 0, b""

    def add(self, index: int, payload: bytes, link: LinkInfo, contexts: Contexts, now: float = 0.0) -> None:
        """Judge one more payload; `index` is what its findings call it, `now` its time in seconds."""
        if self._reassembler.pending:
            for key in self._reassembler.expire(now):
                self._incomplete(key[0], self._fragments.expired((key[0], key[1], key[3]), key[2]))
        self._frame, self._sender, self.packet = index, link.src, None
        form = self._form(payload, link, contexts)
        clean = self._clean.get(form)
        self.known = clean is not None
        if clean is not None:
            if not clean.holds(payload):
                self._upper(codec.decode(payload, link, contexts), 0)
            elif not clean.udp and payload[clean.begin] not in _ECHOES:
                message = self.packet = codec.decode(payload, link, contexts)
                self._neighbor_discovery(message, 0)
            return
        said = self._said
        self._add(index, payload, link, contexts, now)
        packet = self.packet
        if form is None or packet is None or said != self._said:
            return
        if payload[0] & 4 or packet[6] == ICMPV6:  # what another next header is, its own octets say, too
            ends = self._ends or b""
            remember(self._clean, form, _cleared(form[len(ends) :], packet))

    def _form(self, payload: bytes, link: LinkInfo, contexts: Contexts) -> bytes | None:
        """The link and header octets that all findings come from, but the upper layer's; None: not only they."""
        if link is not self._link:
            self._link, self._ends = link, self._ends_of(link)
        ends, octets = self._ends, len(payload)
        if ends is None or not 3 <= octets <= _LONGEST:
            return None
        shape = _shape(payload[:2])
        if shape is None:
            return None
        if contexts is not self._clean_under:
            self._clean.clear()
            self._clean_under = contexts
        end, compressed = shape
        if compressed:
            if end >= octets or payload[end] >> 3 != 0b11110 or payload[end] & 4:
                return None
            end += 1 + nhc.PORT_OCTETS[payload[end] & 3]
            if end + 2 > octets:  # the checksum
                return None
        return ends + payload[:end] if end <= octets else None

    def _ends_of(self, link: LinkInfo) -> bytes | None:
        """What a link says of the forms on it, no two links the same; None where a form does not say all."""
        if self.mtu is not None or link.kind != IEEE802154 or link.pan is not None:
            return None
        return bytes((len(link.src), len(link.dst), link.integrity)) + link.src + link.dst

    def _add(self, index: int, payload: bytes, link: LinkInfo, contexts: Contexts, now: float) -> None:
        if self.mtu is not None and len(payload) > self.mtu:
            self._say(
                "too_long", "RFC4944-4-03", FAIL, self.mtu, self.mtu, len(payload), "the payload has no room"
            )
        try:
            at, inner = mesh.unwrap(payload, link)
            self._sender = inner.src
            kind = dispatch.KIND[payload[at]]
            cut = kind in _FRAGMENTS and link.kind != BLE
            if cut and self._fragments.repeated(payload, at, inner, now):
                return  # sent again by the MAC, for want of an acknowledgement: the sender's right
            self._stack(payload, at, inner, now)
            if cut:
                given_up = self._fragments.fragment(payload, at, kind, inner, index, now)
                self._incomplete(inner.src, given_up)
            overlaps = self._reassembler.overlaps
            packet = self._reassembler.receive(payload, link, contexts, now, index)
            if self._reassembler.overlaps > overlaps:
                # advice: a sender that started anew may use the tag once more
                message = "a fragment overlaps another one of its datagram: those before it are discarded"
                self._say(
                    "incomplete", "RFC4944-5.3-16", ADVICE, at, "one beside the others", "overlap", message
                )
            if packet is not None and cut:
                self._needless(payload, at, inner)
            self._headers.datagram(payload, at, kind, inner, contexts)
        except DecodeError as error:
            self._undecodable(error)
            return
        self.packet = packet
        if packet is not None:
            self._packet(payload, at, kind, packet, link, inner, contexts)

    def close(self) -> None:
        """Say what is left incomplete."""
        for key, cut in self._fragments.left():
            self._incomplete(key[0], cut)

    def _incomplete(self, sender: bytes, cut: Cut | None) -> None:
        if cut is not None:
            now, self._frame, self._sender = (self._frame, self._sender), cut.frame, sender
            message = "a datagram was not completed"
            self._say(
                "incomplete", None, ADVICE, 0, f"{cut.size} octets", f"{cut.octets} compressed", message
            )
            self._frame, self._sender = now

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
        self._said += 1
        finding = LintFinding(code, requirement, level, self._frame, offset, str(expected), str(actual), text)
        self._report(self._sender, finding)

    def _undecodable(self, error: DecodeError) -> None:
        if isinstance(error.frame, int):
            self._frame = error.frame
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

    def _stack(self, payload: bytes, at: int, inner: LinkInfo, now: float) -> None:
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
                and not (kind == dispatch.FRAG1 and _of_one_datagram(last[1], payload[at:]))
            ):
                # RFC 4944 11.1: "SHALL be incremented by the originator whenever it sends a new mesh
                # broadcast"
                message = "a new broadcast has the sequence number of the one before"
                wanted = (sequence + 1) & 0xFF
                level = FAIL if abs(now - last[2]) <= RESTART else ADVICE
                self._say(
                    "sequence_number", "RFC4944-11.1-02", level, broadcast_at + 1, wanted, sequence, message
                )
            remember(self._sequences, inner.src, (sequence, payload[at:], now))

    def _needless(self, payload: bytes, at: int, inner: LinkInfo) -> None:
        cut = self._fragments.done(payload, at, inner)
        if cut is not None and self.mtu is not None and cut.octets + at <= self.mtu:
            # RFC 4944 5.3: if it "fits within a single 802.15.4 frame, it is unfragmented"
            message = "the datagram would have fitted one frame"
            self._say("needless_fragments", "RFC4944-5.3-01", ADVICE, at, "one frame", "fragments", message)

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
        if kind not in _FRAGMENTS and len(payload) - at > smallest:
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
        elif protocol == ICMPV6:
            self._neighbor_discovery(packet, at)

    def _neighbor_discovery(self, packet: bytes, at: int) -> None:
        """What only the message shows: its offsets are lost in compression, so the finding names the payload."""
        nd.judge(
            packet,
            lambda code, requirement, level, offset, expected, actual, text: self._say(
                code, requirement, level, at, expected, actual, f"{text} (octet {offset} of the message)"
            ),
        )


def _of_one_datagram(one: bytes, other: bytes) -> bool:
    """Whether two fragments have one datagram_size and datagram_tag (RFC 4944 §5.3)."""
    both = [int.from_bytes(payload[:4]) & 0x07FFFFFF for payload in (one, other)]
    return one[:1] >= b"\xc0" and both[0] == both[1]
