"""A RIOT shell as a console shows it, scripted from what RIOT of 2018 to 2026 printed."""

import os
from ipaddress import IPv6Address

from rigs.consoles.model import Console

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
