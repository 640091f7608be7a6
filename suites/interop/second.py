"""A second device of the tester's, with a connection of its own to the DUT."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fixtures.api import ALL_NODES, ECHO_REPLY, Air, Case, RigError, Tester
from suites.rfc7668.channel import reconnected


@contextmanager
def second(case: Case) -> Iterator[Tester]:
    """Another tester, on a device of its own; `unsupported` where the DUT takes one connection at a time."""
    link = reconnected(case)
    around = link.another()
    try:
        other = around.__enter__()
    except RigError as error:
        case.unsupported(f"the DUT takes no second connection: {error}", "not_on_this_rig")
    try:
        tester = Tester(Air(other, case.evidence.sink), case.tester.dut_address, case.tester.seed + 1)
        tester.contexts = case.tester.contexts
        yield tester
    finally:
        around.__exit__(None, None, None)
        reconnected(case)


def echoes(tester: Tester, size: int = 56) -> bool:
    """Whether the DUT answers one echo of this device."""
    request = tester.echo(size)
    tester.send_packet(request)
    return tester.reply_to(request, tester.now() + 2.0) is not None


def finds(tester: Tester) -> bool:
    """Whether the DUT answers an echo of this device to ff02::1."""
    request = tester.echo(destination=ALL_NODES)
    tester.send_packet(request)
    end = tester.now() + 2.0
    while (seen := tester.hear(end)) is not None:
        if seen.icmp_type == ECHO_REPLY and seen.upper[4:8] == request[44:48]:
            return True
    return False
