"""Good captures in small, to be damaged."""

import struct


def frames():
    yield bytes.fromhex("61880dcdab02000100") + bytes.fromhex("7b333a80001234000100020304")
    yield (
        bytes.fromhex("61880ecdab02000100") + bytes.fromhex("c0500001") + bytes.fromhex("7b333a") + bytes(24)
    )
    yield bytes.fromhex("61880fcdab02000100") + bytes.fromhex("e050000104") + bytes(24)
    yield bytes.fromhex("41c810cdabffff0807060504030201") + bytes.fromhex("7b3b3a020186") + bytes(16)


def wrapped(link):
    if link == 201:
        body = bytes.fromhex("7b333a80001234000100020304")
        sdu = struct.pack("<H", len(body)) + body
        l2cap = struct.pack("<HH", len(sdu), 0x40) + sdu
        acl = b"\x02" + struct.pack("<HH", 0x2001, len(l2cap)) + l2cap
        return [struct.pack(">I", way) + acl for way in (0, 1, 0)]
    return list(frames())


def pcapng(link):
    def block(kind, body):
        body += bytes(-len(body) % 4)
        return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)

    octets = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) + block(
        1, struct.pack("<HHI", link, 0, 0)
    )
    for n, packet in enumerate(wrapped(link)):
        body = struct.pack("<IIIII", 0, 0, n, len(packet), len(packet)) + packet + bytes(-len(packet) % 4)
        octets += block(6, body + struct.pack("<HHIHH", 2, 4, 2 - n % 2, 0, 0))
    return octets
