"""RFC 7668 §3.2: IPv6 over Bluetooth LE. Addresses unchanged in the IID, and what registrations change.

`role` is the role of the node that sends; `registered` are the addresses that the 6LN has registered with
success, latest last. Without them a stateful address means what RFC 6282 says.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vectors.build import ICMPV6, UDP, addr, echo, fragn, iid, iphc, ipv6, link_local, mesh, udp, with_context
from vectors.model import BLE_A, BLE_B, RECEIVE_ONLY, Vector, family, vector

A, B = link_local(BLE_A), link_local(BLE_B)
PREFIX = "2001:db8::/64"
FIRST, LATEST = "2001:db8::1111:2222:3333:4444", "2001:db8::1111:2222:3333:5555"
ELSEWHERE = "2001:db8:7::9999:8888:7777:6666"
BLE: dict[str, Any] = {"link": "ble", "src": BLE_A, "dst": BLE_B}
#: From a 6LN to its 6LBR, and back.
UP: dict[str, Any] = BLE | {"role": "6LN"}
DOWN: dict[str, Any] = {"link": "ble", "src": BLE_B, "dst": BLE_A, "role": "6LBR"}


@family(7668, "3.2.2", "ble-address", "iid-derivation")
def device_address() -> Iterator[Vector]:
    """The IID is the device address with fffe in the middle and every bit as it is: no U/L inversion, for
    public, static and resolvable addresses alike.
    """
    for src in (
        "c01122334455",
        "001122334455",
        "021122334455",
        "4a1122334455",
        "ffffffffffff",
        "000000000001",
    ):
        source = link_local(src)
        data = echo(source, B)
        payload = iphc(b"\x3a", sam=3, dam=3) + data
        need = ["RFC7668-3.2.2-05", "RFC7668-3.2.2-06", "RFC7668-3.2.4-04", "RFC7668-3.2.4-07"]
        packet = ipv6(data, ICMPV6, source, B)
        yield vector(src, payload, packet, link="ble", src=src, dst=BLE_B, requirements=need)


@family(7668, "3.2.4", "ble-address")
def link_local_elided() -> Iterator[Vector]:
    """Between device-address-based link-local addresses everything is elided, both ways, with any payload."""
    for role, src, dst in (("6LN", BLE_A, BLE_B), ("6LBR", BLE_B, BLE_A)):
        source, target = link_local(src), link_local(dst)
        need = ["RFC7668-3.2.4-04", "RFC7668-3.2.4-10", "RFC7668-3.2-03"]
        if role == "6LBR":
            need = ["RFC7668-3.2.4-12", "RFC7668-3.2.4-14", "RFC7668-3.2-03"]
        data = echo(source, target)
        payload = iphc(b"\x3a", sam=3, dam=3) + data
        packet = ipv6(data, ICMPV6, source, target)
        yield vector(
            f"{role}-echo", payload, packet, link="ble", src=src, dst=dst, role=role, requirements=need
        )
        data = udp(source, target, 5683, 5683)
        payload = iphc(nh=1, sam=3, dam=3) + b"\xf0" + data[:4] + data[6:]
        packet = ipv6(data, UDP, source, target)
        need = [*need, "RFC7668-3.2.4-01"]
        yield vector(
            f"{role}-udp", payload, packet, link="ble", src=src, dst=dst, role=role, requirements=need
        )


@family(7668, "3.2.4", "ble-address")
def from_the_node() -> Iterator[Vector]:
    """6LN to 6LBR: the latest registered source is gone (SAM=11), an older one has 16 bits in-line if its upper
    48 IID bits are those of the latest (SAM=10), else 64 (SAM=01). The latest is that of the context's prefix.
    """
    target = addr("2001:db8:5::1")
    contexts = {"0": PREFIX, "1": "2001:db8:7::/64"}
    other = "2001:db8::aaaa:2222:3333:4444"
    for key, registered, source, sam, inline, cid in (
        ("only-one", [FIRST], FIRST, 3, "", None),
        ("latest-of-two", [FIRST, LATEST], LATEST, 3, "", None),
        ("older-same-48-bits", [FIRST, LATEST], FIRST, 2, "4444", None),
        ("older-other-48-bits", [other, LATEST], other, 1, "aaaa222233334444", None),
        ("registered-again", [FIRST, LATEST, FIRST], FIRST, 3, "", None),
        ("latest-of-its-prefix", [FIRST, ELSEWHERE], FIRST, 3, "", None),
        ("second-prefix", [ELSEWHERE, FIRST], ELSEWHERE, 3, "", 0x10),
    ):
        data = echo(addr(source), target)
        payload = iphc(b"\x3a" + bytes.fromhex(inline) + target, cid=cid, sac=1, sam=sam) + data
        need = ["RFC7668-3.2.4-17", {3: "RFC7668-3.2.4-05"}.get(sam, "RFC7668-3.2.4-06")]
        need += ["RFC7668-3.2.4.2-01"] if len(registered) > 1 else ["RFC7668-3.2.4-08", "RFC7668-3.2.4.1-01"]
        packet = ipv6(data, ICMPV6, addr(source), target)
        yield vector(key, payload, packet, **UP, contexts=contexts, registered=registered, requirements=need)


@family(7668, "3.2.4", "ble-address")
def to_the_node() -> Iterator[Vector]:
    """6LBR to 6LN: the mirror, for the destination; the source takes a context if there is one."""
    contexts = {"0": PREFIX, "1": "2001:db8:7::/64", "2": "2001:db8:5::77/128"}
    remote, host = addr("2001:db8:7::1"), addr("2001:db8:5::77")
    other = "2001:db8::aaaa:2222:3333:4444"
    for key, registered, target, dam, inline in (
        ("only-one", [FIRST], FIRST, 3, ""),
        ("latest-of-two", [FIRST, LATEST], LATEST, 3, ""),
        ("older-same-48-bits", [FIRST, LATEST], FIRST, 2, "4444"),
        ("older-other-48-bits", [other, LATEST], other, 1, "aaaa222233334444"),
    ):
        for name, source, sam, low, sci in (("64", remote, 1, remote[8:], 1), ("128", host, 3, b"", 2)):
            data = echo(source, addr(target))
            inline_octets = b"\x3a" + low + bytes.fromhex(inline)
            payload = iphc(inline_octets, cid=sci << 4, sac=1, sam=sam, dac=1, dam=dam) + data
            need = ["RFC7668-3.2.4-17", "RFC7668-3.2.4-13", "RFC7668-3.2.4.1-03"]
            need += ["RFC7668-3.2.4-15"] if dam == 3 else ["RFC7668-3.2.4-16"]
            packet = ipv6(data, ICMPV6, source, addr(target))
            yield vector(
                f"{key}-source-{name}",
                payload,
                packet,
                **DOWN,
                contexts=contexts,
                registered=registered,
                requirements=need,
            )


@family(7668, "3.2.4", "ble-address")
def remote_destination() -> Iterator[Vector]:
    """§3.2.4.1: a destination context of /64 leaves the IID in-line (DAM=01), one of /128 leaves nothing (11)."""
    contexts = {"0": PREFIX, "1": "2001:db8:7::/64", "2": "2001:db8:5::77/128"}
    for key, text, dam, low, dci in (
        ("64", "2001:db8:7::1", 1, "0000000000000001", 1),
        ("128", "2001:db8:5::77", 3, "", 2),
    ):
        source, target = addr(FIRST), addr(text)
        data = echo(source, target)
        payload = iphc(b"\x3a" + bytes.fromhex(low), cid=dci, sac=1, sam=3, dac=1, dam=dam) + data
        need = ["RFC7668-3.2.4.1-02", "RFC7668-3.2.4.1-01", "RFC7668-3.2.4-11"]
        packet = ipv6(data, ICMPV6, source, target)
        yield vector(key, payload, packet, **UP, contexts=contexts, registered=[FIRST], requirements=need)
    source, target = addr(FIRST), addr("2001:db8:9::1")
    data = echo(source, target)
    payload = iphc(b"\x3a" + target, cid=0x30, sac=1, sam=3) + data
    whole = {**contexts, "3": f"{FIRST}/128"}
    packet = ipv6(data, ICMPV6, source, target)
    need = ["RFC6282-3.1.1-22", "RFC7668-3.2.4.1-01"]
    flags = [RECEIVE_ONLY]
    known: dict[str, Any] = {"role": "6LN", "registered": [LATEST]}
    note = "a context of /128 leaves nothing for a registration to say"
    yield vector(
        "source-128",
        payload,
        packet,
        **BLE,
        contexts=whole,
        flags=flags,
        note=note,
        requirements=need,
        **known,
    )
    target = addr("fe80::1:2:3:4")
    data = echo(A, target)
    payload = iphc(b"\x3a" + target[8:], sam=3, dam=1) + data
    need = ["RFC7668-3.2.4-11"]
    packet = ipv6(data, ICMPV6, A, target)
    yield vector("link-local-64", payload, packet, **BLE, role="6LN", requirements=need)


@family(7668, "3.2.4", "ble-address")
def without_registrations() -> Iterator[Vector]:
    """Where no role is known, contexts mean what RFC 6282 says: device address and 0000:00ff:fe00:XXXX."""
    source = with_context(PREFIX, iid(BLE_A))
    data = echo(source, B)
    payload = iphc(b"\x3a", sac=1, sam=3, dam=3) + data
    packet = ipv6(data, ICMPV6, source, B)
    need = ["RFC6282-3.1.1-22"]
    yield vector(
        "sam-11", payload, packet, **BLE, contexts={"0": PREFIX}, flags=[RECEIVE_ONLY], requirements=need
    )


@family(7668, "3", "ble-address")
def not_on_bluetooth() -> Iterator[Vector]:
    """RFC 4944 fragments and mesh headers are not used on Bluetooth LE; uncompressed IPv6 must not be sent,
    and a codec that gets it knows what it means.
    """
    data = echo(A, B)
    packet = ipv6(data, ICMPV6, A, B)
    head = iphc(b"\x3a", sam=3, dam=3) + data
    kinds = ("unsupported", "malformed", "reserved")
    first = bytes.fromhex("c0380001") + head
    yield vector("frag1", first, **BLE, refused=kinds, requirements=["RFC7668-3-01"])
    payload = fragn(56, 1, 5, packet[40:])
    yield vector("fragn", payload, **BLE, refused=kinds, requirements=["RFC7668-3-01"])
    yield vector("mesh", mesh("1234", "5678") + head, **BLE, refused=kinds, requirements=["RFC7668-3.2-03"])
    flags = [RECEIVE_ONLY]
    need = ["RFC7668-3.2-03", "RFC7668-3.2.4-01"]
    yield vector("uncompressed", b"\x41" + packet, packet, **BLE, flags=flags, requirements=need)
