"""RFC 6282 §3.1.1, the stateful forms: SAC=1 and DAC=1 with contexts of every telling length.

"Bits covered by context information are always used. Any IID bits not covered by context information are
taken directly from the corresponding bits carried in-line. Any remaining bits are zero." The contexts are
chosen so that each of the three sentences decides some bits: /0 and /48 leave a gap, /64 fits, /96, /100 and
/128 reach into the IID and contradict what is in-line.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vectors.build import ICMPV6, addr, echo, iid, iphc, ipv6, link_local, short_iid, with_context
from vectors.model import EUI_A, EUI_B, RECEIVE_ONLY, SHORT_A, SHORT_B, Vector, family, vector

A, B = link_local(EUI_A), link_local(EUI_B)
PREFIXES = {
    "0": "::/0",
    "32": "2001:db8::/32",
    "48": "2001:db8:a5a5::/48",
    "60": "2001:db8:a5a5:5a50::/60",
    "64": "2001:db8:a5a5:5a5a::/64",
    "80": "2001:db8:a5a5:5a5a:c3c3::/80",
    "96": "2001:db8:a5a5:5a5a:c3c3:3c3c::/96",
    "100": "2001:db8:a5a5:5a5a:c3c3:3c3c:9000::/100",
    "112": "2001:db8:a5a5:5a5a:c3c3:3c3c:9696::/112",
    "128": "2001:db8:a5a5:5a5a:c3c3:3c3c:9696:6969/128",
}
OVERRIDDEN = "in-line bits contradict the context, which wins; no sender has a reason to write them so"
WIDE = bytes.fromhex("1122334455667788")


def rows(*numbers: str, context: str) -> list[str]:
    """The rows of the form, and those that a context of this length decides."""
    length = int(context)
    extra = ["23"] if length > 64 else ["24"] if length < 64 else []
    derived = ["RFC6282-3.2.2-06"] if length > 64 and numbers[0] in ("21", "22", "35", "36") else []
    return [f"RFC6282-3.1.1-{number}" for number in (*numbers, *extra)] + derived


def stateful(
    name: str, key: str, low: bytes, inline: bytes, link: dict[str, Any], number: str, **iphc_fields: int
) -> Vector:
    """An echo from (SAC=1) or to (DAC=1) an address of this context that ends with `low`."""
    mine = "sac" in iphc_fields
    address = with_context(PREFIXES[name], low)
    ends = (address, B) if mine else (A, address)
    data = echo(*ends)
    short = "-short" if set(link.values()) & {SHORT_A, SHORT_B} else ""
    overridden = bool(inline) and not address.endswith(inline)
    return vector(
        f"{name}-{key}{short}",
        iphc(b"\x3a" + inline, **iphc_fields) + data,
        ipv6(data, ICMPV6, *ends),
        flags=[RECEIVE_ONLY] if overridden else [],
        note=OVERRIDDEN if overridden else "",
        contexts={"0": PREFIXES[name]},
        requirements=rows(number, "11", "14" if mine else "28", context=name),
        **link,
    )


def every_mode(extended: str, short: str) -> Iterator[tuple[str, int, bytes, bytes, str]]:
    """For each context: SAM or DAM, the low octets of the address, those in-line, and the link address."""
    for name in PREFIXES:
        yield name, 1, WIDE, WIDE, extended
        yield name, 2, short_iid(0xBEEF), b"\xbe\xef", extended
        yield name, 3, iid(extended), b"", extended
        yield name, 3, iid(short), b"", short


@family(6282, "3.1.1", "context-length", "address-mode")
def stateful_source() -> Iterator[Vector]:
    """SAC=1 with SAM 01, 10, 11 under contexts from /0 to /128."""
    for name, sam, low, inline, src in every_mode(EUI_A, SHORT_A):
        row = {1: "20", 2: "21", 3: "22"}[sam]
        yield stateful(name, f"sam{sam}", low, inline, {"src": src}, row, sac=1, sam=sam, dam=3)


@family(6282, "3.1.1", "context-length", "address-mode")
def stateful_destination() -> Iterator[Vector]:
    """M=0 DAC=1 with DAM 01, 10, 11 under contexts from /0 to /128."""
    for name, dam, low, inline, dst in every_mode(EUI_B, SHORT_B):
        row = {1: "34", 2: "35", 3: "36"}[dam]
        yield stateful(name, f"dam{dam}", low, inline, {"dst": dst}, row, sam=3, dac=1, dam=dam)


@family(6282, "3.1.1", "unspecified-source")
def unspecified_source() -> Iterator[Vector]:
    """SAC=1 SAM=00 is ::, needs no context and has no octet in-line; a context octet changes nothing."""
    group, source = addr("ff02::1:ff00:1"), bytes(16)
    data = echo(source, group)
    packet = ipv6(data, ICMPV6, source, group, hop_limit=255)
    inline = b"\x3a" + bytes.fromhex("0201ff000001")
    need = ["RFC6282-3.1.1-19"]
    for key, cid, contexts in (
        ("no-contexts", None, {}),
        ("context-0-defined", None, {"0": "2001:db8::/64"}),
        ("context-octet-undefined", 0x70, {}),
    ):
        payload = iphc(inline, hlim=3, cid=cid, sac=1, sam=0, m=1, dam=1) + data
        flags = [RECEIVE_ONLY] if cid is not None else []
        note = "legal, but no sender has a reason to spend the octet" if cid is not None else ""
        yield vector(key, payload, packet, contexts=contexts, flags=flags, note=note, requirements=need)


@family(6282, "3.1.1", "multicast-form", "context-length")
def unicast_prefix_multicast() -> Iterator[Vector]:
    """M=1 DAC=1 DAM=00: ffXX:XXLL:PPPP:PPPP:PPPP:PPPP:XXXX:XXXX, prefix and prefix length from the context,
    flags, scope, reserved or RIID octet and group id in-line.
    """
    for name, prefix in (
        ("0", "::/0"),
        ("32", PREFIXES["32"]),
        ("48", PREFIXES["48"]),
        ("64", PREFIXES["64"]),
    ):
        for kind, flags_scope, reserved, group in (
            ("group", 0x3E, 0x00, "00001234"),
            ("realm", 0x33, 0x00, "80000001"),
            ("rp", 0x7E, 0x0A, "cafe0001"),
            ("all-bits", 0xFF, 0xFF, "ffffffff"),
        ):
            middle = bytes((int(name),)) + with_context(prefix, bytes(8))[:8]
            target = bytes((0xFF, flags_scope, reserved)) + middle + bytes.fromhex(group)
            data = echo(A, target)
            inline = b"\x3a" + bytes((flags_scope, reserved)) + bytes.fromhex(group)
            payload = iphc(inline, sam=3, m=1, dac=1, dam=0) + data
            need = ["RFC6282-3.1.1-41", "RFC6282-3.1.1-26", "RFC6282-3.1.1-28", "RFC6282-3.2.4-01"]
            need += ["RFC6282-3.2.4-02"] if reserved else []
            packet = ipv6(data, ICMPV6, A, target)
            yield vector(f"{name}-{kind}", payload, packet, contexts={"0": prefix}, requirements=need)


@family(6282, "3.1.1", "context-choice")
def context_not_for_compression() -> Iterator[Vector]:
    """A context whose C flag is 0 still decompresses (RFC 6775 §4.2); no sender may use it."""
    prefix = PREFIXES["64"]
    source = with_context(prefix, WIDE)
    data = echo(source, B)
    payload = iphc(b"\x3a" + WIDE, cid=0x30, sac=1, sam=1, dam=3) + data
    yield vector(
        "c-0",
        payload,
        ipv6(data, ICMPV6, source, B),
        contexts={"3": {"prefix": prefix, "compress": False}},
        flags=[RECEIVE_ONLY],
        requirements=["RFC6775-4.2-05", "RFC6775-4.2-04", "RFC6282-3.1.1-20"],
    )


@family(6282, "3.1.1", "address-mode")
def both_sides_elided() -> Iterator[Vector]:
    """The shortest packets: both addresses gone, link-local or by context, between every pair of address sizes."""
    prefix = PREFIXES["64"]
    for src in (EUI_A, SHORT_A):
        for dst in (EUI_B, SHORT_B):
            for sac in (0, 1):
                for dac in (0, 1):
                    source = with_context(prefix, iid(src)) if sac else link_local(src)
                    target = with_context(prefix, iid(dst)) if dac else link_local(dst)
                    data = echo(source, target)
                    payload = iphc(b"\x3a", sac=sac, sam=3, dac=dac, dam=3) + data
                    need = ["RFC6282-3.1.1-22" if sac else "RFC6282-3.1.1-18"]
                    need += ["RFC6282-3.1.1-36" if dac else "RFC6282-3.1.1-32"]
                    need += ["RFC6282-3.2.2-04" if len(src) == 16 else "RFC6282-3.2.2-05"]
                    yield vector(
                        f"{len(src) * 4}-{len(dst) * 4}-sac{sac}-dac{dac}",
                        payload,
                        ipv6(data, ICMPV6, source, target),
                        src=src,
                        dst=dst,
                        contexts={"0": prefix},
                        requirements=need,
                    )
