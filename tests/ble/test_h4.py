"""`ipsp:h4:HOST:PORT`: a Bluetooth host elsewhere gets its controller by a TCP connection, each time a new one."""

import socket

import pytest

from tests.waiting import soon

pytest.importorskip("bumble", reason="the extra `ble` is not installed")

from rigs.links.ipsp.bench import DUT, IpspBench, _text
from rigs.links.ipsp.channel import Channel, Terms
from rigs.links.ipsp.link import IpspLink
from rigs.links.ipsp.radio import Loop, Radio
from rigs.links.ipsp.settings import Settings
from rigs.model import LinkClosed, RigError
from tests.ble.conftest import rig

IPHC = bytes.fromhex("7a333a")


class Host:
    """A host without a controller of its own, in a thread of its own, as an emulator is: it sends back every SDU."""

    def __init__(self):
        self.loop = Loop()
        self.channel = Channel(Terms(mps=100, credits=10), lambda *_: None, self._back)
        self.radio = None

    def _back(self, sdu):
        self.channel.send(sdu)

    def advertise(self):
        self.loop.run(self.radio.advertise(), 10, "the host's advertising")

    def reset(self):
        self.loop.start(self.radio._device.host.reset())

    def start(self, port):
        """Begin, or begin anew: with a new connection to the port, advertising."""

        async def begin():
            if self.radio is not None:
                await self.radio.close()
            self.channel.listening = True
            self.radio = Radio(self.channel, _text(DUT), public=True)
            await self.radio.open(f"tcp-client:127.0.0.1:{port}")
            await self.radio.advertise()

        self.loop.run(begin(), 10, "the host's start")


class Bench(IpspBench):
    """Tells its port as soon as somebody can connect there."""

    def __init__(self, host):
        self.host = host
        super().__init__(rig("ipsp:h4:127.0.0.1:0"), lambda: host.start(self.port))

    @property
    def port(self):
        return self._socket.port


@pytest.fixture
def host():
    made = Host()
    yield made
    made.loop.close()


@pytest.fixture
def bench(host):
    made = Bench(host)
    yield made
    made.close()


def echoed(link, frame):
    link.send(frame)
    return link.receive(soon()).frame == frame


def test_a_host_behind_the_socket_is_the_dut(bench):
    link = IpspLink(bench)
    assert all(echoed(link, IPHC + bytes(size)) for size in (0, 100, 1277))
    assert (link.peer_address, link.dut_address_kind) == (DUT, "public")


def test_a_host_that_is_started_anew_gets_a_new_controller(bench, host):
    link = IpspLink(bench)
    bench.away = True
    host.start(bench.port)
    assert link.wait_closed(soon())
    bench.reconnect()
    assert echoed(link, IPHC)
    assert {c.name for c in bench._medium.controllers} == {"dut", "tester"}
    assert len(bench._medium.controllers) == 2


def test_a_host_that_resets_its_controller_is_gone_for_the_tester(bench, host):
    link = IpspLink(bench)
    host.reset()
    assert link.wait_closed(soon())
    with pytest.raises(LinkClosed, match="closed"):
        link.send(IPHC)


def test_an_end_before_the_answer_is_no_refusal(bench, host, monkeypatch):
    bench.disconnect()
    monkeypatch.setattr(host.channel, "hear", lambda *_: host.reset() or True)
    host.advertise()
    with pytest.raises(LinkClosed, match=r"ended \(reason 0x08\) before the DUT answered"):
        bench.connect()


def test_a_port_that_is_taken_is_named():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(
            RigError, match=f"ipsp:h4:127.0.0.1:{port}: cannot listen there: Address already in use"
        ):
            IpspBench(rig(f"ipsp:h4:127.0.0.1:{port}"))


@pytest.mark.parametrize("address", ["h4:", "h4:1", "h4:host:x", "h4::1", "h4:127.0.0.1:65536"])
def test_addresses_that_are_wrong(address):
    with pytest.raises(RigError, match=r"h4:HOST:PORT|h4:127\.0\.0\.1:60073"):
        Settings.parse(address)
