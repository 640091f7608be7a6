"""What the `ipsp:` link and its node hang on: the Bluetooth thread, the tester's radio, and the guest if there is one.

Strategy: one object knows both ends, because a connection needs both: whoever is the central connects, whoever is the
peripheral advertises, and a Linux DUT makes its interface anew for each connection. `connect` is that sequence, once;
opening, `reconnect` and a reset of the DUT are the same sequence. All faults become the rig's (`RigError`).
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from rigs import clock
from rigs.air.events import in_words
from rigs.air.settings import AirSettings
from rigs.guests.ble import BleGuest
from rigs.guests.image import kernel_of
from rigs.links.hwsim.link import told
from rigs.links.ipsp.channel import Channel, State, Terms
from rigs.links.ipsp.channel_link import Role
from rigs.links.ipsp.h4 import Bridge, HostSocket
from rigs.links.ipsp.medium import Controller, Medium
from rigs.links.ipsp.radio import Loop, Radio
from rigs.links.ipsp.settings import Settings
from rigs.model import Unsupported

if TYPE_CHECKING:
    from rigs.configuration.models import RigFile

TESTER = bytes.fromhex("044b65796801")
DUT = bytes.fromhex("024b65796802")
_CALL = 5.0
_CONNECT = 20.0


class Dut(Protocol):
    """What a connection needs of the DUT's side. `rigs.guests.ble.BleGuest` is one; a real board does it of itself."""

    def connect(self, peer: str, *, public: bool) -> None:
        """Be a central: connect to the tester and ask for the channel."""

    def enable(self) -> None:
        """Let the channel be asked for."""

    def advertise(self) -> None:
        """Be a peripheral."""

    def attach(self, deadline: float) -> None:
        """Do what is to be done once there is a channel."""

    def detach(self, deadline: float) -> None:
        """Do what is to be done once it is gone."""


class Device:
    """One device of the tester's: its radio, and its end of a channel to the DUT."""

    radio: Radio

    def __init__(self, loop: Loop, tester: bytes, dut: bytes, terms: Terms) -> None:
        self.loop, self.tester, self.dut = loop, tester, dut
        #: While true, the channel may be closed without this being the transport's fault.
        self.away = True
        self.on_state: Callable[[State], None] = lambda _state: None
        self.channel = Channel(terms, lambda _cid, _pdu: None, lambda _sdu: None)

    @property
    def medium(self) -> str:
        """What carries the PDUs, where it is no radio."""
        return ""

    def call(self, function: Callable[..., object], *arguments: object) -> None:
        """Call a plain function in the Bluetooth thread and wait until it is done."""

        async def act() -> None:
            function(*arguments)

        self.loop.run(act(), _CALL, "a call to the Bluetooth thread")

    def _radio(self, *, public: bool) -> Radio:
        radio = Radio(self.channel, _text(self.tester), public=public)
        before = self.channel.on_state

        def on_state(state: State) -> None:
            before(state)
            self.on_state(state)

        self.channel.on_state = on_state
        return radio


class IpspBench(Device):
    """Both ends of the connection. Made connected; `close` ends everything."""

    def __init__(self, rig: RigFile, dut_side: Callable[[], Dut | None] = lambda: None) -> None:
        """`dut_side` makes what to tell a DUT for a connection; None: it does everything of itself.

        It is called when the DUT may be started: it finds a controller then.
        """
        self.settings = Settings.parse(rig.tester.link.partition(":")[2])
        super().__init__(Loop(), rig.tester.address or TESTER, rig.dut.address or DUT, self.settings.terms)
        self.role: Role = self.settings.role
        self.guest: BleGuest | None = None
        self.dut_side: Dut | None = None
        self._socket: HostSocket | None = None
        self._dut_public = self.dut[0] >> 6 != 0b11 or not self.settings.transport
        self._medium: Medium | None = None
        self._options = rig.dut.options
        try:
            if self.settings.transport:
                self.radio = self.loop.run(self._on_adapter(), _CONNECT, "opening the Bluetooth adapter")
                self.tester = bytes.fromhex(self.radio.address.replace(":", ""))
                self.dut_side = dut_side()
            elif self.settings.h4:
                self._listen()
                self.dut_side = dut_side()
            else:
                self._boot()
            self.connect()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End connection, guest and thread. May be called twice."""
        self.away = True
        if self.settings.transport and hasattr(self, "radio"):
            # Else the adapter keeps the connection, and the DUT its interface, until somebody resets the adapter.
            with contextlib.suppress(Exception):  # what Bumble hands on; the rest must be closed
                self.loop.run(self.radio.close(), _CALL, "giving the Bluetooth adapter back")
        if self.guest is not None:
            self.guest.stop()
        self.loop.close()
        if self._socket is not None:
            self._socket.close()

    # -- both ends --------------------------------------------------------------------------------------------

    def connect(self, *, renew: bool = True) -> None:
        """Make the connection and the channel in the present roles; `renew` has the DUT serve it (again).

        Raises `RigError`, `Refused`.
        """
        end = clock.now() + _CONNECT
        there = self.dut_side
        self.channel.generous, self.channel.segment = True, None
        if self.role == "central":
            self.loop.run(self.radio.advertise(), _CALL, "advertising")
            if there is not None:
                told(lambda: there.connect(_text(self.tester), public=self.radio.public))
            self.loop.run(
                self.radio.until(lambda: self.channel.state == "open"),
                _CONNECT,
                "waiting for the DUT's IPSP channel",
            )
        else:
            # Listen first: who has just begun to advertise may not do it again for seconds.
            connecting = self.loop.start(self.radio.connect(_text(self.dut), public=self._dut_public))
            if there is not None:
                if renew:
                    told(there.enable)
                told(there.advertise)
            self.loop.wait(connecting, _CONNECT, "connecting to the DUT")
            self.loop.run(self.radio.ask(), _CALL, "asking the DUT for the IPSP channel")
        if there is not None:
            told(lambda: there.attach(end))
        self.away = False

    def disconnect(self) -> None:
        """End the connection and, with a guest, wait until its interface is gone."""
        self.away = True
        self.loop.run(self.radio.disconnect(), _CALL, "ending the connection")
        if (there := self.dut_side) is not None:
            told(lambda: there.detach(clock.now() + _CALL))

    def reconnect(
        self,
        terms: Terms | None = None,
        role: Role | None = None,
        *,
        renew: bool = True,
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        """The same again, with other terms or roles if wanted; `ended` is called between the two connections."""
        if self.radio.connection is not None or not self.away:
            self.disconnect()
        ended()
        self.channel.terms = terms or self.settings.terms
        self.role = role or self.settings.role
        self.connect(renew=renew)

    def another(self, address: bytes) -> Second:
        """Make a second device of the tester's, connected to the DUT. Raises `RigError` when it cannot be."""
        if self._medium is None:
            raise Unsupported("there is one adapter, so this tester is one device only")
        return Second(self, self._medium, address)

    def offer(self) -> None:
        """End the connection, and let ourselves be found."""
        self.disconnect()
        self.loop.run(self.radio.advertise(), _CALL, "advertising")

    def services(self) -> list[str] | None:
        """What GATT discovery finds at the DUT; None when nobody answers there."""
        return self.loop.run(self.radio.services(), _CONNECT, "GATT discovery")

    @property
    def medium(self) -> str:
        """What carries the PDUs, where it is no radio."""
        return (
            ""
            if self._medium is None
            else f"virtual Bluetooth controllers, {in_words(self._medium.interval)}"
        )

    def set_interval(self, seconds: float, losses: AirSettings | None = None) -> None:
        """Deliver at connection events only, and repeat what is lost there."""
        if self._medium is None:
            raise Unsupported(
                "the connection interval of a real adapter is the central's", "not_on_this_link"
            )
        self.loop.run(self._medium.pace(seconds, losses), _CALL, "setting the connection interval")

    # -- set-up -----------------------------------------------------------------------------------------------

    async def _on_adapter(self) -> Radio:
        self.radio = self._radio(public=True)
        await self.radio.open(self.settings.transport)
        return self.radio

    def _boot(self) -> None:
        kernel = told(lambda: kernel_of(self._options))
        guest = BleGuest(qdisc=str(self._options.get("qdisc", "")), kernel=kernel)
        guest.shows_outgoing = False
        told(guest.start)
        self.guest = self.dut_side = guest
        self.radio = self.loop.run(self._on_medium(guest.hci), _CALL, "starting the virtual controllers")
        told(guest.up)

    def _listen(self) -> None:
        self._socket = HostSocket(self.settings.h4, self._dut_controller)
        self.radio = self.loop.run(self._on_medium(), _CALL, "starting the virtual controllers")
        self.loop.start(self._socket.serve())

    def _dut_controller(self) -> Controller:
        assert self._medium is not None
        return Controller("dut", self._medium, _text(self.dut))

    async def _on_medium(self, stream: socket.socket | None = None) -> Radio:
        self._medium = Medium()
        await self._medium.pace(self.settings.interval)
        if stream is not None:
            await Bridge(self._dut_controller()).open(stream)
        radio = self._radio(public=True)
        await radio.power_on(Controller("tester", self._medium, _text(self.tester)))
        return radio


class Second(Device):
    """Another device of the tester's on the same medium, and its own connection with the DUT."""

    def __init__(self, first: IpspBench, medium: Medium, address: bytes) -> None:
        super().__init__(first.loop, address, first.dut, first.settings.terms)
        there = first.dut_side
        self.radio = self._radio(public=True)

        async def begin() -> None:
            await self.radio.power_on(Controller(f"tester-{address.hex()}", medium, _text(address)))

        self.loop.run(begin(), _CALL, "starting a second controller")
        try:
            connecting = self.loop.start(self.radio.connect(_text(self.dut), public=True))
            if there is not None:
                told(there.advertise)
            self.loop.wait(connecting, _CALL, "connecting a second device to the DUT")
            self.loop.run(self.radio.ask(), _CALL, "asking the DUT for a second IPSP channel")
        except BaseException:
            self.close()
            raise
        self.away = False

    def close(self) -> None:
        """End the connection."""
        self.away = True
        self.loop.run(self.radio.disconnect(), _CALL, "ending the second connection")


def _text(address: bytes) -> str:
    return address.hex(":").upper()


__all__ = ["DUT", "TESTER", "IpspBench", "Settings", "Terms"]
