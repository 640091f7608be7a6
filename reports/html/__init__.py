"""A record as HTML: one page to forward, and pages beside it for whoever wants more. Nothing is fetched.

Strategy: the page is written for a stranger. It says first whether the node is good, then leads from the matrix
(who, where, how bad) to the case (what the RFC demands, what was sent, what came back, which octets are wrong) and
to the evidence. All that is shown is decided in `reports.view`, `reports.verdict` and `reports.causes`; templates
only lay it out. The same record gives the same bytes. Without script every word is still there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from reports.fleet import fleet
from reports.html.environment import page
from reports.html.farm import farm
from reports.html.index import index
from reports.html.interoperability import interoperability
from reports.html.measurements import measurements
from reports.html.requirements import Kills, requirements
from reports.pairs import few
from reports.pools import nodes
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
    rigs = view(record)
    whole = nodes(rigs)
    judged = verdict(whole)
    run = str(whole.record.header.get("run_id", ""))
    found = fleet(whole) if whole.wide else None
    shown = found.folded if found else whole
    columns = (
        {group.name: group.rigs[0] for group in found.groups} if found else {r.name: r for r in whole.rigs}
    )
    benches = {name: rig.members[0] if rig.members else rig.name for name, rig in columns.items()}
    made = {
        "requirements.html": page(
            "requirements.html.j2", f"Requirements of run {run}", **requirements(shown, kills or {})
        ),
        "measurements.html": page(
            "measurements.html.j2",
            f"Measurements of run {run}",
            **measurements(shown, judged.causes, benches),
        ),
        "interoperability.html": page(
            "interoperability.html.j2",
            f"Interoperability in run {run}",
            **interoperability(shown, few(whole)),
        ),
        "environment.html": page("environment.html.j2", f"Environment of run {run}", **environment_of(rigs)),
    }
    if found:
        return {**dict(farm(found, judged, run)), **made}
    return {"index.html": page("index.html.j2", f"Keyhole run {run}", **index(shown, judged)), **made}


def environment_of(whole: View) -> dict[str, Any]:
    """The context of the page of environments: of many rigs with one DUT the first, and the names of the others."""
    if not whole.wide:
        return {"page": whole, "others": {}}
    found = fleet(whole)
    first = [group.rigs[0] for group in found.groups]
    return {
        "page": replace(whole, rigs=first),
        "others": {group.rigs[0].name: group.rigs[1:] for group in found.groups},
    }


def render(record: Record, kills: Kills | None = None) -> str:
    """The page that one forwards, as text."""
    return pages(record, kills)["index.html"]
