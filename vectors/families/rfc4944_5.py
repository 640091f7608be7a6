"""RFC 4944 §5, §5.1, §5.2 and §11.1: dispatch values, the order of headers, mesh and broadcast headers.

Later documents gave away some of the values that this one reserves; each family says which.
"""

from __future__ import annotations

from collections.abc import Iterator

from vectors.build import ICMPV6, addr, echo, frag1, fragn, iphc, ipv6, link_local, mesh, to_group
from vectors.model import EUI_A, EUI_B, SHORT_A, SHORT_B, Vector, family, vector

A, B = link_local(EUI_A), link_local(EUI_B)
ECHO = echo(A, B)
PACKET = ipv6(ECHO, ICMPV6, A, B)
IPHC = iphc(b"\x3a", sam=3, dam=3) + ECHO


@family(4944, "5.1")
def uncompressed_ipv6() -> Iterator[Vector]:
    """0x41 and a whole IPv6 header, with any addresses and any size up to the MTU."""
    yield vector(
        "echo", b"\x41" + PACKET, PACKET, requirements=["RFC4944-5.1-05", "RFC4944-5.1-01", "RFC4944-5-01"]
    )
    source, target = addr("2001:db8::1"), addr("2001:db8::2")
    packet = ipv6(echo(source, target), ICMPV6, source, target, hop_limit=1, tc=0xB9, flow=0xABCDE)
    yield vector(
        "global", b"\x41" + packet, packet, src=SHORT_A, dst=SHORT_B, requirements=["RFC4944-5.1-05"]
    )
    packet = ipv6(b"", 59, A, B)
    yield vector("no-payload", b"\x41" + packet, packet, requirements=["RFC4944-5.1-05"])


@family(4944, "5.1", "truncation")
def uncompressed_ipv6_bad() -> Iterator[Vector]:
    """0x41 with a header cut short, another IP version, or a payload length that the frame contradicts."""
    need = ["RFC4944-5.1-05"]
    for size in (0, 1, 39):
        yield vector(f"cut-{size}", b"\x41" + PACKET[:size], refused="malformed", requirements=need)
    for version in (0, 4, 5, 7, 15):
        packet = bytes((version << 4,)) + PACKET[1:]
        yield vector(f"version-{version}", b"\x41" + packet, refused="malformed", requirements=need)
    yield vector("longer-than-frame", b"\x41" + PACKET[:-1], refused="malformed", requirements=need)


@family(4944, "5.1", "reserved-mode")
def not_a_lowpan_frame() -> Iterator[Vector]:
    """NALP, 00xxxxxx: whatever follows is not 6LoWPAN, even if it would decode without the first octet."""
    for octet in (0x00, 0x01, 0x15, 0x2A, 0x3F):
        need = ["RFC4944-5.1-02", "RFC4944-5.1-03"]
        yield vector(f"{octet:02x}", bytes((octet,)) + IPHC, refused="unsupported", requirements=need)
        yield vector(f"{octet:02x}-alone", bytes((octet,)), refused="unsupported", requirements=need)


@family(4944, "5.1", "reserved-mode")
def reserved_dispatch() -> Iterator[Vector]:
    """Values that are reserved to this day."""
    for first, last, row in ((0x44, 0x4F, "08"), (0x51, 0x5F, "10"), (0xC8, 0xDF, "16"), (0xEC, 0xEF, "18")):
        for octet in range(first, last + 1):
            need = [f"RFC4944-5.1-{row}"]
            kinds = ("unsupported", "reserved") if octet in {0x44, 0x45} else "reserved"
            yield vector(f"{octet:02x}", bytes((octet,)) + IPHC, refused=kinds, requirements=need)


@family(4944, "5.1", "reserved-mode")
def schc() -> Iterator[Vector]:
    """Packets of SCHC (RFC 8724): rule id, residue, payload behind the dispatch values of draft-ietf-6lo-schc-15dot4.

    IANA has not assigned them, so that a decoder may call them reserved; it may not take them for a packet.
    """
    for key, payload, need in (
        ("rule-1", "44 01 a5c0ffee", "RFC4944-5.1-08"),
        ("rule-3-bits", "44 6f1d20", "RFC4944-5.1-08"),
        ("rule-alone", "44 00", "RFC4944-5.1-08"),
        ("pointer", "45 20 01 a5c0ffee", "RFC4944-5.1-08"),
        ("page-1", "f1 44 01 a5c0ffee", "RFC8025-3-04"),
        ("page-1-pointer", "f1 45 20 01 a5c0ffee", "RFC8025-3-04"),
    ):
        yield vector(key, bytes.fromhex(payload), refused=("unsupported", "reserved"), requirements=[need])


@family(4944, "5.1", "reserved-mode")
def given_away() -> Iterator[Vector]:
    """Values that later RFCs assigned to what this codec does not do: DFF, RFRAG and its acknowledgement."""
    need = {0x43: ["RFC4944-5.1-07"], 0xE8: ["RFC8931-5.1-01", "RFC8931-9-01"], 0xEA: ["RFC8931-5.2-01"]}
    for octet in (0x43, 0xE8, 0xE9, 0xEA, 0xEB):
        rows = need.get(octet, ["RFC4944-5.1-18", "RFC8931-9-01"])
        yield vector(
            f"{octet:02x}", bytes((octet,)) + IPHC, refused=("unsupported", "reserved"), requirements=rows
        )


@family(4944, "5.1")
def iphc_took_the_place_of_esc() -> Iterator[Vector]:
    """0x60 to 0x7f are LOWPAN_IPHC, 0x7f too, which RFC 4944 had as ESC; 0x60 is the longest form."""
    data = echo(A, B)
    body = iphc(nh=1, hlim=3, sam=3, dam=3)
    assert body[0] == 0x7F
    packet = ipv6(bytes((ICMPV6, 0)) + bytes.fromhex("1e04aabbccdd") + data, 60, A, B, hop_limit=255)
    payload = body + bytes.fromhex("e63a061e04aabbccdd") + data
    need = ["RFC4944-5.1-12", "RFC6282-2-08", "RFC4944-5.1-11"]
    yield vector("7f", payload, packet, requirements=need)
    payload = iphc(bytes.fromhex("2e0abcde3a07"), tf=0, hlim=0, sam=3, dam=3) + data
    assert payload[0] == 0x60
    packet = ipv6(data, ICMPV6, A, B, hop_limit=7, tc=0xB8, flow=0xABCDE)
    yield vector("60", payload, packet, requirements=["RFC4944-5.1-11", "RFC6282-5-01", "RFC6282-3-01"])


@family(4944, "5.1", "truncation")
def empty_payload() -> Iterator[Vector]:
    """No octet at all."""
    yield vector("0", b"", refused="malformed", requirements=["RFC4944-5-03"])


@family(4944, "5.2", "mesh-header")
def mesh_addresses() -> Iterator[Vector]:
    """V and F choose 16 or 64 bits for originator and final destination; elided IIDs come from there, not from
    the frame, which names the last forwarder only.
    """
    hop_a, hop_b = "00124b00aaaaaaaa", "00124b00bbbbbbbb"
    for origin in (EUI_A, SHORT_A):
        for final in (EUI_B, SHORT_B):
            source, target = link_local(origin), link_local(final)
            data = echo(source, target)
            payload = mesh(origin, final) + iphc(b"\x3a", sam=3, dam=3) + data
            need = ["RFC4944-5.2-01", "RFC4944-5.2-02", "RFC4944-5.2-06", "RFC4944-5.1-14"]
            key = f"{len(origin) * 4}-{len(final) * 4}"
            packet = ipv6(data, ICMPV6, source, target)
            yield vector(key, payload, packet, src=hop_a, dst=hop_b, requirements=need)


@family(4944, "5.2", "mesh-header")
def hops_left() -> Iterator[Vector]:
    """Hops Left 1 to 14, and 0xF with a Deep Hops Left octet of any value."""
    source, target = link_local(SHORT_A), link_local(SHORT_B)
    data = echo(source, target)
    packet = ipv6(data, ICMPV6, source, target)
    body = iphc(b"\x3a", sam=3, dam=3) + data
    for hops in (1, 2, 7, 14):
        yield vector(str(hops), mesh(SHORT_A, SHORT_B, hops) + body, packet, requirements=["RFC4944-5.1-14"])
    for deep in (0x0F, 0x20, 0xFF):
        payload = mesh(SHORT_A, SHORT_B, deep=deep) + body
        yield vector(f"deep-{deep}", payload, packet, requirements=["RFC4944-5.2-05"])


@family(4944, "5.2", "truncation", "mesh-header")
def mesh_cut() -> Iterator[Vector]:
    """A mesh header cut after every octet, or with nothing behind it."""
    for name, head in (
        ("16-16", mesh(SHORT_A, SHORT_B)),
        ("64-64", mesh(EUI_A, EUI_B)),
        ("deep", mesh(SHORT_A, SHORT_B, deep=0x20)),
    ):
        for size in range(1, len(head) + 1):
            yield vector(f"{name}-{size}", head[:size], refused="malformed", requirements=["RFC4944-5.2-06"])


@family(4944, "5", "mesh-header")
def legal_stacks() -> Iterator[Vector]:
    """The legal stacks of headers: mesh, broadcast, fragment, then the datagram, each compressed or not."""
    source, target = link_local(SHORT_A), link_local(SHORT_B)
    data = echo(source, target, bytes(range(64)))
    packet = ipv6(data, ICMPV6, source, target)
    head = iphc(b"\x3a", sam=3, dam=3)
    size = len(packet)
    for key, front in (("mesh", mesh(SHORT_A, SHORT_B)), ("none", b"")):
        rows = ["RFC4944-5-01", "RFC4944-5-02"]
        yield vector(f"{key}-iphc", front + head + data, packet, src=SHORT_A, dst=SHORT_B, requirements=rows)
        yield vector(
            f"{key}-ipv6", front + b"\x41" + packet, packet, src=SHORT_A, dst=SHORT_B, requirements=rows
        )
        last = fragn(size, 7, 10, packet[80:])
        for kind, first in (("iphc", head + data[:40]), ("ipv6", b"\x41" + packet[:80])):
            payloads = [front + frag1(size, 7, first), front + last]
            yield vector(f"{key}-frag-{kind}", payloads, packet, src=SHORT_A, dst=SHORT_B, requirements=rows)
    group = addr("ff02::1")
    data = echo(source, group)
    packet = ipv6(data, ICMPV6, source, group)
    front = mesh(SHORT_A, "ffff") + b"\x50\x2a"
    payload = front + iphc(b"\x3a\x01", sam=3, m=1, dam=3) + data
    rows = ["RFC4944-11.1-01", "RFC4944-5.1-09", "RFC4944-5-02"]
    yield vector("mesh-broadcast-iphc", payload, packet, src=SHORT_A, dst="ffff", requirements=rows)
    data = echo(source, group, bytes(range(64)))
    packet = ipv6(data, ICMPV6, source, group)
    size = len(packet)
    first = front + frag1(size, 9, iphc(b"\x3a\x01", sam=3, m=1, dam=3) + data[:40])
    second = mesh(SHORT_A, "ffff") + b"\x50\x2b" + fragn(size, 9, 10, packet[80:])
    yield vector("mesh-broadcast-frag", [first, second], packet, src=SHORT_A, dst="ffff", requirements=rows)


@family(4944, "5", "mesh-header")
def wrong_order() -> Iterator[Vector]:
    """Headers in an order that no sender may use. The RFC states no action; there is no packet to give."""
    size = len(PACKET)
    kinds = ("malformed", "reserved", "unsupported")
    for key, payload in (
        ("frag-before-mesh", frag1(size, 1, mesh(SHORT_A, SHORT_B) + IPHC)),
        ("two-frag", frag1(size, 1, frag1(size, 1, IPHC))),
        ("broadcast-behind-frag", frag1(size, 1, b"\x50\x01" + IPHC)),
        ("mesh-behind-broadcast", mesh(SHORT_A, SHORT_B) + b"\x50\x01" + mesh(SHORT_A, SHORT_B) + IPHC),
        ("two-mesh", mesh(SHORT_A, SHORT_B) + mesh(SHORT_A, SHORT_B) + IPHC),
    ):
        yield vector(key, payload, refused=kinds, requirements=["RFC4944-5-02"])


@family(4944, "11.1", "truncation")
def broadcast_cut() -> Iterator[Vector]:
    """A broadcast header without its sequence number, or with nothing behind it."""
    for key, payload in (("no-number", b"\x50"), ("nothing-behind", b"\x50\x01")):
        front = mesh(SHORT_A, "ffff") + payload
        yield vector(key, front, refused="malformed", requirements=["RFC4944-11.1-01"])


@family(4944, "9", "mesh-header")
def multicast_address_mapping() -> Iterator[Vector]:
    """In a mesh a group goes to the short address 100, DST[15]*, DST[16]; the group stands in IPHC as ever."""
    for group, final, dam, inline in (
        ("ff02::1", "8001", 3, "01"),
        ("ff02::1:ff12:3456", "9456", 1, "0201ff123456"),
        ("ff02::ffff", "9fff", 2, "0200ffff"),
    ):
        payload, packet = to_group(group, dam, inline, link_local(SHORT_A))
        need = ["RFC4944-9-02", "RFC4944-12-02"]
        yield vector(
            final, mesh(SHORT_A, final) + payload, packet, src=SHORT_A, dst="ffff", requirements=need
        )


@family(4944, "6", "iid-derivation")
def pan_id_in_the_iid() -> Iterator[Vector]:
    """Short addresses under RFC 4944 §6: PAN id, 00ff:fe00, short address, U/L bit cleared (HC1 networks)."""
    for pan, low in (
        ("abcd", "a9cd00fffe001234"),
        ("0001", "000100fffe001234"),
        ("0000", "000000fffe001234"),
    ):
        source = bytes.fromhex("fe80000000000000" + low)
        data = echo(source, B)
        payload = iphc(b"\x3a", sam=3, dam=3) + data
        rows = ["RFC4944-6-03", "RFC4944-6-05"] if pan != "0000" else ["RFC4944-6-03", "RFC4944-6-04"]
        yield vector(pan, payload, ipv6(data, ICMPV6, source, B), src=SHORT_A, requirements=rows, pan=pan)
    yield vector("extended-unchanged", IPHC, PACKET, requirements=["RFC4944-6-02"], pan="abcd")
