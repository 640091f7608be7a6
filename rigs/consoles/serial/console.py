"""`serial:/dev/serial/by-id/...?baud=115200`: a board's serial port; and what pyserial's network ports share with it.

Strategy: this is the only module that imports pyserial. A port is opened by its path, for us alone. A USB board
vanishes when it is reset and comes back under the same by-id path: the reader then opens that path again until it is
there or `AWAY` has passed, who writes meanwhile waits, and what the board says from the moment of opening is kept.

Options behind "?": baud (115200), rtscts (off; "on" for hardware flow control), dtr and rts ("on" or "off": the level
of that line from opening on, for boards that are reset by them).
"""

from __future__ import annotations

import errno
import fcntl
import re
import termios
import threading
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode

import serial
from serial.tools import list_ports

from rigs import clock
from rigs.configuration.telling import hint
from rigs.consoles import device
from rigs.consoles.model import CHUNK, WRITE_TIMEOUT, Console, rests
from rigs.model import Health, RigError
from rigs.registry import Missing

if TYPE_CHECKING:
    from rigs.bench import Bench
    from rigs.configuration.models import RigFile

#: Seconds that a port may be away: a USB board needs a few to come back.
AWAY: Final = 20.0
#: Seconds to wait for a port that somebody else has open: a modem manager looks at new ports for a while.
BUSY: Final = 3.0
#: Seconds between two looks at a port that is away or busy, and after which a network reader sees that it is closed.
_POLL: Final = 0.1
_SWITCHES: Final = {"on": True, "off": False}
OPTIONS: Final = ("baud", "rtscts", "dtr", "rts")
#: The options of those URLs of pyserial's that are schemes here: what may stand behind "=" (a regex), and in words.
_LOGGING: Final = {"logging": ("debug|info|warning|error", "debug, info, warning or error")}
_URL_OPTIONS: Final = {
    "socket": _LOGGING,
    "rfc2217": {
        **dict.fromkeys(("ign_set_control", "poll_modem"), (".*", "")),
        "timeout": (r"\d+(\.\d+)?", "seconds, such as 3"),
        **_LOGGING,
    },
}


class _Port(serial.Serial):  # type: ignore[misc]
    def _reset_input_buffer(self) -> None:
        """Keep what a board says between the opening of its port and the end of `open`."""


class SerialConsole(Console):
    """A local serial port."""

    def __init__(self, address: str, path: str, settings: dict[str, Any]) -> None:
        """`settings` are attributes of a pyserial port. Raises `RigError`."""
        super().__init__(address)
        self._path = path
        self._settings = settings
        self._changed = threading.Condition()
        self._opened = 0  # how often
        self._away = ""  # why the port is not there
        self._gone = False  # for good
        self._port = self._first()
        self._start()

    def health(self) -> Health:
        return Health("unreachable", self._away) if self._away else super().health()

    def _read(self) -> bytes:
        while self._await(self._port.fileno()):
            try:
                data: bytes = self._port.read(CHUNK)
            except OSError as error:
                self._come_back(str(error))
                continue
            if data:
                return data
        return b""

    def _write(self, data: bytes) -> None:
        with self._changed:
            self._there()
            try:
                self._port.write(data)
                return
            except serial.SerialTimeoutException:
                raise
            except OSError:  # it has just gone, and the reader is about to see that
                before = self._opened
                if not self._changed.wait_for(lambda: self._away or self._opened > before, WRITE_TIMEOUT):
                    raise
            self._there()
            self._port.write(data)

    def _there(self) -> None:
        """Wait until the port is there. Raises `OSError`."""
        self._changed.wait_for(lambda: not self._away or self._gone, AWAY)
        if self._away:
            raise OSError(self._away)

    def _come_back(self, why: str) -> None:
        """Open the port again as soon as it is there. Raises `OSError` at the end of `AWAY`, or on `close`."""
        with self._changed:
            self._away = f"the port is away: {why}"
            self._port.close()
            self._changed.notify_all()
        deadline = clock.now() + AWAY
        port = None
        while port is None:
            try:
                port = self._open()
            except OSError as error:
                if self._closing.wait(_POLL) or clock.now() >= deadline:
                    with self._changed:
                        self._gone = True
                        self._changed.notify_all()
                    raise OSError(
                        f"the port went away ({why}) and did not come back within {AWAY:g} s: {error}"
                    ) from error
        with self._changed:
            self._port, self._away = port, ""
            self._opened += 1
            self._changed.notify_all()

    def _first(self) -> serial.Serial:
        deadline = clock.now() + BUSY
        while True:
            try:
                return self._open()
            except OSError as error:
                busy = error.errno in {errno.EBUSY, errno.EAGAIN}
                if not busy or self._closing.wait(_POLL) or clock.now() >= deadline:
                    raise RigError(f"{self.address}: {_explained(self._path, error)}") from error

    def _open(self) -> serial.Serial:
        """Open the port for us alone. Raises `OSError`."""
        users = device.users(self._path)
        if users:
            raise OSError(errno.EBUSY, f"in use by {users}")
        port = _Port(timeout=0, write_timeout=WRITE_TIMEOUT, exclusive=True)
        port.port = self._path
        for name, value in self._settings.items():
            setattr(port, name, value)
        port.open()
        fcntl.ioctl(port.fileno(), termios.TIOCEXCL)  # what opens new ports to look at them stays away
        return port

    def _release(self) -> None:
        self._port.close()


class NetworkConsole(Console):
    """A serial port behind a URL of pyserial's, such as "rfc2217://host:port". A lost connection is the end of it."""

    def __init__(self, address: str) -> None:
        """Raises `RigError`."""
        super().__init__(address)
        url, options = parsed(address)
        # pyserial's RFC 2217 hides its socket behind a thread, and has a write timeout of its own.
        self._is_socket = url.startswith("socket:")
        times = {"timeout": 0, "write_timeout": WRITE_TIMEOUT} if self._is_socket else {"timeout": _POLL}
        others = urlencode({name: value for name, value in options.items() if name != "baud"})
        try:
            self._port = serial.serial_for_url(
                f"{url}?{others}" if others else url,
                baudrate=baud(address, options),
                **times,
            )
        except (OSError, ValueError) as error:
            why = re.sub(r"^Could not open port \S+: (\[Errno -?\d+\] )?", "", str(error))
            scheme = url.partition(":")[0]
            raise RigError(
                f"{address}: {why} (expected {scheme}://host:port of a server that runs)"
            ) from error
        self._start()

    def _read(self) -> bytes:
        if self._is_socket:
            return bytes(self._port.read(CHUNK)) if self._await(self._port.fileno()) else b""
        while not self._closing.is_set():
            data: bytes = self._port.read(1)
            if data:
                return data + bytes(self._port.read(min(self._port.in_waiting, CHUNK)))
        return b""

    def _write(self, data: bytes) -> None:
        self._port.write(data)

    def _release(self) -> None:
        self._port.close()


def parsed(rest: str) -> tuple[str, dict[str, str]]:
    """What stands before and behind the "?" of an address."""
    head, _, query = rest.partition("?")
    return head, dict(parse_qsl(query, keep_blank_values=True))


def baud(address: str, options: dict[str, str]) -> int:
    """The baud rate among `options`. Raises `RigError`."""
    text = options.get("baud", "115200")
    if not re.fullmatch("[1-9][0-9]{0,8}", text):
        raise RigError(f"{address}: baud: expected a number such as 115200; found {text!r}")
    return int(text)


def settings(address: str, options: dict[str, str]) -> dict[str, Any]:
    """Options of an address as attributes of a pyserial port. Raises `RigError`."""
    unknown = [name for name in options if name not in OPTIONS]
    if unknown:
        raise RigError(
            f"{address}: there is no option {unknown[0]!r}{hint(unknown[0], OPTIONS)}; there are: {', '.join(OPTIONS)}"
        )
    found: dict[str, Any] = {"baudrate": baud(address, options)}
    for name in OPTIONS[1:]:
        if name in options:
            if options[name] not in _SWITCHES:
                raise RigError(f'{address}: {name}: expected "on" or "off"; found {options[name]!r}')
            found[name] = _SWITCHES[options[name]]
    return found


def open_console(bench: Bench, rest: str, rig: RigFile) -> SerialConsole:
    """Open `serial:PATH?OPTIONS`. Raises `RigError`."""
    del bench, rig
    path, options = parsed(rest)
    return SerialConsole(f"serial:{rest}", path, settings(f"serial:{rest}", options))


def misread(rest: str) -> str:
    """What is wrong with what stands behind "serial:"; empty where nothing is."""
    path, options = parsed(rest)
    try:
        settings("", options)
    except RigError as error:
        return str(error).removeprefix(": ")
    return "" if path else "names no port: expected such as serial:/dev/ttyACM0"


def over_network(scheme: str) -> tuple[Callable[..., NetworkConsole], Callable[[str], str]]:
    """`open_console` and `misread` of a console behind a URL of pyserial's with this scheme."""

    def open_console(_bench: Bench, rest: str, _rig: RigFile) -> NetworkConsole:
        """Connect to the server. Raises `RigError`."""
        return NetworkConsole(f"{scheme}:{rest}")

    return open_console, partial(misread_url, scheme)


def misread_url(scheme: str, rest: str) -> str:
    """What is wrong with what stands behind the scheme of a network port; empty where nothing is."""
    head, options = parsed(rest)
    found = re.fullmatch(r"//(?:\[[^\[\]/]+\]|[^\[\]:/]+):(\d{1,5})/?", head)
    if found is None or int(found[1]) > 65535:
        return f"expected {scheme}://HOST:PORT of a server that runs, such as {scheme}://lab1:4000"
    known = _URL_OPTIONS[scheme]
    for name, value in options.items():
        if name != "baud" and name not in known:
            return f"there is no option {name!r}{hint(name, known)}; there are: baud, {', '.join(known)}"
        if name != "baud" and not re.fullmatch(known[name][0], value):
            return f"{name}: expected {known[name][1]}; found {value!r}"
    try:
        baud("", options)
    except RigError as error:
        return str(error).removeprefix(": ")
    return ""


def check(rig: RigFile) -> Iterable[Missing]:
    """Whether the ports are there and may be opened."""
    for key, rest in rests(rig, "serial"):
        path, _ = parsed(rest)
        if (wrong := device.lacking(path, "serial port", _others())) is not None:
            rate = re.fullmatch(r"(\S+)[ :,@](\d{3,8})", path)
            remedy = f"the bit rate stands behind a ?: serial:{rate[1]}?baud={rate[2]}" if rate else wrong[1]
            yield Missing(f"{key}: {wrong[0]}", remedy)
        elif users := _holders(path):
            yield Missing(f"{key}: {path} is held by {users}", "end that program, or wait for it")


def _explained(path: str, error: OSError) -> str:
    if error.errno in {errno.EBUSY, errno.EAGAIN}:
        return f"the port is busy: {device.users(path) or 'another program'} has it open; end that program"
    wrong = device.lacking(path, "serial port", _others())
    return str(error) if wrong is None else f"{wrong[0]}; {wrong[1]}"


def _others() -> str:
    ports = sorted(
        {str(p) for p in Path("/dev/serial/by-id").glob("*")} or {p.device for p in list_ports.comports()}
    )
    return f"plug the board in, or name another; there are: {', '.join(ports) or 'none'}"


def _holders(path: str) -> str:
    """Who keeps the port, when the time is over that something may have looked at a new port."""
    deadline, pause = clock.now() + BUSY, threading.Event()
    while (users := device.users(path)) and clock.now() < deadline:
        pause.wait(_POLL)
    return users
