"""The field report as a page: each line that it began with, the figure that stands for it now, and the cause.

Strategy: pure. A cause is told only where the figures show it: a loss is the queue's when the queue counted the packets
that are missing and the air carried the others, a stall is a retransmission that never left when the sender counted
one and none was on the air. What the figures do not show is not said.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from reports.statistics import interval_of, proportion, spread
from rigs.fieldreport.air import UDP, Trip
from rigs.fieldreport.measure import INTERVAL, SECONDS, Field, Moved
from rigs.fieldreport.programs import Pings

#: Share of datagrams that the queue must have dropped for the loss to be called its own.
_EXPLAINED = 0.8
_CREDITS = 6
#: Octets of a K-frame, and what stands around the data of a datagram: the length of the SDU, compressed headers.
_MPS, _AROUND = 247, 12
#: Datagrams that make a rate, and how far it may be off one that explains it.
_FEW, _SAME = 20, 0.03
_SHORT = (
    "Credits are counted on the medium while nothing is sent: six were granted with the channel; each K-frame takes "
    "one until its receiver gives it back. A side that is short of them cannot send 1280 octets (six K-frames of 247) "
    "any more: such a connection was given up and made anew."
)


def page(field: Field) -> str:
    """The page, as Markdown."""
    parts = [
        "# The field report, measured",
        "",
        _bench(field),
        "",
        *_connections(field),
        *_latency(field),
        *_sizes(field),
        *(line for moved in field.transfers for line in _transfer(moved)),
    ]
    if field.missing:
        parts += ["## What was not measured", "", *(f"* {text}" for text in field.missing), ""]
    return "\n".join(parts)


def _bench(field: Field) -> str:
    kernel = field.kernel.split()[0] if field.kernel else "unknown"
    return (
        f"Two Linux guests ({kernel}) with a live LE connection between virtual controllers, at a connection interval "
        f"of {1000 * INTERVAL:g} ms where nothing else is said. There is no radio, and so nothing is lost on the air: "
        "what is lost, the guests have lost. Round trips are those that `ping` prints; transfers are of `iperf3`, "
        f"{SECONDS} s each, counted by a tap at the receiver's interface. Other work held this machine up for "
        f"{100 * field.held_up:.0f} % of the time."
    )


def _connections(field: Field) -> list[str]:
    found = ["## The connection", ""]
    for number, left in enumerate(field.connections, 1):
        short = [f"{side} {n}" for side, n in left.items() if n < _CREDITS]
        said = f"short of credits: {', '.join(short)} of {_CREDITS}" if short else "all credits on both sides"
        found.append(f"* connection {number}: {said}")
    if any(min(left.values()) < _CREDITS for left in field.connections):
        found += ["", _SHORT]
    return [*found, ""]


def _latency(field: Field) -> list[str]:
    found = ['## "Latency does seem a little high"', ""]
    if field.quick is not None:
        found.append(f"* without a connection interval: {_pings(field.quick)}")
    if field.paced is not None:
        found.append(f"* at {1000 * INTERVAL:g} ms: {_pings(field.paced)}")
        found += ["", *_interval(field.paced, field.trips)]
    return [*found, ""]


def _interval(pings: Pings, trips: Sequence[Trip]) -> list[str]:
    told = (
        interval_of(pings.began, [trip / 1000 for trip in pings.trips]) if len(pings.arrivals) >= 4 else None
    )
    if told is not None:
        return [
            (
                f"Cause: the connection interval. Answers arrive on a grid of {1000 * told.seconds:g} ms (off by "
                f"{1000 * told.rms:.1f} ms rms); round trips take one interval to two, and what the guests take: "
                "a request waits for the next connection event, its answer for the one behind it."
            )
        ]
    if not trips:
        return ["Cause: not shown; no interval explains these round trips."]
    return [
        "No interval can be read from these round trips alone. The medium saw the same echoes:",
        "",
        f"* until a connection event took the request: {_span([trip.there for trip in trips])}",
        f"* until the answer was handed to the controller: {_span([trip.answering for trip in trips])}",
        f"* until a connection event took the answer: {_span([trip.back for trip in trips])}",
        "",
        _share(pings, trips),
    ]


def _span(seconds: Sequence[float]) -> str:
    return f"min/avg/max/mdev {spread([1000 * one for one in seconds])} ms"


def _share(pings: Pings, trips: Sequence[Trip]) -> str:
    """Which part of the round trips is whose."""
    mean = sum(pings.trips) / len(pings.trips)
    there = sum(1000 * trip.there for trip in trips) / len(trips)
    behind = sum(1000 * (trip.answering + trip.back) for trip in trips) / len(trips)
    at_once = sum(round((trip.answering + trip.back) / INTERVAL) == 1 for trip in trips)
    return (
        f"Cause: the connection interval. Of {mean:.0f} ms on average, {there:.0f} are the wait for the event that "
        f"takes the request, and {behind:.0f} pass from there to the event that takes the answer ({at_once} of "
        f"{len(trips)} answers went at the very next one, {1000 * INTERVAL:g} ms later). The other "
        f"{mean - there - behind:.0f} ms are between `ping` and the medium, on this machine."
    )


def _sizes(field: Field) -> list[str]:
    if not field.sizes:
        return []
    found = [
        '## "Only a 1280 MTU works"',
        "",
        "| data | packet | central first | peripheral first |",
        "|---|---|---|---|",
    ]
    for size, (there, back) in sorted(field.sizes.items()):
        found.append(
            f"| {size} | {size + 48} | {there.received} of {there.sent} | {back.received} of {back.sent} |"
        )
    good = all(pings.received for pair in field.sizes.values() for pings in pair)
    said = (
        "Every size that was tried goes through, both ways."
        if good
        else "Sizes that did not go through are above."
    )
    return [*found, "", said, ""]


def _transfer(moved: Moved) -> list[str]:
    told, found = moved.transfer, [f"## {moved.what}", ""]
    if moved.failed:
        found.append(f"* tried {moved.failed + 1} times: iperf3 did not come to its end before")
    if told.error:
        found.append(f"* iperf3: {told.error}")
    if told.packets:
        found += _datagrams(moved)
    elif not told.error:
        came = moved.arrived
        found.append(
            f"* {8 * came.whole / SECONDS / 1000:.1f} kbit/s over the {SECONDS} s: {came.whole} octets arrived in "
            f"order, the last {came.seconds:.1f} s behind the first; iperf3 says "
            f"{told.rate / 1000:.1f} kbit/s, and counts {told.retransmits} retransmissions at the sender"
        )
    if "TCP" in moved.what:
        left, air = moved.interface, moved.air[moved.sender]
        found.append(f"* the sender's queue (fq_codel) dropped {moved.dropped}")
        found.append(
            f"* behind the queue: {len(left.segments)} segments with data, {left.repeated} for a second time"
        )
        found.append(
            f"* on the air: {len(air.segments)} segments with data, {air.repeated} for a second time"
        )
        found.append(f"* arrived by second, kbit/s: {_seconds(moved.arrived.by_second(SECONDS))}")
        found += _stall(moved)
    short = [f"{side} {n}" for side, n in moved.credits.items() if n < _CREDITS]
    if short:
        found.append(f"* credits left behind it: {', '.join(short)} of {_CREDITS}")
    return [*found, ""]


def _datagrams(moved: Moved) -> list[str]:
    """What became of the datagrams: at the sender's queue, on the air, at the receiver."""
    sent, came = moved.transfer.packets, moved.arrived.packets
    lost = max(0, sent - came)
    found = [
        (
            f"* {8 * moved.arrived.rate / 1000:.1f} kbit/s arrived: {came} of {sent} datagrams; "
            f"{lost} lost ({100 * lost / sent:.0f} %)"
        ),
        # iperf3 says with one datagram of its own who it is
        (
            f"* the sender's queue (fq_codel) dropped {moved.dropped}; {moved.air[moved.sender].packets[UDP]} were on "
            "the air, iperf3's greeting among them"
        ),
    ]
    if moved.transfer.lost != lost:
        found.append(
            f"* iperf3 says that {moved.transfer.lost} were lost: it knows of none behind the last one that came"
        )
    if lost and moved.dropped >= _EXPLAINED * lost:
        found += [
            "",
            "Cause: the sender's own queue. What is lost was never on the air." + _by_credits(moved),
        ]
    return found


def _by_credits(moved: Moved) -> str:
    """Why no more goes through, where the rate shows that it is the credits; else nothing."""
    came = moved.arrived
    if came.packets < _FEW:
        return ""
    size = came.octets / (came.packets - 1)
    frames = math.ceil((size + _AROUND) / _MPS)
    at_once = max(1, _CREDITS // frames)
    rate = at_once * size / (2 * INTERVAL)
    if abs(came.rate - rate) > _SAME * rate:
        return ""
    return (
        f" As for the rate: a datagram takes {frames} K-frames, and so {frames} of {_CREDITS} credits, which come back "
        f"an event after the one that took them. So {at_once} of {size:.0f} octets in {2000 * INTERVAL:g} ms: "
        f"{8 * rate / 1000:.1f} kbit/s."
    )


def _stall(moved: Moved) -> list[str]:
    """Why TCP stands still, where the figures show it."""
    counted = moved.transfer.retransmits or moved.transfer.error
    if not counted or moved.air[moved.sender].repeated:
        return []
    left = moved.interface
    between = len(left.segments) - len(moved.air[moved.sender].segments)
    if between <= 0 and moved.transfer.error:
        return []
    if between <= 0:
        return [
            "",
            "Cause: retransmissions that never leave: the sender counts them, and none came to the interface.",
        ]
    others = between - left.repeated
    first = min(others, moved.dropped)
    rest = f", and {others - first} are not explained" if others > first else ""
    told = (
        f"Cause: the sender's `bluetooth_6lowpan` drops retransmissions. {between} segments left the queue for the "
        f"interface and were not handed to its controller: {left.repeated} were there for a second time, the first "
        f"copy of {first} may be what the queue had dropped ({moved.dropped}){rest}. Nothing was on the air twice. So "
        "a segment that is lost once is lost for good, and the connection stands still. The medium never saw what is "
        "missing."
    )
    return ["", told]


def _seconds(octets: Sequence[int]) -> str:
    return " ".join(f"{8 * n / 1000:.0f}" for n in octets)


def _pings(pings: Pings) -> str:
    share = f"{pings.received} of {pings.sent} answered"
    if pings.sent:
        lost = proportion(pings.sent - pings.received, pings.sent)
        share += (
            f" (loss {100 * lost.value:.0f} %, 95 % interval {100 * lost.low:.0f} to {100 * lost.high:.0f} %)"
        )
    return f"{share}, min/avg/max/mdev {spread(pings.trips)} ms" if pings.trips else share
