"""Versions of DUTs and the specifiers of files: whether a profile, or a deviation, is for the version that was met.

Strategy: specifiers are those of Python packages (`packaging`), which are written down and known; a DUT's version is
any text, of which the first dotted number counts.
"""

from __future__ import annotations

import re
from typing import Annotated

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version
from pydantic import BeforeValidator, Field


def _specifier(value: object) -> object:
    if not isinstance(value, str) or re.search(r"[0-9]{19}", value):
        raise ValueError("not a version specifier")
    try:
        SpecifierSet(value)
    except InvalidSpecifier as error:
        raise ValueError(str(error)) from error
    return value


#: A version specifier of a file, such as ">=6.1,<6.2"; "" is any version.
Specifier = Annotated[str, Field(max_length=1000), BeforeValidator(_specifier)]


#: A release of a file, such as "6.1" or "2024.10"; "6.1" stands for all that begin with it (6.1.0, 6.1.170).
Release = Annotated[str, Field(pattern=r"^[0-9]{1,18}(\.[0-9]{1,18}){0,9}$")]


def _number(version: str) -> Version | None:
    found = re.search(r"[0-9]{1,18}(?:\.[0-9]{1,18}){0,9}", version)
    return None if found is None else Version(found[0])


def version_in(version: str, specifier: str) -> bool:
    """Whether `version` is in `specifier`; only its first dotted number counts ("6.1.0-49-amd64" is 6.1.0).

    A text without any number is in no specifier but the empty one.
    """
    number = _number(version)
    if not specifier or number is None:
        return not specifier
    return SpecifierSet(specifier).contains(number, prereleases=True)


def is_of(version: str, release: str) -> bool:
    """Whether `version` is one of `release`: its first dotted number begins as `release` does ("2024.10-devel")."""
    number, whole = _number(version), Version(release).release
    return number is not None and number.release[: len(whole)] == whole
