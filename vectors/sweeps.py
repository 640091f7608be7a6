"""The codes of findings that name a stimulus of a sweep, and what each means in one sentence.

Strategy: a sweep sends thousands of stimuli in one case. Each of its findings is called by the stimulus, and every name
that can come of it is counted out here, so that the list of codes (`vectors.codes`) is finite.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations


def swept() -> Iterator[tuple[str, str]]:
    """(Code, what it means) of each stimulus of each sweep."""
    for word in range(0x6000, 0x8000):
        yield f"form-{word:04x}", f"A packet with the IPHC header {word:04x} was not understood."
    for size in range(1281):
        yield f"size-{size}", f"An Echo Request with {size} octets of data was not understood."
    duplicates = ("01332", "01302", "30312", "3322110", "202013")
    for order in (*map("".join, permutations("0123")), *duplicates):
        yield f"order-{order}", f"Fragments in the order {', '.join(order)} were not understood."
    for which in range(4):
        for behind in range(which, 4):
            yield (
                f"duplicate-{which}-after-{behind}",
                f"A duplicate of fragment {which} behind fragment {behind} kept a datagram from being understood.",
            )
    for step in range(8, 2048, 8):
        yield f"fragments-of-{step}", f"Fragments of {step} octets were not understood."
    for number in range(100):
        yield f"echo-{number}", f"The fragmented echo {number} of a hundred was not understood."
    for bits in range(256):
        sac, sam, m, dac, dam = bits >> 7, bits >> 5 & 3, bits >> 4 & 1, bits >> 3 & 1, bits & 3
        modes = f"sac{sac}-sam{sam:02b}-m{m}-dac{dac}-dam{dam:02b}"
        yield (
            modes,
            f"Addresses in the modes SAC={sac} SAM={sam:02b} M={m} DAC={dac} DAM={dam:02b} were misread.",
        )
        if bits < 16:
            yield (
                f"sa{bits >> 2:02b}-da{bits & 3:02b}",
                f"LOWPAN_HC1 with SA={bits >> 2:02b} DA={bits & 3:02b} failed.",
            )
    for tf in range(2):
        yield f"tf{tf}", f"LOWPAN_HC1 with TF={tf} was not understood."
    for length in range(129):
        yield f"{length}-group", f"A group under a context of {length} bits was not understood."
        for mode in range(1, 4):
            for end in ("source", "destination"):
                words = f"A {end} in mode {mode:02b} under a context of {length} bits was not understood."
                yield f"{length}-{mode:02b}-{end}", words
