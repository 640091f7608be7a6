"""UDP datagrams between two nodes, each way, in all forms of RFC 6282 §4.3 that the ports choose."""

import pytest

from fixtures.api import PairCase, requirement
from suites.interop.ways import each_way

#: Source and destination port, for P=11, P=10, P=01 and P=00 (RFC 6282 §4.3.3).
PORTS = {"11": (0xF0B1, 0xF0BE), "10": (0xF0C1, 0x5679), "01": (0x1235, 0xF0D2), "00": (0x1236, 0x567A)}
SIZES = (0, 1, 40, 300)


@pytest.mark.parametrize("form", PORTS)
@each_way
@requirement(
    *("RFC6282-4.3.3-03", "RFC6282-4.3.3-04", "RFC6282-4.3.3-05", "RFC6282-4.3.3-06", "RFC6282-4.3.2-08"),
    "RFC8200-8.1-01",
)
def test_ports(pair: PairCase, way: str, form: str):
    """Datagrams of four sizes with ports that have this form: the application must get each as it was sent."""
    asker, other = pair.way(way, "udp")
    for size in pair.each(SIZES):
        data = pair.pattern(size)
        pair.datagram(asker, other, PORTS[form], data)
