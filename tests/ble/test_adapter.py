"""`ipsp:hci:TRANSPORT`: the tester's adapter, here a virtual one behind TCP, opposite another radio on its medium."""

from types import SimpleNamespace

import pytest

from tests.waiting import soon, until

pytest.importorskip("bumble", reason="the extra `ble` is not installed")

from rigs.links.ipsp.bench import DUT, IpspBench, _text
from rigs.links.ipsp.link import IpspLink
from rigs.links.ipsp.medium import Controller, Medium
from rigs.links.ipsp.radio import Loop, Radio
from rigs.model import LinkClosed, RigError
from tests.ble.adapter import AdapterPort
from tests.ble.conftest import OtherRadio, rig

SDU = bytes.fromhex("7a333a") + bytes(500)


@pytest.fixture
def air():
    """A medium with the DUT's radio and a port for the tester's adapter."""
    made = SimpleNamespace(loop=Loop())
    made.dut = OtherRadio(made)

    async def begin():
        medium = Medium()
        made.dut.radio = Radio(made.dut.channel, _text(DUT), public=True)
        await made.dut.radio.power_on(Controller("dut", medium, _text(DUT)))
        made.port = AdapterPort(medium)

    made.loop.run(begin(), 5, "the air")
    made.address = f"ipsp:hci:{made.port.transport}"
    yield made
    made.loop.close()


def test_an_adapter_carries_the_channel_and_is_given_back(air):
    for _ in range(2):  # the second run finds all as the first did
        bench = IpspBench(rig(air.address), lambda: air.dut)
        link = IpspLink(bench)
        link.send(SDU)
        assert link.receive(soon()).frame == SDU
        bench.close()
        until(lambda: air.dut.radio.connection is None, "the DUT's connection stays")
        until(lambda: not air.port.bridges, "the adapter is not given back")


def test_an_adapter_that_is_unplugged(air):
    bench = IpspBench(rig(air.address), lambda: air.dut)
    link = IpspLink(bench)
    air.loop.call(air.port.unplug)
    until(lambda: air.dut.radio.connection is None)
    until(lambda: bench.channel.state == "closed", "nobody tells the link")
    with pytest.raises(LinkClosed, match="channel is closed"):
        link.send(SDU)
    bench.close()


def test_an_address_without_a_port_is_a_mistake_of_the_rig_file():
    with pytest.raises(RigError, match="ipsp:hci:tcp-client:x: behind tcp-client: stands HOST:PORT"):
        IpspBench(rig("ipsp:hci:tcp-client:x"))


@pytest.mark.parametrize("transport", ["tcp-client:127.0.0.1:1", "serial:/dev/none"])
def test_an_adapter_that_cannot_be_opened(transport):
    with pytest.raises(
        RigError, match=f"the Bluetooth adapter {transport} cannot be opened: .+; plug it in, "
    ):
        IpspBench(rig(f"ipsp:hci:{transport}"))
