"""From families to JSON: one file for each RFC section, the same bytes every time.

Strategy: the functions are the source, the files are for everyone who does not speak Python, and a test checks
that they agree. Nothing random, no time, no path goes in; keys stand in the order of the schema.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from vectors import families  # noqa: F401 -- reading the package registers the families
from vectors.catalogue import CATALOGUE
from vectors.flags import FLAGS
from vectors.model import FAMILIES, KINDS, LINKS, Vector

FOLDER = Path(__file__).parent / "json"
SCHEMA = Path(__file__).parent / "schema.json"


class BadVector(ValueError):  # noqa: N818 -- reads as what is wrong
    """A vector that contradicts itself or names what does not exist. The message names it."""


@cache
def all_vectors() -> tuple[Vector, ...]:
    """Every vector of every family, checked, in the order of the families."""
    found: dict[str, Vector] = {}
    for family in FAMILIES.values():
        for vector in family.vectors():
            check(vector)
            if vector.id in found:
                raise BadVector(f"{vector.id}: there twice")
            found[vector.id] = vector
    return tuple(found.values())


def check(vector: Vector) -> None:
    """Raise `BadVector` for what a schema cannot see."""
    if not vector.requirements:
        raise BadVector(f"{vector.id}: names no requirement")
    for requirement in vector.requirements:
        if requirement not in CATALOGUE:
            raise BadVector(f"{vector.id}: no requirement {requirement} in the catalogue")
    for flag in vector.flags:
        if flag not in FLAGS:
            raise BadVector(f"{vector.id}: flag {flag} is not explained in vectors/flags.py")
    if not set(vector.refused) <= set(KINDS) or vector.link not in LINKS:
        raise BadVector(f"{vector.id}: refused {vector.refused}, link {vector.link}")
    if not (vector.packets or vector.refused or vector.pending):
        raise BadVector(f"{vector.id}: says neither what comes out nor that it is refused")
    sizes = (0, 4, 16) if vector.link == "ieee802154" else (0, 12)
    if len(vector.src) not in sizes or len(vector.dst) not in sizes:
        raise BadVector(f"{vector.id}: no {vector.link} addresses: {vector.src!r}, {vector.dst!r}")


def documents() -> Iterator[tuple[str, str]]:
    """File name and text of each section."""
    sections: dict[tuple[int, str], list[dict[str, Any]]] = {}
    used: dict[tuple[int, str], set[str]] = {}
    for key, family in FAMILIES.items():
        mine = [vector for vector in all_vectors() if vector.id.startswith(f"{key}[")]
        entry = {"name": family.name, "what": family.what, "vectors": [vector.to_json() for vector in mine]}
        place = (family.rfc, family.section)
        sections.setdefault(place, []).append(entry)
        used.setdefault(place, set()).update(flag for vector in mine for flag in vector.flags)
    for (rfc, section), entries in sections.items():
        flags = {name: flag for name, flag in FLAGS.items() if name in used[rfc, section]}
        document = {
            "rfc": rfc,
            "section": section,
            "flags": {
                name: {"bug": flag.bug, "effect": flag.effect, "defects": list(flag.defects)}
                for name, flag in flags.items()
            },
            "families": entries,
        }
        yield f"rfc{rfc}-{section}.json", json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def generate(folder: Path = FOLDER) -> list[Path]:
    """Write all files, remove those that no family makes any more, and return what changed."""
    folder.mkdir(parents=True, exist_ok=True)
    made = dict(documents())
    changed = []
    for name, text in made.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8", newline="\n")
            changed.append(path)
    for path in sorted(folder.glob("*.json")):
        if path.name not in made:
            path.unlink()
            changed.append(path)
    return changed
