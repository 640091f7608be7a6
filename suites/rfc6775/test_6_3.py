"""RFC 6775 §6 to §6.3, what a router advertises: to whom, with which options, and what a solicitation changes."""

import pytest

from fixtures.api import Case, Seen, binds, needs, on_link, requirement
from sixlowpan import nd
from suites.rfc6775.parties import (
    SOON,
    abro,
    all_heard,
    expect_of_the_link,
    expect_sllao,
    host,
    readable,
)
from suites.rfc6775.roles import ADVERTISER
from suites.rfc6775.routing import advertisement, another, arrives, global_of, registered, routing

pytestmark = ADVERTISER
#: Of rules about those who have registered.
REGISTRAR = binds("6LR|6LBR", "nd")
REDIRECT = 137


def advertised(case: Case, party) -> tuple[Seen, nd.RouterAdvertisement]:  # noqa: ANN001 - a host of the tester's
    """The RA in answer to this host's solicitation; without one the case ends."""
    seen = advertisement(case, party)
    if seen is None:
        case.failed("no_ra", "a Router Advertisement", "none", requirement="RFC6775-6.3-05")
    return seen, readable(case, seen)


@requirement(
    "RFC6775-6.3-05", "RFC6775-6.3-04", "RFC6775-5.4-01", "RFC6775-6.1-02", "RFC6775-6-02", "RFC6775-4.3-01",
    "RFC6775-8.1.1-01", "RFC6775-7-01", "RFC6775-8-01", "RFC4861-6.1.2-01",
)  # fmt: skip
def test_advertisement(case: Case):
    """A solicitation is answered by unicast, with an SLLAO, prefixes with L=0, and an ABRO where several hops count."""
    with routing(case):
        party = host(case)
        seen, message = advertised(case, party)
        case.expect(
            seen.view.dst == party.address and seen.info.dst == party.link, "nd_destination",
            f"by unicast to {party.address.hex()}", f"{seen.view.dst.hex()} at {seen.info.dst.hex()}", frame=seen,
        )  # fmt: skip
        expect_of_the_link(case, seen, "RFC4861-6.1.2-01")
        expect_sllao(case, seen, 16, "RFC6775-6.3-04")
        for option in message.options:
            if isinstance(option, nd.PrefixInformation):
                case.expect(
                    not option.on_link,
                    "on_link",
                    "PIO with L=0",
                    "L=1",
                    requirement="RFC6775-6.1-02",
                    frame=seen,
                )
        found = [o for o in message.options if isinstance(o, nd.AuthoritativeBorderRouter)]
        if case.declares("multihop"):
            row = "RFC6775-4.3-01" if case.rig.profile.parameters.role == "6LR" else "RFC6775-7-01"
            case.expect(
                len(found) == 1, "nd_option", "one ABRO", f"{len(found)}", requirement=row, frame=seen
            )
        wrong = {"6LR": {1, 2}, "6LBR": {2, 3}}[case.rig.profile.parameters.role]
        preference = seen.upper[5] >> 3 & 3
        case.expect(
            preference not in wrong, "nd_preference", "low or medium of a 6LR, medium or high of a 6LBR",
            f"Prf {preference:02b}", requirement="RFC6775-6-02", frame=seen,
        )  # fmt: skip


@REGISTRAR
@needs("udp|echo")
@requirement("RFC6775-6.3-02")
def test_solicitation_changes_nothing(case: Case):
    """ "MUST NOT modify an existing NCE based on the SLLAO from the RS": packets go on to where they went."""
    with routing(case) as (above, prefix):
        party, other = host(case), host(case)
        for address in (party.address, global_of(party, prefix)):
            registered(case, party, address)
        option = nd.LinkLayerAddress(nd.SLLAO, other.link)
        for source in (party.address, global_of(party, prefix)):
            frame = party.say(
                nd.RouterSolicitation((option,)), bytes.fromhex("ff02") + bytes(13) + b"\2", source=source
            )
            case.tester.listen(0.5)
        seen = arrives(case, above, global_of(party, prefix), party.link)
        case.expect(
            seen is not None,
            "neighbour_moved",
            f"packets go to {party.link.hex()}",
            "they do not",
            frame=frame,
        )


@REGISTRAR
@requirement("RFC6775-6.5.4-01", "RFC6775-6.5.4-02", "RFC6775-6.3-03")
def test_solicitation_makes_no_neighbour(case: Case):
    """ "Tentative NCEs MUST NOT be used to determine on-link status": an RS alone brings no packet to its sender.

    Without an RS there is no entry at all: "A Registered NCE determines if the next-hop IP address is on-link".
    """
    with routing(case) as (above, prefix):
        party = host(case)
        address = global_of(party, prefix)  # nobody answers for it yet: who resolves addresses learns nothing
        seen = arrives(case, above, address, party.link)
        if not case.expect(
            seen is None, "nd_taken", "no packet for an address of which nothing was heard", "one",
            requirement="RFC6775-6.5.4-02",
        ):  # fmt: skip
            return
        case.tester.also(address)
        frame = party.say(
            nd.RouterSolicitation((party.source_option(),)),
            bytes.fromhex("ff02") + bytes(13) + b"\2",
            source=address,
        )
        case.tester.listen(0.5)
        seen = arrives(case, above, address, party.link)
        case.expect(
            seen is None, "nd_taken", "no packet for an address that is not registered", "one", frame=frame
        )


@on_link("ieee802154")
@REGISTRAR
@requirement("RFC6775-6.1-01")
def test_no_redirect(case: Case):
    """In route-over topologies a router "SHOULD NOT send Redirect messages": from one host to another: advice."""
    with routing(case) as (_, prefix):
        first, second = host(case), host(case)
        for party in (first, second):
            registered(case, party, global_of(party, prefix))
        arrives(case, first, global_of(second, prefix), second.link)
        found = all_heard(case, SOON, lambda s: s.icmp_type == REDIRECT)
        found += [s for s in case.tester.heard if s.icmp_type == REDIRECT]
        case.expect(not found, "nd_redirect", "no Redirect", "one", frame=found[0] if found else None)


@REGISTRAR
@requirement("RFC6775-6.3-02", "RFC6775-6.3-04", "RFC6775-9-02")
def test_many_solicitations(case: Case):
    """A storm of solicitations: the router lives on, and its registrations stay."""
    with routing(case) as (above, prefix):
        party = host(case)
        address = global_of(party, prefix)
        registered(case, party, address)
        for _ in range(20):
            another(case, prefix, party)[0].solicit()
        case.tester.listen(2.0)
        advertised(case, party)
        case.expect(
            arrives(case, above, address, party.link) is not None,
            "nd_lost",
            "the registration holds",
            "it is gone",
        )


@on_link("ieee802154")
@requirement("RFC6775-4.2-01", "RFC6775-4.2-02", "RFC6775-4.2-07", "RFC6775-4.3-02", "RFC6775-8.1.4-02")
@pytest.mark.parametrize("length", [64, 96, 128], ids=str)
def test_options_in_order(case: Case, length: int):
    """The options of its RA are as the figures have them: no breach in the message, and the 6CO as it was told."""
    prefix = bytes.fromhex("20010db8c0de0001aabbccdd11223344")
    cut = (int.from_bytes(prefix) >> 128 - length << 128 - length).to_bytes(16)
    role = case.rig.profile.parameters.role
    context = nd.ContextOption(cut, length, True, 6, 600)
    with routing(case, abro(), context) as _:
        if role == "6LBR":
            if not case.can("context") or case.rig.profile.parameters.contexts <= 6:
                case.unsupported("the DUT takes no context 6 on command", "not_declared")
            case.rig.node.set_context(6, cut, length)
        seen, message = advertised(case, host(case))
        for breach in nd.breaches(seen.packet):
            if breach.level == "fail":
                case.finding(
                    breach.code,
                    breach.expected,
                    breach.actual,
                    requirement=breach.requirement,
                    frame=seen,
                )
        found = [o for o in message.options if isinstance(o, nd.ContextOption) and o.cid == 6]
        good = found and (found[0].length, found[0].context().prefix) == (length, cut)
        case.expect(
            bool(good), "no_6co", f"a 6CO for context 6, {length} bits of {cut.hex()}",
            found[0].build().hex() if found else "none",
            requirement="RFC6775-8.1.4-02" if role == "6LR" and not found else "RFC6775-4.2-01", frame=seen,
        )  # fmt: skip
