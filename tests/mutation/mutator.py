"""Small wrong changes to a Python source: one mutant changes one thing.

Strategy: the syntax tree is walked once to list what can be changed (`mutants`), and each mutant is made from a fresh
tree by its place in that walk (`build`). Changed are: comparison, arithmetic and bit operators, and/or (and each of
their operands left out), not, numbers (one more, one less), octet strings, requirement ids, slices (a bound left out),
conditions (negated), and statements left out (raise, augmented assignment, call, del, break and continue swapped).
Not changed, because no test can or should see it: annotations, docstrings, messages, assertions.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

COMPARISONS = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
}  # fmt: skip
OPERATORS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv,
    ast.Pow: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.Div: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitOr,
    ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip
SKIPPED = (ast.JoinedStr, ast.Assert)  # with all that is in them
REQUIREMENT = re.compile(r"RFC\d+-[\w.]+-\d+")


@dataclass(frozen=True)
class Mutant:
    """One change; `name` says where and what, without line numbers, so that it stays when lines move."""

    module: str
    node: int
    change: int
    line: int
    name: str


Change = tuple[str, Callable[[ast.AST, "_Tree"], None]]


class _Tree:
    """A parsed source: its nodes in order, and the parent of each."""

    def __init__(self, source: str) -> None:
        self.root = ast.parse(source)
        self.nodes: list[ast.AST] = []
        self.parent: dict[ast.AST, tuple[ast.AST, str, int | None]] = {}
        self._walk(self.root)

    def _walk(self, node: ast.AST) -> None:
        self.nodes.append(node)
        for name, value in ast.iter_fields(node):
            if name in {"annotation", "returns", "decorator_list"}:
                continue
            for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if isinstance(child, ast.AST) and not isinstance(child, SKIPPED):
                    self.parent[child] = node, name, index
                    self._walk(child)

    def replace(self, node: ast.AST, new: ast.AST) -> None:
        parent, name, index = self.parent[node]
        ast.copy_location(new, node)
        if index is None:
            setattr(parent, name, new)
        else:
            getattr(parent, name)[index] = new


def _set(node: ast.AST, name: str, value: object) -> Callable[[ast.AST, _Tree], None]:
    return lambda found, _: setattr(found, name, value)


def _put(new: Callable[[ast.AST], ast.AST]) -> Callable[[ast.AST, _Tree], None]:
    return lambda found, tree: tree.replace(found, new(found))


def _leave_out(node: ast.BoolOp, tree: _Tree, position: int) -> None:
    node.values.pop(position)
    if len(node.values) == 1:
        tree.replace(node, node.values[0])


def _changes(node: ast.AST) -> Iterator[Change]:
    """What can be changed in one node, the same list in the same order on each call."""
    if isinstance(node, ast.Compare):
        for position, operator in enumerate(node.ops):
            for other in COMPARISONS[type(operator)]:
                yield (
                    f"{type(operator).__name__} -> {other.__name__}",
                    lambda found, _, p=position, o=other: found.ops.__setitem__(p, o()),
                )
    elif isinstance(node, ast.BinOp | ast.AugAssign):
        other = OPERATORS[type(node.op)]
        yield f"{type(node.op).__name__} -> {other.__name__}", _set(node, "op", other())
        if isinstance(node, ast.AugAssign):
            yield "assignment left out", _put(lambda _: ast.Pass())
    elif isinstance(node, ast.BoolOp):
        other = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield f"{type(node.op).__name__} -> {other.__name__}", _set(node, "op", other())
        for position in range(len(node.values)):
            yield (
                f"operand {position + 1} left out",
                lambda found, tree, p=position: _leave_out(found, tree, p),
            )
    elif isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Invert):
        yield f"{type(node.op).__name__} left out", _put(lambda found: found.operand)
    elif isinstance(node, ast.Constant):
        yield from _constants(node)
    elif isinstance(node, ast.Slice):
        for bound in ("lower", "upper"):
            if getattr(node, bound) is not None:
                yield f"{bound} bound left out", _set(node, bound, None)
    elif isinstance(node, ast.Raise | ast.Delete):
        yield f"{type(node).__name__.lower()} left out", _put(lambda _: ast.Pass())
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield "call left out", _put(lambda _: ast.Pass())
    elif isinstance(node, ast.Break):
        yield "break -> continue", _put(lambda _: ast.Continue())
    elif isinstance(node, ast.Continue):
        yield "continue -> pass", _put(lambda _: ast.Pass())
    if isinstance(node, ast.If | ast.While | ast.IfExp) and isinstance(
        node.test, ast.Name | ast.Attribute | ast.Call
    ):
        yield "condition negated", lambda found, _: setattr(found, "test", ast.UnaryOp(ast.Not(), found.test))


def _constants(node: ast.Constant) -> Iterator[Change]:
    value = node.value
    if isinstance(value, bool):
        yield f"{value} -> {not value}", _set(node, "value", not value)
    elif isinstance(value, int | float):
        yield f"{value} -> {value + 1}", _set(node, "value", value + 1)
        yield f"{value} -> {value - 1}", _set(node, "value", value - 1)
    elif isinstance(value, bytes):
        other = bytes((value[0] ^ 1,)) + value[1:] if value else b"\1"
        yield f"{value!r} -> {other!r}", _set(node, "value", other)
    elif isinstance(value, str) and REQUIREMENT.fullmatch(value):
        yield f"{value} -> another", _set(node, "value", "RFC0-0-00")


def mutants(module: str, source: str) -> list[Mutant]:
    """Every mutant of one source."""
    lines, found, seen = source.splitlines(), [], Counter[str]()
    for number, node in enumerate(_Tree(source).nodes):
        for change, (what, _) in enumerate(_changes(node)):
            line = getattr(node, "lineno", 0)
            name = f"{module} | {lines[line - 1].strip()} | {what}"
            seen[name] += 1
            if seen[name] > 1:
                name += f" ({seen[name]})"
            found.append(Mutant(module, number, change, line, name))
    return found


def build(source: str, mutant: Mutant) -> ast.Module:
    """The tree of one mutant."""
    tree = _Tree(source)
    node = tree.nodes[mutant.node]
    list(_changes(node))[mutant.change][1](node, tree)
    return ast.fix_missing_locations(tree.root)
