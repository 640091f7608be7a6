"""Consoles behind network ports, served by sockets of our own; and pseudo-terminals."""

import os
import pty as ptys
import socket as sockets
import threading
from types import SimpleNamespace

import pytest

from rigs.consoles.pty import console as pty
from rigs.consoles.rfc2217 import console as rfc2217
from rigs.consoles.shell import Shell
from rigs.consoles.socket import console as socket
from rigs.model import LinkClosed, RigError
from tests.waiting import soon


@pytest.fixture
def server():
    with sockets.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)
        yield listening


def address(server, query=""):
    return f"//127.0.0.1:{server.getsockname()[1]}{query}"


def test_a_socket_console(bench, server):
    console = bench.resource("c", lambda: socket.open_console(bench, address(server), None))
    connection, _ = server.accept()
    with connection:
        connection.sendall(b"hello\r\n> ")
        shell = Shell(console, "> ")
        shell.expect("hello\n> ", 10, 0)
        threading.Thread(target=lambda: connection.sendall(connection.recv(99) + b"4.1\r\n> ")).start()
        assert shell.command("version", 10) == ["4.1"]
        big = os.urandom(200_000)  # less than a console keeps
        mark = console.mark()
        threading.Thread(target=connection.sendall, args=(big,)).start()
        came = b""
        while len(came) < len(big):
            data, mark = console.after(mark, soon(10))
            came += data
        assert came == big
    with pytest.raises(LinkClosed, match=r"socket://127.0.0.1:\d+: read failed: socket disconnected"):
        shell.command("version", 10)
    assert console.health().state == "unreachable"


def test_nobody_listens(bench, server):
    server.close()
    with pytest.raises(
        RigError, match=r"socket://127.0.0.1:1: .*refused.*expected socket://host:port of a server that runs"
    ):
        socket.open_console(bench, "//127.0.0.1:1", None)
    with pytest.raises(RigError, match=r"rfc2217://127.0.0.1:1: .*refused"):
        rfc2217.open_console(bench, "//127.0.0.1:1", None)


@pytest.mark.parametrize("rest", ["//127.0.0.1", "127.0.0.1:4000", "//h:x", "//127.0.0.1:1?colour=red"])
def test_mistakes_in_the_address(bench, rest):
    with pytest.raises(RigError, match=r"socket:.*expected socket://host:port"):
        socket.open_console(bench, rest, None)


def test_a_baud_rate_that_is_none(bench):
    with pytest.raises(RigError, match="baud: expected a number"):
        rfc2217.open_console(bench, "//127.0.0.1:1?baud=x", None)


class Rfc2217Server:
    """One serial port (pyserial's loop://, which sends back what it gets) behind RFC 2217."""

    def __init__(self, listening):
        import serial
        from serial.rfc2217 import PortManager

        self.port = serial.serial_for_url("loop://", timeout=0.05)
        self.connection, _ = listening.accept()
        self.manager = PortManager(self.port, SimpleNamespace(write=self.connection.sendall))
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=work) for work in (self.from_network, self.from_port)]
        for thread in self.threads:
            thread.start()

    def from_network(self):
        while data := self.connection.recv(1024):
            self.port.write(b"".join(self.manager.filter(data)))
        self.ended.set()

    def from_port(self):
        while not self.ended.is_set():
            data = self.port.read(1)
            if data:
                self.connection.sendall(b"".join(self.manager.escape(data)))

    def close(self):
        for thread in self.threads:
            thread.join(10)
        self.connection.close()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_an_rfc2217_console_sets_the_baud_rate_of_the_far_port(bench, server):
    far = []
    accepting = threading.Thread(target=lambda: far.append(Rfc2217Server(server)))
    accepting.start()
    console = rfc2217.open_console(bench, address(server, "?baud=57600"), None)
    accepting.join(10)
    try:
        assert far[0].port.baudrate == 57600
        console.write(b"over the network \xff\n")
        data, _ = console.after(0, soon(10))
        while not data.endswith(b"\xff\n"):
            data, _ = console.after(0, soon(10))
        assert data == b"over the network \xff\n"
    finally:
        console.close()
        far[0].close()


def test_a_pseudo_terminal_that_is_there(bench, until):
    master, slave = ptys.openpty()
    name = os.ttyname(slave)
    console = bench.resource("c", lambda: pty.open_console(bench, name, None))
    os.close(slave)
    console.write(b"hello\n")
    assert os.read(master, 99) == b"hello\n"
    os.write(master, b"\x03 raw\r\n")
    assert (
        until(lambda: len(console.kept()) == 7 and console.kept()) == b"\x03 raw\r\n"
    )  # and no echo of "hello"
    os.close(master)
    until(lambda: console.health().state == "unreachable")


@pytest.mark.parametrize(
    ("path", "message"),
    [("/dev/pts/none", "cannot be opened: No such file"), ("/dev/null", "this is no terminal")],
    ids=["missing", "null"],
)
def test_what_is_no_pseudo_terminal(bench, path, message):
    with pytest.raises(RigError, match=message):
        pty.open_console(bench, path, None)
