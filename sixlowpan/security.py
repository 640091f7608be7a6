"""MAC security of IEEE 802.15.4 (section 9) and Thread's keys: secured frames to plain ones and back.

Strategy: AES-CCM* with the header as associated data, a nonce of the sender's EUI-64, frame counter and security level;
in TSCH of EUI-64 and slot number, which a frame does not carry.
The cipher is that of the package `cryptography`, the one import of the oracle from outside (docs/adr/0008), made when
the first secured frame comes; without the package nothing else is missing.

Thread: key id mode 1, and the key is the second half of HMAC-SHA256(network key, key sequence as 4 octets ||
"Thread"), the key index its low 7 bits plus 1. Key id mode 2: key and nonce address are constants that every Thread
node knows.
"""

from __future__ import annotations

import hashlib
import hmac
import importlib.util
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from sixlowpan import mac
from sixlowpan.errors import DecodeError
from sixlowpan.mac import MacHeader

#: The constants of Thread's key id mode 2: key, address in the nonce, key source and index.
KNOWN_KEY: Final = bytes.fromhex("78581686fdb4580fb092546aecbd1566")
KNOWN_ADDRESS: Final = bytes.fromhex("3506feb823d48712")
KNOWN_KEY_ID: Final = bytes.fromhex("ffffffffff")
#: bit 6 of the security control field of frame version 2, "ASN in Nonce"; the slot number has 5 octets
_SLOT_IN_NONCE: Final = 0x40
_SLOTS: Final = (1 << 40) - 1
MIC_OCTETS: Final = (0, 4, 8, 16)
_MOST: Final = 256
#: Thread rotates its key each 28 days by default; the key index leaves open which round of 128 it is.
_ROUNDS: Final = 4


class SecurityError(Exception):
    """A secured frame that cannot be opened with this key, and why."""


def available() -> bool:
    """True if the package `cryptography` is installed."""
    return importlib.util.find_spec("cryptography") is not None


def thread_mac_key(network_key: bytes, sequence: int) -> bytes:
    """The MAC key (16 octets) of a key sequence: HMAC-SHA256, the first half is MLE's, the second is the MAC's."""
    return hmac.digest(network_key, sequence.to_bytes(4, "big") + b"Thread", hashlib.sha256)[16:]


def parse(frame: bytes) -> tuple[MacHeader, bytes]:
    """The MAC header of a frame, and what is behind it. Raises SecurityError where there is none."""
    try:
        return mac.parse(frame)
    except DecodeError as error:
        raise SecurityError(f"no MAC header: {error}") from error


def unprotect(frame: bytes, key: bytes, address: bytes, slot: int | None = None) -> bytes:
    """A secured frame (PSDU without FCS) as the plain one that it stands for; a plain one unchanged.

    `address` is the EUI-64 (big-endian) of the nonce, `slot` the absolute slot number in which a frame of TSCH was
    sent. Raises SecurityError.
    """
    header, body = parse(frame)
    if not header.security:
        return frame
    level = header.security_control & 7
    slotted = header.frame_counter is None or (
        header.version == 2 and header.security_control & _SLOT_IN_NONCE
    )
    if slotted and slot is None:
        raise SecurityError(
            "its nonce has the slot number of TSCH, which only a TAP capture (link type 283) may carry"
        )
    if not MIC_OCTETS[level & 3]:
        raise SecurityError(f"security level {level}: without an integrity code no key can be checked")
    clear = frame[: len(frame) - len(body) - len(header.mic)]
    secret, seen = (body, clear) if level & 4 else (b"", clear + body)
    if slotted:
        assert slot is not None
        # IEEE 802.15.4-2015 section 9.3.2.2: source address, absolute slot number
        nonce = address + (slot & _SLOTS).to_bytes(5, "big")
    else:
        assert header.frame_counter is not None
        nonce = _nonce(address, header.frame_counter, level)
    plain = _decrypt(key, nonce, secret + header.mic, seen, len(header.mic))
    bare = replace(header, security=False, security_control=0, frame_counter=None, key_id=b"", mic=b"")
    return mac.build(bare, plain if level & 4 else body)


def protect(header: mac.MacHeader, payload: bytes, key: bytes, address: bytes) -> bytes:
    """A secured frame: `header` has its auxiliary security header already, and a level of 5 or more."""
    assert header.frame_counter is not None
    assert header.security_control & 4
    level = header.security_control & 7
    clear = mac.build(header, b"")
    nonce = _nonce(address, header.frame_counter, level)
    return clear + _encrypt(key, nonce, payload, clear, MIC_OCTETS[level & 3])


def _nonce(address: bytes, counter: int, level: int) -> bytes:
    """IEEE 802.15.4-2015 section 9.3.2.1: source address, frame counter, security level."""
    return address + counter.to_bytes(4, "big") + bytes((level,))


def _encrypt(key: bytes, nonce: bytes, plain: bytes, clear: bytes, tag: int) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESCCM

    return AESCCM(key, tag_length=tag).encrypt(nonce, plain, clear)


def _decrypt(key: bytes, nonce: bytes, secret: bytes, clear: bytes, tag: int) -> bytes:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESCCM

    try:
        return AESCCM(key, tag_length=tag).decrypt(nonce, secret, clear)
    except InvalidTag as error:
        raise SecurityError("the integrity code does not hold under this key") from error


class Opener:
    """Opens the frames of a capture with a few keys, each a MAC key or a Thread network key: which, the frames show.

    A nonce has the sender's EUI-64, and a frame may name its short address only. So every EUI-64 that this PAN has
    shown is tried, and the one that the integrity code agrees with is kept.
    """

    def __init__(self, keys: Iterable[bytes]) -> None:
        self._keys = list(keys)
        self._seen: dict[bytes, None] = {}  # EUI-64s, latest last
        self._found: dict[tuple[bytes | None, bytes, bytes], tuple[bytes, bytes]] = {}
        self._derived: dict[int, list[bytes]] = {}

    def saw(self, *addresses: bytes) -> None:
        """Remember the EUI-64s of a frame."""
        for address in addresses:
            if len(address) == 8 and address not in self._seen:
                if len(self._seen) >= _MOST:
                    del self._seen[next(iter(self._seen))]
                self._seen[address] = None

    def open(self, frame: bytes, header: mac.MacHeader, slot: int | None = None) -> bytes:
        """The plain frame (`slot` as for `unprotect`); SecurityError if no key opens it."""
        link = (header.pan, header.src, header.key_id)
        found = self._found.get(link)
        if found is not None:
            try:
                return unprotect(frame, *found, slot)
            except SecurityError:
                del self._found[link]
        if len(header.src) != 8 and not self._seen and header.key_id != KNOWN_KEY_ID:
            raise SecurityError("the EUI-64 of the sender is not known")
        failure = SecurityError("no key")
        for key, address in self._candidates(header):
            try:
                plain = unprotect(frame, key, address, slot)
            except SecurityError as error:
                failure = error
                continue
            if len(self._found) >= _MOST:
                self._found.clear()
            self._found[link] = key, address
            return plain
        raise failure

    def _candidates(self, header: mac.MacHeader) -> Iterator[tuple[bytes, bytes]]:
        mode = header.security_control >> 3 & 3
        if mode == 2 and header.key_id == KNOWN_KEY_ID:
            yield KNOWN_KEY, KNOWN_ADDRESS
        addresses = [header.src] if len(header.src) == 8 else list(reversed(self._seen))
        keys = self._keys + (self._thread_keys(header.key_id[-1]) if mode == 1 else [])
        for key in keys:
            for address in addresses:
                yield key, address

    def _thread_keys(self, index: int) -> list[bytes]:
        if index not in self._derived:
            sequences = [(index - 1 & 0x7F) + 128 * turn for turn in range(_ROUNDS)]
            self._derived[index] = [
                thread_mac_key(key, sequence) for sequence in sequences for key in self._keys
            ]
        return self._derived[index]
