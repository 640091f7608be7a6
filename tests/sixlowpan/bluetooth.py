"""One IPSP conversation in every form in which a capture may hold it."""

from __future__ import annotations

import struct

from sixlowpan import LinkInfo, encode, link_local
from tests.sixlowpan.samples import BD_A, BD_B, udp_packet

LINK = LinkInfo("ble", BD_A, BD_B)
THERE = encode(udp_packet(link_local(BD_A), link_local(BD_B), data=bytes(300)), LINK)
BACK = encode(udp_packet(link_local(BD_B), link_local(BD_A), data=bytes(30)), LINK.reversed())
RESERVED = bytes.fromhex("7a343a") + bytes(20)
ACCESS = bytes.fromhex("56341250")
READ_ADDRESS = b"\x04\x0e\x0a\x01\x09\x10\x00" + BD_A[::-1]
CONNECTED = b"\x04\x3e\x13\x01\x00" + struct.pack("<H", 64) + b"\x00\x00" + BD_B[::-1] + bytes(7)


def l2cap(same_ids=False):
    """(sent, L2CAP frame) of the conversation: a channel opened, THERE, BACK, RESERVED."""
    ours, theirs = 0x40, 0x40 if same_ids else 0x41
    request = struct.pack("<BBHHHHHH", 0x14, 5, 10, 0x23, ours, 1280, 247, 10)
    response = struct.pack("<BBHHHHHH", 0x15, 5, 10, theirs, 1280, 247, 10, 0)
    yield True, frame(5, request)
    yield False, frame(5, response)
    for sent, sdu in ((True, THERE), (False, BACK), (True, RESERVED)):
        for piece in k_frames(sdu):
            yield sent, frame(theirs if sent else ours, piece)


def frame(cid, data):
    return struct.pack("<HH", len(data), cid) + data


def k_frames(sdu, mps=60):
    data = struct.pack("<H", len(sdu)) + sdu
    return [data[at : at + mps] for at in range(0, len(data), mps)]


def hci(same_ids=False):
    """(sent, HCI packet with its H4 octet)."""
    yield False, READ_ADDRESS
    yield False, CONNECTED
    for sent, octets in l2cap(same_ids):
        for at in range(0, len(octets), 27):
            piece = octets[at : at + 27]
            flag = 1 if at else 0 if sent else 2
            yield sent, b"\x02" + struct.pack("<HH", 64 | flag << 12, len(piece)) + piece


def air(same_ids=False):
    """(central sends, packet from access address to CRC); every packet is answered, as stop-and-wait does."""
    connect = (
        BD_A[::-1]
        + BD_B[::-1]
        + ACCESS
        + bytes.fromhex("5555550100001800000 02a00ffffffff1f05".replace(" ", ""))
    )
    yield True, struct.pack("<IBB", 0x8E89BED6, 0x85, len(connect)) + connect + bytes(3)
    event = 0
    for sent, octets in l2cap(same_ids):
        for at in range(0, len(octets), 27):
            piece = octets[at : at + 27]
            for central in (True, False):
                data = piece if central == sent else b""
                bits = (event & 1) * 12 if central else (event & 1) << 3 | (event & 1 ^ 1) << 2
                header = bits | (2 if data and not at else 1)
                yield central, ACCESS + bytes((header, len(data))) + data + bytes(3)
            event += 1


def phdr(central, packet, flags=0x0C13):
    """Link type 256: the pseudo-header in front; the direction among its flags."""
    kind = 0 if packet[:4] != ACCESS else 2 if central else 3
    return struct.pack("<BBBB4sH", 5, 0xD8, 0xA6, 0, packet[:4], flags | kind << 7) + packet


def coded(packet):
    """As on the coded PHY: behind the access address stands which coding follows."""
    return packet[:4] + b"\0" + packet[4:]


def nordic(central, packet, version=3, phy=0):
    """Link type 272: board, header, then 10 octets with flags."""
    data = packet[:6] + packet[6:]
    size = 10 + len(data)
    kind = 2 if version == 3 and packet[:4] != ACCESS else 6
    lengths = bytes((6, size)) if version == 1 else struct.pack("<H", size)
    head = b"\0" + lengths + struct.pack("<BHB", version, 1, kind)
    return head + struct.pack("<BBBBHI", 10, 1 | central << 1 | phy << 4, 5, 60, 0, 0) + data


def monitor(sent, packet):
    """Link type 254: adapter and opcode."""
    opcode = {(4, False): 3, (2, True): 4, (2, False): 5}[packet[0], sent]
    return struct.pack(">HH", 0, opcode) + packet[1:]


FORMS = {
    "201": (201, lambda: [struct.pack(">I", not sent) + each for sent, each in hci()]),
    "201 with one id": (201, lambda: [struct.pack(">I", not sent) + each for sent, each in hci(True)]),
    "187": (187, lambda: [each for _, each in hci()]),
    "187 with one id": (187, lambda: [each for _, each in hci(True)]),
    "254": (254, lambda: [monitor(sent, each) for sent, each in hci()]),
    "251": (251, lambda: [each for _, each in air()]),
    "251 with one id": (251, lambda: [each for _, each in air(True)]),
    "256": (256, lambda: [phdr(*each) for each in air()]),
    "256 with one id": (256, lambda: [phdr(*each) for each in air(True)]),
    "272": (272, lambda: [nordic(*each) for each in air()]),
    "272 version 2": (272, lambda: [nordic(*each, 2) for each in air()]),
    "272 version 1": (272, lambda: [nordic(*each, 1) for each in air()]),
    "256, coded": (256, lambda: [phdr(way, coded(each), 0x8C13) for way, each in air()]),
    "272, coded": (272, lambda: [nordic(way, coded(each), phy=2) for way, each in air()]),
}
