"""CONTRIBUTING names files and folders that there are, and the glossary is in order."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_files_that_an_addition_touches_exist():
    table = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## What an addition touches")[2]
    named = [path for path in re.findall(r"`([\w./]+/[\w./]*)`", table) if "NNNN" not in path]
    assert len(named) > 10
    assert not [path for path in named if not (ROOT / path).exists()]


def test_the_glossary_is_in_alphabetical_order():
    rows = re.findall(
        r"^\| ([^|]+) \|", (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    terms = [row for row in rows if row not in {"term", "---"}]
    assert terms == sorted(terms, key=str.casefold)
