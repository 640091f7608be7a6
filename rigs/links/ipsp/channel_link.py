"""What every link that is a live IPSP channel offers beyond `Link`, whatever carries it: a radio, or a queue in memory.

Strategy: what a bench does to a channel it does to the tester's own end of it (`ipsp_channel.Channel`), so it is
written once here; how to reach that end (another thread, this one) and how to connect is what the links differ in.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Literal

from rigs.air.settings import AirSettings
from rigs.links.ipsp.channel import Channel, Terms
from rigs.model import Link, RigError, Unsupported

Role = Literal["central", "peripheral"]


class Refused(RigError):  # noqa: N818 - it says what happened
    """The DUT refused the IPSP channel; `result` says why (Core Vol 3 Part A §4.23)."""

    def __init__(self, result: int) -> None:
        super().__init__(f"the DUT refused the IPSP channel (result {result:#06x})")
        self.result = result


class ChannelLink(Link):
    """The tester's end of one IPSP channel. `channel` is there to be looked at: terms, credits, breaches."""

    kind = "ble"
    any_source = False
    auto_ack = False
    channel: Channel

    @abstractmethod
    def _act(self, function: Callable[..., object], *arguments: object) -> None:
        """Call something of the channel's and wait until it is done."""

    @abstractmethod
    def reconnect(self, terms: Terms | None = None, role: Role | None = None, *, renew: bool = True) -> None:
        """Connect and open a channel anew, with other terms or roles (of the DUT); frames of before are forgotten.

        `renew`: tell the DUT again that it is to serve the channel, where it can be told. Raises `Refused` when the
        DUT refuses the channel, `RigError` when there is no connection.
        """

    @abstractmethod
    def disconnect(self) -> None:
        """End the connection; what is sent meanwhile is lost. `reconnect` comes back."""

    @abstractmethod
    def wait_closed(self, deadline: float) -> bool:
        """Wait until the channel has ended, by either side; False when it has not at `deadline`."""

    @abstractmethod
    def request(self, spsm: int) -> int | None:
        """Ask the DUT for one more channel, to that SPSM: 0 accepted, else the result (Core Vol 3 Part A §4.23).

        None: no answer within 2 s.
        """

    @abstractmethod
    def lose(self, share: float, seed: int = 0) -> None:
        """Lose that share of SDUs in either direction, the same ones for the same seed."""

    @property
    @abstractmethod
    def dut_address_kind(self) -> str:
        """The kind of device address that the DUT connected with: public, static, resolvable or non-resolvable."""

    @property
    @abstractmethod
    def peer_address(self) -> bytes:
        """The device address that the DUT connected with, as it is on the medium (`dut` is what it is known by)."""

    def interval(self, seconds: float, losses: AirSettings | None = None) -> None:
        """Deliver at connection events only, that far apart; 0 is at once. Raises `Unsupported` on a real radio.

        `losses`: how often the link layer has to repeat a PDU at a later event, either way.
        """
        raise Unsupported("the connection interval of a real radio is the central's")

    def another(self, address: bytes | None = None) -> AbstractContextManager[ChannelLink]:
        """A second device of the tester's with a channel to the same DUT, for as long as the context lasts.

        `address`: its device address, when it matters. Raises `RigError` when the DUT does not connect with it.
        """
        raise Unsupported("this tester is one device only")

    def offer(self) -> None:
        """End the connection and be a peripheral that advertises IPSS and has it in its GATT server."""
        raise Unsupported("this tester is no peripheral of its own accord")

    def services(self) -> list[str] | None:
        """What GATT discovery found at the DUT (UUIDs in hex, 4 digits for the SIG's own); None: cannot be asked."""
        return None

    def send_part(self, frame: bytes, k_frames: int) -> None:
        """Send only the first K-frames of an SDU; the peer must have given credits for them."""
        self._act(self.channel.send_part, frame, k_frames)

    def send_frames(self, *frames: bytes) -> None:
        """Send K-frames as they are, whatever the DUT's terms and credits are."""
        self._act(self.channel.send_frames, frames)

    def taken_breaches(self) -> list[tuple[str, bytes]]:
        """What the DUT did that the terms of its channels forbid, since this was asked last: in words, K-frame."""
        found = self.channel.breaches[:]
        del self.channel.breaches[: len(found)]
        return found

    def starve(self, starving: bool = True) -> None:
        """Give the DUT no more credits than it has, or give again as they are used (and what is owing)."""

        def act() -> None:
            self.channel.generous = not starving
            if not starving and (owing := self.channel.terms.credits - self.channel.given) > 0:
                self.channel.grant(owing)

        self._act(act)

    def signal(self, code: int, body: bytes) -> None:
        """Send a signalling packet as it is (Core Vol 3 Part A §4), on the connection of the channel."""
        self._act(self.channel.say, code, body)

    def leave(self) -> None:
        """Ask the DUT to end the channel; the connection stays."""
        self._act(self.channel.leave)

    def grant(self, credits: int) -> None:
        """Give the DUT that many credits more."""
        self._act(self.channel.grant, credits)

    def segment(self, octets: int) -> None:
        """Cut the next SDU into K-frames of that many octets (at least 2) instead of the DUT's MPS."""
        self.channel.segment = octets


__all__ = ["ChannelLink", "Refused", "Role", "Terms"]
