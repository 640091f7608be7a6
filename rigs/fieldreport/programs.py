"""What ping, iperf3 and tc print, as figures. Pure: text in, values out."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

_LINE = re.compile(r"\[(\d+\.\d+)\].*icmp_seq=(\d+) .*time=([\d.]+) ms")
_SUMMARY = re.compile(r"(\d+) packets transmitted, (\d+) received")
_DROPPED = re.compile(r"\(dropped (\d+),")


@dataclass(frozen=True, slots=True)
class Pings:
    """What `ping -D` said: how many were sent and came back, and (time of arrival, round trip) of each, in seconds."""

    sent: int
    received: int
    arrivals: list[tuple[float, float]] = field(default_factory=list)

    @property
    def trips(self) -> list[float]:
        """Round trips in ms."""
        return [1000 * trip for _, trip in self.arrivals]

    @property
    def began(self) -> list[float]:
        """When each left, in seconds."""
        return [at - trip for at, trip in self.arrivals]


def pings(text: str) -> Pings:
    """Read what `ping -D` printed. Raises ValueError for anything else."""
    summary = _SUMMARY.search(text)
    if summary is None:
        raise ValueError(f"ping printed no summary: {text.strip()[-200:]}")
    found = [(float(m[1]), float(m[3]) / 1000) for m in map(_LINE.search, text.splitlines()) if m]
    return Pings(int(summary[1]), int(summary[2]), found)


@dataclass(frozen=True, slots=True)
class Transfer:
    """What iperf3 said. `rate` in bit/s at the receiver; of UDP the datagrams and those that are lost."""

    rate: float
    by_second: list[float] = field(default_factory=list)
    retransmits: int = 0
    lost: int = 0
    packets: int = 0
    #: What iperf3 complains of; empty: it came to its end.
    error: str = ""


def transfer(text: str) -> Transfer:
    """Read what `iperf3 -J` printed; an error of its own is told in `error`, and so is text that is not its."""
    try:
        told = json.loads(text)
        end = told.get("end", {})
        seconds = [float(row["sum"]["bits_per_second"]) for row in told.get("intervals", ())]
        if "error" in told:
            return Transfer(0.0, seconds, error=str(told["error"]))
        if (udp := end.get("sum")) and "lost_packets" in udp:
            lost, packets = int(udp["lost_packets"]), int(udp["packets"])
            whole = float(udp["bits_per_second"]) * (1 - lost / packets if packets else 0.0)
            return Transfer(whole, seconds, lost=lost, packets=packets)
        sent, received = end["sum_sent"], end["sum_received"]
        rate = float(received["bits_per_second"])
        return Transfer(rate, seconds, retransmits=int(sent.get("retransmits", 0)))
    except (ValueError, KeyError, TypeError) as error:
        return Transfer(0.0, error=f"iperf3 printed no report ({error}): {text.strip()[-200:]}")


def dropped(text: str) -> int:
    """Packets that the queueing disciplines of `tc -s qdisc` have dropped."""
    return sum(int(number) for number in _DROPPED.findall(text))
