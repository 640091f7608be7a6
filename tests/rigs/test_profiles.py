"""A deviation of the tree covers what it was proved for: cases that exist, one by one where its code says little."""

from __future__ import annotations

import ast
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from fixtures.plugin.scheduling import case_of
from rigs.configuration.loading import PROFILES
from rigs.configuration.models import Deviation

SUITES = Path(__file__).parents[2] / "suites"
#: Codes that say what was seen and nothing of the cause: under a glob over cases they would cover news as well.
BROAD = ("dropped", "dut_lost", "no_answer", "accepted", "answered", "misread", "not_sent", "payload")


def _functions() -> dict[str, bool]:
    """The ids of all cases, without their parameters, and whether they have some."""
    return {
        case_of(f"{path.relative_to(SUITES.parent)}::{node.name}"): any(
            "parametrize" in ast.unparse(decorator) for decorator in node.decorator_list
        )
        for path in SUITES.rglob("test_*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


FUNCTIONS = _functions()
PLACES = [
    pytest.param(place, deviation.says, id=f"{path.stem}-{deviation.id}-{number}")
    for path in sorted(PROFILES.glob("*.toml"))
    for deviation in map(
        Deviation.model_validate, tomllib.loads(path.read_text("utf-8")).get("deviation", [])
    )
    for number, place in enumerate(deviation.places)
]


@pytest.mark.parametrize(("place", "says"), PLACES)
def test_the_case_of_a_deviation_exists(place, says):
    function = place.case.partition("[")[0]
    assert any(fnmatchcase(name, function) for name in FUNCTIONS), function
    assert not FUNCTIONS.get(place.case), f"{place.case} has parameters: add [...] or *"


@pytest.mark.parametrize(("place", "says"), PLACES)
def test_a_code_that_says_little_is_not_expected_in_cases_by_a_glob(place, says):
    """But where the deviation tells its cause by what the node itself says of it."""
    function = place.case.partition("[")[0]
    if not says and any(fnmatchcase(code, place.finding) for code in BROAD):
        assert function.rstrip("*") in FUNCTIONS, f"{place.finding} in {place.case}: name each case"
