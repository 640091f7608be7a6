"""Which nodes get on with which, and whose fault it is where they do not: the matrix of a record's pairs.

Strategy: a pair is a rig whose record names a peer. Each of its findings says which of the two nodes it is of, so a
cell counts both sides, and two views come of the same counts: the cell (does this pair work?) and the node (does it
fail with every peer, or with one only?). Pure; the writers of text, Markdown, JSON and HTML only write.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from reports.record import Record, state
from reports.text import one_line
from reports.view import SIGNS, STATES, Rig, View, view
from vectors.codes import CODES

#: Pairs that a page or a summary can show (`few`).
MOST_PAIRS: Final = 100
#: Causes that a cell names, the commonest first.
_NAMED: Final = 3
#: States of a case whose findings are somebody's fault.
_AT_FAULT: Final = frozenset({"fail", "known", "unconfirmed"})


@dataclass(slots=True)
class Cell:
    """One pair: its rig, its two nodes, and what came of its cases."""

    rig: str
    dut: str
    peer: str
    counts: Counter[str] = field(default_factory=Counter)
    #: Node -> requirement and code -> findings that are of it; "" holds what is of neither.
    blamed: dict[str, Counter[str]] = field(default_factory=dict)
    #: The same, but only how many are no known deviation.
    news: Counter[str] = field(default_factory=Counter)
    #: The first case that is not right, for a link; empty where all are.
    first: str = ""

    @property
    def words(self) -> str:
        """What the cell says."""
        both = list(dict.fromkeys((self.dut, self.peer)))
        if guilty := [name for name in both if self.news[name]]:
            return f"{' and '.join(guilty)} to blame"
        if self.counts["fail"]:
            return "does not fit"
        known = " and ".join(name for name in both if self.blamed.get(name))
        for name, words in (
            ("error", "error"),
            ("unconfirmed", "unconfirmed deviation"),
            ("known", f"known deviations of {known}"),
            ("inconclusive", "cannot be told"),
            ("pass", "works"),
        ):
            if self.counts[name]:
                return words
        return "not tried"

    @property
    def state(self) -> str:
        """The worst state of its cases, for a colour."""
        return next((name for name in STATES if self.counts[name]), "unsupported")

    def causes(self) -> list[str]:
        """What is broken and by whom, the commonest first."""
        told = [(count, name, what) for name, found in self.blamed.items() for what, count in found.items()]
        told.sort(key=lambda row: (-row[0], row[1], row[2]))
        more = [f"and {len(told) - _NAMED} more"] if len(told) > _NAMED else []
        return [
            f"{name or 'neither'}: {_in_words(what)} ({count})" for count, name, what in told[:_NAMED]
        ] + more


def _in_words(what: str) -> str:
    """What is broken, as `Cell.blamed` has it, for a reader who does not know the codes."""
    broken, known, name = what.partition(", known: ")
    row, _, code = broken.partition(" ")
    meaning = CODES.get(code, code).rstrip(".")
    return f"{meaning} ({f'known: {name}' if known else row})"


@dataclass(slots=True)
class Node:
    """One node over all its pairs."""

    name: str
    stack: str
    #: Partners with which it was tried, and those beside which it is to blame, by known deviations as well.
    tried: list[str] = field(default_factory=list)
    fails: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        """Whether it is a node's matter or a pair's."""
        if not self.fails:
            return "to blame with no peer"
        if len(self.fails) == len(self.tried):
            return (
                "to blame with every peer"
                if len(self.tried) > 1
                else f"to blame with its one peer {self.fails[0]}"
            )
        return f"to blame with {', '.join(self.fails)} only"


@dataclass(slots=True)
class Matrix:
    """All pairs of a record."""

    cells: list[Cell]
    nodes: dict[str, Node]

    def cell(self, a: str, b: str) -> Cell | None:
        """The pair of two nodes, whichever of them is the DUT."""
        return next((c for c in self.cells if (c.dut, c.peer) in {(a, b), (b, a)}), None)


def matrix(record: Record | View) -> Matrix:
    """The matrix of a record; without pairs it is empty."""
    page = view(record)
    cells: list[Cell] = []
    nodes: dict[str, Node] = {}
    for rig in page.rigs:
        if not rig.peer:
            continue
        cell = cell_of(page, rig)
        dut, peer = cell.dut, cell.peer
        cells.append(cell)
        theirs = " ".join(filter(None, (rig.peer.get("stack"), rig.peer.get("version"))))
        for name, other, stack in ((dut, peer, rig.describe_dut()), (peer, dut, theirs)):
            node = nodes.setdefault(name, Node(name, stack))
            if other not in node.tried:
                node.tried.append(other)
            if cell.blamed.get(name) and other not in node.fails:
                node.fails.append(other)
    return Matrix(cells, dict(sorted(nodes.items())))


def cell_of(page: View, rig: Rig) -> Cell:
    """The pair that a rig is: what came of it, and who is to blame."""
    cell = Cell(rig.name, *_names(rig.name))
    for section in page.sections:
        for case in section.cases:
            if (result := case.results.get(rig.name)) is not None:
                _count(cell, case.name, result)
    return cell


def few(page: View) -> Matrix | None:
    """The matrix for a page or a summary; None of more pairs than these can show. `page` has rigs, not stacks."""
    return matrix(page) if sum(bool(rig.peer) for rig in page.rigs) <= MOST_PAIRS else None


#: What a page or a summary says where `few` is None.
TOO_MANY: Final = f"There are more than {MOST_PAIRS} pairs: python -m reports matrix RUN prints them."


def _names(rig: str) -> tuple[str, str]:
    """The two nodes of a pair that was made of two rigs, `a--b`; of a rig file with a peer its name, and the peer."""
    dut, dashes, peer = rig.partition("--")
    return (dut, peer) if dashes and peer else (rig, f"{rig} (peer)")


def _count(cell: Cell, case: str, result: Mapping[str, Any]) -> None:
    what = state(result)
    cell.counts[what] += 1
    if what in _AT_FAULT | {"error", "inconclusive"} and not cell.first:
        cell.first = case
    for finding in result.get("findings", []) if what in _AT_FAULT else ():
        side = {"dut": cell.dut, "peer": cell.peer}.get(finding.get("side", ""), "")
        known = f", known: {finding['known']}" if finding.get("known") else ""
        cell.news[side] += not known and what == "fail"
        cell.blamed.setdefault(side, Counter())[f"{finding['requirement']} {finding['code']}{known}"] += 1


def as_text(found: Matrix) -> str:
    """The matrix for a terminal: a line for each pair, then one for each node."""
    if not found.cells:
        return "no pair is in this record\n"
    width = max(len(f"{c.dut} beside {c.peer}") for c in found.cells)
    lines = []
    for cell in found.cells:
        counts = ", ".join(f"{cell.counts[name]} {name}" for name in STATES if cell.counts[name])
        lines.append(
            f"{SIGNS[cell.state]} {f'{cell.dut} beside {cell.peer}':{width}}  {cell.words} ({counts})"
        )
        lines += [f"    {cause}" for cause in cell.causes()]
    wide = max(map(len, found.nodes))
    lines += ["", *(f"{node.name:{wide}}  {node.words} ({node.stack})" for node in found.nodes.values())]
    return "\n".join(map(one_line, lines)) + "\n"


def as_markdown(found: Matrix, code: Any = lambda text: f"`{text}`") -> list[str]:
    """The matrix as rows of Markdown; `code` makes a stranger's text harmless."""
    if not found.cells:
        return []
    names = list(found.nodes)
    rows = ["| | " + " | ".join(map(code, names)) + " |", "|---" * (len(names) + 1) + "|"]
    for a in names:
        cells = [found.cell(a, b) for b in names]
        told = [f"{SIGNS[c.state]} {code(c.words)}" if c is not None else "" for c in cells]
        rows.append(f"| {code(a)} | " + " | ".join(told) + " |")
    rows += ["", *(f"- {code(n.name)}: {code(n.words)}, {code(n.stack)}" for n in found.nodes.values()), ""]
    rows += [f"- {code(c.rig)}: {code(cause)}" for c in found.cells for cause in c.causes()]
    return rows


def as_json(found: Matrix) -> str:
    """The matrix as JSON, for programs."""
    told = {
        "pairs": [
            {
                "rig": cell.rig,
                "dut": cell.dut,
                "peer": cell.peer,
                "says": cell.words,
                "state": cell.state,
                "counts": dict(cell.counts),
                "blamed": {name: dict(causes) for name, causes in cell.blamed.items()},
                "first": cell.first,
            }
            for cell in found.cells
        ],
        "nodes": [
            {"name": n.name, "stack": n.stack, "tried": n.tried, "fails": n.fails, "says": n.words}
            for n in found.nodes.values()
        ],
    }
    return json.dumps(told, indent=1) + "\n"


__all__ = ["Cell", "Matrix", "Node", "as_json", "as_markdown", "as_text", "cell_of", "few", "matrix"]
