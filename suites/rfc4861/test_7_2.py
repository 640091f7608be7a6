"""RFC 4861 §7.2, address resolution: what a neighbour's solicitation or advertisement changes, and what it does not.

RFC 4944 §8 has IPv6 over IEEE 802.15.4 resolve addresses so. A node of RFC 6775 resolves none (§5.6 there): of it only
the answers to solicitations are looked at.
"""

from collections.abc import Callable, Iterator

import pytest

from fixtures.api import (
    ECHO_REPLY,
    NEIGHBOR_ADVERTISEMENT,
    NEIGHBOR_SOLICITATION,
    Case,
    Identity,
    Seen,
    advertises,
    loses_nothing,
    needs,
    on_link,
    requirement,
    stimulus,
)
from sixlowpan import ipv6
from sixlowpan.addresses import ALL_NODES, UNSPECIFIED, solicited_node

pytestmark = on_link("ieee802154")

BROADCAST = b"\xff\xff"
ROUTER, SOLICITED, OVERRIDE = 0x80, 0x40, 0x20
RESERVED = 0x1FFFFFFF
NO_LENGTH = b"\xfd\0" + bytes(6)


def said(
    case: Case, who: Identity, kind: int, target: bytes, option: bytes = b"", *, word: int = 0,
    source: bytes | None = None, to: bytes | None = None, hop_limit: int = 255, code: int = 0,
) -> bytes:  # fmt: skip
    """Send a solicitation or advertisement from `who` about `target`, its first word of flags; return its frame."""
    tester = case.tester
    here, there = who.address if source is None else source, tester.dut_address if to is None else to
    message = ipv6.icmpv6(kind, code, word.to_bytes(4) + target + option, here, there)
    packet = ipv6.build(here, there, ipv6.ICMPV6, message, hop_limit=hop_limit)
    tester.ordinary.add(packet)
    return tester.send_packet(packet, tester.info(who.link, BROADCAST if there[0] == 0xFF else None))[0]


def advertised(case: Case, seconds: float, about: bytes | None = None) -> Iterator[Seen]:
    """Advertisements of the DUT's, about an address or any."""
    deadline = case.tester.now() + seconds
    while (seen := case.tester.hear(deadline)) is not None:
        told = seen.upper[8:24] if seen.icmp_type == NEIGHBOR_ADVERTISEMENT and seen.view is not None else b""
        if told and about in {None, told}:
            yield seen


def draws(case: Case, send: Callable[[], bytes], about: bytes) -> bytes:
    """The frame that draws an advertisement about this address each time; empty where one comes unasked as well.

    A node may tell all others of itself when it likes (RFC 4861 §7.2.6): what comes of a frame comes behind each.
    """
    frame = b""
    for _ in range(3):
        if list(advertised(case, case.settle, about)):
            return b""
        frame = send()
        if not list(advertised(case, case.settle, about)):
            return b""
    return frame


def resolves(case: Case) -> Identity:
    """A neighbour that the DUT knows now; RFC 6775 §5.6: "address resolution is not performed" by a node of it."""
    case.several_senders()
    if case.declares("nd"):
        case.unsupported("a node of RFC 6775 resolves no addresses", "not_declared")
    who = case.tester.fresh()
    seen = case.answered(lambda: stimulus(case, case.tester.echo()))
    if seen is None or seen.info.dst != who.link:  # what is wrong there is for the cases of RFC 4944 §8
        case.unsupported("the DUT does not answer where it was told to", "not_observable")
    return who


def answers_go_to(
    case: Case, who: Identity, link: bytes, behind: str, frame: bytes, requirement: str | None = None
) -> None:
    """An echo of `who` is answered at this link-layer address."""
    case.tester.identity = who
    seen = case.answered(lambda: stimulus(case, case.tester.echo()))
    if seen is not None:
        case.expect(
            seen.info.dst == link,
            "nd_taken",
            f"{behind}: answers go to {link.hex()}",
            f"to {seen.info.dst.hex()}",
            requirement=requirement,
            frame=frame,
        )


def solicited(case: Case, target: bytes, to: bytes) -> bytes:
    """Solicit this address, with the tester's link-layer address; the frame."""
    who = case.tester.identity
    return said(case, who, NEIGHBOR_SOLICITATION, target, case.tester.link_option(1, who.link), to=to)


def moves(case: Case, who: Identity, kind: int, reserved: int = 0) -> tuple[Identity, bytes]:
    """A neighbour's right solicitation or advertisement says another link address; who it is now, and the frame."""
    solicits = kind == NEIGHBOR_SOLICITATION
    elsewhere = case.tester.fresh()
    target = case.tester.dut_address if solicits else who.address
    option = case.tester.link_option(1 if solicits else 2, elsewhere.link)
    word = reserved if solicits else OVERRIDE << 24 | reserved
    frame = said(case, who, kind, target, option, word=word)
    case.tester._own(now := Identity(elsewhere.link, who.address))
    return now, frame


def moved(case: Case, who: Identity, kind: int) -> Identity:
    """Who the neighbour is behind an update that the DUT takes: of a node that takes none nothing is proved here."""
    now, _ = moves(case, who, kind)
    case.tester.identity = now
    with case.aside():
        seen = case.answered(lambda: stimulus(case, case.tester.echo()))
    if seen is None or seen.info.dst != now.link:
        why = "no such message gives a neighbour another link address: see rfc4944/8.options/neighbour_that_moves"
        case.unsupported(why, "not_observable")
    return now


@requirement("RFC4861-7.2.3-01")
@pytest.mark.parametrize("alike", ["last-24-bits", "identifier", "prefix"])
def test_target_that_looks_alike(case: Case, alike: str):
    """Solicitations for addresses whose end, identifier or prefix is the DUT's, but not all of it: no answer."""
    own = case.tester.dut_address
    target = {
        "last-24-bits": own[:10] + bytes(octet ^ 0x5A for octet in own[10:13]) + own[13:],
        "identifier": bytes.fromhex("20010db8a11ea11e") + own[8:],
        "prefix": own[:8] + own[8:15] + bytes([own[15] ^ 1]),
    }[alike]
    for to in (own, solicited_node(target)):
        frame = solicited(case, target, to)
        for _ in advertised(case, case.settle, target):
            case.finding("advertised", "no advertisement", f"one about {target.hex()}", frame=frame)
    if not advertises(case):
        case.unsupported("a solicitation for its own address is not answered, either", "not_observable")


@requirement("RFC4861-7.1.1-01")
@pytest.mark.parametrize("lie", ["to-the-address", "with-link-address"])
def test_unspecified_source(case: Case, lie: str):
    """A solicitation from :: to another address than the solicited-node group, or with an SLLAO: discarded (§7.1.1)."""
    tester, own = case.tester, case.tester.dut_address
    option = tester.link_option(1, tester.identity.link) if lie == "with-link-address" else b""
    to = own if lie == "to-the-address" else solicited_node(own)

    def lies() -> bytes:
        return said(case, tester.identity, NEIGHBOR_SOLICITATION, own, option, source=UNSPECIFIED, to=to)

    if frame := draws(case, lies, own):
        case.finding("advertised", "no advertisement", "one", frame=frame)
    if not advertises(case):
        case.unsupported("a right solicitation is not answered, either", "not_observable")


@requirement("RFC4861-7.2.4-01")
def test_answer_to_the_unspecified_address(case: Case):
    """Somebody tries the DUT's address (RFC 4862 §5.4): an advertisement with S=0 to all nodes."""
    loses_nothing(case)
    tester, own = case.tester, case.tester.dut_address
    said(case, tester.identity, NEIGHBOR_SOLICITATION, own, source=UNSPECIFIED, to=solicited_node(own))
    seen = next(advertised(case, case.timeout, own), None)
    if seen is None or seen.view is None:
        if case.declares("nd"):
            case.unsupported("a node of RFC 6775 need not listen to its solicited-node group", "not_declared")
        case.finding("nd_unanswered", "an advertisement to all nodes", "none")
        return
    frame, flags = seen.frames[0], seen.upper[4]
    case.expect(
        seen.view.dst == ALL_NODES, "advertised_to", "to ff02::1", f"to {seen.view.dst.hex()}", frame=frame
    )
    case.expect(not flags & SOLICITED, "solicited_flag", "S=0", "S=1", frame=frame)


@requirement("RFC4861-7.2.4-02", "RFC4861-7.2.4-01")
@needs("address")
def test_each_of_its_addresses(case: Case):
    """One of several addresses is solicited: the advertisement is about that one; R says whether it is a router."""
    tester = case.tester
    other = bytes.fromhex("20010db80000a11e") + tester.dut_address[8:15] + b"\x2b"
    case.give_address(other)
    role = case.rig.profile.parameters.role
    router = role == "6LBR"
    for target in (other, tester.dut_address):
        solicited(case, target, target)
        # what it advertises unasked has S=0 (RFC 4861 §7.2.6)
        seen = next((a for a in advertised(case, case.timeout) if a.upper[4] & SOLICITED), None)
        if seen is None:
            case.unsupported("the DUT answers no such solicitation", "not_observable")
        case.expect(seen.upper[8:24] == target, "target", target.hex(), seen.upper[8:24].hex(), frame=seen)
        says = bool(seen.upper[4] & ROUTER)
        # a host may be a router as well, unless it is a 6LN; and "a 6LR comes up as a non-router" (RFC 6775 §6.2)
        known = role in {"6LN", "6LBR"}
        case.expect(not known or says == router, "router_flag", f"R={router:d}", f"R={says:d}", frame=seen)


@requirement("RFC4861-7.2.3-01")
def test_solicitation_of_another_changes_nothing(case: Case):
    """A neighbour solicits an address that is not the DUT's, with another SLLAO: discarded, its entry stays."""
    who = resolves(case)
    tester = case.tester
    elsewhere, nobody = tester.fresh(), tester.fresh()
    to = tester.dut_address
    frame = said(
        case, who, NEIGHBOR_SOLICITATION, nobody.address, tester.link_option(1, elsewhere.link), to=to
    )
    answers_go_to(case, who, who.link, "behind a solicitation for somebody else", frame)


#: Advertisements about a neighbour, with another link-layer address, that change nothing (§7.1.2, §7.2.5).
VOID: dict[str, dict[str, object]] = {
    "override-clear": {"word": 0},
    "override-clear-solicited": {"word": SOLICITED << 24},
    "hop-limit-254": {"hop_limit": 254},
    "code-1": {"code": 1},
    "option-length-0": {"option": NO_LENGTH},
    "solicited-to-all-nodes": {"word": (SOLICITED | OVERRIDE) << 24, "to": ALL_NODES},
}


@requirement("RFC4861-7.2.5-01", "RFC4861-7.1.2-01")
@pytest.mark.parametrize("which", VOID)
def test_void_advertisement(case: Case, which: str):
    """O=0 "MUST NOT update the cache" with another link-layer address, nor does an NA that §7.1.2 has discarded."""
    who = resolves(case)
    elsewhere, how = case.tester.fresh(), {"word": OVERRIDE << 24, **VOID[which]}
    option = case.tester.link_option(2, elsewhere.link) + how.pop("option", b"")  # type: ignore[operator]
    frame = said(case, who, NEIGHBOR_ADVERTISEMENT, who.address, option, **how)  # type: ignore[arg-type]
    broken = "RFC4861-7.2.5-01" if which.startswith("override") else "RFC4861-7.1.2-01"
    answers_go_to(case, who, who.link, f"behind an advertisement, {which}", frame, broken)
    if not case.result.findings:
        moved(case, who, NEIGHBOR_ADVERTISEMENT)


@requirement("RFC4861-7.2.5-02")
def test_advertisement_of_a_stranger(case: Case):
    """An advertisement of whom the DUT does not know, with O=1: SHOULD be discarded. It then has to ask: advice."""
    resolves(case)
    tester = case.tester
    who, elsewhere = tester.fresh(), tester.fresh()
    option = tester.link_option(2, elsewhere.link)
    frame = said(case, who, NEIGHBOR_ADVERTISEMENT, who.address, option, word=OVERRIDE << 24)
    answers_go_to(case, who, who.link, "behind an advertisement of a stranger", frame)


@requirement("RFC4861-7.1.1-02", "RFC4861-7.1.2-02")
@pytest.mark.parametrize(
    "kind", [NEIGHBOR_SOLICITATION, NEIGHBOR_ADVERTISEMENT], ids=["solicitation", "advertisement"]
)
def test_reserved(case: Case, kind: int):
    """Every reserved bit set: "MUST be ignored by the receiver" (§4.3, §4.4), and the new link address is taken."""
    loses_nothing(case)
    who = moved(case, resolves(case), kind)
    now, frame = moves(case, who, kind, 0xFFFFFFFF if kind == NEIGHBOR_SOLICITATION else RESERVED)
    row = "RFC4861-7.1.1-02" if kind == NEIGHBOR_SOLICITATION else "RFC4861-7.1.2-02"
    answers_go_to(case, now, now.link, "behind an update with reserved bits", frame, row)


@requirement("RFC4861-7.2.2-01")
def test_two_resolutions(case: Case):
    """Two strangers ask and are solicited; one advertises itself: what waits for the other goes nowhere yet."""
    resolves(case)
    tester = case.tester
    first, second = tester.fresh(), tester.fresh()
    with tester.keeping_quiet():
        for who in (first, second):
            with tester.acting_as(who):
                tester.send_packet(tester.echo())
        asked: set[bytes] = set()
        deadline = tester.now() + case.timeout
        while len(asked) < 2 and (seen := tester.hear(deadline)) is not None:
            if seen.icmp_type == NEIGHBOR_SOLICITATION:
                asked.add(seen.upper[8:24])
        if asked != {first.address, second.address}:
            case.unsupported("the DUT does not resolve both before it answers", "not_observable")
        option = tester.link_option(2, second.link)
        frame = said(
            case, second, NEIGHBOR_ADVERTISEMENT, second.address, option, word=(SOLICITED | OVERRIDE) << 24
        )
        deadline = tester.now() + case.settle
        while (seen := tester.hear(deadline)) is not None:
            if seen.icmp_type == ECHO_REPLY and seen.view is not None and seen.view.dst == first.address:
                case.finding(
                    "nd_taken",
                    "nothing for who was not resolved",
                    f"an answer of its, to {seen.info.dst.hex()}",
                    frame=frame,
                )
