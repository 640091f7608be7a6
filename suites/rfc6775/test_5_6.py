"""RFC 6775 §5.6, next-hop determination: link-local ones by their identifier, everything else to a router."""

import pytest

from fixtures.api import Case, Identity, RouterParty, binds, needs, on_link, requirement, serving
from sixlowpan import link_local
from suites.rfc4861.test_8_1 import BROKEN, PREFIX, redirect
from suites.rfc6775.attaching import attach, attached, pinged
from suites.rfc6775.parties import SOON, abro, fresh, pio, spread

pytestmark = [on_link("ieee802154"), binds("6LN", "nd"), needs("reset", "ping")]


@requirement("RFC6775-5.6-01")
def test_link_local_is_not_resolved(case: Case):
    """A link-local address that nobody told of: no NS, and the MAC address that its identifier gives."""
    link = bytes([2, 0, 0x5E]) + case.tester.pattern(5)
    with attached(case):
        seen, asked = pinged(case, link_local(link))
        for other in asked[:1]:
            case.finding("resolved", "no Neighbor Solicitation", "one", frame=other)
        if seen is None:
            case.expect(bool(asked), "not_sent", "the packet, on the link", "nothing")
        else:
            case.expect(
                seen.info.dst == link, "neighbour_address", f"to {link.hex()}", seen.info.dst.hex(),
                frame=seen,
            )  # fmt: skip


@requirement("RFC6775-5.6-02", "RFC6775-5.4-03")
@pytest.mark.parametrize("where", ["same-prefix", "elsewhere", "on-link"])
def test_everything_else_to_a_router(case: Case, where: str):
    """ "All other prefixes are assumed to be off-link": sent to a default router, also an address of its own prefix.

    So is one of a prefix that was told with L=1: "then that PIO MUST be ignored" (§5.4).
    """
    with attached(case) as (party, address):
        head = address[:8] if where == "same-prefix" else bytes.fromhex("20010db8ee550001")
        if where == "on-link":
            party.advertise(*party.options, pio(head + bytes(8), on_link=True, autonomous=False))
            case.tester.listen(SOON)
        seen, asked = pinged(case, head + case.tester.pattern(8))
        for other in asked[:1]:
            case.finding("resolved", "no Neighbor Solicitation", "one", frame=other)
        if case.expect(seen is not None, "not_sent", "the packet, to the router", "nothing"):
            case.expect(
                seen.info.dst == party.link, "neighbour_address", f"to the router, {party.link.hex()}",
                seen.info.dst.hex(), frame=seen,
            )  # fmt: skip


@requirement("RFC6775-5.6-02", "RFC4944-8-01")
def test_router_with_a_short_address(case: Case):
    """An SLLAO of Length 1 has a short address (RFC 4944 §8): the router is there, and packets go there."""
    case.several_senders()
    with fresh(case):
        prefix, short = spread(case), b"\x4a\x52"
        party = RouterParty(case.tester, Identity(short, link_local(short)), options=[pio(prefix), abro()])
        with serving(case.tester, party):
            attach(case, party, prefix)
            seen, _ = pinged(case, PREFIX + case.tester.pattern(8))
        said = seen.info.dst.hex() if seen is not None else "nothing sent"
        case.expect(
            said == short.hex(), "neighbour_address", f"to the router, {short.hex()}", said,
            frame=seen.frames[0] if seen is not None else b"",
        )  # fmt: skip


@requirement("RFC4861-8.1-01")
def test_invalid_redirects(case: Case):
    """Redirects of its router that break one check of RFC 4861 §8.1 each: packets go to the router as before."""
    with attached(case) as (party, _):
        other, there = case.tester.fresh(), PREFIX + case.tester.pattern(8)
        here, it = party.address, other.address
        sent = {
            f"with {name}": redirect(case, here, it, other.link, there, **how) for name, how in BROKEN.items()
        }
        sent["that another sends"] = redirect(case, it, it, other.link, there)
        sent["to a global target"] = redirect(case, here, PREFIX + it[8:], other.link, there)
        before, _ = pinged(case, there)
        if before is None or before.info.dst != party.link:
            case.unsupported("without a Redirect packets do not go to the router, either", "not_observable")
        for name, packet in sent.items():
            frame = party.send(packet)
            seen, _ = pinged(case, there)
            there_still = seen is not None and seen.info.dst == party.link
            wanted = f"behind a Redirect {name} packets still go to {party.link.hex()}"
            where = "to nobody" if seen is None else f"to {seen.info.dst.hex()}"
            if not case.expect(there_still, "nd_taken", wanted, where, frame=frame):
                return
