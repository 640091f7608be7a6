"""How long frames are on the air at least: the floor that no round trip comes under.

Strategy: the sum that IEEE 802.15.4 fixes for the O-QPSK PHY at 250 kbit/s (2.4 GHz): 62.5 ksymbol/s, two symbols an
octet. Waiting for a free channel (CSMA-CA) is left out: its backoff may be 0, and a floor holds for the luckiest frame.
So a figure below the floor is a fault of whoever measured, never of the node.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

#: Seconds: one octet; preamble, SFD and PHR (6 octets); FCS (2 octets).
OCTET: Final = 32e-6
_SYNCHRONISATION: Final = 6 * OCTET
_FCS: Final = 2
#: aTurnaroundTime (12 symbols), and an Imm-Ack: 5 octets behind a synchronisation header.
ACKNOWLEDGEMENT: Final = 192e-6 + 11 * OCTET
#: macSifsPeriod (12 symbols) behind a PSDU of at most aMaxSifsFrameSize (18) octets, else macLifsPeriod (40 symbols).
_SIFS: Final = 192e-6
_LIFS: Final = 640e-6
_SHORT: Final = 18


def airtime(octets: int, *, acknowledged: bool = False) -> float:
    """Seconds for which a frame keeps the medium busy, up to when the next may follow: PHY, ack, interframe space.

    `octets` without FCS, as on a `Link`. Raises ValueError for a frame that no PSDU (127 octets) holds.
    """
    psdu = octets + _FCS
    if not _FCS < psdu <= 127:
        raise ValueError(f"a frame has 1 to 125 octets without its FCS, not {octets}")
    space = _SIFS if psdu <= _SHORT else _LIFS
    return _SYNCHRONISATION + OCTET * psdu + (ACKNOWLEDGEMENT if acknowledged else 0.0) + space


def floor(frames: Iterable[int], *, acknowledged: bool = False) -> float:
    """Seconds from the first octet of these frames (sizes without FCS, there and back in one list) to the last one.

    Behind the last frame nobody waits: neither its acknowledgement nor the space behind it counts. Raises ValueError
    for no frames, or for one that no PSDU holds.
    """
    sizes = list(frames)
    if not sizes:
        raise ValueError("no frames: nothing takes no time")
    whole = sum(airtime(octets, acknowledged=acknowledged) for octets in sizes[:-1])
    airtime(sizes[-1])  # judges its size
    return whole + _SYNCHRONISATION + OCTET * (sizes[-1] + _FCS)


def multiples(round_trips: Sequence[float], unit: float, error: float = 0.0) -> list[float]:
    """Round trips in multiples of the airtime floor, or of a connection interval of Bluetooth LE; all in seconds.

    Of both, one is the least that can be (an answer goes one connection event behind its request at the earliest, and
    only a request that was sent right before an event comes near 1). Raises ValueError for a round trip that is shorter
    than `unit` by more than `error`, the error of the clock: it cannot have happened, and must not be printed.
    """
    if not unit > 0.0:
        raise ValueError(f"unit {unit}: it must be above 0")
    impossible = [trip for trip in round_trips if not trip >= unit - error]
    if impossible:
        raise ValueError(
            f"{len(impossible)} of {len(round_trips)} round trips are shorter than {unit:g} s can be, "
            f"such as {min(impossible):g} s: the clocks of sending and of arrival do not agree"
        )
    return [trip / unit for trip in round_trips]
