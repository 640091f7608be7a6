"""RFC 6282 §3.1.1 and §3.1.2, contexts whose length is not 64, and contexts that nobody defined."""

from typing import Any

import pytest

from fixtures.api import Case, Stimulus, needs, nothing_of, requirement, shown, stimulus, understood_if_shown
from sixlowpan import Context
from suites.rfc6282.test_3_1_2 import address

LONG, SHORT = (4, 5), (2, 3)
#: IID bits that contradict those of every standard context.
IID = bytes.fromhex("0123 4567 89ab cdef")
SAM_OCTETS = {0b01: 8, 0b10: 2, 0b11: 0}


def context(case: Case, identifier: int) -> Context:
    found = case.tester.contexts.get(identifier)
    if found is None:
        case.unsupported(f"the DUT does not hold context {identifier}", "not_declared")
    return found


def covered(found: Context, iid: bytes) -> bytes:
    """Bits of the context first, bits of the IID where it leaves some of the low 64, and zeros (RFC 6282 §3.1.1)."""
    mask = (1 << 128) - (1 << 128 - found.length)
    low = int.from_bytes(iid) & (1 << 64) - 1
    return (int.from_bytes(found.prefix) & mask | low & ~mask).to_bytes(16)


def by_hand(case: Case, identifier: int, mode: int, *, source: bool) -> Stimulus:
    """An echo whose source (or destination) has this mode, with in-line bits that contradict the context."""
    tester, found = case.tester, context(case, identifier)
    info = tester.info()
    link_iid = info.src_iid if source else info.dst_iid
    inline = {0b01: IID, 0b10: IID[6:], 0b11: b""}[mode]
    iid = {0b01: IID, 0b10: bytes.fromhex("000000fffe00") + IID[6:], 0b11: link_iid}[mode]
    stateful = covered(found, iid)
    if source:
        packet = tester.echo(source=tester.also(stateful))
        word, octet = 0x7A00 | 0x80 | 0x40 | mode << 4 | 3, identifier << 4
    else:
        packet = tester.echo(destination=stateful)
        word, octet = 0x7A00 | 0x80 | 0x30 | 0x04 | mode, identifier
    payload = word.to_bytes(2) + bytes([octet]) + b"\x3a" + inline + packet[40:]
    return Stimulus([payload], packet, info, f"context {identifier} (/{found.length}), mode {mode:02b}")


def covered_rightly(case: Case, identifier: int, mode: int, side: str) -> None:
    """What `by_hand` makes is understood, where the DUT can show it."""

    def make() -> Stimulus:
        return by_hand(case, identifier, mode, source=side == "source")

    if not case.dut.has_tap and side == "destination":
        if not case.can("address"):
            case.unsupported(
                "the DUT cannot be given the address, and no IP tap shows the packet", "not_observable"
            )
        case.give_address((make().packet or b"")[24:40])
    understood_if_shown(case, make)


#: Both addresses in each mode that has a context.
MODES_OF_A_CONTEXT = tuple(f"RFC6282-3.1.1-{number}" for number in (19, 20, 21, 22, 34, 35, 36))
MODES = pytest.mark.parametrize("mode", [0b01, 0b10, 0b11], ids=["64", "16", "0"])
SIDES = pytest.mark.parametrize("side", ["source", "destination"])


@needs("context")
@requirement("RFC6282-3.1.1-23", *MODES_OF_A_CONTEXT)
@pytest.mark.parametrize("identifier", LONG)
@MODES
@SIDES
def test_longer_than_64(case: Case, identifier: int, mode: int, side: str):
    """A context that reaches into the IID: its bits win over those in-line or from the link layer."""
    covered_rightly(case, identifier, mode, side)


@needs("context")
@requirement("RFC6282-3.1.1-24", *MODES_OF_A_CONTEXT)
@pytest.mark.parametrize("identifier", SHORT)
@MODES
@SIDES
def test_shorter_than_64(case: Case, identifier: int, mode: int, side: str):
    """A context shorter than 64 bits: "Any remaining bits are zero"."""
    covered_rightly(case, identifier, mode, side)


@requirement("RFC6282-3.1.2-06")
@pytest.mark.parametrize("side", ["source", "destination", "both"])
def test_undefined_context(case: Case, side: str):
    """A context that was never defined: the reaction is out of scope (§3.1.2); that nothing comes of it is advice."""
    unknown = next(i for i in (7, 12, 14) if i not in case.tester.contexts)
    nothing_of(
        case,
        [
            undefined(case, unknown, mode, side, bytes.fromhex(prefix))
            for mode in (0b01, 0b10, 0b11)
            for prefix in PREFIXES
        ],
    )


#: What a DUT might take an undefined context for: that of link-local addresses, none at all, and context 0.
PREFIXES = ("fe80000000000000", "0000000000000000", "20010db800000000")


def undefined(case: Case, unknown: int, mode: int, side: str, prefix: bytes) -> Stimulus:
    """An echo under a context that is not defined, which is a good one to a DUT that takes this prefix for it."""
    tester, info = case.tester, case.tester.info()
    source, destination = tester.identity.address, tester.dut_address
    src, dst, octet, inline = 0x30, 0x03, 0, b""
    if side != "destination":
        iid = {0b01: IID, 0b10: bytes.fromhex("000000fffe00") + IID[6:], 0b11: info.src_iid}[mode]
        source, src, octet = tester.also(prefix + iid), 0x40 | mode << 4, unknown << 4
        inline += iid[8 - SAM_OCTETS[mode] :]
    if side != "source":
        destination, dst, octet = prefix + destination[8:], 0x04 | mode, octet | unknown
        inline += destination[16 - SAM_OCTETS[mode] :]
    packet = tester.echo(source=source, destination=destination)
    payload = (0x7A80 | src | dst).to_bytes(2) + bytes([octet]) + b"\x3a" + inline + packet[40:]
    return Stimulus([payload], None, info, f"context {unknown} is not defined, mode {mode:02b}")


@needs("context", "join|ip_tap")
@requirement("RFC6282-3.1.1-41", "RFC6282-3.1.1-23", "RFC6282-3.2.4-01")
@pytest.mark.parametrize("identifier", [2, 3])
def test_multicast_of_a_short_prefix(case: Case, identifier: int):
    """§3.2.4: the prefix length in a unicast-prefix-based address is the context's, and so are its bits alone."""
    found = context(case, identifier)
    kept = address(case, identifier, bytes(8))
    group = bytes([0xFF, 0x35, 0x00, found.length]) + kept[:8] + bytes.fromhex("12345678")

    if not case.dut.has_tap:
        case.join(group)
    understood_if_shown(
        case, lambda: stimulus(case, case.tester.echo(destination=group), SAC=0, M=1, DAC=1, DAM=0)
    )


@requirement("RFC6282-3.2.1-02", "RFC6282-3.2.1-03")
@pytest.mark.parametrize("tf", [0b00, 0b01], ids=["tf00", "tf01"])
def test_reserved_bits_of_the_flow_label(case: Case, tf: int):
    """Pad bits that are not zero: no text says what a receiver makes of them; it lives on."""

    def make() -> Stimulus:
        header: dict[str, Any] = {"traffic_class": 0xAA if tf == 0 else 0x02, "flow_label": 0xABCDE}
        made = stimulus(case, case.tester.echo(**header), TF=tf)
        payload = bytearray(made.payloads[0])
        at = 2 + (payload[1] >> 7)
        payload[at + 1 if tf == 0 else at] |= 0xF0 if tf == 0 else 0x30
        made.payloads = [bytes(payload)]
        return made

    case.survives(make)


@requirement("RFC6282-3.2.1-02", "RFC6282-3.2.1-03", "RFC6282-3.2.1-01")
@pytest.mark.parametrize("label", [0, 1, 0x80000, 0xFFFFF, 0x0F0F0], ids="{:05x}".format)
def test_flow_labels(case: Case, label: int):
    """TF=00 and TF=01 with every part of the flow label, and traffic classes that no rotation changes."""
    for tf, traffic_class in ((0, 0x00), (0, 0xFF), (0, 0x55), (1, 0x00)):
        case.understood(
            lambda tf=tf, tc=traffic_class: stimulus(
                case, shown(case, traffic_class=tc, flow_label=label), TF=tf, NH=0
            )
        )
