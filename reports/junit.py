"""A record as JUnit XML: for CI systems that show test results, with all that a reader needs beside each case.

Strategy: one test suite a rig (or a pool of rigs, `reports.pools`), one test case a result; the rig, the DUT, the
requirement ids, the evidence and the line that repeats it are properties. A failure is a failure, what the suite
did wrong is an error, what was not tried or cannot be told is skipped with its reason. A known deviation is
skipped as well and says which it is: it is no news.
"""

from __future__ import annotations

import re
from collections import Counter
from xml.etree import ElementTree as ET

from reports.pools import nodes
from reports.record import REASONS, Line, Record, state
from reports.view import Rig, broken_of, known_of

#: Characters that XML 1.0 has no way to write.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(record: Record) -> str:
    """The XML, as text that ends with a newline."""
    page = nodes(record)
    root = ET.Element("testsuites", name=_clean(f"Keyhole run {record.header['run_id']}"))
    for rig in page.rigs:
        root.append(
            _suite(
                record,
                rig,
                [
                    case.results[rig.name]
                    for s in page.sections
                    for case in s.cases
                    if rig.name in case.results
                ],
            )
        )
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(record: Record, rig: Rig, results: list[Line]) -> ET.Element:
    kinds = Counter(_kind(result) for result in results)
    suite = ET.Element(
        "testsuite",
        name=_clean(rig.name),
        tests=str(len(results)),
        failures=str(kinds["failure"]),
        errors=str(kinds["error"]),
        skipped=str(kinds["skipped"]),
        time=f"{sum(result['seconds'] for result in results):.3f}",
        timestamp=_clean(record.header["started"]),
    )
    facts = {
        "rig": rig.name,
        "pool": ", ".join(rig.members),
        "dut": rig.describe(),
        "profile": rig.profile,
        "seed": record.header["seed"],
        "suite_version": record.header["suite"].get("version", ""),
        "suite_commit": record.header["suite"].get("commit", ""),
    }
    _properties(suite, list(facts.items()))
    for result in results:
        suite.append(_case(rig, result))
    return suite


def _case(rig: Rig, result: Line) -> ET.Element:
    case, _, _ = result["case"].partition("[")
    element = ET.Element(
        "testcase",
        classname=_clean(f"{rig.name}.{case.rpartition('/')[0].replace('/', '.')}"),
        name=_clean(result["case"]),
        time=f"{result['seconds']:.3f}",
    )
    facts = [("rig", rig.name), ("dut", rig.describe()), ("verdict", result["verdict"])]
    facts += [("ran_on", result["rig"])] if rig.members else []
    facts += [("requirement", name) for name in result["requirements"]]
    facts += [("breaks", name) for name in broken_of(result)]
    facts += [("known", name) for name in known_of(result)]
    facts += [
        (key, result[key])
        for key in ("evidence", "repeat", "attempts", "controls", "observed_by")
        if result[key]
    ]
    _properties(element, facts)
    kind = _kind(result)
    if kind:
        found = ET.SubElement(element, kind, message=_clean(_message(result)))
        if result["findings"]:
            found.set("type", _clean(result["findings"][0]["code"]))
        parts = ("stimulus", "expected", "actual", "annotated", "repeat", "evidence")
        told = [f"breaks: {', '.join(broken_of(result))}"] if result["findings"] else []
        told += [f"{key}: {result[key]}" for key in parts if result[key]]
        found.text = _clean("\n".join(told))
    return element


def _kind(result: Line) -> str:
    return {"fail": "failure", "unconfirmed": "failure", "error": "error", "pass": "", "harmless": ""}.get(
        state(result), "skipped"
    )


def _message(result: Line) -> str:
    found = state(result)
    said = str(result["message"]).partition("\n")[0]
    if found == "known":
        return f"known deviation {', '.join(known_of(result))}: {said}"
    if found == "unsupported":
        return f"unsupported ({REASONS.get(result['reason'], 'no reason')}): {said}"
    return said if found in ("fail", "error") else f"{found}: {said}"


def _properties(element: ET.Element, facts: list[tuple[str, object]]) -> None:
    properties = ET.SubElement(element, "properties")
    for name, value in facts:
        if value not in ("", None):
            ET.SubElement(properties, "property", name=name, value=_clean(value))


def _clean(value: object) -> str:
    return _FORBIDDEN.sub("?", str(value))
