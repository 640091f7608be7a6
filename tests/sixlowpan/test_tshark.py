"""A second opinion: tshark decompresses the same frames to the same packets.

Where tshark 4.0 is known to differ stands in `crosscheck.EXPLAINED`, each with the sentence of the RFC that decides.
Two more are left out where frames are made: contexts of more than 64 bits for unicast-prefix-based groups (tshark caps
the length), and packets with octets behind No Next Header. tshark proves nothing: a difference is looked up in the RFC
before it goes into the list.
"""

from __future__ import annotations

import random
import struct
from functools import cache
from itertools import islice

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from sixlowpan import Contexts, LinkInfo, data_frame, decode, encodings, fragment, ipv6, link_local, mac
from tests.sixlowpan import crosscheck, samples
from tests.sixlowpan.crosscheck import TSHARK, blocks, cut_short
from tests.sixlowpan.samples import EUI_A, EUI_B, LINKS, PAN_ID
from vectors.generate import all_vectors

pytestmark = pytest.mark.skipif(TSHARK is None, reason="tshark is not installed: apt-get install tshark")
CONTEXTS = samples.CONTEXTS
RADIOS = [LINKS[name] for name in ("long", "short", "mixed")]


def compare(cases: list[tuple[bytes, object, bytes]]) -> list[str]:
    """Payloads that tshark decompresses otherwise than to their packet."""
    frames = [data_frame(link.src, link.dst, PAN_ID, 1, payload) for payload, link, _ in cases]
    wrong = []
    for (payload, _, packet), sources in zip(cases, blocks(frames, CONTEXTS), strict=True):
        if packet not in sources and not (payload[0] == 0x41 and sources[0].endswith(packet)):
            wrong.append(
                f"{payload.hex()} -> {packet.hex()}, tshark {[source.hex() for source in sources[1:]]}"
            )
    return wrong


def test_every_legal_header_word():
    cases = []
    in_line = bytes(range(0x11, 0x11 + 60))
    for link in RADIOS:
        for word in range(0x6000, 0x8000):
            # NHC words differ in one bit only, and in-line noise is no NHC
            if word & 0x400 or word & 15 in {4, 13, 14, 15}:
                continue
            octets = bytearray(in_line)
            start = word.to_bytes(2, "big") + (b"\x31" if word & 0x80 else b"")
            # the next header in-line: 59, so that tshark looks no further
            octets[(4, 3, 1, 0)[word >> 11 & 3]] = 59
            payload = start + bytes(octets)
            cases.append((payload, link, decode(payload, link, CONTEXTS)))
    wrong = compare(cases)
    assert not wrong, f"{len(wrong)}: {wrong[:5]}"


@cache
def random_packets(count: int) -> list[bytes]:
    """The same packets on each run."""
    found: list[bytes] = []

    @given(samples.packets(depth=1))
    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def collect(packet: bytes) -> None:
        if not cut_short(packet):
            found.append(packet)

    collect()
    return found


def random_cases(packets: int, forms_each: int) -> list[tuple[bytes, LinkInfo, bytes]]:
    """(payload, link, packet): some of the legal forms of random packets."""
    chooser = random.Random(6282)
    cases = []
    for packet in random_packets(packets):
        link = chooser.choice(RADIOS)
        forms = list(islice(encodings(packet, link, CONTEXTS), 300))
        cases += [(form, link, packet) for form in chooser.sample(forms, min(forms_each, len(forms)))]
    return cases


def test_random_forms():
    cases = random_cases(250, 8)
    wrong = compare(cases)
    assert not wrong, f"{len(wrong)} of {len(cases)}: {wrong[:3]}"


@pytest.mark.slow
def test_20_000_random_forms():
    cases = random_cases(1000, 30)
    assert len(cases) >= 20_000
    for begin in range(0, len(cases), 5000):
        wrong = compare(cases[begin : begin + 5000])
        assert not wrong, f"{len(wrong)}: {wrong[:3]}"


def test_fragments():
    src, dst = link_local(EUI_A), link_local(EUI_B)
    frames, packets = [], []
    for tag, size in enumerate((100, 101, 300, 777, 1232)):
        packet = ipv6.echo_request(src, dst, 1, tag, bytes(range(256)) * 4 + bytes(size))
        packet = ipv6.echo_request(src, dst, 1, tag, packet[48 : 48 + size])
        pieces = fragment(packet, LINKS["long"], mtu=90, tag=tag)
        frames += [data_frame(EUI_A, EUI_B, PAN_ID, 1, piece) for piece in pieces]
        packets.append(packet)
    shown = [source for sources in blocks(frames, CONTEXTS) for source in sources]
    for packet in packets:
        assert packet in shown


def framed(vector) -> list[bytes]:
    """The payloads of a vector in 802.15.4 frames."""
    return [
        data_frame(
            bytes.fromhex(each.src or vector.src),
            bytes.fromhex(each.dst or vector.dst),
            PAN_ID,
            1,
            bytes.fromhex(each.payload),
        )
        for each in vector.payloads
        if each.payload
    ]


def test_every_vector():
    """Every vector of one frame, refusals too: tshark agrees, or the difference is an explained one."""
    tally = crosscheck.Tally()
    together: dict[str, list] = {}
    for one in all_vectors():
        if one.link != "ieee802154" or "pan" in one.options or not (one.src and one.dst):
            continue  # tshark has no frame for them: other link, IIDs of RFC 4944 section 6, no addresses
        if len(one.payloads) == 1 and one.payload and one.payload[0] < 0xC0:
            together.setdefault(str(sorted(one.contexts.items())), []).append(one)
    for vectors in together.values():
        frames = [(one.id, octets) for one in vectors for octets in framed(one)]
        crosscheck.check(frames, Contexts.parse(vectors[0].contexts), tally)
    assert not tally.disagreements, "\n".join(tally.disagreements[:5])
    assert tally.counts["agree"] > 800
    assert tally.counts["both refuse"] > 50


def test_the_helper_reads_captures(tmp_path, capsys):
    """`python -m tests.sixlowpan.crosscheck FOLDER`, over a file with and one without FCS."""
    link, packet = LINKS["long"], ipv6.echo_request(link_local(EUI_A), link_local(EUI_B), 1, 1, b"x" * 200)
    others = [bytes.fromhex(each) for each in ("7a333b", "7a343b", "7e33eb00f0000100020000")]
    payloads = fragment(packet, link, mtu=90, tag=1) + others
    frames = [data_frame(link.src, link.dst, PAN_ID, n, payload) for n, payload in enumerate(payloads)]
    for link_type, fcs in ((195, mac.fcs), (230, lambda _: b"")):
        octets = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link_type)
        for frame in frames:
            whole = frame + fcs(frame)
            octets += struct.pack("<IIII", 0, 0, len(whole), len(whole)) + whole
        (tmp_path / f"{link_type}.pcap").write_bytes(octets)
    assert crosscheck.main([str(tmp_path)]) == 0
    answer = capsys.readouterr().out
    assert answer.startswith(f"{2 * len(payloads)} frames of 2 files: ")
    assert "'agree': 4" in answer
    assert "reserved EID" in answer


def test_the_helper_names_what_differs(monkeypatch, capsys, tmp_path):
    frame = data_frame(EUI_A, EUI_B, PAN_ID, 1, bytes.fromhex("7a333b"))
    header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 230)
    (tmp_path / "a.pcap").write_bytes(header + struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)
    monkeypatch.setattr(
        crosscheck, "blocks", lambda frames, _: [[octets, b"another packet"] for octets in frames]
    )
    assert crosscheck.main([str(tmp_path)]) == 1
    assert "disagree: a.pcap 1: 7a333b" in capsys.readouterr().out
