"""The hunter's parts: sequences and their text, what may come of frames, shrinking, writing, and small hunts."""

import random
from dataclasses import replace
from itertools import pairwise

import pytest

from fixtures.hunt.grammar import Grammar
from fixtures.hunt.joining import joined, shortened
from fixtures.hunt.packets import Packets
from fixtures.hunt.places import place
from fixtures.hunt.properties import Properties
from fixtures.hunt.readings import Readings, listens_to
from fixtures.hunt.sequence import Cast, Sent, holds, read, retagged, sketch, written
from fixtures.hunt.shrinking import chained, fewest_frames, fewest_octets, fewest_of, many_times
from fixtures.hunt.variation import varied
from fixtures.hunt.writing import Corpus
from rigs import registry
from rigs.bench import Rig
from rigs.tester import preparation
from rigs.tester.packets import ECHO_REPLY, Stimulus
from sixlowpan import decode, encode, fragment, ipv6


@pytest.fixture(scope="module")
def cast():
    with Rig.of(registry.load("reference", [])) as rig:
        return Cast.of(preparation.tester_for(rig, 1), rig.node.addresses())


@pytest.fixture
def grammar(cast):
    return Grammar(cast, random.Random(7), (0.1, 61.0))


# -- sequences ------------------------------------------------------------------------------------------------


def test_what_is_written_is_read_again(grammar):
    for _ in range(300):
        sequence = grammar.sequence()
        assert read(written(sequence)) == sequence
        assert read(written(varied(grammar, sequence, grammar.sequence()))) is not None


@pytest.mark.parametrize(
    "line", ["tester>dut", "tester>dut 7", "nobody>dut 00", "tester dut 00", "+x tester>dut 00"]
)
def test_a_line_that_is_no_frame_is_named(line):
    with pytest.raises(ValueError, match="line 2: "):
        read(f"# a comment\n{line}")


def test_the_same_seed_makes_the_same_sequences(cast):
    one, two = (Grammar(cast, random.Random(3)) for _ in range(2))
    assert [one.sequence() for _ in range(200)] == [two.sequence() for _ in range(200)]


def test_frames_fit_the_link_and_share_keys(grammar):
    shared = 0
    for _ in range(500):
        sequence = grammar.sequence()
        assert all(len(sent.payload) <= 102 for sent in sequence)
        tags = [sent.payload[:4] for sent in sequence if sketch([sent])[0].startswith("FRAG")]
        shared += len(tags) - len({tag[2:] for tag in tags})
    assert shared > 500


def test_retagged_keeps_what_is_equal():
    one = read("tester>dut c0f8770000\ntester>dut e0f877000100\ntester>dut 7a333a80")
    two = retagged(one, 0x0101)
    assert [sent.payload[2:4].hex() for sent in two[:2]] == ["7801", "7801"]
    assert two[2] == one[2]


def test_a_sketch_stands_in_a_longer_one():
    short = sketch(read("tester>dut c0f8770000\ntester>dut e0f87700010000000000000000"))
    long = sketch(
        read(
            "tester>dut 7a333a80\ntester>dut c0f8112200\ntester>dut 41\ntester>dut e0f81122020000000000000000"
        )
    )
    assert holds(long, short)
    assert not holds(short, long)
    assert not holds(long, ("IPHC",))


# -- readings -------------------------------------------------------------------------------------------------


def readings(cast):
    return Readings(cast.contexts, listens_to(cast.receivers))


def test_every_order_of_fragments_gives_the_packet_and_a_hole_gives_none(cast):
    packets = Packets(cast, random.Random(1))
    packet = packets.echo("tester", 120)
    info = cast.info(Sent(b""))
    parts = fragment(packet, info, cast.contexts, mtu=53, tag=7)
    for order in (parts, parts[::-1], [parts[1], parts[0], *parts[2:]]):
        seen = readings(cast)
        for part in order[:-1]:
            seen.take(part, info, 0.0, b"")
            assert packet not in seen.copies
        seen.take(order[-1], info, 0.0, b"")
        assert seen.copies[packet] == 1
        seen.take(order[-1], info, 0.0, b"")  # a late duplicate completes nothing
        assert seen.copies[packet] == 1
    late = readings(cast)
    for number, part in enumerate(parts):
        late.take(part, info, 62.0 * number, b"")
    assert packet not in late.copies
    assert not late.explains(packet)


def test_more_rows_than_are_followed_are_explained_when_they_come(cast):
    packets = Packets(cast, random.Random(2))
    packet = packets.echo("tester", 64)
    info, seen = cast.info(Sent(b"")), readings(cast)
    parts = fragment(packet, info, cast.contexts, mtu=29, tag=9)
    for spoilt in range(20):
        for part in parts:
            seen.take(part[:5] + bytes([spoilt]) + part[6:], info, 0.0, b"")
    for part in parts:
        seen.take(part, info, 0.0, b"")
    assert packet in seen.copies or seen.explains(packet)


def test_what_is_for_others_or_reserved_is_refused(cast):
    seen = readings(cast)
    for sent in read("tester>dut 811a2b02005efffe00000b7a333a80\ntester>dut 7a343a8000\ntester>dut c0f877"):
        seen.take(sent.payload, cast.info(sent), 0.0, b"")
    assert not seen.copies
    assert len(seen.refused) == 3


def test_a_first_fragment_without_octets_fills_no_place(cast):
    packet = Packets(cast, random.Random(6)).echo("tester", 120)
    info, seen = cast.info(Sent(b"")), readings(cast)
    parts = fragment(packet, info, cast.contexts, mtu=53, tag=7)
    for part in (parts[0], parts[0][:4] + b"\x41", *parts[1:]):
        seen.take(part, info, 0.0, b"")
    assert seen.copies == {packet: 1}
    assert [refused.requirement for refused in seen.refused] == ["RFC4944-5.3-05"]


def test_what_came_of_a_reserved_form_is_not_blamed_on_a_packet_like_it(cast):
    good = Packets(cast, random.Random(8)).echo("tester", 8)
    info, seen = cast.info(Sent(b"")), readings(cast)
    seen.take(encode(good, info, cast.contexts), info, 0.0, b"")
    seen.take(bytes.fromhex("7a3f3a") + good[40:] + b"\x01", info, 0.0, b"reserved")
    made = good[:4] + (len(good) - 39).to_bytes(2) + good[6:24] + bytes(16) + good[40:] + b"\x01"
    (breach,) = Properties(seen, frozenset()).tapped(made)
    assert (breach.code, breach.frame) == ("accepted", b"reserved")


def test_a_packet_that_is_cut_may_be_handed_on_and_quoted(cast):
    packet = Packets(cast, random.Random(9)).datagram("tester", 40)[:60]
    info, seen = cast.info(Sent(b"")), readings(cast)
    seen.take(b"\x41" + packet, info, 0.0, b"")
    assert not list(Properties(seen, frozenset()).tapped(packet))
    longer = Packets(cast, random.Random(9)).datagram("tester", 8) + b"\0"
    seen.take(b"\x41" + longer, info, 0.0, b"")
    assert not list(Properties(seen, frozenset()).tapped(longer))
    assert not list(Properties(seen, frozenset()).tapped(longer[:-1]))
    assert list(Properties(seen, frozenset()).tapped(packet[:-1]))


def test_a_place_is_drawn_by_how_it_lies_to_the_fragment_before():
    chance = random.Random(1)
    places = {place(chance, 24, 80) for _ in range(500)}
    assert {2, 3, 4, 10} <= places
    assert max(places) <= 255
    assert min(place(chance, 0, 0) for _ in range(500)) == 0


def test_what_is_sent_again_is_not_forgotten(cast):
    packets, info, seen = Packets(cast, random.Random(7)), cast.info(Sent(b"")), readings(cast)
    old = [b"\x41" + packets.echo("tester", 8) for _ in range(2)]
    for payload in (*old, *(b"\x41" + packets.echo("tester", 8) for _ in range(5000)), old[0]):
        seen.take(payload, info, 0.0, b"")
    seen.forget()
    assert seen.copies[old[0][1:]] == 2
    assert old[1][1:] not in seen.copies
    assert 1000 < len(seen.copies) < 4000


def test_what_is_in_a_tunnel_may_come_out_of_it(cast):
    packets, info, seen = Packets(cast, random.Random(4)), cast.info(Sent(b"")), readings(cast)
    made = [packets.tunnelled("tester") for _ in range(20)]
    forms = [encode(packet, info, cast.contexts) for packet in made]
    assert all(b"\xee" in form for form in forms)  # EID 7 (RFC 6282 §4.2)
    for form in forms:
        seen.take(form, info, 0.0, b"")
    assert set(seen.copies) == {*made, *(packet[40:] for packet in made)}


def test_a_router_forwards_an_echo_reply_as_it_came():
    """It looks at no checksum of what goes through, as here one octet of a reply between two others is all there is."""
    payload = bytes.fromhex("7a653a8000000000000000006081")
    with Rig.of(registry.load("reference-nd-6lbr", [])) as rig:
        tester = preparation.tester_for(rig, 1)
        own = frozenset(rig.node.addresses())
        seen = readings(Cast.of(tester, rig.node.addresses()))
        seen.take(payload, tester.info(), 0.0, b"")
        tester.send(Stimulus([payload], None, tester.info()))
        tester.drain()
        [came] = [one for one in tester.heard if one.icmp_type == ECHO_REPLY]
    assert not list(Properties(seen, own).heard(came))
    strange = replace(came, packet=came.packet + b"\0")
    assert list(Properties(seen, own).heard(strange))


# -- shrinking ------------------------------------------------------------------------------------------------


def test_the_fewest_frames_and_octets_are_left():
    needed = [b"\xc0\xf8\x00\x01\x00", b"\xe0\xf8\x00\x01\x03\x07"]
    sequence = tuple(Sent(bytes([0x41, n] * 9)) for n in range(40))
    sequence = (
        *sequence[:13],
        Sent(needed[0] + bytes(40)),
        *sequence[13:30],
        Sent(needed[1] + bytes(9), "other"),
        *sequence[30:],
    )

    def fails(tried):
        found = [sent.payload for sent in tried if sent.payload[:1] in {b"\xc0", b"\xe0"}]
        return len(found) == 2 and all(got.startswith(want) for got, want in zip(found, needed, strict=True))

    shortest = fewest_octets(fewest_frames(sequence, fails), fails)
    assert [sent.payload for sent in shortest] == needed
    assert [sent.source for sent in shortest] == ["tester", "tester"]


def test_what_the_last_frames_do_is_seen_in_few_tries():
    sequence, tries = tuple(Sent(bytes([0x41, n])) for n in range(60)), []

    def fails(tried):
        tries.append(tried)
        return tried[-3:] == sequence[-3:]

    assert fewest_frames(sequence, fails, at_its_end=True) == sequence[-3:]
    assert len(tries) < 10


def test_a_sequence_is_tried_many_times_with_other_tags_the_latest_first():
    one, two = read("tester>dut c0f8000100"), read("tester>dut c0f8000500\ntester>dut 41")
    often = list(many_times([two, one, two, ()], 3))
    assert [len(tried) for tried in often] == [16, 8, 128, 64]
    assert [sent.payload[2:4].hex() for sent in often[0][:4:2]] == ["0005", "0106"]
    assert len({sent.payload for sent in often[1]}) == 8


def test_a_datagram_in_fragments_is_tried_as_one_frame(cast):
    packet = Packets(cast, random.Random(5)).datagram("tester", 100)
    info = cast.info(Sent(b""))
    parts = tuple(Sent(part) for part in fragment(packet, info, cast.contexts, mtu=53, tag=7))
    (whole,) = joined((Sent(b"\x7a"), *parts), cast)
    assert len(whole) == 2
    made = decode(whole[1].payload, info, cast.contexts)
    assert made == shortened(packet)
    assert ipv6.checksum_holds(made[8:24], made[24:40], made[6], made[40:])
    assert encode(made, info, cast.contexts) == whole[1].payload


def test_each_datagram_is_tried_as_one_frame_and_one_whose_checksum_does_not_hold_as_such(cast):
    packet, info = Packets(cast, random.Random(5)).echo("tester", 100), cast.info(Sent(b""))
    wrong = packet[:42] + bytes([packet[42] ^ 1]) + packet[43:]
    parts = tuple(Sent(part) for part in fragment(wrong, info, cast.contexts, mtu=53, tag=7))
    tried = list(joined((*parts, *parts), cast))
    assert [len(one) for one in tried] == [len(parts) + 1] * 4
    made = [
        decode(one[at].payload, info, cast.contexts) for one, at in zip(tried, (0, 0, -1, -1), strict=True)
    ]
    holds = [ipv6.checksum_holds(one[8:24], one[24:40], one[6], one[40:]) for one in made]
    assert holds == [True, False, True, False]


def test_what_takes_several_steps_goes_on_from_the_one_before():
    def fails(tried):
        keys = [(sent.payload[2:4], int.from_bytes(sent.payload[:2]) & 0x7FF) for sent in tried]
        steps = pairwise(keys)
        return sum(one[0] == other[0] and other[1] >= 2 * one[1] for one, other in steps) >= 3

    sequence = read("\n".join(f"tester>dut e04{n}000{n}05\ntester>dut e09{n}000{n}05" for n in range(3)))
    assert fewest_frames(sequence, fails) == sequence
    shortest = fewest_of(chained, sequence, fails)
    assert written(shortest) == written(
        read("tester>dut e040000005\ntester>dut e090000005\ntester>dut e120000005\ntester>dut e240000005")
    )


def test_a_corpus_has_what_broke_something_first_and_reads_on_behind_damage(tmp_path):
    corpus = Corpus(tmp_path / "rig.txt")
    novel, found = read("tester>dut 41"), read("tester>dut c0f8770000")
    corpus.add(novel)
    corpus.add(novel)
    corpus.path.write_text(corpus.path.read_text() + "# novel\nno frame at all\n\n")
    corpus.add(found, found=True)
    assert list(Corpus(corpus.path)) == [found, novel]
