"""Mutants that get one header of a chain wrong by what it is, where it stands, or how long it is (RFC 6282 §4.2)."""

from __future__ import annotations

from sixlowpan.ipv6 import FRAGMENT, ICMPV6, IPV6, ROUTING, UDP
from tests.mutants import IEEE802154, reads, rewrites
from tests.mutants.chains import nhcs, within
from tests.mutants.next_headers import chain, upper

#: One Routing header with one address, behind its next header: length, type, segments left, 4 octets, the address.
_ONE_ADDRESS = 22


@reads("chain-mobility-ends-it", requirement="RFC6282-4.2-07")
def _(node, payload, header, info):
    """Knows EID 4 only where its next header is in-line."""
    return None if any(octet == 0xE9 for octet, *_ in nhcs(header)) else payload


@reads("chain-routing-of-one-address", requirement="RFC6282-4.2-04")
def _(node, payload, header, info):
    """Has room for one address in a compressed Routing header."""
    long = (o >> 1 & 7 == 1 and end - at - 3 + (o & 1) > _ONE_ADDRESS for o, at, end in nhcs(header))
    return None if any(long) else payload


@reads("chain-router-alert-dropped", requirement="RFC6282-4.2-03")
def _(node, payload, header, info):
    """Drops compressed Hop-by-Hop Options with a Router Alert, which it would have to heed in front of its decoder."""
    found = (payload[at:end] for octet, at, end in nhcs(header) if octet >> 1 & 7 == 0)
    return None if any(b"\x05\x02\0\0" in octets for octets in found) else payload


@rewrites("chain-fragment-reserved-lost", requirement="RFC6282-4.2-20")
def _(node, packet, header, info):
    """Clears the reserved bits between the offset and the M bit of a compressed Fragment header."""
    at = upper(packet, FRAGMENT)
    if header.nhc >> 1 == 0xE4 >> 1 and at is not None:
        packet[at + 3] &= 0xF9


@rewrites("chain-fourth-is-as-the-third", requirement="RFC6282-4.2-12")
def _(node, packet, header, info):
    """Has room for three elided next headers: the third names its own kind."""
    found = list(chain(packet))
    if header.nhc & 0xF1 == 0xE1 and len(found) > 4:
        packet[found[2][1]] = found[2][0]


@rewrites("chain-udp-length-behind-routing", requirement="RFC6282-4.3.3-08")
def _(node, packet, header, info):
    """Counts the addresses of a compressed Routing header into the UDP length."""
    at, route = upper(packet, UDP), upper(packet, ROUTING)
    if header.nhc == 0xE3 and at is not None and route is not None and packet[route + 1]:
        length = int.from_bytes(packet[at + 4 : at + 6]) + 8 * packet[route + 1]
        packet[at + 4 : at + 6] = length.to_bytes(2)


@rewrites("inner-length-of-the-innermost", requirement="RFC6282-3.2-03")
def _(node, packet, header, info):
    """Gives the innermost of three IPv6 headers the Payload Length of the one around it."""
    middle = upper(packet, IPV6)
    inner = None if middle is None else upper(packet[middle:], IPV6)
    if header.nhc == 0xEE and middle is not None and inner is not None:
        packet[middle + inner + 4 : middle + inner + 6] = packet[middle + 4 : middle + 6]


@reads("uncompressed-ports-are-an-nhc", requirement="RFC4944-5.1-05", kinds=IEEE802154)
def _(node, payload, header, info):
    """Looks for an NHC octet behind an uncompressed header, too, and takes a source port of f0XX for one."""
    found = payload[:1] == b"\x41" and payload[7:8] != bytes((ICMPV6,)) and payload[41:42] >= b"\xf0"
    return None if found else payload


@rewrites("inner-behind-options-elides-from-frame", requirement="RFC6282-3.2.2-01")
def _(node, packet, header, info):
    """Takes an elided source of an inner header from the frame, where options stand in front of it."""
    inner, begin = within(header), upper(packet, IPV6)
    if inner is None or begin is None or packet[6] == IPV6 or inner.sac or inner.sam != 3:
        return
    packet[begin + 16 : begin + 24] = info.src_iid
