"""RFC 6775 §8.2.1 and §8.2.4, a 6LBR's table of addresses: DAR in, DAC out."""

from functools import partial

import pytest

from fixtures.api import MULTIHOP, Case, RouterParty, Seen, let_pass, message_of, requirement
from sixlowpan import ipv6, link_local, nd
from suites.rfc6775.parties import SOON, answered, heard, router
from suites.rfc6775.roles import DETECTING_BORDER
from suites.rfc6775.routing import routing
from suites.rfc6775.test_8_2 import spoilt

pytestmark = DETECTING_BORDER
OTHER = bytes.fromhex("00124bfffe0a0b0c")


def is_dac(address: bytes, seen: Seen) -> bool:
    """Whether it is a DAC for this address."""
    return seen.icmp_type == nd.DAC and message_of(seen) is not None and message_of(seen).address == address


class Asker:
    """A 6LR of the tester's, with an address of its own that is routable, and the DUT as its 6LBR."""

    def __init__(self, case: Case, prefix: bytes) -> None:
        self.case, self.party = case, router(case)
        self.source = case.tester.also(prefix[:8] + link_local(self.party.link)[8:])
        self.border = next(a for a in case.rig.node.addresses() if a[:8] == prefix[:8])
        self.address = prefix[:8] + b"\x52" + case.tester.pattern(7)
        self.register()

    def register(self) -> None:
        """The 6LBR knows where this 6LR is: it is a neighbour, and registers like a host (§6.5.5)."""
        option = nd.AddressRegistration(self.party.eui64, lifetime=600)
        message = nd.NeighborSolicitation(self.party.tester.dut_address, (self.party.source_option(), option))
        self.party.say(message, source=self.source)
        heard(self.case, lambda s: s.icmp_type == nd.NA, SOON)

    def request(self, lifetime: int = 10, **fields: object) -> nd.DuplicateAddress:
        given = {"rovr": self.party.eui64, "address": self.address, **fields}
        return nd.DuplicateAddress(nd.DAR, lifetime=lifetime, **given)

    def ask(self, message: nd.DuplicateAddress, hop_limit: int = MULTIHOP - 1) -> Seen | None:
        """Send a DAR; the DAC for its address."""
        how = {"source": self.source, "hop_limit": hop_limit}
        asks = partial(self.party.say, message, self.border, **how)
        seen, self.frame = answered(self.case, asks, partial(is_dac, message.address), "a DAC")
        return seen

    def answer(self, address: bytes) -> Seen | None:
        return heard(self.case, partial(is_dac, address), SOON)

    def status(self, message: nd.DuplicateAddress) -> int | None:
        seen = self.ask(message)
        return message_of(seen).status if seen is not None else None


def expect_status(
    case: Case, asker: Asker, message: nd.DuplicateAddress, wanted: int, what: str, **where: str
) -> None:
    found = asker.status(message)
    said = "no DAC" if found is None else f"status {found}"
    case.expect(
        found == wanted, "nd_confirmation", f"{what}: status {wanted}", said, frame=asker.frame, **where
    )


@requirement("RFC6775-8.2.4-01", "RFC6775-4.4-01", "RFC6775-4.4-02", "RFC6775-4.4-03", "RFC6775-4.1-08")
def test_new_address(case: Case):
    """A DAR for a new address: a DAC with Status 0 and all else as it was, to the DAR's source, hop limit 64."""
    with routing(case) as (_, prefix):
        asker = Asker(case, prefix)
        message = asker.request(7)
        seen = asker.ask(message)
        if seen is None:
            case.failed("nd_confirmation", "a DAC", "none", frame=asker.frame)
        found, frame = message_of(seen), seen.frames[0]
        case.expect(found.status == 0, "nd_status", "Status 0", str(found.status), frame=frame)
        case.expect(
            found.code == 0, "nd_confirmation", "Code 0", str(found.code), requirement="RFC6775-4.4-03",
            frame=frame,
        )  # fmt: skip
        fields = (found.tid, found.lifetime, found.rovr, found.address)
        wanted = (0, 7, message.rovr, message.address)
        case.expect(
            fields == wanted,
            "nd_confirmation",
            f"{wanted}",
            f"{fields}",
            requirement="RFC6775-4.4-01",
            frame=frame,
        )
        case.expect(
            seen.view.dst == asker.source, "nd_destination", f"to {asker.source.hex()}", seen.view.dst.hex(),
            frame=frame,
        )  # fmt: skip
        case.expect(
            seen.view.hop_limit == MULTIHOP, "hop_limit", "hop limit 64", str(seen.view.hop_limit),
            requirement="RFC6775-4.4-02", frame=frame,
        )  # fmt: skip
        routable = seen.view.src[0] not in {0xFE, 0xFF}
        case.expect(routable, "nd_source", "from an address that is routable", seen.view.src.hex(), frame=frame,
                    requirement="RFC6775-4.4-02")  # fmt: skip


@requirement("RFC6775-8.2.4-01", "RFC6775-4.1-09")
def test_known_address(case: Case):
    """The same EUI-64 again: 0; another one: 1, and the entry stays; lifetime 0 deletes it, of its owner only."""
    with routing(case) as (_, prefix):
        asker = Asker(case, prefix)
        mine, others = asker.request(), asker.request(rovr=OTHER)
        expect_status(case, asker, mine, 0, "a new address")
        expect_status(case, asker, mine, 0, "the same again")
        expect_status(case, asker, others, 1, "another EUI-64", requirement="RFC6775-4.1-09")
        expect_status(case, asker, mine, 0, "the first one still")
        expect_status(case, asker, asker.request(0, rovr=OTHER), 1, "lifetime 0 of another EUI-64")
        expect_status(case, asker, others, 1, "another EUI-64 still")


@requirement("RFC6775-8.2.4-01", "RFC6775-4.4-04")
def test_deleted_address(case: Case):
    """ "Registration Lifetime is zero, then the entry is deleted": another EUI-64 may then have the address.

    A 6LBR of RFC 8505 "SHOULD keep its NCE in a DELAY state for a configurable period of time" (§5.7): of it no more is
    asked than the answer.
    """
    with routing(case) as (_, prefix):
        asker = Asker(case, prefix)
        expect_status(case, asker, asker.request(), 0, "a new address")
        expect_status(case, asker, asker.request(0), 0, "lifetime 0")
        if case.declares("nd_extended"):
            case.note(f"another EUI-64 behind it gets status {asker.status(asker.request(rovr=OTHER))}")
            return
        expect_status(
            case, asker, asker.request(rovr=OTHER), 0, "another EUI-64", requirement="RFC6775-4.4-04"
        )


@pytest.mark.slow
@requirement("RFC6775-8.2.4-01", "RFC6775-4.1-07")
def test_address_ends(case: Case):
    """The entry is kept for the lifetime of the DAR, in units of 60 s, and no longer.

    Behind it a 6LBR of RFC 8505 may hold the entry "in a DELAY state for a configurable period of time" (§5.7).
    """
    with routing(case) as (_, prefix):
        asker = Asker(case, prefix)
        expect_status(case, asker, asker.request(1), 0, "a new address")
        let_pass(case, 45.0)
        expect_status(
            case, asker, asker.request(rovr=OTHER), 1, "before its end", requirement="RFC6775-4.1-07"
        )
        let_pass(case, 25.0)
        if case.declares("nd_extended"):
            case.note(f"behind its end another EUI-64 gets status {asker.status(asker.request(rovr=OTHER))}")
            return
        expect_status(
            case, asker, asker.request(rovr=OTHER), 0, "behind its end", requirement="RFC6775-4.1-07"
        )


@requirement("RFC6775-4.4-02")
@pytest.mark.parametrize("hop_limit", [1, 10, 64, 254, 255], ids=str)
def test_hop_limit(case: Case, hop_limit: int):
    """ "Hop Limit: Set to MULTIHOP_HOPLIMIT on transmit. MUST be ignored on receipt"."""
    with routing(case) as (_, prefix):
        asker = Asker(case, prefix)
        seen = asker.ask(asker.request(), hop_limit)
        case.expect(seen is not None, "nd_unanswered", "a DAC", "none", frame=asker.frame)


@requirement("RFC6775-8.2.1-01")
@pytest.mark.parametrize(
    "how", ["checksum", "short", "multicast-address", "zero-option", "unspecified-source", "group-source"]
)
def test_bad_request(case: Case, how: str):
    """A DAR that fails a check of §8.2.1 is silently discarded: no DAC, and no entry."""
    with routing(case) as (_, prefix):
        asker = Asker(case, prefix)
        message = asker.request(rovr=OTHER)
        frame = asker.party.send(spoilt(message, asker.source, asker.border, how))
        seen = heard(case, lambda s: s.icmp_type == nd.DAC, SOON)
        case.expect(seen is None, "nd_answered", "no DAC", "one", frame=frame)
        expect_status(case, asker, asker.request(), 0, "no entry of the bad one")


@requirement("RFC6775-4.4-03", "RFC6775-8.2.1-01")
@pytest.mark.parametrize("code", [7, 0x0F], ids=str)
def test_code(case: Case, code: int):
    """Code: "MUST be ignored on receipt" (§4.4), or it is discarded (§8.2.1): either, and the DUT lives on."""
    with routing(case) as (_, prefix):
        asker = Asker(case, prefix)
        _with_code(asker, code)
        expect_status(
            case, asker, asker.request(), 0, "an ordinary DAR behind it", requirement="RFC6775-8.2.1-01"
        )


def _with_code(asker: Asker, code: int) -> None:
    octets = asker.request().build(asker.source, asker.border)
    octets = ipv6.icmpv6(nd.DAR, code, octets[4:], asker.source, asker.border)
    asker.party.send(ipv6.build(asker.source, asker.border, 58, octets, hop_limit=MULTIHOP - 1))
    asker.answer(asker.address)


@requirement("RFC6775-4.4-01")
def test_reserved(case: Case):
    """Reserved of a DAR is ignored (§4.4), and options that nobody knows are (§8.2.1)."""
    with routing(case) as (_, prefix):
        asker = Asker(case, prefix)
        expect_status(case, asker, asker.request(tid=0xFF), 0, "all bits of Reserved set")
        party: RouterParty = asker.party
        octets = asker.request().build(asker.source, asker.border)
        octets = ipv6.icmpv6(nd.DAR, 0, octets[4:] + b"\xfd\x01" + bytes(6), asker.source, asker.border)
        frame = party.send(ipv6.build(asker.source, asker.border, 58, octets, hop_limit=MULTIHOP - 1))
        seen = asker.answer(asker.address)
        case.expect(seen is not None, "nd_unanswered", "a DAC", "none", frame=frame)


@pytest.mark.slow
@requirement("RFC6775-8.2.4-01")
@pytest.mark.parametrize("how", ["renewed", "asked-for-by-another"])
def test_lifetime_is_updated(case: Case, how: str):
    """A DAR of the owner "updates the lifetime"; one with another EUI-64, which gets status 1, does not.

    That the entry is gone behind its end is asked of a 6LBR of RFC 6775 only: see `address_ends`.
    """
    with routing(case) as (_, prefix):
        asker = Asker(case, prefix)
        expect_status(case, asker, asker.request(1), 0, "a new address")
        let_pass(case, 30.0)
        again = asker.request(10) if how == "renewed" else asker.request(10, rovr=OTHER)
        expect_status(case, asker, again, 0 if how == "renewed" else 1, "30 s later")
        let_pass(case, 40.0)
        if how != "renewed" and case.declares("nd_extended"):
            case.note(f"behind its end another EUI-64 gets status {asker.status(asker.request(rovr=OTHER))}")
            return
        wanted = 1 if how == "renewed" else 0
        expect_status(case, asker, asker.request(rovr=OTHER), wanted, "behind the end of the first lifetime")


@requirement("RFC6775-8.2.4-01", "RFC6775-4.4-04")
def test_unknown_address_deleted(case: Case):
    """An entry is created where "the Registration Lifetime is non-zero": by a lifetime of 0 there is none."""
    with routing(case) as (_, prefix):
        asker = Asker(case, prefix)
        expect_status(case, asker, asker.request(0), 0, "lifetime 0 of an address that nobody has")
        expect_status(case, asker, asker.request(rovr=OTHER), 0, "another EUI-64")


@requirement("RFC6775-8.2.4-01")
@pytest.mark.parametrize("octet", [0, 2, 3, 7], ids="octet-{}".format)
def test_similar_identifier(case: Case, octet: int):
    """Two EUI-64s that differ in one octet are two hosts: status 1."""
    with routing(case) as (_, prefix):
        asker = Asker(case, prefix)
        near = bytearray(OTHER)
        near[octet] ^= 0x10
        expect_status(case, asker, asker.request(rovr=OTHER), 0, "a new address")
        expect_status(case, asker, asker.request(rovr=bytes(near)), 1, f"EUI-64 {bytes(near).hex()}")


@requirement("RFC6775-8.2.4-01")
def test_same_interface_identifier(case: Case):
    """The table "is indexed by the IPv6 address" (§8.2.2): one that differs in its prefix is no duplicate.

    Whether the DUT keeps an address of a prefix that is none of its own is its own matter: RFC 8505 §4.1 has status 8
    for one that "is not usable on this link".
    """
    with routing(case) as (_, prefix):
        asker = Asker(case, prefix)
        expect_status(case, asker, asker.request(), 0, "a new address")
        other = bytes.fromhex("20010db8dead0002") + asker.address[8:]
        status = asker.status(asker.request(address=other, rovr=OTHER))
        if status is None:
            case.unsupported("the DUT answers no DAR for a prefix that it does not serve", "not_observable")
        case.expect(
            status != 1, "nd_confirmation", "no status 1 for another prefix", "status 1", frame=asker.frame
        )
        case.note(f"an address of a prefix that the DUT does not serve gets status {status}")
