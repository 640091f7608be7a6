"""A DUT that never stops sending: nobody listens to it for ever, and what came before a deadline is had behind it."""

from rigs.links.memory.link import DUT, MemoryLink
from rigs.tester import host
from rigs.tester.framing import Air
from sixlowpan import addresses


class Solicits:
    """A node that says nothing: what is heard of it is made up below."""

    def hear(self, frame, now):
        del frame, now
        return []

    def wake(self, now):
        del now
        return []

    def next_timer(self):
        return None


def listening():
    """A tester that hears one undecodable frame after the other, whatever the deadline, and how many it has heard."""
    link = MemoryLink("ieee802154")
    link.attach(Solicits())
    tester = host.Tester(Air(link), addresses.link_local(DUT["ieee802154"]))
    heard = []
    tester.air.hear = lambda deadline: heard.append(deadline) or object()
    tester._assembly.take = lambda *_: None
    return tester, heard


def test_listening_ends():
    tester, heard = listening()
    assert tester.hear(tester.now() - 1.0) is None
    assert len(heard) == host.STORM


def test_the_next_deadline_begins_anew():
    tester, heard = listening()
    for seconds in (2.0, 1.0):
        assert tester.hear(tester.now() - seconds) is None
    assert len(heard) == 2 * host.STORM
