"""RFC 6282 §3.2.2, an elided unicast destination in a broadcast frame: "derived from ... the encapsulating header".

The encapsulating header names 0xffff, so the address is fe80::ff:fe00:ffff, which is nobody's: it is not the DUT's own.
"""

from fixtures.api import Case, Stimulus, needs, nothing_of, on_link, requirement
from sixlowpan import decode, ipv6
from sixlowpan.addresses import BROADCAST

pytestmark = on_link("ieee802154")


def for_own(case: Case, head: bytes, own: bytes) -> Stimulus:
    """An echo behind these octets of IPHC, in a broadcast, with the checksum of one to an address of the DUT's own."""
    tester = case.tester
    source = tester.identity.address
    body = tester.next_identifier().to_bytes(2) + b"\0\1" + tester.pattern(8)
    message = ipv6.icmpv6(128, 0, body, source, own)
    note = f"{head.hex(' ')} in a broadcast, the checksum for {own.hex()}"
    return Stimulus([head + message], None, tester.info(destination=BROADCAST), note)


def as_it_is(case: Case, made: Stimulus) -> bytes:
    return decode(made.payloads[0], made.info, case.tester.contexts)


@requirement("RFC6282-3.1.1-32", "RFC6282-3.2.2-05")
def test_link_local(case: Case):
    """M=0 DAC=0 DAM=11 in a broadcast: nothing answers, whichever link-local address of the DUT the checksum is for."""
    own = {case.tester.dut_address}
    own |= {address for address in case.rig.node.addresses() if address[:8] == case.tester.dut_address[:8]}
    stimuli = [
        for_own(case, bytes.fromhex(head), address)
        for address in sorted(own)
        for head in ("7a333a", "78333a40")
    ]
    nothing_of(case, stimuli, code="own_address", allowed=lambda made: as_it_is(case, made))


@needs("context", "address")
@requirement("RFC6282-3.1.1-36", "RFC6282-3.2.2-06")
def test_under_a_context(case: Case):
    """M=0 DAC=1 DAM=11 in a broadcast: nothing answers, though the DUT has an address under the context's prefix."""
    tester = case.tester
    stimuli = []
    for identifier, context in tester.contexts.items():
        if context.length != 64:
            continue
        own = context.prefix[:8] + tester.dut_address[8:]
        case.give_address(own)
        stimuli.append(for_own(case, bytes([0x7A, 0xB7, identifier, 58]), own))
        break
    if not stimuli:
        case.unsupported("no context of 64 bits")
    nothing_of(case, stimuli, code="own_address", allowed=lambda made: as_it_is(case, made))
