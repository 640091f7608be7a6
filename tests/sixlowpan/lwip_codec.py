"""lwIP 2.1.3 as a codec: `python -m tests.sixlowpan.lwip_codec` decodes and encodes, one JSON array a line.

    in   ["decode", payload, src, dst, {"0": prefix}]   or   ["encode", packet, src, dst, {...}], octets in hex
    out  octets in hex, or null where lwIP refuses

A program of its own, because an assertion in the library calls abort(). Contexts are what lwIP has: ten, all /64.
"""

from __future__ import annotations

import ctypes
import json
import sys


class _Pbuf(ctypes.Structure):
    _fields_ = [("next", ctypes.c_void_p), ("payload", ctypes.c_void_p), ("tot_len", ctypes.c_uint16)]


class _LinkAddress(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint8), ("octets", ctypes.c_uint8 * 8)]


class Lwip:
    """lowpan6_decompress and lowpan6_compress_headers behind two calls. OSError without the library."""

    def __init__(self) -> None:
        self.lib = lib = ctypes.CDLL("liblwip.so.0")
        lib.lwip_init()
        pbuf, address = ctypes.POINTER(_Pbuf), ctypes.POINTER(_LinkAddress)
        octets = ctypes.POINTER(ctypes.c_uint8)
        lib.pbuf_alloc.restype, lib.pbuf_alloc.argtypes = pbuf, [ctypes.c_int, ctypes.c_uint16, ctypes.c_int]
        lib.pbuf_free.argtypes = [pbuf]
        lib.pbuf_take.argtypes = [pbuf, ctypes.c_char_p, ctypes.c_uint16]
        lib.pbuf_copy_partial.argtypes = [pbuf, ctypes.c_char_p, ctypes.c_uint16, ctypes.c_uint16]
        lib.lowpan6_decompress.restype = pbuf
        lib.lowpan6_decompress.argtypes = [pbuf, ctypes.c_uint16, ctypes.c_void_p, address, address]
        lib.lowpan6_compress_headers.restype = ctypes.c_int8
        lib.lowpan6_compress_headers.argtypes = [
            ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t,
            octets, octets, ctypes.c_void_p, address, address,
        ]  # fmt: skip
        self.netif, self.out = ctypes.create_string_buffer(512), ctypes.create_string_buffer(2048)

    def decode(self, payload: bytes, src: bytes, dst: bytes, contexts: dict[str, str]) -> bytes | None:
        buffer = self.lib.pbuf_alloc(0, len(payload), 640)
        self.lib.pbuf_take(buffer, payload, len(payload))
        whole = self.lib.lowpan6_decompress(buffer, 0, _table(contexts), _link(src), _link(dst))
        if not whole:
            return None
        size = whole.contents.tot_len
        self.lib.pbuf_copy_partial(whole, self.out, size, 0)
        self.lib.pbuf_free(whole)
        return self.out.raw[:size]

    def encode(self, packet: bytes, src: bytes, dst: bytes, contexts: dict[str, str]) -> bytes | None:
        used, hidden = ctypes.c_uint8(), ctypes.c_uint8()
        failed = self.lib.lowpan6_compress_headers(
            self.netif, packet, len(packet), self.out, 256,
            ctypes.byref(used), ctypes.byref(hidden), _table(contexts), _link(src), _link(dst),
        )  # fmt: skip
        return None if failed else self.out.raw[: used.value] + packet[hidden.value :]


def _link(octets: bytes) -> _LinkAddress:
    return _LinkAddress(len(octets), (ctypes.c_uint8 * 8)(*octets))


def _table(contexts: dict[str, str]) -> ctypes.Array[ctypes.c_char]:
    """ip6_addr_t[10]: sixteen octets and a zone in twenty each."""
    table = ctypes.create_string_buffer(20 * 10)
    for identifier, prefix in contexts.items():
        table[20 * int(identifier) : 20 * int(identifier) + 8] = bytes.fromhex(prefix)
    return table


def main() -> None:
    lwip = Lwip()
    for line in sys.stdin:
        what, octets, src, dst, contexts = json.loads(line)
        answer = getattr(lwip, what)(bytes.fromhex(octets), bytes.fromhex(src), bytes.fromhex(dst), contexts)
        print(json.dumps(None if answer is None else answer.hex()), flush=True)


if __name__ == "__main__":
    main()
