"""The ZEP radio on a free port, and a node that speaks to it."""

from contextlib import closing

import pytest

from rigs.links.zep.link import ZepLink
from rigs.model import Health
from tests.links.zep.peer import PAN, Peer, data


@pytest.fixture
def link():
    with closing(ZepLink("::1", 0, pan=PAN, channel=26)) as made:
        yield made


@pytest.fixture
def peer(link):
    made = Peer(link)
    with closing(made.socket):
        yield made


@pytest.fixture
def known(link, peer):
    """A peer that has spoken."""
    peer.say(data(0, dst=b"\xff\xff", ask=False))
    link.await_node(lambda: Health("alive"))
    assert link.receive(link.now() + 5)
    return peer
