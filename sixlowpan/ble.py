"""RFC 7668 section 3.2.4: what elided addresses mean on Bluetooth LE, and which forms it allows.

The link is a star: one 6LN, one 6LBR. The 6LN registers its addresses (NS with ARO), so a stateful address
of the 6LN's end (the source of what a 6LN sends, the destination of what a 6LBR sends) is told relative to
the latest registered address of that context: mode 11 is that address, mode 10 its first 112 bits and 16
bits in-line. This holds when the role of the sender is known; without it the modes mean what RFC 6282 says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sixlowpan.contexts import Context
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
    """Those of all RFC 6282 forms of an address, (context, mode, in-line octets), that RFC 7668 section
    3.2.4 allows.

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
