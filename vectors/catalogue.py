"""The requirement catalogue: one row for each normative statement or format row of the RFCs, and for limits.

Strategy: the rows are data (`requirements/rfc*.json`, one file per RFC; `limits.json` and `survival.json` have the
demands that no RFC makes, ADR 16 and ADR 24), read at the first question and never changed afterwards. Ids are looked
up by literal string from case decorators, so a typo has to be loud and helpful: an unknown id names the nearest ones.
Nothing is derived here that a row could say itself.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "requirements"

LEVELS = ("FORMAT", "MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY")
BINDINGS = ("fail", "advice", "none")
CHECKS = ("codec", "sender", "receiver", "role")

#: What an id looks like: document, section, and a number that never changes its meaning.
ID = re.compile(r"RFC\d{3,5}-\d+(?:\.\d+)*-\d{2}|(?:LIMIT|SURVIVAL)-\d{2}")


class UnknownRequirement(KeyError):  # noqa: N818 -- reads as what is wrong, not as a type
    """An id that no row has. Says which ids are nearest, since it is nearly always a typo."""

    def __init__(self, requirement: str, closest: list[str]) -> None:
        super().__init__(requirement)
        self.requirement = requirement
        self.closest = closest

    def __str__(self) -> str:
        hint = f"; closest: {', '.join(self.closest)}" if self.closest else ""
        return f"no requirement {self.requirement!r} in the catalogue{hint}"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One row; `rfc` is None where no RFC demands it, but whoever runs the rig or this project; `section` says where.

    `level` is the RFC's word (FORMAT: a format row without keyword), `binding` what a breach of it is
    (fail, advice, none), `when` the optional part (`rigs.configuration.models.FEATURES`) that it is about: who does not
    have that may ignore it, and must not misread it. `applies_to` is whose duty it is, `check` who can try it:
    `codec` (octets alone), `sender` and `receiver` (a node on a link), `role` (a host, router or 6LBR and
    its state).
    """

    id: str
    rfc: int | None
    #: What demands it: `RFC 6282`, or in its place who does.
    document: str
    section: str
    level: str
    binding: str
    when: str
    applies_to: str
    also_applies_to: tuple[str, ...]
    link: str
    text: str
    observable: str
    testable: str
    check: tuple[str, ...]
    param: str
    note: str
    updated_by: str
    source: str

    @property
    def title(self) -> str:
        """Where the statement stands, as people cite it: `RFC 6282 §3.1.1`; no RFC: `--baseline`."""
        return f"{self.document} §{self.section}" if self.rfc else self.section


class Catalogue(Mapping[str, Requirement]):
    """All rows by id, in the order of the documents; the files are read at the first question."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder
        self._rows: dict[str, Requirement] | None = None

    def _load(self) -> dict[str, Requirement]:
        if self._rows is None:
            rows: dict[str, Requirement] = {}
            documents = [json.loads(path.read_text(encoding="utf-8")) for path in self._folder.glob("*.json")]
            for document in sorted(documents, key=lambda d: (d["rfc"] or math.inf, d.get("document", ""))):
                for row in document["requirements"]:
                    requirement = _requirement(document, row)
                    if requirement.id in rows:
                        raise ValueError(f"{requirement.id} is there twice")
                    rows[requirement.id] = requirement
            self._rows = rows
        return self._rows

    def __getitem__(self, requirement: str) -> Requirement:
        rows = self._load()
        if requirement not in rows:
            padded = re.sub(r"-(\d)$", r"-0\1", requirement)
            near = difflib.get_close_matches(padded, rows, n=3, cutoff=0.6)
            raise UnknownRequirement(requirement, near)
        return rows[requirement]

    def __contains__(self, requirement: object) -> bool:
        return requirement in self._load()

    def __iter__(self) -> Iterator[str]:
        return iter(self._load())

    def __len__(self) -> int:
        return len(self._load())


def _requirement(document: Mapping[str, Any], row: Mapping[str, Any]) -> Requirement:
    rfc: int | None = document["rfc"]
    fields = {"document": f"RFC {rfc}" if rfc else document["document"], **row}
    fields["text"] = fields.pop("requirement")
    for name in ("check", "also_applies_to"):
        fields[name] = tuple(fields[name])
    return Requirement(rfc=rfc, **fields)


CATALOGUE: Mapping[str, Requirement] = Catalogue()


def check_glob(glob: str) -> None:
    """Raise `ValueError` for a glob on ids that fits no row of the catalogue."""
    if glob not in CATALOGUE and not any(fnmatchcase(row, glob) for row in CATALOGUE):
        near = difflib.get_close_matches(glob, CATALOGUE, n=1, cutoff=0.6)
        raise ValueError(
            f"no requirement has an id like {glob!r}" + (f"; did you mean {near[0]!r}?" if near else "")
        )
