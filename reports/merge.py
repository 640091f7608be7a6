"""Several records as one: benches in different labs, or a run in parts, read as one matrix.

Strategy: lines are copied, never rewritten, with two exceptions that a reader needs: evidence is copied
along and renamed so that paths cannot meet, and the merged header says which runs it was made of. The same
case on the same rig in two records is a conflict and is said, never settled silently. The records may be strangers':
what is written lies in a folder that was empty, under names that are ours, and no link is followed.
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

from reports.record import Line, Record, RecordError, Writer
from reports.view import view


def merge(records: Sequence[Record], folder: Path) -> Path:
    """Write the records into `folder` as one and return the new `run.jsonl`. Raises `RecordError`."""
    _check(records)
    if folder.is_dir() and next(folder.iterdir(), None) is not None:
        raise RecordError(f"{folder} is not empty: name a new folder for the merged run")
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
        copied: dict[str, str] = {}
        for line in record.rigs:
            writer.write(line)
        for line in record.results:
            writer.write(_with_evidence(line, record, folder, own, copied))
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
    seen: dict[tuple[str, str], Path] = {}
    paths = [record.path.resolve() for record in records]
    twice = next((path for path in paths if paths.count(path) > 1), None)
    if twice is not None:
        raise RecordError(f"{twice} is named twice: name each run once")
    for record in records:
        for line in record.results:
            key = (line["case"], line["rig"])
            if key in seen and seen[key] != record.path:
                raise RecordError(
                    f"{key[0]} on {key[1]} is in {seen[key]} and in {record.path}: "
                    "which of the two counts is not for a merge to say; compare them instead"
                )
            seen[key] = record.path
    for word, name in (("versions", "version"), ("commits", "commit")):
        suites = {str(record.header["suite"].get(name) or "") for record in records} - {""}
        if len(suites) > 1:
            told = ", ".join(sorted(suites))
            raise RecordError(
                f"records of different suite {word} ({told}) are not one run; compare them instead"
            )
    _check_duts(records)


def _check_duts(records: Sequence[Record]) -> None:
    """One rig name is one DUT: raise `RecordError` where two records have another one under it."""
    known: dict[str, tuple[dict[str, str], Path]] = {}
    for record in records:
        for rig in view(record).rigs:
            dut, path = known.setdefault(rig.name, (rig.dut, record.path))
            for key in sorted(dut.keys() & rig.dut.keys()):
                if dut[key] != rig.dut[key]:
                    raise RecordError(
                        f"{rig.name} has the DUT {key} {dut[key]} in {path} and {rig.dut[key]} in {record.path}: "
                        "two DUTs are not one rig; rename one of them, or compare the runs"
                    )


def _with_evidence(line: Line, record: Record, folder: Path, own: str, copied: dict[str, str]) -> Line:
    """The line, with its evidence copied to a folder of the run it came from. `copied`: old path to new."""
    path: str = line["evidence"]
    if path and path not in copied:
        parts = PurePosixPath(path).parts
        inner = parts[1:] if parts[0] == "evidence" and len(parts) > 1 else parts
        target = PurePosixPath("evidence", own, *inner)
        with evidence_file(record.path.parent, parts) as source:
            if source is not None:
                _copy(source, folder / target)
                copied[path] = str(target)
    return {**line, "evidence": copied.get(path, path)}


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
