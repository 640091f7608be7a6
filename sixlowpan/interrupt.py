"""Ctrl-C while `python -m sixlowpan` is still being imported: one word in place of a traceback.

Who imports the oracle as a library keeps the hook that is there. Behind this one Python ends with SIGINT (status 130).
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType


def _told(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.stderr.write("\ninterrupted\n")
    else:
        sys.__excepthook__(kind, error, trace)


if sys.argv[:1] == ["-m"]:  # so it is called until the module that is meant has been found
    sys.excepthook = _told
