"""Octets on the air for an octet of payload, against the smallest legal encoding of the same packets."""

import pytest

from fixtures.api import Case, requirement, stimulus
from sixlowpan import LinkInfo, encode, fragment
from suites.performance.stream import expect

SIZES = [8, 64, 200, 1000]
_FCS = 2
_SMALLEST = "smallest: as the oracle would send it"
METHOD = {
    "ieee802154": f"frames of an Echo Reply with MAC header and FCS; {_SMALLEST}",
    "ble": f"the SDU of an Echo Reply, without L2CAP and link layer; {_SMALLEST}",
}


def on_the_air(case: Case, payloads: list[bytes], info: LinkInfo) -> int:
    """Octets of the frames that carry these payloads: MAC header and FCS included on IEEE 802.15.4."""
    around = 0 if case.tester.kind == "ble" else case.rig.link.mtu - case.tester.air.room(info) + _FCS
    return sum(len(payload) + around for payload in payloads)


@requirement("RFC6282-2-04", "RFC7668-3.2-03")
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_answer(case: Case, size: int):
    """An Echo Reply of the DUT: its octets on the air for each octet of data, and what the smallest form would take."""
    tester = case.tester
    request = tester.echo(size)
    tester.send_packet(request)
    seen = tester.reply_to(request, tester.now() + case.timeout)
    if seen is None and case.rig.file.attempts > 1:  # lost by the medium: by the ordinary rules of silence
        seen = case.answered(lambda: stimulus(case, tester.echo(size)))
    else:
        expect(case, seen is not None, "no_answer", "an echo is answered", "it is not")
    if seen is None:
        return
    smallest = encode(seen.packet, seen.info, tester.contexts)
    room = tester.air.room(seen.info)
    least = (
        [smallest]
        if len(smallest) <= room
        else fragment(seen.packet, seen.info, tester.contexts, mtu=room, tag=0)
    )
    took, could = (on_the_air(case, payloads, seen.info) for payloads in (seen.payloads, least))
    case.measure(
        "octets on the air", "B", [took], size=size, frames=len(seen.payloads), smallest=could,
        method=METHOD[tester.kind],
    )  # fmt: skip
    case.measure(
        "octets on the air per octet", "ratio", [took / size], size=size,
        smallest=round(could / size, 3), method=METHOD[tester.kind],
    )  # fmt: skip
