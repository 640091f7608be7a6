"""Files that a command line names, and that are something else: each is told in a sentence, and none is waited for."""

import errno
import os
from pathlib import Path

import pytest

from fixtures.plugin.estimate import earlier
from reports.__main__ import main as reports
from rigs.__main__ import main as rigs
from rigs.fieldreport.__main__ import main as fieldreport
from sixlowpan.__main__ import main as oracle


def a_pipe(path):
    os.mkfifo(path)


def a_folder(path):
    path.mkdir()


def of_another_encoding(path):
    path.write_bytes("x = 1\n".encode("utf-16"))


def too_large(path):
    with path.open("wb") as file:
        file.truncate(1 << 31)


def absent(path):
    assert not path.exists()


#: Command -> its arguments, of the run and the file that is read; what is a capture has no encoding and no size.
READERS = {
    "compare --require": (reports, lambda run, named: ["compare", run, run, "--require", named]),
    "gate --policy": (reports, lambda run, named: ["history", "gate", run / "h.db", "--policy", named]),
    "check": (rigs, lambda _, named: ["check", named.rename(named.with_suffix(".toml")) if named.exists() else named]),
    "budget --profile": (oracle, lambda _, named: ["budget", "--profile", named]),
    "replay": (rigs, lambda _, named: ["replay", named, "--rig", "reference"]),
}  # fmt: skip


@pytest.mark.parametrize("made", [a_pipe, a_folder, of_another_encoding, too_large, absent])
@pytest.mark.parametrize("command", READERS)
def test_what_is_no_such_file_is_told(run, tmp_path, capsys, command, made):
    reports(["history", "add", str(run / "h.db"), str(run)])
    capsys.readouterr()
    main, arguments = READERS[command]
    named = tmp_path / "named"
    made(named)
    assert main(list(map(str, arguments(run, named)))) == 2
    said = "".join(capsys.readouterr())
    assert "named" in said
    assert "Traceback" not in said
    assert ("pipe" in said) == (made is a_pipe)


def test_timings_of_a_pipe_are_none(tmp_path):
    a_pipe(tmp_path / "run.jsonl")
    assert earlier(tmp_path / "run.jsonl") == {}


@pytest.mark.parametrize("made", [a_pipe, a_folder, lambda path: path.with_name("x").symlink_to(path)])
def test_where_the_field_report_cannot_go_is_told_before_it_is_measured(tmp_path, capsys, made):
    out = tmp_path / "report.md"
    made(out)
    there = out if out.exists() else tmp_path / "no" / "report.md"
    assert fieldreport(["--out", str(there)]) == 2
    assert f"--out: {there}: " in capsys.readouterr().err


def a_link_to_itself(path):
    path.symlink_to(path)


def in_a_file(path):
    path.parent.write_text("x")


def of_standard_output(path):
    assert not path.exists()


#: Command -> its arguments, of the run and the place where several files are put.
WRITERS = {
    "render --out": lambda run, place: ["render", run, "--out", place],
    "export --allure": lambda run, place: ["export", run, "--allure", place],
    "merge": lambda run, place: ["merge", place, run],
    "history --html": lambda run, place: ["history", "show", run / "h.db", "--html", place],
    "history add": lambda run, place: ["history", "add", place, run],
}


@pytest.mark.parametrize("made", [a_pipe, a_link_to_itself, in_a_file, of_standard_output])
@pytest.mark.parametrize("command", WRITERS)
def test_a_place_where_nothing_can_be_written_is_told_with_what_to_do(run, tmp_path, capsys, command, made):
    reports(["history", "add", str(run / "h.db"), str(run)])
    capsys.readouterr()
    place = tmp_path / "somewhere" / "place"
    if made is not in_a_file:
        place.parent.mkdir()
    made(place)
    if made is of_standard_output:
        place = "-"
    assert reports(list(map(str, WRITERS[command](run, place)))) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"python -m reports: {place}: ")
    assert "name a" in said.err


def test_junit_goes_to_standard_output(run, tmp_path, capsys):
    assert reports(["export", str(run), "--junit", str(tmp_path / "junit.xml")]) == 0
    capsys.readouterr()
    assert reports(["export", str(run), "--junit", "-"]) == 0
    assert capsys.readouterr().out == (tmp_path / "junit.xml").read_text()
    assert reports(["export", str(run), "--junit", "-", "--allure", str(tmp_path / "a")]) == 2
    assert not (tmp_path / "a").exists()


def test_a_folder_of_another_user(run, monkeypatch, capsys):
    monkeypatch.setattr(os, "access", lambda *_: False)  # the tests may be root's, who may write everywhere
    assert reports(["render", str(run)]) == 2
    assert capsys.readouterr().err == (
        f"python -m reports: {run}: nothing can be written there: Permission denied; name a folder with --out\n"
    )


def test_what_is_in_a_folder_of_another_user_is_told(tmp_path, monkeypatch, capsys):
    """To root nothing is closed; what a user is told there begins with this error."""

    def closed(path, **_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    there = tmp_path / "closed" / "there"
    commands = (
        (reports, ["render", there]),
        (reports, ["history", "show", there]),
        (oracle, ["judge", there]),
        (fieldreport, ["--out", there]),
    )
    monkeypatch.setattr(Path, "stat", closed)
    status = [main(list(map(str, arguments))) for main, arguments in commands]
    monkeypatch.undo()
    said = "".join(capsys.readouterr())
    assert status == [2] * len(commands)
    assert "Traceback" not in said
    assert said.count("there: ") == said.count("Permission denied") == len(commands)
