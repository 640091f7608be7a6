"""What a sender did wrong in its fragments: sizes, tags, what was never completed, and what is only sent again.

Strategy: for each (source, destination, tag) the fragments of the datagram at hand are remembered by their octets, for
some time after it was complete, too. A fragment that is one of them was sent again by the MAC or captured twice, and
proves nothing. "Its initial value is not defined" (RFC 4944 section 5.3): a sender that started anew may use any tag,
so a tag that comes again breaks the rule for sure only where there was no time for a restart.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeVar

from sixlowpan import dispatch
from sixlowpan.findings import ADVICE, FAIL, Say
from sixlowpan.fragment import TIMEOUT
from sixlowpan.link import LinkInfo

#: seconds in which no node restarts, joins and sends a datagram that needs fragments
RESTART: Final = 1.0
#: a counter may serve other peers, so it may jump a bit
_JUMP: Final = 0x100
_MOST: Final = 1024
_MOST_PIECES: Final = 256
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


@dataclass(slots=True)
class Cut:
    """A datagram in fragments: datagram_size, first frame, compressed octets so far, time of the last one."""

    size: int
    frame: int
    last: float
    octets: int = 0
    first: bool = False  # its FRAG1 was there
    whole: bool = False
    pieces: set[int] = field(default_factory=set)


Key = tuple[bytes, bytes, int]  # source, destination, tag


class FragmentLint:
    """Judges fragments; findings go to `say`."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self.cuts: dict[Key, Cut] = {}  # bounded by `remember`, as is the next
        self._tags: dict[tuple[bytes, bytes], tuple[int, float]] = {}

    def repeated(self, payload: bytes, at: int, link: LinkInfo, now: float) -> bool:
        """True if this fragment was seen already as part of its datagram."""
        cut = self.cuts.get(_key(payload, at, link)) if len(payload) >= at + 5 else None
        return cut is not None and abs(now - cut.last) < TIMEOUT and hash(payload[at:]) in cut.pieces

    def fragment(
        self, payload: bytes, at: int, kind: str, link: LinkInfo, frame: int, now: float
    ) -> Cut | None:
        """Judge one fragment that is no repetition; an incomplete datagram that it takes the place of, or None."""
        if len(payload) < at + 5:
            return None
        size, key = (payload[at] & 7) << 8 | payload[at + 1], _key(payload, at, link)
        cut = self.cuts.get(key)
        given_up = None
        if cut is not None and not cut.whole and cut.size != size and kind == dispatch.FRAGN:
            # RFC 4944 5.3: "The value of datagram_size SHALL be the same for all link-layer fragments of an
            # IP packet."
            message = "datagram_size differs between fragments with one tag"
            level = FAIL if abs(now - cut.last) <= RESTART else ADVICE
            self._say("datagram_size", "RFC4944-5.3-09", level, at, cut.size, size, message)
        elif cut is not None and (cut.whole or cut.size != size or (kind == dispatch.FRAG1 and cut.first)):
            # a first fragment that differs from the one before begins another datagram
            given_up = None if cut.whole else cut
            cut = None
        if cut is None:
            self._tag(key[2], at, link, now)
            self.cuts.pop(key, None)
            cut = remember(self.cuts, key, Cut(size, frame, now))
        cut.octets += len(payload) - at - (4 if kind == dispatch.FRAG1 else 5)
        cut.first = cut.first or kind == dispatch.FRAG1
        cut.last = now
        newest = self._tags.get(key[:2])
        if newest is not None and newest[0] == key[2]:
            self._tags[key[:2]] = key[2], now  # from its last fragment on a restart takes time
        if len(cut.pieces) < _MOST_PIECES:
            cut.pieces.add(hash(payload[at:]))
        if size > 1280:
            message = "the MTU is 1280 octets"
            self._say("datagram_size", "RFC4944-4-01", ADVICE, at, "up to 1280", size, message)
        return given_up

    def _tag(self, tag: int, at: int, link: LinkInfo, now: float) -> None:
        known = self._tags.get((link.src, link.dst))
        remember(self._tags, (link.src, link.dst), (tag, now))
        if known is None:
            return
        last, before = known
        if tag == last:
            # RFC 4944 5.3: "The sender SHALL increment datagram_tag for successive, fragmented datagrams."
            message = "a new datagram has the tag of the one before"
            level = FAIL if abs(now - before) <= RESTART else ADVICE
            self._say("datagram_tag", "RFC4944-5.3-13", level, at + 2, (last + 1) & 0xFFFF, tag, message)
        elif (tag - last) & 0xFFFF > _JUMP:
            message = "the tag does not look like a counter (RFC 8930 section 7 prefers a random one)"
            self._say("datagram_tag", "RFC4944-5.3-13", ADVICE, at + 2, (last + 1) & 0xFFFF, tag, message)

    def done(self, payload: bytes, at: int, link: LinkInfo) -> Cut | None:
        """The datagram that this fragment completed."""
        cut = self.cuts.get(_key(payload, at, link))
        if cut is not None:
            cut.whole = True
        return cut

    def expired(self, key: Key, size: int) -> Cut | None:
        """A datagram that ran out of time; None if it was not open."""
        cut = self.cuts.get(key)
        if cut is None or cut.whole or cut.size != size:
            return None
        del self.cuts[key]
        return cut

    def left(self) -> list[tuple[Key, Cut]]:
        """What is still open."""
        found = [(key, cut) for key, cut in self.cuts.items() if not cut.whole]
        self.cuts.clear()
        return found


def _key(payload: bytes, at: int, link: LinkInfo) -> Key:
    return link.src, link.dst, payload[at + 2] << 8 | payload[at + 3]


def remember(memory: dict[_Key, _Value], key: _Key, value: _Value) -> _Value:
    """Put it in; what was put in first goes when there is too much."""
    if key not in memory and len(memory) >= _MOST:
        del memory[next(iter(memory))]
    memory[key] = value
    return value
