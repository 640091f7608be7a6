"""`spinel:serial:/dev/ttyACM0`: a dongle with OpenThread's RCP firmware as the tester's radio, such as an nRF52840's.

Strategy: behind `spinel:` stands any console (serial:, rfc2217:, socket:, pty:, process:), and the dongle speaks Spinel
on it (`protocol`, in frames of `hdlc`). At opening it is restarted, asked what it is, and given channel, PAN and
addresses; each answer must say what was asked for. A frame goes out as one request, which is answered when it was sent
and, where it asked for that, acknowledged: CSMA-CA, retries and acknowledgements are the radio's. It hears what is sent
to its EUI-64, to one short address (`hear_too`), and broadcasts, and acknowledges all but these. A dongle that restarts
while it is in use has lost its settings: the link is closed, and the bench opens it anew.

Options behind "#", as in `spinel:serial:/dev/ttyACM0?baud=460800#retries=7&power=8`: retries (3) and power (dBm) of
what is sent; promiscuous=1: hear every frame on the channel, and acknowledge none. A DUT that wants acknowledgements
then repeats what it sends and may give up, so that this is for looking, and for nodes that ask for none.

Stamps are those of the dongle's own clock where its firmware tells them, on this host's clock by the least delay of the
last minute: what the line takes at least is in them.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import parse_qsl

from rigs import registry
from rigs.configuration.models import ConfigError
from rigs.consoles.model import Console
from rigs.links.acknowledgement import RETRIES
from rigs.links.arrivals import Arrivals
from rigs.links.spinel import protocol
from rigs.links.spinel.dongle import Dongle, numbers, status_number, status_of
from rigs.model import Link, RadioLost, Received, RigError
from rigs.registry import Missing
from sixlowpan import mac

if TYPE_CHECKING:
    from rigs.bench import Bench
    from rigs.configuration.models import RigFile

LONGEST: Final = 125
#: Of IEEE 802.15.4 at 2.4 GHz.
CHANNELS: Final = range(11, 27)
WANTED: Final = "spinel:serial:/dev/serial/by-id/..."
_BUSY_TRIES: Final = 3  # a channel that is busy for all of macMaxCsmaBackoffs
_FULL: Final = 2  # SPINEL_MAC_PROMISCUOUS_MODE_FULL
_NO_SHORT: Final = b"\xff\xfe"  # IEEE 802.15.4: it has none
_KEPT: Final = 1 << 14
_MINUTE: Final = 60.0


@dataclass(frozen=True, slots=True)
class Options:
    """What stands behind "#". `power` in dBm; None: what the firmware has."""

    retries: int = RETRIES
    power: int | None = None
    promiscuous: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `retries=3&power=8&promiscuous=1`. Raises `ValueError`."""
        told = dict(parse_qsl(text, keep_blank_values=True))
        known = {"retries": range(16), "power": range(-40, 41), "promiscuous": range(2)}
        found = {}
        for name, value in told.items():
            if name not in known:
                raise ValueError(f"{name!r} is no option; there are: {', '.join(known)}")
            if not value.removeprefix("-").isdecimal() or int(value) not in known[name]:
                raise ValueError(f"{name}={value}: {known[name][0]} to {known[name][-1]} are possible")
            found[name] = int(value)
        return cls(found.get("retries", RETRIES), found.get("power"), bool(found.get("promiscuous")))


class Stamps:
    """Times of a dongle's clock on this host's: the least delay of the last minute is taken for none."""

    def __init__(self) -> None:
        self._least: deque[tuple[float, float]] = deque()  # (arrival, arrival - sending), the least first

    def on_ours(self, microseconds: int, arrival: float) -> float:
        """When something happened that arrived here at `arrival`; never later than that."""
        there = microseconds / 1e6
        while self._least and self._least[-1][1] >= arrival - there:
            self._least.pop()
        self._least.append((arrival, arrival - there))
        while self._least[0][0] < arrival - _MINUTE:
            self._least.popleft()
        return min(arrival, there + self._least[0][1])


class SpinelLink(Link):
    """The tester's end: frames are PSDUs without FCS."""

    kind = "ieee802154"

    def __init__(
        self,
        console: Console,
        options: Options,
        *,
        channel: int,
        pan: bytes,
        dut: bytes,
        dut_short: bytes = b"",
        tester: bytes = b"",
    ) -> None:
        """`tester`: the EUI-64 to send from; empty: the dongle's own. Raises `RigError`, `LinkClosed`."""
        self.pan, self.dut, self.dut_short, self._channel = pan, dut, dut_short, channel
        self.any_source, self.auto_ack = options.promiscuous, not options.promiscuous
        self._options, self.name = options, f"spinel:{console.address}"
        self._arrivals = Arrivals(self._check, kept=_KEPT)
        self._sending = threading.Lock()
        self._stamps = Stamps()
        #: Frames that nobody acknowledged, and that found the channel busy.
        self.unacknowledged = self.busy = 0
        self._short = _NO_SHORT
        self._dongle = Dongle(console, self._hear)
        try:
            self.tester = self._set_up(tester)
        except BaseException:
            self.close()
            raise

    def _set_up(self, tester: bytes) -> bytes:
        dongle, options = self._dongle, self._options
        dongle.restart()
        major, minor = (dongle.get(protocol.PROTOCOL_VERSION) + bytes(2))[:2]
        if major != protocol.PROTOCOL_MAJOR:
            raise RigError(
                f"{self.name}: it speaks Spinel {major}.{minor}: {protocol.PROTOCOL_MAJOR} is needed"
            )
        #: What the firmware says of itself.
        self.version = dongle.get(protocol.NCP_VERSION).rstrip(b"\0").decode("utf-8", "replace")
        if protocol.CAP_MAC_RAW not in numbers(dongle.get(protocol.CAPABILITIES)):
            raise RigError(
                f"{self.name}: {self.version} is no radio co-processor: OpenThread's RCP firmware (ot-rcp) is needed"
            )
        tester = tester or dongle.get(protocol.HARDWARE_ADDRESS)
        power = (
            [] if options.power is None else [(protocol.PHY_TX_POWER, options.power.to_bytes(1, signed=True))]
        )
        for prop, value in (
            (protocol.PHY_ENABLED, b"\1"),
            (protocol.PHY_CHANNEL, bytes((self._channel,))),
            *power,
            (protocol.PAN_ID, self.pan[::-1]),
            (protocol.LONG_ADDRESS, tester),
            (protocol.SHORT_ADDRESS, self._short[::-1]),
            (protocol.PROMISCUOUS, bytes((_FULL if options.promiscuous else 0,))),
            (protocol.RAW_STREAM_ENABLED, b"\1"),
        ):
            dongle.set(prop, value)
        dongle.settle()
        return tester

    def send(self, frame: bytes) -> None:
        """Send one PSDU of 1 to 125 octets; it has been sent when this returns. Raises `LinkClosed`, `RigError`."""
        if not 0 < len(frame) <= LONGEST:
            raise RigError(
                f"{self.name}: a frame has 1 to {LONGEST} octets without its FCS, not {len(frame)}"
            )
        request = protocol.transmission(frame, self._channel, self._options.retries)
        with self._sending:
            for _ in range(_BUSY_TRIES):
                answer = self._dongle.request(protocol.SET, protocol.STREAM_RAW, request)
                status = status_number(answer)
                if status != protocol.CCA_FAILURE:
                    break
                self.busy += 1
        if status == protocol.NO_ACK:
            self.unacknowledged += 1  # to whoever waits for an answer it is silence
        elif status not in {protocol.OK, protocol.CCA_FAILURE}:
            raise RigError(f"{self.name}: the dongle did not send {frame.hex()}: {status_of(answer)}")

    def receive(self, deadline: float) -> Received | None:
        return self._arrivals.take(deadline)

    def hear_too(self, short: bytes) -> None:
        if short != self._short:
            self._dongle.set(protocol.SHORT_ADDRESS, short[::-1])
            self._short = short

    def seek(self, frame: bytes, wait: float) -> Mapping[int, Sequence[bytes]]:
        own, found = self._channel, dict[int, list[bytes]]()
        try:
            for channel in CHANNELS:
                if channel == own:
                    continue
                self._tune(channel)
                self.send(frame)
                deadline = self.now() + wait
                while (got := self.receive(deadline)) is not None:
                    found.setdefault(channel, []).append(got.frame)
        finally:
            self._tune(own)
        return found

    def _tune(self, channel: int) -> None:
        """Go to a channel; what was heard on the one before is forgotten."""
        self._dongle.set(protocol.PHY_CHANNEL, bytes((channel,)))
        self._channel = channel
        self._arrivals.forget()

    def close(self) -> None:
        self._dongle.close()
        with self._arrivals.changed:
            self._arrivals.changed.notify_all()

    def passed_over(self) -> str:
        return ", ".join(f"{n} x {why}" for why, n in self._dongle.not_heard.most_common(4))

    def _check(self) -> None:
        if self._dongle.ended and not len(self._arrivals):
            raise RadioLost(f"{self.name}: {self._dongle.ended}")

    def _hear(self, heard: protocol.Frame, arrival: float) -> None:
        frame = heard.psdu[:-2]  # radios put what they like in the place of the FCS, which they have checked
        if not frame or frame[0] & 7 == mac.ACK:
            return
        stamp = arrival if not heard.microseconds else self._stamps.on_ours(heard.microseconds, arrival)
        self._arrivals.put(Received(frame, stamp, self.clock))


def _parsed(address: str, rig: RigFile) -> tuple[str, Options]:
    """(console address, options). Raises `ConfigError`."""
    console, _, rest = address.partition("#")
    wrong = misread(address)
    if rig.dut.address is None or len(rig.dut.address) != 8:
        wrong = wrong or "dut.address is needed, the DUT's EUI-64 in hex"
    if wrong:
        raise ConfigError([f"{rig.path}: tester.link: spinel:{address}: {wrong}"])
    return console, Options.parse(rest)


def misread(rest: str) -> str:
    """What is wrong with what stands behind "spinel:"; empty where nothing is."""
    console, _, options = rest.partition("#")
    scheme, colon, behind = console.partition(":")
    if not scheme.isalnum() or not colon or not behind:
        return f"name the console of the dongle behind it, as in {WANTED}"
    try:
        Options.parse(options)
        return registry.misread("open_console", console, "")
    except ConfigError as error:
        return error.mistakes[0].rpartition("dut.console: ")[2]
    except ValueError as error:
        return str(error)


def check(rig: RigFile) -> list[Missing]:
    """Whether the console of the dongle is there."""
    try:
        console, _ = _parsed(rig.tester.link.partition(":")[2], rig)
    except ConfigError as error:
        return [Missing(f"the address of the dongle ({error})", f'write it as tester.link = "{WANTED}"')]
    return registry.missing_console(rig, console, "tester.link")


def open_link(bench: Bench, address: str, rig: RigFile) -> SpinelLink:
    """Open `spinel:CONSOLE#OPTIONS`. Raises `RigError`."""
    console, options = _parsed(address, rig)
    return SpinelLink(
        registry.open_console(bench, console, rig),
        options,
        channel=rig.tester.channel,
        pan=rig.tester.pan_octets,
        dut=rig.dut.address or b"",
        dut_short=rig.dut.short or b"",
        tester=rig.tester.address or b"",
    )
