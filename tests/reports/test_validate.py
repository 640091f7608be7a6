"""Record schema 2: what is written keeps it, the JSON Schema says it to others, schema 1 is read still."""

import json

import jsonschema
import pytest

from reports import validate
from reports.__main__ import main
from reports.record import Finding, read


@pytest.fixture
def sound(sample, tmp_path):
    results = [
        sample.result("a/b", "linux-ble", "pass", []),
        sample.result("a/c", "linux-ble", "unsupported", []),
    ]
    results[1].reason = "not_declared"
    results.append(
        sample.result(
            "a/d", "linux-ble", "fail", [], findings=[Finding("lost", "RFC6282-2-04", "MUST", "a", "b")]
        )
    )
    for one in results:
        one.evidence = ""
    sample.write_record(tmp_path / "sound", results)
    return tmp_path / "sound"


def change(run, number, **fields):
    path = run / "run.jsonl"
    rows = path.read_text().splitlines()
    rows[number] = json.dumps(json.loads(rows[number]) | fields)
    path.write_text("\n".join(rows) + "\n")


def test_what_is_written_is_of_schema_2_and_sound(sound, capsys):
    assert read(sound).header["schema"] == 2
    assert main(["validate", str(sound)]) == 0
    assert "schema 2, 3 results, no mistake" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("number", "fields", "told"),
    [
        (0, {"run_id": ""}, "header: run_id is missing; schema 2 needs it"),
        (6, {"rig": "other"}, "rig other: it has results or measurements, and no line of its own"),
        (6, {"known": "x"}, "a/b on linux-ble: known as x, which no line of the rig declares"),
        (6, {"evidence": "evidence/x"}, "a/b on linux-ble: evidence evidence/x is not there"),
        (6, {"verdict": "error"}, "footer: counts.error is 0, and 1 results have it"),
        (7, {"case": "a/b"}, "a/b on linux-ble: 2 results, and one is allowed"),
        (7, {"reason": "because"}, "a/c on linux-ble: reason 'because'; schema 2 needs one of not_declared"),
        (8, {"findings": []}, "a/d on linux-ble: fail without a finding"),
        (3, {"event": "leased"}, "a/b on linux-ble: pass, and the rig was never ready"),
    ],
)
def test_every_broken_promise_is_told(sound, capsys, number, fields, told):
    change(sound, number, **fields)
    assert main(["validate", str(sound)]) == 1
    assert told in capsys.readouterr().out


def test_schema_1_is_read_and_promises_less(sound, capsys):
    change(sound, 0, schema=1, run_id="")
    change(sound, 7, reason="because")
    assert main(["validate", str(sound)]) == 0
    assert main(["render", str(sound)]) == 0
    change(sound, 0, schema=3)
    assert main(["validate", str(sound)]) == 2
    assert "schema 3, and this version reads 1 and 2" in capsys.readouterr().err


def test_the_schema_in_the_tree_is_the_one_that_is_read_by(run, sound, capsys):
    assert validate.PATH.read_text() == validate.schema(), "run: python -m reports validate --schema"
    assert main(["validate", "--schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator.check_schema(schema)
    checker = jsonschema.Draft202012Validator(schema)
    for folder in (run, sound):
        for row in (folder / "run.jsonl").read_text().splitlines():
            checker.validate(json.loads(row))
    with pytest.raises(jsonschema.ValidationError):
        checker.validate({"type": "result", "case": "x", "rig": "y", "verdict": "PASS"})
    checker.validate({"type": "weather", "is": "fine"})
    assert main(["validate"]) == 2
