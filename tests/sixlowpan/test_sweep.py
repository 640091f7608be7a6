"""All 8,192 IPHC header words on every kind of link, against the slow reference decoder."""

from __future__ import annotations

import pytest

from sixlowpan import decode
from tests.sixlowpan import reference
from tests.sixlowpan.samples import CONTEXTS, LINKS, refusal

IN_LINE = bytes(range(0x11, 0x11 + 60))


@pytest.mark.parametrize("name", LINKS)
@pytest.mark.parametrize("sci_dci", [0x00, 0x34, 0x61, 0xF2])
def test_every_header_word(name, sci_dci):
    link = LINKS[name]
    legal = 0
    for word in range(0x6000, 0x8000):
        plain = word.to_bytes(2, "big") + (bytes((sci_dci,)) if word & 0x80 else b"") + IN_LINE
        error = refusal(decode, plain, link, CONTEXTS)
        kind = "none" if error is None else error.kind
        assert (kind == "reserved") == (word & 0xF in {4, 13, 14, 15}), hex(word)
        if kind == "reserved":
            continue
        # the octet behind a header word with NH=1 is an NHC octet that means nothing
        assert kind == ("unsupported" if word & 0x400 else "none"), hex(word)
        legal += 1
        if not word & 0x400:
            packet = reference.header(plain, link.src_iid, link.dst_iid, CONTEXTS)
            assert decode(plain, link, CONTEXTS) == packet, hex(word)
    assert legal == 6144


def test_nhc_words_have_the_same_addresses():
    link = LINKS["mixed"]
    for word in range(0x6000, 0x8000):
        if not word & 0x400 or word & 0xF in {4, 13, 14, 15}:
            continue
        start = word.to_bytes(2, "big") + (b"\x34" if word & 0x80 else b"")
        fields = (
            4 * (not word >> 11 & 3) + 3 * (word >> 11 & 3 == 1) + (word >> 11 & 3 == 2) + (not word >> 8 & 3)
        )
        source = (16, 8, 2, 0, 0, 8, 2, 0)[word >> 4 & 7]
        destination = (16, 8, 2, 0, 0, 8, 2, 0, 16, 6, 4, 1, 6)[word & 15]
        octets = IN_LINE[: fields + source + destination]
        compressed = decode(start + octets + bytes.fromhex("f3ab1234") + b"data", link, CONTEXTS)
        # the same header with NH=0 and the next header in-line, before hop limit and addresses
        tf = fields - (not word >> 8 & 3)
        plain = (word & ~0x400).to_bytes(2, "big") + start[2:] + octets[:tf] + b"\x11" + octets[tf:]
        udp = bytes.fromhex("f0baf0bb000c1234") + b"data"
        assert compressed == decode(plain + udp, link, CONTEXTS), hex(word)
