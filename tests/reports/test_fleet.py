"""Stacks and versions of many rigs: what is folded into one column keeps what each rig said."""

import dataclasses
import itertools

import pytest

from reports import html, markdown, pairs
from reports.__main__ import main
from reports.compact import skim
from reports.fleet import fleet, lines_of_groups
from reports.record import Finding, Writer, read
from reports.verdict import verdict
from reports.view import view

DUT = {"stack": "lwIP", "version": "2.2"}


def written(folder, rigs, results, deviations=(), over=()):
    """A record of rigs (name -> what its `ready` line says beside the DUT)."""
    writer = Writer(folder, run_id="x", seed=1, suite={"version": "1"}, host={"a": "b"})
    for name, said in rigs.items():
        writer.rig(name, "ready", **{"dut": DUT, "deviations": list(deviations), **said})
    for result in results:
        writer.write(result.to_json())
    for rig, cases in over:
        writer.write({"type": "deviation", "rig": rig, "id": "dev", "state": "fixed", "cases": cases})
    writer.close()
    return folder


def many(count=24):
    return {f"rig{n:02}": {} for n in range(count)}


def broken(code, known=None):
    return Finding(code, "RFC6282-3.1.1-07", "MUST", "a", "b", known=known)


def failed(sample, rig, code, known=None, case="a/b"):
    return sample.result(case, rig, "fail", [], known=known, findings=[broken(code, known)])


DEVIATION = {
    "id": "dev",
    "case": "a/b",
    "finding": "tf",
    "requirement": "RFC6282-3.1.1-07",
    "why": "so it is",
}


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ([], ""),
        ([("rig03", ["a/b"]), ("rig04", ["a/b"])], "; fixed in `a/b` on 2 of 24 rigs"),
        ([("rig03", [])], "; fixed on 1 of 24 rigs"),
        ([(rig, []) for rig in many()], "; fixed on 24 of 24 rigs: remove it"),
    ],
    ids=["none", "partly", "on-one", "on-all"],
)
def test_a_known_deviation_of_a_stack_is_counted_on_all_its_rigs(sample, tmp_path, over, said):
    results = [failed(sample, rig, "tf", "dev") for rig in list(many())[1:]]
    results.append(failed(sample, "rig00", "dut_lost"))
    text = markdown.render(skim(written(tmp_path / "run", many(), results, [DEVIATION], over)))
    assert f"- `dev`, moderate (wrong format) on lwIP 2.2 (23 results{said}): so it is" in text
    assert "not seen" not in text


def test_a_known_deviation_of_one_rig_that_is_over(sample, tmp_path):
    rigs = many(2)
    results = [sample.result("a/b", rig, "pass", []) for rig in rigs]
    over = [("rig00", []), ("rig01", ["a/b"])]
    text = markdown.render(read(written(tmp_path / "run", rigs, results, [DEVIATION], over)))
    assert "- `dev` on rig00 (not seen in this run; fixed: remove it): so it is" in text
    assert "- `dev` on rig01 (not seen in this run; fixed in `a/b`): as above" in text


@pytest.fixture
def mesh(sample, tmp_path):
    """Each of seven nodes beside each other one: 21 pairs, and `a` is to blame in its pairs."""
    names = ["--".join(pair) for pair in itertools.combinations("abcdefg", 2)]
    rigs = {
        name: {"dut": {"stack": name[0].upper()}, "peer": {"stack": name[-1].upper()}, "profile": name}
        for name in names
    }
    results = []
    for name in names:
        result = sample.result("interop/echo/x", name, "pass", [])
        if name[0] == "a":
            result = failed(sample, name, "dropped", case="interop/echo/x")
            result.findings[0].side = "dut"
        results.append(result)
    return written(tmp_path / "run", rigs, results)


def test_many_pairs_keep_their_nodes(mesh, capsys):
    page = html.pages(view(skim(mesh)))["interoperability.html"]
    heads = [f'<th scope="col">{name}</th>' for name in "abcdefg"]
    assert "".join(heads) in page
    assert "to blame with every peer" in page
    text = markdown.render(skim(mesh))
    assert "| | `a` | `b` | `c` | `d` | `e` | `f` | `g` |" in text
    assert "- `a`: `to blame with every peer`, `A`" in text
    assert main(["matrix", str(mesh)]) == 0
    assert "a to blame" in capsys.readouterr().out


def test_pairs_that_no_page_can_show_are_told_of(mesh, monkeypatch):
    monkeypatch.setattr("reports.pairs.MOST_PAIRS", 20)
    shown = view(skim(mesh))
    for text in (html.pages(shown)["interoperability.html"], markdown.render(shown)):
        assert pairs.TOO_MANY in text.replace("<code>", "").replace("</code>", "")
        assert "to blame with every peer" not in text


def test_the_worst_of_a_stack_is_the_worst_of_all_its_rigs(sample, tmp_path):
    results = [failed(sample, rig, "not_minimal") for rig in many()]
    results[20] = failed(sample, "rig20", "dut_lost")
    page = view(skim(written(tmp_path / "run", many(), results)))
    _, line, _, lines = lines_of_groups(fleet(page), verdict(page))[0]
    assert line.worst.severity == "critical"
    assert [one.rig.name for one in lines[:3]] == ["rig20", "rig00", "rig01"]
    results[20].known = results[20].findings[0].known = (
        "dev"  # grave, but declared: the state is that of the others
    )
    page = view(skim(written(tmp_path / "known", many(), results, [DEVIATION])))
    _, line, _, lines = lines_of_groups(fleet(page), verdict(page))[0]
    assert (line.state, line.worst.severity, lines[0].rig.name) == ("fail", "critical", "rig00")


@pytest.mark.parametrize("way", [skim, read])
@pytest.mark.parametrize("state", ["error", "inconclusive", "pass"])
def test_errors_and_what_is_inconclusive_are_alike_when_their_messages_begin_so(sample, tmp_path, state, way):
    said = ["KeyError: 'clock'\nline 5", "KeyError: 'clock'\nline 6", "the radio was deaf"]
    results = [sample.result("a/b", rig, state, [], message=said[n % 3]) for n, rig in enumerate(many())]
    found = fleet(view(way(written(tmp_path / "run", many(), results))))
    assert [one.count for one in found.spread["a/b"]["lwIP 2.2"]] == ([24] if state == "pass" else [16, 8])


def test_both_ways_of_reading_fold_alike(sample, tmp_path):
    results = [failed(sample, rig, "tf") for rig in many()]
    for number, result in enumerate(results):
        result.what = f"in words of suite {number % 2}"
        result.annotated = "63" * (number % 3)
        result.findings[0].side = ("", "dut")[number % 4 // 2]
    folder = written(tmp_path / "run", many(), results)
    counts = [
        [(one.state, one.count) for one in fleet(view(way(folder))).spread["a/b"]["lwIP 2.2"]]
        for way in (skim, read)
    ]
    assert counts == [[("fail", 12), ("fail", 12)]] * 2


def test_a_record_too_large_to_be_read_whole(run, tmp_path, monkeypatch, capsys):
    size = (run / "run.jsonl").stat().st_size
    assert main(["render", str(run)]) == 0
    assert not list(run.glob("cases-*"))
    for place in ("reports.view.LARGEST", "reports.record.Reader.largest"):
        monkeypatch.setattr(place, size - 1)
    assert main(["render", str(run)]) == 0
    beside = "".join(path.read_text() for path in run.glob("cases-*.html"))
    assert "6eeabcde" in beside
    assert "lwip-802154" in (run / "index.html").read_text()
    assert (
        main(["matrix", str(run)]) == main(["show", str(run)]) == main(["compare", str(run), str(run)]) == 0
    )
    capsys.readouterr()
    assert main(["export", str(run), "--junit", str(tmp_path / "junit.xml")]) == 2
    assert f"{size} octets, and {size - 1} are the most that this command reads" in capsys.readouterr().err


def test_what_was_made_of_a_view_is_not_that_of_another_one(run):
    whole = view(read(run))
    assert len(verdict(whole).lines) == 3
    whole.reasons("linux-ble")
    part = dataclasses.replace(whole, rigs=whole.rigs[:1], sections=[])
    assert len(verdict(part).lines) == 1
    assert not part.reasons("linux-ble")


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ('"verdict":"pass"', '"verdict":"fail"'),
        ('"rig":"linux-ble"', '"rig":"linux-abc"'),
        ('"case":"rfc6282/3.1.1/tf[00]"', '"case":"rfc6282/3.1.1/tf[01]"'),
    ],
    ids=["verdict", "rig", "case"],
)
@pytest.mark.parametrize("closer", [False, True], ids=["plain", "closer-look"])
def test_a_record_that_changes_while_it_is_merged_is_told(
    run, tmp_path, monkeypatch, capsys, was, now, closer
):
    path = run / "run.jsonl"
    text = path.read_text()
    if closer:  # an escape that takes a closer look
        text = text.replace('"message":""', '"message":"\\u0041"')
        path.write_text(text)
    rows = text.splitlines(keepends=True)
    place = next(n for n, row in enumerate(rows) if '"type":"result"' in row and was in row)
    rows[place] = rows[place].replace(was, now)
    monkeypatch.setattr("reports.merge._check", lambda _records: path.write_text("".join(rows)))
    assert main(["merge", str(tmp_path / "all"), str(run)]) == 2
    assert "changed while it was read" in capsys.readouterr().err
