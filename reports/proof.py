"""What proves a finding: the frames in question as the oracle reads them, and what is to be said of them.

Strategy: a record says of a finding which frame it is about; whether that frame is wrong follows from the code. A frame
of the tester's that the DUT had to heed is right, and the words say so; one that it had to ignore is shown with what
makes it so; one of the DUT's own is shown with what is wrong in it. A sequence is shown as a sequence: each payload of
the stimulus with its place in the datagram. What no frame can show, an answer that did not come, is said in words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from reports.deaths import claimed, dies_of
from reports.severity import NOTED, effect_of, named
from reports.view import Rig
from sixlowpan import DecodeError, LinkInfo, Reassembler, dispatch, explain, frame, mac, render
from vectors.codes import DEATHS, FIELDS
from vectors.silence import unheard

#: The ends of a link, where nothing hangs on who they are.
_ANYBODY: Final = LinkInfo("ieee802154", bytes(8), bytes(7) + b"\1")
#: The frame version with which bits 8 and 9 of the frame control came to mean something.
_FRAMES_OF_2015: Final = 2
#: Octets as a stimulus has them: pairs with blanks between.
_OCTETS: Final = re.compile(r"[0-9a-f]{2}( [0-9a-f]{2})*")
#: What stands behind the first of several stimuli (`fixtures.judging.trial`).
_MORE: Final = re.compile(r"^\.\.\. and (\d+) stimuli behind it$", re.MULTILINE)
#: Codes of findings whose frame is an answer that must not come.
_ANSWERS: Final = (
    "advertised",
    "answered_twice",
    "second_answer",
    "nd_answered",
    "registered",
    "resolved",
    "dad",
)
#: Codes that say that the DUT did not do of itself what the frame of the finding, or nothing but time, asks of it.
_DUE: Final = (
    *(
        "not_sent",
        "not_registered",
        "no_address",
        "no_rs",
        "no_ra",
        "not_confirmed",
        "nd_no_retry",
        "nd_renewal",
    ),
    *("stuck", "no_6co"),
)
#: Codes that do not tell whose the frame is, or which of several it is: nothing is marked in it, nor said of it.
_OPEN: Final = (
    *("nd_not_taken", "nd_unanswered", "not_forwarded", "not_released", "no_room_for_two", "lost"),
    *("context_unread", "listener_lost", "not_replicated", "no_error"),
)
#: What is to be said of the frame of a finding with this code.
_SAID: Final = {
    "retransmission_lost": "The node sent this frame once, and must send it again.",
    "early": "The node sent this frame before it may.",
    "refused": "The node refuses with this frame.",
    "delivered_twice": "The node handed on what this frame brought more than once.",
    "quote_trailer": "The node sent this frame, and what it quotes goes on behind the end of the packet.",
    "neighbour_address": "The node sent this frame, and to another link-layer address than it was told.",
    "neighbour_moved": "The node sent this frame, and to another link-layer address than it was told.",
}
#: Effects (`reports.severity`) of findings about frames that the DUT must not take, or not as it did.
_IGNORED: Final = ("accepts what it must ignore", "hijack")
MISMADE: Final = ("wrong data", "leak of data")
#: Effects of findings about frames that the DUT sent.
_SENT: Final = ("sends bad packets", "wrong format", "air time", "privacy")
#: Of a field of a frame that is right; left out where no octet of the frame is known to say it.
MARKED: Final = " The octets that say it are marked."
#: What a finding says of the time that was waited, and of the control.
_WITHIN: Final = re.compile(r"\bwithin [0-9.]+ m?s\b")


def octets_of(text: str) -> bytes | None:
    """The octets of a row of hex; None where it is none, or empty."""
    try:
        return bytes.fromhex(text) or None
    except ValueError:
        return None


def link_of(rig: Rig) -> str:
    """The kind of link of a rig, as `read_by_oracle` takes it; an older record tells it by names only."""
    told = rig.facts.get("link") or f"{rig.kind} {rig.profile} {rig.name}"
    return "ble" if "ble" in told.lower() else "ieee802154"


def read_by_oracle(octets: bytes, link: str) -> str:
    """A frame as the oracle reads it, as `annotated` of a result has it; empty where it reads nothing of it.

    `link`: "ble", or "ieee802154", where a payload without its MAC header is read as well. Contexts are not known here.
    """
    payload, info = octets, LinkInfo("ble")
    if link != "ble":
        try:
            payload, info = frame.parse(octets)
        except DecodeError:
            info = LinkInfo("ieee802154")
    if not payload or dispatch.KIND[payload[0]] in (dispatch.NALP, dispatch.UNASSIGNED):
        return ""  # signalling of L2CAP, a part of a K-frame: nothing of 6LoWPAN's
    return f"frame   {octets.hex(' ')}\n{render(explain(payload, info))}"


def in_short(payload: bytes) -> str:
    """What a payload is, in a few words: of a fragment its place in the datagram."""
    if not payload:
        return "nothing"
    kind = dispatch.KIND[payload[0]]
    if kind in (dispatch.FRAG1, dispatch.FRAGN) and len(payload) >= 4:
        size, tag = int.from_bytes(payload[:2]) & 0x7FF, int.from_bytes(payload[2:4])
        if kind == dispatch.FRAG1:
            return f"FRAG1, octets from 0 of {size}, tag {tag}"
        if len(payload) > 4:
            return f"FRAGN, octets from {8 * payload[4]} of {size}, tag {tag}"
    if kind == dispatch.MESH:
        deep, octets = payload[0] & 0x0F == 0x0F, 1
        octets += deep + (2 if payload[0] & 0x20 else 8) + (2 if payload[0] & 0x10 else 8)
        return f"mesh header, {in_short(payload[octets:])}"
    if kind == dispatch.BC0:
        return f"broadcast header, {in_short(payload[2:])}"
    return kind.removeprefix("LOWPAN_")


def payloads_of(result: Mapping[str, Any]) -> list[bytes]:
    """The rows of octets of a stimulus."""
    rows = str(result.get("stimulus") or "").splitlines()
    return [bytes.fromhex(row) for row in rows if _OCTETS.fullmatch(row)]


def sent_words(result: Mapping[str, Any]) -> str:
    """The stimulus of a result for people: of several payloads each has its number and says what it is.

    One that the oracle's reassembly refuses says why, and that behind which the node was lost says so.
    """
    text = str(result.get("stimulus") or "").strip()
    if other := _of_another(text, result):
        return other
    payloads = payloads_of(result)
    if len(payloads) < 2:
        return text
    whole = _whole_frames(payloads, result) or text.endswith(" more whole frames")
    notes = _notes(payloads, result, whole=whole)
    told, number = [], 0
    for row in text.splitlines():
        if _OCTETS.fullmatch(row):
            number += 1
            told.append(f"{number}. {_said(bytes.fromhex(row), whole=whole)}{notes[number - 1]}: {row}")
        else:
            told.append(row)
    return "\n".join(told)


def _of_another(text: str, result: Mapping[str, Any]) -> str:
    """What was sent where the record keeps the first of several stimuli, and its finding is about another of them."""
    found: Mapping[str, Any] = next(iter(result.get("findings") or ()), {})
    octets = octets_of(str(found.get("frame") or ""))
    behind = _MORE.search(text)
    if not behind or octets is None or is_ours(found, result) or not _is_of_the_tester(found):
        return ""
    return f"one of {int(behind[1]) + 1} stimuli, as a frame; the capture has all\n{octets.hex(' ')}"


def _is_of_the_tester(finding: Mapping[str, Any]) -> bool:
    """Whether the code says that the frame of a finding is one that the tester sent."""
    code = str(finding.get("code") or "")
    if code in (*_SAID, *_OPEN, *_ANSWERS):
        return False
    effect = named(code, str(finding.get("requirement") or ""))
    return is_right(finding) or (effect is not None and effect.name in _IGNORED)


def is_sequence(result: Mapping[str, Any]) -> bool:
    """Whether a stimulus is of several payloads."""
    return len(payloads_of(result)) > 1


def _notes(payloads: Sequence[bytes], result: Mapping[str, Any], *, whole: bool) -> list[str]:
    """What is to be said of each payload of a sequence beside what it is; empty for most.

    The record has not the addresses of a payload: any will do to see how fragments lie.
    """
    notes, reassembler = [""] * len(payloads), Reassembler()
    for place, octets in enumerate(payloads):
        try:
            payload, info = frame.parse(octets)[:2] if whole else (octets, _ANYBODY)
            reassembler.receive(payload, info)
        except DecodeError as error:
            if str(error.requirement).startswith("RFC4944-5.3-"):
                notes[place] = f" (refused by the oracle: {error.message})"
    found: Mapping[str, Any] = next(iter(result.get("findings") or ()), {})
    last = octets_of(str(found.get("frame") or "")) or b""
    deadly = [place for place, octets in enumerate(payloads) if octets and last.endswith(octets)]
    if found.get("code") in DEATHS and deadly:
        proved = dies_of([found])
        notes[deadly[-1]] += (
            " (the node is lost behind this one)" if proved else " (the last before the node was lost)"
        )
    return notes


def _whole_frames(payloads: Sequence[bytes], result: Mapping[str, Any]) -> bool:
    """Whether a stimulus is of frames with their MAC headers, by the frames that its findings name."""
    named_ones = {found.get("frame", "") for found in result.get("findings") or ()}
    return any(one.hex() in named_ones for one in payloads) and _has_mac_header(payloads[0])


def _has_mac_header(octets: bytes) -> bool:
    try:
        return bool(frame.parse(octets)[0])
    except DecodeError:
        return False


def has_ends(octets: bytes) -> bool:
    """Whether a frame is data from one address to another with nothing reserved set, so that its payload is meant."""
    try:
        header, _ = mac.parse(octets)
    except DecodeError:
        return False
    reserved = (header.version < _FRAMES_OF_2015 and octets[1] & 0x03) or octets[0] & 0x80
    return header.type == mac.DATA and bool(header.dst and header.src) and not reserved


def _said(octets: bytes, *, whole: bool) -> str:
    if whole and _has_mac_header(octets):
        return f"frame with {in_short(frame.parse(octets)[0])}"
    return in_short(octets)


def is_ours(finding: Mapping[str, Any], result: Mapping[str, Any]) -> bool:
    """Whether the frame of a finding is one that the tester sent, as far as the stimulus tells."""
    octets = str(finding.get("frame") or "")
    rows = (
        row.replace(" ", "")
        for row in str(result.get("stimulus") or "").splitlines()
        if _OCTETS.fullmatch(row)
    )
    return bool(octets) and any(octets.endswith(row) for row in rows)


def is_answer(finding: Mapping[str, Any]) -> bool:
    """Whether the frame of a finding about data is the DUT's answer, which has others than the request."""
    return finding.get("code") == "payload" and str(finding.get("expected") or "").startswith("Echo Reply")


def field_of(finding: Mapping[str, Any]) -> str:
    """The field of a packet of the tester's that the DUT made another one of; empty where it is none."""
    code = str(finding.get("code") or "")
    if code.startswith(("sent_", "answer_", "quote_", "misread")):
        return ""
    return str(finding.get("field") or "") or (code if code in FIELDS else "")


def is_right(finding: Mapping[str, Any]) -> bool:
    """Whether no octet of the frame of a finding is wrong: the DUT had to heed it, or made another packet of it."""
    code = str(finding.get("code") or "")
    return bool(field_of(finding)) or unheard(code) or code in _DUE or code in _OPEN


def claim(finding: Mapping[str, Any], *, several: bool = False) -> str:
    """What is to be said of the frame of a finding; `several`: it is one of a sequence.

    Empty where the code does not tell.
    """
    code = str(finding.get("code") or "")
    this, it = ("these frames", "them") if several else ("this frame", "it")
    if code in _SAID or code in _OPEN:
        return _SAID.get(code, "")
    if is_right(finding):
        return f"Nothing in {this} is wrong: {_undone(code, field_of(finding), it)}"
    effect = named(code, str(finding.get("requirement") or ""))
    name = effect.name if effect else ""
    if name == "crash":
        return claimed(finding, this)
    if code in _ANSWERS:
        return "The node sent this frame, and must not."
    if name in _IGNORED and effect_of(finding) is NOTED:
        return f"By one reading of the texts the node ignores {this}; it acted on {it}."
    if name in _IGNORED:
        return f"The node must ignore {this}, and acted on {it}."
    if name in MISMADE:
        return f"What the node made of {this} is wrong: see what was expected, and what came."
    return "The node sent this frame." if name in _SENT else ""


def _undone(code: str, field: str, it: str) -> str:
    """What the DUT did not do with what it was sent."""
    if code in _DUE:
        return "what the node must send behind it did not come."
    if field:
        return f"the node misreads the {field.replace('_', ' ')}.{MARKED}"
    verb = "answer" if code in ("no_answer", "unresolved", "solicitation_dropped") else "heed"
    return f"the node must {verb} {it}, and did not."


def without_frame(finding: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    """What stands in the place of a frame that a finding has not: that no answer came, or by what it was told."""
    actual = str(finding.get("actual") or "")
    if finding.get("code") == "nothing_came":
        return "no frame: nothing reached the application on the node"
    within = _WITHIN.search(actual)
    silent = (
        unheard(str(finding.get("code") or ""))
        or within
        or actual.startswith(("none", "nothing", "no ", "it is not answered"))
    )
    if silent:
        controls = str(result.get("controls") or "")
        answered = f"; controls answered: {controls}" if controls else ""
        return f"no answer came{' ' + within[0] if within else ''}{answered}"
    ways = {
        "tap": "the IP tap",
        "quote": "the quoted header",
        "echo": "the answer to the echo",
        "wire": "the link",
    }
    by = ways.get(str(result.get("observed_by") or ""), "")
    return f"no frame; told by {by}" if by else "no frame in the record"
