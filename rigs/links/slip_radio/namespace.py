"""Runs a program in a network namespace of its own, with one TCP port of ours carried in to it.

    python rigs/links/slip_radio/namespace.py 127.0.0.1 60001 border-router.native -a 127.0.0.1 -p 60001 ...

Strategy: Contiki-NG's native border router must have a TUN interface, which nobody but root may make, and nobody
wants on the host. In a user and network namespace of its own anybody may make one; but there, 127.0.0.1 is another
loopback, on which nobody listens. So this program connects to the port *before* it enters the namespace (a socket
stays where it was made), listens on the same port inside, and passes octets between the two. The program keeps our
standard input and output, dies with us, and we end as it ended, so that whoever watches us sees its crash as ours.
It is a script of its own, run by path: whatever Python there is will do, and nothing of the suite is loaded.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import select
import signal
import socket
import struct
import sys
from pathlib import Path
from typing import NoReturn

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000  # sched.h
PR_SET_PDEATHSIG = 1
TUNSETIFF, IFF_TUN_NO_PI = 0x400454CA, 0x1001  # linux/if_tun.h
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


def enter_namespace() -> None:
    """Move this process into a network namespace (and, unless root may do without, a user namespace) of its own."""
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    if user == 0 and libc.unshare(CLONE_NEWNET) == 0:
        return
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"no user and network namespace can be made here: {os.strerror(number)}")
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"0 {user} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"0 {group} 1", encoding="ascii")


def raise_loopback() -> None:
    """Bring up `lo`, which is down in a fresh namespace (netdevice(7))."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        _, flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def start(command: list[str]) -> int:
    """Start `command`, to die with this process; return its pid."""
    us = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == us:
        try:
            os.execvp(command[0], command)  # noqa: S606 - no shell is the point
        except OSError as error:
            sys.stderr.write(f"{command[0]}: {error.strerror}\n")
            sys.stderr.flush()
    os._exit(127)


def carry(outside: socket.socket, listener: socket.socket, program: int) -> None:
    """Pass octets between `outside` and whoever connects to `listener`, until the program (a pidfd) ends."""
    ends: dict[socket.socket, socket.socket] = {}  # each with the one that gets what it says
    while True:
        waiting = [*ends, *(() if ends else (listener,))]
        ready = select.select([program, *waiting], [], [])[0]
        if program in ready:
            return
        if listener in ready:
            inside, _ = listener.accept()
            inside.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            ends = {outside: inside, inside: outside}
            continue
        if not all(passed_on(end, ends[end]) for end in ready):
            break  # either end closed: so does the other
    for end in ends:
        end.close()
    select.select([program], [], [])


def passed_on(end: socket.socket, other: socket.socket) -> bool:
    """Hand what came from one end to the other; False when either is closed."""
    try:
        data = end.recv(65536)
        other.sendall(data)
    except OSError:
        return False
    return bool(data)


def end_as(status: int) -> NoReturn:
    """End this process the way a child with this wait status ended."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # one core is enough
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def try_out() -> NoReturn:
    """End with status 0 if a TUN interface can be made in a namespace here, else say why not."""
    try:
        enter_namespace()
        with Path("/dev/net/tun").open("r+b", buffering=0) as device:
            fcntl.ioctl(device, TUNSETIFF, struct.pack("16sh22x", b"tun0", IFF_TUN_NO_PI))
    except OSError as error:
        sys.exit(f"no TUN interface in a network namespace: {error}")
    sys.exit(0)


def main(arguments: list[str]) -> NoReturn:
    if arguments == ["--try"]:
        try_out()
    if len(arguments) < 3 or not arguments[1].isdecimal():
        sys.exit("usage: slip_namespace.py HOST PORT COMMAND..., or --try")
    host, port, command = arguments[0], int(arguments[1]), arguments[2:]
    try:
        outside = socket.create_connection((host, port))
        outside.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        enter_namespace()
        raise_loopback()
        listener = socket.create_server((host, port), family=outside.family)
    except OSError as error:
        sys.exit(f"slip_namespace: {host}:{port}: {error}")
    pid = start(command)
    carry(outside, listener, os.pidfd_open(pid))
    end_as(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    main(sys.argv[1:])
