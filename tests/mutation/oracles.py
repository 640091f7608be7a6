"""Deliberately wrong oracles: what encodes and decodes is wrong alike, so that a node built on it agrees with it.

No suite can see these on the reference node, which shares the oracle with the judge: the vectors must, which are
made without it. An oracle is wrong by a few edits of its source; nothing is written to the checkout: a process of
its own (`python -m tests.mutation.oracles ID`) imports the edited modules and runs the vectors until one fails.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTS = ("tests.vectors.test_vectors", "tests.vectors.test_examples")

Edit = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Oracle:
    """`edits` are (module of sixlowpan, source text that stands there once, what stands there instead)."""

    requirement: str
    what: str
    edits: tuple[Edit, ...]


ORACLES = {
    "oracle-tf-not-rotated": Oracle(
        "RFC6282-3.2.1-01",
        "Puts the traffic class in-line as it stands.",
        (
            ("iphc", "(octet << 2 | octet >> 6) & 0xFF for octet", "octet for octet"),
            ("compress", "octet >> 2 | (octet & 3) << 6 for octet", "octet for octet"),
        ),
    ),
    "oracle-iid-no-flip": Oracle(
        "RFC6282-3.2.2-04",
        "Does not invert the U/L bit of an EUI-64.",
        (
            (
                "addresses",
                "0x02,)) + link_address[1:]\n    if size == 2",
                "0x00,)) + link_address[1:]\n    if size == 2",
            ),
        ),
    ),
    "oracle-short-iid-flip": Oracle(
        "RFC6282-3.2.2-05",
        "Sets the U/L bit in the IID of a short address.",
        (("addresses", '"000000fffe00"', '"020000fffe00"'),),
    ),
    "oracle-ble-iid-flip": Oracle(
        "RFC7668-3.2.2-05",
        "Inverts the U/L bit of a Bluetooth device address.",
        (
            (
                "addresses",
                "return link_address[:3] +",
                "return bytes((link_address[0] ^ 2,)) + link_address[1:3] +",
            ),
        ),
    ),
    "oracle-hop-limits-swapped": Oracle(
        "RFC6282-3.1.1-08",
        "Takes HLIM=01 for 64 and HLIM=10 for 1.",
        (("iphc", "(-1, 1, 64, 255)", "(-1, 64, 1, 255)"), ("compress", "{1: 1, 64: 2,", "{1: 2, 64: 1,")),
    ),
    "oracle-sci-dci-swapped": Oracle(
        "RFC6282-3.1.2-02",
        "Has the destination's context in front of the source's.",
        (
            ("iphc", "sci, dci = data[here] >> 4", "dci, sci = data[here] >> 4"),
            (
                "compress",
                "max(source[0], 0) << 4 | max(destination[0], 0)",
                "max(destination[0], 0) << 4 | max(source[0], 0)",
            ),
        ),
    ),
    "oracle-group-scope": Oracle(
        "RFC6282-3.1.1-40",
        "Takes DAM=11 of a group for ff05::00XX.",
        tuple((module, 'Final = b"\\xff\\x02"', 'Final = b"\\xff\\x05"') for module in ("iphc", "compress")),
    ),
    "oracle-eids-swapped": Oracle(
        "RFC6282-4.2-04",
        "Has the EIDs of Routing and Fragment headers the wrong way round.",
        (("nhc", "(HOP_BY_HOP, ROUTING, FRAGMENT,", "(HOP_BY_HOP, FRAGMENT, ROUTING,"),),
    ),
    "oracle-port-nibbles-swapped": Oracle(
        "RFC6282-4.3.3-06",
        "Has the destination port's four bits in front of the source port's.",
        (
            (
                "nhc",
                "0xB0 | octet >> 4, 0xF0, 0xB0 | octet & 15",
                "0xB0 | octet & 15, 0xF0, 0xB0 | octet >> 4",
            ),
            (
                "compress",
                "(packet[at + 1] & 15) << 4 | packet[at + 3] & 15",
                "(packet[at + 3] & 15) << 4 | packet[at + 1] & 15",
            ),
        ),
    ),
    "oracle-size-without-header": Oracle(
        "RFC4944-5.3-10",
        "Counts datagram_size without the 40 octets of the IPv6 header.",
        (
            ("fragment", "(0xC000 | size)", "(0xC000 | size - 40)"),
            ("fragment", "(0xE000 | size)", "(0xE000 | size - 40)"),
            (
                "fragment",
                "size = (payload[at] & 7) << 8 | payload[at + 1]",
                "size = ((payload[at] & 7) << 8 | payload[at + 1]) + 40",
            ),
        ),
    ),
}


class _Edited(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    """Gives the modules of the oracle with the edits made. Raises `ValueError` for a text that does not stand there."""

    def __init__(self, edits: tuple[Edit, ...]) -> None:
        self.edits = edits
        self.modules = {f"sixlowpan.{module}" for module, _, _ in edits}

    def find_spec(
        self, fullname: str, path: object, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in self.modules:
            return None
        return importlib.util.spec_from_loader(fullname, self)

    def get_filename(self, fullname: str) -> str:
        return str(ROOT / (fullname.replace(".", "/") + ".py"))

    def get_data(self, path: str) -> bytes:
        text = Path(path).read_text(encoding="utf-8")
        for module, old, new in self.edits:
            if Path(path).stem != module:
                continue
            if text.count(old) != 1:
                raise ValueError(f"{path}: {old!r} stands there {text.count(old)} times, not once")
            text = text.replace(old, new)
        return text.encode()


def killer(oracle: Oracle) -> str:
    """In a process that has not imported the oracle: the first test that notices, empty if none does."""
    if "sixlowpan" in sys.modules:
        raise RuntimeError("the oracle is imported already: nothing could be wrong with it")
    sys.meta_path.insert(0, _Edited(oracle.edits))
    from tests.mutation.__main__ import calls

    for name in TESTS:
        try:
            tests = list(calls(importlib.import_module(name), slow=False))
        except AssertionError:
            return name
        for test in tests:
            try:
                test()
            except Exception as error:  # noqa: BLE001 - any complaint is one
                return f"{name}.{test.func.__name__}: {type(error).__name__}"  # type: ignore[attr-defined]
    return ""


def outcomes(workers: int, chosen: list[str] | None = None) -> Iterator[tuple[str, str]]:
    """(id, what killed it, or empty) of every wrong oracle. Raises `RuntimeError` where one cannot be tried."""

    def one(name: str) -> tuple[str, str]:
        command = [sys.executable, "-m", "tests.mutation.oracles", name]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{name}: {done.stderr[-2000:]}")
        return name, done.stdout.strip()

    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(one, ORACLES if chosen is None else chosen)


if __name__ == "__main__":
    os.chdir(ROOT)
    print(killer(ORACLES[sys.argv[1]]))
