"""RFC 6282 §3 and §4, any combination: what a field means does not hang on what stands beside it.

Strategy: the other cases try each field with all its values; here legal headers are drawn at random, everything at
once: both IPHC octets, contexts, in-line fields, next headers and their NHC, in frames and in fragments. The draw is
the same in every run, so that a finding stays where it is. What the DUT does not take in its plainest form, such as
any group under a context, is left out: that is for the other cases to say.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice
from random import Random

import pytest

from fixtures.api import BROADCAST, Case, Coded, Stimulus, loses_nothing, needs, requirement, understood_all
from sixlowpan import DecodeError, decode
from suites.rfc6282.test_3_1 import fields, reserved

#: Headers that are tried in a case.
MANY = 240
NO_NEXT_HEADER, UDP, ICMPV6, ROUTING, DESTINATION, HOP_BY_HOP = 59, 17, 58, 43, 60, 0
MOBILITY = 135
EID = {HOP_BY_HOP: 0, ROUTING: 1, DESTINATION: 3, MOBILITY: 4}
CHAINS = (
    *((header,) for header in EID),
    (HOP_BY_HOP, DESTINATION),
    (ROUTING, DESTINATION),
    (DESTINATION, MOBILITY),
)
PREFIXES = ("fe80000000000000", "20010db800000000", "20010db8a5c36996", "fd00c3a569960000")
GROUP_PREFIXES = ("02", "05", "0e", "15", "1e", "35")


#: The plainest form of what some DUTs do not take at all; behind it come octets of data.
PLAIN = {
    "next-header": "7a33 3b",
    "udp": "7e33 f0 1234 5678 9abc",
    "extension-headers": "7e33 e6 3b 06 1e04 a1a2a3a4",
    "inner": "7e33 ee 7a33 3b",
    "group": "7a3c 3b 35a5 12345678",
}


def plain(case: Case, kind: str) -> Stimulus:
    """The plainest form of a kind."""
    tester, payload = case.tester, bytes.fromhex(PLAIN[kind]) + case.tester.pattern(8)
    info = tester.info(destination=BROADCAST) if kind == "group" and tester.kind != "ble" else tester.info()
    return Stimulus([payload], decode(payload, info, tester.contexts), info, f"plain: {kind}")


class Draw:
    """Legal payloads, drawn at random."""

    def __init__(self, case: Case, kind: str, seed: str) -> None:
        self.case, self.kind, self.random = case, kind, Random(seed)
        self.stateful_groups = 0 in case.tester.contexts and case.takes(lambda: plain(case, "group"))

    def octets(self, size: int) -> bytes:
        return self.random.randbytes(size)

    def of(self, *choices: bytes | int | str) -> bytes:
        """One of these: octets, a number that is one octet, or octets in hex."""
        chosen = self.random.choice(choices)
        if isinstance(chosen, int):
            return bytes([chosen])
        return bytes.fromhex(chosen) if isinstance(chosen, str) else chosen

    def word(self, *, nh: int) -> int:
        """The first two octets of IPHC (§3.1), with this NH, and contexts that there are."""
        known = self.case.tester.contexts
        while True:
            word = 0x6000 | self.random.getrandbits(13) & ~0x0400 | nh << 10
            *_, cid, sac, _, multicast, dac, _ = fields(word)
            if reserved(word) or ((cid or sac or dac) and 0 not in known):
                continue
            return word if not (multicast and dac) or self.groups() else word & ~0x0004

    def groups(self) -> list[int]:
        """The contexts that groups can have: RFC 3306 §4 has room for 64 bits of a prefix."""
        return self.stateful_groups * [
            key for key, context in self.case.tester.contexts.items() if context.length <= 64
        ]

    def iphc(self, *, nh: int, next_header: int = 0) -> bytes:
        """A whole IPHC header, its in-line fields in the order of §3.1.1 behind it."""
        word = self.word(nh=nh)
        tf, _, hlim, cid, sac, sam, multicast, dac, dam = fields(word)
        pair = b""
        if cid:
            known = list(self.case.tester.contexts)
            destination = self.random.choice(self.groups() if multicast and dac else known)
            pair = bytes([self.random.choice(known) << 4 | destination])
        flow = self.random.getrandbits(20)
        inline = (
            self.octets(1) + flow.to_bytes(3),
            (self.random.getrandbits(2) << 22 | flow).to_bytes(3),
            self.octets(1),
            b"",
        )[tf]
        inline += b"" if nh else bytes([next_header])
        inline += self.of(*range(1, 256)) if hlim == 0 else b""
        inline += b"" if sac and not sam else self.address(sam)
        if not multicast:
            inline += self.address(dam)
        elif dac:
            inline += self.of(*GROUP_PREFIXES) + self.octets(5)
        else:
            size = (14, 5, 3, 1)[dam]
            inline += (b"\xff" if dam == 0 else b"") + (self.of(*GROUP_PREFIXES) if dam < 3 else b"")
            inline += self.octets(size)
        return word.to_bytes(2) + pair + inline

    def address(self, mode: int) -> bytes:
        """What is in-line of a unicast address in this mode."""
        return (self.of(*PREFIXES) + self.octets(8), self.octets(8), self.octets(2), b"")[mode]

    def udp(self) -> bytes:
        """UDP NHC and what stands behind it (§4.3.3), a checksum in-line."""
        p = self.random.getrandbits(2)
        size = (4, 3, 3, 1)[p]
        return bytes([0xF0 | p]) + self.octets(size) + self.of(*range(1, 256)) + self.octets(1)

    def extension(self, header: int, next_header: int | None) -> bytes:
        """An NHC extension header (§4.2); `next_header` is None where that is encoded as well."""
        if header in {ROUTING, MOBILITY}:  # no segments are left; Mobility: type 0, reserved, checksum
            data = b"\x00\x00" + self.octets(4)
        else:  # an option that is passed over, its octets as many as need a padding that may be left out
            size = self.random.choice((2, 3, 4, 5, 9, 10, 11, 12))
            data = bytes([0x1E, size]) + bytes(octet | 0x80 for octet in self.octets(size))
        inline = b"" if next_header is None else bytes([next_header])
        return bytes([0xE0 | EID[header] << 1 | (next_header is None)]) + inline + bytes([len(data)]) + data

    def payload(self) -> bytes:
        """A payload of this kind."""
        data = self.octets(self.random.choice((0, 1, 7, 8, 40, 120, 200)))
        match self.kind:
            case "next-header":
                protocol = self.random.choice((NO_NEXT_HEADER, UDP, ICMPV6, 132, 253))
                return self.iphc(nh=0, next_header=protocol) + data
            case "udp":
                return self.iphc(nh=1) + self.udp() + data
            case "extension-headers":
                chain = self.random.choice(CHAINS)
                front = b"".join(self.extension(header, None) for header in chain[:-1])
                if self.random.getrandbits(1) and chain[-1] != MOBILITY:  # behind which RFC 6275 has none
                    return self.iphc(nh=1) + front + self.extension(chain[-1], None) + self.udp() + data
                return self.iphc(nh=1) + front + self.extension(chain[-1], NO_NEXT_HEADER) + data
            case _:
                extension = self.extension(DESTINATION, None) if self.random.getrandbits(1) else b""
                inner = (
                    self.iphc(nh=1) + self.udp()
                    if self.random.getrandbits(1)
                    else self.iphc(nh=0, next_header=17)
                )
                return self.iphc(nh=1) + extension + b"\xee" + inner + data

    def stimulus(self, number: int) -> Stimulus | None:
        """The next stimulus; None where the headers that were drawn need more than the first fragment."""
        case, tester = self.case, self.case.tester
        payload = self.payload()
        multicast = bool(payload[1] & 8) and tester.kind != "ble"
        info = tester.info(destination=BROADCAST) if multicast else tester.info()
        if number % 8 == 0 and case.declares("paging"):
            payload = bytes([0xF0 | number >> 3 & 1]) + payload  # RFC 8025: page 0 again, or page 1
        try:
            packet = decode(payload, info, tester.contexts)
            payloads = tester.payloads(packet, info, payload)
        except (DecodeError, ValueError):
            return None
        return Stimulus(payloads, packet, info, f"{self.kind} {number}: {payload[:48].hex(' ')}")


def coded(case: Case, kind: str, seed: str) -> Iterator[Coded]:
    """As many stimuli of a kind as are tried in a case."""
    draw = Draw(case, kind, seed)
    made = (draw.stimulus(number) for number in count())
    return ((None, lambda stimulus=stimulus: stimulus) for stimulus in islice(filter(None, made), MANY))


@needs("ip_tap")
@pytest.mark.parametrize("source", ["extended", "short"], ids="from-{}".format)
@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(
            "next-header", id="next-header", marks=requirement("RFC6282-3.2-01", "RFC6282-3.1.1-05")
        ),
        pytest.param(
            "udp", id="udp", marks=requirement("RFC6282-4.3-01", "RFC6282-4.3.3-05", "RFC6282-4.3.3-08")
        ),
        pytest.param(
            "extension-headers",
            id="extension-headers",
            marks=requirement("RFC6282-4.2-12", "RFC6282-4.2-03", "RFC6282-4.2-06", "RFC6282-4.2-15"),
        ),
        pytest.param(
            "inner", id="inner", marks=requirement("RFC6282-4.2-19", "RFC6282-4.2-10", "RFC6282-4.2-12")
        ),
    ],
)
@requirement(
    "RFC6282-3.2-01",
    *(f"RFC6282-3.1.1-{number:02}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 29, 38, 41)),
    *(f"RFC6282-3.1.2-{number:02}" for number in (1, 2, 5)),
    *("RFC6282-2-04", "RFC6282-2-06", "RFC6282-3.2-03", "RFC6282-3.2.2-06", "RFC8025-3-01", "RFC8025-3-02"),
)
def test_combinations(case: Case, kind: str, source: str):
    """Legal headers of this kind, everything in them drawn at random: each comes out as what it says."""
    if source == "short":
        case.short_sender()
    loses_nothing(case)
    if not case.takes(lambda: plain(case, kind)):
        case.unsupported(
            "the DUT does not answer such a header even when it is all in-line, which other cases judge"
        )
    understood_all(case, coded(case, kind, f"{kind} from {source}"))
