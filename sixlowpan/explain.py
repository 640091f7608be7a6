"""The header tree of a payload: each field, its bits, value and meaning, and the requirement that defines it.

Strategy: the codec is asked first, so there is one truth about whether a payload is good and where it is
not. Then the payload is walked along the same tables as far as its octets go. An error is hung on the
smallest field that holds its offset, or on a field of its own where octets are missing.
"""

from __future__ import annotations

import contextlib
import ipaddress
from dataclasses import dataclass, field

from sixlowpan import dispatch, iphc, mesh, nhc
from sixlowpan.contexts import NO_CONTEXTS, Contexts
from sixlowpan.errors import DecodeError
from sixlowpan.fragment import Reassembler
from sixlowpan.link import IEEE802154, LinkInfo

_TF = (
    "traffic class and flow label in-line",
    "ECN and flow label in-line, DSCP 0",
    "traffic class in-line",
    "both 0",
)
_HLIM = ("in-line", "1", "64", "255")
_SOURCE = (
    "128 bits in-line",
    "fe80::/64 and 64 bits in-line",
    "fe80::ff:fe00:XXXX, 16 bits in-line",
    "fe80::/64 and the IID of the encapsulating header",
    "the unspecified address ::",
    "context and 64 bits in-line",
    "context and 16 bits in-line",
    "context and the IID of the encapsulating header",
)
_DESTINATION = (
    *_SOURCE[:4],
    "reserved",
    *_SOURCE[5:],
    "128 bits in-line",
    "ffXX::00XX:XXXX:XXXX, 48 bits in-line",
    "ffXX::00XX:XXXX, 32 bits in-line",
    "ff02::00XX, 8 bits in-line",
    "unicast-prefix-based group of a context, 48 bits in-line",
    "reserved",
    "reserved",
    "reserved",
)


@dataclass(slots=True)
class Field:
    """One field: `bits` bits from bit `bit_offset` of octet `offset`; `raw` are the octets it touches."""

    name: str
    offset: int
    bit_offset: int
    bits: int
    raw: bytes
    value: int | bytes | str
    meaning: str = ""
    requirement: str | None = None
    error: str | None = None
    children: list[Field] = field(default_factory=list)

    @property
    def has_error(self) -> bool:
        """True if this field or one below it is wrong."""
        return self.error is not None or any(child.has_error for child in self.children)

    def holds(self, offset: int) -> bool:
        """True if that octet belongs to the field."""
        return self.offset <= offset < self.offset + len(self.raw)


class _Walk:
    """Adds fields under the node at hand; running out of octets ends the walk (IndexError)."""

    def __init__(self, data: bytes, link: LinkInfo, contexts: Contexts) -> None:
        self.data, self.link, self.contexts = data, link, contexts
        self.root = Field("payload", 0, 0, 8 * len(data), data, f"{len(data)} octets")
        self.node = self.root

    def header(self, name: str, at: int, requirement: str | None = None, meaning: str = "") -> None:
        """Begin a header; its extent grows with its fields."""
        self.node = Field(name, at, 0, 0, b"", "", meaning, requirement)
        self.root.children.append(self.node)

    def bits(
        self, name: str, at: int, first: int, count: int, meaning: str = "", row: str | None = None
    ) -> int:
        """A field of a few bits within one octet; bit 0 is the highest."""
        octet = self.data[at]
        value = octet >> (8 - first - count) & (1 << count) - 1
        self._add(Field(name, at, first, count, self.data[at : at + 1], value, meaning, row))
        return value

    def octets(self, name: str, at: int, count: int, meaning: str = "", row: str | None = None) -> int:
        """A field of whole octets; returns the offset behind it."""
        if at + count > len(self.data):
            if at < len(self.data):
                raw = self.data[at:]
                self._add(Field(name, at, 0, 8 * len(raw), raw, raw, "cut short", row))
            raise IndexError
        raw = self.data[at : at + count]
        value: int | bytes = int.from_bytes(raw, "big") if count <= 4 else raw
        if count:
            self._add(Field(name, at, 0, 8 * count, raw, value, meaning, row))
        return at + count

    def _add(self, child: Field) -> None:
        node = self.node
        node.children.append(child)
        end = max(node.offset + len(node.raw), child.offset + len(child.raw))
        node.raw = self.data[node.offset : end]
        node.bits = 8 * len(node.raw)


def explain(payload: bytes, link: LinkInfo, contexts: Contexts = NO_CONTEXTS) -> Field:
    """The tree of one payload, whatever it holds; a fragment is explained as far as it goes alone."""
    walk = _Walk(payload, link, contexts)
    with contextlib.suppress(IndexError, DecodeError):  # the codec below says what is wrong, and where
        _stack(walk)
    try:
        Reassembler(max_datagrams=1).receive(payload, link, contexts)
    except DecodeError as error:
        _mark(walk.root, error)
    return walk.root


def _mark(root: Field, error: DecodeError) -> None:
    message = f"{error.kind}: {error.message}" + (f" ({error.requirement})" if error.requirement else "")
    header = next((child for child in root.children if child.holds(error.offset)), None)
    if header is None:
        root.children.append(Field("missing", error.offset, 0, 0, b"", "", "", error.requirement, message))
        return
    inside = [child for child in header.children if child.holds(error.offset)]
    # an encoding octet holds several fields: the one that the requirement speaks of, else the header
    named = [child for child in inside if child.requirement == error.requirement]
    chosen = named[0] if named else inside[0] if len(inside) == 1 else header
    chosen.error = message


def _stack(walk: _Walk) -> None:
    data, at = walk.data, 0
    kind = dispatch.KIND[data[at]]
    if kind == dispatch.MESH:
        at = _mesh(walk)
        kind = dispatch.KIND[data[at]]
    if kind == dispatch.BC0:
        walk.header(kind, at, "RFC4944-11.1-01")
        walk.octets("dispatch", at, 1, kind)
        at = walk.octets("sequence number", at + 1, 1)
        kind = dispatch.KIND[data[at]]
    if kind in {dispatch.FRAG1, dispatch.FRAGN}:
        first = kind == dispatch.FRAG1
        walk.header(kind, at, "RFC4944-5.3-05" if first else "RFC4944-5.3-07")
        walk.bits("dispatch", at, 0, 5, kind)
        size = (data[at] & 7) << 8 | data[at + 1]
        walk._add(Field("datagram_size", at, 5, 11, data[at : at + 2], size, "octets", "RFC4944-5.3-10"))
        at = walk.octets("datagram_tag", at + 2, 2, "", "RFC4944-5.3-12")
        if not first:
            offset = walk.octets("datagram_offset", at, 1, f"octet {8 * data[at]}", "RFC4944-5.3-16")
            walk.header("fragment data", offset)
            walk.octets("octets", offset, len(data) - offset)
            return
    _datagram(walk, at)


def _mesh(walk: _Walk) -> int:
    data = walk.data
    walk.header(dispatch.MESH, 0, "RFC4944-5.1-14")
    walk.bits("dispatch", 0, 0, 2, dispatch.MESH)
    v = 2 if walk.bits("V", 0, 2, 1, "originator: 0 = 64-bit, 1 = 16-bit", "RFC4944-5.2-01") else 8
    f = 2 if walk.bits("F", 0, 3, 1, "final destination: 0 = 64-bit, 1 = 16-bit", "RFC4944-5.2-02") else 8
    at = 1
    if walk.bits("Hops Left", 0, 4, 4, "15: an octet of its own follows", "RFC4944-5.2-04") == 15:
        at = walk.octets("Deep Hops Left", at, 1, "", "RFC4944-5.2-05")
    at = walk.octets("Originator Address", at, v, "", "RFC4944-5.2-06")
    at = walk.octets("Final Destination Address", at, f, "", "RFC4944-5.2-06")
    if walk.link.kind == IEEE802154:
        header = mesh.parse(data, 0)
        walk.link = walk.link.between(header.originator, header.final)
    return at


def _datagram(walk: _Walk, at: int) -> None:
    data = walk.data
    while data[at] >= 0xF0:
        walk.header(dispatch.PAGE, at, "RFC8025-3-01")
        walk.bits("dispatch", at, 0, 4, dispatch.PAGE)
        walk.bits("page", at, 4, 4)
        at += 1
    octet = data[at]
    if octet >> 5 == 3:
        _iphc(walk, at, None)
    elif octet == 0x41:
        walk.header(dispatch.IPV6, at, "RFC4944-5.1-05")
        begin = walk.octets("dispatch", at, 1, "uncompressed IPv6")
        names = (("version, class, flow", 4), ("Payload Length", 2), ("Next Header", 1), ("Hop Limit", 1))
        for name, count in names:
            begin = walk.octets(name, begin, count)
        for name in ("Source Address", "Destination Address"):
            meaning = _address(data[begin : begin + 16]) if begin + 16 <= len(data) else ""
            begin = walk.octets(name, begin, 16, meaning)
        _rest(walk, begin)
    else:
        walk.header(dispatch.KIND[octet], at, dispatch.REQUIREMENT[octet])
        at = walk.octets("dispatch", at, 1, dispatch.KIND[octet])
        walk.octets("octets", at, len(data) - at)


def _rest(walk: _Walk, at: int) -> None:
    if at < len(walk.data):
        walk.header("data", at)
        walk.octets("octets", at, len(walk.data) - at)


def _iphc(walk: _Walk, at: int, outer: tuple[bytes, bytes] | None) -> None:
    data, start = walk.data, at
    walk.header(dispatch.IPHC, at, "RFC6282-3-01")
    walk.bits("dispatch", at, 0, 3, dispatch.IPHC, "RFC6282-5-01")
    octet = data[at]
    tf, hlim = octet >> 3 & 3, octet & 3
    walk.bits("TF", at, 3, 2, _TF[tf], f"RFC6282-3.1.1-{1 + tf:02}")
    compressed = walk.bits(
        "NH", at, 5, 1, "LOWPAN_NHC follows" if octet & 4 else "in-line", "RFC6282-3.1.1-06"
    )
    walk.bits("HLIM", at, 6, 2, _HLIM[hlim], f"RFC6282-3.1.1-{7 + hlim:02}")
    at += 1
    octet = data[at]
    source, destination = octet >> 4 & 7, octet & 15
    cid = walk.bits(
        "CID", at, 0, 1, "context octet follows" if octet & 0x80 else "context 0", "RFC6282-3.1.1-12"
    )
    walk.bits(
        "SAC", at, 1, 1, "stateful" if source & 4 else "stateless", f"RFC6282-3.1.1-{13 + (source >> 2)}"
    )
    walk.bits("SAM", at, 2, 2, _SOURCE[source], f"RFC6282-3.1.1-{15 + source}")
    walk.bits(
        "M", at, 4, 1, "multicast" if octet & 8 else "not multicast", f"RFC6282-3.1.1-{25 + (octet >> 3 & 1)}"
    )
    walk.bits(
        "DAC", at, 5, 1, "stateful" if octet & 4 else "stateless", f"RFC6282-3.1.1-{27 + (octet >> 2 & 1)}"
    )
    walk.bits("DAM", at, 6, 2, _DESTINATION[destination], f"RFC6282-3.1.1-{29 + destination}")
    at += 1
    if cid:
        for name, bit, used in (("SCI", 0, source > 4), ("DCI", 4, bool(destination & 4))):
            context = walk.contexts.table[data[at] >> 4 - bit & 15]
            meaning = "not used" if not used else "not defined" if context is None else str(context)
            walk.bits(
                name,
                at,
                bit,
                4,
                meaning,
                "RFC6282-3.1.2-06" if used and context is None else "RFC6282-3.1.2-02",
            )
        at += 1
    try:
        header: iphc.Header | None = iphc.expand(data, start, walk.link, walk.contexts, outer)
    except DecodeError:
        header = None
    tf_names = ("ECN, DSCP, pad, flow label", "ECN, pad, flow label", "ECN, DSCP", "")
    meaning = f"first word {header[0].hex()}" if header else ""
    at = walk.octets(tf_names[tf], at, iphc.TF_OCTETS[tf], meaning, "RFC6282-3.2.1-01")
    if not compressed:
        at = walk.octets("Next Header", at, 1, "", "RFC6282-3.1.1-05")
    if hlim == 0:
        at = walk.octets("Hop Limit", at, 1, "", "RFC6282-3.1.1-07")
    for name, index, count, row in (
        ("Source Address", 3, iphc.SOURCE_OCTETS[source], f"RFC6282-3.1.1-{15 + source}"),
        ("Destination Address", 4, iphc.DESTINATION_OCTETS[destination], f"RFC6282-3.1.1-{29 + destination}"),
    ):
        whole = header[index] if header else b""
        meaning = _address(whole) if isinstance(whole, bytes) and whole else ""
        if count > 0:
            at = walk.octets(name, at, count, meaning, row)
        else:
            walk.node.children.append(Field(name, at, 0, 0, b"", "elided", meaning, row))
    if not compressed or header is None:
        _rest(walk, at)
        return
    _chain(walk, at, (header[3], header[4]))


def _chain(walk: _Walk, at: int, addresses: tuple[bytes, bytes]) -> None:
    data = walk.data
    while True:
        octet = data[at]
        kind = nhc.KIND[octet]
        if kind == nhc.EXT:
            eid = octet >> 1 & 7
            walk.header("LOWPAN_NHC extension header", at, nhc.EID_REQUIREMENT[eid])
            walk.bits("NHC ID", at, 0, 4, "extension header", "RFC6282-4.2-02")
            walk.bits("EID", at, 4, 3, f"protocol {nhc.EXTENSIONS[eid]}", nhc.EID_REQUIREMENT[eid])
            nh = walk.bits("NH", at, 7, 1, "LOWPAN_NHC follows" if octet & 1 else "in-line", "RFC6282-4.2-12")
            at += 1
            if not nh:
                at = walk.octets("Next Header", at, 1, "", "RFC6282-4.2-11")
            fragment = eid == 2
            length = 6 if fragment else data[at]
            missing = 0 if fragment else -(2 + length) % 8
            meaning = (
                f"octets that follow; {missing} octets of padding are restored"
                if missing
                else "octets that follow"
            )
            row = "RFC6282-4.2-15" if missing else "RFC6282-4.2-13"
            at = walk.octets("Reserved" if fragment else "Length", at, 1, "" if fragment else meaning, row)
            at = walk.octets("header data", at, length, "", "RFC6282-4.2-20")
            if not nh:
                _rest(walk, at)
                return
        elif kind == nhc.INNER:
            walk.header("LOWPAN_NHC IPv6 header", at, "RFC6282-4.2-10")
            walk.bits("NHC ID and EID", at, 0, 7, "IPv6 header", "RFC6282-4.2-10")
            walk.bits("NH", at, 7, 1, "unused, zero", "RFC6282-4.2-18")
            if data[at + 1] >> 5 == 3:
                _iphc(walk, at + 1, addresses)
            else:
                _rest(walk, at + 1)
            return
        elif kind in {nhc.UDP_NHC, nhc.UDP_GHC}:
            walk.header(
                f"LOWPAN_NHC {kind}", at, "RFC6282-4.3-01" if kind == nhc.UDP_NHC else "RFC7400-3.1-01"
            )
            walk.bits("NHC ID", at, 0, 5, kind)
            walk.bits(
                "C",
                at,
                5,
                1,
                "checksum elided" if octet & 4 else "in-line",
                f"RFC6282-4.3.3-0{1 + (octet >> 2 & 1)}",
            )
            p = walk.bits("P", at, 6, 2, "", f"RFC6282-4.3.3-0{3 + (octet & 3)}")
            count = nhc.PORT_OCTETS[p]
            meaning = ""
            if at + 1 + count <= len(data):
                ports = nhc.ports(data, at + 1, p)
                meaning = f"{int.from_bytes(ports[:2], 'big')} to {int.from_bytes(ports[2:], 'big')}"
            at = walk.octets("ports", at + 1, count, meaning, f"RFC6282-4.3.3-0{3 + p}")
            if not octet & 4:
                at = walk.octets("Checksum", at, 2, "", "RFC6282-4.3.3-01")
            _rest(walk, at)
            return
        else:
            walk.header(f"LOWPAN_NHC {kind}", at)
            walk.octets("NHC", at, 1, kind)
            _rest(walk, at + 1)
            return


def _address(octets: bytes) -> str:
    return str(ipaddress.IPv6Address(octets))


def render(tree: Field) -> str:
    """The tree as text: a field a line with its octets, errors marked, and the payload with the wrong octets marked."""
    lines: list[str] = []
    wrong: set[int] = set()

    def show(node: Field, depth: int) -> None:
        where = f"{node.offset:4}" + (
            f".{node.bit_offset}+{node.bits}" if node.bits % 8 or node.bit_offset else ""
        )
        value = node.value.hex() if isinstance(node.value, bytes) else node.value
        text = f"{where:<10}{'  ' * depth}{node.name}"
        text += f" = {value}" if value != "" else ""
        text += f": {node.meaning}" if node.meaning else ""
        text += f"  [{node.requirement}]" if node.requirement else ""
        lines.append(text)
        if node.error:
            lines.append(f"{'':<10}{'  ' * depth}^^^ {node.error}")
            wrong.update(range(node.offset, node.offset + max(len(node.raw), 1)))
        for child in node.children:
            show(child, depth + 1)

    show(tree, 0)
    if wrong:
        lines.append("")
        for begin in range(0, max(len(tree.raw), max(wrong) + 1), 16):
            row = range(begin, begin + 16)
            lines.append(
                f"{begin:4}  "
                + " ".join(
                    tree.raw[begin : begin + 16].hex()[i : i + 2]
                    for i in range(0, 2 * len(tree.raw[begin : begin + 16]), 2)
                )
            )
            if wrong.intersection(row):
                lines.append(
                    ("      " + " ".join("^^" if octet in wrong else "  " for octet in row)).rstrip()
                )
    return "\n".join(lines)
