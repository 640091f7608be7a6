"""A scripted Contiki-NG shell on stdin and stdout: no network behind it, only the words of several releases.

Run as a program: `contiki_shell.py [--version TEXT] [--twice] [--logs] [--late] [--no-address] [--short] [--running]`.
It imports nothing of the project. Commands that steer it: `x assert`, `x overflow`, `x boot`, `x exit`, `x pong`.
"""

import sys

WORDS = sys.argv[1:]
BANNER = (
    f"Starting Contiki-NG{WORDS[WORDS.index('--version') + 1] if '--version' in WORDS else '-release/v5.0'}"
)
LOG = "[INFO: RPL       ] sending a multicast-DIO with rank 128 to ff02::1a\n"
FIRST, OWN = "0102.0304.0506.0708", "0212.4b00.0000.0001"
LEVELS = "Log levels:\n-- rpl       : 0 (None)\n-- 6lowpan   : 4 (Debug)\n"
DEAD = {
    "assert": "Assertion failed: file ../../os/net/ipv6/uip6.c, line 123.\nThe firmware will stop running\n",
    "overflow": "border-router: slip_send overflow: Resource temporarily unavailable\n",
    "boot": f"[INFO: Main      ] {BANNER}\n",
}
#: How often the address is asked for before it is the node's own: its radio has to tell it first.
STATE = {"late": 4 if "--late" in WORDS else 0}


def main():
    if "--running" not in WORDS:
        boot()
    for line in sys.stdin:
        command = line.strip()
        for _ in range(
            2 if "--twice" in WORDS else 1
        ):  # the native border router of 4.8 has two shells on one line
            answer(command)
            say(prompt())


def boot():
    say(f"[INFO: Main      ] {BANNER}\n[INFO: Main      ] - Routing: RPL Lite\n")


def mac():
    return "0001" if "--short" in WORDS else FIRST if STATE["late"] else OWN


def prompt():
    return f"#{mac()}> "


def answer(command):
    name, _, rest = command.partition(" ")
    if "--logs" in WORDS:
        say(LOG)
    if not name:
        STATE["late"] = max(0, STATE["late"] - 1)
    elif name == "ip-addr":
        say("Node IPv6 addresses:\n")
        if "--no-address" not in WORDS:
            say(
                "-- fd00::302:304:506:708\n-- fe80::302:304:506:708\n"
                if STATE["late"]
                else "-- fd00::12:4b00:0:1\n"
            )
            say("" if STATE["late"] else (LOG if "--logs" in WORDS else "") + "-- fe80::12:4b00:0:1\n")
    elif name == "ip-nbr":
        say(
            "Node IPv6 neighbors:\n-- fe80::5e01:a8f8:9ff2 <-> 0200.5e01.a8f8.9ff2, router 0, state Reachable \n"
        )
    elif name == "log":
        known = rest.split()[0] in {"6lowpan", "all"}
        say((f"Invalid first argument: {rest.split()[0]}\n" if not known else "") + LEVELS)
    elif name == "ping":
        say(f"Pinging {rest}\n")
        for line in sys.stdin:  # it takes nothing else meanwhile
            if line.strip() == "x pong":
                break
            say(f"nobody reads {line}")
        say(f"Received ping reply from {rest}, len 0, ttl 64, delay 3 ms\n")
    elif name == "reboot":
        say("rebooting\n")
        boot()
    elif command == "x exit":
        sys.exit(1)
    elif name == "x":
        say(DEAD[rest])
    else:
        say("Command not found. Type 'help' for a list of commands\n")


def say(text):
    sys.stdout.write(text)
    sys.stdout.flush()


main()
