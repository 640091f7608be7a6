"""RFC 4944 §2 to §4: the MAC frames that carry IPv6 packets, and the MTU."""

import pytest

from fixtures.api import Case, Identity, Seen, on_link, outside_data_frames, requirement, stimulus
from sixlowpan import mac
from sixlowpan.addresses import link_local
from suites.rfc4944.test_8 import before_the_answer

pytestmark = on_link("ieee802154")


def answer(case: Case, size: int = 8) -> Seen | None:
    return case.answered(lambda: stimulus(case, case.tester.echo(size)))


def has_both_addresses(case: Case, header: mac.MacHeader, frame: bytes) -> None:
    """§2: "both source and destination addresses be included in the IEEE 802.15.4 frame header"."""
    case.expect(
        bool(header.src) and bool(header.dst),
        "mac_address_missing",
        "source and destination address in the MAC header",
        f"source {header.src.hex() or 'none'}, destination {header.dst.hex() or 'none'}",
        requirement="RFC4944-2-04",
        frame=frame,
    )


@requirement("RFC4944-2-01", "RFC4944-2-04")
@pytest.mark.parametrize("size", [8, 400], ids=str)
def test_data_frames_with_both_addresses(case: Case, size: int):
    """§2: "IPv6 packets MUST be carried on data frames", with both source and destination addresses."""
    seen = answer(case, size)
    for frame in seen.frames if seen else []:
        header, _ = mac.parse(frame)
        case.expect(
            header.type == mac.DATA, "frame_type", "a data frame", f"frame type {header.type}", frame=frame
        )
        has_both_addresses(case, header, frame)


@requirement("RFC4944-2-02")
def test_acknowledgement_request(case: Case):
    """§2: "It is RECOMMENDED" to ask for acknowledgements on unicast frames: advice."""
    seen = answer(case)
    if seen is not None:
        header, _ = mac.parse(seen.frames[0])
        case.expect(header.ack_request, "no_ack_request", "AR=1", "AR=0", frame=seen)


@requirement("RFC4944-2-02")
@pytest.mark.parametrize("size", [60, 400], ids=str)
def test_acknowledgement_request_of_every_frame(case: Case, size: int):
    """§2: acknowledgements are RECOMMENDED for fragments, and for what resolves our address, as well: advice."""
    tester = case.tester
    case.stranger()
    before = len(tester.heard)
    tester.send_packet(tester.echo(size))
    case.until_answered()
    frames = [frame for seen in tester.heard[before:] for frame in seen.frames]
    unicast = [(frame, header) for frame in frames if (header := mac.parse(frame)[0]).dst != b"\xff\xff"]
    if not unicast:
        case.unsupported("the DUT sent no unicast frame")
    for frame, header in unicast:
        case.expect(header.ack_request, "no_ack_request", "AR=1", "AR=0", frame=frame)


@requirement("RFC4944-2-01")
def test_nothing_outside_data_frames(case: Case):
    """§2: no IPv6 packet in any other frame: the reply, or what the DUT multicasts to resolve our address."""
    tester = case.tester
    case.stranger()
    tester.send_packet(tester.echo())
    case.until_answered()
    frames = (r.frame for tap, way, r in case.evidence.frames if (tap, way) == ("link", "received"))
    for breach in outside_data_frames(frames, tester.contexts):
        case.finding(breach.code, breach.expected, breach.actual, frame=breach.frame)


@requirement("RFC4944-3-02", "RFC4944-3-04", "RFC4944-3-05", "RFC4944-3-06", "RFC4944-2-04", "RFC4944-2-02")
def test_multicast_is_broadcast(case: Case):
    """§3: what the DUT multicasts goes to 0xffff with the PAN id of the link; §2: and with its source address."""
    for seen in before_the_answer(case):
        frame = seen.frames[0]
        header, _ = mac.parse(frame)
        has_both_addresses(case, header, frame)
        if seen.view is None or seen.view.dst[0] != 0xFF:
            continue
        case.expect(
            header.dst == b"\xff\xff", "not_broadcast", "destination 0xffff", header.dst.hex(), frame=frame
        )
        case.expect(
            header.dst_pan == case.rig.link.pan,
            "broadcast_pan",
            f"destination PAN {case.rig.link.pan.hex()}",
            str(header.dst_pan and header.dst_pan.hex()),
            requirement="RFC4944-3-04",
            frame=frame,
        )
        case.expect(  # IEEE 802.15.4: nobody acknowledges a broadcast, and so none asks for it
            not header.ack_request, "ack_request", "AR=0 in a broadcast", "AR=1",
            requirement="RFC4944-2-02", frame=frame,
        )  # fmt: skip
        return
    if not case.result.findings:
        case.unsupported("the DUT sent no multicast packet: it had no need to look for a neighbour")


@requirement("RFC4944-3-01")
@pytest.mark.parametrize("source", ["extended", "short"])
def test_address_kinds(case: Case, source: str):
    """§3: 64-bit extended and 16-bit short addresses both serve as link-layer addresses."""
    if source == "short":
        case.short_sender()
    case.understood(lambda: stimulus(case, case.tester.echo()))


#: 16-bit addresses at the ends of the range for unicast, "0xxxxxxxxxxxxxxx" (§12), and EUI-64s that look like others.
SHORT_ADDRESSES = ["0002", "00fe", "00ff", "0100", "3fff", "4000", "7ffe", "7fff"]
EXTENDED_ADDRESSES = [
    "00124b000102ffff",  # ends as the broadcast address,
    "00124b000102fffe",  # as that of who has none,
    "00124bfffe010203",  # is made from 48 bits,
    "0000000000001234",  # is a short one behind zeros,
    "1234000000000000",  # or in front of them
    "feffffffffffffff",
    "7a333a0001020304",  # begins as a payload does
]


@requirement("RFC4944-3-01", "RFC4944-12-01", "RFC6282-3.2.2-04", "RFC6282-3.2.2-05")
@pytest.mark.parametrize("kind", ["extended", "short"])
def test_any_source(case: Case, kind: str):
    """Echoes from link-layer addresses of rare values, their IIDs elided: each is the address of a neighbour (§3)."""
    tester, link = case.tester, case.rig.link
    if not link.any_source:
        case.unsupported("the link cannot send from other addresses", "not_on_this_link")
    if kind == "short":
        tester.fresh_short()
        if not case.takes(lambda: stimulus(case, tester.echo())):
            case.unsupported("the DUT takes no echo from an ordinary short address: 2/address_kinds has it")
    for text in SHORT_ADDRESSES if kind == "short" else EXTENDED_ADDRESSES:
        source = bytes.fromhex(text)
        if source in {link.dut, link.dut_short}:
            continue
        tester.identity = Identity(source, link_local(source))
        tester.also(tester.identity.address)
        case.understood(lambda: stimulus(case, tester.echo()))


@requirement("RFC4944-3-01")
def test_short_address_of_the_dut(case: Case):
    """§3: a frame to the 16-bit address of a DUT that has one beside its EUI-64 is for it as well."""
    link = case.rig.link
    if not link.dut_short or link.dut_short == case.tester.dut_link:
        case.unsupported(
            "the DUT does not have a 16-bit address beside the one that it is spoken to by", "not_declared"
        )
    info = case.tester.info(destination=link.dut_short)
    case.understood(lambda: stimulus(case, case.tester.echo(), info=info, DAM=1))


@requirement("RFC4944-3-01", "RFC6282-3.1.1-32")
def test_addresses_of_the_dut_in_turn(case: Case):
    """Echoes to both addresses of the DUT by turns, elided: each is read against the destination of its own frame."""
    link = case.rig.link
    if not link.dut_short or link.dut_short == case.tester.dut_link:
        case.unsupported("the DUT has one link-layer address that a test knows of", "not_declared")
    for to in (link.dut, link.dut_short) * 2:
        info = case.tester.info(destination=to)
        case.understood(
            lambda to=to, info=info: stimulus(
                case, case.tester.echo(destination=link_local(to)), info=info, DAM=3
            )
        )


@requirement(
    "RFC4944-4-01", "RFC4944-4-02", "RFC4944-5.3-11", "RFC4944-5.3-16", "RFC4944-5.3-08", "RFC4944-5.3-12"
)
def test_mtu(case: Case):
    """§4: "The MTU size for IPv6 packets over IEEE 802.15.4 is 1280 octets": an echo of that size is answered."""
    answer(case, 1280 - 48)
