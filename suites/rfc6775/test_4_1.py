"""RFC 6775 §4.1, the Address Registration Option that a host sends; and of §5.4.1, that it sends one at all."""

from fixtures.api import Case, registered_by, registration_of, requirement
from sixlowpan.addresses import modified_eui64
from suites.rfc6775.attaching import attached, awaiting
from suites.rfc6775.parties import expect_no_status, expect_of_the_link, expect_sllao, heard
from suites.rfc6775.roles import HOST

pytestmark = HOST


@requirement(
    "RFC6775-5.4.1-02", "RFC6775-4.1-01", "RFC6775-4.1-02", "RFC6775-4.1-03", "RFC6775-4.1-04", "RFC6775-4.1-05",
    "RFC6775-4.1-06", "RFC7668-3.2.4-02", "RFC4861-7.1.1-01",
)  # fmt: skip
def test_registration(case: Case):
    """An address of an advertised prefix is registered by unicast: every field of the NS and its ARO.

    A 6LN of RFC 8505 sends an EARO (§6 there), which towards a router of RFC 6775 has the octets of an ARO otherwise.
    """
    before = len(case.tester.heard)
    with attached(case) as (party, address):
        sent = [s for s in case.tester.heard[before:] if registered_by(s) == address]
        seen, option = sent[0], registration_of(sent[0])
        extended = case.declares("nd_extended")
        case.expect(
            seen.view.dst == party.address, "nd_destination", f"to the router {party.address.hex()}",
            seen.view.dst.hex(), frame=seen,
        )  # fmt: skip
        expect_sllao(case, seen, 24, "RFC6775-4.1-01")
        case.expect(
            seen.view.src == address, "nd_source", f"from {address.hex()}, the registered address",
            seen.view.src.hex(), requirement="RFC6775-4.1-02", frame=seen,
        )  # fmt: skip
        case.expect(
            len(option.rovr) == 8, "nd_length", "an ARO of Length 2", f"Length {1 + len(option.rovr) // 8}",
            requirement="RFC6775-4.1-03", frame=seen,
        )  # fmt: skip
        expect_no_status(case, seen, "RFC6775-4.1-04")
        reserved = option.opaque or option.i or (not extended and (option.t or option.r or option.tid))
        case.expect(
            not reserved, "nd_reserved", "reserved octets 0", seen.upper[-16:].hex(), requirement="RFC6775-4.1-05",
            frame=seen,
        )  # fmt: skip
        own, row = case.rig.link.dut, "RFC6775-4.1-06"  # of a 6LN of RFC 8505 it is a ROVR: §5.1 there
        if case.tester.kind == "ble":  # RFC 7668 §3.2.4: the device address in Modified EUI-64 format
            own, row = modified_eui64(own), "RFC7668-3.2.4-02"
        case.expect(
            option.rovr == own or extended, "eui64", f"the EUI-64 {own.hex()}", option.rovr.hex(), requirement=row,
            frame=seen,
        )  # fmt: skip
        case.expect(option.lifetime > 0, "nd_lifetime", "a lifetime that is not 0", "0", frame=seen)
        expect_of_the_link(case, seen, "RFC4861-7.1.1-01")


@requirement("RFC6775-4.1-05")
def test_reserved_bits_of_an_answer(case: Case):
    """An NA whose ARO has every reserved bit set is an answer like any other: nothing is solicited again."""
    with awaiting(case) as (party, seen, address):
        changes = {"opaque": 0xFF, "i": 3} | (
            {} if case.declares("nd_extended") else {"r": True, "tid": 0xFF}
        )
        frame = party.confirm(seen, **changes)
        again = heard(case, lambda s: registered_by(s) == address, 6.0)
        case.expect(
            again is None, "nd_not_taken", "the registration is confirmed", "it was sent again", frame=frame
        )
