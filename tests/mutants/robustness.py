"""Mutants that crash: shapes on which real decoders read beyond the end of a frame, or did worse."""

from __future__ import annotations

from collections.abc import Callable

from tests.mutants import IEEE802154, Node, crashes, step


def fragment_header(payload):
    return payload[:1] and payload[0] & 0xD8 == 0xC0


@step
def crash(function: Callable) -> Node:
    """Register a mutant: function(payload, header) -> whether it crashes."""

    def condition(node, payload, h):
        return bool(function(payload, h))

    return crashes.make(condition)


@crash("crash-empty", "RFC4944-5-03", "CNG-2fdc1d913")
def _(payload, h):
    """Crashes on an empty payload."""
    return not payload


@crash("crash-iphc-one-octet", "RFC6282-3-01", "RIOT-709ddd2ba7")
def _(payload, h):
    """Crashes on one octet of IPHC."""
    return len(payload) == 1 and payload[0] >> 5 == 3


@crash("crash-cid-missing", "RFC6282-3.1.1-12", "CNG-3135")
def _(payload, h):
    """Crashes where the CID octet is missing."""
    return h and h.cid and len(payload) == 2


@crash("crash-traffic-truncated", "RFC6282-3.1.1-01", "LINUX-b5af9bdbfe6d")
def _(payload, h):
    """Crashes where the traffic fields are cut."""
    return h and h.tf < 3 and h.tf_at <= len(payload) < h.nh_at


@crash("crash-source-truncated", "RFC6282-3.1.1-15", "CVE-2021-21410")
def _(payload, h):
    """Crashes where the source address is cut."""
    return h and h.src_at < len(payload) < h.dst_at


@crash("crash-destination-truncated", "RFC6282-3.1.1-29", "CVE-2023-37281")
def _(payload, h):
    """Crashes where the destination address is cut."""
    return h and h.dst_at < len(payload) < h.end


@crash("crash-nhc-missing", "RFC6282-3.1.1-06", "RIOT-22727")
def _(payload, h):
    """Crashes where NH is 1 and nothing follows."""
    return h and h.nh and len(payload) == h.end


@crash("crash-udp-truncated", "RFC6282-4.3-01", "CVE-2022-36052")
def _(payload, h):
    """Crashes where the UDP NHC fields are cut."""
    return (
        h
        and h.nhc >> 3 == 0x1E
        and len(payload) < h.end + 1 + (4, 3, 3, 1)[h.nhc & 3] + (0 if h.nhc & 4 else 2)
    )


@crash("crash-extension-beyond", "RFC6282-4.2-13", "CVE-2021-21280")
def _(payload, h):
    """Crashes where an extension header goes on beyond the frame."""
    if not h or h.nhc >> 4 != 0xE or h.nhc == 0xEE:
        return False
    at = h.end + (1 if h.nhc & 1 else 2)
    return at >= len(payload) or at + 1 + payload[at] > len(payload)


@crash("crash-extension-short", "RFC6282-4.2-13", "CVE-2021-21280")
def _(payload, h):
    """Crashes where an extension header has less than six octets."""
    if not h or h.nhc >> 4 != 0xE or h.nhc == 0xEE:
        return False
    at = h.end + (1 if h.nhc & 1 else 2)
    return at < len(payload) and payload[at] < 6


@crash("crash-unknown-nhc", "RFC6282-5-03", "LINUX-BTN-298")
def _(payload, h):
    """Crashes on an unknown NHC id."""
    return h and h.nhc >= 0 and h.nhc >> 4 != 0xE and h.nhc >> 3 != 0x1E


@crash("crash-reserved-eid", "RFC6282-4.2-08")
def _(payload, h):
    """Crashes on the reserved EIDs 5 and 6."""
    return h and h.nhc >> 4 == 0xE and h.nhc >> 1 & 7 in {5, 6}


@crash("crash-ipv6-in-ipv6", "RFC6282-4.2-10", "RIOT-51ff6c3675")
def _(payload, h):
    """Crashes on a compressed IPv6 header inside another."""
    return h and h.nhc == 0xEE


@crash("crash-reserved-multicast", "RFC6282-3.1.1-42", "ZEPHYR-113043")
def _(payload, h):
    """Crashes on M=1 DAC=1 with a reserved DAM."""
    return h and h.m and h.dac and h.dam


@crash("crash-reserved-dam00", "RFC6282-3.1.1-33")
def _(payload, h):
    """Crashes on M=0 DAC=1 DAM=00."""
    return h and not h.m and h.dac and h.dam == 0


@crash("crash-rfc3306", "RFC6282-3.1.1-41", "RIOT-0ba9fd3456")
def _(payload, h):
    """Crashes on a unicast-prefix-based group."""
    return h and h.m and h.dac and h.dam == 0


@crashes("crash-undefined-context", requirement="RFC6282-3.1.2-06", defect="RIOT-0ba9fd3456")
def _(node, payload, h):
    """Crashes on an undefined context."""
    return bool(
        h and h.sac and h.sam and (payload[2] >> 4 if h.cid and len(payload) > 2 else 0) not in node.contexts
    )


@crash("crash-unspecified", "RFC6282-3.1.1-19", "ZEPHYR-4419")
def _(payload, h):
    """Crashes on SAC=1 SAM=00."""
    return h and h.sac and h.sam == 0


@crash("crash-udp-empty", "RFC6282-4.3-01", "RIOT-11164")
def _(payload, h):
    """Crashes on a UDP datagram without data."""
    return h and h.nhc >> 3 == 0x1E and len(payload) == h.end + 1 + (4, 3, 3, 1)[h.nhc & 3] + 2


@crash("crash-no-payload", "RFC6282-3.2-03", "RIOT-8867")
def _(payload, h):
    """Crashes on Payload Length 0."""
    return h and not h.nh and len(payload) == h.end


@crash("crash-uncompressed-short", "RFC4944-5.1-05", "NUTTX-97a50eaf453")
def _(payload, h):
    """Crashes where 0x41 is followed by less than an IPv6 header."""
    return payload[:1] == b"\x41" and len(payload) < 41


@crash("crash-mesh", "RFC4944-5.1-14", "ZEPHYR-2384", kinds=IEEE802154)
def _(payload, h):
    """Crashes on a mesh addressing header."""
    return payload[:1] and payload[0] >> 6 == 2


@crash("crash-mesh-truncated", "RFC4944-5.2-06", "OT-1186/1199", kinds=IEEE802154)
def _(payload, h):
    """Crashes on a mesh addressing header that is cut."""
    return payload[:1] and payload[0] >> 6 == 2 and len(payload) < 5


@crash("crash-bc0-truncated", "RFC4944-5.1-09", kinds=IEEE802154)
def _(payload, h):
    """Crashes on a BC0 header that is cut."""
    return payload == b"\x50"


@crash("crash-esc", "RFC8066-3.1-01")
def _(payload, h):
    """Crashes on ESC."""
    return payload[:1] == b"\x40"


@crash("crash-page", "RFC8025-6-01")
def _(payload, h):
    """Crashes on a page switch."""
    return payload[:1] and payload[0] >> 4 == 0xF


@crash("crash-reserved-dispatch", "RFC4944-5.1-10")
def _(payload, h):
    """Crashes on the reserved dispatch values 0x51 to 0x5f."""
    return payload[:1] and 0x51 <= payload[0] <= 0x5F


@crash("crash-hc1", "RFC6282-2-01")
def _(payload, h):
    """Crashes on HC1."""
    return payload[:1] == b"\x42"


@crash("crash-fragment-header-short", "RFC4944-5.3-05", "CVE-2021-3321", kinds=IEEE802154)
def _(payload, h):
    """Crashes on a fragment that is shorter than its header."""
    return fragment_header(payload) and len(payload) < (5 if payload[0] & 0x20 else 4)


@crash("crash-fragment-empty", "RFC4944-5.3-07", "CNG-1308", kinds=IEEE802154)
def _(payload, h):
    """Crashes on a fragment without octets."""
    return fragment_header(payload) and len(payload) == (5 if payload[0] & 0x20 else 4)


@crash("crash-size-below-40", "RFC4944-5.3-10", "CVE-2023-24817..24823 (FRAG1 size)", kinds=IEEE802154)
def _(payload, h):
    """Crashes on a datagram_size below 40."""
    return fragment_header(payload) and len(payload) > 4 and int.from_bytes(payload[:2], "big") & 0x7FF < 40


@crash("crash-offset-beyond-size", "RFC4944-5.3-20", "CVE-2019-8359", kinds=IEEE802154)
def _(payload, h):
    """Crashes on an offset beyond datagram_size."""
    if not fragment_header(payload) or not payload[0] & 0x20 or len(payload) < 6:
        return False
    return payload[4] * 8 > int.from_bytes(payload[:2], "big") & 0x7FF


@crash("crash-size-above-1280", "RFC4944-5.3-11", kinds=IEEE802154)
def _(payload, h):
    """Crashes on a datagram_size above 1280."""
    return fragment_header(payload) and len(payload) > 4 and int.from_bytes(payload[:2], "big") & 0x7FF > 1280


@crash("crash-frag1-unknown-dispatch", "RFC4944-5.3-05", "LWIP-FRAGHDR", kinds=IEEE802154)
def _(payload, h):
    """Crashes on a FRAG1 with an unknown dispatch."""
    return fragment_header(payload) and not payload[0] & 0x20 and payload[4:5] and payload[4] >> 6 == 0


@crash("crash-fragn-first", "RFC4944-5.3-19", "CVE-2021-3322", kinds=IEEE802154)
def _(payload, h):
    """Crashes on a FRAGN with offset zero."""
    return fragment_header(payload) and payload[0] & 0x20 and len(payload) > 5 and payload[4] == 0


@crash("crash-frag1-header-cut", "RFC6282-2-07", "CVE-2021-3323", kinds=IEEE802154)
def _(payload, h):
    """Crashes on a FRAG1 that ends within its IPHC header."""
    return fragment_header(payload) and not payload[0] & 0x20 and 4 < len(payload) < 8
