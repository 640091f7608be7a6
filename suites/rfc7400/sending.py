"""What the cases of RFC 7400 share: whether a packet came by GHC, and how the DUT is told that it may send it so."""

from __future__ import annotations

from fixtures.api import (
    ECHO_REPLY,
    NEIGHBOR_ADVERTISEMENT,
    Case,
    Make,
    Seen,
    Stimulus,
    addressed,
    right_or_nothing,
    stimulus,
)
from sixlowpan import explain, nd
from suites.rfc6282.test_4_2 import shows_behind


def literal(octets: bytes) -> bytes:
    """0kkkkkkk: up to 95 octets as they are (§2)."""
    return b"".join(
        bytes([len(octets[at : at + 95])]) + octets[at : at + 95] for at in range(0, len(octets), 95)
    )


def behind_a_header(case: Case, make: Make) -> None:
    """What stands behind extension headers by GHC is understood, where the DUT answers behind such a header at all."""
    if case.declares("ghc"):
        shows_behind(case, make)
    right_or_nothing(case, make, feature="ghc")


def by_ghc(case: Case, seen: Seen) -> bool:
    """Whether this packet, or the first fragment of it, carries bytecode of GHC (§3.1, §3.2)."""
    tree = explain(seen.payloads[0], seen.info, case.tester.contexts)
    return any(header.name == "GHC" for header in tree.children)


def told_by_6cio(case: Case) -> None:
    """A Neighbor Solicitation whose 6CIO has the G bit (§3.3): its sender reads GHC."""
    tester = case.tester
    own = b"" if tester.kind == "ble" else tester.link_option(1, tester.identity.link)
    packet = tester.solicitation(tester.dut_address, own + nd.CapabilityIndication().build())
    tester.ordinary.add(packet)
    made = stimulus(case, packet)
    case.sent_by(
        lambda: _send(case, made),
        lambda seen: seen.icmp_type == NEIGHBOR_ADVERTISEMENT,
    )


def told_by_ghc(case: Case) -> None:
    """An echo by GHC: "implicit capability detection" (§3.3)."""
    tester = case.tester
    packet = tester.echo()
    payload = bytes.fromhex("7e33 df") + literal(packet[40:])
    case.sent_by(
        lambda: _send(case, addressed(tester, Stimulus([payload], packet, tester.info()))),
        lambda seen: seen.icmp_type == ECHO_REPLY and seen.upper[4:] == packet[44:],
    )


def _send(case: Case, made: Stimulus) -> None:
    case.tester.send(made)


TOLD = {"6cio": told_by_6cio, "ghc": told_by_ghc}
