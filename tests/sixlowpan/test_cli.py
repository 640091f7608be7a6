"""The command line and its JSON lines."""

from __future__ import annotations

import contextlib
import io
import json
import runpy
import subprocess
import sys

import pytest

from sixlowpan import __main__, encode, fragment, ipv6, jsonl, link_local
from tests.sixlowpan.samples import DST, EUI_A, EUI_B, LONG, SRC, udp_packet
from tests.waiting import completed

PACKET = udp_packet(SRC, DST, data=bytes(range(200)))
PIECES = [piece.hex() for piece in fragment(PACKET, LONG, mtu=80, tag=1)]
LINK = {"link": "ieee802154", "src": EUI_A.hex(), "dst": EUI_B.hex()}


def ask(command, *requests):
    return [answer for answer, _ in jsonl.answers(command, [json.dumps(request) for request in requests])]


def test_decode_lines():
    small = encode(udp_packet(SRC, DST), LONG).hex()
    answers = ask(
        "decode",
        {"id": 1, **LINK, "frames": [small]},
        {"id": "two", **LINK, "frames": PIECES[::-1]},
        {"id": 3, **LINK, "frames": [*PIECES[:2], "7b34"]},
        {"id": 4, **LINK, "frames": [{"payload": small, "src": "1234", "dst": "0001"}]},
        {
            "id": 5,
            **LINK,
            "frames": [{"payload": PIECES[0], "t": 0}, *({"payload": p, "t": 60.5} for p in PIECES[1:])],
        },
        {"id": 6, **LINK, "contexts": {"0": "2001:db8::/64"}, "frames": ["7a733b"]},
        {"id": 7, "frames": []},
        {"id": 8, **LINK, "contexts": {"0": "2001:db8::/64"}, "frames": ["7a733b"]},
    )
    assert answers[0] == {"id": 1, "packets": [udp_packet(SRC, DST).hex()], "pending": 0, "errors": []}
    assert answers[1] == {"id": "two", "packets": [PACKET.hex()], "pending": 0, "errors": []}
    assert answers[2]["pending"] == 1
    assert answers[2]["errors"] == [
        {
            "frame": 2,
            "offset": 1,
            "kind": "reserved",
            "requirement": "RFC6282-3.1.1-33",
            "message": "M=0 DAC=1 DAM=00 is reserved",
        }
    ]
    assert answers[3]["packets"][0][16:48] == link_local(b"\x12\x34").hex()
    assert (answers[4]["packets"], answers[4]["pending"]) == ([], 1)
    assert answers[5]["packets"][0].startswith("6000000000003b4020010db80000000002124b0001020304")
    assert answers[6] == {"id": 7, "packets": [], "pending": 0, "errors": []}
    assert answers[7]["packets"] == answers[5]["packets"]


def test_late_errors_name_the_first_fragment():
    elided = fragment(PACKET, LONG, mtu=80, tag=1, payload=bytes.fromhex("7e33f51633b0") + PACKET[48:])
    frames = [{"payload": piece.hex(), "integrity": index < 2} for index, piece in enumerate(elided)]
    (answer,) = ask("decode", {"id": 1, **LINK, "frames": frames})
    assert answer["errors"][0]["frame"] == 0
    assert answer["errors"][0]["requirement"] == "RFC6282-4.3.2-12"
    (answer,) = ask(
        "decode", {"id": 1, **LINK, "integrity": True, "frames": [piece.hex() for piece in elided]}
    )
    assert answer["packets"] == [PACKET.hex()]


def test_encode_lines():
    answers = ask(
        "encode",
        {"id": 1, **LINK, "packet": PACKET.hex()},
        {"id": 2, **LINK, "packet": PACKET.hex(), "mtu": 80, "tag": 1},
        {"id": 3, **LINK, "packet": "60"},
        {"id": 4, **LINK, "packet": PACKET.hex(), "mtu": 5},
        {"id": 5, **LINK, "src": "1234", "pan": "abcd", "packet": PACKET.hex()},
    )
    assert answers[0] == {"id": 1, "frames": [encode(PACKET, LONG).hex()], "error": None}
    assert answers[1] == {"id": 2, "frames": PIECES, "error": None}
    assert "one whole IPv6 packet" in answers[2]["error"]
    assert "do not fit" in answers[3]["error"]
    assert answers[4]["error"] is None


@pytest.mark.parametrize(
    ("line", "match"),
    [
        ("{", "line 1"),
        ("[]", "JSON object"),
        ('{"id": 9}', '"frames"'),
        ('{"frames": [5]}', "hex or an object"),
        ('{"frames": ["zz"]}', "hexadecimal"),
        ('{"frames": [{}]}', "hexadecimal"),
        ('{"src": "12", "frames": []}', "octets"),
        ('{"src": [], "frames": []}', "unhashable"),
        ('{"link": "wifi", "frames": []}', "wifi"),
        ('{"contexts": [1], "frames": []}', '"contexts"'),
        ('{"contexts": {"0": "x"}, "frames": []}', "x"),
        ('{"link": "ble", "registered": ["zz"], "frames": []}', "no IPv6 address"),
        ('{"link": "ble", "registered": [1], "frames": []}', "list of IPv6"),
        ('{"frames": [{"payload": "00", "t": "soon"}]}', "soon"),
        ("[" * 100000, "line 1"),
        ('{"id": NaN, "frames": []}', "NaN is no number"),
        ('{"id": -1e999, "frames": []}', "-1e999 is no number"),
        ('{"frames": [{"payload": "00", "t": Infinity}]}', "Infinity is no number"),
    ],
)
def test_bad_lines_get_an_answer_and_stop_nothing(line, match):
    good = json.dumps({"id": 1, **LINK, "frames": []})
    answers = list(jsonl.answers("decode", [line, "", good]))
    assert [ok for _, ok in answers] == [False, True]
    assert answers[0][0]["line"] == 1
    assert match in answers[0][0]["errors"][0]["message"]
    assert answers[0][0]["errors"][0]["kind"] == "usage"
    assert "error" in next(jsonl.answers("judge", ["x"]))[0]
    assert next(jsonl.answers("encode", ["x"]))[0]["error"]


def test_judge_lines():
    (answer,) = ask("judge", {"id": 1, **LINK, "mtu": 300, "frames": ["7b34", "7b383b" + "00" * 16, *PIECES]})
    assert [(finding["code"], finding["frame"]) for finding in answer["findings"]] == [
        ("reserved", 0),
        ("multicast_bit", 1),
        ("needless_fragments", 1 + len(PIECES)),
    ]


def test_caches_are_bounded(monkeypatch):
    monkeypatch.setattr(jsonl, "_LIMIT", 2)
    requests = [
        {"src": f"{n:04x}", "contexts": {"0": f"2001:db8:{n:x}::/64"}, "frames": []} for n in range(9)
    ]
    assert all(not answer["errors"] for answer in ask("decode", *requests, *requests))


def run(capsys, *arguments):
    code = __main__.main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


ENDS = ("--src", EUI_A.hex(), "--dst", EUI_B.hex())


def test_decode_command(capsys):
    assert run(capsys, "decode", *ENDS, *PIECES) == (0, PACKET.hex() + "\n", "")
    code, _, err = run(capsys, "decode", *ENDS, PIECES[0])
    assert (code, "1 datagram(s) incomplete" in err) == (1, True)
    code, _, err = run(capsys, "decode", *ENDS, "7b34")
    assert (code, "payload 0: reserved at octet 1" in err) == (1, True)
    code, out, _ = run(capsys, "decode", *ENDS, "--context", "0=2001:db8::/64", "7a733b")
    assert (code, "20010db8" in out) == (0, True)


def test_encode_command(capsys):
    assert run(capsys, "encode", *ENDS, PACKET.hex()) == (0, encode(PACKET, LONG).hex() + "\n", "")
    assert run(capsys, "encode", *ENDS, "--mtu", 80, "--tag", 1, PACKET.hex())[1].split() == PIECES


def test_encode_with_ghc(capsys):
    packet = ipv6.build(SRC, DST, 58, b"\x80\0\x12\x34" + bytes(12), hop_limit=255)
    code, out, _ = run(capsys, "encode", *ENDS, "--ghc", "--why", packet.hex())
    assert (code, out.splitlines()) == (
        0,
        ["# message of ICMPv6: 16 octets as it is, 6 by GHC: GHC", encode(packet, LONG, ghc=True).hex()],
    )
    code, out, _ = run(capsys, "encode", *ENDS, "--ghc", "--mtu", 8, packet.hex())
    assert (code, out) == (2, "")  # not even the headers fit
    assert run(capsys, "encode", *ENDS, "--why", packet.hex())[2] == (
        "sixlowpan: --why explains what GHC gains: it needs --ghc\n"
    )


def test_encode_lines_with_ghc():
    packet = ipv6.build(SRC, DST, 58, b"\x80\0\x12\x34" + bytes(200))
    answers = ask("encode", {**LINK, "packet": packet.hex(), "ghc": True})
    assert answers[0]["frames"] == [encode(packet, LONG, ghc=True).hex()]
    assert "true or false" in ask("encode", {**LINK, "packet": packet.hex(), "ghc": 1})[0]["error"]


def test_explain_command(capsys):
    code, out, _ = run(capsys, "explain", *ENDS, "7b333b")
    assert (code, "LOWPAN_IPHC" in out) == (0, True)
    code, out, _ = run(capsys, "explain", "--json", *ENDS, "7b34")
    assert (code, json.loads(out)["name"]) == (1, "payload")


def test_judge_command(capsys):
    assert run(capsys, "judge", *ENDS, "7a333b")[0] == 0
    code, out, _ = run(capsys, "judge", *ENDS, "7b34")
    assert (code, "RFC6282-3.1.1-33" in out) == (1, True)
    code, out, _ = run(capsys, "judge", "--json", *ENDS, "7b34")
    assert json.loads(out)["code"] == "reserved"


@pytest.mark.parametrize(
    "arguments",
    [
        ["decode"],
        ["decode", "xyz"],
        ["decode", "--context", "5", "7b333b"],
        ["decode", "--src", "1", "7b333b"],
        ["judge", "no-such-file.pcapng"],
        ["encode", "60"],
    ],
)
def test_bad_usage(capsys, arguments):
    code, _, err = run(capsys, *arguments)
    assert code == 2
    assert err.startswith("sixlowpan: ")


def test_help_teaches(capsys):
    for arguments in (["--help"], ["decode", "--help"]):
        with pytest.raises(SystemExit) as caught:
            __main__.main(arguments)
        assert caught.value.code == 0
        text = capsys.readouterr().out
        for expected in ("examples:", "exit codes", "--jsonl", '"frames"'):
            assert expected in text


@pytest.mark.parametrize(
    ("command", "line", "code"),
    [
        ("decode", {**LINK, "frames": ["7b34"]}, 0),
        ("decode", [], 2),
        ("judge", {**LINK, "frames": ["7b34"]}, 1),
        ("judge", {**LINK, "frames": ["7a333b"]}, 0),
        ("encode", {**LINK, "packet": PACKET.hex()}, 0),
    ],
)
def test_jsonl_exit_codes(command, line, code, monkeypatch, capsys):
    stdin = io.TextIOWrapper(io.BytesIO(json.dumps(line).encode() + b"\n"))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert run(capsys, command, "--jsonl")[0] == code


def test_as_a_program():
    request = json.dumps({"id": 1, **LINK, "frames": ["7a333b"]}) + "\n"
    done = completed(
        [sys.executable, "-m", "sixlowpan", "decode", "--jsonl"],
        input=request * 3,
        check=True,
    )
    assert [json.loads(line)["pending"] for line in done.stdout.splitlines()] == [0, 0, 0]
    packet = ipv6.build(SRC, DST, 59, b"")
    assert packet.hex() in done.stdout
    # whoever stops reading gets no traceback
    with subprocess.Popen(
        [sys.executable, "-m", "sixlowpan", "decode", "--jsonl"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(request.encode() * 5000)
            process.stdin.close()
        assert process.stderr.read() == b""


def test_a_reader_that_goes_away(monkeypatch, gone_reader):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"frames": []}\n')))
    with gone_reader() as copies:
        assert __main__.main(["decode", "--jsonl"]) == 0
    assert copies == [987]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_run_as_a_module(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["sixlowpan", "decode", *ENDS, "7a333b"])
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("sixlowpan", run_name="__main__")
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("60")


@pytest.mark.parametrize(("command", "status"), [("-m", 2), ("a.py", 1)])
def test_an_older_python_is_told(command, status):
    """Nothing is installed for the oracle, so it meets any Python; a program that imports it can catch the error."""
    code = f"import sys; sys.version_info = (3, 10, 13); sys.argv[0] = {command!r}; import sixlowpan"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert done.stderr.splitlines()[-1].endswith("sixlowpan needs Python 3.11 or newer, and this is 3.10")
    assert ("Traceback" in done.stderr) == (status == 1)
