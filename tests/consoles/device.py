"""A scripted device: a shell on stdin and stdout that misbehaves in every way a board's shell does, on command.

Run as a program: `device.py [--echo] [--prompt TEXT] [--width COLUMNS] [--silent]
[--flood OCTETS]`. It imports nothing of the project.
"""

import os
import signal
import sys

LOG = b"[00:00:01.000,000] <inf> net: link up\r\n"


def main(words):
    echo = "--echo" in words
    prompt = (words[words.index("--prompt") + 1] if "--prompt" in words else "dev:~$ ").encode()
    if "--flood" in words:
        flood(int(words[words.index("--flood") + 1]))
    if "--silent" in words:
        prompt = b""
    width = int(words[words.index("--width") + 1]) if "--width" in words else 1000
    say(prompt)
    for line in sys.stdin.buffer:
        command = line.strip().decode()
        if echo:
            typed = line.rstrip(b"\r\n")
            say(b"\r\n".join(typed[at : at + width] for at in range(0, len(typed), width)), b"\r\n")
        if "--silent" not in words:
            answer(command, prompt)
        say(prompt)


def answer(command, prompt):
    name, _, rest = command.partition(" ")
    if name == "say":
        say(rest.encode(), b"\r\n")
    elif name == "lines":
        say(b"".join(b"line %d\r\n" % n for n in range(int(rest))))
    elif name == "colours":
        say(
            b"\x1b[1;32mgreen\x1b[0m and \x1b[31mred",
            b"\x1b[",
            b"m\x1b]0;title\x07\r\n\r\r\n  indented  \r\n",
        )
    elif name == "pieces":  # every octet by itself
        for octet in "α \x1b[31mβ\x1b[0m\r\n".encode():
            say(bytes([octet]))
    elif name == "log":
        say(b"first\r\n", LOG, b"second\r\n", LOG)
    elif name == "cut":  # a log line in the middle of a line
        say(b"fir", LOG, b"st\r\n")
    elif name == "half":  # the answer has no newline
        say(b"half")
    elif name == "late":  # something behind the prompt, and no other prompt after it
        say(b"answer\r\n", prompt, b"by the way\r\n")
        silent()
    elif name == "redraw":  # the line is erased for a log line, and drawn again
        say(b"answer\r\n", prompt, b"\x1b[8D\x1b[J", LOG)
    elif name == "flood":
        flood(int(rest))
    elif name == "silent":
        silent()
    elif name == "crash":
        say(b"text\r\n>>> ZEPHYR FATAL ERROR 0: bad news\r\nmore\r\n")
    elif name == "raise":
        os.kill(os.getpid(), int(rest))
    elif name == "exit":
        sys.exit(int(rest))
    elif name == "bits":
        say(bytes(range(128, 256)) * 2, b"\r\n")
        silent()


def say(*pieces):
    for piece in pieces:
        while piece:
            piece = piece[os.write(1, piece) :]


def silent():
    while True:
        signal.pause()


def flood(octets):
    piece = (b"x" * 79 + b"\n") * 800
    for _ in range(octets // len(piece)):
        say(piece)


if __name__ == "__main__":
    main(sys.argv[1:])
