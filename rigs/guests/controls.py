"""What a Linux DUT in a guest can be told to do, whatever link its 6LoWPAN interface is on.

Strategy: everything goes through the agent, as sockets and shell commands on one interface in one namespace. What was
asked for and must outlive the interface (addresses, contexts, groups) is remembered, because on Bluetooth LE the
interface goes with the connection: `restore` gives it all to the next one.
"""

from __future__ import annotations

import ipaddress
import re
from itertools import starmap

from rigs.guests.client import AgentClient
from rigs.guests.contexts import ContextTable, Place
from rigs.guests.handles import DatagramSocket, Handle, Listener
from rigs.guests.qemu import Guest

_IP, _TC = "/usr/bin/ip", "/usr/bin/tc"  # busybox has applets of these names, which its shell prefers
#: An address a line, in 32 digits, and at its end the interface.
_ADDRESSES = "/proc/net/if_inet6"


class Controls:
    """Sockets, addresses, groups and contexts of one interface, in the network namespace of the DUT ("": the root)."""

    def __init__(self, guest: Guest, client: AgentClient, interface: str, netns: str = "") -> None:
        self._guest, self._client, self.interface, self._netns = guest, client, interface, netns
        self._icmp: DatagramSocket | None = None
        self._udp: dict[int, DatagramSocket] = {}
        self._tcp: dict[int, Listener] = {}
        self._table: ContextTable | None = None
        self._tables: set[Place] = set()
        self._addresses: dict[bytes, int] = {}
        self._contexts: dict[int, tuple[bytes, int, bool]] = {}
        #: None where the interface is gone on which it was a member.
        self._groups: dict[bytes, Handle | None] = {}

    def addresses(self) -> tuple[bytes, ...]:
        """IPv6 addresses of the interface, link-local first."""
        rows = [row.split() for row in self._client.read(_ADDRESSES, self._netns).splitlines()]
        found = [bytes.fromhex(row[0]) for row in rows if row[-1] == self.interface]
        return tuple(sorted(found, key=lambda address: (address[:2] != b"\xfe\x80", address)))

    def add_address(self, address: bytes, prefix_length: int = 64) -> None:
        """Give the interface one more address, usable at once."""
        self._addresses[address] = prefix_length
        self._check(f"{_IP} -6 {self._replaces(address, prefix_length)}")

    def remove_address(self, address: bytes) -> None:
        """Take an address back that `add_address` gave it."""
        if address in self._addresses:
            text, length = ipaddress.IPv6Address(address), self._addresses.pop(address)
            self._check(f"{_IP} -6 addr del {text}/{length} dev {self.interface}")

    def _replaces(self, address: bytes, prefix_length: int) -> str:
        text = ipaddress.IPv6Address(address)
        return f"addr replace {text}/{prefix_length} dev {self.interface} nodad"

    def join(self, group: bytes) -> None:
        """Be a member of a multicast group, until `leave` or until the DUT is reset."""
        if self._groups.get(group) is None:
            self._groups[group] = self._client.join(group, self.interface, self._netns)

    def leave(self, group: bytes) -> None:
        """Leave a group that `join` made it a member of."""
        if (handle := self._groups.pop(group, None)) is not None:
            handle.close()

    def ping(self, destination: bytes, size: int, identifier: int, sequence: int) -> None:
        """Send one Echo Request with `size` octets of data (0, 1, 2, ...); does not wait for the answer."""
        if self._icmp is None:
            self._icmp = self._client.open_icmp(self._netns, self.interface)
        head = bytes([128, 0, 0, 0]) + identifier.to_bytes(2) + sequence.to_bytes(2)
        self._icmp.send(destination, 0, head + bytes(i & 255 for i in range(size)))

    def udp_open(self, port: int, *, echo: bool = False) -> None:
        """Open a UDP port; with `echo` the DUT sends back each datagram."""
        if port not in self._udp:
            self._udp[port] = self._client.open_udp(port, self._netns, self.interface, echo=echo)

    def udp_close(self, port: int) -> None:
        """Close a UDP port: datagrams to it draw ICMPv6 errors again."""
        if port in self._udp:
            self._udp.pop(port).close()

    def udp_send(self, destination: bytes, source_port: int, destination_port: int, data: bytes) -> None:
        """Send one datagram from `source_port`, which stays open."""
        self.udp_open(source_port)
        self._udp[source_port].send(destination, destination_port, data)

    def udp_receive(self, port: int, deadline: float) -> tuple[bytes, int, bytes] | None:
        """(source, source port, data) of the next datagram to an open port; None at `deadline`."""
        found = self._udp[port].receive(deadline)
        return (found.source, found.port, found.data) if found else None

    def tcp_listen(self, port: int) -> None:
        """Accept TCP connections on `port`, until the DUT is reset or its interface goes."""
        if port not in self._tcp:
            self._tcp[port] = self._client.open_tcp(port, self._netns)

    def tcp_connect(self, destination: bytes, port: int) -> None:
        """Connect to `port` of another node; by this port the connection is known from here on."""
        self._tcp[port] = self._client.connect_tcp(destination, port, self._netns, self.interface)

    def tcp_close(self, port: int) -> None:
        """Reset the connection of `port`, and accept no other."""
        if port in self._tcp:
            self._tcp.pop(port).close()

    def tcp_send(self, port: int, data: bytes) -> None:
        """Send octets on the latest connection to `port`."""
        self._tcp[port].send(data)

    def tcp_receive(self, port: int, deadline: float) -> bytes | None:
        """The next octets that came on it; None at `deadline`."""
        return self._tcp[port].receive(deadline)

    def set_context(
        self, identifier: int, prefix: bytes, length: int, *, compress: bool = True, active: bool = True
    ) -> None:
        """Define a context; see `contexts.ContextTable.set`. Raises `ContextError` when there is no way in."""
        self._contexts_there().set(identifier, prefix, length, compress=compress, active=active)
        if active:
            self._contexts[identifier] = (prefix, length, compress)
        else:
            self._contexts.pop(identifier, None)

    def clear_contexts(self) -> None:
        """Make all contexts undefined."""
        self._contexts_there().clear()
        self._contexts.clear()

    def _contexts_there(self) -> ContextTable:
        if self._table is None:
            self._table = ContextTable(self._guest, self._client, self.interface, self._tables, self._netns)
        return self._table

    def _check(self, command: str) -> str:
        return self._client.check(command, netns=self._netns)

    def counters(self) -> dict[str, int]:
        """`/proc/net/snmp6`: Ip6InReceives and so on; queue_dropped: packets that never left its queue."""
        text = self._check(f"cat /proc/net/snmp6; {_TC} -s qdisc show dev {self.interface}")
        lines = [line.split() for line in text.splitlines()]
        found = {words[0]: int(words[1]) for words in lines if len(words) == 2 and words[1].isdigit()}
        return found | {"queue_dropped": sum(map(int, re.findall(r"\(dropped (\d+),", text)))}

    def interface_gone(self) -> None:
        """Close what hung on the interface; what it was given is remembered."""
        if self._table is not None and self._table.place is not None:
            (self._tables.add if self._contexts else self._tables.discard)(self._table.place)
        for handle in (self._icmp, *self._udp.values(), *self._tcp.values(), *self._groups.values()):
            if handle is not None:
                handle.close()
        self._icmp, self._udp, self._tcp, self._table = None, {}, {}, None
        self._groups = dict.fromkeys(self._groups)

    def restore(self) -> None:
        """Give the new interface what the old one had been given."""
        for identifier, (prefix, length, compress) in dict(self._contexts).items():
            self.set_context(identifier, prefix, length, compress=compress)
        if self._addresses:  # by one process: each costs 20 ms of CPU under plain emulation
            lines = "\n".join(starmap(self._replaces, self._addresses.items()))
            self._check(f"{_IP} -6 -batch - <<'END'\n{lines}\nEND")
        for group in self._groups:
            self.join(group)

    def forget(self) -> None:
        """Remember nothing: the DUT is as new."""
        self._addresses.clear()
        self._contexts.clear()
        for group in list(self._groups):
            self.leave(group)
