"""RFC 7668 §3.2, link model: network byte order, RFC 6282's format, lengths and addresses from the link."""

import pytest

from fixtures.api import ECHO_REQUEST, Case, Stimulus, expected_reply, needs, on_link, requirement, stimulus
from sixlowpan import ipv6
from suites.rfc7668.channel import IPHC, echoed, live, reconnected

pytestmark = on_link("ble")
GROUP = bytes.fromhex("ff1500000000000000000000000a11ce")


@requirement("RFC7668-3.2-01")
def test_mtu_of_1280(case: Case):
    """An MTU of 1280 octets is RECOMMENDED, so that nobody needs path MTU discovery: advice."""
    offered = live(case).channel.peer.mtu
    case.expect(offered == 1280, "mtu", "an MTU of 1280", str(offered))


@requirement("RFC7668-3.2-03", "RFC7668-3.2.4-01")
def test_all_headers_compressed(case: Case):
    """Whatever the DUT sends in a case full of traffic begins with 011: "all headers MUST be compressed"."""
    for size in (0, 8, 600, 1232):
        echoed(case, size)
    if "join" in case.rig.profile.abilities:
        case.join(GROUP)  # makes it send an MLD report
    echoed(case)
    for seen in case.tester.heard:
        first = seen.payloads[0][0]
        case.expect(
            first >> 5 == IPHC,
            "not_iphc",
            "dispatch 011xxxxx",
            f"first octet {first:02x}",
            frame=seen,
        )


@requirement("RFC7668-3.2-02", "RFC7668-3.2-03", "RFC7668-3.2-04", "RFC7668-2.4-01")
@pytest.mark.parametrize("first", range(0, 1233, 250), ids="from-{}".format)
def test_every_size_of_a_request(case: Case, first: int):
    """Echo Requests with 0, 1, ... 1232 octets of data are understood: the length comes from L2CAP."""
    for size in range(first, min(first + 250, 1233)):
        case.understood(lambda size=size: stimulus(case, case.tester.echo(size)), code=f"size-{size}")


@requirement("RFC7668-3.2-02", "RFC7668-2.4-01")
@pytest.mark.parametrize("size", [0, 1, 2, 80, 231, 232, 233, 478, 479, 480, 1000, 1230, 1231, 1232], ids=str)
def test_size_of_an_answer(case: Case, size: int):
    """An answer of every length comes back whole, also where the last K-frame is nearly empty or quite full."""
    requests = []

    def make() -> Stimulus:
        requests.append(case.tester.echo(size))
        return stimulus(case, requests[-1])

    seen = case.answered(make)
    if seen is not None:
        case.expect(
            seen.packet == expected_reply(requests[-1], seen),
            "sent_packet",
            "the reply RFC 4443 asks for",
            seen.packet.hex(),
        )


@needs("ping")
@requirement("RFC7668-3.2-02", "RFC7668-3.2-04")
@pytest.mark.parametrize("size", [0, 8, 233, 1232], ids=str)
def test_size_of_a_request_from_the_dut(case: Case, size: int):
    """Echo Requests that the DUT originates come whole, whatever their size."""
    there, identifier = case.tester.identity.address, case.tester.next_identifier()
    head = identifier.to_bytes(2) + (1).to_bytes(2)
    seen = case.sent_by(
        lambda: case.rig.node.ping(there, size, identifier, 1),
        # by its size as well: many shells choose the identifier themselves
        lambda s: (
            s.icmp_type == ECHO_REQUEST
            and (
                s.upper[4:8] == head
                or (s.view is not None and s.view.dst == there and len(s.upper) == 8 + size)
            )
        ),
    )
    if seen is not None and seen.view is not None:
        data = len(seen.upper) - 8
        whole = ipv6.checksum_holds(seen.view.src, seen.view.dst, 58, seen.upper)
        case.expect(data == size and whole, "sent_size", f"{size} octets of data", f"{data}", frame=seen)


@requirement("RFC7668-3.2-05", "RFC7668-3.2.2-01")
def test_elided_addresses(case: Case):
    """Elided addresses are those of the connection: SAC=0 SAM=11, DAC=0 DAM=11."""
    case.understood(lambda: stimulus(case, case.tester.echo(), SAC=0, SAM=3, M=0, DAC=0, DAM=3, CID=0))


@requirement("RFC7668-3.2-03")
def test_uncompressed_does_no_harm(case: Case):
    """An uncompressed packet (0x41) is not to be sent, and what a DUT makes of one is not stated: it lives on."""
    case.survives(lambda: stimulus(case, case.tester.echo(), dispatch=0x41))


@needs("connect")
@requirement("RFC6282-2-04", "RFC7668-3.2-05", "RFC7668-3.2-07")
def test_up_when_connected(case: Case):
    """Once connected "the link can be considered up": the very first packet after the channel opened is answered."""
    reconnected(case)
    echoed(case)
