"""lwIP 2.1.3 and scapy 2.8 as second opinions, each where it is right, with the list of where it is not.

lwIP: `LWIP_LEAVES_OUT`; scapy: `SCAPY_LEAVES_OUT`. What is compared is the packet that a payload stands for, and, for
lwIP, that the oracle reads what it writes. Like tshark they prove nothing: the RFC decides.
"""

from __future__ import annotations

import ctypes.util
import json
import logging
import random
import sys
from itertools import islice
from pathlib import Path

import pytest

from sixlowpan import Contexts, LinkInfo, data_frame, decode, encode, encodings, ipv6
from tests.sixlowpan import samples
from tests.sixlowpan.samples import LONG, MIXED, SHORT
from tests.sixlowpan.test_tshark import random_packets
from tests.waiting import completed

ROOT = Path(__file__).parents[2]
RADIOS = (LONG, SHORT, MIXED)
PREFIXES = {"0": "20010db800000000", "3": "20010db800030000", "9": "20010db800050000"}
CONTEXTS = Contexts.parse({"0": "2001:db8::/64", "3": "2001:db8:3::/64", "9": "2001:db8:5::/64"})
CHAINED = {0, 41, 43, 44, 60, 135}


def traffic_class(packet: bytes) -> int:
    return (packet[0] & 15) << 4 | packet[1] >> 4


#: What lwIP does not do, or does otherwise than the RFC: reason -> (payload, packet) is such a case.
LWIP_LEAVES_OUT = {
    "ECN and DSCP in the order of RFC 2474, RFC 6282 3.2.1 has ECN first": lambda _, packet: traffic_class(
        packet
    ),
    "no NHC but UDP": lambda _, packet: packet[6] in CHAINED,
    "no stateful multicast: M=1 DAC=1 DAM=00 is refused": lambda form, _: form[1] & 15 == 12,
    "IPHC only: 0x41 is looked at elsewhere": lambda form, _: form[0] == 0x41,
    "an elided checksum is not restored (C=1)": lambda form, _: False,  # the forms made here never elide it
}
#: What lwIP writes wrong when it compresses: (packet) is such a case.
LWIP_WRITES_WRONG = {
    "takes fe80::/10 for fe80::/64 and loses the bits between": lambda p: any(
        p[at] == 0xFE and p[at + 1] & 0xC0 == 0x80 and p[at : at + 8] != samples.link_local(samples.EUI_A)[:8]
        for at in (8, 24)
    ),
    "takes :: for an address of an unset context": lambda p: p[8:16] == bytes(8) or p[24:32] == bytes(8),
    "infers a UDP Length that was another one": lambda p: p[6] == 17 and p[44:46] != p[4:6],
}
#: What scapy's sixlowpan layer does otherwise: reason -> (payload, packet) is such a case.
SCAPY_LEAVES_OUT = {
    "ECN and DSCP swapped": lambda _, packet: traffic_class(packet),
    "NHC extension headers are dropped": lambda _, packet: packet[6] in CHAINED,
    "no 0x41 behind a MAC header": lambda form, _: form[0] == 0x41,
    "contexts are ignored": lambda form, _: form[1] & 0x70 > 0x40 or form[1] & 4,
}


def cases(packets: int, leaves_out, contexts: Contexts) -> list[tuple[bytes, LinkInfo, bytes]]:
    chooser, found = random.Random(4944), []
    for packet in random_packets(packets):
        link = chooser.choice(RADIOS)
        forms = list(islice(encodings(packet, link, contexts), 200))
        chosen = chooser.sample(forms, min(12, len(forms)))
        found += [
            (form, link, packet)
            for form in chosen
            if not any(rule(form, packet) for rule in leaves_out.values())
        ]
    return found


def lwip(requests: list[tuple]) -> list[bytes | None]:
    lines = "".join(
        json.dumps([what, octets.hex(), link.src.hex(), link.dst.hex(), PREFIXES]) + "\n"
        for what, octets, link in requests
    )
    command = [sys.executable, "-m", "tests.sixlowpan.lwip_codec"]
    done = completed(command, input=lines, cwd=ROOT)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(requests), f"lwIP aborts at {requests[len(answers)]}: {done.stderr[-300:]}"
    return [None if answer is None else bytes.fromhex(answer) for answer in answers]


needs_lwip = pytest.mark.skipif(
    not ctypes.util.find_library("lwip"), reason="liblwip0 is not installed: apt-get install liblwip0"
)


@needs_lwip
def test_lwip_decodes_to_the_same_packets():
    chosen = cases(600, LWIP_LEAVES_OUT, CONTEXTS)
    assert len(chosen) > 500
    for (form, _, packet), theirs in zip(
        chosen, lwip([("decode", *each[:2]) for each in chosen]), strict=True
    ):
        assert theirs == packet, form.hex()


@needs_lwip
def test_the_oracle_reads_what_lwip_writes_and_is_never_longer():
    chosen = []
    for packet in random_packets(600):
        left_out = any(rule(b"\x7a\0", packet) for rule in LWIP_LEAVES_OUT.values())
        if not left_out and not any(rule(packet) for rule in LWIP_WRITES_WRONG.values()):
            chosen += [(packet, link) for link in RADIOS]
    assert len(chosen) > 60
    for (packet, link), theirs in zip(chosen, lwip([("encode", *each) for each in chosen]), strict=True):
        assert theirs is not None
        assert decode(theirs, link, CONTEXTS) == packet, theirs.hex()
        assert len(encode(packet, link, CONTEXTS)) <= len(theirs)


def test_scapy_decodes_to_the_same_packets():
    logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
    from scapy.config import conf
    from scapy.layers.dot15d4 import Dot15d4
    from scapy.layers.inet6 import IPv6

    before, conf.dot15d4_protocol = conf.dot15d4_protocol, "sixlowpan"
    try:
        chosen = cases(600, SCAPY_LEAVES_OUT, Contexts())[:300]
        assert len(chosen) == 300
        for form, link, packet in chosen:
            frame = Dot15d4(data_frame(link.src, link.dst, b"\xab\xcd", 1, form))
            assert bytes(frame[IPv6]) == packet, (form.hex(), ipv6.Packet.parse(packet))
    finally:
        conf.dot15d4_protocol = before
