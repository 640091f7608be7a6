"""The codes of findings: what each breach is called in records and profiles, and what it means in one sentence.

Strategy: a profile's deviations match findings by their codes, so a code that is spelled in two ways, or that nothing
records any more, would go unseen. A case may record none but these, and a profile may name none but these. A code is
the name of what was seen, not of its cause. A sweep sends thousands of stimuli in one case, and its findings are called
by the name of the stimulus (`form-7a33`); `vectors.sweeps` counts those names out, so that the list is finite.

A code with a dot, such as `acme.led_dark`, belongs to whoever is named in front of the dot: cases and profiles that
live outside this tree may use any, and nothing is listed here (docs/adr/0014).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final

from vectors.sweeps import swept

#: Fields of a packet, as `fixtures.judging.difference` calls them: the first in which two packets differ.
FIELDS: Final = (
    *("version", "traffic_class", "flow_label", "payload_length", "next_header", "hop_limit", "source"),
    *("destination", "udp_source_port", "udp_destination_port", "udp_length", "udp_checksum", "icmp_type"),
    *("icmp_code", "icmp_checksum", "payload", "header"),
)

_SEEN: Final = {
    # the DUT is alive, and takes what it must take
    "dut_lost": "The DUT crashed, restarted or fell silent until it was started anew.",
    "misfit": "Two nodes do what they may do, and it does not fit: neither is to blame.",
    "crash_signature": "The DUT's console shows a crash.",
    "dropped": "Nothing came of a stimulus that must be understood.",
    "no_answer": "A request was not answered, and a control behind it was.",
    "unresolved": "The DUT asked for a link-layer address, was told, and did not answer.",
    "wrong_answer": "The DUT answered with something else than the stimulus asks for.",
    "undecodable": "The DUT sent what cannot be decoded.",
    "not_sent": "The DUT did not send what it was told to send.",
    "too_large": "No echo of this size is answered, and smaller ones are.",
    "lost": "One of several packets did not come out.",
    "not_delivered": "The application did not get the datagram as it was sent.",
    "nothing_came": "No datagram of a stream arrived.",
    "garbled": "Octets of a stream arrived other than they were sent.",
    "stalled": "A stream stopped before its end.",
    "tcp": "Data on a TCP connection did not arrive as it was sent.",
    "tcp_refused": "The DUT did not accept a TCP connection.",
    "round_trip": "No echo came back as fast as the profile declares.",
    "limit": "A measured figure is beyond a limit of the rig file.",
    "worse": "A measured figure is worse than in the baseline record, and not by chance.",
    "second_answer": "One request was answered twice.",
    "worse_than_its_frames": "Datagrams are lost more often than the loss of single frames explains.",
    "lost_by_size": "Datagrams of one size are lost more often than those of other sizes.",
    "lost_regularly": "Every n-th datagram is lost, or a few from it on.",
    "stalls_regularly": "Every n-th answer takes ten times as long as the others.",
    "slows_down": "Answers take the longer the longer the DUT is used.",
    "one_way": "Datagrams are lost in one direction, and not in the other.",
    "retransmission_lost": "A TCP segment that nobody acknowledged was not sent again.",
    # the DUT takes what it must not take
    "accepted": "Something came of a stimulus that must be ignored.",
    "answered": "The DUT answered a packet that must not be answered.",
    "misread": "The DUT made another packet of the octets than they say.",
    "answered_twice": "One request was answered twice.",
    "delivered_twice": "One packet was handed on twice.",
    "leak": "A packet had octets of an earlier one.",
    "stale_octets": "A truncated payload was completed with old octets.",
    "mixed": "One packet was made of the octets of two.",
    "zero_checksum": "A UDP datagram whose checksum is zero was taken.",
    "removed_context": "A context that was removed is still used for decompression.",
    "own_address": "An address that was elided in a broadcast frame was taken for the DUT's own.",
    "outside": "A GHC back-reference that points outside of the data was taken.",
    # MAC frames
    "shifted": "A MAC header was taken for longer or shorter than it is.",
    "no_sequence": "A frame without a sequence number was misread.",
    "frame_type": "The frame is not a data frame, or one of another type was taken.",
    "another_address": "A frame to another link-layer address was taken.",
    "another_pan": "A broadcast frame of another PAN was taken.",
    "mac_address_missing": "A frame has no source or no destination address.",
    "no_ack_request": "A frame does not ask for an acknowledgement.",
    "ack_request": "A broadcast asks for an acknowledgement.",
    "not_broadcast": "A multicast packet does not go to the broadcast address.",
    "broadcast_pan": "A broadcast frame does not go to the PAN of the link.",
    "frame_too_long": "A frame is longer than the PHY allows.",
    "multicast_destination": "A multicast packet goes to an address that is neither ffff nor the mapped one.",
    "short_source": "The 16-bit source address is one for multicast.",
    # mesh, broadcast and fragments of the stimulus
    "consumed": "A frame that is for another node of the mesh was taken.",
    "mixed_originators": "Fragments of two originators in a mesh made one datagram.",
    "hops_left": "Hops Left was not counted down, or is zero.",
    "forwarder_address": "A forwarded frame has another MAC source than the DUT's address.",
    "mixed_tags": "Fragments with two tags made one datagram.",
    "mixed_senders": "Fragments of two senders made one datagram.",
    "mixed_sizes": "Fragments with two values of datagram_size made one datagram.",
    "mixed_destinations": "Fragments to two destinations made one datagram.",
    "mixed_octets": "A datagram has octets of two duplicates of a fragment.",
    "patched": "A datagram has octets of fragments that contradict each other.",
    "hole": "A datagram with octets missing was handed on.",
    "beyond": "A fragment beyond datagram_size was taken.",
    "size_mismatch": "A datagram whose length is not datagram_size was taken.",
    "no_room_for_two": "The DUT reassembles fewer datagrams at a time than its profile declares.",
    "timeout_too_long": "Fragments were kept for longer than 60 seconds.",
    "not_released": "No datagram of full size is taken when all reassembly timers have run out.",
    # fragments that the DUT sends
    "broadcast_number": "The number of the broadcast header does not count up.",
    "datagram_size": "The fragments of a datagram do not all have its size.",
    "datagram_tag": "The tag does not count up from that of the datagram before.",
    "tag_byte_order": "The tags count up with their octets in the wrong order.",
    "tag_differs": "The fragments of a datagram have several tags.",
    "tag_not_incremented": "The tags of successive datagrams do not count up.",
    "tag_used_again": "A tag was used for two datagrams of a short time.",
    "tag_wraps_wrongly": "The tag behind 65535 is not 0.",
    "address_differs": "The fragments of a datagram have several sources or destinations.",
    "offset": "A fragment does not begin where the one before it ends.",
    "incomplete": "A datagram was not sent to its end.",
    "no_first_fragment": "A datagram has no first fragment.",
    "first_fragments": "A datagram has several first fragments.",
    "needless_fragment": "A packet that fits one frame has a fragment header.",
    "needless_fragments": "A packet that fits one frame was sent in fragments.",
    "stray_fragment": "Fragments do not belong to any datagram that was asked for.",
    "beyond_mtu": "A packet is longer than the MTU.",
    "ipv6_fragments": "IPv6 fragments do not make the packet that was asked for.",
    "fragment_reserved": "The Reserved octet of a Fragment header is not zero.",
    "fragments_sent": "RFC 4944 fragments were sent over Bluetooth LE.",
    # encodings that the DUT sends
    "dispatch": "The dispatch is none that the DUT may send.",
    "too_long": "A payload is longer than the link carries.",
    "broadcast_header": "A broadcast header does not stand behind a mesh header.",
    "sequence_number": "Two broadcasts of one originator have one sequence number.",
    "not_minimal": "A shorter encoding exists.",
    "link_broadcast": "A multicast packet does not go to the link's broadcast address.",
    "checksum": "The checksum of the upper layer does not hold.",
    "hc1": "The header is LOWPAN_HC1.",
    "hc1_sent": "The header is LOWPAN_HC1.",
    "uncompressed": "The header is not compressed.",
    "trailing_octets": "Octets stand behind the end of the packet.",
    "nhc_nh_bit": "The NH bit of an NHC octet does not fit what follows it.",
    "reserved_bits": "A reserved bit or value was sent.",
    "multicast_bit": "The M bit does not say whether the destination is multicast.",
    "context": "A context was used that must not be used.",
    "elision": "An address has another form than the text prescribes.",
    "malformed": "A payload cannot be decoded: its octets do not make sense.",
    "reserved": "A payload cannot be decoded: it has a reserved value.",
    "unsupported": "A payload cannot be decoded: it has a form that nothing says how to read.",
    "checksum_elided": "The UDP checksum was elided, and nobody authorised that.",
    "udp_header": "The UDP header of a datagram is not what the application asked for.",
    "udp_in_line": "The UDP header is not compressed.",
    "ghc_unasked": "GHC was sent to a node that did not announce it.",
    "esc_sent": "An ESC dispatch was sent that nobody can read.",
    "length": "The 6CIO has another length than 1.",
    "experimental_bits": "Bits of the 6CIO that are not assigned are set.",
    "not_iphc": "The header is not LOWPAN_IPHC.",
    "sent_checksum": "A UDP checksum of zero was not sent as ffff.",
    "sent_length": "The UDP length is wrong.",
    "sent_packet": "The packet is not the answer that the request asks for.",
    "sent_size": "The answer has more or less data than the request.",
    "sent_traffic": "Traffic class or flow label change with the request.",
    "sent_unasked": "What the DUT sends of itself cannot be decoded.",
    "dynamic_port": "A port of the range that has a 4-bit form was chosen for an ephemeral port.",
    "answer_harmed": "The answer has other data than the request.",
    "quote_trailer": "An ICMPv6 error quotes octets behind the end of the packet.",
    "quote_front": "An ICMPv6 error quotes a packet without its first octets.",
    "no_error": "No ICMPv6 error came where the text has one sent.",
    "quote_checksum": "An ICMPv6 error quotes another UDP checksum than was sent.",
    # addresses and Neighbor Discovery
    "target": "A Neighbor Advertisement has another target than the solicitation.",
    "advertised": "A solicitation that must be ignored was answered.",
    "advertised_to": "A Neighbor Advertisement goes to another than the one who asked.",
    "solicited_flag": "The Solicited flag of an answer is not what it must be.",
    "router_flag": "The Router flag of an answer is not what the role asks for.",
    "no_address": "The DUT made no address from a prefix that was advertised.",
    "prefix_length": "The DUT made an address from a prefix that has not 64 bits.",
    "link_local": "The link-local address is not made from the link-layer address.",
    "no_pan_id": "The address from a 16-bit address has not the PAN identifier.",
    "address_option": "The link-layer address option has the wrong form or address.",
    "address_of_another": "The option has not the address that the interface answers to.",
    "neighbour_moved": "The packet does not go to the link-layer address that was told last.",
    "neighbour_address": "The packet does not go to the link-layer address that was told.",
    "solicited_group": "A solicitation goes to another group than that of the target.",
    "solicitation_source": "A solicitation comes from the unspecified address.",
    "no_source_option": "A multicast solicitation has no Source Link-Layer Address option.",
    "solicitation_dropped": "A solicitation was not answered, and an ordinary one was.",
    "iid": "The interface identifier is not made from the device address.",
    # Bluetooth LE: the channel
    "not_found": "A scan did not find the device.",
    "not_advertised": "The device does not advertise the Internet Protocol Support Service.",
    "not_asked": "A device was found, and its services could not be asked for.",
    "no_ipss": "The device has no Internet Protocol Support Service.",
    "any_spsm": "A channel to any SPSM is accepted.",
    "no_credits": "The DUT opens the channel without a credit.",
    "refused": "The DUT refused the channel.",
    "reconnect": "A connection after another one does not work.",
    "mtu": "The MTU of the channel is less than 1280.",
    "terms": "K-frames, SDUs or credits are not within the terms of the channel.",
    "not_starved": "The DUT sends without credits.",
    "no_credit": "The DUT sends before it has a credit.",
    "early": "The DUT sends on a channel that it has not accepted yet.",
    "stuck": "What waited for credits was not sent when they came.",
    "too_many_credits": "The channel stays open although the credits exceed 65535.",
    "lost_while_waiting": "A packet was lost while the DUT waited for credits.",
    "excess_taken": "Octets beyond the length of the SDU were taken.",
    "ended_the_channel": "A channel was ended that nothing was about.",
    "beyond_the_mtu": "An SDU that exceeds the MTU of the channel was taken.",
    # Bluetooth LE: addresses, registration, the star
    "address_changed": "The address changed while the connection lasted.",
    "device_address": "The device address is not private, or stays the same.",
    "embedded": "The interface identifier gives away the device address.",
    "no_rs": "The 6LN sent no Router Solicitation.",
    "no_sllao": "A Router Solicitation has no Source Link-Layer Address option.",
    "not_registered": "The 6LN did not register its address.",
    "registered": "The 6LN registered a link-local address.",
    "eui64": "The EUI-64 of the ARO is not the device's.",
    "context_ignored": "A context that was advertised is not used.",
    "context_used": "A context that must not be used any more is used.",
    "context_lost": "A context that holds is not used any more.",
    "resolved": "The 6LN solicits an address that is off-link.",
    "source_elision": "The source has another form than RFC 7668 §3.2.4 prescribes.",
    "destination_elision": "The destination has another form than RFC 7668 §3.2.4 prescribes.",
    "unregistered_elided": "An address that was not registered is elided.",
    "unasked": "Multicast goes to a 6LN that does not listen.",
    "listener_lost": "Multicast does not go to a 6LN that listens.",
    "not_replicated": "Multicast does not go to every 6LN.",
    "no_ra": "The 6LBR sent no Router Advertisement.",
    "no_6co": "The Router Advertisement has no 6LoWPAN Context Option for its prefix.",
    "on_link": "A prefix is advertised as on-link.",
    "dad": "The DUT looks for duplicates of an address that cannot have any.",
    "not_confirmed": "A registration was not confirmed.",
    "duplicate": "A registration of another's address was not refused.",
    "carried": "Link-local packets are carried from one connection to another.",
    # neighbor discovery of 6LoWPAN: RFC 6775, RFC 8505
    "nd_malformed": "A message of Neighbor Discovery cannot be read.",
    "nd_code": "The ICMP Code is not what it must be.",
    "nd_abro": "A Router Advertisement has several ABROs.",
    "nd_context": "A 6LoWPAN Context Option does not hold what it says.",
    "nd_address": "The Registered Address is a group.",
    "nd_source": "A message of Neighbor Discovery comes from another address than it must.",
    "nd_destination": "A message of Neighbor Discovery goes to another address than it must.",
    "nd_sllao": "A message has no Source Link-Layer Address option, or a wrong one.",
    "nd_length": "An option has another Length than it must have.",
    "nd_status": "The Status is another than the text asks for.",
    "nd_reserved": "Reserved bits or octets are not zero.",
    "nd_lifetime": "A lifetime is another than it must be.",
    "nd_option": "An option is missing, or its fields are not what they must be.",
    "nd_interval": "Messages come closer together, or further apart, than the text allows.",
    "nd_backoff": "Solicitations do not become fewer.",
    "nd_unasked": "A message was sent although nothing asked for it any more.",
    "nd_no_retry": "A registration that nobody answered was not tried again.",
    "nd_retries": "A registration that nobody answered was tried too often.",
    "nd_renewal": "A registration is not renewed in time, or at once.",
    "nd_taken": "What must be ignored was taken.",
    "nd_not_taken": "What must be taken was ignored.",
    "nd_dropped_address": "An address was given up without a reason.",
    "nd_used": "An address is used that must not be used.",
    "nd_kept": "What must be removed is still kept.",
    "nd_lost": "What must be kept is gone.",
    "nd_answered": "A message that must be ignored was answered.",
    "nd_unanswered": "A message that must be answered was not.",
    "nd_version": "The version of an ABRO is not what it must be.",
    "nd_mixed": "What two 6LBRs told stands in one Router Advertisement.",
    "nd_request": "A DAR is missing, or its fields are not what they must be.",
    "nd_confirmation": "A DAC is missing, or its fields are not what they must be.",
    "nd_early": "The host was answered before the 6LBR had confirmed.",
    "nd_tid": "The TID is not what it must be.",
    "nd_rovr": "The ROVR is not what it must be.",
    "nd_flags": "A flag of an EARO or of a capability is not what it must be.",
    "nd_order": "An address was registered before the one that it needs.",
    "nd_redirect": "A Redirect was sent.",
    "nd_preference": "The router preference is not the one for its role.",
    "context_unread": "A context that holds is not used for decompression.",
    "context_taken": "A context that cannot be was taken.",
    "forwarded": "A packet whose hop limit is used up was forwarded.",
    "not_forwarded": "A packet was not forwarded as it was sent.",
    "connected": "The 6LBR opened a connection that it must not have.",
    "blocked": "One 6LN keeps another from being served.",
    # stimuli of sweeps
    "traffic": "Traffic class or flow label of a compressed header in fragments were not understood.",
    "all-twice": "Fragments were not understood when each but the last came twice.",
    "thrice": "Fragments were not understood when one came three times.",
    "run-twice": "Fragments were not understood when a run of them came twice.",
}

#: Codes of the death of a DUT.
DEATHS: Final = frozenset({"dut_lost", "crash_signature"})
#: What such a finding says where the frames were found that it takes.
DIES_OF: Final = re.compile(r"it dies of (one frame|(\d+) frames)")
#: Codes that break one requirement whatever the case is about. That a node survives is no RFC's demand, but ours
#: (docs/adr/0024).
BREAKS: Final = {
    **dict.fromkeys(DEATHS, "SURVIVAL-01"),
    "quote_front": "RFC4443-2.4-01",
    "quote_trailer": "RFC4443-3.1-01",
}
#: Codes that count whatever their requirement binds to: a death, and two nodes that do not fit each other.
ALWAYS: Final = DEATHS | {"misfit"}

#: Codes that say that something did not come in time, where no control shows that it could have come by then. On a
#: machine that was too slow they prove nothing.
LATE: Final = frozenset(
    {
        *(
            "too_large",
            "not_sent",
            "nothing_came",
            "stalled",
            "tcp",
            "tcp_refused",
            "round_trip",
            "retransmission_lost",
        ),
        *(
            "incomplete",
            "not_released",
            "no_address",
            "not_found",
            "not_advertised",
            "not_asked",
            "reconnect",
            "stuck",
            "no_rs",
        ),
        *(
            "not_registered",
            "listener_lost",
            "not_replicated",
            "no_ra",
            "not_confirmed",
            "not_forwarded",
            "no_error",
        ),
        *("nd_no_retry", "nd_renewal", "nd_backoff", "slows_down", "stalls_regularly", "limit", "worse"),
    }
)


def _listed() -> Iterator[tuple[str, str]]:
    yield from _SEEN.items()
    for name in FIELDS:
        words = name.replace("_", " ")
        if name not in _SEEN:
            yield name, f"The packet that came out has another {words} than the one that was sent."
        yield f"sent_{name}", f"The packet that the DUT sent has another {words} than it must have."
    for name in ("source", "destination"):
        yield f"answer_{name}", f"An Echo Reply has another {name} address than the request asks for."


#: Codes that are words, and what each means.
WORDS: Final[dict[str, str]] = dict(_listed())


#: Every code, and what it means.
CODES: Final[dict[str, str]] = {**WORDS, **dict(swept())}


def nearest(code: str) -> str:
    """What to say of a code that is not listed: the listed one that it resembles."""
    close = difflib.get_close_matches(code, WORDS, 1)
    return f"did you mean {close[0]!r}?" if close else "the codes are listed in vectors/codes.py"


#: A code of somebody else's cases: a name, a dot, a word.
_OTHERS: Final = re.compile(r"[a-z][a-z0-9_-]*\.[a-z0-9_.-]+")


def check(code: str) -> None:
    """Raise `ValueError` for a code that is neither listed nor somebody else's."""
    if code not in CODES and not _OTHERS.fullmatch(code):
        raise ValueError(f"no such finding code: {code!r}; {nearest(code)}")


def check_glob(glob: str) -> None:
    """Raise `ValueError` for a glob that fits no listed code, and is about nobody else's."""
    if _OTHERS.fullmatch(re.sub(r"[*?!\[\]]", "x", glob)):
        return
    if glob not in CODES and not any(fnmatchcase(code, glob) for code in CODES):
        raise ValueError(f"no finding has a code like {glob!r}; {nearest(glob)}")
