"""RFC 6282 §4.2, extension headers that the DUT sends of itself: IPv6 fragments of what exceeds the MTU."""

import pytest

from fixtures.api import (
    ECHO_REQUEST,
    Case,
    Seen,
    breaches,
    joined,
    needs,
    nhc_offset,
    pause,
    requirement,
    well_sent,
)
from sixlowpan import ipv6

#: Octets of echo data that make an IPv6 packet larger than 1280.
LARGE = (1233, 1400, 2000)
MTU = 1280
FRAGMENT = 44


@needs("ping")
@requirement(
    "RFC6282-4.2-05", "RFC6282-4.2-20", "RFC4944-4-01", "RFC4944-5.3-08", "RFC6282-4.2-11", "RFC7668-3.2-04"
)
@pytest.mark.parametrize("size", LARGE, ids=str)
def test_ipv6_fragments(case: Case, size: int):
    """A ping of more than the MTU leaves as IPv6 fragments of 1280 octets at most, with Reserved 0 (RFC 8200 §4.5)."""
    tester, there = case.tester, case.tester.identity.address
    before, since = len(tester.heard), tester.now()
    identifier = tester.next_identifier()
    case.rig.node.ping(there, size, identifier, 1)
    pause(case, case.rig.file.settle)
    came = case.control()  # what the DUT was told to send before is not on its way any more
    found = [seen for seen in tester.heard[before:] if _is_part(seen, there)]
    for seen in found:
        assert seen.view is not None
        case.expect(
            len(seen.packet) <= MTU,
            "beyond_mtu",
            f"packets of {MTU} octets at most",
            f"{len(seen.packet)} octets",
            requirement="RFC4944-4-01",
            frame=seen,
        )
        _well_sent_part(case, seen)
    stray = [heard for heard in tester.incomplete(since) if heard.info.dst == tester.identity.link]
    for breach in breaches(stray, tester.contexts) if came and case.rig.file.attempts == 1 else ():
        case.breached(breach)
    wrong = [seen for seen in tester.heard[before:] if seen.error is not None]
    for seen in wrong:
        well_sent(case, seen)
    if not found and not case.result.findings:
        case.unsupported("the DUT's ping sends nothing of this size")
    parts = [seen for seen in found if seen.view is not None and seen.view.next_header == FRAGMENT]
    if parts and came and not case.result.findings and case.rig.file.attempts == 1:
        whole = joined([seen.packet for seen in parts])
        message = ipv6.icmpv6(ECHO_REQUEST, 0, whole[4:], parts[0].packet[8:24], there)
        case.expect(
            whole == message and len(whole) == size + 8,
            "ipv6_fragments",
            f"fragments that make an Echo Request of {size + 8} octets",
            f"{len(whole)} octets, {'with' if whole == message else 'without'} a right checksum",
            requirement="RFC6282-4.2-20",
            frame=parts[0],
        )


def _is_part(seen: Seen, there: bytes) -> bool:
    if seen.view is None or seen.view.dst != there:
        return False
    return seen.view.next_header == FRAGMENT or (seen.icmp_type == ECHO_REQUEST and len(seen.packet) > MTU)


def _well_sent_part(case: Case, seen: Seen) -> None:
    """Decodes and lints; and the octet behind the NHC octet is Reserved, "initialized to zero" (RFC 8200 §4.5)."""
    well_sent(case, seen)
    payload = seen.payloads[0]
    at = 4 if payload[0] >> 3 == 0b11000 else 0
    offset = nhc_offset(payload[at:]) if payload[at] >> 5 == 0b011 else None
    if offset is None or payload[at + offset] & 0xFE != 0xE4:
        return
    where = at + offset + (1 if payload[at + offset] & 1 else 2)
    case.expect(
        payload[where] == 0,
        "fragment_reserved",
        "the Reserved octet of a Fragment header is 0",
        f"{payload[where]:02x}",
        requirement="RFC6282-4.2-05",
        frame=seen,
    )
