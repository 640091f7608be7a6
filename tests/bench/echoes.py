"""What an echo costs the harness: from the packet to the answer that was taken in, and its place in the evidence.

Strategy: the other end is a mirror, which answers each Echo Request at once by the oracle, and whose own time does not
count. So nothing is waited for, and what is left is the tester, the link's framing, the decoder and the pcapng writer.
"""

import time
from collections import deque

from fixtures.evidence.capture import Evidence
from rigs.model import Link, Received
from rigs.tester.framing import Air
from rigs.tester.host import Tester
from rigs.tester.packets import ECHO_REPLY, ICMPV6
from sixlowpan import Contexts, decode, encode, ipv6, mac
from sixlowpan.addresses import link_local
from sixlowpan.link import link_between

COUNT = 2000
ENDS = {
    "ieee802154": (bytes.fromhex("024b6579686f6c01"), bytes.fromhex("024b6579686f6c02")),
    "ble": (bytes.fromhex("c00000000002"), bytes.fromhex("c00000000001")),
}


class Mirror(Link):
    """A medium with a node behind it that answers echoes and does nothing else."""

    auto_ack = False

    def __init__(self, kind):
        self.kind, self.mtu = kind, 1280 if kind == "ble" else 125
        self.tester, self.dut = ENDS[kind]
        self.spent = 0.0
        self._answers = deque()

    def send(self, frame):
        began = time.process_time()
        payload, sequence = frame, 0
        if self.kind == "ieee802154":
            header, payload = mac.parse(frame)
            sequence = header.sequence
        request = ipv6.Packet.parse(decode(payload, self._info(self.tester, self.dut), Contexts()))
        message = ipv6.icmpv6(ECHO_REPLY, 0, request.upper()[2][4:], request.dst, request.src)
        reply = ipv6.build(request.dst, request.src, ICMPV6, message)
        answer = encode(reply, self._info(self.dut, self.tester), Contexts())
        if self.kind == "ieee802154":
            answer = mac.data_frame(
                src=self.dut,
                dst=self.tester,
                pan=self.pan,
                sequence=sequence,
                payload=answer,
                ack_request=False,
            )
        self._answers.append(Received(answer, self.stamp(), self.clock))
        self.spent += time.process_time() - began

    def receive(self, deadline):
        return self._answers.popleft() if self._answers else None

    def close(self):
        pass

    def _info(self, source, destination):
        return link_between(self.kind, source, destination)


def microseconds(kind, folder):
    """CPU time of one echo of 8 octets on a kind of link, evidence included."""
    link = Mirror(kind)
    tester, evidence = Tester(Air(link), link_local(link.dut), 1), Evidence(link)
    tester.air.sink = evidence.sink
    began = time.process_time()
    for _ in range(COUNT):
        assert tester.control()
    evidence.save(folder / f"{kind}.pcapng", "what an echo costs")
    return (time.process_time() - began - link.spent) / COUNT * 1e6
