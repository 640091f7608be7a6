"""Thread's MAC security on a link: what the DUT enciphers is shown in plain, and the tester may encipher too.

Strategy: OpenThread secures every data frame that it sends, also where it has joined no network. So a `SecuredLink`
stands around any IEEE 802.15.4 link and opens what arrives: above it there are plain frames, as everywhere in this
house. A frame that cannot be opened is passed on as it came: nothing is hidden, and the tester has no use for it.
Cipher and keys are those of `sixlowpan.security`.

A node whose Thread is disabled takes plain link-local frames from 2021-05 to 2026-05 (API 595); an older one takes
of a stranger only what is secured with key id mode 2. `probe` finds out which, by an echo. A newer one takes neither,
unless it was built to: then the tester takes the place of a child that is known to it (`become_child`).

`ot_security:` is a link scheme of its own for boards: `ot_security:packet:wpan0` is `packet:wpan0`, opened.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from rigs import registry
from rigs.configuration.models import ConfigError
from rigs.model import Link, Received, RigError
from rigs.registry import Missing
from sixlowpan import Contexts, DecodeError, LinkInfo, encode, ipv6, link_local, mac
from sixlowpan.security import (
    KNOWN_ADDRESS,
    KNOWN_KEY,
    KNOWN_KEY_ID,
    SecurityError,
    available,
    parse,
    protect,
    thread_mac_key,
    unprotect,
)

if TYPE_CHECKING:
    from rigs.bench import Bench
    from rigs.configuration.models import RigFile

#: Security level 5: payload enciphered, integrity code of 4 octets (IEEE 802.15.4-2006 table 95). Thread's choice.
LEVEL: Final = 5
PLAIN: Final = 0
#: What securing adds to a frame, by key id mode: security control, frame counter, key id, integrity code.
OVERHEAD: Final = {PLAIN: 0, 1: 1 + 4 + 1 + 4, 2: 1 + 4 + 5 + 4}
#: The name of a secured link among the resources of a bench.
LINK: Final = "ot_security"
#: Seconds in which a probe must be answered, and how often it is sent in each mode.
_PROBE: Final = 1.0
_PROBES: Final = 3
#: Frames of which it is remembered how long they were.
_KEPT: Final = 4096
#: The frame counter that a child's successor begins with: beyond whatever the child itself has used.
_SUCCESSOR: Final = 50_000


class Security:
    """Opens and secures frames (PSDU without FCS) with one network key.

    `extended` maps 16-bit source addresses to the EUI-64 that their nonce is made with. `sequence` is the key
    sequence that the tester secures with; what arrives names its own by the key index.
    """

    def __init__(
        self, network_key: bytes, *, sequence: int = 0, extended: dict[bytes, bytes] | None = None
    ) -> None:
        self._network_key = network_key
        self._sequence = sequence
        self._extended = extended or {}
        self._counters: dict[bytes, int] = {}

    def succeed(self, address: bytes) -> None:
        """Secure frames from `address` from now on with counters that nobody has used before."""
        self._counters[address] = max(self._counters.get(address, 0), _SUCCESSOR)

    def unprotect(self, frame: bytes) -> bytes:
        """Return a secured frame as the plain one that it stands for; a plain one unchanged.

        Raises `SecurityError`.
        """
        header, _ = parse(frame)
        if not header.security:
            return frame
        level, mode = header.security_control & 7, header.security_control >> 3 & 3
        key, source = self._keyed(mode, header)
        if not key or len(source) != 8:
            raise SecurityError(
                f"security level {level}, key id mode {mode}, source {header.src.hex() or 'none'}"
            )
        return unprotect(frame, key, source)

    def protect(self, frame: bytes, mode: int) -> bytes:
        """Secure a plain data frame with key id `mode` and the next frame counter of its source.

        Other frames are left as they are.
        """
        header, payload = mac.parse(frame)
        key_id = {1: bytes([(self._sequence & 0x7F) + 1]), 2: KNOWN_KEY_ID}[mode]
        counter = self._counters.get(header.src, 0)
        secured = replace(
            header, security=True, security_control=LEVEL | mode << 3, frame_counter=counter, key_id=key_id
        )
        key, source = self._keyed(mode, secured)
        if header.type != mac.DATA or header.security or len(source) != 8:
            return frame
        self._counters[header.src] = counter + 1
        return protect(secured, payload, key, source)

    def _keyed(self, mode: int, header: mac.MacHeader) -> tuple[bytes, bytes]:
        """(key, address of the nonce) of a frame; no key for a mode that nobody here knows."""
        if mode == 1:
            sequence = (self._sequence & ~0x7F) | (header.key_id[-1] - 1 & 0x7F)
            return thread_mac_key(self._network_key, sequence), self._extended.get(header.src, header.src)
        return (KNOWN_KEY, KNOWN_ADDRESS) if mode == 2 and header.key_id == KNOWN_KEY_ID else (b"", b"")


class SecuredLink(Link):
    """Any 802.15.4 link with plain frames above it.

    `mode` is how the tester's own are sent: `PLAIN`, or secured with key id mode 1 or 2. With None they are sent plain
    until a `probe` has found out what the DUT takes.
    """

    def __init__(self, inner: Link, security: Security, mode: int | None = None) -> None:
        self._inner, self._security = inner, security
        self._probes = mode is None
        self.kind, self.clock = inner.kind, inner.clock
        self.tester, self.dut, self.dut_short, self.pan = inner.tester, inner.dut, inner.dut_short, inner.pan
        self.any_source, self.auto_ack = inner.any_source, inner.auto_ack
        self.mode = mode or PLAIN
        #: What was opened, and how long it was; only the latest.
        self._secured: OrderedDict[bytes, int] = OrderedDict()

    @property
    def medium(self) -> str:
        """That of the link below."""
        return self._inner.medium

    @property
    def protects(self) -> bool:
        """`LEVEL` has an integrity code of 4 octets."""
        return self.mode != PLAIN

    @property
    def mode(self) -> int:
        """How the tester's frames are secured, which also tells how much fits into one (`mtu`)."""
        return self._mode

    @mode.setter
    def mode(self, mode: int) -> None:
        self._mode = mode
        self.mtu = self._inner.mtu - OVERHEAD[mode]

    def probe(self) -> bool:
        """Send an echo plain, then under key id mode 2; keep what is answered, or plain. Once the DUT is up.

        Returns whether one was answered; True, too, where the rig file says how frames are secured.
        """
        if not self._probes:
            return True
        for mode in (PLAIN, 2) * _PROBES:
            self.mode = mode
            source, destination = link_local(self.tester), link_local(self.dut)
            link = LinkInfo("ieee802154", src=self.tester, dst=self.dut)
            payload = encode(ipv6.echo_request(source, destination, 0x4B48, mode, b""), link, Contexts())
            self.send(mac.data_frame(self.tester, self.dut, self.pan, mode, payload, self.auto_ack))
            deadline = self.now() + _PROBE
            while (received := self.receive(deadline)) is not None:
                if self._answers(received.frame):
                    return True
        self.mode = PLAIN
        return False

    def become_child(self) -> None:
        """Go on as a child of the DUT that attached with the tester's EUI-64: key id mode 1, and no other source."""
        self._security.succeed(self.tester)
        self.mode, self.any_source = 1, False

    def _answers(self, frame: bytes) -> bool:
        try:
            return mac.parse(frame)[0].dst == self.tester
        except DecodeError:
            return False

    def now(self) -> float:
        return self._inner.now()

    def send(self, frame: bytes) -> None:
        if self.mode != PLAIN:
            try:
                frame = self._security.protect(frame, self.mode)
            except DecodeError:  # a case sends what is no frame at all: that is what it wants on the medium
                self._inner.send(frame)
                return
        self._inner.send(frame)

    def seek(self, frame: bytes, wait: float) -> Mapping[int, Sequence[bytes]]:
        return self._inner.seek(frame, wait)  # plain: who hears it, and by which key, is not known yet

    def receive(self, deadline: float) -> Received | None:
        received = self._inner.receive(deadline)
        if received is None:
            return None
        try:
            frame = self._security.unprotect(received.frame)
        except (
            SecurityError
        ):  # shown as it came: it stands in the evidence, and is no 6LoWPAN frame to the tester
            return received
        if frame is not received.frame:
            self._secured[frame] = len(received.frame)
            if len(self._secured) > _KEPT:
                self._secured.popitem(last=False)
        return replace(received, frame=frame)

    def hear_too(self, short: bytes) -> None:
        self._inner.hear_too(short)

    def passed_over(self) -> str:
        return self._inner.passed_over()

    def repeated(self) -> int:
        return self._inner.repeated()

    def size_on_air(self, frame: bytes) -> int:
        return self._secured.get(frame, len(frame))

    def close(self) -> None:
        self._inner.close()


def network_key(rig: RigFile) -> bytes | None:
    """The 16 octets of `networkkey` in [dut]; None when there is none. Raises `RigError`."""
    told = rig.dut.options.get("networkkey")
    if told is None:
        return None
    try:
        key = bytes.fromhex(str(told).replace(":", ""))
    except ValueError:
        key = b""
    if len(key) != 16:
        raise RigError(f"{rig.path}: dut.networkkey: {told!r} is not a network key: expected 32 hex digits")
    return key


def secured(bench: Bench, link: Link, rig: RigFile, mode: int | None = None) -> Link:
    """`link` with Thread's MAC security under the network key of `rig`; as it is when the rig names no key.

    The node finds it as the resource `LINK` of the bench, to have it `probe`.
    """
    key = network_key(rig)
    if key is None:
        return link
    lacking = check(rig)
    if lacking:
        raise RigError(f"{rig.path}: {lacking[0].what} is missing: {lacking[0].remedy}")
    extended = {link.dut_short: link.dut} if link.dut_short else {}
    return bench.resource(LINK, lambda: SecuredLink(link, Security(key, extended=extended), mode))


class Unsecured:
    """What stands in the place of a `SecuredLink` on a bench that has none."""

    def probe(self) -> bool:
        """Nothing to find out."""
        return True

    def become_child(self) -> None:
        """Nothing to secure."""

    def close(self) -> None:
        """Nothing to release."""


def on_bench(bench: Bench) -> SecuredLink | Unsecured:
    """The secured link that was opened on this bench, for its `probe` once the DUT is up."""
    return bench.resource(LINK, Unsecured)


def misread(rest: str) -> str:
    """What is wrong with what stands behind "ot_security:"; empty where nothing is."""
    if ":" not in rest:
        return "name the link inside, as in ot_security:packet:wpan0"
    try:
        return registry.misread("open_link", rest, "")
    except ConfigError as error:
        return error.mistakes[0].rpartition("tester.link: ")[2]


def check(rig: RigFile) -> list[Missing]:
    """What this machine lacks for links with MAC security, and (`ot_security:`) for the link inside."""
    scheme, _, inner = rig.tester.link.partition(":")
    found = registry.missing(_within(rig, inner)) if scheme == "ot_security" and ":" in inner else []
    if not available():
        found.append(Missing("the Python package cryptography", "pip install cryptography"))
    return found


def open_link(bench: Bench, address: str, rig: RigFile) -> Link:
    """Open `ot_security:SCHEME:REST`: the link `SCHEME:REST`, secured with `dut.networkkey`. Raises `RigError`."""
    if network_key(rig) is None:
        raise RigError(f"{rig.path}: dut.networkkey is missing: ot_security: needs it, as 32 hex digits")
    if ":" not in address:
        raise RigError(
            f"{rig.path}: tester.link: ot_security:{address}: name the link inside, as in ot_security:packet:wpan0"
        )
    return secured(bench, registry.open_link(bench, _within(rig, address)), rig)


def _within(rig: RigFile, address: str) -> RigFile:
    return rig.model_copy(update={"tester": rig.tester.model_copy(update={"link": address})})
