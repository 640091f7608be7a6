"""RFC 4944 §5.3, what the DUT fragments between addresses of each kind, and behind events: as between two EUI-64s."""

from typing import Any

import pytest

from fixtures.api import (
    ECHO_REQUEST,
    Case,
    Stimulus,
    expected_reply,
    link_info,
    needs,
    on_link,
    pause,
    pieces,
    requirement,
    stimulus,
    well_sent,
)
from sixlowpan import mac, mesh
from sixlowpan.addresses import link_local
from suites.rfc4944.test_5_own import increase, strays, undecodable

pytestmark = on_link("ieee802154")

PREFIX = bytes.fromhex("20010db800a5006b")
#: Longer than a node stays awake, or keeps a dialogue in mind, that has no reason to; virtual seconds cost nothing.
SILENCE, LONG_SILENCE = 4.0, 64.0


class Answers:
    """The DUT's answers to echoes between two addresses, and the tags of those that came in fragments."""

    def __init__(self, case: Case, *, link: bytes | None = None, **addresses: Any) -> None:
        """`link` is the link-layer address that the echoes go to, where it is not the usual one."""
        self.case, self.addresses, self.tags, self.frame = case, addresses, list[int](), b""
        self.info = None if link is None else case.tester.info(destination=link)

    def asked(self, size: int) -> bytes:
        return self.case.tester.echo(size, **self.addresses)

    def come(self) -> bool:
        """Whether a small echo between these addresses is answered: without a route none is, by right."""
        tester, request = self.case.tester, self.asked(8)
        tester.send(stimulus(self.case, request, info=self.info))
        return tester.reply_to(request, tester.now() + 3 * self.case.timeout) is not None

    def ask(self, size: int) -> None:
        """An echo of this size is answered rightly; where no answer comes, the fragments say what is wrong."""
        case, tester, requests = self.case, self.case.tester, list[bytes]()
        since, before = tester.stamp(), len(tester.heard)

        def make() -> Stimulus:
            requests.append(self.asked(size))
            return stimulus(case, requests[-1], info=self.info)

        seen = case.answered(make)
        if seen is None:
            strays(case, since)
            undecodable(case, tester.heard[before:])
        elif well_sent(case, seen, expected_reply(requests[-1], seen)) and len(seen.payloads) > 1:
            self.tags.append(int.from_bytes(seen.behind_mesh[0][2:4]))
            self.frame = seen.frames[0]

    def judge(self) -> None:
        if len(self.tags) < 2 and not self.case.result.findings:
            self.case.unsupported("the DUT answers too few such echoes in fragments", "not_observable")
        increase(self.case, self.tags, self.frame)


ROWS = (
    *("RFC4944-5.3-02", "RFC4944-5.3-06", "RFC4944-5.3-08", "RFC4944-5.3-10", "RFC4944-5.3-12"),
    *("RFC4944-5.3-13", "RFC4944-5.3-16"),
)


@requirement(*ROWS)
@pytest.mark.parametrize("way", ["to-short", "from-short", "of-a-prefix", "under-a-context"])
def test_answers(case: Case, way: str):
    """Answers in fragments to a 16-bit address, from the DUT's own, and between addresses that are not link-local."""
    tester, link = case.tester, case.rig.link
    source = destination = there = None
    if way == "to-short":
        case.short_sender()
    elif way == "from-short":
        there = link.dut_short
        if not there or there == tester.dut_link:
            case.unsupported(
                "the DUT has no 16-bit address beside the one that it is spoken to by", "not_declared"
            )
        destination = link_local(there)
    else:
        context = tester.contexts.get(0)
        if way == "under-a-context" and (context is None or context.length > 64):
            case.unsupported("the DUT does not hold context 0", "not_declared")
        prefix = PREFIX if way == "of-a-prefix" or context is None else context.prefix[:8]
        destination = prefix + tester.dut_address[8:]
        case.give_address(destination)
        source = tester.also(prefix + tester.identity.address[8:])
    answers = Answers(case, link=there, source=source, destination=destination)
    if not answers.come():
        case.unsupported("the DUT answers no small echo between such addresses", "not_observable")
    for size in (200, 301, 202):
        answers.ask(size)
    answers.judge()


@requirement("RFC4944-5.3-13")
def test_tags_behind_silence(case: Case):
    """§5.3: the tag is incremented "for successive, fragmented datagrams", also where nothing is said in between."""
    answers = Answers(case)
    for silent in (False, False, True, False):
        if silent:
            pause(case, LONG_SILENCE if case.rig.link.clock == "virtual" else SILENCE)
        answers.ask(200)
    answers.judge()


@needs("ping")
@requirement("RFC4944-5.3-09", "RFC4944-5.3-12", "RFC4944-5.3-02", "RFC4944-5.3-08", "RFC4944-5.3-16")
@pytest.mark.parametrize("coming", [1, 2, 3], ids=["one", "two", "three"])
def test_while_datagrams_come(case: Case, coming: int):
    """A ping of the DUT in fragments while it waits for the rest of others' datagrams: it takes nothing of those."""
    tester, node, size = case.tester, case.rig.node, 300
    case.several_senders()
    case.room_for(200)
    with tester.acting_as(tester.fresh()):
        begun = [pieces(case, 160 + 8 * each) for each in range(coming)]
        others = link_info(case, begun[0][0])
    tester.send([part for _, parts in begun for part in parts[:-1]], others)
    identifier, since, before = tester.next_identifier(), tester.stamp(), len(tester.heard)
    node.ping(tester.identity.address, size, identifier, 1)
    pause(case, case.settle)
    strays(case, since)
    undecodable(case, tester.heard[before:])
    sent = [
        seen
        for seen in tester.heard[before:]
        if seen.icmp_type == ECHO_REQUEST and len(seen.upper) >= size and len(seen.payloads) > 1
    ]
    for seen in sent:
        well_sent(case, seen)
    tester.send([parts[-1] for _, parts in begun], others)
    if not sent and not case.result.findings:
        case.unsupported("the DUT's ping sends nothing in fragments", "not_observable")


@requirement("RFC4944-11.1-02", "RFC4944-11.1-01", "RFC4944-5-02")
def test_broadcast_numbers(case: Case):
    """§11.1: the sequence number "SHALL be incremented by the originator whenever it sends a new mesh broadcast"."""
    tester, numbers, frame = case.tester, [], b""
    before = len(case.evidence.frames)
    for _ in range(4):
        case.stranger()
        tester.send_packet(tester.echo())
        case.until_answered()
    for tap, way, received in case.evidence.frames[before:]:
        if (tap, way) != ("link", "received"):
            continue
        header, payload = mac.parse(received.frame)
        if header.type != mac.DATA or not payload or payload[0] >> 6 != 0b10:
            continue
        at = mesh.parse(payload, 0).end
        if payload[at : at + 1] == b"\x50" and len(payload) > at + 1:
            numbers.append(payload[at + 1])
            frame = received.frame
    if len(numbers) < 2:
        case.unsupported("the DUT sends no broadcast header", "not_observable")
    case.expect(
        len(set(numbers)) > 1,
        "broadcast_number",
        "a number that counts up",
        f"{numbers[0]} in {len(numbers)} broadcasts",
        frame=frame,
    )
