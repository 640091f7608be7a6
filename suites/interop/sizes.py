"""Sizes of echoes at which a sender needs one more frame, as its own frames show them."""

from __future__ import annotations

from fixtures.api import FIXED, FULL, PairCase, Side, Unsupported

SMALL = 8


def able(pair: PairCase, asker: Side, other: Side, size: int = SMALL) -> bool:
    """An echo of `size` octets of data, or of as many as the asker's command sends, which is noted."""
    try:
        return pair.echo(asker, other, size)
    except Unsupported as error:
        refused = error
    for fixed in FIXED:
        try:
            answered = pair.echo(asker, other, fixed)
        except Unsupported:
            continue
        pair.note(f"{asker.name} was asked for {size} octets of data, and sends {fixed}")
        return answered
    raise refused


def boundaries(pair: PairCase, sender: Side) -> list[int]:
    """Octets of echo data on either side of each boundary of one node, from a small and a large request of its own."""
    by_size = {len(message.packet) - 48: message for message in pair.requests(sender.name)}
    small, large = by_size[SMALL], by_size[FULL]
    if len(large.payloads) < 2:  # its frames hold all of it
        return [SMALL, FULL]
    payload = small.payloads[0]
    headers = len(payload) - (len(small.packet) - 48)
    longest = sender.profile.parameters.longest_frame
    room = longest - len(small.frames[0].frame) + len(payload)
    first = large.payloads[1][4] * 8
    step = len(large.payloads[1]) - 5
    ends = [room - headers, *range(first - 48, FULL, step)]
    around = {end + off for end in ends for off in (-1, 0, 1)}
    return sorted(size for size in around if 0 <= size <= FULL)
