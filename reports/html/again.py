"""What it takes to repeat a case, and the command that sends its frames again.

Strategy: a reader pastes the command where the suite is, at the root of the repository, and the evidence lies in the
folder of the run. So its path is that folder's, as the record tells where the run was kept: the same record gives the
same line. The rig and what was set beside it are those of the line
that repeats the case, which the run wrote as it was given them.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any

from reports.html.environment import evidence_path
from reports.view import View


class Again:
    """Of a run: called with the name of a rig, a comment of a shell that says what it takes to repeat a case there."""

    def __init__(self, page: View) -> None:
        suite = page.record.header.get("suite", {})
        version, commit = suite.get("version", "of unknown version"), str(suite.get("commit") or "")
        checkout = f" at commit {commit.rstrip('+')}" if commit else ", commit not recorded"
        changed = " with changes that were not committed" if commit.endswith("+") else ""
        self._suite = f"Keyhole {version}{checkout}{changed}"
        self._duts = {rig.name: rig.describe() or "not named in the record" for rig in page.rigs}
        header = page.record.header
        asked = [str(word) for word in header.get("asked", {}).get("arguments", ())]
        named = [two for one, two in pairwise([*asked, ""]) if one == "--record-dir"]
        named += [word.partition("=")[2] for word in asked if word.startswith("--record-dir=")]
        self._folder = PurePosixPath(
            named[-1] if named else "reports/out", str(header.get("run_id") or "run")
        )

    def __call__(self, rig: str) -> str:
        """The comment."""
        return f"# needs {self._suite}; DUT: {self._duts.get(rig, 'not named')}"

    def replay(self, result: Mapping[str, Any], rig: str) -> str:
        """The command that sends the frames of a result's evidence again; empty where there is none."""
        evidence = str(result.get("evidence") or "")
        if not evidence_path(evidence):
            return ""
        try:
            given = shlex.split(str(result.get("repeat") or ""))
        except ValueError:  # of a stranger's record
            given = []
        options = [pair for pair in pairwise(given) if pair[0] in ("--rig", "--pairs", "--set")]
        named = next((value.partition(",")[0] for key, value in options if key != "--set"), rig)
        words = [".venv/bin/python", "-m", "rigs", "replay", str(self._folder / evidence), "--rig", named]
        return shlex.join(
            [*words, *(word for key, value in options if key == "--set" for word in (key, value))]
        )
