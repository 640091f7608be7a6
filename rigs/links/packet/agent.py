"""An `AF_PACKET` socket on one interface of this host or, sent there by execnet, of another. Pure standard library.

Strategy: the same `Tap` serves both: `link.py` uses it as it is, or sends this file's text to a Python on the
lab host, where `serve` puts a channel before it. A time is the kernel's own stamp, turned to CLOCK_MONOTONIC.

Over the channel to the host that asked: ("ready", facts), ("refused", errno, text),
("frame", ns, octets, ours),
("clock", ns), ("lost", text). From there: "clock", or octets to send. The end of the channel is the end of the agent.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import threading
import time
from pathlib import Path
from typing import Any

ETH_P_ALL, PACKET_OUTGOING = 3, 4
SO_TIMESTAMPNS, SO_RCVBUFFORCE = 35, 33
ARPHRD_6LOWPAN = 825
_RECEIVE_BUFFER = 16 << 20
_SEND_BUFFER = 64 << 10  # less than a device's queue holds: send waits instead of losing frames
_SEND_SECONDS = 2
_SYS = Path("/sys/class/net")


class Tap:
    """Frames of one interface, as its driver gives and takes them."""

    def __init__(self, interface: str) -> None:
        """Raises `OSError`: ENODEV when there is no such interface, EPERM without CAP_NET_RAW."""
        if not (_SYS / interface).exists():
            raise OSError(errno.ENODEV, "there is no such interface")
        self.facts = facts(interface, socket.if_nametoindex(interface))
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        # A socket does not see what it sends itself; this one is bound to no protocol and hears nothing.
        self._sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._wake, self._waker = os.pipe()
        try:
            self._sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, struct.pack("=i", _SEND_BUFFER))
            self._sender.setsockopt(
                socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("=qq", _SEND_SECONDS, 0)
            )
            self._sender.bind((interface, 0))
            self._set(SO_TIMESTAMPNS, struct.pack("=i", 1))
            try:
                self._set(SO_RCVBUFFORCE, struct.pack("=i", _RECEIVE_BUFFER))
            except PermissionError:  # with CAP_NET_RAW alone: as much as the host allows everybody
                self._set(socket.SO_RCVBUF, struct.pack("=i", _RECEIVE_BUFFER))
            self._socket.bind((interface, ETH_P_ALL))
        except OSError:
            self.close()
            raise

    def send(self, frame: bytes) -> None:
        """Put one frame into the interface's queue. Raises `OSError`."""
        self._sender.send(frame)

    def receive(self) -> tuple[int, bytes, bool] | None:
        """Wait for the next frame either way; return (its time in ns on CLOCK_MONOTONIC, frame, whether it is ours).

        None when `wake` was called. Raises `OSError` when the interface went down or away.
        """
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        while True:
            if any(descriptor == self._wake for descriptor, _ in poll.poll()):
                return None
            frame, ancillary, _, source = self._socket.recvmsg(1 << 16, 64)
            stamp = time.monotonic_ns()
            for level, kind, data in ancillary:
                if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
                    seconds, nanoseconds = struct.unpack_from("=qq", data)
                    stamp = seconds * 1_000_000_000 + nanoseconds - real_minus_monotonic()
            return stamp, frame, source[2] == PACKET_OUTGOING

    def wake(self) -> None:
        """Make `receive` return."""
        os.write(self._waker, b"x")

    def close(self) -> None:
        """Give the socket back, when nobody is in `receive`."""
        self._socket.close()
        self._sender.close()
        os.close(self._wake)
        os.close(self._waker)

    def _set(self, option: int, value: bytes) -> None:
        self._socket.setsockopt(socket.SOL_SOCKET, option, value)


def real_minus_monotonic() -> int:
    """Nanoseconds from CLOCK_MONOTONIC to real time, by the quickest of some readings: one may be interrupted."""
    readings = []
    for _ in range(5):
        before, real, after = time.monotonic_ns(), time.time_ns(), time.monotonic_ns()
        readings.append((after - before, real - (before + after) // 2))
    return min(readings)[1]


def facts(interface: str, index: int) -> dict[str, Any]:
    """What the kernel says of an interface: type (ARPHRD_*), address in hex, is it up, 6LoWPAN on top of it."""

    def read(name: str, what: str) -> str:
        return (_SYS / name / what).read_text(encoding="ascii").strip()

    lowpans = [
        file.parent.name for file in sorted(_SYS.glob("*/type")) if int(file.read_text()) == ARPHRD_6LOWPAN
    ]
    return {
        "type": int(read(interface, "type")),
        "address": read(interface, "address").replace(":", ""),
        "up": bool(int(read(interface, "flags"), 16) & 1),
        "above": [name for name in lowpans if read(name, "iflink") == str(index)],
    }


def serve(channel: Any, interface: str) -> None:
    """Put `channel` before a tap until the channel ends."""
    try:
        tap = Tap(interface)
    except OSError as error:
        channel.send(("refused", error.errno, error.strerror))
        return
    channel.send(("ready", tap.facts))
    reader = threading.Thread(target=_pass_on, args=(tap, channel))
    reader.start()
    try:
        for order in channel:
            if order == "clock":
                channel.send(("clock", time.monotonic_ns()))
            else:
                _send(tap, order, channel)
    finally:
        tap.wake()
        reader.join()
        tap.close()


def _send(tap: Tap, frame: bytes, channel: Any) -> None:
    try:
        tap.send(frame)
    except OSError as error:
        channel.send(("lost", f"a frame of {len(frame)} octets was not taken: {error.strerror}"))


def _pass_on(tap: Tap, channel: Any) -> None:
    while True:
        try:
            got = tap.receive()
        except OSError as error:
            channel.send(("lost", error.strerror))
            return
        if got is None:
            return
        channel.send(("frame", *got))


if __name__ == "__channelexec__":
    serve(channel, channel.receive())  # type: ignore[name-defined]  # noqa: F821 - execnet's
