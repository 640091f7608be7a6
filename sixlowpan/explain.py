"""The header tree of a payload: each field, its bits, value and meaning, and the requirement that defines it.

Strategy: the codec is asked first, so there is one truth about whether a payload is good and where it is
not. Then the payload is walked along the same tables as far as its octets go. An error is hung on the
smallest field that holds its offset, or on a field of its own where octets are missing.
"""

from __future__ import annotations

import contextlib
import ipaddress

from sixlowpan import dispatch, explain_ghc, explain_nd, iphc, ipv6, mesh, nd, nhc
from sixlowpan.contexts import NO_CONTEXTS, Contexts
from sixlowpan.errors import DecodeError
from sixlowpan.fragment import Reassembler
from sixlowpan.link import IEEE802154, LinkInfo
from sixlowpan.tree import CutShort, Field, Walk, render

__all__ = ["Field", "explain", "render"]

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


def explain(payload: bytes, link: LinkInfo, contexts: Contexts = NO_CONTEXTS) -> Field:
    """The tree of one payload, whatever it holds; a fragment is explained as far as it goes alone."""
    walk = Walk(payload, link, contexts)
    with contextlib.suppress(CutShort):  # the codec below says what is wrong, and where
        _stack(walk)
    try:
        packet = Reassembler(max_datagrams=1).receive(payload, link, contexts)
    except DecodeError as error:
        _mark(walk.root, error)
    else:
        _neighbor_discovery(walk, packet)
    return walk.root


def _neighbor_discovery(walk: Walk, packet: bytes | None) -> None:
    """The message at the end of the payload, where it stands there octet by octet."""
    protocol, _, message = ipv6.Packet.parse(packet).upper() if packet else (0, 0, b"")
    known = (
        protocol == ipv6.ICMPV6 and message[:1] and message[0] in {*range(nd.RS, nd.NA + 1), nd.DAR, nd.DAC}
    )
    last = walk.root.children[-1]
    if packet is not None and known and last.name == "data" and walk.data.endswith(message):
        walk.root.children.remove(last)
        explain_nd.message(walk, len(walk.data) - len(message), packet)


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


def _stack(walk: Walk) -> None:
    data, at = walk.data, 0
    kind = dispatch.KIND[walk.octet(at)]
    if kind == dispatch.MESH:
        at = _mesh(walk)
        kind = dispatch.KIND[walk.octet(at)]
    if kind == dispatch.BC0:
        walk.header(kind, at, "RFC4944-11.1-01")
        walk.octets("dispatch", at, 1, kind)
        at = walk.octets("sequence number", at + 1, 1)
        kind = dispatch.KIND[walk.octet(at)]
    if kind in {dispatch.FRAG1, dispatch.FRAGN}:
        first = kind == dispatch.FRAG1
        walk.header(kind, at, "RFC4944-5.3-05" if first else "RFC4944-5.3-07")
        walk.bits("dispatch", at, 0, 5, kind)
        size = (walk.octet(at) & 7) << 8 | walk.octet(at + 1)
        walk.add(Field("datagram_size", at, 5, 11, data[at : at + 2], size, "octets", "RFC4944-5.3-10"))
        at = walk.octets("datagram_tag", at + 2, 2, "", "RFC4944-5.3-12")
        if not first:
            offset = walk.octets("datagram_offset", at, 1, f"octet {8 * walk.octet(at)}", "RFC4944-5.3-16")
            walk.header("fragment data", offset)
            walk.octets("octets", offset, len(data) - offset, data=True)
            return
    _datagram(walk, at)


def _mesh(walk: Walk) -> int:
    data = walk.data
    walk.header(dispatch.MESH, 0, "RFC4944-5.1-14")
    walk.bits("dispatch", 0, 0, 2, dispatch.MESH)
    v = 2 if walk.bits("V", 0, 2, 1, "originator: 0 = 64-bit, 1 = 16-bit", "RFC4944-5.2-01") else 8
    f = 2 if walk.bits("F", 0, 3, 1, "final destination: 0 = 64-bit, 1 = 16-bit", "RFC4944-5.2-02") else 8
    at = 1
    if walk.bits("Hops Left", 0, 4, 4, "15: an octet of its own follows", "RFC4944-5.2-04") == 15:
        at = walk.octets("Deep Hops Left", at, 1, "", "RFC4944-5.2-05")
    at = walk.octets("Originator Address", at, v, "", "RFC4944-5.2-06", data=True)
    at = walk.octets("Final Destination Address", at, f, "", "RFC4944-5.2-06", data=True)
    if walk.link.kind == IEEE802154:
        header = mesh.parse(data, 0)
        walk.link = walk.link.between(header.originator, header.final)
    return at


def _datagram(walk: Walk, at: int) -> None:
    data = walk.data
    while walk.octet(at) >= 0xF0:
        walk.header(dispatch.PAGE, at, "RFC8025-3-01")
        walk.bits("dispatch", at, 0, 4, dispatch.PAGE)
        walk.bits("page", at, 4, 4)
        at += 1
    octet = walk.octet(at)
    if octet >> 5 == 3:
        _compressed(walk, at)
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
        walk.octets("octets", at, len(data) - at, data=True)


def _rest(walk: Walk, at: int) -> None:
    if at < len(walk.data):
        walk.header("data", at)
        walk.octets("octets", at, len(walk.data) - at, data=True)


_Addresses = tuple[bytes, bytes]


def _compressed(walk: Walk, at: int) -> None:
    """An IPHC header and all that follows it; packets in packets one after the other, however many there are."""
    outer: _Addresses | None = None
    while True:
        behind = _iphc(walk, at, outer)
        if behind is None:
            return
        outer = behind[1]
        inner = _chain(walk, *behind)
        if inner is None:
            return
        at = inner


def _iphc(walk: Walk, at: int, outer: _Addresses | None) -> tuple[int, _Addresses] | None:
    """The fields of one IPHC header; where its NHC octet is, with its addresses, or None if there is none."""
    data, start = walk.data, at
    walk.header(dispatch.IPHC, at, "RFC6282-3-01")
    walk.bits("dispatch", at, 0, 3, dispatch.IPHC, "RFC6282-5-01")
    octet = walk.octet(at)
    tf, hlim = octet >> 3 & 3, octet & 3
    walk.bits("TF", at, 3, 2, _TF[tf], f"RFC6282-3.1.1-{1 + tf:02}")
    compressed = walk.bits(
        "NH", at, 5, 1, "LOWPAN_NHC follows" if octet & 4 else "in-line", "RFC6282-3.1.1-06"
    )
    walk.bits("HLIM", at, 6, 2, _HLIM[hlim], f"RFC6282-3.1.1-{7 + hlim:02}")
    at += 1
    octet = walk.octet(at)
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
            context = walk.contexts.table[walk.octet(at) >> 4 - bit & 15]
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
    at = walk.octets(tf_names[tf], at, iphc.TF_OCTETS[tf], meaning, "RFC6282-3.2.1-01", data=True)
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
            at = walk.octets(name, at, count, meaning, row, data=True)
        else:
            walk.node.children.append(Field(name, at, 0, 0, b"", "elided", meaning, row))
    if not compressed or header is None:
        _rest(walk, at)
        return None
    return at, (header[3], header[4])


def _chain(walk: Walk, at: int, addresses: _Addresses) -> int | None:
    """NHC headers up to the end, or to the IPHC header of a packet within: where that is."""
    while True:
        kind = nhc.KIND[walk.octet(at)]
        if kind in {nhc.EXT, nhc.EXT_GHC}:
            at, nh = _in_nhc(walk, at) if kind == nhc.EXT else _in_ghc(walk, at, addresses)
            if not nh:
                _rest(walk, at)
                return None
        elif kind == nhc.INNER:
            walk.header("LOWPAN_NHC IPv6 header", at, "RFC6282-4.2-10")
            walk.bits("NHC ID and EID", at, 0, 7, "IPv6 header", "RFC6282-4.2-10")
            walk.bits("NH", at, 7, 1, "unused, zero", "RFC6282-4.2-18")
            if walk.octet(at + 1) >> 5 == 3:
                return at + 1
            _rest(walk, at + 1)
            return None
        elif kind in {nhc.UDP_NHC, nhc.UDP_GHC}:
            at = _udp(walk, at, kind)
            if kind == nhc.UDP_GHC:
                explain_ghc.bytecode(walk, at, addresses)
            else:
                _rest(walk, at)
            return None
        elif kind == nhc.ICMPV6_GHC:
            walk.header(f"LOWPAN_NHC {kind}", at, "RFC7400-3.1-02")
            walk.octets("NHC", at, 1, kind, "RFC7400-3.1-02")
            explain_ghc.bytecode(walk, at + 1, addresses)
            return None
        else:
            walk.header(f"LOWPAN_NHC {kind}", at)
            walk.octets("NHC", at, 1, kind)
            _rest(walk, at + 1)
            return None


def _in_nhc(walk: Walk, at: int) -> tuple[int, int]:
    """An extension header: what is behind it, and NH."""
    eid = walk.octet(at) >> 1 & 7
    walk.header("LOWPAN_NHC extension header", at, nhc.EID_REQUIREMENT[eid])
    at, nh = _extension(walk, at, eid, "extension header", "RFC6282-4.2-02")
    fragment = eid == 2
    length = 6 if fragment else walk.octet(at)
    missing = 0 if fragment else -(2 + length) % 8
    meaning = (
        f"octets that follow; {missing} octets of padding are restored" if missing else "octets that follow"
    )
    row = "RFC6282-4.2-15" if missing else "RFC6282-4.2-13"
    at = walk.octets("Reserved" if fragment else "Length", at, 1, "" if fragment else meaning, row)
    return walk.octets("header data", at, length, "", "RFC6282-4.2-20", data=True), nh


def _in_ghc(walk: Walk, at: int, addresses: _Addresses) -> tuple[int, int]:
    """An extension header in GHC: what is behind it, and NH."""
    eid = walk.octet(at) >> 1 & 3
    walk.header("LOWPAN_NHC extension header GHC", at, "RFC7400-3.2-01")
    at, nh = _extension(walk, at, eid, "extension header GHC", "RFC7400-3.2-01")
    return explain_ghc.bytecode(walk, at, addresses, stop=True), nh


def _udp(walk: Walk, at: int, kind: str) -> int:
    """A UDP header: where what it carries begins."""
    octet, data = walk.octet(at), walk.data
    walk.header(f"LOWPAN_NHC {kind}", at, "RFC6282-4.3-01" if kind == nhc.UDP_NHC else "RFC7400-3.1-01")
    walk.bits("NHC ID", at, 0, 5, kind)
    row = f"RFC6282-4.3.3-0{1 + (octet >> 2 & 1)}"
    walk.bits("C", at, 5, 1, "checksum elided" if octet & 4 else "in-line", row)
    p = walk.bits("P", at, 6, 2, "", f"RFC6282-4.3.3-0{3 + (octet & 3)}")
    count = nhc.PORT_OCTETS[p]
    meaning = ""
    if at + 1 + count <= len(data):
        ports = nhc.ports(data, at + 1, p)
        meaning = f"{int.from_bytes(ports[:2], 'big')} to {int.from_bytes(ports[2:], 'big')}"
    at = walk.octets("ports", at + 1, count, meaning, f"RFC6282-4.3.3-0{3 + p}", data=True)
    if not octet & 4:
        at = walk.octets("Checksum", at, 2, "", "RFC6282-4.3.3-01", data=True)
    return at


def _extension(walk: Walk, at: int, eid: int, kind: str, row: str) -> tuple[int, int]:
    """The NHC octet of an extension header, and its Next Header where that is in-line: what is behind, and NH."""
    meaning = "LOWPAN_NHC follows" if walk.octet(at) & 1 else "in-line"
    walk.bits("NHC ID", at, 0, 4, kind, row)
    walk.bits("EID", at, 4, 3, f"protocol {nhc.EXTENSIONS[eid]}", nhc.EID_REQUIREMENT[eid])
    nh = walk.bits("NH", at, 7, 1, meaning, "RFC6282-4.2-12")
    return (at + 1 if nh else walk.octets("Next Header", at + 1, 1, "", "RFC6282-4.2-11")), nh


def _address(octets: bytes) -> str:
    return str(ipaddress.IPv6Address(octets))
