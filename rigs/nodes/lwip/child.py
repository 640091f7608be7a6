"""lwIP as a process: loads Debian's liblwip, gives it one 6LoWPAN netif and moves octets; decides nothing.

A program of `rigs.links.forking`, of the standard library alone: the library is loaded once, and set up in each fork.
One thread: `lwip_init()` (never `tcpip_init`, there is no tcpip thread), then a poll loop that
hands frames to `lowpan6_input` or `rfc7668_input` and sleeps exactly until lwIP's next timer. An lwIP assertion
prints and calls abort(): that ends this process, and is meant to.

The tap: both input functions call `ip6_input` through the library's own jump table, so its entry is pointed at
a callback that shows the decompressed packet and then goes on. Constants and structure offsets are those of
Debian's build (LP64); what can be checked of them is checked before the node says that it is ready.
"""

import ctypes
import os
import select
import socket
import struct
import sys
import time
from typing import Any

FRAME, PACKET, REPLY, READY, DATAGRAM = 0x01, 0x02, 0x03, 0x04, 0x05
ADDRESS, CONTEXT, JOIN, PING, UDP_OPEN, UDP_SEND, SYNC, ADDRESSES, NO_ADDRESS = range(0x10, 0x19)

_STAMP = struct.Struct("=Bd")
_PBUF_RAM, _PBUF_RAW, _PBUF_TRANSPORT = 640, 0, 74
_INVALID, _PREFERRED = 0x00, 0x30
_OFFSETS = {"linkoutput": 0x128, "mtu": 0x150, "hwaddr": 0x154, "hwaddr_len": 0x15A, "flags": 0x15B}
_FLAG_UP, _FLAG_LINK_UP, _FLAG_MLD6 = 0x01, 0x04, 0x40
_ADDRESSES = 3
_TYPE_V6, _ICMPV6 = 6, 58
_DT_PLTRELSZ, _DT_STRTAB, _DT_SYMTAB, _DT_JMPREL = 2, 5, 6, 23

_LINK_OUTPUT = ctypes.CFUNCTYPE(ctypes.c_int8, ctypes.c_void_p, ctypes.c_void_p)
_IP6_INPUT = ctypes.CFUNCTYPE(ctypes.c_int8, ctypes.c_void_p, ctypes.c_void_p)
_CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_TRY_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int8, ctypes.c_void_p, ctypes.c_void_p)
_UDP_RECEIVE = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint16
)


class _Pbuf(ctypes.Structure):
    _fields_ = (
        ("next", ctypes.c_void_p),
        ("payload", ctypes.c_void_p),
        ("tot_len", ctypes.c_uint16),
        ("len", ctypes.c_uint16),
    )


def _library(name: str) -> Any:
    library: Any = ctypes.CDLL(name)
    pointer, u8, u16 = ctypes.c_void_p, ctypes.c_uint8, ctypes.c_uint16
    text = ctypes.c_char_p
    for function, result, arguments in (
        ("lwip_init", None, ()),
        ("sys_check_timeouts", None, ()),
        ("sys_timeouts_sleeptime", ctypes.c_uint32, ()),
        ("pbuf_alloc", pointer, (ctypes.c_int, u16, ctypes.c_int)),
        ("pbuf_free", u8, (pointer,)),
        ("pbuf_take", ctypes.c_int8, (pointer, text, u16)),
        ("pbuf_copy_partial", u16, (pointer, pointer, u16, u16)),
        ("netif_add_noaddr", pointer, (pointer, pointer, pointer, pointer)),
        ("netif_set_up", None, (pointer,)),
        ("netif_set_link_up", None, (pointer,)),
        ("netif_set_default", None, (pointer,)),
        ("netif_get_by_index", pointer, (u8,)),
        ("netif_ip6_addr_set", None, (pointer, ctypes.c_int8, pointer)),
        ("netif_ip6_addr_set_state", None, (pointer, ctypes.c_int8, u8)),
        ("netif_name_to_index", u8, (text,)),
        ("lowpan6_input", ctypes.c_int8, (pointer, pointer)),
        ("rfc7668_input", ctypes.c_int8, (pointer, pointer)),
        ("ip6_input", ctypes.c_int8, (pointer, pointer)),
        ("lowpan6_set_pan_id", ctypes.c_int8, (u16,)),
        ("lowpan6_set_short_addr", ctypes.c_int8, (u8, u8)),
        ("lowpan6_set_context", ctypes.c_int8, (u8, pointer)),
        ("rfc7668_set_context", ctypes.c_int8, (u8, pointer)),
        ("rfc7668_set_local_addr_mac48", ctypes.c_int8, (pointer, text, ctypes.c_size_t, ctypes.c_int)),
        ("rfc7668_set_peer_addr_mac48", ctypes.c_int8, (pointer, text, ctypes.c_size_t, ctypes.c_int)),
        ("mld6_joingroup_netif", ctypes.c_int8, (pointer, pointer)),
        ("ip6_select_source_address", pointer, (pointer, pointer)),
        ("ip6_chksum_pseudo", u16, (pointer, u8, u16, pointer, pointer)),
        ("raw_new_ip_type", pointer, (u8, u8)),
        ("raw_sendto_if_src", ctypes.c_int8, (pointer, pointer, pointer, pointer, pointer)),
        ("udp_new_ip_type", pointer, (u8,)),
        ("udp_bind", ctypes.c_int8, (pointer, pointer, u16)),
        ("udp_recv", None, (pointer, _UDP_RECEIVE, pointer)),
        ("udp_remove", None, (pointer,)),
        ("udp_sendto", ctypes.c_int8, (pointer, pointer, pointer, u16)),
    ):
        handle = getattr(library, function)
        handle.restype, handle.argtypes = result, arguments
    return library


def _word(address: int) -> int:
    return ctypes.c_uint64.from_address(address).value


def _writable(address: int) -> None:
    """Let the page of `address` be written: PROT_READ | PROT_WRITE."""
    page = os.sysconf("SC_PAGESIZE")
    if ctypes.CDLL(None).mprotect(ctypes.c_void_p(address // page * page), ctypes.c_size_t(page), 3) != 0:
        sys.exit("mprotect failed: the library cannot be adjusted")


def interpose(library: Any, symbol: bytes, function: Any) -> bool:
    """Point the library's own jump table entry of `symbol` at `function`; False when it has none.

    `dlopen` gives a `struct link_map`: load address first, dynamic section third; the table may be read-only.
    """
    base, dynamic = _word(library._handle), _word(library._handle + 16)
    tags: dict[int, int] = {}
    while tag := _word(dynamic):
        tags[tag], dynamic = _word(dynamic + 8), dynamic + 16
    strings, symbols, table = tags[_DT_STRTAB], tags[_DT_SYMTAB], tags[_DT_JMPREL]
    for entry in range(table, table + tags[_DT_PLTRELSZ], 24):
        name = ctypes.c_uint32.from_address(symbols + 24 * (_word(entry + 8) >> 32)).value
        if ctypes.string_at(strings + name) == symbol:
            slot = base + _word(entry)
            _writable(slot)
            address = ctypes.cast(function, ctypes.c_void_p).value
            ctypes.c_uint64.from_address(slot).value = address or 0
            return True
    return False


def enlarge_pool(library: Any) -> bool:
    """Make pool buffers as large as the library fills them; False when this build is not one known to need it.

    In Debian's 2.1.3 and 2.2.1 `pbuf.o` fills 1536 octets of a PBUF_POOL buffer and `memp.o` allocates 592 (and 24
    for the header): every BLE packet of more than about 500 octets is written past the end of its heap block.
    """
    start = ctypes.addressof(ctypes.c_uint8.in_dll(library, "memp_PBUF_POOL"))
    for at in (0, 8):  # 2.2.1 has a name in front of the size
        size = ctypes.c_uint16.from_address(start + at)
        if size.value == 592 + 24:
            _writable(start + at)
            size.value = 1536 + 24
            return True
    return False


class Lwip:
    """One netif of one kind, driven by the messages of one socket."""

    def __init__(self, kind: str, options: dict[str, bytes], channel: socket.socket, library: Any) -> None:
        self.kind, self.channel = kind, channel
        self.lwip = library
        self.repaired = "as_built" not in options and enlarge_pool(self.lwip)
        self.lwip.lwip_init()
        self._memory = ctypes.create_string_buffer(1024)
        self.netif = ctypes.addressof(self._memory)
        start, self.input = (
            (self.lwip.rfc7668_if_init, self.lwip.rfc7668_input)
            if kind == "ble"
            else (self.lwip.lowpan6_if_init, self.lwip.lowpan6_input)
        )
        self.lwip.netif_add_noaddr(
            self.netif,
            None,
            ctypes.cast(start, ctypes.c_void_p),
            ctypes.cast(self.lwip.ip6_input, ctypes.c_void_p),
        )
        self._output = _LINK_OUTPUT(self._transmit)
        self._place("linkoutput", ctypes.string_at(ctypes.byref(self._output), 8))
        self._place("hwaddr", options["hwaddr"])
        self._place("hwaddr_len", bytes((len(options["hwaddr"]),)))
        if kind == "ble":
            public = int(options["public"][0])
            self.lwip.rfc7668_set_local_addr_mac48(self.netif, options["hwaddr"], 6, public)
            self.lwip.rfc7668_set_peer_addr_mac48(self.netif, options["peer"], 6, public)
        else:
            self.lwip.lowpan6_set_pan_id(int.from_bytes(options["pan"], "big"))
            self.lwip.lowpan6_set_short_addr(*options["short"])
        # a port that wants solicited-node groups sets this flag (lwIP's own Ethernet ports do)
        self._place("flags", bytes((self._memory.raw[_OFFSETS["flags"]] | _FLAG_MLD6,)))
        self.lwip.netif_set_default(self.netif)
        self.lwip.netif_set_link_up(self.netif)
        self.lwip.netif_set_up(self.netif)
        self._check()
        self._tap = _IP6_INPUT(self._decompressed)
        self.taps = interpose(self.lwip, b"ip6_input", self._tap)
        # lwIP hands a packet to an address of its own, and little else, to its tcpip thread. There is none here, and
        # without one it aborts ("Invalid mbox"): the loop calls what that thread would call.
        self._later: list[tuple[int, int | None]] = []
        self._try_callback = _TRY_CALLBACK(self._call_later)
        interpose(self.lwip, b"tcpip_try_callback", self._try_callback)
        self._pcbs: dict[int, tuple[int, Any]] = {}
        self._raw = 0
        self._used: list[bytes] = []  # by the number that lwIP has for it; b"" where there is none
        self._new_address(options["address"])

    def _place(self, field: str, value: bytes) -> None:
        ctypes.memmove(self.netif + _OFFSETS[field], value, len(value))

    def _check(self) -> None:
        """Whether this build has the structure that the offsets are for."""
        raw = self._memory.raw
        mtu = struct.unpack_from("=H", raw, _OFFSETS["mtu"])[0]
        flags = raw[_OFFSETS["flags"]]
        if mtu != 1280 or flags & (_FLAG_UP | _FLAG_LINK_UP) != _FLAG_UP | _FLAG_LINK_UP:
            sys.exit(
                f"struct netif is laid out otherwise than in Debian's build (mtu {mtu}, flags {flags:#x})"
            )

    # -- to the tester ----------------------------------------------------------------------------------------

    def tell(self, kind: int, body: bytes = b"") -> None:
        self.channel.send(_STAMP.pack(kind, time.monotonic()) + body)

    def _octets(self, pbuf: int) -> bytes:
        size = _Pbuf.from_address(pbuf).tot_len
        buffer = ctypes.create_string_buffer(size or 1)
        copied = self.lwip.pbuf_copy_partial(pbuf, buffer, size, 0)
        return buffer.raw[:copied]

    def _transmit(self, _netif: int, pbuf: int) -> int:
        frame = self._octets(pbuf)
        self.tell(FRAME, frame if self.kind == "ble" else frame[:-2])  # lwIP appends the FCS
        return 0

    def _decompressed(self, pbuf: int, netif: int) -> int:
        self.tell(PACKET, self._octets(pbuf))
        return int(self.lwip.ip6_input(pbuf, netif))

    def _call_later(self, function: int, context: int | None) -> int:
        self._later.append((function, context))
        return 0

    def _datagram(self, arg: int, _pcb: int, pbuf: int, source: int, port: int) -> None:
        here = arg or 0
        body = here.to_bytes(2, "big") + ctypes.string_at(source, 16) + port.to_bytes(2, "big")
        self.tell(DATAGRAM, body + self._octets(pbuf))
        self.lwip.pbuf_free(pbuf)

    # -- from the tester --------------------------------------------------------------------------------------

    def _pbuf(self, data: bytes, layer: int = _PBUF_RAW) -> int:
        pbuf = self.lwip.pbuf_alloc(layer, len(data), _PBUF_RAM)
        if not pbuf:
            sys.exit("lwIP has no memory left for a frame")
        if data:
            self.lwip.pbuf_take(pbuf, data, len(data))
        return int(pbuf)

    def _ip(self, address: bytes) -> Any:
        """An ip_addr_t: 16 octets, zone (set where RFC 4007 wants one), padding, type."""
        scoped = address[:2] == b"\xfe\x80" or (address[0] == 0xFF and address[1] & 0xF in {1, 2})
        zone = self._memory.raw[self._number_at] + 1 if scoped else 0
        return ctypes.create_string_buffer(address + bytes((zone, 0, 0, 0, _TYPE_V6, 0, 0, 0)), 24)

    #: struct netif: flags, name[2], num
    _number_at = _OFFSETS["flags"] + 3

    def _new_address(self, address: bytes) -> int:
        if address in self._used:
            return 0
        if b"" not in self._used and len(self._used) < _ADDRESSES:
            self._used.append(b"")
        if b"" not in self._used:
            return -1
        number = self._used.index(b"")
        self.lwip.netif_ip6_addr_set(self.netif, number, self._ip(address))
        self.lwip.netif_ip6_addr_set_state(self.netif, number, _PREFERRED)
        self._used[number] = address
        return 0

    def _no_address(self, address: bytes) -> int:
        """Take an address back; the first is the node's own and stays."""
        if address in self._used[1:]:
            number = self._used.index(address, 1)
            self.lwip.netif_ip6_addr_set_state(self.netif, number, _INVALID)
            self._used[number] = b""
        return 0

    def _set_context(self, identifier: int, prefix: bytes) -> int:
        function = self.lwip.rfc7668_set_context if self.kind == "ble" else self.lwip.lowpan6_set_context
        return int(function(identifier, ctypes.create_string_buffer(prefix + bytes(4), 20)))

    def _ping(self, body: bytes) -> int:
        size, identifier, sequence = struct.unpack(">HHH", body[16:22])
        destination = self._ip(body[:16])
        source = self.lwip.ip6_select_source_address(self.netif, destination)
        if not source:
            return -4
        data = bytes(octet & 0xFF for octet in range(size))
        message = struct.pack(">BBHHH", 128, 0, 0, identifier, sequence) + data
        pbuf = self._pbuf(message, _PBUF_TRANSPORT)
        if not self._raw:
            self._raw = self.lwip.raw_new_ip_type(_TYPE_V6, _ICMPV6)
        value = self.lwip.ip6_chksum_pseudo(pbuf, _ICMPV6, len(message), source, destination)
        ctypes.c_uint16.from_address((_Pbuf.from_address(pbuf).payload or 0) + 2).value = value
        error = self.lwip.raw_sendto_if_src(self._raw, pbuf, destination, self.netif, source)
        self.lwip.pbuf_free(pbuf)
        return int(error)

    def _udp(self, port: int) -> int:
        if port not in self._pcbs:
            pcb = self.lwip.udp_new_ip_type(_TYPE_V6)
            if not pcb or self.lwip.udp_bind(pcb, self._ip(bytes(16)), port):
                return 0
            callback = _UDP_RECEIVE(self._datagram)
            self.lwip.udp_recv(pcb, callback, port)
            self._pcbs[port] = (pcb, callback)
        return self._pcbs[port][0]

    def _udp_send(self, body: bytes) -> int:
        source_port, port = struct.unpack(">HH", body[16:20])
        was_open = source_port in self._pcbs
        pcb = self._udp(source_port)
        if not pcb:
            return -8
        pbuf = self._pbuf(body[20:], _PBUF_TRANSPORT)
        error = self.lwip.udp_sendto(pcb, pbuf, self._ip(body[:16]), port)
        self.lwip.pbuf_free(pbuf)
        if not was_open:
            self.lwip.udp_remove(self._pcbs.pop(source_port)[0])
        return int(error)

    def handle(self, message: bytes) -> None:
        kind, body = message[0], message[1:]
        if kind == FRAME:
            self.input(self._pbuf(body), self.netif)
            return
        error, extra = 0, b""
        if kind == ADDRESS:
            error = self._new_address(body)
        elif kind == NO_ADDRESS:
            error = self._no_address(body)
        elif kind == CONTEXT:
            error = self._set_context(body[0], body[1:])
        elif kind == JOIN:
            error = int(self.lwip.mld6_joingroup_netif(self.netif, self._ip(body)))
        elif kind == PING:
            error = self._ping(body)
        elif kind == UDP_OPEN:
            error = 0 if self._udp(int.from_bytes(body, "big")) else -8
        elif kind == UDP_SEND:
            error = self._udp_send(body)
        elif kind == ADDRESSES:
            extra = b"".join(self._used)
        self.tell(REPLY, struct.pack("=b", error) + extra)

    def run(self) -> None:
        self.tell(READY, bytes((self.taps, self.repaired)))
        poll = select.poll()
        poll.register(self.channel, select.POLLIN)
        # lwIP leaves `lowpan6_tmr`, which ages incomplete datagrams, to its port. It is not called here: it aborts
        # up to a second behind whatever spoilt its list, and the abort would fall on a case that is not to blame.
        while True:
            while self._later:
                function, context = self._later.pop(0)
                _CALLBACK(function)(context)
            self.lwip.sys_check_timeouts()
            wait = self.lwip.sys_timeouts_sleeptime()
            if poll.poll(None if wait == 0xFFFFFFFF else max(wait, 1)):
                message = self.channel.recv(1 << 17)
                if not message:
                    return
                self.handle(message)


def prepare(library: str) -> Any:
    """Load the library, which is set up by nobody yet."""
    return _library(library)


def work(library: Any, channel: socket.socket, kind: str, options: str) -> None:
    """Be a node; `options` is `name=hex,...`."""
    given = {key: bytes.fromhex(value) for key, _, value in (o.partition("=") for o in options.split(","))}
    Lwip(kind, given, channel, library).run()
