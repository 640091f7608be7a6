"""What the tester makes of payloads: a packet once its last fragment is here, or the reason why there will be none.

Strategy: the oracle's `Reassembler` decides; beside it the payloads of each datagram are kept, so that whatever came of
it (a packet, an error, nothing yet) is told with all the frames that carried it.
"""

from __future__ import annotations

from collections import deque

from rigs.tester.framing import Heard
from rigs.tester.owed import Owed
from rigs.tester.packets import Seen, is_fragment, unwrapped
from sixlowpan import Contexts, DecodeError, Reassembler, decode, ipv6

#: So many ended datagrams are remembered.
_ENDED = 32


class Assembly:
    """Payloads in, packets out."""

    def __init__(self) -> None:
        self._reassembler = Reassembler()
        self._partial: dict[tuple[bytes, bytes, int], list[Heard]] = {}
        #: The frames of the last datagrams that ended.
        self._ended: deque[set[bytes]] = deque(maxlen=_ENDED)
        self.owed = Owed()

    def take(self, heard: Heard, contexts: Contexts) -> Seen | None:
        """The packet, or the error, that this payload completes; None where more must come, or it is no 6LoWPAN."""
        payload = heard.payload
        group: list[Heard] = [heard]
        inner, ends = unwrapped(payload, heard.info)  # a node may put a mesh header in front (RFC 4944 §11)
        if is_fragment(inner) and len(inner) >= 4:
            key = (ends.src, ends.dst, int.from_bytes(inner[:4]) & 0x07FFFFFF)
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
            self.owed.heard(seen)
        except DecodeError as error:
            seen.error = error
        if len(group) > 1 or group[0] is not heard or is_fragment(inner):
            self._ended.append(set(frames))
            self._partial = {k: v for k, v in self._partial.items() if v is not group}
        return None if _is_another_protocol(seen, contexts) else seen

    def incomplete(self, since: float) -> list[Heard]:
        """The fragments of datagrams that began at `since` or later and are not whole, in the order they came.

        Frames of an ended datagram that came once more, sequence number included, begin none: a MAC sends a frame again
        of which it missed the acknowledgement.
        """
        begun = [group for group in self._partial.values() if group[0].time >= since]
        groups = [
            group for group in begun if not any({h.frame for h in group} <= whole for whole in self._ended)
        ]
        return sorted((heard for group in groups for heard in group), key=lambda heard: heard.time)


def _is_another_protocol(seen: Seen, contexts: Contexts) -> bool:
    """Whether a frame is none of 6LoWPAN: it begins with 00xxxxxx, as protocols beside it do (RFC 4944 §5.1).

    What would be a packet if it began with 01 is meant for one, and told as wrong.
    """
    payload = seen.payloads[-1]
    if seen.error is None or seen.info.kind == "ble" or not payload or payload[0] >> 6:
        return False
    try:
        decode(bytes([payload[0] | 0x40]) + payload[1:], seen.info, contexts)
    except DecodeError:
        return True
    return False
