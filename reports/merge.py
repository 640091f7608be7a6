"""Several records as one: benches in different labs, or a run in parts, read as one matrix.

Strategy: lines are copied, never rewritten, with two exceptions that a reader needs: evidence is copied
along and renamed so that paths cannot meet, and the merged header says which runs it was made of. The same
case on the same rig in two records is a conflict and is said, never settled silently.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from reports.record import VERDICTS, Line, Record, RecordError, Writer


def merge(records: Sequence[Record], folder: Path) -> Path:
    """Write the records into `folder` as one and return the new `run.jsonl`. Raises `RecordError`."""
    _check(records)
    if (folder / "run.jsonl").exists():
        raise RecordError(f"{folder / 'run.jsonl'} exists already: name a folder that holds no record")
    first = records[0].header
    names = [str(record.header.get("run_id", "")) for record in records]
    writer = Writer(
        folder,
        run_id="+".join(names),
        seed=first.get("seed", 0),
        suite=first.get("suite", {}),
        host={"merged": ", ".join(names)},
    )
    for name, record in zip(names, records, strict=True):
        for line in record.rigs:
            writer.write(line)
        for line in record.results:
            writer.write(_with_evidence(line, record, name, folder))
        for line in record.measurements:
            writer.write(line)
    if not any(record.interrupted for record in records):
        writer.close()
    return writer.path


def _check(records: Sequence[Record]) -> None:
    seen: dict[tuple[str, str], Path] = {}
    for record in records:
        for line in record.results:
            key = (line["case"], line["rig"])
            if key in seen and seen[key] != record.path:
                raise RecordError(
                    f"{key[0]} on {key[1]} is in {seen[key]} and in {record.path}: "
                    "which of the two counts is not for a merge to say; compare them instead"
                )
            seen[key] = record.path
            if line["verdict"] not in VERDICTS:
                raise RecordError(f"{record.path}: unknown verdict {line['verdict']!r} of {line['case']}")
    suites = {str(record.header.get("suite", {}).get("version")) for record in records}
    if len(suites) > 1:
        raise RecordError(
            f"records of different suite versions ({', '.join(sorted(suites))}) are not one run"
        )


def _with_evidence(line: Line, record: Record, name: str, folder: Path) -> Line:
    """The line, with its evidence copied to a folder of the run it came from."""
    path = str(line.get("evidence") or "")
    parts = PurePosixPath(path).parts
    if not path or PurePosixPath(path).is_absolute() or ".." in parts:
        return line
    source = record.path.parent / path
    if not source.is_file():
        return line
    inner = PurePosixPath(*parts[1:]) if parts[0] == "evidence" and len(parts) > 1 else PurePosixPath(path)
    target = PurePosixPath("evidence") / (name or "run") / inner
    (folder / target).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, folder / target)
    return {**line, "evidence": str(target)}
