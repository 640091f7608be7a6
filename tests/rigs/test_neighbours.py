"""A DUT with a small neighbour cache: the tester makes room in it before it is full (RFC 4861 §7.2.5)."""

import pytest

from rigs.links.memory.link import DUT, MemoryLink
from rigs.tester.framing import Air
from rigs.tester.host import Tester as Host
from rigs.tester.packets import NEIGHBOR_ADVERTISEMENT
from sixlowpan import LinkInfo, addresses, decode, encode, ipv6, mac, nd


class Listener:
    """A node that only listens: `packets` are (link source, packet)."""

    def __init__(self):
        self.packets = []

    def hear(self, frame, now):
        header, payload = mac.parse(frame)
        info = LinkInfo("ieee802154", src=header.src, dst=header.dst)
        self.packets.append((header.src, decode(payload, info)))
        return []

    def wake(self, now):
        return []

    def next_timer(self):
        return None


def met(neighbours, count):
    """`count` appearances of the tester introduce themselves; they, and the advertisements that were sent."""
    link, node = MemoryLink("ieee802154"), Listener()
    link.attach(node)
    tester = Host(Air(link), addresses.link_local(DUT["ieee802154"]), neighbours=neighbours)
    who = []
    for _ in range(count):
        who.append(tester.fresh())
        tester.solicit()
    sent = [(link, ipv6.Packet.parse(packet)) for link, packet in node.packets]
    return who, [(link, p) for link, p in sent if p.upper()[2][0] == NEIGHBOR_ADVERTISEMENT]


@pytest.mark.parametrize(("neighbours", "left"), [(8, 2), (4, 4), (2, 5), (None, 0)])
def test_half_of_the_places_are_kept_reachable(neighbours, left):
    who, advertisements = met(neighbours, 6)
    assert [link for link, _ in advertisements] == [one.link for one in who[:left]]


def test_the_advertisement_makes_the_entry_stale_and_nothing_else():
    who, [(_, packet)] = met(2, 2)
    message = packet.upper()[2]
    assert (packet.src, packet.hop_limit) == (who[0].address, 255)
    assert message[4] == 0  # neither Router nor Solicited nor Override
    assert message[8:24] == who[0].address
    assert message[24:26] == b"\x02\x02"
    assert message[26:34] != who[0].link
    assert ipv6.checksum_holds(packet.src, packet.dst, 58, message)


def test_who_is_met_again_is_not_the_oldest():
    link, node = MemoryLink("ieee802154"), Listener()
    link.attach(node)
    tester = Host(Air(link), addresses.link_local(DUT["ieee802154"]), neighbours=4)
    one, two = tester.fresh(), tester.fresh()
    three = tester.fresh()
    for identity in (one, two, one, three):
        with tester.acting_as(identity):
            tester.solicit()
    advertised = [
        src for src, p in node.packets if ipv6.Packet.parse(p).upper()[2][0] == NEIGHBOR_ADVERTISEMENT
    ]
    assert advertised == [two.link]


class Asking(Listener):
    """A node that has one frame to say."""

    def __init__(self, frame):
        super().__init__()
        self.unsaid = [frame]

    def next_timer(self):
        return 0.0 if self.unsaid else None

    def wake(self, now):
        said, self.unsaid = self.unsaid, []
        return said


def test_what_was_asked_for_before_the_tester_had_it_is_answered_once_it_has():
    """A header of nonsense makes the DUT ask for an address that a later case takes."""
    link, dut = MemoryLink("ieee802154"), DUT["ieee802154"]
    source, target = addresses.link_local(dut), bytes.fromhex("20010db8000000000000000000004b48")
    asked = nd.NeighborSolicitation(target, (nd.LinkLayerAddress(nd.SLLAO, dut),)).build(source, target)
    info = LinkInfo("ieee802154", src=dut, dst=link.tester)
    payload = encode(ipv6.build(source, target, ipv6.ICMPV6, asked, hop_limit=255), info)
    node = Asking(mac.data_frame(dut, link.tester, link.pan, 1, payload))
    link.attach(node)
    tester = Host(Air(link), source)
    tester.listen(0.1)
    assert not node.packets, "it is nobody's"
    tester.also(target)
    ((link_source, packet),) = node.packets
    said = ipv6.Packet.parse(packet)
    assert (link_source, said.src, said.dst) == (link.tester, target, source)
    assert (said.upper()[2][0], said.upper()[2][8:24]) == (NEIGHBOR_ADVERTISEMENT, target)
    tester.also(target)
    assert len(node.packets) == 1, "once"
