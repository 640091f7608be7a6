"""A tester in a few lines: whole packets to an lwIP process and back, with the oracle between."""

from rigs.nodes.lwip.node import DUT_SHORT, TESTER_EUI64, LwipProcess
from sixlowpan import DecodeError, LinkInfo, Reassembler, encode, fragment, ipv6, link_local, mac

WAIT = 2.0


class Exchange:
    def __init__(self, process: LwipProcess) -> None:
        self.process, self.link, self.node = process, process.link, process.node
        ble = self.link.kind == "ble"
        self.dut = DUT_SHORT if not ble else self.link.dut
        self.info = LinkInfo(self.link.kind, self.link.tester, self.dut)
        self.address = link_local(self.link.tester if ble else TESTER_EUI64[:2])
        self.peer = self.node.addresses()[0]
        self._tag = 0
        self._reassembler = Reassembler()

    def echo(self, size: int, **fields: int) -> bytes:
        data = bytes(i * 7 & 255 for i in range(size))
        return ipv6.echo_request(self.address, self.peer, 7, 1, data, **fields)

    def send_payload(self, payload: bytes) -> None:
        if self.link.kind == "ble":
            self.link.send(payload)
        else:
            self.link.send(mac.data_frame(self.info.src, self.info.dst, self.link.pan, 0, payload))

    def send(self, packet: bytes) -> None:
        self._tag += 1
        payloads = (
            [encode(packet, self.info)]
            if self.link.kind == "ble"
            else fragment(packet, self.info, mtu=100, tag=self._tag)
        )
        for payload in payloads:
            self.send_payload(payload)

    def tapped(self) -> bytes:
        received = self.node.tap.receive(self.link.now() + WAIT)
        assert received is not None, "nothing on the IP tap"
        return received.frame

    def packet(self, kind: int) -> bytes:
        """The next ICMPv6 message of a type that lwIP sends; other packets are passed over."""
        deadline = self.link.now() + WAIT
        while True:
            received = self.link.receive(deadline)
            assert received is not None, f"no ICMPv6 message of type {kind}"
            info, payload = self.info.reversed(), received.frame
            if self.link.kind == "ieee802154":
                header, payload = mac.parse(received.frame)
                info = LinkInfo("ieee802154", header.src, header.dst)
            try:
                packet = self._reassembler.receive(payload, info)
            except DecodeError:  # its MLD report from ::, see the profile's deviations
                continue
            if packet is not None and ipv6.Packet.parse(packet).upper()[2][0] == kind:
                return packet
