"""The house rules of docs/architecture.md, enforced: who may import whom, a pure oracle, small modules."""

import ast
import email
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ORDER = ["sixlowpan", "vectors", "reports", "rigs", "fixtures", "suites"]
#: reports may be used by rigs and fixtures only for these modules.
SHARED_REPORTS = {
    "reports.files",
    "reports.interrupt",
    "reports.record",
    "reports.statistics",
    "reports.text",
}
#: Reading and writing files or pipes is the business of these modules of the oracle only.
ORACLE_IO = {
    "__main__.py",
    "command.py",
    "files.py",
    "capture/__init__.py",
    "capture/containers.py",
    "capture/piped.py",
}
#: The one package from outside that the oracle may import, and where (docs/adr/0008).
ORACLE_THIRD_PARTY = {"security.py": {"cryptography"}}
IO_NAMES = {"open", "print", "input"}
IO_MODULES = {
    "gzip",
    "io",
    "os",
    "pathlib",
    "socket",
    "subprocess",
    "time",
    "datetime",
    "random",
    "threading",
    "select",
}
LINES = 400


def modules(folder):
    return [p for p in sorted((ROOT / folder).rglob("*.py")) if "out" not in p.parts]


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("folder", ORDER)
def test_imports_point_one_way(folder):
    later = set(ORDER[ORDER.index(folder) + 1 :]) | {"tests", "conftest"}
    for path in modules(folder):
        for name in imports(path):
            top = name.split(".")[0]
            if folder == "rigs" and top == "tests":
                assert path.parent.name == "reference", f"{path}: only the in-memory link may load a mutant"
                continue
            assert top not in later, f"{path} imports {name}, which stands above it"


@pytest.mark.parametrize("folder", ["links", "nodes", "consoles", "guests", "leases"])
def test_adapters_know_nothing_of_the_tester_and_links_nothing_of_nodes(folder):
    forbidden = {"rigs.tester"} | ({"rigs.nodes"} if folder != "nodes" else set())
    for path in modules(f"rigs/{folder}"):
        for name in imports(path):
            assert not any(name == f or name.startswith(f"{f}.") for f in forbidden), f"{path} imports {name}"


@pytest.mark.parametrize("folder", ["rigs", "fixtures"])
def test_only_the_record_and_statistics_of_reports_are_used(folder):
    for path in modules(folder):
        used = {n for n in imports(path) if n.startswith("reports.")}
        assert all(any(u == s or u.startswith(s + ".") for s in SHARED_REPORTS) for u in used), path


@pytest.mark.parametrize("folder", ["sixlowpan", "vectors", "reports", "rigs"])
def test_pytest_is_imported_only_on_the_pytest_side(folder):
    for path in modules(folder):
        assert not any(n.split(".")[0] in {"pytest", "_pytest", "xdist"} for n in imports(path)), path


#: What a suite's module may import of the project: the author's interface, the oracle, and what one adapter offers.
OF_A_SUITE = ("fixtures.api", "sixlowpan", "suites", "reports.statistics", "rigs.links.ipsp", "rigs.tcp")


def test_suites_hold_cases_and_take_what_they_need_from_one_place():
    used = set()
    for path in modules("suites"):
        for name in imports(path):
            if name.split(".")[0] in ORDER:
                assert name.startswith(OF_A_SUITE), f"{path} imports {name}, fixtures.api does not export it"
            used |= {name.removeprefix("fixtures.api.")} if name.startswith("fixtures.api.") else set()
        assert "observed_by" not in path.read_text(), f"{path}: who observes a case is said by its verbs"
    assert not [p.name for p in (ROOT / "suites").glob("*.py")], "shared helpers stand in fixtures"
    import fixtures.api

    assert used == set(fixtures.api.__all__), (
        "an interface that nobody uses, or a name that is not in __all__"
    )


def test_the_oracle_is_pure():
    for path in modules("sixlowpan"):
        place = path.relative_to(ROOT / "sixlowpan").as_posix()
        allowed = {"sixlowpan"} | ORACLE_THIRD_PARTY.get(place, set())
        for name in imports(path):
            top = name.split(".")[0]
            assert top in allowed or top in sys.stdlib_module_names, f"{path} imports third-party {name}"
            if place not in ORACLE_IO:
                assert top not in IO_MODULES, f"{path} imports {name}: bytes in, bytes out, no clock"
        if place not in ORACLE_IO:
            calls = {
                n.func.id
                for n in ast.walk(ast.parse(path.read_text()))
                if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
            }
            assert not calls & IO_NAMES, path


def test_modules_stay_small_and_say_their_strategy():
    for folder in (*ORDER, "tests", "tools"):
        for path in modules(folder):
            text = path.read_text()
            assert len(text.splitlines()) <= LINES, f"{path} has {len(text.splitlines())} lines"
            if folder in ORDER and text.strip() and path.name != "__init__.py":
                assert ast.get_docstring(ast.parse(text)), f"{path} has no opening docstring"


def test_conftest_is_glue_only():
    assert len((ROOT / "conftest.py").read_text().splitlines()) < 60


def test_the_version_is_one():
    """pytest shows that of the plugin in its header."""
    about = email.message_from_string((ROOT / "keyhole.dist-info" / "METADATA").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (about["Name"], about["Version"]) == (project["name"], project["version"])
