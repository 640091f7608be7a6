"""Which section of which RFC a case belongs to, and its subject, as a reader sees them.

Strategy: the second part of a case id is the name of the file that holds the case. Where a section has several files,
that name ends in a word (`rfc4944/5.3.key`), and no RFC has such a section. The id stays as it is, for records of
different versions are compared by it; what is shown is the number that the RFC has, and the subject in words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Final

#: File of cases -> (sections as the RFC numbers them, subject). Files whose name is a number alone are not here.
SUBJECTS: Final[dict[str, tuple[str, str]]] = {
    "rfc4944/2.headers": ("§2", "forms of MAC headers"),
    "rfc4944/5.1.fragments": ("§5.1", "uncompressed packets in fragments"),
    "rfc4944/5.2.forms": ("§5.2", "every form behind a mesh or broadcast header"),
    "rfc4944/5.3.key": ("§5.3", "which fragments belong together"),
    "rfc4944/5.3.order": ("§5.3", "order of fragments"),
    "rfc4944/5.3.overlap": ("§5.3", "fragments that contradict each other"),
    "rfc4944/5.3.own": ("§5.3", "answers that the DUT fragments"),
    "rfc4944/5.3.several": ("§5.3", "one datagram behind another, and several at a time"),
    "rfc4944/5.3.timer": ("§5.3", "reassembly timer"),
    "rfc4944/5.overlap.timer": ("§5.3", "reassembly timer behind an overlap"),
    "rfc4944/5.own": ("§5.3", "other packets that the DUT fragments"),
    "rfc4944/5.own.ways": ("§5.3", "what the DUT fragments between addresses of each kind"),
    "rfc4944/8.options": ("§8", "link-layer address options"),
    "rfc4944/beyond": ("", "what this suite cannot try"),
    "rfc6282/2.fragments": ("§2", "compressed headers in a first fragment"),
    "rfc6282/3.1.1.own": ("§3.1.1", "forms that the DUT sends"),
    "rfc6282/3.1.2.lengths": ("§3.1.2", "contexts of any length"),
    "rfc6282/3.1.2.use": ("§3.1.2", "contexts that change, and those that the DUT uses"),
    "rfc6282/3.2.2.broadcast": ("§3.2.2", "elided addresses in broadcast frames"),
    "rfc6282/3.2.own": ("§3.2", "addresses that the DUT sends"),
    "rfc6282/3.2.values": ("§3.2", "every value of what is carried in-line"),
    "rfc6282/3.any": ("§3", "any combination of fields"),
    "rfc6282/3.forwarded": ("§3", "what a router compresses anew"),
    "rfc6282/4.2.chains": ("§4.2", "chains of extension headers"),
    "rfc6282/4.2.own": ("§4.2", "extension headers that the DUT sends"),
    "rfc6282/4.2.partly": ("§4.2", "chains that are compressed in part"),
    "rfc6282/4.3.own": ("§4.3", "datagrams that the DUT sends"),
    "rfc6775/5.4.again": ("§5.4", "a second advertisement"),
    "rfc6775/5.5.again": ("§5.5", "registrations that are tried again or renewed"),
    "rfc6775/4.2.events": ("§4.2", "contexts behind events"),
    "rfc6775/5.lost": ("§5", "routers that are lost"),
    "rfc6775/5.events": ("§5", "a host behind events"),
    "rfc6775/6.3.again": ("§6.3", "solicitations again"),
    "rfc6775/6.5.3.again": ("§6.5.3", "registrations again"),
    "rfc6775/6.5.events": ("§6.5", "registrations behind events"),
    "rfc6775/6.5.ignored": ("§6.5", "solicitations that are ignored"),
    "rfc6775/8.1.again": ("§8.1", "multihop distribution as time passes"),
    "rfc6775/8.2.4.again": ("§8.2.4", "a 6LBR's table again"),
    "rfc6775/8.2.again": ("§8.2", "confirmations while a host waits"),
    "rfc6775/8.events": ("§8", "a 6LR behind events"),
    "rfc7400/2.every": ("§2", "each code octet; checksums of what is compressed"),
    "rfc7400/2.codes": ("§2", "codes in company: variables, dictionary, chains, fragments"),
    "rfc7668/2.4.credits": ("§2.4", "credits of the L2CAP channel"),
    "rfc7668/2.4.frames": ("§2.4", "K-frames"),
    "rfc7668/2.4.signals": ("§2.4", "signalling beside the channel's data"),
    "rfc7668/3.2.3.6lbr": ("§3.2.3", "registrations at a 6LBR"),
    "rfc7668/3.2.3.again": ("§3.2.3", "a second advertisement"),
    "rfc7668/3.2.4.again": ("§3.2.4", "the latest registered address again"),
    "rfc7668/3.2.5.listeners": ("§3.2.5", "multicast listeners behind events"),
    "rfc7668/3.2.6lbr": ("§3.2", "the DUT as a 6LBR"),
    "rfc7668/3.star": ("§3.2.1", "the star"),
    "rfc7668/3.star.again": ("§3.2.1", "what the star does not share"),
    "rfc7668/3.star.events": ("§3.2.1", "events in the star"),
    "rfc8505/4.2.again": ("§4.2", "Extended Duplicate Address messages again"),
    "rfc8505/4.again": ("§4", "a router's registrations again"),
    "rfc8505/4.events": ("§4", "TIDs behind events"),
    "rfc8505/5.events": ("§5", "registrations behind events"),
}


#: What each document is about, for whoever does not know its number.
DOCUMENTS: Final = {
    "RFC 4861": "neighbor discovery",
    "RFC 4944": "IPv6 over IEEE 802.15.4: frames, fragments, mesh headers",
    "RFC 6282": "header compression",
    "RFC 6775": "neighbor discovery for 6LoWPAN: registration, contexts",
    "RFC 7400": "generic header compression",
    "RFC 7668": "IPv6 over Bluetooth LE",
    "RFC 8025": "paging dispatch",
    "RFC 8066": "ESC dispatch",
    "RFC 8505": "registration extensions",
}
#: What stands for the document of cases that belong to no RFC.
BESIDE: Final = "Beside the RFCs"


#: Parameters of one case that are named where several are told in one line.
_PARAMETERS: Final = 6
#: Codes of one requirement that are named.
_CODES: Final = 3


def folded(cases: Iterable[str], limit: int = 12) -> str:
    """Case ids in one line, in their order: parameters of one case in one bracket, `limit` cases at most.

    `rfc4944/5.3/echo_of_every_size[94, 95, 96, 97, 100, 111 and 21 more], rfc4944/4/mtu`.
    """
    by_function: dict[str, list[str]] = {}
    for case in cases:
        function, _, one = case.partition("[")
        by_function.setdefault(function, []).append(one.removesuffix("]"))
    told = []
    for function, parameters in list(by_function.items())[:limit]:
        shown = ", ".join(parameters[:_PARAMETERS])
        more = f" and {len(parameters) - _PARAMETERS} more" if len(parameters) > _PARAMETERS else ""
        told.append(f"{function}[{shown}{more}]" if any(parameters) else function)
    rest = sum(len(parameters) for parameters in list(by_function.values())[limit:])
    return ", ".join(told) + (f" and {rest} more" if rest else "")


def breaches(told: str) -> str:
    """Breaches ("code (requirement)", with commas) in short: of many codes of one requirement the first, and how many.

    A sweep has a code for each of its forms, and a form that fails fails with all that are like it.
    """
    by_row: dict[str, list[str]] = {}
    for one in filter(None, told.split(", ")):
        code, _, row = one.partition(" (")
        by_row.setdefault(row, []).append(code)
    if not any(len(codes) > _CODES for codes in by_row.values()):
        return told
    return ", ".join(
        f"{', '.join(codes[:_CODES])}{f' and {len(codes) - _CODES} more' * (len(codes) > _CODES)}"
        + (f" ({row}" if row else "")
        for row, codes in by_row.items()
    )


def section_of(case: str) -> tuple[str, str]:
    """Key and title of a case's group: `rfc6282/3.1.1/tf[00]` has "rfc6282/3.1.1" and "RFC 6282 §3.1.1"."""
    parts = case.split("[", 1)[0].split("/")
    document = re.fullmatch(r"rfc(\d+)", parts[0])
    if document is None:
        return parts[0], parts[0]
    if len(parts) == 2:
        return parts[0], f"RFC {document[1]}"
    key = "/".join(parts[:2])
    section, subject = SUBJECTS.get(key) or _read(parts[1])
    title = f"RFC {document[1]} {section}".rstrip()
    return key, f"{title}, {subject}" if subject else title


def document_of(key: str, title: str) -> str:
    """The document of a section (`section_of`): "RFC 6282", or `BESIDE`."""
    return re.split(r" §|,", title, maxsplit=1)[0] if key.startswith("rfc") else BESIDE


def _read(part: str) -> tuple[str, str]:
    """Section and subject of a file that is not in the table (a record of another version): its number, its words."""
    numbers = re.match(r"\d+(\.\d+)*(?=\.|$)", part)
    rest = part[numbers.end() :] if numbers else part
    return f"§{numbers[0]}" if numbers else "", rest.strip(".").replace(".", " ").replace("_", " ")


def fits(text: str, glob: str) -> bool:
    """Whether an id is meant: itself, the case without its parameters, or a glob (a bracket is a bracket)."""
    return glob in ("*", text, text.partition("[")[0]) or fnmatchcase(text, glob.replace("[", "[[]"))


def nearest(name: str, there: Iterable[str], most: int = 3) -> str:
    """The names that a mistaken one may have meant, in words: `most` that are like it, else the first ones."""
    known = list(dict.fromkeys(there))
    return ", ".join(get_close_matches(name, known, most, 0.5) or known[:3]) or "none"


def globs(cases: Iterable[str]) -> set[str]:
    """Everything of which a glob of cases may be a misspelling: `PART/*` for every part of these ids."""
    parts = [case.partition("[")[0].split("/") for case in cases]
    return {"/".join([*part[:count], "*"]) for part in parts for count in range(1, len(part))}


def rig_and_case(line: str) -> tuple[str, str]:
    """What is required in a line: (glob of rigs, glob of cases) of `CASE`, or of `RIG CASE`."""
    first, _, rest = line.strip().partition(" ")
    return (first, rest.strip()) if rest and "/" not in first else ("*", line.strip())
