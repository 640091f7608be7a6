"""The Linux host adapter on real shells of this machine, in namespaces of their own.

The socket side is tried on a real kernel, on a pair of virtual Ethernet interfaces. What a host may lack is played: its
/sys is a temporary one, and its tools are scripts that write down how they were called.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rigs.model import LinkClosed, RigError, Unsupported
from rigs.nodes.linux_host import node as linux_host
from tests.nodes.linux_host.tools import fake
from tests.waiting import soon, until

ROOT = Path(__file__).parents[3]
GLOBAL = bytes.fromhex("20010db8000000000000000000000001")
GROUP = bytes.fromhex("ff020000000000000000000000001234")
PAIR = """
mount -t sysfs sys /sys
echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
ip link add one type veth peer name two
echo 0 >/proc/sys/net/ipv6/conf/one/disable_ipv6
ip link set lo up; ip link set two up; ip link set one up
"""


# -- on a real kernel --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "shell", ["sh -i", "bash -i", "sh", "bash --norc"], ids=["sh", "bash", "plain", "plain-bash"]
)
def test_a_shell_of_whatever_kind_is_ours(host, shell):
    if shutil.which(shell.split()[0]) is None:
        pytest.skip(f"there is no {shell}")
    node = host(PAIR, shell=shell, interface="one")
    assert (
        node.version()
        == subprocess.run(["uname", "-r"], check=True, capture_output=True, text=True).stdout.strip()
    )
    assert node._shell.run("echo out; echo err >&2; false") == (1, ["out", "err"])
    assert node._shell.run("printf half; exit_with() { return 7; }; exit_with") == (7, ["half"])
    with pytest.raises(RigError, match=r"`ls /none` failed with status 2; it said: .*No such file"):
        node._shell.check("ls /none")


def test_addresses(host):
    node = host(PAIR, interface="one")
    (local,) = node.addresses()
    assert local[:8] == b"\xfe\x80" + bytes(6)
    node.add_address(GLOBAL)
    assert node.addresses() == (local, GLOBAL)


def test_an_interface_without_a_link_local_address(host, monkeypatch):
    monkeypatch.setattr(linux_host, "ADDRESS", 0.1)
    node = host(PAIR, interface="two")
    with pytest.raises(
        RigError, match=r"two has no settled link-local address after 0.1 s; ip says: nothing"
    ):
        node.addresses()


def test_udp(host):
    node = host(PAIR, interface="one")
    (local,) = node.addresses()
    node.udp_open(5000)
    assert node.udp_receive(5000, soon(0.05)) is None
    payloads = [b"", b"hello", bytes(range(256)) * 4]
    for payload in payloads:
        node.udp_send(local, 5001, 5000, payload)
    node.udp_send(local, 5000, 5001, b"back")
    got = [node.udp_receive(5000, soon(10)) for _ in payloads]
    assert got == [(local, 5001, payload) for payload in payloads]
    assert node.udp_receive(5001, soon(10)) == (local, 5000, b"back")
    assert node._shell.run("echo still mine") == (0, ["still mine"])
    with pytest.raises(RigError, match=r"send 5001 0 .*: \[Errno 22\] Invalid argument"):
        node.udp_send(local, 5001, 0, b"x")


def test_ping_join_and_counters(host):
    node = host(PAIR, interface="one")
    (local,) = node.addresses()
    before = node.counters()
    node.ping(local, 8, 0x4B45, 1)
    after = node.counters()
    assert after["Icmp6OutEchos"] == before["Icmp6OutEchos"] + 1
    node.join(GROUP)
    assert "ff02::1234" in " ".join(node._shell.check("ip -6 maddr show dev one"))


def test_the_bytes_of_a_ping(host):
    """The other end of the pair sees what was asked for."""
    node = host(PAIR, interface="one")
    node.addresses()
    sniff = (
        "import socket\ns = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)\ns.bind(('two', 3))\n"
        "s.settimeout(20)\nprint('listening', flush=True)\n"
        "while True:\n f = s.recv(2000)\n if f[20] == 58 and f[54] == 128: print(f[54:].hex(), flush=True); break\n"
    )
    target = str(node._host.console.pid)
    command = [
        "nsenter",
        "--preserve-credentials",
        "-U",
        "-n",
        "-m",
        "-t",
        target,
        sys.executable,
        "-c",
        sniff,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sniffer:
        assert sniffer.stdout.readline() == "listening\n"
        node._shell.check("ip -6 neigh replace fe80::99 lladdr 02:00:00:00:00:99 dev one")
        node.ping(bytes.fromhex("fe800000000000000000000000000099"), 4, 0x4B45, 7)
        message = bytes.fromhex(sniffer.stdout.readline())
    assert message[4:] == bytes.fromhex("4b45000700010203")


def test_what_needs_what_the_host_lacks(host):
    node = host(PAIR, interface="one")
    with pytest.raises(
        Unsupported, match=r"context: there is no /sys/kernel/debug/6lowpan/one/contexts/3 on the host"
    ):
        node.set_context(3, bytes(8), 64)
    with pytest.raises(
        Unsupported, match=r"reset: the interface is the host's own; with dut.wpan it is made anew"
    ):
        node.reset()


def test_a_host_without_python(host, path):
    (path / "ip").symlink_to(shutil.which("ip"))
    if shutil.which("ping"):
        (path / "ping").symlink_to(shutil.which("ping"))
    node = host(f"{PAIR}\nPATH={path}", interface="one")
    (local,) = node.addresses()
    with pytest.raises(
        Unsupported, match="udp: the host has no python3, which opens its sockets: install python3"
    ):
        node.udp_open(5000)
    if not shutil.which("ping"):
        with pytest.raises(
            RigError, match="the program ping is missing on the host: install iputils-ping there"
        ):
            node.ping(local, 8, 1, 1)


def test_what_was_changed_is_put_back(host):
    node = host(f"{PAIR}\necho 500 >/proc/sys/net/ipv6/icmp/ratelimit", interface="one")
    assert node._shell.check("cat /proc/sys/net/ipv6/icmp/ratelimit") == ["0"]
    node._host.close()
    assert node._shell.check("cat /proc/sys/net/ipv6/icmp/ratelimit") == ["500"]


def test_the_agent_ends_with_the_shell(host, bench, until_gone):
    node = host(PAIR, interface="one")
    node.udp_open(5000)
    assert not node._shell.works('[ -e "${TMPDIR:-/tmp}/keyhole-$$" ]')  # the pipe has no name any more
    marker = "exec(zlib.decompress(base64.b64decode('"
    running = [p for p in Path("/proc").glob("[0-9]*") if marker in command_of(p)]
    assert running
    bench.close()
    until_gone(running)


def command_of(process):
    try:
        return (process / "cmdline").read_text(errors="replace")
    except OSError:
        return ""


@pytest.fixture
def until_gone():
    def wait(processes):
        until(lambda: not any(command_of(process) for process in processes), "it is still there")

    return wait


# -- crashes -----------------------------------------------------------------------------------------------


def test_an_oops_is_seen_by_the_kernels_taint(host, path, tmp_path):
    (path / "ip").symlink_to(shutil.which("ip"))
    (path / "dmesg").unlink()
    fake(
        path,
        "dmesg",
        'echo "[   12.000001] BUG: unable to handle page fault"; echo "[   12.000002] RIP: lowpan_rcv"',
    )
    (tmp_path / "tainted").write_text("4096\n")
    node = host(
        f"{PAIR}\nmount --bind {tmp_path}/tainted /proc/sys/kernel/tainted; PATH={path}", interface="one"
    )
    assert node.health().state == "alive"
    (tmp_path / "tainted").write_text("4224\n")
    health = node.health()
    assert health.state == "crashed"
    assert health.detail == "the kernel had an oops: BUG: unable to handle page fault / RIP: lowpan_rcv"


def test_a_panic_is_seen_on_the_console(host):
    node = host(PAIR, interface="one")
    node._shell.shell.send("echo '[   99.000001] Kernel panic - not syncing: Fatal exception'")
    node._shell.shell.expect(r"^\[ .*panic", 10)
    assert node.health().state == "crashed"
    assert "Kernel panic" in node.health().detail


def test_kernel_messages_are_no_part_of_an_answer(host):
    node = host(PAIR, interface="one")
    said = "echo first; echo '[   99.000001] wpan0: something'; echo second"
    assert node._shell.run(said) == (0, ["first", "second"])


def test_a_console_that_is_gone(host):
    node = host(PAIR, interface="one")
    node._shell.shell.send("exit")
    with pytest.raises(LinkClosed, match=r"the process ended|cannot be written to"):
        node.addresses()
    assert node.health().state in {"crashed", "unreachable"}


def test_a_shell_that_is_not_roots(host, path):
    (path / "ip").symlink_to(shutil.which("ip"))
    (path / "id").unlink()
    fake(path, "id", "echo 1000")
    with pytest.raises(RigError, match=r"the shell is not root's: log in as root \(ssh:root@"):
        host(f"{PAIR}\nPATH={path}", interface="one")


# -- a login -----------------------------------------------------------------------------------------------

GETTY = """
exec {python} -c '
import os, sys
def ask(what):
    print(what, end="", flush=True)
    return sys.stdin.readline().strip()
print("Debian GNU/Linux 12 lab1 ttyS0\\n", flush=True)
while True:
    name = ask("lab1 login: ")
    if name and (name, ask("Password: ")) == ("root", "secret"):
        print("Last login: today", flush=True)
        sys.stdin.detach()
        os.execvp("sh", ["sh", "-i"])
    if name:
        print("Login incorrect", flush=True)
'
"""


def test_a_console_that_asks_for_a_login(host):
    getty = GETTY.format(python=f"{sys.executable} -u")
    node = host(PAIR + getty, interface="one", login="root", password="secret")
    assert node._shell.run("echo in") == (0, ["in"])


def test_an_interface_that_is_not_there(host):
    with pytest.raises(
        RigError, match=r"there is no interface none: correct dut.interface, or name dut.wpan"
    ):
        host(PAIR, interface="none")


def test_a_login_that_is_not_taken(host):
    getty = GETTY.format(python=f"{sys.executable} -u")
    with pytest.raises(RigError, match=r"the login 'root' is not taken: correct dut.login, dut.password"):
        host(PAIR + getty, interface="one", login="root", password="wrong")


def test_a_login_that_is_not_given(host, monkeypatch):
    from rigs.nodes.linux_host import shell as linux_host_shell

    monkeypatch.setattr(linux_host_shell, "COMMAND", 1.0)
    with pytest.raises(
        RigError, match=r"no prompt 'keyhole> ' .*if it asks for a login, set dut.login and dut.password"
    ):
        host(PAIR + GETTY.format(python=f"{sys.executable} -u"), interface="one")


def test_addresses_that_cannot_be_used_are_left_out():
    lines = [
        "3: lowpan0    inet6 2001:db8::1/64 scope global nodad \\       valid_lft forever",
        "3: lowpan0    inet6 2001:db8::2/64 scope global tentative \\       valid_lft forever",
        "3: lowpan0    inet6 fe80::2/64 scope link dadfailed tentative \\       valid_lft forever",
        "3: lowpan0    inet6 fe80::1/64 scope link \\       valid_lft forever",
        "3: lowpan0    inet 10.0.0.1/8 scope global lowpan0",
    ]
    assert [a.hex()[-1] + a.hex()[:4] for a in linux_host.parsed_addresses(lines)] == ["1fe80", "12001"]
