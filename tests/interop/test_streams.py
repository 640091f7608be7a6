"""Where a TCP connection stands still, and whose fault that is: frames in, blame out. No node, no clock."""

import struct

import pytest

from fixtures.judging.pairs.blame import blame
from fixtures.judging.pairs.outcome import Exchange
from rigs.tcp import ACK, RST, SYN, checked
from sixlowpan import Contexts, ipv6
from tests.interop.test_blame import A, Air, B, parties

PORT, CLIENT = 0x4321, 0xC321
THERE, BACK = b"keyhole " * 4, b"elohyek"
ISN = {"dut": 1000, "peer": 0xFFFFFFFE}
TOTAL = {"dut": THERE, "peer": BACK}


class Talk(Air):
    """A connection of the DUT's to its peer, segment by segment."""

    def segment(self, sender, flags, at=0, data=b"", acknowledges=0, *, got=None, **how):
        source, to = (A, B) if sender == "dut" else (B, A)
        ports = (CLIENT, PORT) if sender == "dut" else (PORT, CLIENT)
        other = "peer" if sender == "dut" else "dut"
        sequence = ISN[sender] + (0 if flags & SYN else 1 + at)
        answered = ISN[other] + 1 + acknowledges if flags & ACK else 0
        numbers = (sequence & 0xFFFFFFFF, answered & 0xFFFFFFFF)
        octets = struct.pack("!HHIIBBHHH", *ports, *numbers, 0x50, flags, 8192, 0, 0) + data
        octets = checked(octets, ipv6.checksum(source, to, 6, octets))
        return self.say(sender, ipv6.build(source, to, 6, octets), **how)

    def shake(self):
        self.segment("dut", SYN)
        self.segment("peer", SYN | ACK)
        self.segment("dut", ACK)

    def judged(self, *, at_peer=b"", at_dut=b"", back=b"", seen=()):
        exchange = Exchange(
            "dut", "stream", B, 0, len(THERE), ports=(0, PORT), given={"peer": THERE, "dut": back},
            got={"peer": at_peer, "dut": at_dut}, tapped={"peer": list(seen)},
        )  # fmt: skip
        found = blame(self.frames, "ieee802154", parties(), exchange, Contexts())
        return found.kind, found.side, found.code


def lost(times):
    """The first segment with data is sent so many times, and lost each time."""
    talk = Talk()
    talk.shake()
    for _ in range(times):
        talk.segment("dut", ACK, 0, THERE, lost=(0,))
    return talk.judged()


def test_who_does_not_send_again_is_to_blame():
    assert lost(1) == ("sent", "dut", "retransmission_lost")


def test_who_sends_again_and_loses_it_again_is_not():
    assert lost(2) == ("medium", "", "lost")


@pytest.mark.parametrize(
    ("times", "told"), [(1, ("sent", "dut", "retransmission_lost")), (3, ("medium", "", "lost"))]
)
def test_a_lost_syn(times, told):
    talk = Talk()
    for _ in range(times):
        talk.segment("dut", SYN, lost=(0,))
    assert talk.judged() == told


def test_a_syn_that_arrived_and_is_not_answered():
    talk = Talk()
    talk.segment("dut", SYN)
    assert talk.judged() == ("refused", "peer", "dropped")


def test_a_syn_that_is_refused():
    talk = Talk()
    talk.segment("dut", SYN)
    talk.segment("peer", SYN | ACK)
    talk.segment("peer", RST | ACK)
    assert talk.judged() == ("sent", "peer", "tcp_refused")


def test_no_syn_at_all_cannot_be_told():
    assert Talk().judged() == ("unknown", "", "not_sent")


def test_all_arrived_and_the_application_has_none_of_it():
    talk = Talk()
    talk.shake()
    packet = talk.segment("dut", ACK, 0, THERE)
    talk.segment("peer", ACK, 0, b"", len(THERE))
    assert talk.judged() == ("refused", "peer", "dropped")
    assert talk.judged(seen=[packet]) == ("refused", "peer", "no_answer")


def test_what_arrived_is_not_acknowledged():
    talk = Talk()
    talk.shake()
    talk.segment("dut", ACK, 0, THERE[:8])
    assert talk.judged(at_peer=THERE[:8]) == ("refused", "peer", "dropped")


def test_a_lost_acknowledgement_is_the_senders_to_draw_anew():
    talk = Talk()
    talk.shake()
    talk.segment("dut", ACK, 0, THERE[:8])
    talk.segment("peer", ACK, 0, b"", 8, lost=(0,))
    assert talk.judged(at_peer=THERE[:8]) == ("sent", "dut", "retransmission_lost")
    talk.segment("dut", ACK, 0, THERE[:8])
    talk.segment("peer", ACK, 0, b"", 8, lost=(0,))
    assert talk.judged(at_peer=THERE[:8]) == ("medium", "", "lost")


def test_who_stops_in_the_middle():
    talk = Talk()
    talk.shake()
    talk.segment("dut", ACK, 0, THERE[:8])
    talk.segment("peer", ACK, 0, b"", 8)
    assert talk.judged(at_peer=THERE[:8]) == ("sent", "dut", "not_sent")


def test_a_gap_that_its_sender_never_filled():
    """A node whose own queue drops a segment, and the segments behind it go: sequence numbers wrap here, too."""
    talk = Talk()
    talk.shake()
    talk.segment("peer", ACK, 4, BACK[4:])
    talk.segment("dut", ACK, 0, THERE)
    talk.segment("peer", ACK, 7, b"", len(THERE))
    assert talk.judged(at_peer=THERE, back=BACK) == ("sent", "peer", "not_sent")


def test_other_octets_than_the_application_gave():
    talk = Talk()
    talk.shake()
    talk.segment("dut", ACK, 0, THERE[:8] + b"another one")
    assert talk.judged() == ("sent", "dut", "garbled")
