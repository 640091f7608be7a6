"""The SLIP radio against a peer that speaks the wire byte for byte, as Contiki-NG's native border router does."""

import re
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from rigs import registry
from rigs.bench import Bench
from rigs.configuration.loading import load
from rigs.links.slip_radio import namespace as slip_namespace
from rigs.links.slip_radio.link import SlipRadio, Unpacker, pack
from rigs.model import LinkClosed, RigError, Unsupported
from tests.waiting import PATIENCE, completed, finished, soon

#: With both octets that SLIP escapes.
DUT = bytes.fromhex("02124b00c0db0001")
TESTER = bytes.fromhex("02124b00000000aa")
#: What the native border router sent, of release 5.0: session 7, one attribute, an Echo Reply (FCS left to the radio).
FRAME = bytes.fromhex("61dc67cdabf29ff8a8015e000201000000004b12027a333a81009650315e00010e46fa510a14b557")
TRANSMIT = b"!S" + bytes.fromhex("07 01 0d 0003") + FRAME


@pytest.fixture
def link():
    radio = SlipRadio("127.0.0.1", 0, DUT, TESTER, b"\xab\xcd")
    yield radio
    radio.close()


class Peer:
    """The border router's end: octets in, octets out."""

    def __init__(self, link):
        self.line = socket.create_connection(("127.0.0.1", link.port), timeout=PATIENCE)

    def say(self, octets):
        self.line.sendall(octets)

    def hear(self):
        """The next SLIP packet as it is on the wire, END and all, passing over lone ENDs."""
        packet = b""
        while not packet.endswith(b"\xc0") or packet == b"\xc0":
            packet = b"" if packet == b"\xc0" else packet
            octet = self.line.recv(1)
            assert octet, f"the line ended behind {packet.hex()}"
            packet += octet
        return packet


@pytest.fixture
def peer(link):
    made = Peer(link)
    assert link.connected(soon(5))
    yield made
    made.line.close()


def test_it_tells_the_address_that_the_dut_asks_for(peer):
    peer.say(b"\xc0?M\xc0")
    assert peer.hear() == bytes.fromhex("214d 02124b00 dbdc dbdd 0001 c0")


@pytest.mark.parametrize("chunk", [1, 2, 7, 100], ids=str)
def test_a_frame_of_the_dut_is_heard_and_acknowledged(link, peer, chunk):
    wire = TRANSMIT + bytes.fromhex("c0")
    for start in range(0, len(wire), chunk):
        peer.say(wire[start : start + chunk])
    received = link.receive(soon())
    assert (received.frame, received.clock) == (FRAME, "monotonic")
    assert peer.hear() == b"!R" + bytes.fromhex("07 00 01 c0")


def test_every_octet_is_carried_both_ways(link, peer):
    every = b"A" + bytes(range(256))
    escaped = every.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc")
    peer.say(b"!S\x00\x00" + escaped + b"\xc0")
    assert link.receive(soon()).frame == every
    assert peer.hear() == bytes.fromhex("2152 00 00 01 c0")
    link.send(every)
    assert peer.hear() == escaped + b"\xc0"


def test_frames_come_in_order_and_outlive_the_line(link, peer):
    for number in range(20):
        peer.say(b"!S" + bytes([number, 0]) + b"A" + bytes([number]) + b"\xc0")
    peer.line.shutdown(socket.SHUT_WR)
    assert [link.receive(soon()).frame[1] for _ in range(20)] == list(range(20))
    with pytest.raises(LinkClosed, match="closed the line"):
        link.receive(soon())


@pytest.mark.parametrize("first", [0x21, 0x3F, 0x0D], ids="{:02x}".format)
def test_a_frame_that_would_be_a_message_is_not_sent(link, peer, first):
    with pytest.raises(Unsupported, match=f"begins with {first:02x}"):
        link.send(bytes([first]) + FRAME[1:])
    link.send(FRAME)
    assert peer.hear() == FRAME + b"\xc0"


def test_a_quiet_line_gets_an_end_to_wake_the_dut(peer):
    assert peer.line.recv(1) == b"\xc0"


def test_what_a_radio_has_not_is_passed_over(link, peer):
    for odd in (
        b"!V\x00\x01\x00\x0f",
        b"?V\x00\x01",
        b"!S",
        b"!S\x01\x05\x00",
        b"!S\x01\x00",
        b"\rdebug text",
        b"X" * 9000,
    ):
        peer.say(odd + b"\xc0")
    peer.say(TRANSMIT + b"\xc0")
    assert peer.hear() == b"!R\x07\x00\x01\xc0"
    assert link.receive(soon()).frame == FRAME
    assert link.receive(link.now()) is None


def test_before_the_dut_connects_the_line_is_closed(link):
    for use in (lambda: link.send(FRAME), lambda: link.receive(soon())):
        with pytest.raises(LinkClosed, match="no DUT has connected to it yet"):
            use()


def test_a_dut_that_started_anew_connects_anew(link, peer):
    peer.line.close()
    with pytest.raises(LinkClosed, match="closed the line"):
        link.receive(soon())
    again = Peer(link)
    assert link.connected(soon())
    link.send(FRAME)
    assert again.hear() == FRAME + b"\xc0"
    again.line.close()


def test_it_ends_for_whoever_waits(link, peer):
    link.close()
    link.close()
    with pytest.raises(LinkClosed, match="closed"):
        link.receive(soon())
    with pytest.raises((AssertionError, OSError)):
        peer.hear()


def test_the_packets_of_rfc_1055():
    """An escape that the RFC lacks stands for its own octet, an overlong packet is dropped, empty ones are nothing."""
    assert pack(b"\xc0\xdb\xdc") == bytes.fromhex("dbdc dbdd dc c0")
    unpacker = Unpacker()
    assert unpacker.feed(bytes.fromhex("c0c0 41 dbdc dbdd db42 c0 41")) == [bytes.fromhex("41c0db42")]
    assert unpacker.feed(b"A" * 3000 + b"\xc0B\xc0") == [b"B"]


@pytest.fixture
def rig(monkeypatch):
    monkeypatch.setenv("KEYHOLE_CONTIKI_NG", "/bin/true")
    return lambda *overrides: load("contiki-ng-native", overrides).rig


def test_the_rig_file_names_port_and_addresses(rig):
    file = rig("tester.link=slip_radio:[::1]:0", "dut.address=02124b00c0db0001", "tester.pan=0x1234")
    link = registry.open_link(Bench(), file)
    assert (link.dut, link.tester, link.pan, link.kind) == (DUT, TESTER, b"\x12\x34", "ieee802154")
    assert link.any_source
    assert not link.auto_ack
    socket.create_connection(("::1", link.port), timeout=PATIENCE).close()
    link.close()


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("tester.link=slip_radio:60001", "tester.link: slip_radio:60001: name where to listen, such as"),
        ("tester.link=slip_radio:127.0.0.1:sixty", "name where to listen"),
        ("tester.link=slip_radio:127.0.0.1:70000", "name where to listen"),
        ("dut.address=020000000001", "dut.address: expected 8 octets, as IEEE 802.15.4 has them"),
        ("tester.address=020000000001", "tester.address: expected 8 octets, as IEEE 802.15.4 has them"),
    ],
    ids=["no-host", "no-number", "too-large", "dut-address", "tester-address"],
)
def test_mistakes_are_told(rig, override, words):
    with pytest.raises(RigError, match=words):
        registry.open_link(Bench(), rig(override))


def test_a_busy_port_is_told(link):
    with pytest.raises(
        RigError, match=f"slip_radio:127.0.0.1:{link.port}: cannot listen there: Address already in use"
    ):
        SlipRadio("127.0.0.1", link.port, DUT, TESTER, b"\xab\xcd")


# -- the namespace for a peer that must have an interface of its own -----------------------------------------------

SCRIPT = str(Path(slip_namespace.__file__))
ALLOWED = subprocess.run([sys.executable, SCRIPT, "--try"], capture_output=True, check=False).returncode == 0
namespaces = pytest.mark.skipif(
    not ALLOWED, reason="no TUN interface can be made in a network namespace here"
)

#: A border router in small: asks for its address, then sends a frame; it says what interfaces it sees.
PROGRAM = """
import os, signal, socket, sys
line = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
line.sendall(b"?M\\xc0")
told = b""
while len(told) < 12:  # an address with two escapes; ENDs that wake are none of it
    told = (told + line.recv(20)).replace(b"\\xc0", b"")
print(told.hex(), *sorted(name for _, name in socket.if_nameindex()), flush=True)
line.sendall(b"!S\\x07\\x00Aframe\\xc0")
sys.stdin.readline()
exec(sys.argv[2])
"""


@pytest.fixture
def enclosed(link):
    """Start the small border router in a namespace; what it does in the end is Python."""
    started = []

    def start(end):
        command = [
            sys.executable,
            SCRIPT,
            "127.0.0.1",
            str(link.port),
            sys.executable,
            "-c",
            PROGRAM,
            str(link.port),
            end,
        ]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        finished(process)


@namespaces
def test_a_peer_in_a_namespace_reaches_the_link(link, enclosed):
    program = enclosed("pass")
    address, *interfaces = program.stdout.readline().split()
    assert bytes.fromhex(address) == b"!M" + DUT.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc")
    assert interfaces == ["lo"]
    assert link.receive(soon()).frame == b"Aframe"
    link.send(FRAME)
    finished(program, "\n")
    assert program.returncode == 0
    with pytest.raises(LinkClosed, match="the DUT"):
        link.receive(soon())


@namespaces
@pytest.mark.parametrize(
    ("end", "status"),
    [("sys.exit(3)", 3), ("os.abort()", -signal.SIGABRT), ("os.kill(os.getpid(), 9)", -signal.SIGKILL)],
    ids=["exit", "abort", "kill"],
)
def test_it_ends_as_the_peer_ended(enclosed, end, status):
    program = enclosed(end)
    finished(program, "\n")
    assert program.returncode == status


@namespaces
def test_the_peer_dies_with_it(link, enclosed):
    program = enclosed("pass")
    program.stdout.readline()
    assert link.receive(soon()).frame == b"Aframe"
    program.kill()
    with pytest.raises(LinkClosed, match="the DUT"):
        link.receive(soon())
    assert program.stdout.read() == ""  # nobody holds the other end any more


@namespaces
def test_a_program_that_is_not_there_is_told(link):
    command = [sys.executable, SCRIPT, "127.0.0.1", str(link.port), "/no/such/program"]
    done = completed(command)
    assert (done.returncode, done.stderr) == (127, "/no/such/program: No such file or directory\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [("", "usage: "), ("127.0.0.1 x true", "usage: "), ("127.0.0.1 1 true", "127.0.0.1:1: .*refused")],
    ids=["nothing", "no-port", "nobody-listens"],
)
def test_a_wrong_command_line_is_told(arguments, words):
    command = [sys.executable, SCRIPT, *shlex.split(arguments)]
    done = completed(command)
    assert done.returncode == 1
    assert re.search(words, done.stderr)
