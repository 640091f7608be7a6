"""Several records as one: benches in different labs, or a run in parts, read as one matrix.

Strategy: lines are copied, never rewritten, with two exceptions that a reader needs: evidence is copied
along and renamed so that paths cannot meet, and the merged header says which runs it was made of. The same
case on the same rig in two records is a conflict and is said, never settled silently. The records may be strangers':
what is written lies in a folder that was empty, under names that are ours, and no link is followed. All records are
read once before anything is written; then their lines pass one by one (`reports.compact`).
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import shutil
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from pydantic_core import from_json

from reports.compact import Kept, rows_at, skim
from reports.files import made_folder
from reports.lines import inside
from reports.record import Line, Record, RecordError, Writer
from reports.text import plain
from reports.view import rigs_of


def merge(paths: Sequence[Path], folder: Path) -> Path:
    """Write the records at `paths` into `folder` as one and return the new `run.jsonl`. Raises `RecordError`."""
    records = [skim(path) for path in paths]
    _check(records)
    remedy = "name a new folder for the merged run"
    made_folder(folder, remedy)
    if next(folder.iterdir(), None) is not None:
        raise RecordError(f"{folder} is not empty: {remedy}")
    first = records[0].header
    names = [record.header["run_id"] for record in records]
    writer = Writer(
        folder,
        run_id="+".join(names),
        seed=first["seed"],
        suite=first["suite"],
        host={"merged": ", ".join(names)},
        asked=_asked(records),
        rigs={name: files for record in records for name, files in record.header["rigs"].items()},
    )
    for own, record in zip(_folders(names), records, strict=True):
        for line in record.rigs:
            writer.write(line)
        evidence = _Evidence(record.path.parent, folder, own)
        for row, line in zip(
            rows_at(record.path, (line.at for line in record.results)), record.results, strict=True
        ):
            _copy_result(writer, row, line, evidence)
        for line in record.measurements:
            writer.write(line)
        for line in record.deviations:
            writer.write(line)
    if not any(record.interrupted for record in records):
        writer.close()
    return writer.path


def _asked(records: Sequence[Record]) -> Line:
    """What the command lines said, run by run; a choice of one of them is one of the whole."""
    asked = {record.header["run_id"]: record.header["asked"] for record in records}
    chosen = {name: part for name, one in asked.items() if (part := one["chosen"])}
    return {"merged": asked, "chosen": chosen, "strict": any(one["strict"] for one in asked.values())}


def _folders(names: Sequence[str]) -> list[str]:
    """A folder name for each run: like its id, safe whatever that is, and each only once."""
    found: list[str] = []
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")[:100] or "run"
        numbered = (f"{plain}-{number}" for number in itertools.count(2))
        found.append(next(one for one in itertools.chain([plain], numbered) if one not in found))
    return found


def _check(records: Sequence[Record]) -> None:
    paths = [record.path.resolve() for record in records]
    twice = next((path for path in paths if paths.count(path) > 1), None)
    if twice is not None:
        raise RecordError(f"{twice} is named twice: name each run once")
    _check_results(records)
    for word, name in (("versions", "version"), ("commits", "commit")):
        suites = {str(record.header["suite"].get(name) or "") for record in records} - {""}
        if len(suites) > 1:
            told = ", ".join(sorted(suites))
            raise RecordError(
                f"records of different suite {word} ({told}) are not one run; compare them instead"
            )
    _check_duts(records)


def _check_results(records: Sequence[Record]) -> None:
    """Raise `RecordError` where two records have a result of one case on one rig."""
    seen: dict[str, dict[str, int]] = {}
    for number, record in enumerate(records):
        for line in record.results:
            first = seen.setdefault(line.rig, {}).setdefault(line["case"], number)
            if first != number:
                raise RecordError(
                    f"{line['case']} on {line.rig} is in {records[first].path} and in {record.path}: "
                    "which of the two counts is not for a merge to say; compare them instead"
                )


def _check_duts(records: Sequence[Record]) -> None:
    """One rig name is one DUT: raise `RecordError` where two records have another one under it."""
    known: dict[str, tuple[dict[str, str], Path]] = {}
    for record in records:
        for rig in rigs_of(record).values():
            dut, path = known.setdefault(rig.name, (rig.dut, record.path))
            for key in sorted(dut.keys() & rig.dut.keys()):
                if dut[key] != rig.dut[key]:
                    raise RecordError(
                        f"{rig.name} has the DUT {key} {dut[key]} in {path} and {rig.dut[key]} in {record.path}: "
                        "two DUTs are not one rig; rename one of them, or compare the runs"
                    )


def _copy_result(writer: Writer, row: bytes, kept: Kept, evidence: _Evidence) -> None:
    """The line as it is, but for the place of its evidence."""
    try:
        ordinary = row.endswith(b"\n") and plain(row)
        line = from_json(row) if ordinary else kept.whole()
        kept.check(line)
        path = inside(line.get("evidence", ""))
    except (ValueError, AttributeError, TypeError) as error:
        raise RecordError(f"{kept.shape.source.path}: it changed while it was read: try again") from error
    placed = evidence.place(path) if path else ""
    if ordinary and placed == path:
        writer.copy(row, kept["verdict"])
    else:
        writer.write({**line, "evidence": placed})


class _Evidence:
    """Evidence of one run on its way to a folder of its own, each file once."""

    def __init__(self, source: Path, folder: Path, own: str) -> None:
        self._source, self._folder, self._own = source, folder, own
        self._copied: dict[str, str] = {}
        #: Folder of evidence -> whether it is there: a farm's results name a million files, in a few folders.
        self._there: dict[str, bool] = {}

    def place(self, path: str) -> str:
        """Where the evidence is after this; where it was when there is none. Raises `RecordError`."""
        if path in self._copied:
            return self._copied[path]
        parent = path.rpartition("/")[0]
        if parent not in self._there:
            self._there[parent] = (self._source / parent).exists()
        if not self._there[parent]:
            return path
        parts = PurePosixPath(path).parts
        inner = parts[1:] if parts[0] == "evidence" and len(parts) > 1 else parts
        target = PurePosixPath("evidence", self._own, *inner)
        with evidence_file(self._source, parts) as source:
            if source is not None:
                _copy(source, self._folder / target)
                self._copied[path] = str(target)
        return self._copied.get(path, path)


@contextlib.contextmanager
def evidence_file(folder: Path, parts: Sequence[str]) -> Iterator[BinaryIO | None]:
    """The file at `parts` in `folder`, open for reading; None where there is none. Raises `RecordError` for a link."""
    with contextlib.ExitStack() as stack:
        try:
            here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            stack.callback(os.close, here)
            for part in parts[:-1]:
                here = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
                stack.callback(os.close, here)
            last = os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=here)
            source = stack.enter_context(os.fdopen(last, "rb"))
            if not stat.S_ISREG(os.fstat(last).st_mode):
                raise RecordError(f"{folder.joinpath(*parts)}: evidence that is not a file")
        except FileNotFoundError:
            yield None
            return
        except OSError as error:
            raise RecordError(
                f"{folder.joinpath(*parts)}: evidence that cannot be copied: {error.strerror} "
                "(a link is not followed: put the file in its place)"
            ) from error
        yield source


def _copy(source: BinaryIO, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            shutil.copyfileobj(source, file)
    except OSError as error:
        raise RecordError(f"{target}: cannot be written: {error.strerror}") from error
