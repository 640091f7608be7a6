"""A Linux 6LoWPAN node and a tester's radio, in one guest: two `mac802154_hwsim` radios on one simulated medium.

Strategy: the tester's radio `wpan0` stays in the guest's root namespace, where a tap (`AF_PACKET`) is the link: frames
without FCS, up to 125 octets, either way. The DUT's radio is moved into a namespace of its own, `dut`, with the
interface `lowpan0` on top, and a second tap there sees the packets that Linux decompressed. All that makes Linux slow
or talkative (duplicate address detection, router solicitations, ICMPv6 rate limits, small neighbour tables) is
turned down beforehand; nothing that changes what it makes of a frame is.

**Any tester address works.** A frame goes out with whatever source it carries, and the DUT's answer to a made-up
address is seen by the link tap (as "otherhost"): up to Linux 6.1 neither `mac802154_hwsim` nor the MAC layer of `wpan0`
filters data frames before the tap. From 6.2 on both do, so there the tester's radio is a monitor interface, which
sees all frames (with FCS, cut off here) and sends any. Fresh addresses cost the DUT one neighbour entry each.

    with HwsimGuest() as guest:
        guest.link.send(frame)                                   # from any EUI-64, in PAN guest.pan
        got = guest.link.receive(time.monotonic() + 1)           # TapFrame | None; skip got.direction == "outgoing"
        seen = guest.ip.receive(time.monotonic() + 1)            # direction "host", "multicast": decompressed packets
        guest.ping(address, size=8, identifier=1, sequence=1)
        if guest.status().state != "running": ...

Linux facts worth knowing: it answers from the short address when it has one; it asks by NS before it answers a new
neighbour, and that NS wants our NA; echo replies carry a flow label of its own (net.ipv6.auto_flowlabels). More than
some 170 neighbours that do not answer the NS at the same time silence its ICMPv6 for up to 3 s (its socket is full).
An MLD report follows `join` and `add_address` by some milliseconds.
"""

from __future__ import annotations

import ipaddress
import re
import time
from pathlib import Path
from types import TracebackType

from rigs.virtual import image
from rigs.virtual.boot import BOOT_DEADLINE, Booted, boot
from rigs.virtual.client import AgentClient, DatagramSocket, Handle, Tap
from rigs.virtual.contexts import ContextTable
from rigs.virtual.qemu import Guest, GuestStatus

DUT = "dut"  #: the DUT's network namespace
INTERFACE = "lowpan0"
_IP, _TC = "/usr/bin/ip", "/usr/bin/tc"  # busybox has applets of these names, which its shell prefers
#: Locally administered, and plain to see in a dump.
TESTER_EUI64 = bytes.fromhex("024b6579686f6c01")
DUT_EUI64 = bytes.fromhex("024b6579686f6c02")

#: For all: room for as many fresh tester addresses as a run may need, and no global limit on ICMPv6 errors.
_HOST_SETTINGS = {
    "net/ipv6/neigh/default/gc_thresh1": 32768,
    "net/ipv6/neigh/default/gc_thresh2": 65536,
    "net/ipv6/neigh/default/gc_thresh3": 131072,
    "net/ipv4/icmp_msgs_per_sec": 100000,
    "net/ipv4/icmp_msgs_burst": 10000,
}
#: In the DUT's namespace, before the interface exists (it takes over `default`).
_DUT_SETTINGS = {
    "net/ipv6/conf/default/accept_dad": 0,
    "net/ipv6/conf/default/dad_transmits": 0,
    "net/ipv6/conf/default/router_solicitations": 0,
    "net/ipv6/conf/default/mldv1_unsolicited_report_interval": 1,
    "net/ipv6/conf/default/mldv2_unsolicited_report_interval": 1,
    "net/ipv6/icmp/ratelimit": 0,
    "net/ipv6/route/max_size": 1048576,
    "net/ipv6/neigh/default/base_reachable_time_ms": 3600000,
}


#: The first Linux whose MAC layer keeps frames for others from the tap.
_FILTERS_SINCE = (6, 2)


class HwsimGuest:
    """The guest with both radios up. `start` or the context manager brings it up; `stop` may be called twice."""

    def __init__(
        self,
        *,
        tester: bytes = TESTER_EUI64,
        dut: bytes = DUT_EUI64,
        dut_short: bytes = b"",
        pan: int = 0xABCD,
        channel: int = 26,
        monitor: bool | None = None,
        kernel: image.Kernel | None = None,
        run_dir: Path | None = None,
        deadline: float = BOOT_DEADLINE,
    ) -> None:
        """Addresses are big-endian: 8 octets, `dut_short` 2 (none by default: Linux would send from it).

        `monitor`: whether the tester's radio is a monitor interface (None: when the kernel needs it).
        """
        self.tester, self.dut, self.dut_short = tester, dut, dut_short
        self.pan, self.channel = pan, channel
        self._kernel, self._run_dir, self._deadline = kernel, run_dir, deadline
        self._monitor = monitor
        self._booted: Booted | None = None
        self._radio = "wpan0"
        self._link: Tap | None = None
        self._ip: Tap | None = None
        self._contexts: ContextTable | None = None
        self._icmp: DatagramSocket | None = None
        self._udp: dict[int, DatagramSocket] = {}
        self._held: list[Handle] = []
        self.kernel_version = ""  #: what `uname -r` and `uname -v` say, for the record
        self.dut_address = b""  #: the DUT's link-local address, as read from it

    def __enter__(self) -> HwsimGuest:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    def start(self) -> None:
        """Boot, and set up both radios. Raises `GuestError`, `AgentError`, and what making the image raises."""
        self._booted = boot(image.HWSIM, kernel=self._kernel, run_dir=self._run_dir, deadline=self._deadline)
        try:
            self.kernel_version = self.client.check("uname -r -v").strip()
            self._set_up_tester()
            self._set_up_dut()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the guest."""
        if self._booted is not None:
            self._booted.stop()

    # -- what it is made of --------------------------------------------------------------------------------

    @property
    def guest(self) -> Guest:
        """The virtual machine."""
        assert self._booted is not None, "start() was not called"
        return self._booted.guest

    @property
    def client(self) -> AgentClient:
        """The agent; `run(..., netns=DUT)` is the DUT's shell. Call iproute2 there as /usr/bin/ip and /usr/bin/tc."""
        assert self._booted is not None, "start() was not called"
        return self._booted.client

    @property
    def link(self) -> Tap:
        """Frames on the medium, without FCS."""
        assert self._link is not None, "start() was not called"
        return self._link

    @property
    def ip(self) -> Tap:
        """Packets on `lowpan0`: decompressed ones (not "outgoing"), and what the DUT is about to compress."""
        assert self._ip is not None, "start() was not called"
        return self._ip

    @property
    def boot_seconds(self) -> float:
        """From the start of QEMU to the agent's first word."""
        assert self._booted is not None, "start() was not called"
        return self._booted.seconds

    def status(self) -> GuestStatus:
        """running, crashed, killed, exited, closed, stopped; see `qemu.GuestStatus`."""
        return self.guest.status()

    def console_text(self, since: int = 0) -> str:
        """What the guest's console printed."""
        return self.guest.console_text(since)

    # -- what the DUT can be told to do --------------------------------------------------------------------

    def addresses(self) -> tuple[bytes, ...]:
        """The DUT's IPv6 addresses on `lowpan0`, link-local first."""
        text = self.client.check(f"{_IP} -6 -o addr show dev {INTERFACE}", netns=DUT)
        found = [ipaddress.IPv6Address(entry).packed for entry in re.findall(r"inet6 ([0-9a-f:]+)/", text)]
        return tuple(sorted(found, key=lambda address: address[:2] != b"\xfe\x80"))

    def add_address(self, address: bytes, prefix_length: int = 64) -> None:
        """Give `lowpan0` one more address, usable at once."""
        text = ipaddress.IPv6Address(address)
        self.client.check(f"{_IP} -6 addr replace {text}/{prefix_length} dev {INTERFACE} nodad", netns=DUT)

    def join(self, group: bytes) -> Handle:
        """Join a multicast group on `lowpan0`, until the handle is closed or the DUT is reset."""
        handle = self.client.join(group, INTERFACE, DUT)
        self._held.append(handle)
        return handle

    def ping(self, destination: bytes, size: int, identifier: int, sequence: int) -> None:
        """Send one Echo Request with `size` octets of data (0, 1, 2, ...); does not wait for the answer."""
        if self._icmp is None:
            self._icmp = self.client.open_icmp(DUT, INTERFACE)
        head = bytes([128, 0, 0, 0]) + identifier.to_bytes(2) + sequence.to_bytes(2)
        self._icmp.send(destination, 0, head + bytes(i & 255 for i in range(size)))

    def icmp_receive(self, deadline: float) -> tuple[bytes, bytes] | None:
        """(source, message) of the next Echo Reply or ICMPv6 error that came to a DUT that was told to `ping`."""
        assert self._icmp is not None, "ping() was not called"
        found = self._icmp.receive(deadline)
        return (found.source, found.data) if found else None

    def udp_open(self, port: int, *, echo: bool = False) -> None:
        """Open a UDP port; with `echo` the DUT sends back each datagram."""
        if port not in self._udp:
            self._udp[port] = self.client.open_udp(port, DUT, INTERFACE, echo=echo)

    def udp_close(self, port: int) -> None:
        """Close a UDP port: datagrams to it draw ICMPv6 errors again."""
        if port in self._udp:
            self._udp.pop(port).close()

    def udp_send(self, destination: bytes, source_port: int, destination_port: int, data: bytes) -> None:
        """Send one datagram from `source_port`, which stays open."""
        self.udp_open(source_port)
        self._udp[source_port].send(destination, destination_port, data)

    def udp_receive(self, port: int, deadline: float) -> tuple[bytes, int, bytes] | None:
        """(source, source port, data) of the next datagram to an open port; None at `deadline`."""
        found = self._udp[port].receive(deadline)
        return (found.source, found.port, found.data) if found else None

    def tcp_echo(self, port: int) -> Handle:
        """Accept TCP connections on `port` and send back what comes, until the handle is closed."""
        handle = self.client.open_tcp_echo(port, DUT)
        self._held.append(handle)
        return handle

    def set_context(
        self, identifier: int, prefix: bytes, length: int, *, compress: bool = True, active: bool = True
    ) -> None:
        """Define a context; see `contexts.ContextTable.set`. Raises `ContextError` when the kernel has no way in."""
        self._context_table().set(identifier, prefix, length, compress=compress, active=active)

    def clear_contexts(self) -> None:
        """Make all contexts undefined."""
        self._context_table().clear()

    def flush_neighbours(self) -> None:
        """Forget all neighbours: the DUT asks by NS again."""
        self.client.check(f"{_IP} -6 neigh flush dev {INTERFACE}", netns=DUT)

    def reassembly_timeout(self) -> int:
        """Seconds that Linux waits for the rest of a datagram."""
        return int(self.client.check("cat /proc/sys/net/ieee802154/6lowpan/6lowpanfrag_time", netns=DUT))

    def set_reassembly_timeout(self, seconds: int) -> None:
        """Shorten (or lengthen) that; holds for datagrams that begin from now on, until `reset`."""
        self.client.check(f"echo {seconds} > /proc/sys/net/ieee802154/6lowpan/6lowpanfrag_time", netns=DUT)

    def impair(self, *, towards_dut: str = "", from_dut: str = "") -> None:
        """Make the medium worse by `tc ... netem` arguments such as "loss 10%" or "delay 5ms"; "" makes it good."""
        for interface, namespace, arguments in ((self._radio, "", towards_dut), ("wpan1", DUT, from_dut)):
            self.client.run(f"{_TC} qdisc del dev {interface} root 2>/dev/null", netns=namespace)
            if arguments:
                self.client.check(f"{_TC} qdisc add dev {interface} root netem {arguments}", netns=namespace)

    def counters(self) -> dict[str, int]:
        """`/proc/net/snmp6` of the DUT's namespace: Ip6InReceives, Icmp6InEchos, Ip6ReasmFails and so on."""
        text = self.client.check("cat /proc/net/snmp6", netns=DUT)
        return {name: int(value) for name, value in (line.split() for line in text.splitlines())}

    def reset(self) -> None:
        """Make the DUT anew without a boot: no neighbours, fragments, contexts, sockets or added addresses remain.

        `ip` is then another tap. A DUT whose kernel has crashed needs a new guest instead.
        """
        for handle in (self._ip, self._icmp, *self._udp.values(), *self._held):
            if handle is not None:
                handle.close()
        self._icmp, self._udp, self._held, self._contexts = None, {}, [], None
        self.client.check(f"{_IP} link del {INTERFACE}; iwpan phy phy1 set netns 1", netns=DUT)
        self.client.check(f"{_IP} netns del {DUT}")
        self._set_up_dut()

    # -- set-up --------------------------------------------------------------------------------------------

    def _set_up_tester(self) -> None:
        if self._monitor is None:
            self._monitor = kernel_release(self.kernel_version) >= _FILTERS_SINCE
        name = "mon0" if self._monitor else "wpan0"
        setup = [
            f"{_IP} link set lo up",
            *_settings(_HOST_SETTINGS),
            f"iwpan phy phy0 set channel 0 {self.channel}",
        ]
        if self._monitor:
            setup += ["iwpan dev wpan0 del", f"iwpan phy phy0 interface add {name} type monitor"]
        else:
            setup += [
                f"{_IP} link set {name} address {self.tester.hex(':')}",
                f"iwpan dev {name} set pan_id {self.pan:#06x}",
            ]
        self.client.check("\n".join(["set -e", *setup, f"{_IP} link set {name} up"]))
        self._link = self.client.open_tap(name)
        self._link.trailer = 2 if self._monitor else 0
        self._radio = name

    def _set_up_dut(self) -> None:
        # Everything in one shell: each program that starts costs 10 to 20 ms under plain emulation.
        before = ["set -e", f"{_IP} netns add {DUT}", f"iwpan phy phy1 set netns name {DUT}"]
        self.client.check("\n".join(before))
        setup = ["set -e", f"{_IP} link set lo up", *_settings(_DUT_SETTINGS)]
        setup += [
            f"iwpan phy phy1 set channel 0 {self.channel}",
            f"{_IP} link set wpan1 address {self.dut.hex(':')}",
            f"iwpan dev wpan1 set pan_id {self.pan:#06x}",
            *([f"iwpan dev wpan1 set short_addr 0x{self.dut_short.hex()}"] if self.dut_short else []),
            f"{_IP} link add link wpan1 name {INTERFACE} type lowpan",
            f"{_IP} link set wpan1 up",
        ]
        self.client.check("\n".join(setup), netns=DUT)
        self._ip = self.client.open_tap(INTERFACE, DUT, cooked=True)
        self.client.check(f"{_IP} link set {INTERFACE} up", netns=DUT)
        end = time.monotonic() + 10
        while not (found := [a for a in self.addresses() if a[:2] == b"\xfe\x80"]):
            if time.monotonic() > end:
                raise TimeoutError(f"{INTERFACE} got no link-local address: {self.console_text()[-400:]}")
        self.dut_address = found[0]

    def _context_table(self) -> ContextTable:
        if self._contexts is None:
            self._contexts = ContextTable(self.guest, self.client, INTERFACE)
        return self._contexts


def _settings(values: dict[str, int]) -> list[str]:
    """Shell commands; a setting that this kernel does not have (any more) is passed over."""
    return [
        f"if [ -e /proc/sys/{name} ]; then echo {value} > /proc/sys/{name}; fi"
        for name, value in values.items()
    ]


def kernel_release(text: str) -> tuple[int, int]:
    """(6, 1) of "6.1.0-56-amd64 ..."; (0, 0) when it is no such thing."""
    found = re.match(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)
