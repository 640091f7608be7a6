"""Runs on a Linux DUT: its sockets, which a shell alone does not have. Only the standard library, any Python 3.

Strategy: one loop over standard input (orders) and the open UDP ports. An order is a line `NUMBER NAME ARGUMENTS...`;
its answer is a line `keyhole NUMBER ok` or `keyhole NUMBER error TEXT`; a datagram becomes `keyhole-udp PORT SOURCE
SOURCE-PORT HEX` the moment it comes. Each line is one write, so that it stays whole between the lines of a shell on
the same terminal. The end of standard input ends everything.

Orders: `udp PORT`, `send PORT DESTINATION-PORT ADDRESS HEX`, `ping ADDRESS IDENTIFIER SEQUENCE SIZE`, `join GROUP`.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import sys


class Agent:
    """Sockets on one interface, which may go away and come back."""

    def __init__(self, interface: str) -> None:
        self.interface = interface
        self.ports: dict[int, socket.socket] = {}
        self.held: list[socket.socket] = []

    def serve(self) -> None:
        """Obey until the end of standard input."""
        half = b""
        while True:
            waiting: list[int | socket.socket] = [0, *self.ports.values()]
            ready, _, _ = select.select(waiting, [], [])
            for port, sock in self.ports.items():
                if sock in ready:
                    data, source = sock.recvfrom(65535)
                    tell("keyhole-udp", port, source[0].partition("%")[0], source[1], data.hex())
            if 0 in ready:
                came = os.read(0, 65536)
                if not came:
                    return
                *lines, half = (half + came).split(b"\n")
                for line in lines:
                    number, name, *words = line.decode().split(" ")
                    try:
                        getattr(self, name)(*words)
                        tell("keyhole", number, "ok")
                    except (OSError, ValueError) as error:
                        tell("keyhole", number, "error", error)

    def udp(self, port: str) -> None:
        """Open a port."""
        if int(port) not in self.ports:
            sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            sock.bind(("::", int(port)))
            self.ports[int(port)] = sock

    def send(self, port: str, there: str, address: str, data: str = "") -> None:
        """Send a datagram from a port, which stays open."""
        self.udp(port)
        self.ports[int(port)].sendto(bytes.fromhex(data), (address, int(there), 0, self.index()))

    def ping(self, address: str, identifier: str, sequence: str, size: str) -> None:
        """Send an Echo Request (RFC 4443 section 4.1); the kernel puts the checksum in."""
        head = struct.pack("!BBHHH", 128, 0, 0, int(identifier), int(sequence))
        with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as sock:
            sock.sendto(head + bytes(i & 255 for i in range(int(size))), (address, 0, 0, self.index()))

    def join(self, group: str) -> None:
        """Join a multicast group for as long as the agent lives."""
        sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self.held.append(sock)
        member = socket.inet_pton(socket.AF_INET6, group) + struct.pack("=I", self.index())
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, member)

    def index(self) -> int:
        """The number of the interface at this time."""
        return socket.if_nametoindex(self.interface)


def tell(*words: object) -> None:
    """Write one line."""
    os.write(1, (" ".join(str(word) for word in words) + "\n").encode())


if __name__ == "__main__":
    Agent(sys.argv[1]).serve()
