"""Send the tester's frames of one evidence file once more, and show what comes back as the oracle reads it.

Strategy: the file is enough. Frames that it marks outbound are sent as they are, with the pauses they had,
on the rig's link; nothing is made up, so a Neighbor Solicitation of the DUT is answered only by what the
file holds. Link type 230 is an IEEE 802.15.4 frame without FCS; 201 is HCI with direction, in which the
K-frames of the channel are joined to SDUs again.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from rigs.bench import Rig
from rigs.configuration.models import ConfigError
from rigs.model import Link, LinkKind, RigError
from sixlowpan import DecodeError, LinkInfo, files, mac
from sixlowpan.explain import explain, render
from sixlowpan.frame import parse

_KINDS: dict[int, LinkKind] = {230: "ieee802154", 201: "ble"}
_OUTBOUND = 2
#: The broadcast address, and the PAN that means all.
_ALL = b"\xff\xff"
_FIRST_CHANNEL = 0x0040  # Bluetooth Core Vol 3 Part A §2.1: dynamically allocated channels


@dataclass(frozen=True, slots=True)
class Sent:
    """One frame that the tester sent, and when, in seconds."""

    frame: bytes
    time: float
    kind: LinkKind


def sent_frames(path: Path) -> list[Sent]:
    """The tester's frames in a pcapng, oldest first. Raises `ConfigError` for anything but evidence of this suite."""
    found: list[Sent] = []
    packets: list[tuple[bytes, float]] = []
    for kind, outbound, frame, time in _read(path):
        if kind == "ieee802154" and outbound:
            found.append(Sent(frame, time, kind))
        elif kind == "ble" and frame[:4] == bytes(4):  # the direction word: 0 is from host to controller
            packets.append((frame[4:], time))
    found += [Sent(sdu, time, "ble") for sdu, time in _sdus(packets)]
    if not found:
        raise ConfigError([f"{path}: it has no frame that a tester sent (outbound, of link type 230 or 201)"])
    return found


def replay(rig: Rig, frames: Iterable[Sent], wait: float, out: TextIO) -> int:
    """Send `frames` at the open rig, then listen for `wait` seconds. Returns how many frames came back."""
    link, count, before = rig.link, 0, None
    for sent in frames:
        if sent.kind != link.kind:
            raise RigError(
                f"{rig.name}: the file has {sent.kind} frames, and the link of this rig is {link.kind}"
            )
        if before is not None:
            count += _listen(link, min(max(sent.time - before, 0.0), wait), out)
        _show("sent    ", link, sent.frame, out, from_tester=True)
        link.send(sent.frame)
        before = sent.time
    return count + _listen(link, wait, out)


def elsewhere(link: Link, frames: Iterable[Sent]) -> str:
    """Where IEEE 802.15.4 frames go of which none is for the DUT of this link, in words; empty where one is."""
    named: dict[str, None] = {}
    for sent in frames:
        try:
            header, _ = mac.parse(sent.frame)
        except DecodeError:
            continue
        if link.kind != "ieee802154" or (
            header.dst_pan in {link.pan, _ALL} and header.dst in {link.dut, link.dut_short, _ALL}
        ):
            return ""
        if header.dst and header.dst_pan:
            named[f"{header.dst.hex(':')} in PAN 0x{header.dst_pan.hex()}"] = None
    if not named:
        return ""
    return (
        f"the frames are for {next(iter(named))}, and the DUT of this rig is {link.dut.hex(':')} in PAN "
        f"0x{link.pan.hex()}: replay them on the rig of that run, or where dut.address and tester.pan are those"
    )


def _listen(link: Link, seconds: float, out: TextIO) -> int:
    deadline, count = link.now() + seconds, 0
    while (received := link.receive(deadline)) is not None:
        _show("received", link, received.frame, out, from_tester=False)
        count += 1
    return count


def _show(what: str, link: Link, frame: bytes, out: TextIO, *, from_tester: bool) -> None:
    out.write(f"{what} {frame.hex(' ')}\n")
    ends = (link.tester, link.dut) if from_tester else (link.dut, link.tester)
    try:
        payload, info = (frame, LinkInfo("ble", *ends)) if link.kind == "ble" else parse(frame)
        text = render(explain(payload, info))
    except DecodeError as error:
        text = f"the oracle stops here: {error}"
    out.write("".join(f"         {line}\n" for line in text.splitlines()))


def _read(path: Path) -> Iterator[tuple[LinkKind | None, bool, bytes, float]]:
    logging.getLogger("scapy").setLevel(logging.ERROR)
    from scapy.error import Scapy_Exception
    from scapy.utils import RawPcapNgReader

    try:
        with files.opened(path) as file:
            for data, about in RawPcapNgReader(file):
                if not hasattr(about, "tshigh"):  # a simple packet has neither time nor direction
                    continue
                stamp = (about.tshigh << 32) + about.tslow
                time = stamp / (about.tsresol or 1_000_000)
                yield _KINDS.get(about.linktype), about.direction == _OUTBOUND, data, time
    except (
        *(OSError, EOFError, Scapy_Exception),
        *(AttributeError, IndexError, KeyError, TypeError, ValueError, struct.error, MemoryError),
    ) as error:  # what scapy's reader raises where a block is damaged
        raise ConfigError(
            [
                f"{path}: cannot be read as pcapng: {files.why(error)}; evidence is RUN/evidence/RIG/CASE.pcapng"
            ]
        ) from error


def _sdus(packets: Iterable[tuple[bytes, float]]) -> Iterator[tuple[bytes, float]]:
    """Join ACL fragments to L2CAP frames, and the K-frames of the channel to SDUs (Vol 3 Part A §3.4.3)."""
    l2cap, sdu, size = b"", b"", 0
    for packet, time in packets:
        if packet[:1] != b"\x02" or len(packet) < 5:  # H4: only ACL data
            continue
        boundary = packet[2] >> 4 & 3
        l2cap = l2cap + packet[5:] if boundary == 1 else packet[5:]
        if len(l2cap) < 4:
            continue
        length, channel = struct.unpack_from("<HH", l2cap)
        if len(l2cap) < 4 + length or channel < _FIRST_CHANNEL:
            continue
        body = l2cap[4 : 4 + length]
        if not sdu and not size:
            size, body = int.from_bytes(body[:2], "little"), body[2:]
        sdu += body
        if len(sdu) >= size:
            yield sdu, time
            sdu, size = b"", 0
