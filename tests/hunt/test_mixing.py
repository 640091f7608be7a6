"""How a packet was made of fragments that do not make it: what the hunter says of it."""

import random
import tomllib
from types import SimpleNamespace

import pytest

from fixtures.hunt.case import known_as
from fixtures.hunt.mixing import Known, how_made
from fixtures.hunt.packets import Packets
from fixtures.hunt.properties import Properties
from fixtures.hunt.readings import Readings, listens_to
from fixtures.hunt.sequence import Cast, Sent, read
from fixtures.judging.reassembly_faults import Breach
from rigs import registry
from rigs.bench import Rig
from rigs.configuration.loading import PROFILES
from rigs.configuration.models import Profile
from rigs.tester import preparation
from sixlowpan import decode, encode, fragment, ipv6, link_local


@pytest.fixture(scope="module")
def cast():
    with Rig.of(registry.load("reference", [])) as rig:
        return Cast.of(preparation.tester_for(rig, 1), rig.node.addresses())


def taken(cast, sent):
    """What may come of the frames of a sequence."""
    seen = Readings(cast.contexts, listens_to(cast.receivers))
    for number, one in enumerate(sent):
        seen.take(one.payload, cast.info(one), number / 100, bytes([number]))
    return seen


def cut(cast, packet, tag=7):
    return fragment(packet, cast.info(Sent(b"")), cast.contexts, mtu=53, tag=tag)


def echo(cast, seed, size=120):
    return Packets(cast, random.Random(seed)).echo("tester", size)


def retagged(part, tag):
    return part[:2] + tag.to_bytes(2) + part[4:]


# what Linux 6.1 answered: the fragment at 1088, in place of the one at 64, comes behind the last
LINUX = """
tester>dut c090767c7a373a8000fc85bcba2974b14d2f46868d5b1419a1fabc8e21407c
tester>dut e090767c88118548ede403fc8026cd10975a7fbfd6ed0d79009063ca3dbf22c6aa334435c5
tester>dut e090767c0cc2bc6d6f001a972f6ad1ffba7991e3cd3bf8cec8acf5d3e6fa1c7d1b85c5e6e1
tester>dut e090767c104aa75c91223546f03a86baa4a07775b9
"""
ANSWERED = bytes.fromhex(
    "b14d2f46868d5b1419a1fabc8e21407cc2bc6d6f001a972f6ad1ffba7991e3cd3bf8cec8acf5d3e6fa1c7d1b85c5e6e1"
    "4aa75c91223546f03a86baa4a07775b9118548ede403fc8026cd10975a7fbfd6ed0d79009063ca3dbf22c6aa334435c5"
)


def test_octets_beyond_the_size_are_told(cast):
    seen = taken(cast, read(LINUX))
    octets = bytes.fromhex("bcba2974") + ANSWERED
    wrong = how_made(seen.pieces, Known(44, octets, 44 + len(octets)), "")
    assert (wrong.code, wrong.requirement, wrong.frame) == ("beyond", "RFC4944-5.3-20", b"\1")


@pytest.mark.parametrize(
    ("code", "last"),
    [
        ("mixed_senders", lambda part: Sent(part, source="other")),
        ("mixed_destinations", lambda part: Sent(part, destination="all")),
        ("mixed_sizes", lambda part: Sent((int.from_bytes(part[:2]) + 1).to_bytes(2) + part[2:])),
        ("mixed_tags", lambda part: Sent(retagged(part, 8))),
    ],
)
def test_the_part_of_the_key_that_was_not_looked_at_is_told(cast, code, last):
    packet = echo(cast, 1)
    parts = cut(cast, packet)
    seen = taken(cast, [*map(Sent, parts[:-1]), last(parts[-1])])
    (breach,) = Properties(seen, frozenset()).tapped(packet)
    assert (breach.code, breach.requirement) == (code, "RFC4944-5.3-18")
    assert breach.frame == bytes([len(parts) - 1])


def test_a_packet_that_came_once_more_of_two_senders_is_told(cast):
    packet = echo(cast, 2)
    parts = [Sent(part) for part in cut(cast, packet)]
    seen = taken(cast, [*parts, *parts[:-1], Sent(parts[-1].payload, source="other")])
    properties = Properties(seen, frozenset())
    assert not list(properties.tapped(packet))
    (breach,) = properties.tapped(packet)
    assert breach.code == "mixed_senders"


def test_a_packet_that_came_twice_of_one_key_is_a_duplicate(cast):
    packet = echo(cast, 3)
    seen = taken(cast, map(Sent, [*cut(cast, packet), cut(cast, packet)[-1]]))
    properties = Properties(seen, frozenset())
    assert not list(properties.tapped(packet))
    (breach,) = properties.tapped(packet)
    assert (breach.code, breach.requirement) == ("delivered_twice", "RFC4944-5.3-24")


def test_a_hole_that_was_filled_with_old_octets_is_told(cast):
    packet = echo(cast, 4)
    parts = cut(cast, packet)
    seen = taken(cast, map(Sent, [*parts[:1], *parts[2:]]))
    begin, octets = parts[1][4] * 8, parts[1][5:]
    made = packet[:begin] + bytes(len(octets)) + packet[begin + len(octets) :]
    (breach,) = Properties(seen, frozenset()).tapped(made)
    assert (breach.code, breach.requirement) == ("hole", "RFC4944-5.3-19")


def test_octets_of_fragments_that_contradict_each_other_are_told(cast):
    packet = echo(cast, 5)
    parts = cut(cast, packet)
    begin = parts[1][4] * 8 + 8
    other = bytes(octet ^ 0xFF for octet in packet[begin : begin + 16])
    over = parts[1][:4] + bytes([begin // 8]) + other
    seen = taken(cast, map(Sent, [*parts[:2], over, *parts[2:]]))
    made = packet[:begin] + other + packet[begin + 16 :]
    (breach,) = Properties(seen, frozenset()).tapped(made)
    assert (breach.code, breach.requirement) == ("patched", "RFC4944-5.3-21")


def test_what_was_sent_whole_is_no_hole(cast):
    packet = echo(cast, 6)
    seen = taken(cast, map(Sent, cut(cast, packet)))
    made = packet[:7] + b"\x09" + packet[8:]
    (breach,) = Properties(seen, frozenset()).tapped(made)
    assert breach.code == "hop_limit"


def test_a_short_packet_with_one_field_wrong_is_not_called_another(cast):
    info = cast.info(Sent(b"", source="short"))
    packet = decode(bytes.fromhex("6a333a80000000"), info, cast.contexts)
    seen = taken(cast, [Sent(encode(packet, info, cast.contexts), source="short")])
    (breach,) = Properties(seen, frozenset()).tapped(packet[:16] + bytes(8) + packet[24:])
    assert breach.code == "source"


def test_a_deviation_of_one_part_of_the_key_hides_no_other():
    text = (PROFILES / "openthread-802154.toml").read_text(encoding="utf-8")
    rig = SimpleNamespace(profile=Profile.model_validate(tomllib.loads(text)), version="609")
    together = {
        code: known_as(rig, Breach(code, "RFC4944-5.3-18", "", "", b""))
        for code in ("mixed_senders", "mixed_destinations", "mixed_sizes", "mixed_tags", "mixed")
    }
    assert together == {
        "mixed_senders": "openthread-two-senders-one-datagram",
        "mixed_destinations": "openthread-destination-not-in-the-key",
        "mixed_sizes": "",
        "mixed_tags": "",
        "mixed": "",
    }


def test_an_atomic_fragment_header_may_be_worked_off(cast):
    """RFC 8200 §4.5: what is handed on and quoted may have none, and is still one packet, answered once."""
    src, dst = link_local(cast.info(Sent(b"")).src), link_local(cast.info(Sent(b"")).dst)
    bare = ipv6.build(src, dst, ipv6.UDP, ipv6.udp(1, 2, b"keyhole", src, dst))
    whole = ipv6.build(src, dst, ipv6.FRAGMENT, bytes.fromhex("1100000012345678") + bare[40:])
    seen = Readings(cast.contexts, listens_to(cast.receivers))
    seen.ordinary(whole)
    judged = Properties(seen, frozenset())
    assert [*judged.tapped(bare)] == []
    assert [breach.code for breach in judged.tapped(bare)] == ["delivered_twice"]
    assert [breach.code for breach in judged.tapped(bare[:-1] + b"\0")] != []


def test_fragments_are_kept_for_ever_where_no_timer_runs(cast):
    """A rig that does not run the DUT's reassembly timer says so in its profile: what is late joins there."""
    packet = echo(cast, 1)
    info, (first, *rest) = cast.info(Sent(b"")), cut(cast, packet)
    for timer in (True, False):
        seen = Readings(cast.contexts, listens_to(cast.receivers), timer=timer)
        seen.take(first, info, 0.0, b"")
        for part in rest:
            seen.take(part, info, 70.0, b"")
        assert (packet in seen.copies) is not timer
