"""The run record: `run.jsonl`, one JSON object a line, written by one process and flushed line by line.

Strategy: the record is the only thing that a run must not lose. Each line is whole when it is on disk, so a
killed run leaves a readable file; what it lacks is the footer, and a file without footer *is* an interrupted
run and is said to be one. Everything else (HTML, Markdown, comparisons) is made from records. A record may be a
stranger's: it is read line by line, each line is held against `reports.lines`, and its texts are made inert.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, NoReturn

from reports.lines import MODELS, READ, SCHEMA, check
from reports.text import all_inert, in_few, one_line, plain
from sixlowpan import files

#: How the message of a loss ends that the suite itself caused, as it looked for the frames that a DUT died of.
SEARCH: Final = "to find what it died of"
#: Octets of one line, of the first (it has the text of every rig file and profile) and of a whole record, beyond which
#: a file is none: a sweep with a thousand findings makes a line of a megabyte, a run of twenty rigs thirty.
LONGEST_LINE: Final = 1 << 23
LONGEST_HEADER: Final = 1 << 26
LARGEST: Final = 1 << 26
VERDICTS = ("pass", "harmless", "fail", "inconclusive", "unsupported", "error")
GOOD: Final = ("pass", "harmless")  # tried, and right
GREEN: Final = (*GOOD, "unsupported")  # nothing that anybody must look at
#: Why a case is `unsupported`: the optional field `reason` of its result.
REASONS = {
    "not_declared": "the profile does not declare it",
    "not_observable": "nothing that can be seen of the node tells whether it did right or wrong",
    "not_on_this_link": "the tester's link cannot carry or send it",
    "not_on_this_rig": "this rig, firmware or adapter lacks what it takes",
    "out_of_reach": "nothing that the tester can do makes the node do it",
}
#: How the message of a result begins that could not be told because other work held the rig up.
TOO_SLOW: Final = "machine too slow"

Line = dict[str, Any]


class RecordError(Exception):
    """A record that cannot be read: names the file, the line and what is wrong with it."""


def now() -> str:
    """Wall-clock time as the record writes it: RFC 3339, UTC, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(slots=True)
class Finding:
    """One observed breach. `frame` is hex, `offset` counts octets in it; `known` is the deviation that covers it.

    `unconfirmed` is a deviation that would, and is declared for other versions than the DUT's.
    """

    code: str
    requirement: str
    level: str
    expected: str
    actual: str
    frame: str = ""
    offset: int | None = None
    known: str | None = None
    unconfirmed: str | None = None
    #: The field of the IPv6 packet that came out wrong, where it is that (`hop_limit`).
    field: str = ""
    #: Of a pair: which node the finding is of, "dut" or "peer"; empty where there is one node, or none to blame.
    side: str = ""

    def to_json(self) -> Line:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class Result:
    """What became of one case on one rig: a `result` line."""

    case: str
    rig: str
    requirements: list[str]
    verdict: str = "error"
    known: str | None = None
    #: Deviations, declared for other versions, that cover what no known one does (commas between several).
    unconfirmed: str | None = None
    #: Of an `unsupported` case: one of `REASONS`.
    reason: str = ""
    t: str = ""
    seconds: float = 0.0
    attempts: str = ""
    controls: str = ""
    observed_by: str = ""
    findings: list[Finding] = field(default_factory=list)
    message: str = ""
    evidence: str = ""
    #: For people: what was sent, what had to come, what came, the annotated frame, the line that repeats it.
    stimulus: str = ""
    expected: str = ""
    actual: str = ""
    annotated: str = ""
    repeat: str = ""
    what: str = ""

    def to_json(self) -> Line:
        line: Line = {"type": "result"}
        for name in self.__slots__:
            value = getattr(self, name)
            line[name] = [f.to_json() for f in value] if name == "findings" else value
        return line


def state(result: Mapping[str, Any]) -> str:
    """What a cell says: the verdict, or `known` for a failure that declared deviations cover whole.

    `unconfirmed` where some of them are declared for other versions than the DUT's.

    Whether they do was judged when the case ran (its findings, the profile, --strict); `known` is that answer.
    """
    shape = getattr(result, "shape", None)  # of `reports.compact`: it was asked already
    if shape is not None:
        return str(shape.state)
    verdict = str(result["verdict"])
    if verdict == "fail":
        return "unconfirmed" if result.get("unconfirmed") else "known" if result.get("known") else "fail"
    return verdict if verdict in VERDICTS else "error"


def chosen_by(asked: Mapping[str, Any]) -> str:
    """By which options cases were left out (`asked` of a header), in words; empty for a whole run.

    Of a long list the first ones are named: a run may be chosen by a thousand ids.
    """
    return ", ".join(f"{key} {in_few(value)}" for key, value in asked.get("chosen", {}).items())


def group_of(result: Mapping[str, Any]) -> str:
    """What a failed result has in common with equal ones: requirement, and field or code, of its first news.

    A DUT that breaks one thing shows it in many cases; whoever reads of them wants to read of it once.
    """
    news = [finding for finding in result.get("findings", []) if not finding.get("known")]
    if not news:
        return str(result.get("message", ""))
    return f"{news[0]['requirement']} {news[0].get('field') or news[0]['code']}"


class Writer:
    """Writes one record. Used by the one process that owns the run."""

    def __init__(
        self,
        folder: Path,
        *,
        run_id: str,
        seed: int,
        suite: Mapping[str, str],
        host: Mapping[str, Any],
        asked: Mapping[str, Any] | None = None,
        rigs: Mapping[str, Any] | None = None,
    ) -> None:
        """Open the record. `asked` is what the command line says, `rigs` the text of each rig file and profile."""
        self.path = folder / "run.jsonl"
        self.counts: Counter[str] = Counter()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # unbuffered: a line that found no room must not be tried again when the file is closed
            self._file: BinaryIO | None = self.path.open("xb", buffering=0)
        except OSError as error:
            raise RecordError(
                f"{self.path}: cannot be made: {error.strerror}; name another folder"
            ) from error
        self._whole = 0
        self.write(
            {
                "type": "header",
                "schema": SCHEMA,
                "run_id": run_id,
                "started": now(),
                "seed": seed,
                "suite": dict(suite),
                "host": dict(host),
                "asked": dict(asked or {}),
                "rigs": dict(rigs or {}),
            }
        )

    def write(self, line: Line) -> None:
        """Append one line and push it to the disk's hands at once. Texts are made inert (`reports.text`).

        Raises `RecordError` when there is no room: then the record ends with its last whole line, without footer, and
        nothing more is written.
        """
        text = json.dumps(all_inert(line), separators=(",", ":"), ensure_ascii=False) + "\n"
        self._append(text.encode())
        if line["type"] == "result":
            self.counts[line["verdict"]] += 1

    def copy(self, row: bytes, verdict: str) -> None:
        """Append the line of a result as another record has it, if it is `plain`. Raises `RecordError` as `write`."""
        self._append(row)
        self.counts[verdict] += 1

    def _append(self, row: bytes) -> None:
        if self._file is None:
            raise RecordError(f"{self.path}: the record is closed already")
        rest = memoryview(row)
        try:
            while rest:
                rest = rest[self._file.write(rest) or 0 :]
        except OSError as error:
            self._give_up(error)
        self._whole += len(row)

    def _give_up(self, error: OSError) -> NoReturn:
        file, self._file = self._file, None
        assert file is not None
        with contextlib.suppress(OSError):  # a torn last line is forgiven by whoever reads it
            file.truncate(self._whole)
        with contextlib.suppress(OSError):
            file.close()
        raise RecordError(
            f"{self.path}: cannot be written: {error.strerror}; it holds what was recorded until then"
        ) from error

    def rig(self, rig: str, event: str, **details: Any) -> None:
        """Note what happened to a rig: leased, ready, lost, recovered, released."""
        self.write({"type": "rig", "rig": rig, "event": event, "t": now(), **details})

    def close(self) -> None:
        """Write the footer; a record without is an interrupted run. Raises `RecordError` as `write` does."""
        if self._file is None:
            return
        self.write({"type": "footer", "ended": now(), "counts": {v: self.counts[v] for v in VERDICTS}})
        try:
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            self._give_up(error)
        self._file = None


@dataclass(slots=True)
class Record:
    """A record read back. `footer` is None for an interrupted run."""

    path: Path
    header: Line
    rigs: list[Line]
    #: Lines, or what stands for them (`reports.compact`).
    results: list[Any]
    measurements: list[Line]
    footer: Line | None
    #: `deviation` lines: known deviations that no longer happen ({"rig", "id", "state": "fixed"}).
    deviations: list[Line] = field(default_factory=list)
    #: The last line was cut in the middle (the writer was killed while writing it).
    torn: bool = False
    #: Octets of the file, but for blank lines behind its end.
    octets: int = 0

    @property
    def interrupted(self) -> bool:
        return self.footer is None


def read(path: Path) -> Record:
    """Read a record (a `run.jsonl`, or the folder that holds one). Raises `RecordError` with file, line and key.

    A torn last line is what a killed run leaves, and is forgiven; a bad line anywhere else is not. The whole record is
    in memory then: one of a farm is read by `reports.compact`.
    """
    return Reader(path).read()


class Reader:
    """Reads a record line by line, and holds each line against `reports.lines`."""

    largest = LARGEST

    def __init__(self, path: Path) -> None:
        self.record = Record(path / "run.jsonl" if path.is_dir() else path, {}, [], [], [], None)
        self._follow = self.record.path == path

    def quick(self, row: bytes, at: int) -> bool:
        """Whether the row, `at` so many octets from the beginning, was a result that needs no closer look."""
        return False

    def keep(self, result: Line, at: int) -> None:
        """Take in a result."""
        self.record.results.append(result)

    def read(self) -> Record:
        """Read all of it. Raises `RecordError`."""
        record = self.record
        for number, at, row in _rows(record.path, follow=self._follow, largest=self.largest):
            record.octets = at + len(row)
            if record.header and record.footer is None and self.quick(row, at):
                continue
            where = f"{record.path}:{number}"
            try:
                line = parsed(row)
                kind = line["type"]
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                if not row.endswith(b"\n"):
                    record.torn = True
                    break
                raise RecordError(f"{where}: not a line of a run record ({_why(error)})") from error
            if kind == "header" and line.get("schema") not in READ:
                found = one_line(repr(line.get("schema")))[:80]
                raise RecordError(
                    f"{where}: schema {found}, and this version reads {' and '.join(map(str, READ))}"
                )
            if bool(record.header) == (kind == "header") or record.footer is not None:
                raise RecordError(
                    f"{where}: a record has one header, which comes first, and nothing behind its footer"
                )
            if isinstance(kind, str) and kind in MODELS:
                try:
                    self._place(kind, check(kind, line), at)
                except ValueError as error:
                    raise RecordError(f"{where}: {error}") from error
        if not record.header:
            raise RecordError(
                f"{record.path}: no header line: this is not a run record, or the run ended before it began"
            )
        return record

    def _place(self, kind: str, line: Line, at: int) -> None:
        record = self.record
        if kind == "result":
            self.keep(line, at)
        elif kind == "header":
            record.header = line
        elif kind == "footer":
            record.footer = line
        else:
            lists = {"rig": record.rigs, "measurement": record.measurements}
            lists.get(kind, record.deviations).append(line)


def parsed(row: bytes) -> Any:
    """A line of JSON with its texts made inert. Raises `ValueError`, `RecursionError`."""
    value = json.loads(row.decode(), parse_constant=_no_number)
    return value if plain(row) else all_inert(value)


def _rows(path: Path, *, follow: bool, largest: int) -> Iterator[tuple[int, int, bytes]]:
    """The lines of the file that are not blank: number, octets in front of it, the line."""
    try:
        with files.opened(path, follow=follow) as file:
            size = os.fstat(file.fileno()).st_size
            if size > largest:
                raise RecordError(
                    f"{path}: {size} octets, and {largest} are the most that this command reads"
                )
            number, at, longest = 0, 0, LONGEST_HEADER
            while row := file.readline(longest):
                number += 1
                if len(row) == longest:
                    raise RecordError(
                        f"{path}:{number}: longer than any line of a run record ({longest} octets)"
                    )
                if row.strip():
                    yield number, at, row
                at += len(row)
                longest = LONGEST_LINE
    except (OSError, ValueError) as error:  # ValueError: no file, or a path with a null in it
        link = isinstance(error, OSError) and error.errno == errno.ELOOP
        why = "it is a link" if link and not follow else files.why(error)
        raise RecordError(f"{path}: cannot be read: {why}. Name a run folder or its run.jsonl.") from error


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number of JSON")


def _why(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deep"
    return "no type" if isinstance(error, (KeyError, TypeError)) else one_line(error)[:200]
