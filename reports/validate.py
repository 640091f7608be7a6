"""Whether a record keeps what its schema promises: every mistake with its line, and never a traceback.

Strategy: types of fields are the business of `reports.lines`, which a JSON Schema for other programs is generated
from (`reports/record.schema.json`; a test holds the two together). What no schema of one line can say is looked at
here: results of rigs that were never named, deviations that no profile declares, evidence that is not there, counts
that do not add up. Schema 2 promises what 1 left open: who ran (`run_id`, `started`, `suite`, `host`), a `ready`
line for each rig with results that are told, a reason for each `unsupported`, and a finding in each `fail`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from reports.lines import MODELS, SCHEMA
from reports.record import REASONS, Record
from reports.view import known_of

PATH: Final = Path(__file__).with_name("record.schema.json")


def schema() -> str:
    """The JSON Schema (2020-12) of one line of a record, as text that ends with a newline."""
    references, whole = models_json_schema(
        [(model, "validation") for model in MODELS.values()], by_alias=True
    )
    kinds = [
        {
            "if": {"properties": {"type": {"const": kind}}, "required": ["type"]},
            "then": references[MODELS[kind], "validation"],
        }
        for kind in MODELS
    ]
    made: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"One line of a run record, schema {SCHEMA}",
        "description": "A line of another type, and a field that is not named here, are kept and passed over.",
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"type": "string"}},
        "allOf": kinds,
        "$defs": whole["$defs"],
    }
    return json.dumps(made, indent=1, sort_keys=True) + "\n"


def mistakes(record: Record) -> list[str]:
    """What a record that could be read breaks of its promises, one sentence each; [] for none."""
    return list(_of_any(record)) + (list(_of_second(record)) if record.header["schema"] >= 2 else [])


def _of_any(record: Record) -> Iterator[str]:
    if record.interrupted:
        yield "no footer: the run was interrupted" + (", and its last line is cut" if record.torn else "")
    else:
        found = Counter(line["verdict"] for line in record.results)
        counts = (record.footer or {}).get("counts", {})
        for verdict in sorted(found.keys() | counts.keys()):
            if counts.get(verdict, 0) != found[verdict]:
                yield f"footer: counts.{verdict} is {counts.get(verdict, 0)}, and {found[verdict]} results have it"
    rigs = {line["rig"] for line in record.rigs}
    for rig in sorted({line["rig"] for line in [*record.results, *record.measurements]} - rigs):
        yield f"rig {rig}: it has results or measurements, and no line of its own"
    times = Counter((line["case"], line["rig"]) for line in record.results)
    for (case, rig), count in times.items():
        if count > 1:
            yield f"{case} on {rig}: {count} results, and one is allowed"
    declared = {(line["rig"], d["id"]) for line in record.rigs for d in line.get("deviations") or []}
    for line in record.results:
        for name in known_of(line):
            if (line["rig"], name) not in declared:
                yield f"{line['case']} on {line['rig']}: known as {name}, which no line of the rig declares"
        if line["evidence"] and not (record.path.parent / line["evidence"]).is_file():
            yield f"{line['case']} on {line['rig']}: evidence {line['evidence']} is not there"


def _of_second(record: Record) -> Iterator[str]:
    for key in ("run_id", "started", "suite", "host"):
        if not record.header[key]:
            yield f"header: {key} is missing; schema 2 needs it"
    ready = {line["rig"] for line in record.rigs if line.get("event") == "ready"}
    for line in record.results:
        where = f"{line['case']} on {line['rig']}"
        if line["verdict"] in ("pass", "harmless", "fail") and line["rig"] not in ready:
            yield f"{where}: {line['verdict']}, and the rig was never ready"
        if line["verdict"] == "unsupported" and line["reason"] not in REASONS:
            yield f"{where}: reason {line['reason']!r}; schema 2 needs one of {', '.join(REASONS)}"
        if line["verdict"] == "fail" and not line["findings"]:
            yield f"{where}: fail without a finding"
