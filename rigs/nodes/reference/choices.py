"""What the texts leave to a sender, done by the reference node on command (`rigs.model.CHOICES`).

Strategy: a choice takes the place of the step that makes payloads of a packet. It is a function of the node, the packet
and the link-layer addresses, and returns the addresses that the frames have and their payloads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import cycle
from typing import TYPE_CHECKING, Final

from rigs.model import Unsupported
from sixlowpan import EncodeError, LinkInfo, encodings, fragment, fragment_header_n, ipv6

if TYPE_CHECKING:
    from rigs.nodes.reference.adaptation import Adaptation

Choice = Callable[["Adaptation", bytes, LinkInfo], tuple[LinkInfo, list[bytes]]]

#: Octets of a payload that has a small fragment: 5 of its header, and 56 of the packet.
_SMALL: Final = 61
#: Octets of the fragments behind the first one, in turn.
_UNEVEN: Final = (16, 8, 40, 24)
_PADDING: Final = bytes.fromhex("010400000000")  # PadN of six octets
_ECHOES: Final = frozenset({128, 129})
_MTU: Final = 1280
_DESTINATION_OPTIONS: Final = 60


def _cut(
    node: Adaptation, packet: bytes, info: LinkInfo, payload: bytes, room: int | None = None
) -> list[bytes]:
    """One payload where it fits a frame, else fragments of `room` octets."""
    whole = node.room(info)
    if len(payload) <= whole:
        return [payload]
    mtu, tag = whole if room is None else room, node.next_tag()
    try:
        return fragment(packet, info, node.contexts, mtu=mtu, tag=tag, payload=payload)
    except EncodeError:  # RFC 6282 §2: headers that do not fit the first fragment are not compressed
        return fragment(packet, info, node.contexts, mtu=mtu, tag=tag)


def _plain(node: Adaptation, packet: bytes, info: LinkInfo) -> tuple[LinkInfo, list[bytes]]:
    return info, node.fragment_packet(packet, info)


def _small(node: Adaptation, packet: bytes, info: LinkInfo) -> tuple[LinkInfo, list[bytes]]:
    return info, _cut(node, packet, info, node.encode_packet(packet, info), _SMALL)


def _uneven(node: Adaptation, packet: bytes, info: LinkInfo) -> tuple[LinkInfo, list[bytes]]:
    found = node.fragment_packet(packet, info)
    if len(found) == 1:
        return info, found
    size, tag, at = int.from_bytes(found[0][:2]) & 0x7FF, int.from_bytes(found[0][2:4]), found[1][4] * 8
    sent, steps = found[:1], cycle(_UNEVEN)
    while at < len(packet):
        step = next(steps)
        sent.append(fragment_header_n(size, tag, at // 8) + packet[at : at + step])
        at += step
    return info, sent


def _backwards(node: Adaptation, packet: bytes, info: LinkInfo) -> tuple[LinkInfo, list[bytes]]:
    return info, node.fragment_packet(packet, info)[::-1]


def _uncompressed(node: Adaptation, packet: bytes, info: LinkInfo) -> tuple[LinkInfo, list[bytes]]:
    return info, _cut(node, packet, info, b"\x41" + packet)


def _longest(node: Adaptation, packet: bytes, info: LinkInfo) -> tuple[LinkInfo, list[bytes]]:
    smallest = node.encode_packet(packet, info)
    forms = [form for form in encodings(packet, info, node.contexts) if form[0] >> 5 == 3]
    if info.kind == "ble":  # RFC 7668 §3.2.4 leaves no choice of how addresses go
        forms = [form for form in forms if (form[1] ^ smallest[1]) & 0x7F == 0]
    return info, _cut(node, packet, info, max(forms, key=len, default=smallest))


def _short_source(node: Adaptation, packet: bytes, info: LinkInfo) -> tuple[LinkInfo, list[bytes]]:
    info = replace(info, src=node.link.dut_short)
    return info, node.fragment_packet(packet, info)


def _padding(node: Adaptation, packet: bytes, info: LinkInfo) -> tuple[LinkInfo, list[bytes]]:
    if packet[6] == ipv6.ICMPV6 and packet[40] in _ECHOES and len(packet) + 8 <= _MTU:
        behind = bytes((packet[6], 0)) + _PADDING + packet[40:]
        packet = ipv6.build(packet[8:24], packet[24:40], _DESTINATION_OPTIONS, behind, hop_limit=packet[7])
    return info, node.fragment_packet(packet, info)


_EACH: Final[dict[str, Choice]] = {"": _plain, "longest-form": _longest, "padding": _padding}
_WITH_FRAGMENTS: Final[dict[str, Choice]] = {
    "small-fragments": _small,
    "uneven-fragments": _uneven,
    "last-fragment-first": _backwards,
    "uncompressed": _uncompressed,
    "short-source": _short_source,
}


def chosen(name: str, kind: str) -> Choice:
    """The choice of this name, of a node on this kind of link; empty: what it does of itself. Raises `Unsupported`."""
    offered = _EACH if kind == "ble" else _EACH | _WITH_FRAGMENTS
    if name not in offered:
        raise Unsupported(f"the node does not offer {name} here", "not_on_this_link")
    return offered[name]
