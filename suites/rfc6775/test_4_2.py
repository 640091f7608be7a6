"""RFC 6775 §4.2, §5.4.2 and §5.4.3, contexts by Router Advertisement: taken, used, changed and ended as they are told.

Strategy: what the DUT compresses with shows in the payload of a packet that it sends to an address of the context, and
what it reads shows in the answer to an echo that only the context makes readable.
"""

from contextlib import nullcontext

import pytest

from fixtures.api import ECHO_REPLY, Case, RouterParty, advice, let_pass, needs, requirement
from sixlowpan import Context, nd
from suites.rfc6775.attaching import attached, pinged
from suites.rfc6775.parties import abro, answered
from suites.rfc6775.roles import HOST
from suites.rfc7668.channel import modes

pytestmark = HOST
CID = 5
REMOTE = bytes.fromhex("20010db8c0de0001aabbccdd11223344")


def six(
    length: int = 64, cid: int = CID, *, prefix: bytes = REMOTE, compress: bool = True, minutes: int = 60
) -> nd.Option:
    """A 6CO for the first bits of `prefix`."""
    cut = int.from_bytes(prefix) >> 128 - length << 128 - length if length else 0
    return nd.ContextOption(cut.to_bytes(16), length, compress, cid, minutes)


def told(case: Case, party: RouterParty, *options: nd.Option) -> bytes:
    """Tell the DUT of contexts, and hold them ourselves from then on, as every node of the network does."""
    party.advertises = False
    frame = party.advertise(party.options[0], abro(2), *options)
    for option in options:
        known = case.tester.contexts
        case.tester.contexts = (
            known.with_context(option.cid, option.context())
            if option.valid_lifetime
            else known.without(option.cid)
        )
    case.tester.listen(0.5)
    return frame


def compresses(case: Case, destination: bytes, cid: int = CID) -> bool | None:
    """Whether the DUT uses this context for the destination of a packet; None: it sends none that can be read."""
    seen, _ = pinged(case, destination)
    if seen is None:
        return None
    payload = seen.payloads[0]
    if payload[0] & 0xF8 == 0xC0:
        payload = payload[4:]
    used = bool(modes(payload)[1] & 4)
    return used and (payload[2] & 15 if payload[1] & 0x80 else 0) == cid


def reads(case: Case, party: RouterParty, address: bytes, context: Context, cid: int = CID) -> bool:
    """Whether an echo is answered whose source can only be read with the context: SAC=1 SAM=01."""
    tester, before = case.tester, case.tester.contexts
    # bits that the context covers are its own (RFC 6282 §3.1.1): the first one in-line is another
    inline = bytes([context.prefix[8] ^ 0x80]) + tester.pattern(7)
    source = tester.also(context.address(inline))
    request = tester.echo(source=source, destination=address)
    head = (
        bytes([0x7A, 0xD0, cid << 4]) + request[6:7] + inline + address
    )  # HLIM 64, CID, SAC=1 SAM=01, DAM=00
    tester.contexts = before.with_context(cid, Context(context.prefix, context.length, False))
    try:
        seen, _ = answered(
            case, lambda: tester.send([head + request[40:]], party.info())[0],
            lambda s: s.icmp_type == ECHO_REPLY and s.upper[4:8] == request[44:48], "an answer under the context",
        )  # fmt: skip
    finally:
        tester.contexts = before
    return seen is not None and seen.view.dst == source


@needs("ping")
@requirement("RFC6775-4.2-01", "RFC6775-4.2-02", "RFC6775-5.4.2-01")
@pytest.mark.parametrize("length", [48, 61, 64, 65, 96, 128], ids=str)
def test_context(case: Case, length: int):
    """A 6CO with C=1, of 48 to 128 bits: used to compress, and to read (up to 64 bits in the option, or 128)."""
    with attached(case) as (party, address):
        option = six(length)
        frame = told(case, party, option)
        used = compresses(case, option.context().address(REMOTE[8:]))
        case.expect(used is True, "context_ignored", f"context {CID} in use", _said(used), frame=frame)
        readable = reads(case, party, address, option.context())
        case.expect(
            readable, "context_unread", "what is compressed with it is read", "no answer",
            requirement="RFC6775-5.4.2-01", frame=frame,
        )  # fmt: skip


class Longer(nd.ContextOption):
    """A 6CO of Length 3, whatever its Context Length is."""

    def build(self) -> bytes:
        octets = super().build()
        return octets[:1] + b"\3" + octets[2:] + bytes(24 - len(octets))


@needs("ping")
@requirement("RFC6775-4.2-01")
@pytest.mark.parametrize("length", [48, 64], ids=str)
def test_context_in_a_longer_option(case: Case, length: int):
    """ "May be 2 or 3, depending on the length of the Context Prefix field": a Context Length of up to 64 in Length 3.

    The text does not say whether the field may be longer than it has to be: a DUT reads it as it says, or ignores it,
    which is advice.
    """
    with attached(case) as (party, _):
        given = six(length)
        frame = told(case, party, Longer(given.prefix, length, True, CID, 60))
        used = compresses(case, given.context().address(REMOTE[8:]))
        with advice(case) if used is False else nullcontext():
            case.expect(used is True, "context_ignored", f"context {CID} in use", _said(used), frame=frame)


def _said(used: bool | None) -> str:
    return "no packet that can be read" if used is None else "a destination without it"


@needs("ping")
@requirement("RFC6775-4.2-04", "RFC6775-4.2-05", "RFC6775-5.4.2-02")
def test_context_only_to_read(case: Case):
    """C=0: "MUST NOT be used for compression but SHOULD be used in decompression"; with C=1 behind it, it is used."""
    with attached(case) as (party, address):
        option = six(compress=False)
        frame = told(case, party, option)
        used = compresses(case, REMOTE)
        case.expect(used is not True, "context_used", "not used with C=0", "it is", frame=frame)
        case.expect(
            reads(case, party, address, option.context()), "context_unread", "read with C=0", "no answer",
            requirement="RFC6775-4.2-05", frame=frame,
        )  # fmt: skip
        frame = told(case, party, six())
        used = compresses(case, REMOTE)
        case.expect(
            used is True,
            "context_ignored",
            "used once C is 1",
            _said(used),
            requirement="RFC6775-5.4.2-01",
            frame=frame,
        )


@needs("ping")
@requirement("RFC6775-5.4.2-01")
def test_context_changes(case: Case):
    """ "If the CID field in the 6CO matches an existing context table entry, then that entry is updated"."""
    other = bytes.fromhex("20010db8beef00020000000000000077")
    with attached(case) as (party, address):
        told(case, party, six())
        frame = told(case, party, six(prefix=other))
        used = compresses(case, other)
        case.expect(used is True, "context_ignored", "the new prefix in use", _said(used), frame=frame)
        case.expect(
            reads(case, party, address, six(prefix=other).context()), "context_unread", "the new prefix", "no answer",
            frame=frame,
        )  # fmt: skip


@needs("ping")
@requirement("RFC6775-5.4.2-03", "RFC6775-4.2-06")
def test_context_removed(case: Case):
    """A Valid Lifetime of 0: "this context entry MUST be removed immediately"; without an entry it makes none."""
    with attached(case) as (party, _):
        told(case, party, six())
        if compresses(case, REMOTE) is not True:
            case.unsupported("the DUT does not use contexts: see 4.2/context")
        frame = told(case, party, six(minutes=0))
        used = compresses(case, REMOTE)
        case.expect(used is False, "context_used", "not used any more", _told(used), frame=frame)
        frame = told(case, party, six(minutes=0, cid=CID + 1))
        used = compresses(case, REMOTE, CID + 1)
        case.expect(
            used is False, "context_used", "no entry by a lifetime of 0", _told(used), requirement="RFC6775-5.4.2-03",
            frame=frame,
        )  # fmt: skip


def _told(used: bool | None) -> str:
    return "in use" if used else "a packet that cannot be read"


@pytest.mark.slow
@needs("ping")
@requirement("RFC6775-5.4.3-01")
def test_context_ends(case: Case):
    """Expired: "receive-only mode" for "twice the default Router Lifetime, after which the entry is removed"."""
    with attached(case, lifetime=60) as (party, address):
        option = six(minutes=1)
        frame = told(case, party, option)
        if compresses(case, REMOTE) is not True:
            case.unsupported("the DUT does not use contexts: see 4.2/context")
        party.lifetime, party.options = 60, [party.options[0], abro(2)]
        party.advertises = True  # it asks for news of what ends, and hears nothing of this context
        let_pass(case, 35.0)
        used = compresses(case, REMOTE)
        case.expect(used is True, "context_lost", "used until its end", _said(used), frame=frame)
        let_pass(case, 28.0)
        used = compresses(case, REMOTE)
        case.expect(used is not True, "context_used", "not used behind its end", "in use", frame=frame)
        for seconds in (0.0, 85.0):  # behind its end, and well in the second router lifetime
            let_pass(case, seconds)
            case.expect(
                reads(case, party, address, option.context()), "context_unread", "read for two router lifetimes more",
                "no answer", frame=frame,
            )  # fmt: skip
        let_pass(case, 45.0)
        gone = not reads(case, party, address, option.context())
        case.expect(
            gone, "removed_context", "gone behind two router lifetimes", "it is still read", frame=frame
        )


@requirement("RFC6775-4.2-02")
@pytest.mark.parametrize(("length", "units"), [(96, 2), (129, 3), (200, 3), (255, 3), (255, 2)], ids=str)
@needs("ping")
def test_bad_context(case: Case, length: int, units: int):
    """A Context Length that the option cannot hold, or beyond 128 ("from 0 to 128"): alive, and no context."""
    with attached(case) as (party, _):
        bad = bytes([34, units, length, 0x10 | CID, 0, 0, 0, 60]) + REMOTE[: 8 * units - 8]
        message = party.advertisement(party.options[0], abro(2), nd.UnknownOption(bad[0], bad[2:]))
        frame = party.say(message)
        case.tester.listen(0.5)
        for size in (128, 64):  # whatever it may have made of it
            case.tester.contexts = case.tester.contexts.with_context(CID, six(size).context())
            used = compresses(case, REMOTE)
            if used:
                break
        case.expect(
            not used, "context_taken", f"no context of a length of {length} bits", "one in use", frame=frame
        )


@needs("ping")
@requirement("RFC6775-4.2-07")
def test_reserved_bits(case: Case):
    """Res and Reserved "MUST be ignored by the receiver": with all of them set the context counts."""
    with attached(case) as (party, _):
        octets = bytearray(six().build())
        octets[3] |= 0xE0
        octets[4:6] = b"\xff\xff"
        option = nd.UnknownOption(octets[0], bytes(octets[2:]))
        party.advertises = False
        frame = party.advertise(party.options[0], abro(2), option)
        case.tester.contexts = case.tester.contexts.with_context(CID, six().context())
        case.tester.listen(0.5)
        used = compresses(case, REMOTE)
        case.expect(used is True, "context_ignored", "the context in use", _said(used), frame=frame)


@needs("ping")
@requirement("RFC6775-4.2-03", "RFC6775-4.2-01")
def test_sixteen_contexts(case: Case):
    """ "Up to 16 6COs may be carried in an RA message" (in fragments then): all that the DUT can hold are used."""
    count = case.rig.profile.parameters.contexts or 16
    prefixes = [bytes.fromhex("20010db8a0") + bytes([cid]) + bytes(2) + REMOTE[8:] for cid in range(count)]
    with attached(case) as (party, _):
        frame = told(case, party, *(six(64, cid, prefix=prefix) for cid, prefix in enumerate(prefixes)))
        for cid, prefix in enumerate(prefixes):
            used = compresses(case, prefix, cid)
            case.expect(used is True, "context_ignored", f"context {cid} in use", _said(used), frame=frame)


UPDATES = {
    # what is told second -> an address of it, and whether the context is used for that from then on
    "c-cleared": (six(compress=False), REMOTE, False),
    "shorter": (six(48), six(48).context().address(REMOTE[8:]), True),
    "longer": (six(96), REMOTE[:8] + b"\x5a" + REMOTE[9:], False),
}


@needs("ping")
@requirement("RFC6775-5.4.2-01", "RFC6775-4.2-04")
@pytest.mark.parametrize("how", UPDATES)
def test_context_updated(case: Case, how: str):
    """A 6CO for a CID that is known updates the whole entry: the C flag and the Context Length with the prefix.

    C=1 says that the context "is valid for use in compression": that a sender uses it for what is new is advice.
    """
    option, destination, wanted = UPDATES[how]
    with attached(case) as (party, address):
        told(case, party, six())
        if compresses(case, REMOTE) is not True:
            case.unsupported("the DUT does not use contexts: see 4.2/context")
        frame = told(case, party, option)
        used = compresses(case, destination)
        if wanted:
            case.expect(
                reads(case, party, address, option.context()), "context_unread", "read as it was told last",
                "no answer", frame=frame,
            )  # fmt: skip
            with advice(case):
                case.expect(
                    used is True, "context_ignored", "in use as it was told last", _said(used), frame=frame
                )
        else:
            case.expect(used is False, "context_used", "not used any more", _told(used), frame=frame)


@pytest.mark.slow
@needs("ping")
@requirement("RFC6775-5.4.2-01")
def test_context_prolonged(case: Case):
    """The Valid Lifetime is updated as well: a context of a minute that is told anew for ten lasts on."""
    with attached(case) as (party, _):
        told(case, party, six(minutes=1))
        if compresses(case, REMOTE) is not True:
            case.unsupported("the DUT does not use contexts: see 4.2/context")
        frame = told(case, party, six(minutes=10))
        let_pass(case, 75.0)
        used = compresses(case, REMOTE)
        case.expect(used is True, "context_lost", "used behind its first end", _said(used), frame=frame)


@requirement("RFC6775-4.2-01")
@pytest.mark.parametrize("minutes", [256, 0xFFFF], ids=str)
def test_context_lifetime(case: Case, minutes: int):
    """The Valid Lifetime has 16 bits, "in units of 60 seconds": those that do not fit in one octet."""
    with attached(case) as (party, address):
        option = six(minutes=minutes)
        frame = told(case, party, option)
        case.expect(
            reads(case, party, address, option.context()), "context_unread", f"read for {minutes} minutes",
            "no answer", frame=frame,
        )  # fmt: skip


@needs("ping")
@requirement("RFC6775-5.4.2-03", "RFC6775-5.4.2-01", "RFC6775-4.2-06")
def test_one_context_removed(case: Case):
    """A lifetime of 0 deletes the entry of its CID: another context stays."""
    other = bytes.fromhex("20010db8beef00020000000000000077")
    with attached(case) as (party, _):
        told(case, party, six(), six(cid=CID + 1, prefix=other))
        if compresses(case, other, CID + 1) is not True:
            case.unsupported("the DUT does not use two contexts: see 4.2/sixteen_contexts")
        frame = told(case, party, six(minutes=0))
        used = compresses(case, other, CID + 1)
        case.expect(used is True, "context_lost", "the other context in use", _said(used), frame=frame)


@needs("ping")
@requirement("RFC6775-4.2-01")
def test_context_padding(case: Case):
    """Context Length is "the number of leading bits in the Context Prefix field that are valid": others are not.

    The sender pads "with zeros"; that a receiver looks past other octets is advice.
    """
    with attached(case) as (party, _):
        octets = bytearray(six(48).build())
        octets[14:16] = b"\x5a\xa5"
        party.advertises = False
        frame = party.advertise(party.options[0], abro(2), nd.UnknownOption(octets[0], bytes(octets[2:])))
        case.tester.contexts = case.tester.contexts.with_context(CID, six(48).context())
        case.tester.listen(0.5)
        used = compresses(case, six(48).context().address(REMOTE[8:]))
        with advice(case):
            case.expect(used is True, "context_ignored", "the first 48 bits in use", _said(used), frame=frame)
