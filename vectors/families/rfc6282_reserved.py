"""RFC 6282 §3.1.1, the reserved address modes, and every way to cut a header short.

No RFC text says what a receiver does with a reserved form; a codec has no packet to give, so it refuses. What
a node does is a case of its own (no harm done, advice if it answers).
"""

from __future__ import annotations

from collections.abc import Iterator

from vectors.build import ICMPV6, NO_NEXT, addr, echo, iphc, ipv6, link_local, short_iid, udp
from vectors.model import EUI_A, EUI_B, Vector, family, vector

A, B = link_local(EUI_A), link_local(EUI_B)
CONTEXTS = {"0": "2001:db8::/64", "5": "2001:db8:5::/64"}


@family(6282, "3.1.1", "reserved-mode")
def reserved_destination() -> Iterator[Vector]:
    """M=0 DAC=1 DAM=00 and M=1 DAC=1 DAM=01, 10, 11 are reserved, with and without in-line octets behind."""
    data = echo(A, B)
    for m, dam, row in ((0, 0, "33"), (1, 1, "42"), (1, 2, "43"), (1, 3, "44")):
        for size in (0, 1, 6, 16):
            payload = iphc(b"\x3a" + bytes(range(size)), sam=3, m=m, dac=1, dam=dam) + data
            need = [f"RFC6282-3.1.1-{row}"]
            key = f"m{m}-dam{dam}-{size}"
            yield vector(key, payload, refused="reserved", contexts=CONTEXTS, requirements=need)
        payload = iphc(b"\x3a" + bytes(16), cid=0x05, sam=3, m=m, dac=1, dam=dam) + data
        need = [f"RFC6282-3.1.1-{row}"]
        yield vector(f"m{m}-dam{dam}-cid", payload, refused="reserved", contexts=CONTEXTS, requirements=need)


def headers() -> Iterator[tuple[str, bytes]]:
    """Headers that must be whole: key and octets, nothing behind them."""
    yield "shortest", iphc(b"\x3a", sam=3, dam=3)
    yield (
        "longest",
        iphc(bytes.fromhex("2e0abcde3a21") + addr("2001:db8::1") + addr("2001:db8::2"), tf=0, hlim=0),
    )
    yield "tf01", iphc(bytes.fromhex("4abcde3a"), tf=1, sam=3, dam=3)
    yield "context", iphc(b"\x3a" + bytes(8) + bytes(8), cid=0x05, sac=1, sam=1, dac=1, dam=1)
    yield "context-16", iphc(b"\x3a\x12\x34\x56\x78", cid=0x50, sac=1, sam=2, dac=1, dam=2)
    yield "inline-16", iphc(b"\x3a\x12\x34\x56\x78", sam=2, dam=2)
    yield "multicast-48", iphc(b"\x3a" + bytes.fromhex("0201ff000001"), sam=3, m=1, dam=1)
    yield "multicast-32", iphc(b"\x3a" + bytes.fromhex("05010003"), sam=3, m=1, dam=2)
    yield "multicast-8", iphc(b"\x3a\x01", sam=3, m=1, dam=3)
    yield "multicast-128", iphc(b"\x3a" + addr("ff02::1"), sam=3, m=1, dam=0)
    yield "multicast-prefix", iphc(b"\x3a" + bytes.fromhex("3e0000001234"), sam=3, m=1, dac=1)
    chained = iphc(nh=1, sam=3, dam=3)
    for p, size in enumerate((4, 3, 3, 1)):
        yield f"udp-p{p}", chained + bytes((0xF0 | p,)) + bytes(size + 2)
    yield "hop-by-hop", chained + bytes.fromhex("e03b06630400000100")
    yield "routing-udp", chained + bytes.fromhex("e3060000deadbeef") + b"\xf3\x12\x34\x56"
    yield "fragment", chained + bytes.fromhex("e43b00000112345678")
    yield "ip-in-ip", chained + b"\xee" + iphc(b"\x3b" + short_iid(1) + short_iid(2), sam=1, dam=1)


@family(6282, "3.1", "truncation")
def truncated_header() -> Iterator[Vector]:
    """Each kind of header cut after every octet: nothing is left to decode, and nothing may be made up."""
    for key, octets in headers():
        for size in range(1, len(octets)):
            yield vector(
                f"{key}-{size}",
                octets[:size],
                refused="malformed",
                contexts=CONTEXTS,
                requirements=["RFC6282-3-01" if size < 3 else "RFC6282-3-02"],
            )


@family(6282, "3.1")
def whole_header_without_payload() -> Iterator[Vector]:
    """The control for the truncations: the header whole and nothing behind it is a packet."""
    yield vector(
        "no-next-header",
        iphc(bytes((NO_NEXT,)), sam=3, dam=3),
        ipv6(b"", NO_NEXT, A, B),
        requirements=["RFC6282-3-01"],
    )
    yield vector(
        "echo-header-cut",
        iphc(b"\x3a", sam=3, dam=3) + echo(A, B)[:3],
        ipv6(echo(A, B)[:3], ICMPV6, A, B),
        requirements=["RFC6282-3.2-03"],
        note="IPHC has no length: a cut payload is a shorter packet, and only its upper layer is wrong",
    )
    datagram = udp(A, B, 0xF0B0, 0xF0B1, b"")
    payload = iphc(nh=1, sam=3, dam=3) + b"\xf3\x01" + datagram[6:]
    yield vector("udp-empty", payload, ipv6(datagram, 17, A, B), requirements=["RFC6282-4.3.3-08"])


@family(6282, "3.1")
def every_form_with_nothing_behind() -> Iterator[Vector]:
    """Each address and TF form as a packet without payload: the header ends where the frame ends, and a decoder
    that wants one octet more than the form has refuses a legal packet.
    """
    wide = bytes.fromhex("1122334455667788")
    link = bytes.fromhex("fe80000000000000")
    prefix = addr("2001:db8::")[:8]
    sources = {
        (0, 0): (addr("2001:db8:9::1"), addr("2001:db8:9::1")),
        (0, 1): (link + wide, wide),
        (0, 2): (link + short_iid(0x0A0B), b"\x0a\x0b"),
        (0, 3): (A, b""),
        (1, 0): (bytes(16), b""),
        (1, 1): (prefix + wide, wide),
        (1, 2): (prefix + short_iid(0x0A0B), b"\x0a\x0b"),
        (1, 3): (prefix + A[8:], b""),
    }
    for (sac, sam), (source, inline) in sources.items():
        payload = iphc(bytes((NO_NEXT,)) + inline, sac=sac, sam=sam, dam=3)
        packet = ipv6(b"", NO_NEXT, source, B)
        need = ["RFC6282-3-01", "RFC6282-3-02"]
        yield vector(f"source-{sac}{sam}", payload, packet, contexts=CONTEXTS, requirements=need)
    targets = {
        (0, 0, 0): (addr("2001:db8:9::1"), addr("2001:db8:9::1")),
        (0, 0, 1): (link + wide, wide),
        (0, 0, 2): (link + short_iid(0x0A0B), b"\x0a\x0b"),
        (0, 1, 1): (prefix + wide, wide),
        (0, 1, 2): (prefix + short_iid(0x0A0B), b"\x0a\x0b"),
        (0, 1, 3): (prefix + B[8:], b""),
        (1, 0, 0): (addr("ff05::1:3"), addr("ff05::1:3")),
        (1, 0, 1): (addr("ff05::1:3"), bytes.fromhex("050000010003")),
        (1, 0, 2): (addr("ff05::1:3"), bytes.fromhex("05010003")),
        (1, 0, 3): (addr("ff02::1"), b"\x01"),
        (1, 1, 0): (addr("ff3e:40:2001:db8::1234"), bytes.fromhex("3e0000001234")),
    }
    for (m, dac, dam), (target, inline) in targets.items():
        payload = iphc(bytes((NO_NEXT,)) + inline, sam=3, m=m, dac=dac, dam=dam)
        packet = ipv6(b"", NO_NEXT, A, target)
        need = ["RFC6282-3-01", "RFC6282-3-02"]
        yield vector(f"destination-{m}{dac}{dam}", payload, packet, contexts=CONTEXTS, requirements=need)
    for tf, traffic, tc, flow in (
        (0, "2e0abcde", 0xB8, 0xABCDE),
        (1, "4abcde", 1, 0xABCDE),
        (2, "2e", 0xB8, 0),
    ):
        for hlim, hops in ((0, 9), (2, 64)):
            fields = bytes.fromhex(traffic) + bytes((NO_NEXT,)) + (b"\x09" if hlim == 0 else b"")
            packet = ipv6(b"", NO_NEXT, A, B, hop_limit=hops, tc=tc, flow=flow)
            need = ["RFC6282-3-02", "RFC6282-3.2-01"]
            payload = iphc(fields, tf=tf, hlim=hlim, sam=3, dam=3)
            yield vector(f"tf{tf}-hlim{hlim}", payload, packet, requirements=need)
