"""Neighbor Discovery: what is built is read back, what cannot be is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sixlowpan import Context, DecodeError, EncodeError, ipv6, nd
from tests.sixlowpan.samples import BD_A, DST, EUI_A, SHORT_A, SRC, address, refusal

PREFIX = address("2001:db8::")

OPTIONS = [
    (nd.LinkLayerAddress(nd.SLLAO, EUI_A), "0102" + EUI_A.hex() + "00" * 6),
    (nd.LinkLayerAddress(nd.TLLAO, SHORT_A), "0201" + "1234" + "00000000"),
    (nd.LinkLayerAddress(nd.SLLAO, BD_A), "0101" + BD_A.hex()),
    (
        nd.PrefixInformation(PREFIX, valid_lifetime=1, preferred_lifetime=2),
        "03044040000000010000000200000000" + PREFIX.hex(),
    ),
    (nd.AddressRegistration(EUI_A, 10), "210200000000000a" + EUI_A.hex()),
    (nd.AddressRegistration(bytes(16), 1, 3, 4, 2, True, True, 240), "210303040bf00001" + "00" * 16),
    (nd.ContextOption(PREFIX, 64, True, 3, 5), "2202401300000005" + PREFIX[:8].hex()),
    (
        nd.ContextOption(address("2001:db8::1"), 128, False, 15, 0),
        "2203800f00000000" + address("2001:db8::1").hex(),
    ),
    (nd.AuthoritativeBorderRouter(SRC, 0x00010002, 7), "2303000200010007" + SRC.hex()),
    (nd.CapabilityIndication(), ("2401000100000000")),
    (nd.CapabilityIndication(frozenset({14, 47})), ("2401000200000001")),
    (nd.UnknownOption(5, bytes(6)), ("0501000000000000")),
]


@pytest.mark.parametrize(("option", "wire"), OPTIONS, ids=[type(row[0]).__name__ for row in OPTIONS])
def test_options(option, wire):
    assert option.build().hex() == wire
    (read,) = nd.options(bytes.fromhex(wire), 0)
    if isinstance(option, nd.LinkLayerAddress):
        assert read.of_size(len(option.address)) == option.address
    else:
        assert read == option
    assert read.build().hex() == wire


MESSAGES = [
    nd.RouterSolicitation((OPTIONS[9][0],)),
    nd.RouterAdvertisement(10, True, True, 20, 30, 40, (OPTIONS[3][0], OPTIONS[6][0], OPTIONS[8][0])),
    nd.NeighborSolicitation(SRC, (OPTIONS[4][0],)),
    nd.NeighborAdvertisement(SRC, True, False, True, (OPTIONS[5][0],)),
    nd.DuplicateAddress(nd.DAR, SRC, EUI_A, 60, 0, 0),
    nd.DuplicateAddress(nd.DAC, SRC, bytes(16), 60, 1, 5, 2),
]


@pytest.mark.parametrize("message", MESSAGES, ids=[type(message).__name__ for message in MESSAGES])
def test_messages(message):
    octets = message.build(SRC, DST)
    assert ipv6.checksum_holds(SRC, DST, 58, octets)
    assert nd.parse(octets) == message
    for length in range(len(octets)):
        if length in {8, 16, 24} and octets[0] not in {157, 158}:
            continue
        error = refusal(nd.parse, octets[:length])
        assert error is None or error.kind == "malformed"
        if error is None:
            # a prefix that ends between two options is a message, too
            assert nd.options(octets[:length], {133: 8, 134: 16}.get(octets[0], 24)) is not None


def test_a_context_option_is_a_context():
    assert OPTIONS[6][0].context() == Context.parse("2001:db8::/64")
    assert nd.ContextOption(address("2001:db8::1"), 32).context() == Context.parse("2001:db8::/32")


@pytest.mark.parametrize(
    ("wire", "match"),
    [
        ("8500", "ends before"),
        ("8000" + "00" * 6, "no message"),
        ("85000000000000", "ends before"),
        (("85000000000000000100"), "length 0"),
        (("850000000000000001"), "ends before"),
        (("85000000000000000102"), "ends before"),
        (("85000000000000002101000000000000"), "too short"),
        ("85000000000000002202410000000000" + "00" * 8, "context length"),
        ("85000000000000002203810000000000" + "00" * 16, "context length"),
        ("9d05" + "00" * 60, "not assigned"),
        ("9d02" + "00" * 30, "ends before"),
    ],
)
def test_refusals(wire, match):
    with pytest.raises(DecodeError, match=match):
        nd.parse(bytes.fromhex(wire))


def test_a_long_capability_option_is_accepted():
    """RFC 7400 section 3.4: "Length values larger than 1 MUST be accepted"."""
    (option,) = nd.options(bytes.fromhex("24020001" + "ff" * 12), 0)
    assert 15 in option.flags


def test_too_large_an_option():
    with pytest.raises(EncodeError, match="2040"):
        nd.UnknownOption(5, bytes(2039)).build()


@given(st.sampled_from([133, 134, 135, 136, 157, 158]), st.binary(max_size=80))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_noise(type_, data):
    error = refusal(nd.parse, bytes((type_,)) + data)
    assert error is None or error.kind in {"malformed", "unsupported"}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (240, 5, False),  # RFC 8505 5.2.1: "240 is greater than 5"
        (250, 5, True),  # "250 is less than 5"
        (240, 241, True),
        (241, 240, False),
        (240, 240, False),
        (255, 0, True),
        (5, 240, True),
        (5, 250, False),
        (127, 0, True),
        (0, 127, False),
        (100, 90, False),
        (60, 100, None),
        (128, 200, None),
        (10, 26, True),
        (10, 27, None),
    ],
)
def test_which_tid_is_newer(first, second, expected):
    assert nd.tid.newer(first, second) is expected


def test_how_a_tid_counts():
    assert [nd.tid.following(value) for value in (240, 255, 0, 126, 127)] == [241, 0, 1, 127, 0]
