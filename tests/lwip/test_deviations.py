"""What lwIP 2.1.3 is known to get wrong, one frame each: the proof behind the deviations of its two profiles.

When a test here fails after an update of the library, the deviation is gone, and so must be its entry.
"""

import contextlib

import pytest

from rigs.model import LinkClosed
from rigs.nodes.lwip import node
from rigs.nodes.lwip.library import installed
from rigs.nodes.lwip.node import DUT_SHORT, TESTER_EUI64, LwipProcess
from sixlowpan import DecodeError, LinkInfo, decode, fragment, mac
from tests.lwip.exchange import Exchange

pytestmark = pytest.mark.real
ECHO = bytes.fromhex("8000000000010001")


def tapped(lwip) -> list[bytes]:
    lwip.node.sync()
    return [received.frame for received in iter(lambda: lwip.node.tap.receive(0), None)]


def test_traffic_class_is_not_rotated(lwip):
    """RFC 6282 §3.2.1: ECN comes first on the wire and last in IPv6; 6bbabcde is right."""
    payload = bytes.fromhex("6333ee0abcde3a") + ECHO
    lwip.send_payload(payload)
    assert decode(payload, lwip.info)[:4].hex() == "6bbabcde"
    assert tapped(lwip)[0][:4].hex() == "6eeabcde"


def test_reserved_dam_is_accepted(lwip):
    """RFC 6282 §3.1.1: M=0 DAC=1 DAM=00 is reserved."""
    lwip.send_payload(bytes.fromhex("7b343a") + lwip.peer + ECHO)
    assert tapped(lwip)


def test_an_undefined_context_is_all_zero(lwip):
    """RFC 6282 §3.1.2 leaves the reaction open; the packet that comes out was never sent by anybody."""
    lwip.send_payload(bytes.fromhex("7b733a") + ECHO)
    assert tapped(lwip)[0][8:16] == bytes(8)


@pytest.mark.parametrize(
    "payload",
    [
        "7a3c3a3500123456788000",  # M=1 DAC=1 DAM=00, context 0
        "7bf3a03a8000",  # contexts 10 and above
        "7e33e03a061e04a1a2a3a48000",  # Hop-by-Hop Options by NHC
        "7e33e43a0600001234567880",  # fragment header by NHC
        "7e33ee7a333a8000",  # IPv6 in IPv6 by NHC
    ],
)
def test_not_decoded(lwip, payload):
    """RFC 6282 §2: a compliant node processes every packet of this format (§3.1.1, §3.1.2, §4.2)."""
    lwip.send_payload(bytes.fromhex(payload) + ECHO)
    assert tapped(lwip) == []


def test_bits_of_the_prefix_are_elided(lwip):
    """RFC 6282 §3.1.1: only fe80::/64 may be elided; this goes to fe80:0:0:1::ff:fe00:2 and says fe80::ff:fe00:2."""
    if lwip.link.kind != "ble":
        pytest.skip("802.15.4 asks for the neighbour first")
    lwip.node.ping(bytes.fromhex("fe80000000000001000000fffe000002"), 4, 1, 1)
    while (received := lwip.link.receive(lwip.link.now() + 2)).frame[2:3] != b"\x3a":
        pass
    assert decode(received.frame, lwip.info.reversed())[24:40].hex() == "fe80000000000000000000fffe000002"


@pytest.fixture
def process(request):
    if not installed():
        pytest.skip("liblwip0 is absent")
    made = LwipProcess(*request.param[:1], **dict(request.param[1:]))
    yield Exchange(made)
    made.close()


@pytest.mark.parametrize("process", [("ble", ("public", True))], indirect=True)
def test_public_device_addresses_are_flipped(process):
    """RFC 7668 §3.2.2: every bit of the device address is copied as it is."""
    process.send_payload(bytes.fromhex("7b333a") + ECHO)
    assert tapped(process)[0][8:24].hex() == "fe80000000000000021122fffe000002"
    assert process.link.tester.hex() == "001122000002"


@pytest.mark.parametrize("process", [("ble",)], indirect=True)
def test_its_report_from_the_unspecified_address(process):
    """RFC 6282 §3.1.1: :: is SAC=1 SAM=00; with unset contexts lwIP takes it for an address under context 0."""
    first = process.link.receive(process.link.now() + 2).frame
    assert first.hex().startswith("7959" + "00" * 9 + "0201ff0000013a")
    with pytest.raises(DecodeError):
        decode(first, process.info.reversed())


on_802154 = pytest.mark.parametrize("process", [("ieee802154",)], indirect=True)
PAYLOAD = bytes.fromhex("7b233a0002") + ECHO


@on_802154
@pytest.mark.parametrize(
    "header",
    [
        {"dst_pan": b"\x12\x34", "src_pan": b"\x12\x34"},  # RFC 4944 §3: heeded only within the PAN
        {"dst": bytes.fromhex("02005effaaaaaaaa")},  # another node's address
        {"type": mac.COMMAND},  # RFC 4944 §2: data frames only
    ],
)
def test_mac_header_is_not_looked_at(process, header):
    fields = {
        "dst": process.link.dut,
        "src": TESTER_EUI64,
        "dst_pan": process.link.pan,
        "src_pan": process.link.pan,
    }
    process.link.send(
        mac.build(mac.MacHeader(**{**fields, "pan_compression": True, "version": 0, **header}), PAYLOAD)
    )
    assert len(tapped(process)) == 1


@on_802154
def test_short_sources_are_not_heard(process):
    """RFC 4944 §3: both kinds of addresses; lwIP compares the source's mode with the destination's mask."""
    process.link.send(mac.data_frame(b"\0\2", DUT_SHORT, process.link.pan, 0, PAYLOAD))
    assert tapped(process) == []


@on_802154
@pytest.mark.parametrize("order", [(1, 0, 2, 3, 4), (0, 2, 1, 3, 4), (4, 3, 2, 1, 0)])
def test_fragments_out_of_order(process, order):
    """RFC 4944 §5.3: placed by datagram_offset, whatever the order of arrival."""
    pieces = fragment(process.echo(256), process.info, mtu=69, tag=9)
    for index in order:
        process.send_payload(pieces[index])
    assert tapped(process) == []


@on_802154
def test_two_datagrams_of_one_sender(process):
    """RFC 4944 §5.3: the tag tells them apart."""
    one, two = (fragment(process.echo(256), process.info, mtu=69, tag=tag) for tag in (1, 2))
    for pair in zip(one, two, strict=True):
        for payload in pair:
            process.send_payload(payload)
    assert len(tapped(process)) == 1


@on_802154
def test_a_datagram_that_is_whole_in_its_first_fragment(process):
    """RFC 4944 §5.3: complete when every octet is there; lwIP looks only when a FRAGN comes."""
    process.send_payload(bytes.fromhex("c0300001") + PAYLOAD)
    assert tapped(process) == []


@pytest.mark.parametrize("fresh", range(4))
@on_802154
def test_a_first_fragment_that_is_refused_stays_in_the_list(process, fresh):
    """Its buffer is freed, and the FRAGN behind it frees it again: in every process alike, whatever the heap holds."""
    process.send_payload(bytes.fromhex("c0f80007"))
    process.send_payload(bytes.fromhex("e0f8000701"))
    with pytest.raises(LinkClosed, match="is crashed") as closed:
        process.node.sync()
    health = process.node.health()
    assert health.state == "crashed", fresh
    assert health.beside(str(closed.value)).count("SIG") == 1, "how it ended is told once"


def test_what_was_not_overwritten_ends_in_an_assertion(monkeypatch):
    """The rig fills what is freed, so that a wild pointer ends lwIP; else its own assertion does."""
    if not installed():
        pytest.skip("liblwip0 is absent")
    monkeypatch.setattr(node, "DIRTY_MEMORY", {})
    process = LwipProcess("ieee802154")
    try:
        exchange = Exchange(process)
        with contextlib.suppress(LinkClosed):  # it may be dead before the last was sent
            for _ in range(4):
                exchange.send_payload(bytes.fromhex("c0f800027e33ee7a333a8000") + b"\xf0" * 30)
                exchange.send_payload(bytes.fromhex("e0f800020a") + bytes(16))
        with pytest.raises(LinkClosed, match=r"SIGABRT: Assertion .pbuf_free: p->ref > 0. failed"):
            process.node.sync()
    finally:
        process.close()


@on_802154
def test_padding_of_its_address_option(process):
    """RFC 4944 §8: four octets of zero behind a short address; lwIP sends what lay in its buffer."""
    process.send_payload(bytes.fromhex("7a333a") + b"\x5e" * 8)
    process.link.send(
        mac.data_frame(
            TESTER_EUI64, process.dut, process.link.pan, 0, bytes.fromhex("7a333a") + echo(process)
        )
    )
    while (received := process.link.receive(process.link.now() + 2)) is not None:
        header, payload = mac.parse(received.frame)
        info = LinkInfo("ieee802154", header.src, header.dst)
        packet = decode(payload, info)
        if packet[40:41] == b"\x87":
            assert packet[64:68] == b"\x01\x01\x00\x01"
            assert packet[68:72] != bytes(4)
            return
    pytest.fail("no solicitation was sent")


def echo(process) -> bytes:
    """An Echo Request from the tester's EUI-64 address, which lwIP has to resolve; its ICMPv6 part."""
    from sixlowpan import ipv6, link_local

    return ipv6.echo_request(link_local(TESTER_EUI64), process.peer, 1, 1, b"\x5e" * 32)[40:]
