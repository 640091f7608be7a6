"""A record as one HTML page: all in one file, nothing fetched, readable without script and without colour.

Strategy: the page is written for a stranger. It leads from the matrix (who, where, how bad) to the case
(what the RFC demands, what was sent, what came back, which octets are wrong) and to the evidence. Text from
outside is escaped at one place (`h`), style and script are inlined from `assets/`, and nothing depends on
the clock or on the order of arrival, so the same record gives the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from reports.html_parts import anchor, attribute, badge, case_details, deviation_card, h, requirement_block
from reports.html_traces import Kills, mutants_of, plug_tests
from reports.record import Record, state
from reports.statistics import quantile, spread
from reports.view import MEANINGS, SIGNS, STATES, Case, View, known_of, requirement, view, worst
from vectors.catalogue import CATALOGUE

ASSETS = Path(__file__).parent / "assets"


def render(record: Record, kills: Kills | None = None) -> str:
    """The page, as text. Paths to evidence stay relative to the run's folder.

    `kills` is what `make mutants` found (`vectors.traceability.read_kills`).
    """
    page = view(record)
    title = f"Keyhole run {record.header.get('run_id', '')}"
    parts = {
        "rigs": _rigs(page),
        "matrix": _matrix(page),
        "failures": _failures(page),
        "deviations": _deviations(page),
        "cases": _cases(page),
        "requirements": _requirements(page, kills or {}),
        "plug-tests": plug_tests(page),
        "measurements": _measurements(page),
    }
    shown = {key: text for key, text in parts.items() if text}
    nav = "".join(f'<a href="#{key}">{key.replace("-", " ").capitalize()}</a>' for key in shown)
    body = [_head(page, title), f"<nav>{nav}</nav>", *shown.values()]
    style = (ASSETS / "page.css").read_text(encoding="utf-8")
    script = (ASSETS / "page.js").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{h(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + f"\n<script>\n{script}</script>\n</body>\n</html>\n"
    )


def _head(page: View, title: str) -> str:
    header, footer = page.record.header, page.record.footer
    suite = header.get("suite", {})
    facts = {
        "Suite": f"{suite.get('version', 'unknown')} ({suite.get('commit', 'no commit')})",
        "Seed": header.get("seed", ""),
        "Started": header.get("started", ""),
        "Ended": footer.get("ended", "") if footer else "no footer: interrupted",
        "Host": ", ".join(f"{key} {value}" for key, value in sorted(header.get("host", {}).items())),
    }
    part = "; ".join(f"{rig.name}: {rig.part()}" for rig in page.rigs if rig.not_chosen)
    if part or page.chosen():
        facts["Partial run"] = "; ".join(
            filter(None, [f"chosen by {page.chosen()}" * bool(page.chosen()), part])
        )
    total = sum((page.counts(rig.name) for rig in page.rigs), Counter[str]())
    rows = "".join(f"<div><dt>{h(k)}</dt><dd>{h(v)}</dd></div>" for k, v in facts.items() if str(v))
    banner = ""
    if footer is None:
        torn = " Its last line is cut in the middle." if page.record.torn else ""
        banner = (
            '<p class="banner">This run was interrupted: its record has no footer.'
            f"{torn} What is missing below was not tried.</p>"
        )
    return (
        f"<header>\n<h1>{h(title)}</h1>\n<p>{_tally(total)}</p>\n{banner}\n"
        f'<dl class="facts">{rows}</dl>\n</header>'
    )


def _tally(counts: Counter[str]) -> str:
    return " ".join(badge(name, f"{counts[name]} {name}") for name in STATES if counts[name]) or "no results"


def _rigs(page: View) -> str:
    cards = []
    for rig in page.rigs:
        facts = {
            "node": rig.kind,
            "profile": rig.profile,
            **rig.dut,
            **rig.facts,
            "note": "; ".join(rig.notes),
        }
        facts["unsupported"] = ", ".join(
            f"{n} {reason}" for reason, n in sorted(page.reasons(rig.name).items())
        )
        rows = "".join(f"<dt>{h(k)}</dt><dd>{h(v)}</dd>" for k, v in facts.items() if v)
        events = "".join(f"<dt>{h(event)}</dt><dd>{h(time)}</dd>" for time, event in rig.events)
        cards.append(f'<div class="card"><h4>{h(rig.name)}</h4><dl>{rows}{events}</dl></div>')
    return f'<h2 id="rigs">Rigs</h2>\n<div class="rigs">{"".join(cards)}</div>' if cards else ""


def _matrix(page: View) -> str:
    heads = "".join(
        f'<th scope="col">{h(rig.name)}<small>{h(rig.describe())}</small></th>' for rig in page.rigs
    )
    rows = []
    for section in page.sections:
        cells = []
        for rig in page.rigs:
            counts = section.counts(rig.name)
            if not counts:
                cells.append('<td><a class="soft">·</a></td>')
                continue
            text = "".join(f'<span class="count">{SIGNS[s]}{counts[s]}</span>' for s in STATES if counts[s])
            spoken = ", ".join(f"{counts[s]} {s}" for s in STATES if counts[s])
            cells.append(
                f'<td class="{worst(counts)}"><a href="{anchor("section", section.key)}" '
                f'data-rig="{h(rig.name)}" title="{h(spoken)}">{text}</a></td>'
            )
        rows.append(f'<tr><th scope="row">{h(section.title)}</th>{"".join(cells)}</tr>')
    totals = "".join(
        f"<td>{''.join(f'<span class=count>{SIGNS[s]}{c[s]}</span>' for s in STATES if c[s])}</td>"
        for c in (page.counts(rig.name) for rig in page.rigs)
    )
    legend = "".join(f"<li>{badge(s, s)} {h(MEANINGS[s])}</li>" for s in STATES)
    return (
        '<h2 id="matrix">Matrix</h2>\n<div class="scroll"><table class="matrix">\n'
        f'<thead><tr><th scope="col">Section</th>{heads}</tr></thead>\n<tbody>\n'
        + "\n".join(rows)
        + f'\n</tbody>\n<tfoot><tr><th scope="row">All</th>{totals}</tr></tfoot>\n</table></div>\n'
        f'<ul class="legend">{legend}</ul>'
    )


def _failures(page: View) -> str:
    """What went wrong, equal findings once, each with the cases that show it."""
    items = []
    for rig, found in (group for wanted in ("fail", "error", "unconfirmed") for group in page.groups(wanted)):
        result = found[0][1]
        links = " ".join(
            f'<a href="{anchor("case", one.name)}"><code>{h(one.name)}</code></a>' for one, _ in found[:8]
        )
        more = f" and {len(found) - 8} more" if len(found) > 8 else ""
        said = h(result.get("message", ""))
        items.append(
            f"<li>{badge(state(result), state(result))} {h(rig.name)}: {said}<br>{len(found)} cases: {links}{more}</li>"
            if len(found) > 1
            else f"<li>{badge(state(result), state(result))} {h(rig.name)}: {links} {said}</li>"
        )
    return f'<h2 id="failures">Failures</h2>\n<ul>{"".join(items)}</ul>' if items else ""


def _deviations(page: View) -> str:
    cards = []
    for rig in page.rigs:
        shown: dict[str, list[Case]] = {}
        for section in page.sections:
            for case in section.cases:
                for name in known_of(case.results.get(rig.name, {})):
                    shown.setdefault(name, []).append(case)
        cards += [
            deviation_card(rig, name, shown.get(name, [])) for name in sorted({*rig.deviations, *shown})
        ]
    if not cards:
        return ""
    return (
        '<h2 id="deviations">Known deviations</h2>\n<p class="soft">Breaches that the profile of a rig '
        "declares, each with what the RFC demands, what was sent and what came back.</p>\n" + "\n".join(cards)
    )


def _cases(page: View) -> str:
    total = sum((page.counts(rig.name) for rig in page.rigs), Counter[str]())
    buttons = "".join(
        f'<button type="button" class="{s}" data-state="{s}" aria-pressed="true">'
        f"{SIGNS[s]} {s} ({total[s]})</button>"
        for s in STATES
        if total[s]
    )
    options = "".join(f'<option value="{h(rig.name)}">{h(rig.name)}</option>' for rig in page.rigs)
    filters = (
        f'<div class="filters">{buttons}<button type="button" id="filter-bad">what went wrong</button>'
        '<select id="filter-rig" aria-label="rig"><option value="">every rig</option>'
        f'{options}</select><input id="filter-text" type="search" aria-label="words" '
        'placeholder="words: case, requirement, octets"><button type="button" id="filter-reset">all</button>'
        '<button type="button" id="open-all">open / close</button><span id="shown" class="soft"></span></div>'
    )
    groups = []
    for section in page.sections:
        cases = "\n".join(case_details(case, page.rigs) for case in section.cases)
        head = f'<section class="group" {attribute("section", section.key)}><h3>{h(section.title)}</h3>'
        groups.append(f"{head}\n{cases}</section>")
    return f'<h2 id="cases">Cases</h2>\n{filters}\n' + "\n".join(groups)


def _requirements(page: View, kills: Kills) -> str:
    tried = page.requirements()
    heads = "".join(f'<th scope="col">{h(rig.name)}</th>' for rig in page.rigs)
    tables = []
    documents = sorted({row.rfc for name in tried if (row := requirement(name))})
    for rfc in documents:
        rows = [
            _requirement_row(page, name, cases, kills)
            for name, cases in tried.items()
            if (row := requirement(name)) and row.rfc == rfc
        ]
        testable = [row for row in CATALOGUE.values() if row.rfc == rfc and row.testable != "no"]
        untried = [row for row in testable if row.id not in tried]
        listed = "".join(
            f"<li><code>{h(row.id)}</code> {h(row.level)}: {h(row.text)}</li>" for row in untried
        )
        gap = f"<details><summary>{len(untried)} not tried in this run</summary><ul>{listed}</ul></details>"
        tables.append(
            f"<h3>RFC {rfc}: {len(testable) - len(untried)} of {len(testable)} testable ones tried</h3>\n"
            f'<div class="scroll"><table><thead><tr><th>Requirement</th>{heads}<th>Cases</th></tr>'
            f"</thead><tbody>{''.join(rows)}</tbody></table></div>\n{gap if untried else ''}"
        )
    unknown = [name for name in tried if requirement(name) is None]
    if unknown:
        names = ", ".join(f"<code>{h(name)}</code>" for name in unknown)
        tables.append(f"<p>Named by cases, but not in this version's catalogue: {names}</p>")
    return '<h2 id="requirements">Requirements</h2>\n' + "\n".join(tables) if tables else ""


def _requirement_row(page: View, name: str, cases: list[Case], kills: Kills) -> str:
    cells = []
    for rig in page.rigs:
        judged = Counter(
            verdict for case in cases if (verdict := _judged(name, case.results.get(rig.name))) is not None
        )
        text = "".join(f'<span class="count">{SIGNS[s]}{judged[s]}</span>' for s in STATES if judged[s])
        cells.append(f'<td class="{worst(judged)}">{text}</td>' if judged else '<td class="soft">·</td>')
    links = [f'<a href="{anchor("case", case.name)}">{h(case.name)}</a>' for case in cases]
    listed = "<br>".join(links)
    if len(links) > 3:
        listed = f"<details><summary>{len(links)} cases</summary>{listed}</details>"
    return (
        f'<tr {attribute("requirement", name)}><td class="wide">{requirement_block(name)}</td>'
        f"{''.join(cells)}<td>{listed}{mutants_of(name, kills)}</td></tr>"
    )


def _judged(name: str, result: Mapping[str, object] | None) -> str | None:
    """What a result says about one requirement: a case that broke another one says nothing about this one."""
    if result is None:
        return None
    found = state(result)
    findings = result.get("findings")
    if found in ("fail", "known") and isinstance(findings, list) and findings:
        named = {finding["requirement"] for finding in findings}
        return found if name in named else None
    return found


def _measurements(page: View) -> str:
    rows = []
    for line in sorted(
        page.record.measurements, key=lambda m: (m["case"], m["rig"], m["name"], str(m["parameters"]))
    ):
        values = [float(value) for value in line["values"] if value is not None]
        if not values:
            continue
        names = ", ".join(f"{k}={v}" for k, v in sorted(line.get("parameters", {}).items()))
        known = spread(values)
        figures = [known.minimum, known.average, known.maximum, known.mdev]
        figures += [quantile(values, 0.5), quantile(values, 0.95)]
        cells = [
            line["case"],
            line["rig"],
            line["name"],
            names,
            line["unit"],
            len(values),
            *(f"{figure:.4g}" for figure in figures),
            line.get("clock", ""),
        ]
        rows.append("<tr>" + "".join(f"<td>{h(cell)}</td>" for cell in cells) + "</tr>")
    if not rows:
        return ""
    heads = (
        "Case",
        "Rig",
        "What",
        "Parameters",
        "Unit",
        "n",
        "min",
        "avg",
        "max",
        "mdev",
        "median",
        "p95",
        "Clock",
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    return (
        f'<h2 id="measurements">Measurements</h2>\n<div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )
