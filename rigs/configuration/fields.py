"""What the models of rig files and profiles share: their base, a duration such as "50ms", and globs on case ids."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}


def seconds(value: object) -> float:
    """Seconds of a text such as "50ms", "90s" or "2m". Raises ValueError."""
    if isinstance(value, str) and (match := re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m)", value.strip())):
        return float(match[1]) * _UNITS[match[2]]
    raise ValueError("not a duration")


def case_is(case: str, glob: str) -> bool:
    """Whether a glob means this case. Ids contain [parameters]: in a glob these brackets mean themselves."""
    return fnmatchcase(case, glob.replace("[", "[[]"))


Duration = Annotated[float, BeforeValidator(seconds)]


class Model(BaseModel):
    """A table of a rig file or profile: no key that it does not name, and no type but the one it says."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


__all__ = ["Duration", "Model", "case_is", "seconds"]
