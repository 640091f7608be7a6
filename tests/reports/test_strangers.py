"""Records of strangers: nothing outside is written or read, nothing is obeyed, and each mistake is one sentence."""

import contextlib
import json
import os
import re
import sqlite3

import pytest

from reports import markdown
from reports.__main__ import main
from reports.history import store
from reports.html import render
from reports.record import LONGEST_LINE, RecordError, Writer, read
from reports.text import LONGEST, inert, one_line
from reports.view import view


def rewrite(run, number, change):
    """Change line `number` of a record, as an object."""
    path = run / "run.jsonl"
    rows = path.read_text().splitlines()
    line = json.loads(rows[number - 1])
    change(line)
    rows[number - 1] = json.dumps(line)
    path.write_text("\n".join(rows) + "\n")
    return path


#: Line of the sample, key, a wrong value (None: the key is taken away), the key that the message names.
WRONG = [
    (1, "seed", "x", "seed"),
    (1, "suite", [], "suite"),
    (1, "host", "x", "host"),
    (1, "run_id", 7, "run_id"),
    (1, "started", {}, "started"),
    (2, "rig", 3, "rig"),
    (2, "rig", None, "rig"),
    (2, "dut", [], "dut"),
    (2, "dut", {"version": []}, "dut.version"),
    (2, "deviations", {}, "deviations"),
    (2, "deviations", [3], "deviations[0]"),
    (2, "deviations", [{}], "deviations[0].id"),
    (2, "event", 1, "event"),
    (7, "case", None, "case"),
    (7, "case", 1, "case"),
    (7, "rig", ["x"], "rig"),
    (7, "verdict", "PASS", "verdict"),
    (7, "verdict", None, "verdict"),
    (7, "requirements", "x", "requirements"),
    (7, "requirements", [1], "requirements[0]"),
    (7, "findings", {}, "findings"),
    (7, "findings", ["x"], "findings[0]"),
    (7, "findings", [{"code": "x"}], "findings[0].requirement"),
    (7, "findings", [{"code": 1, "requirement": "x"}], "findings[0].code"),
    (7, "seconds", "x", "seconds"),
    (7, "seconds", True, "seconds"),
    (7, "known", [], "known"),
    (7, "annotated", 3, "annotated"),
    (7, "message", {}, "message"),
    (7, "evidence", ["x"], "evidence"),
    (27, "values", "x", "values"),
    (27, "values", ["x"], "values[0]"),
    (27, "values", None, "values"),
    (27, "parameters", [], "parameters"),
    (27, "unit", 1, "unit"),
    (28, "counts", [], "counts"),
    (28, "counts", {"pass": "x"}, "counts.pass"),
]


@pytest.mark.parametrize(("number", "key", "value", "named"), WRONG)
@pytest.mark.parametrize("command", ["render", "show", "compare", "history", "merge"])
def test_a_wrong_type_or_missing_key_is_told_with_file_line_and_key(
    run, capsys, command, number, key, value, named
):
    def change(line):
        if value is None:
            del line[key]
        else:
            line[key] = value

    path = rewrite(run, number, change)
    added = ["add", run.parent / "history.db", run]
    arguments = {"compare": [run, run], "merge": [run.parent / "merged", run], "history": added}.get(
        command, [run]
    )
    assert main([command, *map(str, arguments)]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"python -m reports: {path}:{number}: {named}: "), told
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    "row",
    ["[]", "3", '"x"', "null", "{}", "{", "[" * 100_000, '{"type":' * 5_000, '{"type":"rig","rig":NaN}', "1" * 5000,
     '{"type":"header","schema":1}', '{"type":"result","case":"x","rig":"y","verdict":"pass","seconds":1e999}'],
)  # fmt: skip
def test_what_is_no_line_is_told_with_its_number(run, row):
    path = run / "run.jsonl"
    rows = path.read_text().splitlines()
    path.write_text("\n".join([*rows[:3], row, *rows[3:]]) + "\n")
    with pytest.raises(RecordError, match=r"run.jsonl:4: ") as told:
        read(run)
    assert len(str(told.value)) < 500


def test_the_end_of_a_record_is_its_footer(run):
    path = run / "run.jsonl"
    path.write_text(path.read_text() + path.read_text().splitlines()[6] + "\n")
    with pytest.raises(RecordError, match=r"run.jsonl:29: a record has one header"):
        read(run)


def test_a_line_without_end_and_a_file_that_is_none(run, tmp_path):
    path = run / "run.jsonl"
    path.write_text(path.read_text() + "x" * LONGEST_LINE)
    with pytest.raises(RecordError, match="longer than any line"):
        read(run)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(RecordError, match="a pipe or a device"):
        read(run)
    path.unlink()
    path.symlink_to("/etc/passwd")
    with pytest.raises(RecordError, match="it is a link"):
        read(run)


def test_fields_and_lines_of_a_later_version_are_no_mistakes(run, capsys):
    rewrite(run, 7, lambda line: line.update(new={"a": [1]}))
    path = run / "run.jsonl"
    rows = path.read_text().splitlines()
    path.write_text("\n".join([*rows[:3], '{"type":"weather","is":"fine"}', *rows[3:]]) + "\n")
    assert read(run).results[0]["new"] == {"a": [1]}
    assert main(["render", str(run)]) == 0


def test_a_record_of_many_rigs_and_sections_is_refused_before_its_page_grows(sample, tmp_path):
    many = [sample.result(f"a{n}/x", f"rig{n}", "pass", []) for n in range(400)]
    sample.write_record(tmp_path / "run", many)
    with pytest.raises(RecordError, match="more than a page can show"):
        view(read(tmp_path / "run"))


OBEYED = "\x1b]0;title\x07\x1b[2J\x9b31m\x00\x08\x7f\ud800\u202e\u2066\u200b\U000e0041 \r"


def test_nothing_that_is_obeyed_goes_into_a_record_or_comes_out_of_one(sample, tmp_path, capsys):
    results = list(sample.sample_results())
    for name in ("message", "stimulus", "expected", "actual", "annotated", "what", "repeat", "attempts"):
        setattr(results[0], name, f"before {OBEYED}\nafter")
    results[0].findings[0].actual = OBEYED
    written = sample.write_record(tmp_path / "ours", results, dut_version=OBEYED)
    assert inert(written.read_text()) == written.read_text()
    stranger = tmp_path / "theirs" / "run.jsonl"
    stranger.parent.mkdir()
    rows = [json.loads(row) for row in written.read_text().splitlines()]
    rows[1]["dut"] = {"stack": OBEYED, OBEYED: OBEYED}
    rows[1]["deviations"][0]["why"] = OBEYED
    rows[0]["run_id"] = rows[0]["started"] = OBEYED
    rows[6]["case"] = f"{OBEYED}\n[lwip] forged pass"
    rows[7]["message"] = OBEYED
    stranger.write_text("".join(json.dumps(row) + "\n" for row in rows))
    history = ["history", "add", str(tmp_path / "history.db")]
    for command in (["render"], ["show", "--case", ""], history, ["merge", str(tmp_path / "merged")]):
        assert main([*command, str(stranger.parent)]) == 0
    assert main(["compare", str(written.parent), str(stranger.parent)]) in {0, 1, 3}
    assert main(["history", "show", str(tmp_path / "history.db"), "--all"]) == 0
    shown = capsys.readouterr().out
    files = ["theirs/index.html", "theirs/summary.md", "merged/run.jsonl"]
    for text in (shown, *((tmp_path / name).read_text() for name in files)):
        assert inert(text) == text
        assert "\n[lwip] forged" not in text
    assert "\\x1b]0;title" in shown


def test_text_is_bounded_and_says_so():
    long = inert("x" * (LONGEST + 1))
    assert len(long) == LONGEST
    assert long.endswith(f"(cut here: {LONGEST + 1} characters)")
    assert inert(long) == long
    assert inert("\x00" * LONGEST).endswith("characters)")
    assert inert("é 日本 €\tx\r\ny") == "é 日本 €\tx\ny"
    assert one_line("a\nb\tc") == "a\\nb\\tc"


# -- merge and render write where they say, and nowhere else


def tree(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize(
    "run_id", ["../../X", "/abs", "..", ".", "", "a/b", "a\x00b", "x" * 3000, "~", "-rf"]
)
def test_merge_writes_into_its_folder_whatever_the_run_is_called(sample, tmp_path, run_id):
    results = [one for one in sample.sample_results() if one.rig == "linux-ble"]
    for name in ("one", "two"):
        for one in results:
            one.rig = name
            one.evidence = "evidence/a/x.pcapng"
        sample.write_record(tmp_path / name, results, run_id=run_id)
        (tmp_path / name / "evidence" / "a").mkdir(parents=True)
        (tmp_path / name / "evidence" / "a" / "x.pcapng").write_text(name)
    before = tree(tmp_path)
    assert main(["merge", str(tmp_path / "m"), str(tmp_path / "one"), str(tmp_path / "two")]) == 0
    after = tree(tmp_path)
    assert all(name == "m" or name.startswith("m/") for name in after.keys() - before.keys())
    assert all(after[name] == before[name] for name in before)
    merged = read(tmp_path / "m")
    assert {(tmp_path / "m" / line["evidence"]).read_text() == line["rig"] for line in merged.results} == {
        True
    }


@pytest.mark.parametrize("what", ["file", "folder", "fifo"])
def test_merge_follows_no_link(sample, tmp_path, capsys, what):
    results = list(sample.sample_results())[:1]
    results[0].evidence = "evidence/a/x.pcapng"
    sample.write_record(tmp_path / "run", results)
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "x.pcapng").write_text("secret")
    inside = tmp_path / "run" / "evidence"
    inside.mkdir()
    if what == "folder":
        (inside / "a").symlink_to(tmp_path / "secret")
    else:
        (inside / "a").mkdir()
        if what == "file":
            (inside / "a" / "x.pcapng").symlink_to(tmp_path / "secret" / "x.pcapng")
        else:
            os.mkfifo(inside / "a" / "x.pcapng")
    assert main(["merge", str(tmp_path / "m"), str(tmp_path / "run")]) == 2
    assert "evidence that" in capsys.readouterr().err
    assert b"secret" not in {content for content in tree(tmp_path / "m").values() if content}


def test_merge_wants_an_empty_folder(run, tmp_path, capsys):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "evidence").symlink_to(tmp_path)
    assert main(["merge", str(tmp_path / "m"), str(run)]) == 2
    assert "is not empty: name a new folder" in capsys.readouterr().err


def test_render_replaces_a_link_and_does_not_write_through_it(run, tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("mine")
    for name in ("index.html", "summary.md"):
        (run / name).symlink_to(precious)
    assert main(["render", str(run)]) == 0
    assert precious.read_text() == "mine"
    assert (run / "summary.md").read_text().startswith("# Keyhole")


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{",
        '{"kills": []}',
        '{"kills": {"a": 1}}',
        '{"kills": {"a": {"case": 1}}}',
        "\xff",
        "[" * 99_999,
    ],
)
def test_a_damaged_list_of_mutants_is_one_sentence(run, capsys, text):
    (run.parent / "mutants.json").write_text(text)
    assert main(["render", str(run)]) == 2
    assert "is not what python -m tests.mutants writes" in capsys.readouterr().err


def test_a_full_disk_is_one_sentence_and_what_was_recorded_stays(tmp_path, sample):
    writer = Writer(tmp_path / "run", run_id="x", seed=1, suite={}, host={})
    writer.write(next(iter(sample.sample_results())).to_json())

    class Full:
        def __init__(self, file):
            self.file = file

        def __getattr__(self, name):
            return getattr(self.file, name)

        def write(self, data):
            self.file.write(data[: len(data) // 2])
            raise OSError(28, os.strerror(28))

    writer._file = Full(writer._file)
    with pytest.raises(
        RecordError, match=r"run.jsonl: cannot be written: No space left on device; it holds what was"
    ):
        writer.write(next(iter(sample.sample_results())).to_json())
    with pytest.raises(RecordError, match="closed already"):
        writer.write({"type": "rig"})
    writer.close()
    left = read(tmp_path / "run")
    assert len(left.results) == 1
    assert left.interrupted
    assert not left.torn


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordError, match="cannot be made: Not a directory"):
        Writer(tmp_path / "file" / "run", run_id="x", seed=1, suite={}, host={})


# -- Markdown

ALIVE = ["@everyone", "``", "a `` b", "`", "```\n# x", "https://x.example", "www.x.example", "a@b.example", "<b>x</b>",
         "![x](y)", "[x](y)", "| x |", "\\`x", "#12", "owner/repo#1", "!12", "~bug", "&amp;", "$`x`$", "x\n\n# y",
         "*x*", "`` @everyone", "@everyone ``", "\\", "\\|", "<!--", "GH-1", "~~x~~", ":smile:"]  # fmt: skip


@pytest.mark.parametrize("alive", ALIVE)
def test_nothing_in_the_summary_is_alive(sample, tmp_path, alive):
    """Foreign text stands in code spans, whose fence no run of backquotes in them matches."""
    results = list(sample.sample_results())
    for one in results:
        one.message = one.case = one.rig = alive
        for finding in one.findings:
            finding.code = finding.expected = finding.actual = finding.level = finding.requirement = alive
    sample.write_record(tmp_path / "run", results, run_id=alive, dut_version=alive)
    summary = markdown.render(read(tmp_path / "run"))
    for row in summary.splitlines():
        outside = _outside_of_code(row)
        assert "@" not in outside, row
        if re.fullmatch(r"<details><summary>[A-Za-z :,]+</summary>|</details>", row):
            continue  # ours
        assert not any(sign in outside.replace("\\<", "") for sign in ("<", "//", "www.", "](", "~", "$")), (
            row
        )
        assert row.count("|") in {0, 4, 5, 6} or "|" not in outside
    render(read(tmp_path / "run"))


def _outside_of_code(row):
    """What CommonMark §6.1 leaves outside code spans: a span ends at the first run of as many backquotes."""
    outside, place = "", 0
    while place < len(row):
        if row[place] != "`":
            outside += row[place]
            place += 1
            continue
        fence = re.match("`+", row[place:])[0]
        end = re.compile(rf"(?<!`){fence}(?!`)").search(row, place + len(fence))
        assert end, f"a code span that does not end: {row}"
        place = end.end()
    return outside


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("UPDATE results SET state = 99", "damaged: results has 99 as state"),
        ("DELETE FROM names", "damaged: duts has 1 as rig"),
        ("DELETE FROM runs", "damaged: duts has 1 as run"),
        ("UPDATE names SET text = x'ff' WHERE id = 1", "damaged: names has b'\\xff' as text"),
    ],
)
def test_a_history_that_contradicts_itself_is_told(run, tmp_path, capsys, change, told):
    file = str(tmp_path / "history.db")
    main(["history", "add", file, str(run)])
    with contextlib.closing(sqlite3.connect(file)) as history:
        history.execute(change)
        history.commit()
    assert main(["history", "show", file, "--all"]) == 2
    assert f"{told}: make a new one of the records" in capsys.readouterr().err


def test_our_own_mistakes_are_not_laid_at_the_history(run, tmp_path):
    file = tmp_path / "history.db"
    main(["history", "add", str(file), str(run)])
    with pytest.raises(KeyError), store.opened(file):
        raise KeyError("ours")
