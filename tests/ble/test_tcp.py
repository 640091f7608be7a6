"""One end of TCP against another, on a wire that loses, and octet by octet."""

import random
import struct

import pytest

from rigs.tcp import ACK, FIN, PSH, RST, SYN, Tcp, checked


class Wire:
    """Two ends; what one sends the other hears at once or, where `lose` says so, never."""

    def __init__(self, lose=lambda _segment: False, **settings):
        self.now, self.lose, self.sent, self._queue = 0.0, lose, [], []
        self.a = Tcp(0xC001, 0x4001, lambda s: self._queue.append((self.b, s)), start=0xFFFFFFF0, **settings)
        self.b = Tcp(0x4001, 0, lambda s: self._queue.append((self.a, s)), start=7, **settings)

    def open(self):
        self.b.listen()
        self.a.open(self.now)
        self.run()
        assert (self.a.state, self.b.state) == ("established", "established")
        return self

    def run(self, seconds=0.0):
        end = self.now + seconds
        while True:
            while self._queue:
                to, segment = self._queue.pop(0)
                self.sent.append(segment)
                if not self.lose(segment):
                    to.hear(segment, self.now)
            due = min((t for t in (self.a.due(), self.b.due()) if t is not None), default=None)
            if due is None or due > end:
                self.now = end
                return
            self.now = max(self.now, due)
            self.a.tick(self.now)
            self.b.tick(self.now)


def flags(segment):
    return segment[13]


def test_a_syn_octet_by_octet():
    """RFC 9293 §3.1: ports, sequence, acknowledgement, 6 words of header, SYN, window; §3.2: MSS 1220."""
    heard = []
    Tcp(0xC001, 0x4001, heard.append, start=1, window=4096).open(0.0)
    assert heard == [bytes.fromhex("c001 4001 00000001 00000000 60 02 1000 0000 0000 020404c4")]
    assert checked(heard[0], 0xBEEF)[16:18] == b"\xbe\xef"


@pytest.mark.parametrize("size", [1, 1219, 1220, 1221, 8192, 8193, 50_000])
def test_both_ways(size):
    wire = Wire().open()
    up, down = random.Random(size).randbytes(size), random.Random(-size).randbytes(size)
    wire.a.send(up, wire.now)
    wire.b.send(down, wire.now)
    wire.run()
    assert (bytes(wire.b.received), bytes(wire.a.received)) == (up, down)
    assert (wire.a.unacknowledged, wire.b.unacknowledged) == (0, 0)
    assert wire.a.progress[-1][1] == size
    assert all(len(s) <= 20 + 1220 for s in wire.sent)


def test_the_peers_mss_and_window_are_kept():
    wire = Wire()
    wire.b.mss, wire.b.window = 100, 250
    wire.open()
    wire.a.send(bytes(2000), 0.0)
    wire.run()
    data = [len(s) - 20 for s in wire.sent if flags(s) & PSH]
    assert max(data) == 100
    assert data[:3] == [100, 100, 50]
    assert len(wire.b.received) == 2000


@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_lost_comes_again(seed):
    draw = random.Random(seed)
    wire = Wire(lose=lambda segment: draw.random() < 0.25)
    wire.b.listen()
    wire.a.open(0.0)
    wire.run(30)
    data = draw.randbytes(9000)
    wire.a.send(data, wire.now)
    wire.b.send(data[::-1], wire.now)
    wire.run(300)
    assert (bytes(wire.b.received), bytes(wire.a.received)) == (data, data[::-1])
    assert wire.a.retransmissions + wire.b.retransmissions > 0


def test_timeouts_double_and_end():
    wire = Wire(lose=lambda segment: bool(flags(segment) & PSH)).open()
    wire.a.send(b"x", 0.0)
    times = []
    while (due := wire.a.due()) is not None:
        times.append(due)
        wire.run(due - wire.now)
    assert times == [1, 3, 7, 15, 31, 63, 127]
    assert wire.a.state == "closed"


def test_the_end():
    wire = Wire().open()
    wire.a.send(b"last words", 0.0)
    wire.a.finish(0.0)
    wire.run()
    assert (bytes(wire.b.received), wire.b.ended, wire.a.state) == (b"last words", True, "finished")
    assert any(flags(s) & FIN for s in wire.sent)


@pytest.mark.parametrize("lost", [False, True])
def test_an_aborted_connection_is_over_at_both_ends(lost):
    wire = Wire()
    wire.open()
    wire.lose = lambda segment: lost and bool(flags(segment) & PSH)
    wire.a.send(b"x", 0.0)
    wire.b.send(b"y", 0.0)
    wire.a.abort()
    wire.run(200)
    assert (wire.a.state, wire.b.state) == ("closed", "closed")
    assert wire.b.retransmissions == 0


def test_a_reset_ends_it():
    wire = Wire().open()
    wire.a.hear(struct.pack("!HHIIBBHHH", 0x4001, 0xC001, 8, 0, 0x50, RST, 0, 0, 0), 0.0)
    assert wire.a.state == "closed"


def test_a_segment_for_nobody_is_refused():
    heard = []
    end = Tcp(1, 2, heard.append)
    end.refuse(struct.pack("!HHIIBBHHH", 2, 1, 99, 0, 0x50, SYN, 0, 0, 0))
    end.refuse(struct.pack("!HHIIBBHHH", 2, 1, 99, 55, 0x50, ACK, 0, 0, 0))
    assert [(s[13], s[4:8].hex(), s[8:12].hex()) for s in heard] == [
        (RST | ACK, "00000000", "00000064"),
        (RST, "00000037", "00000063"),
    ]


@pytest.mark.parametrize(
    "segment",
    [b"", bytes(19), bytes(20), struct.pack("!HHIIBBHHH", 0x4001, 0xC001, 8, 0, 0xF0, ACK, 0, 0, 0)],
)
def test_what_is_no_segment_of_the_connection_is_ignored(segment):
    wire = Wire().open()
    wire.a.hear(segment, 0.0)
    wire.a.send(b"still", 0.0)
    wire.run()
    assert wire.b.received == b"still"
