"""The tester's end of the air: on a virtual clock between memories, and with threads on the real one."""

import importlib
import pkgutil
from statistics import median

import pytest

import rigs
from reports.statistics import datagram_loss, floor
from rigs.air.link import AirLink
from rigs.air.settings import AirSettings
from rigs.bench import Rig
from rigs.configuration.models import ConfigError
from rigs.links.memory.link import MemoryLink
from rigs.model import Link, LinkClosed, RadioLost, Received, RigError
from rigs.registry import load
from rigs.tester import preparation
from sixlowpan import mac


def opened(rig, *overrides):
    return Rig.of(load(rig, overrides))


def trips(rig, size, count, pause=0.0):
    """Round trips of echoes in seconds; None where no answer came."""
    tester, found = preparation.tester_for(rig, 1), []
    for number in range(count):
        tester.listen(pause * (1 + number % 7 / 7))  # at another phase of the connection interval each time
        request = tester.echo(size)
        frames = tester.send_packet(request)
        seen = tester.reply_to(request, tester.now() + 2.0)
        found.append(None if seen is None else seen.time - tester.left(frames[0]))
    return found


def test_a_round_trip_takes_the_airtime_and_no_less():
    with opened("reference", "air.model='802154'") as rig:
        found = trips(rig, 8, 20)[3:]  # the first ones wait for neighbor discovery
        asking = rig.link.air.log[-1].frame
        assert mac.parse(asking)[
            0
        ].ack_request  # the reference node asks for acknowledgements, the tester does not
        least = floor([40, 40])
        assert all(least <= trip < 1.5 * least for trip in found)


@pytest.mark.parametrize(
    ("rig", "keys", "told"),
    [
        ("reference", (), "memory, 250 kbit/s, no space between frames"),
        (
            "reference",
            ("air.model='802154'", "air.delay=10ms", "air.loss=0.05", "air.to_dut.loss=0"),
            "a software air (loss 0.05, delay 10 ms, model IEEE 802.15.4 at 250 kbit/s, to_dut loss 0) over memory",
        ),
        ("reference-ble", ("air.interval=48.75ms",), "memory, a connection event every 48.75 ms"),
        ("reference-6ln", (), "memory, no connection events"),
    ],
)
def test_a_medium_that_is_no_radio_says_so(rig, keys, told):
    with opened(rig, *keys) as made:
        assert made.link.medium == told


@pytest.mark.parametrize("delay", [0, 10, 50])
def test_an_injected_delay_is_measured(delay):
    with opened("reference") as rig:
        base = sorted(trips(rig, 8, 9))[4]
    with opened("reference", f"air.delay={delay}ms") as rig:
        found = sorted(trips(rig, 8, 9))[4]
    assert found == pytest.approx(base + 2 * delay / 1000, abs=0.02 * delay / 1000 + 0.0005 + base)


def test_datagrams_are_lost_by_the_law_of_their_frames():
    with opened("reference", "air.to_dut.loss=0.05") as rig:
        trips(rig, 8, 4)
        found = trips(rig, 500, 600)
        sent = [c for c in rig.link.air.log if c.receiver == "dut" and len(c.frame) > 60]
        frames = round(len(sent) / 600)
        lost = sum(trip is None for trip in found) / 600
        assert lost == pytest.approx(datagram_loss(0.05, frames), abs=0.06)


def test_the_suites_find_nothing_wrong_with_the_air_between():
    with opened("reference", "air.model='802154'", "air.delay=1ms") as rig:
        assert all(trips(rig, 1232, 5))


def test_bluetooth_le_has_connection_events():
    for name in ("reference-ble", "reference"):
        with opened(name, "air.interval=30ms", *([] if "ble" in name else BLE)) as rig:
            found = trips(rig, 8, 30, pause=0.047)
            assert all(0.03 < trip <= 0.0601 for trip in found), name
            assert max(found) - min(found) > 0.01, name


@pytest.mark.parametrize("milliseconds", [30, 50])
def test_an_interval_is_in_the_round_trips(milliseconds):
    """A request waits for the next event, and its answer goes at the one behind that."""
    interval, found, injected = milliseconds / 1000, [], []
    with opened("reference-ble", f"air.interval={milliseconds}ms") as rig:
        tester = preparation.tester_for(rig, 1)
        for number in range(40):
            tester.listen(0.047 * (1 + number % 7 / 7))
            request = tester.echo(8)
            frames = tester.send_packet(request)
            seen = tester.reply_to(request, tester.now() + 2.0)
            began = tester.left(frames[0])
            found.append(seen.time - began)
            injected.append((began // interval + 2) * interval - began)
    assert max(injected) - min(injected) > interval / 3, "at many phases"
    assert median(found) == pytest.approx(median(injected), abs=0.0005)


BLE = ("tester.link=memory:ble", "profile=reference-ble")


def test_a_lossy_link_layer_delays():
    with opened("reference-ble", "air.interval=10ms", "air.loss=0.3") as rig:
        found = trips(rig, 8, 40, pause=0.047)
        assert None not in found
        assert max(found) > 0.031


@pytest.mark.parametrize(
    ("name", "override", "told"),
    [
        ("reference-ble", "air.model='802154'", "set air.interval"),
        ("reference", "air.interval=30ms", "set air.model"),
        ("reference-ble", "air.duplication=0.5", "air.duplication: on a live IPSP channel"),
    ],
)
def test_keys_that_mean_nothing_here_are_named(name, override, told):
    with pytest.raises(ConfigError, match=told), opened(name, override):
        pass


@pytest.mark.parametrize("override", ["air.loss=1.5", "air.lost=0.1", "air.delay=3", "air.to_dut.loss=-1"])
def test_wrong_keys_are_told_by_name(override):
    with pytest.raises(ConfigError, match=r"air\."):
        load("reference", [override])


class Two:
    """A node that says back what it hears for it, and nothing else."""

    def __init__(self):
        self.heard, self.out = [], []

    def hear(self, frame, now):
        del now
        self.heard.append(frame)
        return [b"\x01" + frame] if frame[:1] == b"?" else []

    def wake(self, now):
        del now
        said, self.out = self.out, []
        return said

    def next_timer(self):
        return 0.0 if self.out else None


def pair(**settings):
    nodes, links = {}, {}
    for name in ("dut", "peer"):
        links[name] = MemoryLink("ieee802154")
        nodes[name] = Two()
        links[name].attach(nodes[name])
    return AirLink(links, AirSettings(**settings)), nodes


def test_two_devices_hear_each_other_and_the_tester_hears_both():
    made, nodes = pair(delay="5ms")
    nodes["dut"].out.append(b"?hello")
    heard = [made.receive(1.0), made.receive(1.0)]
    assert [h.frame for h in heard] == [b"?hello", b"\x01?hello"]
    assert heard[1].time == pytest.approx(0.005), (
        "from dut to peer it takes 5 ms, and the tester hears at once"
    )
    assert made.receive(1.0) is None
    assert nodes["dut"].heard == [b"\x01?hello"]
    assert nodes["peer"].heard == [b"?hello"]
    assert made.now() == 1.0


def test_the_tester_can_speak_to_both():
    made, nodes = pair()
    made.send(b"x")
    assert nodes["dut"].heard == nodes["peer"].heard == [b"x"]


class Board(Link):
    """A member on the real clock; its queue is what it says."""

    kind, clock = "ieee802154", "monotonic"
    tester = dut = bytes(8)

    def __init__(self):
        import queue

        self.says, self.heard, self.broken, self.asked = queue.Queue(), queue.Queue(), None, None

    def before_ack(self, loses):
        self.asked = loses
        return True

    def send(self, frame):
        if self.broken:
            raise self.broken
        self.heard.put(frame)
        if not self.asked or not self.asked("received", b"re" + frame):
            self.says.put(Received(b"re" + frame, self.stamp(), self.clock))

    def receive(self, deadline):
        import queue

        try:
            return self.says.get(timeout=max(0.0, deadline - self.now()))
        except queue.Empty:
            return None

    def close(self):
        self.broken = True


class Tapped(Board):
    """Has a tap that saw an equal frame six seconds ago, and sees ours only when it is told to."""

    def __init__(self):
        super().__init__()
        self.tap = [Received(b"one", self.stamp() - 6, self.clock)]
        self.sees = False

    def send(self, frame):
        if self.sees:
            self.tap.append(Received(frame, self.stamp(), self.clock))
        super().send(frame)

    def outgoing(self):
        return self.tap


@pytest.mark.parametrize("sees", [False, True])
def test_an_equal_frame_from_before_stamps_none_of_now(sees):
    """A round trip of 6.3 s was told of an exchange of 4 ms: its request had left once before."""
    board = Tapped()
    board.sees = sees
    made = AirLink({"dut": board}, AirSettings(delay="20ms"))
    try:
        made.send(b"one")
        got = made.receive(made.now() + 60)
        left = next(sent.time for sent in made.outgoing() if sent.frame == b"one")
        assert got.time - left == pytest.approx(0.04, abs=0.004)
    finally:
        made.close()


def test_on_the_real_clock_frames_come_when_they_are_due():
    board = Board()
    made = AirLink({"dut": board}, AirSettings(delay="20ms"))
    try:
        made.send(b"one")
        got = made.receive(made.now() + 60)
        assert got.frame == b"reone"
        left = next(sent.time for sent in made.outgoing() if sent.frame == b"one")
        assert got.time - left == pytest.approx(0.04, abs=0.004), (
            "in the time of the model, however late this host is"
        )
    finally:
        made.close()


def test_a_member_that_asks_loses_frames_before_it_acknowledges_them():
    board = Board()
    made = AirLink({"dut": board}, AirSettings(loss=0.5, seed=1, to_dut={"loss": 0.0}))
    try:
        for _ in range(100):
            made.send(b"x")
        while board.heard.qsize() < 100:
            made.receive(made.now() + 0.01)
        came = 0
        while made.receive(made.now() + 0.5) is not None:
            came += 1
        assert made.air.counts["lost before the ack"] + came <= 100
        assert made.air.counts["lost before the ack"] > 20
        assert made.air.counts["lost"] == 0
    finally:
        made.close()


@pytest.mark.parametrize(
    ("error", "told"),
    [
        pytest.param(LinkClosed("unplugged"), LinkClosed, id="by-a-device"),
        pytest.param(RadioLost("unplugged"), RadioLost, id="by-our-radio"),
        pytest.param(RigError("unplugged"), RadioLost, id="by-the-rig"),
    ],
)
def test_a_member_that_breaks_closes_the_air(error, told):
    """And what is the tester's own, or the rig's, stays so: it is no death of a device."""
    board = Board()
    made = AirLink({"dut": board}, AirSettings())
    board.broken = error
    made.send(b"x")
    with pytest.raises(LinkClosed, match="unplugged") as raised:
        made.receive(made.now() + 60)
    assert raised.type is told
    made.close()
    made.close()


def test_devices_of_two_kinds_meet_on_no_air():
    with pytest.raises(RigError, match="one kind of link"):
        AirLink({"dut": MemoryLink("ieee802154"), "peer": MemoryLink("ble")}, AirSettings())


def test_a_node_in_memory_shares_an_air_with_a_board():
    memory, node, board = MemoryLink("ieee802154"), Two(), Board()
    memory.attach(node)
    made = AirLink({"dut": memory, "peer": board}, AirSettings())
    try:
        board.says.put(Received(b"?hello", board.stamp(), "monotonic"))
        frames = {made.receive(made.now() + 60).frame for _ in range(3)}
        assert b"\x01?hello" in frames
        assert node.heard[0] == b"?hello"
    finally:
        made.close()


def test_what_was_done_to_a_frame_is_told_in_words():
    made, nodes = pair(to_peer={"delay": "5ms"}, to_dut={"loss": 0.999999})
    nodes["dut"].out.append(b"?one")
    nodes["peer"].out.append(b"?two")
    assert made.receive(1.0)
    told = made.done_to(0.0)
    assert told[b"?two"] == "air: lost on its way to dut"
    assert made.receive(1.0)
    assert made.receive(2.0)
    assert made.done_to(0.0)[b"?one"] == "air: delayed by 5.0 ms on its way to peer"
    assert made.done_to(10.0) == {}


def test_every_link_that_is_no_radio_says_so():
    """A figure of a new link must not pass for one of a radio because nobody thought of it."""
    for name in pkgutil.walk_packages(rigs.__path__, "rigs."):
        if ".links." in name.name or ".nodes." in name.name:
            importlib.import_module(name.name)
    radios = {
        "PacketLink",
        "SpinelLink",
        "AcknowledgingLink",
        "ChannelLink",
    }  # two radios, two that are no link alone
    waiting, silent = [Link], set()
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.startswith("rigs.") and kind is not Link and kind.medium is Link.medium:
            silent.add(kind.__name__)
    assert silent == radios
