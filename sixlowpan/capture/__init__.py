"""Capture files: a sniffer's frames in, findings out.

`containers` reads files (the only one here that does), `linktypes` finds what a packet holds, `trailer` which FCS
follows it, `air` follows Bluetooth on the air, `sift` gives payloads or the reason why not, `judging` the findings,
`report` their text. `piped` makes a file of a pipe.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from sixlowpan.capture.containers import Record, records
from sixlowpan.capture.judging import Group, Judgement, learn
from sixlowpan.capture.report import Explained
from sixlowpan.capture.sift import NOTHING_SAID, Breach, Item, Options, Payload, Sieve, Skipped
from sixlowpan.contexts import NO_CONTEXTS, Contexts

__all__ = [
    "Breach",
    "Explained",
    "Group",
    "Item",
    "Judgement",
    "Options",
    "Payload",
    "Record",
    "Skipped",
    "explain_frame",
    "items",
    "judge",
    "learn",
    "payloads",
    "records",
]


def items(path: Path, options: Options = NOTHING_SAID) -> Iterator[Item]:
    """Every frame of a file: its payloads, what is wrong around them, or why it has none.

    ValueError if the file is no capture, or, after what comes before, damaged.
    """
    return Sieve(partial(records, path), options).items()


def payloads(path: Path, options: Options = NOTHING_SAID) -> Iterator[Payload]:
    """The 6LoWPAN payloads of a file."""
    return (item for item in items(path, options) if isinstance(item, Payload))


def judge(
    path: Path,
    contexts: Contexts = NO_CONTEXTS,
    mtu: int | None = None,
    options: Options = NOTHING_SAID,
) -> Judgement:
    """Every finding of a capture file; `frame` is the number of the packet in it, from 1.

    `contexts` are known beforehand in every network; more are learnt from Router Advertisements. `mtu` is what one
    payload may have in octets. ValueError if the file is no capture; of a damaged one, what comes before the damage is
    judged.
    """
    judgement = Judgement(contexts, mtu)
    sieve = Sieve(partial(records, path), options)
    try:
        for item in sieve.items():
            judgement.add(item)
    except ValueError as error:
        if not judgement.read:
            raise
        judgement.damage = str(error)
    judgement.passed_over, judgement.others = sieve.passed_over, list(sieve.others)
    judgement.close()
    return judgement


def explain_frame(
    path: Path, number: int, contexts: Contexts = NO_CONTEXTS, options: Options = NOTHING_SAID
) -> Explained:
    """Frame `number` (from 1) of a capture, with the contexts learnt before it; ValueError if it has no payload."""
    return Explained(items(path, options), number, contexts)
