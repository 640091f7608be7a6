"""RFC 6282 §3.1.2, contexts that change while the DUT runs, and those that it uses in what it sends."""

import ipaddress
from contextlib import nullcontext

import pytest

from fixtures.api import (
    NEIGHBOR_SOLICITATION,
    Case,
    Stimulus,
    behind,
    expected_reply,
    needs,
    on_link,
    outcome,
    pause,
    requirement,
    spelled,
    stimulus,
    understood_all,
    understood_if_shown,
    well_sent,
)
from sixlowpan import Context
from suites.rfc6282.test_3_1_2_lengths import MODES_OF_A_CONTEXT, by_hand

SPARE, HIGH = 6, 12
#: Octets of data of an echo that needs fragments.
LARGE = 160
OLD, NEW = "2001:db8:6001::/64", "2001:db8:6002::/64"


@needs("context")
@requirement("RFC6282-3.1.2-01", "RFC6282-3.1.1-14", "RFC6282-3.1.2-02")
def test_context_changes(case: Case):
    """A context that gets another prefix while traffic flows: from then on the new one counts."""
    for identifier in (SPARE, *([HIGH] if case.rig.profile.parameters.contexts > HIGH else [])):
        with case.dut.spare_context(identifier):
            for network in (OLD, NEW, OLD):
                make = behind(
                    lambda key=identifier, network=network: changed(case, key, network),
                    lambda key=identifier: by_hand(case, key, 0b11, source=True),
                )
                understood_if_shown(case, make)


@needs("context")
@requirement("RFC6282-3.1.2-01", *MODES_OF_A_CONTEXT)
@pytest.mark.parametrize("source", [True, False], ids=["source", "destination"])
def test_prefix_that_begins_with_zeros(case: Case, source: bool):
    """64:ff9b::/96, which NAT64 has, begins with an octet of zeros, and is a prefix as any other."""
    if case.rig.profile.parameters.context_length not in {None, 96}:
        case.unsupported("the DUT holds contexts of one length only", "not_declared")
    with case.dut.spare_context(SPARE):
        case.dut.set_context(SPARE, "64:ff9b::/96")
        for mode in (0b01, 0b10, 0b11):
            understood_if_shown(case, lambda mode=mode: by_hand(case, SPARE, mode, source=source))


def changed(case: Case, identifier: int, network: str) -> None:
    """Give the DUT a context that was another one before."""
    case.dut.set_context(identifier, OLD if network == NEW else NEW)
    case.dut.set_context(identifier, network)


#: Whole octets and their neighbours, and each length in the last two octets but one of the prefix and of the IID.
LENGTHS = (
    *range(128, 119, -1),
    113,
    112,
    111,
    104,
    97,
    96,
    95,
    *range(80, 62, -1),
    *range(56, 46, -1),
    33,
    32,
    31,
    9,
    8,
)
#: A prefix that contradicts the in-line bits of `by_hand` wherever they could stand.
PREFIX = bytes.fromhex("2001 0db8 a006 ffff fedc ba98 7654 3210")


@needs("context", "ip_tap")
@requirement(
    "RFC6282-3.1.1-23",
    "RFC6282-3.1.1-24",
    "RFC6282-3.1.1-41",
    *MODES_OF_A_CONTEXT,
    "RFC6282-3.1.2-01",
    "RFC6282-3.1.2-02",
)
def test_context_of_any_length(case: Case):
    """A context whose length changes: each of its bits counts, none beyond its end, and what it held before is gone."""
    if case.rig.profile.parameters.context_length is not None:
        case.unsupported("the DUT holds contexts of one length only", "not_declared")
    with case.dut.spare_context(SPARE):
        for length in LENGTHS:
            case.dut.set_context(SPARE, f"{ipaddress.IPv6Address(PREFIX)}/{length}")
            understood_all(
                case,
                (
                    (f"{length}-{mode:02b}-{'source' if source else 'destination'}",
                     lambda mode=mode, source=source: by_hand(case, SPARE, mode, source=source))
                    for mode in (0b01, 0b10, 0b11) for source in (True, False)
                ),
            )  # fmt: skip
            if length <= 64:
                group = bytes([0x7A, 0xBC, SPARE, 58]) + bytes.fromhex("35a512345678")
                understood_all(case, [(f"{length}-group", lambda head=group: spelled(case, head))])


@needs("context")
@requirement("RFC6282-3.1.1-15", "RFC6282-3.1.1-13", "RFC6282-3-02")
def test_in_line_under_a_context(case: Case):
    """A source that a context covers, in-line in full: no compressor has to use what it could."""
    tester = case.tester
    source = tester.also(tester.contexts[0].prefix[:8] + tester.identity.address[8:])
    understood_if_shown(case, lambda: stimulus(case, tester.echo(source=source), SAC=0, SAM=0))


@needs("context", "ip_tap")
@requirement("RFC6775-4.2-05")
def test_context_for_decompression(case: Case):
    """RFC 6775 §4.2: a context with C=0 "SHOULD be used in decompression": advice."""
    with case.dut.spare_context(SPARE):
        case.dut.set_context(SPARE, OLD, compress=False)
        for mode in (0b01, 0b10, 0b11):
            for source in (True, False):
                case.understood(lambda mode=mode, source=source: by_hand(case, SPARE, mode, source=source))


@needs("context", "ip_tap")
@on_link("ieee802154")
@requirement("RFC6282-3.1.2-01", "RFC6282-3.1.1-22", "RFC6282-3.1.1-36")
def test_context_changes_before_fragments(case: Case):
    """A context that gets another prefix, and a datagram in fragments under it next: the new one counts there, too."""
    with case.dut.spare_context(SPARE):
        for network in (OLD, NEW, OLD):
            for second in (0xF3, 0xB7):  # an elided source, an elided destination
                head = bytes([0x7A, second, SPARE << 4 | SPARE, 58])
                case.understood(
                    behind(
                        lambda network=network: changed(case, SPARE, network),
                        lambda head=head: spelled(case, head, size=LARGE),
                    )
                )


@needs("context")
@requirement("RFC6282-3.1.2-06", "RFC6775-4.2-06")
def test_context_removed(case: Case):
    """A context that was removed: its prefix is used no more; that nothing at all comes of the packet is advice."""
    with case.dut.spare_context(SPARE):
        case.dut.set_context(SPARE, OLD)
        made = by_hand(case, SPARE, 0b11, source=True)
        case.rig.node.set_context(SPARE, b"", 0)  # we keep it, to understand who answers under it
        removed = Stimulus(made.payloads, None, made.info, "a context that was removed")
        packets, answers = outcome(case, [removed])
        if not case.dut.has_tap and answers:  # the checksum covers the source under the prefix
            packets = [made.packet or b""]
        for packet in packets:
            row = "RFC6775-4.2-06" if packet == made.packet else "RFC6282-3.1.2-06"
            case.finding("removed_context", "nothing comes of it", packet.hex(" "), requirement=row)


@needs("context")
@requirement("RFC6282-3.1.2-01", "RFC6282-3.1.1-14")
def test_removal_of_another(case: Case):
    """One context is removed: another one serves as before."""
    if 0 not in case.tester.contexts:
        case.unsupported("the DUT does not hold context 0", "not_declared")
    with case.dut.spare_context(SPARE):
        case.dut.set_context(SPARE, OLD)
        case.rig.node.set_context(SPARE, b"", 0)
        understood_if_shown(case, lambda: by_hand(case, 0, 0b11, source=True))


@needs("context")
@requirement("RFC6282-3.1.2-01", "RFC6282-3.1.1-14")
def test_context_that_comes_back(case: Case):
    """A context that is removed, asked for while it is not there, and defined again: from then on it serves."""

    def comes_back() -> None:
        case.dut.set_context(SPARE, OLD)
        made = by_hand(case, SPARE, 0b11, source=True)
        case.rig.node.set_context(SPARE, b"", 0)
        outcome(case, [Stimulus(made.payloads, None, made.info, "a context that is not there")])
        case.dut.set_context(SPARE, OLD)

    with case.dut.spare_context(SPARE):
        understood_if_shown(case, behind(comes_back, lambda: by_hand(case, SPARE, 0b11, source=True)))


@needs("context", "ip_tap")
@requirement("RFC6282-3.1.2-05", "RFC6282-3.1.1-19", "RFC6282-3.1.1-12")
def test_nibble_of_a_context_that_is_not_there(case: Case):
    """A nibble of CID means nothing where its address is not stateful: SAC=1 SAM=00, a stateless group, SAC=0."""
    with case.dut.spare_context(SPARE):
        case.rig.node.set_context(SPARE, b"", 0)
        pair = SPARE << 4 | SPARE
        # CID=1 and: a group, with SAM=11 and with ::; nothing stateful; ::
        heads = [bytes.fromhex(octets) for octets in (f"7abb{pair:02x}3a01", f"7acb{pair:02x}3a01")]
        heads += [bytes.fromhex(octets) for octets in (f"7ab3{pair:02x}3a", f"7ac3{pair:02x}3a")]
        understood_all(case, [(None, lambda head=head: spelled(case, head)) for head in heads])


USES = {
    "another-context": (1, "2001:db8:1::/64", "20010db800010000", True),
    "short-context": (3, "2001:db8:3::/48", "20010db800031234", True),
    "high-context": (15, "2001:db8:f::/64", "20010db8000f0000", True),
    "long-context": (4, "2001:db8:4:0:aabb:ccdd::/96", "20010db800040000", True),
    "decompress-only": (8, "2001:db8:8::/64", "20010db800080000", False),
}


@needs("context", "address")
@pytest.mark.parametrize(
    "use",
    [
        pytest.param(
            "another-context", id="another-context", marks=requirement("RFC6282-3.1.2-02", "RFC6282-3.1.2-01")
        ),
        pytest.param(
            "short-context", id="short-context", marks=requirement("RFC6282-3.1.1-24", "RFC6282-3.2.2-03")
        ),
        pytest.param(
            "high-context", id="high-context", marks=requirement("RFC6282-3.1.2-02", "RFC6282-3.1.2-05")
        ),
        pytest.param(
            "long-context", id="long-context", marks=requirement("RFC6282-3.1.1-23", "RFC6282-3.2.2-03")
        ),
        pytest.param("decompress-only", id="decompress-only", marks=requirement("RFC6775-4.2-04")),
    ],
)
def test_answer_under_a_context(case: Case, use: str):
    """An answer to an address under this context: it decodes to the right packet, whatever was elided of it."""
    identifier, network, prefix, compress = USES[use]
    tester = case.tester
    if identifier not in tester.contexts and compress:
        case.unsupported(f"the DUT does not hold context {identifier}", "not_declared")
    with nullcontext() if compress else case.dut.spare_context(identifier):
        if not compress:
            case.dut.set_context(identifier, network, compress=False)
        case.give_address(bytes.fromhex(prefix) + tester.dut_address[8:])
        _answered_from(case, bytes.fromhex(prefix))
        if tester.kind == "ieee802154" and case.takes(lambda: stimulus(case, tester.echo(LARGE))):
            _answered_from(case, bytes.fromhex(prefix), LARGE)


def _answered_from(case: Case, prefix: bytes, size: int = 8) -> None:
    """An echo from and to this prefix: its answer is right, and so is what the DUT says to resolve our address."""
    tester, before = case.tester, len(case.tester.heard)
    source = tester.also(prefix + tester.identity.address[8:])
    request = tester.echo(size, source=source, destination=prefix + tester.dut_address[8:])
    tester.send(stimulus(case, request).payloads)
    seen = tester.reply_to(request, tester.now() + 3 * case.timeout)
    others = [other for other in tester.heard[before:] if other.icmp_type == NEIGHBOR_SOLICITATION]
    if seen is None:
        others += [other for other in tester.heard[before:] if other.error is not None][:1]
    for other in others:
        well_sent(case, other)
    if seen is not None:
        well_sent(case, seen, expected_reply(request, seen))
    elif not case.result.findings:
        case.unsupported("the DUT does not answer at an address that it was just given")


@needs("context", "address")
@requirement("RFC6282-3.1.2-01", "RFC6282-3.1.2-02", "RFC6775-4.2-06")
def test_answer_behind_a_changed_context(case: Case):
    """Answers under a context, then when its prefix is another's, and when it is gone: each decodes to what it is."""
    old, new = (Context.parse(network).prefix[:8] for network in (OLD, NEW))
    with case.dut.spare_context(SPARE):
        case.dut.set_context(SPARE, OLD)
        for prefix in (old, new):
            case.give_address(prefix + case.tester.dut_address[8:])
        _answered_from(case, old)
        pause(case, case.settle)  # what was sent under the context is read under it
        case.dut.set_context(SPARE, NEW)
        _answered_from(case, new)
        _answered_from(case, old)
        pause(case, case.settle)
        case.dut.set_context(SPARE, OLD)
        _answered_from(case, new)  # which the DUT need not look for any more: it is what it sends first
        pause(case, case.settle)
    before = len(case.tester.heard)
    for prefix in (new, old):
        _answered_from(case, prefix)
    for seen in case.tester.heard[before:]:
        if seen.error is not None and seen.error.requirement == "RFC6282-3.1.2-06":
            case.finding(
                "removed_context",
                "nothing is compressed under a context that was removed",
                str(seen.error),
                requirement="RFC6775-4.2-06",
                frame=seen,
            )
            return
