"""Contexts: prefixes that both ends know, by a 4-bit identifier (RFC 6282 section 3.1.2).

Immutable. What the codec asks on its hot path is worked out when the object is made: `table` for the decoder
(identifier -> context), `heads` and `long` for the encoder. A context of up to 64 bits matches an address
whose first 8 octets are those of the padded prefix ("Any remaining bits are zero"), so one dictionary finds
it; longer ones reach into the IID and are compared bit by bit.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

ALL_ONES: Final = (1 << 128) - 1


@dataclass(frozen=True, slots=True)
class Context:
    """One context: `prefix` has 16 octets, zero beyond `length` bits (0..128).

    `compress` is the C flag of the 6CO (RFC 6775 section 4.2): False means valid for decompression only.
    """

    prefix: bytes
    length: int
    compress: bool = True
    head: bytes = field(init=False, repr=False, compare=False)
    value: int = field(init=False, repr=False, compare=False)
    mask: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.prefix) != 16 or not 0 <= self.length <= 128:
            raise ValueError("a context has a prefix of 16 octets and a length of 0..128 bits")
        value = int.from_bytes(self.prefix, "big")
        mask = ALL_ONES ^ (ALL_ONES >> self.length)
        if value & ~mask:
            raise ValueError(f"prefix {self.prefix.hex()} has bits beyond its length of {self.length}")
        object.__setattr__(self, "head", self.prefix[:8])
        object.__setattr__(self, "value", value)
        object.__setattr__(self, "mask", mask)

    @classmethod
    def parse(cls, text: str, compress: bool = True) -> Context:
        """`Context.parse("2001:db8::/64")`; bits beyond the length do not count; ValueError if it is none."""
        network = ipaddress.IPv6Network(text, strict=False)
        return cls(network.network_address.packed, network.prefixlen, compress)

    def address(self, iid: bytes) -> bytes:
        """The address made of this context and 8 IID octets: context bits win, what neither covers is zero.

        RFC 6282 3.1.1: "Bits covered by context information are always used. Any IID bits not covered by
        context information are taken directly from the corresponding bits carried in-line. Any remaining
        bits are zero."
        """
        if self.length <= 64:
            return self.head + iid
        return (self.value | int.from_bytes(iid, "big") & ~self.mask).to_bytes(16, "big")

    def covers(self, address: bytes) -> bool:
        """True if the first `length` bits of the address are the prefix."""
        return (int.from_bytes(address, "big") ^ self.value) & self.mask == 0

    def __str__(self) -> str:
        return f"{ipaddress.IPv6Address(self.prefix)}/{self.length}"


class Contexts(Mapping[int, Context]):
    """Up to 16 contexts by identifier (0..15); immutable, see `with_context` and `without`."""

    __slots__ = ("_contexts", "heads", "long", "table")

    def __init__(self, contexts: Mapping[int, Context] | None = None) -> None:
        self._contexts = dict(sorted((contexts or {}).items()))
        if any(not 0 <= identifier <= 15 for identifier in self._contexts):
            raise ValueError("a context identifier is 0..15")
        self.table: list[Context | None] = [self._contexts.get(identifier) for identifier in range(16)]
        self.heads: dict[
            bytes, int
        ] = {}  # first 8 octets of an address -> lowest identifier that yields them
        self.long: list[tuple[int, Context]] = []
        for identifier, context in self._contexts.items():
            if not context.compress:  # RFC 6775 4.2: with C=0 a node MUST NOT use the context for compression
                continue
            if context.length <= 64:
                self.heads.setdefault(context.head, identifier)
            else:
                self.long.append((identifier, context))

    @classmethod
    def parse(cls, described: Mapping[str, Any]) -> Contexts:
        """`{"0": "2001:db8::/64", "1": {"prefix": "2001:db8:1::/48", "compress": false}}`; ValueError if wrong."""
        contexts = {}
        for identifier, value in described.items():
            if isinstance(value, str):
                contexts[int(identifier)] = Context.parse(value)
                continue
            prefix = value.get("prefix") if isinstance(value, Mapping) else None
            if prefix is None:
                raise ValueError(
                    f"context {identifier}: a prefix, or an object with prefix and compress, is expected"
                )
            contexts[int(identifier)] = Context.parse(str(prefix), bool(value.get("compress", True)))
        return cls(contexts)

    def with_context(self, identifier: int, context: Context) -> Contexts:
        """These contexts and one more, or one replaced."""
        return Contexts({**self._contexts, identifier: context})

    def without(self, identifier: int) -> Contexts:
        """These contexts without one (it need not be there)."""
        return Contexts({key: value for key, value in self._contexts.items() if key != identifier})

    def usable(self) -> Iterator[tuple[int, Context]]:
        """Identifier and context of those that may be used for compression."""
        return ((identifier, context) for identifier, context in self._contexts.items() if context.compress)

    def __getitem__(self, identifier: int) -> Context:
        return self._contexts[identifier]

    def __iter__(self) -> Iterator[int]:
        return iter(self._contexts)

    def __len__(self) -> int:
        return len(self._contexts)

    def __repr__(self) -> str:
        return f"Contexts({ {identifier: str(context) for identifier, context in self.items()} })"


NO_CONTEXTS: Final = Contexts()
