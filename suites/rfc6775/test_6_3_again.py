"""RFC 6775 §6.3, Router Solicitations again: each is answered, at the address that its SLLAO tells, if it is valid."""

import pytest

from fixtures.api import ALL_ROUTERS, ICMPV6, Case, HostParty, on_link, requirement
from sixlowpan import ipv6, nd
from suites.rfc6775.parties import SOON, answered, heard, host, is_ra
from suites.rfc6775.roles import ADVERTISER
from suites.rfc6775.routing import advertisement, routing, solicited

pytestmark = ADVERTISER


@requirement("RFC6775-6.3-05")
def test_each_is_answered(case: Case):
    """Eight solicitations of one host, one behind the other: each gets its RA. What is rare is multicast (§9).

    A medium that loses frames takes the first try of some, and not of all seven behind one that was answered.
    """
    with routing(case):
        party, missed = host(case), 0
        for number in range(1, 9):
            seen = solicited(case, party)
            if seen is None and case.rig.file.attempts > 1:
                missed += number > 1
                seen = advertisement(case, party)
            case.expect(seen is not None, "no_ra", f"an RA for solicitation {number}", "none")
        case.expect(missed < 7, "no_ra", "an RA for each solicitation", "for every other one")


@on_link("ieee802154")
@requirement("RFC6775-6.3-05")
def test_from_another_link_address(case: Case):
    """ "An SLLAO, which is used by the router to unicast the RA": it goes there, not to where the frame came from."""
    with routing(case):
        party, relay = host(case), host(case)
        packet = party.packet(nd.RouterSolicitation((party.source_option(),)), ALL_ROUTERS)
        info = case.tester.info(relay.link, b"\xff\xff")
        seen, frame = answered(
            case, lambda: case.tester.send_packet(packet, info)[0],
            lambda s: is_ra(s) and s.view.dst == party.address, "an RA",
        )  # fmt: skip
        said = seen.info.dst.hex() if seen is not None else "no RA"
        good = seen is not None and seen.info.dst == party.link
        case.expect(good, "nd_destination", f"an RA at {party.link.hex()}", said, frame=frame)


def _invalid(party: HostParty, how: str) -> bytes:
    """A Router Solicitation that is not valid (RFC 4861 §6.1.1) in this respect alone."""
    options = b"" if how == "short" else party.source_option().build()
    options += bytes((253, 0)) + bytes(6) if how == "option-0" else b""
    body = options if how == "short" else bytes(4) + options
    message = ipv6.icmpv6(nd.RS, how == "code", body, party.address, ALL_ROUTERS)
    if how == "checksum":
        message = message[:2] + bytes((message[2] ^ 0xFF, message[3])) + message[4:]
    hop_limit = int(how.removeprefix("hop-limit-")) if how.startswith("hop-limit") else 255
    return ipv6.build(party.address, ALL_ROUTERS, ICMPV6, message, hop_limit=hop_limit)


@requirement("RFC4861-6.1.1-01")
@pytest.mark.parametrize("how", ["hop-limit-64", "hop-limit-254", "checksum", "code", "short", "option-0"])
def test_invalid(case: Case, how: str):
    """ "A router MUST silently discard any received Router Solicitation" that is not valid: no RA to who sent it."""
    with routing(case):
        party = host(case)
        frame = party.send(_invalid(party, how))
        seen = heard(case, lambda s: is_ra(s) and s.view.dst == party.address, SOON)
        case.expect(seen is None, "nd_answered", "no answer", "an RA", frame=frame)
        seen = advertisement(case, party)
        case.expect(seen is not None, "no_ra", "an RA for a valid one behind it", "none", frame=frame)


@requirement("RFC4861-6.1.1-03")
@pytest.mark.parametrize("size", [8, 48], ids="octets-{}".format)
def test_unknown_option(case: Case, size: int):
    """ "The contents ... of any unrecognized options, MUST be ignored" (RFC 4861 §6.1.1): it is answered."""
    with routing(case):
        seen = advertisement(case, host(case), nd.UnknownOption(253, bytes(size - 2)))
        case.expect(seen is not None, "no_ra", "an RA", "none")


@requirement("RFC6775-6.3-05")
@pytest.mark.parametrize("front", ["unknown", "capabilities"])
def test_option_in_front(case: Case, front: str):
    """An RS whose SLLAO stands behind another option gets its RA: no text gives options an order."""
    option = nd.UnknownOption(253, bytes(6)) if front == "unknown" else nd.CapabilityIndication()
    with routing(case):
        party = host(case)
        message = nd.RouterSolicitation((option, party.source_option()))
        seen, frame = answered(
            case, lambda: party.say(message, ALL_ROUTERS),
            lambda s: is_ra(s) and s.view.dst == party.address, "an RA",
        )  # fmt: skip
        case.expect(seen is not None, "no_ra", "an RA", "none", frame=frame)
