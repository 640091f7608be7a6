"""A record as HTML: one page to forward, and pages beside it for whoever wants more. Nothing is fetched.

Strategy: the page is written for a stranger. It says first whether the node is good, then leads from the matrix
(who, where, how bad) to the case (what the RFC demands, what was sent, what came back, which octets are wrong) and
to the evidence. All that is shown is decided in `reports.view`, `reports.verdict` and `reports.causes`; templates
only lay it out. The same record gives the same bytes. Without script every word is still there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from reports.fleet import Fleet, fleet
from reports.html.environment import page
from reports.html.farm import farm
from reports.html.index import index
from reports.html.interoperability import interoperability
from reports.html.measurements import measurements
from reports.html.requirements import Kills, requirements
from reports.pairs import few
from reports.record import Record
from reports.verdict import verdict
from reports.view import View, view

__all__ = ["page", "pages", "render"]


def pages(record: Record | View, kills: Kills | None = None) -> dict[str, str]:
    """File name -> text of every page of a run; `index.html` stands alone, the others explain more.

    Above some twenty rigs the pages are those of `reports.html.farm`.

    `kills` is what `make mutants` found (`vectors.traceability.read_kills`). Raises `RecordError` for a record that no
    page can show.
    """
    whole = view(record)
    judged = verdict(whole)
    run = str(whole.record.header.get("run_id", ""))
    found = fleet(whole) if whole.wide else None
    shown, groups = (found.folded, found.groups) if found else (whole, [])
    made = {
        "requirements.html": page(
            "requirements.html.j2", f"Requirements of run {run}", **requirements(shown, kills or {})
        ),
        "measurements.html": page(
            "measurements.html.j2",
            f"Measurements of run {run}",
            **measurements(shown, judged.causes, {group.name: group.rigs[0].name for group in groups}),
        ),
        "interoperability.html": page(
            "interoperability.html.j2",
            f"Interoperability in run {run}",
            **interoperability(shown, few(whole)),
        ),
        "environment.html": page(
            "environment.html.j2", f"Environment of run {run}", **environment_of(whole, found)
        ),
    }
    if found:
        return {**dict(farm(found, judged, run)), **made}
    return {"index.html": page("index.html.j2", f"Keyhole run {run}", **index(shown, judged)), **made}


def environment_of(whole: View, found: Fleet | None) -> dict[str, Any]:
    """The context of the page of environments: of rigs with one DUT the first, and the names of the others."""
    if found is None:
        return {"page": whole, "others": {}}
    first = [group.rigs[0] for group in found.groups]
    return {
        "page": replace(whole, rigs=first),
        "others": {group.rigs[0].name: group.rigs[1:] for group in found.groups},
    }


def render(record: Record, kills: Kills | None = None) -> str:
    """The page that one forwards, as text."""
    return pages(record, kills)["index.html"]
