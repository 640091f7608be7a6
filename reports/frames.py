"""A frame as a reader wants to see it: its octets with those in question marked, the tree of its fields, and a claim.

Strategy: the record has the tree as text (`annotated`), with a line of `^^^` under the wrong field; of a finding that
it is not about, the oracle makes one (`reports.proof`). Octets are found from the offsets in the tree. What the tree
does not reach, the MAC header, is parsed by the oracle, and the part that a finding is about follows from its code. In
a frame that is right (the DUT dropped or misread it) no octet is shown as wrong; the words say what it had to do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from reports.deaths import dies_of
from reports.proof import (
    MARKED,
    MISMADE,
    claim,
    field_of,
    has_ends,
    is_answer,
    is_ours,
    is_right,
    octets_of,
    payloads_of,
    read_by_oracle,
)
from reports.severity import named
from sixlowpan import DecodeError, mac
from vectors.codes import DEATHS

#: A row of octets behind the tree, with where it begins, and the row of carets under it.
_DUMP: Final = re.compile(r"( *(\d+)  )[0-9a-f]{2}(?: [0-9a-f]{2})*")
_CARETS: Final = re.compile(r"\s*\^\^(?: +\^\^)*\s*")
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


#: Fields of a packet -> how the tree calls what says them (a pattern), and which octets of that (None: to its end);
#: behind the fields in-line stand the bits that say how they are elided.
_FIELDS: Final[dict[str, tuple[tuple[str, int, int | None], ...]]] = {
    "version": (("dispatch", 0, None),),
    "traffic_class": (
        ("ECN, DSCP, pad, flow label", 0, 1),
        ("ECN, pad, flow label", 0, 1),
        ("ECN, DSCP", 0, 1),
        ("version, class, flow", 0, 2),
        ("TF", 0, None),
    ),
    "flow_label": (
        ("ECN, DSCP, pad, flow label", 1, 4),
        ("ECN, pad, flow label", 0, 3),
        ("version, class, flow", 1, 4),
        ("TF", 0, None),
    ),
    "payload_length": (("Payload Length", 0, None), (r"Length = \d+: octets that follow", 0, None)),
    # where an NHC octet follows, that says it; a Next Header behind it is of an extension header
    "next_header": (("NHC(?: ID.*)?", 0, None), ("Next Header", 0, None)),
    "hop_limit": (("Hop Limit", 0, None), ("HLIM", 0, None)),
    "source": (("Source Address", 0, None), ("SAM", 0, None)),
    "destination": (("Destination Address", 0, None), ("DAM", 0, None)),
    "udp_checksum": (("Checksum", 0, None), ("C", 0, None)),
    "payload": (("octets", 0, None),),
}
#: The header that a packet begins with, as the tree calls it; what stands in front is of the adaptation layer.
_FIRST_HEADER: Final = re.compile(r"\s*\d+\s+(?:LOWPAN_IPHC|IPv6)\b.*")
#: P of LOWPAN_NHC UDP -> where the ports stand in the octets behind it (RFC 6282 §4.3.3): with P=11 they share one.
_PORTS: Final = {
    "udp_source_port": ((0, 2), (0, 2), (0, 1), (0, 1)),
    "udp_destination_port": ((2, 4), (2, 3), (1, 3), (0, 1)),
}
_P: Final = re.compile(r"\s*[\d.+]+\s+P = ([0-3])\b.*")
#: Words of the oracle where it reads without what held when the frame was sent: a context, the link-layer addresses.
_UNKNOWN: Final = re.compile(r"context (\d+) is not defined|the frame has no (?:source|destination) address")
_UNMARKED: Final = "No octet of it is wrong by itself: what was expected, and what came, say what is."
#: Of a frame whose MAC header is what is tried.
_NO_ENDS: Final = (
    "Its frame control is marked: a reserved bit is set in it, or by it this is not data from one address to another; "
    "nothing behind the MAC header is read."
)

#: Octets by which a run of them is found again.
_FEWEST: Final = 4


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

    @property
    def octets(self) -> int:
        """How many octets it has."""
        return sum(len(words.split()) for words, _ in self.runs)


def frame_of(result: Mapping[str, Any], link: str = "ieee802154") -> Frame | None:
    """The frame of a result's first finding, marked; None where the record has none. `link`: as of `read_by_oracle`."""
    finding = (result.get("findings") or [{}])[0]
    named = octets_of(str(finding.get("frame") or ""))
    lines = str(result.get("annotated") or "").splitlines()
    first = octets_of(lines[0].removeprefix("frame")) if lines else None
    if named and first != named and (first or not lines):  # it is about the frame of another finding
        lines = read_by_oracle(named, link).splitlines()
        first = octets_of(lines[0].removeprefix("frame")) if lines else None
    octets = first or named
    rows = _rows(lines[1:] if first else lines, right=is_right(finding))
    if octets is None:
        return Frame([], rows) if rows else None
    payload = next(
        (int(m[1]) for row in rows if (m := re.fullmatch(r"\s*0\s+payload = (\d+) octets.*", row.text))), None
    )
    start = len(octets) - payload if payload is not None and payload <= len(octets) else None
    whole = link != "ble" and octets in payloads_of(result)  # the stimulus was a frame, not a payload
    if whole and not is_right(finding) and not has_ends(octets):
        rows, marked, about = [], {0, 1}, _NO_ENDS
    else:
        marked, about = _marked_octets(rows, start, octets, finding)
    if finding.get("code") in DEATHS and dies_of([finding]) != 1:  # no octet of one frame did it
        marked, about, rows = set(), "", [replace(row, wrong=False) for row in rows if not row.note]
    rows = _underlined(rows, {place - (start or 0) for place in marked})
    if is_answer(finding):
        return Frame(
            _cut(octets, marked), rows, "The node sent this frame, and its data are not those of the request."
        )
    said = claim(finding, several=len(payloads_of(result)) > 1 and is_ours(finding, result))
    if not marked:
        said = said.replace(MARKED, "")
    return Frame(_cut(octets, marked), rows, f"{said} {about}".strip() or _UNMARKED)


def proof_of(octets: str, code: str, requirement: str, link: str) -> Frame | None:
    """The frame that a profile gives as the proof of a deviation, read as that of a finding; None for no octets."""
    finding = {"code": code, "requirement": requirement, "frame": octets}
    return frame_of({"findings": [finding]}, link)


def _rows(lines: list[str], *, right: bool) -> list[Row]:
    """The lines of a tree; in a frame that is `right` none is wrong, nor is one anywhere for what the oracle lacks."""
    rows: list[Row] = []
    behind = False
    for line in lines:
        behind = behind or not line.strip()  # the oracle prints the octets there, with what it stopped at
        if behind and right:
            break
        if behind:
            if not _CARETS.fullmatch(line):
                rows.append(Row(None, line))
        elif not line.strip().startswith("^^^"):
            matched = _LINE.fullmatch(line)
            rows.append(Row(int(matched[1]) if matched else None, line))
        elif unknown := _UNKNOWN.search(line):
            if unknown[1]:
                said = f"context {unknown[1]} held when this was sent, and is not in the record"
                rows.append(Row(None, line[: len(line) - len(line.lstrip())] + said, note=True))
        elif not right:
            if rows:
                rows[-1].wrong = True
            rows.append(Row(None, line, note=True))
    return rows


def _underlined(rows: list[Row], marked: set[int]) -> list[Row]:
    """The rows, with carets under the octets behind the tree that are marked in the frame, and under no others."""
    drawn: list[Row] = []
    behind = False
    for row in rows:
        behind = behind or not row.text.strip()
        drawn.append(row)
        if behind and (found := _DUMP.fullmatch(row.text.rstrip())):
            size = (len(row.text.rstrip()) - len(found[1]) + 1) // 3
            signs = ("^^" if int(found[2]) + place in marked else "  " for place in range(size))
            if line := " ".join(signs).rstrip():
                drawn.append(Row(None, " " * len(found[1]) + line))
    return drawn


def _marked_octets(
    rows: list[Row], start: int | None, octets: bytes, finding: Mapping[str, Any]
) -> tuple[set[int], str]:
    """The octets of the frame that are in question, and what the mark means where the claim does not say it."""
    if is_right(finding):
        return _of_field(rows, start, octets, field_of(finding)), ""
    if finding.get("code") == "quote_trailer" and (marked := _behind_the_packet(octets, finding)):
        return marked, "The octets behind the end of the packet are marked."
    if marked := _as_it_came(octets, finding):
        return marked, "The octets that must be others are marked."
    for place, row in enumerate(rows if start is not None else ()):
        if row.wrong and row.at is not None and (marked := _octets_of_row(rows, place, start or 0, octets)):
            effect = named(str(finding.get("code") or ""), str(finding.get("requirement") or ""))
            if effect is not None and effect.name == "crash":  # what it died of is not known by that
                return marked, "The octets at which the text stops reading are marked."
            made = (
                effect is not None and effect.name in MISMADE
            )  # the node did it to a frame that may be right
            return marked, f"The octets of the field {'in question' if made else 'that is wrong'} are marked."
    offset = finding.get("offset")
    if isinstance(offset, int) and 0 <= offset < len(octets):
        return {offset}, "The octet where it goes wrong is marked."
    part = _MAC_PARTS.get(str(finding.get("code") or ""))
    parts = _mac_parts(octets) if part or finding.get("requirement") == "RFC4944-3-01" else {}
    wanted = [part] if part else ["destination", "source"]
    marked = {octet for name in wanted if name in parts for octet in parts[name]}
    return (
        marked,
        f"The octets that it is about are marked: {' and '.join(filter(None, wanted))}." if marked else "",
    )


def _behind_the_packet(octets: bytes, finding: Mapping[str, Any]) -> set[int]:
    """The octets from the first on that the finding says are none of the packet's; they may go on in another frame."""
    told = _HEX.search(str(finding.get("actual") or ""))
    said = bytes.fromhex(told[0]) if told else b""
    for count in range(len(said), _FEWEST - 1, -1):
        at = octets.rfind(said[:count])
        if at >= 0 and (count == len(said) or at + count == len(octets)):
            return {*range(at, len(octets))}
    return set()


def _as_it_came(octets: bytes, finding: Mapping[str, Any]) -> set[int]:
    """The octets that differ from what was expected, where the finding has both in words and the frame has them."""
    wanted, came = (_HEX.search(str(finding.get(key) or "")) for key in ("expected", "actual"))
    if not wanted or not came:
        return set()
    right, wrong = (bytes.fromhex(found[0]) for found in (wanted, came))
    at = octets.find(wrong)
    if at < 0 or len(right) != len(wrong):
        return set()
    return {at + place for place, octet in enumerate(wrong) if octet != right[place]}


def _of_field(rows: list[Row], start: int | None, octets: bytes, name: str) -> set[int]:
    """The octets that say a field of the packet: those of the field, or the bits by which it is elided."""
    if start is None:
        return set()
    begin = next((place for place, row in enumerate(rows) if _FIRST_HEADER.fullmatch(row.text)), 0)
    p = next((int(m[1]) for row in rows if (m := _P.fullmatch(row.text))), None)
    wanted = _FIELDS.get(name, ())
    if p is not None and name in _PORTS:
        wanted = (("ports", *_PORTS[name][p]),)
    for words, first, last in wanted:
        for place, row in enumerate(rows[begin:], begin):
            told = row.at is not None and " = elided" not in row.text
            if told and re.match(rf"\s*[\d.+]+\s+{words}(?= =|;|  )", row.text):
                return set(sorted(_octets_of_row(rows, place, start, octets))[first:last])
    return set()


def _octets_of_row(rows: list[Row], place: int, start: int, octets: bytes) -> set[int]:
    at = rows[place].at or 0
    end = _end(rows, place, len(octets) - start)
    return set(range(start + at, start + max(at + 1, end))) & set(range(len(octets)))


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
