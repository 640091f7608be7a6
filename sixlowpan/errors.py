"""Two errors, split by whose fault it is.

`EncodeError` is the caller's: it asked for something that no RFC form can carry. `DecodeError` is the
sender's: the octets on the link say something that the RFCs do not allow or that this oracle cannot
resolve. Nothing else leaves the decoder, whatever octets go in. A `DecodeError` says where (`offset` within
that payload) and, where a row of the catalogue exists, which requirement speaks of it.
"""

from __future__ import annotations

from typing import Final

MALFORMED: Final = "malformed"  # truncated, or inconsistent in itself
RESERVED: Final = "reserved"  # an RFC says that this value is reserved
UNSUPPORTED: Final = "unsupported"  # NALP, ESC, unknown page, unassigned NHC, undefined context, ...


class EncodeError(ValueError):
    """The caller's fault: this packet, link or size cannot be encoded."""


class DecodeError(ValueError):
    """The sender's fault: these octets do not stand for a packet.

    `kind` is "malformed", "reserved" or "unsupported"; `offset` counts octets from the start of the payload
    that is at fault; `requirement` is a catalogue id or None. `frame` is None, or, when a reassembler finds
    the fault in an earlier payload (its FRAG1), the name that payload was received under.
    """

    def __init__(self, kind: str, offset: int, requirement: str | None, message: str) -> None:
        super().__init__(kind, offset, requirement, message)
        self.kind = kind
        self.offset = offset
        self.requirement = requirement
        self.message = message
        self.frame: object = None

    def __str__(self) -> str:
        where = f"{self.kind} at octet {self.offset}: {self.message}"
        return f"{where} ({self.requirement})" if self.requirement else where


def truncated(offset: int, requirement: str | None, what: str) -> DecodeError:
    """The payload ends at `offset`, before the end of `what`."""
    return DecodeError(MALFORMED, offset, requirement, f"the payload ends before the end of {what}")
