"""RFC 8066 §3, the ESC dispatch 0x40: an extension type that is not understood "MUST drop that packet" (§3.1)."""

import pytest

from fixtures.api import Case, Stimulus, nothing_of, on_link, requirement, stimulus
from sixlowpan import fragment_header_1, mesh_header


def escaped(case: Case, *types: int, data: bytes = b"") -> Stimulus:
    """A good IPHC echo behind ESC dispatches."""
    made = stimulus(case, case.tester.echo())
    prefix = b"".join(bytes([0x40, kind]) + data for kind in types)
    note = "ESC " + ", ".join(f"{kind:02x}" for kind in types)
    return Stimulus([prefix + made.payloads[0]], None, made.info, note)


KINDS = {
    "unassigned": pytest.param((0x20, 0x7F, 0x80, 0xFE), marks=requirement("RFC8066-4-01")),
    "reserved": pytest.param((0x00, 0xFF), marks=requirement("RFC8066-4-01", "RFC8066-3-01")),
    "itu-t": pytest.param((0x01, 0x0A, 0x1F), marks=requirement("RFC8066-3.3-01")),
}


@pytest.mark.parametrize("types", [pytest.param(*p.values, id=k, marks=p.marks) for k, p in KINDS.items()])
@requirement("RFC8066-3.1-01", "RFC4944-5.1-19")
def test_unknown_type(case: Case, types: tuple[int, ...]):
    """An extension type that nobody here knows, in front of a good packet: the packet is dropped (§3.1)."""
    stimuli = [escaped(case, kind, data=data) for kind in types for data in (b"", b"\x01\x02")]
    nothing_of(case, stimuli, requirement="RFC8066-3.1-01")


@requirement("RFC8066-3-02", "RFC8066-3.1-01")
def test_several(case: Case):
    """ "Multiple ESC extension octets may appear in a packet" (§3.1): one unknown type is enough to drop it."""
    nothing_of(
        case, [escaped(case, 0x21, 0x22), escaped(case, *range(0x20, 0x38))], requirement="RFC8066-3.1-01"
    )


@requirement("RFC8066-3-01", "RFC4944-5.1-19")
def test_cut_short(case: Case):
    """ESC without its extension type, and with nothing behind it: nothing comes of it."""
    payloads = [b"\x40", b"\x40\x20", b"\x40\x20\x40"]
    nothing_of(case, [Stimulus([p], None, case.tester.info(), p.hex(" ")) for p in payloads])


@requirement("RFC8066-3.2-01")
def test_before_iphc_in_what_it_sends(case: Case):
    """ESC comes before IPHC (§3.2): the DUT's answer to a plain packet has none of it behind."""
    seen = case.answered(lambda: stimulus(case, case.tester.echo()))
    if seen is not None:
        case.expect(seen.error is None, "esc_sent", "a payload that decodes", str(seen.error), frame=seen)


@on_link("ieee802154")
@requirement("RFC8066-3.2-02", "RFC8066-3.1-01", "RFC8066-3.1-02")
@pytest.mark.parametrize("stack", ["mesh", "frag", "mesh-frag"])
def test_behind_other_headers(case: Case, stack: str):
    """ESC behind a mesh header and behind a fragmentation header (§3.2, figure 2): the unknown type drops it."""
    tester = case.tester
    made = escaped(case, 0x20)
    header = mesh_header(tester.identity.link, tester.dut_link, 3) if "mesh" in stack else b""
    if "frag" in stack:
        header += fragment_header_1(56, tester.next_tag())
    made.payloads = [header + made.payloads[0]]
    nothing_of(case, [made], requirement="RFC8066-3.1-01")


@on_link("ieee802154")
@requirement("RFC8066-3.4-01")
@pytest.mark.parametrize("stack", ["mesh", "frag", "esc"])
def test_nalp_behind_other_headers(case: Case, stack: str):
    """00xxxxxx anywhere but at the beginning is "reserved for future use" (§3.4): it is no packet."""
    tester = case.tester
    header = {
        "mesh": mesh_header(tester.identity.link, tester.dut_link, 3),
        "frag": fragment_header_1(56, tester.next_tag()),
        "esc": b"\x40\x20",
    }[stack]
    made = stimulus(case, tester.echo())
    stimuli = [
        Stimulus([header + bytes([nalp]) + made.payloads[0]], None, made.info, f"{stack}, then {nalp:02x}")
        for nalp in (0x00, 0x2A, 0x3F)
    ]
    nothing_of(case, stimuli)
