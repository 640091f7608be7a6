"""`ot_sim:`: the air of OpenThread's simulation platform, UDP multicast on the loopback interface.

Strategy: every simulated node sends each frame as one datagram (channel octet, PSDU, FCS) from port B + its node id
to a multicast group, and hears all others there. The tester is one more node. Newer versions have the group at port
B = 9000 (plus 34 for each PORT_OFFSET), older ones at B + 34: unless the rig file names a port, both are listened to
and, until the DUT was heard, both are sent to. The medium is nothing but a datagram, so what a radio does is done
by `rigs.links.acknowledgement`. Nothing leaves the host: the sockets are bound to a loopback address.

    ot_sim:                                group 224.0.0.116, the tester is node 33
    ot_sim:224.0.0.116:9068?node=32        a DUT started with PORT_OFFSET=2; `retries=`, `wait=`, `interface=` as below

With `networkkey` in [dut] the frames above are plain (`rigs.links.ot_security`); `secure=0|1|2` says with which key id
mode the tester's are secured (0: plain), otherwise it is found out.
Two runs stay apart by the port (start the DUT with another PORT_OFFSET), or each in a network namespace of its own.
"""

from __future__ import annotations

import ipaddress
import select
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from rigs.links.acknowledgement import RETRIES, Acknowledger, AcknowledgingLink
from rigs.links.arrivals import Arrivals
from rigs.links.ot_security.link import check as security_check
from rigs.links.ot_security.link import network_key, secured
from rigs.model import Link, RadioLost, Received, RigError
from rigs.registry import Missing
from sixlowpan import DecodeError, mac

if TYPE_CHECKING:
    from rigs.bench import Bench
    from rigs.configuration.models import RigFile

GROUP: Final = "224.0.0.116"
#: Where the group listens: newer versions at the base, older ones behind the 33 node ids.
BASE: Final = 9000
PORTS: Final = (BASE, BASE + 34)
NODE_ID: Final = 33
#: What `secure=` can be: the key id mode of the tester's frames.
MODES: Final = {"0": 0, "1": 1, "2": 2}
DUT: Final = bytes.fromhex("02005efffe000001")
TESTER: Final = bytes.fromhex("02005efffe000002")

_KEPT: Final = 1 << 16  # frames that nobody asks for


@dataclass(frozen=True, slots=True)
class Ether:
    """What an `ot_sim:` address says. `wait` is the seconds in which an acknowledgement must come."""

    group: str = GROUP
    ports: tuple[int, ...] = PORTS
    node: int = NODE_ID
    interface: str = "127.0.0.1"
    retries: int = RETRIES
    wait: float = 0.25
    secure: int | None = None

    @classmethod
    def parse(cls, address: str) -> Ether:
        """Read `[group[:port]][?node=N&interface=A&retries=N&wait=S&secure=0|1|2]`. Raises `ValueError`."""
        where, _, query = address.partition("?")
        group, _, port = where.partition(":")
        plain = cls()
        asked = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)))
        known = {"node", "interface", "retries", "wait", "secure"}
        if unknown := sorted(asked.keys() - known):
            raise ValueError(f"{unknown[0]!r} is no option; there are: {', '.join(sorted(known))}")
        interface = asked.get("interface", plain.interface)
        if not ipaddress.IPv4Address(interface).is_loopback:
            raise ValueError(f"interface={interface} is no loopback address: test traffic stays on this host")
        if asked.get("secure", "0") not in MODES:
            raise ValueError(f"secure={asked['secure']}: there are: {', '.join(MODES)}")
        if group and not ipaddress.IPv4Address(group).is_multicast:
            raise ValueError(f"{group} is no multicast group")
        return cls(
            group or GROUP,
            (int(port),) if port else PORTS,
            int(asked.get("node", NODE_ID)),
            interface,
            int(asked.get("retries", plain.retries)),
            float(asked.get("wait", plain.wait)),
            MODES[asked["secure"]] if "secure" in asked else None,
        )


class OtSimLink(AcknowledgingLink):
    """The tester as one node of the simulation: frames are PSDUs without FCS, secured or not as they were sent."""

    auto_ack = True
    name = "ot_sim"
    medium = "UDP in the place of a radio (OpenThread's simulation)"

    def __init__(
        self, ether: Ether, *, channel: int, pan: bytes, dut: bytes = DUT, tester: bytes = TESTER
    ) -> None:
        self._ether, self._channel = ether, channel
        self.pan, self.dut, self.tester = pan, dut, tester
        #: Ports of the group at which the DUT may listen; one is left once it was heard.
        self._ports = ether.ports
        self._arrivals = Arrivals(self._check, kept=_KEPT)
        self._not_heard: Counter[str] = Counter()
        self._sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._ears: dict[socket.socket, int] = {}
        self._wake, self._woken = socket.socketpair()
        try:
            self._bind()
        except OSError:
            self._release()
            raise
        # What is sent to the DUT's own address by another simulated node is not ours to acknowledge.
        self.radio = Acknowledger(
            self._transmit, mine=lambda address: address != dut, wait=ether.wait, retries=ether.retries
        )
        self._thread = threading.Thread(target=self._listen, name="ot_sim", daemon=True)
        self._thread.start()

    def _bind(self) -> None:
        ether, local = self._ether, socket.inet_aton(self._ether.interface)
        self._sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, local)
        self._sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
        self._sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 0)
        self._sender.bind((ether.interface, ether.ports[0] + ether.node))  # no second tester takes this place
        for port in ether.ports:
            ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._ears[ear] = port
            ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            ear.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            ear.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(ether.group) + local)
            ear.bind((ether.group, port))

    def send(self, frame: bytes) -> None:
        """Put one frame on the medium; again, if it asks for an acknowledgement and gets none. Raises `RadioLost`."""
        self._check()
        self.radio.send(frame, awaits=True)

    def passed_over(self) -> str:
        return ", ".join(f"{n} x {why}" for why, n in self._not_heard.most_common(4))

    def close(self) -> None:
        self.lost("closed")
        if self._wake.fileno() >= 0:
            self._wake.send(b"\0")
            self._thread.join(5)
        self._release()

    def _release(self) -> None:
        for one in (self._sender, *self._ears, self._wake, self._woken):
            one.close()

    def _transmit(self, frame: bytes) -> None:
        datagram = bytes([self._channel]) + frame + mac.fcs(frame)
        for port in self._ports:
            try:
                self._sender.sendto(datagram, (self._ether.group, port))
            except OSError as error:
                self.lost(f"cannot be sent to {self._ether.group}:{port}: {error.strerror or error}")
                self._check()

    def _listen(self) -> None:
        own = self._sender.getsockname()[1]
        while True:
            ready, _, _ = select.select([*self._ears, self._woken], [], [])
            if self._woken in ready:
                return
            for ear in ready:
                try:
                    datagram, (_, port) = ear.recvfrom(2048)
                    if port != own:
                        self._hear(datagram, self._ears[ear])
                except OSError as error:
                    self.lost(f"cannot be heard any more: {error.strerror or error}")
                    return
                except RadioLost:  # an acknowledgement cannot be sent any more
                    return

    def _hear(self, datagram: bytes, port: int) -> None:
        """Take one datagram; what no radio would hear (another channel, a wrong FCS, no frame) is passed over."""
        frame, fcs = datagram[1:-2], datagram[-2:]
        if len(frame) < 3 or fcs != mac.fcs(frame):
            return
        if datagram[0] != self._channel:
            self._not_heard[f"a frame on channel {datagram[0]} (tester.channel is {self._channel})"] += 1
            return
        stamp = time.monotonic()
        if len(self._ports) > 1 and self._comes_from_dut(frame):
            self._ports = (port,)
        if port not in self._ports or not self.radio.heard(frame):
            return
        self._arrivals.put(Received(frame, stamp, self.clock))

    def _comes_from_dut(self, frame: bytes) -> bool:
        try:
            return mac.parse(frame)[0].src == self.dut
        except DecodeError:
            return False


def check(rig: RigFile) -> list[Missing]:
    """What this machine lacks for the simulation's air."""
    return security_check(rig) if rig.dut.options.get("networkkey") else []


def misread(address: str) -> str:
    """What is wrong with what stands behind "ot_sim:"; empty where nothing is."""
    try:
        Ether.parse(address)
    except ValueError as error:
        return str(error)
    return ""


def open_link(bench: Bench, address: str, rig: RigFile) -> Link:
    """Open `ot_sim:...`, with MAC security when [dut] has a `networkkey`. Raises `RigError`."""
    if wrong := misread(address):
        raise RigError(f"{rig.path}: tester.link: ot_sim:{address}: {wrong}")
    ether = Ether.parse(address)
    network_key(rig)  # its mistakes are told before anything is opened
    try:
        link = OtSimLink(
            ether,
            channel=rig.tester.channel,
            pan=rig.tester.pan_octets,
            dut=rig.dut.address or DUT,
            tester=rig.tester.address or TESTER,
        )
    except OSError as error:
        raise RigError(
            f"{rig.path}: tester.link: ot_sim: node {ether.node} cannot be taken on {ether.interface}: {error}; if"
            " another run has it, name another port here and start the DUT with the PORT_OFFSET that belongs to it"
        ) from error
    try:
        return secured(bench, link, rig, ether.secure)
    except RigError:
        link.close()
        raise
