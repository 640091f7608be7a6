"""A program of `rigs.links.forking`: says what it was prepared with, and ends as it is told to."""

import os
import signal
import socket
import sys
import time


def prepare(*words: str) -> list[str]:
    return [str(os.getpid()), *words]


def work(prepared: list[str], sock: socket.socket, how: str) -> None:
    sock.send(" ".join([*prepared, str(os.getppid()), str(os.getpgrp())]).encode())
    prepared.append("spoilt")
    order = sock.recv(100).decode() or how
    if order == "exit":
        sys.exit("no more")
    if order == "raise":
        raise ValueError("what nobody expects")
    if order == "abort":
        os.kill(os.getpid(), signal.SIGABRT)
    while order == "hang":
        time.sleep(60)
