"""Coverage reads suites as text, and says what is missing."""

import json
from pathlib import Path

import pytest

from vectors.__main__ import main
from vectors.catalogue import CATALOGUE
from vectors.coverage import coverage, in_cases, in_vectors, named_in

SUITE = '''
"""About RFC6282-3.1.1-09, which a docstring does not try."""
import no_such_module

TABLE = [("a", "RFC6282-3.1.1-02"), ("b", "not an id")]

@requirement("RFC6282-3.1.1-01", "RFC4944-5.3-29")
def test_one(dut):
    """RFC6282-3.1.1-10"""
'''


@pytest.fixture
def suites(tmp_path):
    folder = tmp_path / "suites" / "rfc6282"
    folder.mkdir(parents=True)
    (folder / "test_3_1_1.py").write_text(SUITE)
    (folder / "helper.py").write_text('X = "RFC6282-3.1.1-03"')
    return tmp_path / "suites"


def test_ids_are_found_in_decorators_and_tables(suites):
    wanted = {"RFC6282-3.1.1-01", "RFC6282-3.1.1-02", "RFC4944-5.3-29"}
    assert set(in_cases(suites)) == wanted
    assert in_cases(suites)["RFC6282-3.1.1-01"] == ["rfc6282/test_3_1_1.py"]
    assert named_in('"""RFC6282-3.1.1-01"""') == set()


def test_numbers_add_up(suites):
    found = coverage(suites)
    assert list(found)[:3] == ["RFC4291", "RFC4443", "RFC4861"]
    row = found["RFC6282"]
    assert row.in_cases == 2
    assert row.testable == row.in_cases + len(row.missing)
    assert "RFC6282-3.1.1-01" not in row.missing
    assert "RFC6282-4.1-01" not in row.missing  # not testable


def test_json_is_the_contract(suites, capsys):
    assert main(["coverage", "--json", "--suites", str(suites)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["RFC6282"]) == {"testable", "in_vectors", "in_cases", "missing"}
    assert main(["coverage", "--json", "--vectors", "--suites", str(suites)]) == 0
    assert "without_vector" in json.loads(capsys.readouterr().out)["RFC6282"]


def test_table_names_what_is_missing_and_what_does_not_exist(suites, capsys):
    assert main(["coverage", "--missing", "--vectors", "--suites", str(suites)]) == 0
    out = capsys.readouterr().out
    assert "testable rows without a case" in out
    assert "RFC7668-3.2.4-02" in out
    (suites / "rfc6282" / "test_typo.py").write_text('@requirement("RFC6282-3.1.1-99")\ndef test_x(): pass\n')
    assert main(["coverage", "--suites", str(suites)]) == 1
    assert "RFC6282-3.1.1-99 is in no row" in capsys.readouterr().err
    assert main(["coverage", "--suites", str(suites / "none")]) == 2


def test_every_row_that_octets_alone_can_try_has_a_vector():
    tried = in_vectors()
    assert [row.id for row in CATALOGUE.values() if "codec" in row.check and row.id not in tried] == []


def test_requirement_prints_a_row(capsys):
    assert main(["requirement", "RFC6282-3.1.1-01"]) == 0
    assert "TF=00" in capsys.readouterr().out
    assert main(["requirement", "RFC6282-3.1.1-1"]) == 2
    assert "closest: RFC6282-3.1.1-01" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("asked", "first", "rows"),
    [
        ("RFC8025", "RFC8025-", sum(row.rfc == 8025 for row in CATALOGUE.values())),
        ("RFC6282-4.3", "RFC6282-4.3-01", 1),
        ("RFC6282-4.3.3-0[12]", "RFC6282-4.3.3-01", 2),
    ],
)
def test_requirement_lists_a_document_a_section_and_a_glob(capsys, asked, first, rows):
    assert main(["requirement", asked]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == rows
    assert lines[0].startswith(first)


def test_generate_check_notices_a_stale_file(monkeypatch, tmp_path, capsys):
    assert main(["generate", "--check"]) == 0
    monkeypatch.setattr("vectors.__main__.FOLDER", tmp_path)
    assert main(["generate", "--check"]) == 1
    assert "out of date" in capsys.readouterr().err
    assert Path(tmp_path, "rfc6282-4.3.json").exists() is False


def test_a_reader_that_has_seen_enough(gone_reader):
    with gone_reader() as copies:
        assert main(["coverage", "--missing"]) == 0
    assert copies == [987]
