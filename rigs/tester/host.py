"""The tester: our radio plus a minimal IPv6 host behind it.

Strategy: the host does only what a DUT needs of a neighbour (it answers Neighbor Solicitations for its own addresses)
and it hides nothing: every packet that the DUT sent comes out of `hear`, with the frames that carried it, answered or
not, decodable or not. It lives on the clock of the link and waits for nothing but a frame or a deadline. Each case
gets a fresh `Identity`, so that no case sees another's neighbour cache, fragments or late answers.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rigs.tester.asked import Asked
from rigs.tester.assembly import Assembly
from rigs.tester.framing import Air, Heard
from rigs.tester.neighbours import Neighbours, link_option
from rigs.tester.packets import (
    CLOSED,
    ECHO_REPLY,
    FORMS,
    ICMPV6,
    LONGEST,
    NEIGHBOR_SOLICITATION,
    UDP,
    Identity,
    Seen,
    Stimulus,
    in_line,
    is_group,
)
from rigs.tester.shown import Shown
from rigs.tester.trips import Trips
from sixlowpan import Contexts, DecodeError, LinkInfo, addresses, encode, fragment, ipv6
from sixlowpan.link import link_between

#: Frames that are had behind a deadline at most: RIOT may solicit each few ms, as long as it is answered.
STORM = 1000


@dataclass
class Tester:
    """A minimal IPv6 host on one `Air`, opposite one DUT."""

    __test__ = False  # pytest takes the name for a test class

    air: Air
    dut_address: bytes
    seed: int = 0
    contexts: Contexts = field(default_factory=Contexts)
    #: How controls and Neighbor Discovery are sent; a DUT that misreads elided addresses is not thereby deaf.
    form: str = FORMS[0]
    #: Our role opposite a DUT that registers (RFC 7668 §3.2.4): "6LN", "6LBR", or None where none is known.
    role: str | None = None
    #: How many neighbours the DUT has room for, if that is few; half of them are kept reachable at a time.
    neighbours: int | None = None
    #: Tell the DUT our link-layer address before it must ask for it: set for one that seldom asks.
    introduces: bool = False
    #: Answer Neighbor Solicitations for our own addresses (RFC 4861 §7.2.4); see `keeping_quiet`.
    answer_ns: bool = True
    #: Who else of us looks at what the DUT sent, and may answer it (`rigs.tester.discovery`).
    servants: list[Callable[[Seen], object]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._trips, self.shown, self.asked = Trips(), Shown(self.air), Asked()
        self._deadline = self._behind = 0.0
        self._identities: dict[bytes, Identity] = {}
        self.restart("")
        self._version = 0
        #: Datagrams that went in fragments and, for all we know, wait for more of them: when the last one was sent.
        self.begun: dict[bytes, float] = {}
        self._neighbours = Neighbours(self, self.neighbours)
        self._assembly = Assembly()
        link = self.air.link.tester
        self.identity = self._own(Identity(link, addresses.link_local(link)))
        self.heard: list[Seen] = []
        #: Packets that the tester sent as an ordinary host, and the (identifier, sequence) of its controls.
        self.ordinary: set[bytes] = set()
        self.control_ids: set[bytes] = set()
        self.last_control = b""

    def restart(self, name: str) -> None:
        """Draw all that is random anew from the seed and this name: a case does the same alone and in a crowd."""
        self.random = random.Random(f"{self.seed}/{name}")
        self._serial = self.random.randrange(1 << 32)
        self._tag = self.random.randrange(0x10000)
        self._identifier = self.random.randrange(0x10000)
        self.asked.restart(name, self._identities)
        self._trips.another_case()

    # -- identities -------------------------------------------------------------------------------------------

    @property
    def kind(self) -> str:
        return self.air.link.kind

    def _own(self, identity: Identity) -> Identity:
        self._identities[identity.address] = identity
        self.asked.present(identity.address)
        if identity.address[8:14] == addresses.SHORT_IID_PREFIX:
            self.air.link.hear_too(identity.address[14:])
        return identity

    def known(self, address: bytes) -> Identity | None:
        """Who of us has this IPv6 address."""
        return self._identities.get(address)

    def fresh(self) -> Identity:
        """Become somebody whom the DUT has never met, where the link allows it."""
        if not self.air.link.any_source:
            return self._own(self.identity)
        self._serial = (self._serial + 1) & 0xFFFFFFFF
        link = bytes([0x02, 0x00, 0x5E]) + (self.seed & 0xFF).to_bytes(1) + self._serial.to_bytes(4)
        self.identity = self._own(Identity(link, addresses.link_local(link)))
        return self.identity

    def fresh_short(self) -> Identity:
        """A fresh identity with a 16-bit link-layer address (RFC 4944 §3), where the link has more than one."""
        if not self.air.link.any_source:
            return self.identity
        self._serial += 1
        link = (0x1000 + self._serial % 0x6000).to_bytes(2)
        self.identity = self._own(Identity(link, addresses.link_local(link)))
        return self.identity

    def owns(self, link: bytes) -> bool:
        """Whether this is a link-layer address of ours: what goes to others is not for us to understand."""
        return any(identity.link == link for identity in self._identities.values())

    @contextmanager
    def acting_as(self, identity: Identity) -> Iterator[None]:
        """Send as this identity for a while."""
        before, self.identity = self.identity, identity
        self.asked.present(identity.address)
        try:
            yield
        finally:
            self.identity = before

    def also(self, address: bytes) -> bytes:
        """Own one more IPv6 address with the present link-layer address, and answer for it."""
        self._own(Identity(self.identity.link, address))
        self._neighbours.owned(address)
        return address

    def info(self, source: bytes | None = None, destination: bytes | None = None) -> LinkInfo:
        """Link addresses of a frame from the present identity to the DUT."""
        link = self.air.link
        return link_between(
            link.kind,
            self.identity.link if source is None else source,
            self.dut_link if destination is None else destination,
        )

    @property
    def dut_link(self) -> bytes:
        """The DUT's link address that its link-local address is made from."""
        link = self.air.link
        if link.dut_short and addresses.link_local(link.dut_short) == self.dut_address:
            return link.dut_short
        return link.dut

    # -- what is sent -----------------------------------------------------------------------------------------

    def next_tag(self) -> int:
        """A datagram_tag not used before by this tester (RFC 4944 §5.3)."""
        self._tag = (self._tag + 1) & 0xFFFF
        return self._tag

    def next_version(self) -> int:
        """A version of what we advertise that is higher than all before (RFC 6775 §4.3)."""
        self._version += 1
        return self._version

    def next_identifier(self) -> int:
        """An Echo identifier not used before by this tester."""
        self._identifier = (self._identifier + 1) & 0xFFFF
        return self._identifier

    def pattern(self, size: int) -> bytes:
        """Octets in which any two swapped words show (the Internet checksum does not see a swap)."""
        return self.random.randbytes(size)

    def echo(
        self,
        size: int = 8,
        *,
        source: bytes | None = None,
        destination: bytes | None = None,
        hop_limit: int = 64,
        traffic_class: int = 0,
        flow_label: int = 0,
        data: bytes | None = None,
    ) -> bytes:
        """Build an ICMPv6 Echo Request packet with a fresh identifier and `size` octets of data."""
        identifier, data = self.next_identifier(), self.pattern(size) if data is None else data
        source = self.identity.address if source is None else source
        self.asked.echo(identifier, source, data)
        return ipv6.echo_request(
            source,
            self.dut_address if destination is None else destination,
            identifier,
            1,
            data,
            hop_limit=hop_limit,
            traffic_class=traffic_class,
            flow_label=flow_label,
        )

    def datagram(
        self, size: int = 8, *, source_port: int = 0x1234, destination_port: int = CLOSED, **header: int
    ) -> bytes:
        """Build a UDP packet to a port that nobody opened, with `size` octets of data."""
        source, destination = self.identity.address, self.dut_address
        message = ipv6.udp(source_port, destination_port, self.pattern(size), source, destination)
        return ipv6.build(source, destination, UDP, message, **header)

    def payloads(
        self, packet: bytes, info: LinkInfo | None = None, payload: bytes | None = None
    ) -> list[bytes]:
        """The payloads that carry a packet: `payload` (default: the smallest form), fragmented if it must be."""
        info = self.info() if info is None else info
        room = self.air.room(info)
        if self.kind == "ble":  # RFC 7668 §3: 6LoWPAN fragmentation is not used
            return [payload or encode(packet, info, self.contexts)]
        if payload is not None and len(payload) <= room:
            return [payload]
        return fragment(packet, info, self.contexts, mtu=room, tag=self.next_tag(), payload=payload)

    def send(self, what: Stimulus | Iterable[bytes], info: LinkInfo | None = None) -> list[bytes]:
        """Send a stimulus, or payloads between the addresses of `info`, back to back; return its frames."""
        if not isinstance(what, Stimulus):
            what = Stimulus(list(what), None, self.info() if info is None else info)
        if what.before is not None:
            self.send(what.before)
        self._assembly.owed.sent(what.packet)
        self.asked.sent(what.packet)
        frames = self.frames_of(what)
        for frame, key in zip(
            frames, [b""] * len(frames) if self.kind == "ble" else what.datagrams, strict=True
        ):
            self.air.send_frame(frame)
            if key:
                self.begun[key] = self.now()
        return frames

    def frames_of(self, stimulus: Stimulus) -> list[bytes]:
        """The frames that a stimulus is sent in."""
        return list(stimulus.frames) or [self.air.frame(one, stimulus.info) for one in stimulus.payloads]

    def send_packet(self, packet: bytes, info: LinkInfo | None = None) -> list[bytes]:
        """Send a packet in the ordinary form: for what is ordinary, never for what is tried."""
        self.ordinary.add(packet)
        return self.send(self.ordinarily(packet, self.info() if info is None else info))

    def ordinarily(self, packet: bytes, info: LinkInfo) -> Stimulus:
        """A packet in the form that the DUT is known to understand."""
        payload = {"in-line": in_line(packet), "uncompressed": b"\x41" + packet}.get(self.form)
        return Stimulus(self.payloads(packet, info, payload), packet, info)

    def held(self, timeout: float) -> int:
        """How many datagrams a DUT may still keep that waits for the rest of one as long as `timeout` in seconds."""
        now = self.now()
        self.begun = {key: at for key, at in self.begun.items() if at + LONGEST + 1 >= now}
        return sum(at + timeout + 1 >= now for at in self.begun.values())

    # -- what is heard ----------------------------------------------------------------------------------------

    def now(self) -> float:
        """Seconds on the clock of deadlines."""
        return self.air.link.now()

    def stamp(self) -> float:
        """Seconds on the clock of `Seen.time`."""
        return self.air.link.stamp()

    def left(self, frame: bytes) -> float:
        """When the latest sending of this frame left, on the same clock."""
        return self.air.left(frame)

    def hear(self, deadline: float) -> Seen | None:
        """Return the next packet that the DUT sent; None at the deadline. Answers NS on the way, hides nothing."""
        if deadline != self._deadline:
            self._deadline, self._behind = deadline, 0
        while True:
            self._behind += self.now() > deadline
            if self._behind > STORM or (heard := self.air.hear(deadline)) is None:
                return None
            seen = self._assembly.take(heard, self.contexts)
            if seen is None or (seen.error is not None and not self._is_told(seen, seen.error)):
                continue
            self.heard.append(seen)
            self.shown.heard()
            there = (one.address for one in self._identities.values() if one.link == seen.info.dst)
            seen.stale = self.asked.late(seen, there)
            for serve in self.servants:
                serve(seen)
            if self.answer_ns and seen.icmp_type == NEIGHBOR_SOLICITATION:
                self._neighbours.advertise(seen)
            return seen

    def listen(self, seconds: float) -> None:
        """Take in whatever comes for a while, on the link's clock: on a virtual one it costs nothing."""
        deadline = self.now() + seconds
        while self.hear(deadline) is not None:
            pass

    def _is_told(self, seen: Seen, error: DecodeError) -> bool:
        """Whether what cannot be decoded comes from the DUT, for all we know, and is not for others."""
        link, ours = self.air.link, self._is_ours(seen.info.dst)
        source = seen.info.src if ours else seen.origin  # it may forward what others made
        own = source == (link.dut if len(source) != 2 else link.dut_short or source)
        return (own or not source) and (ours or error.kind != "unsupported")

    def _is_ours(self, link: bytes) -> bool:
        return not link or is_group(link) or self.owns(link)

    def incomplete(self, since: float) -> list[Heard]:
        """The fragments for us of datagrams that began at `since` or later and are not whole, as they came."""
        return [heard for heard in self._assembly.incomplete(since) if self._is_ours(heard.info.dst)]

    @contextmanager
    def keeping_quiet(self) -> Iterator[None]:
        """Answer no Neighbor Solicitation for a while."""
        before, self.answer_ns = self.answer_ns, False
        try:
            yield
        finally:
            self.answer_ns = before

    def link_option(self, kind: int, link: bytes) -> bytes:
        """A Source (1) or Target (2) Link-Layer Address option; RFC 4944 §8, RFC 7668 §3.2 for the lengths."""
        return link_option(kind, link)

    def solicitation(self, target: bytes, options: bytes | None = None, to: bytes | None = None) -> bytes:
        """A Neighbor Solicitation packet of ours for `target`, sent there or to `to`; `options` are as they stand."""
        source, destination = self.identity.address, target if to is None else to
        own = link_option(1, self.identity.link) if options is None else options
        message = ipv6.icmpv6(NEIGHBOR_SOLICITATION, 0, bytes(4) + target + own, source, destination)
        return ipv6.build(source, destination, ICMPV6, message, hop_limit=255)

    def solicit(self) -> None:
        """Send a Neighbor Solicitation for the DUT with our link address: it need not ask for ours then."""
        self._neighbours.solicit()

    def introduce(self, address: bytes, deadline: float) -> None:
        """Make the DUT know the link-layer address behind one of our addresses, where it is to be told of itself."""
        identity = self.known(address)
        if self.introduces and identity is not None:
            self._neighbours.introduce(identity, deadline)

    # -- exchanges --------------------------------------------------------------------------------------------

    def reply_to(self, request: bytes, deadline: float) -> Seen | None:
        """Wait for the Echo Reply with the identifier and sequence number of `request`; None at the deadline."""
        wanted = ipv6.Packet.parse(request).upper()[2][4:8]
        while (seen := self.hear(deadline)) is not None:
            if seen.icmp_type == ECHO_REPLY and seen.upper[4:8] == wanted:
                return seen
        return None

    def control(self, size: int = 8, *, timeout: float = 2.0) -> bool:
        """An ordinary echo: whether rig and DUT are alive. Raises `LinkClosed`.

        An Echo Reply to us with an identifier that nobody asked for is a sign of life as well: a DUT that garbles
        it is alive, and that it garbles is for a case to judge. A late answer to another echo is not.
        """
        request = self.last_control = self.echo(size)
        wanted = ipv6.Packet.parse(request).upper()[2][4:8]
        self.control_ids.add(wanted)
        began = self.now()
        self.send_packet(request)
        deadline = began + timeout
        while (seen := self.hear(deadline)) is not None:
            if seen.icmp_type != ECHO_REPLY or seen.view is None:
                continue
            answers = seen.upper[4:8]
            ours = answers in self.control_ids or self.asked.here(answers)
            if answers == wanted or (seen.view.dst == self.identity.address and not ours):
                self._trips.took(self.now() - began, size)
                self.shown.answered(request)
                return True
        return False

    @property
    def slowest(self) -> float:
        """Seconds that a slow one of the last controls took, on the clock of deadlines; 0 before the first."""
        return self._trips.slowest

    def asked_by(self, seen: Seen) -> str | None:
        """The case that asked the echo to which this is the right answer; None where it is none."""
        return self.asked.by(seen)

    def drain(self) -> None:
        """Take in what is already here (late answers of the case before), and forget what is over."""
        self.ordinary.clear()
        self.control_ids.clear()
        self.listen(0)
