"""Deaths of a node: whether the frames killed it again, and which ends with the last words of a declared one.

Strategy: behind a death the suite sends the frames again (`fixtures.judging.culprit`) and says in words what came of
it. These are read here, for whoever shows or counts deaths. What was not brought about again is a death all the same,
and no proof of what did it: a reader is told which he has.

A node that dies under load does so in whatever case loads it, and its profile names those that were seen.
What it prints as it ends tells one death from another: the profile of a deviation that is a death quotes it in `why`
("slip_send overflow"). A death that ends with such words is a failure all the same where no profile names its case,
and it is not another fault: it is told, counted and compared as that one. An older result may have given such a death
to another deviation; the words count more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from reports.compact import whole
from reports.view import Rig
from vectors.codes import DEATHS, DIES_OF

#: What a profile quotes: several words, so that no name of a signal ("SIGBUS") stands for whatever ends by it.
_QUOTED: Final = re.compile(r'"([^"]{6,}? [^"]+?)"')
#: What a death says of its frames, sent again -> what that means, the best proof first.
_AGAIN: Final = (
    (DIES_OF, "each time"),
    (
        re.compile(r"(one frame|(\d+) frames)(?: \(.*?\))? killed it again, and not each time"),
        "not each time",
    ),
    (re.compile(r"it dies without any frame as well"), "without any"),
    (
        re.compile(r"(?:none of (\d+) stimuli kills|(one) stimulus does not kill) it when it is sent again"),
        "never",
    ),
)
#: The answers of `died_again`, the best proof first; "" where nothing is said.
PROOFS: Final = (*(told for _, told in _AGAIN), "")


def died_again(finding: Mapping[str, Any]) -> str:
    """Whether a node died again of what it had died of: one of `PROOFS`."""
    return _again(finding)[0]


def _again(finding: Mapping[str, Any]) -> tuple[str, re.Match[str] | None]:
    """One of `PROOFS`, and where the finding says so."""
    said = str(finding.get("actual") or "")
    tried = ((told, pattern.search(said)) for pattern, told in _AGAIN)
    return next(((told, found) for told, found in tried if found), ("", None))


def dies_of(findings: Iterable[Mapping[str, Any]]) -> int:
    """How few frames are known to kill the node; 0: the record does not tell."""
    told = (DIES_OF.search(str(finding.get("actual") or "")) for finding in findings)
    return min((int(one[2] or 1) for one in told if one), default=0)


def claimed(finding: Mapping[str, Any], these: str) -> str:
    """What is to be said of the frame of a death; `these`: "this frame" or "these frames"."""
    told, found = _again(finding)
    if found is None:
        return f"The node is lost behind {these}."
    if told == "each time":
        many = int(found[2] or 1)
        if many == 1:
            return "The node died of this frame each time that it was sent."
        return f"The node died each time that {many} frames were sent in a row; this is the last of them."
    last = "This is the last frame that was sent before the node was lost."
    if told == "not each time":
        which = f"{found[2]} frames" if found[2] else "One frame"
        return f"{last} {which}, sent again, killed it once more, and not each time."
    if told == "never":
        did = f"none of {found[1]} stimuli killed it" if found[1] else "it did not kill the node"
        return f"{last} Sent again, {did}: what did it is not proved."
    return f"{last} The node died behind ordinary echoes alone as well."


def chosen(result: Mapping[str, Any]) -> str:
    """Why a death is the example of its cause, in brackets; empty for what is none, or was not brought about again."""
    found: Mapping[str, Any] = next(iter(result.get("findings") or ()), {})
    proved = found.get("code") in DEATHS and died_again(found) == "each time"
    return " (of the cases whose frames killed the node each time the one with the fewest)" * proved


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
