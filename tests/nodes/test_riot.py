"""RIOT's shell, read from what releases really printed, by a scripted one that answers as they do."""

import os
import re
from ipaddress import IPv6Address

import pytest

from rigs.configuration.loading import load
from rigs.consoles.model import Console
from rigs.model import RigError, Unsupported
from rigs.nodes.riot import node as riot
from rigs.nodes.riot.node import RiotNode
from rigs.nodes.riot.text import datagrams, interfaces, packet_buffer
from tests.waiting import soon

LINK_LOCAL = IPv6Address("fe80::5eff:fe00:1").packed
GLOBAL = IPv6Address("2001:db8::5eff:fe00:1").packed
TESTER = IPv6Address("fe80::5eff:fe00:2a").packed

IFCONFIG_2026 = """\
Iface  6  HWaddr: 00:01  Channel: 26  NID: 0x23  PHY: O-QPSK
          Long HWaddr: 02:00:5E:FF:FE:00:00:01
           TX-Power: 0dBm  State: IDLE
          ACK_REQ  L2-PDU:102  MTU:1280  HL:64  RTR
          RTR_ADV  6LO  IPHC
          Source address length: 8
          Link type: wireless
          inet6 addr: fe80::5eff:fe00:1  scope: link  VAL
{addresses}          inet6 group: ff02::2
          inet6 group: ff02::1:ff00:1

          Statistics for Layer 2
            RX packets 0  bytes 0
            TX packets 3 (Multicast: 3)  bytes 121
"""
#: An Ethernet interface before the radio, as a border router has it, in the words of 2018.
IFCONFIG_2018 = """\
Iface  5   HWaddr: 02:AB:CD:EF:01:02
           MTU:1500  HL:64  RTR
           Source address length: 6
           Link type: wired
           inet6 addr: fe80::ab:cdff:feef:102  scope: local  VAL
Iface  7   HWaddr: 12:34  Channel: 11  Page: 0  NID: 0xabcd
           Long HWaddr: 79:67:35:7e:54:3e:3a:02
           TX-Power: 0dBm  State: IDLE  max. Retrans.: 3  CSMA Retries: 4
           AUTOACK  ACK_REQ  CSMA  L2-PDU:102 MTU:1280  HL:64  RTR
           6LO  RTR_ADV  IPHC
           Source address length: 8
           Link type: wireless
           inet6 addr: fe80::7b67:357e:543e:3a02  scope: local  TNT[1]
           inet6 addr: 2001:db8::1  scope: global  VAL
           inet6 group: ff02::1
"""

PKTBUF = """\
packet buffer: first byte: 0x4598c0, last byte: 0x45b0c0 (size: 6144)
  position of last byte used: 864
~ unused: 0x4598c0 (next: 0x459900, size:   32) ~
=========== chunk   0 (0x4598e0   size:   32) ===========
00000000  00  00  00  00  00  00  00  00  50  9A  45  00  00  00  00  00
00000010  5C  01  00  00  00  00  00  00  01  00  00  00  02  00  00  00
~ unused: 0x459900 (next: 0x459bb0, size:  336) ~
=========== chunk   1 (0x459a50   size:   16) ===========
00000000  60  00  00  00  01  34  3A  40  FE  80  00  00  00  00  00  00
~ unused: 0x459bb0 (next: (nil), size: 5392) ~
"""

PKTDUMP = """\
PKTDUMP: data received:
~~ SNIP  0 - size:  {size:3} byte, type: NETTYPE_UNDEF (0)
{dump}~~ SNIP  1 - size:   8 byte, type: NETTYPE_UDP (4)
   src-port:  4660  dst-port:  7778
   length: 28  cksum: 0xbd8e
~~ SNIP  2 - size:  40 byte, type: NETTYPE_IPV6 (2)
traffic class: 0x00 (ECN: 0x0, DSCP: 0x00)
flow label: 0x00000
length: 28  next header: 17  hop limit: 64
source address: fe80::5eff:fe00:2a
destination address: fe80::5eff:fe00:1
~~ SNIP  3 - size:  24 byte, type: NETTYPE_NETIF (-1)
if_pid: 7  rssi: 0  lqi: 255
flags: 0x0
src_l2addr: 02:00:5E:FF:FE:00:00:2A
dst_l2addr: 02:00:5E:FF:FE:00:00:01
~~ PKT    -  4 snips, total size:  92 byte
"""
NEWER = "Received UDP data from [fe80::5eff:fe00:2a%6]:4660\n"
BOOT = """\
RIOT native interrupts/signals initialized.
RIOT native64 board initialized.
RIOT native hardware initialization complete.

main(): This is RIOT! (Version: {version})
RIOT network stack example application
All up, running the shell now
"""


def dump(data, text=False):
    """A dump as `od_hex_dump` prints it; with `text` as the module od_string does."""
    lines = []
    for at in range(0, len(data), 16):
        row = data[at : at + 16]
        line = f"{at:08X}" + "".join(f"  {octet:02X}" for octet in row)
        if text:
            line += "    " * (16 - len(row)) + "  " + "".join(chr(o) if 32 <= o < 127 else "." for o in row)
        lines.append(line + "\n")
    return "".join(lines)


class Riot(Console):
    """A console on which a RIOT shell is scripted: echo with CR LF, answers with LF, a prompt."""

    def __init__(
        self, version="2026.07", lacks=(), room=2, ifconfig=IFCONFIG_2026, name="6", silent=False, echo=True
    ):
        super().__init__("scripted:riot")
        self.out, self.inp = os.pipe()
        self.version, self.room, self.ifconfig, self.name, self.silent = version, room, ifconfig, name, silent
        self.echo = echo
        self.older = version < "2026"
        self.commands = {
            "help",
            "ifconfig",
            "ping",
            "udp",
            "6ctx",
            "pktbuf",
            "reboot",
            "version",
            "nib",
        } - set(lacks)
        self.added, self.told, self.half = [], [], b""
        self._start()
        self.say(BOOT.format(version=version) + ("" if silent else "> "))

    def say(self, text):
        os.write(self.inp, text.encode())

    def _read(self):
        return os.read(self.out, 65536) if self._await(self.out) else b""

    def _write(self, data):
        """A receive buffer of 64 octets: what does not fit is lost. Every octet is echoed as it comes."""
        data = data[:64]
        while data and not self.silent:
            piece, end, data = data.partition(b"\n")
            self.half += piece
            if self.echo:
                self.say(piece.decode() + ("\r\n" if end else ""))
            if end:
                line, self.half = self.half.decode(), b""
                self.answer(line)

    def _release(self):
        os.close(self.out)
        os.close(self.inp)

    def answer(self, line):
        words = line.split()
        if words:
            self.told.append(line)
            if words[0] in self.commands:
                answer = getattr(self, "do_" + words[0].replace("6ctx", "sixctx"))(words[1:])
            else:
                answer = f"shell: command not found: {words[0]}\n"
            self.say(answer)
        self.say("> ")

    def do_help(self, words):
        rows = "".join(f"{command:20} what it is good for\n" for command in sorted(self.commands))
        return "Command              Description\n---------------------------------------\n" + rows

    def do_version(self, words):
        return self.version + "\n"

    def do_ifconfig(self, words):
        if words[1:2] == ["add"]:
            if words[0] != self.name:
                return "error: invalid interface given\n"
            if len(words) > 3:  # its usage tells otherwise, but "multicast" it does not take
                return "usage: ifconfig <if_id> add [anycast|multicast|unicast] <ipv6_addr>[/prefix_len]\n"
            if len(self.added) + 1 >= self.room:
                return "error: unable to add IPv6 address\n"
            self.added.append(words[2].partition("/")[0])
            return f"success: added {words[2]} to interface {words[0]}\n"
        if words[1:2] == ["del"]:
            self.added.remove(words[2])
            return f"success: removed {words[2]} to interface {words[0]}\n"
        shown = "".join(f"          inet6 addr: {a}  scope: global  VAL\n" for a in self.added)
        return self.ifconfig.format(addresses=shown)

    def do_pktbuf(self, words):
        return PKTBUF

    def do_nib(self, words):
        return ""

    def do_sixctx(self, words):
        warning = "WARNING: context dissemination by non-6LBR not supported\n"
        return warning + ("ERROR: prefix may not be ::\n" if words[2].startswith("::/") else "")

    def do_ping(self, words):
        return f"\n--- {words[-1]} PING statistics ---\n1 packets transmitted, 0 packets received, 100% packet loss\n"

    def do_udp(self, words):
        match words:
            case ["send"]:
                style = "<addr> <port>" if self.older else "[-b] <addr>:<port>"
                return f"usage: udp send {style} <data> [<num> [<delay in us>]]\n"
            case ["send", *rest]:
                return f"Success: sent {len(rest[-1])} byte(s)\n"
            case ["server", "stop"]:
                return "Success: stopped UDP server\n"
            case ["server", "start", port]:
                return f"Success: started UDP server on port {port}\n"

    def do_reboot(self, words):
        self.added.clear()
        return "\n\n\t\t!! REBOOT !!\n\n" + BOOT.format(version=self.version)


@pytest.fixture
def make():
    opened = []

    def open_one(options=None, **script):
        console = Riot(**script)
        opened.append(console)
        return RiotNode(console, boot=5, **(options or {})), console

    yield open_one
    for console in opened:
        console.close()


VERSIONS = pytest.mark.parametrize("version", ["2024.04", "2026.07"])


# -- what was printed ----------------------------------------------------------------------------------------


def test_ifconfig_of_2026():
    (found,) = interfaces(IFCONFIG_2026.format(addresses="").splitlines())
    assert found.addresses == ((LINK_LOCAL, False),)
    assert (found.name, found.sixlowpan, found.pan, found.channel) == ("6", True, 0x23, 26)
    assert found.eui64 == bytes.fromhex("02005efffe000001")


def test_ifconfig_of_2018_with_a_wired_interface_before():
    wired, radio = interfaces(IFCONFIG_2018.splitlines())
    assert (wired.name, wired.sixlowpan, wired.eui64, wired.pan) == ("5", False, b"", None)
    assert (radio.name, radio.sixlowpan, radio.pan, radio.channel) == ("7", True, 0xABCD, 11)
    assert radio.addresses == (
        (IPv6Address("fe80::7b67:357e:543e:3a02").packed, True),
        (IPv6Address("2001:db8::1").packed, False),
    )


def test_packet_buffer():
    assert packet_buffer(PKTBUF.splitlines()) == {
        "pktbuf_free": 32 + 336 + 5392,
        "pktbuf_size": 6144,
        "pktbuf_high": 864,
    }
    assert packet_buffer([]) == {"pktbuf_free": 0}


@pytest.mark.parametrize("size", [0, 1, 5, 15, 16, 17, 32, 100], ids=str)
@pytest.mark.parametrize("text", [False, True], ids=["octets", "with-text"])
def test_dumps(size, text):
    """With od_string the octets stand there as text as well, which may look like octets: "AB AB"."""
    data = (b"AB  41  42\xff" * 20)[:size]
    printed = "> " + PKTDUMP.format(size=size, dump=dump(data, text))
    assert datagrams(printed) == [(TESTER, 4660, data)]
    if size:
        assert datagrams("> " + NEWER + dump(data, text) + "> ") == [(TESTER, 4660, data)]


def test_several_dumps():
    printed = NEWER + dump(b"one") + NEWER.replace("4660", "1") + dump(b"two")
    assert datagrams(printed) == [(TESTER, 4660, b"one"), (TESTER, 1, b"two")]


def test_half_a_dump_is_none():
    assert datagrams(PKTDUMP.format(size=3, dump=dump(b"one"))[:-60]) == []


# -- the node ------------------------------------------------------------------------------------------------


@VERSIONS
def test_what_it_says_of_itself(make, version):
    node, _ = make(version=version)
    assert node.version() == version
    assert node.addresses() == (LINK_LOCAL,)
    assert node.health().state == "alive"
    assert node.counters()["pktbuf_free"] == 5760


@pytest.mark.parametrize(
    ("said", "version"),
    [("2026.10-devel-123-gc8bd5", "2026.10-devel-123-gc8bd5"), ("UNKNOWN (builddir: /x/2024.01)", "unknown")],
    ids=["devel", "none"],
)
def test_versions(make, said, version):
    assert make(version=said)[0].version() == version


def test_the_rig_file_can_tell_the_version(make):
    assert make({"version": "2025.01"}, version="buildtest")[0].version() == "2025.01"


def test_the_banner_tells_the_version_where_no_command_does(make):
    assert make(lacks=["version"])[0].version() == "2026.07"


def test_an_address(make):
    node, console = make()
    node.add_address(GLOBAL)
    node.add_address(GLOBAL)
    assert node.addresses() == (LINK_LOCAL, GLOBAL)
    assert [line for line in console.told if " add " in line] == ["ifconfig 6 add 2001:db8::5eff:fe00:1/128"]


def test_no_room_for_another_address(make):
    node, _ = make()
    node.add_address(GLOBAL)
    with pytest.raises(Unsupported, match=r"address: RIOT takes no more: error: unable.*ADDRS_NUMOF"):
        node.add_address(GLOBAL[:15] + b"\x02")


def test_a_group_is_joined(make):
    node, console = make()
    node.join(IPv6Address("ff02::beef").packed)
    assert console.told[-1] == "ifconfig 6 add ff02::beef"
    with pytest.raises(Unsupported, match=r"group: RIOT takes no more.*larger GNRC_NETIF_IPV6_GROUPS_NUMOF"):
        node.join(IPv6Address("ff02::cafe").packed)


def test_what_it_was_given_is_given_back(make):
    """But for the groups that it was a member of before."""
    node, console = make(room=3)
    group, own = (IPv6Address(address).packed for address in ("ff35:40:fd00::1", "ff02::2"))
    node.add_address(GLOBAL)
    node.join(group)
    node.join(own)
    node.remove_address(GLOBAL)
    node.leave(group)
    node.leave(own)
    assert node.addresses() == (LINK_LOCAL,)
    assert [line for line in console.told if " del " in line] == [
        "ifconfig 6 del 2001:db8::5eff:fe00:1",
        "ifconfig 6 del ff35:40:fd00::1",
    ]
    assert "ifconfig 6 add ff02::2" not in console.told


def test_contexts(make):
    node, console = make()
    node.set_context(1, IPv6Address("2001:db8:1::").packed, 64)
    node.set_context(2, IPv6Address("2001:db8:2:4000::").packed, 50, compress=False)
    node.set_context(1, b"", 0)
    node.set_context(7, b"", 0)  # it never had that one
    assert [line for line in console.told if line.startswith("6ctx")] == [
        "6ctx add 1 2001:db8:1::/64 65535",
        "6ctx add 2 2001:db8:2:4000::/50 0",
        "6ctx add 1 2001:db8:1::/64 0",
    ]


def test_a_context_that_is_refused(make):
    with pytest.raises(RigError, match="riot: context 3, ::/64: ERROR: prefix may not be ::"):
        make()[0].set_context(3, bytes(16), 64)


def test_the_default_router(make):
    node, console = make()
    node.use_router(TESTER)
    assert console.told[-1] == "nib route add 6 default fe80::5eff:fe00:2a"


def test_a_ping_keeps_the_shell_busy_until_it_is_over(make):
    node, console = make()
    node.ping(TESTER, 8, 1, 1)
    assert node.counters()
    node.ping(GLOBAL, 1000, 1, 2)
    pings = [line for line in console.told if line.startswith("ping")]
    assert pings == [
        "ping -c 1 -s 8 -W 100 fe80::5eff:fe00:2a%6",
        "ping -c 1 -s 1000 -W 100 2001:db8::5eff:fe00:1",
    ]


@pytest.mark.parametrize(
    ("version", "port", "data", "line"),
    [
        ("2026.07", 0, b"\x00\xff x", "udp send -b [fe80::5eff:fe00:2a%6]:7 00ff2078"),
        ("2024.04", 0, b"hello", "udp send fe80::5eff:fe00:2a%6 7 hello"),
        ("2024.04", 7, b"hello", "udp send fe80::5eff:fe00:2a%6 7 hello"),
    ],
    ids=["hex", "text", "same-port"],
)
def test_a_datagram_is_sent(make, version, port, data, line):
    node, console = make(version=version)
    node.udp_send(TESTER, port, 7, data)
    assert console.told[-1] == line


@pytest.mark.parametrize(
    ("version", "port", "data", "why"),
    [
        ("2026.07", 7, b"x", "chooses the source port"),
        ("2024.04", 8, b"x", "chooses the source port"),
        ("2024.04", 0, b"two words", "printable text only"),
        ("2024.04", 0, b"\xff", "printable text only"),
        ("2024.04", 0, b"x" * 120, "no 120 octets"),
        ("2026.07", 0, b"x" * 60, "no 60 octets"),
        ("2026.07", 0, b"", "no 0 octets"),
    ],
    ids=["port", "other-port", "space", "octet", "long", "long-hex", "empty"],
)
def test_a_datagram_that_the_shell_cannot_send(make, version, port, data, why):
    with pytest.raises(Unsupported, match=why):
        make(version=version)[0].udp_send(TESTER, port, 7, data)


@pytest.mark.parametrize("older", [True, False], ids=["pktdump", "udp-server"])
def test_datagrams_are_received(make, older):
    node, console = make()
    node.udp_open(7778)
    for data in (b"first", bytes(range(40))):
        said = PKTDUMP.format(size=len(data), dump=dump(data)) if older else NEWER + dump(data)
        for piece in re.findall(r"[\s\S]{1,37}", said):  # a console brings it in pieces
            console.say(piece)
    assert node.udp_receive(7778, soon(5)) == (TESTER, 4660, b"first")
    assert node.udp_receive(7778, soon(5)) == (TESTER, 4660, bytes(range(40)))
    assert node.udp_receive(7778, soon(0)) is None


def test_a_line_that_is_longer_than_the_receive_buffer(make):
    node, console = make()
    node.udp_send(TESTER, 0, 7, bytes(range(40)))
    assert console.told[-1] == "udp send -b [fe80::5eff:fe00:2a%6]:7 " + bytes(range(40)).hex()


def test_a_shell_that_echoes_nothing(make):
    node, _ = make(echo=False)
    node.add_address(GLOBAL)
    assert node.addresses() == (LINK_LOCAL, GLOBAL)


def test_one_port_at_a_time(make):
    node, console = make()
    node.udp_open(1)
    node.udp_open(2)
    assert console.told[-3:] == ["udp server start 1", "udp server stop", "udp server start 2"]
    with pytest.raises(RigError, match="UDP port 1 was not opened"):
        node.udp_receive(1, soon(0))


def test_reset(make):
    node, _ = make()
    node.add_address(GLOBAL)
    node.reset()
    assert node.addresses() == (LINK_LOCAL,)
    assert node.health().state == "alive"  # that boot was wanted


def test_a_process_is_started_anew_and_not_told_to_reboot(make, monkeypatch):
    """It would execute itself, and may end of a signal that comes meanwhile; a ping under way ends with it."""
    node, console = make(lacks=["reboot"])
    node.ping(TESTER, 8, 1, 1)
    monkeypatch.setattr(console, "restarts", True, raising=False)
    monkeypatch.setattr(console, "restart", lambda: console.say(BOOT.format(version="2026.07") + "> "))
    node.reset()
    assert (node.addresses(), node.health().state) == ((LINK_LOCAL,), "alive")
    assert "reboot" not in console.told


@pytest.mark.parametrize(
    "sign",
    [
        "sys/net/gnrc/network_layer/sixlowpan/iphc/gnrc_sixlowpan_iphc.c:1565 => FAILED ASSERTION.",
        "*** RIOT kernel panic:",
        "scheduler(): stack overflow detected, pid=4",
        "Context before hardfault:",
        "main(): This is RIOT! (Version: 2026.07)",
    ],
    ids=["assertion", "panic", "stack", "hardfault", "boot"],
)
def test_signs_of_a_crash(make, sign):
    node, console = make()
    mark = node._shell.mark()  # behind the banner of the first boot, which is no crash
    console.say(f"\n{sign}\n")
    node._shell.expect(re.escape(sign), 5, mark)
    health = node.health()
    assert (health.state, health.detail) == ("crashed", sign)
    assert sign in node.console_text()


@pytest.mark.parametrize(
    ("lacks", "act", "why"),
    [
        (
            "6ctx",
            lambda n: n.set_context(0, GLOBAL, 64),
            "no shell command '6ctx' .module shell_cmd_gnrc_six",
        ),
        ("pktbuf", lambda n: n.counters(), "'pktbuf' .module shell_cmd_gnrc_pktbuf"),
        ("udp", lambda n: n.udp_open(7), "'udp' .module shell_cmd_udp"),
        ("reboot", lambda n: n.reset(), "'reboot'"),
        ("ping", lambda n: n.ping(TESTER, 8, 1, 1), "'ping6' .module gnrc_icmpv6_echo"),
    ],
    ids=["6ctx", "pktbuf", "udp", "reboot", "ping"],
)
def test_what_a_firmware_lacks(make, lacks, act, why):
    with pytest.raises(Unsupported, match=why):
        act(make(lacks=[lacks])[0])


def test_a_shell_without_ifconfig(make):
    with pytest.raises(RigError, match=r"'ifconfig' \(module shell_cmd_gnrc_netif\); it has: .*udp"):
        make(lacks=["ifconfig"])


def test_the_interface_is_found_or_named(make):
    assert make(ifconfig=IFCONFIG_2018)[0].look().name == "7"
    assert make({"interface": "5"}, ifconfig=IFCONFIG_2018)[0].look().name == "5"
    with pytest.raises(RigError, match=r"no interface '9'; there are: 5, 7 \(dut.interface names one\)"):
        make({"interface": "9"}, ifconfig=IFCONFIG_2018)
    with pytest.raises(RigError, match="no interface with 6LoWPAN; there are: none"):
        make(ifconfig="")


def test_an_address_that_stays_tentative(make, monkeypatch):
    monkeypatch.setattr(riot, "TENTATIVE", 0.1)
    with pytest.raises(RigError, match=r"fe80::7b67:357e:543e:3a02 \(tentative\)"):
        make(ifconfig=IFCONFIG_2018)[0].addresses()


def test_a_console_without_a_shell():
    console = Riot(silent=True)
    with pytest.raises(RigError, match="no prompt '> ' within"):
        RiotNode(console, boot=0.1)
    console.close()


# -- the rig file --------------------------------------------------------------------------------------------


class Given:
    """A bench whose console is a scripted one."""

    def __init__(self, console):
        self.console = console

    def resource(self, key, factory):
        return self.console


@pytest.mark.parametrize(
    ("override", "why"),
    [
        ("tester.pan=0xabcd", "tester.pan: the node is on PAN 0x0023, the tester on 0xabcd"),
        ("tester.channel=11", "tester.channel: the node is on channel 26, the tester on 11"),
    ],
    ids=["pan", "channel"],
)
def test_a_tester_elsewhere(override, why):
    console = Riot()
    with pytest.raises(RigError, match=f"riot-zep.toml: {why}"):
        riot.open_node(Given(console), load("riot-zep", ["dut.console=process:x", override]).rig)
    console.close()


def test_a_radio_that_puts_channel_0_into_its_datagrams():
    """As RIOT 2022.07 does, which says that it is on channel 26: the rig file has the channel of the datagrams."""
    console = Riot()
    riot.open_node(Given(console), load("riot-zep", ["dut.console=process:x", "tester.channel=0"]).rig)
    console.close()


def test_options_of_the_rig_file():
    console = Riot(version="buildtest", ifconfig=IFCONFIG_2018, name="7")
    rig = load(
        "riot-zep",
        [
            "dut.console=process:x",
            "dut.version=2021.04",
            "dut.interface=7",
            "tester.pan=0xabcd",
            "tester.channel=11",
        ],
    ).rig
    node = riot.open_node(Given(console), rig)
    assert (node.version(), node.look().name) == ("2021.04", "7")
    console.close()
