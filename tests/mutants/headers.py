"""Mutants that get the IPHC base header wrong: traffic, next header, hop limit, reserved forms, dispatch."""

from __future__ import annotations

from tests.mutants import IEEE802154, reads, rewrites
from tests.mutants.wire import hop_limit, set_traffic_class, traffic_class

# -- traffic class and flow label -------------------------------------------------------------------------------


@rewrites("tf-not-rotated", requirement="RFC6282-3.2.1-01", defect="LWIP-TC")
def _(node, packet, h, info):
    """Takes the octet ECN|DSCP for the traffic class as it stands."""
    if h.tf in {0, 2}:
        set_traffic_class(packet, h.payload[h.tf_at])
    elif h.tf == 1:
        set_traffic_class(packet, h.payload[h.tf_at] & 0xC0)


@rewrites("tf01-not-rotated", requirement="RFC6282-3.1.1-02", defect="LINUX-b5af9bdbfe6d")
def _(node, packet, h, info):
    """Leaves ECN in the upper two bits with TF=01 only."""
    if h.tf == 1:
        set_traffic_class(packet, h.payload[h.tf_at] & 0xC0)


@rewrites("tf01-keeps-dscp", requirement="RFC6282-3.1.1-02")
def _(node, packet, h, info):
    """With TF=01 takes the two reserved bits for DSCP bits."""
    if h.tf == 1:
        set_traffic_class(packet, traffic_class(packet) | (h.payload[h.tf_at] >> 4 & 3) << 2 | 0x04)


@rewrites("ecn-lost", requirement="RFC6282-3.1.1-03")
def _(node, packet, h, info):
    """Forgets ECN."""
    set_traffic_class(packet, traffic_class(packet) & 0xFC)


@rewrites("dscp-lost", requirement="RFC6282-3.1.1-01", defect="SMOLTCP-FL")
def _(node, packet, h, info):
    """Forgets DSCP."""
    set_traffic_class(packet, traffic_class(packet) & 0x03)


@rewrites("flow-label-16-bits", requirement="RFC6282-3.1.1-01", defect="SMOLTCP-FL")
def _(node, packet, h, info):
    """Keeps 16 bits of the flow label."""
    packet[1] &= 0xF0


@rewrites("flow-label-last-octet", requirement="RFC6282-3.1.1-02", defect="RIOT-2ed7f66d33")
def _(node, packet, h, info):
    """Loses the last octet of the flow label."""
    packet[3] = 0


@reads("tf10-three-octets", requirement="RFC6282-3.1.1-03", defect="CONTIKI-695c7d74b")
def _(node, payload, h, info):
    """Passes three octets for TF=10, where one is in-line."""
    if h and h.tf == 2:
        return payload[: h.nh_at] + payload[h.nh_at + 2 :]
    return payload


@reads("tf00-reserved-bits", requirement="RFC6282-3.2.1-02")
def _(node, payload, h, info):
    """Drops TF=00."""
    return None if h and h.tf == 0 else payload


@rewrites("version-5", requirement="RFC6282-3.2-02")
def _(node, packet, h, info):
    """Restores another IP version where a flow label is in-line."""
    if h.tf < 2:
        packet[0] = 0x50 | packet[0] & 15


# -- next header, hop limit, payload length ---------------------------------------------------------------------


rewrites("hlim-01-is-64", "RFC6282-3.1.1-08", "CONTIKI-7887559d5", what="HLIM=01 gives 64.")(hop_limit(1, 64))
rewrites("hlim-10-is-63", "RFC6282-3.1.1-09", what="HLIM=10 gives 63.")(hop_limit(2, 63))
rewrites("hlim-11-is-254", "RFC6282-3.1.1-10", "CONTIKI-7887559d5", what="HLIM=11 gives 254.")(
    hop_limit(3, 254)
)
rewrites("hlim-inline-ignored", "RFC6282-3.1.1-07", what="Puts 64 where the hop limit was in-line.")(
    hop_limit(0, 64)
)


@rewrites("hlim-table-swapped", requirement="RFC6282-3.1.1-08")
def _(node, packet, h, info):
    """Takes HLIM=01 for 255 and HLIM=11 for 1."""
    packet[7] = {1: 255, 3: 1}.get(h.hlim, packet[7])


@rewrites("hlim-inline-decremented", requirement="RFC6282-3.1.1-07")
def _(node, packet, h, info):
    """Counts the hop limit down on receipt."""
    if h.hlim == 0:
        packet[7] = max(0, packet[7] - 1)


@rewrites("nh-inline-wrong", requirement="RFC6282-3.1.1-05")
def _(node, packet, h, info):
    """Takes any next header but ICMPv6 for UDP."""
    if not h.nh and packet[6] != 58:
        packet[6] = 17


@reads("nh-before-tf", requirement="RFC6282-3.2-01")
def _(node, payload, h, info):
    """Reads the next header before the traffic fields."""
    if h and h.tf < 3 and not h.nh:
        tf, size = h.tf_at, h.nh_at - h.tf_at
        return payload[:tf] + payload[tf + 1 : tf + 1 + size] + payload[tf : tf + 1] + payload[h.nh_at + 1 :]
    return payload


@reads("hlim-before-nh", requirement="RFC6282-3.2-01")
def _(node, payload, h, info):
    """Reads the hop limit before the next header."""
    if h and not h.nh and h.hlim == 0 and len(payload) > h.hlim_at:
        at = h.nh_at
        return payload[:at] + payload[at + 1 : at + 2] + payload[at : at + 1] + payload[at + 2 :]
    return payload


@rewrites("payload-length-of-the-frame", requirement="RFC6282-3.2-03")
def _(node, packet, h, info):
    """Puts the length of the compressed payload into Payload Length."""
    if h.tf < 3:
        packet[4:6] = len(h.payload).to_bytes(2, "big")


# -- reserved forms ---------------------------------------------------------------------------------------------


@reads("reserved-dam00-accepted", requirement="RFC6282-3.1.1-33", defect="OT-947")
def _(node, payload, h, info):
    """Takes the reserved M=0 DAC=1 DAM=00 for ::."""
    if h and not h.m and h.dac and h.dam == 0:
        return (
            payload[:1]
            + bytes((payload[1] & 0xFB,))
            + payload[2 : h.dst_at]
            + bytes(16)
            + payload[h.dst_at :]
        )
    return payload


@reads("reserved-dam00-inline", requirement="RFC6282-3.1.1-33", defect="LWIP-CTX64")
def _(node, payload, h, info):
    """Takes the reserved M=0 DAC=1 DAM=00 for an in-line destination."""
    return (
        payload[:1] + bytes((payload[1] & 0xFB,)) + payload[2:]
        if h and not h.m and h.dac and h.dam == 0
        else payload
    )


@reads("reserved-multicast-accepted", requirement="RFC6282-3.1.1-44", defect="ZEPHYR-113043")
def _(node, payload, h, info):
    """Takes M=1 DAC=1 with a reserved DAM for the stateless form of the same DAM."""
    return (
        payload[:1] + bytes((payload[1] & 0xFB,)) + payload[2:] if h and h.m and h.dac and h.dam else payload
    )


@reads("nalp-accepted", requirement="RFC4944-5.1-03", defect="RIOT-4936", kinds=IEEE802154)
def _(node, payload, h, info):
    """Takes 00xxxxxx for 01xxxxxx."""
    return bytes((payload[0] | 0x40,)) + payload[1:] if payload and payload[0] >> 6 == 0 else payload


@reads("nalp-3f-accepted", requirement="RFC4944-5.1-03")
def _(node, payload, h, info):
    """Takes 0x3f for IPHC."""
    return b"\x7f" + payload[1:] if payload[:1] == b"\x3f" else payload


@reads("dispatch-7f-is-esc", requirement="RFC6282-2-08")
def _(node, payload, h, info):
    """Still takes 0x7f for an escape."""
    return None if payload[:1] == b"\x7f" else payload


@reads("uncompressed-dropped", requirement="RFC4944-5.1-05", kinds=IEEE802154)
def _(node, payload, h, info):
    """Does not know 0x41."""
    return None if payload[:1] == b"\x41" else payload


@reads("esc-skipped", requirement="RFC8066-3.1-01")
def _(node, payload, h, info):
    """Skips an ESC and its type, and goes on behind them."""
    return payload[2:] if payload[:1] == b"\x40" and len(payload) > 2 else payload


@reads("trailing-octet-cut", requirement="RFC6282-3.2-03")
def _(node, payload, h, info):
    """Loses the last octet of payloads with an odd number of octets."""
    return payload[:-1] if h and h.hlim == 0 and len(payload) % 2 else payload


@reads("uncompressed-multicast-dropped", requirement="RFC4944-5.1-05", kinds=IEEE802154)
def _(node, payload, h, info):
    """Drops uncompressed packets to a group."""
    return None if payload[:1] == b"\x41" and payload[25:26] == b"\xff" else payload
