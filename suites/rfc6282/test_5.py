"""RFC 6282 §5, IANA considerations: dispatch values of IPHC, and NHC values that nobody owns."""

import pytest

from fixtures.api import Case, Stimulus, needs, next_headers, nothing_of, requirement, shown, stimulus
from suites.rfc6282.test_4_3 import datagram


@needs("ip_tap|port_unreachable")
@requirement("RFC6282-5-01", "RFC6282-3-01")
@pytest.mark.parametrize("dispatch", range(0x60, 0x80), ids=lambda n: f"{n:02x}")
def test_dispatch(case: Case, dispatch: int):
    """Each first octet 0x60 to 0x7f is IPHC, with the fields that its bits say."""
    hlim = dispatch & 3
    traffic_class, flow_label = [(0xAA, 0xABCDE), (0x00, 0xABCDE), (0xAA, 0), (0, 0)][dispatch >> 3 & 3]
    header = {"hop_limit": (33, 1, 64, 255)[hlim], "traffic_class": traffic_class, "flow_label": flow_label}

    def make() -> Stimulus:
        if dispatch & 4:  # NH=1: UDP has an NHC, ICMPv6 has none
            packet = datagram(case, 0x1234, 0x5678, **header)
        else:
            packet = shown(case, **header)
        return stimulus(case, packet, TF=dispatch >> 3 & 3, NH=dispatch >> 2 & 1, HLIM=hlim)

    case.understood(make)


#: Those that are next headers as well: hop-by-hop, UDP, IPv6, routing, fragment, ICMPv6, destination options.
LIKE_NEXT_HEADERS = (0x00, 0x11, 0x29, 0x2B, 0x2C, 0x3A, 0x3C)


@pytest.mark.parametrize(
    "octet",
    [
        pytest.param(o, id=f"{o:02x}", marks=requirement("RFC6282-5-02"))
        for o in (*LIKE_NEXT_HEADERS, 0x7F, 0x80, 0xDF)
    ]
    + [pytest.param(o, id=f"{o:02x}", marks=requirement("RFC6282-5-03")) for o in (0xF8, 0xFE)],
)
def test_unassigned_nhc(case: Case, octet: int):
    """An NHC value that nobody owns: no packet can come of it (0xdf is ICMPv6 GHC of RFC 7400).

    Behind it comes what each wrong reading needs: an echo (0x80 is its type), UDP, an extension header, or what an
    octet that is a next header announces.
    """
    nothing_of(case, list(next_headers(case, octet)))
    if not case.dut.has_tap and not case.can("port_unreachable"):
        case.unseen("nothing shows whether it is taken for UDP: ip_tap or port_unreachable would")
