"""RFC 7668 section 3.2.4: elision relative to registered addresses."""

from __future__ import annotations

import pytest

from sixlowpan import Contexts, DecodeError, LinkInfo, decode, encode, encodings, ipv6, link_local
from tests.sixlowpan.samples import BD_A, BD_B, address

FIRST, SECOND = address("2001:db8::1111:2222:3333:4444"), address("2001:db8::1111:2222:3333:5555")
OTHER = address("2001:db8::9999:2222:3333:4444")
REMOTE = address("2001:db8:ffff::7")
CONTEXTS = Contexts.parse({"0": "2001:db8::/64", "1": "2001:db8:ffff::7/128", "2": "2001:db8:eeee::/48"})
NODE = LinkInfo("ble", BD_A, BD_B, role="6LN", registered=(OTHER, FIRST, SECOND))
ROUTER = NODE.reversed()
PLAIN = LinkInfo("ble", BD_A, BD_B)


@pytest.mark.parametrize(
    ("source", "mode", "inline"),
    [(SECOND, 0x70, ""), (FIRST, 0x60, "4444"), (OTHER, 0x50, "9999222233334444")],
    ids=["latest", "same 48 bits", "other"],
)
def test_registered_addresses(source, mode, inline):
    """The example of section 3.2.4.2, both ways."""
    packet = ipv6.build(source, REMOTE, 59, b"")
    payload = encode(packet, NODE, CONTEXTS)
    assert payload.hex() == "7a" + f"{0x80 | mode | 7:02x}" + "01" + "3b" + inline
    assert decode(payload, NODE, CONTEXTS) == packet
    back = ipv6.build(REMOTE, source, 59, b"")
    payload = encode(back, ROUTER, CONTEXTS)
    assert payload.hex() == "7a" + f"{0x80 | 0x70 | mode >> 4:02x}" + "10" + "3b" + inline
    assert decode(payload, ROUTER, CONTEXTS) == back
    # each legal form elides it as far
    for form in encodings(packet, NODE, CONTEXTS):
        assert form[1] & 0x70 == mode
        assert decode(form, NODE, CONTEXTS) == packet


def test_the_other_end_is_plain():
    """What a 6LN sends to an address under the context is told by the link, as RFC 6282 says."""
    packet = decode(bytes.fromhex("7a773b"), NODE, CONTEXTS)
    assert packet[8:24] == SECOND
    assert packet[24:40] == CONTEXTS[0].address(NODE.dst_iid)
    assert decode(bytes.fromhex("7a773b"), PLAIN, CONTEXTS)[8:24] == CONTEXTS[0].address(PLAIN.src_iid)
    assert decode(bytes.fromhex("7a663b12345678"), PLAIN, CONTEXTS)[8:24] == address("2001:db8::ff:fe00:1234")


def test_nothing_registered():
    nobody = LinkInfo("ble", BD_A, BD_B, role="6LN")
    for payload in ("7a733b", "7a633b1234"):
        with pytest.raises(DecodeError) as caught:
            decode(bytes.fromhex(payload), nobody, CONTEXTS)
        assert (caught.value.kind, caught.value.requirement) == ("unsupported", "RFC7668-3.2.4-08")
    packet = ipv6.build(FIRST, REMOTE, 59, b"")
    assert decode(encode(packet, nobody, CONTEXTS), nobody, CONTEXTS) == packet
    # a context of 128 bits needs no registration
    assert decode(bytes.fromhex("7af3103b"), nobody, CONTEXTS)[8:24] == REMOTE


def test_link_local_addresses_are_elided():
    packet = ipv6.build(link_local(BD_A), link_local(BD_B), 59, b"")
    assert all(form[1] & 0x7F == 0x33 for form in encodings(packet, NODE, CONTEXTS))
    other = ipv6.build(address("fe80::1"), address("fe80::ff:fe00:7"), 59, b"")
    modes = {form[1] & 0x7F for form in encodings(other, NODE, CONTEXTS)}
    assert modes == {0x11, 0x12}
    nowhere = ipv6.build(address("2001::1"), bytes(16), 59, b"")
    assert {form[1] & 0x7F for form in encodings(nowhere, NODE, CONTEXTS)} == {0}


def test_inner_headers_know_no_registration():
    inner = ipv6.build(SECOND, REMOTE, 59, b"")
    packet = ipv6.build(SECOND, REMOTE, 41, inner)
    payload = encode(packet, NODE, CONTEXTS)
    assert decode(payload, NODE, CONTEXTS) == packet
    assert payload.hex() == "7ef701ee7af7013b"


def test_registered_under_another_prefix():
    elsewhere = LinkInfo("ble", BD_A, BD_B, role="6LN", registered=(address("2001:db8:1::1"),))
    with pytest.raises(DecodeError, match="no address of it is registered"):
        decode(bytes.fromhex("7a733b"), elsewhere, CONTEXTS)
