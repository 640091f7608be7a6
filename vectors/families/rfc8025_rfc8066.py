"""RFC 8025 (paging) and RFC 8066 (ESC): what a node without them sees, and the little that a codec can use."""

from __future__ import annotations

from collections.abc import Iterator

from vectors.build import ICMPV6, echo, frag1, iphc, ipv6, link_local, mesh
from vectors.model import EUI_A, EUI_B, RECEIVE_ONLY, SHORT_A, SHORT_B, Vector, family, vector

A, B = link_local(EUI_A), link_local(EUI_B)
ECHO = echo(A, B)
PACKET = ipv6(ECHO, ICMPV6, A, B)
IPHC = iphc(b"\x3a", sam=3, dam=3) + ECHO


@family(8025, "4", "paging", RECEIVE_ONLY)
def iphc_in_page_1() -> Iterator[Vector]:
    """IPHC means the same in page 1; paging dispatches are valid in every page, the last one counts."""
    need = ["RFC8025-3-01", "RFC8025-4-01"]
    yield vector("f1", b"\xf1" + IPHC, PACKET, requirements=need)
    yield vector("f1-f1", b"\xf1\xf1" + IPHC, PACKET, requirements=[*need, "RFC8025-3-03"])
    yield vector("f5-f1", b"\xf5\xf1" + IPHC, PACKET, requirements=[*need, "RFC8025-3-03"])
    source, target = link_local(SHORT_A), link_local(SHORT_B)
    data = echo(source, target)
    payload = mesh(SHORT_A, SHORT_B) + b"\xf1" + iphc(b"\x3a", sam=3, dam=3) + data
    packet = ipv6(data, ICMPV6, source, target)
    yield vector("mesh-f1", payload, packet, src=SHORT_A, dst=SHORT_B, requirements=["RFC8025-4-02", *need])


@family(8025, "3", "paging")
def other_pages() -> Iterator[Vector]:
    """Pages 2 to 15 hold nothing that this codec knows: the packet is not handled, the page octet never skipped."""
    for page in range(2, 16):
        need = ["RFC8025-3-04"]
        yield vector(f"{page}", bytes((0xF0 | page,)) + IPHC, refused="unsupported", requirements=need)
    need = ["RFC8025-3-01", "RFC8025-3-02"]
    yield vector("nothing-behind", b"\xf1", refused="malformed", requirements=need)


@family(8025, "4", "paging")
def page_0_headers_in_page_1() -> Iterator[Vector]:
    """Fragment headers and NALP have no place behind a page 1 dispatch; 10xxxxxx is not a mesh header there."""
    kinds = ("malformed", "reserved", "unsupported")
    fragment = frag1(len(PACKET), 1, IPHC)
    yield vector("frag1", b"\xf1" + fragment, refused=kinds, requirements=["RFC8025-4-03"])
    yield vector(
        "mesh", b"\xf1" + mesh(SHORT_A, SHORT_B) + IPHC, refused=kinds, requirements=["RFC8025-4-02"]
    )
    yield vector("nalp", b"\xf1\x00" + IPHC, refused=kinds, requirements=["RFC8025-4-04"])
    yield vector(
        "nalp-page-0", b"\xf0\x00" + IPHC, refused=kinds, requirements=["RFC8025-4-04", "RFC8025-4-05"]
    )


@family(8066, "3", "paging")
def escape() -> Iterator[Vector]:
    """ESC with an extension type that nobody understands: the packet MUST be dropped, wherever the ESC stands."""
    need = ["RFC8066-3-01", "RFC8066-3.1-01", "RFC4944-5.1-19"]
    for kind in (0, 1, 31, 32, 128, 254, 255):
        rows = [*need, "RFC8066-4-01"] if kind > 31 or kind == 0 else need
        yield vector(f"{kind}", bytes((0x40, kind)) + IPHC, refused="unsupported", requirements=rows)
    need = ["RFC8066-3.1-01", "RFC8066-3.2-02", "RFC8066-3.2-01"]
    front = mesh(SHORT_A, SHORT_B)
    yield vector("mesh-esc", front + b"\x40\x80" + IPHC, refused="unsupported", requirements=need)
    rows = ["RFC8066-3-02", "RFC8066-3.1-01"]
    yield vector("two", b"\x40\x80\x40\x81" + IPHC, refused="unsupported", requirements=rows)
    payload = front + frag1(len(PACKET), 1, b"\x40\x80" + IPHC)
    yield vector("mesh-frag-esc", payload, refused="unsupported", requirements=need)
    kinds = ("unsupported", "malformed")
    yield vector("alone", b"\x40", refused=kinds, requirements=["RFC8066-3-01", "RFC4944-5.1-13"])


@family(8066, "3.4", "paging")
def nalp_behind_a_header() -> Iterator[Vector]:
    """NALP escapes only as the first octet; behind a mesh or fragment header 00xxxxxx is reserved."""
    kinds = ("reserved", "unsupported", "malformed")
    need = ["RFC8066-3.4-01"]
    yield vector("mesh", mesh(SHORT_A, SHORT_B) + b"\x00" + IPHC, refused=kinds, requirements=need)
    yield vector("frag1", frag1(len(PACKET), 1, b"\x15" + IPHC), refused=kinds, requirements=need)
