"""Judges the senders of a capture: findings by sender, what each has shown, and a count of every frame.

Strategy: one `Linter` and one set of contexts for each network (a PAN, a BLE link), because addresses, tags and
contexts mean something within it only. Contexts are learnt from the 6CO of Router Advertisements as they pass, and
registrations are followed (`nd.Registrations`). Equal findings of one sender are one `Group` with a count and the
first frames, so a capture of any length takes bounded memory: networks, senders and groups have limits, and what goes
beyond is counted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Final

from sixlowpan import mesh, nd
from sixlowpan.capture.sift import Breach, Item, Payload, Skipped
from sixlowpan.contexts import Contexts
from sixlowpan.coverage import Coverage
from sixlowpan.errors import DecodeError
from sixlowpan.ipv6 import ICMPV6, Packet, checksum_holds
from sixlowpan.link import BLE
from sixlowpan.lint import ADVICE, FAIL, Linter, LintFinding
from sixlowpan.lint_fragments import RESTART

_FIRST_FRAMES: Final = 5
_MOST_NETWORKS: Final = 256
_MOST_SENDERS: Final = 1024
_MOST_GROUPS: Final = 8192
_MOST_REASONS: Final = 64
#: so many payloads at one and the same time are none of a clock: one takes half a millisecond on the air
_AT_ONCE: Final = 8
_UNDEFINED_CONTEXT: Final = "RFC6282-3.1.2-06"
_BOTH_ADDRESSES: Final = "RFC4944-2-04"
#: datagram_size and datagram_tag of fragments, the sequence number of broadcasts
_COUNTED: Final = {"RFC4944-5.3-09", "RFC4944-5.3-13", "RFC4944-11.1-02"}
#: Messages that change what is known, and of those the ones that may come from further away than one hop.
_FORWARDED: Final = {bytes((kind,)) for kind in (nd.DAR, nd.DAC)}
_FOLLOWED: Final = {bytes((kind,)) for kind in (nd.RS, nd.RA, nd.NS, nd.NA)} | _FORWARDED

Sender = tuple[bytes, bytes]  # network, link-layer address


@dataclass(slots=True)
class Group:
    """One finding of one sender, as often as it came: `frames` are the first, `finding` is that of the first."""

    sender: Sender
    finding: LintFinding
    count: int = 0
    frames: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Shown:
    """What one sender did: `judged` payloads, `fails` and `advice` as counts by requirement or code."""

    judged: int = 0
    fails: Counter[str] = field(default_factory=Counter)
    advice: Counter[str] = field(default_factory=Counter)
    coverage: Coverage = field(default_factory=Coverage)


class Judgement:
    """What came of one capture; `groups` in the order of their first frames."""

    def __init__(self, contexts: Contexts, mtu: int | None) -> None:
        self.read = self.judged = self.left_out = 0
        self.unknown_addresses = 0  # how often an address was elided that the capture does not show
        self.passed_over = False  # octets behind frames that are no FCS
        self.others: list[bytes] = []  # PANs that were heard beside the one that was asked for
        self.damage = ""  # what kept the rest of the file from being read
        self.skipped: Counter[str] = Counter()
        self.groups: list[Group] = []
        self.senders: dict[Sender, Shown] = {}
        self.contexts: dict[bytes, Contexts] = {}
        self.registrations: dict[bytes, nd.Registrations] = {}
        self.time = 0.0  # of the last payload that has one
        self._timeless = False  # the payload at hand has none
        self._begin: float | None = None
        self._stands = True  # so far all times were alike: there is no clock in it
        self._set_back = False  # the clock of the capture was: how long something took is not known
        self._given, self._mtu = contexts, mtu
        self._linters: dict[bytes, Linter] = {}
        self._index: dict[tuple[Sender, str, str | None, str], Group] = {}
        self._last = 0
        self._without = 0  # the last frame that has not both addresses

    @property
    def findings(self) -> list[LintFinding]:
        """The finding of each group."""
        return [group.finding for group in self.groups]

    @property
    def failed(self) -> bool:
        """True if some finding is a fail."""
        return any(group.finding.level == FAIL for group in self.groups)

    @property
    def undefined_contexts(self) -> int:
        """How often a payload used a context that nobody defined."""
        return sum(group.count for group in self.groups if group.finding.requirement == _UNDEFINED_CONTEXT)

    def add(self, item: Item) -> None:
        """One more item of a capture."""
        if item.number != self._last:
            self._last = item.number
            self.read += 1
            if isinstance(item, Skipped):
                kept = item.reason in self.skipped or len(self.skipped) < _MOST_REASONS
                self.skipped[item.reason if kept else "other reasons"] += 1
            else:
                self.judged += 1
        if isinstance(item, Payload):
            self._payload(item)
        elif isinstance(item, Breach):
            self._without = item.number if item.requirement == _BOTH_ADDRESSES else 0
            where = (item.number, 0, item.expected, item.actual, item.message)
            self._report((item.pan, item.sender), LintFinding(item.code, item.requirement, FAIL, *where))

    def close(self) -> None:
        """Say what is left incomplete, and put the groups in order."""
        for linter in self._linters.values():
            linter.close()
        if self._stands and self.judged >= _AT_ONCE:
            for group in self.groups:
                self._doubt(group)
        self.groups.sort(key=lambda group: (group.finding.frame, group.finding.offset))

    def _payload(self, item: Payload) -> None:
        number, time, pan, payload, link = item
        self._timeless = time != time  # noqa: PLR0124 - it is no number
        if self._timeless:
            time = self.time
        else:
            self._set_back = self._set_back or time < self.time - RESTART
            if self._stands:
                self._begin = time if self._begin is None else self._begin
                self._stands = time == self._begin
            self.time = time
        known = self.contexts.get(pan, self._given)
        linter = self._linters.get(pan)
        if linter is None:
            linter = self._new(pan)
        linter.add(number, payload, link, known, time)
        if linter.known:
            shown = self.senders.get((pan, link.src)) or self._shown((pan, link.src))
        else:
            shown = self._shown((pan, sender_of(item)))
            if shown is not None:
                shown.coverage.add(payload, link, known)
        if shown is not None:
            shown.judged += 1
        packet = linter.packet
        if packet is not None and (
            packet[40:41] in _FOLLOWED if packet[6] == ICMPV6 else packet[6] in {0, 60}
        ):
            self._discovery(packet, item, known)

    def _discovery(self, packet: bytes, item: Payload, known: Contexts) -> None:
        """What a message of Neighbor Discovery changes: contexts and registrations."""
        found = _discovery_in(packet)
        if found is None:
            return
        view, message = found
        update = _learnt(message, known)
        if update is not known:
            self.contexts[item.pan] = update
        follower = self.registrations.get(item.pan)
        if follower is None:
            follower = self.registrations[item.pan] = nd.Registrations(
                lambda sender, finding: self._report((item.pan, sender), finding)
            )
        follower.add(item.number, self.time, sender_of(item), view, message)

    def _new(self, network: bytes) -> Linter:
        while len(self._linters) >= _MOST_NETWORKS:
            oldest = next(iter(self._linters))
            self._linters.pop(oldest).close()
            self.contexts.pop(oldest, None)
            self.registrations.pop(oldest, None)
        linter = Linter(self._mtu, report=lambda sender, finding: self._fairly((network, sender), finding))
        self._linters[network] = linter
        return linter

    def _fairly(self, sender: Sender, finding: LintFinding) -> None:
        """Report a finding of the linter: what a capture leaves out is no fault of a sender.

        Addresses: Bluetooth tells them when a connection begins, a cooked header of Linux its source only. Of an
        802.15.4 frame without an address the `Breach` is the fail. Times, where there are none or the clock was set
        back: a number that comes again may be that of a sender that started anew.
        """
        if (self._timeless or self._set_back) and finding.requirement in _COUNTED:
            finding = replace(finding, level=ADVICE)
        elif finding.requirement == _BOTH_ADDRESSES and finding.level == FAIL:
            if finding.frame == self._without:
                return
            self.unknown_addresses += 1
            told = "an address is elided that the capture does not show"
            finding = replace(finding, level=ADVICE, message=told, actual="an address that is not known")
        self._report(sender, finding)

    def _doubt(self, group: Group) -> None:
        """The capture has no clock: what its times seemed to prove is advice."""
        requirement = group.finding.requirement or ""
        if requirement in _COUNTED and group.finding.level == FAIL:
            group.finding = replace(group.finding, level=ADVICE)
            if (shown := self.senders.get(group.sender)) is not None:
                shown.advice[requirement] += shown.fails.pop(requirement, 0)

    def _shown(self, sender: Sender) -> Shown | None:
        shown = self.senders.get(sender)
        if shown is None and len(self.senders) < _MOST_SENDERS:
            shown = self.senders[sender] = Shown()
        return shown

    def _report(self, sender: Sender, finding: LintFinding) -> None:
        shown = self._shown(sender)
        if shown is not None:
            counter = shown.fails if finding.level == FAIL else shown.advice
            counter[finding.requirement or finding.code] += 1
        key = (sender, finding.code, finding.requirement, finding.level)
        group = self._index.get(key)
        if group is None:
            if len(self.groups) >= _MOST_GROUPS:
                self.left_out += 1
                return
            group = self._index[key] = Group(sender, finding)
            self.groups.append(group)
        group.count += 1
        if len(group.frames) < _FIRST_FRAMES and finding.frame not in group.frames:
            group.frames.append(finding.frame)


def sender_of(item: Payload) -> bytes:
    """The link-layer address of whoever made a payload: of a mesh header its originator."""
    if item.payload[:1] >= b"\x80" and item.payload[0] < 0xC0 and item.link.kind != BLE:
        try:
            return mesh.parse(item.payload, 0).originator
        except DecodeError:
            pass
    return item.link.src


def learn(packet: bytes, contexts: Contexts) -> Contexts:
    """The contexts after a packet: those of the 6CO of a Router Advertisement come in, a lifetime of 0 takes out."""
    found = _discovery_in(packet)
    return contexts if found is None else _learnt(found[1], contexts)


def _discovery_in(packet: bytes) -> tuple[Packet, nd.Message] | None:
    """The message of Neighbor Discovery in a packet; None where there is none that counts."""
    view = Packet.parse(packet)
    protocol, _, data = view.upper()
    # RFC 4861 6.1.2, 7.1: a valid one has a hop limit of 255 and a checksum that holds; RFC 6775 4.4: of a DAR and a
    # DAC the hop limit "MUST be ignored on receipt"
    if protocol != ICMPV6 or data[:1] not in _FOLLOWED:
        return None
    if view.hop_limit != 255 and data[:1] not in _FORWARDED:
        return None
    if not checksum_holds(view.src, view.dst, protocol, data):
        return None
    try:
        return view, nd.parse(data)
    except DecodeError:
        return None


def _learnt(message: nd.Message, contexts: Contexts) -> Contexts:
    for option in message.options if isinstance(message, nd.RouterAdvertisement) else ():
        if isinstance(option, nd.ContextOption):
            # RFC 6775 4.2: "A value of all zero bits (0x0) indicates that this context entry MUST be removed"
            if option.valid_lifetime:
                contexts = contexts.with_context(option.cid, option.context())
            else:
                contexts = contexts.without(option.cid)
    return contexts
