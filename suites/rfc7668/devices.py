"""The tester as devices of a star: each is a host with a connection to a DUT that is a 6LBR, and registers with it.

Strategy: what a 6LBR sends is read with what this device has registered (RFC 7668 §3.2.4), because elided addresses
mean that. What that is, the device sees itself: it sends a Neighbor Solicitation with an ARO, and counts the address as
registered when an answer with status 0 comes back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from weakref import WeakKeyDictionary

from fixtures.api import Air, Case, HostParty, Seen, Tester
from sixlowpan import DecodeError, LinkInfo, decode, encode, ipv6, nd
from suites.rfc7668.channel import live

#: Seconds for which one device is listened to before the next one is.
_TURN = 0.05
_FIRST = 0xC0000000_0010


@dataclass
class Device(HostParty):
    """One device of the tester's."""

    #: What it has registered, the latest last.
    registered: tuple[bytes, ...] = ()
    #: What it asked the DUT to register.
    asked: bytes = b""
    #: What ends its connection; the first device's is the case's own.
    connection: ExitStack = field(default_factory=ExitStack)

    def info(self) -> LinkInfo:
        """Of a frame from this device to the DUT."""
        link = self.tester.air.link
        return LinkInfo("ble", link.tester, link.dut, role="6LN", registered=self.registered)

    def send(self, packet: bytes) -> bytes:
        """Send a packet, compressed as §3.2.4 wants it of a 6LN; return its frame."""
        message, option = _with_option(packet)
        if isinstance(message, nd.NeighborSolicitation) and option is not None and option.lifetime:
            self.asked = packet[8:24]
        self.tester.ordinary.add(packet)
        return self.tester.air.send(encode(packet, self.info(), self.tester.contexts), self.info())

    def read(self, seen: Seen) -> Seen:
        """A packet of the DUT's, as it means it to this device."""
        packet = self.meant(seen)
        return seen if packet is None else replace(seen, packet=packet, view=ipv6.Packet.parse(packet))

    def meant(self, seen: Seen) -> bytes | None:
        """What the DUT means by a payload, to this device; None: that cannot be decoded."""
        known = self._latest(self.asked) if self.asked else self.registered
        info = replace(seen.info, role="6LBR", registered=known)
        try:
            packet = decode(seen.payloads[0], info, self.tester.contexts)
        except DecodeError:
            return None
        message, option = _with_option(packet)
        if isinstance(message, nd.NeighborAdvertisement) and option is not None:
            if option.status == 0 and option.lifetime and self.asked:
                self.registered = self._latest(self.asked)
            self.asked = b""
        return packet

    def _latest(self, address: bytes) -> tuple[bytes, ...]:
        return (*(a for a in self.registered if a != address), address)


def _with_option(packet: bytes) -> tuple[nd.Message | None, nd.AddressRegistration | None]:
    """The message of Neighbor Discovery in a packet, and its ARO, as far as they can be read."""
    try:
        message = nd.parse(packet[40:]) if packet[6] == ipv6.ICMPV6 else None
    except DecodeError:
        return None, None
    options = getattr(message, "options", ())
    return message, next((o for o in options if isinstance(o, nd.AddressRegistration)), None)


@dataclass
class Star:
    """The devices of one case; the first is the tester itself, the others have connections of their own."""

    case: Case
    stack: ExitStack
    devices: list[Device] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)

    def join(self, address: bytes | None = None) -> Device:
        """One more device, or (`address`) one that was there. Raises `RigError` when the DUT does not connect."""
        tester, number = self.case.tester, len(self.devices)
        connection = self.stack.enter_context(ExitStack())
        if number:
            address = address or (_FIRST + next(self._numbers)).to_bytes(6)
            link = connection.enter_context(live(self.case).another(address))
            air = Air(link, self.case.evidence.sink)
            tester = Tester(air, tester.dut_address, tester.seed + number, tester.contexts, answer_ns=False)
        made = Device(tester, tester.identity, connection=connection)
        self.devices.append(made)
        return made

    def leave(self, device: Device) -> None:
        """Have a device, not the first one, end its connection."""
        self.devices.remove(device)
        device.connection.close()

    def heard(self, holds: Callable[[Seen], bool], seconds: float) -> Seen | None:
        """The next packet to any of the devices for which `holds(seen)`; None when none comes in time."""
        first = self.case.tester
        deadline = first.now() + seconds
        while True:
            turn = min(deadline, first.now() + _TURN)
            for device in self.devices:
                while (seen := device.tester.hear(turn)) is not None:
                    seen = device.read(seen)
                    if seen.view is not None and holds(seen):
                        return seen
            if first.now() >= deadline:
                return None


_stars: WeakKeyDictionary[Case, Star] = WeakKeyDictionary()


@contextmanager
def star(case: Case) -> Iterator[None]:
    """Where the DUT is a 6LBR over Bluetooth LE: devices may join until the end of the context."""
    if case.tester.kind != "ble" or case.rig.profile.parameters.role != "6LBR":
        yield
        return
    with ExitStack() as stack:
        _stars[case] = Star(case, stack)
        try:
            yield
        finally:
            del _stars[case]


def star_of(case: Case) -> Star | None:
    """The star that the case is in the middle of, if it is one."""
    return _stars.get(case)
