"""`compare` beyond verdicts: required cases, whose change it was, measurements, formats, and how often it is wrong."""

import json
import math
from random import Random

import pytest

from reports.__main__ import main
from reports.compare import compare, figures
from reports.compare.figures import direction_of
from reports.record import read
from reports.statistics.comparison import (
    discoveries,
    mann_whitney,
    quantile_change,
    quantile_draws,
    share_change,
)


def record(sample, folder, measured=(), results=None, **rest):
    path = sample.write_record(folder, results, **rest)
    rows = path.read_text().splitlines()
    lines = [
        json.dumps({"type": "measurement", "rig": "linux-ble", "parameters": {}, "clock": "tap", **one})
        for one in measured
    ]
    path.write_text("\n".join([*rows[:-1], *lines, rows[-1]]) + "\n")
    return read(folder)


def test_parameters_are_words(sample, tmp_path):
    a, b = (record(sample, tmp_path / name, [trips([value] * 99) | {"parameters": {"size": 56}}]) for name, value in
            (("a", 1.0), ("b", 2.0)))  # fmt: skip
    assert "performance/latency (size 56)  round trip, p50: " in str(figures(a, b).worse[0])


def trips(values, name="round trip", unit="ms", case="performance/latency"):
    return {"case": case, "name": name, "unit": unit, "values": values}


def lognormal(random, count, median=50.0):
    return [median * math.exp(random.gauss(0, 0.3)) for _ in range(count)]


def test_required_cases_must_be_there_and_right(sample, run, tmp_path, capsys):
    wanted = tmp_path / "required.txt"
    wanted.write_text("# what ships\nrfc6282/3.1.1/hop_limit\nrfc6282/3.1.1/tf[00]\n")
    assert main(["compare", str(run), str(run), "--require", str(wanted)]) == 0
    wanted.write_text("robustness/*\n")
    assert main(["compare", str(run), str(run), "--require", str(wanted)]) == 1
    assert "Required and failing (1)" in capsys.readouterr().out
    wanted.write_text("rfc7668/*\n")
    assert main(["compare", str(run), str(run), "--require", str(wanted)]) == 3
    said = capsys.readouterr().out
    assert "Required and not known (1)" in said
    assert "any rig  rfc7668/*  absent -> absent: it is required, and no rig of either run has it" in said
    wanted.write_text("# nothing\n")
    assert main(["compare", str(run), str(run), "--require", str(wanted)]) == 2
    assert main(["compare", str(run), str(run), "--require", str(tmp_path / "none")]) == 2
    assert "cannot be read" in capsys.readouterr().err


def results_of(sample, *lines):
    """Results by (case, rig, verdict)."""
    return [sample.result(case, rig, verdict, ["RFC6282-2-04"]) for case, rig, verdict in lines]


@pytest.mark.parametrize(
    ("required", "status", "said"),
    [
        # under a glob, what a rig cannot try is told and does not count against it
        ("a/*", 0, "linux-ble  a/*: required, and 1 of its 2 cases cannot be tried there: a/y"),
        # a case by its id must be tried
        (
            "a/y",
            3,
            "linux-ble  a/y  unsupported -> unsupported: it is required, and nothing is known of its 1 case",
        ),
        ("lwip-802154 a/y", 0, "result: same or better"),
        ("linux-* a/y", 3, "nothing is known of its 1 case"),
        # inconclusive in both runs: nothing got worse, and what is required is not known all the same
        ("b", 3, "lwip-802154  b  inconclusive -> inconclusive"),
        ("lwip-802154 *", 3, "lwip-802154  b  inconclusive -> inconclusive: it is required"),
        # a rig whose link has no such case owes none
        ("only/lwip", 0, "result: same or better"),
        ("nobody a/x", 3, "nobody  a/x  absent -> absent: it is required, and no rig of either run has it"),
    ],
)
def test_what_is_required_and_was_not_tried(sample, tmp_path, capsys, required, status, said):
    lines = [
        *(("a/x", "linux-ble", "pass"), ("a/y", "linux-ble", "unsupported")),
        *(("a/x", "lwip-802154", "pass"), ("a/y", "lwip-802154", "pass")),
        *(("b", "lwip-802154", "inconclusive"), ("only/lwip", "lwip-802154", "pass")),
    ]
    run = sample.write_record(tmp_path / "run", results_of(sample, *lines)).parent
    wanted = tmp_path / "required.txt"
    wanted.write_text(required)
    assert main(["compare", str(run), str(run), "--require", str(wanted)]) == status
    assert said in capsys.readouterr().out


def test_what_is_required_and_gone_is_not_known(sample, tmp_path, capsys):
    before, after = results_of(sample, ("a/x", "linux-ble", "pass"), ("a/y", "linux-ble", "pass")), []
    after = before[:1]
    runs = [
        str(sample.write_record(tmp_path / name, made).parent) for name, made in (("a", before), ("b", after))
    ]
    path = tmp_path / "b" / "run.jsonl"
    rows = path.read_text().splitlines()
    path.write_text("\n".join([rows[0][:-1] + ',"asked":{"chosen":{"-k":"x"}}}', *rows[1:]]) + "\n")
    assert main(["compare", *runs]) == 0, "it was left out by choice"
    said = capsys.readouterr().out
    assert "Left out by choice in the second run (1)" in said
    assert "result: same or better, in the 1 result that both runs have" in said
    wanted = tmp_path / "required.txt"
    wanted.write_text("a/*")
    assert main(["compare", *runs, "--require", str(wanted)]) == 3
    assert "linux-ble  a/y  pass -> absent: it is required" in capsys.readouterr().out


def test_what_is_not_tried_any_more_says_why(sample, tmp_path, capsys):
    before, after = (
        results_of(sample, ("a/x", "linux-ble", "pass"), ("a/y", "linux-ble", "pass")) for _ in "ab"
    )
    after[0].verdict, after[0].reason = "unsupported", "not_on_this_link"
    runs = [
        str(sample.write_record(tmp_path / name, made).parent) for name, made in (("a", before), ("b", after))
    ]
    assert main(["compare", *runs]) == 3
    assert "a/x  pass -> unsupported: the tester's link cannot carry or send it (" in capsys.readouterr().out


def test_another_seed_is_said(sample, run, tmp_path, capsys):
    results = list(sample.sample_results())
    results[1].verdict = "fail"
    path = sample.write_record(tmp_path / "b", results)
    path.write_text(path.read_text().replace('"seed":7', '"seed":8', 1))
    assert main(["compare", str(run), str(tmp_path / "b")]) == 1
    said = capsys.readouterr().out
    assert "seed: 7 -> 8" in said
    assert "neither suite nor node changed, the seed did: it depends on the octets that are sent" in said


def test_figures_that_did_not_change_are_counted_and_listed(sample, tmp_path, capsys):
    random = Random(4)
    same, moved = lognormal(random, 100), lognormal(random, 100)
    steady = trips([100.0] * 100, "steady")
    a = record(sample, tmp_path / "a", [trips(same), trips(moved, "moved"), steady])
    slower = [2 * value for value in moved]
    b = record(sample, tmp_path / "b", [trips(same), trips(slower, "moved"), trips([200.0] * 100, "steady")])
    runs = [str(one.path.parent) for one in (a, b)]
    assert main(["compare", *runs]) == 1
    said = capsys.readouterr().out
    assert (
        "9 tests of figures (whole, quantiles and loss), false discovery rate 5 %: 3 found no change (--all lists "
        "them), 6 found one, in 2 measurements" in said
    )
    assert "did not change (3)" not in said
    # a change of which every draw says the same has no interval; and no test says p 0
    assert "steady, p50: 100 ms -> 200 ms (+100 ms, +100.0%; p < 0.001)" in said
    assert " p 0" not in said
    assert main(["compare", *runs, "--all"]) == 1
    said = capsys.readouterr().out
    assert "Measurements that did not change (3)" in said
    assert "round trip, shift" in said
    assert main(["compare", *runs, "--format", "json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["figures_compared"], told["figures_unchanged"]) == (9, 3)


def test_few_values_that_differ_are_told_and_judge_nothing(sample, tmp_path, capsys):
    """A count is the same in every run of one node: nobody would look for it among 'too few values'."""
    sides = []
    for name, octets, time in (("a", 19.0, 5.0), ("b", 25.0, 9.0)):
        lines = [
            trips([octets], "octets on the air", "B"),
            trips([time] * 3),
            trips([7.0], "frames", "count"),
        ]
        sides.append(str(record(sample, tmp_path / name, lines).path.parent))
    assert main(["compare", *sides]) == 0
    said = capsys.readouterr().out
    assert "Measurements of few values that differ (1)" in said
    assert "octets on the air, median: 19 B -> 25 B (+6 B, +31.6%; 1 and 1 value: too few for a test)" in said
    assert main(["compare", *sides, "--least", "50%"]) == 0
    assert "few values that differ" not in capsys.readouterr().out


def test_a_run_that_was_chosen_by_ids_does_not_list_them(sample, tmp_path, capsys):
    path = sample.write_record(tmp_path / "a")
    rows = path.read_text().splitlines()
    ids = [f"suites/rfc6282/test_3_1_1.py::test_hop_limit[{number}]" for number in range(900)]
    rows[0] = json.dumps(json.loads(rows[0]) | {"asked": {"chosen": {"paths": ids}}})
    path.write_text("\n".join(rows) + "\n")
    main(["compare", str(tmp_path / "a"), str(tmp_path / "a")])
    (head,) = {row for row in capsys.readouterr().out.splitlines() if "partial run" in row}
    assert "test_hop_limit[2] and 897 more" in head
    assert len(head) < 500


@pytest.mark.parametrize(
    ("version", "commit", "what", "because"),
    [
        ("2.2.0", "", "", "the node changed"),
        ("2.1.3", "new", "", "the suite changed"),
        ("2.2.0", "new", "", "suite and node changed"),
        ("2.1.3", "", "", "neither suite nor node changed"),
        ("2.2.0", "", "Another sentence.", "the suite changed"),
    ],
)
def test_a_change_says_whose_it_is(sample, run, tmp_path, capsys, version, commit, what, because):
    results = list(sample.sample_results())
    one = next(result for result in results if result.rig == "lwip-802154" and result.verdict == "pass")
    one.verdict = "fail"
    one.what = what or one.what
    path = sample.write_record(tmp_path / "b", results, dut_version=version)
    if commit:
        path.write_text(path.read_text().replace("0123456789abcdef", commit))
    assert main(["compare", str(run), str(tmp_path / "b")]) == 1
    assert f"pass -> fail ({because}" in capsys.readouterr().out.replace(": (", " (")


def test_every_format_has_the_same_news(sample, run, tmp_path, capsys):
    results = list(sample.sample_results())
    results[1].verdict = "fail"
    record(sample, tmp_path / "b", [trips([9.0] * 30)], results)
    said = {}
    for name in ("text", "markdown", "json", "html"):
        assert main(["compare", str(run), str(tmp_path / "b"), "--format", name]) == 1
        said[name] = capsys.readouterr().out
    for text in said.values():
        assert "rfc6282/3.1.1/tf[00]" in text
        assert "regression" in text
        assert "-m reports show " in text, "the way from a row to its proof"
    assert json.loads(said["json"])["status"] == 1
    assert json.loads(said["json"])["new_failures"][0]["rig"] == "linux-802154"
    assert said["html"].startswith("<!doctype html>")


@pytest.mark.parametrize("least", ["x", "-1%", "nan", "inf"])
def test_a_least_effect_that_is_no_share_is_told(run, capsys, least):
    with pytest.raises(SystemExit) as ended:
        main(["compare", str(run), str(run), f"--least={least}"])
    assert ended.value.code == 2
    assert "is no share: write it as 5% or 0.05" in capsys.readouterr().err


def test_which_way_is_worse():
    assert direction_of("round trip", "ms") == 1
    assert direction_of("loss", "share") == 1
    assert direction_of("goodput", "B/s") == -1
    assert direction_of("unanswered size", "B") == 0


def test_figures_change_in_the_direction_that_is_worse(sample, tmp_path):
    random = Random(1)
    slow, quick = lognormal(random, 400, 60.0), lognormal(random, 400, 50.0)
    a = record(sample, tmp_path / "a", [trips(quick), trips(slow, "goodput", "B/s"), trips([1.0] * 5, "few")])
    b = record(sample, tmp_path / "b", [trips(slow), trips(quick, "goodput", "B/s"), trips([2.0] * 5, "few")])
    found = figures(a, b)
    assert {cell.name for cell in found.worse} == {"round trip", "goodput"}
    assert not found.better
    assert found.untested == 2  # too few values
    assert {cell.name for cell in figures(b, a).better} == {"round trip", "goodput"}
    assert not figures(a, b, least=0.5).worse
    assert figures(a, b).worse == found.worse, "the same records give the same comparison"
    lost = record(sample, tmp_path / "c", [trips([None if n % 5 == 0 else quick[n] for n in range(400)])])
    assert [cell.what for cell in figures(a, lost).worse] == ["loss (share)"]
    assert compare(a, b).status == 0


def test_figures_with_an_interval_are_compared_by_it(sample, tmp_path):
    def slope(value):
        return trips([value], "slope", "ms") | {
            "figure": {"value": value, "low": value - 1, "high": value + 1, "n": 9}
        }

    def loss(value, n):
        return trips([value], "loss", "share") | {"figure": {"value": value, "low": 0, "high": 1, "n": n}}

    a = record(sample, tmp_path / "a", [slope(5.0), loss(0.01, 1000)])
    b = record(sample, tmp_path / "b", [slope(9.0), loss(0.05, 1000)])
    assert {cell.name for cell in figures(a, b).worse} == {"slope", "loss"}
    c = record(sample, tmp_path / "c", [slope(5.5), loss(0.015, 1000)])
    assert not figures(a, c).worse


# -- the statistics by themselves


def test_ranks_and_shares_against_known_figures():
    wins, chance = mann_whitney([1, 2, 3, 4, 5, 6, 7, 8], [5, 6, 7, 8, 9, 10, 11, 12])
    assert wins == pytest.approx(0.875)
    assert chance == pytest.approx(
        0.0114, abs=0.0005
    )  # scipy 1.17.1, without correction for continuity: 0.01141
    assert mann_whitney([1.0] * 9, [1.0] * 9) == (0.5, 1.0)
    with pytest.raises(ValueError, match="8 on each side"):
        mann_whitney([1.0], [2.0])
    change, chance = share_change((56, 70), (48, 80))  # Newcombe 1998, table II: 0.2, 0.0524 to 0.3339
    assert -change.value == pytest.approx(0.2)
    assert (-change.high, -change.low) == (pytest.approx(0.0524, abs=1e-4), pytest.approx(0.3339, abs=1e-4))
    assert chance == pytest.approx(0.0081, abs=0.0005)
    assert share_change((0, 9), (0, 9))[1] == 1.0


def test_the_drawn_bootstrap_is_the_one_by_resampling():
    random = Random(3)
    values = [random.expovariate(1) for _ in range(61)]
    drawn = sorted(quantile_draws(values, 0.9, "", 4000))
    plain = []
    for _ in range(4000):
        again = sorted(random.choices(values, k=len(values)))
        plain.append(again[54])  # 0.9 * 60
    plain.sort()
    for place in (400, 2000, 3400):  # where the values beside it are as likely
        assert drawn[place] == pytest.approx(plain[place], rel=0.08)
    change, chance = quantile_change([1.0] * 30, [1.0] * 30, 0.5, 3)
    assert (change.value, chance) == (0.0, 1.0)


def test_false_discoveries_are_held_down():
    assert discoveries([0.001, 0.02, 0.04, 0.9]) == [True, True, False, False]
    assert discoveries([0.01, 0.02, 0.03, 0.04]) == [True] * 4
    assert discoveries([]) == []


# -- how often a comparison is wrong (seeded, so that it is so often each time)

REPEATS = 120


def pair(sample, folder, old, new):
    return record(sample, folder / "a", old), record(sample, folder / "b", new)


def comparison(before, after):
    """What `compare` says of two lists of measurements, without the files."""
    from reports.record import Record

    def made(lines):
        whole = [{"type": "measurement", "rig": "r", "parameters": {}, "clock": "", **line} for line in lines]
        return Record(None, {"suite": {}, "asked": {}}, [], [], whole, {})

    return figures(made(before), made(after))


def test_pairs_without_change_rarely_report_a_regression():
    wrong = 0
    for repeat in range(REPEATS):
        random = Random(f"same {repeat}")

        def side(random=random):
            lossy = [None if random.random() < 0.01 else value for value in lognormal(random, 400)]
            return [trips(lognormal(random, 400), case=f"c{n}") for n in range(2)] + [
                trips(lossy, case="lossy")
            ]

        wrong += bool(comparison(side(), side()).worse)
    assert wrong <= REPEATS * 0.05, f"{wrong} of {REPEATS}"


@pytest.mark.parametrize("change", ["scaled", "tail"])
def test_a_shift_of_p95_is_found(change):
    found = 0
    for repeat in range(40):
        random = Random(f"{change} {repeat}")
        old, new = lognormal(random, 2000), lognormal(random, 2000)
        edge = 50.0 * math.exp(0.3 * 1.2816)  # p90
        new = [1.2 * value if change == "scaled" or value > edge else value for value in new]
        cells = comparison([trips(old)], [trips(new)]).worse
        found += any(cell.what == "p95" and 0.1 < cell.relative < 0.3 for cell in cells)
    assert found >= 38, f"{found} of 40"


def test_a_loss_that_rises_is_found():
    found = 0
    for repeat in range(REPEATS):
        random = Random(f"loss {repeat}")
        old, new = (
            [None if random.random() < share else random.random() for _ in range(1000)]
            for share in (0.01, 0.05)
        )
        found += any(cell.what == "loss (share)" for cell in comparison([trips(old)], [trips(new)]).worse)
    assert found >= REPEATS * 0.95, f"{found} of {REPEATS}"


def test_one_verdict_that_flips_is_always_found(sample, run, tmp_path):
    before = read(run)
    for place, line in enumerate(before.results):
        if line["verdict"] not in ("pass", "harmless"):
            continue
        after = read(run)
        after.results[place]["verdict"] = "fail"
        assert compare(before, after).status == 1
