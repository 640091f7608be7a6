"""The real thing: a Debian kernel under QEMU with two simulated 802.15.4 radios.

Frames are made by hand here, as simply as can be (IPHC with everything inline or elided), so that this file tests
the guest and not the codec.
"""

import ipaddress
import os
import select
import shutil
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rigs.guests import packages, processes, qemu
from rigs.guests.contexts import ContextTable
from rigs.guests.handles import AgentError, TransportClosed
from rigs.guests.hwsim import DUT, HwsimGuest
from tests.waiting import soon

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(shutil.which(qemu.QEMU) is None, reason=f"{qemu.QEMU} is not here: {qemu.REMEDY}"),
]

ROOT = Path(__file__).parents[2]
LINK_LOCAL = bytes.fromhex("fe80") + bytes(6)


def iid(eui64):
    return bytes([eui64[0] ^ 2]) + eui64[1:]


def icmp(source, destination, body):
    pseudo = source + destination + struct.pack("!II", len(body), 58) + body + bytes(len(body) % 2)
    total = sum(struct.unpack(f"!{len(pseudo) // 2}H", pseudo))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return body[:2] + struct.pack("!H", ~total & 0xFFFF) + body[4:]


def drain(tap):
    while tap.receive(soon()) is not None:
        pass


class Tester:
    """One made-up neighbour of the DUT."""

    __test__ = False  # pytest takes the name for a test class

    count = 0

    def __init__(self, guest, eui64=None):
        Tester.count += 1
        self.guest = guest
        self.eui64 = eui64 or bytes.fromhex("02aabbcc") + struct.pack("!I", Tester.count)
        self.address = LINK_LOCAL + iid(self.eui64)
        self.sequence = 0

    def frame(self, payload):
        self.sequence = (self.sequence + 1) & 255
        pan = struct.pack("<H", self.guest.pan)
        return bytes([0x41, 0xCC, self.sequence]) + pan + self.guest.dut[::-1] + self.eui64[::-1] + payload

    def send(self, payload):
        self.guest.link.send(self.frame(payload))

    def echo_request(self, size, sequence=1):
        body = struct.pack("!BBHHH", 128, 0, 0, 77, sequence) + bytes(i & 255 for i in range(size))
        # IPHC: TF elided, next header inline, hop limit 64, both addresses elided (RFC 6282 §3.1.1)
        return bytes([0x7A, 0x33, 58]) + icmp(self.address, self.guest.dut_address, body)

    def advertise(self):
        body = (
            struct.pack("!BBHI", 136, 0, 0, 0x60000000) + self.address + bytes([2, 2]) + self.eui64 + bytes(6)
        )
        self.send(bytes([0x7B, 0x33, 58]) + icmp(self.address, self.guest.dut_address, body))

    def fragments(self, size, tag):
        """An Echo Request that makes an IPv6 packet of `size` octets, in RFC 4944 fragments."""
        request = self.echo_request(size - 48)
        header, body = request[:3], request[3:]
        yield struct.pack("!HH", 0xC000 | size, tag) + header + body[:88]
        for at in range(88, len(body), 96):
            yield struct.pack("!HHB", 0xE000 | size, tag, (40 + at) // 8) + body[at : at + 96]

    def wait(self, wanted, deadline):
        """The next frame from the DUT to us (or to all) that holds `wanted`; a solicitation of us is answered.

        To us alone, too: a DUT that has known us for half a minute probes whether we are there (RFC 4861 §7.3).
        """
        while (got := self.guest.link.receive(deadline)) is not None:
            to_all = got.data[5:7] == b"\xff\xff"
            if b"\x87\x00" in got.data and self.address in got.data:
                self.advertise()
            elif wanted in got.data and (to_all or got.data[5:13] == self.eui64[::-1]):
                return got
        return None

    def meet(self):
        """One echo, by which the DUT learns of us."""
        self.send(self.echo_request(8))
        return self.wait(b"\x81\x00", soon())


@pytest.fixture(scope="module")
def guest():
    with HwsimGuest() as guest:
        yield guest
        assert guest.status().state == "running"


def test_first_echo(guest):
    assert guest.guest.image.kernel.name.startswith("vmlinux-"), "a bzImage boots too, but seconds later"
    assert guest.dut_address == LINK_LOCAL + iid(guest.dut)
    assert guest.controls.addresses() == (guest.dut_address,)
    assert guest.kernel_version[0].isdigit()
    tester = Tester(guest, guest.tester)
    answer = tester.meet()
    assert answer.data[5:13] == guest.tester[::-1]
    assert answer.direction == "host"


def test_answers_to_made_up_addresses_are_heard(guest):
    for _ in range(100):
        tester = Tester(guest)
        answer = tester.meet()
        assert answer.direction == "otherhost"
        assert answer.data[5:13] == tester.eui64[::-1]


def test_the_ip_tap_shows_what_was_decompressed(guest):
    tester = Tester(guest)
    tester.send(tester.echo_request(8))
    wanted = bytes.fromhex("6000000000103a40") + tester.address + guest.dut_address
    while (seen := guest.ip.receive(soon())) is not None:
        if seen.data[:40] == wanted:
            break
    assert seen.direction == "host"
    assert abs(guest.client.host_seconds(seen.time_ns) - time.monotonic()) < 2


def test_both_ends_of_a_round_trip_are_stamped_by_one_tap(guest):
    tester = Tester(guest)
    tester.meet()
    request = tester.frame(tester.echo_request(8, 4321))
    guest.link.send(request)
    stamps = {}
    while "answer" not in stamps and (got := guest.link.receive(soon())) is not None:
        if got.direction == "outgoing" and got.data == request:
            stamps["request"] = got.time_ns
        elif b"\x81\x00" in got.data and struct.pack("!H", 4321) in got.data:
            stamps["answer"] = got.time_ns
    assert list(stamps) == ["request", "answer"], "in the order in which they were on the medium"
    assert stamps["request"] < stamps["answer"]
    assert 0 < guest.client.offset_error_ns < 1_000_000_000


def test_largest_frame_and_one_octet_more(guest):
    tester = Tester(guest)
    tester.meet()
    assert len(tester.frame(tester.echo_request(93))) == 125
    tester.send(tester.echo_request(93))
    assert tester.wait(bytes(range(60)), soon()) is not None
    tester.send(tester.echo_request(94))
    guest.client.run("true")
    assert "Message too long" in guest.link.faults.pop()


def test_1280_octets_in_fragments_there_and_back(guest):
    tester = Tester(guest)
    tester.meet()
    for tag in range(20):
        for fragment in tester.fragments(1280, tag):
            tester.send(fragment)
        covered = 0
        while covered < 1280 and (got := tester.wait(b"", soon())) is not None:
            payload = got.data[21:]
            if payload[0] >> 3 == 0b11100:
                covered = payload[4] * 8 + len(payload) - 5
        assert covered == 1280


def test_a_burst_loses_nothing(guest):
    tester = Tester(guest)
    tester.meet()
    guest.link.statistics()
    for sequence in range(3000):
        tester.send(tester.echo_request(8, sequence))
    seen = set()
    while len(seen) < 3000 and (got := tester.wait(b"\x81\x00", soon())) is not None:
        at = got.data.index(b"\x81\x00")
        seen.add(got.data[at + 6 : at + 8])
    assert len(seen) == 3000
    assert guest.link.statistics()[1] == 0
    assert guest.link.faults == []


def test_contexts(guest):
    prefix = ipaddress.IPv6Address("2001:db8:5::").packed
    address = prefix[:8] + iid(guest.dut)
    guest.controls.add_address(address)
    tester = Tester(guest)
    source = prefix[:8] + iid(tester.eui64)
    body = icmp(source, address, struct.pack("!BBHHH", 128, 0, 0, 1, 1))
    payload = bytes([0x7A, 0xF7, 0x33, 58]) + body  # CID, SAC, SAM 11, DAC, DAM 11; context 3 for both

    def seen():
        tester.send(payload)
        end = soon(1)
        while (got := guest.ip.receive(end)) is not None:
            if got.direction == "host" and got.data[40:] == body:
                return got.data[8:40]
        return None

    guest.controls.set_context(3, prefix, 64)
    assert seen() == source + address
    guest.controls.set_context(3, prefix, 64, compress=False)
    assert seen() == source + address
    guest.controls.clear_contexts()
    assert seen() != source + address


def test_what_the_dut_is_told_to_do(guest):
    tester = Tester(guest)
    tester.meet()
    guest.controls.ping(tester.address, 8, 0x4B48, 5)
    assert tester.wait(struct.pack("!HH", 0x4B48, 5), soon()) is not None
    guest.controls.udp_send(tester.address, 61617, 61618, b"ninety-nine")
    assert tester.wait(b"ninety-nine", soon()) is not None
    group = ipaddress.IPv6Address("ff02::4b48").packed
    guest.controls.join(group)
    assert "ff02::4b48" in guest.client.check("/usr/bin/ip maddr show dev lowpan0", netns=DUT)
    assert tester.wait(group, soon()) is not None, "the MLD report"


def test_udp_to_an_open_and_to_a_closed_port(guest):
    tester = Tester(guest)
    tester.meet()
    datagram = struct.pack("!HHHH", 1000, 2000, 12, 0) + b"data"
    pseudo = tester.address + guest.dut_address + struct.pack("!II", 12, 17) + datagram
    total = sum(struct.unpack(f"!{len(pseudo) // 2}H", pseudo))
    checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    datagram = datagram[:6] + struct.pack("!H", checksum) + datagram[8:]
    payload = bytes([0x7A, 0x33, 17]) + datagram
    for _ in range(100):  # far above Linux's usual limit of ICMPv6 errors
        tester.send(payload)
        assert tester.wait(b"\x01\x04", soon()) is not None, "port unreachable"
    guest.controls.udp_open(2000)
    tester.send(payload)
    assert guest.controls.udp_receive(2000, soon()) == (tester.address, 1000, b"data")
    guest.controls.udp_close(2000)


def test_reset_forgets_all_and_works_again(guest):
    guest.controls.add_address(ipaddress.IPv6Address("2001:db8:9::9").packed)
    guest.set_reassembly_timeout(5)
    guest.controls.set_context(1, ipaddress.IPv6Address("2001:db8::").packed, 64)
    guest.reset()  # the tester's link goes on
    assert guest.controls.addresses() == (guest.dut_address,)
    assert guest.reassembly_timeout() == 60
    guest.controls.set_context(1, ipaddress.IPv6Address("2001:db8::").packed, 64)
    assert Tester(guest).meet() is not None


def test_of_two_interfaces_in_the_memory_the_living_one_is_told(guest):
    """A net_device that was freed without contexts looks as a new one does: here one stands where no page is in use."""
    guest.reset()
    guest.controls.clear_contexts()
    table = guest.controls._table
    assert table is not None
    assert table.place is not None
    memory, size = guest.guest.memory, table.place.table + 512 - table.place.name
    free = os.lseek(memory, 16 << 20, os.SEEK_HOLE)
    assert os.pread(memory, size, free) == bytes(size)
    os.pwrite(memory, os.pread(memory, size, table.place.name), free)
    again = ContextTable(guest.guest, guest.client, "lowpan0", netns=DUT)
    os.pwrite(memory, bytes(size), free)
    assert again.place == table.place


def test_the_medium_can_be_made_worse_and_good_again(guest):
    tester = Tester(guest)
    tester.meet()
    guest.impair(towards_dut="loss 100%")
    tester.send(tester.echo_request(8, 0x1111))
    guest.impair()
    tester.send(tester.echo_request(8, 0x2222))
    assert tester.wait(b"\x81\x00", soon()).data.endswith(tester.echo_request(8, 0x2222)[9:])
    assert guest.controls.counters()["Icmp6InEchos"] > 0


def test_a_short_address_and_the_monitor_interface():
    with HwsimGuest(dut_short=b"\x12\x34", monitor=True, pan=0xBEEF) as guest:
        answer = Tester(guest).meet()
        assert bytes.fromhex("efbe") in answer.data[:6]
        assert b"\x34\x12" in answer.data[:20], "Linux sends from its short address"


def ended_by(guest, command, timeout):
    """The status of a guest that this command ends."""
    with pytest.raises((TransportClosed, AgentError)):
        guest.client.check(command, timeout=timeout)
    assert guest.guest.wait(10)
    return guest.status()


def test_an_oops_is_a_crash_with_its_text():
    with HwsimGuest() as guest:
        status = ended_by(guest, "echo c > /proc/sysrq-trigger", 30)
        assert status.state == "crashed"
        assert "sysrq triggered crash" in status.detail
        with pytest.raises(TransportClosed):
            guest.link.send(b"x" * 20)
        guest.stop()
        assert guest.status().state == "crashed", "also when it is asked later"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_an_ended_qemu_is_no_crash(number):
    with HwsimGuest() as guest:
        os.kill(guest.guest.pid, number)
        assert guest.guest.wait(10)
        with pytest.raises(TransportClosed):
            drain(guest.link)
        status = guest.status()
        assert status.state == "killed"
        assert "ended from outside" in status.detail


def test_a_killed_run_leaves_no_guest():
    code = (
        "import sys; from rigs.guests.hwsim import HwsimGuest\n"
        "with HwsimGuest() as g: print(g.guest.pid, g.guest.name, flush=True); sys.stdin.read()"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    pid, name = run.stdout.readline().split()
    handle = os.pidfd_open(int(pid))
    run.kill()
    run.communicate()
    assert select.select([handle], [], [], 5)[0], "QEMU is still there"
    os.close(handle)
    folder = packages.cache_dir()
    assert (folder / "run" / name).exists(), "nobody could clear that away"
    processes.reap(folder / "guests")
    assert not (folder / "run" / name).exists()
    assert not (folder / "guests" / f"{name}.json").exists()


def test_a_dead_agent_is_neither():
    with HwsimGuest() as guest:
        status = ended_by(guest, "kill -9 $PPID", 10)
        assert status.state == "exited"
        assert "KEYHOLE agent ended with 137" in status.detail
