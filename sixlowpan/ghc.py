"""Generic Header Compression (RFC 7400 section 2): a bytecode of six instructions, read and written.

Reading is one loop over the code octets (`steps`), each of which appends to the output or sets up the next
backreference; `expand` keeps what comes out, `explain` shows each step. Backreferences reach into what was put out
before and into the 48 octets in front of it: source, destination and a static dictionary.

Writing is a search for the smallest bytecode: what a code may copy depends on the octets before it and not on the codes
that made them, so the best code for each prefix follows from the best codes for the shorter ones.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple

from sixlowpan.errors import MALFORMED, RESERVED, DecodeError, truncated

STATIC_DICTIONARY: Final = bytes.fromhex("16fefd17fefd00010000000000010000")
STOP: Final = b"\x90"
LITERAL, ZEROS, EXTEND, COPY, END = "literal", "zeros", "extend", "copy", "stop"
MAX_LITERAL: Final = 95
MAX_ZEROS: Final = 17
#: The longest copy that is searched for; a longer one goes in pieces. It bounds the search where octets repeat.
MAX_COPY: Final = 128
#: The longest payload that is searched: datagram_size has 11 bits, so no fragmented datagram has more octets.
MAX_SEARCHED: Final = 2047


class Step(NamedTuple):
    """One code octet with its argument: where it stands, what it appends, and from how far to the left it copies.

    Of an `EXTEND`, `length` and `back` are na and sa after it.
    """

    kind: str
    at: int
    end: int
    length: int
    back: int
    octets: bytes


def steps(data: bytes, at: int, addresses: bytes, room: int, stop: bool) -> Iterator[Step]:
    """What each code octet of `data[at:]` does, up to and with the stop code; arguments as in `expand`.

    `room` is how many octets may come out.
    """
    buffer = bytearray(addresses + STATIC_DICTIONARY)  # 48 octets, then what is put out
    room += len(buffer)
    sa = na = 0  # "initialized as zero" at the start of each header or payload
    while at < len(data):
        code = data[at]
        here = at
        begin = len(buffer)
        count = back = 0
        at += 1
        if code < 0x60:  # 0kkkkkkk (k < 96): append k octets of the argument
            kind = LITERAL
            if len(data) < at + code:
                raise truncated(len(data), "RFC7400-2-02", f"the {code} literal octets")
            buffer += data[at : at + code]
            at += code
        elif 0x80 <= code <= 0x8F:  # 1000nnnn: append n+2 zeros
            kind = ZEROS
            buffer += bytes((code & 15) + 2)
        elif code == 0x90:  # stop
            if not stop and at != len(data):
                raise DecodeError(MALFORMED, here, "RFC7400-2-04", "octets follow the stop code of a payload")
            yield Step(END, here, at, 0, 0, b"")
            return
        elif 0xA0 <= code <= 0xBF:  # 101nssss: sa += 0b0ssss000, na += 0b0000n000
            kind = EXTEND
            sa += (code & 15) << 3
            na += (code & 16) >> 1
            count, back = na, sa
        elif code >= 0xC0:  # 11nnnkkk: n = na + nnn + 2; s = kkk + sa + n
            kind = COPY
            count = na + (code >> 3 & 7) + 2
            back = (code & 7) + sa + count
            if back > len(buffer):
                message = f"backreference {back} octets to the left, only {len(buffer)} are there"
                raise DecodeError(MALFORMED, here, "RFC7400-5-01", message)
            source = begin - back  # back >= count: never reaches into what it appends
            buffer += buffer[source : source + count]
            sa = na = 0
        else:  # 011xxxxx and 1001nnnn with n > 0
            raise DecodeError(RESERVED, here, "RFC7400-2-07", f"GHC code {code:#04x} is reserved")
        if len(buffer) > room:
            raise DecodeError(
                MALFORMED, here, "RFC7400-5-01", "the expansion exceeds the size of the datagram"
            )
        yield Step(kind, here, at, count, back, bytes(buffer[begin:]))
    if stop:
        raise truncated(at, "RFC7400-3.2-01", "the GHC extension header: no stop code")


def expand(data: bytes, at: int, addresses: bytes, out: bytearray, *, limit: int, stop: bool = False) -> int:
    """Append the expansion of `data[at:]` to `out`; return the offset behind what was read.

    `addresses` are the 32 octets of source and destination. `stop` asks for the stop code that ends an
    extension header (RFC 7400 section 3.2); without it the end of the payload is the end, and a stop code
    may come just there. `limit` bounds `len(out)`.
    """
    for step in steps(data, at, addresses, limit - len(out), stop):
        out += step.octets
        at = step.end
    return at


class Packing:
    """The smallest bytecodes of `data` and of each prefix of it (the first fragment carries a prefix).

    Smallest among those whose copies have at most `MAX_COPY` octets; of these one with the fewest codes. Data of more
    than `MAX_SEARCHED` octets is not searched: it is given in literals.
    """

    def __init__(self, data: bytes, addresses: bytes) -> None:
        self._data = data
        self._begin = [0] * (len(data) + 1)  # where the last code of each prefix begins
        self._back = [0] * (len(data) + 1)  # how far to the left it copies from; 0: zeros, -1: literals
        # octets in the high bits, codes in the low ones: one number to compare
        self._cost = [0] + [len(data) << 32] * len(data)
        buffer = addresses + STATIC_DICTIONARY + data
        searched = len(data) <= MAX_SEARCHED
        starts: deque[int] = deque()  # where literals may begin, the best first
        for at in range(len(data) + 1):
            self._literals(at, starts)
            if searched:
                self._zeros(at)
                self._copies(at, buffer)

    def size(self, count: int) -> int:
        """How many octets the bytecode of the first `count` octets has."""
        return self._cost[count] >> 16

    def octets(self, count: int) -> bytes:
        """The bytecode of the first `count` octets."""
        codes: list[bytes] = []
        while count:
            begin, back = self._begin[count], self._back[count]
            if back > 0:
                codes.append(_copy(count - begin, back))
            elif back == 0:
                codes.append(bytes((0x80 | count - begin - 2,)))
            else:
                codes.append(bytes((count - begin,)) + self._data[begin:count])
            count = begin
        return b"".join(reversed(codes))

    def _offer(self, begin: int, end: int, size: int, codes: int, back: int) -> None:
        cost = self._cost[begin] + (size << 16) + codes
        if cost < self._cost[end]:
            self._cost[end], self._begin[end], self._back[end] = cost, begin, back

    def _literals(self, at: int, starts: deque[int]) -> None:
        """Literals that end at `at`, from the start that costs least; then `at` as a start itself."""
        cost = self._cost
        if starts:
            if at - starts[0] > MAX_LITERAL:
                starts.popleft()
            self._offer(starts[0], at, 1 + at - starts[0], 1, -1)
        # a later start makes an earlier one useless if it costs no more than the literals in between
        while starts and cost[at] - (at << 16) <= cost[starts[-1]] - (starts[-1] << 16):
            starts.pop()
        starts.append(at)

    def _zeros(self, at: int) -> None:
        data = self._data
        for end in range(at + 1, min(at + MAX_ZEROS, len(data)) + 1):
            if data[end - 1]:
                return
            if end - at >= 2:
                self._offer(at, end, 1, 1, 0)

    def _copies(self, at: int, buffer: bytes) -> None:
        """Backreferences of each length to the nearest such octets, which none farther away beats."""
        here = at + len(buffer) - len(self._data)
        for count in range(2, min(MAX_COPY, len(buffer) - here) + 1):
            found = buffer.rfind(buffer[here : here + count], 0, here)  # ends at `here`: no overlap
            if found < 0:
                return
            # na grows by 8, sa by up to 120 with each code in front
            size = 1 + max(count - 2 >> 3, -(-(here - found - count >> 3) // 15))
            self._offer(at, at + count, size, size, here - found)


def _copy(count: int, back: int) -> bytes:
    """The codes that append `count` octets from `back` octets to the left, `back` >= `count` >= 2."""
    lengths, nnn = divmod(count - 2, 8)
    distances, kkk = divmod(back - count, 8)
    codes = bytearray()
    while lengths or distances:
        longer, farther = min(lengths, 1), min(distances, 15)
        codes.append(0xA0 | longer << 4 | farther)
        lengths, distances = lengths - longer, distances - farther
    codes.append(0xC0 | nnn << 3 | kkk)
    return bytes(codes)


def compress(data: bytes, addresses: bytes) -> bytes:
    """The smallest bytecode for `data` in a packet with these 32 octets of source and destination."""
    return Packing(data, addresses).octets(len(data))
