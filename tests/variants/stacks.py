"""Conforming nodes that are in all they do by right what one real stack is: what its shell can be told, its rooms,
its timers, its silence. What these stacks do wrongly stands in their profiles, and is not here.
"""

from __future__ import annotations

from rigs.links.memory.link import DUT_SHORT
from rigs.model import RigError, Unsupported
from sixlowpan import Reassembler
from tests.variants import BLE, ReferenceNode, variant
from tests.variants.abilities import NoErrors, Plain
from tests.variants.bluetooth import with_terms
from tests.variants.hosts import SLOW, Late, with_neighbours
from tests.variants.manners import in_mesh
from tests.variants.more_than_hosts import CopiesDropped, OneWaits
from tests.variants.products import ForEachSender
from tests.variants.receiving import RefusingReassembler
from tests.variants.secured import SETTINGS, SecuredNode
from tests.variants.sleepers import DataRequests, Reads

SHELL = ("ip_tap", "tcp", "choices")


class Shell(ReferenceNode):
    """Its shell chooses identifiers, sequence numbers and source ports, and pings with so many octets at least."""

    pinged = 0
    sizes = range(1233)

    def ping(self, destination, size, identifier, sequence):
        if size not in self.sizes:
            raise Unsupported(f"ping: this shell sends none with {size} octets of data")
        self.pinged += 1
        super().ping(destination, size, 0x5100 | self.pinged & 0xFF, 1)

    def udp_send(self, destination, source_port, destination_port, data):
        if source_port:
            raise Unsupported("udp: this shell chooses the source port itself")
        super().udp_send(destination, 0xC350, destination_port, data)


@variant(
    "as-contiki-ng",
    without=[*SHELL, "udp", "join", "context", "address", "counters"],
    parameters={"features": [], "contexts": 0, "reassembly_slots": 2, "reassembly_timeout": "500ms"},
)
class AsContikiNg(Plain, CopiesDropped, OneWaits, Shell):
    """Two places kept for 0.5 s, one packet waits, copies of frames dropped; all its shell can do is an empty ping."""

    sizes = range(1)

    def make_reassembler(self):
        return RefusingReassembler(0.5, 2)


@variant(
    "as-riot",
    rigs=("reference-nd-6lr",),
    without=SHELL,
    parameters={"features": ["nd", "multihop"], "reassembly_timeout": "3s"},
)
class AsRiot(Plain, Shell):
    """A 6LR without DAR and DAC (RFC 6775 §8.2: optional), four places for 3 s, room for two addresses on command."""

    def make_reassembler(self):
        return Reassembler(3.0, 4)

    def is_checked(self, address):
        return False

    def add_address(self, address, prefix_length=64):
        if len(self.own) > 2 and address not in self.own:
            raise RigError("no room for one more address")
        super().add_address(address, prefix_length)


class ShortQueue(Reads):
    """Takes 1 ms for each frame that it hears; 64 wait, and what comes while they do is lost, unacknowledged."""

    longest = 64

    def when(self):
        return self.now + 0.001

    def receive_frame(self, frame):
        if len(self.heard) < self.longest:
            super().receive_frame(frame)


@variant("drops-under-load", rig={"settle": "100ms"}, parameters=SLOW)
class DropsUnderLoad(ShortQueue):
    """Has room for 64 frames, takes 1 ms for each, and loses the rest: IP promises no delivery (RFC 8200 §1)."""


@variant(
    "as-zephyr",
    without=[*SHELL, "context"],
    rig={"settle": "100ms"},
    parameters={
        **SLOW, "features": [], "contexts": 0, "neighbours": 8, "reassembly_slots": 1, "reassembly_timeout": "5s",
    },
)  # fmt: skip
class AsZephyr(Plain, ShortQueue, with_neighbours(8), Shell):
    """One place kept for 5 s, eight neighbours, no context, room for 64 frames; its shell chooses the numbers."""

    def make_reassembler(self):
        return RefusingReassembler(5.0, 1)


@variant(
    "as-openthread-alone",
    without=[*SHELL, "context", "address", "port_unreachable"],
    rig=SETTINGS["rig"],
    parameters={
        **SETTINGS["parameters"],
        "features": [], "contexts": 0, "reassembly_slots": 2, "reassembly_timeout": "2s",
    },
)  # fmt: skip
class AsOpenThreadAlone(Plain, NoErrors, SecuredNode, Shell):
    """Secures what it sends, two places for 2 s, no context, no ICMPv6 error; pings with 8 octets of data or more."""

    sizes = range(8, 1233)

    def make_reassembler(self):
        return RefusingReassembler(2.0, 2)


@variant(
    "as-a-thread-end-device",
    without=[*SHELL, "context", "address", "port_unreachable"],
    rig={**SETTINGS["rig"], "settle": "400ms"},
    parameters={
        **SETTINGS["parameters"], **SLOW,
        "features": ["mesh"], "contexts": 0, "reassembly_slots": 1, "reassembly_timeout": "2s",
    },
)  # fmt: skip
class AsThreadEndDevice(DataRequests, in_mesh(False), NoErrors, SecuredNode, Shell):
    """Polls, secures what it sends, short source, unicast behind mesh headers, one place for 2 s, no ICMPv6 error."""

    sizes = range(8, 1233)

    def make_reassembler(self):
        return RefusingReassembler(2.0, 1)

    def sent_info(self, packet, neighbour):
        info = super().sent_info(packet, neighbour)
        return info.between(DUT_SHORT, info.dst)


@variant(
    "as-lwip",
    without=["tcp", "counters", "choices"],
    parameters={
        "features": [], "contexts": 10, "context_length": 64, "reassembly_slots": 1, "reassembly_timer": False,
    },
)  # fmt: skip
class AsLwip(Plain):
    """One place for each sender, whose timer this rig does not run; ten contexts of 64 bits."""

    def make_reassembler(self):
        return ForEachSender(float("inf"), 8)


@variant(
    "as-zephyr-ble",
    rigs=BLE,
    without=[*SHELL, "context", "connect"],
    parameters={"features": [], "contexts": 0, "neighbours": 8},
)
class AsZephyrBle(with_terms(mps=65, credits=1), Plain, with_neighbours(8), Shell):
    """One credit for K-frames of 65 octets, eight neighbours, no context; its shell chooses the numbers."""


@variant(
    "drops-under-load-late-no-tap",
    without=["ip_tap"],
    rig={"settle": "200ms"},
    parameters={**SLOW, "reassembly_slots": 2, "reassembly_timeout": "3s"},
)
class DropsUnderLoadLate(ShortQueue, Late, OneWaits):
    """Room for 64 frames, answers 40 ms late, one packet waits for an address, two places kept; it has no tap."""

    def make_reassembler(self):
        return RefusingReassembler(3.0, 2)
