"""What the nodes whose shell has one UDP socket do alike."""

import pytest

from rigs.model import RigError
from tests.waiting import soon


def the_last_port_counts(node):
    """A second port takes the place of the first, of which nothing is received any more."""
    node.udp_open(1)
    node.udp_open(2)
    with pytest.raises(RigError, match="UDP port 1 was not opened"):
        node.udp_receive(1, soon(0))
