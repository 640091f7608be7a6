"""Shape S1, truncation: every proper prefix of every valid payload, and of a whole frame.

A prefix is not always malformed: IPHC has no length field, so that a cut inside the payload leaves a shorter packet,
of which only the checksum is wrong. So the verdict is not "must not decode": the DUT lives on, answers none, and
makes of a prefix the packet that its octets say, or none.
"""

from random import Random

import pytest

from fixtures.api import (
    Case,
    Stimulus,
    addressed,
    nothing_of,
    on_link,
    outcome,
    recovers,
    requirement,
    stimulus,
    whole,
)
from sixlowpan import DecodeError, decode, fragment_header_1, mesh_header
from suites.rfc4944.test_3 import frame
from suites.robustness.corpus import CHAINS, CHAINS_802154, SHAPES, SHAPES_802154

ROWS = {
    "ipv6": "RFC4944-5.1-05",
    "hc1": "RFC4944-5.1-06",
    "mesh": "RFC4944-5.2-06",
    "mesh-deep": "RFC4944-5.2-05",
}
ROWS |= {
    "bc0": "RFC4944-11.1-01",
    "frag1": "RFC4944-5.3-05",
    "fragn": "RFC4944-5.3-07",
    "ghc": "RFC7400-5-01",
}
ROWS |= {"mesh-frag1": "RFC4944-5.3-05", "rfrag": "RFC4944-5.1-18", "esc": "RFC8066-3.1-01"}
ROWS |= {"page-1": "RFC8025-3-01", "extension-headers": "RFC6282-4.2-13", "ipv6-in-ipv6": "RFC6282-4.2-19"}
ROWS |= {"extension-header-then-udp": "RFC6282-4.2-12", "iphc-cid": "RFC6282-3.1.1-12"}
ROWS |= {name: "RFC6282-4.3-01" for name in SHAPES if name.startswith("udp")}
#: What a cut breaks besides: the encoding, the fields behind it, and the length that the frame gives.
ALSO = (
    "RFC6282-3-01",
    "RFC6282-3.1.1-01",
    "RFC6282-3.2-03",
    "RFC4944-5.1-09",
    "RFC4944-5.3-05",
    "RFC6282-2-04",
)


def says(case: Case, made: Stimulus) -> bytes | None:
    """The packet that the octets of a payload say, if they say one; behind 0x41, which IPv6 refuses, all of them."""
    if made.payloads[0][:1] == b"\x41":
        return made.payloads[0][1:]
    try:
        return decode(made.payloads[0], made.info, case.tester.contexts)
    except DecodeError:
        return None


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param(s, id=s, marks=[requirement(ROWS.get(s, "RFC6282-3.2-01"), *ALSO), *links])
        for shapes, links in ((SHAPES, []), (SHAPES_802154, [on_link("ieee802154")]))
        for s in shapes
    ],
)
def test_payload(case: Case, shape: str):
    """Every proper prefix of one valid payload, all back to back, a control behind them."""
    found = addressed(case.tester, (SHAPES | SHAPES_802154)[shape](case))
    payload = found.payloads[0]
    stimuli = [
        Stimulus([payload[:cut]], None, found.info, f"{shape} cut after {cut} of {len(payload)} octets")
        for cut in range(1, len(payload))
    ]
    nothing_of(case, stimuli, allowed=lambda made: says(case, made))
    recovers(case)


#: What a chain of headers that is cut breaks, whatever stands in front of it.
INSIDE = ("RFC6282-4.3-01", "RFC6282-4.2-13", "RFC6282-4.2-19", "RFC6282-3.1.1-06", "RFC7400-5-01")
IN_FRAMES = ("RFC4944-5-03", "RFC4944-5-04", "RFC4944-5.1-06", "RFC4944-5.3-20", "RFC6282-2-07")


@pytest.mark.parametrize(
    "outer",
    [
        pytest.param("nothing", marks=requirement("RFC6282-3.2-01", "RFC4944-5.1-06", *INSIDE)),
        pytest.param(
            "frag1", marks=[requirement("RFC4944-5.3-05", *INSIDE, *IN_FRAMES), on_link("ieee802154")]
        ),
        pytest.param("mesh", marks=[requirement("RFC4944-5-04", *INSIDE, *IN_FRAMES), on_link("ieee802154")]),
        pytest.param(
            "mesh-frag1", marks=[requirement("RFC4944-5-04", *INSIDE, *IN_FRAMES), on_link("ieee802154")]
        ),
    ],
)
def test_inside(case: Case, outer: str):
    """Every chain of headers, cut after each octet, on its own, in a first fragment and behind a mesh header.

    A decoder that looks at the length of a payload has still to look at what is left behind each header.
    """
    tester, stimuli = case.tester, []
    mesh = mesh_header(tester.identity.link, tester.dut_link, 3)
    chains = CHAINS if tester.kind == "ble" else CHAINS | CHAINS_802154
    for name, octets in chains.items():
        chain = bytes.fromhex(octets)
        for cut in range(1, len(chain)):
            first = fragment_header_1(248, tester.next_tag())
            front = {"nothing": b"", "frag1": first, "mesh": mesh, "mesh-frag1": mesh + first}[outer]
            note = f"{name} cut after {cut} of {len(chain)} octets, behind {outer}"
            stimuli.append(Stimulus([front + chain[:cut]], None, tester.info(), note))
    nothing_of(case, stimuli, allowed=lambda made: says(case, made), at_once=True)
    recovers(case)


@requirement("RFC4944-5-03")
@pytest.mark.parametrize("before", ["41", "417a333a", "7a333a", "f1"])
def test_empty_payload(case: Case, before: str):
    """A frame without a payload, behind one with: no octet of the one before is taken for a dispatch."""
    payload = bytes.fromhex(before) + bytes(4)
    made = Stimulus([payload, b""], None, case.tester.info(), f"{payload.hex(' ')}, then an empty payload")
    nothing_of(case, [made], code="stale_octets", allowed=lambda stimulus: says(case, stimulus))


@on_link("ieee802154")
@requirement("RFC4944-5-01")
def test_mac_header(case: Case):
    """A frame that is cut inside its MAC header, or right behind it: nothing comes of it."""
    sent = frame(case, stimulus(case, case.tester.echo()).payloads[0])
    header = len(frame(case, b""))
    stimuli = [whole(case, sent[:cut], note=f"frame cut after {cut} octets") for cut in range(3, header + 1)]
    nothing_of(case, stimuli)


@requirement("RFC6282-3.2-01")
@pytest.mark.parametrize("round", range(2), ids=lambda n: f"round{n}")
def test_random_octets(case: Case, round: int):
    """Random payloads behind every dispatch that leads anywhere: the DUT lives on, and takes a full-size echo.

    The same octets in every run: a crash that comes and goes with the seed is no finding to work with.
    """
    random = Random(round)
    for first in (
        0x41,
        0x42,
        0x50,
        0x60,
        0x6F,
        0x78,
        0x7E,
        0x7F,
        0x80,
        0x9F,
        0xB3,
        0xC0,
        0xC7,
        0xE0,
        0xE7,
        0xE9,
        0xF1,
    ):
        stimuli = [
            Stimulus(
                [bytes([first]) + random.randbytes(random.randrange(70))], None, case.tester.info(), "random"
            )
            for _ in range(24)
        ]
        outcome(case, stimuli)
    recovers(case)
