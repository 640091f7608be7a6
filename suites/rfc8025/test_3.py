"""RFC 8025 §3 and §4, the paging dispatch 1111xxxx: followed by a DUT that declares `paging`, harmless to any other."""

import pytest

from fixtures.api import (
    Case,
    Stimulus,
    about,
    behind,
    nothing_of,
    on_link,
    pieces,
    requirement,
    right_or_nothing,
    stimulus,
    understood_all,
)
from sixlowpan import mesh_header

PREFIXES = {
    "page-1": pytest.param("f1", marks=requirement("RFC8025-3-01", "RFC8025-4-01")),
    "page-1-twice": pytest.param("f1f1", marks=requirement("RFC8025-3-03", "RFC8025-3-01")),
    "pages-2-1": pytest.param("f2f1", marks=requirement("RFC8025-3-03", "RFC8025-3-01")),
    "page-0": pytest.param("f0", marks=requirement("RFC8025-4-05", "RFC8025-3-02")),
    "pages-1-0": pytest.param("f1f0", marks=requirement("RFC8025-4-05", "RFC8025-3-03")),
}


@pytest.mark.parametrize("pages", [pytest.param(*p.values, id=k, marks=p.marks) for k, p in PREFIXES.items()])
@requirement("RFC8025-6-01")
def test_iphc_behind_a_page_switch(case: Case, pages: str):
    """IPHC keeps its values in page 1 (§4); who knows no pages sees reserved values, and does not skip the octet."""

    def make() -> Stimulus:
        made = stimulus(case, case.tester.echo())
        made.payloads = [bytes.fromhex(pages) + made.payloads[0]]
        return made

    feature = "" if "f0" in pages else "paging"
    right_or_nothing(
        case, make, feature=feature, requirement="RFC8025-3-03" if len(pages) > 2 else "RFC8025-4-01"
    )


@requirement("RFC8025-3-02")
def test_page_0_is_not_signalled(case: Case):
    """§3: page 0 is active when a packet begins: plain IPHC is understood, also right behind a page switch."""

    def switch() -> None:
        case.tester.send([b"\xf1"])  # and nothing behind it

    case.understood(behind(switch, lambda: stimulus(case, case.tester.echo())))


@on_link("ieee802154")
@requirement("RFC8025-3-02")
def test_page_0_in_every_packet(case: Case):
    """§3: page 0 is active when a packet begins: an uncompressed one behind a packet in page 1 is in page 0."""
    tester = case.tester
    if not case.takes(lambda: stimulus(case, tester.echo(), dispatch=0x41)):
        case.unsupported("the DUT understands no uncompressed packet, which another case is about")
    for _ in range(2):
        first = stimulus(case, tester.echo())
        tester.ordinary.add(first.packet or b"")
        for pages in (b"\xf1", b"\xf1\xf1", b"\xf2"):

            def make(pages: bytes = pages, first: Stimulus = first) -> Stimulus:
                made = stimulus(case, tester.echo(), dispatch=0x41)
                return Stimulus(
                    [pages + first.payloads[0], *made.payloads], made.packet, made.info, "uncompressed"
                )

            understood_all(case, [(None, make)], alone=False)


@on_link("ieee802154")
@requirement("RFC8025-3-04", "RFC8025-6-01")
def test_uncompressed_in_page_1(case: Case):
    """0x41 has its meaning in page 0 (§3), and page 1 takes over IPHC only (§4): that it is dropped there is advice."""
    payload = stimulus(case, case.tester.echo(), dispatch=0x41).payloads[0]
    nothing_of(
        case,
        [
            Stimulus([pages + payload], None, case.tester.info(), f"0x41 behind {pages.hex()}")
            for pages in (b"\xf1", b"\xf1\xf1", b"\xf0\xf1", b"\xf2")
        ],
    )


@about("paging")
@requirement("RFC8025-3-04", "RFC8025-6-01")
def test_other_pages(case: Case):
    """IPHC in pages 2 to 15 is something else that nobody knows here: that it is dropped is advice."""
    stimuli = []
    for page in range(2, 16):
        made = stimulus(case, case.tester.echo())
        payload = bytes([0xF0 | page]) + made.payloads[0]
        stimuli.append(Stimulus([payload], None, made.info, f"page {page}"))
    nothing_of(case, stimuli)


@about("paging")
@requirement("RFC8025-4-04", "RFC8066-3.4-01")
@pytest.mark.parametrize("pages", ["f1", "f0", "f1f1"])
def test_nalp_behind_a_page_switch(case: Case, pages: str):
    """NALP has its meaning as the first octet only (§4): behind a page switch nothing comes of it."""
    payload = stimulus(case, case.tester.echo()).payloads[0]
    nothing_of(
        case,
        [
            Stimulus(
                [bytes.fromhex(pages) + bytes([nalp]) + payload],
                None,
                case.tester.info(),
                f"{pages}, {nalp:02x}",
            )
            for nalp in (0x00, 0x01, 0x3F)
        ],
    )


@about("paging")
@on_link("ieee802154")
@requirement("RFC8025-4-02")
def test_mesh_behind_page_1(case: Case):
    """A mesh header "MUST" come before page 1 (§4); behind it 10xxxxxx is a 6LoRH: that it is dropped is advice."""
    tester = case.tester
    header = mesh_header(tester.identity.link, tester.dut_link, 3)
    payload = b"\xf1" + header + stimulus(case, tester.echo()).payloads[0]
    nothing_of(case, [Stimulus([payload], None, tester.info(), "page 1, then a mesh header")])


@about("paging")
@on_link("ieee802154")
@requirement("RFC8025-4-03")
def test_fragments_behind_page_1(case: Case):
    """Fragmentation headers "MUST" come before page 1 (§4): that they are dropped behind it is advice."""
    _, parts = pieces(case, 120)
    nothing_of(
        case, [Stimulus([b"\xf1" + part for part in parts], None, case.tester.info(), "page 1, then FRAG")]
    )
