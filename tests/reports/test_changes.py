"""Change points of a series: found within two runs, and rarely where there is none."""

from itertools import pairwise
from random import Random

import pytest

from reports.history import changes, figures
from reports.history.trends import Run, Value


@pytest.mark.parametrize("change", [0.1, -0.1])
def test_a_step_is_placed_within_two_runs(change):
    """A step of 10 % at a noise of 5 %: the best fit is within two runs in 92 %, the best estimate of all in 96 %."""
    right = alone = wrong = 0
    for repeat in range(500):
        random = Random(f"{change} {repeat}")
        at = random.randrange(8, 33)
        series = [random.gauss(100 if run < at else 100 * (1 + change), 5) for run in range(40)]
        near = [abs(step.at - at) <= 2 for step in changes.steps(series)]
        right += any(near)
        alone += near == [True]
        wrong += bool(changes.steps([random.gauss(100, 5) for _ in range(40)]))
    assert right >= 460, f"{right} of 500"
    assert alone >= 440, f"{alone} of 500 have this change and no other"
    assert wrong <= 40, f"{wrong} of 500"


def test_a_clear_step_is_placed_exactly():
    """What is as good within two runs must not be bought with places beside a step that everybody sees."""
    exact = 0
    for repeat in range(200):
        random = Random(f"clear {repeat}")
        at = random.randrange(8, 33)
        series = [random.gauss(100 if run < at else 120, 5) for run in range(40)]
        exact += at in [step.at for step in changes.steps(series)]
    assert exact >= 180, f"{exact} of 200"


def cost(series, cuts, penalty):
    """What a way to cut a series costs, told the slow way."""
    parts = [series[start:end] for start, end in pairwise([0, *cuts, len(series)])]
    return sum(sum((v - sum(part) / len(part)) ** 2 for v in part) for part in parts) + penalty * len(cuts)


def test_the_steps_are_those_of_ruptures():
    """The library looks for the same optimum; where its pruning misses it (short series), ours is the better one."""
    ruptures = pytest.importorskip("ruptures", reason="a library of the developers: pip install -e '.[dev]'")
    import numpy as np

    same = 0
    for repeat in range(300):
        random = Random(f"ruptures {repeat}")
        length, levels = random.randrange(6, 90), [random.uniform(80, 140) for _ in range(5)]
        series = [random.gauss(levels[5 * run // length], random.choice((0, 2, 8))) for run in range(length)]
        ours = changes._cuts(series, penalty=150.0)
        search = ruptures.KernelCPD(kernel="linear", min_size=changes.SHORTEST).fit(np.asarray(series))
        theirs = [int(end) for end in search.predict(pen=150.0)][:-1]
        same += ours == theirs
        assert cost(series, ours, 150.0) <= cost(series, theirs, 150.0) + 1e-6, repeat
    assert same >= 297, f"{same} of 300"


def test_a_long_series_and_huge_values():
    series = [1.0] * 1500 + [2.0] * 1500
    assert changes.steps(series[-1000:]) == [], "the last thousand runs have one level"
    assert [step.at for step in changes.steps([1.0] * 2500 + [2.0] * 400)] == [2500]
    assert [step.at for step in changes.steps([1e307] * 9 + [1.7e308] * 9)] == [9]
    assert changes.steps([1e-320] * 20) == []
    assert changes._place([1.0] * 8, 0, 8) in range(3, 6), "equal values have no place that is better"


def test_steps_of_few_constant_and_odd_values():
    assert changes.steps([]) == []
    assert changes.steps([5.0] * 40) == []
    assert changes.steps([0.0] * 40) == []
    assert [step.at for step in changes.steps([1.0] * 5 + [2.0] * 5)] == [5]
    steady = [100 + (n % 3) for n in range(30)]
    steady[15] = 160
    assert changes.steps(steady) == [], "one odd run is no change"


def test_a_level_counts_from_its_third_run_on():
    """A segment has three runs: a level of two is cut with a third one, and the run in front of it would be blamed."""
    assert changes.steps([19.0] * 4 + [24.7] * 2) == []
    assert [step.at for step in changes.steps([19.0] * 4 + [24.7] * 3)] == [4]
    assert changes.steps([24.7] * 2 + [19.0] * 9) == []
    assert [step.at for step in changes.steps([24.7] * 3 + [19.0] * 9)] == [3]


def test_a_share_changes_by_points_and_what_may_be_back_is_told():
    """It was told as "+inf%: 0 % -> 80 %": the one run behind the new level was a part of it."""
    shares = [0.0] * 3 + [1.0] * 4 + [0.0]
    runs_of = [Run(n, f"run-{n}", f"2026-01-0{n + 1}", 1, "1", True, "", "") for n in range(8)]
    values = [Value(run, "Node 1", 50, 0, p50, p50, p50) for run, p50 in zip(runs_of, shares, strict=True)]
    _, _, told = figures.about_figure(values, "share")
    assert told == [
        "changed +100 points at 2026-01-04 (run-3, Node 1): 0 % -> 100 %",
        "then 0 % again at 2026-01-08 (run-7, Node 1): a level counts from its third run on",
    ]
    _, _, told = figures.about_figure(values[:7], "count")
    assert told == ["changed at 2026-01-04 (run-3, Node 1): 0 -> 1"]
