"""What `judge` makes of registrations in a capture: who registered what, and which answers do not fit the requests."""

import json
from dataclasses import replace
from itertools import count

import pytest

from sixlowpan import encode, ipv6, link_local, mac, nd
from sixlowpan.__main__ import main
from sixlowpan.addresses import ALL_NODES
from sixlowpan.link import LinkInfo
from sixlowpan.nd.following import Registrations
from tests.sixlowpan.captures import pcap

NODE, OTHER, ROUTER = (bytes.fromhex(f"00124b00010203{end}") for end in ("04", "05", "99"))
HERE, THERE = link_local(NODE), link_local(ROUTER)
GLOBAL = bytes.fromhex("20010db800000001") + HERE[8:]
OLD = nd.AddressRegistration(NODE, 10)
NEW = nd.AddressRegistration(NODE, 10, r=True, t=True, tid=240)


class Network:
    """Messages of a node and its router, a second apart, as they are heard."""

    def __init__(self):
        self.said = []
        self.follower = Registrations(lambda link, finding: self.said.append((link, finding)))
        self.frames, self.now, self.packets = count(1), 0.0, []

    def hear(self, link, source, destination, message):
        self.now += 1
        octets = message.build(source, destination)
        packet = ipv6.build(source, destination, ipv6.ICMPV6, octets, hop_limit=255)
        self.packets.append((link, packet))
        self.follower.add(next(self.frames), self.now, link, ipv6.Packet.parse(packet), nd.parse(octets))

    def ask(self, option, address=GLOBAL, *, link=NODE, source=None):
        source = (HERE if option.t else address) if source is None else source
        target = address if option.t else THERE
        sllao = nd.LinkLayerAddress(nd.SLLAO, link)
        self.hear(link, source, THERE, nd.NeighborSolicitation(target, (sllao, option)))

    def answer(self, option, address=GLOBAL, *, to=None):
        target = address if option.t else THERE
        to = (HERE if option.t else address) if to is None else to
        self.hear(ROUTER, THERE, to, nd.NeighborAdvertisement(target, router=True, options=(option,)))

    def both(self, option, address=GLOBAL, **asked):
        self.ask(option, address, **asked)
        self.answer(option, address)

    def advertise(self, *flags):
        options = (nd.LinkLayerAddress(nd.SLLAO, ROUTER), nd.CapabilityIndication(frozenset(flags)))
        self.hear(ROUTER, THERE, ALL_NODES, nd.RouterAdvertisement(router_lifetime=1800, options=options))

    @property
    def codes(self):
        return [(finding.code, finding.requirement, finding.level) for _, finding in self.said]

    def kept(self, address=GLOBAL):
        return self.follower.found.get((THERE, address))


@pytest.fixture
def net():
    return Network()


def tid(number, **changes):
    return replace(NEW, tid=number, **changes)


# -- what became of it ------------------------------------------------------------------------------------------


def test_of_rfc_6775(net):
    net.both(OLD)
    net.both(OLD)
    kept = net.kept()
    assert (kept.rovr, kept.tid, kept.minutes, kept.confirmed, kept.first, kept.last) == (
        NODE,
        None,
        10,
        2,
        2,
        4,
    )
    assert kept.holds(net.now + 599)
    assert not kept.holds(net.now + 600)
    assert net.said == []


def test_of_rfc_8505(net):
    net.advertise(nd.FLAG_E)
    net.both(NEW, HERE)
    net.both(tid(240))
    net.both(tid(241))
    assert (net.kept().tid, net.kept().confirmed) == (241, 2)
    assert net.kept(HERE).tid == 240
    assert net.said == []


@pytest.mark.parametrize(
    ("act", "ended"),
    [
        (lambda net: net.both(tid(241, lifetime=0)), "removed by its owner"),
        (lambda net: net.answer(tid(240, status=3)), "moved"),
        (lambda net: net.answer(tid(240, status=4)), "removed by the router"),
        (lambda net: (net.ask(tid(241)), net.answer(tid(241, status=3))), "moved"),
        (lambda net: (net.ask(tid(241)), net.answer(tid(241, status=4))), "removed by the router"),
        (
            lambda net: (net.ask(tid(239)), net.answer(tid(239, status=3))),
            "",
        ),  # an older one: the newer one stays
        (lambda net: net.answer(tid(240, status=3, rovr=OTHER)), ""),  # it is about somebody else's
        (lambda net: net.answer(tid(240, status=5)), ""),
        (lambda net: (net.ask(tid(241)), net.answer(tid(241, status=1))), ""),
    ],
    ids=[
        *("lifetime-0", "moved", "removed", "moved-newer", "removed-newer"),
        *("older", "other-rovr", "validate", "refused"),
    ],
)
def test_ends(net, act, ended):
    net.both(NEW, HERE)
    net.both(NEW)
    act(net)
    assert net.kept().ended == ended
    assert net.kept().holds(net.now) is not bool(ended)


def test_it_begins_again(net):
    net.both(OLD)
    net.both(replace(OLD, lifetime=0))
    net.both(OLD)
    assert (net.kept().ended, net.kept().confirmed) == ("", 2)


def test_what_is_refused_or_was_not_asked_is_no_registration(net):
    net.ask(OLD)
    net.answer(replace(OLD, status=1), to=HERE)
    net.answer(OLD)  # answers nothing: the request was answered
    net.answer(tid(240, status=3))
    assert net.follower.found == {}
    assert net.said == []


# -- what does not fit ------------------------------------------------------------------------------------------


def test_a_request_with_a_status_is_answered(net):
    net.both(replace(OLD, status=1))
    net.said.clear()
    net.ask(replace(OLD, status=1))
    net.answer(OLD)
    ((link, finding),) = net.said
    assert (link, finding.frame) == (ROUTER, 4)
    assert net.codes == [("nd_answered", "RFC6775-6.5-01", "advice")]


@pytest.mark.parametrize(
    ("flags", "said"), [((nd.FLAG_E,), 1), ((), 0), ((nd.FLAG_L,), 0)], ids=["e", "no-6cio", "l"]
)
def test_an_earo_is_answered_by_an_aro(net, flags, said):
    if flags:
        net.advertise(*flags)
    net.ask(NEW, HERE)
    net.answer(OLD, HERE)
    assert net.codes == [("nd_flags", "RFC8505-6-02", "fail")] * said


def test_another_tid_comes_back(net):
    net.ask(NEW, HERE)
    net.answer(tid(239), HERE)
    assert net.codes == [("nd_tid", "RFC6775-6.5.3-02", "advice")]


@pytest.mark.parametrize("option", [OLD, NEW], ids=["rfc-6775", "rfc-8505"])
def test_a_duplicate_is_confirmed(net, option):
    net.both(replace(option, t=False), HERE)
    net.both(option, source=HERE if option.t else None)
    second = replace(option, rovr=OTHER)
    net.said.clear()
    net.both(second, link=OTHER)
    assert [code for code, *_ in net.codes if code != "nd_order"] == ["duplicate"]


def test_no_duplicate_behind_its_end(net):
    net.both(replace(OLD, lifetime=1))
    net.now += 60
    net.both(replace(OLD, rovr=OTHER), link=OTHER)
    assert net.said == []


def test_an_older_one_is_confirmed(net):
    net.both(NEW, HERE)
    net.both(tid(5))
    net.said.clear()
    net.both(tid(3))
    assert ("nd_tid", "RFC8505-4.1-09", "advice") in net.codes


@pytest.mark.parametrize(
    ("first", "second", "row"),
    [
        (240, 240, None),  # a retry
        (240, 241, None),
        (240, 244, None),  # some were not heard
        (255, 0, None),
        (127, 0, None),
        (250, 3, None),
        (5, 240, None),  # a restart
        (200, 130, None),
        (127, 128, "RFC8505-5.2.1-02"),
        (10, 9, "RFC8505-5.2.1-01"),
        (240, 20, "RFC8505-5.2.1-01"),
        (100, 60, "RFC8505-5.2.1-01"),
    ],
    ids=str,
)
def test_how_a_tid_counts(net, first, second, row):
    net.ask(tid(first), HERE)
    net.ask(tid(second), HERE)
    assert net.codes == ([("nd_tid", row, "advice")] if row else [])


def test_tids_of_two_addresses_have_nothing_in_common(net):
    net.both(tid(10), HERE)
    net.both(tid(5))
    assert net.said == []


def test_the_source_is_registered_first(net):
    net.ask(NEW)
    assert net.codes == [("nd_order", "RFC8505-5.6-01", "advice")]


@pytest.mark.parametrize("t", [False, True])
@pytest.mark.parametrize("status", [1, 2])
def test_where_a_refusal_goes(status, t):
    option = replace(NEW if t else OLD, status=status)
    for there in (GLOBAL, HERE):
        message = nd.NeighborAdvertisement(THERE, router=True, options=(option,)).build(THERE, there)
        said = nd.breaches(ipv6.build(THERE, there, ipv6.ICMPV6, message, hop_limit=255))
        wrong = there == GLOBAL and not t
        assert [each.requirement for each in said] == ["RFC6775-6.5.2-01"] * wrong


def test_tables_are_bounded(net, monkeypatch):
    monkeypatch.setattr("sixlowpan.nd.confirming._MOST", 8)
    for number in range(40):
        address = GLOBAL[:15] + bytes([number])
        net.both(replace(OLD, rovr=NODE[:7] + bytes([number])), address)
        net.ask(tid(240, rovr=NODE[:7] + bytes([number])), address, source=address)
    assert len(net.follower.found) == 8
    assert len(net.follower._requests) <= 8
    assert len(net.follower._tids) == 8


# -- a capture --------------------------------------------------------------------------------------------------


def captured(tmp_path, net):
    frames = []
    for number, (link, packet) in enumerate(net.packets):
        to = b"\xff\xff" if packet[24] == 0xFF else ROUTER if link != ROUTER else NODE
        payload = encode(packet, LinkInfo("ieee802154", link, to))
        frames.append(mac.data_frame(link, to, b"\xab\xcd", number, payload))
    return str(pcap(tmp_path / "nd.pcap", 230, frames))


def test_judge_follows_them(tmp_path, capsys, net):
    net.advertise(nd.FLAG_E)
    net.both(NEW, HERE)
    net.both(NEW)
    net.both(tid(241))
    net.ask(tid(242))
    net.answer(OLD, to=HERE)
    path = captured(tmp_path, net)
    assert main(["judge", path]) == 1
    said = capsys.readouterr().out
    assert "T=1" in said
    assert (
        "fe80::212:4b00:102:304 by 00124b0001020304 at fe80::212:4b00:102:399: once, frame 3, for 10 min"
        in said
    )
    assert (
        "registered 2001:db8:0:1:212:4b00:102:304 by 00124b0001020304 at fe80::212:4b00:102:399: 3 times, "
        "frames 5 to 9, for 10 min, TID 242; holds at the end" in said
    )
    assert main(["judge", "--json", path]) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    rows = [line for line in lines if line["type"] == "registration"]
    assert [(row["address"], row["tid"], row["confirmed"], row["frames"]) for row in rows] == [
        ("fe80::212:4b00:102:304", 240, 1, [3, 3]),
        ("2001:db8:0:1:212:4b00:102:304", 242, 3, [5, 9]),
    ]
    assert rows[0]["state"] == "holds at the end"
    assert lines[-1]["type"] == "count"
