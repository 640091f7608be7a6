"""Read rig files and profiles: every mistake told at once: file, key, what is expected, what was found.

Strategy: reading has three steps, and each adds its mistakes to one list before anything is raised. The
TOML is parsed (a syntax error ends here), `--set` overrides and `${VAR}` are put in, then the models of
`rigs.config` check the rest. Mistakes are told in the words of the models' own field descriptions.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from rigs.config import NAME, ConfigError, Profile, RigFile

RIGS = Path(__file__).parent
PROFILES = RIGS / "profiles"

_M = TypeVar("_M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A rig file together with the profile it names."""

    rig: RigFile
    profile: Profile


def known_rigs() -> list[str]:
    """The names of the rigs in the tree."""
    return sorted(path.stem for path in RIGS.glob("*.toml"))


def load(name: str, overrides: Iterable[str] = ()) -> Loaded:
    """Read the rig called `name` (or the file of that path) and its profile.

    `overrides` are `KEY=VALUE` texts such as `dut.console=serial:/dev/ttyACM0`, put in before anything is
    checked; VALUE is TOML where it reads as TOML, else a string. Raises `ConfigError` with all mistakes.
    """
    path = _find(name)
    mistakes: list[str] = []
    data = _read(path, mistakes)
    where = shown(path)
    for text in overrides:
        _override(data, text, mistakes)
    rig = _validate(RigFile, path, data, mistakes)
    named = data.get("profile")
    profile = None
    if isinstance(named, str):
        profile_path = _profile_path(path, named)
        if profile_path.is_file():
            profile = _validate(Profile, profile_path, _read(profile_path, mistakes), mistakes)
        elif "${" not in named:
            names = sorted(p.stem for p in PROFILES.glob("*.toml"))
            mistakes.append(
                f"{where}: profile: no profile {named!r} ({shown(profile_path)}){hint(named, names)}; "
                f"there are: {', '.join(names) or 'none'}"
            )
    if mistakes or rig is None or profile is None:
        raise ConfigError(mistakes)
    rig._path, profile._path = path, profile_path
    return Loaded(rig, profile)


def is_path(name: str) -> bool:
    """Whether a rig or profile is named by path rather than by its name in the tree."""
    return "/" in name or name.endswith(".toml")


def _find(name: str) -> Path:
    path = Path(name).expanduser().resolve() if is_path(name) else RIGS / f"{name}.toml"
    if path.is_file():
        if not re.match(NAME, path.stem):
            raise ConfigError(
                [f"{name}: a rig's name (its file's name) has letters, digits, '.', '_' and '-' only"]
            )
        return path
    if is_path(name):
        raise ConfigError([f"{name}: there is no such rig file"])
    rigs = known_rigs()
    raise ConfigError(
        [f"no rig {name!r}{hint(name, rigs)}; there are: {', '.join(rigs)}; or name a file: ./{name}.toml"]
    )


def _profile_path(rig: Path, named: str) -> Path:
    return (rig.parent / Path(named).expanduser()).resolve() if is_path(named) else PROFILES / f"{named}.toml"


def shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _read(path: Path, mistakes: list[str]) -> dict[str, Any]:
    where = shown(path)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([*mistakes, f"{where}: not TOML: {error}"]) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([*mistakes, f"{where}: cannot be read: {error}"]) from error
    expanded = _expand(data, "", where, mistakes)
    assert isinstance(expanded, dict)
    return expanded


def _expand(value: object, key: str, where: str, mistakes: list[str]) -> object:
    if isinstance(value, dict):
        return {k: _expand(v, f"{key}.{k}" if key else k, where, mistakes) for k, v in value.items()}
    if isinstance(value, list):
        return [_expand(v, f"{key}[{i}]", where, mistakes) for i, v in enumerate(value)]
    if not isinstance(value, str):
        return value

    def fill(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            mistakes.append(
                f"{where}: {key}: the environment variable {match[1]} is not set (found {value!r})"
            )
            return match[0]
        return os.environ[match[1]]

    return re.sub(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", fill, value)


def _override(data: dict[str, Any], text: str, mistakes: list[str]) -> None:
    key, equals, value = text.partition("=")
    steps = key.strip().split(".")
    if not equals or not all(steps):
        mistakes.append(f"--set {text}: expected KEY=VALUE, such as --set dut.console=serial:/dev/ttyACM0")
        return
    table = data
    for step in steps[:-1]:
        table = table.setdefault(step, {})
        if not isinstance(table, dict):
            mistakes.append(f"--set {text}: {step} is a value, not a table")
            return
    table[steps[-1]] = _expand(_toml_value(value), key, "--set", mistakes)


def _toml_value(text: str) -> object:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _validate(model: type[_M], path: Path, data: Mapping[str, Any], mistakes: list[str]) -> _M | None:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        mistakes.extend(
            f"{shown(path)}: {_mistake(model, details)}" for details in error.errors(include_url=False)
        )
        return None


def _mistake(model: type[BaseModel], details: Mapping[str, Any]) -> str:
    steps = details["loc"]
    key = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in steps).lstrip(".")
    owner, description = _describe(model, steps)
    if details["type"] == "extra_forbidden":
        names = [field.alias or name for name, field in owner.model_fields.items()]
        return f"{key}: there is no such key{hint(str(steps[-1]), names)}; there are: {', '.join(names)}"
    if details["type"] == "missing":
        return f"{key}: is missing: expected {description}"
    message = details["msg"].removeprefix("Value error, ")
    note = f" ({message})" if details["type"] == "value_error" else ""
    return f"{key}: expected {description}; found {details['input']!r}{note}"


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


def hint(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), 1)
    return f" (did you mean {close[0]!r}?)" if close else ""
