"""RFC 7668 §3, IPv6 over Bluetooth LE: "Fragmentation features from 6LoWPAN standards are not used"."""

import pytest

from fixtures.api import Case, on_link, raw, requirement
from sixlowpan import dispatch
from suites.rfc7668.channel import echoed, kind

pytestmark = on_link("ble")


@requirement("RFC7668-3-01", "RFC7668-2.4-01")
@pytest.mark.parametrize("size", [8, 200, 1000, 1232], ids=str)
def test_no_fragments_sent(case: Case, size: int):
    """The answer to an echo of any size is one SDU, and that is no fragment, mesh or broadcast header."""
    seen = echoed(case, size)
    if seen is not None:
        found = kind(seen)
        other = {dispatch.FRAG1, dispatch.FRAGN, dispatch.MESH, dispatch.BC0}
        case.expect(
            len(seen.payloads) == 1 and found not in other,
            "fragments_sent",
            "one SDU with a whole packet",
            f"{len(seen.payloads)} SDUs, the first with dispatch {found}",
            frame=seen,
        )


@requirement("RFC7668-3-01")
@pytest.mark.parametrize(
    "head",
    [
        pytest.param("c038 0001", id="FRAG1"),
        pytest.param("e038 0001 01", id="FRAGN"),
        pytest.param("bf 1234 5678", id="mesh"),
        pytest.param("50 01", id="BC0"),
    ],
)
def test_headers_of_802154_do_no_harm(case: Case, head: str):
    """What is not used here may be dropped or not (the RFC does not say); the DUT lives on."""
    case.survives(
        lambda: raw(
            case, [bytes.fromhex(head) + bytes.fromhex("7a333a") + case.tester.echo()[40:]], note=head
        )
    )
