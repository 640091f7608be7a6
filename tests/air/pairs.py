"""Two Linux guests on one medium that takes its time, for programs that run between them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv6Address
from types import SimpleNamespace

from rigs import clock
from rigs.air.link import AirLink
from rigs.air.settings import AirSettings
from rigs.fieldreport.bench import TwoLaptops, with_iperf
from rigs.fieldreport.goodput import Goodput, goodput
from rigs.fieldreport.measure import connect
from rigs.fieldreport.programs import Transfer, transfer
from rigs.guests import image
from rigs.guests.hwsim import HwsimGuest
from rigs.guests.node_guest import NodeGuest
from rigs.links.hwsim.link import HwsimLink

SPEC = with_iperf(image.HWSIM, "hwsim-field", 256)
INTERVAL = 0.04875
OURS, THEIRS = 5000, 5201
#: Octets of each datagram, octets of our stream (about as long as what iperf3 sends in its seconds: the start of a
#: connection is slower, and a short one is most of it start), seconds of iperf3's, and of silence that ends a transfer.
SIZE, TOTAL, LONG, QUIET = 500, 200_000, 16.0, 5.0


class _Guest(HwsimGuest):
    spec = SPEC


@dataclass
class Pair:
    """`a` and `b` hear each other; `ceiling` is what the medium carries of data at most, in octets a second."""

    a: NodeGuest
    b: NodeGuest
    ceiling: float

    def __post_init__(self) -> None:
        for guest in (self.a, self.b):
            guest.client.check(f"iperf3 -s -D -p {THEIRS} --logfile /run/iperf3.log", netns=guest.netns)

    def ours(self, sender: NodeGuest, rate: float = 0.0, seconds: float = 8.0) -> Goodput:
        """By our own sender, inside the guest: UDP at a rate in octets a second, or (0) TCP, so many octets."""
        receiver = self._other(sender)
        self._seen(receiver)
        if rate:
            port = receiver.client.open_udp(OURS, receiver.netns)
            sock = sender.client.open_udp(0, sender.netns, sender.interface)
            count = round(rate * seconds / SIZE)
            sock.send_series(receiver.dut_address, OURS, SIZE, count, SIZE / rate, 20 * seconds)
        else:
            port = receiver.client.open_tcp(OURS, receiver.netns)
            sock = sender.client.connect_tcp(receiver.dut_address, OURS, sender.netns, sender.interface)
            sock.send(bytes(TOTAL))
        came = self._until_quiet(receiver)
        sock.close()
        port.close()
        return goodput(came, OURS)

    def theirs(self, sender: NodeGuest, rate: float = 0.0, seconds: float = 8.0) -> tuple[Transfer, Goodput]:
        """By iperf3: what it says itself, and what the same tap says of it."""
        receiver = self._other(sender)
        self._seen(receiver)
        how = f"-u -b {8 * rate:.0f} -l {SIZE} -t {seconds:g}" if rate else f"-t {LONG:g}"
        address = f"{IPv6Address(receiver.dut_address)}%{sender.interface}"
        command = f"timeout {20 * seconds:.0f} iperf3 -c {address} -p {THEIRS} -J {how}"
        text = sender.client.run(command, timeout=25 * seconds, netns=sender.netns)[1]
        return transfer(text), goodput(self._until_quiet(receiver), THEIRS)

    def _other(self, guest: NodeGuest) -> NodeGuest:
        return self.b if guest is self.a else self.a

    def _seen(self, guest: NodeGuest, wait: float = float("-inf")) -> list[tuple[int, bytes]]:
        found = []
        while (seen := guest.ip.receive(wait)) is not None:
            if seen.direction == "host":
                found.append((seen.time_ns, seen.data))
        return found

    def _until_quiet(self, guest: NodeGuest) -> list[tuple[int, bytes]]:
        found = []
        while more := self._seen(guest, clock.now() + QUIET):
            found += more
        return found


@contextmanager
def ble():
    """Two guests with a connection of 48.75 ms; credits for six K-frames of 247 octets come back two events later."""
    laptops = TwoLaptops(qdisc="")
    try:
        connect(laptops, [])
        laptops.pace(INTERVAL)
        yield Pair(laptops.central, laptops.peripheral, 6 * 247 / (2 * INTERVAL))
    finally:
        laptops.close()


@contextmanager
def ieee802154():
    """Two guests on a software air of 250 kbit/s."""
    guests = [_Guest(tester=_eui(1), dut=_eui(2)), _Guest(tester=_eui(3), dut=_eui(4))]
    try:
        for guest in guests:
            guest.start()
        links = {
            name: HwsimLink(SimpleNamespace(guest=guest))
            for name, guest in zip(("dut", "peer"), guests, strict=True)
        }
        air = AirLink(links, AirSettings(model="802154", queue=10_000))
        yield Pair(*guests, 17_800.0)
        air.close()
    finally:
        for guest in guests:
            guest.stop()


def _eui(number: int) -> bytes:
    return bytes.fromhex(f"024b6579686f6c{number:02x}")
