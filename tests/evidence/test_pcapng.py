"""Our pcapng says what scapy's writer says of the same packets: by tshark's reading, by scapy's, and by the judge's."""

import logging
import shutil
import struct

import pytest
from scapy.utils import RawPcapNgReader

from fixtures.evidence.capture import Evidence
from fixtures.evidence.explanation import comments
from fixtures.evidence.pcapng import LONGEST_COMMENT, Interface, Packet, section
from reports.record import Finding, Result
from rigs.model import Received
from rigs.replay import sent_frames
from sixlowpan import Contexts, LinkInfo, encode, ipv6, mac
from sixlowpan.addresses import iid, link_local
from sixlowpan.capture.containers import records
from tests.evidence import scapy_writer
from tests.waiting import completed

needs_tshark = pytest.mark.skipif(
    not shutil.which("tshark"), reason="tshark is not installed (apt-get install tshark)"
)
EUI_A, EUI_B = bytes.fromhex("02005e0000000001"), bytes.fromhex("02005e0000000002")
BD_A, BD_B = bytes.fromhex("001bdc073121"), bytes.fromhex("f0f1f2f3f4f5")
#: A name each: scapy's writer takes interfaces of one name for one interface.
INTERFACES = [Interface("link", 230), Interface("dut-ip", 229), Interface("hci", 201), Interface("fcs", 195)]
NOON = 1_790_000_000_123_456_000  # ns, whole microseconds: scapy writes no more


def packets():
    """Packets of every link type, size of padding, direction and number of comments."""
    info = LinkInfo("ieee802154", src=EUI_A, dst=EUI_B)
    for number in range(40):
        packet = ipv6.echo_request(link_local(EUI_A), link_local(EUI_B), 0x1234, number, bytes(number))
        frame = mac.data_frame(EUI_A, EUI_B, b"\xab\xcd", number, encode(packet, info, Contexts()))
        octets = [frame, packet, bytes(4) + b"\x01\x03\x0c\x00", frame + b"\x12\x34"][number % 4]
        said = [(), ("one",), ("first", "zweite \N{EN DASH} \u00e4")][number % 3]
        way = ("sent", "received")[number // 4 % 2]
        yield Packet(number % 4, NOON + 1_000 * number, octets, way, said)


def by_scapy(path):
    logging.getLogger("scapy").setLevel(logging.ERROR)
    with path.open("rb") as file:
        for octets, about in RawPcapNgReader(file):
            stamp = ((about.tshigh << 32) + about.tslow) * 10**9 // about.tsresol
            said = about.comments or []
            yield about.linktype, stamp, octets, about.direction, about.ifname, said, about.wirelen


def by_tshark(path):
    names = ("frame.time_epoch", "frame.len", "frame.cap_len", "frame.interface_name", "frame.packet_flags_direction",
             "frame.encap_type", "frame.comment", "frame.protocols")  # fmt: skip
    columns = [o for name in names for o in ("-e", name)]
    rows = completed(["tshark", "-n", "-r", str(path), "-T", "fields", *columns], check=True).stdout
    octets = completed(["tshark", "-n", "-r", str(path), "-x"], check=True).stdout
    return [line.split("\t") for line in rows.splitlines()], octets


@pytest.fixture
def both(tmp_path):
    ours, scapys = tmp_path / "ours.pcapng", tmp_path / "scapys.pcapng"
    ours.write_bytes(section(INTERFACES, packets()))
    scapy_writer.write(scapys, INTERFACES, list(packets()))
    return ours, scapys


def test_scapy_reads_the_same_in_both(both):
    ours, scapys = map(list, map(by_scapy, both))
    assert ours == scapys
    given = list(packets())
    assert [read[1:3] for read in ours] == [(p.time, p.octets) for p in given]
    assert {read[0] for read in ours} == {230, 229, 201, 195}
    assert [read[5] for read in ours] == [[text.encode() for text in p.comments] for p in given]


@needs_tshark
def test_tshark_reads_the_same_in_both(both):
    ours, scapys = map(by_tshark, both)
    # scapy's interfaces have microseconds: six digits and three zeros, as ours have
    assert ours == scapys
    assert [int(row[4], 16) for row in ours[0]] == [
        {"received": 1, "sent": 2}[p.direction] for p in packets()
    ]
    assert any("6lowpan:ipv6:icmpv6" in row[7] for row in ours[0])


def test_the_judge_reads_the_same_in_both(both):
    ours, scapys = map(list, map(records, both))
    assert [(r.link_type, r.data, r.length) for r in ours] == [
        (r.link_type, r.data, r.length) for r in scapys
    ]
    assert [r.time for r in ours] == pytest.approx([r.time for r in scapys], abs=1e-6)


def test_replay_reads_the_same_in_both(both):
    ours, scapys = map(sent_frames, both)
    assert ours == scapys
    assert {frame.kind for frame in ours} >= {"ieee802154"}


def test_stamps_are_of_nanoseconds(tmp_path):
    path = tmp_path / "a.pcapng"
    path.write_bytes(section([Interface("link", 230)], [Packet(0, NOON + 789, bytes(12), "sent")]))
    assert [read[1] for read in by_scapy(path)] == [NOON + 789]


def test_a_comment_of_any_length_and_any_characters_is_whole_text(tmp_path):
    path = tmp_path / "a.pcapng"
    said = ["\u00e4" * 70_000, "lone \ud800", "x" * LONGEST_COMMENT]
    path.write_bytes(section([Interface("link", 230)], [Packet(0, NOON, bytes(12), "sent", said)]))
    [read] = by_scapy(path)
    long, lone, fits = (text.decode() for text in read[5])
    assert long.startswith("\u00e4" * 1000)
    assert long.endswith("\u00e4 ...")
    assert len(long.encode()) <= LONGEST_COMMENT
    assert lone == "lone \\ud800"
    assert fits == said[2]


def test_a_file_without_packets_is_whole(tmp_path):
    path = tmp_path / "a.pcapng"
    path.write_bytes(section([], []))
    assert list(records(path)) == []
    assert struct.unpack_from("<I", path.read_bytes(), 4)[0] == len(path.read_bytes())


# -- what a person finds in the evidence of a case -----------------------------------------------------------


class Link:
    clock, clock_error = "monotonic", 0.0

    def __init__(self, kind, tester, dut, mtu):
        self.kind, self.tester, self.dut, self.mtu = kind, tester, dut, mtu

    def outgoing(self):
        return []


class LiveLink(Link):
    """A link with a real controller, whose packets hold less than an SDU."""

    def hci_since(self, start):
        return self.hci


def finding(frame, code="hop_limit"):
    return Finding(code, "RFC6282-3.1.1-09", "MUST", "hop limit 255", "hop limit\n64", frame.hex())


def result(*findings):
    return Result("rfc6282/3.1.1/x", "y", [], findings=list(findings))


def test_the_frame_of_a_finding_is_commented(tmp_path):
    evidence = Evidence(Link("ieee802154", EUI_A, EUI_B, 125))
    frames = [mac.data_frame(EUI_A, EUI_B, b"\xab\xcd", number, bytes(8)) for number in (0, 1, 1, 2)]
    for number, frame in enumerate(frames):
        evidence.sink("link", "received", Received(frame, 1.0 + number, "monotonic"))
    found = comments(result(finding(frames[1]), finding(b""), finding(frames[0]), finding(bytes(9))))
    evidence.save(tmp_path / "a.pcapng", "x on y: fail", found)
    said = [[text.decode() for text in read[5]] for read in by_scapy(tmp_path / "a.pcapng")]
    text = "RFC6282-3.1.1-09 hop_limit: expected hop limit 255; actual hop limit\\n64"
    assert said == [["x on y: fail", text], [], [text], []]


def test_findings_of_one_frame_are_bounded(tmp_path):
    evidence = Evidence(Link("ieee802154", EUI_A, EUI_B, 125))
    evidence.sink("link", "received", Received(bytes(20), 1.0, "monotonic"))
    found = comments(result(*(finding(bytes(20), str(number)) for number in range(100))))
    evidence.save(tmp_path / "a.pcapng", "x", found)
    [read] = by_scapy(tmp_path / "a.pcapng")
    assert len(read[5]) == 10
    assert read[5][-1] == b"... and 92 more findings, in the record"


@pytest.mark.parametrize("live", [False, True])
def test_the_packet_that_begins_the_sdu_of_a_finding_is_commented(tmp_path, live):
    link = (LiveLink if live else Link)("ble", BD_A, BD_B, 1280)
    sdus = [bytes([number]) * size for number, size in ((1, 40), (2, 600), (3, 40))]
    evidence = Evidence(link)
    for number, sdu in enumerate(sdus):
        evidence.sink("link", "received", Received(sdu, 1.0 + number, "monotonic"))
    if live:
        link.hci = [("received", 1.0, b"\x04\x0f\x04\x00\x01\x00\x00")]
        for sdu in sdus:
            pdu = (
                struct.pack("<HHH", len(sdu) + 2, 0x40, len(sdu)) + sdu
            )  # one K-frame in fragments of 27 octets
            for start in range(0, len(pdu), 27):
                boundary = 1 if start else 2
                piece = pdu[start : start + 27]
                link.hci.append(
                    ("received", 2.0, struct.pack("<BHH", 2, 0x40 | boundary << 12, len(piece)) + piece)
                )
    found = comments(result(finding(sdus[1], "long"), finding(sdus[2], "short")))
    evidence.save(tmp_path / "a.pcapng", "x", found)
    marked = {}
    for number, read in enumerate(by_scapy(tmp_path / "a.pcapng")):
        for text in read[5]:
            marked[text.decode().partition(":")[0]] = (number, read[2])
    assert marked["x"][0] == 0
    assert marked["RFC6282-3.1.1-09 long"][1][13:18] == b"\x58\x02\x02\x02\x02"  # 600 octets of 02
    assert marked["RFC6282-3.1.1-09 short"][1][13:18] == b"\x28\x00\x03\x03\x03"


@needs_tshark
def test_the_contexts_are_given_as_tshark_takes_them(tmp_path):
    """What the file says of its contexts is pasted as it is, and the addresses come out right."""
    contexts = Contexts.parse({"0": "2001:db8::/64", "5": "2001:db8:5::/48"})
    info = LinkInfo("ieee802154", src=EUI_A, dst=EUI_B)
    source, destination = (bytes.fromhex("20010db800050000") + iid(e) for e in (EUI_A, EUI_B))
    packet = ipv6.echo_request(source, destination, 0x1234, 7, bytes(8))
    payload = encode(packet, info, contexts)
    assert len(payload) < 30  # by context
    evidence = Evidence(Link("ieee802154", EUI_A, EUI_B, 125))
    frame = mac.data_frame(EUI_A, EUI_B, b"\xab\xcd", 1, payload)
    evidence.sink("link", "sent", Received(frame, 1.0, "monotonic"))
    path = tmp_path / "a.pcapng"
    evidence.save(path, "x", {}, contexts)
    told = completed(["capinfos", "-k", str(path)], check=True).stdout
    options = told[told.index("-o 6lowpan.context") :].split()
    command = ["tshark", "-n", "-r", str(path), *options, "-T", "fields", "-e", "ipv6.src"]
    assert completed([*command, "-e", "icmpv6.checksum.status"], check=True).stdout.split() == [
        "2001:db8:5::5e00:0:1",
        "1",
    ]
