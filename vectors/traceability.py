"""Which requirement is tried by which cases, which mutants these catch, and what of the public plug tests is covered.

Strategy: as in `coverage`, the cases are read as syntax trees and never run. A case's requirements are the ids in its
decorators and its body, and in the tables of its module that it names. What the mutants show comes from the file that
`python -m tests.mutants` writes: a mutant that was really run and killed, never one that merely exists.
"""

from __future__ import annotations

import ast
import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vectors.catalogue import CATALOGUE, ID
from vectors.coverage import SUITES

PLUGTESTS = Path(__file__).parent / "plugtests.toml"


@dataclass(slots=True)
class Traced:
    """One requirement: the cases that name it, and mutant -> case that caught it."""

    cases: list[str] = field(default_factory=list)
    mutants: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlugTest:
    """One public test description: what covers it, or why nothing does."""

    id: str
    what: str
    cases: tuple[str, ...]
    out_of_scope: str


def cases(suites: Path = SUITES) -> dict[str, set[str]]:
    """Case id without parameters ("rfc6282/3.1.1/tf") -> requirement ids that it names."""
    found: dict[str, set[str]] = {}
    for path in sorted(suites.rglob("test_*.py")):
        section = path.stem.removeprefix("test_")
        if section[:1].isdigit():
            section = section.replace("_", ".")
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        tables = {
            target.id: node
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        marks = tables.get("pytestmark")  # what is named for the whole file
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                name = f"{path.parent.relative_to(suites).as_posix()}/{section}/{node.name.removeprefix('test_')}"
                found[name] = set(_ids(node, tables)) | (set(_ids(marks, tables)) if marks else set())
    return found


def _ids(node: ast.AST, tables: dict[str, ast.Assign]) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and ID.fullmatch(part.value):
            yield part.value
        elif isinstance(part, ast.Name) and part.id in tables and tables[part.id] is not node:
            others = {name: table for name, table in tables.items() if name != part.id}
            yield from _ids(tables[part.id], others)


def requirements(kills: dict[str, dict[str, str]], suites: Path = SUITES) -> dict[str, Traced]:
    """Every row of the catalogue; `kills` is what `read_kills` returned."""
    found = {name: Traced() for name in CATALOGUE}
    for case, names in cases(suites).items():
        for name in names & found.keys():
            found[name].cases.append(case)
    for mutant, killed in kills.items():
        if killed["requirement"] in found:
            found[killed["requirement"]].mutants[mutant] = killed["case"]
    return found


def plugtests(path: Path = PLUGTESTS) -> list[PlugTest]:
    """The public descriptions, namespaced by their set, in the order of the file."""
    data: dict[str, dict[str, dict[str, Any]]] = tomllib.loads(path.read_text(encoding="utf-8"))
    return [
        PlugTest(f"{group}/{name}", row["what"], tuple(row.get("cases", ())), row.get("out_of_scope", ""))
        for group, rows in data.items()
        for name, row in rows.items()
    ]


def read_kills(path: Path) -> dict[str, dict[str, str]]:
    """Mutant -> {"requirement", "case"} from what `python -m tests.mutants` wrote; empty where there is no such file.

    Raises `ValueError` for a file that is something else.
    """
    if not path.is_file():
        return {}
    try:
        kills = json.loads(path.read_text(encoding="utf-8")).get("kills", {})
        return {
            mutant: {key: _text(killed[key]) for key in ("requirement", "case")}
            for mutant, killed in kills.items()
        }
    except (ValueError, AttributeError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"{path} is not what python -m tests.mutants writes: {error}") from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a text, found {value!r:.80}")
    return value


def document(kills: dict[str, dict[str, str]], suites: Path = SUITES) -> dict[str, object]:
    """All of it as one JSON object."""
    return {
        "requirements": {
            name: {"cases": traced.cases, "mutants": traced.mutants}
            for name, traced in requirements(kills, suites).items()
        },
        "plugtests": {
            test.id: {"what": test.what, "covered_by": list(test.cases), "out_of_scope": test.out_of_scope}
            for test in plugtests()
        },
    }
