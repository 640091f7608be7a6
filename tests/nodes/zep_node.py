"""The reference node, or a mutant of it, as a process of its own behind a ZEP radio: `zep_node.py PORT [MUTANT]`."""

import select
import socket
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from rigs.links.memory.link import MemoryLink
from rigs.links.zep.datagram import unwrap, wrap
from rigs.nodes.reference.node import ReferenceNode
from tests import mutants

CHANNEL = 26


def main() -> None:
    link = MemoryLink("ieee802154")
    node = mutants.make(sys.argv[2], link) if len(sys.argv) > 2 else ReferenceNode(link)
    radio = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    radio.connect(("::1", int(sys.argv[1])))
    node.join(bytes.fromhex("ff0200000000000000000000000000fb"))  # what it says first, so that it is found
    sequence, out = 0, node.wake(time.monotonic())
    print("node ready", flush=True)
    while True:
        for frame in out:
            sequence += 1
            radio.send(wrap(frame, CHANNEL, sequence))
        due = node.next_timer()
        wait = None if due is None else max(0.0, due - time.monotonic())
        if select.select([radio], [], [], wait)[0]:
            out = node.hear(unwrap(radio.recv(2048))[2], time.monotonic())
        else:
            out = node.wake(time.monotonic())
        if node.crash:
            print("Assertion failed:", node.crash.splitlines()[-1], flush=True)


main()
