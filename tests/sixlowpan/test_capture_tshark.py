"""Captures against tshark: what it counts and dissects, `judge` counts and judges, for each container and link type."""

from __future__ import annotations

import json
import subprocess

import pytest

from sixlowpan import capture, data_frame, encode, ipv6
from tests.sixlowpan.bluetooth import FORMS, hci
from tests.sixlowpan.captures import (
    WRAPPERS,
    btsnoop,
    enhanced,
    gzipped,
    interface,
    obsolete,
    pcap,
    right32,
    section,
    simple,
)
from tests.sixlowpan.crosscheck import TSHARK
from tests.sixlowpan.samples import DST, EUI_A, EUI_B, LONG, SRC

pytestmark = pytest.mark.skipif(TSHARK is None, reason="tshark is not installed: apt-get install tshark")
ECHO = data_frame(EUI_A, EUI_B, b"\xab\xcd", 1, encode(ipv6.echo_request(SRC, DST, 1, 1, b"abcd"), LONG))
#: tshark 4.0 has no dissector behind 191 and TI's header, and is not told what 147 is; at what has no FCS, or 4 octets
#: of it, it looks only when it is told
ASKED = {
    "195 of 4 octets": ["-o", "wpan.fcs_format:ITU-T CRC-32"],
    "cooked 809a": ["-o", "wpan.802154_fcs_ok:FALSE"],
    "cooked 00f6": ["-o", "wpan.802154_fcs_ok:FALSE"],
    "cooked v2 00f6": ["-o", "wpan.802154_fcs_ok:FALSE"],
}
UNKNOWN = {"191", "TI radio", "TI radio in Ethernet", "CatSniffer", "nRF without TAP"}


def dissected(path, *options):
    """(time, captured octets, octets on the medium, protocols) of each packet."""
    fields = ["frame.time_epoch", "frame.cap_len", "frame.len", "frame.protocols"]
    command = [TSHARK, "-r", str(path), "-T", "fields", *options]
    for field in fields:
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


@pytest.mark.parametrize("name", [name for name in WRAPPERS if name not in UNKNOWN])
def test_link_types(tmp_path, name):
    link_type, wrap = WRAPPERS[name]
    path = pcap(tmp_path / "f.pcap", link_type, [wrap(ECHO)])
    assert capture.judge(path).judged == 1
    ((_, _, _, protocols),) = dissected(path, *ASKED.get(name, []))
    assert ":6lowpan:ipv6:icmpv6" in protocols


@pytest.mark.parametrize("name", [name for name in FORMS if "one id" not in name])
def test_bluetooth(tmp_path, name):
    link_type, make = FORMS[name]
    path = pcap(tmp_path / "f.pcap", link_type, make())
    seen = dissected(path)
    assert capture.judge(path).read == len(seen)
    assert sum("6lowpan" in protocols for *_, protocols in seen) >= 2


def test_bluetooth_in_btsnoop(tmp_path):
    packets = [((not sent) | (2 if each[0] == 4 else 0), each) for sent, each in hci()]
    for datalink, given in ((1002, packets), (1001, [(flags, each[1:]) for flags, each in packets])):
        path = btsnoop(tmp_path / "f.log", given, datalink)
        seen = dissected(path)
        assert capture.judge(path).read == len(seen)
        assert sum("6lowpan" in protocols for *_, protocols in seen) >= 2


def files(folder):
    """One of each container, with what makes it particular."""
    yield pcap(folder / "a.pcap", 230, [ECHO, ECHO])
    yield pcap(folder / "b.pcap", 230, [ECHO], ">", nano=True)
    yield pcap(folder / "c.pcap", 230, [(ECHO[:20], len(ECHO))], snaplen=20)
    yield gzipped(pcap(folder / "d.pcap.gz", 230, [ECHO]))
    for order, other in ("<>", "><"):
        path = folder / f"e{ord(order)}.pcapng"
        path.write_bytes(
            section(order)
            + interface(230, order, snaplen=30)
            + interface(195, order, b"\0\x09\0\1\3\0\0\0" if order == ">" else b"\x09\0\1\0\3\0\0\0")
            + enhanced(0, ECHO, order, 5_000_000)
            + enhanced(1, ECHO + b"\1\2", order, 7_000)
            + obsolete(0, ECHO, order, 9_000_000)
            + simple(ECHO[:30], order, len(ECHO))
            + section(other)
            + interface(230, other)
            + enhanced(0, ECHO, other, 1_000_000)
        )
        yield path


def test_containers(tmp_path):
    for path in files(tmp_path):
        ours = list(capture.records(path))
        theirs = dissected(path)
        assert len(ours) == len(theirs), path
        for record, (time, captured, length, _) in zip(ours, theirs, strict=True):
            assert (len(record.data), record.length) == (int(captured), int(length)), path
            if time:  # a Simple Packet Block has none
                assert record.time == pytest.approx(float(time), abs=2e-6), path


def test_the_addresses_of_an_elided_header(tmp_path):
    """What the judge decodes is what tshark decompresses, in the PAN that both read."""
    path = pcap(tmp_path / "f.pcap", 195, [right32(ECHO)])
    (payload,) = capture.payloads(path)
    command = [TSHARK, "-r", str(path), "-o", "wpan.fcs_format:ITU-T CRC-32", "-T", "json", "-j", "ipv6"]
    (shown,) = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert shown["_source"]["layers"]["ipv6"]["ipv6.src"] == "fe80::212:4b00:102:304"
    assert payload.link.src == EUI_A
