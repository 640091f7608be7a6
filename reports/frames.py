"""A frame as a reader wants to see it: its octets with the wrong ones marked, and the tree of its fields.

Strategy: the record has the tree as text (`annotated`), with a line of `^^^` under the wrong field. Its octets are
found from the offsets in the tree. What the tree does not reach, the MAC header, is parsed by the oracle, and the
part that a finding is about follows from its code. Where no octet by itself is wrong (the DUT dropped a frame that
is right), the payload as a whole is marked, and the words say so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sixlowpan import DecodeError, mac

_LINE = re.compile(r"\s*(\d+)(?:\.\d\+\d+)?\s+\S.*")
_HEX = re.compile(r"\b[0-9a-f]{2}(?: [0-9a-f]{2}){7,}\b")

#: Codes about a MAC header -> the part of it.
_MAC_PARTS: Final = {
    "frame_type": "control",
    "shifted": "control",
    "no_ack_request": "control",
    "mac_address_missing": "control",
    "no_sequence": "sequence",
    "another_address": "destination",
    "neighbour_address": "destination",
    "neighbour_moved": "destination",
    "not_broadcast": "destination",
    "multicast_destination": "destination",
    "link_broadcast": "destination",
    "another_pan": "destination PAN",
    "broadcast_pan": "destination PAN",
    "short_source": "source",
    "forwarder_address": "source",
    "mixed_senders": "source",
    "mixed_destinations": "destination",
}


@dataclass(slots=True)
class Row:
    """One line of the tree: where it begins (octets of the payload), what it says, whether it is wrong."""

    at: int | None
    text: str
    wrong: bool = False
    note: bool = False


@dataclass(slots=True)
class Frame:
    """A frame, cut into runs of octets: (hex, wrong?). `said` tells what the mark means."""

    runs: list[tuple[str, bool]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    said: str = ""


def frame_of(result: Mapping[str, Any]) -> Frame | None:
    """The frame of a result's first finding, marked; None where the record has none."""
    lines = str(result.get("annotated") or "").splitlines()
    findings = result.get("findings") or [{}]
    first = _octets(lines[0].removeprefix("frame")) if lines else None
    octets = first or _octets(findings[0].get("frame", ""))
    rows = _rows(lines[1:] if first else lines)
    if octets is None:
        return Frame([], rows) if rows else None
    payload = next(
        (int(m[1]) for row in rows if (m := re.fullmatch(r"\s*0\s+payload = (\d+) octets.*", row.text))), None
    )
    start = len(octets) - payload if payload is not None and payload <= len(octets) else None
    wrong, said = _wrong(rows, start, octets, findings)
    return Frame(_cut(octets, wrong), rows, said)


def _octets(text: str) -> bytes | None:
    try:
        return bytes.fromhex(text) or None
    except ValueError:
        return None


def _rows(lines: list[str]) -> list[Row]:
    rows: list[Row] = []
    for line in lines:
        if line.strip().startswith("^^^"):
            if rows:
                rows[-1].wrong = True
            rows.append(Row(None, line, note=True))
            continue
        matched = _LINE.fullmatch(line)
        rows.append(Row(int(matched[1]) if matched else None, line))
    return rows


def _wrong(
    rows: list[Row], start: int | None, octets: bytes, findings: list[Mapping[str, Any]]
) -> tuple[set[int], str]:
    """The octets of the frame that are wrong, and what to say of them."""
    offset = findings[0].get("offset")
    if isinstance(offset, int) and 0 <= offset < len(octets):
        return {offset}, "The octet where it goes wrong is marked."
    if start is not None:
        for place, row in enumerate(rows):
            if row.wrong and row.at is not None:
                end = _end(rows, place, len(octets) - start)
                marked = set(range(start + row.at, start + max(row.at + 1, end))) & set(range(len(octets)))
                if marked:
                    return marked, "The octets of the field that is wrong are marked."
    part = _MAC_PARTS.get(str(findings[0].get("code", "")))
    named = _mac_parts(octets) if part or findings[0].get("requirement") == "RFC4944-3-01" else {}
    wanted = [part] if part else ["destination", "source"]
    marked = {octet for name in wanted if name in named for octet in named[name]}
    if marked:
        return marked, f"The octets that it is about are marked: {' and '.join(w for w in wanted if w)}."
    first = start if start is not None else 0
    return set(
        range(first, len(octets))
    ), "No single octet is wrong: the marked payload as a whole is what it is about."


def _end(rows: list[Row], place: int, payload: int) -> int:
    """Where the field of a row ends: at the next field that begins behind it."""
    at = rows[place].at or 0
    return next((row.at for row in rows[place + 1 :] if row.at is not None and row.at > at), payload)


def _mac_parts(octets: bytes) -> dict[str, range]:
    """Where the parts of a MAC header stand; empty where the oracle cannot read it."""
    try:
        header, _ = mac.parse(octets)
    except DecodeError:
        return {}
    sizes = (
        ("control", 2),
        ("sequence", 0 if header.sequence is None else 1),
        ("destination PAN", 0 if header.dst_pan is None else 2),
        ("destination", len(header.dst)),
        ("source PAN", 0 if header.src_pan is None else 2),
        ("source", len(header.src)),
    )
    parts, at = {}, 0
    for name, size in sizes:
        if size:
            parts[name] = range(at, at + size)
        at += size
    return parts


def _cut(octets: bytes, wrong: set[int]) -> list[tuple[str, bool]]:
    runs: list[tuple[str, bool]] = []
    start = 0
    for place in range(1, len(octets) + 1):
        if place == len(octets) or (place in wrong) != (start in wrong):
            runs.append((octets[start:place].hex(" "), start in wrong))
            start = place
    return runs


def differing(expected: str, actual: str) -> tuple[list[tuple[str, bool]], list[tuple[str, bool]]]:
    """Both texts cut into (words, differs?): of the first row of octets in each, those that differ are marked."""
    one, other = _HEX.search(expected), _HEX.search(actual)
    if not one or not other:
        return [(expected, False)], [(actual, False)]
    left, right = one[0].split(" "), other[0].split(" ")
    return _marked(expected, one, left, right), _marked(actual, other, right, left)


def _marked(text: str, found: re.Match[str], mine: list[str], others: list[str]) -> list[tuple[str, bool]]:
    pieces: list[tuple[str, bool]] = [(text[: found.start()], False)] if found.start() else []
    for place, octet in enumerate(mine):
        wrong = place >= len(others) or others[place] != octet
        if pieces and pieces[-1][1] == wrong and place:
            pieces[-1] = f"{pieces[-1][0]} {octet}", wrong
        else:
            if place:
                pieces[-1] = f"{pieces[-1][0]} ", pieces[-1][1]
            pieces.append((octet, wrong))
    return [*pieces, (text[found.end() :], False)] if found.end() < len(text) else pieces
