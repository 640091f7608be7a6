"""RFC 4944 §5.2 and §11, the mesh addressing header: "1 0 | V | F | HopsLft | originator address, final address".

A DUT that declares `mesh` must deliver what is for it. Any other may drop it; what it takes it must take rightly,
because a mesh header that is read wrongly turns into an IPv6 packet from somebody else.
"""

from itertools import count

import pytest

from fixtures.api import (
    Case,
    Identity,
    Stimulus,
    about,
    behind,
    in_line,
    interrupted,
    link_info,
    nothing_of,
    on_link,
    outcome,
    pieces,
    requirement,
    right_or_nothing,
    stimulus,
)
from sixlowpan import addresses, fragment, mac, mesh, mesh_header
from suites.rfc4944.test_3 import frame

pytestmark = on_link("ieee802154")

FORWARDER = bytes.fromhex("02005efffe0000fe")
STRANGER = bytes.fromhex("02005efffe00dead")


def deep(originator: bytes, final: bytes, hops: int) -> bytes:
    """A mesh header with Deep Hops Left, however small the number (RFC 4944 §5.2)."""
    return mesh.MeshHeader(hops, True, originator, final, 0).build()


def meshed(
    case: Case, header: bytes = b"", *, originator: bytes = b"", final: bytes = b"", hops: int = 5
) -> Stimulus:
    """An echo of the tester's behind a mesh header, in a frame that a forwarder sends.

    The elided source is the originator's, "found in the Mesh Addressing field" (RFC 4944 §10.1; RFC 6282 §3.2.2).
    """
    tester = case.tester
    originator = originator or tester.identity.link
    final = final or tester.dut_link
    inner = stimulus(case, tester.echo(), info=tester.info(originator, final))
    header = header or mesh_header(originator, final, hops)
    forwarder = FORWARDER if case.rig.link.any_source else tester.identity.link
    info = tester.info(forwarder)
    return Stimulus([header + inner.payloads[0]], inner.packet, info, f"mesh header {header.hex(' ')}")


@requirement(
    "RFC4944-11-03", "RFC4944-5.1-14", "RFC4944-5.2-06", "RFC4944-5.2-05", "RFC4944-10.1-02", "RFC4944-11-01"
)
@pytest.mark.parametrize("hops", [1, 5, 14, 15, 255], ids=str)
def test_for_the_dut(case: Case, hops: int):
    """ "If the node is itself the final destination, it consumes the packet as per normal delivery" (§11)."""
    right_or_nothing(case, lambda: meshed(case, hops=hops), feature="mesh")


@requirement("RFC4944-5.2-06", "RFC4944-10.1-02", "RFC4944-11-03")
def test_originators_in_turn(case: Case):
    """§10.1: an elided source is made from the Originator Address of the same frame, not of one before."""
    case.several_senders()
    one, two = case.tester.fresh(), case.tester.fresh()

    def front(originator: Identity) -> None:
        with case.tester.acting_as(originator):
            made = meshed(case)
            case.tester.ordinary.add(made.packet or b"")
            case.tester.control_ids.add((made.packet or b"")[44:48])
            case.tester.send(made)

    for originator, neighbour in ((one, two), (two, one)):
        case.tester.identity = originator
        right_or_nothing(case, lambda: meshed(case), feature="mesh")
        case.tester.identity = neighbour
        case.understood(behind(lambda who=originator: front(who), lambda: stimulus(case, case.tester.echo())))


@requirement("RFC4944-5.2-05", "RFC4944-11-03")
@pytest.mark.parametrize("hops", [1, 32], ids=str)
def test_deep_hops_left(case: Case, hops: int):
    """0xF in Hops Left: a Deep Hops Left octet follows, also where four bits would have done (§5.2)."""

    def make() -> Stimulus:
        return meshed(case, deep(case.tester.identity.link, case.tester.dut_link, hops))

    right_or_nothing(case, make, feature="mesh")


def between(case: Case, v: int, f: int) -> bytes:
    """The DUT's address of the size that F says; the tester speaks from one of V's from now on.

    `unsupported` where there is no such address.
    """
    link = case.rig.link
    final = link.dut_short if f else link.dut
    if not final or (v and not link.any_source):
        case.unsupported("there is no 16-bit address to put into the mesh header", "not_declared")
    if v:
        case.tester.fresh_short()
    return final


@requirement(
    "RFC4944-5.2-01",
    "RFC4944-5.2-02",
    "RFC4944-5.2-06",
    "RFC4944-5.2-07",
    "RFC4944-11-03",
    "RFC6282-3.2.2-05",
)
@pytest.mark.parametrize("v", [0, 1], ids=["v0", "v1"])
@pytest.mark.parametrize("f", [0, 1], ids=["f0", "f1"])
def test_address_sizes(case: Case, v: int, f: int):
    """V and F say 64 or 16 bits, each for itself: "allow for a mix of 16 and 64-bit addresses" (§5.2)."""
    tester, final = case.tester, between(case, v, f)

    def make() -> Stimulus:
        packet = tester.echo(destination=addresses.link_local(final))
        inner = stimulus(case, packet, info=tester.info(destination=final))
        header = mesh_header(tester.identity.link, final, 5)
        return Stimulus([header + inner.payloads[0]], packet, tester.info(FORWARDER, final), f"V={v} F={f}")

    right_or_nothing(case, make, feature="mesh")


@requirement("RFC4944-11-03", "RFC4944-5.2-02")
def test_for_another(case: Case):
    """§11: a mesh frame whose final destination is another node is not consumed by the DUT."""
    if not case.declares("mesh"):
        case.unsupported("the profile does not declare mesh", "not_declared")
    nothing_of(
        case,
        [meshed_for_another(case, hops) for hops in (1, 2, 14, 32)],
        code="consumed",
        requirement="RFC4944-11-03",
    )


def meshed_for_another(case: Case, hops: int) -> Stimulus:
    """An echo for the DUT's IPv6 address, all in-line, in a mesh frame whose final destination is a stranger."""
    tester = case.tester
    inner = stimulus(case, tester.echo(), SAC=0, SAM=0, DAC=0, DAM=0)
    header = mesh_header(tester.identity.link, STRANGER, hops)
    return Stimulus(
        [header + inner.payloads[0]], None, tester.info(FORWARDER), f"for another node, {hops} hops left"
    )


@about("mesh")
@requirement("RFC4944-5.2-04", "RFC4944-5.2-03", "RFC4944-11-04")
@pytest.mark.parametrize("hops", [1, 2, 14, 15], ids=str)
def test_forwarded(case: Case, hops: int):
    """What is forwarded has one hop less, and a packet whose Hops Left becomes zero is not (§5.2, §11)."""
    tester = case.tester
    made = meshed_for_another(case, hops)
    before = len(case.evidence.frames)
    outcome(case, [made])
    for tap, way, received in case.evidence.frames[before:]:
        header, payload = mac.parse(received.frame) if tap == "link" and way == "received" else (None, b"")
        if header is None or not payload or payload[0] >> 6 != 0b10:
            continue
        left = mesh.parse(payload, 0)
        if (left.originator, left.final) != (tester.identity.link, STRANGER):
            continue  # a mesh frame of its own
        case.expect(
            left.hops_left == hops - 1 and hops > 1,
            "hops_left",
            "not forwarded" if hops == 1 else f"Hops Left {hops - 1}",
            f"forwarded with Hops Left {left.hops_left}",
            frame=received.frame,
        )
        case.expect(
            header.src == tester.dut_link or header.src in {case.rig.link.dut, case.rig.link.dut_short},
            "forwarder_address",
            "the MAC source is the DUT's own address",
            header.src.hex(),
            requirement="RFC4944-11-04",
            frame=received.frame,
        )


@requirement("RFC4944-5-04", "RFC4944-5-02", "RFC4944-5.3-18", "RFC4944-5.2-06")
def test_fragments_behind_mesh(case: Case):
    """Mesh header, fragmentation header, IPHC: the key of a datagram is originator and final destination (§5.3)."""
    tester = case.tester

    def make() -> Stimulus:
        packet, parts = pieces(case, 120, 48)
        header = mesh_header(tester.identity.link, tester.dut_link, 3)
        info = tester.info(FORWARDER if case.rig.link.any_source else None)
        return Stimulus([header + part for part in parts], packet, info, "mesh, FRAG1 or FRAGN")

    right_or_nothing(case, make, feature="mesh")


@about("mesh")
@requirement("RFC4944-5.3-18", "RFC4944-5-04", "RFC4944-11-03")
def test_key_behind_mesh(case: Case):
    """§5.3: "the Originator Address if a Mesh Addressing field is present", and so for the final destination.

    One datagram by two forwarders is one; halves from two originators, or to two destinations, are none.
    """
    tester = case.tester
    case.several_senders()
    identity = tester.identity
    me, other = identity.link, tester.fresh().link
    tester.identity = identity

    stimuli = []
    for originator, final in ((other, tester.dut_link), (me, b"\xff\xff")):
        packet = tester.echo(120)
        for payload in (None, in_line(packet)):
            info, tag = tester.info(me), tester.next_tag()
            parts = fragment(packet, info, tester.contexts, mtu=53, tag=tag, payload=payload)
            ends = [(me, tester.dut_link)] * (len(parts) - 1) + [(originator, final)]
            sent = [mesh_header(*pair, 3) + part for pair, part in zip(ends, parts, strict=True)]
            note = f"the last fragment from {originator.hex()} to {final.hex()}"
            stimuli.append(Stimulus(sent, None, tester.info(FORWARDER), note))
    nothing_of(case, stimuli, code="mixed_originators")
    if not case.declares("mesh"):
        return

    def by_two_forwarders() -> Stimulus:
        packet, parts = pieces(case, 120, 48)
        parts = [mesh_header(me, tester.dut_link, 3) + part for part in parts]
        rest = Stimulus(parts[1:], packet, tester.info(FORWARDER), "the first fragment by another forwarder")
        return interrupted(case, rest, 0, frame(case, parts[0], src=FORWARDER[:-1] + b"\xfd"))

    case.understood(by_two_forwarders)

    def directly() -> Stimulus:
        packet, parts = pieces(case, 120, 48)
        rest = Stimulus(
            parts[1:], packet, tester.info(me), "all but the first fragment without a mesh header"
        )
        meshed = frame(case, mesh_header(me, tester.dut_link, 3) + parts[0], src=FORWARDER)
        return interrupted(case, rest, 0, meshed)

    case.understood(directly)


@requirement("RFC4944-11-03", "RFC4944-5.2-02")
@pytest.mark.parametrize("final", ["short", "like-ours", "by-broadcast"])
def test_for_others_like_us(case: Case, final: str):
    """§11: a final destination that equals the DUT's address in part only is another node: nothing is consumed."""
    tester, link = case.tester, case.rig.link
    if not case.declares("mesh"):
        case.unsupported("the profile does not declare mesh", "not_declared")
    short = link.dut_short or link.dut[-2:]
    strangers = {
        "short": [bytes([short[0] ^ 0x10, short[1]]), bytes([short[0], short[1] ^ 0x10]), link.dut[-2:]],
        "like-ours": [link.dut[:at] + bytes([link.dut[at] ^ 0x10]) + link.dut[at + 1 :] for at in range(8)],
        "by-broadcast": [STRANGER],
    }[final]
    inner = stimulus(case, tester.echo(), SAC=0, SAM=0, DAC=0, DAM=0).payloads[0]
    stimuli = []
    for stranger in strangers:
        if stranger in {link.dut, link.dut_short}:
            continue
        info = tester.info(FORWARDER, b"\xff\xff" if final == "by-broadcast" else None)
        header = mesh_header(tester.identity.link, stranger, 1)
        stimuli.append(Stimulus([header + inner], None, info, f"for {stranger.hex()}"))
    nothing_of(case, stimuli, code="consumed")


@requirement("RFC4944-11.1-01", "RFC4944-5.1-09", "RFC4944-11.1-03", "RFC4944-5-04", "RFC4944-11-03")
@pytest.mark.parametrize("stack", ["mesh-bc0", "bc0", "mesh-bc0-frag"])
def test_broadcast_header(case: Case, stack: str):
    """0x50 and a sequence number, "immediately following the Mesh header"; handling is out of scope (§11.1)."""
    tester = case.tester
    everybody = b"\xff\xff"
    tester.fresh()  # who suppresses broadcasts by their numbers (§11.1) has heard none of this originator
    numbers = count(254)  # each frame has its own, and they wrap

    def make() -> Stimulus:
        packet = tester.echo(120 if stack.endswith("frag") else 8, destination=addresses.ALL_NODES)
        made = stimulus(case, packet)
        if stack.endswith("frag"):
            made.payloads = fragment(
                packet, link_info(case, packet), tester.contexts, mtu=53, tag=tester.next_tag()
            )
        header = mesh_header(tester.identity.link, everybody, 3) if stack.startswith("mesh") else b""
        sent = [header + bytes([0x50, next(numbers) & 0xFF]) + part for part in made.payloads]
        return Stimulus(sent, packet, made.info, f"{stack} {sent[0][: len(header) + 2].hex(' ')}")

    for _ in range(4):
        made = make()  # tried again it has the same number: another one would try another
        right_or_nothing(case, lambda made=made: made, feature="broadcast")


@about("mesh", "broadcast")
@requirement("RFC4944-5.2-06", "RFC4944-5.2-05", "RFC4944-11.1-01")
def test_cut_short(case: Case):
    """Mesh and broadcast headers cut after every octet: nothing comes of them."""
    tester = case.tester
    whole = [
        mesh_header(tester.identity.link, tester.dut_link, 5),
        deep(tester.identity.link, tester.dut_link, 3),
    ]
    whole.append(mesh_header(tester.identity.link, tester.dut_link, 3) + b"\x50\x01")
    stimuli = [
        Stimulus([payload[:cut]], None, tester.info(), f"{payload.hex(' ')} cut after {cut} octets")
        for payload in whole
        for cut in range(1, len(payload) + 1)
    ]
    nothing_of(case, stimuli)


@requirement("RFC4944-5-02")
@pytest.mark.parametrize(
    "order",
    [
        *(pytest.param(order, marks=about("mesh")) for order in ("frag-mesh", "bc0-mesh", "mesh-mesh")),
        *(pytest.param(order, marks=about("broadcast")) for order in ("frag-bc0", "bc0-bc0")),
        "frag-frag",
    ],
)
def test_wrong_order(case: Case, order: str):
    """Headers in an order that §5 forbids to senders; what a receiver does is not stated: it lives on."""
    tester = case.tester
    parts = {
        "mesh": mesh_header(tester.identity.link, tester.dut_link, 3),
        "bc0": b"\x50\x09",
        "frag": bytes.fromhex("c038") + tester.next_tag().to_bytes(2),
    }
    header = b"".join(parts[name] for name in order.split("-"))
    case.survives(
        lambda: Stimulus([header + stimulus(case, tester.echo()).payloads[0]], None, tester.info(), order)
    )
