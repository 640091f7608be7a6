"""RFC 4944 §9 and §12: multicast short addresses, and which 16-bit addresses are what."""

from fixtures.api import Case, Seen, on_link, requirement, stimulus
from sixlowpan import mac

pytestmark = on_link("ieee802154")


def sent(case: Case) -> list[Seen]:
    """What the DUT sends when a stranger asks: the reply, and whatever it multicasts to find the way."""
    case.tester.fresh()
    case.answered(lambda: stimulus(case, case.tester.echo()))
    return list(case.tester.heard)


@requirement("RFC4944-9-02", "RFC4944-12-02", "RFC4944-3-06")
def test_multicast_destination(case: Case):
    """A multicast packet goes to 0xffff; in a mesh it may go to 100 and the low 13 bits of the group (§9)."""
    multicast = [seen for seen in sent(case) if seen.view is not None and seen.view.dst[0] == 0xFF]
    for seen in multicast:
        group = seen.view.dst if seen.view else b""
        mapped = bytes([0x80 | group[14] & 0x1F, group[15]])
        header, _ = mac.parse(seen.frames[0])
        case.expect(
            header.dst in {b"\xff\xff", mapped},
            "multicast_destination",
            f"ffff, or {mapped.hex()} in a mesh",
            header.dst.hex(),
            frame=seen,
        )
    if not multicast:
        case.unsupported("the DUT sent no multicast packet: it had no need to look for a neighbour")


@requirement("RFC4944-12-01", "RFC4944-12-03", "RFC4944-12-02")
def test_own_short_address(case: Case):
    """§12: a unicast short address begins with 0; 100 is multicast, 101, 110 and 111 are reserved."""
    for seen in sent(case):
        for frame in seen.frames:
            header, _ = mac.parse(frame)
            if len(header.src) == 2:
                case.expect(
                    header.src[0] < 0x80,
                    "short_source",
                    "a source that begins with bit 0",
                    header.src.hex(),
                    frame=frame,
                )
