"""The shapes of everything on a bench: `Link`, `Node`, `IpTap`, and what can go wrong with them.

Strategy: a *link* moves single frames between our tester and the medium and knows nothing of IPv6; a *node*
is the device under test seen from its own side (console, sockets, IP tap) and declares what it can do. Suites
and fixtures see only these two; every board, stack and virtual machine is one module that implements one of
them. Deadlines are absolute, on the clock of the link (`Link.now`), so that an in-memory link can run on a
virtual clock and hundreds of mutants cost no waiting. Stamps of frames are on a clock of their own (`Link.stamp`).
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

from reports.record import REASONS
from rigs import clock as progress

E = TypeVar("E", bound=Exception)
LinkKind = Literal["ieee802154", "ble"]
Direction = Literal["sent", "received"]

#: What a DUT can declare (docs/bring-your-board.md). A profile lists some of these, and a case asks for them.
ABILITIES = frozenset(
    {
        "echo",  # answers ICMPv6 Echo Requests (RFC 4443 §4.2)
        "ping",  # originates Echo Requests on command
        "udp",  # sends and receives UDP datagrams on command
        "tcp",  # accepts TCP connections and sends and receives on them on command
        "join",  # joins a multicast group on command
        "context",  # takes 6LoWPAN contexts on command (RFC 6282 §3.1.2)
        "connect",  # opens the IPSP channel on command (RFC 7668)
        "address",  # takes further IPv6 addresses on command
        "console",
        "reset",
        "power",
        "ip_tap",  # shows the packets that it decompressed, bit for bit
        "counters",
        "discover",  # finds devices as a lab host does: by a scan, then GATT (Bluetooth LE)
        "choices",  # sends in other forms that the texts permit on command (`CHOICES`)
        "port_unreachable",  # quotes what it decompressed in ICMPv6 errors (RFC 4443 §3.1)
    }
)
#: What the texts leave to a sender, and a node may offer to do on command (`Node.choose`).
CHOICES = {
    "small-fragments": "what needs fragments in ones of 56 octets at most (RFC 4944 §5.3 sets no least size)",
    "uneven-fragments": "fragments of different lengths, multiples of eight octets (RFC 4944 §5.3)",
    "last-fragment-first": "fragments from the last to the first (RFC 4944 §5.3 asks for no order)",
    "uncompressed": "headers uncompressed, behind 0x41 (RFC 4944 §5.1)",
    "longest-form": "the longest form of the compressed header (RFC 6282 §3.1.1)",
    "short-source": "frames from the 16-bit address (RFC 4944 §3)",
    "padding": "a Destination Options header with padding alone in front of echoes (RFC 8200 §4.2, §4.6)",
}


class RigError(Exception):
    """The rig's fault, never the DUT's: what was tried, what was seen, and the remedy."""


class LinkClosed(RigError):  # noqa: N818 - it says what happened
    """The transport under a link or console is gone."""


class RadioLost(LinkClosed):
    """The tester's own radio is gone, or says nothing any more: whatever the DUT does, it cannot bring that about."""


def overdue(error: E) -> E:
    """Mark an error: it says that something did not come in time, for which a machine too slow may be the reason."""
    vars(error)["overdue"] = True
    return error


def is_overdue(error: BaseException | None) -> bool:
    """Whether an error, or the one that it was raised from, says that something did not come in time."""
    while error is not None:
        if "overdue" in vars(error) or isinstance(error, TimeoutError):
            return True
        error = error.__cause__
    return False


class Unsupported(Exception):  # noqa: N818 - a statement about the node, not an error of anybody
    """The node does not have what was asked for; `reason` is one of `reports.record.REASONS`."""

    def __init__(self, why: str, reason: str = "not_on_this_rig") -> None:
        if reason not in REASONS:
            raise ValueError(f"no such reason: {reason}; there are: {', '.join(REASONS)}")
        super().__init__(why)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Received:
    """One frame (or packet, from an `IpTap`) taken off the medium.

    `time` is in seconds on the clock named by `clock`: "monotonic" (this host), "guest" (virtual machine),
    "virtual" (in-memory link).
    """

    frame: bytes
    time: float
    clock: str


@dataclass(frozen=True, slots=True)
class Health:
    """What the rig can see of the DUT without talking to it over the link.

    alive: nothing wrong seen. crashed: it aborted, oopsed, asserted or rebooted of itself (detail shows it).
    killed: ended from outside (a signal that it did not raise itself). unreachable: the transport is closed.
    """

    state: Literal["alive", "crashed", "killed", "unreachable"]
    detail: str = ""

    def beside(self, seen: str) -> str:
        """What was seen, and the detail; a link that closed with its node has said already how that ended."""
        return seen if self.detail in seen else f"{seen}; {self.detail}"


#: Seconds that the clock of a guest may have drifted from this host's since it was read (2 to 19 us in 20 s were seen).
DRIFT: Final = 0.05
#: Whether one transmission of a frame is lost; "sent" is what the tester's radio transmits to the device.
Loses = Callable[[Direction, bytes], bool]
#: Called with (tap name, direction, frame) for every frame either way: the evidence.
FrameSink = Callable[[str, Direction, Received], None]


class Link(ABC):
    """How the tester puts one frame on the medium and takes one off.

    A frame is an IEEE 802.15.4 PSDU without FCS (kind "ieee802154"), or one SDU of the IPSP channel ("ble").
    """

    kind: LinkKind
    clock: str = "monotonic"
    #: Octets of one frame at most: 125 for an 802.15.4 PSDU without FCS, the channel's MTU on BLE.
    mtu: int = 125
    #: Link-layer addresses, big-endian as printed: 8 octets (EUI-64), or 6 (BD_ADDR).
    tester: bytes
    dut: bytes
    #: The DUT's 16-bit short address when it has one (2 octets), else empty. 802.15.4 only.
    dut_short: bytes = b""
    pan: bytes = b"\xab\xcd"
    #: Whether frames may be sent from (and answers are heard for) any source address, not only `tester`.
    any_source: bool = False
    #: Whether the medium acknowledges at MAC level by itself (so that the tester must not).
    auto_ack: bool = True

    def now(self) -> float:
        """Seconds on the clock of deadlines; it stands still while the rig is held up (`rigs.clock`)."""
        return progress.now()

    def stamp(self) -> float:
        """Seconds on the clock that `Received.time` is told on: true time, where the clock is not virtual."""
        return self.now() if self.clock == "virtual" else time.monotonic()

    @property
    def medium(self) -> str:
        """What carries the frames where it is no radio, in words that stand beside each figure; empty: a radio."""
        return ""

    @property
    def protects(self) -> bool:
        """Whether what is sent here goes out with an integrity code (RFC 6282 §4.3.2: "e.g., a Layer 2 (L2) MIC")."""
        return False

    def restarting(self) -> None:  # noqa: B027 - most links learn nothing
        """The DUT is about to restart: what was learnt of it on the link may be other afterwards."""

    def held_up(self) -> float:
        """Seconds for which other work on this machine has held the rig up so far; never on a virtual clock."""
        return 0.0 if self.clock == "virtual" else progress.held_up()

    def outgoing(self) -> Sequence[Received]:
        """Our own frames as a tap of the medium saw them leave, the oldest first, as far as they are kept.

        Their stamps are of the clock that stamps what is received. Empty where the link has no such tap.
        """
        return ()

    def done_to(self, since: float) -> Mapping[bytes, str]:
        """What a software air did to frames that were sent from then on (`stamp`), in words; empty without one."""
        del since
        return {}

    def hear_too(self, short: bytes) -> None:  # noqa: B027 - most hear all that is sent, or cannot choose
        """Hear what is sent to this 16-bit address as well: nodes that resolve nothing take it out of an IPv6 address.

        A radio with a place for one short address hears the latest.
        """

    def seek(self, frame: bytes, wait: float) -> Mapping[int, Sequence[bytes]]:
        """Send a broadcast on each channel but the rig's own, and listen there for `wait` seconds.

        Returns the frames that were heard, by channel; empty where the link cannot change its channel.
        """
        del frame, wait
        return {}

    def size_on_air(self, frame: bytes) -> int:
        """Octets that a frame received here had on the medium: more than it has now where a link has opened it."""
        return len(frame)

    def before_ack(self, loses: Loses) -> bool:
        """Let `loses` decide of each transmission, before anybody acknowledges it; False where this link cannot ask.

        A frame that is lost behind its acknowledgement is never repeated, and no radio loses frames in that way.
        """
        del loses
        return False

    #: Whether the clock of deadlines stands still while nobody waits on this link.
    takes_turns: bool = False
    #: How far stamps of a guest's clock may be off when they are told on this host's, in seconds; 0: the same clock.
    clock_error: float = 0.0

    @abstractmethod
    def send(self, frame: bytes) -> None:
        """Put one frame on the medium. Raises `LinkClosed`."""

    @abstractmethod
    def receive(self, deadline: float) -> Received | None:
        """Return the next frame from the medium, oldest first; None when `deadline` passes. Raises `LinkClosed`.

        A background reader keeps everything between calls. A virtual-clock link returns None at once (and moves
        its clock to the deadline) when both ends are idle.
        """

    @abstractmethod
    def close(self) -> None:
        """Release the medium. May be called twice."""

    def repeated(self) -> int:
        """Frames that the tester's radio sent again because no acknowledgement came: the DUT may have taken both.

        0 where the radio does not tell.
        """
        return 0

    def passed_over(self) -> str:
        """What came on the medium and was not handed on, and why, in a few words; empty when there was nothing."""
        return ""


class IpTap(ABC):
    """Sees the packets that the DUT's 6LoWPAN layer hands to its IPv6 layer, bit for bit."""

    @abstractmethod
    def receive(self, deadline: float) -> Received | None:
        """Return the next decompressed IPv6 packet, oldest first; None at the deadline (`Link.now` clock)."""

    def waiting(self) -> Received | None:
        """Return the next one that is on this host; None where none is, though the DUT may have seen more."""
        return self.receive(float("-inf"))


class Node(ABC):
    """The DUT seen from its own side. Every method but the abstract ones is an ability: declared or `Unsupported`."""

    stack: str = "unknown"
    abilities: frozenset[str] = frozenset()
    tap: IpTap | None = None
    #: Has the node learn a context (identifier, prefix, length, whether to compress) where it is told of it by Router
    #: Advertisements (RFC 6775 §5.4.2), and not on command; set where the profile says so.
    teach: Callable[[int, bytes, int, bool], None] | None = None

    @abstractmethod
    def version(self) -> str:
        """What the record says of it: kernel, firmware or library version, as the node itself tells."""

    @abstractmethod
    def addresses(self) -> tuple[bytes, ...]:
        """Its IPv6 addresses (16 octets each), link-local first."""

    @abstractmethod
    def health(self) -> Health:
        """Look at it without disturbing it."""

    @abstractmethod
    def close(self) -> None:
        """End everything that this object started. May be called twice."""

    def console_text(self) -> str:
        """Everything the console printed since the node was opened (bounded to the last 64 KiB)."""
        return ""

    def ping(self, destination: bytes, size: int, identifier: int, sequence: int) -> None:
        """Originate one ICMPv6 Echo Request with `size` octets of data. Does not wait for the answer.

        A node that cannot be told an identifier or a sequence number takes its own.
        """
        raise Unsupported("ping")

    def udp_send(self, destination: bytes, source_port: int, destination_port: int, data: bytes) -> None:
        """Send one UDP datagram."""
        raise Unsupported("udp")

    def udp_receive(self, port: int, deadline: float) -> tuple[bytes, int, bytes] | None:
        """Return (source address, source port, data) of the next datagram to `port`, which was opened before."""
        raise Unsupported("udp")

    def udp_open(self, port: int) -> None:
        """Open a UDP port, so that datagrams to it are kept and draw no ICMPv6 error."""
        raise Unsupported("udp")

    def discover(self, address: bytes, seconds: float) -> tuple[list[str], list[str] | None] | None:
        """Scan for a device (6 octets) up to `seconds`, then ask it: UUIDs that it advertises, and its GATT services.

        UUIDs of the Bluetooth SIG's have 4 hex digits. None when it is not found; no services (None) when they could
        not be asked for.
        """
        raise Unsupported("discover")

    def tcp_listen(self, port: int) -> None:
        """Accept TCP connections to `port`; the latest is the one that `tcp_send` and `tcp_receive` mean."""
        raise Unsupported("tcp")

    def tcp_connect(self, destination: bytes, port: int) -> None:
        """Connect to a TCP port of another node; by this port `tcp_send` and `tcp_receive` then mean the connection."""
        raise Unsupported("tcp")

    def tcp_close(self, port: int) -> None:
        """Reset the connection of `port`, so that nothing more comes of it, and accept no other."""
        raise Unsupported("tcp")

    def tcp_send(self, port: int, data: bytes) -> None:
        """Send octets on the connection to `port`, or the first one there will be; does not wait for the peer."""
        raise Unsupported("tcp")

    def tcp_receive(self, port: int, deadline: float) -> bytes | None:
        """Return the next octets that came on the connection to `port`, at least one; None at `deadline`."""
        raise Unsupported("tcp")

    def join(self, group: bytes) -> None:
        """Join a multicast group (16 octets) on the 6LoWPAN interface."""
        raise Unsupported("join")

    def add_address(self, address: bytes, prefix_length: int = 64) -> None:
        """Give the node one more IPv6 address."""
        raise Unsupported("address")

    def leave(self, group: bytes) -> None:
        """Leave a group that `join` made it a member of; one that it was a member of before is kept."""
        raise Unsupported("join")

    def remove_address(self, address: bytes) -> None:
        """Take an address from it that `add_address` gave it; any other is kept."""
        raise Unsupported("address")

    def set_context(self, identifier: int, prefix: bytes, length: int, *, compress: bool = True) -> None:
        """Define 6LoWPAN context `identifier` (RFC 6282 §3.1.2); length 0 and an empty prefix remove it."""
        if self.teach is None:
            raise Unsupported("context")
        self.teach(identifier, prefix, length, compress)

    def use_router(self, address: bytes | None) -> None:  # noqa: B027 - most nodes need no telling
        """Take this neighbour (link-local, 16 octets) for the default router, None: nobody any more; not an ability.

        For nodes that resolve link-local addresses only (RFC 6775 §5.6) and can be told; the others need no telling.
        """

    def choose(self, choice: str) -> None:
        """Send from now on as one of `CHOICES` says; empty: as it does of itself. `Unsupported` for one not offered."""
        del choice
        raise Unsupported("choices")

    def reset(self) -> None:
        """Restart the node or its stack; return when it can be talked to again."""
        raise Unsupported("reset")

    def counters(self) -> dict[str, int]:
        """Figures that the node tells of itself (free buffers and the like)."""
        raise Unsupported("counters")
