"""Whose answer a packet of the DUT is: one to this case, one that comes late to an earlier case, or nobody's.

Strategy: each echo is known by identifier and sequence number, with the case that asked and what its right answer is. A
wrong answer cannot be told by that. It is late where it goes to an address that was ours in earlier cases only: each
case speaks from addresses of its own, where the link allows it. What cannot be decoded is late as well
where it ends with what an earlier case asked back.
"""

from __future__ import annotations

from collections.abc import Iterable

from rigs.tester.packets import DESTINATION_UNREACHABLE, ECHO_REPLY, PARAMETER_PROBLEM, Seen

_ANSWERS = frozenset({ECHO_REPLY, DESTINATION_UNREACHABLE, PARAMETER_PROBLEM})
_NOBODY = "", 0, 0


class Asked:
    """The echoes that were asked for, and the addresses that are no longer ours."""

    def __init__(self) -> None:
        self._name = ""
        #: (identifier, sequence) of an echo -> the case that asked, a hash of its source and data, and one of its data.
        self._echoes: dict[bytes, tuple[str, int, int]] = {}
        self._heard: set[bytes] = set()
        self._former: set[bytes] = set()

    def restart(self, name: str, addresses: Iterable[bytes]) -> None:
        """Another case begins; `addresses` were ours until now."""
        self._name, self._heard, self._former = name, set(), set(addresses)

    def present(self, address: bytes) -> None:
        """The case that runs speaks from that address."""
        self._former.discard(address)

    def echo(self, identifier: int, source: bytes, data: bytes) -> None:
        """An Echo Request with sequence number 1 is made."""
        self.present(source)
        self._echoes[identifier.to_bytes(2) + b"\0\1"] = self._name, hash((source, data)), hash(data)

    def sent(self, packet: bytes | None) -> None:
        """An Echo Request leaves, perhaps one that an earlier case made: it is of the case that sends it."""
        if packet is None or packet[6:7] != b"\x3a" or packet[40:41] != b"\x80":
            return
        self.present(packet[8:24])
        if (known := self._echoes.get(packet[44:48])) is not None:
            self._echoes[packet[44:48]] = self._name, known[1], known[2]

    def again(self) -> None:
        """What was answered in this case will be asked once more: the same answer is no copy then."""
        self._heard.clear()

    def here(self, answers: bytes) -> bool:
        """Whether this case asked the echo with these four octets of identifier and sequence number."""
        return self._echoes.get(answers, _NOBODY)[0] == self._name

    def by(self, seen: Seen) -> str | None:
        """The case that asked the echo to which this is the right answer; None where it is none."""
        if seen.icmp_type != ECHO_REPLY or seen.view is None:
            return None
        name, right, _ = self._echoes.get(seen.upper[4:8], _NOBODY)
        return name if right == hash((seen.view.dst, seen.upper[8:])) else None

    def late(self, seen: Seen, there: Iterable[bytes] = ()) -> bool:
        """Whether it is an answer that came before in this case, or one to an earlier case; called once for each.

        `there`: our addresses behind the link-layer address that it goes to, by which what cannot be decoded is told.
        """
        if seen.error is not None:
            found = list(there)
            return (bool(found) and self._former.issuperset(found)) or self._ends_as_asked_before(seen)
        if seen.icmp_type not in _ANSWERS or seen.view is None:
            return False
        again = seen.packet in self._heard and seen.icmp_type != PARAMETER_PROBLEM
        self._heard.add(seen.packet)
        return again or seen.view.dst in self._former or self.by(seen) not in {None, self._name}

    def _ends_as_asked_before(self, seen: Seen) -> bool:
        """Whether it ends with identifier, sequence number and data of an earlier case's echo."""
        payload = seen.payloads[-1] if seen.payloads else b""
        for at in range(len(payload) - 4):
            name, _, data = self._echoes.get(payload[at : at + 4], _NOBODY)
            if name not in {"", self._name} and data == hash(payload[at + 4 :]):
                return True
        return False
