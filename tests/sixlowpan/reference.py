"""A second IPHC decoder for the tests: bit strings, one `if` for each sentence of RFC 6282 section 3, no tables.

It shares nothing with the oracle and is slow; the sweep compares the two over all 8,192 header words.
"""

from __future__ import annotations

from sixlowpan import Contexts


class RefusedError(Exception):
    pass


def bits(octets: bytes) -> str:
    return "".join(f"{octet:08b}" for octet in octets)


def octets(text: str) -> bytes:
    assert len(text) % 8 == 0
    return bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8))


LL = bits(bytes.fromhex("fe80") + bytes(6))
MAP16 = bits(bytes.fromhex("000000fffe00"))


def merge(contexts: Contexts, identifier: int, iid: str) -> str:
    if identifier not in contexts:
        raise RefusedError
    context = contexts[identifier]
    covered = bits(context.prefix)[: context.length]
    low = "0" * 64 + iid
    return covered + low[context.length :]


def header(payload: bytes, src_iid: bytes, dst_iid: bytes, contexts: Contexts) -> bytes:
    """The 40 octets of the IPv6 header (NH=0 assumed), payload length counted from what remains."""
    rest = bits(payload)

    def take(count: int) -> str:
        nonlocal rest
        if len(rest) < count:
            raise RefusedError
        taken, rest = rest[:count], rest[count:]
        return taken

    assert take(3) == "011"
    tf, nh, hlim, cid = take(2), take(1), take(2), take(1)
    sac, sam, m, dac, dam = take(1), take(2), take(1), take(1), take(2)
    sci = dci = 0
    if cid == "1":
        sci, dci = int(take(4), 2), int(take(4), 2)
    ecn, dscp, flow = "00", "000000", "0" * 20
    if tf == "00":
        ecn, dscp, _, flow = take(2), take(6), take(4), take(20)
    if tf == "01":
        ecn, _, flow = take(2), take(2), take(20)
    if tf == "10":
        ecn, dscp = take(2), take(6)
    assert nh == "0"
    next_header = take(8)
    hop_limit = take(8) if hlim == "00" else f"{ {'01': 1, '10': 64, '11': 255}[hlim]:08b}"

    def unicast(ac: str, am: str, identifier: int, iid: bytes, source: bool) -> str:
        if ac == "0":
            if am == "00":
                return take(128)
            if am == "01":
                return LL + take(64)
            if am == "10":
                return LL + MAP16 + take(16)
            return LL + bits(iid)
        if am == "00":
            if source:
                return "0" * 128
            raise RefusedError
        if am == "01":
            return merge(contexts, identifier, take(64))
        if am == "10":
            return merge(contexts, identifier, MAP16 + take(16))
        return merge(contexts, identifier, bits(iid))

    src = unicast(sac, sam, sci, src_iid, True)
    if m == "0":
        dst = unicast(dac, dam, dci, dst_iid, False)
    elif dac == "0":
        if dam == "00":
            dst = take(128)
        elif dam == "01":
            dst = "1" * 8 + take(8) + "0" * 72 + take(40)
        elif dam == "10":
            dst = "1" * 8 + take(8) + "0" * 88 + take(24)
        else:
            dst = bits(b"\xff\x02") + "0" * 104 + take(8)
    elif dam == "00":
        if dci not in contexts:
            raise RefusedError
        first, low = take(16), take(32)
        dst = "1" * 8 + first + f"{contexts[dci].length:08b}" + bits(contexts[dci].prefix)[:64] + low
    else:
        raise RefusedError
    assert len(src) == len(dst) == 128
    length = f"{len(rest) // 8:016b}"
    return octets("0110" + dscp + ecn + flow + length + next_header + hop_limit + src + dst + rest)
