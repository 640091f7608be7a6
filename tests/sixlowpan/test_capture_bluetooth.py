"""IPSP in every form of capture: the same payloads, the same ends."""

from __future__ import annotations

import pytest

from sixlowpan import capture
from sixlowpan.capture import report
from tests.sixlowpan.bluetooth import BACK, FORMS, RESERVED, THERE, air, hci, nordic, phdr
from tests.sixlowpan.captures import btsnoop, pcap
from tests.sixlowpan.samples import BD_A, BD_B


def conversation(path):
    found = [(each.payload, each.link.src, each.link.dst) for each in capture.payloads(path)]
    assert found == [(THERE, BD_A, BD_B), (BACK, BD_B, BD_A), (RESERVED, BD_A, BD_B)]
    judgement = capture.judge(path)
    assert [f.requirement for f in judgement.findings if f.level == "fail"] == ["RFC6282-3.1.1-33"]
    assert judgement.judged == 3
    assert judgement.read == judgement.judged + sum(judgement.skipped.values())


@pytest.mark.parametrize("name", FORMS)
def test_every_form(tmp_path, name):
    link_type, make = FORMS[name]
    conversation(pcap(tmp_path / "f", link_type, make()))


def flags(sent, packet):
    return (not sent) | (2 if packet[0] in {1, 4} else 0)


def test_btsnoop(tmp_path):
    packets = [(flags(sent, each), each) for sent, each in hci()]
    conversation(btsnoop(tmp_path / "f", packets))
    conversation(btsnoop(tmp_path / "f", [(flag, each[1:]) for flag, each in packets], 1001))
    opcodes = {4: 3, 2: 4}
    monitored = [(opcodes[each[0]] + (each[0] == 2 and not sent), each[1:]) for sent, each in hci()]
    conversation(btsnoop(tmp_path / "f", monitored, 2001))
    assert capture.judge(btsnoop(tmp_path / "f", packets, 1003)).judged == 0


def test_two_adapters_do_not_mix(tmp_path):
    first = [(3 if each[0] == 4 else 4 + (not sent), each[1:]) for sent, each in hci()]
    both = [(flag | adapter << 16, each) for flag, each in first for adapter in (0, 1)]
    payloads = list(capture.payloads(btsnoop(tmp_path / "f", both, 2001)))
    assert [each.payload for each in payloads] == [THERE, THERE, BACK, BACK, RESERVED, RESERVED]


def test_sent_again_on_the_air(tmp_path):
    packets = [each for _, each in air() for _ in range(2)]
    conversation(pcap(tmp_path / "f", 251, packets))


@pytest.mark.parametrize(
    ("link_type", "frames", "reason"),
    [
        (256, [phdr(central, each, 0x0413) for central, each in air()], "CRC wrong"),
        (272, [nordic(*each)[:8] + b"\0" + nordic(*each)[9:] for each in air()], "CRC wrong"),
        (272, [b"\0\0\0\x09" + bytes(20)], "version 9 of the nRF sniffer"),
        (272, [b"\0\0\0\x03\0\0\x01" + bytes(20)], "a note of the nRF sniffer"),
        (254, [b"\0\0\0\x00" + bytes(20)], "a note of the Bluetooth monitor"),
        (251, [bytes(8)], "damaged LE packet"),
        (251, [b"\xd6\xbe\x89\x8e\x00\x02ab\0\0\0"], "LE advertising"),
        (251, [b"\1\2\3\4\x03\x01\x05\0\0\0", b"\1\2\3\4\x02\x02ab\0\0\0"], "secured on the air"),
        (251, [b"\1\2\3\4\x01\x00\0\0\0"], "LE packet without data"),
        (251, [b"\1\2\3\4\x01\x09\0\0\0"], "damaged LE packet"),
    ],
)
def test_what_is_not_read(tmp_path, link_type, frames, reason):
    judgement = capture.judge(pcap(tmp_path / "f", link_type, frames))
    assert judgement.judged == 0
    assert reason in judgement.skipped


@pytest.mark.parametrize(("name", "beginning"), [("251", 1), ("256", 1), ("201", 2), ("187", 2)])
def test_a_capture_that_began_too_late_blames_nobody_for_addresses(tmp_path, name, beginning):
    """Who elides an address is in its right: the capture does not show it."""
    link_type, make = FORMS[name]
    judgement = capture.judge(pcap(tmp_path / "f", link_type, make()[beginning:]))
    assert judgement.judged == 3
    fails = {group.finding.requirement for group in judgement.groups if group.finding.level == "fail"}
    assert fails == {"RFC6282-3.1.1-33"}
    assert judgement.unknown_addresses == 2
    assert any("begin it before the nodes connect" in line for line in report.text(judgement))


def test_decrypted_by_the_sniffer(tmp_path):
    start = b"\x56\x34\x12\x50\x03\x01\x05\0\0\0"
    packets = list(air())
    packets.insert(1, (True, start))
    for frames, judged in (
        ([phdr(central, each, 0x0C1B) for central, each in packets], 3),
        ([phdr(central, each) for central, each in packets], 0),
    ):
        assert capture.judge(pcap(tmp_path / "f", 256, frames)).judged == judged


def test_contexts_serve_both_directions(tmp_path):
    link_type, make = FORMS["201"]
    judgement = capture.judge(pcap(tmp_path / "f", link_type, make()))
    assert {network for network, _ in judgement.senders} == {min(BD_A, BD_B) + max(BD_A, BD_B)}


def test_a_capture_that_began_behind_the_connection_says_so(tmp_path):
    packets = [(int(not sent), packet) for sent, packet in hci()]
    whole, late = (capture.judge(btsnoop(tmp_path / "f", each)) for each in (packets, packets[4:]))
    hint = "hint: no packet of IPSP was whole: begin the capture before the nodes connect, since that tells its channel"
    assert [hint in report.text(each) for each in (whole, late)] == [False, True]
