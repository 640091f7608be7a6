"""A node of OpenThread's simulation that speaks it byte for byte."""

import socket

from rigs import clock
from tests.links.octets import fcs
from tests.waiting import soon

GROUP = "224.0.0.116"


class Peer:
    """A simulated node: sends from port `base` + 1 to the group, hears at the group's `port`."""

    def __init__(self, base, port):
        self.port = port
        self.sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        self.sender.bind(("127.0.0.1", base + 1))
        self.ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        membership = socket.inet_aton(GROUP) + socket.inet_aton("127.0.0.1")
        self.ear.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        self.ear.bind((GROUP, port))

    def say(self, psdu, channel=26, check=None):
        datagram = bytes([channel]) + psdu + (fcs(psdu) if check is None else check)
        self.sender.sendto(datagram, (GROUP, self.port))

    def hear(self, seconds=5.0):
        """The next datagram that it did not send itself; None when none comes."""
        deadline = soon(seconds)
        while (left := deadline - clock.now()) > 0:
            self.ear.settimeout(left)
            try:
                datagram, address = self.ear.recvfrom(2048)
            except TimeoutError:
                continue  # by the clock of deadlines there may be time left
            if address != self.sender.getsockname():
                return datagram
        return None

    def close(self):
        self.sender.close()
        self.ear.close()
