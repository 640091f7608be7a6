"""A path or a value that was mistyped: the nearest file is named, and the command line where the value stands there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rigs import leases, registry
from rigs.__main__ import main
from rigs.configuration.models import ConfigError

RIG = """
schema = 1
profile = "./p.toml"
attempts = 3
[tester]
link = "memory:802154"
[dut]
node = "black_box"
[lease]
kind = "flock"
wait = "1m"
"""


@pytest.fixture
def files(written):
    profile = 'schema = 1\nstack = "a"\nlink = "ieee802154"\nabilities = ["echo"]\n'
    return written({"r.toml": RIG, "p.toml": profile})


def mistakes(*overrides, name="./r.toml"):
    with pytest.raises(ConfigError) as caught:
        registry.load(name, overrides)
    return caught.value.mistakes


def test_a_rig_file_that_is_not_there(files):
    (files / "desk.toml").write_text(RIG)
    none = "there is no such rig file"
    assert mistakes(name="./dsek.toml") == (f"./dsek.toml: {none} (did you mean 'desk.toml'?)",)
    assert mistakes(name="./none.toml") == (f"./none.toml: {none}; files there: desk.toml, p.toml, r.toml",)
    assert mistakes(name="./lwip-ble.toml") == (
        f"./lwip-ble.toml: {none}; the rig of that name in the tree is named without folder and ending: lwip-ble",
    )
    assert mistakes(name="./labs/none.toml") == (f"./labs/none.toml: {none}: there is no folder labs",)
    (files / "empty").mkdir()
    assert mistakes(name="empty/none.toml") == (f"empty/none.toml: {none}; empty has no .toml file",)


def test_a_mistake_of_the_command_line_is_not_blamed_on_the_file(files):
    (files / "r.toml").write_text(RIG.replace("attempts = 3", "attempts = 99"))
    told = mistakes("tester.pan=banana", "dut.node=zephyrr", "lease.wait=soon", "tester.chanel=26")
    assert next(each for each in told if "attempts" in each).startswith("r.toml: attempts: expected")
    line = {each.partition(": ")[0]: each for each in told if "attempts" not in each}
    assert line.keys() == {
        f"--set {key}" for key in ("tester.pan", "dut.node", "lease.wait", "tester.chanel")
    }
    assert "found 'banana'" in line["--set tester.pan"]
    assert "no kind of node 'zephyrr' (did you mean 'zephyr'?)" in line["--set dut.node"]
    assert "(did you mean 'channel'?)" in line["--set tester.chanel"]


def test_no_kind_of_node(files):
    (files / "r.toml").write_text(RIG.replace('"black_box"', '""'))
    (told,) = mistakes()
    assert told.startswith("r.toml: dut.node: expected the kind of node, such as")
    assert told.endswith("found ''")


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("tester.link=zep:127.0.0.1", "zep:127.0.0.1: expected HOST:PORT, as in zep:[::1]:17754"),
        ("tester.link=zep:127.0.0.1:99999", "zep:127.0.0.1:99999: expected HOST:PORT, as in zep:[::1]:17754"),
        ("tester.link=spinel:dongle", "spinel:dongle: name the console of the dongle behind it, as in "),
        ("tester.link=spinel:seriel:/dev/ttyACM0", "no console scheme 'seriel' (did you mean 'serial'?)"),
        (
            "tester.link=ot_security:spinel:serial:/dev/ttyACM0?baut=9600",
            "serial:/dev/ttyACM0?baut=9600: there is no option 'baut' (did you mean 'baud'?)",
        ),
        ("tester.link=ot_security:packet", "name the link inside, as in ot_security:packet:wpan0"),
        ("dut.console=serial:/dev/x?baud=fast", "baud: expected a number such as 115200; found 'fast'"),
        ("dut.console=serial:", "serial:: names no port: expected such as serial:/dev/ttyACM0"),
        ("dut.console=socket:lab1:4000", "expected socket://HOST:PORT of a server that runs, such as "),
        ("dut.console=socket://lab1", "expected socket://HOST:PORT of a server that runs, such as "),
        ("dut.console=rfc2217://lab1:99999", "expected rfc2217://HOST:PORT of a server that runs"),
        ("dut.console=rfc2217://lab1:4000?baud=fast", "baud: expected a number such as 115200"),
        ("dut.console=ssh:-p 2222", "ssh:-p 2222: names no host: expected such as ssh:root@lab1"),
        ("dut.console=rfc2217://lab1:4000?timeout=x", "timeout: expected seconds, such as 3; found 'x'"),
        ("dut.console=socket://lab1:4000?loging=info", "no option 'loging' (did you mean 'logging'?)"),
        ("dut.console=socket://lab1:4000?logging=all", "logging: expected debug, info, warning or error"),
        ("dut.console=pty:", "pty:: names no pseudo-terminal: expected a path such as pty:/dev/pts/5"),
        ("dut.console=ssh:-N root@lab1", "with -N there is no shell or command that we could talk to"),
        ("tester.link=packet:wpan0@ssh:'half", "No closing quotation: quote it as a shell wants it"),
        ("tester.link=ot_security:packet:wpan0@ssh:", "does not say where the radio is"),
        ("tester.link=spinel:serial:/dev/x#retries", "retries=: 0 to 15 are possible"),
        ("tester.link=ipsp:hci:tcp-client:lab1", "behind tcp-client: stands HOST:PORT"),
        ("tester.link=ipsp:hci:usb", "behind usb: stands which one, such as 0"),
        ("tester.link=ipsp:hci:usb:0?interval=30", "interval: is for virtual controllers"),
        ("tester.link=ipsp:?mps=65535", "mps=65535, credits=20: the MTU is 23 to 65535, the MPS 23 to 65533"),
        ("dut.console=process:", "process:: names no program: expected a program and its arguments"),
        ("dut.power=cmd:relay", 'cmd:relay: expected "command:..." with a program and its arguments'),
        ("dut.power=command:relay 'half", "No closing quotation: quote it as a shell wants it"),
    ],
)
def test_an_address_that_its_adapter_cannot_read(files, override, said):
    (told,) = mistakes(override)
    assert told.startswith(f"--set {override.partition('=')[0]}: ")
    assert said in told


def test_addresses_that_adapters_read(files):
    for override in (
        "tester.link=spinel:socket://lab1:4000#retries=7",
        "tester.link=ot_security:spinel:process:/path/to/ot-rcp 33",
        "dut.console=rfc2217://[::1]:4000",
        "dut.console=ssh:-F conf lab1 node.elf -z [::1]:17754",
        "dut.power=command:relay cycle",
        "tester.link=packet:wpan0@ssh:-F conf -p 2222 root@lab1",
        "dut.console=rfc2217://lab1:4000?ign_set_control&timeout=3&baud=9600",
    ):
        registry.load("./r.toml", [override])


def test_a_node_without_its_console_and_a_power_switch_that_is_not_there(files):
    loaded = registry.load("./r.toml", ["dut.node=riot", "dut.power=command:no-such-relay 1"])
    told = {item.what: item.remedy for item in registry.missing(loaded.rig)}
    assert told["dut.console: the node 'riot' needs its console"].startswith('name it: console = "serial:')
    assert told["dut.power: there is no program no-such-relay"] == "put it on PATH, or name its path"


@pytest.mark.parametrize(
    ("link", "key", "said"),
    [
        ("packet:wpan0", "adapter=hci0", "dut.adapter: the link is IEEE 802.15.4, and this of Bluetooth LE"),
        ("ipsp:hci:usb:0", "adapter=", "dut.adapter: on Bluetooth LE the host advertises"),
        ("ipsp:hci:usb:0", "wpan=wpan0", "dut.wpan: the link is Bluetooth LE, and this of IEEE 802.15.4"),
    ],
)
def test_a_linux_host_told_of_the_other_link(files, link, key, said):
    if "ipsp" in link:
        (files / "p.toml").write_text('schema = 1\nstack = "a"\nlink = "ble"\nabilities = ["echo"]\n')
    words = ["dut.node=linux_host", f"tester.link={link}", "dut.console=socket://lab1:1", "dut.adapter=hci0"]
    loaded = registry.load("./r.toml", [*words, f"dut.{key}"])
    assert said in [item.what for item in registry.missing(loaded.rig)]


def test_a_folder_a_profile_and_a_rig_file_in_the_wrong_place(files):
    (files / "desk.toml").write_text(RIG)
    assert mistakes(name="../" + files.name) == (
        f"../{files.name}: is a folder, and no rig file; files there: desk.toml, p.toml, r.toml",
    )
    assert mistakes(name="./p.toml") == (
        "p.toml: is a profile: name the rig file that has it as its `profile`",
    )
    assert mistakes("profile=./desk.toml") == ("--set profile: desk.toml is a rig file, and no profile",)
    assert mistakes("profile=p") == ("--set profile: no profile 'p' in the tree (did you mean './p.toml'?)",)
    (files / "profiles").mkdir()
    assert mistakes("profile=./profiles") == (
        "--set profile: './profiles' is a folder, and no profile; profiles has no .toml file",
    )


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("latin-1", "r.toml: not UTF-8 (octet 0xf6 in line 1): save the file as UTF-8"),
        ("utf-16", "r.toml: not UTF-8 (octet 0xff in line 1): save the file as UTF-8"),
    ],
)
def test_another_encoding(files, encoding, said):
    (files / "r.toml").write_text(f'what = "Löschen"\n{RIG}', encoding=encoding)
    assert mistakes() == (said,)


def test_a_mark_of_the_encoding_and_windows_lines_are_no_mistake(files):
    (files / "r.toml").write_bytes(b"\xef\xbb\xbf" + RIG.replace("\n", "\r\n").encode())
    assert registry.load("./r.toml").rig.attempts == 3


def test_a_syntax_error_shows_its_line(files):
    (files / "r.toml").write_text(RIG.replace("attempts = 3", "attempts = three"))
    told = (
        "r.toml: not TOML: Invalid value (at line 4, column 12): attempts = three (a text stands in quotes)"
    )
    assert mistakes() == (told,)


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("pan = abcd", "(hex begins with 0x: 0xabcd; a text stands in quotes)"),
        ("what = \u201cdesk 1\u201d", "(a text stands in straight quotes)"),
        ("profile = ./p.toml", "(a text stands in quotes)"),
    ],
)
def test_a_syntax_error_is_told_with_what_was_meant(files, line, meant):
    (files / "r.toml").write_text(f"{line}\n{RIG}")
    assert mistakes()[0].endswith(f"{line} {meant}")


@pytest.mark.parametrize("table", ["tester", "dut"])
def test_a_key_of_the_file_that_stands_in_a_table(files, table):
    """In TOML what stands below a [table] belongs to it, however it looks."""
    (files / "r.toml").write_text(RIG.replace(f"[{table}]", f'[{table}]\nsettle = "50ms"'))
    (told,) = mistakes()
    assert told.startswith(f"r.toml: {table}.settle: ")
    assert "(it is a key of the file: put it above the first [table])" in told


def test_a_profile_of_another_stack_for_a_black_box(files, capsys):
    assert (
        main(
            [
                "check",
                "./r.toml",
                "--set",
                "profile=openthread-802154",
                "--set",
                "dut.address=02:00:5e:ff:fe:00:00:01",
            ]
        )
        == 0
    )
    assert (
        'what it declares beyond echoes nobody can ask a black box for: name "black-box-802154"'
        in capsys.readouterr().out
    )
    assert main(["check", "./r.toml"]) == 0
    assert "black-box-802154" not in capsys.readouterr().out


def test_a_bit_rate_behind_a_space(files, capsys):
    (files / "ttyACM0").touch()
    assert main(["check", "./r.toml", "--set", f"dut.console=serial:{files}/ttyACM0 115200"]) == 1
    assert (
        f"to do:   the bit rate stands behind a ?: serial:{files}/ttyACM0?baud=115200"
        in capsys.readouterr().out
    )


def test_a_rig_is_named_without_its_option(files, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["check", "--rig", "./r.toml"])
    assert ended.value.code == 2
    assert (
        "--rig (this command takes the rig without it: NAME, or the PATH of a rig file)"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("override", "note"),
    [
        (
            "dut.address=fe80::1",
            "(an IPv6 address: the link-layer one, such as f4:ce:36:00:00:00:00:01, is asked for)",
        ),
        ("tester.pan=0xabcde", "found 703710 (0xabcde)"),
        ("tester.pan=abcd", "found 'abcd' (hex begins with 0x: 0xabcd)"),
        ("tester.pan='0xabcd'", "found '0xabcd' (a text: leave its quotes off)"),
        ("tester.channel=high", "found 'high' (a text)"),
        ("dut.address=0x02005efffe000001", '(a number: put it in quotes, "02:00:...")'),
        ("dut.short=00:01:02", 'found 00:01:02 (no text: put it in quotes, "02:00:...")'),
        ("dut.address=02:00:5e:ff:fe:00:00:0g", "found '02:00:5e:ff:fe:00:00:0g' ('g' is no hex digit)"),
        ("dut.address=02:00:5e:ff:fe:00:00:1", "(it has 15 hex digits: two make an octet)"),
        (
            "dut.address=02005efffe00",
            "expected 8 octets, as IEEE 802.15.4 has them (the profile p is for ieee802154); found 02:00:5e:ff:fe:00",
        ),
    ],
)
def test_numbers_and_addresses(files, override, note):
    (told,) = mistakes(override)
    assert told.startswith(f"--set {override.partition('=')[0]}: expected ")
    assert told.endswith(note)


def test_check_tells_who_has_the_rig_and_nothing_else(files, monkeypatch, capsys):
    monkeypatch.setenv("KEYHOLE_LEASES", str(files / "leases"))
    (files / "ttyACM0").touch()
    words = ["check", "./r.toml", "--set", f"dut.console=serial:{files}/ttyACM0"]
    held = registry.load("./r.toml", words[-1:])
    assert main(words) == 1
    assert "in use" not in capsys.readouterr().out
    with leases.of(held.rig):
        assert main(words) == 1
    told = [line.strip() for line in capsys.readouterr().out.splitlines() if ": " in line][1:]
    assert told[0].startswith("missing: ")
    assert f"is in use: held by process {os.getpid()} of " in told[0]
    assert told[1:] == ["to do:   wait for that run, or end it"]


def test_check_tells_of_two_rigs_of_one_name(files, capsys):
    (files / "other").mkdir()
    (files / "other" / "r.toml").write_text(RIG.replace("./p.toml", "../p.toml"))
    assert main(["check", "./r.toml", "r.toml"]) != 2
    assert main(["check", "./r.toml", "./other/r.toml"]) == 2
    told = "./other/r.toml: ./r.toml is called r, too: no run takes both; rename one of the files\n"
    assert capsys.readouterr().out.endswith(told)


def test_a_profile_of_another_stack_is_a_mistake_of_the_file(files, capsys):
    (files / "p.toml").write_text('schema = 1\nstack = "Zephyr"\nlink = "ieee802154"\nabilities = ["echo"]\n')
    assert main(["check", "./r.toml", "--set", "dut.node=riot"]) == 2
    assert (
        "  mistake: r.toml: profile: the DUT is RIOT, and the profile p is of Zephyr: name another profile in the rig "
        "file, or correct `stack` in p.toml\n"
    ) in capsys.readouterr().out


@pytest.mark.parametrize(
    "command", ["rigs list", "reports show x", "reports.history", "tests.fuzz --count 1"]
)
def test_another_python_than_that_of_the_setup(command):
    """`-S`: without the packages that were installed."""
    root, asked = Path(__file__).parents[2], ["-S", "-m", *command.split()]
    done = subprocess.run([sys.executable, *asked], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == (
        "the packages of requirements.lock are missing: run `make setup`, then .venv/bin/python "
        f"-S -m {command}\n"
    )


@pytest.mark.parametrize("command", ["sixlowpan budget", "vectors coverage --missing"])
def test_what_needs_no_package_runs_in_any_python(command):
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-S", "-m", *command.split()], cwd=root, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    assert "make setup" not in done.stderr


def test_an_example_without_the_profile_that_stands_beside_it(files):
    (files / "r.toml").write_text(RIG.replace("./p.toml", "./profiles/linux-ble.toml"))
    (told,) = mistakes()
    assert told.startswith("r.toml: profile: there is no file profiles/linux-ble.toml: copy ")
    assert told.endswith("rigs/examples/profiles/linux-ble.toml there")


def test_a_channel_behind_the_last_one_is_noted(files):
    loaded = registry.load("./r.toml", ["tester.channel=27"])
    (note,) = registry.remarks(loaded.rig)
    assert note.startswith("tester.channel = 27: channel page 0 of IEEE 802.15.4 ends with 26")
    assert registry.remarks(registry.load("./r.toml").rig) == []


@pytest.mark.parametrize(
    ("link", "told"),
    [
        ("memory:803154", "there are memory:802154 and memory:ble"),
        ("memory:802154?loss=1", "what is done to frames stands in [air]"),
        ("hwsim:wpan1", "there is hwsim:wpan0 only"),
        ("lwip:wpan", "there are lwip:802154 and lwip:ble"),
        ("slip_radio:60001", "name where to listen, such as slip_radio:127.0.0.1:60001"),
        ("uart_pipe:x", "expected uart_pipe:127.0.0.1:PORT"),
        ("ot_sim:1.2.3.4", "1.2.3.4 is no multicast group"),
        ("ipsp_memory:?mtu=x", "mtu: expected a whole number; found 'x'"),
    ],
)
def test_addresses_of_links_are_judged_before_anything_is_opened(files, link, told):
    assert any(
        mistake.startswith(f"--set tester.link: {link}: ") and told in mistake
        for mistake in mistakes(f"tester.link={link}")
    )
