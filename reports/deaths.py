"""Deaths that end with the last words of a declared one, in cases for which that is not declared.

Strategy: a node that dies under load does so in whatever case loads it, and its profile names those that were seen.
What it prints as it ends tells one death from another: the profile of a deviation that is a death quotes it in `why`
("slip_send overflow"). A death that ends with such words is a failure all the same where no profile names its case,
and it is not another fault: it is told, counted and compared as that one. An older result may have given such a death
to another deviation; the words count more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from reports.compact import whole
from reports.view import Rig
from vectors.codes import DEATHS

#: What a profile quotes: several words, so that no name of a signal ("SIGBUS") stands for whatever ends by it.
_QUOTED: Final = re.compile(r'"([^"]{6,}? [^"]+?)"')


def last_words(rig: Rig) -> dict[str, str]:
    """What a node prints as it ends -> the deviation of its profile that says so."""
    return {
        words: name
        for name, deviation in rig.deviations.items()
        if any(
            fnmatchcase(code, str(one.get("finding") or "*"))
            for one in (deviation, *(deviation.get("cases") or ()))
            if isinstance(one, Mapping)
            for code in DEATHS
        )
        for words in _QUOTED.findall(" ".join(str(deviation.get("why") or "").split()))
    }


def spelled(result: Mapping[str, Any], words: Mapping[str, str]) -> Mapping[str, Any]:
    """A result, read whole where a death in it may have last words of `words`."""
    dead = words and any(one["code"] in DEATHS for one in result["findings"])
    return whole(result) if dead else result


def spoken(finding: Mapping[str, Any], words: Mapping[str, str]) -> str:
    """The deviation whose last words a death ends with; empty for none. `words`: of `last_words`."""
    if not words or finding.get("code") not in DEATHS:
        return ""
    said = str(finding.get("actual") or "")
    return next((name for text, name in words.items() if text in said), "")


def told(name: str) -> str:
    """What such a death is called."""
    return f"ended with the words of {name} (declared for other cases)"
