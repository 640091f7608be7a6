"""Pairs of reference nodes on a virtual clock, and a case on them, without a run of pytest around it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count

from fixtures.evidence.capture import Evidence
from fixtures.judging.observation import CaseFailed, Inconclusive
from fixtures.judging.pairs.case import PairCase
from reports.record import Result
from rigs.bench import Rig
from rigs.registry import load
from sixlowpan.addresses import ALL_NODES

_SERIAL = count()
RIGS = {"ieee802154": "reference", "ble": "reference-ble"}


@contextmanager
def paired(kind: str = "ieee802154", *overrides: str) -> Iterator[Rig]:
    """Two reference nodes on one air."""
    with Rig.of(load(RIGS[kind], overrides, RIGS[kind])) as rig:
        yield rig


@contextmanager
def case_on(rig: Rig, seed: int = 1) -> Iterator[PairCase]:
    """One case, from its beginning to its end; its findings stay in its result."""
    name = f"interop/test/{next(_SERIAL)}"
    pair = PairCase(rig, Evidence(rig.link), Result(name, rig.name, ["RFC6282-2-04"]), seed)
    pair.begin()
    try:
        yield pair
        with suppress(CaseFailed, Inconclusive):
            pair.finish()
    finally:
        pair.take_back()


WAYS = ("to_peer", "from_peer")
GROUP = bytes.fromhex("ff02000000000000000000a1b2c3d4e5")


def everything(pair: PairCase) -> None:
    """A few exchanges of every kind, each way."""
    for way in WAYS:
        asker, other = pair.way(way)
        for size in (8, 76, 300, 1232):
            pair.echo(asker, other, size)
        for ports in ((0xF0B1, 0xF0BE), (0x1234, 0x5678)):
            for size in (0, 24, 300):
                pair.datagram(asker, other, ports, pair.pattern(size))
        pair.datagram(asker, other, (0x1235, 0x5679), pair.pattern(16), ALL_NODES)
        pair.join(other, GROUP)
        pair.datagram(asker, other, (0x1236, 0x567A), pair.pattern(17), GROUP)
