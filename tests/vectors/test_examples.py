"""The RFCs' own examples, worked out once more here; what is wrong in print is wrong in the way the note says."""

import ipaddress

import pytest

from vectors.build import ICMPV6, checksum, frag1, fragn, iid, iphc
from vectors.examples import examples
from vectors.generate import all_vectors

ALL = examples()


def test_all_are_there_and_the_wrong_ones_say_why():
    assert len(ALL) == 53
    assert sum(e["kind"] == "printed" for e in ALL.values()) == 28
    wrong = {e["id"] for e in ALL.values() if not e["right"]}
    assert wrong == {"RFC7400-fig11", "RFC7400-fig12", "RFC7400-fig14", "RFC8138-fig20"}
    assert all(bool(e["erratum"]) != e["right"] for e in ALL.values())


@pytest.mark.parametrize("number", range(8, 15))
def test_icmpv6_checksums_in_rfc_7400(number):
    example = ALL[f"RFC7400-fig{number}"]
    header, body = bytes.fromhex(example["in"]["ipv6_header"]), bytes.fromhex(example["out"]["payload"])
    assert int.from_bytes(header[4:6], "big") == len(body)
    value = checksum(header[8:24], header[24:40], ICMPV6, body[:2] + b"\0\0" + body[4:])
    assert (value == int.from_bytes(body[2:4], "big")) == (number != 14)
    if number == 14:
        assert value == 0x4595
    assert example["in"]["dictionary"] == header[8:40].hex() + "16fefd17fefd00010000000000010000"


def test_draft_option_numbers_in_rfc_7400():
    def options(number):
        return bytes.fromhex(ALL[f"RFC7400-fig{number}"]["out"]["payload"])[24:]

    assert options(11)[8] == 0x1F
    assert options(12)[8] == 0x1F
    assert ALL["RFC7400-fig12"]["in"]["ipv6_header"][14:16] == "fe"


@pytest.mark.parametrize(
    "name", [name for name in ALL if name.startswith("RFC8138-fig2") and int(name[-2:]) > 21]
)
def test_popping_a_source_routing_header(name):
    """RFC 8138 §5.5: the first entry goes, and what it shared with the next is taken over (Figures 22 to 25)."""

    def parse(text):
        data, entries = bytes.fromhex(text), []
        while data:
            size, kind = data[0] & 31, data[1]
            length = 1 << kind
            entries += [data[2 + n * length : 2 + (n + 1) * length] for n in range(size + 1)]
            data = data[2 + (size + 1) * length :]
        return entries

    before, after = parse(ALL[name]["in"]["srh_6lorh"]), parse(ALL[name]["out"]["srh_6lorh"])
    popped, rest = before[0], before[1:]
    if rest:
        rest[0] = popped[: len(popped) - len(rest[0])] + rest[0]
    assert after == rest


def test_lengths_and_bits_of_rfc_8138():
    for name in ("RFC8138-fig20", "RFC8138-fig21"):
        first, kind = bytes.fromhex(ALL[name]["in"]["first_octets"])
        assert ALL[name]["out"]["total_length"] == 2 + (1 << kind) * ((first & 31) + 1)
    for name, i, k in (("10", 1, 1), ("11", 1, 0), ("12", 0, 1), ("13", 0, 0)):
        pattern = ALL[f"RFC8138-fig{name}"]["in"]["pattern"]
        assert int(pattern[:2], 16) == 0x80 | i << 1 | k
        assert len(pattern) // 2 == 2 + (1 - i) + (2 - k)


def test_bitmaps_counters_and_lifetimes():
    received = ALL["RFC8931-fig3"]["in"]["received"]
    assert f"{sum(1 << 31 - bit for bit in received):08x}" == ALL["RFC8931-fig3"]["out"]["bitmap"]
    for name in ("RFC8505-tid-1", "RFC8505-tid-2"):
        a, b = ALL[name]["in"]["a"], ALL[name]["in"]["b"]
        assert ALL[name]["out"]["newer"] == (a if 256 + b - a > 16 else b)
    aged = ALL["RFC6775-8.1.4"]
    assert aged["out"]["sent_minutes"] == aged["in"]["received_minutes"] - aged["in"]["held_minutes"]


def test_addresses_of_other_rfcs():
    mac = bytes.fromhex(ALL["RFC2464-4"]["in"]["mac"])
    assert ALL["RFC2464-4"]["out"]["iid"] == (bytes((mac[0] ^ 2,)) + mac[1:3] + b"\xff\xfe" + mac[3:]).hex()
    prefix = ipaddress.IPv6Network(ALL["RFC3306-7"]["in"]["prefix"])
    assert f"00{prefix.prefixlen:02x}" in ALL["RFC3306-7"]["out"]["group_prefix"]
    assert ALL["RFC3956-5.1"]["in"]["group"].split(":")[1] == "y40"
    assert iid(ALL["D7668-iid"]["in"]["bd_addr"]) == bytes.fromhex(ALL["D7668-iid"]["out"]["iid"])
    assert iid(ALL["D6282-iid-short"]["in"]["short"]).hex() == ALL["D6282-iid-short"]["out"]["iid"]
    assert iid(ALL["D6282-iid-ext"]["in"]["eui64"]).hex() == ALL["D6282-iid-ext"]["out"]["iid"]


def payloads():
    return [one.payloads[0].payload for one in all_vectors()]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("D6282-TC-b8", "inline"),
        ("D6282-TC-03", "inline"),
        ("D6282-TC-01", "inline"),
        ("D6282-TC-ff", "inline"),
        ("D6282-UDP-11", "nhc"),
        ("D6282-UDP-01", "nhc"),
    ],
)
def test_derived_examples_stand_in_the_vectors(name, key):
    octets = ALL[name]["out"][key]
    if key == "inline":
        wanted = iphc(bytes.fromhex(octets) + b"\x3a", tf=2, sam=3, dam=3).hex()
    else:
        wanted = octets[:4] if octets[:2] == "f3" else octets[:2]
    assert any(wanted in payload for payload in payloads()), wanted


@pytest.mark.parametrize(
    "name", [name for name in ALL if name.startswith("D6282-M-") and name != "D6282-M-ctx"]
)
def test_derived_multicast_forms_expand_to_their_groups(name):
    group = ipaddress.IPv6Address(ALL[name]["in"]["address"]).packed
    octets = bytes.fromhex(ALL[name]["out"]["inline"])
    if len(octets) == 1:
        assert group == bytes.fromhex("ff02") + bytes(13) + octets
    else:
        assert group == b"\xff" + octets[:1] + bytes(14 - len(octets[1:])) + octets[1:]


def test_derived_fragment_headers_and_options():
    example = ALL["D4944-frag"]
    size, tag, offset = example["in"]["size"], int(example["in"]["tag"], 16), example["in"]["offset"]
    assert frag1(size, tag, b"").hex() == example["out"]["frag1"]
    assert fragn(size, tag, offset // 8, b"").hex() == example["out"]["fragn"]
    assert iphc(sam=3, dam=3, hlim=3).hex() == ALL["D6282-IPHC-min"]["out"]["octets"]
    for name in ("D6282-HBH-8", "D6282-DST-pad"):
        given = ALL[name]["in"]
        options = bytes.fromhex(given["options"])
        assert len(options) == int(given["len"], 16)
        pad = b"\0" * (-(2 + len(options)) % 8)
        assert ALL[name]["out"]["restored"] == "NN00" + (options + pad).hex()
