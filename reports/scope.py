"""Whom and what a cause is about: what all frames that prove it have in common, as far as these show it.

Strategy: each finding is looked at by its stimulus where the record has that (it has the first finding's), else by
its frame. What a look shows are traits (`TRAITS`): a 16-bit source, fragments out of order, an uncompressed header.
What all looks share is the scope, and nothing is said of a trait that one of them lacks; how fragments follow each
other is seen by whole stimuli only. An ordinary echo has none of the traits, and one was answered behind each stimulus.
Whether all that has these traits is lost, or some of it, is asked of the results that are right (`right_too`). Of many
results some are looked at, spread over all, so that a farm costs no more than one board.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any, Final

from reports.compact import whole
from reports.proof import octets_of, payloads_of
from reports.view import View
from sixlowpan import DecodeError, dispatch, frame, mac

#: EID -> the header that is compressed (RFC 6282 §4.2).
_HEADERS: Final = {
    0: "a Hop-by-Hop Options header",
    1: "a Routing header",
    2: "a Fragment header",
    3: "a Destination Options header",
    4: "a Mobility header",
    7: "an inner IPv6 header",
}
#: Trait -> what packets are that have it, in the order in which it is said.
TRAITS: Final = {
    "short source": "from a 16-bit link-layer address",
    "mesh": "behind a mesh header",
    "uncompressed": "whose IPv6 header is not compressed (dispatch 41)",
    "HC1": "compressed by HC1",
    "group by context": "to a group whose address is made from a context",
    "no source": "from the unspecified address (SAC=1 SAM=00)",
    "context": "compressed by a context",
    "context named": "that name a context (CID=1)",
    "extension": "with an extension header or an inner header compressed by NHC",
    **{f"EID {number}": f"with {name} compressed by NHC" for number, name in _HEADERS.items()},
    "padding left out": "with an options header compressed by NHC whose padding the sender left out",
    "checksum elided": "whose UDP checksum was elided",
    "identifier in-line": "to an address of the node that its link-layer address does not give",
    "fragments": "in fragments",
    "one fragment": "that lie whole in one first fragment",
    "headers alone": "whose first fragment ends with the headers or within them",
    "twice": "of which a fragment comes twice",
    "out of order": "whose fragments arrive in another order than they are sent",
}
#: Traits that a whole stimulus shows, and one frame of it does not.
_OF_ORDER: Final = frozenset({"one fragment", "headers alone", "twice", "out of order"})
#: Traits that say what another one says, and less.
_IMPLIED: Final = {
    "fragments": ("one fragment", "headers alone", "twice", "out of order"),
    "context": ("group by context", "no source"),
    "context named": ("group by context",),
    "extension": ("padding left out", *(f"EID {number}" for number in _HEADERS)),
    **{f"EID {number}": ("padding left out",) for number in (0, 3)},
    "identifier in-line": ("context", "uncompressed", "extension", "group by context", "context named"),
}
#: Results of a cause that are looked at, and findings of each.
_RESULTS: Final = 40
_FINDINGS: Final = 12
_TWICE: Final = re.compile(r"duplicate-.*|all-twice|thrice|run-twice")
_MODES: Final = re.compile(r"sac\d-sam\d\d-m(\d)-dac(\d)-dam(\d\d)")


@dataclass(frozen=True)
class Scope:
    """What is common to all that was looked at. `sizes`: of whole datagrams, where all came in fragments."""

    traits: frozenset[str]
    sizes: tuple[int, int] | None
    #: Whether the frames have link-layer security: then only who has the key can send such.
    secured: bool
    #: Cases and findings that were looked at.
    looks: int

    @property
    def words(self) -> str:
        """What packets are that are meant: "in fragments, of which one comes twice"; empty where nothing is common."""
        left = [
            trait for trait in TRAITS if trait in self.traits and not self.traits & {*_IMPLIED.get(trait, ())}
        ]
        told = " and ".join(TRAITS[trait] for trait in left[:3])
        if self.sizes and self.sizes[0] >= _LARGE:
            low, high = self.sizes
            told += f" of {low:,} octets" if low == high else f" of {low:,} to {high:,} octets"
        return told.strip()

    @property
    def told(self) -> bool:
        """Whether what is meant is told from an ordinary echo, in one frame or in several."""
        return bool(self.traits - {"fragments"}) or bool(self.sizes and self.sizes[0] >= _LARGE)

    @property
    def narrow(self) -> int:
        """How many traits narrow it: the fewer, the more traffic is meant."""
        return len(self.traits) + bool(self.sizes and self.sizes[0] >= _LARGE)


#: Octets from which on a datagram counts as large, and the trait of it.
_LARGE: Final = 1000
_LARGE_TOO: Final = "large"


def scope_of(
    shown: Sequence[tuple[Any, Any, Mapping[str, Any]]], owns: Callable[[Mapping[str, Any]], bool], link: str
) -> Scope:
    """The scope of the findings that `owns` takes, of results as `Cause.shown` has them (rig, case, result).

    `link`: "ble" or "ieee802154", whose frames have MAC headers.
    """
    looks, sizes, secured = [], [], []
    for result in _spread(shown):
        mine = [finding for finding in result["findings"] if owns(finding)]
        for finding in islice(mine, _FINDINGS):
            octets = octets_of(str(finding.get("frame") or "")) or b""
            payload, source, safe = (octets, b"", False) if link == "ble" else _opened(octets)
            sent = payloads_of(result) if finding is result["findings"][0] else []
            if link != "ble" and octets in sent:  # whole frames, with their MAC headers
                sent = [_opened(row)[0] for row in sent]
            found = _traits(sent or [payload], str(finding["code"]))
            if not found and not payload:
                continue
            if "fragments" in found and len(sent) < 2 and not _OF_ORDER & found:
                found |= {"unseen"}
            looks.append(found | ({"short source"} if len(source) == 2 else set()))
            sizes.append(_size(next(iter(sent), b"") or payload))
            secured.append(safe)
    common = frozenset(set.intersection(*looks)) if looks else frozenset[str]()
    seen = [look for look in looks if "unseen" not in look]
    common = common - {"unseen"} | (frozenset(set.intersection(*seen)) & _OF_ORDER if seen else frozenset())
    known = [size for size in sizes if size]
    whole_sizes = (min(known), max(known)) if known and len(known) == len(sizes) else None
    return Scope(common, whole_sizes, bool(secured) and all(secured), len(looks))


#: Rig -> what the stimuli of its right results have in them, by what they were observed, and the name of the case.
Right = dict[str, list[tuple[frozenset[str], str, str]]]


def right_of(page: View) -> Right:
    """What came out right on each rig, where the record has the stimulus: of the last one of each result."""
    found: Right = {}
    if page.wide:
        return found
    for section in page.sections:
        for case in section.cases:
            for rig, result in case.results.items():
                came, _, sent = str(result.get("attempts") or "").partition("/")
                seen = str(result.get("observed_by") or "")
                good = result["verdict"] == "pass" and not result["findings"]
                if good and seen in ("tap", "echo", "quote") and came == sent not in ("", "0"):
                    payloads = payloads_of(result)
                    if traits := frozenset(_traits(payloads, "")):
                        sizes = {_LARGE_TOO} if _size(payloads[0]) >= _LARGE else set()
                        found.setdefault(rig, []).append((traits | sizes, seen, case.name))
    return found


def right_too(scope: Scope, rigs: Iterable[str], right: Right, *, answered: bool) -> str:
    """A case that was right with all that the scope says, on one of the rigs; empty for none, or where nothing is said.

    `answered`: an answer must have shown it.
    """
    large = {_LARGE_TOO} if scope.sizes and scope.sizes[0] >= _LARGE else set()
    asked = (scope.traits | large) - {"short source"}
    if not asked or asked != scope.traits | large:
        return ""
    every = (one for rig in rigs for one in right.get(rig, ()))
    return next(
        (name for traits, by, name in every if asked <= traits and not (answered and by == "tap")), ""
    )


def _spread(shown: Sequence[tuple[Any, Any, Mapping[str, Any]]]) -> Iterator[Mapping[str, Any]]:
    """Some of the results, of every case function one first."""
    first: dict[str, Mapping[str, Any]] = {}
    rest: list[Mapping[str, Any]] = []
    for _, case, result in shown:
        name = case.name.partition("[")[0]
        if name in first:
            rest.append(result)
        else:
            first[name] = result
    room = max(_RESULTS - len(first), 0)
    step = max(len(rest) // room, 1) if room else 1
    for result in islice((*first.values(), *rest[::step][:room]), _RESULTS):
        yield whole(result)


def _opened(octets: bytes) -> tuple[bytes, bytes, bool]:
    """(payload, source address, whether it is secured) of a frame, or of a payload that has no MAC header."""
    try:
        header, payload = mac.parse(octets)
        return frame.parse(octets)[0] or payload, header.src or b"", bool(octets and octets[0] & 0x08)
    except (DecodeError, IndexError):
        return octets, b"", False


def _size(payload: bytes) -> int:
    """The size of the datagram that a fragment is of; 0 for what is none."""
    fragment = len(payload) > 4 and dispatch.KIND[payload[0]] in (dispatch.FRAG1, dispatch.FRAGN)
    return int.from_bytes(payload[:2]) & 0x7FF if fragment else 0


def _traits(payloads: Sequence[bytes], code: str) -> set[str]:
    """The traits of a stimulus of one packet."""
    found = set(_of_code(code))
    places, pieces = [], []
    for payload in payloads:
        if not payload:
            continue
        kind, rest = dispatch.KIND[payload[0]], payload
        if kind == dispatch.MESH:
            found.add("mesh")
            continue
        if kind in (dispatch.FRAG1, dispatch.FRAGN) and len(payload) > 4:
            found.add("fragments")
            first = kind == dispatch.FRAG1
            places.append(0 if first else payload[4])
            pieces.append(payload)
            if not first:
                continue
            rest = payload[4:]
        found |= _of_header(rest)
    if pieces:
        found |= set(_of_order(places, pieces))
    return found


def _of_code(code: str) -> Iterable[str]:
    if code.startswith("order-"):
        return "fragments", "out of order"
    if _TWICE.fullmatch(code):
        return "fragments", "twice"
    modes = _MODES.fullmatch(code)
    return ("group by context", "context") if modes and modes.groups() == ("1", "1", "00") else ()


def _of_order(places: Sequence[int], pieces: Sequence[bytes]) -> Iterator[str]:
    behind = sorted(place for place in places if place)
    if len({piece[:4] for piece in pieces if piece[0] >> 3 == 0b11100} | {b""}) > 2:
        return  # of several datagrams
    ends = sorted(
        {(piece[4] * 8, piece[4] * 8 + len(piece) - 5) for piece in pieces if piece[0] >> 3 == 0b11100}
    )
    if any(before[1] > after[0] for before, after in pairwise(ends)):
        return  # they overlap: none of these
    if len(set(pieces)) < len(pieces):
        yield "twice"
    elif len(pieces) > 1 and list(places) != sorted(places):
        yield "out of order"
    if not behind and len(pieces) == 1 and 0 in places and _covers_all(pieces[0]):
        yield "one fragment"
    if behind and 0 in places and behind[0] * 8 <= 40:
        yield "headers alone"


def _covers_all(first: bytes) -> bool:
    """Whether a FRAG1 is about as long as its datagram: what compression saves is the header at most."""
    return _size(first) <= len(first) - 4 + 48


def _of_header(payload: bytes) -> set[str]:
    """The traits of what is behind mesh and fragment headers."""
    if not payload:
        return set()
    octet = payload[0]
    if octet == 0x41:
        return {"uncompressed"}
    if octet == 0x42:
        return {"HC1"}
    if octet >> 5 != 0b011 or len(payload) < 2:
        return set()
    second = payload[1]
    tf, nh, hlim = octet >> 3 & 3, octet >> 2 & 1, octet & 3
    cid, sac, sam = second >> 7, second >> 6 & 1, second >> 4 & 3
    group, dac, dam = second >> 3 & 1, second >> 2 & 1, second & 3
    found = set()
    if cid:
        found.add("context named")
    if sac and not sam:
        found.add("no source")
    elif sac or dac:
        found.add("context")
    if group and dac:
        found.add("group by context")
    if not group and not dac and dam == 1:
        found.add("identifier in-line")
    source = 0 if sac and not sam else (16, 8, 2, 0)[sam]
    destination = (6 if dac else (16, 6, 4, 1)[dam]) if group else (16, 8, 2, 0)[dam]
    at = 2 + cid + (4, 3, 1, 0)[tf] + (not nh) + (not hlim) + source + destination
    if nh and at < len(payload) and payload[at] >> 4 == 0b1110:
        found |= {"extension", f"EID {payload[at] >> 1 & 7}"}
        length = payload[at + 2 - (payload[at] & 1) :][:1]
        if length and payload[at] >> 1 & 7 in (0, 3) and (length[0] + 2) % 8:
            found.add("padding left out")
    if nh and at < len(payload) and payload[at] >> 3 == 0b11110 and payload[at] & 0x04:
        found.add("checksum elided")
    return found
