"""What several tests need: links, contexts, packets, as fixed samples and as hypothesis strategies."""

from __future__ import annotations

from hypothesis import strategies as st

from sixlowpan import Contexts, DecodeError, LinkInfo, ipv6, link_local

EUI_A = bytes.fromhex("00124b0001020304")
EUI_B = bytes.fromhex("02124b00aabbccdd")
SRC, DST = link_local(EUI_A), link_local(EUI_B)
SHORT_A, SHORT_B = b"\x12\x34", b"\x00\x01"
PAN_ID = b"\xab\xcd"
BD_A, BD_B = bytes.fromhex("c01122334455"), bytes.fromhex("001122aabbcc")

LONG = LinkInfo("ieee802154", EUI_A, EUI_B, integrity=True)
SHORT = LinkInfo("ieee802154", SHORT_A, SHORT_B)
MIXED = LinkInfo("ieee802154", EUI_A, SHORT_B)
PAN = LinkInfo("ieee802154", SHORT_A, SHORT_B, pan=b"\xab\xcd")
BLE = LinkInfo("ble", BD_A, BD_B)
LINKS = {"long": LONG, "short": SHORT, "mixed": MIXED, "pan": PAN, "ble": BLE}

CONTEXTS = Contexts.parse(
    {
        "0": "2001:db8::/64",
        "1": "2001:db8:1::/48",
        "2": "2001:db8:8000::/33",
        "3": "2001:db8:3::ff:fe00:0/112",
        "4": "2001:db8:4::1/128",
        "5": {"prefix": "2001:db8:5::/64", "compress": False},
        "6": "2001:db8:6::1000:0/100",
        "7": "2001:db8::/64",
        "15": "fd00::/8",
    }
)


def address(text: str) -> bytes:
    import ipaddress

    return ipaddress.IPv6Address(text).packed


def udp_packet(
    src: bytes, dst: bytes, sport: int = 5683, dport: int = 61616, data: bytes = b"hello", **kw: int
) -> bytes:
    return ipv6.build(src, dst, 17, ipv6.udp(sport, dport, data, src, dst), **kw)


def refusal(function, *arguments) -> DecodeError | None:
    """The DecodeError that a call raises, or None; anything else goes through."""
    try:
        function(*arguments)
    except DecodeError as error:
        return error
    return None


octets = st.binary
prefixes = st.sampled_from(
    [context.prefix[:8] for context in CONTEXTS.values()] + [link_local(EUI_A)[:8], bytes(8)]
)
iids = st.one_of(
    st.binary(min_size=8, max_size=8),
    st.sampled_from([link_local(each)[8:] for each in (EUI_A, EUI_B, SHORT_A, SHORT_B, BD_A, BD_B)]),
    st.binary(min_size=2, max_size=2).map(lambda low: bytes.fromhex("000000fffe00") + low),
    st.sampled_from([bytes(7) + b"\1", bytes.fromhex("000000fffe000000"), bytes.fromhex("0000000011000042")]),
)
unicast = st.one_of(
    st.builds(lambda prefix, iid: prefix + iid, prefixes, iids),
    st.binary(min_size=16, max_size=16).filter(lambda a: a[0] != 0xFF),
    st.sampled_from([context.prefix for context in CONTEXTS.values()]),
)
multicast = st.one_of(
    st.builds(
        lambda flags, zeros, low: bytes((0xFF, flags)) + (bytes(zeros) + low)[-14:],
        st.integers(0, 255),
        st.just(14),
        st.binary(max_size=14),
    ),
    st.builds(
        lambda flags, riid, context, group: bytes((0xFF, flags, riid, context.length)) + context.head + group,
        st.integers(0, 255),
        st.integers(0, 255),
        st.sampled_from(list(CONTEXTS.values())),
        st.binary(min_size=4, max_size=4),
    ),
    st.just(bytes.fromhex("ff020000000000000000000000000001")),
)
links = st.sampled_from(list(LINKS.values()))
ports = st.one_of(st.integers(0, 65535), st.integers(0xF0A0, 0xF0CF), st.integers(0xEFFE, 0xF102))


@st.composite
def options_header(draw: st.DrawFn) -> bytes:
    """A hop-by-hop or destination options header without its next header octet, padded in some way."""
    body = b"".join(
        bytes((0x1E, len(data))) + data for data in draw(st.lists(st.binary(max_size=20), max_size=3))
    )
    missing = -(2 + len(body)) % 8
    if missing == 1:
        body += b"\0"
    elif missing:
        style = draw(st.sampled_from(["padn", "pad1s", "noise"]))
        if style == "padn":
            body += bytes((1, missing - 2)) + bytes(missing - 2)
        elif style == "pad1s":
            body += bytes(missing)
        else:
            body += bytes((1, missing - 2)) + bytes([7]) * (missing - 2)
    return bytes(((2 + len(body)) // 8 - 1,)) + body


@st.composite
def packets(draw: st.DrawFn, depth: int = 2) -> bytes:
    """Whole IPv6 packets with chains of extension headers, tunnels, UDP, and sometimes plain noise."""
    src, dst = draw(st.one_of(unicast, st.just(bytes(16)))), draw(st.one_of(unicast, multicast))
    kind = draw(st.sampled_from(["udp", "raw", "noise", "tunnel"] if depth else ["udp", "raw"]))
    if kind == "udp":
        next_header, data = 17, ipv6.udp(draw(ports), draw(ports), draw(octets(max_size=30)), src, dst)
    elif kind == "raw":
        next_header, data = draw(st.sampled_from([6, 58, 59, 17, 41, 0, 44])), draw(octets(max_size=60))
    elif kind == "tunnel":
        next_header, data = 41, draw(packets(depth=depth - 1))
    else:
        next_header, data = draw(st.integers(0, 255)), draw(octets(max_size=20))
    for protocol in draw(st.lists(st.sampled_from([0, 43, 44, 60, 135]), max_size=3)):
        if protocol in {0, 60}:
            data = bytes((next_header,)) + draw(options_header()) + data
        elif protocol == 44:
            data = bytes((next_header, 0)) + draw(octets(min_size=6, max_size=6)) + data
        else:
            data = bytes((next_header, 1)) + draw(octets(min_size=14, max_size=14)) + data
        next_header = protocol
    return ipv6.build(
        src,
        dst,
        next_header,
        data,
        hop_limit=draw(st.sampled_from([0, 1, 2, 63, 64, 65, 254, 255])),
        traffic_class=draw(st.sampled_from([0, 1, 2, 3, 4, 0xB8, 0xFF])),
        flow_label=draw(st.sampled_from([0, 1, 0xABCDE, 0xFFFFF])),
    )
