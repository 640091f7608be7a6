"""Generic Header Compression (RFC 7400 section 2): a bytecode of six instructions, decoder only.

One loop over the code octets, each of which appends to the output or sets up the next backreference.
Backreferences reach into what was put out before and into the 48 octets in front of it: source, destination
and a static dictionary.
"""

from __future__ import annotations

from typing import Final

from sixlowpan.errors import MALFORMED, RESERVED, DecodeError, truncated

STATIC_DICTIONARY: Final = bytes.fromhex("16fefd17fefd00010000000000010000")


def expand(data: bytes, at: int, addresses: bytes, out: bytearray, *, limit: int, stop: bool = False) -> int:
    """Append the expansion of `data[at:]` to `out`; return the offset behind what was read.

    `addresses` are the 32 octets of source and destination. `stop` asks for the stop code that ends an
    extension header (RFC 7400 section 3.2); without it the end of the payload is the end, and a stop code
    may come just there. `limit` bounds `len(out)`.
    """
    buffer = bytearray(addresses + STATIC_DICTIONARY)  # 48 octets, then what is put out
    room = limit - len(out) + len(buffer)
    sa = na = 0  # "initialized as zero" at the start of each header or payload
    while at < len(data):
        code = data[at]
        here = at
        at += 1
        if code < 0x60:  # 0kkkkkkk (k < 96): append k octets of the argument
            if len(data) < at + code:
                raise truncated(len(data), "RFC7400-2-02", f"the {code} literal octets")
            buffer += data[at : at + code]
            at += code
        elif 0x80 <= code <= 0x8F:  # 1000nnnn: append n+2 zeros
            buffer += bytes((code & 15) + 2)
        elif code == 0x90:  # stop
            if not stop and at != len(data):
                raise DecodeError(MALFORMED, here, "RFC7400-2-04", "octets follow the stop code of a payload")
            out += buffer[48:]
            return at
        elif 0xA0 <= code <= 0xBF:  # 101nssss: sa += 0b0ssss000, na += 0b0000n000
            sa += (code & 15) << 3
            na += (code & 16) >> 1
        elif code >= 0xC0:  # 11nnnkkk: n = na + nnn + 2; s = kkk + sa + n
            count = na + (code >> 3 & 7) + 2
            back = (code & 7) + sa + count
            if back > len(buffer):
                message = f"backreference {back} octets to the left, only {len(buffer)} are there"
                raise DecodeError(MALFORMED, here, "RFC7400-5-01", message)
            begin = len(buffer) - back  # back >= count: never reaches into what it appends
            buffer += buffer[begin : begin + count]
            sa = na = 0
        else:  # 011xxxxx and 1001nnnn with n > 0
            raise DecodeError(RESERVED, here, "RFC7400-2-07", f"GHC code {code:#04x} is reserved")
        if len(buffer) > room:
            raise DecodeError(
                MALFORMED, here, "RFC7400-5-01", "the expansion exceeds the size of the datagram"
            )
    if stop:
        raise truncated(at, "RFC7400-3.2-01", "the GHC extension header: no stop code")
    out += buffer[48:]
    return at
