"""`make bench`: the oracle and the evidence writer against their peers on one packet mix, in one run, as ratios.

Strategy: absolute figures of a shared machine mean little; what is reported is the ratio of medians over rounds in
which every codec and writer runs in turn, by CPU time, which other work on the machine changes least. The mix is
described in `tests/bench/mix.py`, what each does in `peers.py`. What an echo costs the harness (`echoes.py`) has no
peer. Last, `judge` and tshark read one capture, each as a process.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.bench import echoes, mix, peers

ROUNDS = 5
WHAT = ("decode", "encode")
AGAINST = {  # the same work on both sides
    ("lwip", "decode"): "ours",
    ("lwip", "encode"): "ours",
    ("scapy", "decode"): "ours, frames",
    ("scapy", "encode"): "ours, frames",
    ("tshark", "decode"): "ours, frames",
    ("scapy", "evidence"): "ours",
    ("tshark", "judge"): "ours",
}
OUT = Path(__file__).parents[2] / "reports" / "out" / "bench.json"


def rate(run: peers.Run, seconds: float = 0.25) -> float:
    """Packets per second of CPU time of one run, which goes over the mix once."""
    count, start = 0, time.process_time()
    while (spent := time.process_time() - start) < seconds:
        run()
        count += 1
    return count * len(mix.packets()) / spent


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--frames", type=int, default=200_000, metavar="N", help="of the capture that is judged"
    )
    frames = parser.parse_args().frames
    codecs = {}
    for name, peer in (
        ("ours", peers.ours),
        ("ours, frames", peers.frames),
        ("lwip", peers.lwip),
        ("scapy", peers.scapy),
    ):
        try:
            codecs[name] = peer()
        except (OSError, ImportError) as error:
            print(f"bench: {name} is left out: {error}")
    for what, (decode, encode) in codecs.items():
        if what in {"ours", "lwip"} and (decode(), encode()) != (mix.packets(), mix.payloads()):
            print(f"bench: {what} does not give the packets and payloads of the mix", file=sys.stderr)
            return 1
    runs = {(name, what): run for name, both in codecs.items() for what, run in zip(WHAT, both, strict=True)}
    with tempfile.TemporaryDirectory() as folder:
        runs |= {(name, "evidence"): run for name, run in peers.evidence(Path(folder)).items()}
        for kind in echoes.ENDS:
            took = statistics.median(echoes.microseconds(kind, Path(folder)) for _ in range(ROUNDS))
            print(
                f"bench: an echo over {kind} takes {took:.0f} us of the harness, evidence included",
                flush=True,
            )
        rates = measured(runs)
        rates |= {(name, "judge"): [rate] for name, rate in judged(Path(folder), frames).items()}
    return report({key: statistics.median(values) for key, values in rates.items() if values})


def measured(runs: dict[tuple[str, str], peers.Run]) -> dict[tuple[str, str], list[float]]:
    """Packets per second of every run, and of tshark, one figure a round."""
    rates: dict[tuple[str, str], list[float]] = {}
    for number in range(1, ROUNDS + 1):
        print(f"bench: round {number} of {ROUNDS}", flush=True)
        for key, run in runs.items():
            rates.setdefault(key, []).append(rate(run))
        try:
            rates.setdefault(("tshark", "decode"), []).append(peers.tshark_rate())
        except OSError as error:
            print(f"bench: tshark is left out: {error}")
    return rates


def judged(folder: Path, frames: int) -> dict[str, float]:
    """Frames per second of CPU time of whole processes that read one capture: `judge`, and tshark's summary of it."""
    path = folder / "judged.pcap"
    peers.capture(path, frames)
    rates = {}
    for name, command in peers.readers(path).items():
        print(f"bench: {name} reads {frames:,} frames", flush=True)
        seconds = peers.spent(command)
        rates[name] = frames / seconds
        print(f"bench: {name} took {seconds:.2f} s of CPU time")
    return rates


def report(medians: dict[tuple[str, str], float]) -> int:
    """Print the medians with their ratios, and write them to `OUT`."""
    rows = []
    for (name, what), value in sorted(medians.items(), key=lambda item: (item[0][1], -item[1])):
        ours = AGAINST.get((name, what))
        ratio = None if ours is None else round(medians[ours, what] / value, 2)
        rows.append({"name": what, "value": round(value), "unit": "packets/s", "peer": name, "ratio": ratio})
        shown = "" if ratio is None else f"  {ours} is {ratio:g} x"
        print(f"{what:8} {name:12} {value:12,.0f} packets/s{shown}")
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(rows, indent=1) + "\n")
    print(f"bench: written to {OUT.relative_to(Path.cwd()) if OUT.is_relative_to(Path.cwd()) else OUT}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
