"""RFC 6775 §6.3, Router Solicitations again, and from where: each is answered, at the address that its SLLAO tells."""

from fixtures.api import ALL_ROUTERS, Case, binds, needs, on_link, requirement
from sixlowpan import nd
from suites.rfc6775.parties import SOON, heard, host, is_ra
from suites.rfc6775.routing import advertisement, routing

pytestmark = [on_link("ieee802154"), binds("6LR|6LBR", "nd"), needs("reset")]


@requirement("RFC6775-6.3-05")
def test_each_is_answered(case: Case):
    """Three solicitations of one host, one behind the other: each gets its RA. What is rare is multicast (§9)."""
    with routing(case):
        party = host(case)
        for number in range(1, 4):
            seen = advertisement(case, party)
            case.expect(seen is not None, "no_ra", f"an RA for solicitation {number}", "none")


@requirement("RFC6775-6.3-05")
def test_from_another_link_address(case: Case):
    """ "An SLLAO, which is used by the router to unicast the RA": it goes there, not to where the frame came from."""
    with routing(case):
        party, relay = host(case), host(case)
        packet = party.packet(nd.RouterSolicitation((party.source_option(),)), ALL_ROUTERS)
        for _ in range(case.rig.file.attempts):
            frame = case.tester.send_packet(packet, case.tester.info(relay.link, b"\xff\xff"))[0]
            seen = heard(case, lambda s: is_ra(s) and s.view.dst == party.address, SOON)
            if seen is not None:
                break
        said = seen.info.dst.hex() if seen is not None else "no RA"
        good = seen is not None and seen.info.dst == party.link
        case.expect(good, "nd_destination", f"an RA at {party.link.hex()}", said, frame=frame)
