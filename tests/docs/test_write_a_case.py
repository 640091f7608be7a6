"""docs/write-a-case.md followed to the letter: its case and its mutant are added to a copy of this tree, and tried."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reports.record import read

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "write-a-case.md").read_text(encoding="utf-8")
COPIED = (
    "sixlowpan",
    "vectors",
    "reports",
    "rigs",
    "fixtures",
    "suites",
    "tests/mutants",
    "tests/mutation",
    "tests/variants",
)


def block(start):
    """The Python code of the page that begins with this line."""
    found = [code for code in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if code.startswith(start)]
    assert len(found) == 1, f"the page does not show {start}"
    return found[0]


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of this tree with what the page adds."""
    top = tmp_path_factory.mktemp("tree")
    for name in COPIED:
        shutil.copytree(ROOT / name, top / name, ignore=shutil.ignore_patterns("out", "__pycache__"))
    for name in ("conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / name, top / name)
    for path, start in (
        ("suites/rfc6282/test_3_1_1.py", '@requirement("RFC6282-3.1.1-07")'),
        ("tests/mutants/headers.py", '@rewrites("hop-limit-zero'),
        ("suites/performance/test_latency.py", '@requirement("RFC6282-2-04")\ndef test_first_answer'),
    ):
        assert f"`{path}`" in PAGE
        with (top / path).open("a", encoding="utf-8") as file:
            file.write(f"\n\n{block(start)}")
    return top


def commands(word):
    """The commands of the page that have this word, without the interpreter."""
    lines = re.findall(r"^\.venv/bin/python -m (.*)$", PAGE, re.MULTILINE)
    found = [line.split() for line in lines if word in line]
    assert found, f"the page has no command with {word}"
    return found


def run(tree, *command):
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_case_passes_on_the_reference_node(tree, tmp_path):
    (command,) = commands("-k hop_limit_of_zero")
    done = run(tree, *command, "--record-dir", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    record = read(next(tmp_path.glob("*/run.jsonl")))
    assert {(line["case"], line["rig"], line["verdict"]) for line in record.results} == {
        ("rfc6282/3.1.1/hop_limit_of_zero", rig, "pass") for rig in ("reference", "reference-ble")
    }


def test_the_mutant_is_caught_by_it(tree, tmp_path):
    (command,) = commands("tests.mutants hop-limit-zero")
    done = run(tree, *command, "--out", str(tmp_path / "mutants.json"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "killed" in done.stdout
    assert "rfc6282/3.1.1/hop_limit_of_zero (hop_limit)" in done.stdout


def test_the_measurement_is_in_the_record(tree, tmp_path):
    (command,) = commands("-k first_answer")
    done = run(tree, *command, "--record-dir", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    (line,) = read(next(tmp_path.glob("*/run.jsonl"))).measurements
    assert (line["name"], line["unit"], len(line["values"])) == ("first answer", "ms", 8)
    assert all(value > 0 for value in line["values"])
    (command,) = commands("--case first_answer")
    shown = run(tree, *(str(tmp_path / "latest") if word.endswith("latest") else word for word in command))
    (measured,) = [row for row in shown.stdout.splitlines() if "Measured" in row]
    assert f"\n{measured}\n" in PAGE


def test_a_case_outside_the_tree_runs_and_may_have_codes_of_its_own(tmp_path):
    """The file and the command of the page, with the reference node for the board."""
    file = tmp_path / "theirs" / "acme" / "test_led.py"
    file.parent.mkdir(parents=True)
    file.write_text(block('"""What ACME').replace("after == before", "after != before"), encoding="utf-8")
    (command,) = commands("./theirs")
    words = {"./theirs": str(tmp_path / "theirs"), "./desk.toml": "reference", "suites": "suites/rfc4861"}
    done = run(ROOT, *(words.get(word, word) for word in command), "--record-dir", str(tmp_path / "out"))
    assert done.returncode == 1, done.stdout + done.stderr
    record = read(next((tmp_path / "out").glob("*/run.jsonl")))
    (line,) = [line for line in record.results if line["case"].startswith("acme/")]
    assert (line["case"], line["verdict"]) == ("acme/led/echo", "fail")
    assert [finding["code"] for finding in line["findings"]] == ["acme.dropped"]
    assert "-c pyproject.toml -p conftest" in line["repeat"]


def test_the_requirement_is_in_the_catalogue_as_the_page_has_it():
    from vectors.catalogue import CATALOGUE

    row = CATALOGUE["RFC6282-3.1.1-07"]
    assert f"{row.id}  {row.level}  {row.text}" in PAGE


def test_every_name_that_the_page_uses_is_there():
    import fixtures.api
    from fixtures.judging.case import Case

    api = set(fixtures.api.__all__)
    table = PAGE.partition("## Which verb")[2].partition("## Where other")[0]
    used = set(re.findall(r"`(?:with )?(\w+)\(case", table)) | set(re.findall(r"`@(\w+)\(", table))
    assert used <= api, used - api
    assert len(used) > 6
    source = (ROOT / "fixtures" / "judging" / "case.py").read_text(encoding="utf-8")
    verbs = set(re.findall(r"case\.(\w+)\(", table))
    assert len(verbs) > 10
    assert all(hasattr(Case, verb) or f"self.{verb}" in source for verb in verbs)
