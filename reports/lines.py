"""The lines of a run record as typed models: the reference of the format.

Strategy: pydantic checks the types of what the commands use, and a mistake is told with its key. `schema` counts
changes that break readers; fields and types of lines may be added without raising it. So a field that is not
named here is kept as it is, and a line of a type that is not named here is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    ValidationError,
    model_validator,
)

from reports.text import one_line
from vectors.codes import BREAKS

#: What is written, and what is read. 2 promises more than 1: see `reports.validate`.
SCHEMA: Final = 2
READ: Final = (1, 2)
#: Mistakes of one line that are told.
_TOLD: Final = 5

Verdict = Literal["pass", "harmless", "fail", "inconclusive", "unsupported", "error"]
#: Ids, names, versions, times: they stand in tables and on lines of a terminal.
Name = Annotated[str, Field(max_length=4096), AfterValidator(one_line)]
OneLine = Annotated[str, AfterValidator(one_line)]


def _scalar(value: object) -> object:
    if value is not None and not isinstance(value, (str, int, float)):
        raise ValueError("Input should be a text, a number, true, false or null")
    return value


Scalar = Annotated[Any, AfterValidator(_scalar)]
#: A path that leads nowhere else, whatever reads it.
ORDINARY_PATH: Final = r"[\w\[\]-][\w\[\]. -]*(/[\w\[\]-][\w\[\]. -]*)*"
_ORDINARY_PATH: Final = re.compile(ORDINARY_PATH)


def inside(path: str) -> str:
    """The path, when it stays in the folder of the run. Raises `ValueError`."""
    if _ORDINARY_PATH.fullmatch(path):
        return path
    parts = PurePosixPath(path).parts
    if path and not parts:
        raise ValueError("it names no file")
    if path.startswith("/") or ".." in parts or "\\" in path or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", path):
        raise ValueError("it leaves the run's folder")
    return path


class _Line(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)


class Place(_Line):
    """Where a deviation shows, as globs."""

    case: Name = ""
    finding: Name = ""
    requirement: Name = ""


class Deviation(_Line):
    """A known deviation as the profile of a rig had it; the first of its `cases` stands in `case` as well."""

    id: Name
    cases: list[Place] = []
    case: Name = ""
    finding: Name = ""
    requirement: Name = ""
    versions: Name = ""
    why: str = ""
    sporadic: str = ""
    #: The deviation of this profile that has the same cause.
    root: Name = ""
    frame: OneLine = ""


class Asked(_Line):
    """What the command line said."""

    arguments: list[OneLine] = []
    set: list[OneLine] = []
    strict: bool = False
    chosen: dict[Name, Any] = {}
    #: The rigs that share their cases (`--pool`), pool by pool.
    pools: list[list[Name]] = []


class File(_Line):
    """A rig file or a profile as it was read."""

    name: Name = ""
    text: str = ""
    sha256: Name = ""


class Header(_Line):
    """The first line: which run this is."""

    type: Literal["header"]
    schema_: Literal[1, 2] = Field(alias="schema")
    run_id: OneLine = ""
    started: Name = ""
    seed: int = 0
    suite: dict[Name, Scalar] = {}
    host: dict[Name, Any] = {}
    asked: Asked = Asked()
    rigs: dict[Name, dict[Name, File]] = {}


class RigEvent(_Line):
    """What happened to a rig."""

    type: Literal["rig"]
    rig: Name
    event: Name = ""
    t: Name = ""
    kind: Name | None = None
    profile: Name | None = None
    dut: dict[Name, Scalar] | None = None
    #: The other node of a pair, with its stack, version, kind and profile.
    peer: dict[Name, Scalar] | None = None
    deviations: list[Deviation] | None = None
    #: What does not fit between profile and DUT.
    notes: list[OneLine] | None = None
    #: How many cases were taken, and how many left out: about another link, or not chosen.
    taken: int | None = None
    left_out: dict[Name, int] | None = None


class Finding(_Line):
    """One observed breach in a result."""

    code: Name
    requirement: Name
    level: Name = ""
    frame: OneLine = ""
    offset: int | None = None
    expected: str = ""
    actual: str = ""
    known: Name | None = None
    unconfirmed: Name | None = None
    field: Name = ""
    #: Of a pair: "dut" or "peer".
    side: Name = ""

    @model_validator(mode="after")
    def _booked(self) -> Self:
        """Some codes break one requirement in every case; older records name one of the case there."""
        self.requirement = BREAKS.get(self.code, self.requirement)
        return self


class Result(_Line):
    """What became of one case on one rig."""

    type: Literal["result"]
    case: Name = Field(min_length=1)
    rig: Name = Field(min_length=1)
    requirements: list[Name] = []
    verdict: Verdict
    known: Name | None = None
    unconfirmed: Name | None = None
    reason: Name = ""
    t: Name = ""
    seconds: FiniteFloat = 0.0
    attempts: Name = ""
    controls: Name = ""
    observed_by: Name = ""
    findings: list[Finding] = []
    message: str = ""
    evidence: Annotated[Name, AfterValidator(inside)] = ""
    stimulus: str = ""
    expected: str = ""
    actual: str = ""
    annotated: str = ""
    repeat: str = ""
    what: str = ""


class Figure(_Line):
    """A figure and its 95 % interval; an end is None where the values do not bound it."""

    value: FiniteFloat
    low: FiniteFloat | None = None
    high: FiniteFloat | None = None
    #: Of how many values.
    n: int = 0
    what: Name = ""


class Load(_Line):
    """How the host was since the case of a figure began; what it can explain is not the node's."""

    #: Seconds of true time since then, and for how many of them other work held the rig up (`rigs.clock`).
    lasted: FiniteFloat
    held_up: FiniteFloat
    #: Seconds that a fixed piece of work took on this host; 0: not known.
    pace: FiniteFloat = 0.0
    #: Workers of the run that were at work on this host; 0: not known. And for which share of the time something on it
    #: waited for a CPU; None: its kernel does not tell.
    workers: int = 0
    queued: FiniteFloat | None = None


class Measurement(_Line):
    """Figures of one case."""

    type: Literal["measurement"]
    case: Name
    rig: Name
    name: Name
    unit: Name
    parameters: dict[Name, Any] = {}
    values: list[FiniteFloat | None]
    clock: Name = ""
    #: Seconds by which the clock may be off, where both ends of a value are not on one clock.
    clock_error: FiniteFloat = 0.0
    #: What carried the frames where it was no radio; empty: a radio, or a record from before it was noted.
    medium: Name = ""
    #: How the values were got, in a few words.
    method: Name = ""
    #: What the values come to; None where they stand for themselves.
    figure: Figure | None = None
    #: None in records that were made before it was noted.
    load: Load | None = None


class DeviationState(_Line):
    """A known deviation that no longer happens."""

    type: Literal["deviation"]
    rig: Name
    id: Name
    state: Name
    #: Where it no longer happens, if that is not everywhere.
    cases: list[Name] = []


class Footer(_Line):
    """The last line: the run came to its end."""

    type: Literal["footer"]
    ended: Name = ""
    counts: dict[Name, int] = {}


MODELS: Final[Mapping[str, type[_Line]]] = {
    "header": Header,
    "rig": RigEvent,
    "result": Result,
    "measurement": Measurement,
    "deviation": DeviationState,
    "footer": Footer,
}


def check(kind: str, line: Mapping[str, Any]) -> dict[str, Any]:
    """The line of a known `kind` with its defaults filled in. Raises `ValueError` with key, what must be, what is."""
    try:
        checked = MODELS[kind].model_validate(line)
    except ValidationError as error:
        mistakes = error.errors(include_url=False)
        told = "; ".join(_mistake(details) for details in mistakes[:_TOLD])
        more = f"; and {len(mistakes) - _TOLD} more" if len(mistakes) > _TOLD else ""
        raise ValueError(told + more) from error
    # a rig's line says what changed: a field that it lacks is not empty, it is unsaid
    return checked.model_dump(by_alias=True, exclude_unset=kind == "rig")


def _mistake(details: Mapping[str, Any]) -> str:
    key = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in details["loc"]).lstrip(".")
    if details["type"] == "missing":
        return f"{key}: is missing"
    found = one_line(repr(details["input"])[:80])
    message = details["msg"].removeprefix("Value error, ")
    return f"{one_line(key)[:80]}: {message[:1].lower()}{message[1:]}; found {found}"
