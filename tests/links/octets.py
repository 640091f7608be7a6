"""What the tests of links write out once more, from the standard and not from our own code."""


def fcs(psdu):
    """IEEE 802.15.4-2006 §7.2.1.9, bit by bit."""
    crc = 0
    for octet in psdu:
        for bit in range(8):
            crc = crc >> 1 ^ (0x8408 if (crc ^ octet >> bit) & 1 else 0)
    return crc.to_bytes(2, "little")
