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
        got = guest.link.receive(clock.now() + 1)           # TapFrame | None; skip got.direction == "outgoing"
        seen = guest.ip.receive(clock.now() + 1)            # direction "host", "multicast": decompressed packets
        guest.controls.ping(address, size=8, identifier=1, sequence=1)
        if guest.status().state != "running": ...

Linux facts worth knowing: it answers from the short address when it has one; it asks by NS before it answers a new
neighbour, and that NS wants our NA; echo replies carry a flow label of its own (net.ipv6.auto_flowlabels). More than
some 170 neighbours that do not answer the NS at the same time silence its ICMPv6 for up to 3 s (its socket is full).
An MLD report follows `join` and `add_address` by some milliseconds.
"""

from __future__ import annotations

import re
from pathlib import Path

from rigs.guests import image, lab
from rigs.guests.boot import BOOT_DEADLINE
from rigs.guests.handles import Tap
from rigs.guests.node_guest import FOR_ALL, NodeGuest, settings

DUT = "dut"  #: the DUT's network namespace
INTERFACE = "lowpan0"
#: Packets that a radio's queue holds: more than any burst of ours, lest the queue loses what is tried.
_QUEUED = 16384
_IP, _TC = "/usr/bin/ip", "/usr/bin/tc"  # busybox has applets of these names, which its shell prefers
#: Locally administered, and plain to see in a dump.
TESTER_EUI64 = bytes.fromhex("024b6579686f6c01")
DUT_EUI64 = bytes.fromhex("024b6579686f6c02")

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


class HwsimGuest(NodeGuest):
    """The guest with both radios up."""

    spec = image.HWSIM
    ports = ("agent", lab.PORT)
    interface = INTERFACE
    netns = DUT

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
        takes_turns: bool = False,
    ) -> None:
        """Addresses are big-endian: 8 octets, `dut_short` 2 (none by default: Linux would send from it).

        `monitor`: whether the tester's radio is a monitor interface (None: when the kernel needs it).
        """
        self.tester, self.dut, self.dut_short = tester, dut, dut_short
        self.pan, self.channel = pan, channel
        super().__init__(kernel, run_dir, deadline, takes_turns=takes_turns)
        self._monitor = monitor
        self._radio = "wpan0"
        self._link: Tap | None = None

    def _set_up(self) -> None:
        self._set_up_tester()
        self._set_up_dut()

    @property
    def link(self) -> Tap:
        """Frames on the medium, without FCS."""
        assert self._link is not None, "start() was not called"
        return self._link

    def reassembly_timeout(self) -> int:
        """Seconds that Linux waits for the rest of a datagram."""
        return int(self.client.check("cat /proc/sys/net/ieee802154/6lowpan/6lowpanfrag_time", netns=DUT))

    def set_reassembly_timeout(self, seconds: int) -> None:
        """Shorten (or lengthen) that; holds for datagrams that begin from now on, until `reset`."""
        self.client.check(f"echo {seconds} > /proc/sys/net/ieee802154/6lowpan/6lowpanfrag_time", netns=DUT)

    def impair(self, *, towards_dut: str = "", from_dut: str = "") -> None:
        """Make the medium worse by `tc ... netem` arguments such as "loss 10%" or "delay 5ms"; "" makes it good.

        A queue comes before the tap that stamps what leaves: a delay towards the DUT is in no round trip by stamps. And
        netem waits by a timer of the guest, which is late by as much as this host is: read at taps what it did.
        """
        for interface, namespace, arguments in ((self._radio, "", towards_dut), ("wpan1", DUT, from_dut)):
            self.client.run(f"{_TC} qdisc del dev {interface} root 2>/dev/null", netns=namespace)
            if arguments:
                self.client.check(f"{_TC} qdisc add dev {interface} root netem {arguments}", netns=namespace)

    def reset(self) -> None:
        """Make the DUT anew without a boot: no neighbours, fragments, contexts, sockets or added addresses remain.

        `ip` is then another tap. A DUT whose kernel has crashed needs a new guest instead.
        """
        self.ip.close()
        self.controls.interface_gone()
        self.controls.forget()
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
            *settings(FOR_ALL),
            f"iwpan phy phy0 set channel 0 {self.channel}",
        ]
        if self._monitor:
            setup += ["iwpan dev wpan0 del", f"iwpan phy phy0 interface add {name} type monitor"]
        else:
            setup += [
                f"{_IP} link set {name} address {self.tester.hex(':')}",
                f"iwpan dev {name} set pan_id {self.pan:#06x}",
            ]
        setup += [f"{_IP} link set {name} txqueuelen {_QUEUED}", f"{_IP} link set {name} up"]
        self.client.check("\n".join(["set -e", *setup]))
        self._link = self.client.open_tap(name)
        self._link.trailer = 2 if self._monitor else 0
        self._radio = name

    def _set_up_dut(self) -> None:
        # Everything in one shell: each program that starts costs 10 to 20 ms under plain emulation.
        before = ["set -e", f"{_IP} netns add {DUT}", f"iwpan phy phy1 set netns name {DUT}"]
        self.client.check("\n".join(before))
        setup = ["set -e", f"{_IP} link set lo up", *settings(_DUT_SETTINGS)]
        setup += [
            f"iwpan phy phy1 set channel 0 {self.channel}",
            f"{_IP} link set wpan1 address {self.dut.hex(':')} txqueuelen {_QUEUED}",
            f"iwpan dev wpan1 set pan_id {self.pan:#06x}",
            *([f"iwpan dev wpan1 set short_addr 0x{self.dut_short.hex()}"] if self.dut_short else []),
            f"{_IP} link add link wpan1 name {INTERFACE} type lowpan",
            f"{_IP} link set wpan1 up",
        ]
        self.client.check("\n".join(setup), netns=DUT)
        self._ip = self.client.open_tap(INTERFACE, DUT, cooked=True, outgoing=self.shows_outgoing)
        self.client.check(f"{_IP} link set {INTERFACE} up", netns=DUT)
        end = self.client.now() + 10
        while not (found := [a for a in self.controls.addresses() if a[:2] == b"\xfe\x80"]):
            if self.client.now() > end:
                raise TimeoutError(f"{INTERFACE} got no link-local address: {self.console_text()[-400:]}")
        self.dut_address = found[0]


def kernel_release(text: str) -> tuple[int, int]:
    """(6, 1) of "6.1.0-56-amd64 ..."; (0, 0) when it is no such thing."""
    found = re.match(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)
