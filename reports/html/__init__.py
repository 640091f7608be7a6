"""A record as HTML: one page to forward, and pages beside it for whoever wants more. Nothing is fetched.

Strategy: the page is written for a stranger. It says first whether the node is good, then leads from the matrix
(who, where, how bad) to the case (what the RFC demands, what was sent, what came back, which octets are wrong) and
to the evidence. All that is shown is decided in `reports.view`, `reports.verdict` and `reports.causes`; templates
only lay it out. The same record gives the same bytes. Without script every word is still there.
"""

from __future__ import annotations

from reports.html.environment import page
from reports.html.index import index
from reports.html.interoperability import interoperability
from reports.html.measurements import measurements
from reports.html.requirements import Kills, requirements
from reports.record import Record
from reports.verdict import verdict
from reports.view import view

__all__ = ["page", "pages", "render"]


def pages(record: Record, kills: Kills | None = None) -> dict[str, str]:
    """File name -> text of every page of a run; `index.html` stands alone, the others explain more.

    `kills` is what `make mutants` found (`vectors.traceability.read_kills`). Raises `RecordError` for a record that no
    page can show.
    """
    shown = view(record)
    judged = verdict(shown)
    run = str(record.header.get("run_id", ""))
    made = {
        "requirements.html": page(
            "requirements.html.j2", f"Requirements of run {run}", **requirements(shown, kills or {})
        ),
        "measurements.html": page(
            "measurements.html.j2", f"Measurements of run {run}", **measurements(shown)
        ),
        "interoperability.html": page(
            "interoperability.html.j2", f"Interoperability in run {run}", **interoperability(shown)
        ),
        "environment.html": page("environment.html.j2", f"Environment of run {run}", page=shown),
    }
    return {"index.html": page("index.html.j2", f"Keyhole run {run}", **index(shown, judged)), **made}


def render(record: Record, kills: Kills | None = None) -> str:
    """The page that one forwards, as text."""
    return pages(record, kills)["index.html"]
