"""Pages of a farm: stacks and versions with their rigs inside, every result counted, frames on pages beside."""

import json
import re
from collections import Counter
from urllib.parse import unquote

import pytest

from reports import html, markdown
from reports.__main__ import main
from reports.compact import skim
from reports.fleet import fleet
from reports.html.farm import file_names
from reports.record import Finding, Writer, read
from reports.view import Section, view
from tests.bench.farm import Farm
from tests.reports.browser import Browser
from tests.reports.test_browser import HOSTILE, serious

RIGS, RESULTS = 36, 1800


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("farm") / "run"
    Farm(RESULTS, RIGS, seed=11, drift=0.004).write(made)
    assert main(["render", str(made)]) == 0
    return made


@pytest.fixture(scope="module")
def pages(folder):
    return {path.name: path.read_text() for path in folder.glob("*.html")}


def test_every_result_is_counted_and_nothing_is_told_twice(folder):
    record = read(folder)
    want = Counter(line["verdict"] for line in record.results)
    found = fleet(view(skim(folder)))
    told = Counter()
    for groups in found.spread.values():
        for buckets in groups.values():
            for bucket in buckets:
                told[bucket.state] += bucket.count
    assert told["known"] + told["fail"] == want["fail"]
    assert {name: told[name] for name in want if name != "fail"} == {
        name: want[name] for name in want if name != "fail"
    }
    for group in found.groups:
        assert found.folded.counts(group.name) == sum(
            (found.page.counts(rig.name) for rig in group.rigs), Counter()
        )


def test_columns_are_stacks_and_versions(folder, pages):
    head = re.search(r'<table class="matrix">\s*<thead>(.*?)</thead>', pages["index.html"], re.DOTALL)[1]
    assert re.findall(r'<th scope="col">([^<]+)<small>([^<]+)</small>', head)[:2] == [
        ("contiki-ng 4.9", "3 rigs"),
        ("contiki-ng 5.0", "3 rigs"),
    ]
    assert "bench-0000" in pages["index.html"]


def test_what_is_not_green_is_shown_with_its_octets_and_rigs(folder, pages):
    beside = "".join(text for name, text in pages.items() if name.startswith("cases-"))
    for line in read(folder).results:
        if line["verdict"] in ("fail", "inconclusive"):
            assert line["rig"] in beside
            assert html.environment.evidence_path(line["evidence"]) in beside
    samples = [line for line in read(folder).results if line["verdict"] == "fail" and not line["known"]]
    assert any(line["stimulus"].splitlines()[1] in beside for line in samples)


def test_links_lead_somewhere_and_each_id_is_there_once(pages):
    for text in pages.values():
        named = re.findall(r' id="([^"]*)"', text)
        assert len(named) == len(set(named))
    ids = {name: set(re.findall(r' id="([^"]*)"', text)) for name, text in pages.items()}
    count = 0
    for name, text in pages.items():
        for file, part in re.findall(r'href="([^"#:]*)#([^"]*)"', text):
            if "=" not in part:
                assert unquote(part) in ids[file or name]
                count += 1
    assert count > RESULTS / RIGS


def test_the_first_page_grows_with_cases_and_versions_not_with_rigs(tmp_path, pages):
    Farm(RESULTS * 4, RIGS * 4, seed=11).write(tmp_path / "run")
    many = html.pages(view(skim(tmp_path / "run")))
    assert len(many["index.html"]) < 1.5 * len(pages["index.html"])


def test_the_summary_has_a_row_for_each_stack_and_version(folder):
    text = markdown.render(skim(folder))
    first = text.splitlines()[:30]
    assert "| Stack and version | Rigs | Fit to ship? | Verdict | Worst |" in first
    assert any("(3 of 3 rigs)" in row for row in first)
    assert len(text) <= markdown.LARGEST
    assert text == markdown.render(read(folder))


def test_rigs_of_one_dut_under_two_profiles_are_two_columns_and_unnamed_ones_are_apart(tmp_path, sample):
    writer = Writer(tmp_path / "run", run_id="x", seed=1, suite={"version": "1"}, host={"a": "b"})
    for number in range(30):
        dut = {"stack": "lwIP", "version": "2.2"} if number < 28 else {}
        writer.rig(f"rig{number}", "ready", profile=("ble", "radio")[number % 2], dut=dut)
        writer.write(sample.result("a/b", f"rig{number}", "pass", []).to_json())
    writer.close()
    found = fleet(view(skim(writer.path)))
    assert [(group.name, len(group.rigs)) for group in found.groups] == [
        ("lwIP 2.2 (ble)", 14),
        ("lwIP 2.2 (radio)", 14),
        ("rig28", 1),
        ("rig29", 1),
    ]


def test_many_results_of_few_rigs_keep_their_rigs(folder, monkeypatch, tmp_path):
    Farm(400, 4, seed=2).write(tmp_path / "run")
    monkeypatch.setattr("reports.view.MOST_RESULTS", 300)
    found = fleet(view(skim(tmp_path / "run")))
    assert [group.name for group in found.groups] == [f"bench-000{n}" for n in range(4)]
    assert main(["render", str(tmp_path / "run")]) == 0
    assert 'id="rig:bench-0003"' in (tmp_path / "run" / "index.html").read_text()


def test_names_of_files_are_ours_and_differ():
    keys = ["rfc4944/5.3", "rfc4944-5.3", "../../etc", "a" * 300, "a" * 301, "", "A", "a"]
    names = file_names([Section(key, key) for key in keys])
    assert len({name.lower() for name in names.values()}) == len(keys)
    assert all(re.fullmatch(r"cases-[A-Za-z0-9._-]{1,90}\.html", name) for name in names.values())


def test_show_and_merge_take_a_farm(folder, tmp_path, capsys):
    case = next(line for line in read(folder).results if line["verdict"] == "fail")
    assert main(["show", str(folder), "--case", case["case"], "--rig", case["rig"]]) == 0
    said = capsys.readouterr().out
    assert case["repeat"] in said
    Farm(100, 2, seed=1).write(tmp_path / "other")
    path = tmp_path / "other" / "run.jsonl"
    path.write_text(path.read_text().replace("bench-", "desk-"))
    assert main(["merge", str(tmp_path / "all"), str(folder), str(tmp_path / "other")]) == 0
    merged = read(tmp_path / "all")
    assert merged.results == [*read(folder).results, *read(tmp_path / "other").results]
    assert merged.footer["counts"] == {
        verdict: sum(read(one).footer["counts"][verdict] for one in (folder, tmp_path / "other"))
        for verdict in merged.footer["counts"]
    }


@pytest.mark.slow
def test_the_pages_in_a_browser(folder, pages, tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("profile"))
    try:
        section = max(
            (n for n in pages if n.startswith("cases-")), key=lambda name: pages[name].count("fail")
        )
        for name in ("index.html", section, "requirements.html", "measurements.html", "environment.html"):
            for width, dark in ((390, False), (1280, True)):
                browser.open((folder / name).as_uri(), width=width, height=844, dark=dark)
                browser.eval("document.querySelectorAll('details').forEach(d => d.open = true)")
                assert serious(browser) == []
                assert browser.eval("document.documentElement.scrollWidth") <= width
        index = (folder / "index.html").as_uri()
        browser.open(index, height=844)
        assert browser.eval("document.querySelector('#verdict').getBoundingClientRect().bottom") < 844
        browser.eval("document.querySelector('.matrix td.fail a').click()")
        shown = "[...document.querySelectorAll('details.case')].filter(c => !c.hidden).length"
        assert 0 < browser.eval(shown) < RESULTS / RIGS
        link = browser.eval("document.querySelector('.cause.fail a[href^=\"cases-\"]').href")
        browser.open(link)
        assert browser.eval("document.querySelector('details.case[open] .result.fail .octets') !== null")
        assert browser.errors == []
    finally:
        browser.close()


@pytest.mark.slow
def test_a_hostile_farm_is_inert(sample, tmp_path, tmp_path_factory):
    results = []
    for number in range(30):
        for one in list(sample.sample_results())[:4]:
            one.rig, one.case = f"{HOSTILE} {number} {one.rig}", f"x/{HOSTILE}'\"` {one.case}"
            one.what = one.message = one.stimulus = one.expected = one.actual = one.annotated = HOSTILE
            one.reason = one.repeat = HOSTILE
            one.findings.append(Finding(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, 1, HOSTILE))
            results.append(one)
    sample.write_record(tmp_path / "run", results, run_id=HOSTILE, dut_version=HOSTILE)
    assert main(["render", str(tmp_path / "run")]) == 0
    browser = Browser(tmp_path_factory.mktemp("profile"))
    try:
        for path in (tmp_path / "run").glob("*.html"):
            browser.open(path.as_uri())
            assert "owned" not in browser.eval("document.title.replace(/'owned'/g, '')")
            assert browser.eval("document.querySelectorAll('script').length") == 1
            links = browser.eval("[...document.querySelectorAll('a')].map(a => a.href)")
            assert all(link.startswith((tmp_path / "run").as_uri()) for link in links)
        assert browser.errors == []
    finally:
        browser.close()


def test_merging_twice_makes_the_same_lines(folder, tmp_path):
    """Lines that were merged once need no second look."""
    assert main(["merge", str(tmp_path / "one"), str(folder)]) == 0
    assert main(["merge", str(tmp_path / "two"), str(tmp_path / "one")]) == 0
    one, two = ((tmp_path / name / "run.jsonl").read_bytes().splitlines() for name in ("one", "two"))
    assert one[1:-1] == two[1:-1]
    assert json.loads(one[1]) == json.loads((folder / "run.jsonl").read_bytes().splitlines()[1])


def test_a_comparison_of_farms_names_stacks_once(folder, tmp_path, capsys):
    assert main(["compare", str(folder), str(folder)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert "3 rigs: lwip 2.1.3" in said
    assert f"0 cases got worse; {RESULTS} of {RESULTS} results in both runs unchanged" in said
    assert len(said) < 30
