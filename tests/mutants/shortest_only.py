"""Mutants that take the shortest form of a header only: RFC 6282 §3.2, fields "may be compressed", and need not be."""

from __future__ import annotations

from sixlowpan import link_local
from tests.mutants import IEEE802154, reads


def shortest(id: str, requirement: str):
    """function(node, payload, header, info) -> whether the node drops it for being longer than it could be."""

    def register(function):
        def change(node, payload, h, info):
            if h is None or len(payload) < h.end:
                return payload
            return None if function(node, payload, h, info) else payload

        change.__doc__ = function.__doc__
        reads(id, requirement=requirement, kinds=IEEE802154)(change)
        return function

    return register


@shortest("only-shortest-hop-limit", "RFC6282-3.1.1-07")
def _(node, payload, h, info):
    """Drops a hop limit of 1, 64 or 255 that is in-line."""
    return h.hlim == 0 and payload[h.hlim_at] in {1, 64, 255}


@shortest("only-shortest-tf00", "RFC6282-3.1.1-01")
def _(node, payload, h, info):
    """Drops TF=00 where traffic class and flow label are zero."""
    return h.tf == 0 and not any(payload[h.tf_at : h.tf_at + 4])


@shortest("only-shortest-tf01", "RFC6282-3.1.1-02")
def _(node, payload, h, info):
    """Drops TF=01 where the flow label is zero."""
    return h.tf == 1 and not any(payload[h.tf_at + 1 : h.tf_at + 3])


@shortest("only-shortest-tf10", "RFC6282-3.1.1-03")
def _(node, payload, h, info):
    """Drops TF=10 where the traffic class is zero."""
    return h.tf == 2 and not payload[h.tf_at]


@shortest("only-shortest-source-iid", "RFC6282-3.1.1-16")
def _(node, payload, h, info):
    """Drops an in-line source identifier that the link address gives."""
    return not h.sac and h.sam == 1 and payload[h.src_at : h.src_at + 8] == info.src_iid


@shortest("only-shortest-source", "RFC6282-3.1.1-15")
def _(node, payload, h, info):
    """Drops a link-local source that is in-line in full."""
    return not h.sac and h.sam == 0 and payload[h.src_at : h.src_at + 8] == link_local(b"\0\1")[:8]


@shortest("only-shortest-destination-iid", "RFC6282-3.1.1-30")
def _(node, payload, h, info):
    """Drops an in-line destination identifier that the link address gives."""
    return not h.m and not h.dac and h.dam == 1 and payload[h.dst_at : h.dst_at + 8] == info.dst_iid


@shortest("only-shortest-destination", "RFC6282-3.1.1-29")
def _(node, payload, h, info):
    """Drops a link-local destination that is in-line in full."""
    return not (h.m or h.dac or h.dam) and payload[h.dst_at : h.dst_at + 8] == link_local(b"\0\1")[:8]


@shortest("only-shortest-stateful-source", "RFC6282-3.1.1-20")
def _(node, payload, h, info):
    """Drops 64 in-line bits of a source under a context that the link address gives."""
    return h.sac and h.sam == 1 and payload[h.src_at : h.src_at + 8] == info.src_iid


@shortest("only-shortest-under-a-context", "RFC6282-3.1.1-15")
def _(node, payload, h, info):
    """Drops a source in-line in full that a context covers."""
    if h.sac or h.sam:
        return False
    return any(c.length and c.covers(payload[h.src_at : h.src_at + 16]) for c in node.contexts.values())


@shortest("only-shortest-group", "RFC6282-3.1.1-37")
def _(node, payload, h, info):
    """Drops a group in-line in full that a shorter form could carry."""
    return h.m and not h.dac and not h.dam and not any(payload[h.dst_at + 2 : h.dst_at + 11])


@shortest("only-shortest-group-48", "RFC6282-3.1.1-38")
def _(node, payload, h, info):
    """Drops the 48-bit form of a group that 32 bits could carry."""
    return h.m and not h.dac and h.dam == 1 and not any(payload[h.dst_at + 1 : h.dst_at + 3])


@shortest("only-shortest-group-32", "RFC6282-3.1.1-39")
def _(node, payload, h, info):
    """Drops the 32-bit form of a group that 8 bits could carry."""
    return h.m and not h.dac and h.dam == 2 and payload[h.dst_at : h.dst_at + 3] == b"\2\0\0"


@shortest("only-shortest-next-header", "RFC6282-3.1.1-05")
def _(node, payload, h, info):
    """Drops UDP whose next header is in-line."""
    return not h.nh and payload[h.nh_at] == 17


@shortest("only-shortest-ports", "RFC6282-4.3.3-03")
def _(node, payload, h, info):
    """Drops P=00 where one of the ports is 0xf0XX."""
    ports = payload[h.end + 1 : h.end + 5]
    return h.nhc & 0xFB == 0xF0 and 0xF0 in {ports[0], ports[2]} if len(ports) == 4 else False


@shortest("only-shortest-context-octet", "RFC6282-3.1.1-12")
def _(node, payload, h, info):
    """Drops a context octet of 0 where an address needs context 0."""
    return h.cid and (h.sac or h.dac) and not payload[2]


@shortest("only-shortest-padding", "RFC6282-4.2-15")
def _(node, payload, h, info):
    """Drops a compressed options header that ends with a padding which could have been elided."""
    if h.nhc & 0xF0 != 0xE0 or h.nhc & 0x0E not in {0, 6}:
        return False
    at = h.end + (1 if h.nhc & 1 else 2)
    end = at + 1 + payload[at] if at < len(payload) else 0
    return end and (payload[at] + 2) % 8 == 0 and payload[end - 4 : end] == b"\x01\x02\0\0"
