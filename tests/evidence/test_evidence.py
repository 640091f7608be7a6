"""The pcapng of a case opens in tshark, with the right link types, and decodes to what the oracle reports."""

import shutil
import subprocess

import pytest

from fixtures.evidence.capture import Evidence, slug
from rigs.model import Received
from sixlowpan import Contexts, LinkInfo, decode, encode, fragment, ipv6, mac
from sixlowpan.addresses import link_local

needs_tshark = pytest.mark.skipif(
    not shutil.which("tshark"), reason="tshark is not installed (apt-get install tshark)"
)
EUI_A, EUI_B = bytes.fromhex("02005e0000000001"), bytes.fromhex("02005e0000000002")
BD_A, BD_B = bytes.fromhex("001bdc073121"), bytes.fromhex("f0f1f2f3f4f5")


class FakeLink:
    def __init__(self, kind, tester, dut, mtu):
        self.kind, self.tester, self.dut, self.mtu = kind, tester, dut, mtu


def tshark(path, *options):
    command = ["tshark", "-Q", "-r", str(path), *options]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


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
