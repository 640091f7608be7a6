"""`packet:wpan0`, `packet:wpan0@ssh:root@lab1`: an IEEE 802.15.4 radio of this host or of a lab host, such as ATUSB.

Strategy: the tester's radio is a Linux `wpan` interface, already created and up; an `AF_PACKET` socket on it takes and
gives frames without FCS (`rigs.links.packet.agent`). Acknowledgements and retransmissions are the radio's own doing,
and so is its address filter: it hears what is sent to its own addresses, and no other sender can be played. Setting up
the interface needs root and is the user's (the messages here say how); what is wrong with it is told before anything
else. On a lab host the same few lines run in its python3, started by execnet through ssh; stamps are then taken there
and turned to this host's clock.
"""

from __future__ import annotations

import errno
import shlex
import shutil
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import execnet

from rigs import clock
from rigs.configuration.models import ConfigError
from rigs.consoles.ssh import console as ssh
from rigs.links.arrivals import Arrivals
from rigs.links.packet import agent as packet_agent
from rigs.links.packet.address import misread
from rigs.model import Link, RadioLost, Received, RigError
from rigs.registry import Missing

if TYPE_CHECKING:
    from rigs.bench import Bench
    from rigs.configuration.models import RigFile

#: linux/if_arp.h: ARPHRD_IEEE802154.
IEEE802154: Final = 804
LONGEST: Final = 125
#: Seconds to start an agent, and to wait for one of its answers, on the clock that counts progress; and between two
#: looks at that.
START: Final = 20.0
_LOOK: Final = 0.5
#: Frames kept that nobody has asked for.
_KEPT: Final = 1 << 14
_CLOCK_ROUNDS: Final = 100


class Radio(ABC):
    """An interface somewhere: calls `frame` and `lost` of the link from a thread of its own."""

    facts: dict[str, Any]
    #: How far its clock may be off when it is told on ours, in seconds.
    clock_error = 0.0

    @abstractmethod
    def start(self, link: PacketLink) -> None:
        """Begin to tell what comes."""

    @abstractmethod
    def send(self, frame: bytes) -> None:
        """Put a frame into the interface's queue. Raises `OSError`."""

    @abstractmethod
    def close(self) -> None:
        """End everything. May be called twice."""


class LocalRadio(Radio):
    """An interface of this host."""

    def __init__(self, interface: str) -> None:
        """Raises `OSError`."""
        self._tap = packet_agent.Tap(interface)
        self.facts = self._tap.facts
        self._thread: threading.Thread | None = None
        self._closed = False

    def start(self, link: PacketLink) -> None:
        self._thread = threading.Thread(target=self._read, args=(link,), name=str(link.where), daemon=True)
        self._thread.start()

    def send(self, frame: bytes) -> None:
        self._tap.send(frame)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._thread is not None:
            self._tap.wake()
            self._thread.join()
        self._tap.close()

    def _read(self, link: PacketLink) -> None:
        while True:
            try:
                got = self._tap.receive()
            except OSError as error:
                link.lost(str(error.strerror))
                return
            if got is None:
                return
            link.frame(*got)


class RemoteRadio(Radio):
    """An interface behind an agent in another Python, as execnet's `spec` says."""

    def __init__(self, interface: str, spec: str) -> None:
        """Raises `OSError` as the agent does, `RigError` when it cannot be started."""
        self._group = execnet.Group()
        self._ending = object()
        self._closed = False
        self._offset = 0
        try:
            self._channel = self._group.makegateway(spec).remote_exec(packet_agent)
            self._channel.send(interface)
            answer = self._answer()
            if answer[0] == "ready":
                self._offset, self.clock_error = self._difference()
        except (EOFError, OSError, execnet.HostNotFound, execnet.RemoteError) as error:
            self.close()
            gone = isinstance(error, EOFError) or "already closed" in str(error)  # as execnet says it
            why = "no python3 there, or it ended at once" if gone else error
            raise RigError(f"no agent can be started there: {why}") from error
        if answer[0] == "refused":
            self.close()
            raise OSError(answer[1], answer[2])
        self.facts = answer[1]

    def start(self, link: PacketLink) -> None:
        def told(answer: Any) -> None:
            if answer is self._ending:
                link.lost("the agent ended")
            elif answer[0] == "frame":
                link.frame(answer[1] + self._offset, *answer[2:])
            else:
                link.lost(answer[1])

        self._channel.setcallback(told, self._ending)

    def send(self, frame: bytes) -> None:
        self._channel.send(frame)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._group.terminate(timeout=5)

    def _answer(self) -> Any:
        """What the agent says next. Raises `EOFError`, `OSError`."""
        deadline = clock.now() + START
        while True:
            try:
                return self._channel.receive(_LOOK)
            except self._channel.TimeoutError:
                if clock.now() >= deadline:
                    raise TimeoutError(f"it says nothing for {START:g} s") from None

    def _difference(self) -> tuple[int, float]:
        """Nanoseconds from the agent's clock to ours by the quickest of many questions, and its error in seconds."""
        best, difference = START * 1e9, 0
        for _ in range(_CLOCK_ROUNDS):
            asked = time.monotonic_ns()
            self._channel.send("clock")
            kind, theirs = self._answer()[:2]
            while kind == "frame":  # the radio hears already, but nobody wants that yet
                kind, theirs = self._answer()[:2]
            answered = time.monotonic_ns()
            if answered - asked < best:
                best, difference = answered - asked, (asked + answered) // 2 - theirs
        return difference, best / 2e9


class PacketLink(Link):
    """Frames of one radio, from its own address and to it."""

    kind = "ieee802154"
    mtu = LONGEST
    any_source = False
    auto_ack = True

    def __init__(
        self, where: str, radio: Radio, dut: bytes, *, dut_short: bytes = b"", pan: bytes = b"\xab\xcd"
    ) -> None:
        """`where` names it in errors; it closes `radio`."""
        self.where, self._radio = where, radio
        self.tester, self.dut, self.dut_short, self.pan = (
            bytes.fromhex(radio.facts["address"]),
            dut,
            dut_short,
            pan,
        )
        self._arrivals = Arrivals(self._check, kept=_KEPT)
        self._arrived = self._arrivals.changed
        self._left: deque[Received] = deque(maxlen=_KEPT)
        self.clock_error = radio.clock_error
        self._lost = ""
        radio.start(self)

    def send(self, frame: bytes) -> None:
        """Put one PSDU without FCS, of 125 octets at most, into the radio's queue. Raises `RigError`, `RadioLost`."""
        if len(frame) > LONGEST:
            raise RigError(f"{self.where}: a frame has {LONGEST} octets at most, not {len(frame)}")
        self._check()
        try:
            self._radio.send(frame)
        except OSError as error:
            raise RadioLost(f"{self.where}: cannot be sent to: {error.strerror or error}") from error

    def receive(self, deadline: float) -> Received | None:
        return self._arrivals.take(deadline)

    def outgoing(self) -> Sequence[Received]:
        with self._arrived:
            return tuple(self._left)

    def frame(self, nanoseconds: int, frame: bytes, ours: bool = False) -> None:
        """Take a frame that the radio heard, or one of ours as it left, at a time of CLOCK_MONOTONIC."""
        received = Received(frame, nanoseconds / 1e9, self.clock)
        if not ours:
            self._arrivals.put(received)
            return
        with self._arrived:
            self._left.append(received)
            self._arrived.notify_all()

    def lost(self, why: str) -> None:
        """Know that nothing comes any more."""
        with self._arrived:
            self._lost = self._lost or why
            self._arrived.notify_all()

    def close(self) -> None:
        self.lost("closed")
        self._radio.close()

    def _check(self) -> None:
        if self._lost:
            raise RadioLost(f"{self.where}: {self._lost}")


def open_link(bench: Bench, address: str, rig: RigFile) -> PacketLink:
    """Open `packet:INTERFACE` or `packet:INTERFACE@ssh:HOST`. Raises `RigError`."""
    del bench
    where = f"packet:{address}"
    interface, spec = _split(address, rig)
    if rig.dut.address is None or len(rig.dut.address) != 8:
        raise ConfigError(
            [f"{rig.path}: dut.address: is missing: the link {where} needs the DUT's EUI-64, 8 octets"]
        )
    try:
        radio: Radio = RemoteRadio(interface, spec) if spec else LocalRadio(interface)
    except OSError as error:
        raise RigError(f"{where}: {_explained(interface, error, rig)}") from error
    except RigError as error:
        raise RigError(f"{where}: {error}; try `{_by_hand(address)}`") from error
    wrong = complaint(interface, radio.facts, rig)
    if wrong:
        radio.close()
        raise RigError(f"{where}: {wrong.what}: {wrong.remedy}")
    return PacketLink(
        where, radio, rig.dut.address, dut_short=rig.dut.short or b"", pan=rig.tester.pan_octets
    )


def check(rig: RigFile) -> Iterable[Missing]:
    """What this host or the lab host of the radio lacks."""
    scheme, _, address = rig.tester.link.partition(":")
    if scheme != "packet":
        return
    if wrong := misread(address):
        yield Missing(f"tester.link: {rig.tester.link} cannot be read", wrong)
        return
    interface, spec = _split(address, rig)
    if rig.dut.address is None or len(rig.dut.address) != 8:
        yield Missing("dut.address: the link needs the DUT's EUI-64", "write its 8 octets into the rig file")
    if spec:
        if shutil.which("ssh") is None and not spec.startswith("popen"):
            yield Missing("the program ssh is not on PATH", "apt-get install openssh-client")
            return
        yield from _remote(interface, spec, rig)
        return
    try:
        tap = packet_agent.Tap(interface)
    except OSError as error:
        yield _lacking(interface, error, rig)
        return
    tap.close()
    lacking = complaint(interface, tap.facts, rig)
    if lacking:
        yield _keyed(lacking)


def _remote(interface: str, spec: str, rig: RigFile) -> Iterable[Missing]:
    """What keeps the radio of a lab host from being opened: it is tried."""
    host = rig.tester.link.partition("@ssh:")[2]
    if host and (wrong := ssh.refused("tester.link", shlex.split(host))) is not None:
        yield wrong
        return
    try:
        radio = RemoteRadio(interface, spec)
    except OSError as error:
        yield _lacking(interface, error, rig)
        return
    except RigError as error:
        by_hand = _by_hand(rig.tester.link.partition(":")[2])
        yield Missing(f"tester.link: {rig.tester.link} cannot be opened: {error}", f"try `{by_hand}`")
        return
    wrong = complaint(interface, radio.facts, rig)
    radio.close()
    if wrong:
        yield _keyed(wrong)


def complaint(interface: str, facts: dict[str, Any], rig: RigFile) -> Missing | None:
    """What is wrong with an interface that is there."""
    if facts["type"] != IEEE802154:
        return Missing(
            f"{interface} is no IEEE 802.15.4 interface (its type is {facts['type']}, not {IEEE802154})",
            "name a wpan interface; `iwpan dev` shows them",
        )
    if facts["above"]:
        return Missing(
            f"{', '.join(facts['above'])} sits on {interface}, so that this host itself would answer the DUT",
            f"ip link delete {facts['above'][0]}",
        )
    if not facts["up"]:
        return Missing(f"{interface} is down", _setup(interface, rig))
    wanted = rig.tester.address
    if wanted is not None and wanted.hex() != facts["address"]:
        return Missing(
            f"tester.address is {wanted.hex(':')}, but {interface} has {bytes.fromhex(facts['address']).hex(':')}",
            f"correct the rig file, or: ip link set {interface} down; ip link set {interface} address "
            f"{wanted.hex(':')}; ip link set {interface} up",
        )
    return None


def _keyed(wrong: Missing) -> Missing:
    """With the key of the rig file that names the radio, where it names none."""
    return wrong if wrong.what.startswith("tester.") else Missing(f"tester.link: {wrong.what}", wrong.remedy)


def _split(address: str, rig: RigFile) -> tuple[str, str]:
    """Interface, and where its agent is to be as an execnet spec: empty for this host."""
    if wrong := misread(address):
        raise ConfigError([f"{rig.path}: tester.link: packet:{address}: {wrong}"])
    interface, _, place = address.partition("@")
    kind, colon, host = place.partition(":")
    if kind == "ssh":
        return interface, f"ssh=-o BatchMode=yes {host} {' '.join(ssh.DEFAULTS)}//python=python3"
    return interface, f"popen//python={host}" if colon else kind


def _lacking(interface: str, error: OSError, rig: RigFile) -> Missing:
    what, remedy = f"tester.link: {rig.tester.link} cannot be opened", _explained(interface, error, rig)
    if error.errno == errno.ENODEV:
        what, _, remedy = remedy.partition(": ")
        what = f"tester.link: {what}"
    return Missing(what, remedy)


def _explained(interface: str, error: OSError, rig: RigFile) -> str:
    if error.errno == errno.ENODEV:
        host = rig.tester.link.partition("@ssh:")[2].rpartition(" ")[2]
        there = f"{interface} on {host}" if host else interface
        return f"there is no interface {there}: plug the radio in, then {_setup(interface, rig)}"
    if error.errno in {errno.EPERM, errno.EACCES}:
        return (
            "raw packets need root or CAP_NET_RAW: run as root there, or give the Python that runs it the capability "
            "(setcap cap_net_raw+ep)"
        )
    return f"{interface}: {error.strerror or error}"


def _setup(interface: str, rig: RigFile) -> str:
    """The commands that make an interface what the rig needs (as root, on the host of the radio)."""
    return (
        f"ip link set {interface} down; iwpan dev {interface} set pan_id {rig.tester.pan:#06x}; "
        f"iwpan phy phy0 set channel 0 {rig.tester.channel}; ip link set {interface} up "
        f"(if `iwpan dev` shows none: iwpan phy phy0 interface add {interface} type node)"
    )


def _by_hand(address: str) -> str:
    host = address.partition("@ssh:")[2]
    return f"ssh -o BatchMode=yes {host} python3 --version" if host else "python3 --version"
