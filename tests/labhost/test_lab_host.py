"""A lab without a lab: ssh logins, a radio and adapters on other machines, a board behind USB, driven by the examples.

Nothing here knows that the hosts are one guest: rig files name them as they would any others, and the programs that
users type are run in processes of their own.
"""

import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytest.importorskip("bumble", reason="the extra `ble` is not installed")

from reports.record import read
from rigs.guests import qemu
from tests.labhost.host import USB_ADAPTER, LabHosts
from tests.labhost.rig_files import CLOCK, LINKS, LOSSLESS, declare_deviations, rig_file
from tests.rigs.example_files import edited
from tests.waiting import completed, until

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(shutil.which(qemu.QEMU) is None, reason=f"{qemu.QEMU} is not here: {qemu.REMEDY}"),
    pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no OpenSSH here: openssh-client"),
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with LabHosts(tmp_path_factory.mktemp("lab")) as hosts:
        yield hosts


#: Seconds that a part of the suites may take.
LONG = 1200.0


def python(*words, **bound):
    done = completed([sys.executable, "-m", *words], cwd=ROOT, **bound)
    return done.returncode, done.stdout + done.stderr


def probed(rig):
    """What `rigs check --probe` says of a rig that is all right."""
    status, said = python("rigs", "check", "--probe", str(rig))
    assert status == 0, said
    return said


def results(rig, tmp_path, *chosen):
    """The results of a run of some of the suites that ended well."""
    out = ["--record-dir", str(tmp_path / "out"), "--seed", "1"]
    command = ["pytest", "suites", "-n0", "-q", "-p", CLOCK, "--rig", str(rig)]
    status, said = python(*command, *chosen, *out, seconds=LONG)
    (run,) = (tmp_path / "out").glob("2*")
    assert status == 0, said[-4000:]
    return read(run / "run.jsonl").results


def verdicts(rig, chosen, tmp_path):
    """Case -> verdict of a run that shows nothing wrong."""
    found = {line["case"]: line["verdict"] for line in results(rig, tmp_path, "-k", chosen)}
    assert set(found.values()) <= {"pass", "harmless", "unsupported"}, found
    return found


def test_linux_behind_ssh_and_a_radio_behind_ssh(lab, tmp_path):
    rig = rig_file(lab, "802154", tmp_path)
    assert "answers: a ping to 02:00:5e:ff:fe:00:00:01 is answered" in probed(rig)
    found = verdicts(rig, "hlim or frames_that_it_sends", tmp_path)
    assert found["rfc6282/3.1.1/hlim[00-2]"] == "pass"
    assert found["rfc4944/4/frames_that_it_sends[1232]"] == "pass"


def test_linux_behind_ssh_and_an_adapter_behind_tcp(lab, tmp_path):
    """BlueZ runs on the host of the DUT meanwhile, and its bleak finds the tester (`rigs.discovery`)."""
    rig = rig_file(lab, "ble", tmp_path)
    assert "answers: a ping to 02:4b:65:79:68:02 is answered" in probed(rig)
    profile = tmp_path / "profiles" / "linux-ble.toml"
    profile.write_text(profile.read_text().replace('"echo", ', '"echo", "discover", '))
    found = verdicts(rig, "stateless_unicast or ipsp_node_is_found", tmp_path)
    assert found["rfc6282/3.1.1/stateless_unicast[11-11]"] == "pass"
    assert found["interop/discovery/ipsp_node_is_found"] == "pass"
    # the connection was ended with the run, not left to the adapter
    until(lambda: "bt0" not in lab.run("tester", "ls /sys/class/net").split(), "bt0 stays")


def test_a_part_of_all_suites(lab, tmp_path):
    """One case in sixteen of all suites, without the long waits; `python -m tests.labhost` runs them whole."""

    def part(link):
        folder = tmp_path / link
        folder.mkdir()
        rig = rig_file(lab, link, folder)
        declare_deviations(link, folder)
        return results(rig, folder, *LOSSLESS, "--shard", "3/16", "-m", "not slow")

    with ThreadPoolExecutor() as both:  # the hosts of one link have nothing to do with those of the other
        for found in both.map(part, LINKS):
            # a fail is a known one
            tried = [line for line in found if line["verdict"] in {"pass", "harmless", "fail"}]
            assert len(tried) > 10
            assert {line["case"].partition("/")[0] for line in tried} >= {"rfc6282", "rfc7400", "robustness"}


def test_an_adapter_that_is_not_there(lab, tmp_path):
    rig = edited(
        "linux-ble-ssh",
        tmp_path,
        link="ipsp:hci:tcp-client:127.0.0.1:1",
        console=f"ssh:{lab.login('tester')}",
    )
    status, said = python("rigs", "check", "--probe", str(rig))
    assert status == 1
    assert "the Bluetooth adapter tcp-client:127.0.0.1:1 cannot be opened: " in said
    assert "Traceback" not in said


#: What a board's 6LoWPAN stack is here: Linux', with the EUI-64 that the shell of its stand-in tells.
BOARD = "00:10:20:30:00:73:1a:55"
SET_UP = f"""
ip link del lowpan0 2>/dev/null; ip link set wpan1 down
iwpan phy phy1 set channel 0 26 && ip link set wpan1 address {BOARD} && iwpan dev wpan1 set pan_id 0xabcd &&
ip link add link wpan1 name lowpan0 type lowpan && ip link set wpan1 up && ip link set lowpan0 up
"""
SHELL = ROOT / "tests" / "nodes" / "zephyr_shell.py"


@pytest.mark.soak  # a slow host's late prompts may end the shell's first answers: the version is unknown then
def test_a_board_on_the_usb_of_a_lab_host(lab, tmp_path):
    """A USB serial port of two drivers of the kernel's (dummy_hcd with g_serial, and cdc_acm), by picocom and ssh."""
    lab.run("dut", SET_UP)
    lab.run("tester", "cat >/board.py", input=SHELL.read_text())
    lab.run(
        "tester",
        "stty -F /dev/ttyGS0 raw -echo; setsid python3 /board.py </dev/ttyGS0 >/dev/ttyGS0 2>/dev/null &",
    )
    rig = edited(
        "board-serial",
        tmp_path,
        link=f"packet:wpan0@ssh:{lab.login('tester')}",
        console=f"ssh:-tt {lab.login('tester')} picocom -q -b 115200 /dev/ttyACM0",
        address=BOARD,
    )
    said = probed(rig)
    assert "opened: Zephyr 3.4.0, by packet:wpan0@ssh:" in said
    assert f"answers: a ping to {BOARD} is answered" in said
    found = verdicts(rig, "hlim", tmp_path)
    assert list(found.values()).count("pass") == 7


@pytest.mark.soak  # the kernel gives a controller 2 s for each command: a busy machine does not always keep to that
def test_linux_behind_ssh_and_its_adapter_on_usb_ip(lab, tmp_path):
    """The DUT's adapter is one of the kernel's USB (vhci_hcd, btusb), and the device is at the other end of its ssh."""
    with lab.usb_adapter() as name:
        rig = edited(
            "linux-ble-ssh",
            tmp_path,
            link=f"ipsp:hci:{lab.adapter}",
            console=f"ssh:{lab.login('tester')}",
            adapter=name,
            address=USB_ADAPTER.hex(":"),
        )
        assert f"answers: a ping to {USB_ADAPTER.hex(':')} is answered" in probed(rig)
        found = verdicts(rig, "stateless_unicast", tmp_path)
        assert found["rfc6282/3.1.1/stateless_unicast[11-11]"] == "pass"
