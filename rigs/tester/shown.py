"""What the DUT's IP tap has shown for sure, so that a DUT which has nothing more to show is not asked again.

Strategy: a tap is a queue. Once the request of a control has come out of it, all that was sent before has; and once it
was found empty behind something that the DUT sent, nothing is to come until it is sent something. To ask a guest
whether there is more costs half as much as an echo.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from rigs.tester.framing import Air


@dataclass
class Shown:
    """Of one tester: all counts are of the frames that it had sent."""

    air: Air
    #: When a control was answered last, and its request.
    _answered: tuple[int, bytes] = (-1, b"")
    #: When something came from the DUT last.
    _heard: int = -1
    #: When the tap had shown all.
    _all: int = -1

    def heard(self) -> None:
        """Something came from the DUT."""
        self._heard = self.air.sent

    def answered(self, request: bytes) -> None:
        """A control was answered: nothing that was sent before its request is still on the way."""
        self._answered = self.air.sent, request

    def all_with(self, packets: Collection[bytes]) -> bool:
        """Whether the tap has shown all that came of what was sent so far, now that `packets` have come out of it."""
        sent, request = self._answered
        if sent == self.air.sent and request in packets:
            self._all = sent
        return self._all == self.air.sent

    def nothing_more(self) -> None:
        """The DUT was asked, and there is no more on its tap."""
        if self._heard == self.air.sent:
            self._all = self.air.sent
