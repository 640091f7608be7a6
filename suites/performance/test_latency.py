"""Round trips as ping prints them, and the connection interval that they tell of (Core Vol 6 Part B §4.5.1)."""

from typing import Any

import pytest

from fixtures.api import Case, on_link, requirement, stimulus
from reports.statistics import Estimate, interval_of
from rigs.links.ipsp.channel_link import ChannelLink
from suites.performance.echoes import METHOD, answered, sent_one_by_one
from suites.performance.stream import expect

PINGS = 12
#: Octets of data that go in one frame both ways.
SMALL = 56
#: Of the budget, where a case takes two series.
HALF = 0.5


def pinged(case: Case, size: int, pause: float) -> tuple[list[float], list[float]]:
    """(time of sending, round trip) of `PINGS` echoes, up to `pause` seconds apart; an unanswered one is a finding."""
    tester = case.tester
    sent, trips, missing = [], [], 0
    for _ in range(PINGS):
        tester.hear(tester.now() + tester.random.uniform(pause / 2, pause))  # a random phase, whatever comes
        request = tester.echo(size)
        frames = tester.send_packet(request)
        seen = tester.reply_to(request, tester.now() + case.timeout)
        if seen is None:
            missing += 1
            continue
        began = tester.left(frames[0])
        sent.append(began)
        trips.append(seen.time - began)
    if missing and (case.rig.file.attempts > 1 or case.too_slow()):
        # lost by the medium, or by a DUT whose own timers ran out meanwhile: by the ordinary rules of silence
        missing = sum(
            case.answered(lambda: stimulus(case, tester.echo(size))) is None for _ in range(missing)
        )
    expect(case, not missing, "no_answer", f"{PINGS} of {PINGS} echoes are answered", f"{missing} are not")
    return sent, trips


def told(case: Case, trips: list[float], **parameters: Any) -> None:
    """Record round trips; reports make the four figures of ping's last line of them."""
    if trips:
        case.measure(
            "round trip",
            "ms",
            [1000 * trip for trip in trips],
            method=METHOD,
            **parameters,
        )


@requirement("RFC6282-2-04", "RFC7668-3.2-03")
@pytest.mark.parametrize("size", [8, 56, 1232], ids=str)
def test_round_trip(case: Case, size: int):
    """Twelve pings: all answered; min/avg/max/mdev are recorded, and held against the profile's own figure.

    The least of them: a constant delay is in each, and that of a busy machine is not.
    """
    _, trips = pinged(case, size, 0.02)
    told(case, trips, size=size)
    limit = case.rig.profile.parameters.round_trip
    if limit is not None and trips and size <= SMALL:
        case.expect(
            min(trips) <= limit,
            "round_trip",
            f"a round trip of {1000 * limit:g} ms or less, as the profile declares",
            f"{1000 * min(trips):.1f} ms at least, with {size} octets of data",
        )


@on_link("ble")
@requirement("RFC7668-3.2-07", "RFC7668-3.2-03")
@pytest.mark.parametrize("interval", [30, 50], ids="{}-ms".format)
def test_connection_interval(case: Case, interval: int):
    """At a connection interval of so many ms: all pings are answered, and the interval that they tell is recorded."""
    link = case.rig.link
    if not isinstance(link, ChannelLink):
        case.unsupported("the link hands over bare SDUs: it has no connection events", "not_on_this_link")
    link.interval(interval / 1000)
    try:
        sent, trips = pinged(case, 8, 4 * interval / 1000)
    finally:
        link.interval(0)
    told(case, trips, interval=interval)
    found = interval_of(sent, trips) if len(trips) >= 4 else None
    if found is None:
        case.note(f"no interval explains the {len(trips)} round trips: the machine answers too irregularly")
        return
    case.measure(
        "connection interval", "ms", [1000 * found.seconds], set=interval, count=len(trips),
        figure=Estimate(*(1000 * (found.seconds + off) for off in (0, -found.error, found.error))),
        method="the grid of connection events on which the answers arrive",
    )  # fmt: skip


@requirement("RFC6282-2-04", "RFC7668-3.2-03")
def test_first_packet(case: Case):
    """The first echo of somebody whom the DUT has to look for (RFC 4861 §7.2.2), and the ones behind it, apart."""
    first: list[float] = []
    if not case.rig.link.any_source:
        case.unsupported(
            "the link sends from one address only, which the DUT knows already", "not_on_this_link"
        )
    for _ in case.rounds(PINGS, HALF):
        case.stranger()
        first += answered(sent_one_by_one(case, SMALL, 1))
    told_all(case, "first round trip", first, size=SMALL)
    expect(case, bool(first), "no_answer", "strangers are answered", f"none of {PINGS} is")
    told_all(case, "round trip", answered(sent_one_by_one(case, SMALL, PINGS, part=HALF)), size=SMALL)


@requirement("RFC6282-2-04", "RFC7668-3.2-03")
def test_idle_then_first(case: Case):
    """Echoes behind half a second of silence, by turns with echoes without: whether the DUT sleeps between them."""
    idle, busy = [], []
    for _ in case.rounds(PINGS // 2):
        idle += answered(sent_one_by_one(case, SMALL, 1, pause=0.5))
        busy += answered(sent_one_by_one(case, SMALL, 2))
    told_all(case, "round trip behind silence", idle, size=SMALL)
    told_all(case, "round trip", busy, size=SMALL)
    expect(case, bool(idle), "no_answer", "echoes behind silence are answered", "none is")


@requirement("RFC6282-2-04", "RFC7668-3.2-03")
def test_under_load(case: Case):
    """Echoes behind four datagrams of 600 octets each time: how much longer they take is what the queues hold."""
    tester, loaded = case.tester, []
    quiet = answered(sent_one_by_one(case, SMALL, PINGS, part=HALF))
    for _ in case.rounds(PINGS, HALF):
        for _ in range(4):
            tester.send_packet(tester.echo(600))
        loaded += answered(sent_one_by_one(case, SMALL, 1))
        tester.listen(case.settle)
    told_all(case, "round trip", quiet, size=SMALL)
    told_all(case, "round trip under load", loaded, size=SMALL)
    expect(case, bool(loaded), "no_answer", "echoes behind datagrams are answered", "none is")


def told_all(case: Case, name: str, trips: list[float], **parameters: Any) -> None:
    """Record round trips in ms."""
    if trips:
        case.measure(name, "ms", trips, method=METHOD, **parameters)
