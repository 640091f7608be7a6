"""The tester as 6LNs of a DUT that is a 6LBR: one or two devices, each with registrations of its own.

Strategy: each is a `Device`, which reads what a 6LBR sends with what it has registered; here is what cases have it do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from weakref import WeakSet

from fixtures.api import ALL_ROUTERS, ECHO_REPLY, ICMPV6, UDP, Air, Case, Seen, Tester
from sixlowpan import LinkInfo, ipv6, nd
from suites.rfc7668.channel import as_6lbr, live
from suites.rfc7668.devices import Device

#: The flow label in the first four octets of a packet (RFC 8200 §3).
LABEL = 0xFFFFF
ALL_MLD_ROUTERS = bytes.fromhex("ff020000000000000000000000000016")
#: Rigs whose DUT has advertised a prefix in this run.
_ADVERTISED: WeakSet[object] = WeakSet()
INCLUDE, EXCLUDE = 3, 4  # CHANGE_TO_..., RFC 3810 §5.2.12


def autonomous(message: nd.RouterAdvertisement) -> list[bytes]:
    """The prefixes (16 octets) that it advertises for autoconfiguration."""
    return [o.prefix for o in message.options if isinstance(o, nd.PrefixInformation) and o.autonomous]


class SixLn:
    """One device of the tester's, as a 6LN of the DUT's."""

    def __init__(self, case: Case, tester: Tester) -> None:
        self._case, self.tester = case, tester
        self._party = Device(tester, tester.identity)

    @property
    def registered(self) -> tuple[bytes, ...]:
        """What it has registered, the latest last."""
        return self._party.registered

    @registered.setter
    def registered(self, addresses: tuple[bytes, ...]) -> None:
        self._party.registered = addresses

    @property
    def address(self) -> bytes:
        """Its link-local address."""
        return self.tester.identity.address

    def info(self) -> LinkInfo:
        """Of a frame from this 6LN to the DUT."""
        return self._party.info()

    def send(self, packet: bytes) -> None:
        """Send a packet, compressed as §3.2.4 wants it of a 6LN."""
        self._party.send(packet)

    def heard(self, holds: Callable[[bytes, Seen], bool], seconds: float = 2.0) -> tuple[bytes, Seen] | None:
        """The next (packet, as it came) for which `holds`; None when none comes in time."""
        deadline = self.tester.now() + seconds
        while (seen := self.tester.hear(deadline)) is not None:
            packet = self.read(seen)
            if packet is not None and holds(packet, seen):
                return packet, seen
        return None

    def read(self, seen: Seen) -> bytes | None:
        """What the DUT means by a payload, to this 6LN."""
        return self._party.meant(seen)

    # -- Neighbor Discovery -----------------------------------------------------------------------------------

    def advertisement(self) -> tuple[nd.RouterAdvertisement, Seen] | None:
        """Solicit, and return the Router Advertisement that comes (RFC 6775 §5.3)."""
        self.send(self._party.packet(nd.RouterSolicitation((self._party.source_option(),)), ALL_ROUTERS))
        found = self.heard(lambda packet, _: packet[40:41] == bytes([nd.RA]))
        if found is None:
            return None
        message = nd.parse(found[0][40:])
        if not isinstance(message, nd.RouterAdvertisement):
            return None
        if autonomous(message):
            _ADVERTISED.add(self._case.rig)
        return message, found[1]

    def prefix(self) -> bytes:
        """16 octets: the prefix that the DUT advertises for autoconfiguration; `unsupported` where it never did."""
        found = self.advertisement()
        if found and (made := autonomous(found[0])):
            return made[0]
        if (
            found and self._case.rig in _ADVERTISED
        ):  # what a case does to the DUT hides nothing from the next ones
            self._case.finding(
                "no_6co",
                "the prefix that it advertised before",
                "none",
                requirement="RFC7668-3.2.4-03",
                frame=found[1],
            )
        return self._case.unsupported("the DUT advertises no prefix for autoconfiguration")

    def register(self, address: bytes, lifetime: int = 10) -> int | None:
        """NS with ARO from `address`; the status of the answer, None without one. Registered is what has status 0."""
        self.tester.also(address)
        self.send(self._party.registration(address, self._party.aro(lifetime)))
        to = {address, self.address}  # a refusal goes to the link-local address: RFC 6775 §6.5.2
        found = self.heard(lambda packet, _: packet[40:41] == bytes([nd.NA]) and packet[24:40] in to)
        if found is None:
            return None
        options = getattr(nd.parse(found[0][40:]), "options", ())
        aro = [o for o in options if isinstance(o, nd.AddressRegistration)]
        return aro[0].status if aro else None

    def leave(self) -> None:
        """Take back what it has registered (RFC 6775 §5.5.3): a 6LBR may keep a registration beyond the connection."""
        for address in self.registered:
            self.register(address, lifetime=0)

    def listen(self, *groups: bytes, kind: int = EXCLUDE) -> None:
        """Report that this 6LN listens to these groups, or no longer does (MLDv2, RFC 3810 §5.2), in one report."""
        self.report(*(bytes([kind, 0, 0, 0]) + group for group in groups))

    def report(self, *records: bytes) -> None:
        """One MLDv2 Report with these Multicast Address Records (RFC 3810 §5.2)."""
        self._tell(143, bytes(2) + len(records).to_bytes(2) + b"".join(records), ALL_MLD_ROUTERS)

    def report_once(self, group: bytes) -> None:
        """One MLDv1 Report (RFC 2710 §3): it goes to the group itself."""
        self._tell(131, bytes(4) + group, group)

    def _tell(self, kind: int, body: bytes, to: bytes) -> None:
        message = ipv6.icmpv6(kind, 0, body, self.address, to)
        alert = bytes((ICMPV6, 0, 5, 2, 0, 0, 1, 0))
        self.send(ipv6.build(self.address, to, ipv6.HOP_BY_HOP, alert + message, hop_limit=1))

    # -- traffic ----------------------------------------------------------------------------------------------

    def echoed(self, source: bytes, destination: bytes) -> tuple[bytes, Seen] | None:
        """The answer to an echo from one of this 6LN's addresses, as it came."""
        request = self.tester.echo(source=source, destination=destination)
        self.send(request)
        return self.answer_to(request)

    def answer_to(self, request: bytes) -> tuple[bytes, Seen] | None:
        """The answer to an echo that was sent, as it came."""
        wanted = request[44:48]

        def answers(packet: bytes, _: Seen) -> bool:
            protocol, _at, upper = ipv6.Packet.parse(packet).upper()  # options headers may stand in front
            return protocol == ICMPV6 and upper[:1] == bytes([ECHO_REPLY]) and upper[4:8] == wanted

        return self.heard(answers)

    def alive(self) -> bool:
        """Whether the DUT answers this 6LN; behind that, everything sent before has been worked off."""
        return self.echoed(self.address, self.tester.dut_address) is not None

    def datagram(self, source: bytes, destination: bytes, *, size: int = 24, **header: int) -> bytes:
        """A UDP packet that can be told from all others; `header` are fields of its IPv6 header."""
        message = ipv6.udp(0xF0B5, 0xF0B6, self.tester.pattern(size), source, destination)
        return ipv6.build(source, destination, UDP, message, **header)


@contextmanager
def sixln(case: Case) -> Iterator[SixLn]:
    """The tester as the only 6LN of the DUT's, which is a 6LBR."""
    as_6lbr(case)
    link = live(case)
    link.reconnect()
    member = SixLn(case, case.tester)
    try:
        yield member
        member.leave()
    finally:
        link.reconnect()  # so that no registration outlives the case


@contextmanager
def two(case: Case) -> Iterator[tuple[SixLn, SixLn]]:
    """The tester as two 6LNs. A DUT that answers only one of them is a finding of whoever asks."""
    with sixln(case) as first, one_more(case) as second:
        yield first, second


@contextmanager
def one_more(case: Case, device: bytes | None = None) -> Iterator[SixLn]:
    """One more 6LN beside those that there are, for as long as the context lasts; `device` is its device address."""
    with live(case).another(device) as link:
        tester = Tester(Air(link, case.evidence.sink), case.tester.dut_address, case.tester.seed + 1)
        tester.contexts = case.tester.contexts
        member = SixLn(case, tester)
        yield member
        member.leave()


def carried(sent: bytes, packet: bytes) -> bool:
    """Whether a packet is the one that was sent, however many hops ago (the hop limit is less).

    A node that forwards it "MAY change the flow label value" where that is zero (RFC 6437 §3).
    """
    head = (
        int.from_bytes(packet[:4])
        if int.from_bytes(sent[:4]) & LABEL
        else int.from_bytes(packet[:4]) & ~LABEL
    )
    return head.to_bytes(4) + packet[4:7] + packet[8:] == sent[:7] + sent[8:]


def forwardable(tester: Tester, source: bytes, destination: bytes) -> dict[str, bytes]:
    """Packets in which a router has to leave all as it is but the hop limit (RFC 8200 §3), by what is special."""

    def made(protocol: int, octets: bytes, **header: int) -> bytes:
        return ipv6.build(source, destination, protocol, octets, **header)

    def datagram(front: bytes = b"") -> bytes:
        return front + ipv6.udp(0xF0B5, 0xF0B6, tester.pattern(24), source, destination)

    wrong = bytearray(datagram())
    wrong[6] ^= 0x55
    options, routing = bytes([UDP, 0, 1, 4]) + bytes(4), bytes([UDP, 0, 253, 0]) + bytes(4)
    part = bytes([UDP, 0, 0, 1]) + tester.pattern(4)  # the first fragment of an IPv6 packet
    unreachable = ipv6.icmpv6(1, 4, bytes(4) + made(UDP, datagram()), source, destination)
    segment = bytes.fromhex("f0b5f0b6 00000001 00000000 50020400 00000000") + tester.pattern(4)
    return {
        "an Echo Request": tester.echo(24, source=source, destination=destination),
        "an ICMPv6 error": made(ICMPV6, unreachable),
        "a TCP segment whose checksum is wrong": made(6, segment),
        "an unassigned next header": made(253, tester.pattern(24)),
        "a header that nothing follows": made(59, b""),
        "Hop-by-Hop Options": made(0, datagram(options)),
        "a Routing header": made(43, datagram(routing)),
        "an IPv6 fragment": made(44, datagram(part)),
        "Destination Options": made(60, datagram(options)),
        "a packet in a packet": made(41, made(UDP, datagram())),
        "a wrong UDP checksum": made(UDP, bytes(wrong)),
        "a traffic class and a flow label": made(UDP, datagram(), traffic_class=0xB9, flow_label=0xABCDE),
        "a traffic class": made(UDP, datagram(), traffic_class=0x2E << 2),
        "ECN and a flow label": made(UDP, datagram(), traffic_class=3, flow_label=0x80001),
        **{f"a hop limit of {n}": made(UDP, datagram(), hop_limit=n) for n in (2, 64, 65, 255)},
        **{f"{n} octets": made(253, tester.pattern(n - 40)) for n in (200, 1280)},
    }


def arrives(sender: SixLn, packet: bytes, receiver: SixLn) -> tuple[bytes, Seen] | None:
    """Send a packet; what comes of it at the other 6LN, None when nothing has by the time the DUT is done with it."""
    sender.send(packet)
    sender.alive()
    receiver.alive()
    for seen in receiver.tester.heard:
        got = receiver.read(seen)
        if got is not None and carried(packet, got):
            return got, seen
    return None
