"""What a judge of senders says: one finding, and how grave it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

FAIL: Final = "fail"
ADVICE: Final = "advice"


@dataclass(frozen=True, slots=True)
class LintFinding:
    """One breach or remark. `frame` is the index of the payload, `offset` an octet in it."""

    code: str
    requirement: str | None
    level: str
    frame: int
    offset: int
    expected: str
    actual: str
    message: str

    def __str__(self) -> str:
        return (
            f"{self.level}: frame {self.frame} octet {self.offset}: {self.code}: {self.message}; "
            f"expected {self.expected}, got {self.actual}"
            + (f" ({self.requirement})" if self.requirement else "")
        )


#: Takes the parts of a finding about a payload: code, requirement, level, offset in it, expected, actual, text.
Say = Callable[[str, str | None, str, int, object, object, str], None]
