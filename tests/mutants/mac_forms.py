"""Mutants that get a rare form of the MAC header wrong: PAN ids, frame versions, header IEs, frame types, addresses.

All are data frames, or what may be taken for one: a node that sees only the form that every tester sends is right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from rigs.links.memory.link import DUT_SHORT
from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import mac
from sixlowpan.addresses import BROADCAST
from tests.mutants import IEEE802154, Node, mutant, step

_FFFE = b"\xff\xfe"


@partial(step, kinds=IEEE802154)
def hears(function: Callable) -> Node:
    """function(node, frame) -> the frame that is parsed in its place, None to drop it; it may raise: a crash."""

    class Hearing(ReferenceNode):
        def receive_frame(self, frame):
            changed = function(self, frame)
            if changed is not None:
                super().receive_frame(changed)

    return Hearing


def control(frame: bytes) -> int:
    return int.from_bytes(frame[:2], "little")


def version(frame: bytes) -> int:
    return control(frame) >> 12 & 3


@partial(step, kinds=IEEE802154, requirement="RFC4944-2-01")
def crashes_on(function: Callable) -> Node:
    """function(frame) -> whether the node crashes on it."""

    def wrong(node, frame):
        if len(frame) > 2 and function(frame):
            raise IndexError("beyond the MAC header")
        return frame

    return hears.make(wrong)


# -- frame control ----------------------------------------------------------------------------------------------


@crashes_on("mac-bit-8-crash")
def _(frame):
    "Crashes on a frame of 2003 or 2006 with bit 8 of the frame control, which is reserved there."
    return version(frame) < 2 and control(frame) & 0x100


@crashes_on("mac-bit-9-crash")
def _(frame):
    "Crashes on a frame that says that header IEs follow."
    return control(frame) & 0x200


@crashes_on("mac-bit-7-crash")
def _(frame):
    "Crashes on a frame with the reserved bit 7 of the frame control."
    return control(frame) & 0x80


@crashes_on("mac-high-control-crash")
def _(frame):
    "Crashes on an odd second octet of the frame control in front of two extended addresses."
    return control(frame) & 0xCD00 == 0xCD00


@crashes_on("mac-version-2-crash")
def _(frame):
    "Crashes on a good data frame of version 2."
    return version(frame) == 2 and frame[0] & 7 == mac.DATA and len(frame) > 40


@crashes_on("mac-no-sequence-crash")
def _(frame):
    "Crashes on a frame of version 2 that leaves out the sequence number."
    return version(frame) == 2 and control(frame) & 0x100


@crashes_on("mac-version-3-crash")
def _(frame):
    "Crashes on the reserved frame version 3."
    return version(frame) == 3


@crashes_on("mac-addressing-mode-1-crash")
def _(frame):
    "Crashes on the reserved addressing mode 1 of the source."
    return control(frame) >> 14 == 1


@hears("mac-bit-8-no-sequence", requirement="RFC4944-5-01", advice=True)
def _(node, frame):
    "Takes bit 8 of a frame of 2003, which is reserved there, for a sequence number left out."
    legacy = len(frame) > 3 and version(frame) < 2 and control(frame) & 0x100
    return frame[:2] + b"\0" + frame[2:] if legacy else frame


@hears("mac-type-two-bits", requirement="RFC4944-2-01", advice=True)
def _(node, frame):
    "Reads two bits of the frame type: a multipurpose frame is a data frame."
    return bytes((frame[0] & 0xFB,)) + frame[1:] if frame else frame


@hears("mac-pending-dropped", requirement="RFC4944-5-01")
def _(node, frame):
    "Drops frames with the frame pending bit."
    return None if frame[:1] and frame[0] & 0x10 else frame


@hears("mac-acknowledged-dropped", requirement="RFC4944-2-02")
def _(node, frame):
    "Answers nothing that asks for an acknowledgement."
    return None if frame[:1] and frame[0] & 0x20 else frame


@hears("mac-version-1-shifted", requirement="RFC4944-5-01")
def _(node, frame):
    "Expects an octet more in the header of a frame of version 1, and takes what follows for the payload."
    if len(frame) > 3 and version(frame) == 1:
        _, payload = mac.parse(frame)
        return frame[: len(frame) - len(payload)] + payload[1:]
    return frame


# -- header IEs -------------------------------------------------------------------------------------------------


def ies(frame: bytes) -> bytes:
    """What stands where header IEs begin in a frame of version 2 that has some, without those that are read."""
    if len(frame) < 3 or version(frame) != 2 or not control(frame) & 0x200 or frame[0] & 7 != mac.DATA:
        return b""
    try:
        header, payload = mac.parse(frame[:1] + bytes((frame[1] & 0xFD,)) + frame[2:])
    except Exception:  # noqa: BLE001 - the header is cut
        return b""
    del header
    return payload


@crashes_on("mac-empty-ie-last-crash")
def _(frame):
    "Crashes on a header IE without content at the end of the frame."
    return len(ies(frame)) == 2 and not ies(frame)[0] & 0x7F


@crashes_on("mac-ie-beyond-crash")
def _(frame):
    "Crashes on a header IE that is longer than the frame."
    elements = ies(frame)
    return len(elements) >= 2 and elements[0] & 0x7F > len(elements) - 2


@crashes_on("mac-half-ie-crash")
def _(frame):
    "Crashes on half a descriptor of a header IE."
    return len(ies(frame)) == 1


@crashes_on("mac-long-ie-crash")
def _(frame):
    "Crashes on a header IE of more than 64 octets: it copies them into the place of a MAC header."
    elements = ies(frame)
    return len(elements) > 66 and elements[0] & 0x7F > 64


@crashes_on("mac-no-ie-terminator-crash")
def _(frame):
    "Crashes on header IEs that no terminator ends."
    elements = ies(frame)
    size = elements[0] & 0x7F if elements else 0
    return len(elements) > 2 and len(elements) == 2 + size


@hears("mac-ies-as-payload", requirement="RFC4944-5-01")
def _(node, frame):
    "Takes what stands in a header IE for the payload."
    elements = ies(frame)
    if len(elements) > 2:
        front = frame[: len(frame) - len(elements)]
        return front[:1] + bytes((front[1] & 0xFD,)) + front[2:] + elements[2:]
    return frame


# -- PAN ids and addresses --------------------------------------------------------------------------------------


@hears("mac-both-pans-dropped", requirement="RFC4944-2-04")
def _(node, frame):
    "Drops frames with both PAN ids."
    full = len(frame) > 2 and not frame[0] & 0x40 and frame[1] & 0x88 == 0x88
    return None if full else frame


class Parsing(ReferenceNode):
    """A node that changes what it parsed of a MAC header."""

    def parse_mac(self, frame):
        header, payload = super().parse_mac(frame)
        return self.change(header, payload)

    def change(self, header, payload):
        return header, payload


@mutant("mac-both-pans-shifted", requirement="RFC4944-2-04", kinds=IEEE802154)
class BothPansShifted(Parsing):
    """Begins the payload two octets early where both PAN ids are in the header."""

    def change(self, header, payload):
        both = header.src_pan is not None and header.dst_pan is not None
        return header, header.src[:2] + payload if both else payload


@mutant("mac-both-pans-source", requirement="RFC4944-2-04", kinds=IEEE802154)
class BothPansSource(Parsing):
    """Begins the source address two octets early where both PAN ids are in the header."""

    def change(self, header, payload):
        if header.src_pan is None or header.dst_pan is None:
            return header, payload
        # on the air the source's PAN id stands in front of its address, least octet first
        return replace(header, src=(header.src + header.src_pan)[2:]), payload


@mutant("mac-fffe-is-for-all", requirement="RFC4944-12-04", kinds=IEEE802154, advice=True)
class FffeIsForAll(Parsing):
    """Takes a frame to 0xfffe, which means that there is no short address, for one to it."""

    def change(self, header, payload):
        return replace(header, dst=self.link.dut) if header.dst == _FFFE else header, payload


@mutant("mac-reserved-short-is-broadcast", requirement="RFC4944-12-03", kinds=IEEE802154, advice=True)
class ReservedIsBroadcast(Parsing):
    """Takes every 16-bit destination from 0xa000 on, which are reserved, for the broadcast address."""

    def change(self, header, payload):
        reserved = len(header.dst) == 2 and header.dst[0] >= 0xA0 and header.dst != _FFFE
        return replace(header, dst=BROADCAST) if reserved else header, payload


@mutant("mac-any-eui64", requirement="RFC4944-3-01", kinds=IEEE802154, advice=True)
class AnyEui64(ReferenceNode):
    """Heeds frames for every EUI-64."""

    def accepts(self, header):
        return super().accepts(replace(header, dst=self.link.dut) if len(header.dst) == 8 else header)


@mutant("mac-eui64-by-half", requirement="RFC4944-3-01", kinds=IEEE802154, advice=True)
class HalfEui64(ReferenceNode):
    """Compares the last four octets of an EUI-64."""

    def accepts(self, header):
        ours = len(header.dst) == 8 and header.dst[4:] == self.link.dut[4:]
        return super().accepts(replace(header, dst=self.link.dut) if ours else header)


@mutant("mac-short-by-one-octet", requirement="RFC4944-3-01", kinds=IEEE802154, advice=True)
class ShortByOneOctet(ReferenceNode):
    """Compares the last octet of a short address."""

    def accepts(self, header):
        ours = len(header.dst) == 2 and header.dst != BROADCAST and header.dst[1:] == DUT_SHORT[1:]
        return super().accepts(replace(header, dst=DUT_SHORT) if ours else header)


@mutant("mac-pan-by-one-octet", requirement="RFC4944-3-03", kinds=IEEE802154)
class PanByOneOctet(ReferenceNode):
    """Compares the first octet of a PAN id."""

    def accepts(self, header):
        same = header.dst_pan is not None and header.dst_pan[:1] == self.link.pan[:1]
        return super().accepts(replace(header, dst_pan=self.link.pan) if same else header)


@mutant("mac-mixed-sizes-dropped", requirement="RFC4944-3-01", kinds=IEEE802154)
class MixedSizesDropped(ReferenceNode):
    """Drops unicast frames between addresses of two sizes."""

    def accepts(self, header):
        mixed = len(header.src) != len(header.dst) and header.dst != BROADCAST
        return not mixed and super().accepts(header)


@mutant("mac-short-broadcast-dropped", requirement="RFC4944-3-01", kinds=IEEE802154)
class ShortBroadcastDropped(ReferenceNode):
    """Drops broadcasts from a short address."""

    def accepts(self, header):
        return not (len(header.src) == 2 and header.dst == BROADCAST) and super().accepts(header)


@mutant("mac-sequence-of-all-senders", requirement="RFC6282-2-04", kinds=IEEE802154)
class SequenceOfAllSenders(ReferenceNode):
    """Takes a frame for a repeated one when its sequence number is that of the frame before, whoever sent it."""

    last = None

    def accepts(self, header):
        good = super().accepts(header)
        repeated = good and self.last is not None and header.sequence == self.last
        if good:
            self.last = header.sequence
        return good and not repeated


@mutant("mac-sequence-zero-dropped", requirement="RFC6282-2-04", kinds=IEEE802154)
class SequenceZeroDropped(ReferenceNode):
    """Drops frames with sequence number 0."""

    def accepts(self, header):
        return header.sequence != 0 and super().accepts(header)
