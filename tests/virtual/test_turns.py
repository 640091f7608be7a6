"""A guest whose time stands still while we think: the rules of turns by a scripted guest, and a real one."""

import contextlib
import shutil
import socket
import struct
import threading
import time

import pytest

from rigs.air.link import AirLink
from rigs.air.settings import AirSettings
from rigs.bench import Rig
from rigs.guests import qemu, wire
from rigs.guests.client import AgentClient
from rigs.guests.handles import TransportClosed
from rigs.guests.held import Gate
from rigs.links.memory.link import MemoryLink
from rigs.model import RigError
from rigs.registry import load
from rigs.tester import preparation

SECOND = 1_000_000_000
TAP = 7


class Guest(threading.Thread):
    """A guest of the clock's own: an order that waits on the tap's frame is answered by one a second later."""

    def __init__(self):
        super().__init__(daemon=True)
        self.gate, (self.ours, self.theirs) = Gate(), socket.socketpair()
        self.time, self.turns, self.pause = 5 * SECOND, [], threading.Event()
        self.start()

    def tell(self, kind, number, body=b""):
        self.theirs.sendall(wire.message(kind, number, body))

    def rest(self):
        self.tell(wire.HELD, 0, wire.STAMP.pack(self.time, 0))
        while True:  # as QEMU does
            with contextlib.suppress(BlockingIOError):
                self.gate.theirs.send(b"h")
                return
            self.pause.wait(0.001)

    def run(self):
        with contextlib.suppress(OSError):  # the test is over
            self.answer()

    def answer(self):
        splitter, frames, orders, replied = wire.Splitter(), 0, 0, False
        while data := self.theirs.recv(4096):
            for kind, number, body in splitter.feed(data):
                if kind == wire.SEND:
                    frames, orders = frames + 1, orders + 1
                elif kind == wire.GO:
                    until = struct.unpack("!q", body)[0]
                    self.turns.append(orders)
                    if not replied and frames and self.time + SECOND <= until:
                        frames, self.time = frames - 1, self.time + SECOND
                        self.tell(wire.FRAME, TAP, b"\0" + struct.pack("!q", self.time) + b"frame")
                    elif not replied:
                        self.time = max(self.time, until)
                    orders, replied = 0, False
                    self.rest()
                else:
                    orders, replied = orders + 1, kind != wire.TURNS
                    self.tell(wire.REPLY, number, struct.pack("!I", TAP))
                    if kind == wire.TURNS:
                        self.rest()


@pytest.fixture
def guest():
    guest = Guest()
    yield guest
    guest.ours.close()
    guest.theirs.close()
    guest.gate.close()


@pytest.fixture
def client(guest):
    client = AgentClient(guest.ours)
    client.take_turns(guest.gate)
    yield client
    client.close()


def test_time_passes_only_while_somebody_waits(guest, client):
    before = client.now()
    tap = client.open_tap("wpan0")
    assert client.now() == before, "a request takes as long as the guest says"
    tap.send(b"x")
    assert tap.receive(before + 0.5) is None
    assert client.now() == pytest.approx(before + 0.5, abs=1e-6)
    got = tap.receive(before + 1e6)
    assert (got.data, got.time_ns) == (b"frame", guest.time)
    assert client.now() == client.host_seconds(got.time_ns) == pytest.approx(before + 1.5, abs=1e-6)
    assert tap.receive(before + 3600) is None, "an hour costs nothing"
    assert client.now() == pytest.approx(before + 3600, abs=1e-6)
    assert tap.receive(float("-inf")) is None, "what is asked for at once is not waited for"


def test_many_orders_get_turns_of_their_own(guest, client):
    """The stream to a guest that stands still holds some hundred orders: nobody waits for room in it."""
    tap = client.open_tap("wpan0")
    for _ in range(1000):
        tap.send(bytes(1000))
    assert max(guest.turns) <= 51


def test_a_guest_that_ends_while_it_stands_is_told(guest, client):
    guest.gate.close()
    guest.theirs.shutdown(socket.SHUT_RDWR)
    with pytest.raises(TransportClosed):
        client.request(wire.CLOCK)


def test_such_a_guest_shares_no_air():
    link = MemoryLink("ieee802154")
    link.takes_turns = True
    with pytest.raises(RigError, match=r"dut\.clock.*shares an air with nobody"):
        AirLink({"dut": link}, AirSettings())


@pytest.mark.real
@pytest.mark.skipif(shutil.which(qemu.QEMU) is None, reason=f"{qemu.QEMU} is not here: {qemu.REMEDY}")
def test_a_real_guest_waits_for_nothing():
    with Rig.of(load("linux-802154", ["dut.clock=instructions"])) as rig:
        tester = preparation.tester_for(rig, 1)
        assert tester.control()
        assert tester.control(1232)
        before, began = rig.link.now(), time.monotonic()
        tester.listen(3600)
        assert rig.link.now() - before >= 3600
        assert time.monotonic() - began < 3600, "an hour of the guest's"
        assert tester.control(), "it lives on"
        rig.restart()
        assert rig.node.addresses()
