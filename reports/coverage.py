"""How much of what was asked was tried: shares, by document, and why the rest was not.

Strategy: a green cell says something only with the share of its cases that were tried. Shares are whole percents that
never round to all or to none; what was left out before a case began (another link, two nodes) is counted beside what a
case itself could not try, and never in the share.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from reports.record import REASONS
from reports.view import Rig, View, worst

#: Why cases were left out before they began (`left_out` of a rig's `ready` line), in words.
LEFT_OUT: Final = {
    "not_chosen": "left out by the command line",
    "another_link": "they are about another kind of link than this rig has",
    "two_nodes": "they need two nodes on one air (make interop)",
    "one_node": "they are about one node, and this rig is a pair",
    "slow": "they take minutes each, and run with --slow or by their own name",
    "hunt": "they search for what breaks a node, and run with make hunt",
}


#: What a profile may declare, in words of a reader who has seen no profile: abilities, and optional parts of a stack.
DECLARED: Final = {
    "echo": "answers to pings",
    "ping": "pings on command",
    "udp": "UDP on command",
    "tcp": "TCP on command",
    "join": "joining a multicast group on command",
    "context": "taking a compression context on command",
    "connect": "opening the Bluetooth channel on command",
    "address": "taking an address on command",
    "console": "a command line",
    "reset": "a restart on command",
    "power": "switching its power",
    "ip_tap": "a view of the packets as the node decompressed them",
    "counters": "counters of packets",
    "discover": "being found by a Bluetooth scan",
    "choices": "other forms of sending on command",
    "port_unreachable": "ICMPv6 errors that quote the packet",
    "hc1": "the older header compression HC1",
    "mesh": "mesh headers",
    "broadcast": "broadcast headers",
    "ghc": "generic header compression, RFC 7400",
    "paging": "dispatch pages, RFC 8025",
    "nd": "neighbor discovery of RFC 6775",
    "nd_advertising": "a router's advertisements of RFC 6775",
    "nd_extended": "extended registration, RFC 8505",
    "multihop": "prefixes and contexts over several hops",
    "multihop_dad": "duplicate address detection over several hops",
}


@dataclass(slots=True)
class Part:
    """The cases of one document on one rig: how many, how many of them were tried, and why the others were not."""

    document: str
    total: int = 0
    tried: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def share(self) -> str:
        """The share that was tried, in words."""
        return share(self.tried, self.total)

    @property
    def fraction(self) -> float:
        """The same as a number from 0 to 1."""
        return self.tried / self.total if self.total else 1.0

    @property
    def why(self) -> str:
        """The most frequent reason of those that were not tried, in words; empty when all were."""
        return why(self.reasons.most_common(1)[0][0]) if self.reasons else ""


def share(part: int, whole: int) -> str:
    """A share in percent: "0 %" and "100 %" only for none and all of them."""
    if part in (0, whole):
        return "100 %" if part and part == whole else "0 %"
    return f"{min(99, max(1, round(100 * part / whole)))} %"


def explained(said: str) -> str:
    """What an unsupported result says, with what the names behind "does not declare" mean in brackets."""
    head, declare, names = said.partition(" does not declare ")
    told = [DECLARED[name] for name in names.replace(" or ", ", ").split(", ") if name in DECLARED]
    return f"{said} ({'; '.join(told)})" if declare and head and told else said


def why(reason: str) -> str:
    """A reason of an unsupported case in words."""
    return REASONS.get(reason, "the record does not say why")


def tried(counts: Mapping[str, int]) -> int:
    """Results of cases that were tried, whatever came of it."""
    return sum(count for name, count in counts.items() if name != "unsupported")


def paint(counts: Mapping[str, int]) -> str:
    """The state that a cell shows; `thin` where nothing is wrong, and less than half of it is known to be right."""
    found = worst(counts)
    return "thin" if found == "pass" and 2 * counts["pass"] < sum(counts.values()) else found


def parts(page: View, rig: str) -> list[Part]:
    """What was tried of each document on a rig, in the order of the page."""
    return page.once(_parts).get(rig, [])


def _parts(page: View) -> dict[str, list[Part]]:
    """Those of all rigs: a farm has a thousand, and each section is looked at once."""
    made: dict[str, dict[str, Part]] = {}
    for section in page.sections:
        document = section.document
        for rig, counts in section.counted.items():
            documents = made.setdefault(rig, {})
            part = documents.get(document)
            if part is None:
                part = documents[document] = Part(document)
            every = sum(counts.values())
            part.total += every
            part.tried += every - counts["unsupported"]
    for rig, documents in made.items():
        for document, reasons in page.reasons(rig).items():
            documents[document].reasons.update(reasons)
    return {rig: list(documents.values()) for rig, documents in made.items()}


def together(several: Iterable[list[Part]]) -> list[Part]:
    """The parts of several rigs as those of one."""
    made: dict[str, Part] = {}
    for one in (part for listed in several for part in listed):
        whole = made.setdefault(one.document, Part(one.document))
        whole.total += one.total
        whole.tried += one.tried
        whole.reasons.update(one.reasons)
    return list(made.values())


def left_out(rig: Rig, chosen: str = "") -> list[tuple[str, int, str]]:
    """(reason, cases, words) of what was left out before it began. `chosen`: the options that chose."""
    found = sorted((item for item in rig.left_out.items() if item[1]), key=lambda item: (-item[1], item[0]))
    by = f" ({chosen})" if chosen else ""
    return [
        (
            reason,
            count,
            LEFT_OUT.get(reason, reason.replace("_", " ")) + (by if reason == "not_chosen" else ""),
        )
        for reason, count in found
    ]
