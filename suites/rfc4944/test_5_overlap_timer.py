"""RFC 4944 §5.3, an overlap late in the life of a datagram: what begins anew has a timer, and it is no longer than any.

"A fresh reassembly may be commenced with the most recently received link fragment", and "the reassembly timeout MUST be
set to a maximum of 60 seconds". Where that takes two minutes of a real clock it is not tried.
"""

import pytest

from fixtures.api import (
    Case,
    Stimulus,
    link_info,
    loses_nothing,
    nothing_of,
    on_link,
    pause,
    piece,
    pieces,
    requirement,
)

pytestmark = on_link("ieee802154")

#: Seconds of a real clock that are waited for at most.
PATIENCE = 6.0


@pytest.mark.slow
@requirement("RFC4944-5.3-28", "RFC4944-5.3-29", "RFC4944-5.3-21", "RFC4944-5.3-27")
@pytest.mark.parametrize("behind", [1.1, 1.9], ids=["at-once", "almost-twice"])
def test_timer_behind_an_overlap(case: Case, behind: float):
    """An overlap late in the timeout, the rest of the datagram after the timeout: nothing comes of the rest."""
    parameters = case.rig.profile.parameters
    timeout = parameters.reassembly_timeout or 60.0
    if not parameters.reassembly_timer:
        case.unsupported("the rig does not run the DUT's reassembly timer (its profile says so)")
    if case.rig.link.clock != "virtual" and timeout > PATIENCE:
        case.unsupported(f"it takes {2 * timeout:g} s on this link's clock")
    loses_nothing(case)
    case.room_for(200)
    tester = case.tester
    packet, parts = pieces(case, 200)
    info = link_info(case, packet)
    tester.send(parts[1:2], info)
    pause(case, timeout * 5 / 6)
    begin = parts[1][4] * 8
    other = piece(parts[1], parts[1][4], packet[begin : begin + 8])
    tester.send([other], info)  # differs in its size: what was there is discarded, and this may begin anew
    pause(case, timeout * behind)
    middle = piece(parts[1], parts[1][4] + 1, packet[begin + 8 : begin + len(parts[1]) - 5])
    rest = [parts[0], middle, *parts[2:]]
    nothing_of(case, [Stimulus(rest, None, info, f"the rest, {timeout * behind:g} s behind an overlap")])
