"""A link without a guest: the tester's radio and another one, on one medium, in one thread."""

from types import SimpleNamespace

import pytest

from rigs.links.ipsp.bench import DUT, TESTER, IpspBench, _text
from rigs.links.ipsp.channel import Channel, Terms
from rigs.links.ipsp.medium import Controller, Medium
from rigs.links.ipsp.radio import Radio


class OtherRadio:
    """The DUT's side as `IpspBench` wants it, on the same software as the tester's: it sends back every SDU."""

    def __init__(self, bench):
        self.bench = bench
        self.sdus = []
        self.attached = 0
        self.channel = Channel(Terms(mps=100, credits=10), lambda *_: None, self._back)
        self.radio = None

    def _back(self, sdu):
        self.sdus.append(sdu)
        self.channel.send(sdu)

    async def begin(self, medium):
        self.radio = Radio(self.channel, _text(DUT), public=True)
        await self.radio.power_on(Controller("dut", medium, _text(DUT)))

    def connect(self, peer, *, public):
        async def go():
            await self.radio.connect(peer, public=public)
            await self.radio.ask()

        self.bench.loop.run(go(), 5, "the other radio's connection")

    def enable(self):
        self.channel.listening = True

    def advertise(self):
        self.bench.loop.run(self.radio.advertise(), 5, "the other radio's advertising")

    def attach(self, _deadline):
        self.attached += 1

    def detach(self, _deadline):
        async def gone():
            await self.radio.until(lambda: self.radio.connection is None)

        self.bench.loop.run(gone(), 5, "the end of the other radio's connection")


class Loopback(IpspBench):
    """The bench with another radio in place of a guest."""

    def _boot(self):
        async def begin():
            self._medium = Medium()
            await self._medium.pace(self.settings.interval)
            self.dut_side = OtherRadio(self)
            await self.dut_side.begin(self._medium)
            radio = self._radio(public=True)
            await radio.power_on(Controller("tester", self._medium, _text(self.tester)))
            return radio

        self.radio = self.loop.run(begin(), 5, "two radios")


def rig(address="ipsp:"):
    return SimpleNamespace(
        path="rig.toml",
        tester=SimpleNamespace(link=address, address=TESTER),
        dut=SimpleNamespace(address=DUT, options={}),
    )


@pytest.fixture
def loopback():
    benches = []

    def make(address="ipsp:"):
        benches.append(Loopback(rig(address)))
        return benches[-1]

    yield make
    for bench in benches:
        bench.close()
