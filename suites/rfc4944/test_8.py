"""RFC 4944 §6 to §8: interface identifiers, link-local addresses, and link-layer address options."""

from collections.abc import Iterator

import pytest

from fixtures.api import (
    ECHO_REPLY,
    NEIGHBOR_ADVERTISEMENT,
    NEIGHBOR_SOLICITATION,
    Case,
    Identity,
    Seen,
    link_info,
    on_link,
    requirement,
    stimulus,
)
from sixlowpan import addresses

pytestmark = on_link("ieee802154")


@requirement(
    "RFC4944-7-01",
    "RFC4944-6-02",
    "RFC4944-6-05",
    "RFC4944-6-01",
    "RFC4944-6-04",
    "RFC4944-6-06",
    "RFC4944-6-09",
)
def test_link_local_address(case: Case):
    """§7: fe80::/64 and the IID of §6, from the EUI-64 (U/L inverted) or from a short address (U/L zero)."""
    link, address = case.rig.link, case.tester.dut_address
    legal = {addresses.link_local(link.dut)}
    if link.dut_short:
        legal |= {
            addresses.link_local(link.dut_short),
            addresses.LINK_LOCAL_PREFIX + _with_pan(link.dut_short, link.pan),
        }
    if address not in legal and all(_opaque(address, other) for other in legal):
        case.unsupported('the interface identifier is opaque (RFC 8064 §3; RFC 4944 §6 says "may")')
    case.expect(address in legal, "link_local", " or ".join(sorted(a.hex() for a in legal)), address.hex())


def _opaque(address: bytes, other: bytes) -> bool:
    """Whether an address has little to do with one that was made from a link address: most octets differ."""
    return address[:8] == other[:8] and sum(a == b for a, b in zip(address[8:], other[8:], strict=True)) < 4


def _with_pan(short: bytes, pan: bytes) -> bytes:
    """§6: PAN id, 00ff, fe00, short address, with the U/L bit cleared."""
    return bytes([pan[0] & 0xFD, pan[1]]) + bytes.fromhex("00fffe00") + short


@requirement("RFC4944-6-03")
def test_pan_id_in_a_short_address(case: Case):
    """§6: the IID of a short address begins with the PAN id, where it is known; zeros in its place are advice."""
    link, address = case.rig.link, case.tester.dut_address
    if not link.dut_short or address[10:] != bytes.fromhex("00fffe00") + link.dut_short:
        case.unsupported("the DUT's link-local address is not made from a short address", "not_declared")
    with_pan = addresses.LINK_LOCAL_PREFIX + _with_pan(link.dut_short, link.pan)
    case.expect(address == with_pan, "no_pan_id", with_pan.hex(), address.hex())


@requirement("RFC4944-8-01", "RFC4944-8-02", "RFC4944-8-04")
def test_address_resolution(case: Case):
    """§8: resolution "follows ... Section 7.2 of [RFC4861]": the answer goes to the address that we advertise."""
    case.stranger()
    _answer_goes_to_us(case)


@requirement("RFC4944-8-03", "RFC4944-8-01", "RFC4944-8-04")
def test_address_of_a_short_neighbour(case: Case):
    """§8: in an option of length 1 the address has 16 bits, and that is where the answer goes."""
    if not case.rig.link.any_source:
        case.unsupported("the link cannot send from a short address", "not_on_this_link")
    case.stranger(short=True)
    _answer_goes_to_us(case)


def _answer_goes_to_us(case: Case) -> None:
    tester = case.tester
    seen = case.answered(lambda: stimulus(case, tester.echo()))
    if seen is not None:
        right = {tester.identity.link}
        if case.declares("nd"):
            # RFC 6775 §5.6: "It is assumed that link-local addresses are formed [...] from the EUI-64, and address
            # resolution is not performed": the one that gives the identifier of a short address will do.
            right.add(bytes([tester.identity.address[8] ^ 2]) + tester.identity.address[9:])
        case.expect(
            seen.info.dst in right,
            "neighbour_address",
            f"the reply goes to {tester.identity.link.hex()}",
            f"it goes to {seen.info.dst.hex()}",
            frame=seen,
        )


def before_the_answer(case: Case) -> Iterator[Seen]:
    """What the DUT sends between an echo of a neighbour that it has not met, and its answer to that."""
    tester = case.tester
    case.stranger()
    tester.send_packet(tester.echo())
    deadline = tester.now() + case.timeout
    while (seen := tester.hear(deadline)) is not None and (seen.stale or seen.icmp_type != ECHO_REPLY):
        yield seen


@requirement("RFC4944-8-02", "RFC4944-8-03", "RFC4944-8-04", "RFC4944-8-01")
def test_link_layer_address_option(case: Case):
    """§8: type 1, length 2 and 6 zero octets for an EUI-64, length 1 and 4 zero octets for a short address."""
    for seen in before_the_answer(case):
        if seen.icmp_type != NEIGHBOR_SOLICITATION or len(seen.upper) < 32:
            continue
        option, address = option_of(seen, 1), seen.info.src
        legal = {bytes([1, 2]) + case.rig.link.dut + bytes(6)}
        if case.rig.link.dut_short:
            legal.add(bytes([1, 1]) + case.rig.link.dut_short + bytes(4))
        case.expect(
            option in legal,
            "address_option",
            " or ".join(sorted(o.hex(" ") for o in legal)),
            f"{option.hex(' ')} (sent from {address.hex()})",
            requirement="RFC4944-8-02" if option[1:2] == b"\2" else "RFC4944-8-03",
            frame=seen,
        )
        own = option[2:10] if option[1:2] == b"\2" else option[2:4]
        case.expect(
            own in {seen.info.src, case.rig.link.dut, case.rig.link.dut_short},
            "address_of_another",
            "the address that the interface answers to now",
            own.hex(),
            requirement="RFC4944-8-04",
            frame=seen,
        )
        return
    case.unsupported("the DUT sent no Neighbor Solicitation with an address option")


def option_of(seen: Seen, kind: int) -> bytes:
    """The first option of this type in a message of Neighbor Discovery; what cannot be an option, where there is none.

    Others may stand beside it, such as a Nonce (RFC 7527): receivers ignore what they do not know (RFC 4861 §4.6).
    """
    octets = seen.upper[24:]
    while len(octets) > 1 and octets[1] and octets[0] != kind:
        octets = octets[8 * octets[1] :]
    return octets[: 8 * octets[1]] if octets[:1] == bytes([kind]) and octets[1:2] > b"\0" else octets


def advertisement(case: Case, *, multicast: bool) -> Seen | None:
    """The DUT's answer to a Neighbor Solicitation for its address, to the address or to its solicited-node group.

    If none comes to us, what it said to all nodes instead, which it may do at any time (RFC 4861 §7.2.6).
    """
    tester = case.tester
    own, target = tester.identity.address, tester.dut_address
    destination = addresses.solicited_node(target) if multicast else target
    packet = tester.solicitation(target, to=destination)
    to_others: Seen | None = None
    for _ in range(case.rig.file.attempts):
        tester.send_packet(packet, link_info(case, packet))
        deadline = tester.now() + case.timeout
        while (seen := tester.hear(deadline)) is not None:
            if seen.icmp_type == NEIGHBOR_ADVERTISEMENT and seen.view is not None and len(seen.upper) >= 24:
                if seen.view.dst == own:
                    return seen
                to_others = to_others or seen
    return to_others


@requirement("RFC4944-8-01", "RFC4861-7.1.2-01")
@pytest.mark.parametrize("asked", ["unicast", "multicast"])
def test_advertisement(case: Case, asked: str):
    """RFC 4861 §7.2.4: to the source of the solicitation, with its target and the Solicited flag."""
    case.tester.fresh()
    seen = advertisement(case, multicast=asked == "multicast")
    if seen is None or seen.view is None:
        case.unsupported("the DUT answers no such Neighbor Solicitation")
    frame, message = seen.frames[0], seen.upper
    for code, expected, actual in (
        ("target", case.tester.dut_address.hex(), message[8:24].hex()),
        ("advertised_to", case.tester.identity.address.hex(), seen.view.dst.hex()),
        ("solicited_flag", "S=1", f"S={message[4] >> 6 & 1}"),
    ):
        case.expect(expected == actual, code, expected, actual, frame=frame)


@requirement("RFC4944-8-02", "RFC4944-8-03", "RFC4944-8-04", "RFC4944-8-01", "RFC4861-7.2.4-03")
@pytest.mark.parametrize("asked", ["unicast", "multicast"])
def test_target_link_layer_address_option(case: Case, asked: str):
    """§8: type 2 and an address of ours; where the solicitation was multicast it MUST be there (RFC 4861 §7.2.4)."""
    link = case.rig.link
    case.tester.fresh()
    seen = advertisement(case, multicast=asked == "multicast")
    if seen is None:
        case.unsupported("the DUT answers no such Neighbor Solicitation")
    option = option_of(seen, 2)
    legal = {bytes([2, 2]) + link.dut + bytes(6)}
    if link.dut_short:
        legal.add(bytes([2, 1]) + link.dut_short + bytes(4))
    if not option and asked == "unicast":
        return  # "the option MAY be omitted"
    case.expect(
        option in legal,
        "address_option",
        " or ".join(sorted(o.hex(" ") for o in legal)),
        option.hex(" ") or "no option",
        requirement="RFC4944-8-03"
        if option[1:2] == b"\1"
        else "RFC4944-8-02"
        if option
        else "RFC4861-7.2.4-03",
        frame=seen,
    )


@requirement("RFC4944-8-01", "RFC4861-7.1.1-01")
def test_solicitation(case: Case):
    """RFC 4861 §7.2.2: to the solicited-node group of the target, with our option, from an address of the DUT."""
    tester = case.tester
    for seen in before_the_answer(case):
        if seen.icmp_type != NEIGHBOR_SOLICITATION or seen.view is None or len(seen.upper) < 24:
            continue
        target, frame = seen.upper[8:24], seen.frames[0]
        if target != tester.identity.address:
            continue
        group = addresses.solicited_node(target)
        destinations = {group, target}  # RFC 4861 §7.3.3: a probe of a neighbour that it knows is unicast
        case.expect(
            seen.view.dst in destinations, "solicited_group", group.hex(), seen.view.dst.hex(), frame=frame
        )
        case.expect(
            seen.view.src != bytes(16),
            "solicitation_source",
            "an address of the interface",
            "the unspecified address",
            frame=frame,
        )
        case.expect(
            seen.view.dst != group or len(seen.upper) > 24,
            "no_source_option",
            "a Source Link-Layer Address option in a multicast solicitation",
            "none",
            frame=frame,
        )
        return
    case.unsupported("the DUT sent no Neighbor Solicitation for our address")


@requirement("RFC4944-8-01")
def test_neighbours_that_look_alike(case: Case):
    """§8: neighbours whose addresses end alike, or have one identifier under two prefixes, get answers each of its own.

    The second link address differs from the first in one octet, which neither the last 24 bits of the identifier nor
    the solicited-node group have.
    """
    case.several_senders()
    tester = case.tester
    first = tester.fresh()
    near = bytes([first.link[0], first.link[1] ^ 0x5A, *first.link[2:]])
    alike = [(first, tester.dut_address), (Identity(near, addresses.link_local(near)), tester.dut_address)]
    # RFC 4291 §2.5.1: an identifier is unique within a prefix; RFC 6775 §5.6 makes link-layer addresses of identifiers
    if case.can("address") and not case.declares("nd"):
        prefix = bytes.fromhex("20010db80008a11e")
        case.give_address(prefix + tester.dut_address[8:])
        third = Identity(tester.fresh().link, prefix + first.address[8:])
        alike.append((third, prefix + tester.dut_address[8:]))
    for who, asked in (*alike, *alike):
        with tester.acting_as(who):
            tester.also(who.address)
            seen = case.answered(
                lambda who=who, asked=asked: stimulus(
                    case, tester.echo(source=who.address, destination=asked)
                )
            )
        if seen is not None:
            case.expect(
                seen.info.dst == who.link,
                "neighbour_address",
                f"the reply goes to {who.link.hex()}",
                f"it goes to {seen.info.dst.hex()}",
                frame=seen,
            )


@requirement("RFC4944-8-02", "RFC4944-8-01")
def test_address_that_ends_in_zeros(case: Case):
    """§8: the Length of the option tells an EUI-64 from a short address, though six octets of zeros end it."""
    case.several_senders()
    tester, link = case.tester, bytes([0x02, 0x5A, *bytes(6)])
    who = Identity(link, addresses.link_local(link))
    with tester.acting_as(who):
        tester.also(who.address)
        seen = case.answered(lambda: stimulus(case, tester.echo(source=who.address)))
    if seen is not None:
        told = (f"the reply goes to {link.hex()}", f"it goes to {seen.info.dst.hex()}")
        case.expect(seen.info.dst == link, "neighbour_address", *told, frame=seen)
