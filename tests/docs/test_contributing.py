"""CONTRIBUTING and the architecture name files and folders that there are, and the glossary is in order."""

import re
from pathlib import Path

from tests.docs import modules

ROOT = Path(__file__).parents[2]


def test_the_files_that_an_addition_touches_exist():
    table = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## What an addition touches")[2]
    named = [path for path in re.findall(r"`([\w./]+/[\w./]*)`", table) if "NNNN" not in path]
    assert len(named) > 10
    assert not [path for path in named if not (ROOT / path).exists()]


def test_the_code_is_where_the_architecture_says():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page.partition("| where is the code")[2].partition("\n\n")[0]
    named = re.findall(r"`([\w./]+\.py)`", table)
    assert len(named) > 20
    assert not [path for path in named if not (ROOT / path).exists()]
    tree = page.partition("```")[2].partition("```")[0]
    folders = re.findall(r"^([a-z]+)/ ", tree, re.MULTILINE)
    assert {"sixlowpan", "fixtures", "suites"} <= set(folders)
    assert not [folder for folder in folders if not (ROOT / folder).is_dir()]


def test_every_module_is_in_its_room():
    written = modules.PAGE.read_text(encoding="utf-8")
    assert written == modules.page(), "docs/modules.md is not of this tree: python -m tests.docs.modules"
    assert not re.findall(r"^\* .*: $", written, re.MULTILINE)


def test_the_glossary_is_in_alphabetical_order():
    rows = re.findall(
        r"^\| ([^|]+) \|", (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    terms = [row for row in rows if row not in {"term", "---"}]
    assert terms == sorted(terms, key=str.casefold)
