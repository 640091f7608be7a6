"""RFC 6282 §3.2, what the DUT sends: answers to addresses and datagrams to groups that a short form only just misses.

A compressor that takes an address for one that it resembles sends a legal payload of another packet: only an answer to
such an address shows it. How small a form it chooses is its own affair.
"""

from collections.abc import Iterator
from ipaddress import IPv6Address

import pytest

from fixtures.api import (
    NEIGHBOR_SOLICITATION,
    Case,
    LinkClosed,
    RigError,
    Seen,
    Unsupported,
    expected_reply,
    needs,
    on_link,
    requirement,
    well_sent,
)
from sixlowpan import ipv6

LINK_LOCAL = bytes.fromhex("fe80 0000 0000 0000")
#: What 0000:00ff:fe00:XXXX is, and what it is not (§3.2.2): one bit or one octet beside it. XXXX is another one for
#: each neighbour: an address that an earlier one had would still lead there.
IIDS = """
    000000fffe00XXXX 020000fffe00XXXX 000100fffe00XXXX 000001fffe00XXXX 000000fefe00XXXX 000000ff7e00XXXX
    000000fffe01XXXX 000000000000XXXX fffe00fffe00XXXX 0123456789abXXXX
"""
#: Prefixes beside fe80::/64, all of them link-local (RFC 4291 §2.4: fe80::/10).
BESIDE = "fe80000000000001 fe80000100000000 fe81000000000000 febf000000000000"


def iids(case: Case) -> Iterator[bytes]:
    """The IID of the tester's link address, those beside it, and those beside the form of a short address."""
    own = case.tester.identity.address[8:]
    yield own
    yield from (
        bytes([own[0] ^ 0x02]) + own[1:],
        own[:7] + bytes([own[7] ^ 1]),
        own[:6] + bytes([own[6] ^ 0x80, own[7]]),
    )
    other = bytes([own[6] ^ 0x12, own[7] ^ 0x34])
    yield from (bytes.fromhex(iid.replace("XXXX", other.hex())) for iid in IIDS.split())
    yield bytes.fromhex("000000fffe00") + own[6:]


def near_misses(case: Case) -> Iterator[bytes]:
    """Addresses of a neighbour, each with what it could be mistaken for somewhere in this list."""
    own = case.tester.identity.address[8:]
    yield from (LINK_LOCAL + iid for iid in iids(case))
    yield from (bytes.fromhex(prefix) + own for prefix in BESIDE.split())
    for context in case.tester.contexts.values():
        bits = context.length
        inside = int.from_bytes(context.prefix) | int.from_bytes(own) & (1 << 128 - bits) - 1
        yield from (inside.to_bytes(16), (inside ^ 1 << 128 - bits).to_bytes(16))  # the last bit that counts
        if bits < 64:  # between the context's end and the IID: "remaining bits are zero"
            yield from ((inside ^ 1 << bit).to_bytes(16) for bit in (64, 127 - bits))
        elif bits > 64:
            yield context.prefix[:8] + own
    if 0 in case.tester.contexts:
        yield from (case.tester.contexts[0].prefix[:8] + iid for iid in iids(case))


def answer(case: Case, source: bytes, size: int, destination: bytes) -> Seen | None:
    """What the DUT sends back to this address; None where it does not, which is not for these cases to judge."""
    tester = case.tester
    request = tester.echo(size, source=tester.also(source), destination=destination)
    before = len(tester.heard)
    tester.send_packet(request)
    seen = tester.reply_to(request, tester.now() + case.settle)
    if seen is None and case.control():  # what came of the request has come by then, or is on its way
        wanted = ipv6.Packet.parse(request).upper()[2][4:8]
        came = (
            heard for heard in tester.heard[before:] if heard.icmp_type == 129 and heard.upper[4:8] == wanted
        )
        seen = next(came, None) or tester.reply_to(request, tester.now() + case.settle)
    if seen is not None:
        well_sent(case, seen, expected_reply(request, seen))
        return seen
    # what came in its place: nobody can decode it, or it asks for our address from an address that is nobody's
    others = (h for h in tester.heard[before:] if h.error is not None or h.icmp_type == NEIGHBOR_SOLICITATION)
    wrong = [other for other in others if not well_sent(case, other)]
    return wrong[0] if wrong else None


def answers(case: Case, size: int) -> None:
    local = case.tester.dut_address
    wide = next((a for a in case.rig.node.addresses() if a[0] != 0xFE), local)
    found = [answer(case, a, size, local if a[0] == 0xFE else wide) for a in list(near_misses(case))]
    if not any(found):
        case.unsupported("the DUT answers none of these addresses")


SHARED = (
    *(
        "RFC6282-3.2.2-03",
        "RFC6282-3.2.2-06",
        "RFC6282-3.1.1-24",
        "RFC6282-3.1.2-02",
        "RFC6282-3.1.2-05",
        "RFC6282-3.2-01",
    ),
    *("RFC6282-3.1.1-30", "RFC6282-3.1.1-31", "RFC6282-3.1.1-34", "RFC6282-3.1.1-35"),
)


@requirement(*SHARED)
@pytest.mark.parametrize("size", [8, 160], ids=["frame", "fragments"])
def test_answers_to_neighbours(case: Case, size: int):
    """§3.2.2: IID bits "MUST NOT be elided if they do not" match; nor is a prefix that no context has."""
    answers(case, size)


@on_link("ieee802154")
@requirement(*SHARED, "RFC6282-3.2.2-05")
def test_answers_to_short_neighbours(case: Case):
    """§3.2.2: in answers to a 16-bit neighbour, IID bits are elided only where they match its address."""
    case.short_sender()
    answers(case, 8)


OWN = {
    # prefix (empty: that of context 0), and an IID that its link address does not give
    "behind-a-short-context": ("20010db800031234", "2d4b87a5f01ec369"),
    "context": ("", "2d4b87a5f01ec369"),
    "context-beside-16-bits": ("", "020000fffe001234"),
    "context-16-bits": ("", "000000fffe001234"),
    "beside-16-bits": ("fe80000000000000", "000001fffe001234"),
    "beside-the-context": ("20010db800000001", "2d4b87a5f01ec36a"),
    "beside-a-long-context": ("20010db800040000", "2d4b87a5f01ec369"),
}


@needs("address", "context")
@requirement(
    "RFC6282-3.2.2-03",
    "RFC6282-3.1.1-16",
    "RFC6282-3.1.1-20",
    "RFC6282-3.1.1-21",
    "RFC6282-3.1.1-22",
    "RFC6282-3.1.1-19",
    "RFC6282-3.2.2-06",
)
@pytest.mark.parametrize("own", OWN)
def test_answers_from_its_own_addresses(case: Case, own: str):
    """§3.2.2: an answer from an address of the DUT that its link-layer addresses do not give has its IID in-line."""
    prefix, iid = OWN[own]
    head = bytes.fromhex(prefix) or case.tester.contexts[0].prefix[:8]
    address = head + bytes.fromhex(iid)
    case.give_address(address)
    source = case.tester.also(head + case.tester.identity.address[8:])
    if answer(case, source, 8, address) is None:
        case.unsupported("the DUT does not answer at an address that it was just given")


#: Groups at both edges of the 8-, the 32- and the 48-bit form, in other scopes and with flags (§3.2.3).
GROUPS = """
    ff02::1 ff02::ff ff02::100 ff05::1 ff12::1 ff01::ff ff02::ff:ffff ff02::100:0 ff1e::ab:cdef ff35::12
    ff02::ff:ffff:ffff ff02::100:0:0 ff15::12:3456:789a ff02:0:0:1::1 ff05:100::1
"""


def groups(case: Case) -> Iterator[bytes]:
    """And those of a unicast prefix: under context 0, with and without a RIID, and beside it (§3.2.4)."""
    yield from (IPv6Address(group).packed for group in GROUPS.split())
    for context in case.tester.contexts.values():
        if context.length > 64:
            continue
        tail = context.prefix[:8] + bytes.fromhex("12345678")
        yield from (
            bytes([0xFF, 0x35, 0x00, context.length]) + tail,
            bytes([0xFF, 0x75, 0x0A, context.length]) + tail,
        )
        yield from (bytes([0xFF, 0x35, 0, context.length - 1]) + tail, bytes([0xFF, 0x35, 0x00, 0]) + tail)
        beside = bytes([tail[0], tail[1] ^ 1]) + tail[2:]
        yield bytes([0xFF, 0x35, 0x00, context.length]) + beside


@needs("udp")
@requirement(
    "RFC6282-3.2.3-04",
    "RFC6282-3.2.3-01",
    "RFC6282-3.2.3-02",
    "RFC6282-3.2.4-02",
    "RFC6282-3.2.4-01",
    "RFC6282-3.2.3-03",
    "RFC6282-3.1.2-05",
    *(f"RFC6282-3.1.1-{row}" for row in (37, 38, 39, 40, 41)),
)
def test_datagrams_to_groups(case: Case):
    """Datagrams of the DUT to multicast groups: each goes to the group that it was told, in whatever form."""
    tester, unsent, sent = case.tester, 0, 0
    for group in groups(case):
        data = tester.pattern(8)
        seen = None if unsent > 2 and not sent else _datagram(case, group, data)
        if seen is None:
            unsent += 1
            continue
        sent += 1
        well_sent(case, seen, None if seen.view is None else _expected(seen.view, group, data))
    if not sent:
        case.unsupported("the DUT cannot be told to send to a group")


def _expected(view: ipv6.Packet, group: bytes, data: bytes) -> bytes:
    """The datagram that was asked for, with the fields that the DUT may choose taken from what it sent."""
    return ipv6.build(
        view.src,
        group,
        17,
        ipv6.udp(0x1234, 0x5678, data, view.src, group),
        hop_limit=view.hop_limit,
        traffic_class=view.traffic_class,
        flow_label=view.flow_label,
    )


def _datagram(case: Case, group: bytes, data: bytes) -> Seen | None:
    """The datagram that the DUT sent to a group, or what nobody can decode; None where it sent none."""
    tester = case.tester
    try:
        case.rig.node.udp_send(group, 0x1234, 0x5678, data)
    except LinkClosed:
        raise
    except (RigError, Unsupported):
        return None
    deadline = tester.now() + case.timeout
    while (seen := tester.hear(deadline)) is not None:
        if seen.error is not None or (seen.view is not None and seen.upper[8:] == data):
            return seen
    return None
