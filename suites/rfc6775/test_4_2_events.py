"""RFC 6775 §4.2 and §5.4.3, contexts behind events (ended, replaced, a day gone), and beside options in any order."""

from dataclasses import replace

import pytest

from fixtures.api import ECHO_REQUEST, Case, let_pass, needs, registered_by, requirement
from suites.rfc6775.attaching import attached, offered, registers_of
from suites.rfc6775.parties import STARTED, abro, answered, heard, is_rs
from suites.rfc6775.roles import HOST
from suites.rfc6775.test_4_2 import CID, REMOTE, compresses, reads, six, told
from suites.rfc7668.channel import modes

pytestmark = HOST


@pytest.mark.slow
@needs("ping")
@requirement("RFC6775-5.4.3-01", "RFC6775-5.4.2-01", "RFC6775-5.4.2-03")
@pytest.mark.parametrize("how", ["told-again", "removed"])
def test_receive_only_context(case: Case, how: str):
    """A context that expired is read only; told again it is used, and stays; with a lifetime of 0 it is gone."""
    with attached(case, lifetime=120) as (party, address):
        option = six(minutes=1)
        told(case, party, option)
        if compresses(case, REMOTE) is not True:
            case.unsupported("the DUT does not use contexts: see 4.2/context")
        party.options, party.advertises = [party.options[0], abro(2)], True
        let_pass(case, 70.0)
        if how == "removed":
            frame = told(case, party, six(minutes=0))
            gone = not reads(case, party, address, option.context())
            case.expect(gone, "removed_context", "removed at once", "it is still read", frame=frame)
            return
        frame = told(case, party, six(minutes=60))
        party.advertises = True
        for seconds in (0.0, 300.0):
            let_pass(case, seconds)
            used = compresses(case, REMOTE)
            case.expect(used is True, "context_lost", "in use again, for an hour", "it is not", frame=frame)


@pytest.mark.slow
@requirement("RFC6775-4.2-01")
def test_context_for_a_day(case: Case):
    """1093 minutes are 65580 seconds, which do not fit in 16 bits: the context is there a minute later."""
    with attached(case) as (party, address):
        option = six(minutes=1093)
        frame = told(case, party, option)
        # a sender may have several forms, or choose each time (RFC 6282 §3.1.2 obliges no compressor)
        compressing = case.can("ping") and any(compresses(case, REMOTE) is True for _ in range(4))
        party.options, party.advertises = [party.options[0], abro(2)], True
        let_pass(case, 60.0)
        if compressing:
            used = any(compresses(case, REMOTE) is True for _ in range(8))
        else:
            used = reads(case, party, address, option.context())
        case.expect(used is True, "context_lost", "in use", "it is not", frame=frame)


@needs("ping")
@requirement("RFC6775-5.4.2-01")
def test_context_replaced(case: Case):
    """A CID gets another prefix: the one that it had is no context any more, under no CID."""
    with attached(case) as (party, _):
        told(case, party, six())
        frame = told(case, party, six(prefix=bytes.fromhex("20010db8beef00020000000000000077")))
        for cid in range(16):
            case.tester.contexts = (
                case.tester.contexts.with_context(cid, six().context())
                if cid != CID
                else case.tester.contexts
            )
        used = [cid for cid in range(16) if cid != CID and compresses(case, REMOTE, cid)]
        case.expect(not used, "context_used", "no context for the old prefix", f"context {used}", frame=frame)


@needs("ping")
@requirement("RFC6775-5.4.2-03", "RFC6775-4.2-06")
def test_removed_by_its_cid(case: Case):
    """A lifetime of 0 deletes the entry that "the CID field in the 6CO matches", whatever prefix stands beside it."""
    with attached(case) as (party, _):
        told(case, party, six())
        if compresses(case, REMOTE) is not True:
            case.unsupported("the DUT does not use contexts: see 4.2/context")
        frame = told(case, party, six(minutes=0, prefix=bytes.fromhex("20010db8beef00020000000000000077")))
        used = compresses(case, REMOTE)
        case.expect(used is False, "context_used", "not used any more", "it is in use", frame=frame)


@needs("ping")
@requirement("RFC6775-4.2-04", "RFC6775-5.4.2-02")
def test_context_only_to_read_in_fragments(case: Case):
    """C=0: "MUST NOT be used for compression", in a packet that needs fragments (on IEEE 802.15.4) either."""
    with attached(case) as (party, _):
        frame = told(case, party, six(compress=False))
        case.tester.contexts = case.tester.contexts.with_context(
            CID, six().context()
        )  # so that it can be read
        case.rig.node.ping(REMOTE, 200, case.tester.next_identifier(), 1)
        seen = heard(case, lambda s: s.icmp_type == ECHO_REQUEST and s.view.dst == REMOTE)
        if seen is None:
            case.unsupported("the DUT sends no large echo to where no neighbour is")
        payload = seen.payloads[0]
        payload = payload[4 if payload[0] & 0xF8 == 0xC0 else 0 :]
        if payload[0] >> 5 != 0b011:
            case.unsupported("the DUT does not compress it by IPHC")
        used = bool(modes(payload)[1] & 4) and (payload[2] & 15 if payload[1] & 0x80 else 0) == CID
        case.expect(not used, "context_used", "not used with C=0", "it is", frame=frame)


#: The options of one advertisement, in another order than they mostly have.
ORDERS = {
    "sllao-last": ["context", "prefix", "abro", "sllao"],
    "context-first": ["context", "sllao", "abro", "prefix"],
    "behind-a-removed-context": ["sllao", "removed", "context", "prefix", "abro"],
}


@requirement("RFC6775-5.4.2-01", "RFC6775-5.4.1-02")
@pytest.mark.parametrize("order", ORDERS)
def test_options_in_any_order(case: Case, order: str):
    """No text gives the options of an RA an order: in each the prefix is registered, and the context read."""
    with offered(case, advertises=False) as (party, prefix):
        known = dict(zip(("prefix", "abro"), party.options, strict=True))
        known |= {"sllao": party.source_option(), "context": six(), "removed": six(minutes=0, cid=CID + 1)}
        message = replace(party.advertisement(), options=tuple(known[name] for name in ORDERS[order]))
        heard(case, is_rs, STARTED)
        seen, frame = answered(case, lambda: party.say(message), registers_of(prefix), "a registration")
        made = case.expect(
            seen is not None, "not_registered", "the prefix is registered", "nothing is",
            requirement="RFC6775-5.4.1-02", frame=frame,
        )  # fmt: skip
        if not made:
            return
        case.tester.listen(0.5)
        case.tester.contexts = case.tester.contexts.with_context(CID, six().context())
        readable = reads(case, party, registered_by(seen), six().context())
        case.expect(readable, "context_unread", "the context is read", "no answer", frame=frame)
