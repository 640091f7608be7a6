"""What a reader asks of a history or of two runs, and names that nothing in them has."""

import pytest

from reports.__main__ import main
from reports.record import Finding
from tests.reports.markup import Page


@pytest.fixture
def file(run, tmp_path, capsys):
    path = str(tmp_path / "history.db")
    main(["history", "add", path, str(run)])
    capsys.readouterr()
    return path


@pytest.mark.parametrize("verb", ["show", "bisect"])
@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("--case rfc6282/3.1.1/tg[00]", "no case 'rfc6282/3.1.1/tg[00]'; there is rfc6282/3.1.1/tf[00]"),
        ("--case rfc6283/*", "no case 'rfc6283/*'; there is rfc6282/*"),
        ("--case rfc6282/3.1.7/*", "no case 'rfc6282/3.1.7/*'; there is rfc6282/3.1.1/*"),
        ("--case * --rig linux-bel", "no rig 'linux-bel'; there is linux-ble"),
        ("--case * --rig linux-*", "no rig 'linux-*'; there is linux-"),
        ("--case robustness/* --rig linux-ble", "no case 'robustness/*' on linux-ble; there is "),
    ],
)
def test_a_name_that_nothing_has_is_told_with_the_nearest(file, capsys, verb, asked, told):
    assert main(["history", verb, file, *asked.split()]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("--figure rt", ""),
        ("--figure performance/*", ""),
        ("--figure performanse/rtt", "no figure 'performanse/rtt'; there is performance/rtt"),
        ("--figure *rtd*", "no figure '*rtd*'; there is rtt"),
        ("--figure rtt --rig lwip-802154", "no figure 'rtt' on lwip-802154; there is none"),
    ],
)
def test_a_figure_that_nothing_has_is_told_with_the_nearest(file, tmp_path, capsys, asked, told):
    for more in ([], ["--html", str(tmp_path / "pages")]):
        assert main(["history", "show", file, *asked.split(), *more]) == (2 if told else 0)
        assert told in capsys.readouterr().err


def test_what_broke_worst_comes_first_and_alike_are_one_row(sample, tmp_path, capsys):
    """One death behind nine equal small failures was the tenth row."""
    cases = [f"rfc6282/3.1.1/hlim[{number}]" for number in range(9)]
    hops = Finding("hop_limit", "RFC6282-3.1.1-09", "FORMAT", "64", "63", field="hop_limit")
    death = Finding("dut_lost", "RFC6282-2-04", "MUST", "it lives", "silence")
    good = [sample.result(case, "linux-ble", "pass", []) for case in (*cases, "robustness/z")]
    bad = [sample.result(case, "linux-ble", "fail", [], findings=[hops]) for case in cases]
    bad.append(sample.result("robustness/z", "linux-ble", "fail", [], findings=[death]))
    sample.write_record(tmp_path / "a", good)
    sample.write_record(tmp_path / "b", bad)
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "b")]) == 1
    rows = capsys.readouterr().out.splitlines()
    assert rows[0] == "Keyhole compare: regression"
    news = rows[rows.index("New failures (10)") + 1 :][:2]
    assert news[0].startswith(
        "  linux-ble  robustness/z  pass -> fail: critical: crash, dut_lost (SURVIVAL-01)"
    )
    assert news[1].startswith(
        "  linux-ble  9 cases  pass -> fail: moderate: some forms lost, hop_limit (RFC6282"
    )
    assert "--case 'robustness/z'" in "\n".join(rows)
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--format", "html"]) == 1
    page = Page(capsys.readouterr().out).text
    assert (
        page.index("10 cases got worse")
        < page.index("robustness/z")
        < page.index("9 cases")
        < page.index("seed: 7")
    )
    for number, run in enumerate("ab"):
        line = (
            (tmp_path / run / "run.jsonl")
            .read_text()
            .replace("20261121-100000-7", f"2026112{number}-100000-7")
        )
        (tmp_path / run / "run.jsonl").write_text(
            line.replace("2026-11-21T10:00:00", f"2026-11-2{number}T10:00:00")
        )
    main(["history", "add", str(tmp_path / "h.db"), str(tmp_path / "a"), str(tmp_path / "b")])
    assert main(["history", "show", str(tmp_path / "h.db")]) == 0
    broke = [row for row in capsys.readouterr().out.splitlines() if row.startswith("broke at")]
    assert [row.partition("linux-ble: ")[2][:33] for row in broke] == [
        "1 case broke (critical, crash: SU",
        "9 cases broke (moderate, some for",
    ]


def test_a_sweep_is_one_line_with_what_it_came_out_as_and_what_it_breaks(sample, tmp_path, capsys):
    """A hundred and forty-four codes filled half of a comparison, under an effect that the page did not give them."""
    forms = [
        Finding(f"form-{code}", "RFC6282-4.3.3-06", "FORMAT", "f0b0", "f0b1", field="udp_source_port")
        for code in ("6400", "6401", "6403", "6410", "6411")
    ]
    old = sample.result("rfc4944/4/mtu", "linux-ble", "fail", [], findings=[forms[0]])
    for name, verdict, findings in (("a", "pass", []), ("b", "fail", forms)):
        one = sample.result("rfc6282/2/every_form", "linux-ble", verdict, [], findings=findings)
        sample.write_record(tmp_path / name, [one, old])
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "b")]) == 1
    out = capsys.readouterr().out
    codes = "form-6400, form-6401, form-6403 and 2 more (RFC6282-4.3.3-06)"
    assert f"  linux-ble  rfc6282/2/every_form  pass -> fail: serious: wrong data, {codes}" in out
    assert "Requirements that the new failures break\n  RFC6282-4.3.3-06 (FORMAT): P=11: both ports" in out
    assert "1 result failed in both runs: `show` of either says how" in out
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--format", "json"]) == 1
    assert "form-6411" in capsys.readouterr().out, "a program gets all of them"
