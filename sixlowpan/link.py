"""What the link layer tells about one frame, and nothing else.

6LoWPAN elides what the frame around it already says: the link-layer addresses, whether an integrity check
was in place, and, on Bluetooth LE, what the 6LN has registered with its 6LBR. `LinkInfo` carries this
beside the payload. The interface identifiers are worked out once, when it is made, so that the codec only
reads them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from sixlowpan.addresses import iid

IEEE802154 = "ieee802154"
BLE = "ble"
ROLES = ("6LN", "6LBR")
_SIZES = {IEEE802154: (0, 2, 8), BLE: (0, 6)}


@dataclass(frozen=True, slots=True)
class LinkInfo:
    """The link layer's side of one frame; addresses big-endian, as printed.

    kind        "ieee802154" or "ble".
    src, dst    0 (absent), 2 or 8 octets; 6 on BLE. The 802.15.4 broadcast address is ff ff.
    pan         PAN id for interface identifiers made as in RFC 4944 section 6; None: as in RFC 6282 section
    3.2.2. integrity   a link-layer integrity check covered the frame, so that an elided UDP checksum may be
    restored
                (RFC 6282 section 4.3.2).
    role        BLE only: the role of the node that SENDS this frame, "6LN" or "6LBR"; None: not known, and
    stateful
                addresses mean what RFC 6282 says. If known, RFC 7668 section 3.2.4 applies to them.
    registered  BLE only: the 16-octet addresses that the 6LN of this link has registered, latest last.
    Raises ValueError for sizes or names that do not exist.
    """

    kind: str
    src: bytes = b""
    dst: bytes = b""
    pan: bytes | None = None
    integrity: bool = False
    role: str | None = None
    registered: tuple[bytes, ...] = ()
    src_iid: bytes = field(init=False, repr=False, compare=False)  # b"" without an address
    dst_iid: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        sizes = _SIZES.get(self.kind)
        if sizes is None:
            raise ValueError(f"link kind {self.kind!r} is none of {', '.join(_SIZES)}")
        for name, address in (("src", self.src), ("dst", self.dst)):
            if len(address) not in sizes:
                raise ValueError(f"{name} has {len(address)} octets; on {self.kind} it has one of {sizes}")
        if self.pan is not None and len(self.pan) != 2:
            raise ValueError("a PAN id has 2 octets")
        if self.role is not None and (self.role not in ROLES or self.kind != BLE):
            raise ValueError(f"role {self.role!r}: it is 6LN or 6LBR, and on BLE only")
        if any(len(address) != 16 for address in self.registered):
            raise ValueError("a registered address has 16 octets")
        object.__setattr__(self, "src_iid", iid(self.src, self.pan) if self.src else b"")
        object.__setattr__(self, "dst_iid", iid(self.dst, self.pan) if self.dst else b"")

    def reversed(self) -> LinkInfo:
        """The same link the other way: addresses and roles change places, the registrations stay."""
        role = {"6LN": "6LBR", "6LBR": "6LN", None: None}[self.role]
        return LinkInfo(self.kind, self.dst, self.src, self.pan, self.integrity, role, self.registered)

    def between(self, src: bytes, dst: bytes) -> LinkInfo:
        """The same link with other addresses: those of a mesh header (RFC 4944 section 5.2)."""
        return LinkInfo(self.kind, src, dst, self.pan, self.integrity, self.role, self.registered)


@lru_cache(maxsize=1024)
def link_between(
    kind: str, src: bytes, dst: bytes, pan: bytes | None = None, integrity: bool = False
) -> LinkInfo:
    """The same object for the same link: a capture, and a case, have few links and many frames. Raises ValueError."""
    return LinkInfo(kind, src, dst, pan, integrity)
