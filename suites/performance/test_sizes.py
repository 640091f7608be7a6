"""Every size of an echo, both ways: the field report's "only some sizes work"."""

import pytest

from fixtures.api import (
    ECHO_REPLY,
    ECHO_REQUEST,
    FULL,
    Case,
    Unsupported,
    advice,
    needs,
    requirement,
    stimulus,
)

STEP = 250
PARTS = pytest.mark.parametrize("first", range(0, FULL + 1, STEP), ids="from-{}".format)


def sizes(first: int) -> range:
    return range(first, min(first + STEP, FULL + 1))


@requirement(
    "RFC6282-2-04",
    "RFC7668-2.4-01",
    "RFC7668-3.2-04",
    "RFC4944-4-01",
    "RFC4944-5.3-02",
    "RFC4944-5.3-03",
    "RFC4944-5.3-08",
    "RFC4944-5.3-16",
    "RFC4944-5.3-07",
)
@PARTS
def test_every_size_there_and_back(case: Case, first: int):
    """Echo Requests with 0, 1, ... 1232 octets of data are answered with the same data; the holes are recorded."""
    before = len(case.tester.heard)
    holes = [size for size in sizes(first) if not _answered(case, size)]
    _lost(case, holes, before)
    for size in holes[:16]:  # by the ordinary rules of silence
        case.answered(lambda size=size: stimulus(case, case.tester.echo(size)))
    case.measure(
        "unanswered size", "B", holes, figure=None, first=first, sizes=len(sizes(first)),
        method="Echo Requests of every size one after the other, each once",
    )  # fmt: skip


def _lost(case: Case, holes: list[int], before: int) -> None:
    """Where the medium loses nothing, an answer that is not here behind all others was lost by the DUT: advice."""
    if case.rig.file.attempts > 1 or not holes or not case.control():
        return
    late = {len(seen.upper) - 8 for seen in case.tester.heard[before:] if seen.icmp_type == ECHO_REPLY}
    lost = [size for size in holes if size not in late]
    with advice(
        case
    ):  # an IPv6 packet may be lost (RFC 8200); a 6LoWPAN node that loses some on a quiet link is odd
        case.expect(
            not lost, "lost", "every echo is answered", f"{len(lost)} are not, such as with {lost[:4]} octets"
        )


def _answered(case: Case, size: int) -> bool:
    request = case.tester.echo(size)
    case.tester.send_packet(request)
    seen = case.tester.reply_to(request, case.tester.now() + case.timeout)
    good = seen is not None and seen.icmp_type == ECHO_REPLY and seen.upper[4:] == request[44:]
    if seen is not None and not good:
        case.finding("payload", f"the {size} octets of the request", seen.upper[8:32].hex(), frame=seen)
    return seen is not None


@needs("ping")
@requirement("RFC6282-2-04", "RFC7668-2.4-01", "RFC7668-3.2-04")
@PARTS
def test_every_size_from_the_dut(case: Case, first: int):
    """Echo Requests that the DUT originates, with 0, 1, ... 1232 octets of data, come whole."""
    there, node = case.tester.identity.address, case.rig.node
    for size in sizes(first):
        identifier = case.tester.next_identifier()
        try:
            seen = case.sent_by(
                lambda size=size, identifier=identifier: node.ping(there, size, identifier, 1),
                # by its size: many shells choose the identifier themselves, and it may ping us unasked as well
                lambda s, size=size: (
                    s.icmp_type == ECHO_REQUEST
                    and s.view is not None
                    and s.view.dst == there
                    and len(s.upper) == 8 + size
                ),
                size=size,
            )
        except Unsupported:  # some shells have a smallest or a largest size
            if size == sizes(first)[-1]:
                raise
            continue
        if seen is None:
            return
