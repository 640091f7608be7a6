"""The field report's measurements, in its order, on two Linux guests.

Strategy: the programs are those that the report used (ping, iperf3), and what they print is kept. Beside each figure
stands what the medium and the sender's queue say of the same time, because that is where its cause shows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from rigs import clock
from rigs.fieldreport.air import Traffic, Trip, at_the_interface, credits_left, traffic, trips
from rigs.fieldreport.bench import CENTRAL, PERIPHERAL, TwoLaptops
from rigs.fieldreport.goodput import Goodput, goodput
from rigs.fieldreport.programs import Pings, Transfer, dropped, pings, transfer
from rigs.guests.ble import BleGuest
from rigs.links.hwsim.link import told
from rigs.model import RigError

#: The connection interval that explains the field report's round trips.
INTERVAL = 0.04875
PINGS, SECONDS = 20, 10
#: Device addresses by the names of the controllers.
DEVICES = {
    name: bytes.fromhex(address.replace(":", ""))
    for name, address in (("central", CENTRAL), ("peripheral", PERIPHERAL))
}
#: Data of an echo on either side of a K-frame's end (MPS 247; 2 octets of SDU length, 10 of headers), and all of it.
SIZES = (16, 56, 230, 240, 470, 490, 720, 740, 960, 980, 1180, 1200, 1232)
#: How often a connection is made anew until both sides have all their credits.
_TRIES = 6
#: How often a transfer is tried until iperf3 comes to its end.
_TRANSFERS = 4
_LINUX_CREDITS = 6
#: Where iperf3 listens, and seconds without a packet that end a transfer.
_PORT, _QUIET = 5201, 2.0

Say = Callable[[str], None]


@dataclass(slots=True)
class Moved:
    """One transfer, what the sender's queue dropped meanwhile, what left that queue, and what was on the air."""

    what: str
    #: "central" or "peripheral".
    sender: str
    transfer: Transfer
    dropped: int
    #: What the sender's IPv6 gave to its 6LoWPAN interface, behind the queue.
    interface: Traffic
    #: What each side had on the air.
    air: dict[str, Traffic]
    credits: dict[str, int]
    #: What came to the receiver's IPv6, by the clock of its kernel: what iperf3 prints counts what was written to a
    #: socket, and no datagram that is lost behind the last one that came.
    arrived: Goodput = field(default_factory=Goodput)
    #: How often iperf3 did not come to its end before.
    failed: int = 0


@dataclass(slots=True)
class Field:
    """All that was measured, as far as it came."""

    kernel: str = ""
    #: Credits of each connection right after it was made; the last one was kept.
    connections: list[dict[str, int]] = field(default_factory=list)
    quick: Pings | None = None
    paced: Pings | None = None
    #: The echoes of `paced` as the medium saw them.
    trips: list[Trip] = field(default_factory=list)
    #: Octets of data -> (there, back): answered of how many.
    sizes: dict[int, tuple[Pings, Pings]] = field(default_factory=dict)
    transfers: list[Moved] = field(default_factory=list)
    #: Share of the time for which other work held the machine up.
    held_up: float = 0.0
    #: What was not measured, and why.
    missing: list[str] = field(default_factory=list)


def measure(laptops: TwoLaptops, say: Say, into: Field) -> None:
    """Measure everything into `into`; what fails is noted there, and the rest is measured all the same."""
    began, held = clock.now() + clock.held_up(), clock.held_up()
    into.kernel = laptops.central.kernel_version
    steps: list[tuple[str, Callable[[], None]]] = [
        ("a connection with all its credits", lambda: connect(laptops, into.connections)),
        ("round trips without a connection interval", lambda: _ping(laptops, into, 0.0)),
        ("round trips at the interval", lambda: _ping(laptops, into, INTERVAL)),
        ("sizes", lambda: _sizes(laptops, into)),
    ]
    for what, arguments in (
        ("UDP, 100 kbit/s", "-u -b 100K -l 1000"),
        ("UDP, 1 Mbit/s", "-u -b 1M -l 1000"),
        ("TCP, central to peripheral", ""),
        ("TCP, peripheral to central", "-R"),
    ):
        steps.append((what, lambda w=what, a=arguments: _move(laptops, into, w, a)))  # type: ignore[misc]
    for what, step in steps:
        say(what)
        try:
            step()
        except (RigError, ValueError) as error:
            into.missing.append(f"{what}: {error}")
    lasted = clock.now() + clock.held_up() - began
    into.held_up = (clock.held_up() - held) / lasted if lasted > 0 else 0.0


def connect(laptops: TwoLaptops, tried: list[dict[str, int]]) -> None:
    """Connect until neither side has lost credits to K-frames that came before the channel was open.

    `tried` gets the credits of each connection. A side that has lost two sends no packet of 1280 octets any more.
    Raises `RigError` when no connection of several has all of them.
    """
    for attempt in range(_TRIES):
        if attempt:
            laptops.reconnect()
        laptops.pace(0.0)
        _run(
            laptops.central,
            f"/usr/bin/ping -6 -n -c 3 -i 0.3 -s 16 -W 2 {laptops.address(laptops.peripheral)}",
        )
        tried.append(credits_left(laptops.medium.carried))
        if min(tried[-1].values()) >= _LINUX_CREDITS:
            return
    raise RigError(f"{_TRIES} connections in a row lost credits before they were open: {tried[-1]}")


def _ping(laptops: TwoLaptops, into: Field, interval: float) -> None:
    laptops.pace(interval)
    since = len(laptops.medium.carried)
    found = _echoes(laptops.central, laptops.address(laptops.peripheral), 56, PINGS, 0.213)
    if interval:
        into.paced, into.trips = found, trips(laptops.medium.carried[since:], DEVICES)
    else:
        into.quick = found


def _sizes(laptops: TwoLaptops, into: Field) -> None:
    for size in SIZES:
        there = _echoes(laptops.central, laptops.address(laptops.peripheral), size, 3, 0.31)
        back = _echoes(laptops.peripheral, laptops.address(laptops.central), size, 3, 0.31)
        into.sizes[size] = (there, back)


def _move(laptops: TwoLaptops, into: Field, what: str, arguments: str) -> None:
    """One transfer; again, where iperf3 does not come to its end: its control connection is TCP, which may stall."""
    laptops.pace(INTERVAL)
    for failed in range(_TRANSFERS):
        moved = _moved(laptops, what, arguments, failed)
        if not moved.transfer.error:
            break
    into.transfers.append(moved)


def _moved(laptops: TwoLaptops, what: str, arguments: str, failed: int) -> Moved:
    # a server that still waits for a client that is gone takes no other
    _run(laptops.peripheral, "kill -9 $(pidof iperf3) 2>/dev/null; iperf3 -s -D --logfile /run/iperf3.log")
    name = "peripheral" if "-R" in arguments else "central"
    sender: BleGuest = getattr(laptops, name)
    receiver = laptops.central if sender is laptops.peripheral else laptops.peripheral
    _tapped(sender, "outgoing")
    _tapped(receiver, "host")
    before, since = _dropped(sender), len(laptops.medium.carried)
    address = laptops.address(laptops.peripheral)
    text = _run(
        laptops.central, f"timeout {3 * SECONDS} iperf3 -c {address} -t {SECONDS} -J {arguments}", 6 * SECONDS
    )
    arrived = goodput(_tapped(receiver, "host", _QUIET), _PORT)  # what the queue still holds comes later
    dropped_now = _dropped(sender) - before  # behind its answer, all that the tap saw is here
    interface = at_the_interface(data for _, data in _tapped(sender, "outgoing"))
    air = traffic(laptops.medium.carried[since:], DEVICES)
    left = credits_left(laptops.medium.carried)
    return Moved(what, name, transfer(text), dropped_now, interface, air, left, arrived, failed)


def _echoes(guest: BleGuest, address: str, size: int, count: int, gap: float) -> Pings:
    command = f"/usr/bin/ping -6 -n -D -c {count} -i {gap} -s {size} -W 3 {address}"
    return pings(_run(guest, command, 10 + 4 * count))


def _tapped(guest: BleGuest, direction: str, quiet: float = 0.0) -> list[tuple[int, bytes]]:
    """(ns, packet) since the last question: "outgoing" of what has left a guest's queue, "host" of what came to it.

    Until nothing more has come for `quiet` seconds.
    """
    seen = iter(lambda: told(lambda: guest.ip.receive(clock.now() + quiet)), None)
    return [(packet.time_ns, packet.data) for packet in seen if packet.direction == direction]


def _dropped(guest: BleGuest) -> int:
    return dropped(_run(guest, "/usr/bin/tc -s qdisc show dev bt0"))


def _run(guest: BleGuest, command: str, timeout: float = 30.0) -> str:
    """What a command in a guest printed, whatever its status is: ping's is 1 when nothing came back."""
    return told(lambda: guest.client.run(command, timeout=timeout))[1]
