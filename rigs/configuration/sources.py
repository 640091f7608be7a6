"""An adapter of the user's own, read and not run: what it has, and which options it takes.

Strategy: to look at a rig file must not run what it names, so `python -m rigs check` does not import a module that is
not of the tree. Its source is found by the folders of the Python path and parsed; of its class `Options` the fields,
their types (those named in `_TYPES`; any other is not judged here) and their descriptions are told from the text.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any, Final

from pydantic import Field, create_model

from rigs.configuration.fields import Regex, Text
from rigs.configuration.models import NodeOptions

_TYPES: Final[dict[str, Any]] = {
    "bool": bool,
    "int": int,
    "float": float,
    "str": str,
    "Text": Text,
    "Regex": Regex,
    "list[str]": list[str],
    "list[Text]": list[Text],
    "list[Regex]": list[Regex],
    "list[int]": list[int],
}


#: Characters of a name that a file system can hold.
_LONGEST: Final = 200


class Source:
    """The source of one module."""

    def __init__(self, path: Path) -> None:
        """Raises `ValueError` when it is no Python."""
        try:
            self._tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError, RecursionError, MemoryError, OSError) as error:
            raise ValueError(f"{path} is no Python that can be read: {error}") from error

    def has(self, function: str) -> bool:
        """Whether the module defines or imports `function`."""
        return any(
            (isinstance(node, ast.FunctionDef) and node.name == function)
            or (
                isinstance(node, ast.ImportFrom)
                and any((name.asname or name.name) == function for name in node.names)
            )
            for node in self._tree.body
        )

    def options(self) -> type[NodeOptions] | None:
        """A model with the fields of the module's class `Options`; None when it has none."""
        for node in self._tree.body:
            if isinstance(node, ast.ClassDef) and node.name == "Options":
                fields = [line for line in node.body if isinstance(line, ast.AnnAssign)]
                named = {f.target.id: _field(f) for f in fields if isinstance(f.target, ast.Name)}
                return create_model("Options", __base__=NodeOptions, **named)  # type: ignore[call-overload,no-any-return]
        return None


def find(module: str) -> Path | None:
    """The file of a module on the Python path; None where there is none. Imports nothing, not even its packages."""
    steps = module.split(".")
    if not all(step.isidentifier() and len(step) < _LONGEST for step in steps):
        return None
    for folder in sys.path:
        whole = Path(folder, *steps)
        for path in (whole / "__init__.py", whole.with_name(f"{steps[-1]}.py")):
            if path.is_file():
                return path
    return None


def _field(line: ast.AnnAssign) -> tuple[Any, Any]:
    annotation = ast.unparse(line.annotation)
    kind, _, none = annotation.partition(" | ")
    known = _TYPES.get(kind, Any) if none in {"", "None"} else Any
    description, required = annotation, line.value is None
    if isinstance(line.value, ast.Call):
        told = {keyword.arg: keyword.value for keyword in line.value.keywords}
        required = not line.value.args and not {"default", "default_factory"} & told.keys()
        if isinstance(text := told.get("description"), ast.Constant):
            description = str(text.value)
    default = ... if required else None
    return known | None if none and known is not Any else known, Field(default, description=description)
