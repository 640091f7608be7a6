"""Rig files and profiles: what is read, and that every mistake is told at once."""

import pytest

from rigs import registry
from rigs.configuration import loading
from rigs.configuration.loading import known_rigs, load
from rigs.configuration.models import ConfigError
from rigs.configuration.versions import version_in

GOOD = """
schema = 1
profile = "./p.toml"
attempts = 3
settle = "2s"
[tester]
link = "memory:802154"
pan = 0x23
address = "02:00:00:00:00:00:00:01"
[dut]
node = "acme"
colour = "red"
[lease]
kind = "flock"
wait = "1m"
"""
PROFILE = """
schema = 1
stack = "acme"
versions = ">=2,<3"
link = "ieee802154"
abilities = ["echo", "udp"]
[parameters]
features = ["hc1"]
[[deviation]]
id = "acme-tf"
case = "rfc6282/3.1.1/tf[0*"
finding = "traffic_*"
requirement = "RFC6282-3.1.1-01"
versions = "==2.1.3"
frame = "6333 ee0a"
why = "swapped"
"""


CASE = 'case = "rfc6282/3.1.1/tf[0*"'


@pytest.fixture
def files(written):
    return written({"r.toml": GOOD, "p.toml": PROFILE})


def mistakes(*overrides, name="./r.toml"):
    with pytest.raises(ConfigError) as caught:
        load(name, overrides)
    assert str(caught.value) == "\n".join(caught.value.mistakes)
    return caught.value.mistakes


def test_a_rig_named_by_path_with_a_profile_beside_it(files):
    loaded = load("./r.toml")
    rig, profile = loaded.rig, loaded.profile
    assert (rig.name, profile.name) == ("r", "p")
    assert (rig.attempts, rig.settle, rig.lease.wait) == (3, 2.0, 60.0)
    assert rig.tester.pan_octets == b"\x00\x23"
    assert rig.tester.address == bytes.fromhex("0200000000000001")
    assert rig.dut.options == {"colour": "red"}
    assert profile.parameters.features == ["hc1"]
    assert profile.deviation[0].frame == bytes.fromhex("6333ee0a")


def test_defaults(files):
    (files / "r.toml").write_text(
        'schema = 1\nprofile = "./p.toml"\n[tester]\nlink = "a:b"\n[dut]\nnode = "acme"\n'
    )
    rig = load("./r.toml").rig
    assert (rig.attempts, rig.settle, rig.lease.kind, rig.tester.pan, rig.tester.channel) == (
        1,
        0.05,
        "flock",
        0xABCD,
        26,
    )


def test_overrides_come_before_the_check(files, monkeypatch):
    monkeypatch.setenv("BOARD", "ttyACM7")
    rig = load(
        "./r.toml", ["dut.console=serial:/dev/${BOARD}", "attempts=5", "dut.fast=true", 'settle="9ms"']
    ).rig
    assert rig.dut.console == "serial:/dev/ttyACM7"
    assert rig.attempts == 5
    assert rig.dut.options["fast"] is True
    assert rig.settle == pytest.approx(0.009)


PROCESS = 'console = "process:${KEYHOLE_NODE} -z ${KEYHOLE_PORT}"'


def test_a_variable_that_is_not_set_says_what_to_do(files, monkeypatch):
    monkeypatch.delenv("KEYHOLE_NODE", raising=False)
    monkeypatch.setenv("KEYHOLE_PORT", "17754")
    (files / "r.toml").write_text(GOOD.replace('colour = "red"', PROCESS))
    assert mistakes() == (
        "r.toml: dut.console: set KEYHOLE_NODE to the path of the executable, or --set dut.console=process:...",
    )
    assert mistakes("dut.console=process:./${KEYHOLE_NODE}") == (
        "--set dut.console: the environment variable KEYHOLE_NODE is not set (found 'process:./${KEYHOLE_NODE}')",
    )
    unset = []
    assert load("./r.toml", unset=unset).rig.dut.console == "process:${KEYHOLE_NODE} -z 17754"
    assert unset == ["KEYHOLE_NODE"]
    monkeypatch.setenv("KEYHOLE_NODE", "./node.elf")
    assert load("./r.toml").rig.dut.console == "process:./node.elf -z 17754"


def test_an_override_wins_over_a_variable_that_is_not_set(files, monkeypatch):
    monkeypatch.delenv("KEYHOLE_NODE", raising=False)
    monkeypatch.setenv("DOLLAR", "${KEYHOLE_NODE}")  # what a variable holds is not looked at again
    (files / "r.toml").write_text(GOOD.replace('colour = "red"', PROCESS))
    assert load("./r.toml", ["dut.console=process:./mine"]).rig.dut.console == "process:./mine"
    assert load("./r.toml", [" dut.console =process:${DOLLAR}"]).rig.dut.console == "process:${KEYHOLE_NODE}"


def test_all_mistakes_of_both_files_are_told_at_once(files):
    (files / "r.toml").write_text(
        GOOD.replace("attempts = 3", 'attempts = "3"')
        .replace("link =", "lnk =")
        .replace('"red"', '"${NO_SUCH_THING}"')
        .replace('"2s"', '"2 h"')
    )
    (files / "p.toml").write_text(PROFILE.replace('"udp"', '"upd"').replace("==2.1.3", "2.1"))
    told = mistakes("nonsense")
    quoted = "(a text: leave its quotes off)"
    medium = 'how frames reach the medium: SCHEME:REST, as "packet:wpan0"'
    assert told == (
        "--set nonsense: expected KEY=VALUE, such as --set dut.console=serial:/dev/ttyACM0",
        "r.toml: dut.colour: set NO_SUCH_THING to what stands for it in '${NO_SUCH_THING}', or --set dut.colour=...",
        f"r.toml: attempts: expected how often a lost stimulus is sent, 1 to 20; found '3' {quoted}",
        "r.toml: settle: expected how long to wait for late answers, such as \"50ms\"; found '2 h' (not a duration)",
        f"r.toml: tester.link: is missing: expected {medium}",
        "r.toml: tester.lnk: there is no such key (did you mean 'link'?); there are: link, pan, channel, address",
        f"p.toml: abilities[1]: expected {told[6].partition('expected ')[2]}",
        told[7],
    )
    assert told[6].endswith("found 'upd' (did you mean 'udp'?)")
    assert told[7].startswith("p.toml: deviation[0].versions: expected the versions that have it")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("schema = 1\nschema = 2\n", "not TOML: Cannot overwrite a value (at line 2, column 11): schema = 2"),
        ('schema = "1', "not TOML: "),
    ],
)
def test_a_syntax_error_has_its_line(files, text, wanted):
    (files / "r.toml").write_text(text)
    assert wanted in mistakes()[0]


@pytest.mark.parametrize("address", ["0102", "xyz"])
def test_addresses_have_a_length(files, address):
    (told,) = mistakes(f'tester.address="{address}"')
    assert "8 octets (6 on BLE)" in told


def test_the_tester_cannot_have_the_address_of_the_dut(files):
    same = ["tester.address=02005efffe000001", "dut.address=02:00:5e:ff:fe:00:00:01"]
    assert list(mistakes(*same)) == [
        "--set tester.address: it is the DUT's (dut.address): the tester needs another one"
    ]


def test_unknown_names_say_what_there_is(files):
    assert "did you mean 'lwip-ble'?" in mistakes(name="lwip-blue")[0]
    assert "reference" in mistakes(name="lwip-blue")[0]
    (told,) = mistakes("profile=linux-6.2-802154")
    assert "did you mean 'linux-6.1-802154'?" in told


def test_a_deviation_covers_a_finding_of_a_case_and_a_version(files):
    deviation = load("./r.toml").profile.deviation[0]
    assert deviation.matches("rfc6282/3.1.1/tf[0-1]", "traffic_class", "RFC6282-3.1.1-01")
    assert not deviation.matches("rfc6282/3.1.1/tf[1]", "traffic_class", "RFC6282-3.1.1-01")
    assert not deviation.matches("rfc6282/3.1.1/tf[0-1]", "hop_limit", "RFC6282-3.1.1-01")
    assert not deviation.matches("rfc6282/3.1.1/tf[0-1]", "traffic_class", "RFC6282-3.1.1-02")
    assert deviation.applies("2.1.3+dfsg1-2")
    assert not deviation.applies("2.1.4")


CASES = """
cases = ["rfc6282/3.1.1/tf[0*", { case = "rfc6282/2/*", finding = "dropped", requirement = "RFC6282-2-0?" }]
"""


def test_a_deviation_is_one_cause_in_several_cases(files):
    (files / "p.toml").write_text(PROFILE.replace(CASE, CASES))
    deviation = load("./r.toml").profile.deviation[0]
    assert deviation.matches("rfc6282/3.1.1/tf[0-1]", "traffic_class", "RFC6282-3.1.1-01")
    assert deviation.matches("rfc6282/2/every_form", "dropped", "RFC6282-2-04")
    assert not deviation.matches("rfc6282/2/every_form", "traffic_class", "RFC6282-3.1.1-01")
    assert not deviation.matches("rfc6282/3.1.1/tf[0-1]", "dropped", "RFC6282-2-04")


@pytest.mark.parametrize(("lacking", "expected"), [([], 0), (["ip_tap"], 1)])
def test_a_deviation_that_an_ability_hides_is_expected_where_the_rig_lacks_it(files, lacking, expected):
    hidden = 'cases = [{ case = "rfc6282/3.1.1/tf[0*", without = "ip_tap" }]'
    text = PROFILE.replace(CASE, hidden)
    (files / "p.toml").write_text(text.replace("abilities = [", 'abilities = ["ip_tap", '))
    assert len(load("./r.toml", [f"without={lacking}"]).profile.deviation) == expected


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (CASE + "\n", "", "one of `case` and `cases` is needed"),
        (CASE, 'case = "a"\ncases = ["b"]', "one of `case` and `cases` is needed"),
        ('finding = "traffic_*"\n', "", "`finding` is missing: here, or in every table of `cases`"),
        (CASE, "cases = [7]", "deviation[0].cases[0]: expected"),
        (CASE, 'cases = [{ finding = "dropped" }]', "deviation[0].cases[0].case: is missing"),
    ],
)
def test_a_deviation_that_says_too_little(files, before, after, told):
    assert before in PROFILE
    (files / "p.toml").write_text(PROFILE.replace(before, after))
    assert told in mistakes()[0]


@pytest.mark.parametrize(
    ("version", "specifier", "inside"),
    [
        ("6.1.0-49-amd64", ">=6.1,<6.2", True),
        ("Linux 6.12.1", ">=6.1,<6.2", False),
        ("v2024.10-RC1", "==2024.10", True),
        ("unknown", "==1", False),
        ("unknown", "", True),
    ],
)
def test_versions_as_nodes_tell_them(version, specifier, inside):
    assert version_in(version, specifier) is inside


@pytest.mark.parametrize("name", known_rigs())
def test_the_rigs_of_the_tree_are_good(name):
    loaded = load(name, unset=[])
    registry.verify(loaded.rig)
    assert loaded.rig.what


def test_the_rigs_of_the_design_are_there():
    assert {"lwip-ble", "lwip-802154", "linux-802154", "reference"} <= set(known_rigs())


def test_every_profile_in_the_tree_is_used_by_a_rig():
    examples = map(str, (loading.RIGS.parent / "examples").glob("*.toml"))
    used = {load(name, unset=[]).profile.name for name in (*known_rigs(), *examples)}
    assert used >= {path.stem for path in loading.PROFILES.glob("*.toml")}


def test_a_rig_may_be_without_an_ability_of_its_profile(files):
    assert "udp" in load("./r.toml").profile.abilities
    loaded = load("./r.toml", ['without=["udp"]'])
    assert loaded.rig.without == ["udp"]
    assert "udp" not in loaded.profile.abilities
