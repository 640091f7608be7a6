"""The packet link on a pair of virtual Ethernet interfaces in a namespace of our own.

The path of the octets is the same as on a radio's interface. What only a radio's interface has is told to it, or asked
for and refused.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rigs.bench import Bench
from rigs.configuration.models import ConfigError, RigFile
from rigs.links.packet import agent as packet_agent
from rigs.links.packet import link as packet
from rigs.links.packet.link import PacketLink, RemoteRadio
from rigs.model import LinkClosed, RigError
from tests.waiting import completed, soon

ROOT = Path(__file__).parents[2]
DUT = bytes.fromhex("02005efffe000001")
FRAME = bytes(range(60))
SET_UP = """set -e
mount -t sysfs sys /sys
echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6
ip link add one type veth peer name two
ip link set one up
ip link set two up
echo ready
cat
"""


@pytest.fixture(scope="module")
def namespace():
    """Prefix of commands that are to run in a network namespace with the pair of interfaces one and two."""
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        pytest.skip("needs unshare and ip")
    command = ["unshare", "-Urnm", "--kill-child", "sh", "-c", SET_UP]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        line = holder.stdout.readline()
        if line != b"ready\n":
            holder.kill()
            pytest.skip("no network namespace can be made here")
        children = Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text().split()
        yield f"nsenter --preserve-credentials -U -n -m -t {children[0]}"
        holder.stdin.close()


@pytest.fixture
def link(namespace):
    links = []

    def make(interface):
        where = f"packet:{interface}"
        links.append(
            PacketLink(where, RemoteRadio(interface, f"popen//python={namespace} {sys.executable}"), DUT)
        )
        return links[-1]

    yield make
    for each in links:
        each.close()
        each.close()


def ip(namespace, *words):
    subprocess.run([*namespace.split(), "ip", *words], check=True)


def test_frames_go_both_ways_and_keep_their_order(link):
    one, two = link("one"), link("two")
    assert len(one.tester) == 6  # of Ethernet; a radio's has 8
    before = time.monotonic()
    frames = [bytes([n]) * (20 + n) for n in range(100)]
    for frame in frames:
        one.send(frame)
    got = [two.receive(soon()) for _ in frames]
    assert [each.frame for each in got] == frames
    assert before - 0.05 <= got[0].time <= got[-1].time <= 0.05 + time.monotonic()
    assert got[0].clock == "monotonic"
    two.send(FRAME)
    assert one.receive(soon()).frame == FRAME  # and none of its own
    assert one.receive(soon(0)) is None


def test_a_frame_that_is_too_long(link):
    one = link("one")
    with pytest.raises(RigError, match="packet:one: a frame has 125 octets at most, not 126"):
        one.send(bytes(126))


def test_an_interface_that_goes_down(link, namespace):
    one, two = link("one"), link("two")
    ip(namespace, "link", "set", "two", "down")
    try:
        with pytest.raises(LinkClosed, match=r"packet:two: Network is down"):
            two.receive(soon())
        with pytest.raises(LinkClosed, match=r"packet:two: Network is down"):
            two.send(FRAME)
    finally:
        ip(namespace, "link", "set", "two", "up")
    del one


def test_a_closed_link(link):
    one = link("one")
    one.close()
    with pytest.raises(LinkClosed, match="closed"):
        one.receive(soon())
    with pytest.raises(LinkClosed, match="closed"):
        one.send(FRAME)


def test_an_agent_of_a_busy_host_is_waited_for_by_progress(link, monkeypatch):
    """The seconds are those in which the rig made progress: no time passes in which it is held up."""
    monkeypatch.setattr(packet, "START", 0.001)
    monkeypatch.setattr(packet, "_LOOK", 0.001)
    told = packet.clock.now()
    monkeypatch.setattr(packet.clock, "now", lambda: told)
    assert link("one").tester
    monkeypatch.undo()
    monkeypatch.setattr(packet, "START", 0.0)
    monkeypatch.setattr(packet, "_LOOK", 0.001)
    with pytest.raises(RigError, match="no agent can be started there: it says nothing for 0 s"):
        link("two")


def test_an_agent_that_dies(link):
    one = link("one")
    one._radio._group[0]._io.popen.kill()
    with pytest.raises(LinkClosed, match="packet:one: the agent ended"):
        one.receive(soon())


LOCAL = """
import sys, time
from rigs.links.packet.link import LocalRadio, PacketLink
one, two = (PacketLink("packet:" + name, LocalRadio(name), bytes(8)) for name in ("one", "two"))
one.send(bytes(range(60)))
got = two.receive(two.now() + 10)
assert got.frame == bytes(range(60)), got
assert abs(got.time - time.monotonic()) < 5, got
assert one.receive(one.now()) is None
for link in (one, two, one, two):
    link.close()
print("done")
"""


def test_the_same_on_this_host(namespace):
    done = completed(
        [*namespace.split(), sys.executable, "-c", LOCAL],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.stdout == "done\n", done.stderr


def rig(link, **dut):
    return RigFile.model_validate(
        {
            "schema": 1,
            "profile": "p",
            "tester": {"link": link, "channel": 21, "pan": 0x23} | dut.pop("tester", {}),
            "dut": {"node": "n", "address": DUT.hex()} | dut,
        }
    )


def opened(link, **dut):
    return packet.open_link(Bench(), link.partition(":")[2], rig(link, **dut))


def test_no_such_interface_says_how_to_make_it():
    wanted = (
        r"packet:nowpan7@popen: there is no interface nowpan7: plug the radio in, then ip link set nowpan7 down; "
        r"iwpan dev nowpan7 set pan_id 0x0023; iwpan phy phy0 set channel 0 21; ip link set nowpan7 up "
    )
    with pytest.raises(RigError, match=wanted):
        opened("packet:nowpan7@popen")
    (missing,) = packet.check(rig("packet:nowpan7"))
    assert missing.what == "tester.link: there is no interface nowpan7"
    assert missing.remedy.startswith("plug the radio in, then ip link set nowpan7 down; ")


def test_what_is_no_radio(namespace):
    with pytest.raises(
        RigError, match=r"one is no IEEE 802.15.4 interface \(its type is 1, not 804\): name a wpan"
    ):
        opened(f"packet:one@popen:{namespace} {sys.executable}")
    (missing,) = packet.check(rig(f"packet:one@popen:{namespace} {sys.executable}"))
    assert missing.what.startswith("tester.link: one is no IEEE 802.15.4 interface")


def test_a_user_who_may_not():
    prefix = "setpriv --reuid 65534 --regid 65534 --clear-groups" if not os.geteuid() else "env"
    python = shutil.which("python3", path="/usr/bin") or sys.executable  # one that this user can run
    with pytest.raises(RigError, match=r"packet:lo.*: raw packets need root or CAP_NET_RAW"):
        opened(f"packet:lo@popen:{prefix} {python}")


FACTS = {"type": 804, "address": "02005efffe0000aa", "up": True, "above": []}


@pytest.mark.parametrize(
    ("facts", "what", "remedy"),
    [
        (
            {"above": ["lowpan0"]},
            "lowpan0 sits on wpan0, so that this host itself would answer",
            "ip link delete lowpan0",
        ),
        ({"up": False}, "wpan0 is down", "iwpan phy phy0 set channel 0 21; ip link set wpan0 up"),
        (
            {"address": "02005efffe0000bb"},
            "tester.address is 02:00:5e:ff:fe:00:00:aa, but wpan0 has 02:00:5e:ff:fe:00:00:bb",
            "ip link set wpan0 address 02:00:5e:ff:fe:00:00:aa",
        ),
    ],
    ids=["lowpan", "down", "address"],
)
def test_what_is_wrong_with_a_radio(facts, what, remedy):
    wanted = rig("packet:wpan0", tester={"address": "02005efffe0000aa"})
    assert packet.complaint("wpan0", FACTS, wanted) is None
    complaint = packet.complaint("wpan0", FACTS | facts, wanted)
    assert what in complaint.what
    assert remedy in complaint.remedy


def test_what_the_kernel_tells_of_an_interface(tmp_path, monkeypatch):
    told = {
        "wpan0": (804, 5, "0x41"),
        "lowpan0": (825, 5, "0x1041"),
        "lowpan1": (825, 6, "0x0"),
        "two": (1, 5, "0x0"),
    }
    for name, (kind, below, flags) in told.items():
        (tmp_path / name).mkdir()
        for what, text in {
            "type": kind,
            "iflink": below,
            "flags": flags,
            "address": "02:00:5e:ff:fe:00:00:aa",
        }.items():
            (tmp_path / name / what).write_text(f"{text}\n")
    monkeypatch.setattr(packet_agent, "_SYS", tmp_path)
    assert packet_agent.facts("wpan0", 5) == FACTS | {"above": ["lowpan0"]}
    assert packet_agent.facts("lowpan1", 7) == FACTS | {"type": 825, "up": False}


NOWHERE = 'does not say where the radio is: write "packet:wpan0" or "packet:wpan0@ssh:root@lab1"'


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("", NOWHERE),
        ("wpan0@", NOWHERE),
        ("wpan0@ssh:", NOWHERE),
        ("@ssh:root@lab1", NOWHERE),
        ("wpan0@telnet:lab1", NOWHERE),
        ("wpan 0", "'wpan 0' is no name of an interface, which has 15 characters at most: write "),
        ("a-name-of-16-let@ssh:lab1", "is no name of an interface"),
        ("wpan0@ssh:'half", "No closing quotation"),
        ("wpan0@ssh:-p 2222", "names no host"),
        ("wpan0@ssh:-Np2222 root@lab1", "with -N there is no shell or command"),
        ("wpan0@ssh:-tt root@lab1", "with -t the frames would go through a terminal"),
        ("wpan0@ssh:root@lab1 picocom /dev/ttyACM0", "our agent, and not 'picocom /dev/ttyACM0'"),
        ("wpan0@ssh:-i '/home/me/my key' root@lab1", "give the host a name in ~/.ssh/config"),
        ("wpan0@ssh:-F //lab/config root@lab1", "give the host a name in ~/.ssh/config"),
    ],
)
def test_mistakes_in_the_address(address, said):
    with pytest.raises(ConfigError, match=re.escape(said)) as caught:
        opened(f"packet:{address}")
    assert f"tester.link: packet:{address}: " in str(caught.value)
    (missing,) = packet.check(rig(f"packet:{address}"))
    assert missing.what == f"tester.link: packet:{address} cannot be read"
    assert said in missing.remedy


@pytest.mark.parametrize("words", ["-F lab -p2222 root@lab1", "lab1 -o ConnectTimeout=60", "-4 -i key lab1"])
def test_options_of_ssh_in_the_address(words):
    assert packet.misread(f"wpan0@ssh:{words}") == ""


def test_the_address_of_the_dut_must_be_known():
    with pytest.raises(
        ConfigError, match=r"dut.address: is missing: the link packet:wpan0 needs the DUT's EUI-64"
    ):
        opened("packet:wpan0", address="020000000001")


def test_a_lab_host_that_does_not_let_us_in(tmp_path, monkeypatch):
    (tmp_path / "ssh").write_text('#!/bin/sh\necho "$@" > "$0.called"\nexit 255\n')
    (tmp_path / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    wanted = (
        r"wpan0@ssh:root@lab1: no agent can be started there: .*; try `ssh -o BatchMode=yes root@lab1 python3"
    )
    with pytest.raises(RigError, match=wanted):
        opened("packet:wpan0@ssh:root@lab1")
    called = (tmp_path / "ssh.called").read_text()
    assert "-o BatchMode=yes root@lab1 -o ConnectTimeout=10 " in called
    assert "LogLevel=INFO python3 -c" in called


def test_a_lab_host_is_reached_through_ssh(tmp_path, monkeypatch):
    """An ssh of our own runs the command here: what execnet sends is what a lab host would run."""
    (tmp_path / "ssh").write_text('#!/bin/sh\nfor last; do :; done\nexec sh -c "$last"\n')
    (tmp_path / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(RigError, match="there is no interface nowpan7"):
        opened("packet:nowpan7@ssh:root@lab1")
