"""docs/judge-a-capture.md: its example file is what is made here, and each command prints what the page shows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from sixlowpan import MacHeader, __main__, data_frame, encode, ipv6, link_local, mac
from tests.sixlowpan.captures import pcap, right
from tests.sixlowpan.samples import EUI_A, EUI_B, LONG, PAN_ID

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "judge-a-capture.md"
EXAMPLE = ROOT / "docs" / "captures" / "example.pcap"
EUI_C = bytes.fromhex("00124b00090a0b0c")
SHOWN = re.findall(
    r"```\npython3 -m sixlowpan ([^\n]*)\n```\n```\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL
)


def make_example(path):
    """Echoes, one of them damaged; a reserved form; an unknown context; an acknowledgement; a neighbour; a secret."""
    src, dst = link_local(EUI_A), link_local(EUI_B)
    echoes = [encode(ipv6.echo_request(src, dst, 1, n, bytes(range(20))), LONG) for n in range(4)]
    wrong = [bytes.fromhex("7a343a") + bytes((n,)) * 20 for n in range(3)]
    stateful = bytes.fromhex("7af7223a8000")
    payloads = [*echoes, *wrong, stateful]
    frames = [data_frame(EUI_A, EUI_B, PAN_ID, number, each) for number, each in enumerate(payloads)]
    frames += [mac.ack(3), data_frame(EUI_C, EUI_B, b"\x12\x34", 1, bytes.fromhex("7a333a8000"))]
    secret = MacHeader(
        security=True, pan_compression=True, dst_pan=PAN_ID, dst=EUI_B, src=EUI_A, security_control=13,
        frame_counter=1, key_id=b"\1", mic=bytes(4),
    )  # fmt: skip
    frames = [right(frame) for frame in [*frames, mac.build(secret, bytes(20))]]
    frames[2] = frames[2][:-1] + b"\0"
    return pcap(path, 195, frames)


def test_the_example_is_what_is_made_here(tmp_path):
    assert make_example(tmp_path / "f").read_bytes() == EXAMPLE.read_bytes()


@pytest.mark.parametrize(("command", "shown"), SHOWN)
def test_each_command_prints_what_the_page_shows(capsys, monkeypatch, command, shown):
    monkeypatch.chdir(ROOT)
    __main__.main(shlex.split(command))
    printed = capsys.readouterr().out.splitlines()
    for number, line in enumerate(shown.splitlines()):
        if line.strip() == "...":
            return
        if line.endswith("..."):
            assert printed[number].startswith(line.removesuffix("..."))
        else:
            assert printed[number] == line
    assert len(printed) == len(shown.splitlines())


def test_the_page_shows_something():
    assert len(SHOWN) == 2
