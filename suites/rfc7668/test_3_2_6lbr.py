"""RFC 7668 §3.2.2 to §3.2.4, what a 6LBR advertises, and how it compresses for a 6LN that has registered."""

import pytest

from fixtures.api import Case, advice, needs, on_link, requirement
from sixlowpan import nd
from suites.rfc7668.channel import MODES, as_6lbr, live, modes, reconnected
from suites.rfc7668.star import SixLn, arrives, one_more, sixln, two

pytestmark = [on_link("ble"), needs("connect")]
_DAY = 86_400.0


def advertised(case: Case, member: SixLn) -> tuple[nd.RouterAdvertisement, bytes] | None:
    """The DUT's Router Advertisement and its frame; that there is none is a finding."""
    found = member.advertisement()
    case.expect(found is not None, "no_ra", "a Router Advertisement (RFC 6775 §6.3)", "none within 2 s")
    return None if found is None else (found[0], found[1].frames[0])


@requirement("RFC7668-3.2.2-15")
def test_prefix_is_not_on_link(case: Case):
    """ "The on-link flag (L) ... MUST be set to zero" in every Prefix Information Option."""
    with sixln(case) as member:
        if (found := advertised(case, member)) is not None:
            for option in found[0].options:
                if isinstance(option, nd.PrefixInformation):
                    case.expect(not option.on_link, "on_link", "L=0", "L=1", frame=found[1])


@requirement("RFC7668-3.2.4-03")
def test_context_for_each_prefix(case: Case):
    """ "The 6LBR MUST include" a 6CO "for each prefix" that it advertises for autoconfiguration.

    One with the lifetime 0 is none: such a context "MUST be removed immediately" (RFC 6775 §4.2).
    """
    with sixln(case) as member:
        if (found := advertised(case, member)) is None:
            return
        told = [o for o in found[0].options if isinstance(o, nd.ContextOption)]
        known = [o.context() for o in told if o.valid_lifetime]
        for option in found[0].options:
            if isinstance(option, nd.PrefixInformation) and option.autonomous:
                covered = any(c.length <= option.length and c.covers(option.prefix) for c in known)
                case.expect(covered, "no_6co", f"a 6CO for {option.prefix.hex()}", "none", frame=found[1])


@requirement("RFC7668-3.2.2-16")
def test_no_detection_packets(case: Case):
    """Duplicate link-local addresses show when devices connect: no packet of duplicate address detection is sent."""
    as_6lbr(case)
    reconnected(case)
    tester = case.tester
    before = len(tester.heard)
    tester.control()
    for seen in tester.heard[before:]:
        probe = (
            seen.icmp_type == 135
            and seen.view
            and seen.view.src == bytes(16)
            and seen.upper[8:10] == b"\xfe\x80"
        )
        case.expect(not probe, "dad", "no solicitation from ::", "one", frame=seen)


@requirement("RFC7668-3.2.2-04")
def test_device_address_changes(case: Case):
    """A 6LBR SHOULD change its device address from time to time: a day later it has another. Advice."""
    as_6lbr(case)
    link = live(case)
    if link.clock != "virtual":
        case.unsupported("this takes a day on a clock that cannot be moved", "not_on_this_rig")
    before = reconnected(case).peer_address
    case.tester.listen(_DAY)
    after = reconnected(case).peer_address
    case.expect(before != after, "device_address", "another address a day later", before.hex(":"))


def registered(case: Case, member: SixLn, *tails: str) -> list[bytes]:
    """Register addresses of the DUT's prefix, the latest last."""
    prefix = member.prefix()
    made = [prefix[:8] + bytes.fromhex(tail) for tail in tails]
    for address in made:
        if (status := member.register(address)) != 0:
            case.unsupported(
                f"the DUT confirms no registration (status {status}): see 3.star/forwarding_between_6lns"
            )
    return made


def answered(case: Case, member: SixLn, address: bytes, mode: int, requirement_id: str) -> None:
    """The DUT's answer to one of the 6LN's addresses has its destination in this mode, and can be read so."""
    found = member.echoed(address, member.tester.dut_address)
    case.expect(found is not None, "no_answer", "an answer that the 6LN reads as its own", "none")
    if found is not None:
        got = modes(found[1].payloads[0])[1]
        case.expect(
            got == mode, "destination_elision", MODES[mode], MODES[got], requirement=requirement_id,
            frame=found[1], offset=1,
        )  # fmt: skip


@requirement("RFC7668-3.2.4-15", "RFC7668-3.2.4-17")
def test_latest_registered_destination(case: Case):
    """The latest registered address of a 6LN is fully elided as a destination (DAC=1, DAM=11)."""
    with sixln(case) as member:
        (address,) = registered(case, member, "1111222233334444")
        answered(case, member, address, 7, "RFC7668-3.2.4-15")


@requirement("RFC7668-3.2.4-16", "RFC7668-3.2.4-15", "RFC7668-3.2.4.2-01")
def test_earlier_registered_destination(case: Case):
    """An earlier registered destination has 16 bits if its IID begins as that of the latest, else 64."""
    with sixln(case) as member:
        first, second = registered(case, member, "1111222233334444", "1111222233335555")
        answered(case, member, second, 7, "RFC7668-3.2.4-15")
        answered(case, member, first, 6, "RFC7668-3.2.4-16")
        registered(case, member, "aaaabbbbccccdddd")
        answered(case, member, first, 5, "RFC7668-3.2.4-16")


@requirement("RFC7668-3.2.4.2-02")
@pytest.mark.parametrize("how", ["expired", "registered-again"])
def test_after_a_registration(case: Case, how: str):
    """The end of the latest registration makes no earlier one "fully elidable"; registering that one again does."""
    with sixln(case) as member:
        first, second = registered(case, member, "1111222233334444", "1111222233335555")
        if how == "expired":
            before = member.registered
            member.register(second, lifetime=0)
            member.registered = before
            answered(case, member, first, 6, "RFC7668-3.2.4.2-02")
        else:
            member.register(first)
            answered(case, member, first, 7, "RFC7668-3.2.4.2-02")


@requirement("RFC7668-3.2.4-17", "RFC7668-3.2.4.1-01")
def test_source_of_a_6ln(case: Case):
    """To a 6LBR SAC=1 SAM=11 is the latest address that this 6LN registered, and no other: it is answered there."""
    with sixln(case) as member:
        (address,) = registered(case, member, "1111222233337777")
        found = member.echoed(address, member.tester.dut_address)
        case.expect(
            found is not None and found[0][24:40] == address, "source", f"an answer to {address.hex()}",
            "none" if found is None else found[0][24:40].hex(),
        )  # fmt: skip


@requirement("RFC7668-3.2.4-09", "RFC7668-3.2.4-08")
def test_source_of_an_earlier_connection(case: Case):
    """A 6LN comes back: what it had registered counts "only after the 6LBR has sent" an NA, on the new connection.

    Until then SAC=1 SAM=11 is no address of its, and the DUT answers none. Advice: it may know the device address, and
    that a registration has ended "has no impact on the compression" (§3.2.4.2).
    """
    device = bytes.fromhex("c00000000005")
    with sixln(case) as first, one_more(case, device) as member:
        (address,) = registered(case, member, "111122223333aaaa")
        case.expect(
            member.echoed(address, first.tester.dut_address) is not None, "no_answer", "an answer", "none"
        )
        known = member.registered
    with one_more(case, device) as back:
        back.registered = known  # what it sends is elided so
        request = back.tester.echo(source=address, destination=back.tester.dut_address)
        back.send(request)
        found = back.answer_to(request)
        back.registered = ()
        with advice(case):
            case.expect(found is None, "answered", "no answer to an address that is not registered", "one")


@requirement("RFC7668-3.2.4-03")
def test_each_6ln_is_told(case: Case):
    """Two 6LNs solicit: each gets the prefix and its 6CO."""
    with two(case) as members:
        for number, member in enumerate(members, 1):
            if (found := advertised(case, member)) is None:
                return
            options = found[0].options
            contexts = {o.context().prefix[:8] for o in options if isinstance(o, nd.ContextOption)}
            told = {o.prefix[:8] for o in options if isinstance(o, nd.PrefixInformation) and o.autonomous}
            case.expect(
                told <= contexts, "no_6co", f"a 6CO for each prefix, for 6LN {number}", "none", frame=found[1]
            )


@requirement("RFC7668-3.2.4.1-03", "RFC7668-3.2.4-13", "RFC7668-3.2.4-15")
def test_forwarded_inward(case: Case):
    """What is forwarded to a 6LN has DAC=1 DAM=11 for its latest address, and SAC=1 where a context has the source."""
    with two(case) as (first, second):
        (source,) = registered(case, first, "1111222233338888")
        (destination,) = registered(case, second, "1111222233339999")
        found = arrives(first, first.datagram(source, destination), second)
        case.expect(found is not None, "not_forwarded", "the packet at the other 6LN", "nothing")
        if found is not None:
            sac, dac = modes(found[1].payloads[0])
            for name, got, good, rule in (
                ("source", sac, (5, 6, 7), "RFC7668-3.2.4-13"),
                ("destination", dac, (7,), "RFC7668-3.2.4-15"),
            ):
                case.expect(
                    got in good, f"{name}_elision", " or ".join(MODES[m] for m in good), MODES[got],
                    requirement=rule, frame=found[1], offset=1,
                )  # fmt: skip
