"""Records of a farm: a million results in a few hundred megabytes, each as a reference to what many have in common.

Strategy: rigs of a kind behave alike, so most results differ in little but the rig, the time and the octets. What
pages, comparisons and merges ask of every result (case, verdict, requirements, what broke) is one `Shape`, shared by
all results that are equal in it; a `Kept` is a shape, a rig and the place of its line in the file, from which the
rest is read when somebody asks for it. A line that is a result as we write them is checked by pydantic's own reader
of JSON; any other goes the long way of `reports.record`, so that both ways take and refuse the same lines.
"""

from __future__ import annotations

import gc
from collections.abc import Hashable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, create_model

from reports.lines import ORDINARY_PATH, Result, check, inside
from reports.record import GREEN, LONGEST_LINE, Line, Reader, Record, RecordError, parsed, state
from reports.text import one_line, plain

#: Octets of a record that is read so: ten million results.
LARGEST: Final = 1 << 34
#: What a shape has of each finding; the rest (octets, expected, actual) is in the line.
_OF_FINDING: Final = ("code", "requirement", "level", "known", "unconfirmed", "field", "side")


def _bare() -> type[BaseModel]:
    """The model of a result without Python functions: names are looked at once a name, of paths the ordinary pass."""
    fields: dict[str, Any] = {}
    for name, field in Result.model_fields.items():
        metadata = [
            Field(pattern=f"^({ORDINARY_PATH})?$")
            if isinstance(one, AfterValidator) and one.func is inside
            else one
            for one in field.metadata
            if not isinstance(one, AfterValidator) or one.func is inside
        ]
        kind: Any = (
            field.annotation if name != "requirements" else list[Annotated[str, Field(max_length=4096)]]
        )
        for one in metadata:
            kind = Annotated[kind, one]
        fields[name] = (kind, ... if field.is_required() else field.default)
    return create_model("BareResult", __config__=ConfigDict(extra="ignore", strict=True), **fields)


#: Reads a line from the JSON itself. `model_validate_json` of the model does no more, and costs a call a line.
_read: Final = _bare().__pydantic_validator__.validate_json


class Source:
    """The file that results were read from, and the last line that was read again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._at, self._line = -1, Line()

    def line(self, at: int) -> Line:
        """The result that begins behind so many octets. Raises `RecordError` when there is none any more."""
        if at != self._at:
            try:
                self._line, self._at = check("result", parsed(next(rows_at(self.path, [at])))), at
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                raise RecordError(f"{self.path}: it changed while it was read: try again") from error
        return self._line


class Shape:
    """What results have in common: `fields` of the line, and what is asked of each of a million."""

    __slots__ = ("alike", "calm", "fields", "framed", "source", "state")

    def __init__(self, fields: dict[str, Any], source: Source, *, framed: bool, said: str) -> None:
        self.fields, self.source, self.framed = fields, source, framed
        self.state = state(fields)
        self.calm = _calm(self.state, fields)
        self.alike = _alike(self.state, fields, said)


class Kept(Mapping[str, Any]):
    """A result as a mapping: what its shape has at once, the rest by reading its line again.

    Findings are those of the shape, without octets; `whole` has all of them.
    """

    __slots__ = ("at", "rig", "shape")

    def __init__(self, shape: Shape, rig: str, at: int) -> None:
        self.shape, self.rig, self.at = shape, rig, at

    def __getitem__(self, key: str) -> Any:
        if key == "rig":
            return self.rig
        fields = self.shape.fields
        return fields[key] if key in fields else self.whole()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.whole())

    def __len__(self) -> int:
        return len(self.whole())

    def whole(self) -> Line:
        """The line with all its fields. Raises `RecordError` when the file changed since."""
        line = self.shape.source.line(self.at)
        self.check(line)
        return line

    def check(self, line: Mapping[str, Any]) -> None:
        """Raise `RecordError` when a line, read again, is no longer the one that was kept."""
        fields = self.shape.fields
        kept = self.rig, fields["case"], fields["verdict"]
        if kept != tuple(one_line(line.get(key)) for key in ("rig", "case", "verdict")):
            raise RecordError(f"{self.shape.source.path}: it changed while it was read: try again")


def rows_at(path: Path, places: Iterable[int]) -> Iterator[bytes]:
    """The lines that begin behind so many octets of the file. Raises `RecordError`."""
    try:
        with path.open("rb") as file:
            here = 0
            for at in places:
                if at != here:
                    file.seek(at)
                row = file.readline(LONGEST_LINE)
                here = at + len(row)
                yield row
    except OSError as error:
        raise RecordError(f"{path}: cannot be read any more: {error.strerror}") from error


def whole(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """A result with all its fields, however it is kept."""
    return result.whole() if isinstance(result, Kept) else result


def framed(result: Mapping[str, Any]) -> bool:
    """Whether a result has an annotated frame."""
    return result.shape.framed if isinstance(result, Kept) else bool(result.get("annotated"))


def calm(result: Mapping[str, Any]) -> bool:
    """Whether a result is no failure, has no finding and names no deviation (an inconclusive one is not calm)."""
    return result.shape.calm if isinstance(result, Kept) else _calm(state(result), result)


def alike(result: Mapping[str, Any]) -> Hashable:
    """What two results of one case have in common when they are shown as one."""
    if isinstance(result, Kept):
        return result.shape.alike
    return _alike(state(result), result, said(result))


def said(result: Mapping[str, Any]) -> str:
    """The first line of the message where that, and no finding, tells what happened; empty elsewhere."""
    if result["verdict"] not in ("error", "inconclusive"):
        return ""
    return str(result["message"]).partition("\n")[0]


def _alike(found: str, result: Mapping[str, Any], said: str) -> Hashable:
    if _calm(found, result):
        return found, result["reason"]
    findings = (tuple(finding.get(key) for key in _OF_FINDING) for finding in result["findings"])
    return found, result["known"], result["unconfirmed"], tuple(findings), said


def _calm(found: str, result: Mapping[str, Any]) -> bool:
    return found in GREEN and not result.get("findings") and not result.get("known")


def skim(path: Path) -> Record:
    """Read a record as `reports.record.read` does, with results as `Kept`. Raises `RecordError` for the same."""
    collecting = gc.isenabled()
    gc.disable()  # a million results hold no cycle, and looking for one among them takes a third of the time
    try:
        return _Skimmer(path).read()
    finally:
        if collecting:
            gc.enable()


class _Skimmer(Reader):
    largest = LARGEST

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._source = Source(self.record.path)
        self._names: dict[str, str] = {}
        self._findings: dict[tuple[Any, ...], dict[str, Any]] = {}
        self._shapes: dict[tuple[Any, ...], Shape] = {}

    def quick(self, row: bytes, at: int) -> bool:
        if b'"result"' not in row:
            return False
        try:
            if not plain(row):
                return False
            line: Any = _read(row)
            findings = [one.model_dump() for one in line.findings] if line.findings else ()
            self._keep(line.__dict__, findings, at)
        except (ValidationError, UnicodeDecodeError):
            return False
        return True

    def keep(self, result: Line, at: int) -> None:
        self._keep(result, result["findings"], at)

    def _keep(self, line: Mapping[str, Any], findings: Any, at: int) -> None:
        names = self._names
        try:
            case, rig = names[line["case"]], names[line["rig"]]
        except KeyError:
            case, rig = self._name(line["case"]), self._name(line["rig"])
        broken = tuple(tuple(one[key] for key in _OF_FINDING) for one in findings)
        told = said(line)
        key = (
            *(case, line["verdict"], line["known"], line["unconfirmed"], line["reason"], line["what"]),
            *(tuple(line["requirements"]), bool(line["annotated"]), broken, told),
        )
        shape = self._shapes.get(key)
        if shape is None:
            shape = self._shapes[key] = self._shape(line, case, broken, told)
        self.record.results.append(Kept(shape, rig, at))

    def _shape(
        self, line: Mapping[str, Any], case: str, broken: tuple[tuple[Any, ...], ...], told: str
    ) -> Shape:
        fields = {
            "type": "result",
            "case": case,
            "verdict": line["verdict"],
            "known": line["known"],
            "unconfirmed": line["unconfirmed"],
            "reason": self._name(line["reason"]),
            "what": line["what"],
            "requirements": [self._name(name) for name in line["requirements"]],
            "findings": [
                self._findings.setdefault(one, dict(zip(_OF_FINDING, one, strict=True))) for one in broken
            ],
        }
        return Shape(fields, self._source, framed=bool(line["annotated"]), said=told)

    def _name(self, text: str) -> str:
        found = self._names.get(text)
        if found is None:
            found = self._names[text] = one_line(text)
        return found
