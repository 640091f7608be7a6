"""The mutator itself: it changes one thing at a time, it compiles, and the explained survivors are still there."""

from tests.mutation.__main__ import MODULES, ROOT, explained
from tests.mutation.mutator import build, mutants

SOURCE = '''
"""7 is not changed here."""
LIMIT: "int | None" = 3

def f(x: int | None) -> bytes:
    assert x != 9, f"{x + 1}"
    if not x or (x < LIMIT and x != 2):
        raise ValueError("RFC1-1-01 in a message stays")
    while x:
        x -= 1
        break
    return b"ab"[1:] + g(x, "RFC1-1-01")
'''


def test_what_is_changed_and_what_is_not():
    found = mutants("m", SOURCE)
    changes = sorted(mutant.name.rpartition(" | ")[2] for mutant in found)
    assert changes == sorted(
        [
            "3 -> 4", "3 -> 2", "Not left out", "Or -> And", "operand 1 left out", "operand 2 left out", "Lt -> LtE",
            "Lt -> GtE", "And -> Or", "operand 1 left out (2)", "operand 2 left out (2)", "NotEq -> Eq", "2 -> 3",
            "2 -> 1", "raise left out", "condition negated", "Sub -> Add", "assignment left out", "1 -> 2", "1 -> 0",
            "break -> continue", "b'ab' -> b'`b'", "lower bound left out", "1 -> 2", "1 -> 0", "Add -> Sub",
            "RFC1-1-01 -> another",
        ]
    )  # fmt: skip
    assert len({mutant.name for mutant in found}) == len(found)


def test_every_mutant_differs_and_compiles():
    import ast

    plain = ast.unparse(ast.parse(SOURCE))
    texts = []
    for mutant in mutants("m", SOURCE):
        tree = build(SOURCE, mutant)
        compile(tree, "m.py", "exec")
        texts.append(ast.unparse(tree))
    assert plain not in texts


def test_what_is_explained_exists_and_has_a_reason():
    known = set()
    for module in MODULES:
        source = (ROOT / "sixlowpan" / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
        known |= {mutant.name for mutant in mutants(module, source)}
    reasons = explained()
    assert set(reasons) <= known
    assert all(reasons.values())
