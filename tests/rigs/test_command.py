"""`python -m rigs`, as a person meets it."""

import io
import struct

import pytest

from rigs.__main__ import main
from rigs.bench import Rig
from rigs.configuration.loading import known_rigs, load
from rigs.configuration.models import ConfigError
from rigs.deviation import of_no_case
from rigs.model import RigError
from rigs.replay import replay, sent_frames
from sixlowpan import mac


def test_list_names_every_rig_and_what_it_is(capsys):
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    for name in known_rigs():
        assert f"\n{name} " in out
    assert "lwIP" in out
    assert main(["list", "--kinds"]) == 0
    out = capsys.readouterr().out
    assert "node kinds:      " in out
    assert "console schemes: process, pty, rfc2217, serial, socket, ssh\n" in out


def test_list_names_what_must_be_set(capsys, monkeypatch, tmp_path):
    from rigs.configuration import loading

    (tmp_path / "r.toml").write_text(
        'schema = 1\nprofile = "reference-802154"\nwhat = "mine"\n[tester]\nlink = "memory:802154"\n'
        '[dut]\nnode = "reference"\nconsole = "process:${KEYHOLE_NO_SUCH_NODE}"\n'
    )
    monkeypatch.setattr(loading, "RIGS", tmp_path)
    assert main(["list"]) == 0
    assert capsys.readouterr().out.endswith("mine (set KEYHOLE_NO_SUCH_NODE)\n")
    assert main(["check", "r"]) == 2
    out = capsys.readouterr().out
    assert (
        "dut.console: set KEYHOLE_NO_SUCH_NODE to the path of the executable, or --set dut.console=process:...\n"
        in out
    )
    assert main(["check", "r", "--set", "dut.console=process:cat"]) == 0


@pytest.mark.parametrize("named", ["loop", "\udcff", "x" * 5000, "a\0b"])
@pytest.mark.parametrize(
    "words",
    [
        ["check"],
        ["release"],
        ["init", "--node=black_box", "--link=zep:127.0.0.1:1", "--stack=x"],
        ["deviation", "x"],
    ],
    ids=lambda words: words[0],
)
def test_a_name_that_no_file_can_have_is_told(capsys, monkeypatch, tmp_path, words, named):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    command, *more = words
    assert main([command, f"./{named}", *more]) == 2
    assert "".join(capsys.readouterr()) != ""


def test_check_says_what_is_missing(make, capsys):
    path = str(make().rig.path)
    assert main(["check", path]) == 0
    out = capsys.readouterr().out
    assert out.startswith(
        "r: ready (fake over ieee802154, profile p)\n  the adapter tests.rigs.fakes was read, not run"
    )
    assert main(["check", path, "--run-adapters", "--set", "dut.lacks=a radio"]) == 1
    assert "r: not ready" in (out := capsys.readouterr().out)
    assert "  missing: a radio\n  to do:   buy one\n" in out


def test_an_adapter_of_ones_own_is_asked_about_its_address(make, capsys):
    path = str(make().rig.path)
    wrong = ("--set", "tester.link=tests.rigs.fakes:x=many")
    assert main(["check", path, *wrong]) == 0  # it was read, not run
    capsys.readouterr()
    for run in ("--run-adapters", "--probe"):
        assert main(["check", path, run, *wrong]) == 2
        out = capsys.readouterr().out
        assert "r: not ready" in out
        assert f"  mistake: {path}: tester.link: tests.rigs.fakes:x=many: expected a number behind x\n" in out


DEVIATION = """
[[deviation]]
id = "mine"
case = "rfc6282/3.1.1/hlm[01]"
finding = "hop_limit"
requirement = "RFC6282-3.1.1-08"
versions = ""
frame = "41"
why = "It miscounts."
"""


def test_a_deviation_for_what_is_not_there(make, tmp_path, capsys):
    path = str(make().rig.path)
    profile = tmp_path / "p.toml"
    text = profile.read_text()
    profile.write_text(text + DEVIATION)
    assert main(["check", path]) == 0
    said = "note:    deviation mine: no case of the suites is called rfc6282/3.1.1/hlm[01] (did you mean '"
    assert said in capsys.readouterr().out
    profile.write_text(text + DEVIATION.replace("hlm[01]", "hlim[01]"))
    assert main(["check", path]) == 0
    assert "note:" not in capsys.readouterr().out
    profile.write_text(text + DEVIATION.replace("3.1.1-08", "3.1.1-98"))
    assert main(["check", path]) == 2
    assert "no requirement has an id like 'RFC6282-3.1.1-98'; did you mean '" in capsys.readouterr().out


def test_no_deviation_of_the_tree_is_for_what_is_not_there():
    for name in known_rigs():
        assert not of_no_case(load(name, unset=[]).profile)


@pytest.mark.parametrize("wait", ["abc", "-5", "nan", "inf"])
def test_a_wait_that_is_none(capsys, wait):
    with pytest.raises(SystemExit):
        main(["replay", "x.pcapng", "--rig", "reference", "--wait", wait])
    assert f"argument --wait: expected seconds, 0 to 3600; found '{wait}'" in capsys.readouterr().err


def test_frames_for_another_dut(tmp_path, capsys):
    """They draw nothing, and why is told."""
    frame = mac.data_frame(bytes(7) + b"\x09", b"\x02" * 8, b"\x00\x23", 1, b"\x7a\x33\x3a\x80\x00")
    path = pcapng(tmp_path / "e.pcapng", 230, [(2, 10.0, frame)])
    assert main(["replay", str(path), "--rig", "reference"]) == 1
    told = capsys.readouterr().out.splitlines()[-1]
    assert told.startswith(
        "the frames are for 02:02:02:02:02:02:02:02 in PAN 0x0023, and the DUT of this rig is "
    )
    ours = mac.data_frame(bytes(8), bytes.fromhex("02005efffe000001"), b"\xab\xcd", 2, b"\x7a\x33")
    path = pcapng(tmp_path / "f.pcapng", 230, [(2, 10.0, frame), (2, 10.0, ours)])
    main(["replay", str(path), "--rig", "reference"])
    assert "the frames are for" not in capsys.readouterr().out


def test_why_a_rig_does_not_open_is_told_once(make, fakes, capsys):
    path = str(make().rig.path)
    fakes.failures.append(OSError(111, "Connection refused"))
    assert main(["check", path, "--probe"]) == 1
    out = capsys.readouterr().out
    assert out.count("cannot be opened") == 1
    assert "Connection refused" in out
    fakes.failures.append(ConfigError([f"{path}: dut.node: this one never opens"]))
    assert main(["check", path, "--probe"]) == 2
    assert f"  mistake: {path}: dut.node: this one never opens\n" in capsys.readouterr().out


def test_check_says_what_a_current_openthread_needs(capsys):
    """API 595 and later take no plain frames while Thread is disabled."""
    both = ["--set", "dut.console=process:cat 1", "--set"]
    assert main(["check", "openthread-sim", *both, "dut.partner="]) == 0
    assert "  note:    dut.partner is not set: a node of API 595 or later" in capsys.readouterr().out
    assert main(["check", "openthread-sim", *both, "dut.partner=process:cat 2"]) == 0
    assert "note:" not in capsys.readouterr().out


def test_check_tells_the_mistakes_of_every_file(make, capsys):
    path = str(make().rig.path)
    assert main(["check", path, "none", "--set", "tester.pan=-1", "--set", "atempts=1"]) == 2
    out = capsys.readouterr().out
    assert f"{path}: 2 mistakes\n" in out
    assert "did you mean 'attempts'?" in out
    assert "none: 1 mistake\n" in out


def test_an_option_that_is_mistyped_is_answered_with_the_nearest(capsys):
    for words, said in (
        (["check", "reference", "--porbe"], "--porbe (did you mean '--probe'?)"),
        (["list", "--kind=x", "more"], "argument --kinds: ignored explicit argument 'x'"),
        (["deviation", "run", "case", "more"], "unrecognized arguments: more\n"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == 2
        told = capsys.readouterr().err
        assert said in told
        assert f"usage: python -m rigs {words[0]} " in told


def test_help_teaches(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "examples:\n  .venv/bin/python -m rigs list" in capsys.readouterr().out


def pcapng(path, linktype, packets):
    """The least of a pcapng: packets are (direction or None, seconds, octets)."""

    def block(kind, body):
        body += bytes(-len(body) % 4)
        return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)

    data = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    data += block(1, struct.pack("<HHI", linktype, 0, 0))
    for direction, seconds, frame in packets:
        stamp = int(seconds * 1_000_000)
        body = struct.pack("<IIIII", 0, stamp >> 32, stamp & 0xFFFFFFFF, len(frame), len(frame))
        body += frame + bytes(-len(frame) % 4)
        if direction is not None:
            body += struct.pack("<HHI", 2, 4, direction) + bytes(4)
        data += block(6, body)
    path.write_bytes(data)
    return path


ECHO = bytes.fromhex("41cc01cdab020000000000000001000000000000007a333a8000")


def test_replay_sends_the_testers_frames_with_their_pauses(make, tmp_path, capsys):
    path = pcapng(
        tmp_path / "e.pcapng",
        230,
        [(2, 10.0, ECHO), (1, 10.1, b"answer"), (2, 10.5, ECHO + b"!"), (2, 99, b"z")],
    )
    frames = sent_frames(path)
    assert [f.frame for f in frames] == [ECHO, ECHO + b"!", b"z"]
    out = io.StringIO()
    with Rig.of(make()) as rig:
        rig.link.answers = [ECHO]
        assert replay(rig, frames, 2.0, out) == 1
        assert rig.link.sent == [(0.0, ECHO), (pytest.approx(0.5), ECHO + b"!"), (pytest.approx(2.5), b"z")]
    text = out.getvalue()
    assert text.count("sent     ") == 3
    assert "received 41 cc 01" in text
    assert "LOWPAN_IPHC" in text
    assert "the oracle stops here: " in text  # "z" is no frame at all
    assert main(["replay", str(path), "--rig", str(make().rig.path)]) == 1
    assert "3 frames sent, 0 received; r is fake 1.0\n" in capsys.readouterr().out


def test_replay_joins_the_frames_of_a_bluetooth_channel(tmp_path):
    def acl(boundary, data):
        return bytes([0, 0, 0, 0, 2, 0x40, boundary << 4, *struct.pack("<H", len(data))]) + data

    sdu = bytes(range(40))
    first = struct.pack("<HHH", 22, 0x41, 40) + sdu[:20]
    second = struct.pack("<HH", 20, 0x41) + sdu[20:]
    packets = [
        (None, 0, acl(0, struct.pack("<HH", 2, 5) + b"xx")),  # signalling
        (None, 1, b"\0\0\0\1" + acl(2, first)[4:]),  # received
        (None, 2, acl(0, first)),
        (None, 3, acl(0, second[:9])),  # cut into two ACL fragments
        (None, 3, acl(1, second[9:])),
        (None, 4, acl(0, struct.pack("<HHH", 3, 0x41, 1) + b"Z")),
    ]
    frames = sent_frames(pcapng(tmp_path / "b.pcapng", 201, packets))
    assert [(f.frame, f.time, f.kind) for f in frames] == [(sdu, 3.0, "ble"), (b"Z", 4.0, "ble")]


def test_replay_of_the_wrong_file_or_at_the_wrong_rig(make, tmp_path, capsys):
    empty = pcapng(tmp_path / "none.pcapng", 230, [(1, 0, ECHO)])
    with pytest.raises(RigError, match="no frame that a tester sent"):
        sent_frames(empty)
    (tmp_path / "x").write_text("hello")
    assert main(["replay", str(tmp_path / "x"), "--rig", "reference"]) == 2
    assert "cannot be read as pcapng" in capsys.readouterr().err
    assert main(["replay", str(tmp_path / "nowhere"), "--rig", "reference"]) == 2
    assert "nowhere: cannot be read as pcapng: there is no such file; " in capsys.readouterr().err
    path = pcapng(tmp_path / "e.pcapng", 230, [(2, 1, ECHO)])
    assert main(["replay", str(path), "--rig", "reference-ble"]) == 2  # and nothing was opened
    assert "has ieee802154 frames, and the rig reference-ble is ble" in capsys.readouterr().err


def test_a_common_key_that_is_mistyped_is_answered_with_the_nearest(make, capsys):
    assert main(["check", str(make().rig.path), "--set", "dut.consle=serial:/dev/ttyACM0"]) == 2
    assert "has no such option (did you mean 'console'?)" in capsys.readouterr().out
