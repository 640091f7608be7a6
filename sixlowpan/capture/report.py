"""What `judge` and `explain` say of a capture, as lines of text or of JSON. The last line always counts every frame."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from ipaddress import IPv6Address
from itertools import groupby
from typing import Any, Final

from sixlowpan.capture.judging import Group, Judgement, Sender, learn, sender_of
from sixlowpan.capture.sift import FCS_WRONG, NO_KEY, NO_SDU, TORN, Breach, Item, Payload, Skipped
from sixlowpan.contexts import Contexts
from sixlowpan.errors import DecodeError
from sixlowpan.explain import Field, explain
from sixlowpan.fragment import Reassembler
from sixlowpan.nd import Registration

_SENDERS_IN_TEXT: Final = 20
_PANS: Final = 8


def text(judgement: Judgement) -> Iterator[str]:
    """Findings, senders, hints, and the count."""
    for group in judgement.groups:
        yield _group(group)
    shown = sorted(judgement.senders.items(), key=lambda each: (-len(each[1].fails), -each[1].judged))
    for sender, did in shown[:_SENDERS_IN_TEXT]:
        breached = ", ".join(f"{each} ({count})" for each, count in did.fails.most_common())
        advice = f", advice {sum(did.advice.values())}" if did.advice else ""
        yield f"sender {_named(sender)}: {did.judged} judged, breached: {breached or 'nothing'}{advice}"
        yield f"  never seen: {', '.join(_ranges(did.coverage.never)) or 'nothing'}"
    if len(shown) > _SENDERS_IN_TEXT:
        yield f"and {len(shown) - _SENDERS_IN_TEXT} more senders: --json names them all"
    yield from _registrations(judgement)
    yield from (f"hint: {hint}" for hint in _hints(judgement))
    yield _count(judgement)


def _registrations(judgement: Judgement) -> Iterator[str]:
    """Who registered which address where, in the order of the first frames, and what became of it."""
    followed = [kept for each in judgement.registrations.values() for kept in each.found.values()]
    for kept in sorted(followed, key=lambda each: each.first)[:_SENDERS_IN_TEXT]:
        number = "" if kept.tid is None else f", TID {kept.tid}"
        where = f"frame {kept.first}" if kept.first == kept.last else f"frames {kept.first} to {kept.last}"
        times = "once" if kept.confirmed == 1 else f"{kept.confirmed} times"
        who = f"{IPv6Address(kept.address)} by {kept.rovr.hex()} at {IPv6Address(kept.router)}"
        yield (
            f"registered {who}: {times}, {where}, for {kept.minutes} min{number}; {_state(kept, judgement.time)}"
        )
    if len(followed) > _SENDERS_IN_TEXT:
        yield f"and {len(followed) - _SENDERS_IN_TEXT} more registrations: --json names them all"


def _state(kept: Registration, now: float) -> str:
    return kept.ended or ("holds at the end" if kept.holds(now) else "ran out")


def _group(group: Group) -> str:
    name = f" from {_named(group.sender)}" if group.sender[1] else ""
    if group.count == 1:
        return f"{group.finding};{name or ' once'}"
    frames = ", ".join(map(str, group.frames))
    return f"{group.finding};{name} {group.count} times, first in {frames}"


def _named(sender: Sender) -> str:
    network, address = sender
    name = address.hex() or "no address"
    return f"{name} in PAN {network.hex()}" if len(network) == 2 else name


def _ranges(requirements: list[str]) -> Iterator[str]:
    """`RFC6282-3.1.1-01..03` for three rows in a row."""
    split = [each.rpartition("-") for each in requirements]
    for section, rows in groupby(split, key=lambda each: each[0]):
        numbers = [int(row[2]) for row in rows]
        for _, run in groupby(enumerate(numbers), key=lambda each: each[1] - each[0]):
            together = [number for _, number in run]
            last = f"..{together[-1]:02}" if len(together) > 1 else ""
            yield f"{section}-{together[0]:02}{last}"


def _hints(judgement: Judgement) -> Iterator[str]:
    if not judgement.read:
        yield "no packet is in this file: nothing was captured, or it ends before the first one"
    if judgement.skipped[TORN]:
        yield "the file ends in the midst of a packet: whoever wrote it was interrupted, or it was not copied whole"
    if judgement.undefined_contexts:
        yield (
            "a context is used that no Router Advertisement in this capture defines "
            f"(payloads: {judgement.undefined_contexts}): --context ID=PREFIX does"
        )
    if judgement.unknown_addresses:
        yield (
            "addresses are elided that this capture does not show "
            f"(payloads: {judgement.unknown_addresses}): begin it before the nodes connect"
        )
    if judgement.skipped[NO_SDU] and not judgement.judged:
        yield "no packet of IPSP was whole: begin the capture before the nodes connect, since that tells its channel"
    if judgement.skipped[FCS_WRONG] > judgement.judged:
        yield (
            "hardly an FCS is right: if the sniffer wrote something else in its place, say --fcs ti or "
            "--fcs skip, and if nothing is there, --fcs none"
        )
    if judgement.others and not judgement.judged:
        yield f"nothing of this PAN was heard, but of {', '.join(each.hex() for each in judgement.others[:_PANS])}"
    if judgement.passed_over:
        yield "behind the frames stand octets that are no FCS: they are not read (--fcs none reads them)"
    if judgement.skipped[NO_KEY]:
        yield "secured frames are opened with --key (a MAC key, or the network key of Thread)"
    if judgement.left_out:
        yield f"{judgement.left_out} more findings are of more kinds and senders than are kept apart"
    if judgement.damage:
        yield f"the rest of the file was not read: {judgement.damage}"


def _count(judgement: Judgement) -> str:
    skipped = sum(judgement.skipped.values())
    reasons = "; ".join(f"{reason} {count}" for reason, count in judgement.skipped.most_common())
    frames = "frame" if judgement.read == 1 else "frames"
    return f"{judgement.read} {frames} read, {judgement.judged} judged, {skipped} skipped" + (
        f": {reasons}" if reasons else ""
    )


def json_lines(judgement: Judgement) -> Iterator[str]:
    """One object a line: findings, senders, and last the count."""
    for group in judgement.groups:
        network, address = group.sender
        yield json.dumps(
            {
                "type": "finding",
                **asdict(group.finding),
                "sender": address.hex(),
                "network": network.hex(),
                "count": group.count,
                "frames": group.frames,
            }
        )
    for (network, address), did in judgement.senders.items():
        yield json.dumps(
            {
                "type": "sender",
                "sender": address.hex(),
                "network": network.hex(),
                "judged": did.judged,
                "breached": dict(did.fails),
                "advice": dict(did.advice),
                "never_seen": did.coverage.never,
            }
        )
    for network, followed in judgement.registrations.items():
        for kept in followed.found.values():
            yield json.dumps(
                {
                    "type": "registration",
                    "network": network.hex(),
                    "address": str(IPv6Address(kept.address)),
                    "router": str(IPv6Address(kept.router)),
                    "rovr": kept.rovr.hex(),
                    "tid": kept.tid,
                    "minutes": kept.minutes,
                    "confirmed": kept.confirmed,
                    "frames": [kept.first, kept.last],
                    "state": _state(kept, judgement.time),
                }
            )
    yield json.dumps(
        {
            "type": "count",
            "read": judgement.read,
            "judged": judgement.judged,
            "skipped": dict(judgement.skipped),
            "hints": list(_hints(judgement)),
        }
    )


def status(judgement: Judgement) -> int:
    """1 for a breach, 2 where nothing was judged or the file is damaged, else 0."""
    if not judgement.judged or judgement.damage:
        return 2
    return int(judgement.failed)


class Explained:
    """One frame of a capture: what is above its payload in words, and the header tree.

    `packet` is what it is or completes, if it is or completes one. ValueError, saying why, if there is none.
    """

    def __init__(self, items: Iterable[Item], number: int, contexts: Contexts) -> None:
        self.lines: list[str] = []
        self.trees: list[Field] = []
        self.packet: bytes | None = None
        learnt: dict[bytes, Contexts] = {}
        reassemblers: dict[bytes, Reassembler] = {}
        read = 0
        for item in items:
            if item.number > number:
                break
            read = item.number
            if not isinstance(item, Payload):
                if item.number == number:
                    self._other(item)
                continue
            known = learnt.get(item.pan, contexts)
            if item.number == number:
                self._payload(item, known)
            self.packet = _packet(reassemblers.setdefault(item.pan, Reassembler()), item, known)
            if self.packet is not None:
                learnt[item.pan] = learn(self.packet, known)
        if read < number:
            raise ValueError(f"there is no frame {number}: it has {read}")

    def _other(self, item: Breach | Skipped) -> None:
        if isinstance(item, Skipped):
            raise ValueError(  # noqa: TRY004  it is about the file
                f"frame {item.number} has nothing to explain: {item.reason}"
            )
        self.lines.append(f"frame {item.number}: {item.code}: {item.message}")

    def _payload(self, item: Payload, contexts: Contexts) -> None:
        ends = f"{item.link.src.hex() or 'no address'} to {item.link.dst.hex() or 'no address'}"
        network = f" in PAN {item.pan.hex()}" if len(item.pan) == 2 else ""
        self.lines.append(f"frame {item.number}: {item.link.kind}, {ends}{network}")
        if sender_of(item) != item.link.src:
            self.lines.append(f"made by {sender_of(item).hex()}, forwarded by {item.link.src.hex()}")
        for identifier, context in contexts.items():
            self.lines.append(f"context {identifier}: {context}")
        self.trees.append(explain(item.payload, item.link, contexts))

    def object(self) -> dict[str, Any]:
        """For JSON; octets are `bytes` still."""
        return {
            "frame": self.lines,
            "trees": [asdict(tree) for tree in self.trees],
            "packet": self.packet,
        }


def _packet(reassembler: Reassembler, item: Payload, contexts: Contexts) -> bytes | None:
    try:
        return reassembler.receive(item.payload, item.link, contexts, item.time)
    except DecodeError:
        return None
