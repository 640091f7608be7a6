"""A record as Allure results: a folder that Allure's own generator makes a report of.

Strategy: one result file for each case on each rig (or pool of rigs). The rig is a parameter, so that the same
case on two rigs is two results with two histories; sections are suites, requirements are links' names and tags,
the capture and the tree of the frame are attached. A known deviation is a failure that is marked as known
(`statusDetails.known`): Allure 3 counts it as accepted, so that it is neither news nor green. What cannot be told
is skipped with its reason.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, Final

from reports.files import made_folder
from reports.merge import evidence_file
from reports.pools import nodes
from reports.record import GOOD, REASONS, Line, Record, RecordError, state
from reports.sections import section_of
from reports.severity import worst_effect
from reports.view import Rig, broken_of, known_of, requirement

_STATUS: Final = {
    "pass": "passed",
    "harmless": "passed",
    "fail": "failed",
    "unconfirmed": "failed",
    "known": "failed",
    "error": "broken",
    "inconclusive": "skipped",
    "unsupported": "skipped",
}
_SEVERITY: Final = {"critical": "blocker", "serious": "critical", "moderate": "normal", "minor": "minor"}
#: Ids are made from the run and the case, so that the same record gives the same files.
_SPACE: Final = uuid.UUID("6f6c6f77-7061-4e00-8000-6b6579686f6c")
_RFC: Final = "https://www.rfc-editor.org/rfc/rfc{row.rfc}#section-{row.section}"


def export(record: Record, folder: Path) -> int:
    """Write the results into `folder`, which is new or empty, and return how many there are. Raises `RecordError`."""
    remedy = "name a new folder for Allure's results"
    made_folder(folder, remedy)
    try:
        if next(folder.iterdir(), None) is not None:
            raise RecordError(f"{folder} is not empty: {remedy}")
        return _Export(record, folder).run()
    except OSError as error:
        raise RecordError(f"{folder}: cannot be written: {error.strerror}; {remedy}") from error


class _Export:
    def __init__(self, record: Record, folder: Path) -> None:
        self.record, self.folder = record, folder

    def run(self) -> int:
        page = nodes(self.record)
        count = 0
        for rig in page.rigs:
            for section in page.sections:
                for case in section.cases:
                    if rig.name in case.results:
                        self._write(rig, case.results[rig.name])
                        count += 1
        suite = self.record.header["suite"]
        facts = {
            "run": self.record.header["run_id"],
            "seed": self.record.header["seed"],
            **{f"suite.{k}": v for k, v in suite.items()},
        }
        facts |= {f"{rig.name}.DUT": rig.describe() for rig in page.rigs}
        facts |= {f"{rig.name}.pool": ", ".join(rig.members) for rig in page.rigs if rig.members}
        rows = "".join(f"{_property(key, key=True)} = {_property(value)}\n" for key, value in facts.items())
        (self.folder / "environment.properties").write_text(rows, encoding="ascii")
        self._json("categories.json", _CATEGORIES)
        return count

    def _json(self, name: str, value: Any) -> None:
        (self.folder / name).write_text(
            json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )

    def _write(self, rig: Rig, result: Line) -> None:
        own = str(uuid.uuid5(_SPACE, f"{self.record.header['run_id']}\n{rig.name}\n{result['case']}"))
        test_case = hashlib.md5(result["case"].encode(), usedforsecurity=False).hexdigest()
        parameters = [
            {"name": "rig", "value": rig.name},
            {"name": "DUT", "value": rig.describe(), "excluded": True},
        ]
        if rig.members:
            parameters.append({"name": "ran on", "value": result["rig"], "excluded": True})
        parameters.append({"name": "seed", "value": str(self.record.header["seed"]), "excluded": True})
        history = hashlib.md5(f"{result['case']}\n{rig.name}".encode(), usedforsecurity=False).hexdigest()
        found = state(result)
        start = _milliseconds(result["t"] or self.record.header["started"])
        line = {
            "uuid": own,
            "historyId": f"{test_case}.{history}",
            "testCaseId": test_case,
            "fullName": result["case"],
            "name": result["case"],
            "titlePath": ["Keyhole", section_of(result["case"])[1]],
            "description": result["what"],
            "status": _STATUS[found],
            "statusDetails": self._details(result, found),
            "stage": "finished",
            "start": start,
            "stop": start + round(result["seconds"] * 1000),
            "labels": _labels(result),
            "links": _links(result),
            "parameters": parameters,
            "steps": _steps(result),
            "attachments": self._attachments(own, result),
        }
        self._json(f"{own}-result.json", line)

    def _details(self, result: Line, found: str) -> dict[str, Any]:
        message = str(result["message"])
        if found == "known":
            message = f"known deviation {', '.join(known_of(result))}: {message}"
        elif found == "unsupported":
            message = f"{REASONS.get(result['reason'], 'unsupported')}: {message}"
        elif found in ("inconclusive", "unconfirmed"):
            message = f"{found}: {message}"
        trace = "\n".join(filter(None, [result["annotated"], result["repeat"]])) if found not in GOOD else ""
        return {"known": found == "known", "muted": False, "flaky": False, "message": message, "trace": trace}

    def _attachments(self, own: str, result: Line) -> list[dict[str, str]]:
        attached = []
        if result["annotated"].strip():
            name = f"{own}-tree-attachment.txt"
            (self.folder / name).write_text(result["annotated"] + "\n", encoding="utf-8")
            attached.append({"name": "frame, field by field", "source": name, "type": "text/plain"})
        if result["evidence"]:
            name = f"{own}-capture-attachment.pcapng"
            with evidence_file(self.record.path.parent, PurePosixPath(result["evidence"]).parts) as source:
                if source is not None:
                    with (self.folder / name).open("xb") as target:
                        shutil.copyfileobj(source, target)
                    attached.append(
                        {"name": "capture", "source": name, "type": "application/vnd.tcpdump.pcap"}
                    )
        return attached


def _labels(result: Line) -> list[dict[str, str]]:
    _, title = section_of(result["case"])
    document = title.split(" §")[0] if title.startswith("RFC") else title
    effect = worst_effect(result["findings"])
    labels = [
        ("parentSuite", document),
        ("suite", title),
        ("host", result["rig"]),
        ("framework", "keyhole"),
        ("language", "python"),
        ("epic", document),
        ("feature", title),
    ]
    labels += [("tag", name) for name in [*_requirements(result), *known_of(result)]]
    labels += [("severity", _SEVERITY[effect.severity])] if effect else []
    return [{"name": name, "value": value} for name, value in labels if value]


def _requirements(result: Line) -> list[str]:
    """The requirements that a case tries, and those that its findings break."""
    return list(dict.fromkeys([*result["requirements"], *broken_of(result)]))


def _links(result: Line) -> list[dict[str, str]]:
    links = []
    for name in _requirements(result):
        row = requirement(name)
        if row is not None and row.rfc:
            links.append({"name": name, "url": _RFC.format(row=row), "type": "tms"})
    return links


def _steps(result: Line) -> list[dict[str, Any]]:
    status = _STATUS[state(result)]
    parts = (("Sent", "stimulus"), ("Expected", "expected"), ("Came back", "actual"))
    return [
        {
            "name": f"{name}: {str(result[key]).strip()[:2000]}",
            "status": status if key == "actual" else "passed",
            "stage": "finished",
        }
        for name, key in parts
        if str(result[key]).strip()
    ]


def _milliseconds(stamp: str) -> int:
    """A time of the record in milliseconds since 1970; 0 for one that is none."""
    try:
        return max(0, round(datetime.fromisoformat(stamp).timestamp() * 1000))
    except (ValueError, OverflowError, OSError):
        return 0


def _property(value: object, *, key: bool = False) -> str:
    r"""A text as Java's properties files have it: ASCII, `\u` for the rest, what separates is escaped."""
    special = "\\ :=#!" if key else "\\"
    words = "".join(f"\\{sign}" if sign in special else sign for sign in str(value).replace("\n", " "))
    return "".join(
        sign if " " <= sign <= "~" else "".join(f"\\u{unit:04x}" for unit in _units(sign)) for sign in words
    )


def _units(sign: str) -> list[int]:
    octets = sign.encode("utf-16-be", "surrogatepass")
    return [octets[at] << 8 | octets[at + 1] for at in range(0, len(octets), 2)]


_CATEGORIES: Final = [
    {"name": "Known deviations", "messageRegex": "(?s)known deviation .*", "matchedStatuses": ["failed"]},
    {
        "name": "Unconfirmed: declared for other versions",
        "messageRegex": "(?s)unconfirmed: .*",
        "matchedStatuses": ["failed"],
    },
    {"name": "New failures", "matchedStatuses": ["failed"]},
    {"name": "Errors of the suite", "matchedStatuses": ["broken"]},
    {
        "name": "Inconclusive: the rig or the medium failed",
        "messageRegex": "(?s)inconclusive: .*",
        "matchedStatuses": ["skipped"],
    },
    {"name": "Not tried", "matchedStatuses": ["skipped"]},
]
