"""The real thing: Debian's kernel under QEMU, its bluetooth_6lowpan on a live channel to the tester."""

import shutil
from statistics import median

import pytest

from tests.waiting import soon

pytest.importorskip("bumble", reason="the extra `ble` is not installed")

from reports.statistics import interval_of
from rigs.bench import Rig
from rigs.configuration.loading import load
from rigs.guests import lab, packages, qemu
from rigs.links.ipsp.link import Terms
from rigs.model import LinkClosed, Unsupported
from rigs.tester import preparation
from rigs.tester.framing import Air
from rigs.tester.host import Tester

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(shutil.which(qemu.QEMU) is None, reason=f"{qemu.QEMU} is not here: {qemu.REMEDY}"),
]
GROUP = bytes.fromhex("ff1500000000000000000000000a11ce")


@pytest.fixture(scope="module")
def rig():
    with Rig.of(load("linux-ble")) as opened:
        yield opened


@pytest.fixture
def tester(rig):
    made = preparation.tester_for(rig, 1)
    made.drain()
    return made


def test_first_echo_and_addresses(rig, tester):
    assert tester.control(8)
    assert tester.control(1232)
    device = rig.link.dut
    assert tester.dut_address == bytes.fromhex("fe80000000000000") + device[:3] + b"\xff\xfe" + device[3:]
    assert rig.version.startswith("6.")
    assert rig.node.health().state == "alive"


def test_the_tap_sees_what_was_decompressed(rig, tester):
    request = tester.echo(100)
    tester.send_packet(request)
    seen = []
    end = soon(5)
    while request not in seen and (got := rig.node.tap.receive(end)) is not None:
        seen.append(got.frame)
        assert got.clock == "guest"
    assert request in seen


def test_the_dut_originates(rig, tester):
    rig.node.ping(tester.identity.address, 300, 0x1234, 7)
    rig.node.udp_send(tester.identity.address, 0xF0B1, 5683, b"keyhole")
    wanted = {"echo", "udp"}
    end = tester.now() + 5
    while wanted and (seen := tester.hear(end)) is not None:
        if seen.icmp_type == 128 and seen.upper[4:8] == bytes.fromhex("12340007") and len(seen.upper) == 308:
            wanted.discard("echo")
        if seen.view is not None and seen.view.upper()[0] == 17 and seen.upper.endswith(b"keyhole"):
            wanted.discard("udp")
    assert not wanted


@pytest.mark.parametrize("role", ["peripheral", "central"])
def test_what_the_dut_was_given_outlives_a_connection(rig, tester, role):
    rig.node.join(GROUP)
    extra = tester.contexts[0].prefix[:8] + bytes.fromhex("0000000000000042")
    rig.node.add_address(extra)
    rig.link.reconnect(role=role)
    assert tester.control(8)
    assert extra in rig.node.addresses()
    source = tester.also(tester.contexts[1].prefix[:8] + bytes(7) + b"\x01")
    request = tester.echo(source=source, destination=extra)
    tester.send_packet(request)  # by contexts 0 and 1, which the new interface must know
    end = soon(5)
    seen = []
    while request not in seen and (got := rig.node.tap.receive(end)) is not None:
        seen.append(got.frame)
    assert request in seen


def test_terms_reach_the_kernel(rig, tester):
    rig.link.reconnect(Terms(mps=23, credits=4))
    assert tester.control(1232)
    assert rig.link.channel.breaches == []
    rig.link.reconnect()
    assert tester.control(8)


def test_a_reset_dut_is_as_new(rig, tester):
    extra = tester.contexts[0].prefix[:8] + bytes.fromhex("0000000000000043")
    rig.node.add_address(extra)
    rig.node.reset()
    assert tester.control(8)
    assert rig.node.addresses() == (tester.dut_address,)


def test_bleak_finds_us_and_nobody_else(rig, tester, monkeypatch):
    lab.archive()  # whoever comes first makes them; from here on nothing is to be made anew
    monkeypatch.setattr(
        packages, "_make", lambda *_: pytest.fail("the packages are not complete, or were touched")
    )
    rig.link.offer()
    assert rig.node.discover(rig.link.tester, 20) == (["1820"], ["1801", "1820"])
    assert rig.node.discover(bytes.fromhex("0a0000000001"), 1) is None
    rig.link.reconnect()
    assert tester.control(8)


@pytest.mark.parametrize("milliseconds", [30, 50])
def test_the_interval_is_told_right(rig, tester, milliseconds):
    """By the grid of the answers, and by round trips: a request goes at the next event, its answer at the one after."""
    interval = milliseconds / 1000
    rig.link.interval(interval)
    held, tries = rig.link.held_up(), 0
    while (tries := tries + 1) <= 10:  # a busy machine blurs the grid, and makes answers miss their event
        sent, trips = [], []
        for _ in range(12):
            tester.hear(tester.now() + tester.random.uniform(2, 4) * interval)
            request = tester.echo(8)
            frames = tester.send_packet(request)
            answer = tester.reply_to(request, soon(5))
            began = tester.left(frames[0])
            trips.append(answer.time - began)
            sent.append(began)
        found = interval_of(sent, trips)
        injected = median((at // interval + 2) * interval - at for at in sent)
        off = median(trips) - injected
        print(
            f"{milliseconds} ms: {1000 * median(trips):.2f} ms, by the events {1000 * injected:.2f}; {found}"
        )
        if found is not None and abs(off) <= 0.02 * injected + 0.0005:
            break
    rig.link.interval(0)
    if tries > 10 and (held := rig.link.held_up() - held) > 1:
        pytest.skip(
            f"unmeasurable: other work held the rig up for {held:.1f} s; off by {1000 * off:.2f} ms, grid: {found}"
        )
    assert found is not None
    assert found.seconds * 1000 == pytest.approx(milliseconds, abs=1.25)
    assert abs(off) <= 0.02 * injected + 0.0005


def test_two_devices(rig, tester):
    with rig.link.another() as link:
        other = Tester(Air(link), tester.dut_address, 5)
        assert other.control(100)
        assert tester.control(100)
        assert link.peer_address == rig.link.dut
        with pytest.raises(Unsupported):
            link.reconnect()
    assert tester.control(8)


def test_a_guest_that_is_killed_is_the_rigs_fault(rig, tester):
    rig._bench.resource("ipsp", lambda: None).guest.guest._process.kill()
    with pytest.raises(LinkClosed):
        _ask_until_it_is_noticed(rig)
    assert rig.node.health().state in {"killed", "unreachable"}
    rig.recover("killed by the test")
    assert preparation.tester_for(rig, 2).control(8)


def _ask_until_it_is_noticed(rig):
    while True:
        rig.node.counters()
