"""The bytecode of RFC 7400 as fields of the header tree: what each code appends, and where it takes that from."""

from __future__ import annotations

from collections.abc import Iterator

from sixlowpan import compress, ghc, ipv6, nhc
from sixlowpan.errors import DecodeError
from sixlowpan.tree import CutShort, Walk

_ROW = {
    ghc.LITERAL: "RFC7400-2-02",
    ghc.ZEROS: "RFC7400-2-03",
    ghc.END: "RFC7400-2-04",
    ghc.EXTEND: "RFC7400-2-05",
    ghc.COPY: "RFC7400-2-06",
}
_NAMES = {
    ipv6.HOP_BY_HOP: "hop-by-hop options header",
    ipv6.ROUTING: "routing header",
    ipv6.DESTINATION: "destination options header",
    ipv6.UDP: "data of UDP",
    ipv6.ICMPV6: "message of ICMPv6",
}
_DICTIONARY = ("source address", "destination address", "static dictionary")


def bytecode(walk: Walk, at: int, addresses: tuple[bytes, bytes], *, stop: bool = False) -> int:
    """Add a field for each code from `at`; the offset behind the last one. `stop` as in `ghc.expand`.

    Where the codes are no bytecode the walk ends, with the octets from there as a field.
    """
    data, out = walk.data, b""
    begin = at
    walk.header("GHC", at, "RFC7400-2-01")
    try:
        for step in ghc.steps(data, at, b"".join(addresses), nhc.MAX_SIZE, stop):
            walk.octets(step.kind, step.at, step.end - step.at, _meaning(step, len(out)), _ROW[step.kind])
            out += step.octets
            at = step.end
    except DecodeError:
        if at < len(data):
            walk.octets("octets", at, len(data) - at, data=True)
        raise CutShort from None
    walk.node.meaning = f"{len(out)} octets from {at - begin}"
    smallest = len(ghc.compress(out, b"".join(addresses))) + stop
    if smallest < at - begin:
        walk.node.meaning += f", where {smallest} do"
    return at


def choices(packet: bytes) -> Iterator[str]:
    """A line for each part of a packet that GHC could carry: how large it is either way, and which way it goes."""
    for part in compress.weighed(packet):
        plain = "as it is" if part.payload else "by RFC 6282"
        chosen = "GHC" if part.by_ghc else "GHC gains nothing"
        yield f"{_NAMES[part.protocol]}: {part.plain} octets {plain}, {part.packed} by GHC: {chosen}"


def _meaning(step: ghc.Step, out: int) -> str:
    if step.kind == ghc.LITERAL:
        return f"append {len(step.octets)} octets as they are"
    if step.kind == ghc.ZEROS:
        return f"append {len(step.octets)} zeros"
    if step.kind == ghc.EXTEND:
        return f"na = {step.length}, sa = {step.back} for the backreference that follows"
    if step.kind == ghc.COPY:
        source = 48 + out - step.back
        where = f"octet {source - 48} of the output"
        if source < 48:
            where = f"octet {source % 16} of the {_DICTIONARY[source // 16]}"
        return f"append {step.length} octets from {step.back} to the left, {where}: {step.octets.hex()}"
    return "end of the header"
