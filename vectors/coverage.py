"""Which requirements are tried: by vectors, by cases, by nothing.

Strategy: a case names its requirements as string literals, in `@requirement(...)` or in a table of its module,
so the sources are read as syntax trees and never run: no rig, no pytest, and a suite that does not import
still counts for what it says. Every literal must exist in the catalogue.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vectors.catalogue import CATALOGUE, ID, Requirement
from vectors.generate import all_vectors

SUITES = Path(__file__).parents[1] / "suites"


@dataclass(frozen=True, slots=True)
class Coverage:
    """One RFC: how many rows can be tested, how many are, and which are not."""

    testable: int
    in_vectors: int
    in_cases: int
    #: Testable rows that no case names.
    missing: tuple[str, ...]
    #: Rows that octets alone can try and that no vector names.
    without_vector: tuple[str, ...]


def in_cases(suites: Path = SUITES) -> dict[str, list[str]]:
    """Requirement id -> files that name it, over all `test_*.py` below the folder."""
    found: dict[str, list[str]] = {}
    for path in sorted(suites.rglob("test_*.py")):
        for name in sorted(named_in(path.read_text(encoding="utf-8"), str(path))):
            found.setdefault(name, []).append(path.relative_to(suites).as_posix())
    return found


def named_in(source: str, filename: str = "<source>") -> set[str]:
    """The requirement ids that stand as string literals in a module (docstrings do not count)."""
    tree = ast.parse(source, filename)
    statements = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and ID.fullmatch(node.value)
        and id(node) not in statements
    }


def unknown_in_cases(suites: Path = SUITES) -> dict[str, list[str]]:
    """Ids that cases name and the catalogue lacks: typos."""
    return {name: files for name, files in in_cases(suites).items() if name not in CATALOGUE}


def in_vectors() -> dict[str, int]:
    """Requirement id -> how many vectors name it."""
    counts: dict[str, int] = {}
    for vector in all_vectors():
        for name in vector.requirements:
            counts[name] = counts.get(name, 0) + 1
    return counts


def coverage(suites: Path = SUITES) -> dict[str, Coverage]:
    """All RFCs of the catalogue, in its order, under their names ("RFC6282")."""
    cases, vectors = in_cases(suites), in_vectors()
    rows: dict[str, list[Requirement]] = {}
    for row in CATALOGUE.values():
        if row.rfc:  # no case names a limit: every figure is held against those that are set
            rows.setdefault(f"RFC{row.rfc}", []).append(row)
    return {name: _of(group, cases, vectors) for name, group in rows.items()}


def _of(rows: list[Requirement], cases: Mapping[str, object], vectors: Mapping[str, object]) -> Coverage:
    testable = [row for row in rows if row.testable != "no"]
    return Coverage(
        testable=len(testable),
        in_vectors=sum(row.id in vectors for row in testable),
        in_cases=sum(row.id in cases for row in testable),
        missing=tuple(row.id for row in testable if row.id not in cases),
        without_vector=tuple(row.id for row in testable if "codec" in row.check and row.id not in vectors),
    )
