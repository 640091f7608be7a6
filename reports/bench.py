"""What a record says of the bench behind a rig: whether its radio is simulated, and which limits its owner gave.

Strategy: the header of a record holds each rig file as it was read, so nothing is guessed: the address of the tester's
link says what carries the frames. What a page says of it is one sentence; of a link that is not known here it says so.
A rig file may be a stranger's, and a text that is no TOML, or holds other types, is a bench of which nothing is known.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, Final

from reports.statistics.units import amount

#: Scheme of a tester's link -> (whether its radio is simulated, what carries the frames); the longest prefix counts.
_MEDIA: Final[dict[str, tuple[bool, str]]] = {
    "memory:": (True, "a medium in memory on a virtual clock"),
    "ipsp_memory:": (True, "L2CAP channels in memory on a virtual clock"),
    "lwip:": (True, "a pipe to the stack in a child process"),
    "hwsim:": (True, "two mac802154_hwsim radios in one guest"),
    "ipsp:": (True, "virtual Bluetooth controllers on one medium"),
    "ipsp:h4:": (True, "virtual Bluetooth controllers on one medium"),
    "ipsp:hci:": (False, "a Bluetooth adapter"),
    "zep:": (True, "ZEP over UDP"),
    "ot_sim:": (True, "OpenThread's simulated air, over UDP"),
    "uart_pipe:": (True, "a UART of the simulated board, over TCP"),
    "slip_radio:": (True, "SLIP over TCP in the place of a radio"),
    "packet:": (False, "a wpan interface of a host (a radio, unless that interface is itself simulated)"),
    "spinel:": (False, "a dongle with RCP firmware"),
    "spinel:process:": (True, "OpenThread's simulated RCP"),
}


@dataclass(frozen=True, slots=True)
class Limit:
    """What a figure may be on a rig: a `[[limit]]` table of its file."""

    figure: str
    case: str
    most: float | None
    least: float | None

    def concerns(self, line: Mapping[str, Any]) -> bool:
        """Whether a measurement is held against it."""
        case = self.case.replace("[", "[[]")  # brackets of a case id mean themselves
        return fnmatchcase(line["name"], self.figure) and fnmatchcase(line["case"], case)

    def broken(self, line: Mapping[str, Any]) -> bool:
        """Whether the figure lies beyond it for sure: with its whole interval, where it has one."""
        figure = line["figure"]
        low, high = (figure["value"] if figure[end] is None else figure[end] for end in ("low", "high"))
        return (self.most is not None and low > self.most) or (self.least is not None and high < self.least)

    def words(self, unit: str) -> str:
        """What it allows."""
        ends = (("at most", self.most), ("at least", self.least))
        return " and ".join(f"{word} {amount(end, unit)}" for word, end in ends if end is not None)


@dataclass(frozen=True, slots=True)
class Bench:
    """What carries the frames of a rig, in words; whether its radio is simulated (None: not known); its limits."""

    medium: str
    simulated: bool | None
    limits: tuple[Limit, ...] = ()


def bench_of(header: Mapping[str, Any], rig: str) -> Bench:
    """The bench behind a rig of a record with this header."""
    text = ((header.get("rigs", {}).get(rig) or {}).get("file") or {}).get("text", "")
    asked = header.get("asked", {}).get("set", [])
    return _read(text, tuple(str(one) for one in asked))


def radios(benches: Iterable[Bench]) -> str:
    """How many of the radios are simulated: "all", "some", "none", or "unknown" of all."""
    kinds = {bench.simulated for bench in benches}
    if not kinds or kinds == {None}:
        return "unknown"
    return (
        "all" if kinds == {True} else "some" if True in kinds else "none" if kinds == {False} else "unknown"
    )


def radio(header: Mapping[str, Any], rigs: Iterable[str]) -> str:
    """What the rigs of a record with this header had in the place of a radio: a sentence to stand beside a verdict."""
    benches = [bench_of(header, rig) for rig in rigs]
    found = radios(benches)
    if found == "unknown":
        return "The record does not say whether a radio was in use."
    if found == "none":
        media = ", ".join(dict.fromkeys(bench.medium for bench in benches))
        return f"A real radio, as far as the rig file tells: {media}."
    simulated = list(dict.fromkeys(bench.medium for bench in benches if bench.simulated))
    more = f", and {len(simulated) - 3} more" * (len(simulated) > 3)
    by = f"the frames went by {', '.join(simulated[:3])}{more}"
    what = "a board, its radio and what gets lost on the air were not tried"
    if found == "all":
        return f"No real radio: {by}. The node's software was tried; {what}."
    return f"Some rigs have no real radio ({by}): of these the software was tried; {what}."


@lru_cache(maxsize=64)
def _read(text: str, asked: tuple[str, ...]) -> Bench:
    try:
        file = tomllib.loads(text)
    except (ValueError, RecursionError):  # also of dates and numbers that Python does not have
        file = {}
    tester, air = file.get("tester"), file.get("air")
    link = tester.get("link") if isinstance(tester, dict) else None
    for key, _, value in (one.partition("=") for one in asked):
        link = value.strip("\"'") if key == "tester.link" else link
    simulated, medium = _medium(link) if isinstance(link, str) else (None, "not recorded")
    airy = [one for one in asked if one.partition("=")[0].split(".")[:1] == ["air"]]
    if isinstance(air, dict) or airy:
        told = [
            f"{key} {value}" for key, value in (air or {}).items() if isinstance(value, (str, int, float))
        ]
        told += [one.removeprefix("air.").replace("=", " ") for one in airy]
        medium += f", behind a software air ({', '.join(told) or 'as it is'})"
    return Bench(medium, simulated, tuple(_limits(file.get("limit"))))


def _medium(link: str) -> tuple[bool | None, str]:
    inner = link.removeprefix("ot_security:")
    schemes = sorted((scheme for scheme in _MEDIA if inner.startswith(scheme)), key=len)
    return (
        _MEDIA[schemes[-1]] if schemes else (None, f"{inner.partition(':')[0]}: (not known to this report)")
    )


def _limits(tables: Any) -> list[Limit]:
    found = []
    for table in tables if isinstance(tables, list) else []:
        if isinstance(table, dict) and isinstance(table.get("figure"), str):
            most, least = (
                float(end) if isinstance(end := table.get(key), (int, float)) else None
                for key in ("most", "least")
            )
            found.append(Limit(table["figure"], str(table.get("case", "*")), most, least))
    return found
