"""`compare` and hosts: a change that the host can explain is never blamed on the node, and one beyond that is.

Waits are drawn as a scheduler makes them: some values come late, and `held_up` is the sum of what they waited.
"""

import json
import math
from random import Random

import pytest

from reports.__main__ import main
from reports.compare import compare, figures
from reports.record import Record, read

REPEATS = 20
HOST = {"system": "Linux", "release": "6.1", "machine": "x86_64", "python": "3.11.7", "cpus": 4}


def line(values, held_up=0.0, *, lasted=60.0, pace=1e-4, unit="ms", name="round trip", **rest):
    load = {"lasted": lasted, "held_up": held_up, "pace": pace}
    whole = {"type": "measurement", "rig": "r", "case": "c", "name": name, "unit": unit, "parameters": {}}
    return whole | {"clock": "", "clock_error": 0.0, "values": values, "figure": None, "load": load} | rest


def record(lines, host=HOST, rigs=(), results=()):
    told = [
        {"rig": rig, "event": "ready", "dut": {"stack": stack, "version": version}}
        for rig, stack, version in rigs
    ]
    return Record(None, {"suite": {}, "asked": {}, "host": host}, told, list(results), list(lines), {})


def compared(before, after, **rest):
    return figures(record(before, **rest), record(after, **rest))


def trips(random, count=400, median=5.0):
    return [median * math.exp(random.gauss(0, 0.3)) for _ in range(count)]


def late(random, values, share, wait):
    """Values of which a share came late, by waits in the same unit, and what was waited in all, in seconds of ms."""
    waits = [random.expovariate(1 / wait) if random.random() < share else 0.0 for _ in values]
    return [value + more for value, more in zip(values, waits, strict=True)], sum(waits) / 1000


@pytest.mark.parametrize(("share", "wait", "seen"), [(0.05, 20.0, 0.0), (0.3, 10.0, 0.95), (0.9, 5.0, 0.95)])
def test_a_host_that_is_held_up_is_no_regression_of_the_node(share, wait, seen):
    unclear = 0
    for repeat in range(REPEATS):
        random = Random(f"{share} {repeat}")
        old, (new, held) = trips(random), late(random, trips(random), share, wait)
        found = compared([line(old, 0.01)], [line(new, held + 0.01)])
        assert not found.worse, (repeat, str(found.worse[0]))
        unclear += bool(found.lost)
        back = compared([line(new, held + 0.01)], [line(old, 0.01)])
        assert not back.better, "nor is a quieter host a better node"
        assert not back.lost, "and nothing is lost by that"
    assert unclear >= seen * REPEATS, "that something changed is told"


def test_what_a_host_cannot_explain_is_the_nodes():
    """A shift of 20 % at a load that is the same: in 19 of 20, as without any load (`test_comparing.py`)."""
    found = 0
    for repeat in range(40):
        random = Random(f"node {repeat}")
        old, held = late(random, trips(random, 2000, 50.0), 0.02, 20.0)
        new, more = late(random, [1.2 * value for value in trips(random, 2000, 50.0)], 0.02, 20.0)
        found += any(cell.what == "p95" for cell in compared([line(old, held)], [line(new, more)]).worse)
    assert found >= 38, f"{found} of 40"


def test_a_slower_host_explains_its_own_share():
    random = Random(1)
    old = trips(random)
    slower = [1.5 * value for value in old]
    found = compared([line(old, pace=1e-4)], [line(slower, pace=1.6e-4)])
    assert not found.worse
    assert (
        "the host explains as much: it took 100 µs for a fixed piece of work before and 160 µs after"
        in str(found.lost[0])
    )
    assert compared([line(old, pace=1e-4)], [line(slower, pace=1.3e-4)]).worse
    rate = {"unit": "B/s", "name": "goodput"}
    less = [value / 1.5 for value in old]
    assert not compared([line(old, **rate)], [line(less, pace=1.6e-4, **rate)]).worse
    assert compared([line(old, **rate)], [line(less, pace=1.3e-4, **rate)]).worse
    busy = {"lasted": 10.0, **rate}
    assert not compared([line(old, 0.0, **busy)], [line(less, 4.0, **busy)]).worse
    assert compared([line(old, 0.0, **busy)], [line(less, 2.0, **busy)]).worse


def test_the_same_load_on_both_sides_is_no_regression_either():
    """A busy host: which of few values the waits fall on is chance, and values of one moment have them in common."""
    regressions = 0
    for repeat in range(100):
        random = Random(f"busy {repeat}")

        def side(random=random):
            values = trips(random, 12, 3.0)
            at, wait = random.randrange(4), random.expovariate(1 / 4.0)
            waits = [wait if at <= place < at + 8 and random.random() < 0.8 else 0.0 for place in range(12)]
            figure = [value + more for value, more in zip(values, waits, strict=True)]
            told = {
                "what": "median",
                "value": sorted(figure)[6],
                "low": sorted(figure)[3],
                "high": sorted(figure)[9],
                "n": 12,
            }
            return line(figure, sum(waits) / 1000 + 0.002, lasted=0.35, figure=told)

        regressions += bool(compared([side()], [side()]).worse)
    assert regressions <= 5, f"{regressions} of 100"


@pytest.mark.parametrize(
    ("before", "after", "factor", "worse"),
    [
        ({"workers": 9}, {"workers": 11}, 1.2, False),
        ({"workers": 9}, {"workers": 11}, 1.5, True),  # more than they can explain
        ({"workers": 11}, {"workers": 11}, 1.2, True),
        ({"workers": 11}, {"workers": 9}, 1.2, True),  # fewer explain nothing
        ({"queued": 0.1}, {"queued": 0.9}, 1.5, False),
        ({"queued": 0.5}, {"queued": 0.5}, 1.5, True),
        ({"queued": 0.9}, {"queued": None}, 1.5, True),
    ],
)
def test_more_workers_or_a_longer_queue_explain_their_ratio(before, after, factor, worse):
    random = Random(10)
    old = trips(random, 2000, 50.0)
    new = [factor * value for value in old]
    sides = line(old), line(new)
    for side, more in zip(sides, (before, after), strict=True):
        side["load"] |= more
    found = compared([sides[0]], [sides[1]])
    assert bool(found.worse) is worse
    rate = {"unit": "B/s", "name": "goodput"}
    sides = line(new, **rate), line(old, **rate)
    for side, more in zip(sides, (before, after), strict=True):
        side["load"] |= more
    assert bool(compared([sides[0]], [sides[1]]).worse) is worse
    if "workers" in before and not worse:
        assert "not comparable: the host explains as much: 9 workers at once before and 11" in str(
            found.lost[0]
        )


def test_an_older_record_tells_its_workers_by_its_command_line():
    random = Random(11)
    old = trips(random, 2000, 50.0)
    sides = [record([line([factor * value for value in old])]) for factor in (1.0, 1.2)]
    for side, count in zip(sides, (3, 4), strict=True):
        side.header["asked"] = {"arguments": ["--rig", "a"] * count}
    assert not figures(*sides).worse
    sides[0].header["asked"] = sides[1].header["asked"]
    worse = figures(*sides).worse
    assert "the host: held up for 0 s of 60 s, 4 workers at once before; held up for" in str(worse[0])


def test_a_load_that_only_one_record_tells_counts_where_it_is_the_slow_one():
    """As of a record that was made before loads were noted, on a quiet host, and one of today on a busy one."""
    random = Random(9)
    old, (new, held) = trips(random), late(random, trips(random), 0.9, 10.0)
    found = compared([line(old, load=None)], [line(new, held)])
    assert not found.worse
    assert "held the rig up for nobody knows how long before and 3." in str(found.lost[0])
    quiet = compared([line(old, load=None)], [line(new, 0.0)])
    assert quiet.worse
    assert quiet.doubt == "", "the host of today was idle"
    assert compared([line(old)], [line(new, load=None)]).doubt


def test_a_virtual_clock_knows_no_host():
    old, virtual = trips(Random(8)), {"clock": "virtual"}
    before = record([line(old, **virtual)])
    slower = line([2 * value for value in old], 5.0, pace=9e-4, **virtual)
    assert figures(before, record([slower], HOST | {"cpus": 2})).worse


def test_losses_are_the_hosts_where_it_was_too_slow_to_tell():
    random = Random(2)
    whole = trips(random)
    lost = [None if place % 5 == 0 else value for place, value in enumerate(whole)]
    found = compared([line(whole, lasted=10.0)], [line(lost, 4.0, lasted=10.0)])
    assert not found.worse
    assert [cell.what for cell in found.lost] == ["loss (share)"]
    told = (
        "the host explains as much: other work held the rig up for 0 s of 10 s before and 4 s of 10 s after"
    )
    assert told in str(found.lost[0])
    assert [one.what for one in compared([line(whole)], [line(lost, 0.4)]).worse] == ["loss (share)"]


def test_hosts_that_differ_are_not_compared():
    random = Random(3)
    old, new = trips(random), [2 * value for value in trips(random)]
    octets = {"unit": "B", "name": "octets on the air"}
    before = [line(old), line(old, **octets)]
    after = [line(new), line(new, **octets)]
    found = figures(record(before), record(after, HOST | {"cpus": 2}))
    assert not found.worse
    assert "not comparable: the hosts differ: cpus 4 before and 2 after" in str(found.lost[0])
    assert {cell.name for cell in found.changed} == {"octets on the air"}, "no host changes octets"
    assert figures(record(before), record(after, {"merged": "a, b"})).worse, "nothing says that they differ"


def test_a_clock_explains_as_much_as_it_may_be_off():
    random = Random(4)
    old = trips(random, median=0.3)
    new = [value + 0.25 for value in old]
    off = {"clock_error": 0.00018}
    found = compared([line(old, **off)], [line(new, **off)])
    assert not found.worse
    assert "the clocks may be off by as much (360 µs)" in str(found.lost[0])
    assert compared([line(old)], [line(new, **off)]).worse, "one of them may be off by less than that"


@pytest.mark.parametrize(
    ("versions", "theirs", "worse"),
    [
        ((("lwIP", "1", "2"), ("Linux", "6", "6")), 1.5, set()),
        ((("lwIP", "1", "1"), ("Linux", "6", "6")), 1.5, set()),
        ((("lwIP", "1", "2"), ("Linux", "6", "7")), 1.5, {"a", "b"}),  # both nodes changed
        ((("lwIP", "1", "2"), ("lwIP", "1", "1")), 1.5, {"a", "b"}),  # one make breaks alike
        ((("lwIP", "1", "2"), ("Linux", "6", "6")), 1.02, {"a"}),  # theirs moved less
    ],
)
def test_rigs_that_move_together_have_the_host_in_common(versions, theirs, worse):
    random = Random(5)
    bare = {"load": None}

    def side(place, factors):
        lines = [
            line([factor * value for value in trips(random)], rig=rig, **bare)
            for rig, factor in zip("ab", factors, strict=True)
        ]
        rigs = [(rig, one[0], one[place]) for rig, one in zip("ab", versions, strict=True)]
        return record(lines, rigs=rigs)

    found = figures(side(1, (1, 1)), side(2, (1.5, theirs)))
    assert {cell.rig for cell in found.worse} == worse
    if not worse:
        assert "moved by +" in str(found.lost[0])
        assert "it is the host, or the suite" in str(found.lost[0])
    else:
        assert "the second record does not say how loaded its host was" in found.doubt


def test_a_case_that_was_too_slow_says_so_where_no_load_is_told():
    random = Random(6)
    old, new = trips(random), [2 * value for value in trips(random)]
    slow = {
        "rig": "r",
        "case": "c",
        "verdict": "inconclusive",
        "message": "machine too slow: other work held the rig up for 9.0 of 9.5 s",
    }
    lines = line(old, load=None), line(new, load=None)
    found = figures(record([lines[0]]), record([lines[1]], results=[slow]))
    assert not found.worse
    assert "the machine was too slow for this case after" in str(found.lost[0])
    assert figures(record([lines[0]]), record([lines[1]])).worse


def test_the_status_is_3_in_every_format_and_the_sentence_is_there(sample, tmp_path, capsys):
    def written(folder, lines):
        path = sample.write_record(folder)
        rows = path.read_text().splitlines()
        told = [json.dumps(one | {"rig": "linux-ble"}) for one in lines]
        path.write_text("\n".join([*rows[:-1], *told, rows[-1]]) + "\n")
        return read(folder)

    random = Random(7)
    old, (new, held) = trips(random), late(random, trips(random), 0.9, 10.0)
    a = written(tmp_path / "a", [line(old)])
    b = written(tmp_path / "b", [line(new, held)])
    assert compare(a, b).status == 0
    for name in ("text", "markdown", "json", "html"):
        assert main(["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--format", name]) == 3
        said = capsys.readouterr().out
        assert "not comparable enough: measurements got worse as far as their hosts explain it" in said
        assert "other work held the rig up for 0 s of 60 s before and" in said
    assert main(["compare", str(tmp_path / "b"), str(tmp_path / "a")]) == 0
    assert "Measurements that are not comparable" in capsys.readouterr().out
