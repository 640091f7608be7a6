"""The hunter: a search for sequences of frames that break the DUT, for as long as `--hunt` says. See docs/hunt.md."""

import pytest

from fixtures.api import Case, Hunting, hunts, requirement

pytestmark = pytest.mark.hunt


@requirement("RFC6282-2-04", "RFC4944-5.3-18", "RFC4944-5.3-28")
def test_search(case: Case, hunting: Hunting):
    """No sequence of frames breaks the DUT: it lives, answers, has room, and makes nothing of what must be dropped."""
    hunts(case, hunting)
