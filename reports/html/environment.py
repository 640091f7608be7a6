"""Jinja2, set up for pages: everything is escaped, nothing is fetched, and a page cannot run a script that is not
ours.

Strategy: templates escape by default, so a text of a record is inert without anybody thinking of it; `safe` stands
in no template (a test looks). Style and script are inlined, and a Content-Security-Policy names their hashes:
should a text of a stranger ever get out of its place, the browser refuses to run it.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports.causes import KINDS
from reports.coverage import paint, share, tried
from reports.deaths import chosen
from reports.faults import order_of
from reports.frames import differing, frame_of
from reports.pools import on_rig
from reports.proof import is_sequence, sent_words, without_frame
from reports.record import REASONS, state
from reports.sections import DOCUMENTS
from reports.statistics.units import amount
from reports.verdict import ban, plural
from reports.view import MEANINGS, SIGNS, STATES, requirement, several
from vectors.codes import DEATHS

_HERE = Path(__file__).parent


def anchor(kind: str, key: str) -> str:
    """A reference inside the page to the element whose id is `kind:key`."""
    return "#" + quote(f"{kind}:{key}", safe=":/.-_~")


def evidence_path(path: str) -> str:
    """A link that works from the run's folder; empty for anything but a relative path inside it."""
    if not path or path.startswith("/") or ".." in path.split("/") or "\\" in path or path.strip(".") == "":
        return ""
    return "./" + quote(path, safe="/._-~")


def short(text: object, limit: int = 400) -> str:
    """The beginning of a long text, and how much of it is left out."""
    words = str(text)
    return words if len(words) <= limit else f"{words[:limit]} ... ({len(words) - limit} more characters)"


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def environment() -> Environment:
    """The templates of this folder, with what they may call."""
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(
        amount=amount,
        anchor=anchor,
        chosen=chosen,
        ban=ban,
        differing=differing,
        evidence_path=evidence_path,
        frame_of=frame_of,
        is_sequence=is_sequence,
        on_rig=on_rig,
        order_of=order_of,
        paint=paint,
        plural=plural,
        requirement=requirement,
        sent_words=sent_words,
        without_frame=without_frame,
        several=several,
        share=share,
        short=short,
        state=state,
        tried=tried,
        DEATHS=DEATHS,
        DOCUMENTS=DOCUMENTS,
        KINDS=KINDS,
        MEANINGS=MEANINGS,
        REASONS=REASONS,
        SIGNS=SIGNS,
        STATES=STATES,
    )
    return made


def page(template: str, title: str, **context: Any) -> str:
    """One whole page. Text of `context` is escaped; style and script are ours and are named by hash in the policy."""
    style, script = (
        (_HERE / "assets" / name).read_text(encoding="utf-8") for name in ("page.css", "page.js")
    )
    # what stands between the tags is hashed, newlines included
    return (
        environment()
        .get_template(template)
        .render(
            title=title,
            style=Markup(style),  # noqa: S704 -- our own file
            script=Markup(script),  # noqa: S704 -- our own file
            policy=f"default-src 'none'; style-src 'sha256-{_hash(style)}'; script-src 'sha256-{_hash(script)}'; "
            "img-src data:; base-uri 'none'; form-action 'none'",
            **context,
        )
    )
