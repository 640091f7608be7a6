"""The roles in which the cases of Neighbor Discovery try a DUT: what a file binds to and needs, as its `pytestmark`.

RFC 6775 §2 and RFC 8505 §2 name the roles: a 6LN, a 6LR and a 6LBR. A 6LR is a 6LN toward its own routers.
"""

from __future__ import annotations

from fixtures.api import binds, needs, on_link

#: On IEEE 802.15.4 alone.
RADIO = on_link("ieee802154")
_RESET = needs("reset")
HOST = [binds("6LN|6LR", "nd"), _RESET]
ROUTER = [binds("6LR|6LBR", "nd"), _RESET]
#: Also one that advertises and takes no registrations.
ADVERTISER = [binds("6LR|6LBR", "nd|nd_advertising"), _RESET]
#: Of RFC 6775 §8.1: prefixes and contexts over several hops.
MULTIHOP = [RADIO, binds("6LR", "nd", "multihop"), _RESET]
#: Of RFC 6775 §8.2: duplicates over several hops, as the 6LR that asks and as the 6LBR that is asked.
DETECTING_ROUTER = [RADIO, binds("6LR", "nd", "multihop_dad"), _RESET]
DETECTING_BORDER = [RADIO, binds("6LBR", "nd", "multihop_dad"), _RESET]
#: Of RFC 8505.
EXTENDED_HOST = [RADIO, binds("6LN|6LR", "nd", "nd_extended"), _RESET]
EXTENDED_ROUTER = [RADIO, binds("6LR|6LBR", "nd", "nd_extended"), _RESET]
