"""RFC 6282 §4.3.2 and §4.3.1, the elided UDP checksum, and what the DUT's own datagrams look like."""

from dataclasses import replace

import pytest

from fixtures.api import (
    BROADCAST,
    UDP,
    Case,
    Seen,
    Stimulus,
    Unsupported,
    field,
    forms,
    link_info,
    needs,
    on_link,
    poison,
    requirement,
    right_or_nothing,
    stimulus,
    well_sent,
)
from sixlowpan import decode, fragment, ipv6
from suites.rfc6282.test_4_3 import SHORT_AND_LONG, datagram


def summing_to(case: Case, checksum: int) -> bytes:
    """A datagram whose checksum is this; one that comes to zero is sent as ffff (RFC 768)."""
    source, destination = case.tester.identity.address, case.tester.dut_address
    for _ in range(4096):
        data = case.application.data(
            38 if case.application.only else 10
        )  # so many letters can sum to anything
        plain = ipv6.udp(0xF0B3, 0x1234, data + b"\0\0", source, destination)
        fill = ((int.from_bytes(plain[6:8]) - checksum) % 0xFFFF).to_bytes(2)
        if not case.application.only or fill.isalpha():  # one draw in a hundred is printed as it is
            break
    message = ipv6.udp(0xF0B3, 0x1234, data + fill, source, destination)
    assert message[6:8] == checksum.to_bytes(2)
    return ipv6.build(source, destination, 17, message)


@needs("ip_tap|port_unreachable|udp")
@requirement("RFC6282-4.3.3-01", "RFC6282-4.3.3-07", "RFC6282-4.3.3-02")
@pytest.mark.parametrize("checksum", [0xFFFF, 0x0001, 0x00FF, 0xFF00, 0x8000], ids="{:04x}".format)
def test_inline_checksum(case: Case, checksum: int):
    """C=0: "All 16 bits of Checksum are carried in-line", also those of one that comes to zero."""
    case.understood(lambda: stimulus(case, summing_to(case, checksum), NH=1, C=0))


@needs("ip_tap|port_unreachable")
@requirement("RFC6282-4.3.2-09", "RFC6282-4.3.3-02")
@pytest.mark.parametrize("checksum", ["any", "zero"])
def test_restored_checksum(case: Case, checksum: str):
    """C=1: a DUT that takes the packet restores the checksum, ffff where it comes to zero; any other drops it.

    Behind an Echo Request with sequence number zero as well: those octets stand where the checksum of UDP does, and a
    DUT that leaves them takes the datagram for one without a checksum.
    """

    def make() -> Stimulus:
        packet = summing_to(case, 0xFFFF) if checksum == "zero" else datagram(case, 0xF0B3, 0x1234)
        protected = replace(
            link_info(case, packet), integrity=True
        )  # only so that the form may be built at all
        payload = min(forms(packet, protected, case.tester.contexts, NH=1, C=1), key=len)
        return Stimulus([payload], packet, link_info(case, packet), "UDP NHC with C=1")

    right_or_nothing(case, lambda: replace(make(), before=poison(case.tester)))
    right_or_nothing(case, make)


#: What stands in front of UDP with C=1, and the NHC octet of P=00.
COMPANY = {
    "alone": ("7e33", 0xF4),
    "behind-options": ("7e33 e1 06 1e04a1a2a3a4", 0xF4),
    "behind-a-routing-header": ("7e33 e3 06 fd0000000000", 0xF4),
    "behind-an-inner-header": ("7e33 ee 7e33", 0xF4),
    "to-a-group": ("7e3b 01", 0xF4),
    "under-a-context": ("7e73", 0xF4),
    "by-ghc": ("7e33", 0xD4),
}


@needs("ip_tap|port_unreachable")
@requirement("RFC6282-4.3.2-09", "RFC6282-4.3.3-02", "RFC6282-4.3.3-08")
@pytest.mark.parametrize("company", COMPANY)
def test_restored_checksum_in_any_company(case: Case, company: str):
    """C=1 beside each form of the ports, with an odd and an even number of octets, and with none: restored, or dropped.

    The checksum is over the addresses that come out of the header, the elided octets of the ports, and the length and
    protocol of the UDP header itself, whatever stands in front of it (RFC 8200 §8.1).
    """
    tester = case.tester
    front, nhc = COMPANY[company]
    if company == "under-a-context" and 0 not in tester.contexts:
        case.unsupported("the DUT has no context 0")
    everybody = BROADCAST if company == "to-a-group" and tester.kind == "ieee802154" else None

    def make(p: int, size: int) -> Stimulus:
        info, data = tester.info(destination=everybody), case.application.data(size)
        literal = bytes([size]) if company == "by-ghc" and size else b""  # of RFC 7400 §2
        payload = bytes.fromhex(front) + bytes([nhc | p]) + SHORT_AND_LONG[p] + literal + data
        packet = decode(payload, replace(info, integrity=True), tester.contexts)
        return Stimulus([payload], packet, info, f"C=1 {company}, P={p:02b}, {size} octets of data")

    for p in range(4):
        for size in (0, 12, 13):
            right_or_nothing(case, lambda p=p, size=size: make(p, size))


@on_link("ieee802154")
@needs("ip_tap|port_unreachable")
@requirement("RFC6282-4.3.2-09", "RFC6282-4.3.3-02", "RFC6282-4.3.3-08")
@pytest.mark.parametrize("order", ["in-order", "first-last"])
def test_restored_checksum_in_fragments(case: Case, order: str):
    """C=1 in a FRAG1: the checksum is over the whole datagram, also where FRAG1 comes last; or it is dropped."""

    def make() -> Stimulus:
        packet = datagram(case, 0xF0B3, 0x1234, 150)
        protected = replace(
            link_info(case, packet), integrity=True
        )  # only so that the form may be built at all
        payload = min(forms(packet, protected, case.tester.contexts, NH=1, C=1), key=len)
        tag, info = case.tester.next_tag(), link_info(case, packet)
        parts = fragment(packet, protected, case.tester.contexts, mtu=69, tag=tag, payload=payload)
        return Stimulus(parts if order == "in-order" else parts[::-1], packet, info, f"C=1 in FRAG1, {order}")

    right_or_nothing(case, make)


def sent(case: Case, size: int = 12, source_port: int = 0xF0B1) -> Seen | None:
    """A datagram that the DUT sends to the tester."""
    tester = case.tester
    data = tester.pattern(size)

    def wanted(seen: Seen) -> bool:
        protocol, _, message = seen.view.upper() if seen.view is not None else (0, 0, b"")
        return protocol == UDP and message[8:] == data

    def act() -> None:
        try:
            case.rig.node.udp_send(tester.identity.address, source_port, 0xF0B2, data)
        except Unsupported:  # many shells choose the source port themselves
            case.rig.node.udp_send(tester.identity.address, 0, 0xF0B2, data)

    return case.sent_by(act, wanted)


@needs("udp")
@requirement(
    "RFC6282-4.3.2-02",
    "RFC6282-4.3.2-01",
    "RFC6282-4.3.2-05",
    "RFC6282-4.3.3-07",
    "RFC6282-4.3.3-08",
    "RFC6282-3.1.1-06",
    "RFC6282-5-03",
)
@pytest.mark.parametrize("size", [0, 1, 40, 300], ids=str)
def test_own_datagram(case: Case, size: int):
    """An ordinary datagram of the DUT: nobody authorised it to elide the checksum ("MUST NOT", §4.3.2)."""
    seen = sent(case, size)
    if seen is None:
        return
    well_sent(case, seen)
    payload = seen.payloads[0]
    at = 4 if payload[0] >> 3 == 0b11000 else 0
    case.expect(
        field(payload[at:], "C") in {None, 0},
        "checksum_elided",
        "C=0: no upper layer authorised an elided checksum",
        "C=1",
        frame=seen,
    )
    case.expect(
        seen.upper[4:6] == (8 + size).to_bytes(2),
        "sent_length",
        f"UDP length {8 + size}",
        seen.upper[4:6].hex(),
        requirement="RFC6282-4.3.3-08",
        frame=seen,
    )


@needs("udp")
@requirement("RFC6282-4.3.1-02")
def test_dynamic_port(case: Case):
    """Ports f0b0 to f0bf should not be chosen as dynamic ports (§4.3.1): advice."""
    ports = []
    for _ in range(4):
        with case.aside():
            seen = sent(case, 8, source_port=0)
        if seen is None or seen.upper[:2] == b"\0\0":
            case.unsupported("the node does not choose a source port when it is told 0")
        ports.append(int.from_bytes(seen.upper[:2]))
        case.expect(
            ports[-1] >> 4 != 0xF0B,
            "dynamic_port",
            "no port of f0b0 to f0bf",
            f"{ports[-1]:04x}",
            frame=seen,
        )


@on_link("ieee802154")
@needs("ip_tap|port_unreachable|udp")
@requirement("RFC6282-4.3.3-08", "RFC6282-3.2-03", "RFC6282-2-06")
@pytest.mark.parametrize("size", [90, 300, 1232], ids=str)
def test_length_in_fragments(case: Case, size: int):
    """A compressed UDP header in FRAG1: the length is "inferred ... from the 6LoWPAN Fragmentation header" (§4.3.3)."""
    case.understood(lambda: stimulus(case, datagram(case, 0xF0B3, 0x1234, size), NH=1))


ROUTERS = {
    **dict.fromkeys(
        ("RFC6282-4.3.2-06", "RFC6282-4.3.2-08"),
        "only who forwards another's datagram can be given one with a wrong checksum",
    ),
    **dict.fromkeys(
        ("RFC6282-4.3.2-13", "RFC6282-4.3.2-14"),
        "no DUT of a rig forwards from one 6LoWPAN node to another",
    ),
}


@pytest.mark.parametrize("row", [pytest.param(r, id=r, marks=requirement(r)) for r in ROUTERS])
def test_out_of_reach(case: Case, row: str):
    """Rows about routers, each with the reason why it is not tried."""
    case.unsupported(ROUTERS[row])
