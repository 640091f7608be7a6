"""The reference node as a 6LN: what an advertised prefix changes, and what it leaves as it is."""

from rigs.links.memory.link import MemoryLink
from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import ipv6, link_local, nd
from sixlowpan.addresses import ALL_NODES

PREFIX = bytes.fromhex("20010db800010002") + bytes(8)
ROUTER = link_local(bytes.fromhex("02005e10000000aa"))


def advertise(node: ReferenceNode, prefix: bytes, seconds: int) -> None:
    option = nd.PrefixInformation(prefix, valid_lifetime=seconds, preferred_lifetime=seconds)
    message = nd.RouterAdvertisement(router_lifetime=600, options=(option,)).build(ROUTER, ALL_NODES)
    node.input(ipv6.build(ROUTER, ALL_NODES, ipv6.ICMPV6, message, hop_limit=255))


def later(node: ReferenceNode, seconds: float) -> None:
    node.now += seconds
    node.tick()


def test_an_address_given_by_hand_outlives_a_prefix_that_matches_it():
    """RFC 4862 §5.5.3 (d), (e): lifetimes are those of "an address configured by stateless autoconfiguration"."""
    node = ReferenceNode.in_role(MemoryLink("ieee802154"), "6LN")
    given = PREFIX[:8] + node.own[0][8:]
    node.add_address(given)
    advertise(node, PREFIX, 30)
    later(node, 60)
    assert given in node.own


def test_an_address_of_a_prefix_ends_with_it():
    node = ReferenceNode.in_role(MemoryLink("ieee802154"), "6LN")
    advertise(node, PREFIX, 30)
    assert PREFIX[:8] + node.own[0][8:] in node.own
    later(node, 60)
    assert PREFIX[:8] + node.own[0][8:] not in node.own


def test_the_link_local_prefix_is_ignored():
    """RFC 4862 §5.5.3 (b): "If the prefix is the link-local prefix, silently ignore the Prefix Information option"."""
    node = ReferenceNode.in_role(MemoryLink("ieee802154"), "6LN")
    own = list(node.own)
    advertise(node, node.own[0][:8] + bytes(8), 30)
    assert not node.prefix_ends
    later(node, 60)
    assert node.own == own
