"""Read rig files and profiles: every mistake told at once: file, key, what is expected, what was found.

Strategy: reading has three steps, and each adds its mistakes to one list before anything is raised. The
TOML is parsed (a syntax error ends here), `--set` overrides and `${VAR}` are put in, then the models of
`rigs.configuration.models` check the rest. Mistakes are told in the words of the models' own field descriptions.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel

from rigs.configuration import leased
from rigs.configuration.fields import Written
from rigs.configuration.models import NAME, ConfigError, Profile, RigFile
from rigs.configuration.telling import SHOWN, hint, line_of, mistakes_in
from sixlowpan import files

RIGS = Path(__file__).parents[1] / "files"
PROFILES = RIGS.with_name("profiles")

#: Names in a folder that are looked through for a name.
_LOOKED_AT: Final = 10_000
_M = TypeVar("_M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A rig file together with the profile it names, and of a pair the peer's."""

    rig: RigFile
    profile: Profile
    peer: Profile | None = None
    #: The rig file that the peer is of, where a pair was made of two.
    beside: Path | None = None
    #: The keys that are known behind the lease only: `registry.leased` puts them in.
    awaited: tuple[str, ...] = ()
    #: The `--set` texts that the file was read with.
    overrides: tuple[str, ...] = ()


def known_rigs() -> list[str]:
    """The names of the rigs in the tree."""
    return sorted(path.stem for path in RIGS.glob("*.toml"))


def load(
    name: str,
    overrides: Iterable[str] = (),
    *,
    beside: str | None = None,
    unset: list[str] | None = None,
    lease: Mapping[str, str] | None = None,
    judge: Callable[[str, Mapping[str, Any]], Iterable[str]] = lambda _where, _data: (),
) -> Loaded:
    """Read the rig called `name` (or the file of that path) and its profile.

    `beside` names another rig, whose DUT becomes the peer: the two are then one pair.
    `overrides` are `KEY=VALUE` texts such as `dut.console=serial:/dev/ttyACM0`, put in before anything is
    checked; VALUE is TOML where it reads as TOML, else a string. An environment variable that the file uses and
    that is not set is a mistake, or, to look at a rig that cannot run, goes into `unset`. `lease` is what the rig's
    lease tells of its board (`rigs.configuration.leased`), once it is held. `judge` tells the mistakes that only
    adapters know, of the file's name and what it says. Raises `ConfigError` with all mistakes.
    """
    path, overrides = _find(name), tuple(overrides)
    mistakes: list[str] = []
    data = _read(path, mistakes)
    where = shown(path)
    if {"stack", "abilities"} <= data.keys() and not {"tester", "dut"} & data.keys():
        raise ConfigError(
            [*mistakes, f"{where}: is a profile: name the rig file that has it as its `profile`"]
        )
    if beside is not None:
        data = _paired(data, path, _find(beside), mistakes)
    overridden = {_override(data, text, mistakes) for text in overrides}
    data = _expand_all(data, where, mistakes, unset, overridden)
    awaited: tuple[str, ...] = ()
    if lease is None:
        data, awaited = leased.set_aside(data, where, mistakes)
    else:
        data = leased.filled(data, lease, where, mistakes)
    rig = _validate(RigFile, path, data, mistakes)
    profile = _profile(path, data.get("profile"), mistakes, unset)
    peer = data.get("peer")
    named = peer.get("profile") if isinstance(peer, dict) else None
    other = profile if named is None else _profile(path, named, mistakes, unset)
    mistakes.extend(judge(where, data))
    mistakes.extend(_addresses(where, rig, profile, other))
    if rig is not None and rig.tester.address is not None and rig.tester.address == rig.dut.address:
        mistakes.append(
            f"{where}: tester.address: it is the DUT's (dut.address): the tester needs another one"
        )
    if mistakes or rig is None or profile is None:
        raise ConfigError(_source_named(mistake, where, overridden) for mistake in mistakes)
    rig._path = path
    rig._pair = f"{path.stem}--{_find(beside).stem}" if beside is not None else ""
    if rig.peer is None:
        return Loaded(rig, _without(profile, rig.without), awaited=awaited, overrides=overrides)
    if other is not None and other.link != profile.link:
        kinds = f"the DUT's profile {profile.name} is for {profile.link}, the peer's {other.name} for {other.link}"
        raise ConfigError([f"{where}: peer: two kinds of link cannot meet: {kinds}"])
    other = None if other is None else _without(other, rig.peer.without)
    second = None if beside is None else _find(beside)
    return Loaded(rig, _without(profile, rig.without), other, second, awaited, overrides)


def _addresses(
    where: str, rig: RigFile | None, profile: Profile | None, other: Profile | None
) -> Iterable[str]:
    """Link-layer addresses that are none of the profile's kind of link."""
    if rig is None or profile is None:
        return
    ends = [("tester", rig.tester.address, profile), ("dut", rig.dut.address, profile)]
    if rig.peer is not None and other is not None:
        ends.append(("peer", rig.peer.address, other))
    for table, address, of in ends:
        wanted = 6 if of.link == "ble" else 8
        if address is not None and len(address) != wanted:
            kind = "Bluetooth LE" if of.link == "ble" else "IEEE 802.15.4"
            yield (
                f"{where}: {table}.address: expected {wanted} octets, as {kind} has them (the profile {of.name} is for "
                f"{of.link}); found {address.hex(':')}"
            )


def _without(profile: Profile, lacking: Collection[str]) -> Profile:
    """The profile of a DUT on a rig that lacks some of its abilities, with the deviations that can show there."""
    left = [ability for ability in profile.abilities if ability not in lacking]
    shown_here = [
        (one, [place for place in one.places if place.without not in left]) for one in profile.deviation
    ]
    deviations = [
        one.model_copy(update={"case": None, "cases": places}) for one, places in shown_here if places
    ]
    return profile.model_copy(update={"abilities": left, "deviation": deviations})


def _profile(rig: Path, named: object, mistakes: list[str], unset: list[str] | None) -> Profile | None:
    """The profile that a rig file names, or what is wrong with it."""
    if not isinstance(named, str):
        return None  # the rig file's own mistake
    path = _profile_path(rig, named)
    if _is_there(path):
        read = _expand_all(_read(path, mistakes), shown(path), mistakes, unset)
        if {"tester", "dut"} & read.keys() and "abilities" not in read:
            mistakes.append(f"{shown(rig)}: profile: {shown(path)} is a rig file, and no profile")
            return None
        profile = _validate(Profile, path, read, mistakes)
        if profile is not None:
            profile._path = path
        return profile
    if _is_folder(path):
        mistakes.append(f"{shown(rig)}: profile: {named!r} is a folder, and no profile{_files_in(path)}")
    elif not is_path(named) and _is_there(rig.with_name(f"{named}.toml")):
        mistakes.append(
            f"{shown(rig)}: profile: no profile {named!r} in the tree (did you mean './{named}.toml'?)"
        )
    elif is_path(named) and _is_there(RIGS.with_name("examples") / named):
        there = shown(RIGS.with_name("examples") / named)
        mistakes.append(f"{shown(rig)}: profile: there is no file {shown(path)}: copy {there} there")
    elif "${" not in named:
        names = sorted(p.stem for p in PROFILES.glob("*.toml"))
        mistakes.append(
            f"{shown(rig)}: profile: no profile {named!r} ({shown(path)}){hint(named, names)}; "
            f"there are: {', '.join(names) or 'none'}"
        )
    return None


def _paired(data: dict[str, Any], path: Path, other: Path, mistakes: list[str]) -> dict[str, Any]:
    """What one rig file says of its DUT, and another of its own, as a rig file of both."""
    if "peer" in data:
        raise ConfigError([*mistakes, f"{shown(path)}: peer: this rig is a pair already"])
    theirs = _read(other, mistakes)
    if "peer" in theirs:
        raise ConfigError([*mistakes, f"{shown(other)}: peer: this rig is a pair already"])
    dut, tester, named = theirs.get("dut"), theirs.get("tester"), theirs.get("profile")
    peer = dict(dut) if isinstance(dut, dict) else {}
    peer["link"] = tester.get("link") if isinstance(tester, dict) else None
    peer["profile"] = str(_profile_path(other, named)) if isinstance(named, str) else None
    peer["without"] = theirs.get("without", [])
    tries = [one["attempts"] for one in (data, theirs) if isinstance(one.get("attempts"), int)]
    if tries:  # a radio that loses frames by itself does so beside any other
        data = {**data, "attempts": max(tries)}
    return {**data, "what": f"{path.stem} beside {other.stem}", "peer": peer}


def _source_named(mistake: str, where: str, overridden: Collection[str]) -> str:
    """A mistake that names the command line, and not the file, where the value came from there."""
    key = mistake.removeprefix(f"{where}: ").partition(": ")[0]
    for each in overridden:
        if mistake.startswith(f"{where}: ") and (key == each or key.startswith((f"{each}.", f"{each}["))):
            return f"--set {mistake.removeprefix(f'{where}: ')}"
    return mistake


def is_path(name: str) -> bool:
    """Whether a rig or profile is named by path rather than by its name in the tree."""
    return "/" in name or name.endswith(".toml")


def _find(name: str) -> Path:
    path = resolved(Path(), name) if is_path(name) else RIGS / f"{name}.toml"
    if is_path(name) and path is not None and _is_folder(path):
        raise ConfigError([f"{name}: is a folder, and no rig file{_files_in(path)}"])
    if path is not None and _is_there(path):
        if not re.match(NAME, path.stem):
            raise ConfigError(
                [f"{name}: a rig's name (its file's name) has letters, digits, '.', '_' and '-' only"]
            )
        return path
    if is_path(name):
        raise ConfigError([f"{name}: there is no such rig file{_nearest_file(path)}"])
    rigs = known_rigs()
    raise ConfigError(
        [f"no rig {name!r}{hint(name, rigs)}; there are: {', '.join(rigs)}; or name a file: ./{name}.toml"]
    )


def _nearest_file(path: Path | None) -> str:
    """What may have been meant by the path of a rig file that is not there."""
    if path is None:
        return ""
    try:
        there = _toml_files(path.parent)
    except OSError:
        return f": there is no folder {shown(path.parent)}"
    stems = [name.removesuffix(".toml") for name in there]
    if close := difflib.get_close_matches(path.stem[:SHOWN], stems, 1):
        return f" (did you mean {shown(path.with_name(f'{close[0]}.toml'))!r}?)"
    if path.stem in known_rigs():
        return f"; the rig of that name in the tree is named without folder and ending: {path.stem}"
    return _files_in(path.parent)


def _files_in(folder: Path) -> str:
    """The rig files and profiles of a folder, for a message."""
    try:
        there = _toml_files(folder)
    except OSError:
        return ""
    some = ", ".join(there[:8]) + (", ..." if len(there) > 8 else "")
    return f"; files there: {some}" if there else f"; {shown(folder)} has no .toml file"


def _toml_files(folder: Path) -> list[str]:
    """Raises `OSError`."""
    return sorted(each.name for each in islice(folder.iterdir(), _LOOKED_AT) if each.suffix == ".toml")


def resolved(folder: Path, named: str) -> Path | None:
    """The path that a text names, or None: it names no user's home, has a null in it, is a circle of links."""
    try:
        return (folder / Path(named).expanduser()).resolve()
    except (OSError, ValueError, RuntimeError):
        return None


def _is_there(path: Path) -> bool:
    """Whether it is no folder and can be opened, or is not ours to look at: who reads it is told why it cannot."""
    try:
        return path.exists() and not path.is_dir()
    except OSError as error:  # or a name too long
        return isinstance(error, PermissionError)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _profile_path(rig: Path, named: str) -> Path:
    path = resolved(rig.parent, named) if is_path(named) else None
    return path or PROFILES / f"{named}.toml"


def shown(path: Path) -> str:
    """A path as a message names it: relative where it is below the present folder."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _read(path: Path, mistakes: list[str]) -> dict[str, Any]:
    where = shown(path)
    try:
        text = files.text(path)
    except OSError as error:
        raise ConfigError([*mistakes, f"{where}: cannot be read: {files.why(error)}"]) from error
    except ValueError as error:
        raise ConfigError([*mistakes, f"{where}: {error}"]) from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([*mistakes, f"{where}: not TOML: {error}{line_of(text, error)}"]) from error
    except RecursionError as error:
        raise ConfigError([*mistakes, f"{where}: not TOML of ours: it is nested too deep"]) from error
    except ValueError as error:  # dates and numbers that Python does not have
        raise ConfigError([*mistakes, f"{where}: not TOML: {error}"]) from error


def _expand_all(
    data: dict[str, Any],
    where: str,
    mistakes: list[str],
    unset: list[str] | None,
    skip: Collection[str] = (),
) -> dict[str, Any]:
    """Put environment variables into a file's texts, but not into the keys `skip`, which were expanded before."""

    def tell(variable: str, key: str, text: str) -> None:
        if unset is None:
            mistakes.append(f"{where}: {key}: {_how_to_set(variable, key, text)}")
        elif variable not in unset:
            unset.append(variable)

    expanded = _expand(data, "", tell, skip)
    assert isinstance(expanded, dict)
    return expanded


def _expand(
    value: object, key: str, tell: Callable[[str, str, str], None], skip: Collection[str] = ()
) -> object:
    """`tell` is called with variable, key and text where a variable is not set."""
    if key in skip:
        return value
    if isinstance(value, dict):
        return {k: _expand(v, f"{key}.{k}" if key else k, tell, skip) for k, v in value.items()}
    if isinstance(value, list):
        return [_expand(v, f"{key}[{i}]", tell, skip) for i, v in enumerate(value)]
    if not isinstance(value, str):
        return value

    def fill(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            tell(match[1], key, value)
        return os.environ.get(match[1], match[0])

    return re.sub(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", fill, value)


def _how_to_set(variable: str, key: str, text: str) -> str:
    """What to do about an environment variable that is not set: where it stands tells what it should be."""
    scheme, colon, rest = text.partition(":")
    if scheme == "process":
        what = "the path of the " + ("executable" if rest.startswith(f"${{{variable}}}") else "firmware")
    else:
        what = f"what stands for it in {text!r}"
    example = f"{scheme}:..." if colon and "$" not in scheme else "..."
    return f"set {variable} to {what}, or --set {key}={example}"


def _override(data: dict[str, Any], text: str, mistakes: list[str]) -> str:
    """Put one override in; returns its key."""
    key, equals, value = text.partition("=")
    key = key.strip()
    steps = key.split(".")
    if not equals or not all(steps):
        mistakes.append(f"--set {text}: expected KEY=VALUE, such as --set dut.console=serial:/dev/ttyACM0")
        return key
    table = data
    for step in steps[:-1]:
        table = table.setdefault(step, {})
        if not isinstance(table, dict):
            mistakes.append(f"--set {text}: {step} is a value, not a table")
            return key

    def tell(variable: str, key: str, value: str) -> None:
        mistakes.append(f"--set {key}: the environment variable {variable} is not set (found {value!r})")

    table[steps[-1]] = _expand(_toml_value(value), key, tell)
    return key


def _toml_value(text: str) -> object:
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text
    return Written(value, text) if isinstance(value, float) else value


def _validate(model: type[_M], path: Path, data: Mapping[str, Any], mistakes: list[str]) -> _M | None:
    wrong = mistakes_in(model, data)
    mistakes.extend(f"{shown(path)}: {mistake}" for mistake in wrong)
    return None if wrong else model.model_validate(data)
