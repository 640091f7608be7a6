"""What the models of rig files and profiles share: their base, types such as a duration ("50ms"), globs on case ids."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}


def seconds(value: object) -> float:
    """Seconds of a text such as "50ms", "90s" or "2m". Raises ValueError."""
    if isinstance(value, str) and (match := re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m)", value.strip())):
        return float(match[1]) * _UNITS[match[2]]
    raise ValueError("not a duration")


def case_is(case: str, glob: str) -> bool:
    """Whether a glob means this case. Ids contain [parameters]: in a glob these brackets mean themselves."""
    return fnmatchcase(case, glob.replace("[", "[[]"))


def _octets(value: object) -> object:
    if isinstance(value, bytes):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        raise ValueError('a number: put it in quotes, "02:00:..."')  # noqa: TRY004 - pydantic collects ValueErrors
    if not isinstance(value, str):
        raise ValueError('no text: put it in quotes, "02:00:..."')  # noqa: TRY004
    if "::" in value:
        raise ValueError("an IPv6 address: the link-layer one, such as f4:ce:36:00:00:00:00:01, is asked for")
    digits = re.sub(r"[:\s-]", "", value)
    if strange := re.search(r"[^0-9A-Fa-f]", digits):
        raise ValueError(f"{strange[0]!r} is no hex digit")
    if len(digits) % 2:
        raise ValueError(f"it has {len(digits)} hex digits: two make an octet")
    return bytes.fromhex(digits)


def _of_length(*lengths: int) -> AfterValidator:
    def check(value: bytes) -> bytes:
        if len(value) not in lengths:
            raise ValueError(f"it has {len(value)} octets")
        return value

    return AfterValidator(check)


class Written(float):
    """A number of `--set`, which may have been meant as text: a version such as 2026.10."""

    def __new__(cls, value: float, text: str) -> Written:
        made = super().__new__(cls, value)
        made.text = text.strip()
        return made

    text: str


def _text(value: object) -> object:
    if isinstance(value, Written):
        return value.text
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)  # --set dut.interface=6
    if isinstance(value, float):
        raise ValueError('put it in quotes: a version "2026.10" is no number')  # noqa: TRY004 - pydantic collects it
    return value


def _regex(value: str) -> str:
    try:
        re.compile(value)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"no regex: {error}") from error
    return value


Duration = Annotated[float, BeforeValidator(seconds)]
Text = Annotated[str, BeforeValidator(_text)]
Regex = Annotated[str, AfterValidator(_regex)]
Hex = Annotated[bytes, BeforeValidator(_octets)]
LinkAddress = Annotated[Hex, _of_length(6, 8)]
ShortAddress = Annotated[Hex, _of_length(2)]


class Model(BaseModel):
    """A table of a rig file or profile: no key that it does not name, and no type but the one it says."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


__all__ = [
    "Duration",
    "Hex",
    "LinkAddress",
    "Model",
    "Regex",
    "ShortAddress",
    "Text",
    "Written",
    "case_is",
    "seconds",
]
