"""The history: what is added, since when a case is bad, flaky or not, and the gate."""

import json
import sqlite3

import pytest

from reports.__main__ import main
from reports.history import figures, store, trends
from reports.record import Finding, read


def runs(sample, folder, states, *, seeds=None, versions=None, suites=None):
    """Run folders in which one case of linux-ble has these states, one run a day."""
    for number, verdict in enumerate(states):
        results = list(sample.sample_results())
        one = next(r for r in results if r.rig == "linux-ble" and r.case == "rfc6282/3.1.1/tf[00]")
        one.verdict = verdict
        version = versions[number] if versions else "2.1.3"
        path = sample.write_record(
            folder / f"{number:03}", results, run_id=f"run-{number:03}", dut_version=version
        )
        text = path.read_text().replace(
            "2026-11-21T10:00:00.000Z", f"2026-{1 + number // 28:02}-{1 + number % 28:02}T10:00:00Z", 1
        )
        text = text.replace('"seed":7', f'"seed":{seeds[number] if seeds else 7}', 1)
        if versions:
            text = text.replace('"version":"6.12"', f'"version":"{version}"')
        if suites:
            text = text.replace("0123456789abcdef", suites[number])
        path.write_text(text)
    return folder


@pytest.fixture
def file(tmp_path):
    return str(tmp_path / "history.db")


def said(capsys, *arguments):
    status = main(["history", *map(str, arguments)])
    return status, capsys.readouterr().out


def test_runs_are_added_once_and_another_of_the_same_id_is_refused(sample, tmp_path, file, capsys):
    folder = runs(sample, tmp_path / "out", ["pass", "fail"])
    assert said(capsys, "add", file, folder)[1].count(": added") == 2
    assert said(capsys, "add", file, folder / "000")[1].count("is there already") == 1
    sample.write_record(tmp_path / "x", [], run_id="run-000")
    assert main(["history", "add", file, str(tmp_path / "x")]) == 2
    assert "run run-000 is in the history already, from " in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert main(["history", "add", file, str(tmp_path / "empty")]) == 2
    assert "no run folders in it" in capsys.readouterr().err


def test_what_changed_and_since_when(sample, tmp_path, file, capsys):
    versions = ["6.1", "6.1", "6.2", "6.2"]
    said(
        capsys,
        "add",
        file,
        runs(sample, tmp_path / "out", ["pass", "pass", "fail", "fail"], versions=versions),
        "--lab",
        "east",
    )
    status, text = said(capsys, "show", file)
    assert status == 0
    assert "✓✓✗✗  linux-ble  rfc6282/3.1.1/tf[00]" in text
    assert "  east  ✗3" in text
    listed = [row for row in text.splitlines() if "  east  " in row]
    assert [f"Linux {version} 6.12.57" in row for row, version in zip(listed, versions, strict=True)] == [
        True
    ] * 4
    assert (
        "broke at 2026-01-03T10:00:00Z (run-002), linux-ble: 1 case broke: rfc6282/3.1.1/tf[00]; "
        "DUT Linux 6.1 6.12.57 -> Linux 6.2 6.12.57; the node changed, the suite did not" in text
    )
    assert "one sign a run, oldest first: ✗ fail" in text
    assert text.count("rfc6282/3.1.1") == 2
    status, text = said(capsys, "bisect", file, "--case", "rfc6282/3.1.1/tf", "--rig", "linux-ble")
    assert "bad since 2026-01-03T10:00:00Z (run-002)" in text
    assert "last good: 2026-01-02T10:00:00Z (run-001)" in text
    assert "the node changed, the suite did not" in text
    assert "1 of 1 cases are bad" in text
    assert said(capsys, "bisect", file, "--case", "nothing")[0] == 2
    assert (
        "✓✓✗✗  linux-ble  rfc6282/3.1.1/tf[00]"
        in said(capsys, "show", file, "--case", "rfc6282/3.1.1/tf[00]")[1]
    )


def test_a_flaky_case_is_told_from_one_that_fails(sample, tmp_path, file, capsys):
    states = ["pass", "fail", "pass", "pass", "fail", "pass"]
    said(capsys, "add", file, runs(sample, tmp_path / "out", states))
    assert (
        "flaky: 2 of 6 runs with suite 0.1.0 (0123456789abcdef), seed 7 and DUT Linux 6.12 6.12.57 had another verdict "
        "(33%, 10% to 70%)" in said(capsys, "show", file)[1]
    )
    (tmp_path / "history.db").unlink()
    said(capsys, "add", file, runs(sample, tmp_path / "seeds", states, seeds=range(6)))
    text = said(capsys, "show", file)[1]
    assert "✓✗✓✓✗✓" in text
    assert "flaky: " not in text, "another seed is another input"


def test_a_flake_is_counted_among_runs_of_its_own_input_and_node(sample, tmp_path, file, capsys):
    """Three runs of the version before and one of another seed were trials of a flake of two runs."""
    states, seeds = ["pass"] * 4 + ["fail", "pass"], [7, 7, 7, 7, 8, 8]
    versions = ["2.1.3"] * 3 + ["2.2.0"] * 3
    said(capsys, "add", file, runs(sample, tmp_path / "out", states, seeds=seeds, versions=versions))
    text = said(capsys, "show", file)[1]
    (row,) = [row.strip() for row in text.splitlines() if "flaky: " in row]
    assert row.startswith(
        "flaky: 1 of 2 runs with suite 0.1.0 (0123456789abcdef), seed 8 and DUT Linux 2.2.0 6.12.57 "
    )


@pytest.mark.parametrize(
    ("seeds", "blame"), [((7, 7), "flaky, or the rig"), ((7, 8), "the seed did: it depends")]
)
def test_what_broke_with_another_seed_says_so(sample, tmp_path, file, capsys, seeds, blame):
    said(capsys, "add", file, runs(sample, tmp_path / "out", ["pass", "fail"], seeds=seeds))
    (row,) = [row for row in said(capsys, "show", file)[1].splitlines() if row.startswith("broke at")]
    assert blame in row


@pytest.mark.parametrize(
    ("states", "seeds", "told"),
    [
        (["fail"], [7], True),
        (["pass", "fail"], [7, 8], True),
        (["pass", "fail"], [7, 7], False),  # flaky, and said
        (["fail", "fail"], [7, 8], False),  # with whatever is sent
        (["fail", "pass"], [7, 8], False),
    ],
)
def test_where_one_run_is_all_there_is_flaky_cannot_be_told(
    sample, tmp_path, file, capsys, states, seeds, told
):
    said(capsys, "add", file, runs(sample, tmp_path / "out", states, seeds=seeds))
    text = said(capsys, "show", file)[1]
    assert (
        f"whether it is flaky cannot be told: no other run has suite 0.1.0 (0123456789abcdef), seed {seeds[-1]} and DUT"
        in text
    ) == told
    assert (f"(--seed {seeds[-1]} repeats it)" in text) == told


def test_a_case_that_is_flaky_with_many_inputs_names_the_last_ones(sample, tmp_path, file, capsys):
    seeds = [number // 2 for number in range(10)]
    said(capsys, "add", file, runs(sample, tmp_path / "out", ["pass", "fail"] * 5, seeds=seeds))
    rows = [row for row in said(capsys, "show", file)[1].splitlines() if row.startswith("    flaky")]
    assert [f"seed {seed} " in row for seed, row in zip((2, 3, 4), rows, strict=False)] == [True] * 3
    assert rows[3].strip() == "flaky with 2 more of suite, seed and DUT before"


def test_a_case_that_is_bad_in_every_run_is_listed(sample, tmp_path, file, capsys):
    """Nothing changed in it, so it stood nowhere; it stands behind what changed."""
    said(capsys, "add", file, runs(sample, tmp_path / "out", ["pass", "fail", "fail"]))
    text = said(capsys, "show", file)[1]
    signs = [row for row in text.splitlines() if row.startswith(("✗✗✗", "✓✗✗", "!!!", "K", "✓✓"))]
    assert signs == [
        "✓✗✗  linux-ble  rfc6282/3.1.1/tf[00]",
        "✗✗✗  linux-802154  rfc4944/5.3/two_senders_same_tag",
        "!!!  linux-802154  rfc4944/5.10/late",
        "✗✗✗  lwip-802154  robustness/truncation",
    ]
    assert text.count("    bad in all 3 runs that have it\n") == 3
    said(capsys, "show", file, "--html", tmp_path / "pages")
    assert len(list((tmp_path / "pages").glob("case-*.html"))) == 4


def test_trend_pages(sample, tmp_path, file, capsys):
    said(capsys, "add", file, runs(sample, tmp_path / "out", ["pass", "fail"]))
    status, text = said(capsys, "show", file, "--html", tmp_path / "pages")
    assert status == 0
    assert "index.html" in text
    index = (tmp_path / "pages" / "index.html").read_text()
    assert "2026-01-02T10:00:00Z (run-001), linux-ble: 1 case broke: rfc6282/3.1.1/tf[00]" in index
    page = next((tmp_path / "pages").glob("case-*.html")).read_text()
    assert "bad since 2026-01-02" in page
    said(capsys, "show", file, "--figure", "rtt", "--html", tmp_path / "figures")
    assert "polyline" in next((tmp_path / "figures").glob("figure-*.html")).read_text()


POLICY = """
required = ["rfc6282/3.1.1/hop_limit"]
allowed = ["rfc4944/*", "robustness/truncation"]

[[quarantine]]
case = "rfc6282/3.1.1/tf"
rig = "linux-ble"
until = 2026-02-01
why = "issue 5"
"""


def test_what_was_bad_for_some_runs_is_told_when_it_is_good_again(sample, tmp_path, file, capsys):
    states, versions = ["pass", "fail", "fail", "pass", "unsupported"], ["6.1", "6.2", "6.2", "6.3", "6.4"]
    said(capsys, "add", file, runs(sample, tmp_path / "out", states, versions=versions))
    _, text = said(capsys, "show", file)
    assert "bad from 2026-01-02T10:00:00Z (run-001, DUT Linux 6.2 6.12.57) in 2 runs: " in text
    assert (
        "; good again since 2026-01-04T10:00:00Z (run-003); DUT Linux 6.2 6.12.57 -> Linux 6.3 6.12.57"
        in text
    )
    assert "tells nothing since 2026-01-05T10:00:00Z (run-004): unsupported, and before pass" in text


@pytest.mark.parametrize(
    ("states", "told", "untold"),
    [
        ("pass fail known", "; declared since 2026-01-03T10:00:00Z (run-002); DUT", "good again"),
        ("pass fail pass", "; good again since 2026-01-03T10:00:00Z (run-002); DUT", "declared"),
        ("pass known known", "newly seen, declared, since 2026-01-02T10:00:00Z (run-001): ", "bad "),
        ("pass known known", "; last good: 2026-01-01T10:00:00Z (run-000); DUT ", "bad "),
        ("pass inconclusive known", "newly seen, declared, since 2026-01-03T10:00:00Z (run-002): ", "bad "),
        ("known pass", "K✓  linux-ble", "newly seen"),
        ("known known", "no case has changed", "newly seen"),
        ("known fail", "declared until 2026-01-01T10:00:00Z (run-000)", "last good"),
    ],
)
def test_what_is_declared_is_not_good(sample, tmp_path, file, capsys, states, told, untold):
    made = runs(sample, tmp_path / "out", states.replace("known", "fail").split())
    for number, state in enumerate(states.split()):
        if state == "known":
            path = made / f"{number:03}" / "run.jsonl"
            rows = [json.loads(row) for row in path.read_text().splitlines()]
            for row in rows:
                if (row.get("rig"), row.get("case")) == ("linux-ble", "rfc6282/3.1.1/tf[00]"):
                    row["known"] = "declared-one"
            path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    said(capsys, "add", file, made)
    _, text = said(capsys, "show", file, "--rig", "linux-ble")
    assert told in text
    assert untold not in text


def test_a_quarantine_of_one_breach_excuses_no_other(sample, tmp_path, file, capsys):
    said(capsys, "add", file, runs(sample, tmp_path / "out", ["fail"]))
    rules = tmp_path / "policy.toml"
    rule = 'inconclusive = 1\n[[quarantine]]\ncase = "*"\nuntil = 2026-12-31\nwhy = "W"\nbreach = "{}"\n'
    for breach, status, note in (("*", 0, False), ("RFC4944-9-99 *", 1, True)):
        rules.write_text(rule.format(breach))
        found, text = said(capsys, "gate", file, "--policy", rules, "--today", "2026-01-01")
        assert found == status
        assert ("the quarantine of * excuses nothing in this run: W" in text) == note


def test_a_gate_gives_one_status(sample, tmp_path, file, capsys):
    said(capsys, "add", file, runs(sample, tmp_path / "out", ["pass", "fail"]))
    rules = tmp_path / "policy.toml"
    rules.write_text(POLICY + "inconclusive = 0.1\n".join(["", ""]))
    rules.write_text("inconclusive = 0.1\n" + POLICY)
    gate = ("gate", file, "--policy", rules)
    status, text = said(capsys, *gate, "--today", "2026-02-01")
    assert status == 0, text
    assert "quarantined until 2026-02-01: issue 5" in text
    assert "(allowed)" in text
    status, text = said(capsys, *gate, "--today", "2026-02-02")
    assert status == 1
    assert "the quarantine of rfc6282/3.1.1/tf ended on 2026-02-01" in text
    assert said(capsys, *gate, "--today", "2026-02-02", "--run", "run-000")[0] == 0
    rules.write_text(POLICY)
    assert said(capsys, *gate, "--today", "2026-01-01")[0] == 3  # one is inconclusive
    rules.write_text("inconclusive = 0.1\n" + POLICY.replace('["rfc6282/3.1.1/hop_limit"]', '["rfc7668/*"]'))
    status, text = said(capsys, *gate, "--today", "2026-01-01")
    assert status == 3
    assert "rfc7668/*  is required, and nothing is known of it" in text
    assert said(capsys, *gate, "--run", "nobody")[0] == 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = 1", "x: there is no such key; there is "),
        ("required = 1", "required: Input should be a valid list"),
        ("inconclusive = 2", "inconclusive: Input should be less than or equal to 1"),
        ("[[quarantine]]\ncase = 'x'\nwhy = 'y'", "quarantine.0.until: Field required"),
        ("[[quarantine]]\ncase = 'x'\nuntil = 2026-02-01", "quarantine.0.why: Field required"),
        ("[", "not TOML"),
        (f"required = {'[' * 3000}", "not TOML of ours: it is nested too deep"),
        (f"inconclusive = {'1' * 5000}", "not TOML: Exceeds the limit"),
    ],
)
def test_a_policy_that_is_none_is_told_with_its_key(sample, run, tmp_path, file, capsys, text, told):
    main(["history", "add", file, str(run)])
    rules = tmp_path / "policy.toml"
    rules.write_text(text)
    assert main(["history", "gate", file, "--policy", str(rules)]) == 2
    assert told in capsys.readouterr().err
    assert main(["history", "gate", file, "--policy", str(tmp_path / "none")]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_what_is_no_history_is_told(run, tmp_path, capsys):
    assert main(["history", "show", str(tmp_path / "none.db")]) == 2
    assert "there is no such history" in capsys.readouterr().err
    (tmp_path / "text.db").write_text("no database at all, but a text of some length " * 50)
    assert main(["history", "show", str(tmp_path / "text.db")]) == 2
    assert "not a history" in capsys.readouterr().err
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE t (x)")
    other.close()
    for verb in (["show"], ["add", str(run)]):
        assert main(["history", verb[0], str(tmp_path / "other.db"), *verb[1:]]) == 2
        assert "not a history of this version (0 instead of 3)" in capsys.readouterr().err


def test_a_run_is_added_whole_or_not_at_all(sample, run, file, monkeypatch):
    def torn(*_):
        yield from ()
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "_figures", torn)
    with store.opened(store.Path(file), new=True) as history:
        with pytest.raises(KeyboardInterrupt):
            store.add(history, read(run))
        assert trends.runs(history) == []
        assert history.execute("SELECT count(*) FROM results").fetchone() == (0,)


def test_figures_that_changed_at_once_are_one_line(sample, tmp_path, file, capsys):
    folder = runs(sample, tmp_path / "out", ["pass"] * 8)
    for number in range(8):
        path = folder / f"{number:03}" / "run.jsonl"
        rows = path.read_text().splitlines()
        base = {
            "type": "measurement",
            "rig": "linux-ble",
            "unit": "ms",
            "parameters": {},
            "case": "performance/rtt",
        }
        more = [
            json.dumps(base | {"name": f"trip {size}", "values": [(10 + size) * (1.5 if number >= 5 else 1)]})
            for size in range(9)
        ]
        path.write_text("\n".join([*rows[:-1], *more, rows[-1]]) + "\n")
    said(capsys, "add", file, folder)
    status, text = said(capsys, "show", file)
    assert status == 0
    (line,) = [row for row in text.splitlines() if row.startswith("changed at")]
    assert line.startswith(
        "changed at 2026-01-06T10:00:00Z (run-005), linux-ble, DUT Linux 6.12 6.12.57: 9 figures, the largest: "
        "performance/rtt trip "
    )
    assert "+50.0% (" in line
    assert "no case has changed" in text
    _, text = said(capsys, "show", file, "--figure", "trip 3")
    assert "linux-ble  performance/rtt  trip 3 (ms): 13 ms x 5, 19.5 ms x 3" in text
    assert figures.in_runs([str(n) for n in range(30)]).startswith("(10 before) 10, 11, ")


def test_what_broke_stands_in_front_of_what_changed(sample, tmp_path, file, capsys):
    said(capsys, "add", file, runs(sample, tmp_path / "out", ["pass", "pass", "fail"]))
    rows = said(capsys, "show", file)[1].splitlines()
    assert rows[0] == "number, begun, run, suite, lab, results"
    assert rows[4].startswith("broke at 2026-01-03T10:00:00Z")
    assert rows[5].startswith("one sign a run")


def test_a_gate_tells_a_breach_once_and_asks_those_that_owe(sample, tmp_path, file, capsys):
    """Nine cases with one breach are one line; a rig whose link has no such case owes none, one that lost it does."""
    folder = tmp_path / "out"
    for number, case in enumerate(("rfc4944/4/mtu", "rfc6282/other")):
        made = [sample.result(f"rfc6282/a[{n}]", "linux-ble", "fail", ["RFC6282-2-04"]) for n in range(9)]
        for line in made:
            line.findings = [Finding("dropped", "RFC6282-2-04", "MUST", "x", "nothing")]
        made.append(sample.result(case, "linux-802154", "pass", ["RFC4944-4-01"]))
        path = sample.write_record(folder / str(number), made, run_id=f"run-{number}")
        path.write_text(
            path.read_text().replace("2026-11-21T10:00:00.000Z", f"2026-01-0{number + 1}T10:00:00Z", 1)
        )
    said(capsys, "add", file, folder)
    rules = tmp_path / "policy.toml"
    rules.write_text('required = ["rfc4944/*"]\nallowed = ["rfc6282/*"]')
    status, text = said(capsys, "gate", file, "--policy", rules, "--run", "run-0")
    assert status == 0, text
    assert (
        "excused: linux-ble  9 cases  fail: RFC6282-2-04 dropped (allowed): rfc6282/a[0, 1, 2, 3, 4, 5 and 3 more]"
        in text
    )
    status, text = said(capsys, "gate", file, "--policy", rules)
    assert status == 3, text
    assert "cannot be told: linux-802154  rfc4944/*  is required, and nothing is known of it" in text
    rules.write_text('required = ["linux-802154 rfc6282/other"]\nallowed = ["rfc6282/*"]')
    assert said(capsys, "gate", file, "--policy", rules)[0] == 0
    rules.write_text('required = ["nobody rfc6282/a"]\nallowed = ["rfc6282/*"]')
    assert said(capsys, "gate", file, "--policy", rules)[0] == 3


def test_gate_day_is_a_day(file, run, capsys):
    main(["history", "add", file, str(run)])
    with pytest.raises(SystemExit) as ended:
        main(["history", "gate", file, "--policy", "x", "--today", "soon"])
    assert ended.value.code == 2
    assert "is no day: write it as 2026-12-31" in capsys.readouterr().err
