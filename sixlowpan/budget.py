"""The frame budget: what MAC header, security, mesh and fragment headers leave of one IEEE 802.15.4 frame.

Strategy: the header is built by `mac` and measured, packets are cut by `fragment`, so that no size stands here twice.
RFC 4944 section 4 does this sum for the worst case: of 127 octets 102, with AES-CCM-128 81, behind IPv6 and UDP headers
33. `python -m sixlowpan budget` prints it.
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sixlowpan import addresses, ipv6, mac, mesh
from sixlowpan.codec import encode
from sixlowpan.errors import EncodeError
from sixlowpan.fragment import MAX_SIZE, fragment
from sixlowpan.link import LinkInfo
from sixlowpan.security import MIC_OCTETS

#: aMaxPHYPacketSize (RFC 4944 section 4), and that of the PHYs of IEEE 802.15.4g.
PHY, PHY_G = 127, 2047
ADDRESSES: Final = {"none": 0, "short": 2, "long": 8}
_KEY_ID: Final = (0, 1, 5, 9)
#: Keys of [parameters] of a profile (`rigs.configuration.models.Parameters`) and what they are called here.
PARAMETERS: Final = {
    "phy_octets": "phy",
    "fcs_octets": "fcs",
    "security_level": "level",
    "key_id_mode": "key_id_mode",
    "mtu": "mtu",
}


@dataclass(frozen=True, slots=True)
class Framing:
    """How frames are made: sizes in octets, security as in the auxiliary security header.

    `src`, `dst`: 0, 2 or 8; `mesh`: size of the addresses of a mesh header, 0: none; `mtu`: the IPv6 packet that is cut
    into fragments. ValueError for what no frame can have.
    """

    phy: int = PHY
    fcs: int = 2
    version: int = 0
    sequence: bool = True
    pan_compression: bool = True
    src: int = 8
    dst: int = 8
    level: int = 0
    key_id_mode: int = 0
    ies: int = 0
    mesh: int = 0
    broadcast: bool = False
    mtu: int = 1280

    def __post_init__(self) -> None:
        for name, allowed, what in (
            ("phy", range(9, PHY_G + 1), f"9 to {PHY_G} octets"),
            ("fcs", (2, 4), "2 or 4 octets"),
            ("version", (0, 1, 2), "frame version 0, 1 or 2"),
            ("level", range(8), "0 to 7"),
            ("key_id_mode", range(4), "0 to 3"),
            ("ies", range(PHY_G), "octets of IEs"),
            ("mtu", range(40, MAX_SIZE + 1), f"40 to {MAX_SIZE} octets: datagram_size has 11 bits"),
        ):
            value = getattr(self, name)
            if type(value) is not int or value not in allowed:
                raise ValueError(f"{name.replace('_', '-')} is {value!r}: {what} are possible")
        if self.version < 2 and (self.ies or not self.sequence):
            raise ValueError("only frame version 2 has IEs, or no sequence number")
        if not self.level and self.key_id_mode:
            raise ValueError("key-id-mode needs a security level from 1 on")
        if self.room < 0:
            raise ValueError(
                f"phy is {self.phy}: FCS, headers and MIC alone take {self.phy - self.room} octets"
            )

    @property
    def mic(self) -> int:
        """Octets of the message integrity code: AES-CCM-32, -64 or -128."""
        return MIC_OCTETS[self.level & 3]

    @property
    def security(self) -> int:
        """Octets of the auxiliary security header: security control, frame counter, key identifier."""
        return 5 + _KEY_ID[self.key_id_mode] if self.level else 0

    def header(self) -> int:
        """Octets of the MAC header with the auxiliary security header and IEs."""
        filled = mac.MacHeader(
            security=bool(self.level),
            pan_compression=self.pan_compression,
            version=self.version,
            sequence=0 if self.sequence else None,
            dst_pan=bytes(2),
            dst=bytes(self.dst),
            src_pan=bytes(2),
            src=bytes(self.src),
            security_control=self.level | self.key_id_mode << 3,
            frame_counter=0,
            key_id=bytes(_KEY_ID[self.key_id_mode]),
            header_ies=bytes(self.ies),
        )
        return len(mac.build(filled, b""))

    @property
    def room(self) -> int:
        """Octets of 6LoWPAN payload, from the dispatch octet of the datagram or of its fragment header on."""
        return rows(self)[-1].left


class Row(NamedTuple):
    """One line of the budget: what takes how many octets, and how many are left behind it."""

    name: str
    octets: int
    left: int
    note: str = ""


def rows(framing: Framing) -> list[Row]:
    """What each part of a frame takes, down to the 6LoWPAN payload."""
    bare = 2 + framing.sequence + framing.dst + framing.src + framing.security + framing.ies
    pans = framing.header() - bare
    key = f", key identifier {_KEY_ID[framing.key_id_mode]}" if _KEY_ID[framing.key_id_mode] else ""
    parts = [
        ("FCS", framing.fcs, ""),
        ("frame control", 2, ""),
        ("sequence number", int(framing.sequence), ""),
        ("PAN ids", pans, "one is left out by PAN ID Compression" if pans == 2 else ""),
        ("destination address", framing.dst, ""),
        ("source address", framing.src, ""),
        ("auxiliary security header", framing.security, f"security control 1, frame counter 4{key}"),
        ("IEs", framing.ies, "header and payload IEs with their terminators"),
        ("MIC", framing.mic, f"AES-CCM-{8 * framing.mic}"),
    ]
    if framing.mesh:
        size = len(mesh.mesh_header(bytes(framing.mesh), bytes(framing.mesh), 14))
        parts.append(("mesh header", size, "up to 14 hops; originator and final destination"))
    if framing.broadcast:
        parts.append(("broadcast header", 2, "LOWPAN_BC0"))
    found, left = [Row("PSDU", framing.phy, framing.phy, "what the PHY carries at most")], framing.phy
    for name, octets, note in parts:
        if octets:
            left -= octets
            found.append(Row(name, octets, left, note))
    return found


def uses(framing: Framing) -> Iterator[Row]:
    """What may stand in the 6LoWPAN payload: a whole datagram, or a fragment; `left` is for what goes behind."""
    room = framing.room
    link, packet = _sample(40 + 8)
    yield Row("IPv6 header", 40, room - 40, "as RFC 4944 section 4 counts: without its dispatch octet")
    yield Row("and UDP header", 48, room - 48, "the same")
    yield Row("uncompressed, and UDP header", 49, room - 49, "dispatch octet 0x41 in front")
    small = len(encode(packet, link))
    yield Row("smallest IPHC, and UDP by NHC", small, room - small, "link-local addresses and ports elided")
    yield Row("FRAG1", 4, room - 4, "the headers, and data up to a multiple of 8 octets of the datagram")
    step = max(room - 5, 0) // 8 * 8
    yield Row("FRAGN", 5, room - 5, f"{step} octets of the datagram")


def _sample(size: int) -> tuple[LinkInfo, bytes]:
    """A packet of so many octets that compresses as far as it goes, and its link."""
    ends = bytes.fromhex("00124b0000000001"), bytes.fromhex("00124b0000000002")
    src, dst = map(addresses.link_local, ends)
    datagram = ipv6.udp(0xF0B0, 0xF0B1, bytes(size - 48), src, dst) if size >= 48 else bytes(size - 40)
    protocol = ipv6.UDP if size >= 48 else ipv6.NO_NEXT_HEADER
    return LinkInfo("ieee802154", *ends), ipv6.build(src, dst, protocol, datagram)


def frames(framing: Framing, *, compressed: bool) -> int | None:
    """In how many frames a packet of `mtu` octets goes, its headers as small as they go or not; None: in none."""
    link, packet = _sample(framing.mtu)
    try:
        payload = None if compressed else b"\x41" + packet
        return len(fragment(packet, link, mtu=framing.room, tag=0, payload=payload))
    except EncodeError:
        return None


def as_object(framing: Framing) -> dict[str, Any]:
    """The budget as JSON has it; `left` of a use that does not fit is None."""
    return {
        "rows": [row._asdict() for row in rows(framing)],
        "room": framing.room,
        "uses": [row._asdict() | {"left": row.left if row.left >= 0 else None} for row in uses(framing)],
        "packet": framing.mtu,
        "frames": frames(framing, compressed=True),
        "frames_uncompressed": frames(framing, compressed=False),
    }


def text(framing: Framing) -> str:
    """The budget for people."""
    lines = [f"{'':28}octets  left"]
    lines += [_line(row) for row in rows(framing)]
    lines += ["", f"{framing.room} octets are left for 6LoWPAN. Of these:", f"{'':28}octets  left"]
    lines += [_line(row) for row in uses(framing)]
    small, plain = frames(framing, compressed=True), frames(framing, compressed=False)
    lines += [
        "",
        f"a packet of {framing.mtu} octets: {_count(small)} with compressed headers, {_count(plain)} without",
    ]
    return "\n".join(lines)


def _line(row: Row) -> str:
    left = f"{row.left:6}" if row.left >= 0 else "    no"
    return f"{row.name:<30}{row.octets:4}{left}" + (f"  {row.note}" if row.note else "")


def _count(count: int | None) -> str:
    return "does not fit" if count is None else "1 frame" if count == 1 else f"{count} frames"


#: The sum of RFC 4944 section 4: all addressing in full, and AES-CCM-128.
WORST: Final = Framing(pan_compression=False, level=7)

HELP: Final = f"""\
One IEEE 802.15.4 frame has {PHY} octets. This says what each part of it takes and how much is left: for the 6LoWPAN
payload, behind IPv6 and UDP headers, in fragments, and in how many frames a packet goes.

examples:
  python3 -m sixlowpan budget --worst-case
      the sum of RFC 4944 section 4: 102 octets behind the MAC header, 81 behind AES-CCM-128, 33 behind IPv6 and UDP
  python3 -m sixlowpan budget
      a usual frame: two EUI-64s in one PAN, no security
  python3 -m sixlowpan budget --src short --dst short --level 5 --key-id-mode 1
      what a Thread node sends: short addresses, payload enciphered, MIC of 4 octets
  python3 -m sixlowpan budget --mesh long
      in a mesh: originator and final destination stand in the payload as well
  python3 -m sixlowpan budget --phy 2047 --fcs 4 --frame-version 2
      IEEE 802.15.4g: a packet of 1280 octets goes in one frame
  python3 -m sixlowpan budget --profile rigs/profiles/openthread-802154.toml
      phy_octets, fcs_octets, security_level, key_id_mode and mtu from [parameters] of a profile

security levels: 0 none; 1, 2, 3 a MIC of 4, 8, 16 octets; 4 enciphered, 5, 6, 7 enciphered with such a MIC
key id modes:    0 implicit; 1 key index; 2, 3 key index and a key source of 4, 8 octets
"""


def add_command(commands: Any) -> None:
    """Add `budget` to the commands of the command line."""
    what = "what MAC header, security, mesh and fragment headers leave of a frame"
    command = commands.add_parser(
        "budget",
        help=what,
        description=what,
        epilog=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = command.add_argument
    add("--worst-case", action="store_true", help="the sum of RFC 4944 section 4; no other option beside it")
    add("--profile", metavar="FILE", help="a profile (TOML): its [parameters]; options here come first")
    add("--src", choices=ADDRESSES, help="source address (long: EUI-64)")
    add("--dst", choices=ADDRESSES, help="destination address")
    add("--both-pans", dest="pan_compression", action="store_false", default=None, help="both PAN ids")
    add("--frame-version", dest="version", type=int, metavar="N", help="0 (2003), 1 (2006), 2 (2015)")
    add("--no-sequence", dest="sequence", action="store_false", default=None, help="version 2 only")
    add("--ies", type=int, metavar="N", help="octets of IEs with their terminators (version 2)")
    add("--level", type=int, metavar="N", help="security level, 0 to 7")
    add("--key-id-mode", type=int, metavar="N", help="0 to 3")
    add("--mesh", choices=("short", "long"), help="a mesh header with such addresses")
    add("--broadcast", action="store_true", default=None, help="LOWPAN_BC0 behind it")
    add(
        "--phy",
        type=int,
        metavar="N",
        help=f"octets of a PSDU with its FCS: {PHY}, up to {PHY_G} in 802.15.4g",
    )
    add("--fcs", type=int, metavar="N", help="2 or 4 octets")
    add("--mtu", type=int, metavar="N", help="octets of the IPv6 packet that is cut (1280)")
    add("--json", action="store_true", help="JSON instead of text")


def parameters(profile: str) -> object:
    """[parameters] of a profile (TOML). Raises ValueError."""
    try:
        return tomllib.loads(profile).get("parameters", {})
    except RecursionError as error:
        raise ValueError("not TOML of a profile: it is nested too deep") from error
    except ValueError as error:
        raise ValueError(f"not TOML: {error}") from error


def asked(options: argparse.Namespace, parameters: object) -> Framing:
    """The framing that the options say, beside [parameters] of a profile. Raises ValueError."""
    if not isinstance(parameters, dict):
        raise ValueError("--profile: [parameters] is no table")  # noqa: TRY004 - as everything else of the user's
    told: dict[str, Any] = {PARAMETERS[key]: parameters[key] for key in PARAMETERS if key in parameters}
    for name in Framing.__dataclass_fields__:
        value = getattr(options, name)
        if value is not None:
            told[name] = ADDRESSES[value] if name in {"src", "dst", "mesh"} else value
    if options.worst_case:
        if told:
            raise ValueError("--worst-case is a sum of its own: give no other option beside it")
        return WORST
    return Framing(**told)
