"""`compare` and methods: numbers that were not measured in the same way are no regression, and no improvement."""

import json
from random import Random

import pytest

from reports.__main__ import main

OLD, NEW = "an Echo Request to its answer", "the first octet to the last one"


def record(sample, folder, values, method):
    line = {"type": "measurement", "rig": "linux-ble", "case": "performance/latency", "name": "round trip"}
    line |= {"unit": "ms", "values": values, "parameters": {"size": 56}, "clock": "tap"}
    path = sample.write_record(folder)
    rows = path.read_text().splitlines()
    line |= {"method": method} if method else {}
    path.write_text("\n".join([*rows[:-1], json.dumps(line), rows[-1]]) + "\n")
    return str(folder)


def sides(sample, tmp_path, before, after, worse=2.0):
    values = [Random(7).uniform(4, 6) for _ in range(200)]
    slower = [worse * value for value in values]
    return record(sample, tmp_path / "a", values, before), record(sample, tmp_path / "b", slower, after)


@pytest.mark.parametrize(
    ("before", "after", "status"), [(OLD, OLD, 1), ("", "", 1), (OLD, NEW, 3), (OLD, "", 3), ("", NEW, 3)]
)
@pytest.mark.parametrize("worse", [2.0, 0.5])
def test_another_method_is_no_regression(sample, tmp_path, capsys, before, after, status, worse):
    runs = sides(sample, tmp_path, before, after, worse)
    if status == 1 and worse < 1:
        status = 0
    assert main(["compare", *runs]) == status
    said = capsys.readouterr().out
    assert ("Measurements that got worse" in said) == (status == 1)
    assert ("Measurements that got better" in said) == (status == 0)
    words = [f"'{one}'" if one else "no method is named" for one in (before, after)]
    row = f"performance/latency (size 56)  round trip: measured by another method: {words[0]} -> {words[1]}"
    assert (row in said) == (status == 3)
    assert ("result: not comparable enough: measurements were made by another method" in said) == (
        status == 3
    )


@pytest.mark.parametrize("form", ["json", "markdown", "html"])
def test_every_format_names_both_methods(sample, tmp_path, capsys, form):
    assert main(["compare", *sides(sample, tmp_path, OLD, NEW), "--format", form]) == 3
    said = capsys.readouterr().out
    assert OLD in said
    assert NEW in said
    if form == "json":
        (one,) = json.loads(said)["measurements_by_another_method"]
        assert (one["rig"], one["before"], one["after"]) == ("linux-ble", OLD, NEW)
