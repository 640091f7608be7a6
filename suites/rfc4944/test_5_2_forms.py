"""RFC 4944 §5 and §11, what is behind a mesh or broadcast header has the forms and the meaning of what is behind none.

What is elided comes from the originator and the final destination (§10.1; RFC 6282 §3.2.2). Only a DUT that declares
`mesh` has to take it; what another makes of it is right, or nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from fixtures.api import (
    BATCH,
    Case,
    Make,
    Stimulus,
    about,
    needs,
    nothing_came,
    nothing_of,
    on_link,
    requirement,
    right_or_nothing,
    spelled,
    stimulus,
    understood_all,
)
from sixlowpan import fragment, mesh_header
from sixlowpan.addresses import ALL_NODES, link_local
from suites.rfc4944.test_5_2 import FORWARDER, between, deep
from suites.rfc6282.test_2_fragments import TRAFFIC
from suites.rfc6282.test_3_1 import head, reserved
from suites.rfc6282.test_4_2_chains import OUTER
from suites.rfc6282.test_4_3 import unprotected

pytestmark = on_link("ieee802154")

EVERYBODY = b"\xff\xff"
#: IPHC header words: each first octet, and each second one behind 7a and 7e.
WORDS = tuple(
    dict.fromkeys(
        [
            *(first << 8 | 0x33 for first in range(0x60, 0x80)),
            *(first << 8 | second for first in (0x7A, 0x7E) for second in range(256)),
        ]
    )
)
OPTIONS = bytes.fromhex("7e33 e0 3a 06 1e04a1a2a3a4")


def meshed(case: Case, inner: Stimulus, *, sequence: int | None = None, hops: int = 5) -> Stimulus:
    """A stimulus behind a mesh header, and behind a broadcast header where it has a sequence number: its first frame's.

    Each frame has a number of its own: who suppresses what it has had by numbers (§11.1) takes all of them.
    """
    header = mesh_header(inner.info.src, inner.info.dst, hops)
    numbers = [
        b"" if sequence is None else bytes([0x50, sequence + n & 0xFF]) for n in range(len(inner.payloads))
    ]
    forwarder = FORWARDER if case.rig.link.any_source else inner.info.src
    info = replace(
        inner.info, src=forwarder, dst=EVERYBODY if inner.info.dst == EVERYBODY else case.tester.dut_link
    )
    note = f"behind {(header + numbers[0]).hex(' ')}: {inner.note}"
    sent = [header + number + payload for number, payload in zip(numbers, inner.payloads, strict=True)]
    return Stimulus(sent, inner.packet, info, note)


def taken(case: Case, makes: Sequence[Make], feature: str) -> None:
    """All are understood by a DUT that declares the feature; another understands them rightly, or ignores them."""
    if case.declares(feature):
        understood_all(case, [(None, make) for make in makes])
        return
    for start in range(0, len(makes), BATCH):
        nothing_came(case, [make() for make in makes[start : start + BATCH]])


@about("mesh")
@needs("ip_tap", "context")
@requirement(
    "RFC4944-5-04",
    "RFC4944-11-03",
    "RFC6282-3.1.1-01",
    "RFC6282-3.1.1-02",
    "RFC6282-3.1.1-03",
    "RFC6282-3.1.1-07",
    "RFC6282-3.1.1-08",
    "RFC6282-3.1.1-09",
    "RFC6282-3.1.1-10",
    "RFC6282-3.1.1-14",
    "RFC6282-3.1.1-22",
    "RFC6282-3.1.1-32",
    "RFC6282-3.1.1-39",
    "RFC6282-4.3.3-06",
    "RFC6282-4.2-13",
)
def test_every_header(case: Case):
    """Each octet of IPHC, UDP and options means behind a mesh header what it means without one."""

    def made(octets: bytes) -> Callable[[], Stimulus]:
        return lambda: meshed(case, spelled(case, octets))

    makes = [made(head(case, word)) for word in WORDS if not reserved(word)]
    makes += [made(octets) for octets in TRAFFIC]
    for word in (
        0x7A33,
        0x7A73,
        0x7A37,
        0x7A77,
    ):  # in fragments as well, with elided addresses, link-local or not
        makes.append(lambda word=word: meshed(case, spelled(case, head(case, word), size=120)))
    makes += [lambda: meshed(case, _with_ports(case)), lambda: meshed(case, _with_options(case))]
    taken(case, makes, "mesh")


def _with_ports(case: Case) -> Stimulus:
    tester = case.tester
    packet = tester.datagram(source_port=0xF0B1, destination_port=0xF0BE)
    return stimulus(case, packet, NH=1, P=0b11)


def _with_options(case: Case) -> Stimulus:
    from sixlowpan import decode

    payload = OPTIONS + case.tester.echo()[40:]
    info = case.tester.info()
    return Stimulus([payload], decode(payload, info, case.tester.contexts), info, "hop-by-hop options")


@requirement("RFC4944-5-04", "RFC4944-11-03", "RFC4944-5.2-07", "RFC6282-3.1.1-32")
@pytest.mark.parametrize("what", ["uncompressed", "fragments", "group", "elided-short", "elided-extended"])
def test_what_follows_a_mesh_header(case: Case, what: str):
    """§5: an uncompressed packet, fragments, a multicast, destinations elided against each address of the DUT."""
    tester, link = case.tester, case.rig.link

    def make() -> Stimulus:
        if what == "group":
            return meshed(case, stimulus(case, tester.echo(destination=ALL_NODES)))
        if what == "uncompressed":
            return meshed(case, stimulus(case, tester.echo(), dispatch=0x41))
        if what == "fragments":
            packet = tester.echo(120)
            info = tester.info()
            parts = fragment(packet, info, tester.contexts, mtu=69, tag=tester.next_tag())
            return meshed(case, Stimulus(parts, packet, info, "fragments"))
        final = link.dut_short if what == "elided-short" else link.dut
        info = tester.info(destination=final)
        return meshed(case, stimulus(case, tester.echo(destination=link_local(final)), info=info, DAM=3))

    if what == "elided-short" and not link.dut_short:
        case.unsupported("the DUT has no short address")
    right_or_nothing(case, make, feature="mesh")


@requirement("RFC4944-5.2-01", "RFC4944-5.2-02", "RFC4944-5.2-05", "RFC4944-5.3-18", "RFC4944-5-04")
@pytest.mark.parametrize("v", [0, 1], ids=["v0", "v1"])
@pytest.mark.parametrize("f", [0, 1], ids=["f0", "f1"])
def test_fragments_between_addresses_of_each_size(case: Case, v: int, f: int):
    """§5.2: fragments behind 16- and 64-bit addresses, each with other Hops Left, every second one with a Deep one."""
    tester, final = case.tester, between(case, v, f)

    def make() -> Stimulus:
        packet, info = tester.echo(160, destination=link_local(final)), tester.info(destination=final)
        parts = fragment(packet, info, tester.contexts, mtu=69, tag=tester.next_tag())
        headers = [(deep if n % 2 else mesh_header)(info.src, info.dst, 9 - n) for n in range(len(parts))]
        made = meshed(case, Stimulus(parts, packet, info, f"fragments, V={v} F={f}"))
        return replace(made, payloads=[header + part for header, part in zip(headers, parts, strict=True)])

    right_or_nothing(case, make, feature="mesh")


@requirement("RFC4944-5-04", "RFC4944-5-02", "RFC4944-11.1-01", "RFC4944-5.1-09")
@pytest.mark.parametrize("what", ["compressed", "uncompressed", "fragments"])
@pytest.mark.parametrize("sequence", [0, 1, 255], ids=str)
def test_what_follows_a_broadcast_header(case: Case, what: str, sequence: int):
    """§5: mesh header, broadcast header with any sequence number, then a packet in either form, or fragments."""
    tester = case.tester

    def make() -> Stimulus:
        tester.fresh()
        packet = tester.echo(120 if what == "fragments" else 8, destination=ALL_NODES)
        info = tester.info(destination=EVERYBODY)
        if what == "uncompressed":
            inner = stimulus(case, packet, info=info, dispatch=0x41)
        elif what == "fragments":
            parts = fragment(packet, info, tester.contexts, mtu=69, tag=tester.next_tag())
            inner = Stimulus(parts, packet, info, "fragments")
        else:
            inner = stimulus(case, packet, info=info)
        return meshed(case, inner, sequence=sequence)

    right_or_nothing(case, make, feature="broadcast")


@needs("ip_tap")
@requirement("RFC4944-5-04", "RFC6282-4.2-10", "RFC6282-4.2-19", "RFC6282-3.2.2-01")
@pytest.mark.parametrize("front", [bytes.fromhex("7e33 ee"), OUTER], ids=["outer-elided", "outer-in-line"])
def test_inner_header_behind_a_mesh_header(case: Case, front: bytes):
    """IPv6 in IPv6: what the inner header elides comes from the outer one (§3.2.2), and not from the mesh header."""
    right_or_nothing(
        case, lambda: meshed(case, spelled(case, bytes.fromhex("7a33 3a"), front=front)), feature="mesh"
    )


@about("mesh")
@needs("ip_tap|port_unreachable")
@requirement("RFC6282-4.3.2-12", "RFC4944-5-04")
def test_elided_checksum_behind_a_mesh_header(case: Case):
    """C=1 behind a mesh header, where no link-layer security is: "the decompressor MUST drop the packet" (§4.3.2)."""
    unprotected(case)
    tester = case.tester
    stimuli = [
        Stimulus([bytes.fromhex(octets) + tester.pattern(12)], None, tester.info(), f"C=1: {octets}")
        for octets in ("7e33 f4 12345678", "7e33 f7 12")
    ]
    nothing_of(case, [meshed(case, made) for made in stimuli])
