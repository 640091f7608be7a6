"""Requirement, cases and mutants, and the plug tests: what is said to cover something exists."""

import json

from tests.mutants import load
from vectors.__main__ import main
from vectors.catalogue import CATALOGUE
from vectors.coverage import in_cases
from vectors.traceability import cases, plugtests, read_kills, requirements


def test_every_case_names_a_requirement():
    assert [case for case, names in cases().items() if not names] == []


def test_the_cases_name_what_the_coverage_counts():
    traced = requirements({})
    assert {name for name, row in traced.items() if row.cases} == set(in_cases()) & set(CATALOGUE)


def test_every_plug_test_is_covered_by_cases_that_exist_or_says_why_not():
    known, seen = set(cases()), set()
    for test in plugtests():
        assert test.id not in seen
        seen.add(test.id)
        assert bool(test.cases) != bool(test.out_of_scope), test.id
        assert set(test.cases) <= known, test.id


def test_the_three_sets_are_there():
    counts = {}
    for test in plugtests():
        group = test.id.partition("/")[0]
        counts[group] = counts.get(group, 0) + 1
    assert counts == {"etsi2013": 29, "6lo2015": 32, "ioppytest": 48}


def test_json(tmp_path, capsys):
    mutant = next(iter(load().values()))
    kills = tmp_path / "mutants.json"
    killed = {"requirement": mutant.requirement, "case": "rfc6282/3.1.1/tf[0]"}
    kills.write_text(json.dumps({"kills": {mutant.id: killed}}))
    assert main(["traceability", "--json", "--mutants", str(kills)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["requirements"][mutant.requirement]["mutants"] == {mutant.id: "rfc6282/3.1.1/tf[0]"}
    assert found["plugtests"]["etsi2013/TD_6LoWPAN_ND_02"]["covered_by"] == []


def test_a_wrong_file_is_told(tmp_path, capsys):
    wrong = tmp_path / "mutants.json"
    wrong.write_text("no json")
    assert main(["traceability", "--mutants", str(wrong)]) == 2
    assert "is not what python -m tests.mutants writes" in capsys.readouterr().err
    assert read_kills(tmp_path / "nothing.json") == {}
