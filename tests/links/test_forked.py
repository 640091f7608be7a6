"""Processes that a server forks: each as new as the first, with its own end, and none outlives the server."""

import os
import signal
import socket
import subprocess

import psutil
import pytest

from rigs import clock
from rigs.links.forked import ForkServer, server_of
from rigs.model import RigError
from tests.links import forked_program
from tests.waiting import until


@pytest.fixture
def server():
    server = ForkServer(forked_program.__file__, ["prepared"], {"KEYHOLE_TRIED": "1"})
    yield server
    server.close()


def ended(process):
    """The exit status of a fork, once it has ended."""
    until(lambda: process.poll() is not None)
    return process.poll()


def forked(server, how=""):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        return server.fork([how], theirs), ours


def test_each_fork_is_as_new_as_the_first(server):
    said = []
    for _ in range(3):
        process, channel = forked(server)
        with channel:
            prepared, word, parent, group = channel.recv(100).decode().split()
            assert (prepared, word, group) == (parent, "prepared", str(process.pid))
            said.append(prepared)
        assert ended(process) == 0
    assert len(set(said)) == 1, "it was prepared once"


def test_the_clock_sees_a_fork(server):
    """It is a grandchild: what it waits for a CPU is no time that it had."""
    process, channel = forked(server)
    with channel:
        channel.recv(100)
        counted = clock.Tree().delays()
        if not counted:
            pytest.skip("this kernel does not count how long threads wait")
        assert process.pid in counted


@pytest.mark.parametrize(
    ("order", "status", "text"),
    [("exit", 1, "no more\n"), ("raise", 1, "ValueError: what nobody expects\n"), ("abort", -6, "")],
)
def test_it_is_told_how_a_fork_ended_and_what_it_printed(server, order, status, text):
    process, channel = forked(server)
    with channel:
        channel.recv(100)
        assert process.poll() is None
        channel.send(order.encode())
        assert ended(process) == process.wait() == status
    assert process.stdout.read().decode().endswith(text)


def test_a_fork_is_killed_alone(server):
    first, one = forked(server)
    second, other = forked(server)
    with one, other:
        one.recv(100)
        other.recv(100)
        one.send(b"hang")
        with pytest.raises(subprocess.TimeoutExpired):
            first.wait(0.01)
        first.kill()
        assert ended(first) == -signal.SIGKILL
        first.kill()
        assert second.poll() is None
    assert ended(second) == 0


def test_no_fork_outlives_the_server(server):
    process, channel = forked(server)
    with channel:
        channel.recv(100)
        channel.send(b"hang")
        server.close()
        assert process.poll() == -signal.SIGKILL
        until(lambda: not psutil.pid_exists(process.pid) or psutil.Process(process.pid).status() == "zombie")
        with pytest.raises(RigError, match="the process that forks others failed"):
            forked(server)


def test_a_server_that_was_killed_is_replaced():
    asked = forked_program.__file__, ["one"], {}
    first = server_of(*asked)
    assert server_of(*asked) is first
    os.kill(first._process.pid, signal.SIGKILL)
    first._process.wait()
    second = server_of(*asked)
    assert second is not first
    process, channel = forked(second)
    with channel:
        assert b" one " in channel.recv(100)
    assert ended(process) == 0
    second.close()
