"""The run record: `run.jsonl`, one JSON object a line, written by one process and flushed line by line.

Strategy: the record is the only thing that a run must not lose. Each line is whole when it is on disk, so a
killed run leaves a readable file; what it lacks is the footer, and a file without footer *is* an interrupted
run and is said to be one. Everything else (HTML, Markdown, comparisons) is made from records.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

SCHEMA = 1
VERDICTS = ("pass", "harmless", "fail", "inconclusive", "unsupported", "error")
#: Why a case is `unsupported`: the optional field `reason` of its result.
REASONS = {
    "not_declared": "the profile does not declare it",
    "not_observable": "nothing that the DUT shows would tell right from wrong",
    "not_on_this_link": "the tester's link cannot carry or send it",
    "not_on_this_rig": "this rig, firmware or adapter lacks what it takes",
    "out_of_reach": "nothing that the tester can do makes the DUT do it",
}

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

    def to_json(self) -> Line:
        return {
            "code": self.code,
            "requirement": self.requirement,
            "level": self.level,
            "frame": self.frame,
            "offset": self.offset,
            "expected": self.expected,
            "actual": self.actual,
            "known": self.known,
            "unconfirmed": self.unconfirmed,
            "field": self.field,
        }


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
    verdict = str(result["verdict"])
    if verdict == "fail":
        return "unconfirmed" if result.get("unconfirmed") else "known" if result.get("known") else "fail"
    return verdict if verdict in VERDICTS else "error"


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
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "run.jsonl"
        self.counts: Counter[str] = Counter()
        self._file: TextIO | None = self.path.open("x", encoding="utf-8")
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
        """Append one line and push it to the disk's hands at once."""
        if self._file is None:
            raise RecordError(f"{self.path}: the record is closed already")
        if line["type"] == "result":
            self.counts[line["verdict"]] += 1
        self._file.write(json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n")
        self._file.flush()

    def rig(self, rig: str, event: str, **details: Any) -> None:
        """Note what happened to a rig: leased, ready, lost, recovered, released."""
        self.write({"type": "rig", "rig": rig, "event": event, "t": now(), **details})

    def close(self) -> None:
        """Write the footer. A record that never gets here is an interrupted run."""
        if self._file is None:
            return
        self.write({"type": "footer", "ended": now(), "counts": {v: self.counts[v] for v in VERDICTS}})
        os.fsync(self._file.fileno())
        self._file.close()
        self._file = None


@dataclass(slots=True)
class Record:
    """A record read back. `footer` is None for an interrupted run."""

    path: Path
    header: Line
    rigs: list[Line]
    results: list[Line]
    measurements: list[Line]
    footer: Line | None
    #: `deviation` lines: known deviations that no longer happen ({"rig", "id", "state": "fixed"}).
    deviations: list[Line] = field(default_factory=list)
    #: The last line was cut in the middle (the writer was killed while writing it).
    torn: bool = False

    @property
    def interrupted(self) -> bool:
        return self.footer is None


def read(path: Path) -> Record:
    """Read a record (a `run.jsonl`, or the folder that holds one). Raises `RecordError`.

    A torn last line is what a killed run leaves, and is forgiven; a bad line anywhere else is not.
    """
    if path.is_dir():
        path /= "run.jsonl"
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise RecordError(
            f"{path}: cannot be read: {error.strerror}. Name a run folder or its run.jsonl."
        ) from error
    record = Record(path, {}, [], [], [], None)
    rows = text.split("\n")
    for number, row in enumerate(rows, 1):
        if not row.strip():
            continue
        try:
            line = json.loads(row)
            kind = line["type"]
        except (ValueError, KeyError, TypeError) as error:
            if number == len(rows):
                record.torn = True
                continue
            raise RecordError(f"{path}:{number}: not a line of a run record ({error})") from error
        _place(record, kind, line, number)
    if not record.header:
        raise RecordError(
            f"{path}: no header line: this is not a run record, or the run ended before it began"
        )
    return record


def _place(record: Record, kind: str, line: Line, number: int) -> None:
    if kind == "header":
        if line.get("schema") != SCHEMA:
            found = line.get("schema")
            raise RecordError(f"{record.path}:{number}: schema {found!r}, and this version reads {SCHEMA}")
        record.header = line
    elif kind == "rig":
        record.rigs.append(line)
    elif kind == "result":
        record.results.append(line)
    elif kind == "measurement":
        record.measurements.append(line)
    elif kind == "deviation":
        record.deviations.append(line)
    elif kind == "footer":
        record.footer = line
