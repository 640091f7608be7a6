"""`${lease.KEY}` in a rig file: what the lab knows of the board that a lease got, so that one file serves every board.

Strategy: which board it is, is known behind the lease, and a rig file is judged in front of it. Till then a text that
waits is set aside: its key is left out, or, where it names a scheme (`packet:wpan0@ssh:root@${lease.address}`), the
text stays as it is. Behind the lease the file is read once more, with the facts put in, and judged whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

_FACT: Final = re.compile(r"\$\{lease\.([A-Za-z0-9_.-]+)\}")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.+-]*:")
#: The tables that may wait for the lease.
_TABLES: Final = ("tester", "dut")
#: Keys that are numbers, where a lab tells texts.
_NUMBERS: Final = ("tester.pan", "tester.channel")


def set_aside(
    data: dict[str, Any], where: str, mistakes: list[str]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """A rig file as far as it can be judged in front of its lease, and the keys that wait for it."""
    awaited: list[str] = []

    def keep(key: str, text: str) -> str | None:
        awaited.append(key)
        if not key.startswith(tuple(f"{table}." for table in _TABLES)):
            mistakes.append(
                f"{where}: {key}: {text!r} is known behind the lease only: [tester] and [dut] may use it"
            )
        return text if _SCHEME.match(text) else None

    left = _each(data, "", keep)
    lease = data.get("lease")
    kind = lease.get("kind", "flock") if isinstance(lease, dict) else "flock"
    if awaited and kind not in {"labgrid", "command"}:
        mistakes.append(
            f'{where}: {awaited[0]}: a lease of kind {kind!r} tells nothing of a board: "labgrid" and "command" do'
        )
    return left, tuple(awaited)


def filled(data: dict[str, Any], facts: Mapping[str, str], where: str, mistakes: list[str]) -> dict[str, Any]:
    """A rig file with the facts of its lease put in."""

    def fill(key: str, text: str) -> str | int:
        for unknown in dict.fromkeys(name for name in _FACT.findall(text) if name not in facts):
            there = ", ".join(sorted(facts)) or "nothing"
            mistakes.append(
                f"{where}: {key}: the lease tells no {unknown!r} of this board; it tells: {there}"
            )
        value = _FACT.sub(lambda match: facts.get(match[1], match[0]), text)
        if key in _NUMBERS and re.fullmatch(r"0x[0-9A-Fa-f]{1,8}|[0-9]{1,8}", value):
            return int(value, 16 if value.startswith("0x") else 10)
        return value

    whole: dict[str, Any] = _each(data, "", fill)
    return whole


def _each(value: Any, key: str, change: Callable[[str, str], object]) -> Any:
    """`value` with each text that names a fact changed; None leaves a key out."""
    if isinstance(value, dict):
        changed = {k: _each(v, f"{key}.{k}" if key else k, change) for k, v in value.items()}
        return {k: v for k, v in changed.items() if v is not None}
    if isinstance(value, list):
        changed_all = [_each(each, f"{key}[{i}]", change) for i, each in enumerate(value)]
        return [each for each in changed_all if each is not None]
    return change(key, value) if isinstance(value, str) and _FACT.search(value) else value
