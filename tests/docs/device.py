"""The ACME stick of docs/write-an-adapter.md: the reference node behind a UDP socket, with a shell on stdin."""

from __future__ import annotations

import ipaddress
import os
import select
import socket
import sys
import time

from rigs.links.memory.link import MemoryLink
from rigs.nodes.reference.node import ReferenceNode

PROMPT = "acme> "


def main(port: int) -> None:
    link = MemoryLink("ieee802154")
    node = ReferenceNode(link)
    radio = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    radio.bind(("127.0.0.1", port))
    tester: tuple[str, int] | None = None
    say(f"ACME firmware 1.2 booting\r\n{PROMPT}")
    typed = b""
    while True:
        timer = node.next_timer()
        wait = None if timer is None else max(0.0, timer - time.monotonic())
        ready, _, _ = select.select([radio, 0], [], [], wait)
        out = node.wake(time.monotonic()) if not ready else []
        if radio in ready:
            frame, tester = radio.recvfrom(2048)
            out += node.hear(frame, time.monotonic())
        if 0 in ready:
            octets = os.read(0, 4096)
            if not octets:
                return
            *lines, typed = (typed + octets).split(b"\n")
            for line in lines:
                say(answer(node, line.decode().strip()))
            out += node.wake(time.monotonic())
        for frame in out if tester else []:
            radio.sendto(frame, tester)


def answer(node: ReferenceNode, command: str) -> str:
    """The echo of the command, a log line, what it says, and the prompt."""
    match command.split():
        case ["version"]:
            said = ["ACME firmware 1.2"]
        case ["addresses"]:
            said = [str(ipaddress.IPv6Address(address)) for address in node.addresses()]
        case ["ping", address, size]:
            node.ping(ipaddress.IPv6Address(address).packed, int(size), 1, 1)
            said = []
        case ["reset"]:
            node.reset()
            said = []
        case _:
            said = ["unknown command"] if command else []
    return "".join(f"{line}\r\n" for line in [command, *said]) + PROMPT


def say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]))
