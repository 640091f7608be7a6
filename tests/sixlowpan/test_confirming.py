"""What `judge` makes of multihop duplicate address detection: DAR and DAC, EDAR and EDAC, and the hosts that wait."""

from dataclasses import replace

import pytest

from sixlowpan import ipv6, nd
from sixlowpan.__main__ import main
from sixlowpan.addresses import ALL_NODES
from tests.sixlowpan.test_following import (
    GLOBAL,
    HERE,
    NEW,
    NODE,
    OLD,
    OTHER,
    ROUTER,
    THERE,
    Network,
    captured,
)

BORDER = bytes.fromhex("20010db8000000010000000000000001")
ABOVE = bytes.fromhex("20010db800000001") + THERE[8:]
NEXT = bytes.fromhex("00124b000102037e")
LONG = NODE + bytes(range(8))


class Mesh(Network):
    """A node, its 6LR, and a 6LBR some hops away."""

    def forwarded(self, link, source, destination, message, hop_limit):
        self.now += 1
        octets = message.build(source, destination)
        packet = ipv6.build(source, destination, ipv6.ICMPV6, octets, hop_limit=hop_limit)
        self.packets.append((link, packet))
        self.follower.add(next(self.frames), self.now, link, ipv6.Packet.parse(packet), nd.parse(octets))

    def request(self, option=OLD, *, border=BORDER, link=ROUTER, hop_limit=64, **fields):
        self.forwarded(link, ABOVE, border, duplicate(nd.DAR, option, **fields), hop_limit)

    def confirm(self, option=OLD, *, border=BORDER, link=NEXT, hop_limit=62, **fields):
        self.forwarded(link, border, ABOVE, duplicate(nd.DAC, option, **fields), hop_limit)

    def checked(self, option=OLD, **fields):
        self.request(option)
        self.confirm(option, **fields)

    def tells_of_border(self, *flags):
        abro = nd.AuthoritativeBorderRouter(BORDER, 1, 60)
        options = (nd.LinkLayerAddress(nd.SLLAO, ROUTER), abro, nd.CapabilityIndication(frozenset(flags)))
        self.hear(ROUTER, THERE, ALL_NODES, nd.RouterAdvertisement(router_lifetime=1800, options=options))

    def row(self, address=GLOBAL, border=BORDER):
        return self.follower.found.get((border, address))


def duplicate(kind, option, address=GLOBAL, **fields):
    code, tid = (len(option.rovr) // 8, option.tid) if option.t else (0, 0)
    lifetime = option.lifetime
    return nd.DuplicateAddress(
        kind,
        **{"address": address, "rovr": option.rovr, "lifetime": lifetime, "tid": tid, "code": code, **fields},
    )


@pytest.fixture
def net():
    return Mesh()


# -- what became of it ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", [OLD, NEW, replace(NEW, rovr=LONG)], ids=["dar", "edar", "edar-128"])
def test_a_row(net, option):
    net.checked(option)
    net.checked(option)
    row = net.row()
    assert (row.rovr, row.tid, row.minutes, row.confirmed) == (
        option.rovr,
        option.tid if option.t else None,
        10,
        2,
    )
    assert row.holds(net.now + 599)
    assert not row.holds(net.now + 600)
    assert net.said == []


@pytest.mark.parametrize(
    ("act", "ended"),
    [
        (lambda net: net.checked(replace(NEW, tid=241, lifetime=0)), "removed by its owner"),
        (lambda net: net.checked(replace(NEW, tid=241), status=3), "moved"),
        (lambda net: net.checked(replace(NEW, tid=241), status=4), "removed by the 6LBR"),
        (lambda net: net.checked(replace(NEW, tid=239), status=3), ""),  # an older one: the newer one stays
        (lambda net: net.checked(replace(NEW, rovr=OTHER, tid=239), status=1), ""),
        (lambda net: net.checked(replace(NEW, rovr=OTHER, lifetime=0), status=1), ""),
        (lambda net: net.confirm(replace(NEW, lifetime=0)), ""),  # it answers nothing
    ],
    ids=["lifetime-0", "moved", "removed", "older", "duplicate", "lifetime-0-of-another", "stray"],
)
def test_ends(net, act, ended):
    net.checked(NEW)
    act(net)
    assert net.row().ended == ended
    assert net.said == []


def test_copies_on_each_hop_count_once(net):
    for hop_limit, link in ((64, ROUTER), (63, NEXT), (62, OTHER)):
        net.request(hop_limit=hop_limit, link=link)
    for hop_limit, link in ((64, OTHER), (63, NEXT), (62, ROUTER)):
        net.confirm(hop_limit=hop_limit, link=link)
    assert net.row().confirmed == 1
    assert net.said == []


@pytest.mark.parametrize("status", [1, 2, 9])
def test_what_is_refused_is_no_row(net, status):
    net.checked(status=status)
    assert net.row() is None
    assert net.said == []


@pytest.mark.parametrize(
    ("source", "address"),
    [(bytes(16), GLOBAL), (ALL_NODES, GLOBAL), (ABOVE, ALL_NODES)],
    ids=["unspecified", "multicast-source", "multicast-address"],
)
def test_what_must_be_discarded_changes_nothing(net, source, address):
    """RFC 6775 §8.2.1."""
    net.forwarded(ROUTER, source, BORDER, duplicate(nd.DAR, OLD, address), 64)
    net.forwarded(NEXT, BORDER, source, duplicate(nd.DAC, OLD, address), 64)
    assert net.follower.found == {}


# -- what a 6LBR does wrong -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "fields", "said"),
    [
        (OLD, {"lifetime": 9}, ("nd_lifetime", "RFC6775-8.2.4-01", "advice")),
        (OLD, {"rovr": OTHER}, ("nd_rovr", "RFC6775-8.2.4-01", "advice")),
        (NEW, {"tid": 241}, ("nd_tid", "RFC8505-4.2-01", "advice")),
        (NEW, {"status": 2}, ("nd_status", "RFC8505-4.1-15", "advice")),
        (replace(NEW, rovr=LONG), {"rovr": NODE, "code": 1}, ("nd_rovr", "RFC8505-4.2-01", "advice")),
    ],
    ids=["lifetime", "eui64", "tid", "full", "rovr-cut"],
)
def test_what_is_not_copied(net, asked, fields, said):
    net.checked(asked, **fields)
    assert net.codes == [said]
    # it is heard from the node that forwarded the answer
    assert "(6LBR 2001:db8:0:1::1)" in net.said[0][1].message


@pytest.mark.parametrize(
    ("flags", "said"),
    [((nd.FLAG_D,), 1), ((nd.FLAG_L, nd.FLAG_E), 0), (None, 0)],
    ids=["d", "no-d", "no-6cio"],
)
def test_an_edar_is_answered_by_a_dac(net, flags, said):
    """RFC 8505 §6.4: an updated 6LBR "MUST always use the EDAR and EDAC messages"; an old one has code 0."""
    if flags is not None:
        net.tells_of_border(*flags)
    net.checked(NEW, code=0, tid=0)
    assert net.codes == [("nd_code", "RFC8505-4.2-01", "advice")] * said
    assert net.row().confirmed == 1


def test_no_fail_where_an_edar_crossed_the_answer_to_a_dar(net):
    net.tells_of_border(nd.FLAG_D)
    net.request(OLD)
    net.request(NEW)
    net.confirm(OLD)
    assert "fail" not in [level for _, _, level in net.codes]


def test_a_row_is_one_under_the_64_leftmost_bits_of_its_rovr(net):
    """RFC 8505 §6.4: an old 6LBR is told no more of it."""
    net.checked(replace(NEW, rovr=LONG))
    net.checked(NEW)
    assert net.row().confirmed == 2
    net.checked(replace(NEW, lifetime=0))
    assert net.row().ended == "removed by its owner"
    assert net.said == []


def test_a_duplicate_is_confirmed(net):
    net.checked()
    net.checked(replace(OLD, rovr=OTHER))
    assert net.codes == [("duplicate", "RFC6775-8.2.4-01", "advice")]


def test_no_duplicate_behind_its_end_or_at_another_border(net):
    net.checked(replace(OLD, lifetime=1))
    net.now += 60
    net.checked(replace(OLD, rovr=OTHER))
    net.request(border=ABOVE)
    net.confirm(border=ABOVE)
    assert net.said == []


@pytest.mark.parametrize(
    ("lifetime", "row"), [(10, "RFC8505-4.1-09"), (0, "RFC8505-5.7-04")], ids=["renewed", "removed"]
)
def test_an_older_one_is_confirmed(net, lifetime, row):
    net.checked(replace(NEW, tid=5))
    net.checked(replace(NEW, tid=3, lifetime=lifetime))
    assert net.codes == [("nd_tid", row, "advice")]


# -- what a 6LR does wrong --------------------------------------------------------------------------------------


def registered(net, option):
    """A host of this 6LR that waits; what RFC 8505 asks of it before has been done."""
    net.advertise()
    if option.t:
        net.both(option, HERE)
    net.ask(option)


@pytest.mark.parametrize("option", [OLD, NEW], ids=["rfc-6775", "rfc-8505"])
def test_a_whole_exchange(net, option):
    registered(net, option)
    net.checked(option)
    net.answer(option)
    assert net.said == []
    assert net.row().confirmed == net.kept().confirmed == 1


@pytest.mark.parametrize(
    ("asked", "sent", "said"),
    [
        (OLD, replace(OLD, lifetime=60), ("nd_lifetime", "RFC6775-8.2.3-01", "advice")),
        (OLD, NEW, ("nd_code", "RFC8505-6.2-01", "advice")),
        (NEW, replace(NEW, tid=239), ("nd_tid", "RFC8505-4.2-01", "advice")),
    ],
    ids=["lifetime", "edar-for-an-aro", "tid"],
)
def test_what_a_request_does_not_copy(net, asked, sent, said):
    registered(net, asked)
    net.request(sent)
    assert net.codes == [said]
    assert net.said[0][0] == ROUTER


def test_no_fail_where_a_router_repeats_what_the_host_asked_before(net):
    registered(net, NEW)
    net.request(NEW)
    net.ask(OLD)
    net.request(NEW)
    assert "fail" not in [level for _, _, level in net.codes]


@pytest.mark.parametrize("hop_limit", [63, 65, 255])
def test_only_the_hop_limit_of_the_first_hop_tells_whose_request_it_is(net, hop_limit):
    registered(net, OLD)
    net.request(replace(OLD, lifetime=77), hop_limit=hop_limit)
    net.answer(OLD)
    assert net.said == []


def test_a_request_for_another_host_is_not_compared(net):
    registered(net, OLD)
    net.request(replace(OLD, rovr=OTHER, lifetime=77))  # a renewal of whoever has the address
    net.request(replace(OLD, lifetime=77), link=NEXT)  # of another 6LR
    net.request(replace(OLD, lifetime=78), hop_limit=63)  # forwarded: its 6LR is not known
    assert net.said == []


def test_a_host_is_answered_before_the_border(net):
    registered(net, OLD)
    net.request()
    net.answer(OLD)
    assert net.codes == [("nd_early", "RFC6775-8.2-01", "advice")]


def test_a_host_may_be_answered_when_no_border_answers(net):
    """RFC 6775 §8.2.6: behind MAX_UNICAST_SOLICIT tries, "with an ARO Status of zero"."""
    registered(net, OLD)
    for _ in range(3):
        net.request()
    net.answer(OLD)
    assert net.said == []


def test_a_renewal_need_not_wait(net):
    registered(net, OLD)
    net.checked()
    net.answer(OLD)
    net.ask(OLD)
    net.request()
    net.answer(OLD)
    assert net.said == []


def test_what_a_border_refused_is_confirmed(net):
    registered(net, OLD)
    net.checked(status=1)
    net.answer(OLD)
    assert net.codes == [("nd_status", "RFC6775-8.2.5-01", "advice")]


def test_one_of_two_borders_may_refuse(net):
    registered(net, OLD)
    net.request()
    net.request(border=ABOVE)
    net.confirm(status=1)
    net.confirm(border=ABOVE)
    net.answer(OLD)
    assert net.said == []


def test_tables_are_bounded(net, monkeypatch):
    monkeypatch.setattr("sixlowpan.nd.confirming._MOST", 8)
    for number in range(40):
        address = GLOBAL[:15] + bytes([number])
        net.request(address=address)
        net.request(replace(OLD, rovr=OTHER), address=address, border=ABOVE)
        net.confirm(address=address)
    table = net.follower._confirmations
    assert len(net.follower.found) == len(table._verdicts) == 8
    assert 4 <= len(table._requests) <= 8


def test_what_is_in_a_full_table_already_costs_no_other_row(net, monkeypatch):
    monkeypatch.setattr("sixlowpan.nd.confirming._MOST", 2)
    for address in (GLOBAL, ABOVE):
        net.both(OLD, address)
    for _ in range(3):
        net.request(OLD, address=ABOVE)
        net.request(replace(OLD, lifetime=9), address=ABOVE, border=GLOBAL)
        net.request(replace(OLD, lifetime=9), address=ABOVE)
    assert set(net.follower._confirmations._requests) == {
        (ABOVE, BORDER, ABOVE),
        (ABOVE, GLOBAL, ABOVE),
    }
    net.ask(OLD)
    net.ask(OLD, ABOVE)
    net.ask(OLD, ABOVE)
    assert set(net.follower._requests) == {(THERE, GLOBAL), (THERE, ABOVE)}


# -- a capture --------------------------------------------------------------------------------------------------


def test_judge_follows_them(tmp_path, capsys, net):
    net.tells_of_border(nd.FLAG_D)
    net.checked(NEW)
    net.checked(replace(NEW, tid=241), code=0, tid=0)
    assert main(["judge", captured(tmp_path, net)]) == 0
    said = capsys.readouterr().out
    assert "a Code Suffix of 1 to 4" in said
    assert "at 2001:db8:0:1::1: 2 times, frames 3 to 5, for 10 min, TID 241; holds at the end" in said


def test_judge_does_not_follow_what_has_a_bad_checksum(tmp_path, capsys, net):
    net.checked(NEW)
    net.packets = [
        (link, packet[:42] + bytes([packet[42] ^ 1]) + packet[43:]) for link, packet in net.packets
    ]
    main(["judge", captured(tmp_path, net)])
    assert "registered" not in capsys.readouterr().out
