"""How bad a breach is, and what a user of the node would notice of it.

Strategy: the code of a finding says what was seen, so it says as well what that does to whoever uses the node. One
table has the effects, worst first, each with the codes that it stands for (`tests/reports/test_severity.py` holds it
against `vectors.codes`: none is left out). Where a code alone does not tell (a form that is dropped may be one of many,
or all that a kind of peer has), an entry names the requirement as well. A breach of what a text only advises is advice,
but for the codes that a verdict counts whatever they break (`vectors.codes.ALWAYS`): a death is critical. The scale is
for people in docs/reports.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, Final

from vectors.catalogue import CATALOGUE
from vectors.codes import ALWAYS, FIELDS

#: Worst first.
SEVERITIES: Final = ("critical", "serious", "moderate", "minor")


@dataclass(frozen=True, slots=True)
class Effect:
    """What a breach does: in one or two words, how grave that is (of `SEVERITIES`), what a user would notice."""

    name: str
    severity: str
    notice: str
    #: Globs of codes; one with a space is held against code and requirement.
    codes: tuple[str, ...] = ()


def _effect(severity: str, name: str, notice: str, codes: str = "", *more: str) -> Effect:
    return Effect(name, severity, notice, (*more, *codes.split()))


ADVICE: Final = _effect(
    *("minor", "advice"),
    "The text advises against it, and binds nobody: a peer that relies on the advice may be surprised.",
)
#: Advice under a requirement that binds: the case says that this one is not charged.
NOTED: Final = _effect(
    *("minor", "not charged"),
    "The requirement binds, and this is not charged to the node.",
)
#: What a code means that nothing here names, such as one of somebody else's cases.
_OTHERS: Final = _effect(
    *("moderate", "wrong format"),
    "Something that the node sends or does has another form than the text gives it: peers that insist on the text "
    "drop it or misread it.",
    "reserved_bits tag_[!d]* datagram_tag broadcast_number sequence_number short_source hops_left forwarder_address "
    "experimental_bits fragment_reserved address_option address_of_another checksum_elided length eui64 "
    "sent_traffic* sent_flow_label sent_hop_limit sent_unasked quote_* nd_malformed nd_code nd_length nd_reserved "
    "nd_option nd_flags nd_sllao nd_source nd_destination nd_address nd_version source_elision "
    "destination_elision unregistered_elided elision link_local no_pan_id iid solicited_flag solicited_group "
    "solicitation_source no_source_option target advertised_to stray_fragment misfit router_flag",
)

#: All effects, worst first. Of several that fit a finding the first counts.
EFFECTS: Final[tuple[Effect, ...]] = (
    _effect(
        *("critical", "crash"),
        "Whoever is in radio range and sends such frames takes the node off the network until it restarts.",
        "dut_lost crash_signature",
    ),
    _effect(
        *("critical", "outage"),
        "The node stops serving for good what it served before, such as large packets or connections, until somebody "
        "restarts it.",
        "not_released blocked reconnect",
    ),
    _effect(
        *("critical", "leak of data"),
        "Octets that are none of a packet's are in it: another sender's, or what lay in the node's memory.",
        "leak stale_octets mixed_senders mixed_originators outside quote_trailer",
        *("accepted RFC4944-5.3-18",),
    ),
    _effect(
        *("serious", "wrong data"),
        "Some packets come out with other octets than were sent, or another sender or receiver, and nothing says so.",
        "mixed mixed_sizes mixed_tags mixed_octets patched hole beyond size_mismatch shifted no_sequence misread "
        "garbled answer_harmed payload source "
        "destination udp_source_port udp_destination_port next_header icmp_type icmp_code",
        # octets of the data stand in the place of padding that the sender left out
        *("payload_length RFC6282-4.2-15",),
    ),
    _effect(
        *("serious", "hijack"),
        "Whoever is in radio range changes where the node sends its packets, or which addresses it has.",
        "nd_taken nd_mixed context_taken duplicate",
    ),
    _effect(
        *("serious", "traffic lost"),
        "Some traffic does not get through.",
        "no_answer unresolved too_large lost not_delivered nothing_came no_room_for_two mtu stuck lost_while_waiting "
        "neighbour_address no_address solicitation_dropped wrong_answer not_sent tcp* stalled "
        "retransmission_lost refused ended_the_channel "
        "not_found not_advertised not_asked no_ipss one_way lost_by_size lost_regularly "
        "worse_than_its_frames fragments-of-* size-* echo-*",
        *("dropped RFC4944-3-01", "dropped RFC4944-2-01"),
    ),
    _effect(
        *("serious", "sends bad packets"),
        "Peers that follow the text drop or misread some of the packets that the node sends: they do not arrive.",
        "malformed reserved unsupported undecodable dispatch checksum incomplete offset datagram_size tag_differs "
        "no_first_fragment first_fragments address_differs frame_too_long too_long beyond_mtu mac_address_missing "
        "not_broadcast broadcast_pan multicast_destination link_broadcast broadcast_header fragments_sent "
        "ghc_unasked esc_sent ipv6_fragments udp_header multicast_bit nhc_nh_bit context context_used "
        "sent_version sent_payload* sent_next_header sent_source sent_destination sent_udp_* sent_icmp_* "
        "sent_header sent_checksum sent_length sent_packet sent_size answer_source answer_destination hc1*",
    ),
    _effect(
        *("moderate", "some forms lost"),
        "Packets in some form never arrive: a peer that uses it, as it may, is not understood.",
        "dropped version hop_limit payload_length udp_length udp_checksum icmp_checksum header context_unread "
        "form-* order-* duplicate-* all-twice thrice run-twice sac?-* sa??-da?? tf? *-group *-source *-destination",
    ),
    _effect(
        *("moderate", "lost after a change"),
        "After a change (of a neighbour's address, say) what is sent is lost until the node forgets what was before.",
        "neighbour_moved",
    ),
    _effect(
        *("moderate", "accepts what it must ignore"),
        "The node acts on frames that it must ignore, such as damaged or foreign ones.",
        "mixed_destinations accepted answered zero_checksum removed_context own_address another_address another_pan "
        "consumed timeout_too_long frame_type advertised excess_taken beyond_the_mtu any_spsm carried forwarded "
        "connected too_many_credits prefix_length registered nd_answered",
    ),
    _effect(
        *("moderate", "does it twice"),
        "What was sent once is answered or handed on more than once: whoever counts packets does so twice.",
        "answered_twice second_answer delivered_twice",
    ),
    _OTHERS,
    _effect(
        *("moderate", "role not fulfilled"),
        "The node does not do what its role asks of it (to register, discover, route, forward, advertise): what relies "
        "on that does not come about.",
        "not_registered no_rs no_ra no_6co no_sllao not_confirmed not_replicated not_forwarded listener_lost on_link "
        "context_ignored context_lost early no_error nd_*",
    ),
    _effect(
        *("moderate", "privacy"),
        "The node can be followed or its hardware recognised by its addresses.",
        "device_address embedded address_changed",
    ),
    _effect(
        *("moderate", "slow"),
        "Traffic arrives late, or in part, while the link is busy or lossy.",
        "round_trip not_starved no_credit* terms slows_down stalls_regularly",
    ),
    _effect(
        *("moderate", "beyond a limit"),
        "A figure is worse than whoever runs the rig allows, or than it was before.",
        "limit worse",
    ),
    _effect(
        *("minor", "marks changed"),
        "The data arrives, and its priority, congestion mark or flow is another one: routers behind the node treat "
        "it otherwise.",
        "traffic_class flow_label traffic",
    ),
    _effect(
        *("minor", "air time"),
        "Packets are longer or more than they need to be: air time and energy.",
        "not_minimal uncompressed needless_* trailing_octets udp_in_line not_iphc *ack_request unasked dad "
        "dynamic_port resolved",
    ),
    NOTED,
    ADVICE,
)
_LEAK, _FORMS = (
    next(effect for effect in EFFECTS if effect.name == name) for name in ("leak of data", "some forms lost")
)
#: What a finding says of octets in the place of those that never came.
_MADE_UP: Final = re.compile(r"never came: ([0-9a-f]{2}(?: [0-9a-f]{2})*)")
_PLACES: Final = {effect: place for place, effect in enumerate(EFFECTS)}


def place_of(effect: Effect | None) -> int:
    """Its place among `EFFECTS`, worst first; behind all of them for None."""
    return len(EFFECTS) if effect is None else _PLACES[effect]


def effect_of(finding: Mapping[str, Any]) -> Effect:
    """What one finding means for a user of the node."""
    effect = _found(code_of(finding), *(str(finding.get(key) or "") for key in ("requirement", "level")))
    return _LEAK if effect.name == "wrong data" and shows_memory(finding) else effect


def code_of(finding: Mapping[str, Any]) -> str:
    """The code by which a finding is told: that of its field, where a form of a sweep came out with another one.

    The code of a sweep says which form it was ("form-6400") and not that it was lost.
    """
    code, field = (str(finding.get(key) or "") for key in ("code", "field"))
    effect = named(code) if field in FIELDS and code not in FIELDS else None
    return field if effect is _FORMS else code


def shows_memory(finding: Mapping[str, Any]) -> bool:
    """Whether octets of a packet that never came are there, and are not zero (`fixtures.judging.made_up`)."""
    made_up = _MADE_UP.search(str(finding.get("actual") or ""))
    return bool(made_up and made_up[1].replace("0", "").strip())


@lru_cache(maxsize=4096)
def _found(code: str, requirement: str, level: str) -> Effect:
    row = CATALOGUE.get(requirement)
    advised = level == "SHOULD" or (row is not None and row.binding != "fail")
    if advised and code not in ALWAYS:
        return NOTED if row is not None and row.binding == "fail" else ADVICE
    return named(code, requirement) or _OTHERS


def named(code: str, requirement: str = "") -> Effect | None:
    """The first effect that names a code; None where none does."""
    both = f"{code} {requirement}"
    for effect in EFFECTS:
        if any(fnmatchcase(both if " " in glob else code, glob) for glob in effect.codes):
            return effect
    return None


def worst_effect(findings: Iterable[Mapping[str, Any]]) -> Effect | None:
    """The gravest effect among findings; None of none."""
    return min(map(effect_of, findings), key=place_of, default=None)
