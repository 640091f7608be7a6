"""RFC 6775 §4.2 and §5.4.3, contexts behind events: told again when they have ended, replaced, kept for a day."""

import pytest

from fixtures.api import Case, let_pass, needs, requirement
from suites.rfc6775.attaching import attached
from suites.rfc6775.parties import abro
from suites.rfc6775.roles import HOST
from suites.rfc6775.test_4_2 import CID, REMOTE, compresses, reads, six, told

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
        party.options, party.advertises = [party.options[0], abro(2)], True
        let_pass(case, 60.0)
        used = compresses(case, REMOTE) if case.can("ping") else reads(case, party, address, option.context())
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
