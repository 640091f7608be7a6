"""What is heard on an open rig: whether the DUT answers as the rig file says, and who else is there if it does not.

Strategy: an echo to the addresses of the rig file, in each form that a DUT may want. When none is answered, an echo to
all nodes (ff02::1) by broadcast, in the rig's PAN and in every PAN (IEEE 802.15.4: a frame to PAN 0xffff is for all):
whoever answers, or asks for our address, tells its own link-layer address and PAN. Where nobody is heard, and the link
can change its channel, the others are asked in turn. Where the DUT answered, nothing is sent for a while: one that
restarts of itself would die behind whatever frame a case sends. It takes seconds, never a case.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from rigs.bench import Rig
from rigs.configuration.models import another_stack, outside
from rigs.model import Direction, Link, Received, Unsupported
from rigs.tester.host import Tester
from rigs.tester.packets import FORMS
from rigs.tester.preparation import tester_for
from sixlowpan import DecodeError, LinkInfo, encode, ipv6, mac

#: Seconds to wait for one answer, and for a restart that nothing has brought about, on the link's clock.
WAIT: Final = 1.5
WATCH: Final = 5.0
#: Seconds on each other channel.
ELSEWHERE: Final = 0.3
_ALL_NODES: Final = bytes.fromhex("ff02" + "00" * 13 + "01")
_ANY_PAN: Final = b"\xff\xff"
_BROADCAST: Final = b"\xff\xff"
#: Senders that are told.
_TOLD: Final = 5


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent a frame that was heard."""

    address: bytes
    pan: bytes | None
    secured: bool

    def __str__(self) -> str:
        kind = {8: "EUI-64", 6: "device address", 2: "short address"}.get(len(self.address), "no address")
        pan = f" in PAN 0x{self.pan.hex()}" if self.pan else ""
        return f"{kind} {self.address.hex(':')}{pan}{', secured frames' if self.secured else ''}"


@dataclass(slots=True)
class Heard:
    """All that came while the rig was asked."""

    answered: bool = False
    frames: Counter[Sender] = field(default_factory=Counter)
    unread: list[str] = field(default_factory=list)
    #: Who was heard on other channels.
    elsewhere: dict[int, Heard] = field(default_factory=dict)


def probe(rig: Rig) -> tuple[bool, list[str]]:
    """Ask the open rig who is there. Returns whether its DUT answers, and lines for a person. Raises `RigError`."""
    link, heard = rig.link, Heard()
    try:
        tester = tester_for(rig, 0)
    except Unsupported as error:
        return False, [
            f"opened: {rig.node.stack} {rig.version}, by {rig.file.tester.link}",
            f"cannot be prepared: {error}",
            "to do: start the DUT anew, if it holds what others gave it; else the profile declares what it cannot do",
        ]

    def note(_tap: str, direction: Direction, received: Received) -> None:
        if direction == "received":
            _file(heard, link, received.frame)

    tester.air.sink = note
    heard.answered = _answers(tester)
    if not heard.answered:
        _ask_everybody(tester)
        if not heard.frames and link.kind == "ieee802154":
            for channel, frames in link.seek(_to_everybody(tester, _ANY_PAN), ELSEWHERE).items():
                for frame in frames:
                    _file(heard.elsewhere.setdefault(channel, Heard()), link, frame)
        return False, _told(rig, heard)
    tester.listen(WATCH)
    state = rig.node.health()
    if state.state == "crashed":
        return False, [
            *_told(rig, heard),
            f"restarts or crashes, and nothing but a ping was sent: {state.detail}",
            "to do: look at its console, power supply and watchdog: each case that it restarts in blames a frame",
        ]
    return True, _told(rig, heard)


def _answers(tester: Tester) -> bool:
    for tester.form in FORMS:
        if tester.form == "uncompressed" and tester.kind == "ble":
            continue  # RFC 7668 §3.2: all headers are compressed there
        if tester.control(timeout=WAIT):
            return True
    tester.form = FORMS[0]
    return False


def _ask_everybody(tester: Tester) -> None:
    link = tester.air.link
    if link.kind == "ble":
        tester.send_packet(_echo_to_all(tester))
        tester.listen(WAIT)
        return
    for pan in (link.pan, _ANY_PAN):
        tester.air.send_frame(_to_everybody(tester, pan))
        tester.listen(WAIT)


def _echo_to_all(tester: Tester) -> bytes:
    return ipv6.echo_request(tester.identity.address, _ALL_NODES, tester.next_identifier(), 1, bytes(8))


def _to_everybody(tester: Tester, pan: bytes) -> bytes:
    """The frame of an echo to all nodes of a PAN."""
    source = tester.identity.link
    packet = _echo_to_all(tester)
    payload = encode(packet, LinkInfo("ieee802154", source, _BROADCAST), tester.contexts)
    return mac.data_frame(source, _BROADCAST, pan, pan[0], payload)


def _file(heard: Heard, link: Link, frame: bytes) -> None:
    if link.kind == "ble":
        heard.frames[Sender(link.dut, None, secured=False)] += 1
        return
    try:
        header, _ = mac.parse(frame)
    except DecodeError as error:
        heard.unread.append(f"{frame[:24].hex(' ')} ({error.message})")
        return
    if header.src:  # an acknowledgement has none
        heard.frames[Sender(header.src, header.pan, header.security)] += 1


def _told(rig: Rig, heard: Heard) -> list[str]:
    link, file = rig.link, rig.file
    ours = f", PAN 0x{link.pan.hex()}, channel {file.tester.channel}" if link.kind == "ieee802154" else ""
    lines = [f"opened: {rig.node.stack} {rig.version}, by {file.tester.link} as {link.tester.hex(':')}{ours}"]
    misfits = [*another_stack(rig.profile, rig.node.stack), *outside(rig.profile, rig.version)]
    lines += [f"profile: {misfit}" for misfit in misfits]
    channel = f", channel {file.tester.channel}" if link.kind == "ieee802154" else ""
    lines += [f"heard: {who}{channel}: {_frames(count)}" for who, count in heard.frames.most_common(_TOLD)]
    for number, there in heard.elsewhere.items():
        lines += [
            f"heard: {who}, channel {number}: {_frames(count)}"
            for who, count in there.frames.most_common(_TOLD)
        ]
    if heard.unread:
        lines.append(f"heard: {_frames(len(heard.unread))} without a whole header, such as {heard.unread[0]}")
    if passed := link.passed_over():
        lines.append(f"the link passed over: {passed}")
    if heard.answered:
        return [*lines, f"answers: a ping to {link.dut.hex(':')} is answered"]
    if not heard.frames and not heard.unread and not heard.elsewhere:
        lines.append("heard: nothing else" if passed else "heard: nothing at all")
    said = f"dut.address = {(file.dut.address or link.dut).hex(':')}"
    said += f", dut.short = {link.dut_short.hex()}" if link.dut_short else ""
    said += f", tester.pan = 0x{link.pan.hex()}{channel}" if link.kind == "ieee802154" else ""
    return [*lines, f"no answer: your rig file says {said}", *_remedy(link, heard, passed)]


def _frames(count: int) -> str:
    return f"{count} frame" if count == 1 else f"{count} frames"


def _remedy(link: Link, heard: Heard, passed: str) -> list[str]:
    """What to do about a DUT that does not answer, where what was heard tells."""
    mine = {link.dut, link.dut_short}
    for channel, there in heard.elsewhere.items():
        if who := next((who for who in there.frames if who.address in mine), None):
            pan = f" and tester.pan = 0x{who.pan.hex()}" if who.pan and who.pan != link.pan else ""
            return [f"to do: tester.channel = {channel}{pan} in the rig file: there the DUT is heard"]
    same = [who for who in heard.frames if who.address in mine]
    other_pan = [who for who in same if who.pan not in {link.pan, _ANY_PAN, None}]
    if other_pan and other_pan[0].pan:
        return [f"to do: tester.pan = 0x{other_pan[0].pan.hex()} in the rig file: there the DUT is heard"]
    if any(who.secured for who in same):
        return ["to do: the DUT's frames are secured: switch its security off, or use a link with its key"]
    if same:
        return [
            "to do: the DUT is heard, but answers no ping: is its 6LoWPAN interface up, is its firmware hung?"
        ]
    strangers = [who for who in heard.frames if len(who.address) == len(link.dut)]
    if strangers:
        who = strangers[0]
        pan = (
            f" and tester.pan = 0x{who.pan.hex()}" if who.pan and who.pan not in {link.pan, _ANY_PAN} else ""
        )
        return [f'to do: if this is your DUT, dut.address = "{who.address.hex(":")}"{pan} in the rig file']
    if found := [(channel, who) for channel, there in heard.elsewhere.items() for who in there.frames]:
        channel, who = found[0]
        pan = f", tester.pan = 0x{who.pan.hex()}" if who.pan and who.pan != link.pan else ""
        address = f'dut.address = "{who.address.hex(":")}"'
        return [f"to do: if this is your DUT, tester.channel = {channel}{pan} and {address} in the rig file"]
    if passed:
        return [
            "to do: if what was passed over is your DUT's, put into the rig file what is told of it there"
        ]
    return ["to do: look whether the DUT is on, on this channel, and near enough"]
