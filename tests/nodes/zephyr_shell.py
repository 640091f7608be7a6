"""A scripted Zephyr shell on stdin and stdout: no network behind it, only the words of several releases.

Run as a program: `zephyr_shell.py [--release 2.7|3.4|4.0] [--tentative N] [--no-address] [--bare] [--pan N] [--two]
[--banner TEXT]`. It imports nothing of the project. Commands that steer it: `x fatal`, `x assert`, `x exit`, `x log`,
`x datagram HEX`.
"""

import os
import signal
import sys

WORDS = sys.argv[1:]
RELEASE = WORDS[WORDS.index("--release") + 1] if "--release" in WORDS else "3.4"
OLD, NEW = RELEASE == "2.7", RELEASE == "4.0"
NUMBER = {"2.7": "2.7.3", "3.4": "3.4.0", "4.0": "4.0.0"}[RELEASE]
BANNERS = {
    "2.7": "*** Booting Zephyr OS version 2.7.3  ***",
    "3.4": "*** Booting Zephyr OS build zephyr-v3.4.0-12-gab ***",
    "4.0": "*** Booting nRF Connect SDK v2.9.0-7787b2649840 ***\r\n*** Using Zephyr OS v4.0.0-beb733919d8d ***",
}
BANNER = WORDS[WORDS.index("--banner") + 1] if "--banner" in WORDS else BANNERS[RELEASE]
GREEN, YELLOW, PLAIN = "\x1b[1;32m", "\x1b[1;33m", "\x1b[m"
PROMPT = f"{GREEN}uart:~$ {PLAIN}"
ERASE = "\x1b[8D\x1b[J"
LOG = "[00:00:00.120,000] \x1b[0m<inf> net_config: IPv6 address: 2001:db8::1\x1b[0m\r\n"
OWN, GLOBAL, GROUP = "fe80::210:2030:73:1a55", "2001:db8::1", "ff02::1"
STATE = {
    "tentative": int(WORDS[WORDS.index("--tentative") + 1]) if "--tentative" in WORDS else 0,
    "unicast": [] if "--no-address" in WORDS else [OWN, GLOBAL],
    "multicast": [GROUP],
    "pan": int(WORDS[WORDS.index("--pan") + 1], 0) if "--pan" in WORDS else 0xABCD,
    "chan": 26,
    "ping": False,
    "udp": False,
}


def say(*texts):
    for text in texts:
        data = text.replace("\n", "\r\n").replace("\r\r", "\r").encode()
        while data:
            data = data[os.write(1, data) :]


def redrawn(text):
    """What the shell prints by the way: it erases its prompt and draws it anew."""
    say(ERASE, text, PROMPT)


def boot():
    STATE["ping"] = STATE["udp"] = False
    say("\x1bc\x1b[?7l\x1b[2J\x1b[0mSeaBIOS\n", PROMPT, ERASE, BANNER, "\n", PROMPT)
    redrawn(LOG)


def iface():
    if "--empty-once" in WORDS:  # what a log line that draws the prompt anew looks like on a slow machine
        WORDS.remove("--empty-once")
        return
    named = " eth1" if NEW else ""
    if "--two" in WORDS:
        ethernet = "(0x1e0) (Ethernet)" if NEW else "0x1e0 (Ethernet)"
        say(f"\nInterface{named} {ethernet} [1]\n=====\nLink addr : 02:00:5E:00:53:01\nMTU       : 1500\n")
    name, number = ("net0 (0x148fd0)" if NEW else "0x148fd0"), 2 if "--two" in WORDS else 1
    say(f"\nInterface {name} (IEEE 802.15.4) [{number}]\n========================================\n")
    say("Link addr : 00:10:20:30:00:73:1A:55\nMTU       : 125\nFlags     : AUTO_START,IPv6\n")
    if NEW:
        say("Device    : IEEE802154_UPIPE (0x1)\nStatus    : oper=UP, admin=UP, carrier=ON\n")
    say("IPv6 unicast addresses (max 6):\n")
    state = "tentative" if STATE["tentative"] else "preferred"
    STATE["tentative"] = max(0, STATE["tentative"] - 1)
    for address in STATE["unicast"] or ["<none>"]:
        say(f"\t{address}{'' if address == '<none>' else f' autoconf {state} infinite'}\n")
    say("IPv6 multicast addresses (max 8):\n", *(f"\t{group}\n" for group in STATE["multicast"]))
    say("\tff02::2  <not joined>\n" if NEW else "", "IPv6 prefixes (max 2):\n\t2001:db8::/64 infinite\n")
    say(
        "IPv6 hop limit           : 64\n",
        f"{YELLOW}IPv4 not supported for this interface.\n{PLAIN}" if NEW else "",
    )


def mem():
    say("Fragment length 128 bytes\nNetwork buffer pools:\n")
    if "--bare" in WORDS:
        say("Address\t\tTotal\tName\n0x148c58\t16\tRX\n")
        say("Set CONFIG_NET_BUF_POOL_USAGE to enable net_buf allocation support.\n")
        return
    say("Address\t\tTotal\tAvail\tName\n0x148c58\t16\t15\tRX\n0x148c80\t16\t16\tTX\n")
    say(
        "0x148ef8\t64\t60\tRX DATA (rx_bufs)\n0x148f40\t64\t64\tTX DATA (tx_bufs)\nNo external memory pools found.\n"
    )


def ipv6(words):
    if OLD or not words:
        say("IPv6 support                              : enabled\n")
    elif words[0] == "add":
        address = words[2]
        if address.startswith("ff") and NEW:
            STATE["multicast"].append(address)
        elif len(STATE["unicast"]) == 4:
            say(f"Failed to add {address} address to interface 0x148fd0\n")
        else:
            STATE["unicast"].append(address)
            STATE["tentative"] = 2
    elif words[0] == "del":
        STATE["unicast"].remove(words[2])
        STATE["tentative"] = 0


def ping(words):
    if OLD and "-s" in words:
        say(f"{YELLOW}Unrecognized argument: -s\n{PLAIN}")
    else:
        say(f"PING {words[-1]}\n")
        STATE["ping"] = True


def udp(words):
    if words[0] == "bind" and STATE["udp"]:
        say(f"{YELLOW}Network context already in use\n{PLAIN}")
    elif words[0] in {"bind", "close"}:
        STATE["udp"] = words[0] == "bind"
    elif STATE["udp"]:
        say(f"{YELLOW}Network context already in use\n{PLAIN}")
    else:
        say("Message sent\n")


def radio(words):
    verb, _, what = words[0].partition("_")
    key = {"pan_id": "pan", "chan": "chan"}[what]
    if verb == "set":
        STATE[key] = int(words[1], 0 if key == "pan" else 10)
    value = STATE[key]
    say(f"PAN ID {value} (0x{value:x})\n" if key == "pan" else f"Channel {value}\n")


def steer(words):
    if words[0] == "fatal":
        say(
            "[00:00:01.000,000] \x1b[1;31m<err> os: >>> ZEPHYR FATAL ERROR 0: CPU exception on CPU 0\x1b[0m\n"
        )
    elif words[0] == "assert":
        say("ASSERTION FAIL [iface] @ ZEPHYR_BASE/subsys/net/ip/route.c:630\n")
    elif words[0] == "boot":
        boot()
    elif words[0] == "log":
        redrawn(LOG)
    elif words[0] == "datagram":
        say(
            ERASE,
            "Received UDP packet: ",
            *(f"{octet:02x} " for octet in bytes.fromhex("".join(words[1:]))),
            "\n",
        )
    elif words[0] == "exit":
        sys.exit(3)


def answer(words):
    """The answer to a command; whether a prompt follows."""
    bare = "--bare" in WORDS
    if words[:2] == ["net", "iface"]:
        iface()
    elif words[:2] == ["net", "mem"]:
        mem()
    elif words[:2] == ["net", "ipv6"]:
        ipv6(words[2:])
    elif words[:2] == ["net", "ping"]:
        ping(words[2:])
        return not STATE["ping"]
    elif words[:2] == ["net", "udp"]:
        udp(words[2:])
    elif words[:1] == ["ieee802154"] and not bare:
        radio(words[1:])
    elif words[:2] == ["kernel", "version"] and not bare:
        say(f"Zephyr version {NUMBER}\n")
    elif words[:2] == ["kernel", "reboot"] and not bare:
        boot()
        if "--dies-again" in WORDS:
            say("[00:00:01.290,000] <err> os: >>> ZEPHYR FATAL ERROR 2: Stack overflow on CPU 0\n")
            signal.pause()
        return False
    elif words[:1] == ["x"]:
        steer(words[1:])
    elif words:
        say(f"{YELLOW}{words[0]}: command not found\n{PLAIN}")
    return True


def main():
    boot()
    line = ""
    while octets := os.read(0, 4096):
        for character in octets.decode():
            if STATE["ping"]:  # the shell is the ping's until Ctrl-C
                STATE["ping"] = character != "\x03"
                if not STATE["ping"]:
                    say(PROMPT)
            elif character == "\r":
                say("\n")
                if answer(line.split()):
                    say(PROMPT)
                line = ""
            else:
                say(character)
                line += character


if __name__ == "__main__":
    main()
