"""Who is blamed, how often, and for what one cannot be blamed: repetitions, restarts, neighbours' contexts."""

from __future__ import annotations

import json
import struct

import pytest

from sixlowpan import (
    Contexts,
    MacHeader,
    __main__,
    capture,
    data_frame,
    encode,
    fragment,
    ipv6,
    link_local,
    mac,
    mesh_header,
    nd,
)
from sixlowpan.capture import report
from sixlowpan.coverage import SHOWABLE
from tests.sixlowpan.captures import pcap, right
from tests.sixlowpan.samples import CONTEXTS, DST, EUI_A, EUI_B, LONG, SRC, address, udp_packet

PAN, OTHER = b"\xab\xcd", b"\x12\x34"
EUI_C = bytes.fromhex("00124b00090a0b0c")


def frames(payloads, pan=PAN, src=EUI_A, dst=EUI_B, first=1):
    return [data_frame(src, dst, pan, first + number & 0xFF, each) for number, each in enumerate(payloads)]


def pieces(tag, data=b"", size=200):
    """The payloads of one datagram in fragments."""
    packet = ipv6.echo_request(SRC, DST, 1, tag, data + bytes(size))
    return fragment(packet, LONG, mtu=80, tag=tag)


def judged(tmp_path, given, link_type=230, contexts=None, step=1):
    path = pcap(tmp_path / "f", link_type, given, step=step)
    return capture.judge(path, contexts or Contexts())


def rows(judgement):
    return [(f.code, f.level, f.frame) for f in judgement.findings]


def test_one_habit_is_one_line(tmp_path):
    payloads = [bytes.fromhex("7a343a") + bytes((number & 0xFF, number >> 8)) for number in range(300)]
    judgement = judged(tmp_path, frames(payloads) + frames(payloads[:2], src=EUI_C))
    assert [(g.count, g.frames, g.sender) for g in judgement.groups] == [
        (300, [1, 2, 3, 4, 5], (PAN, EUI_A)),
        (2, [301, 302], (PAN, EUI_C)),
    ]
    assert judgement.judged == 302
    text = list(report.text(judgement))
    assert "300 times, first in 1, 2, 3, 4, 5" in text[0]
    assert text[-1] == "302 frames read, 302 judged, 0 skipped"


def test_everything_kept_is_bounded(tmp_path):
    """More senders, networks and kinds than are kept apart: counted, and the last ones still judged."""
    wrong = bytes.fromhex("7a343a")
    many = [
        data_frame(struct.pack(">H", number), b"\0\1", struct.pack(">H", number % 300), number & 0xFF, wrong)
        for number in range(1, 10_000)
    ]
    judgement = judged(tmp_path, many)
    assert judgement.judged == 9999
    assert len(judgement.groups) == 8192
    assert judgement.left_out == 9999 - 8192
    assert len(judgement.senders) == 1024
    assert len(judgement._linters) == 256
    assert any("1807 more findings" in line for line in report.text(judgement))
    reasons = judged(tmp_path, [struct.pack(">12xH", number) for number in range(200)], 1)
    assert len(reasons.skipped) == 65
    assert reasons.skipped["other reasons"] == 200 - 64


def test_sent_again_by_the_mac(tmp_path):
    datagram = frames(pieces(7))
    small = frames([encode(ipv6.echo_request(SRC, DST, 1, 9, b""), LONG)], first=30)
    judgement = judged(tmp_path, [*datagram, *small, datagram[-1], datagram[0]])
    assert rows(judgement) == []
    assert judgement.skipped == {"a repetition": 2}


def test_captured_twice(tmp_path):
    datagram = frames(pieces(7))
    assert rows(judged(tmp_path, datagram * 2)) == []
    assert rows(judged(tmp_path, [each for each in datagram for _ in range(2)])) == []


def test_a_repetition_with_another_sequence_number(tmp_path):
    """As one forwarder after the other sends the fragments of one datagram."""
    relayed = [mesh_header(EUI_A, EUI_B, 5) + each for each in pieces(7)]
    again = [mesh_header(EUI_A, EUI_B, 4) + each for each in pieces(7)]
    both = frames(relayed) + frames(again, src=EUI_C, first=60)
    assert rows(judged(tmp_path, both)) == []
    mixed = [
        each
        for pair in zip(frames(relayed), frames(again, src=EUI_C, first=60), strict=True)
        for each in pair
    ]
    assert rows(judged(tmp_path, mixed)) == []


@pytest.mark.parametrize(("step", "level"), [(0, "fail"), (1, "fail"), (30, "advice"), (90, "advice")])
def test_a_tag_that_comes_again(tmp_path, step, level):
    """ "Its initial value is not defined": a sender that had the time to start anew may use any tag."""
    one, two = pieces(7), pieces(7, b"another")
    given = frames(one)[-1:] + frames(two, first=50)[:1]
    judgement = judged(tmp_path, given, step=step)
    assert ("datagram_tag", level, 2) in rows(judgement)


def test_tags_of_two_networks(tmp_path):
    """The same short addresses in two PANs are two links."""
    one, two = pieces(7), pieces(7, b"another")
    given = frames(one, src=b"\0\1", dst=b"\0\2") + frames(two, OTHER, src=b"\0\1", dst=b"\0\2")
    assert not [row for row in rows(judged(tmp_path, given, step=0)) if row[0] == "datagram_tag"]


def advertise(option, pan=PAN, src=EUI_B):
    router, everyone = link_local(src), address("ff02::1")
    message = nd.RouterAdvertisement(options=(nd.LinkLayerAddress(1, src), option)).build(router, everyone)
    packet = ipv6.build(router, everyone, 58, message, hop_limit=255)
    return data_frame(src, b"\xff\xff", pan, 3, encode(packet, LONG.between(src, b"\xff\xff")))


SIX = address("2001:db8:2::")
STATEFUL = encode(
    udp_packet(address("2001:db8:2::1"), address("2001:db8:2::2")),
    LONG,
    Contexts.parse({"2": "2001:db8:2::/64"}),
)


def test_contexts_belong_to_a_pan(tmp_path):
    given = [
        advertise(nd.ContextOption(SIX, 64, True, 2, 5)),
        *frames([STATEFUL]),
        *frames([STATEFUL], OTHER),
    ]
    judgement = judged(tmp_path, given)
    assert [(g.finding.code, g.frames) for g in judgement.groups] == [("unsupported", [3])]
    assert judgement.undefined_contexts == 1
    assert any("--context ID=PREFIX" in line for line in report.text(judgement))


def test_a_context_for_decompression_only_is_learnt(tmp_path):
    """C=0 (RFC 6775 4.2): it decompresses, and whoever compresses with it is wrong."""
    given = [advertise(nd.ContextOption(SIX, 64, False, 2, 5)), *frames([STATEFUL])]
    (found,) = judged(tmp_path, given).findings
    assert (found.code, found.requirement, found.frame) == ("context", "RFC6775-4.2-04", 2)


def version_2(payload, src=EUI_A, dst=EUI_B):
    """A frame between EUI-64s without any PAN id."""
    header = MacHeader(version=2, pan_compression=True, sequence=9, dst=dst, src=src)
    return mac.build(header, payload)


def test_a_frame_without_pan_id(tmp_path):
    """It belongs where its ends were seen, and else to the only PAN that there is."""
    option = nd.ContextOption(SIX, 64, True, 2, 5)
    assert rows(judged(tmp_path, [advertise(option), version_2(STATEFUL)])) == []
    assert rows(judged(tmp_path, [advertise(option), version_2(STATEFUL, EUI_C, EUI_A)])) == []
    elsewhere = frames([bytes.fromhex("7a333a8000")], OTHER, src=EUI_C)
    two = [advertise(option), *elsewhere, version_2(STATEFUL, EUI_C, EUI_A)]
    assert rows(judged(tmp_path, two)) == [("unsupported", "advice", 3)]
    assert rows(judged(tmp_path, [advertise(option), *elsewhere, version_2(STATEFUL)])) == []
    # a broadcast to PAN ffff belongs to the PAN of its source
    broad = MacHeader(sequence=1, dst_pan=b"\xff\xff", dst=b"\xff\xff", src_pan=PAN, src=EUI_B, version=1)
    announced = mac.build(broad, mac.parse(advertise(option))[1])
    assert rows(judged(tmp_path, [announced, *frames([STATEFUL])])) == []


def test_the_originator_is_blamed(tmp_path):
    """Behind a mesh header the sender is not who forwarded it."""
    given = frames([mesh_header(EUI_C, EUI_B, 5) + bytes.fromhex("7a343a")])
    judgement = judged(tmp_path, given)
    assert [g.sender for g in judgement.groups] == [(PAN, EUI_C)]
    assert set(judgement.senders) == {(PAN, EUI_C)}
    # what is left incomplete is charged to whoever began it
    given = frames(pieces(7)[:1], src=EUI_C) + frames([bytes.fromhex("7a333a8000")])
    group = judged(tmp_path, given).groups[0]
    assert (group.finding.code, group.sender, group.frames) == ("incomplete", (PAN, EUI_C), [1])


def test_what_was_never_seen(tmp_path):
    payloads = [bytes.fromhex("7a343a"), bytes.fromhex("7e33f0163316330000")]
    did = judged(tmp_path, frames(payloads)).senders[PAN, EUI_A]
    assert dict(did.fails) == {"RFC6282-3.1.1-33": 1}
    assert "RFC6282-4.3.3-03" in did.coverage.seen
    assert "RFC6282-3.1.1-33" not in SHOWABLE["ieee802154"]
    assert "RFC6282-4.3.3-04" in did.coverage.never
    assert did.coverage.seen.isdisjoint(did.coverage.never)


def run(capsys, *arguments):
    code = __main__.main([str(each) for each in arguments])
    out, err = capsys.readouterr()
    return code, out.splitlines(), err


def test_the_lines_of_json(tmp_path, capsys):
    path = pcap(tmp_path / "f", 230, [*frames([bytes.fromhex("7a343a")]), mac.ack(1)])
    code, lines, _ = run(capsys, "judge", "--json", path)
    found, sender, count = map(json.loads, lines)
    assert code == 1
    assert (found["type"], found["sender"], found["network"], found["count"]) == (
        "finding",
        EUI_A.hex(),
        "abcd",
        1,
    )
    assert (sender["type"], sender["breached"]) == ("sender", {"RFC6282-3.1.1-33": 1})
    assert (count["read"], count["judged"], count["skipped"]) == (2, 1, {"not a data frame": 1})


def test_nothing_judged_is_no_success(tmp_path, capsys):
    code, lines, _ = run(capsys, "judge", pcap(tmp_path / "f", 230, []))
    hint = "hint: no packet is in this file: nothing was captured, or it ends before the first one"
    assert (code, lines) == (2, [hint, "0 frames read, 0 judged, 0 skipped"])
    secured = mac.build(
        MacHeader(security=True, security_control=13, frame_counter=1, key_id=b"\1"), bytes(9)
    )
    code, lines, _ = run(capsys, "judge", pcap(tmp_path / "f", 230, [secured]))
    assert code == 2
    assert lines[-1] == "1 frame read, 0 judged, 1 skipped: secured, no key 1"
    assert any("--key" in line for line in lines)
    code, lines, _ = run(capsys, "judge", pcap(tmp_path / "f", 195, [frames([STATEFUL])[0] + b"ab"]))
    assert any("--fcs" in line for line in lines)


def test_damage_is_no_success(tmp_path, capsys):
    path = pcap(tmp_path / "f", 230, frames([bytes.fromhex("7a333a8000")]))
    path.write_bytes(path.read_bytes() + b"\xff" * 16)
    code, lines, _ = run(capsys, "judge", path)
    assert code == 2
    assert lines[-1] == "1 frame read, 1 judged, 0 skipped"
    assert any("damaged" in line for line in lines)


def test_what_one_may_pay_attention_to(tmp_path, capsys):
    path = pcap(tmp_path / "f", 230, frames([bytes.fromhex("7a333a8000") + bytes(60)]))
    assert run(capsys, "judge", path, "--mtu", 40)[0] == 1
    assert run(capsys, "judge", path, "--mtu", 80)[0] == 0
    assert run(capsys, "judge", path, "--pan", "abcd")[0] == 0
    assert run(capsys, "judge", path, "--pan", "0x1234")[0] == 2


REFUSED = [
    (["judge", "PATH", "--link", "ble"], "--link does not apply to a capture"),
    (["judge", "PATH", "--src", "0001"], "--src does not apply to a capture"),
    (["judge", "PATH", "--role", "6LN"], "--role does not apply to a capture"),
    (["judge", "PATH", "--registered", "fe80::1"], "--registered does not apply to a capture"),
    (["judge", "PATH", "--integrity"], "--integrity does not apply to a capture"),
    (["judge", "PATH", "PATH"], "one capture at a time"),
    (["judge", "PATH", "--pan", "abc"], "hexadecimal"),
    (["judge", "PATH", "--pan", "abcdef"], "4 hexadecimal digits"),
    (["judge", "PATH", "--key", "00"], "32 hexadecimal digits"),
    (["judge", "PATH", "--mtu", "0"], "at least one octet"),
    (["judge", "PATH", "--context", "x"], "ID=PREFIX"),
    (["judge", "PATH", "--context", "99=2001:db8::/64"], "0..15"),
    (["judge", "PATH", "--context", "0=zz"], "--context 0=zz: "),
    (["judge", "PATH", "--context", "1=::/64", "--context", "01=::/64"], "context 1 is given twice"),
    (
        ["decode", "PATH"],
        "decode takes octets in hexadecimal, two digits each; `judge` and `explain` read captures",
    ),
    (["judge", "nosuch.pcap"], "there is no such file"),
    (["judge", "nosuch"], "there is no such file"),
    (["judge", "FOLDER"], "is a folder"),
    (["judge", "--jsonl", "7a33"], "no octets beside it"),
    (["judge", "--jsonl", "--mtu", "9"], "--mtu does not apply to --jsonl"),
    (["judge", "7a33", "--fcs", "ti"], "--fcs does not apply to octets"),
    (["judge", "7a33", "--key", "00"], "--key does not apply to octets"),
    (["judge", "7a33", "--role", "6LN"], "--role does not apply to --link ieee802154"),
    (["judge", "7a33", "--link", "ble", "--pan", "abcd"], "--pan does not apply to --link ble"),
    (["explain", "7a33", "--frame", "1"], "--frame does not apply to octets"),
    (["explain", "PATH"], "needs --frame N"),
    (["explain", "PATH", "--frame", "0"], "needs --frame N"),
    (["explain", "PATH", "--frame", "9"], "there is no frame 9: it has 2"),
    (["explain", "PATH", "--frame", "2"], "frame 2 has nothing to explain: not a data frame"),
]


@pytest.mark.parametrize(("arguments", "why"), REFUSED)
def test_refused(tmp_path, capsys, arguments, why):
    path = pcap(tmp_path / "f.pcap", 230, [*frames([bytes.fromhex("7a333a8000")]), mac.ack(1)])
    places = {"PATH": path, "FOLDER": tmp_path}
    code, out, err = run(capsys, *(places.get(each, each) for each in arguments))
    assert (code, out) == (2, [])
    assert why in err
    assert len(err.splitlines()) == 1


def test_a_key_without_the_cipher(tmp_path, capsys, monkeypatch):
    from sixlowpan import security

    monkeypatch.setattr(security, "available", lambda: False)
    path = pcap(tmp_path / "f", 230, [])
    code, _, err = run(capsys, "judge", path, "--key", "00" * 16)
    assert code == 2
    assert "pip install cryptography" in err


def test_a_name_that_no_terminal_can_show(capsys):
    code, _, err = run(capsys, "judge", "\udcff\x1b[31m.pcap")
    assert code == 2
    assert "\x1b" not in err
    assert err.isascii()


def test_explain_a_frame(tmp_path, capsys):
    option = nd.ContextOption(SIX, 64, True, 2, 5)
    path = pcap(tmp_path / "f", 230, [advertise(option), *frames([STATEFUL, bytes.fromhex("7a343a")])])
    code, lines, _ = run(capsys, "explain", path, "--frame", 2)
    assert code == 0
    assert lines[0] == f"frame 2: ieee802154, {EUI_A.hex()} to {EUI_B.hex()} in PAN abcd"
    assert lines[1] == "context 2: 2001:db8:2::/64"
    assert any("2001:db8:2::1" in line for line in lines)
    code, lines, _ = run(capsys, "explain", path, "--frame", 3, "--json")
    (answer,) = map(json.loads, lines)
    assert code == 1
    assert answer["trees"][0]["raw"] == "7a343a"
    assert answer["packet"] is None
    relayed = frames([mesh_header(EUI_C, EUI_B, 5) + bytes.fromhex("7a333a8000")])
    path = pcap(tmp_path / "f", 230, relayed)
    assert (
        f"made by {EUI_C.hex()}, forwarded by {EUI_A.hex()}" in run(capsys, "explain", path, "--frame", 1)[1]
    )
    no_source = data_frame(b"", EUI_B, PAN, 1, b"\x7a\x03\x3b" + SRC)
    code, lines, _ = run(capsys, "explain", pcap(tmp_path / "f", 230, [no_source]), "--frame", 1)
    assert (code, "no source address" in lines[0]) == (0, True)
    code, lines, _ = run(capsys, "explain", pcap(tmp_path / "f", 195, [right(b"\x41\x88\x01")]), "--frame", 1)
    assert (code, "mac_header" in lines[0]) == (1, True)


def test_contexts_of_the_user(tmp_path):
    payload = encode(udp_packet(address("2001:db8::1"), address("2001:db8::2")), LONG, CONTEXTS)
    assert rows(judged(tmp_path, frames([payload]), contexts=CONTEXTS)) == []
