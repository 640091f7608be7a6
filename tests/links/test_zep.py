"""The ZEP radio against a peer that speaks the protocol byte for byte, as RIOT native does."""

import os
import queue
import socket
import struct
import subprocess
import threading
import time

import pytest

from rigs import registry
from rigs.bench import Bench
from rigs.configuration.loading import load
from rigs.links import acknowledgement
from rigs.links.acknowledgement import Acknowledger
from rigs.links.zep.link import TESTER_EUI64, ZepError, ZepLink, unwrap, wrap
from rigs.model import Health, LinkClosed, RigError
from sixlowpan import mac
from tests.links.octets import fcs
from tests.waiting import PATIENCE

DUT = bytes.fromhex("02005efffe000001")
PAN = b"\x00\x23"
#: As RIOT 2026.07 sent it: its first frame, a broadcast.
FIRST = bytes.fromhex(
    "455802011a53e001ffeeacef61009ea03400000000000000000000000000001f"
    "41d8d82300ffff010000feff5e00027a3b3a1a9b00091a00000102000003690000"
)[:-2]
#: And as 2024.04 did, with another CRC.
OLDER = FIRST[:-2] + bytes.fromhex("95dd")


class Peer:
    """A node: one UDP socket, every octet made by hand. `answer` says whether it acknowledges."""

    def __init__(self, link):
        self.link = link
        self.socket = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self.socket.bind(("::1", 0))
        self.socket.settimeout(5)

    def say(self, psdu, *, channel=26, version=2, kind=1, crc=None, length=None):
        body = psdu + (fcs(psdu) if crc is None else crc)
        header = b"EX" + bytes([version, kind, channel]) + bytes([0x12, 0x34, 1, 0xFF]) + bytes(8)
        header += struct.pack("!I", 7) + bytes(10) + bytes([len(body) if length is None else length])
        assert len(header) == 32
        self.raw(header + body)

    def raw(self, octets):
        self.socket.sendto(octets, ("::1", self.link.port))

    def hear(self):
        """(header, PSDU without FCS) of the next datagram; the FCS was right."""
        octets = self.socket.recv(2048)
        assert fcs(octets[32:-2]) == octets[-2:]
        return octets[:32], octets[32:-2]

    def acknowledge(self, frames):
        """Hear so many frames and acknowledge each, in a thread; returns what will hold them."""
        heard = []

        def work():
            for _ in range(frames):
                heard.append(self.hear()[1])
                self.say(bytes([2, 0, heard[-1][2]]))

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        return thread, heard


def data(sequence, payload=b"\x7a\x33\x3a", *, src=DUT, dst=TESTER_EUI64, ask=True, pan=PAN):
    return mac.data_frame(src, dst, pan, sequence, payload, ack_request=ask)


def out(sequence, payload=b"\x7a\x33\x3a", **fields):
    return data(sequence, payload, **{"src": TESTER_EUI64, "dst": DUT} | fields)


@pytest.fixture
def link():
    made = ZepLink("::1", 0, pan=PAN, channel=26)
    yield made
    made.close()


@pytest.fixture
def peer(link):
    made = Peer(link)
    yield made
    made.socket.close()


@pytest.fixture
def known(link, peer):
    """A peer that has spoken."""
    peer.say(data(0, dst=b"\xff\xff", ask=False))
    link.await_node(lambda: Health("alive"))
    assert link.receive(link.now() + 5)
    return peer


def received(link, count):
    return [link.receive(link.now() + 5).frame for _ in range(count)]


# -- the wire ------------------------------------------------------------------------------------------------


def test_a_datagram_of_ours(link, known):
    link.send(out(9, ask=False))
    header, psdu = known.hear()
    assert psdu == out(9, ask=False)
    assert header[:5] == b"EX\x02\x01\x1a"  # version 2, type 1 (data), channel 26
    assert header[21:31] == bytes(10)
    assert header[31] == len(psdu) + 2


def test_sequence_numbers_count_up(link, known):
    for n in range(3):
        link.send(out(n, ask=False))
    numbers = [int.from_bytes(known.hear()[0][17:21]) for _ in range(3)]
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]


@pytest.mark.parametrize("octets", [FIRST, OLDER], ids=["2026.07", "2024.04"])
def test_a_datagram_of_riot(link, peer, octets):
    """Releases from 2023.07 to 2026.04 have a CRC that is no FCS."""
    peer.raw(octets)
    assert link.receive(link.now() + 5).frame == octets[32:-2]


def test_wrap_and_unwrap_undo_each_other():
    assert unwrap(wrap(b"\x41\xd8octets", 17, 1)) == (1, 17, b"\x41\xd8octets")


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "no ZEP"),
        (b"EX", "no ZEP"),
        (b"PK" + FIRST[2:], "no ZEP"),
        (b"EX\x01" + FIRST[3:], "version 1"),
        (FIRST[:20], "of 20 octets"),
        (FIRST[:3] + b"\x02" + FIRST[4:], "type 2"),
        (FIRST[:-1], "length"),
        (FIRST[:-1] + b"\x00", "FCS"),
        (FIRST[:31] + b"\x00", "FCS"),
    ],
    ids=["empty", "two-octets", "preamble", "version", "short", "type", "length", "fcs", "no-psdu"],
)
def test_what_is_no_frame(octets, why):
    with pytest.raises(ZepError, match=why):
        unwrap(octets)


def test_nothing_of_another_channel_or_with_a_wrong_fcs_is_heard(link, peer):
    peer.say(data(1), channel=15)
    peer.say(data(2), crc=b"\x00\x00")
    peer.say(data(3), length=7)
    peer.raw(b"hello")
    peer.say(data(4))
    assert received(link, 1) == [data(4)]
    assert "1 x a frame on channel 15 (tester.channel is 26), 1 x wrong FCS" in link.passed_over()


# -- acknowledgements ----------------------------------------------------------------------------------------


def test_a_frame_is_sent_once_and_its_ack_is_no_frame(link, known):
    thread, heard = known.acknowledge(2)
    link.send(out(1))
    link.send(out(2))
    thread.join(5)
    known.say(data(9, ask=False))
    assert heard == [out(1), out(2)]
    assert received(link, 1) == [data(9, ask=False)]
    assert (link.radio.repeated, link.radio.unacknowledged) == (0, 0)


def test_the_next_frame_waits_for_the_ack(link, known):
    sent = threading.Thread(target=lambda: [link.send(out(1)), link.send(out(2))], daemon=True)
    sent.start()
    assert known.hear()[1] == out(1)
    known.say(bytes([2, 0, 77]))  # an ACK of something else
    assert known.hear()[1] == out(1)  # so it is repeated
    known.say(bytes([2, 0, 1]))
    assert known.hear()[1] == out(2)
    known.say(bytes([2, 0, 2]))
    sent.join(5)
    assert not sent.is_alive()


def test_a_frame_without_an_ack_is_sent_four_times(link, known):
    """macMaxFrameRetries is 3; and that nobody acknowledges is no error, a case sees silence."""
    link.send(out(1))
    assert [known.hear()[1] for _ in range(4)] == [out(1)] * 4
    link.send(out(2, ask=False))
    assert known.hear()[1] == out(2, ask=False)
    assert (link.radio.repeated, link.radio.unacknowledged) == (3, 1)


def test_a_deaf_node_is_not_given_four_tries_for_ever(link, known):
    for n in range(5):
        link.send(out(n))
    heard = [known.hear()[1] for _ in range(14)]
    assert [heard.count(out(n)) for n in range(5)] == [4, 4, 4, 1, 1]
    thread, _ = known.acknowledge(1)
    link.send(out(5))
    thread.join(5)
    link.send(out(6))  # it was heard again, so it gets four
    assert [known.hear()[1] for _ in range(4)] == [out(6)] * 4


def test_nothing_is_sent_to_a_node_that_is_busy():
    """RIOT 2026.07 ends in an assertion when a frame comes before it is done with the one before."""
    looks, sent = iter([True, True, False]), []
    radio = Acknowledger(lambda frame: sent.append(next(looks, "sleeps")), busy=lambda: next(looks))
    radio.send(data(1), awaits=False)
    assert sent == ["sleeps"]


def test_a_frame_that_nobody_acknowledges_waits_until_the_node_is_silent():
    """RIOT loses what comes while it sends, and it sends a datagram of many frames with pauses between them."""
    looks = []

    def busy():
        looks.append(time.monotonic())
        if len(looks) == 1:
            radio.heard(data(7, ask=False))  # the next frame of its datagram
        return len(looks) == 1

    radio = Acknowledger(lambda _frame: None, around=0.05, busy=busy)
    radio.send(data(1), awaits=False)
    assert len(looks) == 2
    assert looks[1] - looks[0] >= 0.05


def test_a_node_that_hangs_is_waited_for_once(monkeypatch):
    """Else each of a thousand frames costs a second of its time, which on a busy machine is many."""
    monkeypatch.setattr(acknowledgement, "_BUSY", 0.05)
    rests = iter([False])
    looks = []

    def busy():
        looks.append(len(sent))
        return next(rests, True) if len(sent) > 3 else True

    sent = []
    radio = Acknowledger(sent.append, busy=busy)
    for n in range(3):
        radio.send(data(n), awaits=False)
    assert (looks.count(0) > 1, looks.count(1), looks.count(2)) == (True, 1, 1)
    radio.send(data(3), awaits=False)
    radio.send(data(4), awaits=False)  # it rested
    radio.send(data(5), awaits=False)
    assert looks.count(5) > 1


def test_a_process_that_runs_is_busy(link):
    link.process = os.getpid
    assert link._node_is_busy()
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        link.process = lambda: sleeper.pid
        while link._node_is_busy():
            pass
        sleeper.kill()
    assert not link._node_is_busy()  # it is no more


def test_a_node_that_was_sending_itself_has_not_heard_us():
    """So its frame ends the wait for its ACK, long before that runs out."""
    sent = queue.SimpleQueue()
    radio = Acknowledger(sent.put, wait=600)
    sending = threading.Thread(target=radio.send, args=(out(1),), kwargs={"awaits": True}, daemon=True)
    sending.start()
    assert sent.get(timeout=PATIENCE) == out(1)
    assert radio.heard(data(7))
    assert sorted([sent.get(timeout=PATIENCE), sent.get(timeout=PATIENCE)]) == sorted([mac.ack(7), out(1)])
    assert not radio.heard(mac.ack(1))
    sending.join(5)
    assert not sending.is_alive()


@pytest.mark.parametrize(
    "frame",
    [
        out(1, dst=b"\xff\xff"),
        out(1, pan=b"\xab\xcd"),
        out(1, dst=DUT[:7] + b"\x02"),
        out(1, ask=False),
        mac.ack(1),
        b"\x21",
        b"\x61\xcc\x01",
        b"\x23\x08\x01" + PAN + b"\x01\x00",
    ],
    ids=["broadcast", "another-pan", "somebody-else", "unasked", "ack", "one-octet", "cut", "command"],
)
def test_what_is_not_for_the_dut_is_sent_once(link, known, frame):
    link.send(frame)
    link.send(out(2, ask=False))
    assert [known.hear()[1], known.hear()[1]] == [frame, out(2, ask=False)]


def test_what_the_dut_asks_for_is_acknowledged(link, known):
    known.say(data(200))
    assert known.hear()[1] == bytes([2, 0, 200])
    known.say(data(201, ask=False))
    known.say(data(202, dst=b"\xff\xff"))
    known.say(data(203, dst=b"\x12\x34"))
    assert known.hear()[1] == bytes([2, 0, 203])
    assert received(link, 4) == [
        data(200),
        data(201, ask=False),
        data(202, dst=b"\xff\xff"),
        data(203, dst=b"\x12\x34"),
    ]


def test_repetitions_are_dropped_and_acknowledged_again(link, known):
    other = DUT[:7] + b"\x09"
    for frame in (
        data(1),
        data(1),
        data(1, src=other),
        data(1),  # still the last of its source
        data(1, b"\x7a\x33\x11"),  # the same number on other octets: to be seen
        data(2),
        data(1),  # no repetition of the frame before
    ):
        known.say(frame)
        assert known.hear()[1] == bytes([2, 0, frame[2]])
    assert received(link, 5) == [data(1), data(1, src=other), data(1, b"\x7a\x33\x11"), data(2), data(1)]


def test_what_asks_for_no_ack_is_never_a_repetition(link, known):
    for _ in range(2):
        known.say(data(1, ask=False))
    assert received(link, 2) == [data(1, ask=False)] * 2


def test_frames_that_are_no_frames_are_handed_on(link, known):
    """What the DUT sent is for a case to judge, whatever it is."""
    for octets in (b"", b"\x61", b"\x07\xcc\x01", b"\x61\xcc\x01\x23"):
        known.say(octets)
    assert received(link, 4) == [b"", b"\x61", b"\x07\xcc\x01", b"\x61\xcc\x01\x23"]


# -- the node ------------------------------------------------------------------------------------------------


def test_a_node_that_reboots_comes_from_another_port(link, known):
    again = Peer(link)
    again.say(data(1, ask=False))
    received(link, 1)
    link.send(out(5, ask=False))
    assert again.hear()[1] == out(5, ask=False)
    again.socket.close()


def test_the_hello_tells_the_eui64(link, peer):
    peer.say(b"\x02\x00\x5e\xff\xfe\x00\x00\x07", kind=255, crc=b"")
    link.await_node(lambda: Health("alive"))
    assert link.dut == bytes.fromhex("02005efffe000007")


def test_the_first_frame_tells_the_eui64(link, peer):
    peer.say(data(1, src=b"\x12\x34", dst=b"\xff\xff"))
    peer.say(data(2, dst=b"\xff\xff"))
    link.await_node(lambda: Health("alive"))
    assert link.dut == DUT


def test_a_node_that_never_speaks(link):
    with pytest.raises(
        RigError,
        match=r"zep:\[::1\]:0: no frame from the node within .*nothing came: was it started with this address",
    ):
        link.await_node(lambda: Health("alive"), speaks=0.01)


@pytest.mark.parametrize(
    ("fields", "said", "why"),
    [
        ({}, {"channel": 11}, "1 x a frame on channel 11"),
        ({"pan": b"\xab\xcd"}, {}, r"1 x a frame of PAN 0xabcd \(tester.pan is 0x0023\)"),
        ({"src": b"\x12\x34"}, {}, r"set dut.address.*1 x a frame from the short address 1234"),
        ({}, {"crc": b"\x00\x01"}, "1 x wrong FCS"),
    ],
    ids=["channel", "pan", "short", "fcs"],
)
def test_a_node_that_cannot_be_heard(link, peer, fields, said, why):
    peer.say(data(1, dst=b"\xff\xff", **fields), **said)
    with pytest.raises(RigError, match=why):
        link.await_node(lambda: Health("alive"), speaks=1)


def test_a_node_that_ends_before_it_spoke(link):
    with pytest.raises(RigError, match="the node is crashed before it spoke: ended with status 1"):
        link.await_node(lambda: Health("crashed", "ended with status 1"))


def test_a_port_that_is_taken(link):
    with pytest.raises(
        RigError, match=r"cannot be bound: .*in use; .*another port in tester.link and dut.console"
    ):
        ZepLink("::1", link.port, pan=PAN, channel=26)


def test_a_host_that_is_not_ours():
    with pytest.raises(RigError, match=r"zep:\[2001:db8::1\]:0: "):
        ZepLink("2001:db8::1", 0, pan=PAN, channel=26)


def test_a_closed_link_says_so(link):
    link.close()
    link.close()
    with pytest.raises(LinkClosed, match="closed"):
        link.send(out(1))
    with pytest.raises(LinkClosed, match="closed"):
        link.receive(link.now() + 5)


def test_closing_wakes_who_waits(link):
    failed = []

    def wait():
        try:
            link.receive(link.now() + 60)
        except LinkClosed as error:
            failed.append(error)

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    link.close()
    waiting.join(10)
    assert failed


# -- rig files -----------------------------------------------------------------------------------------------


def rig_file(**overrides):
    sets = {"dut.console": "process:/bin/cat", **overrides}
    return load("riot-zep", [f"{key}={value}" for key, value in sets.items()]).rig


@pytest.mark.parametrize("address", ["", "17754", "::1:17754", "[::1]", "[::1]:99999", "host:port"])
def test_a_wrong_address(address):
    rig = rig_file()
    with pytest.raises(RigError, match=r"riot-zep.toml: tester.link: zep:.*: wanted is zep:\[::1\]:17754"):
        registry._module("open_link", "zep", rig).open_link(Bench(), address, rig)


def test_check_tells_of_a_port_that_is_taken(link):
    rig = rig_file(**{"tester.link": f"zep:[::1]:{link.port}"})
    (missing,) = registry.missing(rig)
    assert f"zep:[::1]:{link.port}: cannot be bound" in missing.what
    assert missing.remedy.startswith("end who has it")


def test_check_of_a_free_port_and_a_wrong_address():
    assert registry.missing(rig_file(**{"tester.link": "zep:[::1]:0"})) == []
    (missing,) = registry.missing(rig_file(**{"tester.link": "zep:17754"}))
    assert "wanted is zep:[::1]:17754" in missing.what


def test_a_program_that_says_nothing_and_ends():
    bench = Bench()
    with pytest.raises(RigError, match=r"the node is crashed before it spoke: .*status 3"):
        registry.open_link(
            bench, rig_file(**{"tester.link": "zep:[::1]:0", "dut.console": "process:sh -c 'exit 3'"})
        )
    bench.close()
