"""A DUT with a small neighbour cache: the tester makes room in it before it is full (RFC 4861 §7.2.5)."""

import pytest

from rigs.links.memory.link import DUT, MemoryLink
from rigs.tester.framing import Air
from rigs.tester.host import Tester as Host
from rigs.tester.packets import NEIGHBOR_ADVERTISEMENT
from sixlowpan import LinkInfo, addresses, decode, ipv6, mac


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
