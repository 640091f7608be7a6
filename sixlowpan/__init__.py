"""The oracle: Keyhole's own 6LoWPAN codec and judge. Octets in, octets out; no I/O and no clock."""

from sixlowpan.addresses import iid, link_local, multicast_link_address
from sixlowpan.codec import decode, encode
from sixlowpan.contexts import NO_CONTEXTS, Context, Contexts
from sixlowpan.errors import DecodeError, EncodeError
from sixlowpan.forms import encodings
from sixlowpan.fragment import Reassembler, fragment, fragment_header_1, fragment_header_n
from sixlowpan.link import LinkInfo
from sixlowpan.mac import MacHeader

__all__ = [
    "NO_CONTEXTS",
    "Context",
    "Contexts",
    "DecodeError",
    "EncodeError",
    "LinkInfo",
    "MacHeader",
    "Reassembler",
    "decode",
    "encode",
    "encodings",
    "fragment",
    "fragment_header_1",
    "fragment_header_n",
    "iid",
    "link_local",
    "multicast_link_address",
]
