"""The evidence of a real run: each pcapng opens in tshark, and every echo in it decodes as the oracle decodes it."""

import ipaddress
import shutil
import sys
from pathlib import Path

import pytest
from scapy.utils import RawPcapNgReader

from reports.record import read
from rigs.nodes.lwip.library import installed
from rigs.tester.preparation import STANDARD_CONTEXTS
from sixlowpan import Contexts, DecodeError, Reassembler, frame, ipv6
from tests.waiting import completed

ROOT = Path(__file__).parents[2]
CASES = "hlim or stateless_unicast or stateful_source or test_mtu or exact_duplicate or uncompressed_ipv6"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed (apt-get install tshark)"),
    pytest.mark.skipif(not installed(), reason="liblwip0 is not installed (apt-get install liblwip0)"),
]


def tshark(path, *fields):
    contexts = [o for i, p in STANDARD_CONTEXTS.items() for o in ("-o", f"6lowpan.context{i}:{p}")]
    columns = [o for name in fields for o in ("-e", name)]
    command = ["tshark", "-Q", "-n", "-r", str(path), *contexts, "-T", "fields", *columns]
    done = completed(command, check=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


def echoes_by_tshark(path):
    rows = tshark(
        path, "ipv6.src", "ipv6.dst", "icmpv6.type", "icmpv6.echo.identifier", "icmpv6.checksum.status"
    )
    return {
        (ipaddress.ip_address(src), ipaddress.ip_address(dst), int(kind), int(identifier, 16))
        for src, dst, kind, identifier, status in rows
        if identifier and status == "1" and "," not in src
    }


def echoes_by_the_oracle(path):
    contexts = Contexts.parse({str(k): v for k, v in STANDARD_CONTEXTS.items()})
    reassembler, found = Reassembler(), set()
    with path.open("rb") as file:
        for data, about in RawPcapNgReader(file):
            if about.linktype != 230:
                continue
            try:
                payload, info = frame.parse(data)
                packet = reassembler.receive(payload, info, contexts, 0.0)
            except DecodeError:
                continue
            if packet is None:
                continue
            view = ipv6.Packet.parse(packet)
            protocol, _, message = view.upper()
            if protocol == 58 and message[0] in {128, 129}:
                addresses = (ipaddress.ip_address(view.src), ipaddress.ip_address(view.dst))
                found.add((*addresses, message[0], int.from_bytes(message[4:6])))
    return found


@pytest.mark.parametrize("rig", ["lwip-802154", "linux-802154"])
def test_tshark_reads_what_the_oracle_reports(tmp_path, rig):
    if rig.startswith("linux") and not shutil.which("qemu-system-x86_64"):
        pytest.skip("QEMU is not installed (apt-get install qemu-system-x86)")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "suites",
        "--rig",
        rig,
        "-q",
        "-k",
        CASES,
        "--record-dir",
        str(tmp_path),
    ]
    done = completed(command, cwd=ROOT)
    record = read((tmp_path / "latest").resolve())
    tried = [r for r in record.results if r["verdict"] in {"pass", "fail"}]
    assert len(tried) > 20, done.stdout
    seen = 0
    for result in tried:
        path = record.path.parent / result["evidence"]
        ours = echoes_by_the_oracle(path)
        assert ours, result["case"]
        # RFC 6282 gives a payload one meaning; tshark shows at least every echo that the oracle shows
        assert ours <= echoes_by_tshark(path), result["case"]
        seen += len(ours)
    assert seen > 60
