"""The examples that RFCs print, and some derived by hand: data, with what is wrong in print marked as such.

Each has an id, where it is printed, `kind` (printed or derived), what goes in and what comes out, `right`, and
the `erratum` where the print is wrong in a detail. Families turn those that are frames into vectors; tests
check the rest.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any


@cache
def examples() -> dict[str, dict[str, Any]]:
    """All examples by id."""
    text = (Path(__file__).parent / "rfc_examples.json").read_text(encoding="utf-8")
    return {example["id"]: example for example in json.loads(text)["examples"]}
