"""The oracle: Keyhole's own 6LoWPAN codec and judge. Octets in, octets out; no I/O and no clock.

This is the public face; `sixlowpan.ipv6`, `sixlowpan.mac`, `sixlowpan.frame`, `sixlowpan.nd` and
`sixlowpan.mesh` are public, too. Only `__main__` and `capture` read or write anything.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - `python3 -m sixlowpan` needs no setup, so it may be any Python
    told = "sixlowpan needs Python 3.11 or newer, and this is {}.{}".format(*sys.version_info)
    if "-m" not in sys.argv[:1]:
        raise ImportError(told)
    sys.stderr.write(told + "\n")
    sys.exit(2)

import sixlowpan.interrupt  # noqa: F401  first: what follows takes time to import
from sixlowpan import frame, ipv6, mac, mesh, nd
from sixlowpan.addresses import iid, link_local, modified_eui64, multicast_link_address, solicited_node
from sixlowpan.codec import decode, encode
from sixlowpan.contexts import NO_CONTEXTS, Context, Contexts
from sixlowpan.errors import DecodeError, EncodeError
from sixlowpan.explain import Field, explain, render
from sixlowpan.forms import encodings
from sixlowpan.fragment import Reassembler, fragment, fragment_header_1, fragment_header_n
from sixlowpan.ipv6 import Packet, checksum, echo_request, icmpv6, udp
from sixlowpan.link import LinkInfo
from sixlowpan.lint import Linter, LintFinding, lint
from sixlowpan.mac import MacHeader, ack, data_frame, fcs
from sixlowpan.mesh import mesh_header

__all__ = [
    "NO_CONTEXTS",
    "Context",
    "Contexts",
    "DecodeError",
    "EncodeError",
    "Field",
    "LinkInfo",
    "LintFinding",
    "Linter",
    "MacHeader",
    "Packet",
    "Reassembler",
    "ack",
    "checksum",
    "data_frame",
    "decode",
    "echo_request",
    "encode",
    "encodings",
    "explain",
    "fcs",
    "fragment",
    "fragment_header_1",
    "fragment_header_n",
    "frame",
    "icmpv6",
    "iid",
    "ipv6",
    "link_local",
    "lint",
    "mac",
    "mesh",
    "mesh_header",
    "modified_eui64",
    "multicast_link_address",
    "nd",
    "render",
    "solicited_node",
    "udp",
]
