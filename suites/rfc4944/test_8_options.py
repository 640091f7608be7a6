"""RFC 4944 §8, link-layer address options that name another address than the MAC header: the option counts.

"the link-layer address ... on which the interface currently responds" is in the option; RFC 4861 §7.2.3 and §7.2.5 say
that it is what a neighbour's entry gets, and when it replaces what was there. The tester answers at all of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from fixtures.api import (
    NEIGHBOR_ADVERTISEMENT,
    NEIGHBOR_SOLICITATION,
    Case,
    Identity,
    Seen,
    Stimulus,
    on_link,
    requirement,
    stimulus,
)
from sixlowpan import ipv6

pytestmark = on_link("ieee802154")

SOLICITED, OVERRIDE = 0x40, 0x20
#: An option that no document of the DUT's knows (RFC 4861 §4.6: "skip over any option they do not recognize").
UNKNOWN = bytes([0xF1, 1]) + bytes.fromhex("a1a2a3a4a5a6")


@dataclass
class Neighbour:
    """A neighbour's address, and link addresses: what it is made of, what options name, where frames come from."""

    address: bytes
    made_of: bytes
    option: bytes
    frames: bytes


def become(case: Case, *, short: bool = False) -> Neighbour:
    """Somebody whose frames come from another link address than the one that is in the options."""
    case.several_senders()
    tester = case.tester
    of = tester.fresh()
    frames = tester.fresh().link
    option = tester.fresh_short().link if short else tester.fresh().link
    tester.identity = tester._own(Identity(option, of.address))
    return Neighbour(of.address, of.link, option, frames)


def moved(case: Case, address: bytes, link: bytes) -> None:
    """The tester answers for this address at this link-layer address from now on."""
    case.tester.identity = Identity(link, address)
    case.tester.also(address)


def say(case: Case, who: Neighbour, kind: int, flags: int, option: bytes) -> None:
    """Neighbor Discovery from `who` to the DUT, its source in-line: a solicitation of it, or an advertisement.

    As often as the medium may lose it: what it says may be said twice.
    """
    tester = case.tester
    target = tester.dut_address if kind == NEIGHBOR_SOLICITATION else who.address
    body = bytes([flags, 0, 0, 0]) + target + option
    message = ipv6.icmpv6(kind, 0, body, who.address, tester.dut_address)
    packet = ipv6.build(who.address, tester.dut_address, ipv6.ICMPV6, message, hop_limit=255)
    tester.ordinary.add(packet)
    for _ in range(case.rig.file.attempts):
        made = stimulus(case, packet, info=tester.info(who.frames))
        tester.send(made.payloads, made.info)


def echo_of(case: Case, who: Neighbour) -> Callable[[], Stimulus]:
    return lambda: stimulus(case, case.tester.echo(source=who.address), info=case.tester.info(who.frames))


def right(case: Case, who: Neighbour, link: bytes, got: bytes) -> bool:
    """Whether a frame for `who` that goes to `got` goes where it may, when an option named `link`.

    RFC 6775 §5.6: link-local destinations are reached "by reversing the procedure in Appendix A of [RFC4291]", and
    "address resolution is not performed": so a node of that document may, whatever an option says.
    """
    return got == link or (case.declares("nd") and got == who.made_of)


def goes_to(case: Case, who: Neighbour, link: bytes, code: str = "neighbour_address") -> None:
    """An echo of `who` is answered to this link address."""
    seen = case.answered(echo_of(case, who))
    if seen is not None:
        case.expect(
            right(case, who, link, seen.info.dst),
            code,
            f"the reply goes to {link.hex()}, which the option named",
            f"it goes to {seen.info.dst.hex()}",
            frame=seen,
        )


def resolved(case: Case, who: Neighbour, options: bytes) -> Seen | None:
    """The DUT looks for whom it has to answer, and is told by an advertisement with these options; its answer."""
    tester = case.tester
    with tester.keeping_quiet():
        made = echo_of(case, who)()
        tester.ordinary.add(made.packet or b"")
        tester.send(made.payloads, made.info)
        deadline = tester.now() + case.timeout
        while (seen := tester.hear(deadline)) is not None:
            if seen.icmp_type == NEIGHBOR_SOLICITATION and seen.upper[8:24] == who.address:
                break
        if seen is None:
            case.unsupported("the DUT sends no Neighbor Solicitation before it answers")
        say(case, who, NEIGHBOR_ADVERTISEMENT, SOLICITED | OVERRIDE, options)
        return tester.reply_to(made.packet or b"", tester.now() + case.settle)


@requirement("RFC4944-8-04", "RFC4944-8-01", "RFC4944-8-03")
@pytest.mark.parametrize("size", ["extended", "short"])
@pytest.mark.parametrize("by", ["solicitation", "advertisement"])
def test_option_unlike_the_frame(case: Case, by: str, size: str):
    """A neighbour whose frames come from another address than its option names is answered where the option says."""
    tester = case.tester
    who = become(case, short=size == "short")
    if by == "solicitation":
        before = len(tester.heard)
        say(case, who, NEIGHBOR_SOLICITATION, 0, tester.link_option(1, who.option))
        goes_to(case, who, who.option)
        for seen in tester.heard[before:]:
            if seen.icmp_type == NEIGHBOR_ADVERTISEMENT and seen.view and seen.view.dst == who.address:
                wanted, got = f"the advertisement goes to {who.option.hex()}", seen.info.dst.hex()
                sure = right(case, who, who.option, seen.info.dst)
                case.expect(sure, "neighbour_address", wanted, f"it goes to {got}", frame=seen)
        return
    resolved(case, who, tester.link_option(2, who.option))
    goes_to(case, who, who.option)


@requirement("RFC4944-8-01", "RFC4944-8-04", "RFC4944-8-03", "RFC4944-8-02")
@pytest.mark.parametrize("size", ["extended", "short", "short-to-extended"])
@pytest.mark.parametrize("by", ["solicitation", "advertisement"])
def test_neighbour_that_moves(case: Case, by: str, size: str):
    """A neighbour gets another link-layer address, and says so: it replaces the old one (RFC 4861 §7.2.3, §7.2.5)."""
    tester = case.tester
    who = become(case, short=size == "short-to-extended")
    say(case, who, NEIGHBOR_SOLICITATION, 0, tester.link_option(1, who.option))
    goes_to(case, who, who.option)
    if case.result.findings:
        return
    elsewhere = (tester.fresh_short if size == "short" else tester.fresh)().link
    who.option = elsewhere
    tester.identity = tester._own(Identity(elsewhere, who.address))
    kind = NEIGHBOR_SOLICITATION if by == "solicitation" else NEIGHBOR_ADVERTISEMENT
    flags = 0 if by == "solicitation" else OVERRIDE
    say(case, who, kind, flags, tester.link_option(1 if by == "solicitation" else 2, elsewhere))
    goes_to(case, who, elsewhere, "neighbour_moved")


@requirement("RFC4944-8-01", "RFC4861-7.1.1-01", "RFC4944-8-04")
@pytest.mark.parametrize("where", ["before", "behind", "both"])
def test_option_beside_others(case: Case, where: str):
    """A Target Link-Layer Address option in front of unknown options, behind them, between them: it is found."""
    tester = case.tester
    who = become(case)
    option = tester.link_option(2, who.option)
    options = {"before": option + UNKNOWN, "behind": UNKNOWN + option, "both": UNKNOWN * 2 + option + UNKNOWN}
    answer = resolved(case, who, options[where])
    if answer is not None and right(case, who, who.option, answer.info.dst):
        return  # it found the option, and may have forgotten it since (RFC 4861 §5.3)
    with tester.keeping_quiet():  # whoever did not find it asks once more, and is not told
        goes_to(case, who, who.option)


@requirement("RFC4944-5.1-05", "RFC6282-2-04", "RFC4944-8-01", "RFC4944-4-02")
@pytest.mark.parametrize("form", ["uncompressed", "in-line", "fragments"])
def test_form_of_a_solicitation(case: Case, form: str):
    """A Neighbor Solicitation in any form of the adaptation layer is one: uncompressed, in-line, in fragments."""
    tester = case.tester

    def make() -> Stimulus:
        who = tester.fresh()
        more = UNKNOWN * 12 if form == "fragments" else b""
        body = bytes(4) + tester.dut_address + tester.link_option(1, who.link) + more
        message = ipv6.icmpv6(NEIGHBOR_SOLICITATION, 0, body, who.address, tester.dut_address)
        packet = ipv6.build(who.address, tester.dut_address, ipv6.ICMPV6, message, hop_limit=255)
        fields = {"uncompressed": {"dispatch": 0x41}, "in-line": {"HLIM": 0, "SAM": 0}}.get(form, {})
        return stimulus(case, packet, note=f"a solicitation, {form}", **fields)  # type: ignore[arg-type]

    def advertised() -> bool:
        before = len(tester.heard)
        made = make()
        case.tapped_behind([made])
        own = made.packet[8:24] if made.packet else b""
        return any(
            seen.icmp_type == NEIGHBOR_ADVERTISEMENT and seen.view is not None and seen.view.dst == own
            for seen in tester.heard[before:]
        )

    if form == "fragments":
        case.room_for(200)
    if any(advertised() for _ in range(2 * case.rig.file.attempts)):
        return
    form, asked = "plain", form
    if not any(advertised() for _ in range(2 * case.rig.file.attempts)):
        case.unsupported("the DUT answers no Neighbor Solicitation from us")
    rows = {"uncompressed": "RFC4944-5.1-05", "in-line": "RFC6282-2-04", "fragments": "RFC4944-4-02"}
    case.finding(
        "solicitation_dropped",
        f"a Neighbor Advertisement to a solicitation that comes {asked}",
        "none, but to an ordinary one",
        requirement=rows[asked],
    )
