"""RFC 6282 §3.1.1, other forms that the DUT sends than its plain answer has: traffic class, flow label, hop limits."""

import pytest

from fixtures.api import (
    NEIGHBOR_ADVERTISEMENT,
    Case,
    Identity,
    Seen,
    advice,
    breaches,
    link_info,
    needs,
    requirement,
    router_advertisement,
    shown,
    stimulus,
    well_answered,
    well_sent,
)
from sixlowpan import ipv6
from sixlowpan.addresses import LINK_LOCAL_PREFIX, link_local

#: Traffic classes and flow labels of requests: each TF, and classes that look the same when ECN and DSCP are swapped.
WORDS = (
    (0x00, 0x00000),
    (0xAA, 0x00000),
    (0x01, 0x00000),
    (0xB8, 0x00000),
    (0xB9, 0x00000),
    (0xFC, 0x00000),
    (0x00, 0x12345),
    (0x02, 0x00001),
    (0xB9, 0xABCDE),
    (0xAA, 0xF0000),
    (0xFF, 0xFFFFF),
)
#: Octets of data of an echo that needs fragments.
LARGE = 300
#: What a node may take over from a request, and where it stands in the first word of an IPv6 header.
PARTS = {
    "DSCP": (0x0FC00000, "RFC6282-3.1.1-03"),
    "ECN": (0x00300000, "RFC6282-3.1.1-04"),
    "flow label": (0x000FFFFF, "RFC6282-3.1.1-02"),
}


@requirement(
    "RFC6282-3.1.1-01", "RFC6282-3.1.1-02", "RFC6282-3.1.1-03", "RFC6282-3.1.1-04", "RFC6282-3.2.1-01"
)
def test_traffic_class_of_answers(case: Case):
    """Answers to requests with each TF decode; a DUT that takes over class or label sends it as it takes it.

    Both are the DUT's to choose (RFC 4443 §4.2, RFC 6437 §3): what comes back in some answers must do so in all. A DUT
    that sends one value of its own agrees with a request that has the same: two values that come back are taken over.
    """
    pairs: list[tuple[int, int, Seen]] = []
    for traffic_class, label in WORDS:
        header = {"traffic_class": traffic_class, "flow_label": label}
        seen = case.answered(lambda header=header: stimulus(case, case.tester.echo(12, **header)))
        if seen is None or seen.view is None:
            return
        well_sent(case, seen)
        pairs.append(
            (traffic_class << 20 | label, seen.view.traffic_class << 20 | seen.view.flow_label, seen)
        )
    taken = {
        name: mask
        for name, (mask, _) in PARTS.items()
        if len({asked & mask for asked, got, _ in pairs if asked & mask and asked & mask == got & mask}) > 1
    }
    if not taken:
        case.unsupported("the DUT takes neither traffic class nor flow label over: its answers have TF=11")
    for asked, got, seen in pairs:
        for name, mask in taken.items():
            case.expect(
                asked & mask == got & mask,
                "sent_traffic",
                f"{name} as in the request and in the other answers: {asked & mask:08x}",
                f"{got & mask:08x}, in an answer to a request with {asked:08x}",
                requirement="RFC6282-3.2.1-01" if name != "flow label" else PARTS[name][1],
                frame=seen,
            )


def _neighbours(case: Case) -> list[Identity]:
    """The tester with a long address, and with a short one where the link can send from it and the DUT answers it."""
    tester = case.tester
    first = tester.identity
    if tester.kind == "ble" or not case.rig.link.any_source:
        return [first]
    with tester.acting_as(tester.fresh_short()):
        short, request = tester.identity, tester.echo()
        tester.send_packet(request)
        answered = tester.reply_to(request, tester.now() + case.timeout) is not None
    tester.identity = first
    return [first, short] if answered else [first]


@requirement("RFC6282-3.1.1-07", "RFC6282-3.1.1-09", "RFC6282-3.1.1-10", "RFC4944-5.3-03", "RFC6282-2-06")
def test_hop_limits_of_answers(case: Case):
    """Answers, advertisements and errors to neighbours with long and short addresses: the hop limit is the DUT's own.

    Routers tell it (RFC 4861 §6.3.4): it is the same to every neighbour, and 255 in Neighbor Discovery (§7.2.4). A DUT
    that has several may do so (RFC 8200 §3), and then nothing can be told from it; two of them are advice, for a form
    that is wrong at times looks like that.
    """
    tester, neighbours = case.tester, _neighbours(case)
    own = [case.answered(lambda: stimulus(case, tester.echo())) for _ in range(5)]
    limits = [seen.view.hop_limit for seen in own if seen is not None and seen.view is not None]
    if len(set(limits)) > 2:
        case.unsupported("the DUT has several hop limits in five equal answers")
    with advice(case):
        steady = case.expect(
            len(set(limits)) < 2, "sent_hop_limit", "one hop limit in five equal answers", ", ".join(map(str, limits)),
            requirement="RFC6282-3.1.1-09",
        )  # fmt: skip
    if not steady:
        return
    heeded: dict[int, int] = {}
    large = tester.kind == "ieee802154" and case.takes(lambda: stimulus(case, tester.echo(LARGE)))
    try:
        for told in (64, 63, 255, 1, 37):
            case.survives(lambda told=told: router_advertisement(case, hop_limit=told))
            found: dict[str, int] = {}
            for who in neighbours:
                with tester.acting_as(who):
                    seen = case.answered(lambda: stimulus(case, tester.echo()))
                    if seen is None or seen.view is None:
                        return
                    well_sent(case, seen)
                    found[f"to one with {len(who.link)} octets"] = seen.view.hop_limit
                    heeded.setdefault(told, seen.view.hop_limit)
                    _advertised(case)
                    _unreachable(case, seen.view.hop_limit)
            found |= _from_its_short_address(case)
            if large:
                found |= _in_fragments(case)
            case.expect(
                len(set(found.values())) < 2,
                "sent_hop_limit",
                "one hop limit, whoever is asked and whoever asks",
                ", ".join(f"{limit} {end}" for end, limit in found.items()),
                requirement="RFC6282-3.1.1-07",
            )
        if sum(told == got for told, got in heeded.items()) > 2:  # RFC 4861 §6.3.4: SHOULD; this one does
            for told, got in heeded.items():
                case.expect(
                    told == got,
                    "sent_hop_limit",
                    f"{told}, as routers told, and as with others that they told",
                    str(got),
                    requirement="RFC6282-3.1.1-09",
                )
    finally:
        case.survives(lambda: router_advertisement(case, hop_limit=64))


def _in_fragments(case: Case) -> dict[str, int]:
    """The hop limit of an answer that needs fragments; whatever it is, the headers in the first of them are whole."""
    since = case.tester.stamp()
    seen = well_answered(case, lambda: case.tester.echo(LARGE))
    for breach in breaches(case.tester.incomplete(since), case.tester.contexts) if seen is None else ():
        case.breached(breach)
    return {"in fragments": seen.view.hop_limit} if seen is not None and seen.view is not None else {}


def _from_its_short_address(case: Case) -> dict[str, int]:
    """The hop limit of an answer from the DUT's short address, where it has one beside that by which it is known."""
    link, tester = case.rig.link, case.tester
    if not link.dut_short or link.dut_short == tester.dut_link:
        return {}
    request = tester.echo(destination=link_local(link.dut_short))
    tester.send_packet(request, tester.info(destination=link.dut_short))
    seen = tester.reply_to(request, tester.now() + case.timeout)
    if seen is None or seen.view is None:
        return {}
    well_sent(case, seen)
    return {"from its short address": seen.view.hop_limit}


def _advertised(case: Case) -> None:
    """The answer to a Neighbor Solicitation, where there is one, has hop limit 255 (RFC 4861 §7.1.2)."""
    tester = case.tester
    if tester.kind == "ble":
        return
    packet = tester.solicitation(tester.dut_address)
    tester.send_packet(packet, link_info(case, packet))
    deadline = tester.now() + case.timeout
    while (seen := tester.hear(deadline)) is not None:
        if seen.icmp_type == NEIGHBOR_ADVERTISEMENT and seen.view is not None:
            well_sent(case, seen)
            case.expect(
                seen.view.hop_limit == 255,
                "sent_hop_limit",
                "255 in a Neighbor Advertisement",
                str(seen.view.hop_limit),
                requirement="RFC6282-3.1.1-10",
                frame=seen,
            )
            return


def _unreachable(case: Case, hop_limit: int) -> None:
    """An ICMPv6 error, where one comes, has the hop limit that an Echo Reply has: both are the DUT's own packets."""
    if not case.can("port_unreachable"):
        return
    before = len(case.tester.heard)
    case.tester.send_packet(shown(case) if not case.dut.has_tap else case.tester.datagram())
    case.control()
    for seen in case.tester.heard[before:]:
        if seen.icmp_type == 1 and seen.view is not None:
            well_sent(case, seen)
            case.expect(
                seen.view.hop_limit in {hop_limit, 64, 255},
                "sent_hop_limit",
                f"hop limit {hop_limit}, as in an Echo Reply",
                str(seen.view.hop_limit),
                requirement="RFC6282-3.1.1-09",
                frame=seen,
            )


@needs("address", "port_unreachable")
@requirement("RFC6282-3.2.2-03", "RFC6282-3.1.1-16", "RFC6282-3.1.1-17")
@pytest.mark.parametrize("iid", ["0123456789abcdef", "000000fffe001234"], ids=["64-bits", "16-bits"])
def test_errors_from_an_address_of_its_own(case: Case, iid: str):
    """An ICMPv6 error from an address whose IID is not that of the link address: it "MUST NOT be elided" (§3.2.2)."""
    tester = case.tester
    own = LINK_LOCAL_PREFIX + bytes.fromhex(iid)
    case.give_address(own)
    before = len(tester.heard)
    source = tester.identity.address
    message = ipv6.udp(0x1234, 0x5678, tester.pattern(8), source, own)
    packet = ipv6.build(source, own, ipv6.UDP, message)
    made = stimulus(case, packet)
    tester.ordinary.add(packet)
    tester.send(made.payloads, made.info)
    case.control()
    errors = [seen for seen in tester.heard[before:] if seen.icmp_type == 1 and seen.view is not None]
    wrong = [seen for seen in tester.heard[before:] if seen.error is not None]
    for seen in (*errors, *wrong):
        well_sent(case, seen)
        with advice(case):  # which of its addresses an error comes from is RFC 4443's to say (§2.2)
            case.expect(
                seen.view is None or seen.view.src == own,
                "answer_source",
                f"an error from {own.hex()}, which was asked (RFC 4443 §2.2)",
                seen.view.src.hex() if seen.view else "",
                frame=seen,
            )
    if not errors and not case.result.findings:
        case.unsupported("no error comes of a datagram to an address that the DUT was given")


@needs("udp")
@requirement("RFC6282-4.3.3-01", "RFC6282-4.3.2-02")
def test_checksum_that_comes_to_zero(case: Case):
    """A datagram whose checksum comes to zero is sent with ffff (RFC 768), in-line like any other (§4.3.2)."""
    tester, node = case.tester, case.rig.node
    there = tester.identity.address
    for source_port, port in ((0x1234, 0x5678), (0xF0B1, 0xF0B2), (0x1234, 0xF012)):
        for own in (tester.dut_address, *node.addresses()):
            data = _summing_to_zero(case, own, there, source_port, port)

            def wanted(seen: Seen, data: bytes = data) -> bool:
                return seen.protocol == ipv6.UDP and seen.upper[8:] == data

            act = lambda data=data: node.udp_send(there, source_port, port, data)  # noqa: E731, B023
            seen = case.sent_by(act, wanted)
            if seen is None or seen.view is None:
                return
            if seen.view.src != own or seen.upper[:2] != source_port.to_bytes(2):
                continue  # it comes to zero from one source only
            well_sent(case, seen)
            case.expect(
                seen.upper[6:8] == b"\xff\xff",
                "sent_checksum",
                "a checksum that comes to zero is ffff",
                seen.upper[6:8].hex(),
                requirement="RFC6282-4.3.3-01",
                frame=seen,
            )
            break


def _summing_to_zero(case: Case, source: bytes, destination: bytes, source_port: int, port: int) -> bytes:
    """Data that makes the checksum of a datagram come to zero."""
    data = case.tester.pattern(10)
    plain = ipv6.udp(source_port, port, data + b"\0\0", source, destination)
    fill = (int.from_bytes(plain[6:8]) - 0xFFFF) % 0xFFFF
    return data + fill.to_bytes(2)
