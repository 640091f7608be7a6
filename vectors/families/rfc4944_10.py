"""RFC 4944 §10: HC1 and HC2. RFC 6282 replaced them (decoding is a MAY, sending a SHOULD NOT); every vector
here is for a node that declares HC1, and no sender is asked for any of it.

Fields are not octet-aligned (flow label 20 bits, short ports 4), so `bits` collects them and pads once at the
end of the compressed headers.
"""

from __future__ import annotations

from collections.abc import Iterator

from vectors.build import ICMPV6, TCP, UDP, addr, echo, frag1, fragn, iid, ipv6, link_local, mesh, udp
from vectors.model import EUI_A, EUI_B, RECEIVE_ONLY, Vector, family, vector

A, B = link_local(EUI_A), link_local(EUI_B)
FE80 = bytes.fromhex("fe80000000000000")
PREFIX, LOW = addr("2001:db8::")[:8], bytes.fromhex("1122334455667788")


def bits(*fields: tuple[int, int]) -> bytes:
    """(value, width) one after the other, zero bits behind the last to the next octet."""
    text = "".join(f"{value:0{width}b}" for value, width in fields)
    text += "0" * (-len(text) % 8)
    return bytes(int(text[at : at + 8], 2) for at in range(0, len(text), 8))


def octets(data: bytes) -> tuple[int, int]:
    """An octet string as a field."""
    return (int.from_bytes(data, "big"), 8 * len(data)) if data else (0, 0)


def hc1(source: int, target: int, tf: int, nh: int, *more: tuple[int, int], hc2: int | None = None) -> bytes:
    """Dispatch 0x42, the HC1 octet (and HC2), then the in-line fields from the hop limit on."""
    encoding = source << 6 | target << 4 | tf << 3 | nh << 1 | (hc2 is not None)
    front = bytes((0x42, encoding, *(() if hc2 is None else (hc2,))))
    return front + bits(*(field for field in more if field[1]))


#: HC1 address code: prefix in-line, IID in-line
FORMS = {0: (True, True), 1: (True, False), 2: (False, True), 3: (False, False)}


def address(code: int, link_address: str) -> tuple[bytes, bytes]:
    """The address that a code stands for here, and its in-line octets."""
    prefix, low = FORMS[code]
    value = (PREFIX if prefix else FE80) + (LOW if low else iid(link_address))
    return value, (PREFIX if prefix else b"") + (LOW if low else b"")


@family(4944, "10.1", "legacy", RECEIVE_ONLY)
def addresses() -> Iterator[Vector]:
    """All 16 pairs of address codes: prefix and IID in-line or not, source before destination."""
    for source_code in range(4):
        for target_code in range(4):
            source, source_inline = address(source_code, EUI_A)
            target, target_inline = address(target_code, EUI_B)
            data = echo(source, target)
            head = hc1(source_code, target_code, 1, 2, (64, 8), octets(source_inline), octets(target_inline))
            packet = ipv6(data, ICMPV6, source, target)
            need = [
                "RFC4944-10.1-01",
                "RFC4944-10.3.1-01",
                "RFC4944-10.3.1-02",
                "RFC4944-5.1-06",
                "RFC4944-10.1-06",
            ]
            yield vector(f"{source_code}{target_code}", head + data, packet, requirements=need)


@family(4944, "10.1", "legacy", RECEIVE_ONLY)
def traffic_class_and_next_header() -> Iterator[Vector]:
    """Traffic class and flow label in-line (28 bits, in the order of the packet, no ECN rotation) or zero, and
    every next header code.
    """
    for tf in (0, 1):
        for nh, protocol in ((0, 200), (1, UDP), (2, ICMPV6), (3, TCP)):
            data = {UDP: udp(A, B, 5683, 5684), ICMPV6: echo(A, B)}.get(protocol, bytes(range(24)))
            fields = [(7, 8)]
            fields += [(0xB9, 8), (0xABCDE, 20)] if tf == 0 else []
            fields += [(protocol, 8)] if nh == 0 else []
            packet = ipv6(data, protocol, A, B, hop_limit=7, tc=0 if tf else 0xB9, flow=0 if tf else 0xABCDE)
            need = ["RFC4944-10.1-03", "RFC4944-10.1-04", "RFC4944-10-01", "RFC4944-10.3.1-03"]
            yield vector(f"tf{tf}-nh{nh}", hc1(3, 3, tf, nh, *fields) + data, packet, requirements=need)


@family(4944, "10.2", "legacy", RECEIVE_ONLY)
def hc_udp() -> Iterator[Vector]:
    """HC2 for UDP: each port in 16 or 4 bits, the length in-line or computed, the checksum always in-line; and
    once behind a 20-bit flow label, where everything is shifted by half an octet.
    """
    for short_source in (0, 1):
        for short_target in (0, 1):
            for no_length in (0, 1):
                for tf in (0, 1):
                    sport = 0xF0B3 if short_source else 5683
                    dport = 0xF0BC if short_target else 5684
                    data = udp(A, B, sport, dport)
                    fields = [(64, 8)] + ([(0, 8), (0xABCDE, 20)] if tf == 0 else [])
                    fields += [(sport & 15, 4) if short_source else (sport, 16)]
                    fields += [(dport & 15, 4) if short_target else (dport, 16)]
                    fields += [] if no_length else [(len(data), 16)]
                    fields += [octets(data[6:8])]
                    hc2 = short_source << 7 | short_target << 6 | no_length << 5
                    payload = hc1(3, 3, tf, 1, *fields, hc2=hc2) + data[8:]
                    packet = ipv6(data, UDP, A, B, flow=0 if tf else 0xABCDE)
                    rows = ("10.1-05", "10.2-01", "10.2-02", "10.2-03", "10.2-04", "10.3.2-01", "10-02")
                    need = [f"RFC4944-{row}" for row in rows]
                    key = f"{short_source}{short_target}{no_length}-tf{tf}"
                    yield vector(key, payload, packet, requirements=need)


@family(4944, "10.1", "legacy", RECEIVE_ONLY)
def edges() -> Iterator[Vector]:
    """HC1 with nothing behind, with next header 0 in-line, and in fragments, where lengths come from
    datagram_size.
    """
    need = ["RFC4944-10.1-04", "RFC4944-10.1-06"]
    yield vector("no-payload", hc1(3, 3, 1, 0, (64, 8), (59, 8)), ipv6(b"", 59, A, B), requirements=need)
    data = bytes((ICMPV6, 0)) + bytes.fromhex("630400000100") + echo(A, B)
    payload = hc1(3, 3, 1, 0, (64, 8), (0, 8)) + data
    yield vector("hop-by-hop", payload, ipv6(data, 0, A, B), requirements=need)
    data = udp(A, B, 0xF0B3, 0xF0BC, b"")
    payload = hc1(3, 3, 1, 1, (64, 8), (3, 4), (12, 4), octets(data[6:8]), hc2=0xE0)
    yield vector("udp-empty", payload, ipv6(data, UDP, A, B), requirements=["RFC4944-10.2-03"])
    data = udp(A, B, 0xF0B3, 0xF0BC, bytes(range(96)))
    packet = ipv6(data, UDP, A, B)
    size = len(packet)
    for key, fields, hc2 in (("computed", (), 0xE0), ("in-line", ((len(data), 16),), 0xC0)):
        head = hc1(3, 3, 1, 1, (64, 8), (3, 4), (12, 4), *fields, octets(data[6:8]), hc2=hc2)
        payloads = [frag1(size, 4, head + packet[48:96]), fragn(size, 4, 12, packet[96:])]
        yield vector(
            f"fragments-{key}", payloads, packet, requirements=["RFC4944-10.1-06", "RFC4944-10.2-03"]
        )


@family(4944, "10.1", "legacy", "mesh-header", RECEIVE_ONLY)
def under_a_mesh_header() -> Iterator[Vector]:
    """Elided IIDs come from the mesh header when there is one."""
    data = echo(A, B)
    payload = mesh(EUI_A, EUI_B) + hc1(3, 3, 1, 2, (64, 8)) + data
    packet = ipv6(data, ICMPV6, A, B)
    hop_a, hop_b = "00124b00aaaaaaaa", "00124b00bbbbbbbb"
    yield vector("64-64", payload, packet, src=hop_a, dst=hop_b, requirements=["RFC4944-10.1-02"])


@family(4944, "10.2", "legacy", "truncation")
def impossible() -> Iterator[Vector]:
    """HC1 cut after every octet, and HC2 announced for ICMP or TCP, for which no form is defined."""
    head = hc1(
        0, 0, 0, 0, (64, 8), octets(addr("2001:db8::1")), octets(addr("2001:db8::2")), (0, 28), (59, 8)
    )
    for size in range(1, len(head)):
        yield vector(f"cut-{size}", head[:size], refused="malformed", requirements=["RFC4944-10.3.1-02"])
    for nh in (0, 2, 3):
        fields = [(64, 8)] + ([(ICMPV6, 8)] if nh == 0 else [])
        payload = hc1(3, 3, 1, nh, *fields, hc2=0xE0) + echo(A, B)
        kinds = ("malformed", "reserved", "unsupported")
        yield vector(f"hc2-nh{nh}", payload, refused=kinds, requirements=["RFC4944-10.2-05"])
