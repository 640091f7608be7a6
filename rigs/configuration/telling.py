"""What is wrong with a table of a file, in the words of its model: key, what is expected, what was found.

Strategy: pydantic finds the mistakes, one by one; each is told by the description of its field, and a name that does
not exist by the nearest one that does.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date, time
from typing import Any, Final

from pydantic import BaseModel, ValidationError

#: Characters of a wrong value that a message shows, and of a name that is looked for among the known ones.
SHOWN: Final = 200


def mistakes_in(model: type[BaseModel], data: Mapping[str, Any]) -> list[str]:
    """What is wrong with `data`: key, what is expected, what was found."""
    try:
        model.model_validate(data)
    except ValidationError as error:
        return [_mistake(model, details) for details in error.errors(include_url=False)]
    return []


def _mistake(model: type[BaseModel], details: Mapping[str, Any]) -> str:
    steps = details["loc"]
    key = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in steps).lstrip(".")
    owner, description = _describe(model, steps)
    if details["type"] == "extra_forbidden":
        names = [field.alias or name for name, field in owner.model_fields.items()]
        near = (
            hint(str(steps[-1]), names)
            if len(steps) == 1
            else misplaced(steps[-1], model) or hint(str(steps[-1]), names)
        )
        return f"{key[:SHOWN]}: there is no such key{near}; there are: {', '.join(names)}"
    if details["type"] == "missing":
        return f"{key}: is missing: expected {description}"
    message = details["msg"].removeprefix("Value error, ")
    note = f" ({message})" if details["type"] == "value_error" else ""
    if isinstance(details["input"], str) and details["type"] in {"int_type", "float_type", "bool_type"}:
        note = _no_number(details["input"])
    found = details["input"]
    found = str(found) if isinstance(found, (date, time)) else repr(found)
    if isinstance(details["input"], int) and details["input"] > 0xFFFF:  # more than a PAN id: written in hex
        found += f" (0x{details['input']:x})"
    found = found if len(found) <= SHOWN else f"{found[:SHOWN]}..."
    return f"{key}: expected {description}; found {found}{note[:SHOWN]}"


def _no_number(text: str) -> str:
    """What is wrong with a text in the place of a number."""
    if re.fullmatch(r"true|false|[-+]?(0x[0-9a-fA-F]+|\d+(\.\d+)?)", text):
        return " (a text: leave its quotes off)"
    if re.fullmatch(r"[0-9a-fA-F]{1,8}", text):
        return f" (hex begins with 0x: 0x{text})"
    return " (a text)"


def _describe(model: type[BaseModel], steps: tuple[Any, ...]) -> tuple[type[BaseModel], str]:
    """Follow a mistake's location through the models: who owns the key, and what is expected there."""
    owner, description = model, "a table"
    current: type[BaseModel] | None = model
    for step in steps:
        if isinstance(step, int) or current is None:
            continue
        owner = current
        field = next((f for n, f in current.model_fields.items() if step in (n, f.alias)), None)
        if field is None:
            break
        description = field.description or str(field.annotation)
        current = _inner(field.annotation)
    return owner, description


def _inner(annotation: object) -> type[BaseModel] | None:
    candidates = [annotation, *getattr(annotation, "__args__", ())]
    return next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)


def misplaced(key: object, model: type[BaseModel]) -> str:
    """A hint for a key in a table that is one of the file itself; empty if it is none."""
    return " (it is a key of the file: put it above the first [table])" if key in model.model_fields else ""


def hint(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name[:SHOWN], list(known), 1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def line_of(text: str, error: tomllib.TOMLDecodeError) -> str:
    """The line that a syntax error is in, where the error tells which."""
    found = re.search(r"at line (\d+),", str(error))
    line = text.split("\n")[int(found[1]) - 1].strip() if found else ""
    return f": {line[:SHOWN]}{_meant(line)}" if line else ""


def _meant(line: str) -> str:
    """What TOML wants in place of a line that it refuses."""
    if re.search("[\u201c\u201d\u201e\u2018\u2019]", line):
        return " (a text stands in straight quotes)"
    if found := re.fullmatch(r"[\w.]+\s*=\s*([0-9a-fA-F]{1,8})\s*(?:#.*)?", line):
        return f" (hex begins with 0x: 0x{found[1]}; a text stands in quotes)"
    bare = re.fullmatch(r"[\w.]+\s*=\s*[A-Za-z_./][^\"'#\[{]*", line)  # neither number nor date
    return " (a text stands in quotes)" if bare else ""
