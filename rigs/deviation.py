"""`python -m rigs deviation RUN CASE`: a failure of a record as a [[deviation]] to paste into a profile.

Strategy: the record has everything that a deviation needs: the case, the code and the requirement of each finding, the
DUT's version, and the frame that proves it. Where a finding names no frame (nothing came back), the proof is what was
sent, from the evidence of the case. What is printed is read again as a profile would be, and must cover each finding.
The sentence `why` is a draft from the record: whoever pastes it says there what the cause is.
"""

from __future__ import annotations

import fnmatch
import json
import re
import tomllib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from reports.record import Line, Record, read
from reports.text import one_line
from rigs.configuration.models import ConfigError, Deviation, Profile
from rigs.configuration.telling import hint
from rigs.model import RigError
from rigs.replay import sent_frames
from vectors.traceability import cases


def deviation(run: Path, case: str, *, rig: str | None = None, name: str | None = None) -> str:
    """The TOML of one [[deviation]] that covers all findings of a failed case. Raises `RigError`, `RecordError`."""
    record = read(run)
    result = _result(record, case, rig)
    findings = [f for f in result["findings"] if not f.get("known")]
    if not findings:
        raise RigError(f"{case} on {result['rig']}: {_why_none(result)}")
    version = _version(record, result["rig"])
    frame = next((f["frame"] for f in findings if f.get("frame")), "") or _sent(record, result)
    first, places = findings[0], dict.fromkeys((f["code"], f["requirement"]) for f in findings)
    name = name or _name(_stack(record, result["rig"]), first)
    lines = ["[[deviation]]", f"id = {_text(name)}"]
    if len(places) == 1:
        lines += [f"case = {_text(result['case'])}"]
        lines += [f"finding = {_text(first['code'])}", f"requirement = {_text(first['requirement'])}"]
    else:
        lines.append("cases = [")
        lines += [
            f"    {{ case = {_text(result['case'])}, finding = {_text(code)}, requirement = {_text(demand)} }},"
            for code, demand in places
        ]
        lines.append("]")
    lines += [f"versions = {_text(f'=={version}' if version else '')}", f"frame = {_text(frame)}"]
    lines.append(f"why = {_text(_draft(first))}")
    text = "\n".join(lines) + "\n"
    try:
        _verify(text, result["case"], places)
    except ValidationError as error:
        raise RigError(f"{record.path}: {result['case']}: {_mistake(error)}") from error
    return text


def of_no_case(profile: Profile) -> list[str]:
    """What to say of deviations for cases that the suites do not have: nothing ever shows that they are gone."""
    if not profile.deviation:
        return []
    names = cases()
    return [
        f"deviation {deviation.id}: no case of the suites is called {place.case}{hint(head, names)}"
        for deviation in profile.deviation
        for place in deviation.places
        if not fnmatch.filter(names, head := place.case.partition("[")[0])
    ]


def _result(record: Record, case: str, rig: str | None) -> Line:
    rigs = {line["rig"] for line in record.results}
    if rig is not None and rig not in rigs:
        raise ConfigError(
            [f"{record.path}: no rig {rig!r} in it{hint(rig, rigs)}; there are: {', '.join(sorted(rigs))}"]
        )
    found = [line for line in record.results if line["case"] == case and rig in {None, line["rig"]}]
    if not found:
        lines = [line for line in record.results if rig in {None, line["rig"]}]
        near = _near(case, [line["case"] for line in lines if line["findings"]]) or _near(
            case, [line["case"] for line in lines]
        )
        raise ConfigError(
            [f"{record.path}: no case {case!r} in it{near}; `reports show RUN` names those that failed"]
        )
    failed = [line for line in found if line["findings"]]
    if len(failed) > 1:
        names = ", ".join(line["rig"] for line in failed)
        raise ConfigError([f"{case} failed on several rigs ({names}): name one with --rig"])
    result: Line = (failed or found)[0]
    return result


def _near(case: str, cases: Collection[str]) -> str:
    """The case that may be meant, by the end of its id or by one that is like it."""
    ends = sorted(each for each in cases if each.endswith(f"/{case}"))
    return f" (did you mean {ends[0]!r}?)" if ends else hint(case, cases)


def _why_none(result: Line) -> str:
    known = ", ".join(sorted({f["known"] for f in result["findings"] if f.get("known")}))
    if known:
        return f"all that is wrong there is known already, as {known}"
    return f"it has no finding to declare (its verdict is {result['verdict']})"


def _version(record: Record, rig: str) -> str:
    """The first dotted number of what the DUT said of itself; empty where it told none."""
    told = [
        str(line["dut"].get("version", "")) for line in record.rigs if line["rig"] == rig and line.get("dut")
    ]
    number = re.search(r"\d+(?:\.\d+)*", told[-1]) if told else None
    return number[0] if number else ""


def _stack(record: Record, rig: str) -> str:
    told = [
        str(line["dut"].get("stack", "")) for line in record.rigs if line["rig"] == rig and line.get("dut")
    ]
    return told[-1] if told else "dut"


def _name(stack: str, finding: dict[str, Any]) -> str:
    return re.sub(r"[^a-z0-9]+", "-", f"{stack}-{finding.get('field') or finding['code']}".lower()).strip("-")


def _sent(record: Record, result: Line) -> str:
    if not result.get("evidence"):
        raise RigError(f"{result['case']}: the record has neither a frame nor evidence that could prove it")
    return sent_frames(record.path.parent / result["evidence"])[-1].frame.hex()


def _draft(finding: dict[str, Any]) -> str:
    return f"Expected {finding['expected']}; actual: {finding['actual']}"


def _text(value: str) -> str:
    """A basic string of TOML; JSON's strings are such, but for the one octet that TOML wants escaped as well."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _mistake(error: ValidationError) -> str:
    """Why what the record says can stand in no profile: it is from a suite that names things otherwise."""
    first = error.errors(include_url=False)[0]
    key = one_line(".".join(str(part) for part in first["loc"]))
    return (
        f"{key}: {one_line(first['msg'].removeprefix('Value error, '))}; was the record made by this version?"
    )


def _verify(text: str, case: str, places: Sequence[tuple[str, str]] | dict[tuple[str, str], None]) -> None:
    made = Deviation.model_validate(tomllib.loads(text)["deviation"][0])
    assert all(made.matches(case, code, requirement) for code, requirement in places)
