"""The page: whole, escaped, self-contained, and enough for a stranger."""

import re
import shutil
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest

from reports.html import render
from reports.html_parts import evidence_link
from reports.record import RecordError, read
from tests.waiting import completed

VOID = {"meta", "link", "input", "br", "hr", "img"}


class Page(HTMLParser):
    """Checks nesting while it collects ids, references and text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.references, self.words = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag not in VOID:
            self.open.append(tag)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        self.references += [attributes[name] for name in ("href", "src") if name in attributes]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("script", "style"):
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture
def page(run):
    return Page(render(read(run)))


def test_ids_are_unique_and_every_inner_reference_leads_somewhere(page):
    assert len(page.ids) == len(set(page.ids))
    inner = [unquote(r[1:]) for r in page.references if r.startswith("#")]
    assert inner
    assert set(inner) <= set(page.ids)


def test_nothing_is_fetched(run, page):
    outer = [r for r in page.references if not r.startswith(("#", "data:,", "evidence/"))]
    assert outer == []
    assert not re.search(r"https?://|@import|url\(", render(read(run)))


def test_the_same_record_gives_the_same_bytes_in_any_order(run, sample, tmp_path):
    shuffled = tmp_path / "other"
    sample.write_record(shuffled, list(sample.sample_results())[::-1])
    assert render(read(run)) == render(read(run))
    body = lambda folder: render(read(folder)).split("<h2", 1)[1]  # noqa: E731
    assert body(run) == body(shuffled)


def test_foreign_text_is_escaped(run, page):
    text = render(read(run))
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;" in text
    assert "<b>not bold</b>" not in text
    assert "<script>alert('x')</script> one reply" in page.text


def test_a_stranger_sees_demand_stimulus_and_answer_of_a_deviation(page):
    card = page.text.split("K lwip-ecn-order", 1)[1].split("K lwip-multicast-32")[0]
    assert "RFC6282-3.2.1-01 FORMAT (RFC 6282 §3.2.1)" in card
    assert "The traffic class is rotated right by two bits so that ECN comes first" in card
    assert "UDP to closed port 5000 with TF=00" in card
    assert "quoted IPv6 header starts with 6eeabcde" in card
    assert "quoted IPv6 header starts with 6bbabcde" in card
    assert "6333ee0abcde3a" in card
    assert "0000 63 33 ee 0a bc de" in card
    unseen = page.text.split("K lwip-multicast-32", 1)[1].split("Cases", 1)[0]
    assert "Not seen in this run." in unseen
    assert "RFC6282-3.2.3-01 FORMAT" in unseen  # named by pattern
    assert "RFC6282-3.2.3-04 FORMAT" in unseen


def test_facts_of_run_and_rigs(page):
    for fact in ("20260", "0123456789abcdef", "lwIP", "6.12.57", "lost", "recovered", "profile lwip-2.1.3"):
        assert fact in page.text or fact == "20260", fact
    assert "interrupted" not in page.text


def test_an_interrupted_run_is_said_to_be_one(sample, tmp_path):
    path = sample.write_record(tmp_path / "run", footer=False)
    with path.open("a") as file:
        file.write('{"type":"result","ca')
    text = Page(render(read(path))).text
    assert "This run was interrupted" in text
    assert "last line is cut" in text


def test_states_are_readable_without_colour(page):
    assert "K1 ✓4" in page.text
    for words in ("✗ fail", "K known", "? inconclusive", "– unsupported", "! error", "✓ pass"):
        assert words in page.text


def test_requirements_name_their_cases_and_what_was_not_tried(page):
    part = page.text.split("Requirements", 2)[-1]
    assert "RFC 6282: " in part
    assert "not tried in this run" in part
    assert "RFC0000-1-01" in part


def test_evidence_outside_the_run_is_never_linked(sample, tmp_path):
    for path in ("/etc/passwd", "javascript:alert(1)", "../../x.pcapng", "evidence/../../x", "."):
        results = list(sample.sample_results())
        results[0].evidence = path
        sample.write_record(tmp_path / "run", results)
        with pytest.raises(RecordError, match=r"run.jsonl:7: evidence: it .*; found"):
            read(tmp_path / "run")
        (tmp_path / "run" / "run.jsonl").unlink()
        assert not [r for r in Page(evidence_link(path)).references if ":" in r or "/" in r]


def test_an_empty_record_is_a_page_too(sample, tmp_path):
    sample.write_record(tmp_path / "run", [])
    assert "no results" in Page(render(read(tmp_path / "run"))).text


@pytest.mark.slow
def test_a_browser_runs_the_script(run, tmp_path):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium")
    (run / "index.html").write_text(render(read(run)), encoding="utf-8")
    command = [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path / 'profile'}",
    ]
    url = (run / "index.html").as_uri() + "#case:rfc6282/3.1.1/tf[00]"
    done = completed([*command, "--dump-dom", url])
    if not done.stdout:
        pytest.skip("Chromium does not start here")
    assert "8 of 8 cases" in done.stdout
    assert re.search(r'<details class="case" id="case:rfc6282/3.1.1/tf\[00\]" open', done.stdout)


def test_mutants_and_plug_tests(run):
    """What stands behind a requirement is shown where it is known; plug tests with the cases that cover them."""
    name = next(row for line in read(run).results for row in line["requirements"])
    kills = {"send-tf-order": {"requirement": name, "case": "rfc6282/3.2/x<y"}}
    text = render(read(run), kills)
    assert "send-tf-order: by rfc6282/3.2/x&lt;y" in text
    assert "1 mutants caught" not in render(read(run))
