"""RFC 4944 §4, the frame budget: what MAC header and link-layer security leave is what a datagram is cut to fit.

`python -m sixlowpan budget` does the sum. No text asks a sender to fill its frames, so that what it leaves is measured;
a frame that the PHY cannot carry is a breach.
"""

import pytest

from fixtures.api import Case, on_link, requirement, stimulus, well_answered
from sixlowpan import budget

pytestmark = on_link("ieee802154")


@requirement("RFC4944-4-03", "RFC4944-5.3-03")
@pytest.mark.parametrize("size", [90, 130, 301, 1232], ids=str)
def test_frames_that_it_sends(case: Case, size: int):
    """The frames of a reply, with their security, fit the PHY; how many octets they leave is measured."""
    declared, link = case.rig.profile.parameters, case.rig.link
    seen = well_answered(case, lambda: case.tester.echo(size))
    if seen is None or case.result.findings:
        return
    sizes = [link.size_on_air(frame) for frame in seen.frames]
    told = budget.Framing(level=declared.security_level, key_id_mode=declared.key_id_mode)
    security = {octets - len(frame) for octets, frame in zip(sizes, seen.frames, strict=True)}
    if security not in ({0}, {told.security + told.mic}):
        case.note(f"{max(security)} octets of security in a frame; by its profile {told.security + told.mic}")
    unused = [declared.longest_frame - octets for octets in sizes[:-1]]
    if not unused:
        return
    case.measure(
        "unused octets of a fragment", "B", [float(octets) for octets in unused], size=size, frames=len(sizes),
        method="longest frame of the PHY, less each frame of an Echo Reply but the last with its security",
    )  # fmt: skip
    if min(unused) >= 8:
        case.note(f"every fragment leaves {min(unused)} octets unused or more: 8 more of the datagram fit")


@requirement("RFC4944-4-03", "RFC4944-3-01")
@pytest.mark.parametrize("source", ["extended", "short"])
def test_full_frames_that_it_takes(case: Case, source: str):
    """§4: 127 octets with the FCS: a packet that fills a frame is taken, behind long addresses and short ones."""
    tester = case.tester
    if source == "short":
        case.short_sender()
        if not case.takes(lambda: stimulus(case, tester.echo())):
            case.unsupported("the DUT takes no echo from an ordinary short address: 2/address_kinds has it")
    header = len(stimulus(case, tester.echo(0)).payloads[0])
    case.understood(lambda: stimulus(case, tester.echo(tester.air.room(tester.info()) - header)))
