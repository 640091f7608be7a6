"""RFC 6282 §2, specific updates to RFC 4944: what a compliant node must take, and how fragments carry it."""

from collections.abc import Callable

import pytest

from fixtures.api import (
    Case,
    Stimulus,
    about,
    forms,
    link_info,
    needs,
    on_link,
    raw,
    requirement,
    stimulus,
    well_answered,
)
from suites.rfc6282.test_4_3 import datagram


@requirement("RFC6282-2-04", "RFC6282-3-01", "RFC6282-5-01", "RFC6282-3.2-03", "RFC6282-3.2-02")
def test_every_form_of_an_echo(case: Case):
    """Every legal form of one Echo Request is understood: "a compliant implementation MUST be able to process"."""
    _every_form(case, lambda: case.tester.echo(8))


@needs("ip_tap|port_unreachable|udp")
@requirement("RFC6282-2-04", "RFC6282-4-01", "RFC6282-4-02")
def test_every_form_of_a_datagram(case: Case):
    """Every legal form of one UDP datagram is understood, with and without NHC."""
    _every_form(case, lambda: datagram(case, 0xF0B1, 0xF0B2))


def _every_form(case: Case, packet: Callable[[], bytes]) -> None:
    """One finding, with its IPHC header as its code, for each form that is not understood: no pytest item for each."""
    sample = packet()
    heads = sorted(
        {f[:2] for f in forms(sample, link_info(case, sample), case.tester.contexts) if f[0] >> 5 == 3}
    )
    for word in heads:

        def make(word: bytes = word) -> Stimulus:
            fresh = packet()
            info = link_info(case, fresh)
            payload = min((f for f in forms(fresh, info, case.tester.contexts) if f[:2] == word), key=len)
            return Stimulus([payload], fresh, info, f"IPHC header {word.hex()}")

        case.understood(make, code=f"form-{word.hex()}")


@on_link("ieee802154")
@needs("ip_tap|port_unreachable|udp")
@requirement("RFC6282-2-08", "RFC4944-5.1-12", "RFC4944-5.1-11")
def test_7f_is_iphc(case: Case):
    """0x7f was ESC in RFC 4944 and is an IPHC octet now (TF=11, NH=1, HLIM=11): it must decode."""
    case.understood(lambda: stimulus(case, datagram(case, 0x1234, 0x5678, hop_limit=255), TF=3, NH=1, HLIM=3))


@on_link("ieee802154")
@requirement("RFC6282-2-06", "RFC6282-2-07", "RFC6282-3.2-03")
@pytest.mark.parametrize("size", [120, 400, 1232], ids=str)
def test_fragments_of_the_answer(case: Case, size: int):
    """The DUT's own fragments: the compressed headers are whole in FRAG1, the rest is the plain packet."""
    well_answered(case, lambda: case.tester.echo(size))


@on_link("ieee802154")
@requirement("RFC6282-2-03")
def test_sends_no_hc1(case: Case):
    """HC1 and HC2 "SHOULD NOT" be sent any more: the answer to a compressed echo is not HC1."""
    seen = case.answered(lambda: stimulus(case, case.tester.echo()))
    if seen is not None:
        case.expect(
            seen.payloads[0][0] != 0x42,
            "hc1_sent",
            "not LOWPAN_HC1 (0x42)",
            "LOWPAN_HC1",
            frame=seen,
        )


@about("hc1")
@on_link("ieee802154")
@requirement("RFC6282-2-02", "RFC6282-2-01")
def test_hc1_does_no_harm(case: Case):
    """A node may decode HC1 or not; either way it lives on (dispatch 0x42, HC1 octet 0xfb: all elided, ICMPv6)."""
    case.survives(
        lambda: raw(case, [bytes.fromhex("42fb40") + case.tester.echo()[40:]], note="HC1, all elided, ICMPv6")
    )
