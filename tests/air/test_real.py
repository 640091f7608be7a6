"""The air over a real stack on the real clock: what is injected is what is measured."""

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from statistics import median

import pytest

from reports.statistics import proportion
from rigs import air, clock
from rigs.bench import Rig
from rigs.guests import wire
from rigs.registry import load
from rigs.tester import preparation

pytestmark = [pytest.mark.real, pytest.mark.slow]
REPEATS, FRAMES = 20, 100
#: Exchanges that are tried at least and at most, undisturbed ones that make a median, and ns for which the guest may
#: have waited in each of these.
TRIES, MOST, ENOUGH, HELD = 60, 600, 15, 500_000
ECHO_REPLY = 129


@pytest.fixture(scope="module")
def plain():
    with Rig.of(load("linux-802154")) as rig:
        yield rig


@contextmanager
def over(rig, *overrides):
    """A tester opposite the same guest, behind an air with these keys: nothing is booted twice."""
    bare = rig.link
    rig._link = air.under(bare, load("linux-802154", overrides).rig.air, "here")
    try:
        yield preparation.tester_for(rig, 1)
    finally:
        rig._link.close()  # the guest is the bench's to end
        rig._link = bare


def trips(tester, count, size=8, wait=2.0):
    """Round trips in ms of echoes one after the other; None: no answer in time."""
    return [exchanged(tester, size, wait)[0] for _ in range(count)]


def exchanged(tester, size=8, wait=2.0):
    """(round trip or None, for how long the call for it truly lasted) in ms."""
    began = time.monotonic()
    request = tester.echo(size)
    frames = tester.send_packet(request)
    seen = tester.reply_to(request, tester.now() + wait)
    truly = 1000 * (time.monotonic() - began)
    return (None if seen is None else 1000 * (seen.time - tester.left(frames[0]))), truly


def waited(rig):
    """ns for which the guest has waited for a CPU of this host so far: by its own clock it just took longer."""
    return sum(clock.Tree(rig.node._guest.guest.pid).delays().values())


@pytest.fixture
def hogs():
    """Two processes that do nothing but compute."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 2)]
    yield
    for process in busy:
        process.kill()
        process.wait()


def delayed(plain, delay):
    """(least round trip, those in which the guest was not held up, how many were tried) in the time of the air.

    That the air held the frames for as long is told by this host's own clock, which is not the one of the figure.
    """
    with over(plain, f"air.delay={delay}ms") as tester:
        trips(tester, 5)
        every, quiet = [], []
        while len(every) < TRIES or (len(quiet) < ENOUGH and len(every) < MOST):
            before = waited(plain)
            trip, truly = exchanged(tester)
            assert truly >= max(trip, 2 * delay) - 1000 * tester.air.link.clock_error - 0.5
            every.append(trip)
            quiet += [trip] * (waited(plain) - before < HELD)
    return min(every), quiet, len(every)


def agree(plain, delay):
    """The least round trips differ by what was injected; so do the medians, on a machine that lets them be taken."""
    (least, base, tried), (found, quiet, tries) = delayed(plain, 0), delayed(plain, delay)
    allowed = 0.02 * 2 * delay + 0.5
    print(f"injected {2 * delay} ms: {found:.3f} ms at least, {least:.3f} without")
    assert abs(found - least - 2 * delay) <= allowed, (least, found)
    if min(len(base), len(quiet)) < ENOUGH:
        pytest.skip(
            f"the medians are unmeasurable: the guest was held up in all but {len(base)} of {tried} and "
            f"{len(quiet)} of {tries} exchanges; the least are {least:.3f} and {found:.3f} ms"
        )
    print(
        f"injected {2 * delay} ms: median {median(quiet):.3f} ms ({len(quiet)} of {tries} exchanges were undisturbed), "
        f"{median(base):.3f} ({len(base)} of {tried}) without"
    )
    assert abs(median(quiet) - median(base) - 2 * delay) <= allowed, (median(base), median(quiet))


@pytest.mark.soak
@pytest.mark.parametrize("delay", [0, 10, 50])
def test_an_injected_delay(plain, delay):
    agree(plain, delay)


@pytest.mark.soak
@pytest.mark.usefixtures("hogs")
def test_an_injected_delay_beside_hogs(plain):
    agree(plain, 10)


@pytest.mark.soak
@pytest.mark.parametrize("air", [False, True])
def test_a_delay_that_another_injects(plain, air):
    """By netem in the guest, between the stack and its radio: nothing of ours knows of it.

    netem on a virtual CPU that sleeps holds frames longer than it was told to (its timer is as late as this host), so
    what it did is read from two taps in the guest: into the 6LoWPAN interface, and out of the radio behind its queue.
    """
    guest = plain.link._guest
    radio = guest.client.open_tap("wpan1", "dut")
    interface = guest.client.open_tap("lowpan0", "dut", cooked=True)
    with over(plain, "air.delay=10ms") if air else bare(plain) as tester:
        trips(tester, 5)
        base = trips(tester, 30)

        def held():
            """(round trip, for how long netem held its answer)."""
            emptied(interface)
            emptied(radio)
            trip = exchanged(tester)[0]
            guest.client.request(wire.CLOCK)  # behind its answer, all that the taps saw is here
            packets, frames = (
                [s for s in emptied(tap) if s.direction == "outgoing"] for tap in (interface, radio)
            )
            place = next(n for n, seen in enumerate(packets) if seen.data[40] == ECHO_REPLY)
            return trip, (frames[place].time_ns - packets[place].time_ns) / 1e6

        guest.impair(from_dut="delay 50ms")
        try:
            found = [held() for _ in range(40)]
        finally:
            guest.impair()
            radio.close()
    rest = [trip - by_netem for trip, by_netem in found]
    print(
        f"netem held {min(h for _, h in found):.3f} to {max(h for _, h in found):.3f} ms; without it {min(rest):.3f}"
    )
    assert min(by_netem for _, by_netem in found) >= 50, "netem never lets go too early"
    assert all(trip >= by_netem for trip, by_netem in found)
    # the least of them: whatever holds up the guest makes single ones longer
    assert abs(min(rest) - min(base)) <= 0.5, (min(rest), min(base))


def test_netem_before_the_tap_is_in_no_round_trip(plain):
    """`towards_dut` holds frames on the tester's side of the tap that stamps what leaves."""
    guest = plain.link._guest
    with bare(plain) as tester:
        trips(tester, 5)
        guest.impair(towards_dut="delay 50ms")
        try:
            found = [exchanged(tester) for _ in range(20)]
        finally:
            guest.impair()
    assert min(truly for _, truly in found) >= 50
    # in each exchange, however long it took on a busy machine
    assert min(truly - trip for trip, truly in found) >= 49


@contextmanager
def bare(rig):
    """A tester without an air."""
    yield preparation.tester_for(rig, 1)


def emptied(tap):
    """All that a tap has seen so far."""
    return list(iter(lambda: tap.receive(float("-inf")), None))


@pytest.mark.parametrize(
    "loss", [0.05, pytest.param(0.01, marks=pytest.mark.soak), pytest.param(0.2, marks=pytest.mark.soak)]
)
def test_live_repeats_of_a_loss_agree(plain, loss):
    """An exchange is two frames. Of 20 intervals at 95 % three or fewer miss the truth, 98 times of 100.

    An answer is waited for until the air says that it lost a frame of this exchange: a busy machine is no loss.
    """
    truth = 1 - (1 - loss) ** 2
    missed = every = 0
    for seed in range(REPEATS):
        with over(plain, f"air.loss={loss}", f"air.seed={seed}") as tester:
            lost = sum(not answered(tester, plain.link.air.counts) for _ in range(FRAMES))
        every += lost
        missed += not proportion(lost, FRAMES).holds(truth)
    print(
        f"loss of {loss:g}: {every / REPEATS / FRAMES:.4f}; {missed} of {REPEATS} intervals miss {truth:.4f}"
    )
    assert missed <= 3


def answered(tester, counts):
    """Whether an echo is answered; nobody may be silent to one of which the air lost nothing."""
    before = counts["lost"]
    request = tester.echo(8)
    tester.send_packet(request)
    for wait in (0.05, 5.0):
        if tester.reply_to(request, tester.now() + wait) is not None:
            return True
        if counts["lost"] > before:
            return False
    raise AssertionError("the air lost nothing, and there is no answer")
