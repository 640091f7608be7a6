"""RFC 6775 §6.5, Neighbor Solicitations that must be ignored: whole, or their ARO; and bits that must be."""

import pytest

from fixtures.api import ALL_NODES, Case, HostParty, RouterParty, registration_of, requirement
from sixlowpan import ipv6, nd
from sixlowpan.addresses import solicited_node
from suites.rfc6775.attaching import invalid
from suites.rfc6775.parties import heard, host, is_na
from suites.rfc6775.roles import ROUTER
from suites.rfc6775.routing import arrives, global_of, registered, routing
from suites.rfc6775.test_6_5 import ASKED

pytestmark = ROUTER


def _raw(party: HostParty, option: bytes, source: bytes, *, sllao: bool = True) -> bytes:
    """An NS for the DUT with the octets of an option behind an SLLAO."""
    there = party.tester.dut_address
    octets = (party.source_option().build() if sllao else b"") + option
    message = ipv6.icmpv6(nd.NS, 0, bytes(4) + there + octets, source, there)
    return ipv6.build(source, there, 58, message, hop_limit=255)


def expect_unregistered(
    case: Case, above: RouterParty, party: HostParty, address: bytes, frame: bytes
) -> None:
    """No packet for the address reaches this host: it is not registered."""
    found = arrives(case, above, address, party.link)
    case.expect(found is None, "nd_taken", "no registration", "it is registered", frame=frame)


def expect_heard(
    case: Case, party: HostParty, address: bytes, option: nd.AddressRegistration | None = None
) -> None:
    """A right registration behind it is answered: the silence of a DUT that answers none says nothing."""
    status, _ = registered(case, party, address, option)
    if status is None and not case.result.findings:
        case.unsupported(
            "a right registration is not answered, either: see 6.5/registration", "not_observable"
        )


@requirement("RFC6775-6.5-01")
@pytest.mark.parametrize("how", ["status-1", "status-2", "status-255", "length-1", "length-3", "length-6"])
def test_ignored_whole(case: Case, how: str):
    """ "If the Length field is not two, or if the Status field is not zero, then the NS is silently ignored": no NA."""
    if how == "length-3" and case.declares("nd_extended"):
        case.unsupported("RFC 8505 has Lengths of 2 to 5")
    with routing(case) as (above, prefix):
        party = host(case)
        address = global_of(party, prefix)
        octets = bytearray(party.aro().build())
        kind, value = how.split("-")
        if kind == "status":
            octets[2] = int(value)
        else:
            octets[1] = int(value)
            octets = (octets + bytes(40))[: 8 * int(value)]
        case.tester.also(address)
        frame = party.send(_raw(party, bytes(octets), address))
        seen = heard(case, is_na, ASKED)
        said = (
            "an NA"
            if seen is None or registration_of(seen) is None
            else f"status {registration_of(seen).status}"
        )
        case.expect(seen is None, "nd_answered", "no answer at all", said, frame=frame)
        expect_unregistered(case, above, party, address, frame)
        expect_heard(case, party, address)


@requirement("RFC6775-6.5-01", "RFC6775-6.5.3-03")
def test_removal_ignored(case: Case):
    """A lifetime of 0 beside a Status that is not 0: the NS is ignored, and the address stays where it is."""
    with routing(case) as (above, prefix):
        party = host(case)
        address = global_of(party, prefix)
        expect_heard(case, party, address)
        octets = bytearray(party.aro(0).build())
        octets[2] = 1
        frame = party.send(_raw(party, bytes(octets), address))
        seen = heard(case, is_na, ASKED)
        case.expect(seen is None, "nd_answered", "no answer at all", "an NA", frame=frame)
        there = arrives(case, above, address, party.link)
        case.expect(there is not None, "nd_lost", "it is registered still", "no packet for it", frame=frame)


@requirement("RFC6775-6.5-02")
@pytest.mark.parametrize("how", ["no-sllao", "tllao", "unspecified"])
def test_option_ignored(case: Case, how: str):
    """Without an SLLAO, or from ::, "any included ARO is ignored": no answer has one, and nothing is registered.

    A TLLAO is no SLLAO.
    """
    with routing(case) as (above, prefix):
        party = host(case)
        address = global_of(party, prefix)
        case.tester.also(address)
        if how == "no-sllao":
            packet = _raw(party, party.aro().build(), address, sllao=False)
        elif how == "tllao":
            option = nd.LinkLayerAddress(nd.TLLAO, party.link).build()
            packet = _raw(party, option + party.aro().build(), address, sllao=False)
        else:
            there = case.tester.dut_address
            body = bytes(4) + there + party.aro().build()
            group = solicited_node(there)
            message = ipv6.icmpv6(nd.NS, 0, body, bytes(16), group)
            packet = ipv6.build(bytes(16), group, 58, message, hop_limit=255)
        frame = party.send(packet)
        seen = heard(case, lambda s: is_na(s) and registration_of(s) is not None, ASKED)
        case.expect(seen is None, "nd_taken", "no NA with an ARO", "one", frame=frame)
        expect_unregistered(case, above, party, address, frame)
        expect_heard(case, party, address)


@requirement("RFC6775-4.1-05")
def test_reserved_bits(case: Case):
    """Reserved octets "MUST be ignored by the receiver": with all of them set the registration is kept (without T)."""
    with routing(case) as (above, prefix):
        party = host(case)
        address = global_of(party, prefix)
        octets = bytearray(party.aro().build())
        octets[3], octets[4], octets[5] = 0xFF, 0xF0 if case.declares("nd_extended") else 0xFF, 0xFF
        case.tester.also(address)
        frame = party.send(_raw(party, bytes(octets), address))
        seen = heard(case, lambda s: is_na(s) and registration_of(s) is not None, ASKED)
        status = registration_of(seen).status if seen is not None else None
        case.expect(status == 0, "nd_not_taken", "status 0", str(status), frame=frame)
        case.expect(
            arrives(case, above, address, party.link) is not None,
            "nd_not_taken",
            "registered",
            "it is not",
            frame=frame,
        )


@requirement("RFC4861-7.1.1-01")
@pytest.mark.parametrize("hop_limit", [64, 254, 1, 0], ids=str)
def test_hop_limit(case: Case, hop_limit: int):
    """A registration whose hop limit is not 255 came from another link: it is discarded (RFC 4861 §7.1.1)."""
    with routing(case) as (_, prefix):
        party = host(case)
        address = case.tester.also(global_of(party, prefix))
        frame = party.say(party.solicitation(party.aro()), source=address, hop_limit=hop_limit)
        seen = heard(case, lambda s: is_na(s) and registration_of(s) is not None, ASKED)
        case.expect(seen is None, "nd_answered", "no answer", "an NA with ARO", frame=frame)
        expect_heard(case, party, address)


@requirement("RFC4861-7.1.1-01", "RFC4861-7.2.3-01")
@pytest.mark.parametrize(
    "how", ["code-1", "checksum", "zero-option", "short", "group-target", "other-target"]
)
def test_invalid(case: Case, how: str):
    """A registration in an NS that fails a check of RFC 4861 §7.1.1, or solicits somebody else: discarded, no answer.

    One of RFC 8505 names what it registers as the target: there it is a group that is registered. The group is one that
    every node listens to, so that a DUT which looks for the target among all that it has finds it.
    """
    if how == "other-target" and case.declares("nd_extended"):
        case.unsupported("RFC 8505 has the target for the registered address")
    with routing(case) as (above, prefix):
        party, there = host(case), case.tester.dut_address
        address = case.tester.also(global_of(party, prefix))
        extended = how == "group-target" and case.declares("nd_extended")
        option = party.earo() if extended else party.aro()
        source = party.address if extended else address
        near = there[:15] + bytes([there[15] ^ 0x5A])
        target = {"group-target": ALL_NODES, "other-target": near}.get(how, there)
        message = party.solicitation(option, target=target).build(source, there)
        frame = party.send(invalid(message, source, there, how))
        seen = heard(case, lambda s: is_na(s) and s.view.dst in {source, party.address}, ASKED)
        row = "RFC4861-7.2.3-01" if how == "other-target" else "RFC4861-7.1.1-01"
        case.expect(seen is None, "nd_answered", "no answer", "an NA", frame=frame, requirement=row)
        if not extended:
            found = arrives(case, above, address, party.link)
            case.expect(
                found is None, "nd_taken", "no registration", "it is registered", frame=frame, requirement=row
            )
        expect_heard(case, party, source, option)
