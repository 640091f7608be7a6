"""The field report without its guests: what is read off the medium, and which causes the page tells."""

import pytest

from rigs.fieldreport.air import Pdu, at_the_interface, credits_left, traffic, trips
from rigs.fieldreport.goodput import Goodput, goodput
from rigs.fieldreport.measure import DEVICES, INTERVAL, Field, Moved
from rigs.fieldreport.page import page
from rigs.fieldreport.programs import Pings, Transfer
from sixlowpan import LinkInfo, encode, ipv6

MPS = 247
ADDRESSES = {
    name: bytes.fromhex("fe80") + bytes(6) + device[:3] + b"\xff\xfe" + device[3:]
    for name, device in DEVICES.items()
}


def other(name):
    return next(each for each in DEVICES if each != name)


def sent(sender, packet, at, arrives):
    """The PDUs of one packet: an SDU in K-frames, each handed over at `at`, the last one there at `arrives`."""
    payload = encode(packet, LinkInfo("ble", src=DEVICES[sender], dst=DEVICES[other(sender)]))
    sdu = len(payload).to_bytes(2, "little") + payload
    pieces = [sdu[start : start + MPS] for start in range(0, len(sdu), MPS)]
    return [
        Pdu(at, sender, len(piece).to_bytes(2, "little") + b"\x40\x00" + piece, arrives) for piece in pieces
    ]


def echo(sender, kind, sequence, size=56):
    here, there = ADDRESSES[sender], ADDRESSES[other(sender)]
    body = (7).to_bytes(2) + sequence.to_bytes(2) + bytes(size)
    return ipv6.build(here, there, 58, ipv6.icmpv6(kind, 0, body, here, there))


def segment(sender, sequence, size=100):
    here, there = ADDRESSES[sender], ADDRESSES[other(sender)]
    head = bytes.fromhex("c0001451") + sequence.to_bytes(4) + bytes(4) + b"\x50\x10" + bytes(6)
    return ipv6.build(here, there, 6, head + bytes(size))


def events(count, late=0.0):
    """Echoes at all phases of the interval; the peripheral takes `late` seconds to answer, ping 3 ms to see it."""
    pdus, arrivals = [], []
    for n in range(count):
        began = n * 1.0 + 0.031 * n % INTERVAL
        event = (began // INTERVAL + 1) * INTERVAL
        answer = event + 0.002 + late * (1 + n % 3)
        back = (answer // INTERVAL + 1) * INTERVAL
        pdus += sent("central", echo("central", 128, n), began, event)
        pdus += sent("peripheral", echo("peripheral", 129, n), answer, back)
        arrivals.append((back + 0.003, back + 0.003 - began))
    return pdus, Pings(count, count, arrivals)


def moved(**changes):
    told = {
        "what": "TCP, central to peripheral",
        "sender": "central",
        "transfer": Transfer(4000.0, retransmits=6),
        "dropped": 1,
        "interface": at_the_interface([segment("central", n) for n in (1, 101, 201, 201, 201)]),
        "air": traffic(
            [pdu for n in (1, 101) for pdu in sent("central", segment("central", n), 0, 0)], DEVICES
        ),
        "credits": {"central": 6, "peripheral": 6},
    }
    return Moved(**told | changes)


def test_a_packet_is_read_from_its_k_frames():
    pdus = sent("central", echo("central", 128, 1, size=1232), 1.0, 2.0)
    assert len(pdus) == 6
    found = traffic(pdus, DEVICES)
    assert (found["central"].k_frames, found["central"].packets[58], found["peripheral"].k_frames) == (
        6,
        1,
        0,
    )
    assert credits_left(pdus) == {"central": 0, "peripheral": 6}
    broken = [Pdu(0.0, "central", bytes.fromhex("030040000100ff"), 0.0)]
    assert traffic(broken, DEVICES)["central"].undecodable == 1


def test_a_round_trip_is_taken_apart_on_the_medium():
    pdus, pings = events(8, late=0.03)
    found = trips(pdus, DEVICES)
    assert len(found) == 8
    assert [trip.whole + 0.003 for trip in found] == pytest.approx([trip for _, trip in pings.arrivals])
    assert all(0 < trip.there <= INTERVAL and 0 < trip.back <= INTERVAL for trip in found)
    assert found[2].answering == pytest.approx(0.092)
    assert trips(pdus[:-1], DEVICES) == found[:-1], "an echo without an answer is none"


def test_the_interval_is_the_cause_where_pings_show_it():
    pdus, pings = events(20)
    text = page(Field(paced=pings, trips=trips(pdus, DEVICES)))
    assert "Cause: the connection interval. Answers arrive on a grid of 48.75 ms" in text


def test_a_busy_machine_does_not_hide_the_interval():
    """Answers that are one, two or three events late fit no interval; the medium says what they waited for."""
    pdus, pings = events(21, late=0.03)
    text = page(Field(paced=pings, trips=trips(pdus, DEVICES)))
    assert "No interval can be read from these round trips alone" in text
    assert (
        "7 of 21 answers went at the very next one, 48.75 ms later). The other 3 ms are between `ping`"
        in text
    )


def test_retransmissions_that_the_kernel_drops():
    text = page(Field(transfers=[moved()]))
    assert "* behind the queue: 5 segments with data, 2 for a second time" in text
    assert "* on the air: 2 segments with data, 0 for a second time" in text
    assert "drops retransmissions. 3 segments left the queue for the interface and were not handed" in text
    assert (
        ": 2 were there for a second time, the first copy of 1 may be what the queue had dropped (1). Nothing"
        in text
    )


def test_what_the_figures_do_not_explain_is_not_explained():
    text = page(Field(transfers=[moved(dropped=0)]))
    assert "the first copy of 0 may be what the queue had dropped (0), and 1 are not explained." in text


def test_retransmissions_that_tcp_keeps_are_not_the_interfaces():
    once = at_the_interface([segment("central", n) for n in (1, 101)])
    assert "none came to the interface" in page(Field(transfers=[moved(interface=once)]))


def test_a_transfer_that_does_not_end_has_a_cause_as_well():
    """iperf3's control connection is TCP: it may stall before there is any figure."""
    stalled = moved(transfer=Transfer(0.0, error="interrupt - the client has terminated"), failed=3)
    text = page(Field(transfers=[stalled]))
    assert "* tried 4 times: iperf3 did not come to its end before" in text
    assert "3 segments left the queue for the interface" in text
    nothing = moved(transfer=stalled.transfer, interface=at_the_interface([]), air=traffic([], DEVICES))
    assert "Cause" not in page(Field(transfers=[nothing]))


def test_a_retransmission_on_the_air_is_no_cause_of_a_stall():
    air = traffic([p for n in (1, 1) for p in sent("central", segment("central", n), 0, 0)], DEVICES)
    assert "Cause" not in page(Field(transfers=[moved(air=air)]))


def datagram(number, size=100, port=5001):
    here, there = ADDRESSES["central"], ADDRESSES["peripheral"]
    return ipv6.build(
        here, there, 17, ipv6.udp(5000, port, number.to_bytes(4) + bytes(size - 4), here, there)
    )


def test_goodput_is_of_one_clock_and_counts_nothing_twice():
    came = [(n * 10**8, datagram(n)) for n in range(11)]
    assert goodput(came, 5001).rate == pytest.approx(1000)
    assert goodput([*came, (2 * 10**9, datagram(3))], 5001).rate == pytest.approx(1000), (
        "a second one is no more"
    )
    assert goodput(came, 5002) == Goodput()
    assert goodput(came[:1], 5001).rate == 0.0
    stream = [(n * 10**8, segment("central", 1 + 100 * n)) for n in range(11)]
    assert goodput(stream, 0x1451).rate == pytest.approx(1000)
    overlapping = [*stream[:6], (55 * 10**7, segment("central", 451)), *stream[6:]]
    assert goodput(overlapping, 0x1451).octets == 1000
    assert goodput([(0, b"\x60"), *stream], 0x1451).rate == pytest.approx(1000)


def test_goodput_is_of_the_flow_that_carries_most():
    """iperf3's control connection goes to the same port, and its datagrams begin with the second, not with a number."""
    control = bytearray(segment("central", 1, size=37))
    control[40:42] = b"\xc0\x01"
    stream = [(10**9 + n * 10**8, segment("central", 1 + 100 * n)) for n in range(11)]
    assert goodput([(0, bytes(control)), *stream], 0x1451).rate == pytest.approx(1000)
    greeting = (0, segment("central", (1 - 37) & 0xFFFFFFFF, size=37))
    assert goodput([greeting, *stream], 0x1451).rate == pytest.approx(1000), "no data yet: it says who it is"
    same_second = [bytearray(datagram(0)) for _ in range(11)]
    for n, packet in enumerate(same_second):
        packet[56:60] = n.to_bytes(4)
    assert goodput([(n * 10**8, bytes(p)) for n, p in enumerate(same_second)], 5001).octets == 1000
    assert goodput([(n * 10**8, bytes(p)) for n, p in enumerate(same_second)], 5001).packets == 11


def test_goodput_by_second_is_what_came():
    """A sender that fills its socket in the first second has moved nothing yet, and a stall shows as zeros."""
    came = [(n * 10**9 // 4, segment("central", 1 + 100 * n)) for n in range(9)]
    found = goodput([*came, (6 * 10**9, segment("central", 901))], 0x1451)
    assert found.by_second(8) == [400, 400, 100, 0, 0, 0, 100, 0]
    assert sum(found.by_second(8)) == found.whole == found.octets + 100
    assert found.by_second(2) == [400, 400]


def test_what_comes_behind_a_lost_segment_is_no_goodput():
    """The tap sees segments behind a hole; the application gets none of them, until it is filled."""
    stream = [(n * 10**8, segment("central", 1 + 100 * n)) for n in range(11) if n != 4]
    assert goodput(stream, 0x1451).whole == 400
    assert goodput(stream, 0x1451).seconds == pytest.approx(0.3)
    filled = [*stream, (2 * 10**9, segment("central", 401))]
    assert goodput(filled, 0x1451).came[-1] == (2.0, 700)
    wrapped = [(n * 10**8, segment("central", (0xFFFFFF00 + 100 * n) & 0xFFFFFFFF)) for n in range(11)]
    assert goodput(wrapped, 0x1451).rate == pytest.approx(1000)


def answered_from(port, sequence, size=100):
    """A segment of a server: what iperf3 -R moves comes from its port."""
    whole = bytearray(segment("peripheral", sequence, size))
    whole[40:44] = port.to_bytes(2) + b"\xc0\x00"
    return bytes(whole)


def test_goodput_of_what_comes_from_a_port():
    stream = [(n * 10**8, answered_from(5201, 1 + 100 * n)) for n in range(11)]
    assert goodput(stream, 5201).rate == pytest.approx(1000)


def test_a_datagram_that_is_lost_behind_the_last_one_is_lost():
    """iperf3 counts the gaps between what came: of 10 datagrams, of which the last 6 are lost, it says that 1 is."""
    arrived = goodput([(n * 10**9, datagram(n, size=1000, port=5201)) for n in (0, 2, 3)], 5201)
    assert arrived.packets == 3
    air = traffic([p for n in (0, 2, 3) for p in sent("central", datagram(n, 1000), 0, 0)], DEVICES)
    told = Transfer(7200.0, lost=1, packets=10)
    text = page(
        Field(transfers=[moved(what="UDP, 8 kbit/s", transfer=told, dropped=7, air=air, arrived=arrived)])
    )
    assert "* 5.3 kbit/s arrived: 3 of 10 datagrams; 7 lost (70 %)" in text
    assert "iperf3 says that 1 were lost: it knows of none behind the last one that came" in text
    assert "(fq_codel) dropped 7; 3 were on the air" in text
    assert "Cause: the sender's own queue" in text


@pytest.mark.parametrize(("gap", "told"), [(2 * INTERVAL, True), (3 * INTERVAL, False)])
def test_a_rate_is_the_credits_where_it_is_as_they_allow(gap, told):
    every = [datagram(n, size=1000, port=5201) for n in range(40)]
    arrived = goodput([(round(n * gap * 1e9), packet) for n, packet in enumerate(every)], 5201)
    air = traffic([pdu for packet in every for pdu in sent("central", packet, 0, 0)], DEVICES)
    transfer = Transfer(0.0, lost=60, packets=100)
    text = page(Field(transfers=[moved(what="UDP", transfer=transfer, dropped=60, air=air, arrived=arrived)]))
    words = "a datagram takes 5 K-frames, and so 5 of 6 credits"
    assert (words in text and "1 of 1000 octets in 97.5 ms: 82.1 kbit/s." in text) is told
