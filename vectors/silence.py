"""Which codes of findings say that nothing came of what was sent.

Strategy: whoever shows the frame of a finding must know whether it is a wrong one. Of these codes it is right, and the
DUT did not heed it: to mark an octet in it would blame the tester's frame.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Final

#: Codes (globs) that say that nothing came of what was sent. In the frame of such a finding nothing is wrong: the DUT
#: had to heed it, and did not.
UNHEARD: Final = (
    *(
        "dropped",
        "no_answer",
        "unresolved",
        "too_large",
        "lost",
        "not_delivered",
        "nothing_came",
        "no_room_for_two",
    ),
    *(
        "not_released",
        "solicitation_dropped",
        "not_forwarded",
        "context_unread",
        "nd_not_taken",
        "nd_unanswered",
    ),
    *(
        "form-*",
        "order-*",
        "duplicate-*",
        "all-twice",
        "thrice",
        "run-twice",
        "fragments-of-*",
        "size-*",
        "echo-*",
    ),
    *("sac?-*", "sa??-da??", "tf?", "*-group", "*-source", "*-destination", "traffic"),
)


def unheard(code: str) -> bool:
    """Whether a code says that nothing came of a frame in which nothing is wrong."""
    return any(fnmatchcase(code, glob) for glob in UNHEARD)
