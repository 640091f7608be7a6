"""A capture of a live Thread network: its network key opens it, key id mode 1, and nobody in it is blamed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sixlowpan import __main__, capture
from sixlowpan.capture import Options
from sixlowpan.contexts import Contexts
from tests.sixlowpan.captures import pcap

pytest.importorskip("cryptography", reason="the extra `openthread` is not installed")

SESSION = Path(__file__).with_name("thread_session.txt")
FRAMES = [
    bytes.fromhex(line)
    for line in SESSION.read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
PREFIX = "fd17:2b22:5c98:85d2::/64"
MESH_LOCAL = Contexts.parse({"0": PREFIX})
#: MLE is plain to the MAC, and secured by itself; data frames are enciphered.
MLE, DATA = 11, 10


@pytest.fixture
def path(tmp_path):
    return pcap(tmp_path / "thread.pcap", 195, FRAMES, step=0)


def test_the_network_key_opens_it(path):
    judgement = capture.judge(path, MESH_LOCAL, options=Options(keys=(KEY,)))
    assert judgement.findings == []
    assert judgement.judged == MLE + DATA
    assert judgement.skipped == {"not a data frame": 19, "a repetition": 3}


def test_without_the_key_and_with_another(path):
    for keys, reason in (
        ((), "secured, no key"),
        ((KEY[::-1],), "secured, and not opened: the integrity code does not hold under this key"),
    ):
        judgement = capture.judge(path, MESH_LOCAL, options=Options(keys=keys))
        assert (judgement.judged, judgement.skipped[reason]) == (MLE, DATA)


def test_without_the_context_it_says_what_is_missing(path, capsys):
    assert __main__.main(["judge", str(path), "--key", KEY.hex()]) == 0
    out = capsys.readouterr().out
    assert "context 0 is not defined" in out
    assert "--context ID=PREFIX does" in out
    assert __main__.main(["judge", str(path), "--key", KEY.hex(), "--context", f"0={PREFIX}"]) == 0
    assert "not defined" not in capsys.readouterr().out


def test_a_secured_fragment_is_explained(path, capsys):
    at = next(n for n, frame in enumerate(FRAMES, 1) if len(frame) == 126)
    arguments = [
        "explain",
        str(path),
        "--frame",
        str(at),
        "--key",
        KEY.hex(),
        "--context",
        f"0={PREFIX}",
        "--json",
    ]
    assert __main__.main(arguments) == 0
    told = json.loads(capsys.readouterr().out)
    assert "datagram_size" in json.dumps(told)
