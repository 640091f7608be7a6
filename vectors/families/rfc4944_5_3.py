"""RFC 4944 §5.3: fragments that belong together, in every order, and fragments that contradict each other.

Sizes and offsets count the datagram before compression. `cut` splits a packet by hand into FRAG1 (compressed
or not) and FRAGNs; the families then shuffle, repeat, bend and drop them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

from vectors.build import ICMPV6, NO_NEXT, UDP, echo, frag1, fragn, iphc, ipv6, link_local, udp
from vectors.model import EUI_A, EUI_B, RECEIVE_ONLY, Payload, Vector, family, vector

A, B = link_local(EUI_A), link_local(EUI_B)
HEAD = iphc(b"\x3a", sam=3, dam=3)


def datagram(size: int, seed: int = 0) -> bytes:
    """An echo request whose packet has `size` octets (48 or more), distinct for each seed."""
    data = bytes((number * 7 + seed * 31) % 256 for number in range(size - 48))
    return ipv6(echo(A, B, data, identifier=0x4B48 + seed), ICMPV6, A, B)


def cut(packet: bytes, tag: int, *, first: int = 88, step: int = 96, compressed: bool = True) -> list[bytes]:
    """FRAG1 with `first` octets of the packet, then FRAGNs of `step`; both multiples of 8."""
    size = len(packet)
    head = HEAD + packet[40:first] if compressed else b"\x41" + packet[:first]
    rest = [fragn(size, tag, at // 8, packet[at : at + step]) for at in range(first, size, step)]
    return [frag1(size, tag, head), *rest]


@family(4944, "5.3", "fragment-order")
def every_order() -> Iterator[Vector]:
    """Four fragments in all 24 orders: each is placed by its offset, and the last to come completes."""
    packet = datagram(352)
    fragments = cut(packet, 0x0102)
    for order in permutations(range(4)):
        rows = ("5.1-15", "5.1-17", "5.3-05", "5.3-07", "5.3-16", "5.3-17", "5.3-19")
        need = [f"RFC4944-{row}" for row in rows]
        flags = [RECEIVE_ONLY] if order != (0, 1, 2, 3) else []
        note = "sent in order, delivered in another" if flags else ""
        key = "".join(str(number) for number in order)
        yield vector(key, [fragments[n] for n in order], packet, flags=flags, note=note, requirements=need)


@family(4944, "5.3", "payload-length")
def sizes() -> Iterator[Vector]:
    """Sizes around every edge: multiples of 8 and next to them, the MTU of 1280, and what 11 bits can say."""
    for size in (97, 103, 104, 105, 127, 128, 255, 256, 257, 1023, 1024, 1279, 1280):
        packet = datagram(size)
        need = ["RFC4944-5.3-08", "RFC4944-5.3-10", "RFC4944-5.3-03", "RFC4944-5.3-04", "RFC4944-5.3-06"]
        yield vector(str(size), cut(packet, size), packet, requirements=need)
        yield vector(f"{size}-uncompressed", cut(packet, size, compressed=False), packet, requirements=need)
    for size in (1281, 2047):
        packet = datagram(size)
        note = "above the MTU: nobody sends it, no RFC says what a node does with it"
        flags = [RECEIVE_ONLY]
        need = ["RFC4944-5.3-11"]
        yield vector(str(size), cut(packet, size), packet, flags=flags, note=note, requirements=need)


@family(4944, "5.3", "payload-length")
def compressed_first_fragment() -> Iterator[Vector]:
    """The headers in FRAG1 are compressed, the size is that before compression, FRAGN octets are plain; UDP
    takes its length from datagram_size.
    """
    data = bytes(number % 249 for number in range(192))
    body = udp(A, B, 0xF0B1, 0xF0B2, data)
    packet = ipv6(body, UDP, A, B)
    size = len(packet)
    head = iphc(nh=1, sam=3, dam=3) + b"\xf3\x12" + body[6:8]
    need = ["RFC6282-2-06", "RFC4944-5.3-08", "RFC6282-4.3.3-08", "RFC6282-3.2-03"]
    for first in (48, 56, 96):
        payloads = [frag1(size, 5, head + packet[48:first])]
        payloads += [fragn(size, 5, at // 8, packet[at : at + 96]) for at in range(first, size, 96)]
        yield vector(f"udp-{first}", payloads, packet, requirements=need)
    payloads = [frag1(size, 6, HEAD[:2] + b"\x11" + packet[40:96]), fragn(size, 6, 12, packet[96:])]
    yield vector("udp-plain", payloads, packet, requirements=["RFC6282-2-07", "RFC4944-5.3-08"])
    elided = iphc(nh=1, sam=3, dam=3) + b"\xf7\x12"
    payloads = [frag1(size, 7, elided + packet[48:96]), fragn(size, 7, 12, packet[96:])]
    need = ["RFC6282-4.3.2-09", "RFC6282-4.3.3-02"]
    flags = [RECEIVE_ONLY]
    yield vector("udp-checksum-elided", payloads, packet, flags=flags, requirements=need, integrity=True)
    refused = "unsupported"
    need = ["RFC6282-4.3.2-12"]
    yield vector("udp-checksum-elided-bare", payloads[:1], refused=refused, requirements=need)
    hops = ipv6(bytes((UDP, 0)) + bytes.fromhex("630400000100") + body, 0, A, B)
    payloads = [frag1(len(hops), 9, HEAD[:2] + b"\0" + hops[40:96]), fragn(len(hops), 9, 12, hops[96:])]
    yield vector("hop-by-hop-plain", payloads, hops, requirements=["RFC6282-2-07", "RFC6282-3.1.1-05"])
    options = bytes((UDP, 0)) + bytes.fromhex("1e04aabbccdd")
    packet = ipv6(options + body, 60, A, B)
    size = len(packet)
    payloads = [frag1(size, 8, iphc(nh=1, sam=3, dam=3) + bytes.fromhex("e611061e04aabbccdd") + body[:48])]
    payloads += [fragn(size, 8, 12, packet[96:])]
    yield vector("second-header-plain", payloads, packet, requirements=["RFC6282-2-07", "RFC6282-4.2-11"])


@family(4944, "5.3", "single-fragment", RECEIVE_ONLY)
def one_fragment_only() -> Iterator[Vector]:
    """A datagram that is one FRAG1: a sender should not do that, a receiver has all of it."""
    for size in (48, 80, 95):
        packet = datagram(size)
        need = ["RFC4944-5.3-01", "RFC4944-5.3-05"]
        yield vector(str(size), frag1(size, 3, HEAD + packet[40:]), packet, requirements=need)
    packet = ipv6(b"", NO_NEXT, A, B)
    payload = frag1(40, 3, iphc(bytes((NO_NEXT,)), sam=3, dam=3))
    yield vector("40-header-only", payload, packet, requirements=["RFC4944-5.3-10"])


@family(4944, "5.3", "fragment-duplicate", RECEIVE_ONLY)
def duplicates() -> Iterator[Vector]:
    """An exact duplicate of any fragment at any later place spoils nothing and counts once."""
    packet = datagram(280)
    fragments = cut(packet, 0x0303)
    for again in range(2):
        for place in range(again + 1, 3):
            order = list(range(3))
            order.insert(place, again)
            need = ["RFC4944-5.3-24"]
            key = "".join(str(number) for number in order)
            yield vector(key, [fragments[n] for n in order], packet, requirements=need)
    yield vector(
        "1101022", [fragments[n] for n in (1, 1, 0, 1, 0, 2)], packet, requirements=["RFC4944-5.3-24"]
    )


@family(4944, "5.3", "fragment-key")
def tags() -> Iterator[Vector]:
    """Tags at their ends, and two datagrams of one sender at once, told apart by tag or by size."""
    need = ["RFC4944-5.3-18", "RFC4944-5.3-12"]
    for tag in (0x0000, 0x0001, 0x7FFF, 0xFFFF):
        packet = datagram(200)
        yield vector(
            f"{tag:04x}", cut(packet, tag), packet, requirements=["RFC4944-5.3-05", "RFC4944-5.3-07"]
        )
    one, two = datagram(184, 1), datagram(184, 2)
    mixed = [p for pair in zip(cut(one, 1), cut(two, 2), strict=True) for p in pair]
    yield vector("by-tag", mixed, [one, two], requirements=need)
    for first_tag, second_tag in ((0x0100, 0x0001), (0x0100, 0x0000), (0x0101, 0x0001), (0x1234, 0x1235)):
        mixed = [p for pair in zip(cut(one, first_tag), cut(two, second_tag), strict=True) for p in pair]
        key = f"by-tag-{first_tag:04x}-{second_tag:04x}"
        yield vector(key, mixed, [one, two], flags=[RECEIVE_ONLY], requirements=need)
    two = datagram(176, 2)
    mixed = [p for pair in zip(cut(one, 1), cut(two, 1), strict=True) for p in pair]
    flags = [RECEIVE_ONLY]
    rows = ["RFC4944-5.3-18", "RFC4944-5.3-09"]
    yield vector("by-size", mixed, [one, two], flags=flags, requirements=rows)
    one, two = datagram(280, 1), datagram(280, 2)
    wrap = [p for pair in zip(cut(one, 0xFFFF), cut(two, 0), strict=True) for p in pair]
    yield vector("wrap", wrap, [one, two], requirements=need)


@family(4944, "5.3", "fragment-key")
def senders() -> Iterator[Vector]:
    """Two senders, or two destinations, with one size and tag: never one datagram."""
    need = ["RFC4944-5.3-18"]
    third = "00124b00090a0b0c"
    one, two = datagram(184, 1), datagram(184, 2)
    plain_one, plain_two = cut(one, 1, compressed=False), cut(two, 1, compressed=False)
    first, second = [Payload(p.hex()) for p in plain_one], [Payload(p.hex(), src=third) for p in plain_two]
    yield vector("by-source", [first[0], second[0], first[1], second[1]], [one, two], requirements=need)
    yield vector("by-source-crossed", [first[0], second[1]], [], pending=2, requirements=need)
    other = [Payload(p.hex(), dst=third) for p in plain_two]
    yield vector("by-destination", [first[0], other[0], first[1], other[1]], [one, two], requirements=need)


@family(4944, "5.3", "fragment-overlap", RECEIVE_ONLY)
def overlaps() -> Iterator[Vector]:
    """A fragment that overlaps another and differs in size or offset: what was there SHALL be discarded, and
    the mixed datagram is never delivered. Reassembly may begin anew with the newest, so both ways are given.
    """
    packet = datagram(280)
    size = len(packet)
    first, second, third = cut(packet, 9)
    other = bytes(octet ^ 0xFF for octet in packet)
    need = ["RFC4944-5.3-21", "RFC4944-5.3-23"]
    for key, bad in (
        ("8-octets-at-the-head", fragn(size, 9, 10, other[80:104])),
        ("8-octets-at-the-tail", fragn(size, 9, 22, other[176:200])),
        ("inside", fragn(size, 9, 12, other[96:104])),
        ("around", fragn(size, 9, 10, other[80:192])),
        ("shorter", fragn(size, 9, 11, other[88:176])),
    ):
        yield vector(key, [first, second, bad, third], pending=1, requirements=need)
    longer = frag1(size, 9, HEAD + other[40:96])
    yield vector("frag1-longer", [first, second, longer, third], pending=1, requirements=need)
    again = fragn(size, 9, 11, packet[88:176])
    rest = [fragn(size, 9, 22, packet[176:184]), first, third]
    row = ["RFC4944-5.3-22", "RFC4944-5.3-21"]
    yield vector("fresh-from-the-newest", [first, second, again, *rest], packet, requirements=row)


@family(4944, "5.3", "fragment-bounds")
def holes() -> Iterator[Vector]:
    """A fragment is missing: nothing is delivered, least of all something with a gap filled in."""
    fragments = cut(datagram(448), 0x0404)
    for missing in range(len(fragments)):
        rest = [fragment for place, fragment in enumerate(fragments) if place != missing]
        yield vector(f"without-{missing}", rest, pending=1, requirements=["RFC4944-5.3-18"])
    packet = datagram(448)
    late = [Payload(p.hex(), t=t) for p, t in zip(fragments, (0.0, 1.0, 2.0, 3.0, 4.0), strict=False)]
    yield vector("late-but-in-time", late, packet, requirements=["RFC4944-5.3-29"])


@family(4944, "5.3", "fragment-bounds")
def timeout() -> Iterator[Vector]:
    """The timer runs from the first fragment and ends at 60 seconds at the latest: a later fragment completes
    nothing, and the whole datagram with the same tag works afterwards.
    """
    packet = datagram(184)
    first, second = cut(packet, 0x0505)
    late = Payload(second.hex(), t=60.5)
    yield vector(
        "60.5", [Payload(first.hex()), late], pending=1, requirements=["RFC4944-5.3-29", "RFC4944-5.3-28"]
    )
    again = [Payload(first.hex(), t=130.0), Payload(second.hex(), t=130.1)]
    need = ["RFC4944-5.3-28", "RFC4944-5.3-27"]
    yield vector("afterwards", [Payload(first.hex()), *again], packet, requirements=need)


@family(4944, "5.3", "fragment-bounds", "truncation")
def impossible() -> Iterator[Vector]:
    """Sizes, offsets and lengths that contradict each other, and headers cut short: refused, nothing written
    beyond the buffer, nothing kept.
    """
    packet = datagram(184)
    size = len(packet)
    first, second = cut(packet, 1)
    bad = "malformed"
    for cutoff in range(1, 5):
        yield vector(f"frag1-cut-{cutoff}", first[:cutoff], refused=bad, requirements=["RFC4944-5.3-05"])
    for cutoff in range(1, 6):
        yield vector(f"fragn-cut-{cutoff}", second[:cutoff], refused=bad, requirements=["RFC4944-5.3-07"])
    for wrong in (0, 1, 39):
        need = ["RFC4944-5.3-10"]
        yield vector(f"frag1-size-{wrong}", frag1(wrong, 1, first[4:]), refused=bad, requirements=need)
        yield vector(f"fragn-size-{wrong}", fragn(wrong, 1, 1, second[5:]), refused=bad, requirements=need)
    need = ["RFC4944-5.3-11", "RFC4944-5.3-16"]
    yield vector("frag1-longer-than-size", frag1(80, 1, first[4:]), refused=bad, requirements=need)
    yield vector("fragn-beyond-size", fragn(size, 1, 12, second[5:]), refused=bad, requirements=need)
    yield vector("fragn-far-beyond", fragn(size, 1, 255, second[5:]), refused=bad, requirements=need)
    yield vector(
        "fragn-offset-0", fragn(size, 1, 0, packet[:96]), refused=bad, requirements=["RFC4944-5.3-04"]
    )
    odd = fragn(size, 1, 11, packet[88:97])
    yield vector("fragn-not-a-multiple-of-8", odd, refused=bad, requirements=["RFC4944-5.3-03"])
    yield vector(
        "frag1-not-a-multiple-of-8",
        frag1(size, 1, HEAD + packet[40:85]),
        refused=bad,
        requirements=["RFC4944-5.3-03"],
    )
    need = ["RFC4944-5.3-11"]
    longer = frag1(88, 1, b"\x41" + packet[:4] + b"\0\x30" + packet[6:96])
    yield vector("uncompressed-longer-than-size", longer, refused=bad, requirements=need)
    wrong_length = packet[:4] + b"\0\x10" + packet[6:]
    contradiction = frag1(size, 1, b"\x41" + wrong_length[:88])
    yield vector("payload-length-differs", contradiction, refused=bad, requirements=["RFC4944-5.3-10"])
    for key, inner, kinds in (
        ("nalp", b"\x00", ("reserved", "unsupported", "malformed")),
        ("reserved", b"\x46", ("reserved",)),
        ("esc", b"\x40\x80", ("unsupported",)),
    ):
        payload = frag1(size, 1, inner + first[4:])
        yield vector(f"inner-{key}", payload, refused=kinds, requirements=["RFC4944-5-03"])
    for cutoff in range(len(HEAD)):
        payload = frag1(size, 1, HEAD[:cutoff])
        yield vector(f"frag1-header-split-{cutoff}", payload, refused=bad, requirements=["RFC6282-2-07"])


@family(4944, "5.3", "fragment-bounds", RECEIVE_ONLY)
def bad_one_among_good() -> Iterator[Vector]:
    """A bad fragment between good ones is dropped, and the datagram completes without it."""
    packet = datagram(280)
    size = len(packet)
    first, second, third = cut(packet, 2)
    for key, bad in (
        ("beyond-size", fragn(size, 2, 30, bytes(96))),
        ("cut-header", third[:3]),
        ("no-octets", third[:5]),
    ):
        need = ["RFC4944-5.3-16", "RFC4944-5.3-18"]
        yield vector(key, [first, second, bad, third], packet, refused="malformed", requirements=need)
    alone = ipv6(echo(A, B, b"between"), ICMPV6, A, B)
    payload = HEAD + alone[40:]
    need = ["RFC4944-5.3-18"]
    yield vector("unfragmented-between", [first, payload, second, third], [alone, packet], requirements=need)
