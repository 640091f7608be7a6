"""The Neighbor Discovery vectors, read by the oracle's parser and built again."""

import pytest

from sixlowpan import nd
from vectors.generate import all_vectors

MESSAGES = [v for v in all_vectors() if v.rfc in (6775, 8505) or v.id.startswith("rfc4944/8/")]


@pytest.mark.parametrize("vector", [v for v in MESSAGES if v.legal_to_send], ids=lambda v: v.id)
def test_a_message_is_read_and_built_again(vector):
    packet = vector.packet
    message = nd.parse(packet[40:])
    assert message.build(packet[8:24], packet[24:40]) == packet[40:]


def only(name):
    (found,) = [v for v in MESSAGES if v.id == name]
    return nd.parse(found.packet[40:])


def test_fields_mean_what_the_figures_say():
    context = only("rfc6775/4.2/context_option[96]").options[0]
    assert (context.length, context.cid, context.compress, context.valid_lifetime) == (96, 5, True, 60)
    assert only("rfc6775/4.2/context_option[c-0]").options[0].compress is False
    assert only("rfc6775/4.3/border_router_option[carry]").options[0].version == 0x10000
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
