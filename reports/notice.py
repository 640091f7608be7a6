"""What a user of the node would notice of a cause, in a sentence or two, from what the record proves of this cause.

Strategy: a code says what was seen, and `_SAID` says that in words of a user; whom and what it is about is the scope of
its frames (`reports.scope`); how much it takes, and whether it comes back, stands in what the findings say. Beside it
stands what was right all the same, so that a part is not taken for the whole. What no entry speaks of is told by the
effect of its code (`reports.severity`) and by what the case says must be so.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from reports.compact import whole
from reports.deaths import died_again, dies_of
from reports.scope import Scope
from reports.severity import NOTED, code_of, effect_of, named, shows_memory
from vectors.codes import DEATHS, FIELDS

if TYPE_CHECKING:
    from reports.causes import Cause

#: What stands for a packet that came out whole but for its UDP checksum, which no code tells alone.
_CHECKSUM: Final = "misread=RFC6282-4.3.2-09"
#: Two sizes under one tag; and what says less: that two datagrams were mixed.
_SIZES: Final = "mixed_sizes size_mismatch"
_MIXED: Final = "mixed mixed_tags"
#: Globs of codes (one with "=": code and requirement) -> the sentence. {Packets}: "Packets from ..."; {anybody}: who
#: can send such; {due}, {seen}: of the finding.
_SAID: Final[dict[str, str]] = {
    "not_released": (
        "Behind such fragments the node takes no packet of full size any more, not even when all its timers have "
        "run out; small packets are answered."
    ),
    "quote_trailer": (
        "{Anybody} and sends a packet that draws an ICMPv6 error gets {number} octets of the node's memory "
        "with it, which are none of that packet's."
    ),
    "leak stale_octets": "What the node hands on has octets of an earlier packet in it.",
    "mixed_senders mixed_originators accepted=RFC4944-5.3-18": (
        "Fragments of two senders are put together where tag and size are equal: {anybody} can put octets "
        "into the packet of another, and two honest senders are mixed by chance."
    ),
    "mixed_destinations": (
        "Fragments that were sent to another destination complete a datagram: it takes a sender that uses one"
        " tag for two destinations at a time."
    ),
    _SIZES: (
        "Fragments that name two sizes of datagram under one tag of one sender are put together or lost."
    ),
    _MIXED: (
        "Fragments of two datagrams of one sender are put together or lost: it takes a sender that uses a tag"
        " again while the first datagram is not complete."
    ),
    "patched mixed_octets": (
        "A fragment that overlaps another with other octets changes the packet, which is handed on: {anybody}"
        " and sends with a peer's link-layer address can change what that peer sends in fragments."
    ),
    "hole beyond": "A datagram of which octets never came is handed on as whole, with {memory} in their place.",
    "accepted=RFC4944-5.3-20 excess_taken": (
        "A fragment that reaches beyond its datagram is taken as a part of it."
    ),
    "timeout_too_long": (
        "Fragments are kept longer than a minute: where a peer uses a tag again, old ones may get into "
        "another packet, and their room is held so long."
    ),
    "removed_context": (
        "A context whose life has ended is still used to read what comes, as another address than is meant "
        "once its number has another prefix."
    ),
    "neighbour_moved": (
        "When a neighbour's link-layer address changes, what is sent to it still goes to the old one."
    ),
    "neighbour_address": (
        "What the node sends to a neighbour {neighbour} goes to another link-layer address: that neighbour gets "
        "nothing of it."
    ),
    "nothing_came": "A stream of UDP datagrams{sizes} does not reach the application on the node: none arrived.",
    "too_large": "Echoes{sizes} are not answered, and smaller ones are.",
    "no_answer": "{Requests} reach the node and are not answered.",
    "retransmission_lost": (
        "A TCP connection that loses one segment stands still: what nobody acknowledged is not sent again."
    ),
    "refused": "The node refuses a connection that it must serve.{question}",
    "not_sent": "The node does not send what is due.{question}",
    "frame_too_long": "The node sends frames that are longer than a radio can send ({seen}): these packets are lost.",
    "checksum": (
        "Some packets that the node sends have a checksum that does not hold once a receiver has decompressed them:"
        " they are dropped."
    ),
    "sent_destination sent_source": "Some packets that the node sends come out with another address than was meant.",
    _CHECKSUM: "{Packets} come out with a wrong UDP checksum; the data is as sent.",
    "payload_length=RFC6282-4.2-15": (
        "{Packets} come out with octets of their data in the place of the padding: {seen} in the place of {due}."
    ),
    "misread accepted=RFC6282-4.3.2-12": "{Packets} come out as another packet.",
    "context_taken": "A context that cannot be is taken, and others cannot read what is compressed with it.{question}",
    "nd_taken": "{Anybody} changes where the node sends its packets, by a message that it must ignore.{question}",
    "payload": "{Packets} come out with other data{cut}.",
    "dropped form-* order-* duplicate-* all-twice thrice run-twice sac?-* sa??-da?? tf? fragments-of-*": (
        "{Packets} never arrive."
    ),
    "*-source *-destination *-group": "{Packets} come out with another address: {seen} in the place of {due}.",
    "zero_checksum": "A UDP datagram without a checksum reaches the application: damage to it is not seen.",
    "another_pan": "Broadcasts of another network on the same channel are taken for its own.",
    "traffic_class traffic": (
        "The data arrives, and its priority or congestion mark is another one (such as {seen} in the place of"
        " {due}): routers behind the node treat it otherwise."
    ),
    "address_option": "Its Neighbor Discovery messages hold {seen} where {due} must stand.",
}
#: What came of the frames of a death that were sent again (`reports.deaths.PROOFS`), in words.
_PROVED: Final = {
    "each time": "killed it each time",
    "not each time": "killed it again, but not each time",
    "never": "did not kill it again",
    "without any": "killed it no more than ordinary echoes did",
}
_END: Final = re.compile(r"\(of (\d+) octets\)")
_BEHIND: Final = re.compile(r"(\d+) octets more")
_PARAMETER: Final = re.compile(r"\[(\d+)\]$")
_AT: Final = re.compile(r"goes to ([0-9a-f]{4}|[0-9a-f]{16})\b")
#: Results of a cause whose texts are read.
_RESULTS: Final = 40
#: Frames that a death counts as having taken, where the record does not tell.
_UNTOLD: Final = 1000
#: Tests that passed and are named.
_FEW: Final = 2
#: Characters of what was due or seen that a sentence takes.
_SHORT: Final = 70


def notice(cause: Cause, scope: Scope) -> str:
    """What a user would notice; empty for a cause that no finding shows."""
    findings = cause.findings
    if not findings or cause.effect is None:
        return ""
    if cause.kind == "advice":
        return _uncharged(findings[0]) if cause.effect is NOTED else cause.effect.notice
    if any(finding["code"] in DEATHS for finding in findings):
        return _of_death(cause, scope)
    told = _told(cause, scope)
    return told or f"{cause.effect.notice}{_question(cause)}"


def _uncharged(finding: Mapping[str, Any]) -> str:
    """What came of advice under a requirement that binds, and why it is not charged to the node."""
    effect = named(code_of(finding), str(finding["requirement"]))
    lost = effect is not None and effect.name in ("traffic lost", "some forms lost")
    why = (
        "a packet may be lost on its way, and IPv6 allows that"
        if lost
        else "whether it covers this case is read in two ways, or is for another text to say"
    )
    return f"{effect.notice if effect else ''} {NOTED.notice.rstrip('.')}: {why}.".strip()


def subject(cause: Cause) -> str:
    """The globs of the sentence that most findings of the worst effect have; their code where it has none."""
    effect = cause.effect
    codes = Counter(_globs(found) for found in cause.findings if effect_of(found) is effect)
    most = codes.most_common(1)[0][0] if codes else ""
    return _SIZES if most == _MIXED and codes[_SIZES] else most


def about(cause: Cause, finding: Mapping[str, Any]) -> bool:
    """Whether a finding is one that the sentence of a cause is about."""
    return cause.owns(finding) and effect_of(finding) is cause.effect and _globs(finding) == cause.subject


def _globs(finding: Mapping[str, Any]) -> str:
    found = _globs_of(code_of(finding), str(finding["requirement"]))
    if found == _CHECKSUM and finding.get("field") != "udp_checksum":
        return _globs_of("misread", "")
    return found


@lru_cache(maxsize=4096)
def _globs_of(code: str, row: str) -> str:
    return next((globs for globs in _SAID if _meant(globs, code, row)), code)


def breadth(cause: Cause) -> int:
    """How far a cause is narrowed: of a death by the frames that it takes, of others by the traits of its packets."""
    if any(finding["code"] in DEATHS for finding in cause.findings):
        return dies_of(_texts(cause)) or _UNTOLD
    return cause.scope.narrow


def _of_death(cause: Cause, scope: Scope) -> str:
    """How many frames it takes, who can send them, what is left of the node, and whether it died of them again."""
    told = list(_texts(cause))
    count = dies_of(told)
    frames = f"{'one frame' if count == 1 else f'{count} frames'}" if count else _sent_in(cause)
    proofs = Counter(map(died_again, told))
    if told and proofs["without any"] == len(told):
        return (
            "The node stops by itself, whatever it is sent: it does so behind ordinary echoes as well, and is off the "
            "network until it is started again."
        )
    texts = [str(finding.get("actual") or "") for finding in told]
    hangs = bool(texts) and all("(alive)" in text or "no control is answered" in text for text in texts)
    after = (
        "it answers nothing any more until somebody restarts it"
        if hangs
        else "it is off the network until it is started again"
    )
    who = _anybody(cause, scope, capital=True)
    return f"{who} can stop the node by {frames}: {after}.{_reproduced(cause, proofs)}"


def _reproduced(cause: Cause, proofs: Counter[str]) -> str:
    """In how many cases the node died again of what was sent again; empty where nothing is to be said."""
    every, again = proofs.total(), proofs.total() - proofs[""]
    if not proofs["never"] + proofs["not each time"]:
        return ""
    if proofs["never"] == every:
        return " Sent once more, the same frames did not do it."
    told = [f"those of {proofs[kind]} {words}" for kind, words in _PROVED.items() if proofs[kind]]
    noun = "cases" if len(cause.cases) == len(cause.shown) == every else "results"
    of = f"all {every}" if again == every == len(cause.shown) else f"{again} of {len(cause.shown)}"
    return f" The frames of {of} {noun} were sent again: {', '.join(told)}."


def _texts(cause: Cause) -> Iterator[Mapping[str, Any]]:
    """Findings that the sentence is about, of some results, with what they say: those of a farm are read again."""
    for _, _, result in cause.shown[:_RESULTS]:
        yield from (one for one in whole(result)["findings"] if about(cause, one))


def _told(cause: Cause, scope: Scope) -> str:
    """The sentence of what most of its worst findings have; empty where there is none."""
    said = _SAID.get(cause.subject, "")
    if not said and cause.subject in FIELDS:
        said = "{Packets} come out with another " + spoken(cause.subject) + ": {seen} in the place of {due}."
    sample = cause.example()
    mine = [one for one in sample[2]["findings"] if about(cause, one)] if sample else []
    found = next(iter(mine), None) or next(_texts(cause), None)
    if not said or found is None:
        return ""
    due, seen = (_brief(str(found.get(key) or ""), cause.subject) for key in ("expected", "actual"))
    if ("{due}" in said and not due) or ("{seen}" in said and not seen):
        return ""
    number = _BEHIND.search(str(found.get("actual") or ""))
    whom = f" {scope.words}" if scope.words else ""
    some = cause.right_too or not scope.told
    told = said.format(
        Packets=f"Some packets{whom}" if some else f"Packets{whom}",
        Requests=f"Some requests{whom}" if some else f"Requests{whom}",
        anybody=_anybody(cause, scope),
        Anybody=_anybody(cause, scope, capital=True),
        neighbour=_neighbours(cause),
        number=number[1] if number else "some",
        due=due,
        seen=seen,
        cut=_cut(found),
        memory="octets of the node's memory" if shows_memory(found) else "something else",
        sizes=_sizes(cause),
        question=_question(cause),
    )
    if "{Packets}" not in said and "{Requests}" not in said:
        return told
    right, every = cause.alike
    if right and not some:  # "never" of all of them, and some are right: it is said of how many
        told = told.replace(" never arrive.", " do not arrive.")
        return f"{told.rstrip('.')} in {every - right} of {every} cases of this kind{_those(cause)}."
    return told + _right(cause, scope)


def _sizes(cause: Cause) -> str:
    """The sizes that the cases of a cause name as their parameter."""
    found = sorted({int(name[1]) for case in cause.cases if (name := _PARAMETER.search(case.name))})
    if not found:
        return ""
    return f" of {found[0]:,} octets" + (f" and more, to {found[-1]:,}," if len(found) > 1 else "")


def _cut(finding: Mapping[str, Any]) -> str:
    """Of data that end too early how many octets are left."""
    came, due = (_END.search(str(finding.get(key) or "")) for key in ("actual", "expected"))
    cut = came and due and "the end" in str(finding["actual"])
    return f": they end behind octet {came[1]} of {due[1]}" if cut and came and due else ""


def _meant(globs: str, code: str, requirement: str) -> bool:
    for glob in globs.split():
        name, _, row = glob.partition("=")
        if fnmatchcase(code, name) and (not row or row == requirement):
            return True
    return False


def _brief(text: str, subject: str = "") -> str:
    """What was due or seen where it is short enough for a sentence; empty elsewhere.

    Of a field the value alone: in front of it stands its name, and behind it in brackets what it was sent in.
    """
    text = text.partition(" (IPHC")[0].partition(" (context")[0].strip().rstrip(".")
    name = subject.replace("_", " ")
    if subject in FIELDS and text.startswith(f"{name} "):
        text = text.removeprefix(name).partition(" (")[0].strip()
    return text if len(text) <= _SHORT else ""


def spoken(field: str) -> str:
    """A field of a packet as one writes it: "UDP source port"."""
    words = field.replace("_", " ")
    return words.replace("udp", "UDP").replace("icmp", "ICMPv6")


def _anybody(cause: Cause, scope: Scope, *, capital: bool = False) -> str:
    if cause.link == "ble":
        who = "whoever connects to it"
    elif scope.secured:
        who = "whoever has the key of its network"
    else:
        who = "whoever is in radio range"
    return who[0].upper() + who[1:] if capital else who


def _neighbours(cause: Cause) -> str:
    """Which neighbours are meant, by the addresses that were due."""
    due = {len(found[1]) for one in _texts(cause) if (found := _AT.search(str(one.get("expected") or "")))}
    if due == {4}:
        return "with a 16-bit link-layer address"
    return (
        "with an EUI-64 as its link-layer address" if due == {16} else "that it learned by Neighbor Discovery"
    )


def _right(cause: Cause, scope: Scope) -> str:
    """What was right all the same, of cases of the same functions."""
    right, every = cause.alike
    too = (
        f" Others of this kind arrive (as in the case {cause.right_too})."
        if cause.right_too and scope.told
        else ""
    )
    if not right:
        return too
    return f"{too} Of {every} cases of this kind {every - right} failed and {right} passed{_those(cause)}."


def _those(cause: Cause) -> str:
    """The cases that passed, where these are few: what they try tells for what the fault does not hold."""
    few = cause.alike_right if len(cause.alike_right) <= _FEW else []
    told = few == [cause.right_too]
    return f" (passed: {', '.join(few)})" if few and not told else ""


def _question(cause: Cause) -> str:
    """What does not hold, in the words of the case, where few show it."""
    said = Counter(case.what.partition(". ")[0].strip() for _, case, _ in cause.shown if case.what)
    if len(said) != 1:
        return ""
    (what,) = said
    return f" What does not hold here: {what.rstrip('.')}."


def _sent_in(cause: Cause) -> str:
    """What was sent when the node was lost, where it is not known which frames did it."""
    count = len(cause.cases)
    return f"what {'one case' if count == 1 else f'{count} cases'} sent, of which it is not known which frames did it"
