"""RFC 7400 §2, every code octet of Table 1 in turn; §3.1, the checksums of what is compressed.

What comes out of a code follows from its bits alone, and is written beside.
"""

import pytest

from fixtures.api import Case, Stimulus, about, checked, nothing_of, requirement
from suites.rfc4944.test_5_2_forms import taken
from suites.rfc7400.sending import literal
from suites.rfc7400.test_2_codes import COPY, KNOWN, SHIFTS, echo


def _copied_far(code: int) -> tuple[bytes, bytes]:
    """(data, codes) of a 101nssss and the shortest copy: from octets of KNOWN, with zeros in between."""
    count, sa = 2 + (code >> 1 & 8), (code & 15) << 3
    runs, rest = divmod(max(0, sa + count - 24), 17)
    zeros = b"\x8f" * runs + (b"" if not rest else literal(b"\0") if rest == 1 else bytes([0x7E + rest]))
    data = KNOWN + bytes(17 * runs + rest)
    at = len(data) - sa - count
    return data + data[at : at + count], literal(KNOWN) + zeros + bytes([code, 0xC0])


def _of_code(case: Case, code: int) -> Stimulus:
    """An Echo Request in which this code stands."""
    if code < 0x60:
        message = case.tester.echo(max(code, 8) - 8)
        parts = [message[40 : 40 + code], message[40 + code :]]
        codes = literal(parts[0]) + (literal(parts[1]) if parts[1] else b"")
        return checked(case, bytes.fromhex("7e33 df") + codes, message, f"a literal of {code} octets")
    if code < 0x90:
        return echo(case, KNOWN[:2] + bytes((code & 15) + 2), literal(KNOWN[:2]) + bytes([code]))
    if code < 0xC0:
        return echo(case, *_copied_far(code))
    count = (code >> 3 & 7) + 2
    at = len(KNOWN) - count - (code & 7)
    return echo(case, KNOWN + KNOWN[at : at + count], literal(KNOWN) + bytes([code]))


@about("ghc")
@pytest.mark.parametrize(
    "first",
    [
        pytest.param(0x00, id="literals", marks=requirement("RFC7400-2-02")),
        pytest.param(0x80, id="zeros", marks=requirement("RFC7400-2-03")),
        pytest.param(0xA0, id="shifts", marks=requirement(SHIFTS, COPY)),
        pytest.param(0xC0, id="copies", marks=requirement(COPY)),
    ],
)
@requirement("RFC7400-3.1-02")
def test_every_code(case: Case, first: int):
    """Each code octet that Table 1 defines, but for the stop code: none of them means what its neighbour does."""
    codes = range(first, {0x00: 0x60, 0x80: 0x90, 0xA0: 0xC0, 0xC0: 0x100}[first])
    taken(case, [lambda code=code: _of_code(case, code) for code in codes], "ghc")


@about("ghc")
@pytest.mark.parametrize(
    "protocol",
    [
        pytest.param("icmpv6", marks=requirement("RFC7400-3.1-02")),
        pytest.param("udp", marks=requirement("RFC7400-3.1-01")),
    ],
)
def test_checksum_as_it_came(case: Case, protocol: str):
    """A wrong checksum, in the message or in-line (RFC 6282 §4.3): decompression does not make it right."""
    tester = case.tester
    packet = tester.echo(12) if protocol == "icmpv6" else tester.datagram(12)
    at = 42 if protocol == "icmpv6" else 46
    packet = packet[:at] + bytes([packet[at] ^ 0x5A]) + packet[at + 1 :]
    codes = b"\xdf" + literal(packet[40:])
    if protocol == "udp":
        codes = b"\xd0" + packet[40:44] + packet[46:48] + literal(packet[48:])
    wrong = checked(case, bytes.fromhex("7e33") + codes, packet, f"{protocol} by GHC with a wrong checksum")
    nothing_of(case, [wrong], allowed=lambda made: made.packet)
