"""`python -m rigs init` and `deviation`: what they write is read by the rest of the house."""

import tomllib
from pathlib import Path

import pytest

from reports.record import Finding, Result, Writer
from rigs import scaffold
from rigs.__main__ import main, parser
from rigs.configuration.models import Deviation
from rigs.registry import load

ADDRESS = "f4:ce:36:00:00:00:00:01"


def test_init_by_options_writes_a_rig_that_loads(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert (
        main(["init", "./desk.toml", "--address", ADDRESS, "--link", "zep:[::1]:17754", "--pan", "0x1234"])
        == 0
    )
    out = capsys.readouterr().out
    assert "written: desk.toml\n" in out
    assert out.splitlines()[-1].endswith("-m rigs check --probe desk.toml")
    loaded = load("./desk.toml")
    assert loaded.rig.tester.pan == 0x1234
    assert loaded.rig.dut.address == bytes.fromhex(ADDRESS.replace(":", ""))
    assert loaded.profile.name == "black-box-802154"
    assert main(["init", "./desk.toml", "--address", ADDRESS]) == 2
    assert "desk.toml: is there already: name another file" in capsys.readouterr().err


def test_init_writes_a_profile_for_a_stack_of_its_own(tmp_path):
    path = tmp_path / "my-board.toml"
    words = ["--address", "c0:00:00:00:00:01", "--link", "ipsp:hci:usb:0", "--stack", 'ACME "net"']
    assert main(["init", str(path), *words]) == 0
    loaded = load(str(path))
    assert loaded.profile.path == tmp_path / "my-board-profile.toml"
    assert (loaded.profile.stack, loaded.profile.link) == ('ACME "net"', "ble")


def test_a_node_that_tells_its_address_needs_none(tmp_path):
    words = ["--node", "riot", "--link", "zep:[::1]:17754", "--console", "process:./node.elf"]
    assert main(["init", str(tmp_path / "desk.toml"), *words]) == 0
    assert load(str(tmp_path / "desk.toml")).rig.dut.address is None


def test_init_asks_what_the_options_do_not_say(tmp_path):
    asked = []

    def ask(question):
        asked.append(question)
        return ADDRESS if "link-layer address" in question else ""

    options = parser().parse_args(
        ["init", str(tmp_path / "desk"), "--node", "riot", "--link", "zep:[::1]:17754"]
    )
    options.console = "process:./node.elf"
    assert scaffold.init(options, ask) == [tmp_path / "desk.toml"]
    assert [question.split()[0] for question in asked] == ["The", "PAN", "Channel", "The"]
    assert load(str(tmp_path / "desk.toml")).profile.name == "riot-802154"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "--address: is missing: the DUT's link-layer address in hex"),
        (["--address", "12:34"], "--address: expected the DUT's link-layer address in hex"),
        (
            ["--address", ADDRESS, "--link", "zeb:x"],
            "--link: no link scheme 'zeb' (did you mean 'zep'?)",
        ),
        (["--address", ADDRESS, "--channel", "high"], "--channel: expected the radio channel"),
        (
            ["--address", ADDRESS, "--pan", "0xabcdef"],
            "--pan: expected the PAN id, 0 to 0xffff; found 11259375",
        ),
        (["--address", ADDRESS, "--pan", "abcd"], "--pan: expected the PAN id, 0 to 0xffff; found 'abcd'"),
        (
            ["--address", ADDRESS, "--node", "blackbox"],
            "--node: no kind of node 'blackbox' (did you mean 'black_box'?); there are: black_box, ",
        ),
        (
            ["--address", ADDRESS, "--link", "zep:127.0.0.1"],
            "--link: zep:127.0.0.1: expected HOST:PORT, as in zep:[::1]:17754",
        ),
        (["--address", ADDRESS, "--node", "zephyr"], "--console: is missing: the node 'zephyr' needs one"),
        (
            ["--address", ADDRESS, "--node", "riot", "--console", "process:x", "--stack", "My RIOT"],
            "--stack: the DUT is RIOT, and the profile desk-profile is of My RIOT",
        ),
        (
            ["--address", ADDRESS, "--link", "ipsp:hci:usb:0", "--stack", "Acme"],
            "--address: expected 6 octets, as Bluetooth LE has them",
        ),
    ],
    ids=[
        "address",
        "octets",
        "link",
        "channel",
        "pan",
        "pan without 0x",
        "node",
        "port",
        "console",
        "stack",
        "BLE",
    ],
)
def test_mistakes_are_told_and_nothing_is_written(tmp_path, capsys, words, told):
    assert main(["init", str(tmp_path / "desk.toml"), *words]) == 2
    assert told in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_all_mistakes_are_told_at_once(tmp_path, capsys):
    (tmp_path / "desk.toml").touch()
    words = ["--pan", "abcd", "--channel", "high", "--link", "zep:x"]
    assert main(["init", str(tmp_path / "desk.toml"), *words]) == 2
    told = [line.partition(": ")[0] for line in capsys.readouterr().err.splitlines()]
    assert sorted(told) == ["--address", "--channel", "--link", "--pan", "file"]


def test_a_folder_and_a_name_of_the_tree_are_no_files_to_write(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lab").mkdir()
    for named, said in (
        ("lab", "file: lab: is a folder: name a file in it, such as lab/desk.toml"),
        ("./lwip-ble.toml", "file: lwip-ble.toml: a rig of the tree is called lwip-ble: name another file"),
        ("x" * 300, f"file: {'x' * 300}.toml: cannot be looked for: File name too long"),
    ):
        assert main(["init", named, "--address", ADDRESS]) == 2
        assert capsys.readouterr().err == f"{said}\n"
    assert not list(tmp_path.glob("*.toml"))


def test_a_folder_that_cannot_be_written_to(tmp_path, capsys, monkeypatch):
    real = Path.open

    def refuse(path, mode="r", **how):
        if path.name == "desk-profile.toml" and mode == "x":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, mode, **how)

    monkeypatch.setattr(Path, "open", refuse)
    words = ["--address", ADDRESS, "--stack", "Acme"]
    assert main(["init", str(tmp_path / "desk.toml"), *words]) == 2
    assert capsys.readouterr().err.endswith("desk-profile.toml: cannot be written: Permission denied\n")
    assert not list(tmp_path.iterdir())  # nor the half of it


def test_what_was_answered_wrong_is_asked_again(tmp_path):
    answers = {"Name": [str(tmp_path / "desk")], "Kind": ["blackbox", ""], "The DUT's": ["zz", ADDRESS]}
    asked, told = [], []

    def ask(question):
        asked.append(question)
        for start, given in answers.items():
            if question.startswith(start):
                return given.pop(0)
        return ""

    assert scaffold.init(parser().parse_args(["init"]), ask, told.append) == [tmp_path / "desk.toml"]
    assert len(told) == 1 + 1  # the kind of node, then what only a known one lets be judged
    assert [question.split()[0] for question in asked[-2:]] == ["Kind", "The"]  # and no other once more


CASE = "rfc6282/3.1.1/hlim[01]"
FRAME = "41d801cdab0100fffe5e00020200fffe5e00027a"


@pytest.fixture
def run(tmp_path):
    writer = Writer(tmp_path / "run", run_id="x", seed=1, suite={}, host={})
    writer.rig("r", "ready", dut={"stack": "lwIP", "version": "2.1.3+dfsg1-2"})
    limit = Finding(
        "hop_limit",
        "RFC6282-3.1.1-08",
        "FORMAT",
        "hop limit 1",
        'hop limit "2"\x7f',
        FRAME,
        field="hop_limit",
    )
    order = Finding("dropped", "RFC6282-3.1.1-04", "FORMAT", "this", "that")
    for case, findings in ((CASE, [limit]), ("a/b", [limit, order]), ("a/c", [order]), ("a/d", [])):
        verdict = "fail" if findings else "pass"
        writer.write(Result(case, "r", [], verdict, findings=findings).to_json())
    writer.close()
    return tmp_path / "run"


@pytest.mark.parametrize("case", [CASE, "a/b"])
def test_a_deviation_is_made_of_a_record_and_covers_all_its_findings(run, capsys, case):
    assert main(["deviation", str(run), case]) == 0
    made = Deviation.model_validate(tomllib.loads(capsys.readouterr().out)["deviation"][0])
    assert made.id == "lwip-hop-limit"
    assert made.matches(case, "hop_limit", "RFC6282-3.1.1-08")
    assert made.matches(case, "dropped", "RFC6282-3.1.1-04") == (case == "a/b")
    assert not made.matches("rfc6282/3.1.1/hlim[10]", "hop_limit", "RFC6282-3.1.1-08")
    assert made.applies("2.1.3+dfsg1-2")
    assert not made.applies("2.2.0")
    assert made.frame == bytes.fromhex(FRAME)
    assert made.why.startswith("Expected hop limit 1; actual: ")


@pytest.mark.parametrize(
    ("words", "told", "status"),
    [
        (
            ["rfc6282/3.1.1/hlim[1]"],
            "no case 'rfc6282/3.1.1/hlim[1]' in it (did you mean 'rfc6282/3.1.1/hlim[01]'?)",
            2,
        ),
        (["hlim[01]"], "no case 'hlim[01]' in it (did you mean 'rfc6282/3.1.1/hlim[01]'?)", 2),
        (["a/c"], "a/c: the record has neither a frame nor evidence that could prove it", 1),
        (["a/d"], "a/d on r: it has no finding to declare (its verdict is pass)", 1),
        (["a/b", "--rig", "q"], "no rig 'q' in it; there are: r", 2),
    ],
)
def test_what_is_no_deviation_is_told(run, capsys, words, told, status):
    assert main(["deviation", str(run), *words]) == status
    assert told in capsys.readouterr().err


def test_a_finding_that_no_profile_may_name_is_told(run, capsys):
    """As in the record of another version."""
    path = run / "run.jsonl"
    path.write_text(path.read_text().replace('"code":"dropped"', '"code":"dropt"'))
    assert main(["deviation", str(run), "a/b"]) == 1
    told = capsys.readouterr().err
    assert "a/b: cases.1.finding: no finding has a code like 'dropt'; did you mean 'dropped'?" in told
    assert told.endswith("was the record made by this version?\n")


def test_a_file_that_is_no_record_is_told(tmp_path, capsys):
    assert main(["deviation", str(tmp_path), "a/b"]) == 2
    assert "cannot be read" in capsys.readouterr().err
