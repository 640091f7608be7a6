"""A radio co-processor for the tests: what OpenThread's ot-rcp says, octet for octet (`spinel_session.txt`).

Written from the captured session and from OpenThread's ncp_base_radio.cpp, and not from our own code: FCS-16 bit by
bit, HDLC-lite and packed integers once more. It is one radio of the simulation's: an acknowledgement has the frame
pending bit, as there.
"""

import os
import pty
import threading
import tty

from tests.links.octets import fcs

VERSION = b"OPENTHREAD/thread-reference-20250612-1258-g593fc53fc-dirty; SIMULATION; Nov 29 2026 17:30:46"
CAPABILITIES = bytes.fromhex("050c182281044041")
HARDWARE = bytes.fromhex("18b4300000000021")
RSSI, NOISE = 0xEC, 0x80
BROADCAST = b"\xff\xff"


def fcs16(octets):
    """RFC 1662, appendix C."""
    value = 0xFFFF
    for octet in octets:
        for bit in range(8):
            value = value >> 1 ^ (0x8408 if (value ^ octet >> bit) & 1 else 0)
    return (value ^ 0xFFFF).to_bytes(2, "little")


def framed(message):
    out = b""
    for octet in message + fcs16(message):
        out += bytes((0x7D, octet ^ 0x20)) if octet in (0x7E, 0x7D, 0x11, 0x13, 0xF8) else bytes((octet,))
    return b"\x7e" + out + b"\x7e"


def unframed(line):
    """The messages in octets of a line; every one has a right FCS."""
    messages = []
    for piece in line.split(b"\x7e"):
        if not piece:
            continue
        octets, at = b"", 0
        while at < len(piece):
            escaped = piece[at] == 0x7D
            octets += bytes((piece[at + 1] ^ 0x20,)) if escaped else piece[at : at + 1]
            at += 2 if escaped else 1
        assert fcs16(octets[:-2]) == octets[-2:], octets.hex()
        messages.append(octets[:-2])
    return messages


def packed(octets, at):
    value = shift = 0
    while True:
        value |= (octets[at] & 0x7F) << shift
        at += 1
        if octets[at - 1] < 0x80:
            return value, at
        shift += 7


class Rcp:
    """`now` is its clock in microseconds; `others` are the addresses of radios that acknowledge to it."""

    def __init__(self, now=lambda: 0, others=(), capabilities=CAPABILITIES, major=4):
        self.now, self.others = now, set(others)
        self.sent, self.statuses = (
            [],
            [],
        )  # PSDUs without FCS; statuses in place of what the radio says, in turn
        self.commands = []
        self.values = {1: bytes((major, 3)), 2: VERSION + b"\0", 5: capabilities, 8: HARDWARE}
        self.air = lambda psdu: None  # who else hears what is sent

    # -- the line ---------------------------------------------------------------------------------------------

    def feed(self, octets):
        """What it says to messages that came whole."""
        return b"".join(self.answer(message) for message in unframed(octets))

    def answer(self, message):
        self.commands.append(message)
        header, (command, at) = message[:1], packed(message, 1)
        if command == 1:
            self.values = {key: self.values[key] for key in (1, 2, 5, 8)}
            return framed(bytes.fromhex("80060070"))
        prop, at = packed(message, at)
        value = message[at:]
        if command == 3 and prop == 0x71:
            return self.transmit(header, value)
        if command == 3 and prop in {0x20, 0x21, 0x25, 0x34, 0x35, 0x36, 0x37, 0x38}:
            self.values[prop] = value
        if prop not in self.values:
            return self.status(header, 13)
        return framed(header + b"\6" + bytes((prop,)) + self.values[prop])

    def status(self, header, status, more=b""):
        return framed(header + b"\6\0" + bytes((status,)) + more)

    # -- the radio --------------------------------------------------------------------------------------------

    def transmit(self, header, value):
        size = int.from_bytes(value[:2], "little")
        psdu, about = value[2 : 2 + size][:-2], value[2 + size :]
        assert len(about) == 7, about.hex()
        assert about[0] == self.values[0x21][0], "another channel"
        if size > 127:
            return self.status(header, 9)
        if self.statuses and (status := self.statuses.pop(0)):
            return self.status(header, status, bytes(2))
        self.sent.append(psdu)
        self.air(psdu)
        if not psdu[:1] or not psdu[0] & 0x20:  # it asked for no acknowledgement
            return self.status(header, 0, bytes(2) + self.radio(b"", 0, 0, 0, 0))
        if destination(psdu) not in self.others:
            return self.status(header, 17, bytes(2))
        ack = b"\x12\0" + psdu[2:3]
        return self.status(header, 0, b"\1\0" + self.radio(ack, 0, self.now(), 0, self.values[0x21][0]))

    def radio(self, psdu, flags, time, rssi, channel):
        body = psdu + fcs(psdu) if psdu else b""
        return (
            len(body).to_bytes(2, "little")
            + body
            + bytes((rssi, NOISE))
            + flags.to_bytes(2, "little")
            + bytes.fromhex("0a00")
            + bytes((channel, 0))
            + time.to_bytes(8, "little")
            + bytes.fromhex("010000 0500 0000000000")
        )

    def hear(self, psdu):
        """A frame on the air; what it says of it, and whether it acknowledges it."""
        if self.values.get(0x37) != b"\1":
            return b"", False
        to, promiscuous = destination(psdu), self.values[0x38] != b"\0"
        ours = to == self.values[0x34] or to[::-1] == self.values[0x35]
        if not (promiscuous or ours or to == BROADCAST):
            return b"", False
        acknowledged = ours and bool(psdu[0] & 0x20) and not promiscuous
        about = self.radio(psdu, 0x10 * acknowledged, self.now(), RSSI, self.values[0x21][0])
        return framed(bytes.fromhex("800671") + about), acknowledged


def destination(psdu):
    """The destination of a frame with a sequence number and a destination PAN id, big-endian."""
    size = {2: 2, 3: 8}.get(psdu[1] >> 2 & 3, 0) if len(psdu) > 1 else 0
    return psdu[5 : 5 + size][::-1]


class Port:
    """An `Rcp` behind a pseudo-terminal, whose path is `path`."""

    def __init__(self, rcp):
        self.rcp = rcp
        self.master, self._slave = pty.openpty()
        tty.setraw(self.master)
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        self.deaf = self.gone = False
        self.lines = []  # what came, between flags
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def say(self, octets):
        with self._lock:
            rest = memoryview(octets)
            while rest:
                rest = rest[os.write(self.master, rest) :]

    def hear(self, psdu):
        octets, acknowledged = self.rcp.hear(psdu)
        self.say(octets)
        return acknowledged

    def vanish(self):
        """Pull it out: called by what serves it."""
        self.close()
        os.close(self.master)
        self.gone = True

    def close(self):
        if self._slave >= 0:
            os.close(self._slave)
            self._slave = -1

    def _serve(self):
        kept = b""
        while not self.gone:
            try:
                kept += os.read(self.master, 4096)
            except OSError:  # nobody has the other side open
                os.close(self.master)
                return
            end = kept.rfind(b"\x7e") + 1
            whole, kept = kept[:end], kept[end:]
            if whole.count(b"\x7e") % 2:  # the flag begins a frame that is not whole
                whole, kept = whole[:-1], b"\x7e" + kept
            self.lines += [framed(message) for message in unframed(whole)]
            if not self.deaf and (answer := self.rcp.feed(whole)):
                self.say(answer)
