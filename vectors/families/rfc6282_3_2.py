"""RFC 6282 §3.2.1 to §3.2.4: the traffic class octet, derived IIDs, and the multicast forms."""

from __future__ import annotations

from collections.abc import Iterator

from vectors.build import ICMPV6, NO_NEXT, addr, echo, iphc, ipv6, link_local, to_group
from vectors.model import BLE_A, BLE_B, EUI_A, EUI_B, RECEIVE_ONLY, Vector, family, vector

A, B = link_local(EUI_A), link_local(EUI_B)


@family(6282, "3.2", "payload-length")
def payload_length() -> Iterator[Vector]:
    """The payload length is inferred from the length of the frame, from nothing to the largest payload."""
    for size in (0, 1, 2, 7, 8, 9, 64, 100, 1240):
        data = bytes(number % 251 for number in range(size))
        payload = iphc(bytes((NO_NEXT,)), sam=3, dam=3) + data
        packet = ipv6(data, NO_NEXT, A, B)
        need = ["RFC6282-3.2-03", "RFC6282-3.2-02"]
        yield vector(str(size), payload, packet, requirements=need)
        if size in (0, 100, 1240):
            source, target = link_local(BLE_A), link_local(BLE_B)
            packet = ipv6(data, NO_NEXT, source, target)
            need = ["RFC6282-3.2-03", "RFC7668-3.2-04"]
            yield vector(f"{size}-ble", payload, packet, link="ble", src=BLE_A, dst=BLE_B, requirements=need)


@family(6282, "3.2.1", "tc-rotation")
def every_bit_of_the_traffic_class() -> Iterator[Vector]:
    """One bit of the traffic class at a time, in both forms that carry all of it."""
    for bit in range(8):
        tc = 1 << bit
        inline = (tc >> 2) | (tc & 3) << 6
        data = echo(A, B)
        packet = ipv6(data, ICMPV6, A, B, tc=tc)
        need = ["RFC6282-3.2.1-01"]
        payload = iphc(bytes((inline, 0x3A)), tf=2, sam=3, dam=3) + data
        yield vector(f"tf10-{tc:02x}", payload, packet, requirements=need)
        payload = iphc(bytes((inline, 0, 0, 0, 0x3A)), tf=0, sam=3, dam=3) + data
        yield vector(f"tf00-{tc:02x}", payload, packet, requirements=need)


@family(6282, "3.2.1", "tc-rotation")
def every_bit_of_the_flow_label() -> Iterator[Vector]:
    """One bit of the flow label at a time, in both forms that carry it."""
    data = echo(A, B)
    for bit in range(20):
        flow = 1 << bit
        packet = ipv6(data, ICMPV6, A, B, flow=flow)
        payload = iphc(flow.to_bytes(3, "big") + b"\x3a", tf=1, sam=3, dam=3) + data
        yield vector(f"tf01-{flow:05x}", payload, packet, requirements=["RFC6282-3.2.1-03"])
        payload = iphc(b"\0" + flow.to_bytes(3, "big") + b"\x3a", tf=0, sam=3, dam=3) + data
        yield vector(f"tf00-{flow:05x}", payload, packet, requirements=["RFC6282-3.2.1-02"])


@family(6282, "3.2.1", "tc-rotation", RECEIVE_ONLY)
def reserved_bits_set() -> Iterator[Vector]:
    """The reserved bits of TF=00 and TF=01 set. The RFC does not say that a receiver ignores them; nothing
    else makes sense of the packet, so the oracle does, and a case reports what a node does (advice).
    """
    data = echo(A, B)
    packet = ipv6(data, ICMPV6, A, B, tc=0xB8, flow=0xABCDE)
    payload = iphc(bytes.fromhex("2efabcde3a"), tf=0, sam=3, dam=3) + data
    yield vector("tf00", payload, packet, requirements=["RFC6282-3.2.1-02"])
    packet = ipv6(data, ICMPV6, A, B, tc=1, flow=0xABCDE)
    payload = iphc(bytes.fromhex("7abcde3a"), tf=1, sam=3, dam=3) + data
    yield vector("tf01", payload, packet, requirements=["RFC6282-3.2.1-03"])


@family(6282, "3.2.2", "iid-derivation")
def iid_of_link_address() -> Iterator[Vector]:
    """EUI-64 with the U/L bit inverted and nothing else; a short address without PAN id and without inversion."""
    for src, low, row in (
        ("0000000000000001", "0200000000000001", "04"),
        ("0200000000000001", "0000000000000001", "04"),
        ("fdffffffffffffff", "ffffffffffffffff", "04"),
        ("acde48fffe000001", "aede48fffe000001", "04"),
        ("0001", "000000fffe000001", "05"),
        ("0200", "000000fffe000200", "05"),
        ("7fff", "000000fffe007fff", "05"),
    ):
        source = bytes.fromhex("fe80000000000000" + low)
        data = echo(source, B)
        payload = iphc(b"\x3a", sam=3, dam=3) + data
        packet = ipv6(data, ICMPV6, source, B)
        yield vector(src, payload, packet, src=src, requirements=[f"RFC6282-3.2.2-{row}"])


@family(6282, "3.2.2", "iid-derivation")
def not_the_link_address() -> Iterator[Vector]:
    """IIDs that look derived but are not those of this frame's addresses (a forwarded packet, a random IID, one
    bit off): they are in-line, and an encoder that elides them makes another packet.
    """
    prefix = "2001:db8::/64"
    for key, low in (
        ("random", "1122334455667788"),
        ("one-bit-off", "02124b0001020305"),
        ("u-bit-not-inverted", "00124b0001020304"),
        ("of-the-destination", "02124b0005060708"),
    ):
        octets = bytes.fromhex(low)
        need = ["RFC6282-3.2.2-03"]
        for sac, head in ((0, bytes.fromhex("fe80000000000000")), (1, addr("2001:db8::")[:8])):
            source = head + octets
            data = echo(source, B)
            payload = iphc(b"\x3a" + octets, sac=sac, sam=1, dam=3) + data
            packet = ipv6(data, ICMPV6, source, B)
            contexts = {"0": prefix} if sac else {}
            yield vector(f"{key}-sac{sac}", payload, packet, contexts=contexts, requirements=need)


@family(6282, "3.2.2", "iid-derivation")
def no_link_address() -> Iterator[Vector]:
    """SAM=11 or DAM=11 where the frame has no address on that side: there is nothing to derive from."""
    data = echo(A, B)
    head = iphc(b"\x3a", sam=3, dam=3)
    need = ["RFC6282-3.1.1-18", "RFC4944-2-04"]
    yield vector("source", head + data, src="", refused=("malformed", "unsupported"), requirements=need)
    need = ["RFC6282-3.1.1-32", "RFC4944-2-04"]
    yield vector("destination", head + data, dst="", refused=("malformed", "unsupported"), requirements=need)


@family(6282, "3.2.2", "iid-derivation")
def from_outer_ipv6() -> Iterator[Vector]:
    """Inside an encapsulated IPv6 header the IID comes from the outer IPv6 address, not from the link."""
    outer_source, outer_target = addr("2001:db8::1:2:3:4"), addr("2001:db8::5:6:7:8")
    inner_source = addr("fe80::1:2:3:4")
    inner_target = addr("fe80::5:6:7:8")
    data = echo(inner_source, inner_target)
    inner = ipv6(data, ICMPV6, inner_source, inner_target)
    packet = ipv6(inner, 41, outer_source, outer_target)
    payload = iphc(outer_source + outer_target, nh=1) + b"\xee" + iphc(b"\x3a", sam=3, dam=3) + data
    need = ["RFC6282-3.2.2-01", "RFC6282-4.2-10", "RFC6282-4.2-19"]
    yield vector("stateless", payload, packet, requirements=need)
    prefix = "2001:db8:7::/64"
    inner_source = addr("2001:db8:7::1:2:3:4")
    data = echo(inner_source, inner_target)
    packet = ipv6(ipv6(data, ICMPV6, inner_source, inner_target), 41, outer_source, outer_target)
    inner_head = iphc(b"\x3a", cid=0x20, sac=1, sam=3, dam=3)
    payload = iphc(outer_source + outer_target, nh=1) + b"\xee" + inner_head + data
    yield vector("context", payload, packet, contexts={"2": prefix}, requirements=need)
    inner_source, inner_target = addr("fe80::1:2:3:4"), addr("2001:db8:7::5:6:7:8")
    data = bytes((ICMPV6, 0)) + bytes.fromhex("630400000100") + echo(inner_source, inner_target)
    packet = ipv6(ipv6(data, 0, inner_source, inner_target), 41, outer_source, outer_target)
    inner_head = iphc(b"\0", cid=0x02, sam=3, dac=1, dam=3)
    payload = iphc(outer_source + outer_target, nh=1) + b"\xee" + inner_head + data
    yield vector("destination-context", payload, packet, contexts={"2": prefix}, requirements=need)


@family(6282, "3.2.3", "multicast-form")
def stateless_multicast() -> Iterator[Vector]:
    """Each width of stateless multicast with every octet distinct; longer forms than needed are legal."""
    for key, group, dam, inline, number in (
        ("8-all-nodes", "ff02::1", 3, "01", "40"),
        ("8-rpl", "ff02::1a", 3, "1a", "40"),
        ("8-ff", "ff02::ff", 3, "ff", "40"),
        ("8-zero", "ff02::", 3, "00", "40"),
        ("32-dhcp", "ff05::1:3", 2, "05010003", "39"),
        ("32-all-octets", "ff1e::12:3456", 2, "1e123456", "39"),
        ("32-longer-than-needed", "ff02::1", 2, "02000001", "39"),
        ("48-solicited", "ff02::1:ff12:3456", 1, "0201ff123456", "38"),
        ("48-all-octets", "ff3e::12:3456:789a", 1, "3e123456789a", "38"),
        ("48-longer-than-needed", "ff05::1:3", 1, "050000010003", "38"),
        ("128", "ff3e:1234:5678:9abc:def0:1122:3344:5566", 0, "ff3e123456789abcdef0112233445566", "37"),
        ("128-longer-than-needed", "ff02::1", 0, "ff020000000000000000000000000001", "37"),
    ):
        payload, packet = to_group(group, dam, inline, A)
        need = [f"RFC6282-3.1.1-{number}", "RFC6282-3.1.1-26", "RFC6282-3.1.1-27"]
        need += {"40": ["RFC6282-3.2.3-03"], "39": ["RFC6282-3.2.3-02"], "38": ["RFC6282-3.2.3-01"]}.get(
            number, []
        )
        yield vector(key, payload, packet, dst="ffff", requirements=need)


@family(6282, "3.2.3", "multicast-form")
def short_forms_do_not_fit() -> Iterator[Vector]:
    """Groups that need the next wider form: an octet is set that the narrower one would drop."""
    for key, group, dam, inline in (
        ("scope-5", "ff05::2", 2, "05000002"),
        ("9-bit-group", "ff02::100", 2, "02000100"),
        ("flags", "ff12::1", 2, "12000001"),
        ("25-bit-group", "ff02::100:1", 1, "020001000001"),
        ("41-bit-group", "ff02::100:0:0", 0, "ff020000000000000000010000000000"),
        ("prefix-octets", "ff3e:30:3fff::1", 0, "ff3e00303fff00000000000000000001"),
    ):
        payload, packet = to_group(group, dam, inline, A)
        yield vector(key, payload, packet, dst="ffff", requirements=["RFC6282-3.2.3-04"])
