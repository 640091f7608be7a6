"""A node that speaks ZEP byte for byte, as RIOT native does, and frames for it."""

import socket
import struct
import threading

from rigs.links.zep.link import TESTER_EUI64
from sixlowpan import mac
from tests.links.octets import fcs
from tests.waiting import received

DUT = bytes.fromhex("02005efffe000001")
PAN = b"\x00\x23"


class Peer:
    """A node: one UDP socket, every octet made by hand. `answer` says whether it acknowledges."""

    def __init__(self, link):
        self.link = link
        self.socket = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self.socket.bind(("::1", 0))
        self.socket.settimeout(5)

    def say(self, psdu, *, channel=26, version=2, kind=1, crc=None, length=None):
        body = psdu + (fcs(psdu) if crc is None else crc)
        header = b"EX" + bytes([version, kind, channel]) + bytes([0x12, 0x34, 1, 0xFF]) + bytes(8)
        header += struct.pack("!I", 7) + bytes(10) + bytes([len(body) if length is None else length])
        assert len(header) == 32
        self.raw(header + body)

    def raw(self, octets):
        self.socket.sendto(octets, ("::1", self.link.port))

    def hear(self):
        """(header, PSDU without FCS) of the next datagram; the FCS was right."""
        octets = self.socket.recv(2048)
        assert fcs(octets[32:-2]) == octets[-2:]
        return octets[:32], octets[32:-2]

    def acknowledge(self, frames):
        """Hear so many frames and acknowledge each, in a thread; returns what will hold them."""
        heard = []

        def work():
            for _ in range(frames):
                heard.append(self.hear()[1])
                self.say(bytes([2, 0, heard[-1][2]]))

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        return thread, heard


def data(sequence, payload=b"\x7a\x33\x3a", *, src=DUT, dst=TESTER_EUI64, ask=True, pan=PAN):
    return mac.data_frame(src, dst, pan, sequence, payload, ack_request=ask)


def out(sequence, payload=b"\x7a\x33\x3a", **fields):
    return data(sequence, payload, **{"src": TESTER_EUI64, "dst": DUT} | fields)


def all_received(link, count):
    return [received(link) for _ in range(count)]
