"""One LE credit-based L2CAP channel, the tester's end: octets in, octets out, no Bluetooth library and no clock.

Strategy: a stack's own channel hides what a test bench must see and do, so this one is ours. One IPv6 packet is one SDU
(RFC 7668 §3.2), an SDU goes out in K-frames of the peer's MPS and no faster than the peer's credits; what the peer
sends is put together again, and every breach of the channel's terms is written down, not repaired. On command it
withholds credits, cuts finer than it has to, or stops in the middle of an SDU. It takes part in the signalling of its
own channel only; what is not its business it says so, and whoever owns the connection handles it.

Sources: Bluetooth Core 5.4 Vol 3 Part A §3.4 (K-frame), §4.3, §4.6, §4.7, §4.22 to §4.24 (signalling), §10.1 (credits);
SPSM 0x0023 and the MTU of 1280 are the Internet Protocol Support Profile's (RFC 7668 §2.4).
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final, Literal

IPSP: Final = 0x0023
SIGNALLING: Final = 0x0005
_REJECT, _LEAVE, _LEFT, _ASK, _ANSWER, _CREDIT = 0x01, 0x06, 0x07, 0x14, 0x15, 0x16
_DYNAMIC: Final = range(0x0040, 0x0080)
_PROBE_CID: Final = 0x0060
_CREDITS_MOST: Final = 65535
_LEAST: Final = 23  # octets of MTU and MPS (§4.22)
_REFUSED_SPSM: Final = 0x0002

State = Literal["closed", "asked", "open", "leaving"]
#: Called with a channel identifier and what goes into one L2CAP PDU.
Send = Callable[[int, bytes], None]


@dataclass(frozen=True, slots=True)
class Terms:
    """What one end offers: the longest SDU, the longest K-frame payload, and K-frames that may come at first."""

    mtu: int = 1280
    mps: int = 247
    credits: int = 20

    def __post_init__(self) -> None:
        if (
            not 23 <= self.mps <= 65533
            or not 23 <= self.mtu <= 65535
            or not 0 <= self.credits <= _CREDITS_MOST
        ):
            raise ValueError(
                f"mtu={self.mtu}, mps={self.mps}, credits={self.credits}: the MTU is 23 to 65535, the MPS 23 to 65533, "
                f"credits are 0 to {_CREDITS_MOST}"
            )


@dataclass
class Channel:
    """The tester's end. `hear` takes PDUs in; `on_sdu` gets each whole SDU, `on_state` each new state."""

    terms: Terms
    send_pdu: Send
    on_sdu: Callable[[bytes], None]
    on_state: Callable[[State], None] = lambda _state: None
    #: Whether a peer that asks for the channel gets it.
    listening: bool = True
    #: Give credits back as they are used. False starves the peer once the first ones are gone.
    generous: bool = True
    #: Octets of each K-frame of the next SDU that we send, if less than the peer would take.
    segment: int | None = None

    state: State = "closed"
    #: The peer's terms; valid from the first "open" on. `credits` are those it gave at the start.
    peer: Terms = field(default_factory=lambda: Terms(credits=0))
    #: K-frames that we may send, and that the peer may send.
    credits: int = 0
    given: int = 0
    #: What the peer did that the channel's terms forbid, in words, with the K-frame; kept until somebody takes it.
    breaches: list[tuple[str, bytes]] = field(default_factory=list)
    #: K-frames that came before the peer had accepted the channel that we asked for last.
    early: list[bytes] = field(default_factory=list)
    #: The result of a request of ours that was refused (Vol 3 Part A §4.23), else 0.
    refused: int = 0
    #: What the peer answered to `probe`: 0 accepted, else the result; None while there is no answer.
    probed: int | None = None
    #: The service that is asked for and served here.
    spsm: int = IPSP
    #: Its identifiers, of the dynamic range (§4.22): another one for each channel, and others than the peer's, so that
    #: a peer that takes its own for ours, or ours of the last channel, does not get through by luck.
    cids: ClassVar[range] = range(0x0050, 0x0060)
    own_cid: int = 0
    #: The one that the next channels have, where it matters; 0: each has another one of `cids`.
    wanted_cid: int = 0
    #: The identifier that the peer has, of the last channel.
    peer_cid: int = 0
    _probing: int = 0
    _identifier: int = 0
    _asked: int = 0
    _leaving: int = 0
    _queue: deque[tuple[bytes, int]] = field(default_factory=deque)
    _going: bytes = b""
    _size: int = 0
    _coming: bytearray | None = None
    _wanted: int = 0

    # -- what the tester does ---------------------------------------------------------------------------------

    def ask(self) -> None:
        """Ask the peer for a channel; the answer is a new state."""
        self._begin_anew()
        self.early, self.refused = [], 0
        self._asked = self._next()
        self.given = self.terms.credits
        body = struct.pack(
            "<HHHHH", self.spsm, self.own_cid, self.terms.mtu, self.terms.mps, self.terms.credits
        )
        self._become("asked")
        self._signal(_ASK, self._asked, body)

    def probe(self, spsm: int) -> None:
        """Ask for one more channel, only to see what the peer says; `probed` is its answer."""
        self.probed, self._probing = None, self._next()
        terms = self.terms
        body = struct.pack("<HHHHH", spsm, _PROBE_CID, terms.mtu, terms.mps, terms.credits)
        self._signal(_ASK, self._probing, body)

    def leave(self) -> None:
        """Ask the peer to end the channel."""
        if self.state == "open":
            self._become("leaving")
            self._leaving = self._next()
            self._signal(_LEAVE, self._leaving, struct.pack("<HH", self.peer_cid, self.own_cid))

    def say(self, code: int, body: bytes) -> None:
        """Send a signalling packet as it is, of whatever code (§4)."""
        self._signal(code, self._next(), body)

    def lost(self) -> None:
        """The connection is gone, and the channel with it."""
        self._clear()
        if self.state != "closed":
            self._become("closed")

    def send(self, sdu: bytes) -> None:
        """Send one SDU, as soon as the peer's credits allow. Nothing is checked: an SDU may be too long on purpose."""
        size = min(self.segment or self.peer.mps, self.peer.mps)
        self.segment = None
        self._queue.append((struct.pack("<H", len(sdu)) + sdu, size))
        self._pump()

    def send_part(self, sdu: bytes, k_frames: int) -> None:
        """Send only the first K-frames of an SDU: the rest never comes."""
        size = self.peer.mps
        data = struct.pack("<H", len(sdu)) + sdu
        for start in range(0, size * k_frames, size):
            self._k_frame(data[start : start + size])

    def send_frames(self, frames: Sequence[bytes]) -> None:
        """Send K-frames as they are, whatever the peer's terms and credits are."""
        for frame in frames:
            self._k_frame(frame)

    def grant(self, credits: int) -> None:
        """Give the peer credits, whether it needs them or not."""
        self.given += credits
        self._signal(_CREDIT, self._next(), struct.pack("<HH", self.own_cid, credits))

    @property
    def waiting(self) -> int:
        """SDUs that wait for the peer's credits."""
        return len(self._queue) + bool(self._going)

    # -- what comes -------------------------------------------------------------------------------------------

    def hear(self, cid: int, pdu: bytes) -> bool:
        """Take one PDU of the connection in; False when it is not about this channel."""
        if cid == SIGNALLING:
            return self._heard_signal(pdu)
        if cid != self.own_cid or self.state == "closed":
            if cid in _DYNAMIC and self.state == "open":
                self.breaches.append(
                    (f"a frame for channel {cid:#06x}, where ours is {self.own_cid:#06x}", pdu)
                )
            return False
        if self.state == "asked":
            self.early.append(pdu)
        self._heard_k_frame(pdu)
        return True

    def _heard_signal(self, pdu: bytes) -> bool:
        if len(pdu) < 4:
            return False
        code, identifier, length = struct.unpack_from("<BBH", pdu)
        words = struct.unpack_from(f"<{min(length, len(pdu) - 4) // 2}H", pdu, 4)
        if identifier == 0:
            self.breaches.append(("a signalling packet with the identifier 0 (§4: illegal)", pdu))
        if code == _ASK and len(words) >= 5 and words[0] == self.spsm:
            self._heard_request(identifier, words)
        elif code in {_ANSWER, _REJECT} and identifier == self._probing and self.probed is None:
            self.probed = words[4] if code == _ANSWER and len(words) >= 5 else 0xFFFF
            self.on_state(self.state)
        elif code == _ANSWER and identifier == self._asked and self.state == "asked" and len(words) >= 5:
            self._heard_answer(words)
        elif code == _REJECT and identifier == self._asked and self.state == "asked":
            self.refused = 0xFFFF
            self._become("closed")
        elif code == _CREDIT and len(words) >= 2 and words[0] == self.peer_cid and self.state != "closed":
            self.credits += words[1]
            if words[1] == 0:
                self.breaches.append(("a credit packet without a credit (§4.24: 1 to 65535)", pdu))
            if self.credits > _CREDITS_MOST:
                self.breaches.append((f"credits beyond {_CREDITS_MOST}", pdu))
            self._pump()
        elif code == _LEAVE and words[:2] == (self.own_cid, self.peer_cid) and self.state != "closed":
            self._signal(_LEFT, identifier, struct.pack("<HH", *words[:2]))
            self.lost()
        elif code == _LEFT and words[1:2] == (self.own_cid,) and self.state in {"leaving", "open"}:
            # where we asked for the end of another channel, it says that ours has ended
            if self.state == "leaving" and identifier != self._leaving:
                self.breaches.append(("a Disconnection Response with another identifier (§4)", pdu))
            self.lost()
        else:
            return False
        return True

    def _heard_request(self, identifier: int, words: tuple[int, ...]) -> None:
        own = self.terms
        if not self.listening or self.state == "open":
            answer = struct.pack("<HHHHH", 0, own.mtu, own.mps, 0, _REFUSED_SPSM)
            self._signal(_ANSWER, identifier, answer)
            return
        self._begin_anew()
        self.peer_cid = words[1]
        self._begin(self._offered(words[2], words[3], words[4]))
        self.given = own.credits
        answer = struct.pack("<HHHHH", self.own_cid, own.mtu, own.mps, own.credits, 0)
        self._signal(_ANSWER, identifier, answer)
        self._become("open")

    def _heard_answer(self, words: tuple[int, ...]) -> None:
        if words[4]:
            self.refused = words[4]
            self._become("closed")
            return
        self.peer_cid = words[0]
        self._begin(self._offered(words[1], words[2], words[3]))
        self._become("open")

    def _offered(self, mtu: int, mps: int, credits: int) -> Terms:
        for name, value in (("MTU", mtu), ("MPS", mps)):
            if value < _LEAST:
                self.breaches.append((f"an {name} of {value}, less than {_LEAST} (§4.22)", b""))
        return Terms(max(_LEAST, mtu), max(_LEAST, min(mps, 65533)), credits)

    def _begin(self, peer: Terms) -> None:
        self.peer, self.credits = peer, peer.credits

    def _heard_k_frame(self, pdu: bytes) -> None:
        if self.given <= 0:
            self.breaches.append(("a K-frame without a credit", pdu))
        self.given -= 1
        if len(pdu) > self.terms.mps:
            self.breaches.append((f"a K-frame of {len(pdu)} octets where the MPS is {self.terms.mps}", pdu))
        if self.generous and self.given <= self.terms.credits // 2:
            self.grant(self.terms.credits - self.given)
        if self._coming is None:
            if len(pdu) < 2:
                self.breaches.append(("a first K-frame without an SDU length", pdu))
                return
            self._coming, self._wanted = bytearray(), int.from_bytes(pdu[:2], "little")
            if self._wanted > self.terms.mtu:
                self.breaches.append(
                    (f"an SDU of {self._wanted} octets where the MTU is {self.terms.mtu}", pdu)
                )
            pdu = pdu[2:]
        self._coming += pdu
        if len(self._coming) >= self._wanted:
            sdu, more = bytes(self._coming[: self._wanted]), len(self._coming) - self._wanted
            self._coming = None
            if more:
                self.breaches.append((f"{more} octets more than the SDU length says", pdu))
            self.on_sdu(sdu)

    # -- what goes --------------------------------------------------------------------------------------------

    def _pump(self) -> None:
        while self.state == "open" and self.credits > 0 and (self._going or self._queue):
            if not self._going:
                self._going, self._size = self._queue.popleft()
            frame, self._going = self._going[: self._size], self._going[self._size :]
            self._k_frame(frame)

    def _k_frame(self, frame: bytes) -> None:
        self.credits -= 1
        self.send_pdu(self.peer_cid, frame)

    def _signal(self, code: int, identifier: int, body: bytes) -> None:
        self.send_pdu(SIGNALLING, struct.pack("<BBH", code, identifier, len(body)) + body)

    def _next(self) -> int:
        self._identifier = self._identifier % 255 + 1  # §4: never 0
        return self._identifier

    def _clear(self) -> None:
        self._queue.clear()
        self._going, self._coming = b"", None
        self.credits = self.given = 0

    def _begin_anew(self) -> None:
        """Forget the last channel; the next one has another identifier."""
        self._clear()
        first = self.cids.start
        if self.wanted_cid:
            self.own_cid = self.wanted_cid
            return
        self.own_cid = first + (self.own_cid - first + 1) % len(self.cids) if self.own_cid else first

    def _become(self, state: State) -> None:
        self.state = state
        self.on_state(state)
