"""A rig with two devices on one air: the DUT, its peer, and our own radio, which only listens.

Strategy: each of the two is opened as its own rig file would open it, by its own link; the software air joins the two
links, so that what one sends the other hears, and keeps what became of every frame. The peer hangs on the bench of the
DUT, so whatever ends the rig ends both. Two devices that cannot meet (of different PANs, with one address) are told
before a case is run.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from rigs import registry
from rigs.air.link import AirLink
from rigs.air.settings import AirSettings
from rigs.bench import Bench, Rig, Teller, open_device
from rigs.configuration.models import OF_A_PEER, Device, Profile, RigFile
from rigs.links.memory.link import MemoryLink
from rigs.model import Link, Received, RigError
from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import DecodeError, mac

SideName = Literal["dut", "peer"]
SIDES: Final[tuple[SideName, ...]] = ("dut", "peer")
#: The name of our own node that speaks by our radio while a case lets it (`Third`).
THIRD: Final = "third"
#: The peer's link-layer address where its rig file says none: another one than every adapter takes for its DUT.
ADDRESS: Final = {"ieee802154": bytes.fromhex("02005efffe0000b2"), "ble": bytes.fromhex("c000000000b2")}


def alone(rig: RigFile, side: SideName, kind: str, other: bytes | None = None) -> RigFile:
    """The rig file of one device of a pair by itself, on this kind of link.

    `other` is the link-layer address of the other device: on Bluetooth LE that is who is at the far end.
    """
    assert rig.peer is not None, "it is no pair"
    given: dict[str, Any] = {}
    dut = rig.dut
    if side == "peer":
        own = {key: value for key, value in rig.peer if key not in OF_A_PEER}
        given = {"link": rig.peer.link or rig.tester.link}
        by_itself = rig.model_copy(update={"tester": rig.tester.model_copy(update=given)})
        address = None if registry.hears_the_address(by_itself) else ADDRESS[kind]
        dut = Device.model_construct(**{**own, "address": rig.peer.address or address})
    if kind == "ble":
        given["address"] = other or rig.peer.address or ADDRESS[kind]
    tester = rig.tester.model_copy(update=given)
    # SDUs go over the software air, so that no node's end of a channel in memory is needed
    if tester.link.startswith("ipsp_memory:"):
        tester = tester.model_copy(update={"link": "memory:ble"})
    return rig.model_copy(update={"tester": tester, "dut": dut, "peer": None, "air": None})


def parts(rig: RigFile, kind: str) -> list[RigFile]:
    """The rig file of each device: two of a pair, else the rig itself."""
    return [alone(rig, side, kind) for side in SIDES] if rig.peer is not None else [rig]


class Side:
    """One device of a pair at work: its link, its node, and what its profile declares."""

    def __init__(self, name: str, file: RigFile, profile: Profile, bench: Bench | None = None) -> None:
        """Open it on a bench, or on one of its own. Nothing stays open when that fails. Raises `RigError`."""
        self.name, self.file, self.profile = name, file, profile
        self._bench = bench or Bench()
        self._owns = bench is None
        try:
            self.link, self.node, self.version = open_device(self._bench, file, profile)
        except BaseException:
            if self._owns:
                self._bench.close()
            raise

    def close(self) -> None:
        """Close the node, and the bench if it is the device's own. May be called twice."""
        self.node.close()
        self.link.close()
        if self._owns:
            self._bench.close()


class Pair(Rig):
    """A rig with a peer. `link` is our end of the air that joins both; `node` and `profile` are the DUT's."""

    def __init__(self, file: RigFile, profile: Profile, other: Profile, tell: Teller | None = None) -> None:
        super().__init__(file, profile, tell)
        self._other = other
        #: What the air does to frames where no case says otherwise: beside a node in memory they take their time.
        self.good_air = AirSettings()
        #: Link-layer addresses that each told the other since they were opened.
        self.told: dict[str, set[bytes]] = {name: set() for name in SIDES}
        #: Addresses that a 6LBR of the two has confirmed to a 6LN (RFC 7668 §3.2.4), the latest last.
        self.registered: tuple[bytes, ...] = ()
        #: Whether a datagram was cut by the medium that a node may still keep.
        self.cut = False
        self.sides: dict[SideName, Side] = {}

    @property
    def air(self) -> AirLink:
        """Our end of the air. Raises `RigError` while the rig is not open."""
        link = self.link
        assert isinstance(link, AirLink)
        return link

    @property
    def peer(self) -> Side:
        """The other device. Raises `RigError` while the rig is not open."""
        if "peer" not in self.sides:
            raise RigError(self.ended or f"{self.name}: the rig is not open")
        return self.sides["peer"]

    def _set_up(self) -> None:
        kind = self.profile.link
        ours = alone(self.file, "dut", kind)
        dut = self._bench.resource("dut", lambda: Side("dut", ours, self.profile, self._bench))
        self._node, self.version = dut.node, dut.version
        theirs = alone(self.file, "peer", kind, dut.link.dut)
        peer = self._bench.resource("peer", lambda: Side("peer", theirs, self._other))
        self.sides = {"dut": dut, "peer": peer}
        self.told, self.registered = {name: set() for name in SIDES}, ()
        if why := cannot_meet(dut, peer):
            raise RigError(f"{self.name}: {why}")
        members: dict[str, Link] = {name: side.link for name, side in self.sides.items()}
        # a node in memory sends all its fragments at one moment, which no radio does: the air gives them their time
        in_memory = kind == "ieee802154" and any(isinstance(link, MemoryLink) for link in members.values())
        self.good_air = self.file.air or AirSettings(model="802154" if in_memory else "none")
        self._link = AirLink(members, self.good_air)


class Third(Side):
    """A third device on the air of a pair: the reference node, which hears and speaks by our radio.

    Whoever listens at our end of the air moves it, by `receive`: it needs no thread, and has the clock of the rig.
    """

    def __init__(self, pair: Pair) -> None:
        """Raises `RigError`."""
        self._air = pair.link
        given = (f"dut.address={self._air.tester.hex()}", f"tester.pan=0x{self._air.pan.hex()}")
        loaded = registry.load("reference", given)
        super().__init__(THIRD, loaded.rig, loaded.profile)
        assert isinstance(self.link, MemoryLink)
        self._memory = self.link
        self._memory.paced = False
        #: While this is set, of a datagram only the first fragment is sent; the others wait.
        self.keeps_the_rest = False
        self._waiting: list[bytes] = []

    def begin_datagrams_with(self, tag: int) -> None:
        """Give its next datagram in fragments this tag: RFC 4944 §5.3 leaves a sender its first one."""
        assert isinstance(self.node, ReferenceNode)
        self.node.tag = (tag - 1) & 0xFFFF

    def receive(self, deadline: float) -> Received | None:
        """The next frame on the air, which it hears as well; None at the deadline. Raises `LinkClosed`."""
        self._speak()
        got = self._air.receive(deadline)
        if got is not None:
            self._memory.send(got.frame)
            self._speak()
        return got

    def _speak(self) -> None:
        """Send what it has to say now."""
        self._memory.advance(self._air.stamp())
        if not self.keeps_the_rest:
            while self._waiting:
                self._air.send(self._waiting.pop(0))
        while (got := self._memory.receive(self._memory.now())) is not None:
            if self.keeps_the_rest and _is_further_fragment(got.frame):
                self._waiting.append(got.frame)
            else:
                self._air.send(got.frame)


def _is_further_fragment(frame: bytes) -> bool:
    """Whether a frame carries a fragment behind the first one (RFC 4944 §5.3: 11100)."""
    try:
        header, payload = mac.parse(frame)
    except DecodeError:
        return False
    return header.type == mac.DATA and payload[:1] != b"" and payload[0] >> 3 == 0x1C


def cannot_meet(dut: Side, peer: Side) -> str:
    """Why two devices can have nothing to say to each other, and what to do about it; empty where they can."""
    a, b = dut.link, peer.link
    if a.kind != b.kind:
        return f"the DUT's link is {a.kind} and the peer's {b.kind}: name two devices of one kind"
    if a.kind == "ieee802154" and a.pan != b.pan:
        return (
            f"the DUT is in PAN {a.pan.hex()} and the peer in {b.pan.hex()}: whichever can be told its PAN, tell it by "
            f"--set tester.pan=0x{b.pan.hex()}, or put the other rig first"
        )
    if a.dut == b.dut:
        return f"DUT and peer have one link-layer address, {a.dut.hex()}: give one another by --set peer.address=..."
    if a.dut_short and a.dut_short == b.dut_short:
        return f"DUT and peer have one short address, {a.dut_short.hex()}: give one another by --set peer.short=..."
    if shared := set(dut.node.addresses()) & set(peer.node.addresses()):
        return f"DUT and peer have one IPv6 address, {shared.pop().hex(':', 2)}: give one another address"
    return ""
