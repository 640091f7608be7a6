"""The size map of a real stack: what the air loses on purpose is found, and named by its cause."""

import pytest

from fixtures.api import Case
from fixtures.evidence.capture import Evidence
from reports.record import Result
from rigs.bench import Rig
from rigs.registry import load
from sixlowpan import mac
from suites.mtu.test_map import drawn, shape
from tests.air.test_real import over

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.soak]
#: IPv6 and ICMPv6 headers, uncompressed: what a fragment header's datagram_size counts beside the data.
HEADERS = 48
#: Next Header ICMPv6 in-line, and the type of an Echo Request behind it.
REQUEST = bytes.fromhex("3a80")


@pytest.fixture(scope="module")
def plain():
    with Rig.of(load("linux-802154")) as rig:
        yield rig


def drawn_over(plain, first, sizes, planted):
    """(cause that the map told, finding codes) of a map over an air that loses what `planted` picks of a datagram.

    `planted`: called with (case, sender, octets of data, whether it is an echo request that begins here).
    """
    with over(plain, "air.seed=1") as tester:
        case = Case(plain, Evidence(plain.link), Result("map", plain.name, ["RFC6282-2-04"]), lambda: tester)
        assert tester.control(8)

        def picked(sender, _receiver, frame):
            payload = mac.parse(frame)[1]
            if payload[:1] < b"\xc0":
                return False
            size = int.from_bytes(payload[:2]) & 0x7FF
            return planted(case, sender, size - HEADERS, REQUEST in payload[4:12])

        plain.link.air.picked = picked
        drawn(case, first, sizes)
    (line,) = case.recording.measurements
    return line["parameters"]["cause"], {finding.code for finding in case.result.findings}


def one_size(_case, sender, size, _begins):
    return sender == "tester" and size == 729


def three_frames(case, sender, size, _begins):
    return sender == "tester" and 0 <= size <= 1232 and shape(case, size)[0] == 3


def as_sender_only(_case, sender, size, begins):
    """The first fragment of requests: of an answer of the same size nothing is lost."""
    return sender == "dut" and size == 729 and begins


@pytest.mark.parametrize(
    ("first", "sizes", "planted", "told"),
    [
        ("tester", range(600, 900), one_size, "729 octets alone (in 8 frames)"),
        ("tester", range(100, 500, 9), three_frames, "every size in 3 frames"),
        ("node", range(600, 900), as_sender_only, "729 octets alone (in 8 frames)"),
    ],
)
def test_what_is_planted_is_named(plain, first, sizes, planted, told):
    assert drawn_over(plain, first, list(sizes), planted) == (told, {"lost_by_size"})


def test_what_is_lost_as_sender_only_is_no_hole_the_other_way(plain):
    assert drawn_over(plain, "tester", list(range(600, 900)), as_sender_only) == ("", set())
