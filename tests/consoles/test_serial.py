"""Serial ports, played by pseudo-terminals; the by-id link that moves when a board comes back is a symbolic link."""

import contextlib
import errno
import os
import pty
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rigs.configuration.models import RigFile
from rigs.consoles import device
from rigs.consoles.serial import console as serial
from rigs.consoles.shell import Shell
from rigs.model import LinkClosed, RigError


class Board:
    """The far side of a serial port: answers every line with what `say` makes of it."""

    def __init__(self, link):
        self.link = link
        self.heard = bytearray()
        self.master = -1
        self.plug()

    def plug(self, banner=b""):
        self.master, slave = pty.openpty()
        os.set_blocking(self.master, False)
        name = os.ttyname(slave)
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(name)
        os.close(slave)
        if banner:
            os.write(self.master, banner)

    def unplug(self):
        self.link.unlink()
        os.close(self.master)

    def read(self):
        try:
            return os.read(self.master, 4096)
        except OSError as error:
            if error.errno in {errno.EAGAIN, errno.EIO}:  # EIO: nobody has the other side open
                return b""
            raise

    def hear(self, until, line):
        until(lambda: line in bytes(self.heard) or self.heard.extend(self.read()))
        self.heard.clear()


@pytest.fixture
def board(tmp_path):
    made = Board(tmp_path / "usb-Board-if00")
    yield made
    with contextlib.suppress(OSError):
        os.close(made.master)


def opened(bench, board, query=""):
    return bench.resource("console", lambda: serial.open_console(bench, f"{board.link}{query}", None))


def test_octets_go_both_ways(bench, board, until):
    console = opened(bench, board, "?baud=57600")
    shell = Shell(console, "> ", newline=b"\r")
    os.write(board.master, b"hello\r\n> ")
    until(lambda: "hello\n> " in shell.text())
    shell.send("help")
    board.hear(until, b"help\r")
    assert console._port.baudrate == 57600


def test_a_board_that_comes_back_under_its_name(bench, board, until):
    console = opened(bench, board)
    os.write(board.master, b"before\r\n")
    until(lambda: b"before" in console.kept())
    board.unplug()
    health = until(lambda: console.health().state == "unreachable" and console.health())
    assert "the port is away" in health.detail
    written = threading.Thread(target=console.write, args=(b"are you there?\n",))
    written.start()  # waits for the board
    board.plug(banner=b"*** Booting ***\r\n")
    until(lambda: b"*** Booting ***" in console.kept())
    written.join(10)
    assert not written.is_alive()
    board.hear(until, b"are you there?\n")
    assert console.health().state == "alive"
    assert console.kept().startswith(b"before\r\n")


def test_a_board_that_does_not_come_back(bench, board, until, monkeypatch):
    monkeypatch.setattr(serial, "AWAY", 0.3)
    console = opened(bench, board)
    board.unplug()
    until(lambda: "did not come back within 0.3 s" in console.health().detail or console._closed)
    assert console.health().state == "unreachable"
    with pytest.raises(LinkClosed, match="cannot be written to: the port is away"):
        console.write(b"x")
    with pytest.raises(LinkClosed, match=r"the port went away .* did not come back within 0.3 s"):
        console.after(console.mark(), 0)
    board.plug()


def test_closing_while_the_board_is_away(bench, board, until):
    console = opened(bench, board)
    board.unplug()
    until(lambda: console.health().state == "unreachable")
    bench.close()
    assert not console._reader.is_alive()
    board.plug()


def test_no_such_port_says_which_ports_there_are(bench, tmp_path):
    with pytest.raises(
        RigError, match=r"there is no serial port .*/none0; plug the board in, or name another; there are: "
    ):
        serial.open_console(bench, f"{tmp_path}/none0", None)


def test_what_is_no_serial_port(bench):
    with pytest.raises(
        RigError, match=r"serial:/dev/null: /dev/null is a device of the kind 'mem', and no serial"
    ):
        serial.open_console(bench, "/dev/null", None)
    (missing,) = serial.check(rig("serial:/dev/null"))
    assert missing.what == "dut.console: /dev/null is a device of the kind 'mem', and no serial port"


def test_a_port_that_another_program_has_open(bench, board, monkeypatch):
    monkeypatch.setattr(serial, "BUSY", 0.2)
    code = f"import os, sys; os.open({str(board.link)!r}, os.O_RDWR | os.O_NOCTTY); print(flush=True); sys.stdin.read()"
    other = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        other.stdout.readline()
        with pytest.raises(
            RigError, match=rf"the port is busy: process {other.pid} \(python.*\) has it open"
        ):
            serial.open_console(bench, str(board.link), None)
        (missing,) = serial.check(rig(f"serial:{board.link}"))
        assert f"{board.link} is held by process {other.pid} (python" in missing.what
        assert missing.remedy == "end that program, or wait for it"
    finally:
        other.communicate()
    assert not list(serial.check(rig(f"serial:{board.link}")))
    assert opened(bench, board).health().state == "alive"


def test_a_port_that_we_have_open(bench, board, monkeypatch):
    monkeypatch.setattr(serial, "BUSY", 0.2)
    opened(bench, board)
    with pytest.raises(RigError, match="the port is busy: another program has it open"):
        serial.open_console(bench, str(board.link), None)


def test_a_port_that_we_may_not_open(monkeypatch, board):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    (missing,) = serial.check(rig(f"serial:{board.link}"))
    assert missing.what.endswith("may not be opened by you")
    assert 'by a udev rule, as SUBSYSTEM=="tty", GROUP="dialout"' in missing.remedy  # it is root's own
    assert "usermod" not in missing.remedy
    port = os.path.realpath(board.link)
    os.chown(port, -1, 20)
    Path(port).chmod(0o660)
    (missing,) = serial.check(rig(f"serial:{board.link}"))
    assert "join its group (dialout, usually dialout)" in missing.remedy
    said = serial._explained(str(board.link), PermissionError(errno.EACCES, "no"))
    assert "may not be opened by you; join its group" in said


def test_what_is_named_in_the_place_of_a_port(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "board").symlink_to(tmp_path / "ttyACM0")
    for name, said in (
        ("", f"{tmp_path} is a folder, and no serial port"),
        ("/file", f"{tmp_path}/file is a file, and no serial port"),
        (
            "/board",
            f"there is no serial port {tmp_path}/board: it is a link to {tmp_path}/ttyACM0, which is not",
        ),
    ):
        (missing,) = serial.check(rig(f"serial:{tmp_path}{name}"))
        assert missing.what.startswith(f"dut.console: {said}")


def test_a_folder_that_may_not_be_entered(monkeypatch):
    real = Path.stat

    def stat(path, **how):
        if str(path) == "/root/ttyACM0":  # as whoever is not root is answered
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path, **how)

    monkeypatch.setattr(Path, "stat", stat)
    (missing,) = serial.check(rig("serial:/root/ttyACM0"))
    assert missing.what == "dut.console: /root/ttyACM0: a folder on the way to it may not be entered by you"


def test_the_program_that_plays_a_board_is_no_rival():
    """It has the terminal's other end, and may keep ours open; so may what it has started, without that end."""
    play = (
        "import os, pty, subprocess, sys\nmaster, slave = pty.openpty()\nprint(os.ttyname(slave), flush=True)\n"
        "heir = subprocess.Popen(['sleep', '60'], stdin=slave)\nprint(heir.pid, flush=True)\nsys.stdin.read()\n"
        "heir.kill()"
    )
    board = subprocess.Popen(
        [sys.executable, "-c", play], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with board:
        path = board.stdout.readline().strip()
        assert device.users(path) == ""
        heir = int(board.stdout.readline())  # as socat's EXEC: it has what the player had open
        assert Path(f"/proc/{heir}/fd/0").stat().st_rdev == Path(path).stat().st_rdev
        assert device.users(path) == ""
        keep = ["sleep", "60"]
        rival = subprocess.Popen(keep, stdin=os.open(path, os.O_RDWR | os.O_NOCTTY))
        try:
            assert f"process {rival.pid} (" in device.users(path)
        finally:
            rival.kill()
            rival.wait()
            board.stdin.close()


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("?baud=fast", r"baud: expected a number such as 115200; found 'fast'"),
        ("?baud=0", r"baud: expected a number such as 115200; found '0'"),
        (
            "?bud=9600",
            r"there is no option 'bud' \(did you mean 'baud'\?\); there are: baud, rtscts, dtr, rts",
        ),
        ("?dtr=1", r'dtr: expected "on" or "off"; found \'1\''),
    ],
    ids=["word", "zero", "unknown", "switch"],
)
def test_mistakes_in_the_options(bench, board, query, message):
    with pytest.raises(RigError, match=message):
        serial.open_console(bench, f"{board.link}{query}", None)
    assert re.fullmatch(message, serial.misread(f"{board.link}{query}"))


def test_lines_that_reset_boards_can_be_set():
    assert serial.settings("x", {"dtr": "off", "rts": "on"}) == {
        "baudrate": 115200,
        "dtr": False,
        "rts": True,
    }


def test_check_names_the_port_that_is_not_there(tmp_path):
    (missing,) = serial.check(rig(f"serial:{tmp_path}/ttyACM9?baud=9600"))
    assert missing.what == f"dut.console: there is no serial port {tmp_path}/ttyACM9"
    assert "plug the board in" in missing.remedy


def rig(console):
    return RigFile.model_validate(
        {
            "schema": 1,
            "profile": "p",
            "tester": {"link": "memory:802154"},
            "dut": {"node": "n", "console": console},
            "peer": {"node": "n", "console": "process:x"},
        }
    )
