"""What happens behind an event: a restart, many timeouts in one uptime, a neighbour that is gone, output that waits.

Nothing that the RFCs ask of a node ends with such an event, so what is tried behind it are ordinary packets.
"""

import math

import pytest

from fixtures.api import (
    ECHO_REPLY,
    FULL,
    LONGEST,
    Case,
    Identity,
    Make,
    Stimulus,
    advice,
    balanced,
    behind,
    link_info,
    needs,
    on_link,
    outcome,
    pause,
    pieces,
    prepare,
    quoted,
    requirement,
    stimulus,
    understood_if_shown,
)
from sixlowpan import addresses
from sixlowpan.addresses import ALL_NODES
from suites.rfc4944.test_5_own import increase, strays

#: Datagrams that time out in one uptime: more than a counter of four bits, or a pool of twenty, bears.
TIMEOUTS = 24
#: Seconds that waiting for them may take on a real clock, and beyond which one of the three is enough there.
PATIENT = 200.0
BRIEF = 20.0
#: Seconds in which a resolution of an address fails: RFC 4861 §10, three solicitations, one a second.
UNREACHABLE = 4.0
#: More than small nodes have places for in their neighbour caches.
MANY_NEIGHBOURS = 40
NONE_CAME = "no answer that waited comes"


@pytest.mark.slow
@on_link("ieee802154")
@requirement("RFC4944-5.3-28", "RFC4944-5.3-20", "RFC4944-4-02")
@pytest.mark.parametrize("missing", ["first", "last", "all-but-first"])
def test_many_timeouts(case: Case, missing: str):
    """24 datagrams that run out of time, as many at a time as the DUT has places for; the next ones are understood."""
    parameters = case.rig.profile.parameters
    if not parameters.reassembly_timer:
        case.unsupported("the rig does not run the DUT's reassembly timer", "not_on_this_rig")
    rounds = math.ceil(TIMEOUTS / min(parameters.reassembly_slots or TIMEOUTS, TIMEOUTS))
    lasts = rounds * min(parameters.reassembly_timeout or LONGEST, LONGEST)
    if case.rig.link.clock != "virtual" and lasts > PATIENT:
        case.unsupported(f"{TIMEOUTS} datagrams take {lasts:g} s to run out of time", "out_of_reach")
    if case.rig.link.clock != "virtual" and lasts > BRIEF and missing != "last":
        case.unsupported(
            "on a real clock only the case with the last fragment missing is run", "out_of_reach"
        )
    kept = {"first": slice(1, None), "last": slice(0, -1), "all-but-first": slice(0, 1)}[missing]
    for _ in range(rounds):
        stimuli = []
        for _ in range(math.ceil(TIMEOUTS / rounds)):
            packet, parts = pieces(case, 200, data=balanced(case, 200))
            stimuli.append(Stimulus(parts[kept], None, link_info(case, packet), f"{missing} missing"))
        case.tapped_behind(stimuli)
        case.outwait_all()
    once = "it is the first behind datagrams that ran out of time"
    case.understood(lambda: stimulus(case, case.tester.echo(200)), once=once)
    for size in (FULL, 200):
        case.understood(lambda size=size: stimulus(case, case.tester.echo(size)))


def restarted(case: Case) -> None:
    """Restart the DUT, and give it anew what it had at first."""
    case.rig.restart()
    prepare(case.rig, case.tester)
    # it knows nobody any more, and solicits before it answers: both may be late
    case.tester.control(8, timeout=2 * case.timeout)
    if not any(case.control() for _ in range(5)):
        case.lost("no control is answered behind a restart")


@needs("reset")
@requirement("RFC6282-2-04", "RFC4944-4-02", "RFC4944-5.3-28")
def test_behind_a_restart(case: Case):
    """Echoes that are answered, of every size and to all nodes, are answered behind a restart as well, twice."""
    makes: list[Make] = [
        lambda: stimulus(case, case.tester.echo(8)),
        lambda: stimulus(case, case.tester.echo(300)),
        lambda: stimulus(case, case.tester.echo(FULL)),
        lambda: stimulus(case, case.tester.echo(8, destination=ALL_NODES)),
    ]
    answered = [make for make in makes if outcome(case, [make()])[1]]
    for _ in range(2):
        restarted(case)
        for number, make in enumerate(answered):
            case.answered(make, once="" if number else "it is the first behind a restart")


@on_link("ieee802154")
@needs("reset")
@requirement("RFC4944-5.3-25", "RFC4944-5.3-26")
def test_fragments_before_a_restart(case: Case):
    """What came before a restart is discarded: the last fragment alone, behind it, completes nothing."""
    packet, parts = pieces(case, 200, data=balanced(case, 200))
    info = link_info(case, packet)
    case.tester.send(parts[:-1], info)
    restarted(case)
    case.silent(
        lambda: Stimulus(parts[-1:], None, info, "the last fragment of a datagram begun before a restart")
    )


@needs("reset", "context")
@requirement("RFC6282-3.1.2-01", "RFC6282-3.1.1-20", "RFC6282-3.1.1-14")
def test_contexts_behind_a_restart(case: Case):
    """Each context that is given to the DUT behind a restart serves, the first and the last as well."""
    for _ in range(2):
        restarted(case)
        for identifier, context in case.tester.contexts.items():
            if context.length <= 64:
                source = case.tester.also(context.prefix[:8] + case.tester.identity.address[8:])
                wanted = {"SAC": 1, "CID": int(identifier > 0)}
                understood_if_shown(
                    case, lambda s=source, w=wanted: stimulus(case, case.tester.echo(source=s), **w)
                )


def absent(case: Case) -> Identity:
    """Somebody whose packets come, and who answers no Neighbor Solicitation."""
    link = bytes.fromhex("02005eaa") + case.tester.random.randbytes(4)
    return Identity(link, addresses.link_local(link))


def asks(case: Case, who: Identity, size: int) -> bytes:
    """Have somebody send the DUT an echo; return it."""
    tester = case.tester
    packet = tester.echo(size, source=who.address)
    tester.send(stimulus(case, packet, info=tester.info(who.link)))
    return packet


@on_link("ieee802154")
@requirement("RFC6282-2-04", "RFC4944-4-02", "RFC4944-5.3-19")
@pytest.mark.parametrize("count", [1, 4], ids=["one", "four"])
def test_a_neighbour_that_is_gone(case: Case, count: int):
    """A neighbour asks and is silent: others are answered meanwhile, and so is that one when it is back."""
    case.several_senders()
    tester, gone = case.tester, [absent(case) for _ in range(count)]

    def waits() -> None:
        for who in gone:
            asks(case, who, 8)

    for size in (8, 300):
        case.answered(behind(waits, lambda size=size: stimulus(case, tester.echo(size))))
    pause(case, UNREACHABLE)
    case.answered(lambda: stimulus(case, tester.echo(8)))
    case.answered(lambda: stimulus(case, tester.echo(300)))
    with tester.acting_as(gone[0]):
        tester.also(gone[0].address)
        case.answered(lambda: stimulus(case, tester.echo(8)))
    tester.fresh()
    case.answered(lambda: stimulus(case, tester.echo(8)))


@on_link("ieee802154")
@requirement("RFC4944-8-01", "RFC6282-2-04")
def test_many_neighbours(case: Case):
    """One neighbour behind the other asks once, and each is answered: advice, as no text says how many there may be.

    A cache that is full has to give up an entry (RFC 4861 §5.3), or nobody new is ever served.
    """
    case.several_senders()
    tester, unheard = case.tester, []
    for number in range(MANY_NEIGHBOURS):
        tester.fresh()
        patience = max(2.0, 2 * case.timeout)  # the DUT solicits before it answers: both may be late
        if not any(tester.control(8, timeout=patience) for _ in range(case.rig.file.attempts)):
            unheard.append(number + 1)
    told = f"{len(unheard)} of {MANY_NEIGHBOURS} are not, the first of them is number {unheard[:1]}"
    with advice(case):
        case.expect(not unheard, "no_answer", "each new neighbour is answered", told)


@on_link("ieee802154")
@requirement("RFC4944-8-01", "RFC4944-5.3-13", "RFC6282-2-04", "RFC4944-5.3-02")
@pytest.mark.parametrize("size", [8, 200], ids=["small", "fragmented"])
def test_outputs_that_wait(case: Case, size: int):
    """Three answers wait for one link address, others are answered: each that comes goes there (RFC 4861 §7.2.2)."""
    case.several_senders()
    tester, late = case.tester, absent(case)
    before, since = len(tester.heard), case.tester.stamp()
    for _ in range(3):
        asks(case, late, size)
        case.answered(lambda: stimulus(case, tester.echo(8)))
    with tester.acting_as(late):
        tester.also(late.address)
    pause(case, UNREACHABLE)
    came, tags, frame = False, dict[bytes, int](), b""
    for seen in tester.heard[before:]:
        if seen.icmp_type == ECHO_REPLY and seen.view is not None and seen.view.dst == late.address:
            came = True
            case.expect(
                seen.info.dst == late.link,
                "neighbour_address",
                f"the reply goes to {late.link.hex()}",
                f"it goes to {seen.info.dst.hex()}",
                requirement="RFC4944-8-01",
                frame=seen,
            )
            if len(seen.payloads) > 1:
                tags[seen.packet] = int.from_bytes(seen.behind_mesh[0][2:4])
                frame = seen.frames[0]
    increase(case, list(tags.values()), frame)
    with tester.acting_as(late):
        strays(case, since)
    case.answered(lambda: stimulus(case, tester.echo(200)))
    if not came:
        case.unsupported(NONE_CAME, "not_observable")


@on_link("ieee802154")
@requirement("RFC6282-2-04", "RFC4944-5.3-19", "RFC4944-4-02")
@pytest.mark.parametrize("size", [8, 200], ids=["small", "fragmented"])
def test_output_that_waits(case: Case, size: int):
    """An answer waits for a link address: others are answered meanwhile, and it is right when it comes.

    That it comes is not asked for here: RFC 4861 §7.2.2 lets a small queue overflow.
    """
    case.several_senders()
    tester, late = case.tester, absent(case)
    before, came = len(tester.heard), False
    request = asks(case, late, size)
    for other in (8, 200, 8, 300):
        case.answered(lambda other=other: stimulus(case, tester.echo(other)))
    with tester.acting_as(late):
        tester.also(late.address)
    pause(case, UNREACHABLE)
    for seen in tester.heard[before:]:
        if seen.view is None or seen.view.dst != late.address or quoted(seen) is not None:
            continue
        came = came or seen.icmp_type == ECHO_REPLY
        right = seen.icmp_type != ECHO_REPLY or seen.upper[4:] == request[44:]
        case.expect(
            right,
            "mixed",
            f"its own {size} octets of data",
            f"{seen.upper[4:40].hex(' ')} ...",
            frame=seen,
        )
    case.answered(lambda: stimulus(case, tester.echo(200)))
    if not came:
        case.unsupported(NONE_CAME, "not_observable")
