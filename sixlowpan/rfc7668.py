"""RFC 7668 section 3.2.4: what elided addresses mean on Bluetooth LE, and which forms it allows.

The link is a star: one 6LN, one 6LBR. The 6LN registers its addresses (NS with ARO), so a stateful address
of the 6LN's end (the source of what a 6LN sends, the destination of what a 6LBR sends) is told relative to
the latest registered address of that context: mode 11 is that address, mode 10 its first 112 bits and 16
bits in-line. This holds when the role of the sender is known; without it the modes mean what RFC 6282 says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sixlowpan.addresses import LINK_LOCAL_PREFIX

if TYPE_CHECKING:
    from sixlowpan.contexts import Context, Contexts
    from sixlowpan.link import LinkInfo


def latest(link: LinkInfo, context: Context) -> bytes | None:
    """The address registered last under the prefix of `context`, or None.

    RFC 7668 3.2.4.2: "only the latest address can be fully elided"; expiry "has no impact on the
    compression".
    """
    for address in reversed(link.registered):
        if context.covers(address):
            return address
    return None


def registered_end(link: LinkInfo, source: bool) -> bool:
    """True if that end of a frame is the 6LN, whose stateful addresses are told by its registrations."""
    return link.role == ("6LN" if source else "6LBR")


def allowed(
    forms: list[tuple[int, int, bytes]], address: bytes, link: LinkInfo, registered_end: bool
) -> list[tuple[int, int, bytes]]:
    """Those of all RFC 6282 forms of an address, (context, mode, in-line octets), that RFC 7668 section 3.2.4 allows.

    * A link-local address made from the device address "MUST" be fully elided, by either side.
    * A registered address of the 6LN "MUST be fully elided if it is the latest", else it goes with 16 bits
      "if the
      first 48 bits of the IID match with the latest registered address", else with 64.
    * Any other address for which a prefix is known "MUST be fully or partially elided".
    """
    elided = [form for form in forms if form[1] == 3]
    if elided:
        return elided
    stateful = [form for form in forms if form[0] >= 0]
    if registered_end and stateful and address in link.registered:
        least = min(len(form[2]) for form in stateful)
        return [form for form in stateful if len(form[2]) == least]
    return [form for form in forms if len(form[2]) < 16] or forms


def wanted(address: bytes, link: LinkInfo, contexts: Contexts, *, source: bool) -> tuple[int, str] | None:
    """(address mode, requirement) where RFC 7668 section 3.2.4 leaves the sender one mode only, else None.

    The mode is SAC SAM or DAC DAM: 3 stateless and fully elided, 7, 6 and 5 stateful with 0, 16 and 64 bits in-line.
    """
    router = link.role == "6LBR"
    if address[:8] == LINK_LOCAL_PREFIX and address[8:] == (link.src_iid if source else link.dst_iid):
        if source:
            return 3, "RFC7668-3.2.4-12" if router else "RFC7668-3.2.4-04"
        return 3, "RFC7668-3.2.4-14" if router else "RFC7668-3.2.4-10"
    if not registered_end(link, source) or address not in link.registered:
        return None
    for _, context in contexts.usable():
        newest = latest(link, context)
        if context.covers(address) and newest is not None:
            if newest == address:
                return 7, "RFC7668-3.2.4-05" if source else "RFC7668-3.2.4-15"
            return 6 if newest[:14] == address[
                :14
            ] else 5, "RFC7668-3.2.4-06" if source else "RFC7668-3.2.4-16"
    return None
