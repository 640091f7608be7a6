"""One QEMU process: started, watched, ended, and never left behind.

Strategy: the guest has no disk, no network and no display; all it has is a serial console, which goes to a file, and
virtio-serial ports, each of which is one end of a socket pair that QEMU inherits. A socket pair has no name, so there
is no path to be too long, no moment at which nobody listens, and its end of file means that QEMU is gone. Whatever
kills the guest's kernel ends QEMU too (`oops=panic panic=-1 -no-reboot`), so that a crash is seen at once. `status`
tells a crash (the console says so) from a process that was ended from outside (a signal, and a console without a
word of it): the first is the DUT's fault, the second the rig's.

    with Guest(image, accel="tcg") as guest:
        client = AgentClient(guest.port("agent"))

Most callers want `rigs.guests.boot.boot`, which also finds image and accelerator and waits for the agent.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rigs.guests import packages, processes, uart
from rigs.guests.held import Gate
from rigs.guests.image import Image
from rigs.guests.running import Running

QEMU = "qemu-system-x86_64"
REMEDY = "install it (Debian: apt-get install qemu-system-x86) or name it in KEYHOLE_QEMU"
Accelerator = Literal["kvm", "tcg"]

#: What a dying kernel prints. A warning (`WARNING: CPU:`) or an RCU stall under a busy host is not among them.
_CRASH = re.compile(
    r"Kernel panic|Oops\b|\bBUG:|kernel BUG at|KASAN|general protection fault|Unable to handle kernel"
    r"|stack-protector|double fault|refcount_t: (?:underflow|saturated|addition on 0)"
)
#: A host that was suspended or is very busy looks like a lockup to the guest, whatever the threshold: the guest does
#: not look for any. A kernel that really spins answers nothing, and that is seen from outside. That ciphers try
#: themselves at the start is a fifth of what a guest with Bluetooth takes to boot.
_KERNEL_ARGUMENTS = (
    "console=ttyS0 quiet oops=panic panic=-1 panic_print=0 mitigations=off random.trust_cpu=on nokaslr norandmaps "
    "no_timer_check tsc=reliable nosoftlockup cryptomgr.notests"
)


#: Under plain emulation the clock is the HPET, which is QEMU's own: the kernel measures the time stamp counter against
#: an emulated PIT, and on a busy host got a clock that was twelve times too fast (169 MHz for 2100).
_CLOCK = {"kvm": "", "tcg": " clocksource=hpet"}
#: rdrand spares the kernel a second of waiting for randomness; the default translation cache would take up to 1 GiB.
_CPU = {
    "kvm": ("-accel", "kvm", "-cpu", "host"),
    "tcg": ("-accel", "tcg,tb-size=64", "-cpu", "qemu64,+rdrand"),
}


#: The guest's driver spins until what it wrote is taken: at once, by the thread that emulates the CPU, and not by
#: another one that needs a CPU of its own for it.
_PORTS = "virtio-serial-pci,max_ports=8,ioeventfd=off"


class GuestError(Exception):
    """The guest cannot be started or did not come up: what was tried, what was seen last, and the remedy."""


@dataclass(frozen=True, slots=True)
class GuestStatus:
    """What can be seen of the guest from outside.

    running: nothing wrong seen. crashed: its kernel says so (`detail` is the excerpt), dead or not. killed: QEMU was
    ended by a signal and the console shows no crash. exited: it powered off, or QEMU gave up (`detail` tells).
    stopped: `stop` was called. closed: QEMU lives, but a port's transport is closed.
    """

    state: Literal["running", "crashed", "killed", "exited", "stopped", "closed"]
    detail: str = ""


def qemu_program() -> str:
    """The QEMU to run: `$KEYHOLE_QEMU` or the one on the PATH. Raises `GuestError` when there is none."""
    name = os.environ.get("KEYHOLE_QEMU", QEMU)
    found = shutil.which(name)
    if found is None:
        raise GuestError(f"{name} is not here: {REMEDY}")
    return found


class Guest(Running):
    """A guest from `start` to `stop`. Not to be shared by threads, but for `status` and `console_text`."""

    def __init__(
        self,
        image: Image,
        *,
        accel: Accelerator = "tcg",
        ports: Sequence[str] = ("agent",),
        memory_mib: int | None = None,
        run_dir: Path | None = None,
        extra: Sequence[str] = (),
        gate: Gate | None = None,
    ) -> None:
        """Nothing is started yet. Files go into a private folder under `run_dir` (default: the cache's `run`)."""
        self.image, self.accel, self.memory_mib = image, accel, memory_mib or image.memory_mib
        self.name = processes.token()
        self._ports: dict[str, socket.socket] = {}
        self._port_names, self._extra = tuple(ports), tuple(extra)
        self._gate = gate
        self._base = run_dir or packages.cache_dir() / "run"
        self._dir: Path | None = None
        self._notes = packages.cache_dir() / "guests"
        self._note: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._memory: int | None = None
        self._console = ""  # what was left when the folder went
        #: Octets of the console in which no crash was seen, to the end of a line; None once one was.
        self._sound: int | None = 0
        self._stopped = False

    def start(self) -> None:
        """Reap what earlier runs left behind, then start QEMU; returns before the kernel is up. Raises `GuestError`."""
        program = qemu_program()
        processes.reap(self._notes)
        self._base.mkdir(parents=True, exist_ok=True)
        self._dir = Path(tempfile.mkdtemp(prefix=".", dir=self._base))
        named = self._base / self.name
        self._dir.rename(named)  # the name is what proves later that the folder is ours
        self._dir = named
        self._memory = os.memfd_create(self.name)
        memory = f"/proc/self/fd/{self._memory}"
        inherited = [self._memory]
        arguments = []
        theirs = []
        for number, name in enumerate(self._port_names, start=1):
            ours, his = socket.socketpair()
            self._ports[name] = ours
            theirs.append(his)
            inherited.append(his.fileno())
            arguments += ["-chardev", f"socket,id=port{number},fd={his.fileno()}"]
            kind = "virtconsole" if name == uart.PORT else "virtserialport"
            arguments += ["-device", f"{kind},chardev=port{number},name={name},nr={number}"]
        if self._gate is not None:
            theirs.append(self._gate.theirs)
            inherited.append(self._gate.theirs.fileno())
            arguments += self._gate.arguments
        command = [
            program, "-name", self.name, "-M", "pc", *_CPU[self.accel], "-m", f"{self.memory_mib}",
            "-object", f"memory-backend-file,id=ram,size={self.memory_mib}M,share=on,mem-path={memory}",
            "-machine", "memory-backend=ram", "-nodefaults", "-display", "none", "-no-reboot", "-no-user-config",
            "-kernel", str(self.image.kernel), "-initrd", str(self.image.initramfs),
            "-append", _KERNEL_ARGUMENTS + _CLOCK[self.accel], "-serial", f"file:{self._dir / 'console'}",
            "-device", _PORTS, *arguments, *self._extra,
        ]  # fmt: skip
        try:
            with (self._dir / "qemu").open("wb") as log:
                self._process = processes.start(command, log, inherited)
            self._note = processes.note(self._notes, self.name, self._process.pid, self._dir)
        except BaseException:
            self.stop()
            raise
        finally:
            for his in theirs:
                his.close()

    @property
    def pid(self) -> int:
        """QEMU's process id."""
        assert self._process is not None, "start() was not called"
        return self._process.pid

    @property
    def memory(self) -> int:
        """File descriptor of the guest's physical memory, shared with QEMU: what is written there, the guest sees."""
        assert self._memory is not None, "start() was not called, or stop() was"
        return self._memory

    def port(self, name: str) -> socket.socket:
        """Our end of a virtio-serial port; connected from the start, so nothing the guest says is lost."""
        return self._ports[name]

    def wait(self, timeout: float) -> bool:
        """Wait for QEMU's end, up to `timeout` seconds; tell whether it has ended."""
        if self._process is None or self._process.poll() is not None:
            return True
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout)
        return self._process.poll() is not None

    def status(self) -> GuestStatus:
        """Look at the guest without disturbing it; cheap (reads what is new in the console's file)."""
        if crash := self._crash():
            return GuestStatus("crashed", crash)
        if self._stopped:
            return GuestStatus("stopped")
        if self._process is None:
            return GuestStatus("exited", "never started")
        code = self._process.poll()
        if code is None:
            closed = [name for name, sock in self._ports.items() if _is_closed(sock)]
            return GuestStatus("closed", f"port {', '.join(closed)}") if closed else GuestStatus("running")
        if crash := self._crash():  # it may have died between the two looks
            return GuestStatus("crashed", crash)
        said = self._qemu_text()
        if code < 0 or "terminating on signal" in said:
            name = signal.Signals(-code).name if code < 0 else said
            return GuestStatus("killed", f"QEMU was ended from outside: {name}")
        last = "\n".join(self.console_text().splitlines()[-5:])
        return GuestStatus("exited", f"QEMU ended with status {code}. {said}\n{last}".strip())

    def _crash(self) -> str:
        """`crash_excerpt` of the console; what was looked at before is not looked at again."""
        if self._sound is not None and self._dir is not None and not self._stopped:
            try:
                with (self._dir / "console").open("rb") as file:
                    file.seek(self._sound)
                    fresh = file.read()
            except OSError:
                return ""
            if not _CRASH.search(fresh.decode("utf-8", "replace")):
                self._sound += fresh.rfind(b"\n") + 1
                return ""
            self._sound = None
        return crash_excerpt(self.console_text())

    def console_text(self, since: int = 0) -> str:
        """What the serial console printed, from character `since` on (also after `stop`)."""
        if self._dir is None or self._stopped:
            return self._console[since:]
        try:
            text = (self._dir / "console").read_bytes().decode("utf-8", "replace")
        except OSError:
            return ""
        return text.replace("\r", "")[since:]

    def stop(self) -> None:
        """End QEMU and remove its files; the console's text stays. May be called twice, and before `start`."""
        if self._stopped:
            return
        if self._process is not None:
            if self._process.poll() is None:
                self._process.kill()  # there is no disk that could suffer
            self._process.wait(10)
        self._console = self.console_text()
        self._stopped = True
        for sock in self._ports.values():
            sock.close()
        if self._memory is not None:
            os.close(self._memory)
            self._memory = None
        if self._dir is not None:
            shutil.rmtree(self._dir, ignore_errors=True)
        if self._note is not None:
            self._note.unlink(missing_ok=True)

    def _qemu_text(self) -> str:
        try:
            assert self._dir is not None
            return (self._dir / "qemu").read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            return ""


def crash_excerpt(console: str) -> str:
    """The part of the console that shows a dying kernel, 40 lines at most; empty when there is none."""
    lines = console.splitlines()
    for at, line in enumerate(lines):
        if _CRASH.search(line):
            return "\n".join(lines[max(0, at - 2) : at + 38])
    return ""


def _is_closed(sock: socket.socket) -> bool:
    if sock.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(sock, 0)  # POLLHUP and POLLERR come unasked
    return bool(poll.poll(0))
