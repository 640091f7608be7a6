"""Fragments that do not belong together, in one exchange, so that whoever puts them together shows it.

Strategy: RFC 4944 §5.3 keys a datagram by source, destination, datagram_size and datagram_tag. A DUT that leaves one of
these out may rebuild elided addresses from the first frame or from the last, and take the size of either, so the
checksum is made right for each of these readings in turn. All fragments leave back to back: a DUT with one place for
reassembly forgets none of them between two halves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from fixtures.judging.case import Case
from rigs.tester.packets import Identity, Stimulus, in_line
from sixlowpan import LinkInfo, addresses, fragment
from suites.adversary import balanced

#: Where a DUT may take the addresses from: the packet itself, or the frame of the first or of the last fragment.
IN_LINE, FIRST, LAST = "in-line", "first", "last"
READINGS = (IN_LINE, FIRST, LAST)
SIZE = 200

Half = tuple[Sequence[bytes], LinkInfo]


def joined(case: Case, note: str, *halves: Half) -> Stimulus:
    """Payloads between addresses of their own each, as one stimulus of which nothing may come."""
    payloads = [payload for part, _ in halves for payload in part]
    frames = [case.tester.air.frame(payload, info) for part, info in halves for payload in part]
    return Stimulus(payloads, None, halves[0][1], note, frames)


def fragments(case: Case, packet: bytes, info: LinkInfo, payload: bytes | None = None) -> list[bytes]:
    """Four fragments or so of a packet, with a fresh tag: its addresses elided, or in the form of `payload`."""
    tester = case.tester
    return fragment(packet, info, tester.contexts, mtu=64 + 5, tag=tester.next_tag(), payload=payload)


def from_two(
    case: Case, one: LinkInfo, two: LinkInfo, note: str, readings: Iterable[str] = READINGS
) -> Iterator[Stimulus]:
    """All but the last fragment of an echo between the addresses of `one`, the last one between those of `two`.

    A packet for each reading of whose addresses it has; in-line its source is the tester, whom the DUT knows.
    """
    tester = case.tester
    for reading in readings:
        ends = one if reading == FIRST else two
        if reading == IN_LINE:
            packet = tester.echo(SIZE)
            parts = fragments(case, packet, one, in_line(packet))
        elif addresses.link_local(ends.dst) not in case.rig.node.addresses():
            continue  # what is rebuilt from a broadcast is nobody's packet
        else:
            packet = tester.echo(
                SIZE, source=_own(case, ends.src), destination=addresses.link_local(ends.dst)
            )
            parts = fragments(case, packet, ends)
        said = (
            note if reading == IN_LINE else f"{note}, a good echo with the addresses of the {reading} frame"
        )
        yield joined(case, said, (parts[:-1], one), (parts[-1:], two))


def _own(case: Case, link: bytes) -> bytes:
    """The link-local address behind a link-layer address, which the tester answers for from now on."""
    tester, address = case.tester, addresses.link_local(link)
    with tester.acting_as(Identity(link, address)):
        tester.also(address)
        tester.introduce(address, tester.now() + case.rig.file.settle)
    return address


def of_two_sizes(case: Case, which: int, change: int) -> Iterator[Stimulus]:
    """An echo of which one fragment says another datagram_size, and one of which all others do.

    So that it is good for whoever takes the size of the first fragment that comes, and for whoever takes the last's.
    """
    info = case.tester.info()
    for lying in ({which}, {0, 1, 2, 3} - {which}):
        packet = case.tester.echo(SIZE, data=balanced(case, SIZE))
        parts = fragments(case, packet, info)
        said = len(packet) + change
        for at in lying:
            parts[at] = bytes([parts[at][0] & 0xF8 | said >> 8, said & 0xFF]) + parts[at][2:]
        who = f"fragment {which + 1} says" if which in lying else f"all but fragment {which + 1} say"
        yield Stimulus(parts, None, info, f"{who} {said} octets, the packet has {len(packet)}")


def shortened(case: Case, by: int) -> Stimulus:
    """An echo whose last fragment says `by` octets less, and which is a good one if only so many are taken."""
    tester, size = case.tester, SIZE - by
    short = tester.echo(size, data=balanced(case, size))
    whole = short[:4] + (len(short) - 40 + by).to_bytes(2) + short[6:] + balanced(case, by)
    parts = fragments(case, whole, tester.info(), in_line(whole))
    said = len(short)
    parts[-1] = bytes([0xE0 | said >> 8, said & 0xFF]) + parts[-1][2:-by]
    return Stimulus(
        parts, None, tester.info(), f"{len(whole)} octets at first, the last says {said} of a good echo"
    )


__all__ = ["FIRST", "IN_LINE", "LAST", "from_two", "joined", "of_two_sizes", "shortened"]
