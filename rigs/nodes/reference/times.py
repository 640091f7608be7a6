"""When the reference node has something to do next."""

from __future__ import annotations


def soonest(*times: float | None) -> float | None:
    """The first of these times; None where nothing is due at any time."""
    return min((at for at in times if at is not None and at != float("inf")), default=None)
