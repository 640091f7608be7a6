"""What a vector is, and how a family of them is written.

Strategy: a family is one decorated Python function whose docstring says what is tried and why; it yields
vectors, and the decorator adds what they share (id, section, flags). Vectors hold hexadecimal text, because
that is what goes into the JSON, into a failure message and into somebody else's test suite.

A vector says what `payloads` stand for, between the link addresses `src` and `dst`, with `contexts` known: the
`packets` they become in this order, or the kind of error by which they are `refused`, or both for a stream
with one bad payload in it. Several kinds mean that the RFCs do not settle which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

KINDS = ("malformed", "reserved", "unsupported")
LINKS = ("ieee802154", "ble")
#: Flag of a vector that a receiver takes, but that a sender must not send or has no reason to.
RECEIVE_ONLY = "receive-only"


@dataclass(frozen=True, slots=True)
class Payload:
    """One 6LoWPAN payload; addresses and time only where they differ from the vector's."""

    payload: str
    src: str = ""
    dst: str = ""
    t: float = 0.0

    def to_json(self) -> str | dict[str, Any]:
        rest = {"src": self.src, "dst": self.dst, "t": self.t}
        shown = {key: value for key, value in rest.items() if value}
        return {"payload": self.payload, **shown} if shown else self.payload


@dataclass(frozen=True, slots=True)
class Vector:
    """Payloads, and the packets they stand for. All octets are hexadecimal text.

    `contexts` maps identifiers ("0".."15") to prefixes, or to `{"prefix", "compress"}`. `pending` is how many
    datagrams stay incomplete. `options` are what else the link knows: `pan`, `integrity`, `role`, `registered`.
    """

    id: str
    rfc: int
    section: str
    requirements: tuple[str, ...]
    link: str
    src: str
    dst: str
    payloads: tuple[Payload, ...]
    packets: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    pending: int = 0
    contexts: Mapping[str, Any] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    note: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def payload(self) -> bytes:
        """The only payload of an unfragmented vector."""
        if len(self.payloads) != 1:
            raise ValueError(f"{self.id} has {len(self.payloads)} payloads")
        return bytes.fromhex(self.payloads[0].payload)

    @property
    def packet(self) -> bytes | None:
        """The only packet, or None if the payloads are refused or incomplete."""
        if len(self.packets) > 1:
            raise ValueError(f"{self.id} has {len(self.packets)} packets")
        return bytes.fromhex(self.packets[0]) if self.packets else None

    @property
    def legal_to_send(self) -> bool:
        """Whether a conforming node may send these payloads."""
        return not self.refused and not self.pending and RECEIVE_ONLY not in self.flags

    def to_json(self) -> dict[str, Any]:
        """The vector as it stands in the JSON files: what is empty is left out."""
        line: dict[str, Any] = {
            "id": self.id,
            "requirements": list(self.requirements),
            "link": self.link,
            "src": self.src,
            "dst": self.dst,
            "contexts": dict(self.contexts),
            "payloads": [payload.to_json() for payload in self.payloads],
            "packets": list(self.packets),
            "refused": list(self.refused),
            "pending": self.pending,
            "flags": list(self.flags),
            "note": self.note,
            "options": dict(self.options),
        }
        keep = ("id", "requirements", "link", "src", "dst", "payloads")
        return {key: value for key, value in line.items() if value or key in keep}


@dataclass(frozen=True, slots=True)
class Family:
    """One decorated function: where it belongs, what it says, and how to get its vectors."""

    name: str
    rfc: int
    section: str
    what: str
    flags: tuple[str, ...]
    function: Callable[[], Iterable[Vector]]

    def vectors(self) -> Iterator[Vector]:
        """Its vectors, with id, section and flags filled in."""
        for vector in self.function():
            yield replace(
                vector,
                id=f"rfc{self.rfc}/{self.section}/{self.name}[{vector.id}]",
                rfc=self.rfc,
                section=self.section,
                flags=tuple(dict.fromkeys((*self.flags, *vector.flags))),
            )


#: All families by id prefix, in the order in which their modules are read.
FAMILIES: dict[str, Family] = {}


def family(
    rfc: int, section: str, *flags: str
) -> Callable[[Callable[[], Iterable[Vector]]], Callable[[], Iterable[Vector]]]:
    """Register a function as the family of that RFC section that bears its name."""

    def register(function: Callable[[], Iterable[Vector]]) -> Callable[[], Iterable[Vector]]:
        what = " ".join((function.__doc__ or "").split())
        found = Family(function.__name__, rfc, section, what, flags, function)
        key = f"rfc{rfc}/{section}/{found.name}"
        if key in FAMILIES or not what:
            raise ValueError(f"family {key}: there twice, or without a docstring")
        FAMILIES[key] = found
        return function

    return register


EUI_A, EUI_B = "00124b0001020304", "00124b0005060708"
SHORT_A, SHORT_B = "1234", "5678"
BLE_A, BLE_B = "c01122334455", "c0aabbccddee"


def vector(
    key: str,
    payloads: bytes | str | Iterable[bytes | Payload],
    packets: bytes | Iterable[bytes] = (),
    *,
    requirements: Iterable[str],
    refused: str | tuple[str, ...] = (),
    pending: int = 0,
    link: str = "ieee802154",
    src: str = EUI_A,
    dst: str = EUI_B,
    contexts: Mapping[str, Any] | None = None,
    flags: Iterable[str] = (),
    note: str = "",
    **options: Any,
) -> Vector:
    """One vector of a family; `key` is unique in the family and never changes its meaning."""
    if isinstance(payloads, bytes):
        payloads = [payloads]
    elif isinstance(payloads, str):
        payloads = [bytes.fromhex(payloads)]
    if isinstance(packets, bytes):
        packets = [packets]
    return Vector(
        id=key,
        rfc=0,
        section="",
        requirements=tuple(requirements),
        link=link,
        src=src,
        dst=dst,
        payloads=tuple(p if isinstance(p, Payload) else Payload(p.hex()) for p in payloads),
        packets=tuple(packet.hex() for packet in packets),
        refused=(refused,) if isinstance(refused, str) else refused,
        pending=pending,
        contexts=contexts or {},
        flags=tuple(flags),
        note=note,
        options=options,
    )
