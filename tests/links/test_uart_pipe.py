"""Zephyr's UART pipe, against a peer that speaks it byte for byte: F0, length, PSDU without FCS."""

import socket
import time
from contextlib import closing

import pytest

from rigs.bench import Bench
from rigs.configuration.loading import load
from rigs.links.uart_pipe import link as uart_pipe
from rigs.links.uart_pipe.link import TESTER, Deframer, UartPipeLink
from rigs.model import LinkClosed, RigError
from tests.waiting import PATIENCE, received, soon

EUI64 = bytes.fromhex("0010203073531a55")
#: The first frame of a Zephyr 3.4 after its boot: an MLD report from 0010:2030:7353:1a55, as it was on the wire.
HELLO = bytes.fromhex(
    "f04741d800cdabffff551a537330201000"
    "794b00163a000502000000008f00707a0000000102000001ff020000000000000000000000000001000000000000000000000000"
    "00000000"
)
#: Data to the tester that asks for an acknowledgement (sequence number 2a), and its acknowledgement on the wire.
ASKING = bytes.fromhex("61dc2acdab020000feff5e0002551a537330201000 7a33")
ACK = bytes.fromhex("f003 02002a")
#: Data to the tester that asks for none.
PLAIN = bytes.fromhex("41dc2bcdab020000feff5e0002551a537330201000 7a33")


def wire(frame):
    return bytes([0xF0, len(frame)]) + frame


class Peer:
    """The DUT's end: what QEMU does with `-serial tcp:`."""

    def __init__(self, link):
        self.socket = socket.create_connection((link.host, link.port), timeout=PATIENCE)

    def write(self, octets):
        self.socket.sendall(octets)

    def read(self, count):
        octets = b""
        while len(octets) < count:
            piece = self.socket.recv(count - len(octets))
            assert piece, f"the link closed after {octets.hex()}"
            octets += piece
        return octets

    def close(self):
        self.socket.close()


@pytest.fixture
def link():
    with closing(UartPipeLink("127.0.0.1", 0)) as link:
        yield link


@pytest.fixture
def peer(link):
    with closing(Peer(link)) as peer:
        yield peer


def rig_file(address, *more):
    return load("zephyr-qemu", [f"tester.link=uart_pipe:{address}", "dut.console=process:true", *more]).rig


# -- the wire -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("portion", [1, 2, 7, 4096], ids=str)
def test_frames_come_whole_whatever_they_are_cut_into(portion):
    stream = HELLO + wire(PLAIN) + wire(b"\xf0" * 127)
    deframer, frames = Deframer(), []
    for at in range(0, len(stream), portion):
        frames += deframer.feed(stream[at : at + portion])
    assert frames == [HELLO[2:], PLAIN, b"\xf0" * 127]
    assert deframer.noise == 0


@pytest.mark.parametrize(
    ("noise", "octets"),
    [("424f4f54", 4), ("f0ff", 2), ("f000", 2), ("f080", 2), ("f0f0", 2)],
    ids=["text", "no-length-ff", "no-length-00", "no-length-80", "start-twice"],
)
def test_what_is_no_frame_is_passed_over_and_counted(noise, octets):
    deframer = Deframer()
    frames = deframer.feed(bytes.fromhex(noise) + wire(PLAIN))
    assert frames == [PLAIN]
    assert deframer.noise == octets


def test_a_half_frame_waits_for_the_rest():
    deframer = Deframer()
    assert deframer.feed(HELLO[:-1]) == []
    assert deframer.feed(HELLO[-1:]) == [HELLO[2:]]


# -- the link -----------------------------------------------------------------------------------------------


def test_frames_go_out_as_the_driver_reads_them(link, peer):
    for frame in (PLAIN, b"\x01", bytes(127)):
        link.send(frame)
        assert peer.read(2 + len(frame)) == wire(frame)


@pytest.mark.parametrize("length", [0, 128], ids=str)
def test_a_frame_that_the_wire_cannot_carry(link, length):
    with pytest.raises(RigError, match=f"1 to 127 octets, not {length}"):
        link.send(bytes(length))


def test_frames_are_kept_until_they_are_asked_for(link, peer):
    peer.write(HELLO + wire(PLAIN))
    assert received(link) == HELLO[2:]
    got = link.receive(soon())
    assert got is not None
    assert (got.frame, got.clock) == (PLAIN, "monotonic")
    assert got.time <= time.monotonic()


def test_silence_ends_at_the_deadline(link, peer):
    deadline = soon(0.05)
    assert link.receive(deadline) is None
    assert link.now() >= deadline


def test_the_address_is_that_of_the_first_frame(link, peer):
    peer.write(wire(bytes.fromhex("0200aa")) + wire(bytes.fromhex("0198cdab")) + HELLO + wire(PLAIN))
    assert link.dut == EUI64
    assert link.tester == TESTER


def test_the_address_may_be_another_one_behind_a_restart(link, peer):
    """Zephyr's driver draws its EUI-64 anew at each start."""
    peer.write(HELLO)
    assert link.dut == EUI64
    link.restarting()
    other = bytes([*EUI64[:-1], EUI64[-1] ^ 1])
    peer.write(HELLO.replace(EUI64[::-1], other[::-1]))
    assert link.dut == other


def test_the_address_of_the_rig_file_comes_first():
    link = UartPipeLink("127.0.0.1", 0, dut=bytes(8))
    try:
        assert link.dut == bytes(8)
        link.restarting()
        assert link.dut == bytes(8)
    finally:
        link.close()


def test_what_asks_for_it_is_acknowledged_once_for_each_time(link, peer):
    peer.write(wire(ASKING))
    assert peer.read(len(ACK)) == ACK
    peer.write(wire(ASKING) + wire(PLAIN))  # as if the ACK had been lost
    assert peer.read(len(ACK)) == ACK
    assert [received(link), received(link)] == [ASKING, PLAIN]


def test_an_acknowledgement_of_the_dut_is_no_frame_for_anybody(link, peer):
    peer.write(ACK + wire(PLAIN))
    assert received(link) == PLAIN


# -- its ends -----------------------------------------------------------------------------------------------


def test_the_dut_goes_away(link, peer):
    peer.write(wire(PLAIN))
    peer.close()
    assert received(link) == PLAIN
    with pytest.raises(LinkClosed, match="closed"):
        link.receive(soon(10))


def test_nobody_connects():
    link = UartPipeLink("127.0.0.1", 0, patience=0.05)
    try:
        with pytest.raises(LinkClosed, match=rf"nobody has connected.*-serial tcp:{link.where}"):
            link.send(PLAIN)
    finally:
        link.close()


def test_the_dut_connects_and_says_nothing():
    link = UartPipeLink("127.0.0.1", 0, patience=0.05)
    peer = Peer(link)
    try:
        with pytest.raises(RigError, match="no frame with an EUI-64"):
            assert link.dut
    finally:
        peer.close()
        link.close()


@pytest.mark.parametrize("connected", [True, False], ids=["connected", "not-connected"])
def test_closing_ends_everything(connected):
    link = UartPipeLink("127.0.0.1", 0)
    peer = Peer(link) if connected else None
    if peer is not None:
        peer.write(wire(PLAIN))
        assert received(link) == PLAIN
    link.close()
    link.close()
    with pytest.raises(LinkClosed):
        link.receive(soon(10))
    if peer is not None:
        assert peer.socket.recv(1) == b""
        peer.close()
    UartPipeLink(link.host, link.port).close()  # the port is free again


# -- the rig file -------------------------------------------------------------------------------------------


def test_it_is_opened_as_the_rig_file_says():
    rig = rig_file("localhost:0", "tester.pan=0x1234", "dut.address=0011223344556677")
    link = uart_pipe.open_link(Bench(), "localhost:0", rig)
    try:
        assert (link.host, link.pan, link.dut) == (
            "127.0.0.1",
            b"\x12\x34",
            bytes.fromhex("0011223344556677"),
        )
    finally:
        link.close()


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("127.0.0.1", "a port is missing"),
        ("127.0.0.1:x", "a port is missing"),
        ("127.0.0.1:65536", "a port is missing"),
        ("192.0.2.1:60071", "no loopback address"),
        ("nowhere:60071", "expected uart_pipe:127.0.0.1:PORT"),
    ],
)
def test_mistakes_are_told(address, message):
    rig = rig_file(address)
    with pytest.raises(RigError, match=message):
        uart_pipe.open_link(Bench(), address, rig)
    assert message in str(uart_pipe.check(rig)[0].what)


def test_the_port_is_taken(link):
    address = f"127.0.0.1:{link.port}"
    rig = rig_file(address)
    with pytest.raises(RigError, match="is another run using it"):
        uart_pipe.open_link(Bench(), address, rig)
    assert uart_pipe.check(rig)
