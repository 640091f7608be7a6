"""The first page of a history: what broke and when, what is good again, what is the same in every run."""

from tests.reports.markup import Page
from tests.reports.test_history import runs, said


def index(sample, tmp_path, capsys, states, versions):
    file, folder = str(tmp_path / "history.db"), tmp_path / "pages"
    said(capsys, "add", file, runs(sample, tmp_path / "out", states, versions=versions))
    said(capsys, "show", file, "--html", folder)
    return Page((folder / "index.html").read_text(encoding="utf-8")).text


def test_what_broke_and_is_good_again_is_told_with_both_versions(sample, tmp_path, capsys):
    """It was under no heading: the page said that nothing was bad that had been good."""
    states, versions = ["pass", "fail", "fail", "pass"], ["6.1", "6.2", "6.2", "6.3"]
    text = index(sample, tmp_path, capsys, states, versions)
    first, _, rest = text.partition("What broke, and when")[2].partition(
        "Broke, and is good again or declared since"
    )
    assert not first.strip(), "what broke comes first, not that nothing is bad"
    line = rest.partition("What changed")[0]
    assert line.rstrip().endswith("In the last run nothing is bad that was good before.")
    assert line.split()[:2] == ["2026-01-02T10:00:00Z", "(run-001),"]
    assert "DUT Linux 6.1 6.12.57 -> Linux 6.2 6.12.57; the node changed, the suite did not;" in line
    assert "good again since 2026-01-04T10:00:00Z (run-003), DUT Linux 6.3 6.12.57" in line


def test_what_never_changed_is_not_among_what_changed(sample, tmp_path, capsys):
    text = index(sample, tmp_path, capsys, ["pass", "fail"], ["6.1", "6.2"])
    changed, _, same = text.partition("What changed")[2].partition("The same in every run that has it")
    assert "linux-ble: rfc6282/3.1.1/tf[00] ✓✗" in changed
    assert "✗✗" not in changed
    assert "lwip-802154: robustness/truncation ✗✗" in same
    assert "Broke, and is good again or declared since" not in text
