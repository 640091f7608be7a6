"""Cases that kill, run by tests/real/test_verdict_rules.py only (their file name keeps pytest from collecting them)."""

import os
import signal

import pytest

from fixtures.judging.case import Case
from fixtures.plugin.marks import requirement
from fixtures.stimuli.packets import stimulus

pytestmark = requirement("RFC6282-2-04")


def echo(case: Case):
    return stimulus(case, case.tester.echo())


def test_1_before(case: Case):
    """An ordinary case before the killing one."""
    case.understood(lambda: echo(case))


def test_2_deadly(case: Case, pytestconfig: pytest.Config):
    """The DUT dies while it has the stimulus."""
    how = os.environ["KEYHOLE_TEST_DEATH"]

    def make():
        made = echo(case)
        node = case.rig.node
        if how == "oops":
            node._guest.client.run("(sleep 0.05; echo c > /proc/sysrq-trigger) &")
        elif how == "kill-guest":
            os.kill(node._guest.guest.pid, signal.SIGKILL)
        elif how == "abort":
            os.kill(node._process.child.pid, signal.SIGABRT)  # what abort() raises
        elif how == "kill-child":
            os.kill(node._process.child.pid, signal.SIGKILL)
        elif how == "kill-harness":
            os.kill(os.getppid() if hasattr(pytestconfig, "workerinput") else os.getpid(), signal.SIGKILL)
        return made

    case.silent(make) if how == "oops" else case.survives(make)


def test_3_after(case: Case):
    """The run goes on: the next case is tried on a recovered rig."""
    case.understood(lambda: echo(case))


def test_4_dies_between(case: Case):
    """The DUT dies after this case has ended, by a death that it brings on itself."""
    case.understood(lambda: echo(case))
    if os.environ["KEYHOLE_TEST_DEATH"] == "later":
        pid = case.rig.node._process.child.pid
        trial = case.trial
        trial.finish = lambda: (type(trial).finish(trial), os.kill(pid, signal.SIGABRT))


def test_5_next(case: Case):
    """The next case tells of the death: it must show somewhere."""
    case.understood(lambda: echo(case))


def test_6_last(case: Case):
    """And the run goes on."""
    case.understood(lambda: echo(case))
