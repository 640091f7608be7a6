"""The tester as routers, hosts and 6LBRs of 6LoWPAN: several parties at once on one link (RFC 6775, RFC 8505).

Strategy: a `Party` is one identity of the tester's with words of its own; there may be many, since a link that takes
any source carries them all. What the DUT sends comes out of `Tester.hear` as ever, and each party that is `serving`
looks at it on the way: a router answers solicitations and registrations as it was told to, and remembers them.
Nothing is judged here. Where elided addresses mean registrations (RFC 7668 §3.2.4), the tester's own role says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from rigs.tester.host import Tester
from rigs.tester.packets import ICMPV6, UNSPECIFIED, Identity, Seen
from sixlowpan import DecodeError, LinkInfo, addresses, ipv6, nd
from sixlowpan.addresses import ALL_ROUTERS

HOP_LIMIT = 255
#: RFC 6775 §9: MULTIHOP_HOPLIMIT.
MULTIHOP = 64
#: The 6LBR that contexts are told to be of.
_BORDER = bytes.fromhex("20010db8000000000000000000000b0c")
#: How often a context is advertised until a control behind it is answered.
_TIMES = 3


def message_of(seen: Seen) -> nd.Message | None:
    """The message of Neighbor Discovery in a packet; None if it has none that can be read."""
    if seen.icmp_type not in {nd.RS, nd.RA, nd.NS, nd.NA, nd.DAR, nd.DAC}:
        return None
    try:
        return nd.parse(seen.upper)
    except DecodeError:
        return None


def registration_of(seen: Seen) -> nd.AddressRegistration | None:
    """The (E)ARO of a Neighbor Solicitation or Advertisement, if it has one."""
    message = message_of(seen)
    options = getattr(message, "options", ())
    return next((option for option in options if isinstance(option, nd.AddressRegistration)), None)


def registers(seen: Seen) -> bool:
    """Whether it is an NS with an (E)ARO."""
    return seen.icmp_type == nd.NS and registration_of(seen) is not None


def registered_by(seen: Seen) -> bytes | None:
    """The address that an NS registers: its source (RFC 6775 §4.1), or the target.

    The target it is where the source is link-local and another address is asked for (RFC 8505 §5.5).
    """
    option = registration_of(seen)
    if option is None or seen.icmp_type != nd.NS or seen.view is None:
        return None
    target = seen.upper[8:24]
    return target if option.t and addresses.is_link_local(seen.view.src) else seen.view.src


@dataclass
class Party:
    """One identity of the tester's, which speaks for itself."""

    tester: Tester
    identity: Identity

    @property
    def address(self) -> bytes:
        """Its link-local address."""
        return self.identity.address

    @property
    def link(self) -> bytes:
        """Its link-layer address."""
        return self.identity.link

    @property
    def eui64(self) -> bytes:
        """What stands in its ARO: the EUI-64 unmodified; on Bluetooth LE in modified format (RFC 7668 §3.2.4)."""
        return addresses.modified_eui64(self.link) if len(self.link) == 6 else self.link

    def info(self) -> LinkInfo:
        """Link-layer addresses of a frame from here to the DUT."""
        return self.tester.info(self.link)

    def packet(
        self, message: nd.Message, destination: bytes | None = None, *, source: bytes | None = None,
        hop_limit: int = HOP_LIMIT,
    ) -> bytes:  # fmt: skip
        """A packet with this message to the DUT, or to `destination`."""
        here = self.address if source is None else source
        there = self.tester.dut_address if destination is None else destination
        return ipv6.build(here, there, ICMPV6, message.build(here, there), hop_limit=hop_limit)

    def say(self, message: nd.Message, destination: bytes | None = None, **how: object) -> bytes:
        """Send a message; return its first frame."""
        return self.send(self.packet(message, destination, **how))  # type: ignore[arg-type]

    def send(self, packet: bytes) -> bytes:
        """Send a packet from here; return its first frame. Multicast goes to the broadcast address (RFC 4944 §3)."""
        multicast = packet[24] == 0xFF and self.tester.kind != "ble"
        info = self.tester.info(self.link, b"\xff\xff") if multicast else self.info()
        return self.tester.send_packet(packet, info)[0]

    def source_option(self) -> nd.LinkLayerAddress:
        """Its SLLAO."""
        return nd.LinkLayerAddress(nd.SLLAO, self.link)

    def is_for(self, seen: Seen) -> bool:
        """Whether a frame is for this party's link-layer address."""
        return seen.info.dst in {self.link, b"\xff\xff"}


@dataclass
class RouterParty(Party):
    """A 6LR or 6LBR of the tester's. `serving` it answers what the DUT asks, as `options` and `status` say."""

    #: Options of its RA, behind the SLLAO.
    options: list[nd.Option] = field(default_factory=list)
    lifetime: int = 1800
    #: Status of its answers to registrations; None: it says nothing.
    status: int | None = 0
    #: Whether it answers Router Solicitations.
    advertises: bool = True
    #: Minutes for which it keeps what is registered; None: as asked for.
    minutes: int | None = None
    #: Status of the DAC with which the 6LBR beyond it answers a DAR; None: it says nothing.
    checked: int | None = 0
    #: What the DUT registered here, in order: (address, option).
    registered: list[tuple[bytes, nd.AddressRegistration]] = field(default_factory=list)

    def advertisement(self, *options: nd.Option, **fields: object) -> nd.RouterAdvertisement:
        """An RA with an SLLAO and these options, or its own."""
        given = {"router_lifetime": self.lifetime, **fields}
        chosen = options or tuple(self.options)
        return nd.RouterAdvertisement(options=(self.source_option(), *chosen), **given)  # type: ignore[arg-type]

    def advertise(self, *options: nd.Option, to: bytes | None = None, **fields: object) -> bytes:
        """Send an RA to the DUT, or to `to`; return its first frame."""
        return self.say(self.advertisement(*options, **fields), to)

    def confirm(self, seen: Seen, status: int = 0, *, to: bytes | None = None, **changes: object) -> bytes:
        """Answer a registration: an NA with its (E)ARO and this status; `changes` are other fields of it.

        It goes to `to`, or else where RFC 6775 §6.5 has it go.
        """
        option = registration_of(seen)
        assert option is not None, "not a registration"
        assert seen.view is not None
        option = replace(option, **{"status": status, **changes})  # type: ignore[arg-type]
        answer = nd.NeighborAdvertisement(seen.upper[8:24], router=True, options=(option,))
        # RFC 6775 §6.5.2: errors go to the link-local address; what RFC 8505 registers comes from one
        there = self.tester.dut_address if status and not option.t else seen.view.src
        return self.say(answer, there if to is None else to)

    def confirm_duplicate(self, seen: Seen, status: int = 0, **changes: object) -> bytes:
        """Answer a DAR as the 6LBR that it went to (RFC 6775 §8.2.4), some hops away; `changes` are other fields."""
        request = message_of(seen)
        assert isinstance(request, nd.DuplicateAddress)
        assert seen.view is not None
        answer = replace(request, **{"type": nd.DAC, "status": status, **changes})  # type: ignore[arg-type]
        return self.say(answer, seen.view.src, source=seen.view.dst, hop_limit=MULTIHOP - 1)

    def _is_probed(self, seen: Seen) -> bool:
        """Whether the DUT asks if this router is there: a plain NS (RFC 6775 §5.5, "also to do NUD")."""
        message = message_of(seen)
        if not isinstance(message, nd.NeighborSolicitation) or registration_of(seen) is not None:
            return False
        return message.target == self.address and seen.view is not None and seen.view.src != UNSPECIFIED

    def hears(self, seen: Seen) -> bool:
        """Answer a solicitation, probe or registration that is for this router; whether it did."""
        if not self.is_for(seen) or seen.view is None:
            return False
        if seen.icmp_type == nd.RS and self.advertises and seen.view.src != UNSPECIFIED:
            self.advertise(to=seen.view.src)
            return True
        if seen.icmp_type == nd.DAR and self.checked is not None and message_of(seen) is not None:
            self.confirm_duplicate(seen, self.checked)
            return True
        if self.status is not None and self._is_probed(seen):
            told = nd.LinkLayerAddress(nd.TLLAO, self.link)
            self.say(nd.NeighborAdvertisement(self.address, router=True, options=(told,)), seen.view.src)
            return True
        option, address = registration_of(seen), registered_by(seen)
        if option is None or address is None or seen.view.dst != self.address:
            return False
        self.registered.append((address, option))
        if self.status is not None:
            minutes = option.lifetime if self.minutes is None or not option.lifetime else self.minutes
            self.confirm(seen, self.status, lifetime=minutes)
        return True


@dataclass
class HostParty(Party):
    """A 6LN of the tester's. `tid` counts its extended registrations."""

    tid: int = nd.tid.FIRST

    def solicit(self, *options: nd.Option, **how: object) -> bytes:
        """Send an RS with an SLLAO to all routers; return its frame."""
        return self.say(nd.RouterSolicitation((self.source_option(), *options)), ALL_ROUTERS, **how)

    def aro(self, lifetime: int = 10, **fields: object) -> nd.AddressRegistration:
        """An ARO of this host's."""
        given = {"rovr": self.eui64, "lifetime": lifetime, **fields}
        return nd.AddressRegistration(**given)  # type: ignore[arg-type]

    def earo(self, lifetime: int = 10, **fields: object) -> nd.AddressRegistration:
        """An EARO with its present TID."""
        return self.aro(lifetime, **{"t": True, "r": True, "tid": self.tid, **fields})

    def solicitation(
        self, option: nd.Option, *, target: bytes | None = None, link: bytes | None = None, sllao: bool = True
    ) -> nd.NeighborSolicitation:
        """An NS for the DUT, or for `target`, with this option and an SLLAO (of `link`)."""
        own = nd.LinkLayerAddress(nd.SLLAO, self.link if link is None else link)
        options = (own, option) if sllao else (option,)
        return nd.NeighborSolicitation(self.tester.dut_address if target is None else target, options)

    def registration(self, address: bytes, option: nd.AddressRegistration | None = None) -> bytes:
        """A packet that registers an address: as RFC 8505 has it where the option has the T flag, else as RFC 6775."""
        option = self.aro() if option is None else option
        if option.t:
            return self.packet(self.solicitation(option, target=address))
        return self.packet(self.solicitation(option), source=address)


class Teacher:
    """Has a DUT learn contexts by our Router Advertisements, one for each change (RFC 6775 §5.4.2).

    A 6LR of several hops heeds only those with an ABRO, each of a newer version (§8.1.3).
    """

    def __init__(self, tester: Tester, *, abro: bool) -> None:
        self._tester, self._abro = tester, abro

    def __call__(self, identifier: int, prefix: bytes, length: int, compress: bool) -> None:
        """Advertise a context; a length of 0 removes it. The DUT has it once a control behind it is answered."""
        tester = self._tester
        party = RouterParty(tester, tester.identity, lifetime=0xFFFF)
        minutes = 0xFFFF if length else 0
        context = nd.ContextOption((prefix + bytes(16))[:16], length, compress, identifier, minutes)
        version = tester.next_version()
        border = [nd.AuthoritativeBorderRouter(_BORDER, version, 0)] if self._abro else []
        # Zephyr to 3.4 reads 24 octets of a 6CO that has 16, and drops an RA that ends with one: the SLLAO stands last
        message = nd.RouterAdvertisement(
            router_lifetime=party.lifetime, options=(*border, context, party.source_option())
        )
        for _ in range(_TIMES):
            party.say(message)
            if tester.control():
                return


@contextmanager
def serving(tester: Tester, *parties: RouterParty) -> Iterator[None]:
    """These routers answer what the DUT asks, and nobody else answers its Neighbor Solicitations."""
    before, tester.answer_ns = tester.answer_ns, False
    kept, tester.servants = tester.servants, [*tester.servants, *(party.hears for party in parties)]
    try:
        yield
    finally:
        tester.answer_ns, tester.servants = before, kept


def heard(tester: Tester, holds: Callable[[Seen], bool], seconds: float) -> Seen | None:
    """The next packet of the DUT for which `holds(seen)`; None when none comes in time."""
    deadline = tester.now() + seconds
    while (seen := tester.hear(deadline)) is not None:
        if seen.view is not None and holds(seen):
            return seen
    return None


__all__ = [
    "MULTIHOP",
    "HostParty",
    "Party",
    "RouterParty",
    "heard",
    "message_of",
    "registered_by",
    "registers",
    "registration_of",
    "serving",
]
