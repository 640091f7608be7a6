"""Mutants that get addresses wrong: elided and in-line ones, contexts, groups."""

from __future__ import annotations

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import Contexts, addresses, decode
from tests.mutants import IEEE802154, mutant, reads, rewrites

# -- stateless addresses ----------------------------------------------------------------------------------------


def iid_mutant(name, requirement, defect, what, source, destination, kinds=IEEE802154):
    """A node that derives the IIDs of elided addresses by another rule."""

    def wrong(node, packet, h, info):
        if h.sam == 3 and info.src:
            packet[16:24] = source(info.src, bytes(packet[16:24]))
        if h.dam == 3 and not h.m and info.dst:
            packet[32:40] = destination(info.dst, bytes(packet[32:40]))

    wrong.__doc__ = what
    rewrites(name, requirement=requirement, defect=defect, kinds=kinds)(wrong)


def keep(_link, iid):
    return iid


def eui64_plain(link, iid):
    return link if len(link) == 8 else iid


def flipped(link, iid):
    return bytes((iid[0] ^ 2,)) + iid[1:]


def swapped(link, iid):
    return addresses.iid(link[::-1]) if len(link) == 8 else iid


def with_pan(link, iid):
    return addresses.iid(link, b"\xab\xcd") if len(link) == 2 else iid


def short_plain(link, iid):
    return bytes(6) + link if len(link) == 2 else iid


iid_mutant(
    "iid-source-no-flip",
    "RFC6282-3.2.2-04",
    None,
    "Leaves the U/L bit of an elided source as it is in the EUI-64.",
    eui64_plain,
    keep,
)
iid_mutant(
    "iid-destination-no-flip",
    "RFC6282-3.2.2-04",
    None,
    "Leaves the U/L bit of an elided destination as it is in the EUI-64.",
    keep,
    eui64_plain,
)
iid_mutant(
    "iid-source-swapped",
    "RFC6282-3.2.2-04",
    "ZEPHYR-53630",
    "Takes the source EUI-64 in the order of the air.",
    swapped,
    keep,
)
iid_mutant(
    "iid-short-with-pan",
    "RFC6282-3.2.2-05",
    "TINYOS-290",
    "Puts the PAN id into the IID of a short address.",
    with_pan,
    with_pan,
)
iid_mutant(
    "iid-short-no-fffe",
    "RFC6282-3.2.2-05",
    "LINUX-ce2463b283a0",
    "Makes the IID of a short address without 00ff:fe00.",
    short_plain,
    short_plain,
)
iid_mutant(
    "ble-iid-flip",
    "RFC7668-3.2.2-05",
    "ZEPHYR-5326",
    "Flips the U/L bit of IIDs made from device addresses.",
    flipped,
    flipped,
    kinds=("ble",),
)
iid_mutant(
    "ble-iid-source-flip",
    "RFC7668-3.2.2-05",
    "LINUX-UL-BIT",
    "Flips the U/L bit of the peer's IID only.",
    flipped,
    keep,
    kinds=("ble",),
)


@rewrites("sam11-is-our-own", requirement="RFC6282-3.1.1-18")
def _(node, packet, h, info):
    """Takes an elided source from the destination link address."""
    if h.sam == 3 and not h.sac:
        packet[16:24] = info.dst_iid


@rewrites("dam11-from-source", requirement="RFC6282-3.1.1-32")
def _(node, packet, h, info):
    """Takes an elided destination from the source link address."""
    if h.dam == 3 and not h.m:
        packet[32:40] = info.src_iid


@rewrites("sam10-no-fffe", requirement="RFC6282-3.1.1-17", defect="LINUX-ce2463b283a0")
def _(node, packet, h, info):
    """SAM=10 without 00ff:fe00 in the middle."""
    if h.sam == 2:
        packet[16:22] = bytes(6)


@rewrites("dam10-no-fffe", requirement="RFC6282-3.1.1-31")
def _(node, packet, h, info):
    """DAM=10 without 00ff:fe00 in the middle."""
    if h.dam == 2 and not h.m:
        packet[32:38] = bytes(6)


@rewrites("sam10-swapped", requirement="RFC6282-3.1.1-17", defect="CNG-2289")
def _(node, packet, h, info):
    """SAM=10 with its two octets in the wrong order."""
    if h.sam == 2:
        packet[22:24] = packet[22:24][::-1]


@rewrites("dam10-swapped", requirement="RFC6282-3.1.1-31")
def _(node, packet, h, info):
    """DAM=10 with its two octets in the wrong order."""
    if h.dam == 2 and not h.m:
        packet[38:40] = packet[38:40][::-1]


@rewrites("sam01-no-prefix", requirement="RFC6282-3.1.1-16")
def _(node, packet, h, info):
    """SAM=01 with the prefix zero in place of fe80::/64."""
    if h.sam == 1 and not h.sac:
        packet[8:16] = bytes(8)


@rewrites("dam01-from-link", requirement="RFC6282-3.1.1-34")
def _(node, packet, h, info):
    """DAM=01 passes the in-line IID and takes the link address."""
    if h.dam == 1 and not h.m:
        packet[32:40] = info.dst_iid


@rewrites("sam01-flips", requirement="RFC6282-3.1.1-16")
def _(node, packet, h, info):
    """Flips the U/L bit of an IID that is in-line."""
    if h.sam == 1:
        packet[16] ^= 2


@reads("sam00-dropped", requirement="RFC6282-3.1.1-15", defect="ZEPHYR-227")
def _(node, payload, h, info):
    """Drops a source that is in-line in full."""
    return None if h and not h.sac and h.sam == 0 else payload


@reads("dam00-dropped", requirement="RFC6282-3.1.1-29")
def _(node, payload, h, info):
    """Drops a unicast destination that is in-line in full."""
    return None if h and not h.m and not h.dac and h.dam == 0 else payload


# -- contexts ---------------------------------------------------------------------------------------------------


@reads("cid-swapped", requirement="RFC6282-3.1.2-02")
def _(node, payload, h, info):
    """Takes the CID octet for DCI|SCI."""
    if h and h.cid and len(payload) > 2:
        return payload[:2] + bytes((payload[2] >> 4 | payload[2] << 4 & 0xF0,)) + payload[3:]
    return payload


@reads("cid-ignored", requirement="RFC6282-3.1.1-12")
def _(node, payload, h, info):
    """Takes context 0 whatever the CID octet says."""
    return payload[:2] + b"\0" + payload[3:] if h and h.cid and len(payload) > 2 else payload


@reads("cid-three-bits", requirement="RFC6282-3.1.2-01", defect="LWIP-cc4f94f4")
def _(node, payload, h, info):
    """Knows contexts 0 to 7 only and takes the lower three bits."""
    if h and h.cid and len(payload) > 2:
        return payload[:2] + bytes((payload[2] & 0x77,)) + payload[3:]
    return payload


@reads("cid-not-expected", requirement="RFC6282-3.1.1-12")
def _(node, payload, h, info):
    """Reads the in-line fields where the CID octet is."""
    return payload[:1] + bytes((payload[1] & 0x7F,)) + payload[2:] if h and h.cid else payload


@reads("cid-without-stateful-dropped", requirement="RFC6282-3.1.2-05")
def _(node, payload, h, info):
    """Drops a CID octet that no address needs."""
    return None if h and h.cid and not h.sac and not h.dac else payload


@reads("stateful-source-dropped", requirement="RFC6282-3.1.1-14")
def _(node, payload, h, info):
    """Knows no stateful source."""
    return None if h and h.sac and h.sam else payload


@reads("unspecified-dropped", requirement="RFC6282-3.1.1-19", defect="ZEPHYR-4419")
def _(node, payload, h, info):
    """Drops SAC=1 SAM=00."""
    return None if h and h.sac and not h.sam else payload


@rewrites("unspecified-is-context", requirement="RFC6282-3.1.1-19", defect="CONTIKI-e75c77937")
def _(node, packet, h, info):
    """Takes SAC=1 SAM=00 for a link-local address made from the frame's source."""
    if h.sac and not h.sam:
        packet[8:24] = addresses.LINK_LOCAL_PREFIX + info.src_iid


@rewrites("context-ignored", requirement="RFC6282-3.1.1-14")
def _(node, packet, h, info):
    """Puts fe80::/64 in place of the source's context."""
    if h.sac and h.sam:
        packet[8:16] = addresses.LINK_LOCAL_PREFIX


@rewrites("destination-context-ignored", requirement="RFC6282-3.1.1-28")
def _(node, packet, h, info):
    """Puts fe80::/64 in place of the destination's context."""
    if h.dac and not h.m:
        packet[24:32] = addresses.LINK_LOCAL_PREFIX


@rewrites("context-one-for-both", requirement="RFC6282-3.1.2-01")
def _(node, packet, h, info):
    """Takes the source's context for the destination, too."""
    if h.sac and h.sam and h.dac and not h.m:
        packet[24:32] = packet[8:16]


class ShortenedContexts(ReferenceNode):
    """Treats every context as one of 64 bits."""

    def decode_payload(self, payload, info):
        contexts = {}
        for identifier, context in self.contexts.items():
            head = context.prefix[:8]
            contexts[identifier] = type(context)(head + bytes(8), 64, context.compress)
        return decode(payload, info, Contexts(contexts))


mutant("context-always-64", requirement="RFC6282-3.1.1-23", defect="LWIP-CTX64", kinds=("ieee802154", "ble"))(
    ShortenedContexts
)


@rewrites("context-length-ignored", requirement="RFC6282-3.1.1-23", defect="OT-13407")
def _(node, packet, h, info):
    """Lets in-line IID bits win over those of a context longer than 64 bits."""
    if h.sac and h.sam == 1:
        packet[16:24] = h.payload[h.src_at : h.src_at + 8]
    if h.dac and h.dam == 1 and not h.m:
        packet[32:40] = h.payload[h.dst_at : h.dst_at + 8]


@mutant("context-not-removed", requirement="RFC6775-4.2-06", kinds=("ieee802154", "ble"))
class ContextNotRemoved(ReferenceNode):
    """Keeps a context that was removed."""

    def set_context(self, identifier, prefix, length, *, compress=True):
        if length:
            super().set_context(identifier, prefix, length, compress=compress)


@mutant("context-first-wins", requirement="RFC6282-3.1.2-01", defect="RIOT-8576", kinds=("ieee802154", "ble"))
class ContextFirstWins(ReferenceNode):
    """Never takes a new prefix for a context that it knows."""

    def set_context(self, identifier, prefix, length, *, compress=True):
        if identifier not in self.contexts or not length:
            super().set_context(identifier, prefix, length, compress=compress)


@reads("undefined-context-is-zero", requirement="RFC6282-3.1.2-06", defect="WIRESHARK-DISSECT")
def _(node, payload, h, info):
    """Takes an undefined context for ::/64."""
    wanted = []
    if h and h.sac and h.sam:
        wanted.append(payload[2] >> 4 if h.cid else 0)
    if h and h.dac:
        wanted.append(payload[2] & 15 if h.cid else 0)
    for identifier in wanted:
        if identifier not in node.contexts:
            node.set_context(identifier, bytes(16), 64, compress=False)
    return payload


# -- multicast --------------------------------------------------------------------------------------------------


@rewrites("dam10-scope-shifted", requirement="RFC6282-3.1.1-39", defect="LWIP-50739")
def _(node, packet, h, info):
    """M=1 DAM=10: puts flags and scope one octet too far."""
    if h.m and not h.dac and h.dam == 2:
        packet[25:27] = b"\0" + packet[25:26]


@rewrites("dam01-24-bits", requirement="RFC6282-3.1.1-38", defect="RIOT-3422..3424")
def _(node, packet, h, info):
    """M=1 DAM=01: keeps the last 32 bits of the group id only."""
    if h.m and not h.dac and h.dam == 1:
        packet[35] = 0


@rewrites("dam11-scope-5", requirement="RFC6282-3.1.1-40")
def _(node, packet, h, info):
    """M=1 DAM=11: takes scope 5."""
    if h.m and not h.dac and h.dam == 3:
        packet[25] = 5


@rewrites("group-id-not-padded", requirement="RFC6282-3.1.1-39", defect="NUTTX-MCAST")
def _(node, packet, h, info):
    """Leaves an octet of an earlier address in a short multicast form."""
    if h.m and not h.dac and h.dam in {2, 3}:
        packet[30] = 0x5E


@reads("dam00-multicast-dropped", requirement="RFC6282-3.1.1-37")
def _(node, payload, h, info):
    """Drops a group that is in-line in full."""
    return None if h and h.m and not h.dac and h.dam == 0 else payload


@reads("m-bit-ignored", requirement="RFC6282-3.1.1-26")
def _(node, payload, h, info):
    """Takes M=1 DAM=00 for M=0 and drops it, since it is no unicast address."""
    return None if h and h.m and h.dam == 1 else payload


@rewrites("rfc3306-length-lost", requirement="RFC6282-3.1.1-41", defect="ZEPHYR-2385")
def _(node, packet, h, info):
    """M=1 DAC=1: leaves the prefix length octet zero."""
    if h.m and h.dac:
        packet[27] = 0


@rewrites("rfc3306-riid-lost", requirement="RFC6282-3.2.4-02", defect="LINUX-BTN-249")
def _(node, packet, h, info):
    """M=1 DAC=1: loses the RIID octet."""
    if h.m and h.dac:
        packet[26] = 0


@rewrites("rfc3306-prefix-lost", requirement="RFC6282-3.1.1-41", defect="RIOT-a9a0671232")
def _(node, packet, h, info):
    """M=1 DAC=1: does not take the prefix out of the context."""
    if h.m and h.dac:
        packet[28:36] = bytes(8)


@reads("rfc3306-context-0", requirement="RFC6282-3.1.1-41", defect="RIOT-1372b9b779")
def _(node, payload, h, info):
    """M=1 DAC=1: takes context 0 whatever DCI says."""
    if h and h.m and h.dac and h.cid:
        return payload[:2] + bytes((payload[2] & 0xF0,)) + payload[3:]
    return payload
