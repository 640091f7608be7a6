"""The air over a real stack on the real clock: what is injected is what is measured."""

import os
import subprocess
import sys
from contextlib import contextmanager
from statistics import median

import pytest

from reports.statistics import proportion
from rigs import air
from rigs.bench import Rig
from rigs.registry import load
from rigs.tester import preparation

pytestmark = [pytest.mark.real, pytest.mark.slow]
REPEATS, FRAMES = 20, 100


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
    found = []
    for _ in range(count):
        request = tester.echo(size)
        frames = tester.send_packet(request)
        seen = tester.reply_to(request, tester.now() + wait)
        found.append(None if seen is None else 1000 * (seen.time - tester.left(frames[0])))
    return found


@pytest.fixture
def hogs():
    """Two processes that do nothing but compute."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 2)]
    yield
    for process in busy:
        process.kill()
        process.wait()


def delayed(plain, delay):
    with over(plain, f"air.delay={delay}ms") as tester:
        trips(tester, 5)
        return median(trip for trip in trips(tester, 60) if trip is not None)


@pytest.mark.parametrize("delay", [10, 50])
def test_an_injected_delay(plain, delay):
    base = delayed(plain, 0)
    found = delayed(plain, delay)
    assert abs(found - base - 2 * delay) <= 0.02 * 2 * delay + 0.5, (base, found)


@pytest.mark.usefixtures("hogs")
def test_an_injected_delay_beside_hogs(plain):
    base = delayed(plain, 0)
    found = delayed(plain, 10)
    assert abs(found - base - 20) <= 0.02 * 20 + 0.5, (base, found)


def test_a_delay_that_another_injects(plain):
    """By netem in the guest, between the stack and its radio: nothing of ours knows of it."""
    guest = plain.link._guest
    with over(plain, "air.delay=0ms") as tester:
        trips(tester, 5)
        base = median(trip for trip in trips(tester, 60) if trip is not None)
        guest.impair(from_dut="delay 50ms")
        try:
            found = median(trip for trip in trips(tester, 60) if trip is not None)
        finally:
            guest.impair()
    assert abs(found - base - 50) <= 0.02 * 50 + 0.5, (base, found)


@pytest.mark.parametrize("loss", [0.05, 0.2])
def test_live_repeats_of_a_loss_agree(plain, loss):
    """An exchange is two frames. Of 20 intervals at 95 % three or fewer miss the truth, 98 times of 100."""
    truth = 1 - (1 - loss) ** 2
    missed = 0
    for seed in range(REPEATS):
        with over(plain, f"air.loss={loss}", f"air.seed={seed}") as tester:
            lost = sum(trip is None for trip in trips(tester, FRAMES, wait=0.05))
        missed += not proportion(lost, FRAMES).holds(truth)
    assert missed <= 3
