"""The blame by itself: frames in, whose fault out. No node, no clock."""

import math
from dataclasses import replace

import pytest

from fixtures.judging.pairs.blame import blame
from fixtures.judging.pairs.outcome import Exchange
from fixtures.judging.pairs.traffic import OnAir, Party, Reader, read
from rigs.tester.neighbours import link_option
from sixlowpan import Contexts, LinkInfo, encode, fragment, ipv6, link_local, mac
from sixlowpan.addresses import BROADCAST, solicited_node

PAN = b"\xab\xcd"
LINKS = {"dut": bytes.fromhex("02005efffe000001"), "peer": bytes.fromhex("02005efffe0000b2")}
A, B = (link_local(LINKS[name]) for name in ("dut", "peer"))


def parties(**told):
    return [
        Party(name, (link,), frozenset({link_local(link)}), has_tap=True, **told)
        for name, link in LINKS.items()
    ]


def other(name):
    return "peer" if name == "dut" else "dut"


class Air:
    """Frames of a made-up conversation."""

    def __init__(self):
        self.frames, self.tag = [], 7

    def say(self, sender, packet, *, lost=(), payload=None, to=None):
        """One packet of a sender; `lost` are the numbers of its frames that do not arrive."""
        to = to or (BROADCAST if packet[24] == 0xFF else LINKS[other(sender)])
        info = LinkInfo("ieee802154", LINKS[sender], to)
        self.tag += 1
        payloads = [payload or encode(packet, info)]
        if len(payloads[0]) > 100:
            payloads = fragment(packet, info, Contexts(), mtu=100, tag=self.tag, payload=payload)
        for number, each in enumerate(payloads):
            frame = mac.data_frame(LINKS[sender], to, PAN, len(self.frames) & 255, each, True)
            gone = "lost" if number in lost else ""
            self.frames.append(OnAir(sender, frame, 0.001 * len(self.frames), gone))
        return packet

    def solicit(self, sender, **how):
        target = link_local(LINKS[other(sender)])
        source = link_local(LINKS[sender])
        group = solicited_node(target)
        body = bytes(4) + target + link_option(1, LINKS[sender])
        return self.say(sender, nd(source, group, 135, body), **how)

    def advertise(self, sender, link=None, **how):
        source, to = link_local(LINKS[sender]), link_local(LINKS[other(sender)])
        body = b"\x60\0\0\0" + source + link_option(2, link or LINKS[sender])
        return self.say(sender, nd(source, to, 136, body), **how)

    def verdict(self, tapped=(), size=8, sends=False, until=math.inf, **told):
        exchange = Exchange("dut", "echo", B, 0, size, tapped=dict(tapped), sends=sends, until=until)
        return blame(self.frames, "ieee802154", parties(**told), exchange, Contexts())


def nd(source, destination, kind, body):
    message = ipv6.icmpv6(kind, 0, body, source, destination)
    return ipv6.build(source, destination, ipv6.ICMPV6, message, hop_limit=255)


def request(size=8):
    return ipv6.echo_request(A, B, 1, 1, bytes(size))


def reply(size=8, data=None):
    body = b"\0\1\0\1" + (bytes(size) if data is None else data)
    message = ipv6.icmpv6(129, 0, body, B, A)
    return ipv6.build(B, A, ipv6.ICMPV6, message)


def said(found):
    return found.kind, found.side, found.code


@pytest.fixture
def air():
    return Air()


def test_nothing_was_sent_and_nothing_is_known(air):
    assert said(air.verdict()) == ("unknown", "", "not_sent")


def test_nothing_was_sent_by_one_who_can(air):
    assert said(air.verdict(sends=True)) == ("sent", "dut", "not_sent")


@pytest.mark.parametrize("times", [1, 3])
def test_a_solicitation_that_nobody_answers(air, times):
    for _ in range(times):
        air.solicit("dut")
    found = air.verdict()
    assert said(found) == ("refused", "peer", "dropped")
    assert found.requirement == "RFC4944-8-01"
    assert bytes.fromhex(found.frame.hex()) == air.frames[-1].frame


def test_solicitations_that_the_medium_lost(air):
    for _ in range(3):
        air.solicit("dut", lost=[0])
    assert said(air.verdict()) == ("medium", "", "lost")


def test_an_advertisement_that_the_medium_lost(air):
    air.solicit("dut")
    air.advertise("peer", lost=[0])
    assert said(air.verdict()) == ("medium", "", "lost")


def test_an_advertisement_that_is_not_heeded(air):
    air.solicit("dut")
    air.advertise("peer")
    assert said(air.verdict()) == ("refused", "dut", "dropped")


@pytest.mark.parametrize(("later", "held"), [(1.5, 0.0), (0.5, 0.7)])
def test_who_solicited_may_have_given_up(air, later, held):
    """RFC 4861 §7.2.2: an answer comes when nobody waits for it any more, or when the rig was held up meanwhile."""
    for _ in range(3):
        air.solicit("dut")
    air.advertise("peer")
    air.frames[-1] = replace(air.frames[-1], time=air.frames[-2].time + later)
    exchange = Exchange("dut", "echo", B, 0, 8, held=held)
    found = blame(air.frames, "ieee802154", parties(), exchange, Contexts())
    assert said(found) == ("unknown", "", "late")


def test_a_wrong_advertisement_is_of_who_sent_it(air):
    air.solicit("dut")
    air.advertise("peer", link=bytes(7) + b"\x09")
    found = air.verdict()
    assert said(found) == ("sent", "peer", "address_of_another")
    assert found.requirement == "RFC4944-8-04"


def test_who_follows_a_wrong_advertisement_is_not_to_blame(air):
    """It was told in an earlier case: only what the parties know says so."""
    wrong = bytes(7) + b"\x09"
    air.say("dut", request(), to=wrong)
    told = [
        Party("dut", (LINKS["dut"],), frozenset({A})),
        Party("peer", (LINKS["peer"],), frozenset({B}), told=frozenset({wrong})),
    ]
    found = blame(air.frames, "ieee802154", told, Exchange("dut", "echo", B, 0, 8), Contexts())
    assert said(found) == ("sent", "peer", "address_of_another")


def test_a_frame_to_an_address_that_nobody_told(air):
    """What lwIP 2.1.3 does: the first two octets of an EUI-64 for a short address."""
    air.say("dut", request(), to=LINKS["peer"][:2])
    found = air.verdict()
    assert said(found) == ("sent", "dut", "neighbour_address")
    assert found.requirement == "RFC4944-8-01"


def test_a_request_that_is_dropped(air):
    air.say("dut", request())
    found = air.verdict()
    assert said(found) == ("refused", "peer", "dropped")
    assert found.requirement == "RFC6282-2-04"


def test_a_request_that_is_understood_and_not_answered(air):
    packet = air.say("dut", request())
    found = air.verdict({"peer": [packet]})
    assert said(found) == ("refused", "peer", "no_answer")
    assert found.requirement == "RFC4443-4.2-01"


def test_a_request_that_is_misread(air):
    packet = bytearray(air.say("dut", request()))
    packet[7] = 1
    found = air.verdict({"peer": [bytes(packet)]})
    assert said(found) == ("refused", "peer", "hop_limit")
    assert found.requirement == "RFC6282-3.1.1-09"


def test_fragments_that_the_medium_cut(air):
    air.say("dut", request(600), lost=[3])
    assert said(air.verdict(size=600)) == ("medium", "", "lost")


def test_a_hole_that_is_filled(air):
    """The medium lost a fragment: that is nobody's fault, but to make a packet of the rest is."""
    packet = bytearray(air.say("dut", request(600), lost=[3]))
    packet[300:380] = bytes(range(80))
    found = air.verdict({"peer": [bytes(packet)]}, size=600)
    assert said(found) == ("refused", "peer", "hole")


def test_a_place_that_the_medium_took(air):
    """What it cut may be kept for 60 seconds, and then there is no room for what is whole."""
    air.say("dut", request(500), lost=[3])
    air.say("dut", request(600))
    assert said(air.verdict(size=600, places=1)) == ("medium", "", "lost")
    assert said(air.verdict(size=600, places=4)) == ("refused", "peer", "dropped")


def test_an_answer_that_the_medium_lost(air):
    air.say("dut", request())
    air.say("peer", reply(), lost=[0])
    assert said(air.verdict()) == ("medium", "", "lost")


def test_the_echo_that_proves_a_silence_is_of_no_exchange(air):
    """The peer's IP tap shows it behind a datagram of which a fragment was lost: nobody made that of the rest."""
    air.say("dut", request(600), lost=[2])
    over = len(air.frames)
    control = air.say("dut", request(11))
    assert said(air.verdict({"peer": [control]}, size=600, until=over)) == ("medium", "", "lost")


def test_an_answer_with_other_data(air):
    air.say("dut", request())
    air.say("peer", reply(data=b"otherone"))
    found = air.verdict()
    assert said(found) == ("sent", "peer", "sent_packet")
    assert found.requirement == "RFC4443-4.2-02"


def test_octets_that_no_checksum_fits(air):
    """The last octets are others than the checksum was made of, as where a sender cuts what lies in two buffers."""
    packet = request(80)
    air.say(
        "dut",
        packet,
        payload=encode(packet, LinkInfo("ieee802154", LINKS["dut"], LINKS["peer"]))[:-3] + b"cut",
    )
    found = air.verdict(size=80)
    assert said(found) == ("sent", "dut", "checksum")
    assert found.requirement == "RFC4443-2.3-01"


def test_what_is_said_to_a_third_node_is_of_no_exchange(air):
    """An answer to the third one, and a flaw of the third one's, do not say whether the DUT was answered."""
    third = bytes.fromhex("02005efffe000002")
    its = link_local(third)
    there = bytes.fromhex("02005efffe0000b2")
    air.say("dut", request())
    message = ipv6.icmpv6(129, 0, b"\0\1\0\1" + bytes(8), B, its)
    air.say("peer", ipv6.build(B, its, ipv6.ICMPV6, message), to=third)
    stray = mac.data_frame(
        third, there[:2], PAN, 9, encode(request(), LinkInfo("ieee802154", third, there)), True
    )
    air.frames.append(OnAir("third", stray, 0.01))
    three = [*parties(), Party("third", (third,), frozenset({its}))]
    exchange = Exchange("dut", "echo", B, 0, 8, other="peer")
    found = blame(air.frames, "ieee802154", three, exchange, Contexts())
    assert said(found) == ("refused", "peer", "dropped")


def test_an_answer_that_is_not_taken(air):
    air.say("dut", request())
    air.say("peer", reply())
    assert said(air.verdict()) == ("refused", "dut", "dropped")


def test_an_answerer_that_looks_for_the_asker(air):
    air.say("dut", request())
    air.solicit("peer")
    assert said(air.verdict()) == ("refused", "dut", "dropped")
    air.advertise("dut", lost=[0])
    assert said(air.verdict()) == ("medium", "", "lost")


def test_a_sender_is_judged_though_the_medium_lost_it(air):
    """A flaw is one, arrived or not."""
    payload = encode(request(), LinkInfo("ieee802154", LINKS["dut"], LINKS["peer"]))
    air.say("dut", request(), payload=payload[:1] + bytes([payload[1] & 0xFC | 4]) + payload[2:], lost=[0])
    found = air.verdict()
    assert (found.kind, found.side) == ("sent", "dut")
    assert found.requirement


def test_a_wrong_form_that_the_other_one_bears_is_not_the_cause(air):
    """A solicitation by unicast breaks RFC 4944 §3; the IP tap shows it, and what comes behind is judged."""
    packet = air.solicit("dut", to=LINKS["peer"])
    assert said(air.verdict()) == ("sent", "dut", "link_broadcast")
    air.advertise("peer")
    assert said(air.verdict({"peer": [packet]})) == ("refused", "dut", "dropped")


def test_fragments_that_were_never_sent(air):
    air.say("dut", request(600))
    del air.frames[2]
    assert said(air.verdict(size=600))[:2] == ("sent", "dut")


def test_a_liberty_and_a_receiver_that_need_not_follow(air):
    hc1 = bytes((0x42, 0x08 | 2 << 1, request()[7])) + request()[8:]
    air.say("dut", request(), payload=hc1)
    messages = read(air.frames, "ieee802154", parties(), Contexts())
    assert messages[0].packet[40:] == request()[40:]
    found = air.verdict()
    assert said(found) == ("misfit", "", "misfit")
    assert "RFC 6282 §2" in found.actual
    assert said(air.verdict(features=frozenset({"hc1"}))) == ("refused", "peer", "dropped")


def test_what_was_before_does_not_count(air):
    air.say("dut", request())
    air.say("peer", reply())
    since = len(air.frames)
    exchange = Exchange("dut", "echo", B, since, 8)
    found = blame(air.frames, "ieee802154", parties(), exchange, Contexts())
    assert said(found) == ("unknown", "", "not_sent")


@pytest.mark.parametrize(("pan", "heard"), [(PAN, True), (b"\xff\xff", True), (b"\x00\x23", False)], ids=str)
def test_what_is_sent_in_another_pan_is_for_neither(pan, heard):
    """RIOT speaks in the PAN of its build until it is told the other one's."""
    packet = request()
    payload = encode(packet, LinkInfo("ieee802154", LINKS["dut"], BROADCAST))
    frame = mac.data_frame(LINKS["dut"], BROADCAST, pan, 1, payload, True)
    reader = Reader("ieee802154", parties(), Contexts(), PAN)
    assert (reader.add(OnAir("dut", frame, 0.0)) is not None) == heard
