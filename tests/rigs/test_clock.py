"""The clock of deadlines: it stands still while the rig waits for a CPU, and only then."""

import os
import subprocess
import sys

import pytest

from rigs.clock import LEAST, Clock, Tree
from rigs.links.memory.link import MemoryLink


class Machine:
    """True time, and how long each thread has waited for a CPU."""

    def __init__(self):
        self.true, self.waited = 100.0, {1: 0}
        self.within = []  # (behind so many counters of a reading, seconds): thread 1, which reads, waits there

    def clock(self):
        return Clock(lambda: self.true, self._delays, self._own)

    def _delays(self):
        read = {}
        for thread in list(self.waited):
            read[thread] = self.waited[thread]
            self._counter_read()
        return read

    def _own(self):
        read = 1, self.waited[1]
        self._counter_read()
        return read

    def _counter_read(self):
        self.within = [(left - 1, seconds) for left, seconds in self.within]
        if self.within and not self.within[0][0]:
            self.passes(self.within.pop(0)[1], t1=1.0)

    def passes(self, seconds, **waited):
        self.true += seconds
        for thread, share in waited.items():
            number = int(thread[1:])
            self.waited[number] = self.waited.get(number, 0) + round(share * seconds * 1e9)


@pytest.fixture
def machine():
    return Machine()


def test_on_an_idle_machine_it_is_true_time(machine):
    clock = machine.clock()
    machine.passes(5)
    assert clock.now() == machine.true
    assert clock.held_up() == 0


def test_what_the_rig_waits_for_a_cpu_does_not_pass(machine):
    clock = machine.clock()
    machine.passes(10, t1=0.5, t2=0.3)  # a child's thread that is new
    assert clock.now() == pytest.approx(102)
    assert clock.held_up() == pytest.approx(8)


@pytest.mark.parametrize("first", [1, 2])
@pytest.mark.parametrize("behind", [1, 2, 3, 4])
def test_a_wait_in_the_midst_of_a_reading_does_not_pass(machine, behind, first):
    """Of two threads' counters, its own once more, and whether that is still so: the reader may be held up anywhere."""
    machine.waited = {first: 0, 3 - first: 0}
    clock = machine.clock()
    machine.passes(0.02)
    before, machine.within = clock.now(), [(behind, 3.0)]
    machine.passes(0.02)
    clock.now()
    machine.passes(0.02)
    assert clock.now() - before <= 0.04 + 3 * LEAST + 1e-6
    assert clock.held_up() >= 3 * (1 - LEAST) - 1e-6


def test_threads_that_wait_at_the_same_time_do_not_stop_it(machine):
    clock = machine.clock()
    machine.passes(10, t1=1.0, t2=1.0, t3=1.0)
    assert clock.now() == pytest.approx(100 + 10 * LEAST)


def test_it_never_goes_back_nor_forward_with_a_thread_that_ended(machine):
    clock = machine.clock()
    machine.passes(0.019)
    before = clock.now()
    machine.passes(0.005, t1=4.0)
    assert clock.now() == before
    machine.passes(1, t2=0.5)
    between = clock.now()
    del machine.waited[2]
    machine.passes(1)
    assert clock.now() == pytest.approx(between + 1)


def test_a_deadline_on_a_held_up_machine_leaves_the_time_of_an_idle_one(machine):
    """A wait of 2 s beside 8 times as much other work: it is over when the rig had its 2 s."""
    clock = machine.clock()
    deadline, waited = clock.now() + 2, 0
    while clock.now() < deadline:
        machine.passes(0.1, t1=8 / 9)
        waited += 0.1
    assert waited == pytest.approx(18, abs=0.2)


def test_a_child_that_waits_for_the_cpu_counts(tmp_path):
    """Two that spin on one CPU take turns: the kernel tells the waiting of both, and of a grandchild's."""
    cpu = min(os.sched_getaffinity(0))
    spin = f"import os; os.sched_setaffinity(0, {{{cpu}}}); print(flush=True)\nwhile True: pass"
    nested = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {spin!r}])"
    programs = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True)
        for code in (spin, nested)
    ]
    try:
        for program in programs:
            program.stdout.readline()
        tree, clock = Tree(), Clock()
        if not tree.delays():
            pytest.skip("this kernel does not count how long threads wait")
        while clock.held_up() < 0.2:  # it would hang if nothing counted
            pass
    finally:
        for program in programs:
            os.killpg(program.pid, 9)
            program.communicate()


def test_a_virtual_clock_is_never_held_up():
    link = MemoryLink("ieee802154")
    assert (link.now(), link.stamp(), link.held_up()) == (0.0, 0.0, 0.0)
