"""Which forms a sender has shown: the requirements on the header trees of its payloads.

Strategy: two payloads with the same encoding octets show the same fields, so a payload is explained only when its
encoding is new. `SHOWABLE` are all requirements that some payload can show, so what is missing was never seen.
"""

from __future__ import annotations

import re
from typing import Final

from sixlowpan import iphc
from sixlowpan.contexts import Contexts
from sixlowpan.explain import Field, explain
from sixlowpan.link import BLE, IEEE802154, LinkInfo

_MOST: Final = 512


def _rows(section: str, *numbers: int) -> tuple[str, ...]:
    return tuple(f"{section}-{number:02}" for number in numbers)


#: what payloads on any link can show
_COMPRESSED: Final = (
    "RFC6282-3-01",
    "RFC6282-5-01",
    *_rows("RFC6282-3.1.1", *range(1, 11), *range(12, 23), *range(25, 33), *range(34, 42)),
    "RFC6282-3.1.2-02",
    "RFC6282-3.2.1-01",
    *_rows("RFC6282-4.2", 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 15, 18, 20),
    "RFC6282-4.3-01",
    *_rows("RFC6282-4.3.3", 1, 2, 3, 4, 5, 6),
    "RFC7400-3.1-01",
)
#: what only 802.15.4 has
_FRAMED: Final = (
    *_rows("RFC4944-5.1", 5, 6, 14),
    *_rows("RFC4944-5.2", 1, 2, 4, 5, 6),
    *_rows("RFC4944-5.3", 5, 7, 10, 12, 16),
    "RFC4944-11.1-01",
    "RFC8025-3-01",
)
SHOWABLE: Final = {IEEE802154: frozenset(_COMPRESSED + _FRAMED), BLE: frozenset(_COMPRESSED)}


class Coverage:
    """The requirements that the payloads of one sender have shown."""

    def __init__(self) -> None:
        self.kind = IEEE802154
        self.seen: set[str] = set()
        self._known: set[bytes] = set()

    @property
    def never(self) -> list[str]:
        """The requirements that nothing of this sender has shown, in order."""
        return sorted(SHOWABLE[self.kind] - self.seen, key=_order)

    def add(self, payload: bytes, link: LinkInfo, contexts: Contexts) -> None:
        """One more payload."""
        key = _encoding(payload)
        if key in self._known or len(self._known) >= _MOST:
            return
        self._known.add(key)
        self.kind = link.kind
        tree = explain(payload, link, contexts)
        if not tree.has_error:
            _collect(tree, self.seen)


def _encoding(payload: bytes) -> bytes:
    """The octets that say which forms a payload uses; what follows them has values only."""
    first = iphc.FIRST[payload[0]] if len(payload) > 1 else None
    if first is None:
        return payload[:1] + payload[4:8]  # a fragment header, or one of the rare dispatches
    second = iphc.SECOND[payload[1]]
    if not first[1] or second is None:
        return payload[:2]
    at = 2 + first[3] + second[3]  # the NHC octet, and what a chain of them may say
    return payload[:2] + payload[at : at + (1 if payload[at : at + 1] >= b"\xf0" else 4)]


def _collect(field: Field, found: set[str]) -> None:
    if field.requirement:
        found.add(field.requirement)
    for child in field.children:
        _collect(child, found)


def _order(requirement: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", requirement)]
