"""A 6LN that registers its addresses, for the cases that no stack at hand can pass; and the ways of doing it wrongly.

The reference node, with Router Advertisements, the ARO of RFC 6775 and the registration-relative modes of RFC 7668.
"""

from rigs.nodes.reference import ReferenceNode
from rigs.nodes.reference_host import ADVERTISEMENT, SOLICITATION
from sixlowpan import LinkInfo, ipv6, link_local, nd
from sixlowpan.addresses import is_link_local, modified_eui64

OPTIONS = {"wrong": "how the node is wrong"}


class RegisteringNode(ReferenceNode):
    wrong = ""

    def boot(self):
        super().boot()
        self.registered = ()

    def receive_frame(self, frame):
        info = LinkInfo("ble", self.link.tester, self.link.dut, role="6LBR", registered=self.registered)
        packet = self.understand(frame, info)
        if packet is not None:
            self.deliver(packet, info)

    def sent_info(self, packet, neighbour):
        known = self.registered[::-1] if self.wrong == "first" else self.registered
        return LinkInfo("ble", self.link.dut, self.link.tester, role="6LN", registered=known)

    def add_address(self, address, prefix_length=64):
        super().add_address(address, prefix_length)
        if not is_link_local(address):
            self.now = self.link.now()
            self.register(address)

    def register(self, address):
        if self.wrong == "none":
            return
        device = self.link.dut
        flat = device[:3] + b"\xff\xfe" + device[3:]
        option = nd.AddressRegistration(
            flat if self.wrong == "eui64" else modified_eui64(device), lifetime=10
        )
        router = link_local(self.link.tester)
        self.send_nd(address, router, SOLICITATION, bytes(4) + router + self.link_option(1) + option.build())
        if self.wrong == "early":
            self.confirm(address)

    def confirm(self, address):
        self.registered = (*(a for a in self.registered if a != address), address)

    def icmp(self, view, message):
        if message[0] == nd.RA:
            for option in nd.parse(message).options:
                if isinstance(option, nd.ContextOption) and self.wrong != "context":
                    self.contexts = self.contexts.with_context(option.cid, option.context())
                if isinstance(option, nd.PrefixInformation) and option.autonomous:
                    self.add_address(option.prefix[:8] + bytes.fromhex("5eed5eed5eed5eed"))
            if self.wrong == "link-local":
                self.register(self.own[0])
        elif message[0] == ADVERTISEMENT:
            for option in nd.parse(message).options:
                if isinstance(option, nd.AddressRegistration) and option.status == 0:
                    self.confirm(view.dst)
        super().icmp(view, message)

    def output(self, packet):
        if self.wrong == "on-link" and ipv6.Packet.parse(packet).dst[:4] == bytes.fromhex("20010db8"):
            return
        super().output(packet)


def open_node(bench, rig):
    node = RegisteringNode(bench.resource("memory", lambda: None))
    node.wrong = rig.dut.options.get("wrong", "")
    return node
