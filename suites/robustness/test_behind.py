"""A packet behind something that the DUT refuses, or that is not its own: it is taken as if nothing had come before.

"a compliant implementation MUST be able to process" packets (RFC 6282 §2), whatever frame was the last.
"""

from collections.abc import Iterator
from dataclasses import replace

from fixtures.api import (
    FULL,
    Case,
    Frame,
    Stimulus,
    behind,
    heeded,
    needs,
    on_link,
    pieces,
    requirement,
    spelled,
    stimulus,
    understood_all,
    whole,
)
from sixlowpan.addresses import ALL_NODES
from suites.rfc4944.test_3 import BROADCAST, frame

#: Payloads of which nothing can come: empty, cut, unknown and reserved ones.
REFUSED = {
    "no octet": b"",
    "NALP": bytes.fromhex("00 7a333a8000"),
    "one octet of IPHC": b"\x7a",
    "IPHC without in-line fields": bytes.fromhex("6000"),
    "IPHC with half a source": bytes.fromhex("7a03 3a fe80 0000"),
    "NH=1 and nothing behind": bytes.fromhex("7e33"),
    "an unassigned NHC octet": bytes.fromhex("7e33 fe 1234"),
    "UDP NHC cut in its ports": bytes.fromhex("7e33 f0 12"),
    "an extension header beyond the payload": bytes.fromhex("7e33 e0 3a 20 1e00"),
    "a reserved EID": bytes.fromhex("7e33 ea 3a 06 1e04a1a2a3a4"),
    "a reserved DAM": bytes.fromhex("7a34 3a 8000"),
    "a dispatch of no document": bytes.fromhex("45 0102030405"),
    "an unknown page": bytes.fromhex("f7 7a333a8000"),
    "ESC": bytes.fromhex("40 00 7a333a8000"),
}
FRAGMENTS = {
    "half a FRAG1": bytes.fromhex("c0f8"),
    "FRAG1 without octets": bytes.fromhex("c0f87700"),
    "FRAG1 with NALP": bytes.fromhex("c0f87701 00000000"),
    "FRAG1 of 8 octets in all": bytes.fromhex("c0087702 7a333a8000"),
    "FRAGN without octets": bytes.fromhex("e0f8770308"),
    "FRAGN beyond datagram_size": bytes.fromhex("e0407704ff 0102030405060708"),
}


@requirement("RFC6282-2-04", "RFC4944-5.1-03", "RFC6282-3-01")
def test_refused(case: Case):
    """An echo right behind each payload that is refused is taken, and so is the one behind that."""

    def behind(bad: bytes, name: str) -> Stimulus:
        good = stimulus(case, case.tester.echo(10))
        return Stimulus([bad, *good.payloads], good.packet, good.info, f"behind {name}")

    def makes() -> Iterator[tuple[None, Frame]]:
        for name, bad in REFUSED.items():
            yield None, lambda bad=bad, name=name: behind(bad, name)
            yield None, lambda: stimulus(case, case.tester.echo(10))

    understood_all(case, makes(), alone=False)  # that nothing comes of the bad ones is for other cases


#: IPHC with TF=00, CID=1 and both identifiers in-line: what was read of it where it is cut must not count for the next.
BROKEN = bytes.fromhex("60d5 11 3f0fffff 3b 07") + bytes(range(1, 17))


@needs("ip_tap", "context")
@requirement(
    "RFC6282-2-04",
    "RFC6282-3.1.1-11",
    "RFC6282-3.1.1-04",
    "RFC6282-3.1.1-09",
    "RFC6282-3.1.1-05",
    "RFC6282-3.1.1-07",
)
def test_broken_off(case: Case):
    """Behind a header that breaks off at each octet: context 0 for CID=0, no traffic class, hop limit 64 (§3.1.1)."""
    tester = case.tester
    if 0 not in tester.contexts or 1 not in tester.contexts:
        case.unsupported("the DUT does not hold contexts 0 and 1", "not_declared")

    def makes() -> Iterator[tuple[None, Frame]]:
        for cut in range(2, len(BROKEN)):
            for octets in ("7a55 3a", "6055 b1012345 3a 21"):  # with nothing of it in-line, and with all
                head = bytes.fromhex(octets) + tester.identity.address[8:] + tester.dut_address[8:]
                yield None, lambda cut=cut, head=head: _behind(BROKEN[:cut], spelled(case, head))

    understood_all(case, makes(), alone=False)


def _behind(bad: bytes, good: Stimulus) -> Stimulus:
    return replace(good, payloads=[bad, *good.payloads], note=f"{good.note} behind {bad.hex(' ')}")


@requirement("RFC6282-2-04", "RFC6282-3.2-03")
def test_refused_above(case: Case):
    """An echo behind a wrong checksum, one to nobody, a multicast, a closed port, a large one: it is answered."""
    tester = case.tester

    def behind(first: bytes) -> Stimulus:
        tester.ordinary.add(first)
        good = stimulus(case, tester.echo(10))
        front = stimulus(case, first)
        case.tester.send(front.payloads, front.info)
        return good

    def spoilt() -> bytes:
        packet = tester.echo(10)
        return packet[:-1] + bytes([packet[-1] ^ 1])

    nobody = tester.dut_address[:15] + bytes([tester.dut_address[15] ^ 0x55])
    for first in (
        spoilt,
        lambda: tester.echo(10, destination=nobody),
        lambda: tester.echo(destination=ALL_NODES),
        lambda: tester.datagram(10),
        lambda: tester.echo(FULL - 100),
    ):
        for _ in range(2):
            case.answered(lambda first=first: behind(first()))


@on_link("ieee802154")
@requirement("RFC6282-2-04", "RFC4944-3-01", "RFC4944-3-03")
def test_frames_of_others(case: Case):
    """An echo right behind a frame for or of others, of another PAN, a broadcast or no data frame: it is taken."""
    tester, link = case.tester, case.rig.link
    far = bytes([link.dut[0], *link.dut[1:7], link.dut[7] ^ 0x55])
    others: dict[str, dict[str, object]] = {
        "a frame for another node": {"dst": far},
        "a frame of another PAN": {"dst_pan": bytes([link.pan[0] ^ 1, link.pan[1]])},
        "a broadcast": {"dst": BROADCAST},
        "a beacon": {"type": 0},
        "a command": {"type": 3},
    }
    if link.any_source:
        others["a frame from a short address"] = {"src": b"\x51\x23"}

    def behind(name: str, header: dict[str, object]) -> Stimulus:
        group = stimulus(case, tester.echo(destination=ALL_NODES), SAM=0)
        tester.ordinary.add(group.packet or b"")
        other = frame(case, group.payloads[0], **header)
        packet = tester.echo(10)
        good = frame(case, stimulus(case, packet).payloads[0])
        return whole(case, other, good, packet=packet, note=f"behind {name}")

    heeded(
        case,
        [
            ("RFC6282-2-04", lambda name=name, header=header: behind(name, header))
            for name, header in others.items()
            for _ in range(2)
        ],
    )


@on_link("ieee802154")
@requirement("RFC4944-5.3-19", "RFC6282-2-04")
def test_fragments_behind(case: Case):
    """A datagram in fragments right behind each payload that is refused, and behind each bad fragment."""

    def behind(bad: bytes, name: str) -> Stimulus:
        packet, parts = pieces(case, 80, 64)
        return Stimulus([bad, *parts], packet, case.tester.info(), f"fragments behind {name}")

    if not case.takes(lambda: behind(REFUSED["NALP"], "NALP")):
        packet, parts = pieces(case, 80, 64)
        if not case.takes(lambda: Stimulus(parts, packet, case.tester.info())):
            case.unsupported("the DUT takes no datagram in fragments as small as these")
    bad = {name: octets for name, octets in (REFUSED | FRAGMENTS).items() if octets}
    if case.rig.profile.parameters.reassembly_slots == 1:
        # no text forbids to keep them, reserved dispatch values included, and then there is no other place
        bad = {name: octets for name, octets in bad.items() if octets[0] < 0xC0}
    understood_all(
        case,
        ((None, lambda name=name, octets=octets: behind(octets, name)) for name, octets in bad.items()),
        alone=False,
    )


@on_link("ieee802154")
@requirement("RFC4944-5.3-19", "RFC4944-4-02")
def test_large_behind_large(case: Case):
    """Large datagrams in fragments right behind one whose checksum is wrong, and behind one to nobody: all come."""
    tester = case.tester
    nobody = tester.dut_address[:15] + bytes([tester.dut_address[15] ^ 0x55])

    def spoilt() -> bytes:
        packet = tester.echo(700)
        return packet[:-1] + bytes([packet[-1] ^ 1])

    def front(packet: bytes) -> None:
        tester.ordinary.add(packet)
        made = stimulus(case, packet)
        tester.send(made.payloads, made.info)

    for first in (spoilt, lambda: tester.echo(700, destination=nobody)):
        for _ in range(2):
            case.answered(
                behind(lambda first=first: front(first()), lambda: stimulus(case, tester.echo(700)))
            )
