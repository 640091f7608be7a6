"""The verdict of a run as a badge: the JSON that shields.io calls an endpoint."""

from __future__ import annotations

import json
from typing import Final

from reports.pools import nodes
from reports.record import Record
from reports.text import one_line
from reports.verdict import verdict
from reports.view import View

_COLOURS: Final = {
    "pass": "brightgreen",
    "known": "yellow",
    "inconclusive": "lightgrey",
    "unconfirmed": "orange",
    "error": "orange",
    "fail": "red",
}


def render(record: Record | View) -> str:
    """The JSON, as text that ends with a newline. The message says less than `reports.verdict`, and nothing else."""
    judged = verdict(nodes(record))
    message = one_line(judged.words).partition(". ")[0].rstrip(".")
    limited = " (partial run)" if any(limit.startswith("Partial") for limit in judged.limits) else ""
    badge = {
        "schemaVersion": 1,
        "label": "6LoWPAN conformance",
        "message": message + limited,
        "color": _COLOURS[judged.state],
        "isError": judged.state in ("fail", "unconfirmed", "error"),
    }
    return json.dumps(badge) + "\n"


def metrics(record: Record | View) -> str:
    """Counts of each rig as OpenMetrics text, for `artifacts:reports:metrics` of GitLab."""
    page = nodes(record)
    rows = [
        f'keyhole_results{{rig="{_label(rig.name)}",state="{state}"}} {count}'
        for rig in page.rigs
        for state, count in sorted(page.counts(rig.name).items())
    ]
    return "\n".join(["# TYPE keyhole_results gauge", *rows, "# EOF"]) + "\n"


def _label(value: str) -> str:
    return one_line(value).replace("\\", "\\\\").replace('"', '\\"')
