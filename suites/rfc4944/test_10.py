"""RFC 4944 §10, LOWPAN_HC1 and HC_UDP: superseded, "New implementations MAY implement decompression" (RFC 6282 §2).

Only a DUT whose profile declares `hc1` is judged by what it makes of them; of any other it is asked that it lives.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from fixtures.api import (
    Case,
    Make,
    Stimulus,
    about,
    checked,
    derivable,
    needs,
    nothing_of,
    on_link,
    outcome,
    requirement,
    right_or_nothing,
    shown,
    understood_all,
    understood_if_shown,
)
from sixlowpan import fragment_header_1, fragment_header_n, ipv6, link_local, mesh_header
from suites.rfc4944.test_5_2 import FORWARDER

pytestmark = [on_link("ieee802154"), about("hc1")]

NEXT_HEADERS = {17: 0b01, 58: 0b10, 6: 0b11}


def bits(value: int, count: int) -> str:
    return f"{value:0{count}b}"


def hc1(packet: bytes, sa: int, da: int, *, tf: int, nh: int, hc2: int | None = None) -> bytes:
    """The packet behind 0x42 with these codings (§10.1); `hc2` is the HC_UDP octet (§10.2) or None.

    Fields as §10.3 has them: hop limit, source, destination, traffic class and flow label, next header, then UDP's;
    as bits one behind the other, "zero bits" to the next octet at the end (§10).
    """
    encoding = sa << 6 | da << 4 | tf << 3 | nh << 1 | (hc2 is not None)
    line = bits(packet[7], 8)
    for at, coding in ((8, sa), (24, da)):
        line += "" if coding & 2 else bits(int.from_bytes(packet[at : at + 8]), 64)
        line += "" if coding & 1 else bits(int.from_bytes(packet[at + 8 : at + 16]), 64)
    line += (
        ""
        if tf
        else bits(packet[0] & 15, 4)
        + bits(packet[1] >> 4, 4)
        + bits(int.from_bytes(packet[1:4]) & 0xFFFFF, 20)
    )
    line += "" if nh else bits(packet[6], 8)
    rest = packet[40:]
    if hc2 is not None:
        for at, short in ((40, hc2 & 0x80), (42, hc2 & 0x40)):
            port = int.from_bytes(packet[at : at + 2])
            line += bits(port - 0xF0B0, 4) if short else bits(port, 16)
        line += "" if hc2 & 0x20 else bits(int.from_bytes(packet[44:46]), 16)
        line += bits(int.from_bytes(packet[46:48]), 16)
        rest = packet[48:]
    line += "0" * (-len(line) % 8)
    head = bytes([0x42, encoding]) + (b"" if hc2 is None else bytes([hc2]))
    return head + int(line, 2).to_bytes(len(line) // 8) + rest


def udp(case: Case, source_port: int, destination_port: int, **header: int) -> bytes:
    source, destination = case.tester.identity.address, case.tester.dut_address
    message = ipv6.udp(source_port, destination_port, case.tester.pattern(12), source, destination)
    return ipv6.build(source, destination, 17, message, **header)


def made(case: Case, packet: bytes, *codings: int, **fields: int | None) -> Stimulus:
    payload = hc1(packet, *codings, **fields)  # type: ignore[arg-type]
    return checked(case, payload, packet, f"HC1 {payload[1]:02x}")


def asked(case: Case) -> None:
    if not case.declares("hc1"):
        case.unsupported(
            "the profile does not declare hc1: decoding it is a MAY (RFC 6282 §2)", "not_declared"
        )


@requirement("RFC4944-10.1-01", "RFC4944-5.1-06", "RFC4944-10.3.1-01", "RFC4944-10.3.1-02", "RFC4944-10.1-06")
def test_addresses(case: Case):
    """Four codings of the source with four of the destination; hop limit first, then what is left in-line."""
    asked(case)

    def makes() -> Iterator[tuple[str, Make]]:
        for sa in range(4):
            for da in range(4):
                if da & 1 and not derivable(case.tester):
                    continue  # the DUT's address cannot be elided
                yield (
                    f"sa{sa:02b}-da{da:02b}",
                    lambda sa=sa, da=da: made(case, case.tester.echo(), sa, da, tf=1, nh=2),
                )

    understood_all(case, makes())


PREFIX = bytes.fromhex("20010db800a5006b")


@requirement("RFC4944-10.1-01", "RFC4944-10.3.1-02")
@pytest.mark.parametrize("sa", [0, 1], ids="sa{:02b}".format)
def test_source_of_a_prefix(case: Case, sa: int):
    """PI: the prefix of the source is in-line, and is no link-local one; its identifier is elided, or in-line, too."""
    asked(case)
    source = case.tester.also(PREFIX + case.tester.identity.address[8:])
    understood_if_shown(case, lambda: made(case, case.tester.echo(source=source), sa, 3, tf=1, nh=2))


@needs("address")
@requirement("RFC4944-10.1-01", "RFC4944-10.3.1-02")
@pytest.mark.parametrize("da", [0, 1], ids="da{:02b}".format)
def test_destination_of_a_prefix(case: Case, da: int):
    """The same of the destination; an identifier is elided that its link-layer address gives."""
    asked(case)
    address = PREFIX + (link_local(case.tester.dut_link) if da else case.tester.dut_address)[8:]
    case.give_address(address)
    case.understood(lambda: made(case, case.tester.echo(destination=address), 3, da, tf=1, nh=2))


@requirement("RFC4944-10.1-02", "RFC4944-10.1-01")
def test_short_source(case: Case):
    """IC: the identifier is "derivable from the corresponding link-layer address", also from one of 16 bits."""
    asked(case)
    case.short_sender()
    case.understood(lambda: made(case, case.tester.echo(), 3, 3, tf=1, nh=2))


@requirement("RFC4944-10.3.1-01", "RFC4944-10.3.1-02")
@pytest.mark.parametrize("hop_limit", [1, 33, 255], ids=str)
def test_hop_limit(case: Case, hop_limit: int):
    """ "The non-compressed IPv6 field that MUST be always present is the Hop Limit", right behind the encoding."""
    asked(case)

    def make() -> Stimulus:
        packet = shown(case, hop_limit=hop_limit)
        return made(case, packet, 3, 3, tf=1, nh=NEXT_HEADERS[packet[6]])

    case.understood(make)


@requirement("RFC4944-10.1-03", "RFC4944-10.1-04", "RFC4944-10.3.1-03", "RFC4944-10-01", "RFC4944-10-02")
@pytest.mark.parametrize("tf", [0, 1], ids=["tf-inline", "tf-zero"])
@pytest.mark.parametrize("nh", [0, 1, 2], ids=["nh-inline", "udp", "icmp"])
def test_traffic_class_and_next_header(case: Case, tf: int, nh: int):
    """Traffic class and flow label (28 bits), next header in-line or one of three; the header ends on an octet."""
    asked(case)
    header: dict[str, Any] = {} if tf else {"traffic_class": 0xBA, "flow_label": 0xABCDE}

    def make() -> Stimulus:
        packet = udp(case, 0x1234, 0x5678, **header) if nh == 1 else case.tester.echo(**header)
        return made(case, packet, 3, 3, tf=tf, nh=nh)

    case.understood(make)


@requirement("RFC4944-10.1-04", "RFC4944-10.3.1-03")
def test_tcp(case: Case):
    """Next header 11 is TCP: its header follows as it is, since no HC2 form of it is defined (§10.1)."""
    asked(case)

    def make() -> Stimulus:
        source, destination = case.tester.identity.address, case.tester.dut_address
        syn = bytes.fromhex("d431 1234 00000001 00000000 5002 0400 0000 0000")
        check = ipv6.checksum(source, destination, 6, syn).to_bytes(2)
        packet = ipv6.build(source, destination, 6, syn[:16] + check + syn[18:])
        return made(case, packet, 3, 3, tf=1, nh=3)

    understood_if_shown(case, make)


@requirement("RFC4944-10.2-01", "RFC4944-10.2-02", "RFC4944-10.2-03", "RFC4944-10.2-04", "RFC4944-10.1-05")
@pytest.mark.parametrize("hc2", range(0, 256, 32), ids="{:02x}".format)
@requirement("RFC4944-10.3.2-01", "RFC4944-10-02")
def test_hc_udp(case: Case, hc2: int):
    """Short or whole ports, length in-line or computed, behind the IPv6 fields; never a compressed checksum."""
    asked(case)
    ports = (0xF0B3 if hc2 & 0x80 else 0x1234, 0xF0BF if hc2 & 0x40 else 0x5678)

    def makes() -> Iterator[tuple[str, Make]]:
        for tf, header in ((1, {}), (0, {"flow_label": 0xABCDE})):
            yield (
                f"tf{tf}",
                lambda tf=tf, header=header: made(
                    case, udp(case, *ports, **header), 3, 3, tf=tf, nh=1, hc2=hc2
                ),
            )

    understood_all(case, makes())


@requirement("RFC4944-10.1-06", "RFC4944-5.3-08", "RFC6282-2-04", "RFC6282-2-06", "RFC4944-5.1-06")
def test_length_from_the_fragments(case: Case):
    """The payload length is never in-line: in a fragmented datagram it comes from datagram_size (§10.1)."""
    asked(case)

    def make() -> Stimulus:
        packet = case.tester.echo(120)
        first, tag = hc1(packet[:96], 3, 3, tf=1, nh=2), case.tester.next_tag()
        sent = [
            fragment_header_1(len(packet), tag) + first,
            fragment_header_n(len(packet), tag, 12) + packet[96:],
        ]
        return Stimulus(sent, packet, case.tester.info(), "HC1 in FRAG1")

    case.understood(make)


@requirement("RFC4944-10.1-02", "RFC4944-5-04")
def test_behind_a_mesh_header(case: Case):
    """Elided identifiers are those of originator and final destination, "found in the 'Mesh Addressing' field"."""
    asked(case)

    def make() -> Stimulus:
        tester = case.tester
        packet, forwarder = tester.echo(), FORWARDER if case.rig.link.any_source else tester.identity.link
        payload = mesh_header(tester.identity.link, tester.dut_link, 5) + hc1(packet, 3, 3, tf=1, nh=2)
        return Stimulus([payload], packet, tester.info(forwarder), "HC1 behind a mesh header")

    if not derivable(case.tester):
        case.unsupported("the DUT's address cannot be elided", "not_observable")
    right_or_nothing(case, make, feature="mesh")


@requirement("RFC4944-10.2-05", "RFC4944-10.1-05")
@pytest.mark.parametrize("nh", [0, 2, 3], ids=["nh-inline", "icmp", "tcp"])
def test_hc2_without_udp(case: Case, nh: int):
    """HC2 "only applies if" UDP follows (§10.2): before another header nothing comes of it."""
    packet = case.tester.echo()
    payload = hc1(packet, 3, 3, tf=1, nh=nh)
    payload = bytes([0x42, payload[1] | 1, 0x00]) + payload[2:]
    stimuli = [Stimulus([payload], None, case.tester.info(), "HC2 bit without UDP")]
    if case.declares("hc1"):
        nothing_of(case, stimuli)
    else:
        outcome(case, stimuli)


@requirement("RFC4944-5.1-06", "RFC4944-10.1-01")
def test_every_octet_does_no_harm(case: Case):
    """All 256 HC1 octets with long, short and no tails: decoded or dropped, the DUT lives on."""
    tails = (b"", b"\x40", b"\x40" + case.tester.pattern(20), b"\x40" + case.tester.pattern(90))
    stimuli = [
        Stimulus(
            [bytes([0x42, octet]) + tail], None, case.tester.info(), f"HC1 {octet:02x}, {len(tail)} octets"
        )
        for octet in range(256)
        for tail in tails
    ]
    for start in range(0, len(stimuli), 64):
        outcome(case, stimuli[start : start + 64])
