"""The pages in a real headless Chromium: they open, filter, expand and deep-link, log nothing, and axe-core is content.

On a phone and a desk, in light, dark and print; a hostile record does nothing there.
"""

import json
import re
import sys
from pathlib import Path

import pytest

from reports.__main__ import main
from reports.record import Finding
from tests.reports.browser import Browser

AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text(encoding="utf-8")
PAGES = ("index.html", "requirements.html", "measurements.html", "interoperability.html", "environment.html")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    one = Browser(tmp_path_factory.mktemp("profile"))
    yield one
    one.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("out") / "run"
    sys.modules["keyhole_sample"].write_record(made)
    assert main(["render", str(made)]) == 0
    return made


@pytest.fixture
def url(folder):
    return (folder / "index.html").as_uri()


def visible(browser):
    script = "[...document.querySelectorAll('details.case')].filter(c => !c.hidden).map(c => c.id.slice(5))"
    return browser.eval(script)


def serious(browser):
    """What axe-core finds serious or critical, in short."""
    browser.call("Runtime.evaluate", expression=AXE)
    found = browser.eval(
        "axe.run(document, {resultTypes: ['violations']}).then(r => JSON.stringify(r.violations))"
    )
    return [
        (one["id"], one["nodes"][0]["html"][:200])
        for one in json.loads(found)
        if one["impact"] in ("serious", "critical")
    ]


def open_all(browser):
    """Open every box, and those that stand in one."""
    for _ in range(3):
        browser.eval(
            "new Promise(done => {document.querySelectorAll('details').forEach(d => d.open = true);"
            " setTimeout(done, 0)})"
        )
    assert browser.eval("document.querySelectorAll('noscript').length") == 0


@pytest.mark.parametrize(("width", "dark"), [(390, False), (1280, True)])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious(browser, url, width, dark, name):
    browser.errors.clear()
    browser.open(url.replace("index.html", name), width=width, height=844, dark=dark)
    open_all(browser)
    assert serious(browser) == []
    assert browser.errors == []
    assert browser.eval("document.documentElement.scrollWidth") <= width, "the page scrolls sideways"


@pytest.mark.parametrize("width", [390, 1280])
def test_the_verdict_and_the_rigs_are_on_the_first_screen(browser, url, width):
    browser.open(url, width=width, height=844)
    assert browser.eval("document.querySelector('#verdict').getBoundingClientRect().bottom") < 844
    if width == 1280:
        assert browser.eval("document.querySelector('#matrix').getBoundingClientRect().top") < 844


def test_filters_and_the_address_that_keeps_them(browser, url):
    browser.errors.clear()
    browser.open(url)
    assert len(visible(browser)) == 8
    assert browser.eval("document.querySelector('#shown').textContent") == "8 of 8 cases"
    browser.eval("document.querySelector('#filter-bad').click()")
    bad = [
        "rfc4944/5.3/two_senders_same_tag",
        "rfc4944/5.10/late",
        "rfc6282/3.1.1/tf[00]",
        "robustness/truncation",
    ]
    assert visible(browser) == bad
    browser.eval("document.querySelector('#filter-reset').click()")
    browser.eval("document.querySelector('#filter-text').value = 'hop_limit 255'")
    browser.eval("document.querySelector('#filter-text').dispatchEvent(new Event('input'))")
    assert visible(browser) == ["rfc6282/3.1.1/hop_limit[255]"]
    address = browser.eval("location.href")
    assert "q=hop_limit" in address
    browser.open(address)
    assert visible(browser) == ["rfc6282/3.1.1/hop_limit[255]"]
    browser.eval("document.querySelector('#filter-reset').click()")
    cell = '.matrix a[data-rig="lwip-802154"][data-section="rfc6282/3.1.1"]'
    browser.eval(f"document.querySelector('{cell}').click()")
    assert visible(browser)[-1] == "rfc6282/3.1.1/tf[00]"
    assert len(visible(browser)) == 5
    assert "rig=lwip-802154" in browser.eval("location.href")
    browser.eval("new Promise(done => {document.querySelector('#open-all').click(); setTimeout(done, 0)})")
    assert (
        browser.eval("document.querySelectorAll('details:not([hidden]) > div .result:not([hidden])').length")
        == 5
    )
    assert browser.errors == []


FOUR_FRAMES = (
    "[1, 2, 3, 4].reduce(p => p.then(() => new Promise(r => requestAnimationFrame(r))), Promise.resolve())"
)


def test_deep_links_open_a_case_and_a_cause(browser, url):
    browser.open(url + "#case:rfc6282/3.1.1/tf[00]")
    assert browser.eval("document.getElementById('case:rfc6282/3.1.1/tf[00]').open")
    browser.open(url + "#q=hop&case=rfc6282/3.1.1/hop_limit[1]")
    assert browser.eval("document.getElementById('case:rfc6282/3.1.1/hop_limit[1]').open")
    assert len(visible(browser)) == 4
    browser.open(url + "#cause:known/lwip-ecn-order")
    assert browser.eval("document.getElementById('cause:known/lwip-ecn-order').open")
    assert (
        browser.eval("document.getElementById('cause:known/lwip-ecn-order').querySelectorAll('mark').length")
        > 0
    )
    for kind in ("worst", "words", "causes", "untried:linux-ble", "rig:linux-ble", "section:rfc6282/3.1.1"):
        browser.open(f"{url}#{kind}")
        browser.eval(FOUR_FRAMES)  # the page goes there anew once what lies on the way was drawn
        top = browser.eval(f"document.getElementById('{kind}').getBoundingClientRect().top")
        assert -1 <= top < 800, kind  # a fraction of a pixel is rounded by the browser
    browser.open(url + "#%E0%A4%A")
    assert browser.eval("document.querySelector('#shown').textContent") == "8 of 8 cases"


def test_what_is_in_a_closed_box_is_made_when_it_is_opened(browser, url):
    browser.open(url + "#q=hop_limit 255")
    box = "document.getElementById('case:rfc6282/3.1.1/hop_limit[255]')"
    results = f"{box}.querySelectorAll('.result{{}}').length"
    assert browser.eval(results.format("")) == 0
    assert len(visible(browser)) == 1, "words of a closed box are found"
    browser.eval("document.querySelector('#filter-rig').value = 'linux-ble'")
    browser.eval("document.querySelector('#filter-rig').dispatchEvent(new Event('change'))")
    browser.eval(f"new Promise(done => {{{box}.open = true; setTimeout(done, 0)}})")
    assert browser.eval(results.format("")) == 3
    assert browser.eval(results.format(":not([hidden])")) == 1, "the filter holds for what is made"


def test_without_scripts_every_result_is_a_part_of_the_page(browser, url):
    browser.open(url)
    open_all(browser)
    count = browser.eval("document.querySelectorAll('details.case .result').length")
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(url)
        root = browser.call("DOM.getDocument")["root"]["nodeId"]
        found = browser.call("DOM.querySelectorAll", nodeId=root, selector="details.case .result")
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
    assert len(found["nodeIds"]) == count > 8


def test_the_keyboard_reaches_everything(browser, url):
    browser.open(url)
    browser.key("/")
    assert browser.eval("document.activeElement.id") == "filter-text"
    browser.key("Escape")
    browser.key("j")
    browser.key("j")
    focused = "document.activeElement.closest('details').id"
    assert browser.eval(focused) == "case:rfc4944/5.10/late"
    browser.key("Enter")
    assert browser.eval("document.getElementById('case:rfc4944/5.10/late').open")
    browser.key("k")
    assert browser.eval(focused) == "case:rfc4944/5.3/two_senders_same_tag"
    browser.key("w")
    assert len(visible(browser)) == 4
    browser.key("a")
    assert len(visible(browser)) == 8


def test_print_leaves_out_the_controls_and_what_is_calm(browser, url):
    browser.open(url, media="print")
    hidden = "getComputedStyle(document.querySelector('{}')).display"
    assert browser.eval(hidden.format(".filters")) == "none"
    shown = browser.eval(
        "[...document.querySelectorAll('details.case')].filter(c => c.checkVisibility()).map(c => c.dataset.results)"
    )
    assert len(shown) > 3
    assert all(re.search(r"(fail|error|known|unconfirmed|inconclusive)[.]", states) for states in shown)
    assert browser.eval(hidden.format('[data-results^="fail"]')) == "block"
    groups = browser.eval(
        "[...document.querySelectorAll('section.group')].filter(g => g.checkVisibility()).length"
    )
    assert groups == len(
        set(
            browser.eval(
                "[...document.querySelectorAll('details.case')].filter(c => c.checkVisibility())"
                ".map(c => c.closest('section').id)"
            )
        )
    ), "a section of which nothing is left has no title either"
    assert len(re.findall(rb"/Type\s*/Page\b", browser.pdf())) <= 6


OBEYED = "\x1b]0;title\x07\x1b[31m\u202e"
HOSTILE = "</script></details></table>--><script>document.title='owned'</script><img src=x onerror=alert(1)>"
HOSTILE += OBEYED


def test_a_hostile_record_is_inert(browser, sample, tmp_path):
    """Script tags, ANSI, 10 MB of console in lines of a megabyte, tricks with paths: shown as words only."""
    results = list(sample.sample_results())
    for one in results:
        one.rig = f"{HOSTILE} {one.rig}"
        one.case = f"x/{HOSTILE}'\"` {one.case}"
        one.what = one.message = one.stimulus = one.expected = one.actual = one.annotated = one.repeat = (
            HOSTILE
        )
        one.reason = one.attempts = one.observed_by = HOSTILE
        one.requirements = [HOSTILE]
        one.findings.append(
            Finding(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, 1, HOSTILE, field=HOSTILE)
        )
    for one in results[:10]:
        one.actual = HOSTILE * (1_000_000 // len(HOSTILE))
    results[3].evidence = "evidence/<x>'\"/javascript:alert(1)&#x2f;..%2f..%2fetc.pcapng"
    sample.write_record(tmp_path / "run", results, run_id=HOSTILE, dut_version=HOSTILE)
    assert main(["render", str(tmp_path / "run")]) == 0
    browser.errors.clear()
    for name in PAGES:
        browser.open((tmp_path / "run" / name).as_uri())
        open_all(browser)
        assert "owned" not in browser.eval("document.title.replace(/'owned'/g, '')")
        assert browser.eval("document.querySelectorAll('script').length") == 1
        assert (
            browser.eval(
                "document.querySelectorAll('img, iframe, object, base, form, [onerror], [style]').length"
            )
            == 0
        )
        links = browser.eval("[...document.querySelectorAll('a')].map(a => a.href)")
        assert all(link.startswith("file:///") for link in links)
        here = (tmp_path / "run").as_uri()
        assert all(link.startswith(here) for link in links)
    assert browser.errors == []
    assert (tmp_path / "run" / "index.html").stat().st_size < 10_000_000


def test_the_policy_stops_what_would_get_out_of_its_place(browser, folder, tmp_path):
    """Should a text ever stand in the page as it is, the browser refuses to run it."""
    page = (folder / "index.html").read_text()
    broken = tmp_path / "broken.html"
    broken.write_text(page.replace("<main", "<script>document.title='owned'</script><main", 1))
    browser.errors.clear()
    browser.open(broken.as_uri())
    assert browser.eval("document.title") != "owned"
    assert any("Content Security Policy" in error for error in browser.errors)


def test_five_thousand_results_make_a_page_below_ten_megabytes(browser, sample, tmp_path):
    many = [
        sample.result(
            *(f"rfc4944/6/case[{n}]", f"rig{m}", "pass", ["RFC4944-6-01", "RFC6282-2-04"]),
            what="A sentence that says what the case is about, about as long as they are.",
            stimulus="60 00 00 00 00 10 3a 40 " * 20,
        )
        for n in range(1250)
        for m in range(4)
    ]
    wrong = [
        Finding(
            "traffic_class", "RFC6282-3.2.1-01", "FORMAT", "6bbabcde " * 9, "6eeabcde " * 9, "6333ee0a" * 12
        )
    ]
    for one in many[::20]:
        one.verdict, one.findings, one.annotated = "fail", wrong, many[0].stimulus
    sample.write_record(tmp_path / "run", many)
    assert main(["render", str(tmp_path / "run")]) == 0
    assert (tmp_path / "run" / "index.html").stat().st_size < 10_000_000
    browser.open((tmp_path / "run" / "index.html").as_uri())
    assert browser.eval("document.querySelector('#shown').textContent") == "1250 of 1250 cases"
