"""RFC 7400: generic header compression. The printed examples as frames, and each bytecode by hand.

Only a node that declares GHC is asked for any of it. The bytecode families write the expected octets out, and
never compute them; the printed ones are the RFC's own.
"""

from __future__ import annotations

from collections.abc import Iterator

from vectors.build import ICMPV6, UDP, iphc, ipv6, link_local
from vectors.examples import examples
from vectors.model import EUI_A, EUI_B, Vector, family, vector

A, B = link_local(EUI_A), link_local(EUI_B)


@family(7400, "A", "ghc", "printed")
def printed() -> Iterator[Vector]:
    """Figures 8 to 14: an ICMPv6 message behind NHC 0xdf; figures 15 to 17: a DTLS record as the payload of
    UDP GHC, in a packet from :: to :: as the zeros of the printed header say.
    """
    for number in range(8, 18):
        example = examples()[f"RFC7400-fig{number}"]
        header, packed = (
            bytes.fromhex(example["in"]["ipv6_header"]),
            bytes.fromhex(example["in"]["compressed"]),
        )
        body = bytes.fromhex(example["out"]["payload"])
        flags = [] if example["right"] else ["erratum"]
        need = ["RFC7400-2-02", "RFC7400-2-03", "RFC7400-2-06", "RFC7400-2-08", "RFC7400-3.2-02"]
        if number < 15:
            source, target, hops = header[8:24], header[24:40], header[7]
            m = int(target[0] == 0xFF)
            payload = iphc(bytes((hops,)) + source + target, nh=1, hlim=0, m=m) + b"\xdf" + packed
            packet = header + body
            need += ["RFC7400-3.1-02"]
        else:
            nowhere = bytes(16)
            datagram = bytes.fromhex("16331634") + (8 + len(body)).to_bytes(2, "big") + b"\x12\x34" + body
            payload = iphc(nowhere * 2, nh=1) + bytes.fromhex("d0163316341234") + packed
            packet = ipv6(datagram, UDP, nowhere, nowhere)
            need += ["RFC7400-3.1-01"]
        note = example["what"] + (f". {example['erratum']}" if example["erratum"] else "")
        yield vector(f"figure-{number}", payload, packet, flags=flags, note=note, requirements=need)


def icmpv6(code: str) -> bytes:
    """A packet whose ICMPv6 message is this bytecode."""
    return iphc(nh=1, sam=3, dam=3) + b"\xdf" + bytes.fromhex(code)


@family(7400, "2", "ghc")
def bytecodes() -> Iterator[Vector]:
    """Each bytecode alone and combined. The dictionary ends in 16fefd17fefd0001 0000000000010000."""
    last_of_target = B.hex()[-4:]
    for key, code, out, row in (
        ("literal-4", "0480000102", "80000102", "02"),
        ("literal-95", "5f" + "a5" * 95, "a5" * 95, "02"),
        ("literal-0", "000180", "80", "02"),
        ("zeros-2", "80", "0000", "03"),
        ("zeros-17", "8f", "00" * 17, "03"),
        ("back-2", "c0", "0000", "06"),
        ("back-2-from-3", "c1", "0100", "06"),
        ("back-9", "f8", "010000000000010000", "06"),
        ("back-8-from-15", "f7", "fefd17fefd000100", "06"),
        ("repeat", "0280aac0c0", "80aa80aa80aa", "06"),
        ("extended", "a1c0", "0001", "05"),
        ("extended-twice", "a1a1c0", last_of_target, "05"),
        ("extended-by-0", "a0c0", "0000", "05"),
        ("extended-cleared", "a1c0c0", "00010001", "06"),
        ("address", "b2f0", B.hex(), "08"),
        ("source-address", "b4f0", A.hex(), "08"),
    ):
        body = bytes.fromhex(out)
        need = [f"RFC7400-2-{row}", "RFC7400-2-01", "RFC7400-3.1-02"]
        yield vector(key, icmpv6(code), ipv6(body, ICMPV6, A, B), requirements=need)


@family(7400, "3.2", "ghc")
def extension_header() -> Iterator[Vector]:
    """An options header without its length, ended by the stop code, with the next header in-line or by NHC."""
    body = bytes.fromhex("630400000100")
    data = bytes.fromhex("0480000102")
    need = ["RFC7400-3.2-01", "RFC7400-2-04"]
    packet = ipv6(bytes((ICMPV6, 0)) + body + bytes.fromhex("80000102"), 0, A, B)
    head = iphc(nh=1, sam=3, dam=3)
    payload = head + b"\xb0" + bytes((ICMPV6,)) + b"\x06" + body + b"\x90" + bytes.fromhex("80000102")
    yield vector("nh0", payload, packet, requirements=need)
    for eid, protocol in ((1, 43), (3, 60)):
        packet = ipv6(bytes((ICMPV6, 0)) + body + bytes.fromhex("80000102"), protocol, A, B)
        octet = bytes((0b10110000 | eid << 1, ICMPV6))
        yield vector(
            f"eid-{eid}", head + octet + b"\x06" + body + b"\x90\x80\0\x01\x02", packet, requirements=need
        )
    longer = bytes.fromhex("1e0ca1a2a3a4a5a6a7a8a9aaabac")
    packet = ipv6(bytes((ICMPV6, 1)) + longer + bytes.fromhex("80000102"), 60, A, B)
    payload = head + bytes((0xB6, ICMPV6, 14)) + longer + b"\x90\x80\0\x01\x02"
    yield vector("16-octets", payload, packet, requirements=need)
    packet = ipv6(bytes((ICMPV6, 0)) + body + bytes.fromhex("80000102"), 0, A, B)
    yield vector("nh1", head + b"\xb1\x06" + body + b"\x90\xdf" + data, packet, requirements=need)


@family(7400, "2", "ghc", "truncation")
def impossible() -> Iterator[Vector]:
    """Reserved codes, literals that run past the end, and references to before the dictionary."""
    for code in ("60", "7f", "91", "9f"):
        yield vector(f"reserved-{code}", icmpv6(code), refused="reserved", requirements=["RFC7400-2-07"])
    for key, code in (("literal-cut", "0480"), ("literal-without-octets", "5f")):
        yield vector(key, icmpv6(code), refused="malformed", requirements=["RFC7400-2-02"])
    for key, code in (("49-octets-back", "b5c7c0"), ("far-back", "afafafafc7")):
        yield vector(key, icmpv6(code), refused="malformed", requirements=["RFC7400-5-01"])
    head = iphc(nh=1, sam=3, dam=3)
    yield vector(
        "no-stop", head + bytes.fromhex("b10663040000"), refused="malformed", requirements=["RFC7400-3.2-01"]
    )
