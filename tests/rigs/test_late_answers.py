"""An answer that comes late: to an earlier case it is stale, to an earlier echo of this one it is no wrong answer."""

import pytest

from fixtures.judging.plausibility import quotes
from rigs.links.memory.link import DUT, MemoryLink
from rigs.model import Received
from rigs.tester.framing import Air
from rigs.tester.host import Tester as Host
from rigs.tester.owed import Owed
from rigs.tester.packets import ECHO_REPLY, ICMPV6, Seen, Stimulus
from sixlowpan import LinkInfo, addresses, decode, encode, ipv6, mac

OWN = addresses.link_local(DUT["ieee802154"])
DELAY = 1.0


class Slow:
    """Answers every echo a second late, with `changed` done to the data."""

    def __init__(self, changed):
        self.changed, self.waiting = changed, []

    def hear(self, frame, now):
        header, payload = mac.parse(frame)
        request = ipv6.Packet.parse(decode(payload, LinkInfo("ieee802154", src=header.src, dst=header.dst)))
        body = request.upper()[2][4:8] + self.changed(request.upper()[2][8:])
        reply = ipv6.build(OWN, request.src, ICMPV6, ipv6.icmpv6(ECHO_REPLY, 0, body, OWN, request.src))
        answer = encode(reply, LinkInfo("ieee802154", src=header.dst, dst=header.src))
        made = mac.data_frame(src=header.dst, dst=header.src, pan=b"\xab\xcd", sequence=1, payload=answer)
        self.waiting.append((now + DELAY, made))
        return []

    def wake(self, now):
        due = [frame for at, frame in self.waiting if at <= now]
        self.waiting = [(at, frame) for at, frame in self.waiting if at > now]
        return due

    def next_timer(self):
        return min((at for at, _ in self.waiting), default=None)


def late(*, case, changed=lambda data: data, fresh=False):
    """The tester, and what it hears in `case` of an echo that it asked for in case "one"; `fresh`: as somebody else."""
    link = MemoryLink("ieee802154")
    link.attach(Slow(changed))
    tester = Host(Air(link), OWN)
    tester.restart("one")
    tester.fresh()
    tester.send_packet(tester.echo())
    tester.restart(case)
    tester.fresh() if fresh else tester.echo()
    seen = tester.hear(tester.now() + 2 * DELAY)
    assert seen is not None
    return tester, seen


def test_an_answer_to_another_case_is_stale():
    tester, seen = late(case="two")
    assert seen.stale
    assert tester.asked_by(seen) == "one"


def test_an_answer_to_this_case_is_not():
    tester, seen = late(case="one")
    assert not seen.stale
    assert tester.asked_by(seen) == "one"


def test_a_wrong_answer_to_who_we_are_is_nobodys():
    tester, seen = late(case="two", changed=lambda data: data[::-1])
    assert not seen.stale
    assert tester.asked_by(seen) is None


def test_a_wrong_answer_to_who_we_were_in_another_case_is_stale():
    """Contiki-NG has a queue: what it made of a case's fragments came in the next one, to the address of then."""
    tester, seen = late(case="two", changed=lambda data: data[::-1], fresh=True)
    assert seen.stale
    assert tester.asked_by(seen) is None


def test_who_we_were_in_another_case_we_may_be_again():
    tester, first = late(case="one", fresh=True)
    who = tester.known(first.view.dst)
    tester.restart("two")
    tester.fresh()
    with tester.acting_as(who):
        tester.send_packet(tester.echo())
        assert not tester.hear(tester.now() + 2 * DELAY).stale


def test_what_an_earlier_case_made_is_of_the_case_that_sends_it():
    """The rest of a datagram that another case had begun: without a tap its right answer was taken for a late one."""
    link = MemoryLink("ieee802154")
    link.attach(Slow(lambda data: data))
    tester = Host(Air(link), OWN)
    tester.restart("one")
    who, packet = tester.fresh(), tester.echo()
    tester.restart("two")
    with tester.acting_as(who):
        tester.send(Stimulus(tester.payloads(packet), packet, tester.info()))
        seen = tester.hear(tester.now() + 2 * DELAY)
    assert not seen.stale
    assert tester.asked_by(seen) == "two"


@pytest.mark.parametrize("fresh", [True, False])
def test_what_cannot_be_decoded_is_late_where_it_goes_to_who_we_were_in_another_case(fresh):
    """Linux resolved an address of the case before, and its answer had a reserved DAM: it was no answer of this one."""
    link = MemoryLink("ieee802154")
    link.attach(Slow(lambda data: data))
    tester = Host(Air(link), OWN)
    tester.restart("one")
    before = tester.fresh()
    tester.restart("two")
    now = tester.fresh()
    there = before if fresh else now
    reserved = bytes.fromhex("6ac4330e63583a8100c664")
    frame = mac.data_frame(src=link.dut, dst=there.link, pan=link.pan, sequence=1, payload=reserved)
    link._heard.append(Received(frame, link.stamp(), link.clock))
    seen = tester.hear(tester.now() + DELAY)
    assert seen.error is not None
    assert seen.stale == fresh


@pytest.mark.parametrize("case", ["one", "two"])
def test_what_cannot_be_decoded_is_late_where_it_carries_what_another_case_asked_back(case):
    """Linux 6.12, a reserved DAM as above, over Bluetooth LE: there each case speaks from the same address."""
    link = MemoryLink("ieee802154")
    link.attach(Slow(lambda data: data))
    tester = Host(Air(link), OWN)
    tester.restart("one")
    request = ipv6.Packet.parse(tester.echo()).upper()[2]
    tester.restart(case)
    tester.echo()
    reserved = bytes.fromhex("6ac43300c1653a8100faaa") + request[4:]
    frame = mac.data_frame(src=link.dut, dst=tester.identity.link, pan=link.pan, sequence=1, payload=reserved)
    link._heard.append(Received(frame, link.stamp(), link.clock))
    seen = tester.hear(tester.now() + DELAY)
    assert seen.error is not None
    assert seen.stale == (case == "two")


def test_a_stimulus_that_is_sent_again_may_draw_the_same_answer_again():
    link = MemoryLink("ieee802154")
    link.attach(Slow(lambda data: data))
    tester = Host(Air(link), OWN)
    packet = tester.echo()
    stale = []
    for again in (False, False, True):
        if again:
            tester.asked.again()
        tester.send_packet(packet)
        stale.append(tester.hear(tester.now() + 2 * DELAY).stale)
    assert stale == [False, True, False]


@pytest.mark.parametrize(("octets", "right"), [(48, True), (40, True), (39, False), (0, False)])
def test_an_error_that_quotes_little_may_be_about_either_of_two_packets(octets, right):
    source = addresses.link_local(b"\x02\x00\x5e\x00\x00\x00\x00\x01")
    packets = [
        ipv6.build(source, OWN, 60, b"\x11\x00\x1e\x04\xa1\xa2\xa3\xa4" + ipv6.udp(1, 2, data, source, OWN))
        for data in (b"first", b"other")
    ]
    quote = packets[0][:octets]
    error = ipv6.build(OWN, source, ICMPV6, ipv6.icmpv6(1, 4, bytes(4) + quote, OWN, source))
    seen = Seen(error, LinkInfo("ieee802154"), [], [], 0.0, view=ipv6.Packet.parse(error))
    assert [quotes(seen, packet) for packet in packets] == [right, right]
    assert not quotes(seen, None)


def quoting(packet, kind=1):
    """What is seen of an error about this packet."""
    message = ipv6.icmpv6(kind, 4, bytes(4) + packet, OWN, packet[8:24])
    whole = ipv6.build(OWN, packet[8:24], ICMPV6, message)
    seen = Seen(whole, LinkInfo("ieee802154"), [], [], 0.0)
    seen.view = ipv6.Packet.parse(whole)
    return seen


def datagrams(count):
    there = addresses.link_local(b"\x00\x02")
    return [
        ipv6.build(there, OWN, 17, ipv6.udp(0x1234, 0xF0B0 + n, b"data", there, OWN)) for n in range(count)
    ]


def test_an_error_is_about_the_packet_that_it_quotes_and_that_no_error_was_about():
    owed, (first, second) = Owed(), datagrams(2)
    owed.sent(first)
    owed.sent(second)
    late, again = quoting(first), quoting(first)
    owed.heard(late)
    owed.heard(again)
    assert late.about == first
    assert again.about is None, "a DUT that quotes an old packet for a new one is no late one"


@pytest.mark.parametrize("kind", [ECHO_REPLY, 136])
def test_what_is_no_error_is_about_nothing(kind):
    owed, (packet,) = Owed(), datagrams(1)
    owed.sent(packet)
    seen = quoting(packet, kind)
    owed.heard(seen)
    assert seen.about is None


def test_a_quote_of_the_headers_alone_may_be_about_any():
    owed, (packet,) = Owed(), datagrams(1)
    owed.sent(packet)
    seen = quoting(packet[:48])
    owed.heard(seen)
    assert seen.about is None
