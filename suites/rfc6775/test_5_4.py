"""RFC 6775 §5.4, processing a Router Advertisement: which are taken, and what of a prefix."""

from functools import partial

import pytest

from fixtures.api import ECHO_REQUEST, Case, Seen, let_pass, registered_by, registers, requirement
from sixlowpan import nd
from suites.rfc6775.attaching import answers_at, attach, expect_made, invalid, none_of, offered, registers_of
from suites.rfc6775.parties import SOON, STARTED, abro, all_heard, answered, heard, is_rs, pio, spread
from suites.rfc6775.roles import HOST
from suites.rfc6775.test_4_2 import CID, REMOTE, compresses, six

pytestmark = HOST


@requirement("RFC6775-5.4-03")
def test_on_link_prefix(case: Case):
    """A PIO with L=1 MUST be ignored, also its A flag: no address is made of it, while one of the other prefix is."""
    bad = spread(case)
    with offered(case, pio(bad, on_link=True), first=True) as (party, prefix):
        party.advertise()
        first = heard(case, lambda s: (registered_by(s) or b"")[:8] in {prefix[:8], bad[:8]}, STARTED)
        found = all_heard(case, SOON, lambda s: (registered_by(s) or b"")[:8] == bad[:8])
        found += [s for s in case.tester.heard if (registered_by(s) or b"")[:8] == bad[:8]]
        right = none_of(case, bad[:8], found, "no address of the on-link prefix")
        if right and first is None:  # one with room for one address has it of the wrong prefix else
            attach(case, party, prefix)


FORMS = {
    "lifetime-ffff": {"router_lifetime": 0xFFFF},
    "flags": {"other": True},
    "cur-hop-limit-0": {"hop_limit": 0},
    "timers": {"reachable_time": 30000, "retrans_timer": 1000},
}


@requirement("RFC6775-5.4.1-02", "RFC6775-5.4-02", "RFC4861-6.1.2-02")
@pytest.mark.parametrize("form", [*FORMS, "unknown-option", "mtu", "capabilities"])
def test_forms(case: Case, form: str):
    """Advertisements of every rightful form are taken: a lifetime of 0xffff, other flags, options that nobody knows."""
    extra: list[nd.Option] = []
    if form == "unknown-option":
        extra = [nd.UnknownOption(253, bytes(range(14)))]
    elif form == "mtu":  # an MTU option beyond what the link has (RFC 4861 §6.3.4)
        extra = [nd.UnknownOption(5, bytes(2) + (1500).to_bytes(4))]
    elif form == "capabilities":
        extra = [nd.CapabilityIndication()]
    with offered(case, *extra, first=True, advertises=False) as (party, prefix):
        heard(case, is_rs, STARTED)
        told = partial(party.advertise, **FORMS.get(form, {}))
        seen, frame = answered(case, told, registers_of(prefix), "a registration")
        case.expect(
            seen is not None, "dropped", "the RA is taken, and its prefix registered", "nothing registered",
            requirement="RFC4861-6.1.2-02" if form in {"unknown-option", "mtu"} else "RFC6775-5.4.1-02",
            frame=frame,
        )  # fmt: skip


@requirement("RFC6775-5.4.1-01")
def test_managed_addresses(case: Case):
    """M=1 says that other addresses than those of an EUI-64 come by DHCPv6: whatever the DUT does, it lives on."""
    with offered(case) as (party, _):
        party.advertise(managed=True)
        case.tester.listen(SOON)


def sent_from(case: Case, address: bytes) -> Seen | None:
    """An Echo Request that the DUT sends from this address, when it is told to ping one of the same prefix."""
    case.rig.node.ping(address[:8] + case.tester.pattern(8), 8, case.tester.next_identifier(), 1)
    return heard(case, lambda s: s.view.src == address and not registers(s) and s.icmp_type == ECHO_REQUEST)


@pytest.mark.slow
@requirement("RFC4862-5.5.4-02", "RFC4862-5.5.3-03")
def test_prefix_ends(case: Case):
    """Behind its valid lifetime an address "MUST NOT be used as a source", nor "be recognized as a destination".

    Before, it is recognized and, where the DUT chooses it at all, used.
    """
    with offered(case) as (party, prefix):
        party.options = [pio(prefix, valid_lifetime=30, preferred_lifetime=30), abro()]
        address = attach(case, party, prefix)
        expect_made(case, party, address)
        used = case.can("ping") and sent_from(case, address) is not None
        party.advertises = False
        let_pass(case, 45.0)
        there = answers_at(case, party, address) is not None
        case.expect(not there, "nd_used", "no answer behind its end", "one")
        seen = sent_from(case, address) if used else None
        case.expect(seen is None, "nd_used", "not used behind its end", "a packet from it", frame=seen)


@requirement("RFC4861-6.1.2-01")
@pytest.mark.parametrize(
    "how", ["hop-limit-254", "hop-limit-64", "global-source", "code-1", "checksum", "zero-option"]
)
def test_invalid(case: Case, how: str):
    """An RA that fails a check of RFC 4861 §6.1.2 is silently discarded: its prefix is registered nowhere.

    Nor is its context used. An RA that is right in all that the bad one has wrong is taken behind it.
    """
    with offered(case, advertises=False) as (party, good):
        heard(case, is_rs, STARTED)
        bad = spread(case)
        source = case.tester.also(good[:8] + party.address[8:]) if how == "global-source" else party.address
        message = party.advertisement(pio(bad), abro(), six()).build(source, case.tester.dut_address)
        frame = party.send(invalid(message, source, case.tester.dut_address, how))
        taken = heard(case, lambda s: (registered_by(s) or b"")[:8] == bad[:8])
        case.expect(taken is None, "nd_taken", "nothing is registered of it", "its prefix is", frame=frame)
        attach(case, party, good)
        made = [a for a in case.rig.node.addresses() if a[:8] == bad[:8]]
        case.expect(not made, "nd_taken", "no address of its prefix", "one", frame=frame)
        if case.can("ping"):
            case.tester.contexts = case.tester.contexts.with_context(CID, six().context())
            used = compresses(case, REMOTE)
            case.expect(used is not True, "nd_taken", "its context is not used", "it is", frame=frame)
