"""The header tree itself: fields, how a payload is walked to make them, and their text."""

from __future__ import annotations

from dataclasses import dataclass, field

from sixlowpan.contexts import Contexts
from sixlowpan.link import LinkInfo


@dataclass(slots=True)
class Field:
    """One field: `bits` bits from bit `bit_offset` of octet `offset`; `raw` are the octets it touches."""

    name: str
    offset: int
    bit_offset: int
    bits: int
    raw: bytes
    value: int | bytes | str
    meaning: str = ""
    requirement: str | None = None
    error: str | None = None
    children: list[Field] = field(default_factory=list)

    @property
    def has_error(self) -> bool:
        """True if this field or one below it is wrong."""
        return self.error is not None or any(child.has_error for child in self.children)

    def holds(self, offset: int) -> bool:
        """True if that octet belongs to the field."""
        return self.offset <= offset < self.offset + len(self.raw)


class CutShort(Exception):  # noqa: N818  the end of a walk, not a fault of ours
    """The payload has no more octets."""


class Walk:
    """Adds fields under the node at hand; running out of octets ends the walk (`CutShort`)."""

    def __init__(self, data: bytes, link: LinkInfo, contexts: Contexts) -> None:
        self.data, self.link, self.contexts = data, link, contexts
        self.root = Field("payload", 0, 0, 8 * len(data), data, f"{len(data)} octets")
        self.node = self.root

    def header(self, name: str, at: int, requirement: str | None = None, meaning: str = "") -> None:
        """Begin a header; its extent grows with its fields."""
        self.node = Field(name, at, 0, 0, b"", "", meaning, requirement)
        self.root.children.append(self.node)

    def bits(
        self, name: str, at: int, first: int, count: int, meaning: str = "", row: str | None = None
    ) -> int:
        """A field of a few bits within one octet; bit 0 is the highest."""
        octet = self.octet(at)
        value = octet >> (8 - first - count) & (1 << count) - 1
        self.add(Field(name, at, first, count, self.data[at : at + 1], value, meaning, row))
        return value

    def octets(
        self, name: str, at: int, count: int, meaning: str = "", row: str | None = None, *, data: bool = False
    ) -> int:
        """A field of whole octets, a number where it is short and no `data`; returns the offset behind it."""
        if at + count > len(self.data):
            if at < len(self.data):
                raw = self.data[at:]
                self.add(Field(name, at, 0, 8 * len(raw), raw, raw, "cut short", row))
            raise CutShort
        raw = self.data[at : at + count]
        value: int | bytes = int.from_bytes(raw, "big") if count <= 4 and not data else raw
        if count:
            self.add(Field(name, at, 0, 8 * count, raw, value, meaning, row))
        return at + count

    def octet(self, at: int) -> int:
        """The octet there."""
        if at >= len(self.data):
            raise CutShort
        return self.data[at]

    def add(self, child: Field) -> None:
        """Hang a field on the node at hand."""
        node = self.node
        node.children.append(child)
        end = max(node.offset + len(node.raw), child.offset + len(child.raw))
        node.raw = self.data[node.offset : end]
        node.bits = 8 * len(node.raw)


def render(tree: Field) -> str:
    """The tree as text: a field a line with its octets, errors marked, and the payload with the wrong octets marked."""
    lines: list[str] = []
    wrong: set[int] = set()

    def show(node: Field, depth: int) -> None:
        where = f"{node.offset:4}" + (
            f".{node.bit_offset}+{node.bits}" if node.bits % 8 or node.bit_offset else ""
        )
        value = node.value.hex() if isinstance(node.value, bytes) else node.value
        text = f"{where:<10}{'  ' * depth}{node.name}"
        text += f" = {value}" if value != "" else ""
        text += f": {node.meaning}" if node.meaning else ""
        text += f"  [{node.requirement}]" if node.requirement else ""
        lines.append(text)
        if node.error:
            lines.append(f"{'':<10}{'  ' * depth}^^^ {node.error}")
            wrong.update(range(node.offset, node.offset + max(len(node.raw), 1)))
        for child in node.children:
            show(child, depth + 1)

    show(tree, 0)
    if wrong:
        lines.append("")
        for begin in range(0, max(len(tree.raw), max(wrong) + 1), 16):
            row = range(begin, begin + 16)
            lines.append(
                f"{begin:4}  "
                + " ".join(
                    tree.raw[begin : begin + 16].hex()[i : i + 2]
                    for i in range(0, 2 * len(tree.raw[begin : begin + 16]), 2)
                )
            )
            if wrong.intersection(row):
                lines.append(
                    ("      " + " ".join("^^" if octet in wrong else "  " for octet in row)).rstrip()
                )
    return "\n".join(lines)
