"""Inside the guest: what is known of each open socket, and how its addresses are written."""

from __future__ import annotations

import _socket

from rigs.guests import wire


class Open:
    """An open socket behind a handle. `kind` is the request that made it."""

    def __init__(self, sock: _socket.socket, kind: int, interface: int = 0, *, echo: bool = False) -> None:
        """`interface` is the index that scopes link-local destinations."""
        self.sock, self.kind, self.interface, self.echo = sock, kind, interface, echo
        self.sender = sock  # what frames are sent on
        self.port = 0  # of a TCP connection: the handle of the socket that accepted it, or its own
        self.latest = 0  # of a TCP port: the connection that was accepted last
        self.waiting = bytearray()  # what a TCP connection has not taken yet, or the first one will


def endpoint(body: bytes, interface: int) -> tuple[str, int, int, int]:
    """Address and port as the socket calls want them; `interface` scopes what is link-local or multicast."""
    address, port = wire.ENDPOINT.unpack_from(body)
    scope = interface if address[:2] == b"\xfe\x80" or address[0] == 0xFF else 0
    return (_socket.inet_ntop(_socket.AF_INET6, address), port, 0, scope)
