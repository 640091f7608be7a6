"""RFC 6282 §3.1.1, base format: every value of every IPHC field is understood.

"TF: Traffic Class, Flow Label ... NH: Next Header ... HLIM: Hop Limit ... CID ... SAC ... SAM ... M ... DAC ... DAM"
"""

import pytest

from fixtures.api import (
    NEIGHBOR_ADVERTISEMENT,
    NEIGHBOR_SOLICITATION,
    Case,
    Seen,
    Stimulus,
    destinations,
    needs,
    nothing_of,
    plain,
    requirement,
    shown,
    stimulus,
    understood_if_shown,
)
from sixlowpan import ipv6
from sixlowpan.addresses import ALL_NODES, LINK_LOCAL_PREFIX, solicited_node

#: §3.2.1: "The Traffic Class field is rotated right by 2 bits".
ROTATED = "RFC6282-3.2.1-01"


#: Rows of the four values of TF and of HLIM.
TF = (
    ("RFC6282-3.1.1-01", ROTATED, "RFC6282-3.2.1-02"),
    ("RFC6282-3.1.1-02", ROTATED, "RFC6282-3.2.1-03"),
    ("RFC6282-3.1.1-03", ROTATED),
    ("RFC6282-3.1.1-04", ROTATED),
)
HLIM = ("RFC6282-3.1.1-07", "RFC6282-3.1.1-08", "RFC6282-3.1.1-09", "RFC6282-3.1.1-10")
#: Rows of the four stateless source modes, of the four destination modes, and of those of groups.
SAM = ("RFC6282-3.1.1-15", "RFC6282-3.1.1-16", "RFC6282-3.1.1-17", "RFC6282-3.1.1-18")
DAM = ("RFC6282-3.1.1-29", "RFC6282-3.1.1-30", "RFC6282-3.1.1-31", "RFC6282-3.1.1-32")
GROUPS = ("RFC6282-3.1.1-37", "RFC6282-3.1.1-38", "RFC6282-3.1.1-39", "RFC6282-3.1.1-40")


@pytest.mark.parametrize(
    ("tf", "traffic_class", "flow_label"),
    [
        pytest.param(tf, *values, id=name, marks=requirement(*TF[tf]))
        for name, tf, *values in (
            ("00", 0b00, 0xBA, 0xBCDE5),
            ("00-ecn", 0b00, 0x03, 0xFFFFF),
            ("00-zero", 0b00, 0x00, 0x00000),
            ("01", 0b01, 0x02, 0xABCDE),
            ("01-label", 0b01, 0x00, 0x00001),
            ("10-dscp", 0b10, 0xB8, 0x00000),
            ("10-ecn", 0b10, 0x01, 0x00000),
            ("11", 0b11, 0x00, 0x00000),
        )
    ],
)
def test_tf(case: Case, tf: int, traffic_class: int, flow_label: int):
    """Traffic class and flow label come out as they went in, in each of the four TF forms."""
    case.understood(
        lambda: stimulus(case, shown(case, traffic_class=traffic_class, flow_label=flow_label), TF=tf, NH=0)
    )


@pytest.mark.parametrize(
    ("hlim", "hop_limit"),
    [
        pytest.param(hlim, hop_limit, id=name, marks=requirement(HLIM[hlim]))
        for name, hlim, hop_limit in (
            *((f"00-{limit}", 0b00, limit) for limit in (2, 63, 64, 255)),
            ("01", 0b01, 1),
            ("10", 0b10, 64),
            ("11", 0b11, 255),
        )
    ],
)
def test_hlim(case: Case, hlim: int, hop_limit: int):
    """The hop limit is read in-line (also where it could have been elided) and from each of its short forms."""
    case.understood(lambda: stimulus(case, shown(case, hop_limit=hop_limit), HLIM=hlim, NH=0))


@pytest.mark.parametrize(
    "dam",
    [
        pytest.param(dam, id=bits, marks=requirement(GROUPS[dam]))
        for dam, bits in enumerate(("128", "48", "32"))
    ],
)
def test_group_in_a_longer_form(case: Case, dam: int):
    """All nodes, ff02::1, in the forms that are longer than 8 bits: a group "may be compressed" (§3.2), or less so."""
    echo = case.tester.echo
    understood_if_shown(case, lambda: stimulus(case, echo(destination=ALL_NODES), M=1, DAC=0, DAM=dam))


@requirement("RFC6282-3.1.1-05")
def test_nh_inline(case: Case):
    """NH=0: the next header is the octet in-line; ICMPv6 has no NHC."""
    case.understood(lambda: stimulus(case, case.tester.echo(), NH=0))


@needs("ip_tap|port_unreachable")
@requirement("RFC6282-3.1.1-05")
@pytest.mark.parametrize("protocol", [6, 17, 59, 132, 253], ids=str)
def test_nh_inline_of_any_value(case: Case, protocol: int):
    """NH=0 with a next header that the DUT may never have met: the octet comes out as it went in."""
    tester = case.tester

    def make() -> Stimulus:
        source, destination = tester.identity.address, tester.dut_address
        body = (
            tester.pattern(24)
            if protocol != 17
            else ipv6.udp(0x1234, 9, tester.pattern(16), source, destination)
        )
        packet = ipv6.build(source, destination, protocol, body)
        return Stimulus(
            [bytes([0x7A, 0x33, protocol]) + body], packet, tester.info(), f"next header {protocol}"
        )

    uncompressed = case.tester.kind == "ieee802154"  # RFC 7668 §3.2: on BLE everything is compressed
    if not case.shows(
        lambda: stimulus(case, make().packet or b"", dispatch=0x41) if uncompressed else make()
    ):
        case.unsupported(
            "the DUT sends no ICMPv6 error about this next header, and no IP tap shows the packet",
            "not_observable",
        )
    case.understood(make)


@requirement(
    "RFC6282-3.1.1-13", "RFC6282-3.1.1-25", "RFC6282-3.1.1-27", "RFC6282-3.1.1-11", "RFC6282-3.2.2-03"
)
@pytest.mark.parametrize(
    ("sam", "dam"),
    [
        pytest.param(sam, dam, id=f"{sam:02b}-{dam:02b}", marks=requirement(SAM[sam], DAM[dam]))
        for sam in range(4)
        for dam in range(4)
    ],
)
def test_stateless_unicast(case: Case, sam: int, dam: int):
    """SAC=0, M=0, DAC=0: link-local addresses in every pair of the four source and four destination modes."""
    source = _infixed(case, LINK_LOCAL_PREFIX) if sam == 0b10 else case.tester.identity.address
    there = _infixed_destination(case) if dam == 0b10 else case.tester.dut_address
    case.understood(
        lambda: stimulus(
            case,
            case.tester.echo(source=source, destination=there),
            SAC=0,
            SAM=sam,
            M=0,
            DAC=0,
            DAM=dam,
            CID=0,
        )
    )


def _infixed_destination(case: Case) -> bytes:
    """A link-local address of the DUT that DAM=10 can name; it may have to be given one."""
    start = LINK_LOCAL_PREFIX + bytes.fromhex("000000fffe00")
    found = next((a for a in case.rig.node.addresses() if a.startswith(start)), b"")
    if not found:
        if not case.can("address"):
            case.unsupported(
                "the DUT has no link-local address fe80::ff:fe00:XXXX, so DAM=10 cannot reach it",
                "not_declared",
            )
        found = start + bytes.fromhex("4944")
        case.give_address(found)
    return found


def _infixed(case: Case, prefix: bytes) -> bytes:
    """A source address that SAM=10 can name, whatever the link address of the tester is."""
    return case.tester.also(prefix + bytes.fromhex("000000fffe00") + case.tester.identity.address[14:])


@requirement("RFC6282-3.1.1-19", "RFC6282-3.1.1-14", "RFC6282-3.1.1-18")
@pytest.mark.parametrize("sci", [None, 7], ids=["cid0", "undefined-context"])
def test_unspecified_source(case: Case, sci: int | None):
    """SAC=1, SAM=00: the source is the unspecified address; nothing is in-line, and no context is used.

    Without an IP tap it is a DUT that defends its address against who has none (RFC 4862 §5.4.3) that shows it.
    """

    def make(packet: bytes, *, group_in_line: bool = False) -> Stimulus:
        made = (
            stimulus(case, packet, SAC=1, SAM=0, CID=0, DAM=0)
            if group_in_line
            else stimulus(case, packet, SAC=1, SAM=0, CID=0)
        )
        if sci is not None:
            first = made.payloads[0]
            made.payloads = [bytes([first[0], first[1] | 0x80, sci << 4]) + first[2:]]
        return made

    if case.dut.has_tap:
        case.understood(lambda: make(case.tester.echo(source=bytes(16), destination=ALL_NODES)))
        return
    probe = _address_probe(case)
    case.tester.ordinary.add(probe)
    with case.aside():
        defends = case.sent_by(lambda: _send(case, plain(case, probe)), _defence)
    if defends is None:
        case.unsupported(
            "the DUT does not defend its address, and no IP tap shows the packet", "not_observable"
        )
    # its group in-line: how a DUT reads its shorter forms is for 3.1.1-38 and those beside it
    made = make(probe, group_in_line=True)
    with case.aside() as found:
        case.sent_by(lambda: _send(case, made), _defence)
    for finding in found:
        wanted = "understood: the DUT defends its address, as it does against the same packet all in-line"
        case.finding("dropped", wanted, finding.actual, frame=case.evidence.frame_of(made.payloads[0]))


def _address_probe(case: Case) -> bytes:
    """A Neighbor Solicitation of a node that wants the DUT's address, and has none (RFC 4862 §5.4.2)."""
    target, source = case.tester.dut_address, bytes(16)
    group = solicited_node(target)
    message = ipv6.icmpv6(NEIGHBOR_SOLICITATION, 0, bytes(4) + target, source, group)
    return ipv6.build(source, group, ipv6.ICMPV6, message, hop_limit=255)


def _send(case: Case, made: Stimulus) -> None:
    case.tester.send(made.payloads, made.info)


def _defence(seen: Seen) -> bool:
    """RFC 4861 §7.2.4: "If the source ... is the unspecified address, the node MUST ... multicast ... to all nodes"."""
    return seen.icmp_type == NEIGHBOR_ADVERTISEMENT and seen.view is not None and seen.view.dst == ALL_NODES


@needs("context")
@pytest.mark.parametrize(
    "sam",
    [
        pytest.param(sam, id=f"{sam:02b}", marks=requirement(row, "RFC6282-3.1.1-14"))
        for sam, row in ((0b01, "RFC6282-3.1.1-20"), (0b10, "RFC6282-3.1.1-21"), (0b11, "RFC6282-3.1.1-22"))
    ],
)
def test_stateful_source(case: Case, sam: int):
    """SAC=1: the source is made from context 0 and in-line, infixed or link-layer bits."""
    prefix = case.tester.contexts[0].prefix[:8]
    own = prefix + case.tester.identity.address[8:]
    source = _infixed(case, prefix) if sam == 0b10 else case.tester.also(own)
    understood_if_shown(case, lambda: stimulus(case, case.tester.echo(source=source), SAC=1, SAM=sam, CID=0))


@needs("context", "address|ip_tap")
@pytest.mark.parametrize(
    ("dam", "iid"),
    [
        pytest.param(dam, iid, id=f"{dam:02b}", marks=requirement(row, "RFC6282-3.1.1-28"))
        for dam, iid, row in (
            (0b01, "0123 4567 89ab cdef", "RFC6282-3.1.1-34"),
            (0b10, "0000 00ff fe00 1234", "RFC6282-3.1.1-35"),
            (0b11, "", "RFC6282-3.1.1-36"),
        )
    ],
)
def test_stateful_destination(case: Case, dam: int, iid: str):
    """M=0, DAC=1: the destination is made from context 0 and in-line, infixed or link-layer bits."""
    address = case.tester.contexts[0].prefix[:8] + (bytes.fromhex(iid) or case.tester.info().dst_iid)
    if iid and not case.dut.has_tap:
        case.give_address(address)
    understood_if_shown(
        case, lambda: stimulus(case, case.tester.echo(destination=address), M=0, DAC=1, DAM=dam, CID=0)
    )


@requirement(
    "RFC6282-3.1.1-26", "RFC6282-3.1.1-27", "RFC6282-3.2.3-02", "RFC6282-3.2.3-03", "RFC6282-3.2.3-04"
)
@pytest.mark.parametrize(
    ("dam", "group"),
    [
        pytest.param(dam, group, id=name, marks=requirement(GROUPS[dam]))
        for dam, groups in enumerate(
            (
                {"00-all-nodes": "ff02::1", "00": "ff15:1:2:3:4:5:6:7"},
                {"01-solicited-node": "ff02::1:ff12:3456", "01": "ff35::a1:b2c3:d4e5"},
                {"10-dhcp": "ff05::1:3", "10": "ff1e::ab:cdef"},
                {"11-all-nodes": "ff02::1", "11": "ff02::fb"},
            )
        )
        for name, group in groups.items()
    ],
)
def test_multicast(case: Case, dam: int, group: str):
    """M=1, DAC=0: multicast destinations of 128, 48, 32 and 8 bits."""
    import ipaddress

    destination = ipaddress.IPv6Address(group).packed
    if case.can("join"):
        case.join(destination)
    understood_if_shown(
        case, lambda: stimulus(case, case.tester.echo(destination=destination), M=1, DAC=0, DAM=dam)
    )


RESERVED = {
    # (M, DAC, DAM): where the text says "Reserved", and how many octets a decoder that guesses would eat
    (0, 1, 0b00): "RFC6282-3.1.1-33",
    (1, 1, 0b01): "RFC6282-3.1.1-42",
    (1, 1, 0b10): "RFC6282-3.1.1-43",
    (1, 1, 0b11): "RFC6282-3.1.1-44",
}


@pytest.mark.parametrize(
    ("m", "dac", "dam"),
    [
        pytest.param(*k, id=f"m{k[0]}-dac{k[1]}-dam{k[2]:02b}", marks=requirement(v))
        for k, v in RESERVED.items()
    ],
)
def test_reserved_destination(case: Case, m: int, dac: int, dam: int):
    """Reserved destination modes are never sent; that a receiver drops them is expected, but no text says so.

    Each with what other modes have in-line, so that whoever takes it for one of these gets a good echo.
    """
    nothing_of(case, list(destinations(case, m << 3 | dac << 2 | dam)))
