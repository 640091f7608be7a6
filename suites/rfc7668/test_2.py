"""RFC 7668 §2, Bluetooth Low Energy: the Internet Protocol Support Profile, in either role, again and again."""

import pytest

from fixtures.case import Case
from fixtures.marks import needs, on_link, requirement
from suites.rfc7668.channel import Role, connected, echoed, reconnected

pytestmark = on_link("ble")


@needs("connect")
@requirement("RFC7668-2-01", "RFC7668-3-04", "RFC7668-1.1-01")
@pytest.mark.parametrize("role", ["central", "peripheral"])
def test_channel_opens(case: Case, role: Role):
    """The DUT opens the channel to LE PSM 0x0023 as a central, and lets us open it as a peripheral."""
    with connected(case, role=role) as link:
        offered = link.channel.peer
        case.expect(offered.credits > 0, "no_credits", "credits for a first K-frame", str(offered))
        echoed(case)


@needs("connect")
@requirement("RFC7668-2-01", "RFC7668-3.2-07", "RFC7668-3.2.2-01")
def test_twenty_connections(case: Case):
    """Twenty times: connect, open the channel, echo, end the connection. "The link can be considered up" each time."""
    answered = 0
    for _ in range(20):
        reconnected(case)
        answered += echoed(case) is not None
    case.expect(answered == 20, "reconnect", "20 of 20 connections carry an echo", f"{answered} of 20")
