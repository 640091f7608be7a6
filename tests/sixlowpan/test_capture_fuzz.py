"""Damaged captures and senseless command lines: a status of 0, 1 or 2, a sentence, never a traceback.

The seed is fixed. KEYHOLE_FUZZ=20000 asks for more rounds than the few hundred of an ordinary run.
"""

from __future__ import annotations

import os
import random

from sixlowpan import __main__, capture, data_frame, encode, fragment, ipv6
from tests.sixlowpan.bluetooth import FORMS, hci
from tests.sixlowpan.captures import (
    WRAPPERS,
    btsnoop,
    enhanced,
    gzipped,
    interface,
    obsolete,
    pcap,
    section,
    simple,
)
from tests.sixlowpan.samples import DST, EUI_A, EUI_B, LONG, SRC

ROUNDS = int(os.environ.get("KEYHOLE_FUZZ", "400"))
_PACKET = ipv6.echo_request(SRC, DST, 1, 1, bytes(150))
PSDUS = [
    data_frame(EUI_A, EUI_B, b"\xab\xcd", number, each)
    for number, each in enumerate(
        [*fragment(_PACKET, LONG, mtu=80, tag=3), encode(_PACKET, LONG), b"\x41\x60"]
    )
]


def good_files(folder):
    """One file of each container, with frames of each link type."""
    for number, (link_type, wrap) in enumerate(WRAPPERS.values()):
        yield pcap(folder / f"{number}.pcap", link_type, [wrap(each) for each in PSDUS])
    for number, (link_type, make) in enumerate(FORMS.values()):
        yield pcap(folder / f"b{number}.pcap", link_type, make())
    yield btsnoop(folder / "hci.log", [(int(not sent), each) for sent, each in hci()])
    yield gzipped(pcap(folder / "z.gz", 195, PSDUS))
    path = folder / "blocks.pcapng"
    blocks = b"".join(make(0, PSDUS[0]) for make in (enhanced, obsolete)) + simple(PSDUS[1])
    path.write_bytes(section() + interface(230) + blocks + section(">") + interface(195, ">"))
    yield path


def damaged(noise, data):
    """Octets changed, cut, doubled or moved."""
    changed = bytearray(data)
    for _ in range(noise.randrange(1, 6)):
        at = noise.randrange(len(changed))
        kind = noise.randrange(5)
        if kind < 2:
            changed[at] = noise.choice((0, 1, 0x7F, 0x80, 0xFF, noise.randrange(256)))
        elif kind == 2:
            changed[at : at + 4] = noise.randbytes(4)
        elif kind == 3:
            del changed[at : at + noise.randrange(1, 9)]
        else:
            changed[at:at] = changed[at : at + noise.randrange(1, 60)]
        if not changed:
            changed = bytearray(b"\0")
    return bytes(changed)


def test_damaged_captures(tmp_path, capsys):
    noise = random.Random(2026)
    files = [path.read_bytes() for path in good_files(tmp_path)]
    path = tmp_path / "damaged"
    seen = set()
    for number in range(ROUNDS):
        path.write_bytes(damaged(noise, noise.choice(files)))
        command = noise.choice(
            (["judge"], ["judge", "--json"], ["explain", "--frame", str(noise.randrange(1, 9))])
        )
        code = __main__.main([command[0], str(path), *command[1:], *noise.choice(OPTIONS)])
        out, err = capsys.readouterr()
        assert code in {0, 1, 2}, number
        assert "Traceback" not in err
        assert out or err, number
        seen.add(code)
    assert seen == {0, 1, 2}


OPTIONS = [
    [],
    [],
    [],
    ["--fcs", "none"],
    ["--fcs", "crc"],
    ["--fcs", "ti"],
    ["--pan", "abcd"],
    ["--context", "0=2001:db8::/64"],
]

WORDS = [
    "judge", "explain", "decode", "encode", "--json", "--jsonl", "--pan", "abcd", "--fcs", "ti", "--key", "00" * 16,
    "--frame", "1", "-1", "--mtu", "0", "99999999999999999999", "--context", "0=::/0", "16=::/64", "x=y",
    "0=fe80::/999", "--src", "0102", "zz", "", "7a33", "7a333b", "--dst", "ffff", "--link", "ble", "--role", "6LN",
    "--registered", "fe80::1", "\0", "/", ".", "nosuch.pcap", "PATH", "PATH", "--tag", "65536", "--integrity",
    "é" * 300, "c03",
]  # fmt: skip


def test_senseless_command_lines(tmp_path, capsys, monkeypatch):
    import io
    import sys

    noise = random.Random(2027)
    path = pcap(tmp_path / "f.pcap", 230, PSDUS)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"id": 1}\n[]\n\xff\n')))
    for number in range(ROUNDS):
        line = [noise.choice(WORDS[:4]), *(noise.choice(WORDS) for _ in range(noise.randrange(6)))]
        line = [str(path) if word == "PATH" else word for word in line]
        try:
            code = __main__.main(line)
        except SystemExit as end:
            code = end.code
        assert code in {0, 1, 2}, (number, line)
        assert "Traceback" not in capsys.readouterr().err


def test_any_frame(tmp_path):
    """Random PSDUs, mostly with the first octets of a data frame: each is judged or skipped, none lost."""
    noise = random.Random(2028)
    frames = []
    for _ in range(ROUNDS * 5):
        front = noise.choice(
            (b"", PSDUS[0][:2], PSDUS[0][:21], b"\x41\xec\x01", b"\x09\xdc\x01", b"\x01\xa2")
        )
        frames.append(front + noise.randbytes(noise.randrange(60)))
    for link_type in (230, 195):
        judgement = capture.judge(pcap(tmp_path / "f", link_type, frames))
        assert judgement.read == len(frames)
        assert judgement.judged + sum(judgement.skipped.values()) == len(frames)
