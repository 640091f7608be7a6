"""What the tester makes of payloads: a packet once its last fragment is here, or the reason why there will be none.

Strategy: the oracle's `Reassembler` decides; beside it the payloads of each datagram are kept, so that whatever came of
it (a packet, an error, nothing yet) is told with all the frames that carried it.
"""

from __future__ import annotations

from rigs.tester.framing import Heard
from rigs.tester.packets import Seen, is_fragment
from sixlowpan import Contexts, DecodeError, Reassembler, ipv6


class Assembly:
    """Payloads in, packets out."""

    def __init__(self) -> None:
        self._reassembler = Reassembler()
        self._partial: dict[tuple[bytes, bytes, int], list[Heard]] = {}

    def take(self, heard: Heard, contexts: Contexts) -> Seen | None:
        """The packet, or the error, that this payload completes; None where more fragments must come."""
        payload = heard.payload
        group: list[Heard] = [heard]
        if is_fragment(payload) and len(payload) >= 4:
            key = (heard.info.src, heard.info.dst, int.from_bytes(payload[:4]) & 0x07FFFFFF)
            group = self._partial.setdefault(key, [])
            group.append(heard)
        payloads, frames = [h.payload for h in group], [h.frame for h in group]
        seen = Seen(b"", heard.info, payloads, frames, heard.time, began=group[0].time)
        try:
            packet = self._reassembler.receive(payload, heard.info, contexts, heard.time)
            if packet is None:
                return None
            seen.packet = packet
            seen.view = ipv6.Packet.parse(packet)
        except DecodeError as error:
            seen.error = error
        if len(group) > 1 or group[0] is not heard or is_fragment(payload):
            self._partial = {k: v for k, v in self._partial.items() if v is not group}
        return seen

    def incomplete(self, since: float) -> list[Heard]:
        """The fragments of datagrams that began at `since` or later and are not whole, in the order they came."""
        groups = [group for group in self._partial.values() if group[0].time >= since]
        return sorted((heard for group in groups for heard in group), key=lambda heard: heard.time)
