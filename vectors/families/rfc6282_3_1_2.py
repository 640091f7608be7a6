"""RFC 6282 §3.1.2: which of 16 contexts is meant, and where the octet that says so stands."""

from __future__ import annotations

from collections.abc import Iterator

from vectors.build import ICMPV6, addr, echo, iphc, ipv6, link_local, with_context
from vectors.model import EUI_A, EUI_B, RECEIVE_ONLY, Vector, family, vector

A, B = link_local(EUI_A), link_local(EUI_B)
ALL = {str(number): f"2001:db8:{number:x}00::/64" for number in range(16)}
LOW_A, LOW_B = bytes.fromhex("aaaaaaaaaaaaaaa1"), bytes.fromhex("bbbbbbbbbbbbbbb2")


@family(6282, "3.1.2", "context-choice")
def each_context() -> Iterator[Vector]:
    """Each of the 16 contexts for the source, with a different one for the destination."""
    for sci in range(16):
        dci = (sci * 7 + 5) % 16
        source, target = with_context(ALL[str(sci)], LOW_A), with_context(ALL[str(dci)], LOW_B)
        data = echo(source, target)
        payload = iphc(b"\x3a" + LOW_A + LOW_B, cid=sci << 4 | dci, sac=1, sam=1, dac=1, dam=1) + data
        need = ["RFC6282-3.1.2-01", "RFC6282-3.1.2-02", "RFC6282-3.1.1-12"]
        packet = ipv6(data, ICMPV6, source, target)
        yield vector(f"{sci}-{dci}", payload, packet, contexts=ALL, requirements=need)


@family(6282, "3.1.2", "context-choice")
def context_zero_by_default() -> Iterator[Vector]:
    """CID=0 means context 0 for both addresses; CID=1 with 00 says the same in one octet more."""
    source, target = with_context(ALL["0"], LOW_A), with_context(ALL["0"], LOW_B)
    data = echo(source, target)
    packet = ipv6(data, ICMPV6, source, target)
    for key, cid in (("cid-0", None), ("cid-1", 0x00)):
        payload = iphc(b"\x3a" + LOW_A + LOW_B, cid=cid, sac=1, sam=1, dac=1, dam=1) + data
        need = ["RFC6282-3.1.2-04", "RFC6282-3.1.1-11" if cid is None else "RFC6282-3.1.1-12"]
        yield vector(key, payload, packet, contexts=ALL, requirements=need)


@family(6282, "3.1.2", "context-choice")
def octet_before_every_field() -> Iterator[Vector]:
    """The context octet stands between DAM and the first in-line field, whatever that field is."""
    source = with_context(ALL["6"], LOW_A)
    data = echo(source, B)
    for tf, inline, tc, flow in (
        (0, "2e0abcde", 0xB8, 0xABCDE),
        (1, "4abcde", 1, 0xABCDE),
        (2, "2e", 0xB8, 0),
        (3, "", 0, 0),
    ):
        fields = bytes.fromhex(inline) + b"\x3a\x07" + LOW_A
        payload = iphc(fields, tf=tf, hlim=0, cid=0x60, sac=1, sam=1, dam=3) + data
        packet = ipv6(data, ICMPV6, source, B, hop_limit=7, tc=tc, flow=flow)
        yield vector(f"tf{tf}", payload, packet, contexts=ALL, requirements=["RFC6282-3.1.2-03"])


@family(6282, "3.1.2", "context-choice")
def nibble_without_effect() -> Iterator[Vector]:
    """A nibble whose address is not stateful has no effect, even if no such context is defined."""
    data = echo(A, B)
    packet = ipv6(data, ICMPV6, A, B)
    for key, cid in (("both", 0xFF), ("zero", 0x00)):
        payload = iphc(b"\x3a", cid=cid, sam=3, dam=3) + data
        note = "legal, but no sender has a reason to spend the octet"
        need = ["RFC6282-3.1.2-05"]
        yield vector(f"stateless-{key}", payload, packet, flags=[RECEIVE_ONLY], note=note, requirements=need)
    source = with_context(ALL["2"], LOW_A)
    data = echo(source, B)
    payload = iphc(b"\x3a" + LOW_A, cid=0x29, sac=1, sam=1, dam=3) + data
    packet = ipv6(data, ICMPV6, source, B)
    contexts = {"2": ALL["2"]}
    need = ["RFC6282-3.1.2-05"]
    yield vector("dci-undefined", payload, packet, contexts=contexts, flags=[RECEIVE_ONLY], requirements=need)


@family(6282, "3.1.2", "context-choice")
def multicast_uses_dci() -> Iterator[Vector]:
    """A unicast-prefix-based multicast destination takes the context of the low nibble."""
    target = addr("ff3e:40:2001:db8:500::")[:12] + bytes.fromhex("00001234")
    data = echo(A, target)
    payload = iphc(b"\x3a" + bytes.fromhex("3e0000001234"), cid=0x05, sam=3, m=1, dac=1, dam=0) + data
    need = ["RFC6282-3.1.2-02", "RFC6282-3.1.1-41"]
    yield vector("dci-5", payload, ipv6(data, ICMPV6, A, target), contexts=ALL, requirements=need)


@family(6282, "3.1.2", "context-choice")
def undefined_context() -> Iterator[Vector]:
    """A stateful address whose context nobody defined: the RFC leaves the action open, a codec cannot go on."""
    data = echo(A, B)
    forms: tuple[tuple[str, bytes, dict[str, str]], ...] = (
        ("source-cid-0", iphc(b"\x3a" + LOW_A, sac=1, sam=1, dam=3), {}),
        ("source-elided", iphc(b"\x3a", sac=1, sam=3, dam=3), {}),
        ("source-7", iphc(b"\x3a" + LOW_A, cid=0x70, sac=1, sam=1, dam=3), {"0": ALL["0"]}),
        ("destination-7", iphc(b"\x3a" + LOW_A, cid=0x07, sam=3, dac=1, dam=1), {"0": ALL["0"]}),
        (
            "multicast-7",
            iphc(b"\x3a" + bytes.fromhex("3e0000001234"), cid=0x07, sam=3, m=1, dac=1),
            {"0": ALL["0"]},
        ),
    )
    for key, head, contexts in forms:
        need = ["RFC6282-3.1.2-06"]
        yield vector(key, head + data, refused="unsupported", contexts=contexts, requirements=need)
