"""A scripted OpenThread CLI on stdin and stdout: no network behind it, only the words of several versions.

Run as a program: `openthread_cli.py [--old] [--no-echo] [--no-prompt] [--zephyr] [--logs] [--dead] [--taken]
[--refuses WORD] [--slow LINES] [--stalls LINES]`. It imports nothing of the project. Commands that steer it: `x crash`,
`x reboot`, `x datagram HEX`, `x key`, `x unsecure`, `x exit`. Its Thread takes one look at `state` until it has its
role, which is that of a leader with a dataset of its own and of a child with one that it was given.
"""

import sys
import threading

WORDS = sys.argv[1:]
OLD = "--old" in WORDS
#: How many lines it reads before it says anything, and then all at once; empty once it has.
STALLED = [int(WORDS[WORDS.index("--stalls") + 1])] if "--stalls" in WORDS else []
PROMPT = "uart:~$ " if "--zephyr" in WORDS else "" if "--no-prompt" in WORDS else "> "
LOG = "[I] Mle-----------: a line of the log\r\n"
FRESH = {"channel": "11", "panid": "0xffff", "extaddr": "1122334455667788", "key": "00" * 16, "up": False}
DATASET = "0e08000000000001000035060004001fffe00208"
ATTACHED = {"thread": "disabled", "dataset": "", "mode": "rdn", "childtimeout": "240", "unsecure": ""}


def main():
    state = dict(FRESH, **ATTACHED, groups={"ff02:0:0:0:0:0:0:1"}, port=None, open=False, pinging=False)
    if "--taken" in WORDS:
        say("bind(TxFd): Address already in use\n")
        sys.exit(1)
    say(PROMPT)
    for number, line in enumerate(sys.stdin):
        command = line.strip()
        if STALLED and number + 1 == STALLED[0]:
            STALLED.clear()
        if "--slow" in WORDS:  # its machine is busy, most of all as it starts
            threading.Event().wait(1.2 if number < int(WORDS[WORDS.index("--slow") + 1]) else 0.1)
        if "--dead" in WORDS:
            continue
        if "--no-echo" not in WORDS:
            say(command + "\r\n")
        if {"--slow", "--stalls"} & {*WORDS} and command.startswith(("ot ", "unsecureport")):
            say("Error 35: InvalidCommand\r\n" + PROMPT)
            continue
        if "--zephyr" in WORDS and command and not command.startswith(("ot ", "x ")):
            say(f"{command}: command not found\r\n" + PROMPT)
            continue
        command = command.removeprefix("ot ")
        if "--logs" in WORDS:
            say(LOG)
        if command.startswith("x "):
            steer(command[2:], state)
        elif command in {"reset", "factoryreset"}:
            state.update(FRESH, **ATTACHED, open=False, port=None)
        elif command:
            answer(command.split(), state)
        say(PROMPT)


def steer(command, state):
    name, _, rest = command.partition(" ")
    if name == "crash":
        say("Assertion `mState == kStateIdle' failed at mac.cpp:12\r\n")
    elif name == "reboot":
        state.update(FRESH)
    elif name in {"key", "unsecure"}:
        say(f"{state[name]}\r\nDone\r\n")
    elif name == "exit":
        sys.exit(3)
    elif name == "datagram":
        data = bytes.fromhex(rest)
        say(f"{len(data)} bytes from fe80:0:0:0:0:0:0:2 4660 ")
        sys.stdout.buffer.write(data.partition(b"\0")[0])
        say("\r\n")


def answer(words, state):
    name, rest = words[0], words[1:]
    lines, error = [], None
    if "--refuses" in WORDS and WORDS[WORDS.index("--refuses") + 1] == name:
        error = "7: InvalidArgs"
    elif name == "version":
        lines = (
            ["134"]
            if rest == ["api"] and not OLD
            else ["OPENTHREAD/thread-reference-20170716-4162; SIM; today"]
        )
    elif name in {"channel", "panid", "extaddr"}:
        if rest and state["up"]:
            error = "13: InvalidState"
        elif rest:
            state[name] = rest[0]
        else:
            lines = [state[name]]
    elif name == ("masterkey" if OLD else "networkkey"):
        state["key"] = rest[0]
    elif name == "unsecureport":
        state["unsecure"] = " ".join(rest)
    elif name == "thread":
        state["thread"] = "disabled" if rest == ["stop"] else "detached"
    elif name == "state":
        lines = [state["thread"]]
        if state["thread"] == "detached":
            state["thread"] = "leader" if state["dataset"] == "new" else "child"
    elif name == "dataset":
        lines, state["dataset"] = dataset(rest, state["dataset"])
    elif name in {"mode", "childtimeout"}:
        lines, state[name] = ([], rest[0]) if rest else ([state[name]], state[name])
    elif name == "ifconfig":
        lines = [] if rest else ["up" if state["up"] else "down"]
        state["up"] = rest == ["up"] or (state["up"] and not rest)
    elif name == "ipaddr":
        if rest:
            error = "7: InvalidArgs" if rest[1].startswith("fe80") else None
        elif state["up"]:
            octets = bytearray.fromhex(state["extaddr"])
            octets[0] ^= 2
            iid = ":".join(f"{octets[i] << 8 | octets[i + 1]:x}" for i in range(0, 8, 2))
            lines = ["fdde:ad00:beef:0:1:2:3:4", f"fe80:0:0:0:{iid}"]
    elif name == "ipmaddr":
        error = "24: Already" if rest[1] in state["groups"] else None
        state["groups"].add(rest[1])
    elif name == "ping":
        return ping(rest, state)
    elif name == "udp":
        error = udp(rest, state)
    elif name == "bufferinfo":
        lines = ["total: 44", "free: 40", "6lo reas: 1 3"]
    elif name == "counters":
        lines = ["TxTotal: 12", "    TxUnicast: 7"]
    else:
        error = "35: InvalidCommand"
    return say("".join(f"{line}\r\n" for line in lines) + (f"Error {error}\r\n" if error else "Done\r\n"))


def dataset(rest, has):
    """The lines and the dataset that there is then: "new", or what was set."""
    if rest == ["active", "-x"]:
        return [DATASET], has
    return [], "new" if rest[0] == "init" else rest[2] if rest[0] == "set" else has


def ping(rest, state):
    if rest == ["stop"]:
        was, state["pinging"] = state["pinging"], False
        if was and OLD:  # the ping ends as well
            say("1 packets transmitted, 0 packets received. Packet loss = 100.0%.\r\nDone\r\n")
        return say("Done\r\n" if was else "Error 13: InvalidState\r\n")
    if rest[0] == "async" and OLD:
        return say("Error 6: Parse\r\n")
    if state["pinging"]:
        return say("Error 5: Busy\r\n")
    state["pinging"] = True
    return None if OLD else say("Done\r\n")


def udp(rest, state):
    if rest[0] == "open":
        error = "24: Already" if state["open"] else None
        state["open"] = True
        return error
    if rest[0] == "close":
        state.update(open=False, port=None)
        return None
    if not state["open"]:
        return "13: InvalidState"
    if rest[0] == "bind":
        state["port"] = rest[2]
    elif rest[0] == "send":
        say(f"sent from {state['port']}: {' '.join(rest[1:])}\r\n")
    return None


def say(text):
    sys.stdout.buffer.write(text.encode())
    if not STALLED:
        sys.stdout.buffer.flush()


main()
