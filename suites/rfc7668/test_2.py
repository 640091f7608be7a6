"""RFC 7668 §2, Bluetooth Low Energy: the Internet Protocol Support Profile, in either role, again and again."""

import pytest

from fixtures.api import Case, needs, on_link, requirement, stimulus
from rigs.links.ipsp.channel_link import Refused, Role
from suites.rfc7668.channel import connected, echoed, live, met, reconnected

pytestmark = on_link("ble")
#: Of the dynamic range (Core Vol 3 Part A §4.22), and none that a profile has.
UNASSIGNED = 0x00F5


@needs("connect")
@requirement("RFC7668-2-01", "RFC7668-3-04", "RFC7668-1.1-01")
@pytest.mark.parametrize("role", ["central", "peripheral"])
def test_channel_opens(case: Case, role: Role):
    """The DUT opens the channel to LE PSM 0x0023 as a central, and lets us open it as a peripheral.

    Its first credits it may give later, by a credit packet: Core Vol 3 Part A §4.22 has them from 0 to 65535.
    """
    try:
        with connected(case, role=role) as link:
            case.tester.listen(case.settle)
            given = link.channel.peer.credits or link.channel.credits
            case.expect(given > 0, "no_credits", "credits for a first K-frame", "none, nor by a packet")
            echoed(case)
    except Refused as refused:
        case.finding("refused", "the channel to SPSM 0x0023", str(refused))


@needs("connect")
@requirement("RFC7668-2-01", "RFC7668-3-04")
def test_served_after_connecting(case: Case):
    """A field complaint: a DUT that once connected to somebody still serves the channel to whoever connects to it."""
    link = live(case)
    try:
        link.reconnect(role="central")
        link.reconnect(role="peripheral", renew=False)
        met(case)
        echoed(case)
    except Refused as refused:
        case.finding("refused", "the channel, as before the DUT connected to somebody", str(refused))
    finally:
        reconnected(case)


@requirement("RFC7668-2-01")
def test_other_spsm(case: Case):
    """The channel is SPSM 0x0023 and no other: a request for an unassigned one is refused (Core Vol 3 Part A §4.23)."""
    result = live(case).request(UNASSIGNED)
    case.expect(
        result is not None and result != 0,
        "any_spsm",
        "a refusal",
        "accepted" if result == 0 else "no answer",
    )


@needs("connect")
@requirement("RFC7668-2-01", "RFC7668-3.2-07", "RFC7668-3.2.2-01")
@pytest.mark.parametrize("cut", ["idle", "within-an-sdu", "starved"])
def test_twenty_connections(case: Case, cut: str):
    """Twenty times: connect, open the channel, echo, end it, also in the middle of something. Each time it is up."""
    link, tester = live(case), case.tester
    answered, took = 0, []
    for _ in range(20):
        began = tester.stamp()
        reconnected(case)
        took.append(tester.stamp() - began)
        answered += echoed(case) is not None
        if cut == "within-an-sdu":
            link.send_part(stimulus(case, tester.echo(1000)).payloads[0], 2)
        elif cut == "starved":
            link.starve()
            for _ in range(8):
                tester.send_packet(tester.echo(1000))
        link.disconnect()
    reconnected(case)
    case.measure(
        "set-up time", "s", took, method="from the order to connect until the channel is open", cut=cut
    )
    case.expect(answered == 20, "reconnect", "20 of 20 connections carry an echo", f"{answered} of 20")
