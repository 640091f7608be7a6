"""`python -m tests.docs.modules`: writes docs/modules.md, every module in its room, by its first sentence.

A page that is written by hand falls behind the tree; this one is made of the docstrings, and a test compares them.
"""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "modules.md"
ROOMS = ("sixlowpan", "vectors", "reports", "rigs", "fixtures")
HEAD = """\
# Every module in its room

[The house](architecture.md) says what the rooms are for. This page lists their modules, each by the first sentence of
its own docstring. `python -m tests.docs.modules` writes it, and a test compares it with the tree. The suites have a
file for each section of an RFC, and are not listed.
"""


def first_sentence(source):
    """The first sentence of a module's docstring, on one line."""
    told = " ".join((ast.get_docstring(ast.parse(source)) or "").partition("\n\n")[0].split())
    return told.partition(". ")[0].rstrip(".")


def page():
    """The whole page, as it has to stand in docs/."""
    lines = [HEAD]
    for room in ROOMS:
        for folder in sorted({path.parent for path in (ROOT / room).rglob("*.py")}):
            told = []
            for path in sorted(folder.glob("*.py")):
                sentence = first_sentence(path.read_text(encoding="utf-8"))
                if path.name != "__init__.py" or sentence:
                    told.append(f"* `{path.name}`: {sentence}")
            if told:
                lines += [f"## {folder.relative_to(ROOT).as_posix()}/", "", *told, ""]
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
