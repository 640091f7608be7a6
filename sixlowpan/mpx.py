"""The MPX payload IE: which protocol an IEEE 802.15.4 frame carries, whole or in pieces (IEEE 802.15.9 section 5).

Wi-SUN sends its 6LoWPAN so, with the multiplex id a0ed. The transaction control octet has the transfer type in its low
3 bits and the transaction id above it. Strategy: pieces of one transaction come in order (the MAC acknowledges each),
so one that does not follow the last one ends what there was, and nothing is kept beyond the size that the first told.
"""

from __future__ import annotations

from typing import Final, NamedTuple

FULL, FULL_SMALL_ID, PIECE, LAST_PIECE, ABORT = 0, 1, 2, 4, 6
#: The multiplex id of 6LoWPAN: its ethertype (RFC 7973).
LOWPAN: Final = 0xA0ED
_MOST: Final = 64


class Transfer(NamedTuple):
    """The content of one MPX IE. `multiplex` is there in whole frames and first pieces, `size` in first pieces."""

    kind: int
    transaction: int
    data: bytes
    multiplex: int | None
    number: int
    size: int | None


def parse(content: bytes) -> Transfer | None:
    """What an MPX IE says; None if it is cut short or of a reserved type."""
    if not content:
        return None
    kind, transaction = content[0] & 7, content[0] >> 3
    if kind == FULL and len(content) >= 3:
        return Transfer(kind, transaction, content[3:], int.from_bytes(content[1:3], "little"), 0, None)
    if kind == FULL_SMALL_ID:
        # a multiplex id below 32 stands in the place of the transaction id
        return Transfer(kind, 0, content[1:], transaction, 0, None)
    if kind in {PIECE, LAST_PIECE} and len(content) >= 2:
        number = content[1]
        if number:
            return Transfer(kind, transaction, content[2:], None, number, None)
        if len(content) >= 6:
            size, multiplex = (int.from_bytes(content[at : at + 2], "little") for at in (2, 4))
            return Transfer(kind, transaction, content[6:], multiplex, 0, size)
        return None
    return Transfer(kind, transaction, b"", None, 0, None) if kind == ABORT else None


class _Partial:
    def __init__(self, first: Transfer) -> None:
        assert first.multiplex is not None, "a first piece names its protocol"
        assert first.size is not None, "and the size of the whole"
        self.multiplex, self.size = first.multiplex, first.size
        self.data, self.next = first.data, 1


class Pieces:
    """Puts frames together. Feed it the transfers of every sender, in order."""

    def __init__(self) -> None:
        self._partial: dict[tuple[bytes, bytes, bytes, int], _Partial] = {}

    def add(self, pan: bytes, src: bytes, dst: bytes, transfer: Transfer) -> tuple[int, bytes] | None:
        """(multiplex id, upper-layer frame) once it is whole, else None."""
        if transfer.kind in {FULL, FULL_SMALL_ID}:
            assert transfer.multiplex is not None, "a whole frame names its protocol"
            return transfer.multiplex, transfer.data
        key = (pan, src, dst, transfer.transaction)
        partial = self._partial.pop(key, None)
        if transfer.kind == ABORT:
            return None
        if not transfer.number:
            partial = _Partial(transfer)
        elif partial is None or partial.next != transfer.number:
            return None
        else:
            partial.data += transfer.data
            partial.next += 1
        if transfer.kind == LAST_PIECE:
            return (partial.multiplex, partial.data) if len(partial.data) == partial.size else None
        if len(partial.data) <= partial.size:
            while len(self._partial) >= _MOST:
                del self._partial[next(iter(self._partial))]
            self._partial[key] = partial
        return None
