"""The ssh console, on a program `ssh` of our own: what it is called with, and what its errors become."""

import os
import shlex
import shutil
import socket
import subprocess

import pytest

from rigs.bench import Bench
from rigs.consoles.shell import Shell
from rigs.consoles.ssh import console as ssh
from rigs.model import LinkClosed, RigError


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Puts a shell script in ssh's place."""

    def write(script):
        (tmp_path / "ssh").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "ssh").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    return write


@pytest.fixture
def console():
    bench = Bench()
    yield lambda rest: bench.resource(rest, lambda: ssh.open_console(bench, rest, None))
    bench.close()


def test_it_never_asks_and_never_hangs(program, console):
    program('echo "$@"; exec sh -i 2>&1')
    shell = Shell(console("-p 2222 root@lab1"), r"[#$] ")
    shell.ready(10)
    called = shell.text().splitlines()[0]
    assert called.startswith("-T -o BatchMode=yes -p 2222 root@lab1 -o ConnectTimeout=10 ")
    assert shell.command("echo hello") == ["hello"]


@pytest.mark.skipif(shutil.which("ssh") is None, reason="no ssh program here")
@pytest.mark.parametrize("where", ["-o ConnectTimeout=77 root@lab1", "root@lab1 -o ConnectTimeout=77"])
def test_options_of_the_rig_file_come_before_ours(where):
    """As the real program reads them; `-G` is the option by which it tells."""
    words = shlex.split(f"-F {os.devnull} -G {where} picocom -q /dev/ttyACM0")
    told = subprocess.run(ssh._command(words), capture_output=True, text=True, check=True).stdout.splitlines()
    assert {"connecttimeout 77", "serveraliveinterval 5", "batchmode yes", "hostname lab1"} <= set(told)


@pytest.mark.skipif(shutil.which("ssh") is None, reason="no ssh program here")
def test_a_host_that_falls_silent_is_told_by_the_real_program():
    with socket.socket() as host:
        host.bind(("127.0.0.1", 0))
        host.listen()
        words = f"-F {os.devnull} -o ConnectTimeout=1 -p {host.getsockname()[1]} root@127.0.0.1"
        (missing,) = check(words)  # nobody accepts: the connection stands, and nothing comes
    assert "timed out" in missing.what
    assert missing.remedy == "switch the host on, or mend the network"


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("Host key verification failed.", "run `ssh root@lab1` once by hand and accept its key"),
        ("root@lab1: Permission denied (publickey).", "put your public key there (`ssh-copy-id root@lab1`)"),
        (
            "ssh: Could not resolve hostname lab1:22: Name or service not known",
            "name the port by -p in front",
        ),
        ("ssh: Could not resolve hostname lab1: Name or service not known", "correct the host's name"),
        (
            "ssh: connect to host lab1 port 22: Connection timed out",
            "switch the host on, or mend the network",
        ),
        ("ssh: connect to host lab1 port 22: Connection refused", "start its ssh server"),
        ("something new", "try `ssh root@lab1` by hand"),
        ("Warning: Identity file /k not accessible: No such file or directory.", "name a key that there is"),
        ("@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @", "its key is another one now"),
    ],
    ids=["key", "permission", "port", "name", "timeout", "refused", "other", "identity", "changed"],
)
def test_errors_have_remedies(program, console, said, remedy):
    program(f'echo "{said}" >&2; exit 255')
    shell = Shell(console("root@lab1"), r"[#$] ")
    with pytest.raises(LinkClosed) as caught:
        shell.ready(10)
    assert remedy in str(caught.value)
    assert said.strip(" @") in str(caught.value)
    assert shell.health().state == "unreachable"  # never the DUT's fault


def test_a_remote_shell_that_ends_is_not_a_crash_of_the_dut(program, console, until):
    program("exit 1")
    opened = console("root@lab1")
    health = until(lambda: opened.health().state != "alive" and opened.health())
    assert (health.state, health.detail) == ("unreachable", "the remote shell ended with status 1")


def test_mistakes(console, monkeypatch):
    with pytest.raises(RigError, match="names no host: expected such as ssh:root@lab1"):
        console("")
    for rest, wrong in (
        ("-p 2222 -F conf", "names no host: expected such as ssh:root@lab1"),
        ("//root@lab1:2222", "//root@lab1:2222 is no destination: write it as ssh:-p 2222 root@lab1"),
        ("'half", "No closing quotation: quote it as a shell wants it"),
        ("root@", "root@ is half a destination: expected such as ssh:root@lab1"),
        ("@lab1", "@lab1 is half a destination: expected such as ssh:root@lab1"),
        ("-tNp 22 lab1", "with -N there is no shell or command that we could talk to: leave it away"),
        ("-W lab2:22 lab1", "with -W there is no shell or command that we could talk to: leave it away"),
        ("-tp 22 -i N lab1", ""),
        ("-p 2222 root@lab1 picocom /dev/ttyACM0", ""),
    ):
        assert ssh.misread(rest) == wrong
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(RigError, match="the program ssh is not on PATH: apt-get install openssh-client"):
        console("root@lab1")


def check(rest):
    from types import SimpleNamespace

    rig = SimpleNamespace(dut=SimpleNamespace(console=f"ssh:{rest}"), peer=None)
    return list(ssh.check(rig))


def test_check_logs_in_and_runs_nothing(program):
    program("""
        for word in "$@"; do case $word in LocalCommand=*) said=$word;; -N) none=1;; esac; done
        [ -n "$none" ] && echo "a banner" && ${said#LocalCommand=} && exec sleep 60
        touch ran""")
    assert check("-p 2222 root@lab1 picocom /dev/ttyACM0") == []


def test_check_says_why_there_is_no_login(program):
    program('echo "root@lab1: Permission denied (publickey)." >&2; exit 255')
    (missing,) = check("root@lab1")
    assert missing.what == "dut.console: ssh:root@lab1: no login: root@lab1: Permission denied (publickey)."
    assert (
        missing.remedy
        == "put your public key there (`ssh-copy-id root@lab1`), correct the user, or start ssh-agent"
    )


#: What ssh of OpenSSH 9.2 says, shortened, how it is called, which of the lines tells, and the remedy.
SEVERAL_LINES = {
    # ends with the same line as for a key that it does not know
    "changed-host": (
        """@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
        Host key for [127.0.0.1]:2291 has changed and you have requested strict checking.
        Host key verification failed.""",
        "-p 2291 root@127.0.0.1 /opt/firmware/node.elf",
        "ssh:-p 2291 root@127.0.0.1: no login: WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!",
        "(ssh-keygen -R)",
    ),
    # passes a key over that others may read, and ends as if there were none
    "open-key": (
        """@         WARNING: UNPROTECTED PRIVATE KEY FILE!          @
        Permissions 0644 for '/home/me/.ssh/lab' are too open.
        root@lab1: Permission denied (publickey).""",
        "-i ~/.ssh/lab root@lab1",
        "no login: Permissions 0644 for '/home/me/.ssh/lab' are too open.",
        "chmod 600",
    ),
}


@pytest.mark.parametrize(("said", "words", "telling", "remedy"), SEVERAL_LINES.values(), ids=SEVERAL_LINES)
def test_of_several_lines_the_telling_one_counts(program, said, words, telling, remedy):
    program("\n".join(f'echo "{line.strip()}" >&2' for line in said.splitlines()) + "\nexit 255")
    (missing,) = check(words)
    assert missing.what.endswith(telling)
    assert remedy in missing.remedy


@pytest.mark.skipif(shutil.which("ssh") is None, reason="no ssh program here")
def test_check_hears_of_a_closed_port_from_the_real_program():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound and not listening: a connection is refused
        (missing,) = check(f"-p {nobody.getsockname()[1]} root@127.0.0.1")
    assert "Connection refused" in missing.what
    assert missing.remedy == "start its ssh server, or correct the port (-p)"


@pytest.mark.skipif(shutil.which("ssh") is None, reason="no ssh program here")
@pytest.mark.parametrize(
    ("options", "said", "remedy"),
    [
        ("-Z", "unknown option -- Z", "`man ssh`"),
        ("-p abc", "Bad port 'abc'", "correct the port (-p)"),
        ("-o Conecttimeout=60", "Bad configuration option: conecttimeout", "correct that option behind ssh:"),
        ("-o ConnectTimeout=soon", "invalid time value", "correct that option behind ssh:"),
        ("-c none-such", "Unknown cipher type 'none-such'", "correct that option behind ssh:"),
        ("-L 1:2", "Bad local forwarding specification '1:2'", "correct that option behind ssh:"),
        ("-F /dev/null/none", "Can't open user config file", "correct the file behind -F"),
        ("-B none-such", "none-such", "correct the address behind -b"),
        ("-o ProxyCommand=false", "closed by UNKNOWN port", "correct host, port (-p) or ProxyCommand"),
        ("-q -p 1", "it said nothing", "leave -q, -E and LogLevel away"),
        ("-4 -o HostName=::1", "::1: Address family", "correct the host's name"),
        ("-o HostName=[::1]", "hostname [::1]", "leave the brackets of the IPv6 address away"),
    ],
)
def test_options_that_the_real_program_refuses(options, said, remedy):
    (missing,) = check(f"{options} root@127.0.0.1")
    assert said in missing.what
    assert remedy in missing.remedy


@pytest.mark.parametrize(
    ("rest", "login"),
    [
        ("lab1", "lab1"),
        ("-p 2222 root@lab1 picocom /dev/ttyACM0", "-p 2222 root@lab1"),
        ("-tt -p2222 -i 'my key' lab1 'run it'", "-p2222 -i 'my key' lab1"),
        ("-oPort=2222 -o User=me lab1", "-oPort=2222 -o User=me lab1"),
    ],
)
def test_a_remedy_has_the_port_and_the_key_of_the_rig_file(program, rest, login):
    program('echo "Host key verification failed." >&2; exit 255')
    (missing,) = check(rest)
    assert missing.remedy == f"run `ssh {login}` once by hand and accept its key"
