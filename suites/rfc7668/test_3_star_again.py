"""RFC 7668 §3.2.1, the star: what a 6LBR carries nowhere, and that its connections share nothing of their channels."""

from fixtures.api import Case, needs, on_link, requirement
from sixlowpan import encode
from suites.rfc7668.channel import live
from suites.rfc7668.star import arrives, carried, two
from suites.rfc7668.test_2_4_frames import k_frames
from suites.rfc7668.test_3_2_5 import GROUP
from suites.rfc7668.test_3_star import own_addresses
from suites.rfc7668.test_3_star_events import starved

pytestmark = [on_link("ble"), needs("connect")]


@requirement("RFC7668-3.2.1-02")
def test_link_local_source(case: Case):
    """A packet from a link-local address does not leave its connection, whatever it is for (RFC 4291 §2.5.6)."""
    with two(case) as (first, second):
        _, there = own_addresses(case, first, second)
        found = arrives(first, first.datagram(first.address, there), second)
        case.expect(found is None, "carried", "nothing from a link-local address", "the packet")


@requirement("RFC7668-3.2.1-02", "RFC7668-3.2.5-02")
def test_group_from_a_link_local_source(case: Case):
    """Nor does one for a group of a wider scope, which a 6LN with a registered address reaches (RFC 4291 §2.5.6)."""
    with two(case) as (first, second):
        here, _ = own_addresses(case, first, second)
        second.listen(GROUP)
        found = arrives(first, first.datagram(first.address, GROUP), second)
        case.expect(found is None, "carried", "nothing from a link-local address", "the packet")
        found = arrives(first, first.datagram(here, GROUP), second)
        case.expect(
            found is not None, "listener_lost", "the packet of a registered address", "nothing",
            requirement="RFC7668-3.2.5-02",
        )  # fmt: skip


@requirement("RFC7668-3.2.1-03")
def test_nobody_there(case: Case):
    """A packet for an address that nobody registered goes to no 6LN, and not back to the one that it came from."""
    with two(case) as (first, second):
        here, _ = own_addresses(case, first, second)
        packet = first.datagram(here, here[:8] + b"\x77" + case.tester.pattern(7))
        found = arrives(first, packet, second)
        case.expect(found is None, "carried", "nothing at another 6LN", "the packet")
        back = [seen for seen in first.tester.heard if (got := first.read(seen)) and carried(packet, got)]
        case.expect(not back, "carried", "nothing back", "the packet", frame=back[0] if back else None)


@requirement("RFC7668-3.2-03", "RFC7668-2.4-01")
def test_half_an_sdu_of_each(case: Case):
    """Half an SDU of one 6LN, a whole one of the other, the rest: each channel puts its own K-frames together."""
    with two(case) as (first, second):
        tester = case.tester
        request = tester.echo(24, source=first.address, destination=tester.dut_address)
        sdu, link = encode(request, first.info(), tester.contexts), live(case)
        frames = k_frames(sdu, min(link.channel.peer.mps, len(sdu) // 2 + 2))
        if link.channel.credits < len(frames):
            case.unsupported(f"the DUT gives fewer than {len(frames)} credits at a time", "not_observable")
        link.send_frames(frames[0])
        case.expect(second.alive(), "no_answer", "an answer to the other 6LN meanwhile", "none")
        link.send_frames(*frames[1:])
        found = first.answer_to(request)
        good = found is not None and found[0].endswith(request[48:])
        case.expect(good, "no_answer", "the answer to the SDU that came in two parts", "none, or another")


@requirement("RFC7668-3.2-03", "RFC7668-2.4-01")
def test_credits_of_each(case: Case):
    """One 6LN gives no credits, the other gives many: a K-frame to the first, for which there is none, is a breach."""
    with two(case) as (first, second):
        here, there = own_addresses(case, first, second)
        starved(case, first, second, here, there, closely=True)
