"""radvd as a DUT: what is written into its file, what it is tried for, and what it sends, read with the oracle."""

import ipaddress
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reports.record import read
from rigs.bench import Rig
from rigs.configuration.loading import load
from rigs.guests import qemu
from rigs.guests.radvd import MINUTES, VERSION, Advertised
from rigs.tester import preparation
from rigs.tester.discovery import HostParty, heard
from sixlowpan import nd

ROOT = Path(__file__).parents[2]
ADDRESS = ipaddress.IPv6Address("2001:db8:0:7::1").packed


def test_the_file_is_as_its_administrator_would_write_it():
    what = Advertised([ADDRESS, ADDRESS[:15] + b"\2"], {3: (64, True), 4: (48, False)})
    assert what.configuration("lowpan0").splitlines() == [
        "interface lowpan0 {",
        "  AdvSendAdvert on;",
        "  UnicastOnly on;",
        "  AdvDefaultPreference high;",
        "  prefix 2001:db8:0:7::/64 { AdvOnLink off; AdvAutonomous on; };",
        "  lowpanco { AdvContextLength 64; AdvContextCompressionFlag on; AdvContextID 3; AdvLifeTime 600; };",
        "  lowpanco { AdvContextLength 48; AdvContextCompressionFlag off; AdvContextID 4; AdvLifeTime 600; };",
        "  abro 2001:db8:0:7::1 { AdvVersionLow 1; AdvVersionHigh 2; AdvValidLifeTime 600; };",
        "};",
    ]


def test_a_router_that_has_no_address_yet_advertises_no_border():
    assert "abro" not in Advertised().configuration("lowpan0")


PROFILE = """
schema = 1
stack = "reference"
link = "ieee802154"
only = ["rfc6775/6.*"]
abilities = ["echo", "ping", "udp", "context", "address", "reset", "ip_tap", "port_unreachable"]

[parameters]
role = "6LBR"
contexts = 16
features = ["nd_advertising", "multihop"]
"""


def test_a_router_that_registers_nobody_is_tried_for_its_advertisements_alone(tmp_path):
    """And a profile that is for some cases `only` leaves the others out, which says why."""
    rig = tmp_path / "advertises.toml"
    text = (ROOT / "rigs/files/reference-nd-6lbr.toml").read_text(encoding="utf-8")
    rig.write_text(text.replace('"reference-nd-6lbr"', '"./profile.toml"'), encoding="utf-8")
    (tmp_path / "profile.toml").write_text(PROFILE, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--record-dir",
        str(tmp_path / "out"),
        "--rig",
        str(rig),
        "suites/rfc6775",
    ]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
    results = {one["case"]: one for one in read(tmp_path / "out" / "latest").results}
    passed = {case for case, one in results.items() if one["verdict"] == "pass"}
    assert {"rfc6775/6.3/advertisement", "rfc6775/6.3.again/invalid[short]"} <= passed
    assert all(case.startswith("rfc6775/6.3") for case in passed)
    one = results["rfc6775/6.5/registration"]
    assert (one["verdict"], one["reason"]) == ("unsupported", "not_declared")
    assert one["message"].endswith("does not declare nd")
    assert results["rfc6775/7/advertises_itself"]["message"].endswith("is for rfc6775/6.* only")


@pytest.fixture(scope="module")
def rig():
    with Rig.of(load("linux-radvd")) as opened:
        yield opened


@pytest.mark.real
@pytest.mark.skipif(shutil.which(qemu.QEMU) is None, reason=f"{qemu.QEMU} is not here: {qemu.REMEDY}")
def test_what_it_sends_is_what_it_was_told(rig):
    """The halves of the ABRO's version and its lifetime in minutes are where RFC 6775 §4.3 has them."""
    tester = preparation.tester_for(rig, 1)
    address = next(a for a in rig.node.addresses() if a[:2] != b"\xfe\x80")
    party = HostParty(tester, tester.fresh())
    party.solicit()
    seen = heard(tester, lambda s: s.icmp_type == nd.RA, 5.0)
    assert seen is not None
    assert not nd.breaches(seen.packet)
    message = nd.parse(seen.upper)
    options = {type(option): option for option in message.options}
    border = options[nd.AuthoritativeBorderRouter]
    assert (border.version, border.valid_lifetime) == (VERSION[0] << 16 | VERSION[1], MINUTES)
    assert border.address == address
    prefix = options[nd.PrefixInformation]
    assert (prefix.prefix, prefix.on_link, prefix.autonomous) == (address[:8] + bytes(8), False, True)
    context = options[nd.ContextOption]
    assert (context.cid, context.length, context.compress, context.valid_lifetime) == (15, 64, True, MINUTES)
    assert options[nd.LinkLayerAddress].address[:8] == rig.link.dut
    assert rig.version.startswith("2.")


@pytest.mark.real
@pytest.mark.skipif(shutil.which(qemu.QEMU) is None, reason=f"{qemu.QEMU} is not here: {qemu.REMEDY}")
def test_it_is_the_router_of_a_star(tmp_path):
    """Over Bluetooth LE its interface is made anew for each case, and radvd advertises on it again."""
    pytest.importorskip("bumble", reason="the extra `ble` is not installed")
    words = [
        "suites/rfc6775",
        "-k",
        "6_3 and (test_advertisement or each_is_answered)",
        "--rig",
        "linux-radvd-ble",
    ]
    command = [sys.executable, "-m", "pytest", "-n0", "-q", "--record-dir", str(tmp_path), *words]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
    found = {one["case"]: one["verdict"] for one in read(tmp_path / "latest").results}
    assert found == {"rfc6775/6.3/advertisement": "pass", "rfc6775/6.3.again/each_is_answered": "pass"}
