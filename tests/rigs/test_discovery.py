"""The tester as routers and hosts, opposite the reference node in its roles; and contexts by Router Advertisement."""

import pytest

from rigs.links.memory.link import MemoryLink
from rigs.nodes.reference.node import ReferenceNode
from rigs.tester.discovery import (
    HostParty,
    RouterParty,
    Teacher,
    heard,
    message_of,
    registered_by,
    registers,
    registration_of,
    serving,
)
from rigs.tester.framing import Air
from rigs.tester.host import Tester
from sixlowpan import Context, link_local, nd

PREFIX = bytes.fromhex("20010db8000100010000000000000000")
BORDER = nd.AuthoritativeBorderRouter(bytes.fromhex("20010db8000000000000000000000b0d"), 1, 60)


def bench(role, extended=False):
    """A node of that role that has just started, and a tester opposite it."""
    link = MemoryLink("ieee802154")
    node = ReferenceNode.in_role(link, role, extended)
    tester = Tester(Air(link), link_local(link.dut))
    return node, tester


def router(tester, *options, **fields):
    return RouterParty(
        tester, tester.fresh(), options=[nd.PrefixInformation(PREFIX), BORDER, *options], **fields
    )


@pytest.mark.parametrize("extended", [False, True])
def test_a_host_attaches_to_two_routers(extended):
    node, tester = bench("6LN", extended)
    flags = [nd.CapabilityIndication(frozenset({nd.FLAG_E}))] if extended else []
    parties = [router(tester, *flags) for _ in range(2)]
    with serving(tester, *parties):
        tester.listen(3.0)
    for party in parties:
        prefixes = [address[:8] for address, _ in party.registered]
        assert PREFIX[:8] in prefixes
        assert (prefixes[0] != PREFIX[:8]) == extended  # RFC 8505 §5.6: the link-local address first
        assert all(option.t == extended for _, option in party.registered)
    assert not tester.servants
    assert tester.answer_ns
    assert node.addresses()[-1][:8] == PREFIX[:8]


def test_a_router_that_says_nothing_is_given_up():
    node, tester = bench("6LN")
    party = router(tester, status=None)
    with serving(tester, party):
        tester.listen(1.0)
        assert node.routers
        party.advertises = False
        tester.listen(60.0)
    assert not node.routers
    assert len(party.registered) == 3


def test_a_registration_in_a_6lr_waits_for_the_6lbr():
    node, tester = bench("6LR")
    above = router(tester, checked=None)
    host = HostParty(tester, tester.fresh())
    address = PREFIX[:8] + link_local(host.link)[8:]
    with serving(tester, above):
        above.advertise()
        tester.listen(1.0)
        host.send(host.registration(address))
        request = heard(tester, lambda s: s.icmp_type == nd.DAR and message_of(s).address == address, 2.0)
        assert request.view.hop_limit == 64
        above.confirm_duplicate(request)
        answer = heard(tester, lambda s: registration_of(s) is not None and not registers(s), 2.0)
    assert registration_of(answer).status == 0
    assert registered_by(answer) is None
    assert address in node.bindings


def test_what_is_no_message_is_none():
    _, tester = bench("6LN")
    seen = heard(tester, lambda s: s.icmp_type == nd.RS, 2.0)
    assert isinstance(message_of(seen), nd.RouterSolicitation)
    assert registered_by(seen) is None
    seen.view = None
    assert message_of(seen) is None


@pytest.mark.parametrize(("role", "abro"), [("6LN", False), ("6LR", True)])
def test_contexts_by_advertisement(role, abro):
    """RFC 6775 §5.4.2; a 6LR of several hops heeds those with an ABRO only (§8.1.3)."""
    node, tester = bench(role)
    node.teach = Teacher(tester, abro=abro)
    node.set_context(3, PREFIX, 64)
    node.set_context(4, PREFIX, 48, compress=False)
    assert dict(node.contexts) == {3: Context(PREFIX, 64), 4: Context(PREFIX[:6] + bytes(10), 48, False)}
    node.set_context(3, b"", 0)
    assert list(node.contexts) == [4]
