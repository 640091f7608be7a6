"""The history file: runs, their DUTs, one row a result, and the quantiles of what was measured.

Strategy: SQLite, one file, and nothing in it that the records do not have, so that it can be thrown away and made
again. Rigs that shared their cases (`--pool`) are one, under the name of their pool: which of them ran a case
differs from run to run. A rig that is the only one of its profile, stack and link in a run is joined with the pool
of such rigs that another run has, whichever was added first. Names are numbers in the rows of results: two hundred
runs of five thousand results are a million rows, and stay small and quick. A run is added whole or not at all; one
that is there already is told from another one of the same id by its digest.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from reports.deaths import last_words, spelled, spoken, told
from reports.files import STDOUT
from reports.pools import kind_of, names_of, nodes
from reports.record import Record, RecordError, group_of, state
from reports.statistics import quantile
from reports.text import one_line
from reports.view import STATES, View, rigs_of

_VERSION: Final = 3
_TABLES: Final = """
CREATE TABLE names (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE runs (id INTEGER PRIMARY KEY, run_id TEXT NOT NULL UNIQUE, started TEXT NOT NULL, seed INTEGER NOT NULL,
  suite TEXT NOT NULL, whole INTEGER NOT NULL, chosen TEXT NOT NULL, lab TEXT NOT NULL, digest TEXT NOT NULL,
  path TEXT NOT NULL);
CREATE TABLE duts (run INTEGER NOT NULL, rig INTEGER NOT NULL, dut TEXT NOT NULL, PRIMARY KEY (run, rig)) WITHOUT ROWID;
CREATE TABLE kinds (run INTEGER NOT NULL, rig INTEGER NOT NULL, kind INTEGER NOT NULL, pool INTEGER NOT NULL,
  PRIMARY KEY (run, rig)) WITHOUT ROWID;
CREATE TABLE members (pool INTEGER NOT NULL, rig INTEGER NOT NULL, PRIMARY KEY (pool, rig)) WITHOUT ROWID;
CREATE INDEX kinds_alike ON kinds (kind);
CREATE TABLE results (rig INTEGER NOT NULL, kase INTEGER NOT NULL, run INTEGER NOT NULL, state INTEGER NOT NULL,
  breach INTEGER, PRIMARY KEY (rig, kase, run)) WITHOUT ROWID;
CREATE TABLE counts (run INTEGER NOT NULL, rig INTEGER NOT NULL, state INTEGER NOT NULL, total INTEGER NOT NULL,
  PRIMARY KEY (run, rig, state)) WITHOUT ROWID;
CREATE INDEX results_by_run ON results (run);
CREATE TABLE figures (rig INTEGER NOT NULL, kase INTEGER NOT NULL, name INTEGER NOT NULL, run INTEGER NOT NULL,
  total INTEGER NOT NULL, lost INTEGER NOT NULL, p50 REAL, p95 REAL, p99 REAL,
  PRIMARY KEY (rig, kase, name, run)) WITHOUT ROWID;
"""
_NAME: Final = "{0} IN (SELECT id FROM names)"
_RUN: Final = {"run": "run IN (SELECT id FROM runs)"}
_COUNT: Final = "typeof({0}) = 'integer' AND {0} >= 0"
_STATE: Final = {"state": f"typeof(state) = 'integer' AND state BETWEEN 0 AND {len(STATES) - 1}"}
#: What holds of each row that `add` has made: table -> column -> condition.
_CHECKS: Final = {
    "names": {"text": "typeof(text) = 'text'"},
    "runs": {
        **{
            name: f"typeof({name}) = 'text'"
            for name in ("run_id", "started", "suite", "chosen", "lab", "digest", "path")
        },
        **{name: f"typeof({name}) = 'integer'" for name in ("seed", "whole")},
    },
    "duts": _RUN | {"rig": _NAME.format("rig"), "dut": "typeof(dut) = 'text'"},
    "kinds": _RUN | {name: _NAME.format(name) for name in ("rig", "kind")} | {"pool": "pool IN (0, 1)"},
    "members": {name: _NAME.format(name) for name in ("pool", "rig")},
    "results": _RUN
    | _STATE
    | {name: _NAME.format(name) for name in ("rig", "kase")}
    | {"breach": "breach IS NULL OR breach IN (SELECT id FROM names)"},
    "counts": _RUN | _STATE | {"rig": _NAME.format("rig"), "total": _COUNT.format("total")},
    "figures": _RUN
    | {name: _NAME.format(name) for name in ("rig", "kase", "name")}
    | {name: _COUNT.format(name) for name in ("total", "lost")}
    | {name: f"{name} IS NULL OR abs({name}) < 1e300" for name in ("p50", "p95", "p99")},
}


@contextmanager
def opened(path: Path, *, new: bool = False) -> Iterator[sqlite3.Connection]:
    """The history at `path`; `new` makes it where there is none. Raises `RecordError` for what is no history."""
    if path == STDOUT or (path.exists() and not path.is_file()):
        raise RecordError(
            f"{path}: a history is one file, and this is none: name another, such as history.db"
        )
    if not new and not path.exists():
        raise RecordError(
            f"{path}: there is no such history: make it with `python -m reports history add {path} RUN`"
        )
    try:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
            _prepare(connection, path, new=new)
            try:
                yield connection
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
                if isinstance(error, RecordError) or not (wrong := _contradiction(connection)):
                    raise
                raise RecordError(f"{path}: {wrong}: make a new one of the records") from error
    except sqlite3.Error as error:
        raise RecordError(
            f"{path}: not a history, or it cannot be used ({error}): name another file"
        ) from error


def _contradiction(connection: sqlite3.Connection) -> str:
    """What no history of ours holds, in words; empty if there is nothing such. It reads every row."""
    for table, checks in _CHECKS.items():
        for column, holds in checks.items():
            found = connection.execute(f"SELECT {column} FROM {table} WHERE NOT ({holds}) LIMIT 1")  # noqa: S608 -- our words
            if (row := found.fetchone()) is not None:
                return f"damaged: {table} has {one_line(repr(row[0]))[:80]} as {column}"
    return ""


def _prepare(connection: sqlite3.Connection, path: Path, *, new: bool) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if version == 0 and tables == 0 and new:
        connection.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {_VERSION}; COMMIT;")
    elif version != _VERSION:
        raise RecordError(
            f"{path}: not a history of this version ({version} instead of {_VERSION}): make a new one of the records"
        )


def add(connection: sqlite3.Connection, record: Record, lab: str = "") -> bool:
    """Add a run; False when it is there already. Raises `RecordError` for another run of the same id."""
    run_id = record.header["run_id"] or str(record.path)
    digest = _digest(record)
    there = connection.execute("SELECT digest, path FROM runs WHERE run_id = ?", (run_id,)).fetchone()
    if there is not None:
        if there[0] == digest:
            return False
        raise RecordError(
            f"{record.path}: run {one_line(run_id)} is in the history already, from {there[1]}, and differs"
        )
    with transaction(connection):
        names = _Names(connection)
        shown = nodes(record)
        suite = record.header["suite"]
        made = f"{suite.get('version', 'unknown')} ({suite.get('commit', 'no commit')})"
        row = (
            run_id,
            record.header["started"],
            record.header["seed"],
            made,
            not record.interrupted,
            shown.chosen(),
        )
        run = connection.execute(
            "INSERT INTO runs VALUES (NULL,?,?,?,?,?,?,?,?,?)",
            (*row, lab, digest, str(record.path)),
        ).lastrowid
        pools = names_of(record)
        duts = [(run, names[rig.name], rig.describe()) for rig in shown.rigs]
        counts = [
            (run, names[rig.name], STATES.index(name), count)
            for rig in shown.rigs
            for name, count in shown.counts(rig.name).items()
        ]
        connection.executemany("INSERT INTO counts VALUES (?,?,?,?)", counts)
        connection.executemany("INSERT INTO duts VALUES (?,?,?)", duts)
        connection.executemany(
            "INSERT OR REPLACE INTO results VALUES (?,?,?,?,?)", _results(record, names, run, pools)
        )
        connection.executemany(
            "INSERT OR REPLACE INTO figures VALUES (?,?,?,?,?,?,?,?,?)", _figures(record, names, run, pools)
        )
        kinds = _kinds(shown, names)
        rows = [(run, names[rig], kind, pool) for rig, kind, pool in kinds]
        connection.executemany("INSERT INTO kinds VALUES (?,?,?,?)", rows)
        members = [(names[pool], names[rig]) for rig, pool in pools.items()]
        connection.executemany("INSERT OR IGNORE INTO members VALUES (?,?)", members)
        for kind in {kind for _, kind, _ in kinds}:
            _join(connection, kind)
    return True


def _kinds(shown: View, names: _Names) -> list[tuple[str, int, bool]]:
    """(rig, number of its kind, whether it is a pool) of the rigs that are the only ones of their kind in a run."""
    told = [rig for rig in shown.rigs if rig.dut and rig.profile and not rig.peer]
    times = Counter(map(kind_of, told))
    return [
        (rig.name, names[json.dumps(kind_of(rig))], bool(rig.members))
        for rig in told
        if times[kind_of(rig)] == 1
    ]


def _join(connection: sqlite3.Connection, kind: int) -> None:
    """Give the rigs of a kind the name of the pool that such rigs are in another run, where there is one such name."""
    pools = list(connection.execute("SELECT DISTINCT rig FROM kinds WHERE kind = ? AND pool", (kind,)))
    if len(pools) != 1:
        return
    ((pool,),) = pools
    asked = "SELECT run, rig FROM kinds WHERE kind = ? AND NOT pool AND rig != ?"
    for run, rig in connection.execute(asked, (kind, pool)).fetchall():
        connection.execute("INSERT OR IGNORE INTO members VALUES (?,?)", (pool, rig))
        there = connection.execute("SELECT 1 FROM duts WHERE run = ? AND rig = ?", (run, pool)).fetchone()
        for table in () if there else ("results", "counts", "duts", "figures", "kinds"):
            connection.execute(f"UPDATE {table} SET rig = ? WHERE run = ? AND rig = ?", (pool, run, rig))  # noqa: S608 -- our words


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


class _Names:
    """Text -> its number, made where there is none."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._known: dict[str, int] = {}

    def __getitem__(self, text: str) -> int:
        if text not in self._known:
            self._connection.execute("INSERT OR IGNORE INTO names (text) VALUES (?)", (text,))
            found = self._connection.execute("SELECT id FROM names WHERE text = ?", (text,)).fetchone()
            self._known[text] = found[0]
        return self._known[text]


def _results(
    record: Record, names: _Names, run: int | None, pools: Mapping[str, str]
) -> Iterator[tuple[object, ...]]:
    words = {rig.name: last_words(rig) for rig in rigs_of(record).values()}
    for line in record.results:
        found = state(line)
        breach = None
        if found in ("fail", "error", "known", "unconfirmed"):
            known = words[line["rig"]]
            news: Mapping[str, Any] = next(
                (one for one in spelled(line, known)["findings"] if not one.get("known")), {}
            )
            death = spoken(news, known)
            breach = names[told(death) if death else group_of(line)[:300]]
        yield (
            names[pools.get(line["rig"], line["rig"])],
            names[line["case"]],
            run,
            STATES.index(found),
            breach,
        )


def figure_name(line: Mapping[str, Any]) -> str:
    """What a measurement is called in a history: name, unit and parameters."""
    parameters = ", ".join(f"{key}={value}" for key, value in sorted(line["parameters"].items()))
    return f"{line['name']} ({line['unit']})" + (f" {parameters}" if parameters else "")


def unit_of(name: str) -> str:
    """The unit in what `figure_name` made."""
    return name.partition(" (")[2].partition(")")[0]


def _figures(
    record: Record, names: _Names, run: int | None, pools: Mapping[str, str]
) -> Iterator[tuple[object, ...]]:
    for line in record.measurements:
        values = [float(value) for value in line["values"] if value is not None]
        quantiles = [quantile(values, q) for q in (0.5, 0.95, 0.99)] if values else [None] * 3
        lost = len(line["values"]) - len(values)
        node = pools.get(line["rig"], line["rig"])
        key = names[node], names[line["case"]], names[figure_name(line)]
        yield (*key, run, len(line["values"]), lost, *quantiles)


def _digest(record: Record) -> str:
    """What tells a run from another: its results and figures, without the path."""
    whole = hashlib.sha256()
    lines: Iterable[Mapping[str, Any]] = (record.header, *record.results, *record.measurements)
    for line in lines:
        short = {
            key: line.get(key)
            for key in ("case", "rig", "verdict", "known", "t", "name", "values", "started")
        }
        whole.update(json.dumps(short, sort_keys=True).encode())
    return whole.hexdigest()
