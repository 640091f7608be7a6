"""tshark as a second opinion: `python -m tests.sixlowpan.crosscheck FOLDER` compares the frames of captures.

Strategy: every 802.15.4 frame in every .pcap and .pcapng below FOLDER goes through the oracle and, live on stdin,
through tshark, whose `-x` dump shows the decompressed or reassembled packet of each frame. A frame agrees if tshark
shows the packet that the oracle makes of it, or if neither makes one. What differs is either in `EXPLAINED`, with the
sentence that decides, or a disagreement: then it is printed and the exit code is 1. Files without fragments
share one tshark process; a file with fragments has one of its own, as tags mean something within one run only.

The same functions serve `test_tshark`, which makes its frames itself.
"""

from __future__ import annotations

import argparse
import shutil
import struct
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sixlowpan import Contexts, DecodeError, Reassembler, capture, dispatch, explain, frame, ipv6, mac, mesh
from sixlowpan.explain import Field
from sixlowpan.link import LinkInfo
from tests.waiting import completed

TSHARK = shutil.which("tshark")
#: What the rigs of this project set on their nodes (rigs.tester.preparation.STANDARD_CONTEXTS).
CONTEXTS = (
    "0=2001:db8::/64", "1=2001:db8:1::/64", "2=2001:db8:2:4000::/50", "3=2001:db8:3::/48",
    "4=2001:db8:4:0:aabb:ccdd::/96", "5=2001:db8:5:0:212:7400:0:100/120", "9=2001:db8:9::/64", "15=2001:db8:f::/64",
)  # fmt: skip
BATCH = 5000

#: Where tshark 4.0 and the oracle differ and the RFC decides; the key is what `explanation` returns.
EXPLAINED = {
    "elided UDP checksum": "tshark puts ffff there; RFC 6282 4.3.2: the decompressor 'MUST compute the UDP Checksum'",
    "undefined context": "tshark takes :: for it; RFC 6282 3.1.2 leaves the action open, and the oracle refuses",
    "reserved EID": "tshark accepts EID 5; RFC 6282 4.2 reserves 5 and 6",
    "GHC": "tshark does not know RFC 7400",
    "behind No Next Header": "tshark drops the octets; RFC 8200 4.7: 'passed on unchanged'",
    "length of a Fragment header": "tshark takes a 6 for the Reserved octet; a compressor that writes a length there "
    "(RFC 6282 4.2) means 6 octets and Reserved 0, 'initialized to zero for transmission' (RFC 8200 4.5)",
    "HC1 with a UDP length": "tshark makes the Payload Length of it; RFC 4944 10.1: inferred from the layer below",
    "reserved mode": "tshark decodes M DAC DAM = 0100, 1101.. as it likes; RFC 6282 3.1.1: (reserved)",
    "refused for its length": "tshark shows a packet although octets are missing or too many; the RFCs have them all",
    "refused stack": "tshark reads on behind headers out of order, reserved dispatch values, page switches, NALP",
    "reassembly": "tshark keys datagrams otherwise (no datagram_size in the key, no overlap rule); RFC 4944 5.3",
}


def blocks(frames: Sequence[bytes], contexts: Contexts) -> list[list[bytes]]:
    """For each frame (without FCS) the octets of every data source that tshark shows: itself first, then packets."""
    assert TSHARK is not None, "tshark is not installed: apt-get install tshark"
    data = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 230)]
    for number, octets in enumerate(frames):
        data.append(struct.pack("<IIII", number // 1000, number % 1000, len(octets), len(octets)) + octets)
    command = [TSHARK, "-Q", "-n", "-l", "-o", "wpan.802154_fcs_ok:FALSE", "-r", "-", "-x"]
    for pan in sorted({mac.parse(each)[0].pan for each in frames if _is_data(each)} - {None}):
        command += ["-d", f"wpan.panid==0x{pan.hex()},6lowpan"]
    for identifier, context in contexts.items():
        command += ["-o", f"6lowpan.context{identifier}:{context}"]
    done = completed(command, input=b"".join(data), check=True, text=False)
    found = []
    for group in done.stdout.decode().strip("\n").split("\n\n"):
        sources = [bytearray()]
        for line in group.splitlines():
            if line.endswith("bytes):"):
                sources.append(bytearray())
            else:
                sources[-1] += bytes.fromhex(line[6:54])
        found.append([bytes(source) for source in sources if source])
    assert len(found) == len(frames), "tshark shows each frame"
    return found


def _is_data(octets: bytes) -> bool:
    try:
        header, payload = mac.parse(octets)
    except DecodeError:
        return False
    return header.type == mac.DATA and bool(payload) and not (header.security and header.security_control & 4)


@dataclass
class Tally:
    """What came of it."""

    counts: Counter[str] = field(default_factory=Counter)
    explained: Counter[str] = field(default_factory=Counter)
    disagreements: list[str] = field(default_factory=list)

    @property
    def frames(self) -> int:
        return self.counts.total()


def check(frames: Sequence[tuple[str, bytes]], contexts: Contexts, tally: Tally) -> None:
    """Compare named frames, in the order in which they were seen."""
    reassemblers: dict[str, Reassembler] = {}
    shown = blocks([octets for _, octets in frames], contexts)
    for (name, octets), sources in zip(frames, shown, strict=True):
        payload, link = frame.parse(octets)
        link = replace(
            link, integrity=True
        )  # a C=1 frame in a capture was accepted, or it is compared in vain
        packet, error = None, None
        try:
            reassembler = reassemblers.setdefault(name.partition(" ")[0], Reassembler())
            packet = reassembler.receive(payload, link, contexts)
        except DecodeError as caught:
            error = caught
        outcome = compare(payload, packet, error, sources) or explanation(
            payload, link, contexts, packet, error
        )
        outcome = outcome or "disagree"
        if outcome in EXPLAINED:
            tally.counts["explained"] += 1
            tally.explained[outcome] += 1
        else:
            tally.counts[outcome] += 1
        if outcome == "disagree":
            ours = packet.hex() if packet is not None else str(error or "incomplete")
            theirs = [source.hex() for source in sources[1:]]
            tally.disagreements.append(f"{name}: {payload.hex()}\n  oracle {ours}\n  tshark {theirs}")


def compare(
    payload: bytes, packet: bytes | None, error: DecodeError | None, sources: list[bytes]
) -> str | None:
    """ "agree", "both refuse", "both wait", or None if the two differ."""
    kind = _kind(payload)
    packets = sources[1:]
    if packet is not None:
        if packet in packets or (kind == dispatch.IPV6 and sources[0].endswith(packet)):
            return "agree"
    elif not packets or (
        kind == dispatch.FRAG1 and error is None
    ):  # tshark shows the header of a FRAG1 by itself
        return "both refuse" if error else "both wait"
    return None


def _kind(payload: bytes) -> str:
    try:
        at, _ = mesh.unwrap(payload, LinkInfo("ieee802154"))
    except DecodeError:
        return "refused"
    return dispatch.KIND[payload[at]]


def explanation(
    payload: bytes, link: LinkInfo, contexts: Contexts, packet: bytes | None, error: DecodeError | None
) -> str | None:
    """Why tshark differs here, as a key of EXPLAINED, or None."""
    if error is not None:
        row = error.requirement or ""
        if row.startswith(("RFC6282-3.1.2", "RFC7668")):
            return "undefined context"
        if row in {"RFC6282-4.2-08", "RFC6282-4.2-09"}:
            return "reserved EID"
        if row.startswith("RFC7400"):
            return "GHC"
        if row in {"RFC6282-3.1.1-33", "RFC6282-3.1.1-42", "RFC6282-3.1.1-43", "RFC6282-3.1.1-44"}:
            return "reserved mode"
        if row.startswith(("RFC8025", "RFC8066", "RFC4944-5-", "RFC4944-5.1-", "RFC6282-5-")):
            return "refused stack"
        if row.startswith("RFC4944-5.3") and error.kind == "malformed":
            return "reassembly"
        return "refused for its length" if error.kind == "malformed" else None
    if _kind(payload) in {dispatch.FRAG1, dispatch.FRAGN}:
        return "reassembly"
    if packet is None:
        return None
    if payload[0] == 0x42 and payload[1] & 7 == 3 and not payload[2] & 0x20:
        return "HC1 with a UDP length"
    if cut_short(packet):
        return "behind No Next Header"
    fields = _fields(explain(payload, link, contexts))
    if ("C", "RFC6282-4.3.3-02") in fields:
        return "elided UDP checksum"
    if any("GHC" in name for name, _ in fields):
        return "GHC"
    if ("EID", "RFC6282-4.2-05") in fields:
        return "length of a Fragment header"
    return None


def _fields(tree: Field) -> set[tuple[str, str]]:
    """(name, requirement) of every field in a header tree."""
    return {(tree.name, tree.requirement or "")}.union(*(_fields(child) for child in tree.children))


def cut_short(packet: bytes) -> bool:
    """True if octets follow a No Next Header: tshark drops them behind an NHC extension header."""
    protocol, _, data = ipv6.Packet.parse(packet).upper()
    if (
        protocol == ipv6.IPV6
        and len(data) >= 40
        and data[4] << 8 | data[5] == len(data) - 40
        and data[0] >> 4 == 6
    ):
        return cut_short(data)
    if protocol == ipv6.FRAGMENT:  # not the first one: `upper` stops before it
        protocol, data = data[0] if data else protocol, data[8:]
    return protocol == ipv6.NO_NEXT_HEADER and bool(data)


def captured(path: Path) -> Iterator[bytes]:
    """The 802.15.4 data frames of a capture file, without FCS; encrypted ones are left out."""
    for record in capture.records(path):
        octets = record.data[:-2] if record.link_type == 195 else record.data
        if record.link_type in {195, 230} and _is_data(octets):
            yield octets


def batches(paths: Sequence[Path]) -> Iterator[list[tuple[str, bytes]]]:
    """Named frames for one tshark run each."""
    batch: list[tuple[str, bytes]] = []
    for path in paths:
        frames = [(f"{path.name} {number}", octets) for number, octets in enumerate(captured(path), 1)]
        if any(_kind(mac.parse(octets)[1]) in {dispatch.FRAG1, dispatch.FRAGN} for _, octets in frames):
            yield frames
            continue
        batch += frames
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sixlowpan.crosscheck", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="+", help="captures are looked for in it and below")
    parser.add_argument(
        "--context", action="append", metavar="ID=PREFIX", help=f"default: {', '.join(CONTEXTS)}"
    )
    parser.add_argument("--show", type=int, default=10, help="how many disagreements are printed")
    options = parser.parse_args(arguments)
    contexts = Contexts.parse(dict(each.split("=", 1) for each in options.context or CONTEXTS))
    paths = sorted(path for folder in options.folder for path in folder.rglob("*.pcap*"))
    tally = Tally()
    for batch in batches(paths):
        check(batch, contexts, tally)
    print(f"{tally.frames} frames of {len(paths)} files: {dict(sorted(tally.counts.items()))}")
    for name, count in tally.explained.most_common():
        print(f"  explained: {count:6} {name}: {EXPLAINED[name]}")
    for text in tally.disagreements[: options.show]:
        print(f"disagree: {text}")
    return int(bool(tally.disagreements))


if __name__ == "__main__":
    sys.exit(main())
