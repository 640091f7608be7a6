"""RFC 6282 §3.1.2, context identifier extension: "SCI: Source Context Identifier ... DCI: Destination ..."."""

from collections.abc import Iterator

import pytest

from fixtures.api import (
    Case,
    Stimulus,
    forms,
    link_info,
    needs,
    requirement,
    spelled,
    stimulus,
    understood_all,
    understood_if_shown,
)
from suites.rfc6282.test_3_1 import modes

IDENTIFIERS = [0, 1, 2, 3, 9, 15]


def address(case: Case, identifier: int, iid: bytes) -> bytes:
    """An address under a shared context; bits of the context win over those of the IID (RFC 6282 §3.1.1)."""
    context = case.tester.contexts.get(identifier)
    if context is None:
        case.unsupported(f"the DUT does not hold context {identifier}", "not_declared")
    mask = (1 << 128) - (1 << 128 - context.length)
    rest = int.from_bytes(iid) & ((1 << 64) - 1) & ~mask
    return (int.from_bytes(context.prefix) & mask | rest).to_bytes(16)


@needs("context")
@requirement(
    "RFC6282-3.1.1-12", "RFC6282-3.1.2-01", "RFC6282-3.1.2-02", "RFC6282-3.1.2-03", "RFC6282-3.1.1-13"
)
@pytest.mark.parametrize("sci", IDENTIFIERS)
def test_source_context(case: Case, sci: int):
    """CID=1: the source is made with the context of the high nibble, right behind the DAM bits."""
    source = case.tester.also(address(case, sci, case.tester.identity.address[8:]))
    understood_if_shown(
        case, lambda: _with(case, source, case.tester.dut_address, sci, 0, SAC=1, SAM=0b11, CID=1)
    )


@needs("context", "address|ip_tap")
@requirement("RFC6282-3.1.1-12", "RFC6282-3.1.2-01", "RFC6282-3.1.2-02", "RFC6282-3.1.2-03")
@pytest.mark.parametrize("dci", IDENTIFIERS)
def test_destination_context(case: Case, dci: int):
    """CID=1: the destination is made with the context of the low nibble."""
    destination = address(case, dci, case.tester.info().dst_iid)
    if not case.dut.has_tap:
        case.give_address(destination)
    understood_if_shown(
        case,
        lambda: _with(case, case.tester.identity.address, destination, 0, dci, M=0, DAC=1, DAM=0b11, CID=1),
    )


@needs("context", "address|ip_tap")
@requirement("RFC6282-3.1.2-01", "RFC6282-3.1.2-02")
@pytest.mark.parametrize(("sci", "dci"), [(0, 1), (1, 0), (9, 1), (1, 9)], ids=lambda n: f"{n}")
def test_two_contexts(case: Case, sci: int, dci: int):
    """Source and destination with different contexts: the nibbles are not mistaken for each other."""
    source = case.tester.also(address(case, sci, case.tester.identity.address[8:]))
    destination = address(case, dci, case.tester.info().dst_iid)
    if not case.dut.has_tap:
        case.give_address(destination)
    understood_if_shown(
        case, lambda: _with(case, source, destination, sci, dci, SAC=1, SAM=0b11, DAC=1, DAM=0b11, CID=1)
    )


@needs("context")
@requirement("RFC6282-3.1.2-04", "RFC6282-3.1.1-11")
def test_context_zero_is_the_default(case: Case):
    """CID=0 with SAC=1: context 0, and no extension octet."""
    source = case.tester.also(address(case, 0, case.tester.identity.address[8:]))
    understood_if_shown(case, lambda: stimulus(case, case.tester.echo(source=source), SAC=1, SAM=0b11, CID=0))


@requirement("RFC6282-3.1.2-05", "RFC6282-3.1.1-12")
@pytest.mark.parametrize("nibbles", [0x00, 0x50, 0x07, 0xEE], ids=lambda n: f"{n:02x}")
def test_unused_nibbles(case: Case, nibbles: int):
    """CID=1 though neither address is stateful: the octet is there, is skipped, and means nothing."""

    def make() -> Stimulus:
        packet = case.tester.echo()
        info = link_info(case, packet)
        payload = min(forms(packet, info, case.tester.contexts, CID=0, SAC=0, DAC=0), key=len)
        payload = bytes([payload[0], payload[1] | 0x80, nibbles]) + payload[2:]
        return Stimulus([payload], packet, info, f"CID octet {nibbles:02x}")

    case.understood(make)


@needs("context", "ip_tap")
@requirement("RFC6282-3.1.2-01", "RFC6282-3.1.2-02", "RFC6282-3.1.2-05", "RFC6282-3.2.2-04")
def test_every_pair_of_contexts(case: Case):
    """Each source mode that has a context or none, with each such destination mode, under each pair of contexts.

    SAC=1 SAM=00 and SAC=0 use no context; a destination is unicast, or multicast with or without a context.
    """
    known = list(case.tester.contexts)

    def heads() -> Iterator[bytes]:
        for source, src in ((0x10, 8), (0x40, 0), (0x50, 8), (0x60, 2), (0x70, 0)):
            for destination, dst in ((0x02, 2), (0x05, 8), (0x06, 2), (0x07, 0), (0x0A, 4), (0x0C, 6)):
                for pair in (sci << 4 | dci for sci in known for dci in known):
                    if destination == 0x0C and case.tester.contexts[pair & 15].length > 64:
                        continue  # RFC 3306 §4 has room for 64 bits of a prefix
                    inline = bytes.fromhex("0123456789abcdef")[-src:] if src else b""
                    inline += bytes.fromhex("35a56789abcdef12")[:dst]
                    yield bytes([0x7A, 0x80 | source | destination, pair, 58]) + inline

    understood_all(case, ((modes(head[1]), lambda head=head: spelled(case, head)) for head in heads()))


def _with(case: Case, source: bytes, destination: bytes, sci: int, dci: int, **fields: int) -> Stimulus:
    """The packet in a form whose context octet is exactly this."""
    packet = case.tester.echo(source=source, destination=destination)
    info = link_info(case, packet)
    for payload in sorted(forms(packet, info, case.tester.contexts, **fields), key=len):
        if payload[2] == sci << 4 | dci:
            return Stimulus([payload], packet, info, f"SCI={sci} DCI={dci}")
    # a legal encoder leaves CID out where both are 0: set it by hand, the text allows it
    fields["CID"] = 0
    payload = min(forms(packet, info, case.tester.contexts, **fields), key=len)
    payload = bytes([payload[0], payload[1] | 0x80, sci << 4 | dci]) + payload[2:]
    return Stimulus([payload], packet, info, f"SCI={sci} DCI={dci}")
