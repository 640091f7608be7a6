"""The Neighbor Discovery vectors, read by the oracle's parser and built again."""

import pytest

from sixlowpan import DecodeError, LinkInfo, explain, lint, nd
from sixlowpan.explain import render
from vectors.generate import all_vectors

MESSAGES = [v for v in all_vectors() if v.rfc in (6775, 8505) or v.id.startswith("rfc4944/8/")]
MALFORMED = [v for v in MESSAGES if "nd-malformed" in v.flags]
BREACHES = [v for v in MESSAGES if "nd-breach" in v.flags]


@pytest.mark.parametrize("vector", [v for v in MESSAGES if v.legal_to_send], ids=lambda v: v.id)
def test_a_message_is_read_and_built_again(vector):
    packet = vector.packet
    message = nd.parse(packet[40:])
    assert message.build(packet[8:24], packet[24:40]) == packet[40:]
    assert nd.breaches(packet) == []


def test_most_are_wrong():
    assert len(MALFORMED) + len(BREACHES) > len(MESSAGES) / 2


@pytest.mark.parametrize("vector", MALFORMED, ids=lambda v: v.id)
def test_what_cannot_be_read_is_refused(vector):
    with pytest.raises(DecodeError):
        nd.parse(vector.packet[40:])
    (found,) = nd.breaches(vector.packet)
    assert (found.code, found.level) == ("nd_malformed", "fail")
    assert 0 <= found.offset <= len(vector.packet) - 40


@pytest.mark.parametrize("vector", BREACHES, ids=lambda v: v.id)
def test_what_must_not_be_sent_is_a_finding(vector):
    assert nd.parse(vector.packet[40:])
    (found,) = nd.breaches(vector.packet)
    assert found.requirement == vector.requirements[0]


@pytest.mark.parametrize("vector", MESSAGES, ids=lambda v: v.id)
def test_explain_shows_the_message_and_what_is_wrong(vector):
    link = LinkInfo("ieee802154", bytes.fromhex(vector.src), bytes.fromhex(vector.dst))
    tree = explain(vector.payload, link)
    text = render(tree)
    named = {
        133: "Router Sol",
        134: "Router Adv",
        135: "Neighbor Sol",
        136: "Neighbor Adv",
        157: "Request",
        158: "Conf",
    }
    assert named[vector.packet[40]] in text
    assert tree.has_error == bool(nd.breaches(vector.packet)), text
    for found in lint([vector.payload], link):
        assert found.code != "checksum"


def only(name):
    (found,) = [v for v in MESSAGES if v.id == name]
    return nd.parse(found.packet[40:])


def test_fields_mean_what_the_figures_say():
    context = only("rfc6775/4.2/context_option[96]").options[1]
    assert (context.length, context.cid, context.compress, context.valid_lifetime) == (96, 5, True, 60)
    assert only("rfc6775/4.2/context_option[c-0]").options[1].compress is False
    assert only("rfc6775/4.3/border_router_option[carry]").options[1].version == 0x10000
    registration = only("rfc8505/4.1/extended_registration[ns-256]").options[1]
    assert (registration.tid, registration.t, registration.r, len(registration.rovr)) == (240, True, True, 32)
    plain = only("rfc6775/4.1/address_registration[ns]").options[1]
    assert (plain.lifetime, plain.status, plain.rovr.hex()) == (60, 0, "00124b0001020304")
    moved = only("rfc8505/4.1/extended_registration[na-moved]").options[0]
    assert (moved.status, moved.tid) == (3, 241)
    assert only("rfc8505/4.3/capabilities[d]").options[1].flags == frozenset({10})
    assert only("rfc8505/4.3/capabilities[g]").options[1].flags == frozenset({15})
    edar = only("rfc8505/4.2/extended_duplicate_address[edar-4]")
    assert (edar.code, edar.tid, len(edar.rovr)) == (4, 240, 32)


def test_reserved_bits_are_ignored():
    (odd,) = [v for v in MESSAGES if "reserved_bits_of_registration" in v.id]
    registration = nd.parse(odd.packet[40:]).options[0]
    assert (registration.status, registration.lifetime, registration.rovr.hex()) == (
        0,
        60,
        "00124b0001020304",
    )
