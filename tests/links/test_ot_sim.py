"""The simulated air of OpenThread, against a peer that speaks it byte for byte: datagrams, ACKs, MAC security."""

import socket
import threading

import pytest

from rigs import registry
from rigs.bench import Bench
from rigs.configuration.loading import load
from rigs.links.ot_security import link as ot_security
from rigs.links.ot_security.link import OVERHEAD, SecuredLink, Security
from rigs.links.ot_sim.link import PORTS, Ether, OtSimLink
from rigs.model import RadioLost, RigError
from sixlowpan import mac
from sixlowpan.security import SecurityError, thread_mac_key
from tests.links.octets import fcs
from tests.links.ot_sim_peer import GROUP, Peer
from tests.waiting import soon

KEY = bytes.fromhex("4b6579686f6c654b6579686f6c654b65")
PAN = b"\xab\xcd"
DUT = "010000feff5e0002"  # as on the air, least significant octet first
TESTER = "020000feff5e0002"
#: An Echo Reply as an OpenThread node sent it under KEY (frame counter 0, key index 1), and what it stands for.
SECURED = bytes.fromhex(
    f"69dcd8cdab{TESTER}{DUT}0d0000000001" + "54cd308580352690b48d58534a39cdb512522adde01813"
)
PLAIN = bytes.fromhex(f"61dcd8cdab{TESTER}{DUT}7a333a8100c8ad07ad0001d19b0a0883c297ed")


@pytest.fixture
def base():
    """A port B such that B + 1, B + 33, B + 34 and B + 67 are free here: another run of these tests has others."""
    for candidate in range(20034, 60000, 102):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("127.0.0.1", candidate + 1))
            except OSError:
                continue
            return candidate
    raise AssertionError("no port is free")


@pytest.fixture
def peer(base):
    peer = Peer(base, base)
    yield peer
    peer.close()


@pytest.fixture
def make(base):
    links = []

    def made(**options):
        ether = Ether(**({"ports": (base,), "wait": 0.2} | options))
        links.append(OtSimLink(ether, channel=26, pan=PAN))
        return links[-1]

    yield made
    for link in links:
        link.close()


def test_a_frame_goes_out_as_channel_psdu_and_fcs(make, peer):
    make().send(bytes.fromhex(f"01c807ffffffff{TESTER}7b3b3a1a9b"))
    assert peer.hear() == bytes.fromhex(f"1a01c807ffffffff{TESTER}7b3b3a1a9b") + fcs(
        bytes.fromhex(f"01c807ffffffff{TESTER}7b3b3a1a9b")
    )


def test_a_frame_comes_in_without_fcs(make, peer):
    link = make()
    peer.say(PLAIN)
    received = link.receive(soon())
    assert received.frame == PLAIN
    assert received.clock == "monotonic"


def test_what_asks_for_it_is_acknowledged(make, peer):
    link = make()
    peer.say(PLAIN)
    assert link.receive(soon()).frame == PLAIN
    assert peer.hear() == bytes.fromhex("1a0200d8") + fcs(bytes.fromhex("0200d8"))


def test_what_does_not_ask_and_what_is_for_the_dut_is_not_acknowledged(make, peer):
    link = make()
    peer.say(bytes.fromhex(f"41dc01cdab{TESTER}{DUT}7a"))
    peer.say(bytes.fromhex(f"61dc02cdab{DUT}{TESTER}7a"))
    peer.say(bytes.fromhex(f"61dc03cdab{TESTER}{DUT}7a"))
    assert [link.receive(soon()).frame[2] for _ in range(3)] == [1, 2, 3]
    assert peer.hear()[1:4] == bytes.fromhex("020003")


def test_a_frame_that_came_twice_is_shown_once_and_acknowledged_twice(make, peer):
    link = make()
    peer.say(PLAIN)
    peer.say(PLAIN)
    peer.say(PLAIN[:2] + b"\xd9" + PLAIN[3:])
    assert [link.receive(soon()).frame[2] for _ in range(2)] == [0xD8, 0xD9]
    assert [peer.hear()[3] for _ in range(3)] == [0xD8, 0xD8, 0xD9]


def test_a_frame_is_sent_until_it_is_acknowledged(make, peer):
    link, frame = make(wait=0.05, retries=2), bytes.fromhex(f"61cc05cdab{DUT}{TESTER}7a")
    link.send(frame)  # nobody answers: given up without an error, silence is for the suites to judge
    assert [peer.hear()[1:-2] for _ in range(3)] == [frame] * 3
    assert link.radio.unacknowledged == 1
    assert peer.hear(0.1) is None


def test_an_acknowledgement_ends_the_retries(make, base):
    link, frame = make(wait=5.0), bytes.fromhex(f"61cc05cdab{DUT}{TESTER}7a")
    peer = Peer(base, base)
    thread = threading.Thread(target=lambda: (peer.hear(), peer.say(bytes.fromhex("020005"))))
    thread.start()
    link.send(frame)
    thread.join()
    assert link.radio.unacknowledged == 0
    assert link.radio.repeated == 0
    peer.close()


def test_what_no_radio_hears_is_passed_over(make, peer):
    link = make()
    peer.say(PLAIN, channel=25)
    peer.say(PLAIN, check=b"\0\0")
    peer.say(b"")
    link.send(bytes.fromhex(f"01c807ffffffff{TESTER}7b"))  # its own voice, which multicast brings back
    peer.say(PLAIN[:2] + b"\x77" + PLAIN[3:])
    assert link.receive(soon()).frame[2] == 0x77
    assert link.receive(soon(0)) is None


def test_older_versions_are_found_at_their_port(make, base):
    """The group's port is 34 higher there; once the DUT was heard, nothing is sent to the other one."""
    link, peer, stranger = (
        make(ports=(base, base + 34)),
        Peer(base, base + 34),
        Peer(base + 34, base),
    )
    hello = bytes.fromhex(f"01c807ffffffff{TESTER}7b")
    link.send(hello)
    assert peer.hear()[1:-2] == hello
    assert stranger.hear()[1:-2] == hello
    peer.say(PLAIN)
    assert link.receive(soon()).frame == PLAIN
    stranger.say(PLAIN[:2] + b"\x01" + PLAIN[3:])
    link.send(hello)
    assert [peer.hear()[1:3] for _ in range(2)] == [b"\x02\x00", hello[:2]]
    assert stranger.hear(0.2) is None
    assert link.receive(soon(0)) is None
    peer.close()
    stranger.close()


def test_a_closed_link_says_so(make):
    link = make()
    link.close()
    link.close()
    with pytest.raises(RadioLost, match="ot_sim: closed"):
        link.receive(soon())
    with pytest.raises(RadioLost, match="ot_sim: closed"):
        link.send(PLAIN)


def test_a_socket_that_sends_no_more_is_the_testers_radio(make):
    link = make()
    for _ in range(2):
        with pytest.raises(
            RadioLost, match=r"ot_sim: cannot be sent to 224\.0\.0\.116:\d+: Message too long"
        ):
            link.send(bytes(1 << 17))


def test_frames_on_another_channel_are_told(make, peer):
    link = make()
    peer.say(PLAIN, channel=11)
    peer.say(PLAIN)
    assert link.receive(soon()).frame == PLAIN
    assert link.passed_over() == "1 x a frame on channel 11 (tester.channel is 26)"


# -- MAC security --------------------------------------------------------------------------------------------


def test_the_mac_key_is_the_second_half():
    """Thread 1.1 §7.1.4: HMAC-SHA256 over the key sequence and "Thread"."""
    assert thread_mac_key(KEY, 0) != thread_mac_key(KEY, 1)
    assert len(thread_mac_key(KEY, 0)) == 16


def test_a_secured_frame_is_opened_and_made():
    assert Security(KEY).unprotect(SECURED) == PLAIN
    assert Security(KEY).protect(PLAIN, 1) == SECURED
    assert Security(KEY).unprotect(PLAIN) == PLAIN
    assert len(SECURED) - len(PLAIN) == OVERHEAD[1]


def test_each_frame_has_its_own_counter():
    security = Security(KEY)
    frames = [security.protect(PLAIN, 1) for _ in range(3)]
    assert [f[22:26].hex() for f in frames] == ["00000000", "01000000", "02000000"]
    assert [Security(KEY).unprotect(f) for f in frames] == [PLAIN] * 3


def test_a_key_sequence_is_told_by_its_index():
    frame = Security(KEY, sequence=5).protect(PLAIN, 1)
    assert frame[26] == 6
    assert Security(KEY).unprotect(frame) == PLAIN


def test_a_short_source_is_opened_with_its_extended_address():
    short = bytes.fromhex(f"419c01cdab{TESTER}0100" + "7a333a81")
    security = Security(KEY, extended={b"\x00\x01": bytes.fromhex(DUT)[::-1]})
    assert security.unprotect(security.protect(short, 1)) == short
    with pytest.raises(SecurityError, match="source 0001"):
        Security(KEY).unprotect(security.protect(short, 1))


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (SECURED[:-1] + bytes([SECURED[-1] ^ 1]), "integrity code does not hold"),
        (SECURED[:2] + b"\xd9" + SECURED[3:], "integrity code does not hold"),
        (SECURED[:21] + b"\x05" + SECURED[22:], "key id mode 0"),
        (SECURED[:21] + b"\x15" + SECURED[22:], "key id mode 2"),
        (SECURED[:21] + b"\x0c" + SECURED[22:], "security level 4"),
        (SECURED[:24], "no MAC header"),
    ],
    ids=["mic", "header", "key-id-mode", "key-source", "level", "cut"],
)
def test_what_cannot_be_opened(frame, why):
    with pytest.raises(SecurityError, match=why):
        Security(KEY).unprotect(frame)


def test_a_link_with_security_shows_plain_frames(make, peer):
    link = SecuredLink(make(), Security(KEY))
    peer.say(SECURED)
    peer.say(SECURED[:2] + b"\x01" + SECURED[3:])  # cannot be opened: shown as it came, for the evidence
    assert link.receive(soon()).frame == PLAIN
    assert link.receive(soon()).frame == SECURED[:2] + b"\x01" + SECURED[3:]
    link.send(PLAIN[:1].replace(b"\x61", b"\x41") + PLAIN[1:])
    assert peer.hear()[1:4] == bytes.fromhex("0200d8")
    assert peer.hear()[22:3:-1]
    assert link.mtu == 125


def test_the_tester_secures_its_own_when_it_is_told_to(make, peer):
    link = SecuredLink(make(retries=0, wait=0), Security(KEY), 1)
    link.send(PLAIN)
    assert peer.hear()[1:-2] == SECURED
    link.send(b"\x07\xff")  # no frame at all goes out as it is
    assert peer.hear()[1:-2] == b"\x07\xff"
    assert link.mtu == 125 - OVERHEAD[1]


def test_the_well_known_key_needs_no_network():
    """Key id mode 2: the same for every network key and every sender."""
    frame = Security(KEY).protect(PLAIN, 2)
    assert frame[21:31].hex() == "15" + "00000000" + "ffffffffff"
    assert Security(bytes(16)).unprotect(frame) == PLAIN
    assert len(frame) - len(PLAIN) == OVERHEAD[2]
    with pytest.raises(SecurityError, match="does not hold"):
        Security(KEY).unprotect(frame[:-1] + bytes([frame[-1] ^ 1]))


def answering(peer, takes, heard):
    """A node that answers frames whose security control is in `takes`, none if it is plain."""
    while (datagram := peer.hear(2.0)) is not None:
        frame = datagram[1:-2]
        if frame[0] & 7 == 2:  # an acknowledgement of what it said
            continue
        heard.append(frame[21] if frame[0] & 8 else None)
        if heard[-1] in takes:
            peer.say(SECURED)


@pytest.mark.parametrize(
    ("takes", "mode", "heard"),
    [({None, 0x15}, 0, [None]), ({0x15}, 2, [None, 0x15]), ({}, 0, [None, 0x15] * ot_security._PROBES)],
    ids=["plain", "secured", "deaf"],
)
def test_a_probe_finds_what_the_dut_takes(make, peer, monkeypatch, takes, mode, heard):
    monkeypatch.setattr(ot_security, "_PROBE", 0.3)
    link, seen = SecuredLink(make(retries=0, wait=0), Security(KEY)), []
    thread = threading.Thread(target=answering, args=(peer, takes, seen))
    thread.start()
    assert link.probe() == bool(takes)
    link.close()
    thread.join()
    assert link.mode == mode
    assert link.mtu == 125 - OVERHEAD[mode]
    assert seen == heard


def test_what_a_rig_file_says_is_not_probed(make, peer):
    link = SecuredLink(make(), Security(KEY), 1)
    assert link.probe()
    assert link.mode == 1
    assert peer.hear(0.1) is None


def test_the_successor_of_a_child_counts_on(make, peer):
    """Frames under the key of the network, with counters that the child itself has not used, from its address only."""
    link = SecuredLink(make(retries=0, wait=0), Security(KEY))
    assert link.any_source
    link.become_child()
    assert (link.mode, link.any_source) == (1, False)
    for count in range(2):
        link.send(mac.data_frame(link.tester, link.dut, PAN, count, b"\x41"))
        header, _ = mac.parse(peer.hear(5)[1:-2])
        assert (header.security_control, header.frame_counter) == (0x0D, 50_000 + count)


# -- what a rig file says -------------------------------------------------------------------------------------


@pytest.fixture
def rig(tmp_path, base):
    (tmp_path / "p.toml").write_text(
        'schema = 1\nstack = "OpenThread"\nlink = "ieee802154"\nabilities = ["echo"]\n'
    )
    path = tmp_path / "r.toml"
    path.write_text(
        f'schema = 1\nprofile = "./p.toml"\n[tester]\nlink = "ot_sim:{GROUP}:{base}"\npan = 0xabcd\n'
        f'[dut]\nnode = "openthread"\nconsole = "process:true"\nnetworkkey = "{KEY.hex()}"\n'
    )
    return lambda *overrides: load(str(path), overrides).rig


def test_a_rig_file_opens_it_with_its_key(rig, peer):
    bench = Bench()
    link = registry.open_link(bench, rig())
    peer.say(SECURED)
    assert link.receive(soon()).frame == PLAIN
    link.close()


def test_security_around_another_link(rig, peer, base):
    link = registry.open_link(Bench(), rig(f"tester.link=ot_security:ot_sim:{GROUP}:{base}"))
    peer.say(SECURED)
    assert link.receive(soon()).frame == PLAIN
    link.close()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("tester.link=ot_sim:?interface=192.0.2.1", "no loopback address"),
        ("tester.link=ot_sim:192.0.2.1", "no multicast group"),
        ("tester.link=ot_sim:?secure=yes", "secure=yes: there are: 0, 1, 2"),
        ("tester.link=ot_sim:?nodes=2", "'nodes' is no option; there are: interface, node, retries"),
        ("tester.link=ot_sim:224.0.0.116:port", "invalid literal"),
        ("dut.networkkey=abc", "dut.networkkey: 'abc' is not a network key: expected 32 hex digits"),
        ("tester.link=ot_security:", "name the link inside"),
    ],
    ids=["interface", "group", "secure", "option", "port", "key", "inside"],
)
def test_mistakes(rig, override, message):
    with pytest.raises(RigError, match=message) as caught:
        registry.open_link(Bench(), rig(override))
    assert "r.toml" in str(caught.value)


def test_a_second_tester_is_told_what_to_do(rig, make, peer):
    del peer
    make()
    with pytest.raises(RigError, match=r"node 33 cannot be taken.*PORT_OFFSET"):
        registry.open_link(Bench(), rig())


def test_the_default_is_both_ports():
    assert Ether.parse("").ports == PORTS == (9000, 9034)
    assert Ether.parse("224.0.0.117:9068?node=32&retries=0&wait=1.5&secure=1") == Ether(
        "224.0.0.117", (9068,), 32, "127.0.0.1", 0, 1.5, 1
    )
