"""The ZEP radio against a peer that speaks the protocol byte for byte, as RIOT native does."""

import os
import socket
import threading

import pytest

from rigs import registry
from rigs.bench import Bench
from rigs.configuration.loading import load
from rigs.links.zep import link as zep
from rigs.links.zep.datagram import ZepError, unwrap, wrap
from rigs.links.zep.link import ZepLink
from rigs.model import Health, LinkClosed, Node, RadioLost, RigError, Unsupported
from tests.links.zep.peer import DUT, PAN, Peer, all_received, data, out

#: As RIOT 2026.07 sent it: its first frame, a broadcast.
FIRST = bytes.fromhex(
    "455802011a53e001ffeeacef61009ea03400000000000000000000000000001f"
    "41d8d82300ffff010000feff5e00027a3b3a1a9b00091a00000102000003690000"
)[:-2]
#: And as 2024.04 did, with another CRC.
OLDER = FIRST[:-2] + bytes.fromhex("95dd")


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
    assert all_received(link, 1) == [data(4)]
    assert "1 x a frame on channel 15 (tester.channel is 26), 1 x wrong FCS" in link.passed_over()


# -- the node ------------------------------------------------------------------------------------------------


def test_a_node_that_reboots_comes_from_another_port(link, known):
    again = Peer(link)
    again.say(data(1, ask=False))
    all_received(link, 1)
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


def test_a_node_that_is_yet_to_be_told_the_pan(link, peer):
    link.tuned = True
    peer.say(data(1, dst=b"\xff\xff", pan=b"\xab\xcd"))
    link.await_node(lambda: Health("alive"))
    assert link.dut == DUT


def test_a_node_that_never_speaks(link):
    with pytest.raises(
        RigError,
        match=r"zep:\[::1\]:0: no frame from the node within .*nothing came: was the node started with this host",
    ):
        link.await_node(lambda: Health("alive"), speaks=0.01)


@pytest.mark.parametrize(
    ("fields", "said", "why"),
    [
        (
            {},
            {"channel": 11},
            r"1 x a frame on channel 11 \(tester.channel is 26\); to do: tester.channel = 11 in the rig file",
        ),
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


def test_a_node_on_another_channel_is_told_soon(link, peer):
    """It speaks: there is no reason to wait for the long start of one that does not."""
    peer.say(data(1, dst=b"\xff\xff"), channel=11)
    began = link.now()
    with pytest.raises(RigError, match=r"to do: tester\.channel = 11"):
        link.await_node(lambda: Health("alive"), speaks=3600)
    assert link.now() - began >= zep.ASTRAY


def test_a_node_that_comes_from_another_channel_is_awaited(link, peer):
    peer.say(data(1, dst=b"\xff\xff"), channel=11)
    peer.say(data(2, dst=b"\xff\xff"))
    link.await_node(lambda: Health("alive"))
    assert link.dut == DUT


def test_a_node_that_ends_before_it_spoke(link):
    with pytest.raises(RigError, match="the node crashed before it spoke: ended with status 1"):
        link.await_node(lambda: Health("crashed", "ended with status 1"))


def test_a_port_that_is_taken(link):
    with pytest.raises(
        RigError,
        match=r"the UDP port is held by process \d+ \(.*\); .*another port in tester.link and dut.console",
    ):
        ZepLink("::1", link.port, pan=PAN, channel=26)


def test_a_host_that_is_not_ours():
    with pytest.raises(RigError, match=r"zep:\[2001:db8::1\]:0: 2001:db8::1 is no address of this machine"):
        ZepLink("2001:db8::1", 0, pan=PAN, channel=26)


def test_a_closed_link_says_so(link):
    link.close()
    link.close()
    with pytest.raises(RadioLost, match="closed"):
        link.send(out(1))
    with pytest.raises(RadioLost, match="closed"):
        link.receive(link.now() + 5)


def test_a_socket_that_sends_no_more_is_the_testers_radio(link, peer, monkeypatch):
    """No DUT can bring it about: a network that went down, a filter of this host."""
    peer.say(data(1, dst=b"\xff\xff"))
    link.await_node(lambda: Health("alive"))
    monkeypatch.setattr(link, "_node", ("224.0.0.1", 9))  # of another family: the kernel refuses it
    for _ in range(2):
        with pytest.raises(RadioLost, match=r"cannot be sent to: "):
            link.send(out(1, ask=False))


def test_an_acknowledgement_that_cannot_be_sent_is_told_to_who_waits(link, peer, monkeypatch):
    peer.say(data(1, dst=b"\xff\xff"))
    link.await_node(lambda: Health("alive"))
    all_received(link, 1)
    monkeypatch.setattr(zep, "wrap", lambda *_fields: bytes(1 << 17))  # no datagram is so long
    peer.say(data(2))
    with pytest.raises(RadioLost, match="cannot be sent to: Message too long"):
        link.receive(link.now() + 60)


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
    with pytest.raises(
        RigError, match=r"riot-zep.toml: tester.link: zep:.*: expected HOST:PORT, as in zep:\[::1\]:17754"
    ):
        registry._module("open_link", "zep", rig).open_link(Bench(), address, rig)


def test_check_tells_of_a_port_that_is_taken(link):
    rig = rig_file(**{"tester.link": f"zep:[::1]:{link.port}"})
    (missing,) = registry.missing(rig)
    held = f"tester.link: zep:[::1]:{link.port}: the UDP port is held by process {os.getpid()} ("
    assert missing.what.startswith(held)
    assert missing.remedy.startswith("end it, or set another port")


def test_check_of_a_free_port_and_a_wrong_address():
    assert registry.missing(rig_file(**{"tester.link": "zep:[::1]:0"})) == []
    (missing,) = registry.missing(rig_file(**{"tester.link": "zep:17754"}))
    assert missing.remedy.startswith("expected HOST:PORT, as in zep:[::1]:17754")


def test_a_program_that_says_nothing_and_ends():
    bench = Bench()
    with pytest.raises(RigError, match=r"the node crashed before it spoke: .*status 3"):
        registry.open_link(
            bench, rig_file(**{"tester.link": "zep:[::1]:0", "dut.console": "process:sh -c 'exit 3'"})
        )
    bench.close()


class Silent(Node):
    """Speaks when it is asked to, as a node behind a terminal that ran long before the tester came."""

    def __init__(self, speak):
        self.speak = speak

    def version(self):
        return "1"

    def addresses(self):
        return ()

    def health(self):
        return Health("alive")

    def close(self):
        pass

    def ping(self, destination, size, identifier, sequence):
        assert destination == bytes.fromhex("ff02" + "00" * 13 + "01")
        self.speak()


def test_a_node_whose_first_frame_is_lost(monkeypatch):
    """It sent while nobody had the port: its socket returns that error in the place of sending the next frame."""
    master, slave = os.openpty()
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as free:
        free.bind(("::1", 0))
        port = free.getsockname()[1]
    node = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    node.connect(("::1", port))
    node.send(b"EX")
    lost = []

    def speak():
        try:
            node.send(zep.wrap(data(1, dst=b"\xff\xff"), 26, 1))
        except ConnectionRefusedError as error:
            lost.append(error)

    rig = rig_file(**{"tester.link": f"zep:[::1]:{port}", "dut.console": f"serial:{os.ttyname(slave)}"})
    bench = Bench()
    monkeypatch.setattr(zep, "UNASKED", 0.01)
    monkeypatch.setattr(registry, "open_node", lambda _bench, _rig: Silent(speak))
    try:
        assert registry.open_link(bench, rig).dut == DUT
        assert len(lost) == 1
    finally:
        bench.close()
        node.close()
        os.close(master)
        os.close(slave)


@pytest.mark.parametrize("pings", [True, False])
def test_a_node_that_ran_before_is_asked_to_speak(monkeypatch, pings):
    master, slave = os.openpty()
    rig = rig_file(**{"tester.link": "zep:[::1]:0", "dut.console": f"serial:{os.ttyname(slave)}"})
    bench, peers = Bench(), []

    def speak():
        if not pings:
            raise Unsupported("ping")
        peers.append(Peer(bench.resource("zep", list)))
        peers[0].say(data(1, dst=b"\xff\xff"))

    monkeypatch.setattr(zep, "UNASKED", 0.01)
    if not pings:
        monkeypatch.setattr(zep, "SPEAKS", 0.01)
    monkeypatch.setattr(registry, "open_node", lambda _bench, _rig: Silent(speak))
    try:
        if pings:
            assert registry.open_link(bench, rig).dut == DUT
        else:
            with pytest.raises(RigError, match="start it anew"):
                registry.open_link(bench, rig)
    finally:
        bench.close()
        os.close(master)
        os.close(slave)
