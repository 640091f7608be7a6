"""What every Linux guest with a DUT in it has: a boot, an agent, controls, an IP tap, a console, an end.

Strategy: a kind of guest is a `GuestSpec` (what it is made of) and what is to be set up once the agent answers; it says
both, and everything else about its life is here.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

from rigs.guests import image
from rigs.guests.boot import BOOT_DEADLINE, Booted, boot
from rigs.guests.client import AgentClient
from rigs.guests.controls import Controls
from rigs.guests.handles import Tap
from rigs.guests.held import Gate
from rigs.guests.qemu import Guest, GuestError, GuestStatus
from rigs.guests.running import Running


class NodeGuest(Running):
    """One guest, from the kernel to what its kind needs."""

    spec: image.GuestSpec
    ports: Sequence[str] = ("agent",)
    devices: Sequence[str] = ()  #: further arguments of QEMU
    interface: str
    netns = ""
    #: Whether `ip` shows what it sends as well, which costs a fifth of an echo.
    shows_outgoing = True

    def __init__(
        self,
        kernel: image.Kernel | None = None,
        run_dir: Path | None = None,
        deadline: float = BOOT_DEADLINE,
        *,
        takes_turns: bool = False,
    ) -> None:
        """Nothing is started yet. `takes_turns`: its time passes only while somebody waits for it (`held`)."""
        self._gate = Gate() if takes_turns else None
        self._kernel, self._run_dir, self._deadline = kernel, run_dir, deadline
        self._booted: Booted | None = None
        self._controls: Controls | None = None
        self._ip: Tap | None = None
        self.kernel_version = ""  #: what `uname -r` and `uname -v` say, for the record
        self.dut_address = b""  #: the DUT's link-local address, as read from it

    def start(self) -> None:
        """Boot and set up. Raises `GuestError`, `AgentError`, and what making the image raises."""
        self._booted = boot(
            self.spec,
            kernel=self._kernel,
            ports=self.ports,
            run_dir=self._run_dir,
            deadline=self._deadline,
            devices=self.devices,
            gate=self._gate,
        )
        self._controls = Controls(self.guest, self.client, self.interface, self.netns)
        try:
            self.kernel_version = self.client.check("uname -r -v").strip()
            self._set_up()
            if self._gate is not None:
                self.client.take_turns(self._gate)
        except BaseException:
            self.stop()
            raise

    @abstractmethod
    def _set_up(self) -> None:
        """What is to be done once the agent answers."""

    def stop(self) -> None:
        """End the guest."""
        if self._booted is not None:
            self._booted.stop()
        if self._gate is not None:
            self._gate.close()

    # -- what it is made of --------------------------------------------------------------------------------

    @property
    def guest(self) -> Guest:
        """The virtual machine."""
        assert self._booted is not None, "start() was not called"
        return self._booted.guest

    @property
    def client(self) -> AgentClient:
        """The agent. Call iproute2 there as /usr/bin/ip and /usr/bin/tc: busybox has applets of these names."""
        assert self._booted is not None, "start() was not called"
        return self._booted.client

    @property
    def controls(self) -> Controls:
        """What the DUT can be told to do."""
        assert self._controls is not None, "start() was not called"
        return self._controls

    @property
    def ip(self) -> Tap:
        """Packets on the 6LoWPAN interface: decompressed ones (not "outgoing"), and what is about to be compressed.

        Raises `GuestError` while there is no interface.
        """
        if self._ip is None:
            raise GuestError("the 6LoWPAN interface is not there")
        return self._ip

    def status(self) -> GuestStatus:
        """running, crashed, killed, exited, closed, stopped; see `qemu.GuestStatus`."""
        return self.guest.status()

    def console_text(self, since: int = 0) -> str:
        """What the guest's console printed."""
        return self.guest.console_text(since)


#: For every guest: a queue that drops nothing by time (fq_codel, Debian's default, takes a slow guest for a full link),
#: room for as many neighbours as a run may make up, and no limit on ICMPv6 errors that all its hosts share.
FOR_ALL: dict[str, int | str] = {
    "net/core/default_qdisc": "pfifo",
    "net/ipv6/neigh/default/gc_thresh1": 32768,
    "net/ipv6/neigh/default/gc_thresh2": 65536,
    "net/ipv6/neigh/default/gc_thresh3": 131072,
    "net/ipv4/icmp_msgs_per_sec": 100000,
    "net/ipv4/icmp_msgs_burst": 10000,
}


def settings(values: Mapping[str, int | str]) -> list[str]:
    """Shell commands for settings of /proc/sys; one that this kernel does not have (any more) is passed over."""
    return [
        f"if [ -e /proc/sys/{name} ]; then echo {value} > /proc/sys/{name}; fi"
        for name, value in values.items()
    ]
