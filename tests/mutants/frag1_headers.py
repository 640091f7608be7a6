"""Mutants that do not know one kind of header in a FRAG1, though they know it in a whole packet (RFC 6282 §2)."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import DecodeError
from tests.mutants import ANY, IEEE802154, mutant
from tests.mutants.fragment_corners import in_first_fragments
from tests.mutants.wire import iphc


def dropped(id: str, requirement: str, what: str, holds):
    """Register a node that drops a FRAG1 where holds(IPHC header, octets behind the FRAG1 header)."""

    class Dropping(ReferenceNode):
        def reassemble(self, payload, info):
            if payload[0] >> 3 == 0x18:
                header = iphc(payload[4:])
                if header is not None and len(payload) > 4 + header.nh_at and holds(header, payload[4:]):
                    raise DecodeError("unsupported", 4, None, "unknown in a first fragment")
            return super().reassemble(payload, info)

    mutant(id, requirement=requirement, kinds=IEEE802154, what=what)(Dropping)


EXTENSIONS = {
    "hop-by-hop": (0, "03"),
    "routing": (1, "04"),
    "fragment": (2, "05"),
    "destination": (3, "06"),
    "inner": (7, "10"),
}
for name, (eid, row) in EXTENSIONS.items():
    dropped(
        f"frag1-nhc-{name}-dropped",
        f"RFC6282-4.2-{row}",
        f"Drops a FRAG1 whose first NHC octet has EID {eid}.",
        lambda h, octets, eid=eid: h.nhc >> 4 == 0xE and h.nhc >> 1 & 7 == eid,
    )

PROTOCOLS = {"udp": 17, "options": 60, "routing": 43, "fragment": 44, "hop-by-hop": 0, "inner": 41}
for name, protocol in PROTOCOLS.items():
    dropped(
        f"frag1-plain-{name}-dropped",
        "RFC6282-3.1.1-05",
        f"Drops a FRAG1 whose in-line next header is {protocol}.",
        lambda h, octets, protocol=protocol: not h.nh and octets[h.nh_at] == protocol,
    )

dropped(
    "frag1-cid-without-need-dropped",
    "RFC6282-3.1.2-05",
    "Drops a FRAG1 with a context octet that no address needs.",
    lambda h, octets: h.cid and not h.sac and not h.dac,
)
dropped(
    "frag1-hlim-inline-beside-nhc-dropped",
    "RFC6282-3.1.1-07",
    "Drops a FRAG1 with an in-line hop limit and NH=1.",
    lambda h, octets: h.nh and not h.hlim,
)
dropped(
    "frag1-chain-of-two-dropped",
    "RFC6282-4.2-12",
    "Drops a FRAG1 with a compressed extension header that another NHC octet follows.",
    lambda h, octets: h.nhc >> 4 == 0xE and h.nhc & 1 and h.nhc >> 1 & 7 < 5,
)


@in_first_fragments("frag1-udp-length-with-options", "RFC6282-4.3.3-08")
def _(node, octets, header):
    """Counts a compressed extension header in front of UDP into its length, in a FRAG1."""
    if header.nhc >> 4 == 0xE and header.nhc & 1 and header.nhc & 0xFE != 0xEE and len(octets) >= 56:
        at = 40 + 8 * (octets[41] + 1)
        if octets[40] == 17 and len(octets) >= at + 8:
            octets[at + 4 : at + 6] = octets[4:6]


@in_first_fragments("frag1-inner-udp-length", "RFC6282-4.3.3-08")
def _(node, octets, header):
    """Gives UDP behind an inner IPv6 header the Payload Length of the outer one, in a FRAG1."""
    if header.nhc & 0xFE == 0xEE and len(octets) >= 88 and octets[46] == 17:
        octets[84:86] = octets[4:6]


@mutant("ghc-udp-elided-checksum-accepted", requirement="RFC6282-4.3.2-12", kinds=ANY)
class GhcElided(ReferenceNode):
    """Restores a checksum that UDP by GHC elides, though no integrity check was in place."""

    def understand(self, payload, info):
        header = iphc(payload)
        if header is not None and header.nhc >> 2 == 0b110101:
            info = replace(info, integrity=True)
        return super().understand(payload, info)
