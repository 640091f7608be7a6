"""The peers of the benchmark, each behind the same two calls: decode all payloads, encode all packets.

lwIP is called through ctypes as anybody in Python would, and does what `decode` and `encode` do: payload in, packet
out, and back. scapy's SixLoWPAN layer and tshark start from whole frames, as they take the link addresses from the MAC
header, so they are compared with the oracle on whole frames (`frames`), which then reads or writes the MAC header, too.
tshark reads a capture file (its start-up is measured apart and taken off). A peer that is not installed is left out,
and said so; lwIP must give the very octets of the oracle before anything is measured.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import logging
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from fixtures.evidence.pcapng import Interface, Packet, section
from rigs.model import Direction
from sixlowpan import LinkInfo, encode, mac
from tests.bench import mix
from tests.evidence import scapy_writer

Run = Callable[[], object]


def ours() -> tuple[Run, Run]:
    """The oracle."""
    from sixlowpan import decode

    payloads, packets = mix.payloads(), mix.packets()
    link, contexts = mix.LINK, mix.CONTEXTS
    return (
        lambda: [decode(p, link, contexts) for p in payloads],
        lambda: [encode(p, link, contexts) for p in packets],
    )


def frames() -> tuple[Run, Run]:
    """The oracle from and to whole frames."""
    from sixlowpan import decode, frame

    pan, link, contexts = b"\xab\xcd", mix.LINK, mix.CONTEXTS
    psdus = [mac.data_frame(mix.SOURCE, mix.DESTINATION, pan, 1, payload) for payload in mix.payloads()]
    packets = mix.packets()

    def read() -> list[bytes]:
        return [decode(*frame.parse(psdu), contexts) for psdu in psdus]

    def write() -> list[bytes]:
        return [
            mac.data_frame(link.src, link.dst, pan, 1, encode(packet, link, contexts)) for packet in packets
        ]

    return read, write


def scapy() -> tuple[Run, Run]:
    """scapy's sixlowpan layer, frame in and IPv6 out, and the reverse."""
    logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
    from scapy.layers.dot15d4 import Dot15d4, Dot15d4Data
    from scapy.layers.inet6 import IPv6
    from scapy.layers.sixlowpan import LoWPAN_IPHC

    frames = [mac.data_frame(mix.SOURCE, mix.DESTINATION, b"\xab\xcd", 1, p) for p in mix.payloads()]
    packets = mix.packets()

    def decode() -> None:
        for frame in frames:
            bytes(Dot15d4(frame)[LoWPAN_IPHC].payload)

    def encode() -> None:
        for packet in packets:
            mac_header = Dot15d4(fcf_destaddrmode=3, fcf_srcaddrmode=3) / Dot15d4Data(dest_addr=2, src_addr=1)
            bytes(mac_header / LoWPAN_IPHC(tf=3, sam=3, dam=3) / IPv6(packet))

    return decode, encode


class _Pbuf(ctypes.Structure):
    _fields_ = [("next", ctypes.c_void_p), ("payload", ctypes.c_void_p), ("tot_len", ctypes.c_uint16)]


class _LinkAddress(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint8), ("octets", ctypes.c_uint8 * 8)]


def lwip() -> tuple[Run, Run]:
    """lwIP's lowpan6_decompress and lowpan6_compress_headers. Raises OSError without the library."""
    lib = ctypes.CDLL("liblwip.so.0")
    lib.lwip_init()
    pbuf = ctypes.POINTER(_Pbuf)
    lib.pbuf_alloc.restype, lib.pbuf_alloc.argtypes = pbuf, [ctypes.c_int, ctypes.c_uint16, ctypes.c_int]
    lib.pbuf_free.argtypes = [pbuf]
    lib.pbuf_take.argtypes = [pbuf, ctypes.c_char_p, ctypes.c_uint16]
    lib.pbuf_copy_partial.argtypes = [pbuf, ctypes.c_char_p, ctypes.c_uint16, ctypes.c_uint16]
    address = ctypes.POINTER(_LinkAddress)
    lib.lowpan6_decompress.restype = pbuf
    lib.lowpan6_decompress.argtypes = [pbuf, ctypes.c_uint16, ctypes.c_void_p, address, address]
    octets = ctypes.POINTER(ctypes.c_uint8)
    lib.lowpan6_compress_headers.restype = ctypes.c_int8
    lib.lowpan6_compress_headers.argtypes = [
        ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t,
        octets, octets, ctypes.c_void_p, address, address,
    ]  # fmt: skip
    source = _LinkAddress(8, (ctypes.c_uint8 * 8)(*mix.SOURCE))
    destination = _LinkAddress(8, (ctypes.c_uint8 * 8)(*mix.DESTINATION))
    contexts = ctypes.create_string_buffer(20 * 10)
    contexts[:16] = mix.PREFIX + bytes(8)
    netif, out = ctypes.create_string_buffer(512), ctypes.create_string_buffer(256)
    string_at, byref = ctypes.string_at, ctypes.byref
    used, hidden = ctypes.c_uint8(), ctypes.c_uint8()
    text = ctypes.create_string_buffer(2048)
    payloads, packets = mix.payloads(), mix.packets()

    def decode() -> list[bytes]:
        result = []
        for payload in payloads:
            buffer = lib.pbuf_alloc(0, len(payload), 640)
            lib.pbuf_take(buffer, payload, len(payload))
            whole = lib.lowpan6_decompress(buffer, 0, contexts, source, destination)
            size = whole.contents.tot_len
            lib.pbuf_copy_partial(whole, text, size, 0)
            result.append(string_at(text, size))
            lib.pbuf_free(whole)
        return result

    def encode() -> list[bytes]:
        result = []
        for packet in packets:
            lib.lowpan6_compress_headers(
                netif, packet, len(packet), out, 256,
                byref(used), byref(hidden), contexts, source, destination,
            )  # fmt: skip
            result.append(string_at(out, used.value) + packet[hidden.value :])
        return result

    return decode, encode


def evidence(folder: Path) -> dict[str, Run]:
    """Our pcapng writer and scapy's: a new file of the mix's packets, in turn as frames and as an IP tap has them."""
    interfaces = [Interface("link", 230), Interface("dut-ip", 229)]
    taken = []
    for number, packet in enumerate(mix.packets()):
        frame = mac.data_frame(mix.SOURCE, mix.DESTINATION, b"\xab\xcd", 1, mix.payloads()[number])
        way: Direction = "sent" if number % 4 < 2 else "received"
        said = ("the mix",) if number == 0 else ()
        taken.append(
            Packet(number % 2, 1_790_000_000_000_000_000 + number, (frame, packet)[number % 2], way, said)
        )

    path = folder / "evidence.pcapng"

    def own() -> None:
        path.unlink(missing_ok=True)  # some file systems flush a file that is cut and written again
        path.write_bytes(section(interfaces, taken))

    def scapys() -> None:
        path.unlink(missing_ok=True)
        scapy_writer.write(path, interfaces, taken)

    return {"ours": own, "scapy": scapys}


def tshark_rate(repeats: int = 400) -> float:
    """Frames per second of CPU time that tshark dissects (one summary line each), without its start-up time.

    Without `-Q` and `-q`: a tshark that need print nothing dissects nothing.
    """
    program = shutil.which("tshark")
    if program is None:
        raise OSError("tshark is not installed")
    frames = [mac.data_frame(mix.SOURCE, mix.DESTINATION, b"\xab\xcd", 1, p) for p in mix.payloads()]

    def run(count: int) -> float:
        with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
            body = b"".join(struct.pack("<IIII", 0, 0, len(f), len(f)) + f for f in frames * count)
            Path(file.name).write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 230) + body)
            return spent([program, "-n", "-o", "6lowpan.context0:2001:db8::/64", "-r", file.name])

    return len(frames) * (repeats - 1) / (run(repeats) - run(1))


def spent(command: list[str]) -> float:
    """Seconds of CPU time of a whole process. Raises OSError where it ends with another status than 0."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise OSError(f"{command[0]} ended with status {process.returncode}")
    return used.ru_utime + used.ru_stime


def capture(path: Path, frames: int) -> None:
    """A capture of the mix as a sender sends it: multicasts to the broadcast address (RFC 4944 section 3)."""
    ends = [mix.DESTINATION if packet[24] != 0xFF else b"\xff\xff" for packet in mix.packets()]
    sent = [
        (dst, encode(packet, LinkInfo("ieee802154", mix.SOURCE, dst), mix.CONTEXTS))
        for packet, dst in zip(mix.packets(), ends, strict=True)
    ]
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 230))
        for number in range(frames):
            dst, payload = sent[number % len(sent)]
            psdu = mac.data_frame(mix.SOURCE, dst, b"\xab\xcd", number, payload)
            file.write(
                struct.pack("<IIII", number // 100, number % 100 * 10_000, len(psdu), len(psdu)) + psdu
            )


def readers(path: Path) -> dict[str, list[str]]:
    """Who reads a capture, each as a command."""
    own = [sys.executable, "-m", "sixlowpan", "judge", "--context", "0=2001:db8::/64", str(path)]
    program = shutil.which("tshark")
    theirs = [program or "", "-n", "-o", "6lowpan.context0:2001:db8::/64", "-r", str(path)]
    return {"ours": own, **({"tshark": theirs} if program else {})}
