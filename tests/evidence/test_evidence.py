"""The pcapng of a case opens in tshark, with the right link types, and decodes to what the oracle reports."""

import shutil
import time

import pytest
from scapy.utils import rdpcap

from fixtures.evidence.capture import Evidence, slug
from rigs.links.memory.link import MemoryLink
from rigs.model import Received
from sixlowpan import Contexts, LinkInfo, decode, encode, fragment, ipv6, mac
from sixlowpan.addresses import link_local
from tests.waiting import completed

needs_tshark = pytest.mark.skipif(
    not shutil.which("tshark"), reason="tshark is not installed (apt-get install tshark)"
)
EUI_A, EUI_B = bytes.fromhex("02005e0000000001"), bytes.fromhex("02005e0000000002")
BD_A, BD_B = bytes.fromhex("001bdc073121"), bytes.fromhex("f0f1f2f3f4f5")


class FakeLink:
    clock, clock_error = "monotonic", 0.0

    def outgoing(self):
        return self.left

    def __init__(self, kind, tester, dut, mtu):
        self.left = []
        self.kind, self.tester, self.dut, self.mtu = kind, tester, dut, mtu


def tshark(path, *options):
    command = ["tshark", "-Q", "-r", str(path), *options]
    return completed(command, check=True).stdout


def echo(source, destination, size=20):
    return ipv6.echo_request(source, destination, 0x1234, 7, (bytes(range(256)) * 5)[:size])


def fields(path, *names):
    options = [o for name in names for o in ("-e", name)]
    return [line.split("\t") for line in tshark(path, "-T", "fields", *options).splitlines()]


@needs_tshark
def test_ieee802154_frames_decode_to_the_same_packet(tmp_path):
    link = FakeLink("ieee802154", EUI_A, EUI_B, 125)
    info = LinkInfo("ieee802154", src=EUI_A, dst=EUI_B)
    packet = echo(link_local(EUI_A), link_local(EUI_B))
    evidence = Evidence(link)
    payload = encode(packet, info, Contexts())
    frame = mac.data_frame(EUI_A, EUI_B, b"\xab\xcd", 1, payload, ack_request=True)
    evidence.sink("link", "sent", Received(frame, 1.5, "monotonic"))
    evidence.sink("ip", "sent", Received(packet, 1.6, "monotonic"))
    path = tmp_path / "a.pcapng"
    evidence.save(path, "rfc6282/3.1.1/x on y: pass")
    names = ("frame.protocols", "icmpv6.echo.identifier", "icmpv6.checksum.status", "ipv6.src")
    rows = fields(path, *names)
    assert rows[0][0].startswith("wpan:6lowpan:ipv6:icmpv6")
    assert rows[1][0].startswith("ipv6:icmpv6")
    assert {row[1] for row in rows} == {"0x1234"}
    assert {row[2] for row in rows} == {"1"}
    assert rows[0][3] == rows[1][3]
    assert decode(payload, info, Contexts()) == packet


@needs_tshark
def test_fragments_are_reassembled(tmp_path):
    link = FakeLink("ieee802154", EUI_A, EUI_B, 125)
    info = LinkInfo("ieee802154", src=EUI_A, dst=EUI_B)
    packet = echo(link_local(EUI_A), link_local(EUI_B), 600)
    evidence = Evidence(link)
    for payload in fragment(packet, info, Contexts(), mtu=102, tag=9):
        frame = mac.data_frame(EUI_A, EUI_B, b"\xab\xcd", 1, payload)
        evidence.sink("link", "sent", Received(frame, 2.0, "monotonic"))
    path = tmp_path / "b.pcapng"
    evidence.save(path, "fragments")
    rows = fields(path, "frame.protocols", "icmpv6.echo.identifier", "icmpv6.checksum.status")
    assert rows[-1][1:] == ["0x1234", "1"]


@needs_tshark
@pytest.mark.parametrize("size", [20, 1200])
def test_ipsp_sdus_decode_to_the_same_packet(tmp_path, size):
    link = FakeLink("ble", BD_A, BD_B, 1280)
    evidence = Evidence(link)
    for direction, source, destination in (("sent", BD_A, BD_B), ("received", BD_B, BD_A)):
        info = LinkInfo("ble", src=source, dst=destination)
        packet = echo(link_local(source), link_local(destination), size)
        evidence.sink("link", direction, Received(encode(packet, info, Contexts()), 3.0, "monotonic"))
    path = tmp_path / "c.pcapng"
    evidence.save(path, "ble")
    rows = fields(path, "frame.protocols", "icmpv6.echo.identifier", "icmpv6.checksum.status")
    decoded = [row for row in rows if row[1:] == ["0x1234", "1"]]
    assert len(decoded) == 2, rows
    assert all("btl2cap" in row[0] and "6lowpan" in row[0] for row in decoded)


def test_file_names_are_made_of_case_ids():
    assert slug("rfc6282/3.1.1/hop_limit[255]") == "rfc6282-3.1.1-hop_limit-255"


@needs_tshark
def test_frames_are_in_the_order_of_their_stamps_and_in_wall_time(tmp_path):
    """A frame of ours that a tap saw leave has that tap's stamp, also where it was told later than the answer."""
    link = FakeLink("ieee802154", EUI_A, EUI_B, 125)
    evidence = Evidence(link)
    start = time.monotonic()
    frames = [mac.data_frame(EUI_A, EUI_B, b"\xab\xcd", number, bytes(8)) for number in range(4)]
    evidence.sink("link", "sent", Received(frames[0], start - 0.020, "guest"))
    evidence.sink("link", "sent", Received(frames[1], start + 0.030, "guest"))
    evidence.sink("link", "received", Received(frames[2], start + 0.0005, "guest"))
    evidence.sink("ip", "sent", Received(bytes([0x60]) + bytes(39), start + 0.0002, "guest"))
    link.left = [
        Received(frames[0], start - 3600, "guest"),  # the same octets, in another case
        Received(frames[0], start, "guest"),
        Received(frames[1], start + 0.001, "guest"),
    ]
    evidence.save(tmp_path / "a.pcapng", "x")
    rows = fields(tmp_path / "a.pcapng", "frame.time_epoch", "wpan.seq_no")
    assert [row[1] for row in rows] == ["0", "", "2", "1"]
    times = [float(row[0]) for row in rows]
    assert [round(time - times[0], 6) for time in times] == [0, 0.0002, 0.0005, 0.001]
    assert times[0] > 1.7e9  # not 1970


def test_a_virtual_clock_is_told_in_wall_time_as_well(tmp_path):
    link = MemoryLink("ieee802154")
    evidence = Evidence(link)
    evidence.sink("link", "sent", Received(bytes(12), link.stamp(), "virtual"))
    evidence.save(tmp_path / "a.pcapng", "x")
    (packet,) = rdpcap(str(tmp_path / "a.pcapng"))
    assert float(packet.time) > 1.7e9
