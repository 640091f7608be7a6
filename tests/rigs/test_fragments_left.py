"""What a case leaves incomplete fills a DUT with few places for reassembly; that is waited out, not held against it."""

from types import SimpleNamespace

import pytest

from fixtures.judging.case import Case
from fixtures.judging.observation import CaseFailed
from reports.record import Result
from rigs.configuration.models import Parameters
from rigs.links.memory.link import DUT, MemoryLink
from rigs.model import Health
from rigs.tester.framing import Air
from rigs.tester.host import Tester as Host
from rigs.tester.packets import ECHO_REPLY, ICMPV6
from sixlowpan import LinkInfo, addresses, decode, encode, ipv6, mac
from tests.rigs.fakes import Silent

OWN = addresses.link_local(DUT["ieee802154"])
TIMEOUT = 5.0


class Jammed(Silent):
    """A node without a buffer as long as a fragment waits for the rest; else it answers echoes."""

    def __init__(self, timeout):
        super().__init__()
        self.timeout, self.free = timeout, 0.0

    def hear(self, frame, now):
        header, payload = mac.parse(frame)
        if payload[0] & 0xD8 == 0xC0:
            self.free = now + self.timeout
        if now < self.free:
            return []
        request = ipv6.Packet.parse(decode(payload, LinkInfo("ieee802154", src=header.src, dst=header.dst)))
        reply = ipv6.icmpv6(ECHO_REPLY, 0, request.upper()[2][4:], OWN, request.src)
        back = LinkInfo("ieee802154", src=header.dst, dst=header.src)
        answer = encode(ipv6.build(OWN, request.src, ICMPV6, reply), back)
        return [mac.data_frame(src=back.src, dst=back.dst, pan=b"\xab\xcd", sequence=1, payload=answer)]


@pytest.fixture
def make():
    """A trial opposite such a node; `timeout` is the node's, `parameters` what its profile declares."""

    def made(timeout=TIMEOUT, **parameters):
        link = MemoryLink("ieee802154")
        link.attach(Jammed(timeout))
        rig = SimpleNamespace(
            profile=SimpleNamespace(parameters=Parameters(**parameters)),
            file=SimpleNamespace(attempts=1, settle=0.1),
            node=SimpleNamespace(health=lambda: Health("alive"), tap=None),
            link=link,
            recover=lambda _why: None,
        )
        evidence = SimpleNamespace(frames=[], sink=None, link=link)
        host = Host(Air(link), OWN)
        return Case(rig, evidence, Result("case", "rig", ["RFC4944-5.3-20"]), lambda: host).trial

    return made


def test_a_jam_is_waited_out(make):
    trial = make(reassembly_slots=1, reassembly_timeout=f"{TIMEOUT:g}s")
    trial.session.tester.send([b"\xe0"])
    trial.alive()
    assert not trial.recording.result.findings


@pytest.mark.parametrize(
    ("timeout", "parameters"),
    [
        (60.0, {"reassembly_slots": 1, "reassembly_timeout": f"{TIMEOUT:g}s"}),
        (8.0, {"reassembly_slots": 1}),
        (8.0, {}),
    ],
    ids=["longer-than-declared", "no-timeout-declared", "nothing-declared"],
)
def test_no_longer_than_the_profile_says(make, timeout, parameters):
    trial = make(timeout, **parameters)
    trial.session.tester.send([b"\xe0"])
    with pytest.raises(CaseFailed):
        trial.alive()
    assert [finding.code for finding in trial.recording.result.findings] == ["dut_lost"]
