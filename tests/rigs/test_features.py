"""Words that a profile may use are read by something: a word that changes nothing would be a false promise."""

import ast
import re
from pathlib import Path

import pytest

from rigs.configuration.models import FEATURES
from vectors.catalogue import CATALOGUE

ROOT = Path(__file__).parents[2]
SUITES = sorted((ROOT / "suites").rglob("test_*.py"))
READERS = [*sorted((ROOT / "suites").rglob("*.py")), *sorted((ROOT / "rigs" / "tester").rglob("*.py"))]


@pytest.mark.parametrize("feature", FEATURES)
def test_each_feature_has_a_reader(feature):
    named = re.compile(rf'["|]{feature}["|]')  # in `binds` one of two may be asked for
    assert any(named.search(path.read_text(encoding="utf-8")) for path in READERS)


def requirements(function):
    """Ids that a case names, its parameters' apart."""
    calls = [d for d in function.decorator_list if isinstance(d, ast.Call)]
    named = [d for d in calls if isinstance(d.func, ast.Name) and d.func.id == "requirement"]
    return [a.value for d in named for a in d.args if isinstance(a, ast.Constant)]


def test_a_case_about_an_optional_part_names_the_feature():
    """Of rows with `when`: the module that tries them says of which feature, so that ignoring it is no failure."""
    seen = 0
    for path in SUITES:
        text = path.read_text(encoding="utf-8")
        for node in ast.parse(text).body:
            rows = [CATALOGUE[i] for i in requirements(node)] if isinstance(node, ast.FunctionDef) else []
            for row in rows[:1]:
                assert not row.when or f'"{row.when}"' in text, f"{path}: {node.name} tries {row.id}"
                seen += bool(row.when)
    assert seen


def test_when_names_features():
    assert {row.when for row in CATALOGUE.values()} - {""} <= set(FEATURES)
