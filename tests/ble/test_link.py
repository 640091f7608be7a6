"""The link over two virtual controllers, without a guest: both roles, order, sizes, loss, intervals, evidence."""

import inspect
import re
import threading
import time

import pytest

from tests.waiting import soon

pytest.importorskip("bumble", reason="the extra `ble` is not installed")

from rigs.configuration.models import ConfigError
from rigs.links.ipsp.bench import DUT, TESTER
from rigs.links.ipsp.link import IpspLink, Terms
from rigs.links.ipsp.settings import TRANSPORTS, Settings, misread
from rigs.model import LinkClosed, RigError
from rigs.registry import load
from sixlowpan.hci import Trace
from tests.ble.conftest import rig

IPHC = bytes.fromhex("7a333a")


def answers(link, count):
    found = []
    while len(found) < count and (got := link.receive(soon())) is not None:
        found.append(got.frame)
    return found


@pytest.mark.parametrize("role", ["central", "peripheral"])
def test_sdus_of_every_size_in_either_role(loopback, role):
    link = IpspLink(loopback(f"ipsp:?role={role}"))
    sent = [IPHC + bytes(n) for n in (0, 1, 18, 94, 95, 96, 97, 244, 245, 1000, 1277)]
    for frame in sent:
        link.send(frame)
    assert answers(link, len(sent)) == sent
    assert link._bench.dut_side.sdus == sent
    assert link.channel.breaches == []
    assert (link.tester, link.dut, link.mtu, link.kind) == (TESTER, DUT, 1280, "ble")


def test_the_address_is_that_of_the_connection(loopback):
    link = IpspLink(loopback())
    assert link._bench.dut_side.radio.peer_address == TESTER
    assert link._bench.dut_side.radio.peer_address_kind == "public"
    assert link.peer_address == DUT
    assert link.dut_address_kind == "public"


def test_times_are_monotonic_and_a_deadline_is_kept(loopback):
    link = IpspLink(loopback())
    before = link.stamp()
    link.send(IPHC)
    got = link.receive(soon())
    assert before <= got.time <= link.stamp()
    assert link.receive(link.now()) is None


def test_reconnecting_with_other_terms(loopback):
    link = IpspLink(loopback())
    link.send(IPHC)  # its answer belongs to the connection of before
    for terms in (Terms(mps=23, credits=2), Terms(mtu=2000), None):
        link.reconnect(terms)
        assert link.receive(link.now()) is None
        link.send(IPHC + bytes(600))
        assert answers(link, 1) == [IPHC + bytes(600)]
    assert link.channel.terms == Terms()
    assert link._bench.dut_side.attached == 4


def test_a_channel_that_the_dut_ends_is_closed(loopback):
    bench = loopback()
    link = IpspLink(bench)
    bench.call(bench.dut_side.channel.leave)
    assert link.wait_closed(soon())
    with pytest.raises(LinkClosed, match="closed"):
        link.send(IPHC)
    with pytest.raises(LinkClosed):
        link.receive(soon())
    link.reconnect()
    link.send(IPHC)
    assert answers(link, 1) == [IPHC]


def test_a_waiting_reader_learns_of_the_end(loopback):
    bench = loopback()
    link = IpspLink(bench)
    told = []

    def read():
        try:
            link.receive(soon(30))
        except LinkClosed as error:
            told.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    bench.call(bench.dut_side.channel.leave)
    reader.join(10)
    assert told


def test_what_is_sent_while_away_is_lost(loopback):
    link = IpspLink(loopback())
    link.disconnect()
    link.send(IPHC)
    assert link.receive(link.now() + 0.01) is None
    link.reconnect()
    assert link.receive(link.now() + 0.01) is None


def test_starving(loopback):
    link = IpspLink(loopback())
    link.starve()
    frames = [IPHC + bytes([n]) * 200 for n in range(60)]
    for frame in frames:
        link.send(frame)
    first = []
    while (got := link.receive(link.now() + 0.3)) is not None:
        first.append(got.frame)
    assert len(first) < len(frames)
    assert link.channel.breaches == []
    link.starve(False)
    assert first + answers(link, len(frames) - len(first)) == frames


def test_loss_is_the_same_for_the_same_seed(loopback):
    link = IpspLink(loopback())
    runs = []
    for _ in range(2):
        link.lose(0.3, seed=7)
        got = []
        for n in range(10):  # one by one: what is lost must not depend on who is faster
            link.send(IPHC + bytes([n]))
            if (answer := link.receive(link.now() + 0.2)) is not None:
                got.append(answer.frame[3])
        runs.append(got)
    assert runs[0] == runs[1]
    assert 0 < len(runs[0]) < 10


def test_a_connection_interval_keeps_order_and_grid(loopback):
    bench = loopback("ipsp:?interval=20")
    link = IpspLink(bench)
    began = link.now()
    for n in range(30):
        link.send(IPHC + bytes([n]))
    assert [frame[3] for frame in answers(link, 30)] == list(range(30))
    assert link.now() - began >= 0.02  # two events: one there, one back
    link.interval(0)
    link.send(IPHC)
    assert answers(link, 1) == [IPHC]


def test_the_evidence_is_a_trace_of_hci(loopback):
    link = IpspLink(loopback())
    link.send(IPHC + b"before")
    answers(link, 1)
    start = link.stamp()
    link.send(IPHC + bytes(500))
    answers(link, 1)
    trace, found = Trace(), []
    for direction, _, packet in link.hci_since(start):
        found += [(direction, sdu) for sdu in trace.add(packet, direction == "sent")]
    assert [(direction, sdu.payload) for direction, sdu in found] == [
        ("sent", IPHC + bytes(500)),
        ("received", IPHC + bytes(500)),
    ]
    assert found[1][1].link.src == DUT


def test_half_a_trace_is_no_trace(loopback):
    before = time.monotonic()
    link = IpspLink(loopback())
    assert link.hci_since(before - 1) == []


def test_settings():
    assert Settings.parse("") == Settings()
    parsed = Settings.parse("hci:usb:0?role=central&mtu=1500&mps=64&credits=3")
    assert parsed == Settings("usb:0", "central", Terms(1500, 64, 3))
    assert Settings.parse("?interval=48.75") == Settings(interval=0.04875)


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("tcp:1", "hci:TRANSPORT"),
        ("hci:", "hci:TRANSPORT"),
        ("hci:usbb:0", "did you mean 'usb'"),
        ("?rolle=x", "rolle"),
        ("?role=x", "role=x"),
        ("?mps=1", "the MPS 23 to 65533"),
        ("?mtu=a", "mtu: expected a whole number; found 'a'"),
        ("hci:usb:0?interval=30", "interval: is for virtual controllers"),
        ("hci:tcp-client:lab1", "behind tcp-client: stands HOST:PORT"),
        ("?interval=nan", "interval: expected milliseconds, such as 48.75; found 'nan'"),
    ],
)
def test_settings_that_are_wrong(address, word):
    with pytest.raises(RigError, match=word.split("=")[0]):
        Settings.parse(address)
    assert word.split("=")[0] in misread(address)
    with pytest.raises(ConfigError, match=r"--set tester.link: ipsp:"):  # before anything is opened
        load("linux-ble", [f"tester.link=ipsp:{address}"])


def test_transports_are_those_of_bumble():
    """What the tree calls by name is what its Bumble opens."""
    import bumble.transport

    source = inspect.getsource(bumble.transport._open_transport)
    assert {name for name in TRANSPORTS if f"'{name}'" in source} == set(TRANSPORTS)
    named = re.findall(r"scheme == '([\w-]+)'", source)
    assert set(named) <= set(TRANSPORTS)


def test_a_failed_opening_leaves_no_thread(monkeypatch):
    from rigs.links.ipsp import bench as ipsp_bench

    monkeypatch.setattr(
        ipsp_bench.IpspBench, "_boot", lambda _self: (_ for _ in ()).throw(RigError("no guest"))
    )
    with pytest.raises(RigError, match="no guest"):
        ipsp_bench.IpspBench(rig())
    assert not [t for t in threading.enumerate() if t.name == "bluetooth"]


def test_packets_become_text_only_for_a_log_that_is_kept(loopback, monkeypatch, caplog):
    import bumble.host

    link, made = IpspLink(loopback()), []
    coloured = bumble.host.color

    def color(text, *how):
        made.append(text)
        return coloured(text, *how)

    monkeypatch.setattr(bumble.host, "color", color)
    link.send(IPHC + bytes(300))
    answers(link, 1)
    assert made == []
    with caplog.at_level("DEBUG", "bumble.host"):
        link.send(IPHC + bytes(300))
        answers(link, 1)
    assert any("HOST -> CONTROLLER" in text for text in made)
    assert any("CONTROLLER -> HOST" in text for text in made)
    assert "ACL" in caplog.text
