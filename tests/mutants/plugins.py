"""Plugins of pytest for the runs of the runner: which file has cases of what, and when a run need not go on."""

import fnmatch
from collections.abc import Mapping

import pytest

from fixtures.plugin.options import requirements
from fixtures.plugin.scheduling import case_of


class Index:
    """Which file of the suites has cases of which requirements: a run that needs a few does not collect them all."""

    def __init__(self) -> None:
        self.files: dict[str, set[str]] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            self.files.setdefault(str(item.path), set()).update(requirements(item))

    def of(self, pattern: str) -> list[str]:
        """The files with a case that names a requirement of `pattern`, in the order of a whole run."""
        return [file for file, named in self.files.items() if fnmatch.filter(named, pattern)]


class CheapFirst:
    """Puts the cases that take long behind the others: most mutants are killed by a cheap one, where the run ends."""

    #: Seconds. All below stay in the order of a whole run.
    CHEAP = 0.1

    def __init__(self, costs: Mapping[str, float]) -> None:
        self._costs = costs

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=lambda item: max(self._costs.get(case_of(item.nodeid), 0.0), self.CHEAP))


class Hopeless:
    """Ends a run in which one case after the other is inconclusive: such a node answers no control at all."""

    LIMIT = 25

    def __init__(self) -> None:
        self._undecided = 0
        self._session: pytest.Session | None = None

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        self._session = session

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.outcome != "skipped":
            self._undecided = 0
        elif report.skipped and "inconclusive" in str(report.longrepr):
            self._undecided += 1
        if self._undecided >= self.LIMIT and self._session is not None:
            self._session.shouldstop = f"{self.LIMIT} inconclusive cases in a row"
