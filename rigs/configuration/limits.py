"""The [[limit]] tables of a rig file: what a measured figure may be here."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Self

from pydantic import Field, model_validator

from rigs.configuration.fields import Model, case_is


class Limit(Model):
    """One limit. A figure breaks it when its whole interval lies beyond."""

    figure: str = Field(min_length=1, description='a glob on the name of a figure, such as "round trip"')
    case: str = Field("*", description='a glob on the case id, such as "performance/latency/*"')
    most: float | None = Field(None, description="the greatest value, in the unit of the figure")
    least: float | None = Field(None, description="the least value, in the unit of the figure")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.most is None and self.least is None:
            raise ValueError("one of `most` and `least` is needed")
        return self

    def concerns(self, case: str, figure: str) -> bool:
        """Whether this figure of this case is held against it."""
        return fnmatchcase(figure, self.figure) and case_is(case, self.case)
