"""A record that is skimmed tells what one that is read whole tells, and takes and refuses the same lines."""

import json
import random

import pytest

from reports.compact import Kept, calm, framed, skim, whole
from reports.compare import compare
from reports.record import RecordError, read, state
from reports.view import view
from tests.bench.farm import Farm
from tests.fuzz import mutators


@pytest.fixture(scope="module")
def farm(tmp_path_factory):
    folder = tmp_path_factory.mktemp("farm") / "run"
    Farm(240, 24, seed=3, drift=0.05).write(folder)
    return folder


def told(record):
    return [
        *(record.header, record.footer, record.rigs, record.measurements, record.deviations, record.torn),
        [dict(whole(line)) for line in record.results],
    ]


def same(one, other):
    assert told(one) == told(other)
    for kept, line in zip(one.results, other.results, strict=True):
        assert isinstance(kept, Kept)
        assert state(kept) == state(line)
        assert calm(kept) == calm(line)
        assert framed(kept) == framed(line)
        for key, value in kept.shape.fields.items():
            if key != "findings":
                assert value == line[key], key
        for brief, finding in zip(kept["findings"], line["findings"], strict=True):
            assert {key: finding[key] for key in brief} == brief


def test_a_skimmed_record_tells_the_same(run, farm):
    for folder in (run, farm):
        same(skim(folder), read(folder))


def test_equal_results_of_many_rigs_share_a_shape(farm):
    record = skim(farm)
    assert len({id(line.shape) for line in record.results}) < len(record.results) / 2


#: What a stranger may write in a line: each makes the short way and the long way meet.
ODD = {
    "a control": {"message": "\x1b[31m"},
    "a name with a newline": {"case": "a\nb", "rig": "c\td"},
    "a bidirectional mark": {"what": "\u202e"},
    "a letter beyond ASCII": {"what": "§ → µ"},
    "a name of 4097 characters": {"requirements": ["x" * 4097]},
    "a name that grows": {"rig": "\n" * 3000},
    "no text": {"message": 7},
    "a field of another version": {"later": [1, {"x": None}]},
    "a float for a text": {"t": 1.5},
    "a number that is none": {"seconds": float("nan")},
    "such a number elsewhere": {"later": float("inf")},
    "a path that leaves": {"evidence": "../x"},
    "a null": {"findings": None},
    "a finding without code": {"findings": [{"requirement": "x"}]},
    "a finding with little": {"findings": [{"requirement": "x", "code": "y\nz"}]},
    "an unknown verdict": {"verdict": "maybe"},
    "another type": {"type": "rig"},
    "a type that nobody knows": {"type": "results"},
    "no case": {"case": ""},
    "a whole number of seconds": {"seconds": 3},
    "a text of a megabyte": {"message": "x" * 1_000_000},
}


def outcome(reader, folder):
    try:
        return told(reader(folder))
    except RecordError as error:
        return str(error)


@pytest.mark.parametrize("odd", ODD)
def test_both_ways_take_and_refuse_the_same(run, odd):
    path = run / "run.jsonl"
    rows = path.read_text().splitlines()
    place = next(n for n, row in enumerate(rows) if '"type":"result"' in row)
    for ascii_only in (True, False):
        line = json.loads(rows[place]) | ODD[odd]
        rows[place] = json.dumps(line, separators=(",", ":"), ensure_ascii=ascii_only)
        path.write_text("\n".join(rows) + "\n")
        assert outcome(skim, run) == outcome(read, run)


def test_damaged_records_meet_the_same_fate(run):
    path, chance = run / "run.jsonl", random.Random(5)
    good = path.read_text()
    for _ in range(300):
        text = good
        for _ in range(chance.choice([1, 1, 3])):
            text = (
                chance.choice([mutators.json_line, mutators.json_line, mutators.lines])(chance, text) or "\n"
            )
        data = text.encode("utf-8", "surrogatepass")
        path.write_bytes(mutators.octets(chance, data) if chance.randrange(4) == 0 else data)
        assert outcome(skim, run) == outcome(read, run)


def test_comparisons_and_views_are_the_same(run, farm, tmp_path):
    Farm(240, 24, seed=3, run="b", drift=0.2).write(tmp_path / "b")
    short, long = (compare(way(farm), way(tmp_path / "b")) for way in (skim, read))
    assert short == long
    assert short.new_failures
    one, other = view(skim(farm)), view(read(farm))
    assert [rig.name for rig in one.rigs] == [rig.name for rig in other.rigs]
    for rig in one.rigs:
        assert one.counts(rig.name) == other.counts(rig.name)
        assert one.reasons(rig.name) == other.reasons(rig.name)


def test_a_file_that_changed_is_told(run):
    record = skim(run)
    path = run / "run.jsonl"
    path.write_bytes(path.read_bytes()[7:])
    with pytest.raises(RecordError, match="changed while it was read"):
        whole(record.results[0])
