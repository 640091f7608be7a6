"""The frame budget: the sum of RFC 4944 section 4, that it is the octets of real frames, and the command line."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from rigs.configuration import loading
from rigs.configuration.frames import Frames
from sixlowpan import __main__, budget, mac, security
from sixlowpan.budget import Framing

ROOT = Path(__file__).resolve().parents[2]
EUI = bytes.fromhex("02005efffe000001")


def run(capsys, *arguments):
    code = __main__.main(["budget", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_sum_of_rfc_4944():
    """Section 4: 102 behind the MAC header, 81 behind AES-CCM-128 (21 octets), 41 behind IPv6, 33 behind UDP."""
    left = {row.name: row.left for row in [*budget.rows(budget.WORST), *budget.uses(budget.WORST)]}
    assert left["source address"] == 102
    assert left["MIC"] == budget.WORST.room == 81
    assert (left["IPv6 header"], left["and UDP header"]) == (41, 33)
    for level, overhead in ((5, 9), (6, 13), (7, 21)):  # AES-CCM-32, -64, -128
        framing = Framing(pan_compression=False, level=level)
        assert framing.security + framing.mic == overhead
        assert framing.room == 102 - overhead


@pytest.mark.parametrize("level", range(8))
@pytest.mark.parametrize("mode", range(4))
def test_it_is_what_a_secured_frame_has(level, mode):
    """A frame that is filled to the budget has just the octets of the PHY, under every level and key id mode."""
    if not level:
        mode = 0
    for src, dst, compression, version in itertools.product((2, 8), (2, 8), (False, True), (0, 1, 2)):
        framing = Framing(
            src=src, dst=dst, pan_compression=compression, version=version, level=level, key_id_mode=mode
        )
        header = mac.MacHeader(
            security=bool(level),
            pan_compression=compression,
            version=version,
            dst_pan=b"\xab\xcd",
            dst=EUI[-dst:],
            src_pan=b"\xab\xcd",
            src=EUI[-src:],
            security_control=level | mode << 3,
            frame_counter=7,
            key_id=bytes((0, 1, 5, 9)[mode]),
        )
        payload = bytes(framing.room)
        if level & 4 and level & 3:
            frame = security.protect(header, payload, bytes(16), EUI)
        else:
            frame = mac.build(header, payload + bytes(framing.mic))
        assert len(frame) + framing.fcs == 127


def test_frames_of_a_packet():
    """1280 octets, as the suites see them: 13 frames of EUI-64s in one PAN; with 802.15.4g one."""
    assert budget.frames(Framing(), compressed=True) == 13
    assert budget.frames(Framing(phy=2047, fcs=4, version=2), compressed=False) == 1
    assert budget.frames(Framing(phy=30), compressed=True) is None


def test_mesh_and_broadcast_headers():
    assert Framing(mesh=8).room == Framing().room - 17
    assert Framing(mesh=2, broadcast=True).room == Framing().room - 5 - 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--phy", "5"], "phy is 5: 9 to 2047 octets are possible"),
        (["--phy", "22"], "phy is 22: FCS, headers and MIC alone take 23 octets"),
        (["--fcs", "3"], "fcs is 3: 2 or 4 octets are possible"),
        (["--level", "8"], "level is 8: 0 to 7 are possible"),
        (["--key-id-mode", "1"], "key-id-mode needs a security level"),
        (["--ies", "4"], "only frame version 2 has IEs"),
        (["--no-sequence"], "only frame version 2"),
        (["--mtu", "3000"], "datagram_size has 11 bits"),
        (["--worst-case", "--level", "5"], "give no other option beside it"),
        (["--profile", "no-such-file.toml"], "no-such-file.toml"),
    ],
)
def test_what_no_frame_can_have(capsys, arguments, said):
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert said in err


def test_a_damaged_profile(capsys, tmp_path):
    for text, said in (
        ("parameters = 3", "[parameters] is no table"),
        ("[parameters]\nphy_octets = 'x'", "phy is 'x'"),
        ("[", "Invalid"),
    ):
        (tmp_path / "p.toml").write_text(text)
        code, _, err = run(capsys, "--profile", tmp_path / "p.toml")
        assert (code, said in err) == (2, True), err


def test_the_command(capsys):
    code, out, _ = run(capsys, "--worst-case")
    assert code == 0
    assert "81 octets are left for 6LoWPAN" in out
    assert "\nand UDP header                  48    33" in out
    code, out, _ = run(capsys, "--src", "short", "--dst", "short", "--level", 5, "--key-id-mode", 1, "--json")
    told = json.loads(out)
    assert (code, told["room"], told["rows"][-1]["left"]) == (0, 106, 106)
    code, out, _ = run(capsys, "--profile", ROOT / "rigs/profiles/openthread-802154.toml", "--json")
    assert json.loads(out)["room"] == Framing(level=5, key_id_mode=1).room
    code, out, _ = run(capsys, "--phy", 30, "--json")
    assert [use["left"] for use in json.loads(out)["uses"]] == [None, None, None, 1, 3, 2]


def test_every_profile_of_this_link_has_a_budget(capsys):
    for path in sorted((ROOT / "rigs" / "profiles").glob("*.toml")):
        if "ieee802154" in path.read_text(encoding="utf-8"):
            assert run(capsys, "--profile", path)[0] == 0, path


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"a = " + b"[" * 3000, "it is nested too deep"),
        (b"\xff", "not UTF-8 (octet 0xff in line 1)"),
        (b"a", "not TOML: "),
    ],
)
def test_a_profile_that_is_none_is_told(tmp_path, capsys, text, told):
    (tmp_path / "p.toml").write_bytes(text)
    code, _, said = run(capsys, "--profile", tmp_path / "p.toml")
    assert code == 2
    assert f"{tmp_path}/p.toml: " in said
    assert told in said


def test_its_keys_are_those_of_a_profile():
    assert {*Frames.model_fields} == {*budget.PARAMETERS} - {"mtu"}
    assert loading.PROFILES == ROOT / "rigs" / "profiles"


def test_help_teaches(capsys):
    with pytest.raises(SystemExit) as caught:
        __main__.main(["budget", "--help"])
    assert caught.value.code == 0
    out = capsys.readouterr().out
    for word in ("102", "81", "33", "security levels", "key id modes", "phy_octets"):
        assert word in out
