"""lwIP as a DUT: a real stack that answers, shows what it decompressed, and dies honestly."""

import ctypes
import gzip
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rigs.model import LinkClosed, RigError, Unsupported
from rigs.nodes.lwip import library
from rigs.nodes.lwip import node as adapter
from sixlowpan import ipv6
from tests.waiting import soon, until

pytestmark = pytest.mark.real


@pytest.mark.parametrize("size", [0, 8, 56, 100, 1232])
def test_echo(lwip, size):
    request = lwip.echo(size)
    lwip.send(request)
    reply = lwip.packet(129)
    assert reply[48:] == request[48:]
    assert (reply[8:24], reply[24:40]) == (request[24:40], request[8:24])


@pytest.mark.parametrize("size", [8, 1232])
def test_the_tap_is_bit_exact(lwip, size):
    request = lwip.echo(size, hop_limit=33, flow_label=0x12345)
    lwip.send(request)
    assert lwip.tapped() == request


def test_the_tap_stands_before_the_ip_layer(lwip):
    damaged = bytearray(lwip.echo(8))
    damaged[42] ^= 0xFF  # the checksum: lwIP's ICMPv6 drops it, the tap has seen it
    lwip.send(bytes(damaged))
    assert lwip.tapped() == bytes(damaged)


def test_times_are_of_the_monotonic_clock(lwip):
    before = time.monotonic()
    lwip.send(lwip.echo(8))
    tapped = lwip.node.tap.receive(soon())
    assert before <= tapped.time <= time.monotonic()
    assert (tapped.clock, lwip.link.clock) == ("monotonic", "monotonic")


def test_ping(lwip):
    lwip.node.ping(lwip.address, 20, 0x1234, 5)
    request = lwip.packet(128)
    view = ipv6.Packet.parse(request)
    assert ipv6.checksum_holds(view.src, view.dst, 58, view.payload)
    assert view.payload[4:8] == bytes.fromhex("12340005")
    assert len(view.payload) == 28


def test_udp(lwip):
    lwip.node.udp_open(5683)
    message = ipv6.udp(61616, 5683, b"hello", lwip.address, lwip.peer)
    lwip.send(ipv6.build(lwip.address, lwip.peer, ipv6.UDP, message))
    assert lwip.node.udp_receive(5683, lwip.link.now() + 2) == (lwip.address, 61616, b"hello")
    lwip.node.udp_send(lwip.address, 5683, 61616, b"bye")


def test_a_closed_port_is_quoted(lwip):
    message = ipv6.udp(61616, 9, b"nobody there", lwip.address, lwip.peer)
    packet = ipv6.build(lwip.address, lwip.peer, ipv6.UDP, message)
    lwip.send(packet)
    error = lwip.packet(1)
    assert error[48:] == packet


def test_a_context_and_an_address(lwip):
    prefix = bytes.fromhex("20010db800010000")
    lwip.node.set_context(3, prefix + bytes(8), 64)
    address = prefix + lwip.peer[8:]
    lwip.node.add_address(address)
    assert lwip.node.addresses() == (lwip.peer, address)
    # TF=11 NH=0 HLIM=11, CID=1 SAC=0 SAM=10 M=0 DAC=1 DAM=01, context 3
    lwip.send_payload(bytes.fromhex("7ba503") + b"\x3a" + bytes.fromhex("0002") + address[8:] + bytes(8))
    assert lwip.tapped()[24:40] == address
    with pytest.raises(Unsupported):
        lwip.node.set_context(10, prefix + bytes(8), 64)
    with pytest.raises(Unsupported):
        lwip.node.set_context(1, prefix + bytes(8), 48)


def test_an_address_is_taken_back(lwip):
    prefix = bytes.fromhex("20010db800010000")
    for number in range(1, 6):  # there is room for two at once
        address = prefix + bytes(7) + bytes([number])
        lwip.node.add_address(address)
        assert lwip.node.addresses() == (lwip.peer, address)
        lwip.node.remove_address(address)
        assert lwip.node.addresses() == (lwip.peer,)
    lwip.node.remove_address(lwip.peer)
    assert lwip.node.addresses() == (lwip.peer,)
    # what goes to its address of before is for somebody else, and one that it has again is its own
    lwip.node.add_address(address)
    request = ipv6.echo_request(lwip.address, address, 7, 1, b"")
    lwip.send(request)
    assert lwip.tapped() == request


def test_a_group(lwip):
    group = bytes.fromhex("ff02000000000000000000000000abcd")
    lwip.node.join(group)
    assert group in lwip.packet(131)


def test_reset_forgets(lwip):
    lwip.node.add_address(bytes.fromhex("20010db8000000000000000000000001"))
    old = lwip.process.child.pid
    lwip.node.reset()
    assert lwip.process.child.pid != old
    assert lwip.node.addresses() == (lwip.peer,)
    lwip.send(lwip.echo(8))
    lwip.packet(129)


def listen_until_closed(link):
    while link.receive(link.now() + 2) is not None:
        pass


def test_an_answer_to_itself(lwip):
    """lwIP leaves a packet to its own address to its tcpip thread; without one it aborted ("Invalid mbox")."""
    request = ipv6.echo_request(lwip.peer, lwip.peer, 7, 1, b"")
    lwip.send(request)
    assert lwip.tapped() == request
    assert lwip.tapped()[40] == 129
    assert lwip.node.health().state == "alive"


def test_killed_from_outside(lwip):
    os.kill(lwip.process.child.pid, signal.SIGKILL)
    with pytest.raises(LinkClosed, match="killed"):
        listen_until_closed(lwip.link)
    assert lwip.node.health().state == "killed"


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGSEGV])
def test_crashed(lwip, number):
    os.kill(lwip.process.child.pid, number)
    until(lambda: lwip.node.health().state != "alive")
    health = lwip.node.health()
    assert health.state == "crashed"
    assert number.name in health.detail
    with pytest.raises(LinkClosed):
        lwip.link.send(b"")
    lwip.node.reset()
    assert lwip.node.health().state == "alive"


def test_close_twice(lwip):
    lwip.process.close()
    lwip.process.close()
    assert lwip.node.health().state == "unreachable"


PARENT = """
import signal
from rigs.nodes.lwip.node import LwipProcess
process = LwipProcess("ble")
print(process.child.pid, flush=True)
signal.pause()
"""


def test_dies_with_its_parent():
    if not library.installed():
        pytest.skip(f"{library.INSTALLED} is absent: {library.REMEDY}")
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": "."}
    ) as parent:
        pid = int(parent.stdout.readline())
        parent.kill()
    until(lambda: ended(pid), f"the child {pid} outlived its parent")


def ended(pid):
    """Whether a process is gone, or only waits for its parent to take note."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


def test_the_library_is_absent(monkeypatch):
    monkeypatch.setattr(library, "INSTALLED", "libnothing.so.0")
    with pytest.raises(RigError, match="apt-get install liblwip0"):
        adapter.LwipProcess("ble")


def test_another_package(tmp_path):
    """A folder with an unpacked package: its library and its changelog's version; without a library, what to do."""
    assert library.trouble(str(tmp_path)) == f"{tmp_path} has no usr/lib/*/liblwip.so.*"
    folder, doc = tmp_path / "usr/lib/x86_64-linux-gnu", tmp_path / "usr/share/doc/liblwip0t64"
    folder.mkdir(parents=True)
    doc.mkdir(parents=True)
    (folder / "liblwip.so.2.2.0").write_bytes(b"no library")
    assert "liblwip.so.2.2.0" in library.trouble(str(tmp_path))
    assert library.version(str(tmp_path)) == "liblwip.so.2.2.0 (version unknown)"
    with gzip.open(doc / "changelog.Debian.gz", "wt", encoding="utf-8") as file:
        file.write("lwip (2.2.1+dfsg1-1) unstable; urgency=medium\n")
    assert library.version(str(tmp_path)) == "2.2.1+dfsg1-1"
    with pytest.raises(RigError, match="dpkg-deb -x"):
        adapter.LwipProcess("ble", package=str(tmp_path))


def test_installed_in_a_folder(tmp_path):
    """The installed library, taken by its folder, is the same node."""
    if not library.installed():
        pytest.skip(f"{library.INSTALLED} is absent: {library.REMEDY}")
    ctypes.CDLL(library.INSTALLED)
    mapped = Path("/proc/self/maps").read_text(encoding="utf-8")
    found = Path(next(line.split()[-1] for line in mapped.splitlines() if "liblwip.so" in line))
    folder = tmp_path / "usr/lib/here"
    folder.mkdir(parents=True)
    shutil.copy(found, folder)
    process = adapter.LwipProcess("ble", package=str(tmp_path))
    try:
        assert process.node.version().startswith(f"{found.name} (version unknown)")
        assert process.node.addresses() == (process.address,)
    finally:
        process.close()
