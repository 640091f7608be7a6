"""radvd in a Linux guest: a router advertisement daemon that knows the 6CO and the ABRO of RFC 6775.

Strategy: Debian's package is downloaded and unpacked, never installed, and sent to the running guest (`lab`). What it
is to advertise is written into its configuration file, as its administrator would write it, and it reads that again for
each change: it is ready when its log says so. It advertises to who solicits only (`UnicastOnly`), as the example for
6LoWPAN in radvd.conf(5) has it.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Final

from rigs.guests import lab
from rigs.guests.handles import AgentError
from rigs.guests.node_guest import NodeGuest
from rigs.guests.qemu import GuestError
from rigs.model import overdue

PACKAGES: Final = ("radvd",)
_PROGRAM: Final = "usr/sbin/radvd"
_CONFIGURATION, _LOG, _PID = "/run/radvd.conf", "/run/radvd.log", "/run/radvd.pid"
#: The version of what is advertised, which its administrator counts: 0x00020001, so that its halves differ.
VERSION: Final = (2, 1)
#: Minutes for which contexts and the border router are advertised.
MINUTES: Final = 600
#: Seconds in which it begins.
_READY: Final = 20.0


@dataclass
class Advertised:
    """What is advertised: addresses of the router's own, one for each prefix; and contexts by their number."""

    addresses: list[bytes] = field(default_factory=list)
    contexts: dict[int, tuple[int, bool]] = field(default_factory=dict)

    def configuration(self, interface: str) -> str:
        """The text of radvd.conf. A `lowpanco` block has no word for the prefix of its context."""
        prefixes = dict.fromkeys(address[:8] + bytes(8) for address in self.addresses)
        high, low = VERSION
        lines = [
            "AdvSendAdvert on;",
            "UnicastOnly on;",
            "AdvDefaultPreference high;",
            *(
                f"prefix {ipaddress.IPv6Address(p)}/64 {{ AdvOnLink off; AdvAutonomous on; }};"
                for p in prefixes
            ),
            *(
                f"lowpanco {{ AdvContextLength {length}; AdvContextCompressionFlag {'on' if compress else 'off'}; "
                f"AdvContextID {identifier}; AdvLifeTime {MINUTES}; }};"
                for identifier, (length, compress) in self.contexts.items()
            ),
            *(
                f"abro {ipaddress.IPv6Address(address)} {{ AdvVersionLow {low}; AdvVersionHigh {high}; "
                f"AdvValidLifeTime {MINUTES}; }};"
                for address in self.addresses[:1]
            ),
        ]
        inside = "\n".join(f"  {line}" for line in lines)
        return f"interface {interface} {{\n{inside}\n}};\n"


class Radvd:
    """The daemon on the DUT's interface. It does not run until `advertise`."""

    def __init__(self, guest: NodeGuest) -> None:
        """Send the program to the guest. Raises `GuestError`, and what making the archive raises."""
        self._guest = guest
        self._runs = False
        lab.unpack(guest, lab.programs(PACKAGES, {_PROGRAM: "usr/bin/radvd"}))
        # it says its version on its standard error
        said = self._command("radvd --version 2>&1 || :")
        found = re.search(r"Version: (\S+)", said)
        if found is None:
            raise GuestError(f"radvd in the guest tells no version: {said.strip()[-400:]}")
        self.version = found[1]

    def advertise(self, what: Advertised) -> None:
        """Advertise this, and nothing else, from now on. Raises `GuestError` with what it complains of."""
        text = what.configuration(self._guest.interface)
        # a new one says which interface is ready, one that runs when it has read its file again
        begin = (
            "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding\n"
            f"radvd -C {_CONFIGURATION} -p {_PID} -m logfile -l {_LOG} -d 5 </dev/null >/dev/null 2>&1"
        )
        act, told = (
            ("kill -HUP $(cat " + _PID + ")", "resuming normal operation")
            if self._runs
            else (begin, f"{self._guest.interface} is ready")
        )
        self._command(f": > {_LOG}\ncat > {_CONFIGURATION} <<'END'\n{text}END\n{act}")
        if self._guest.client.await_line(_LOG, told, timeout=_READY) is None:
            raise overdue(
                GuestError(f"radvd in the guest did not begin: {self._guest.client.read(_LOG)[-400:]}")
            )
        self._runs = True

    def stop(self) -> None:
        """End it, and wait until it has ended."""
        self._runs = False
        self._command(
            f"[ -s {_PID} ] || exit 0; pid=$(cat {_PID}); kill $pid\n"
            f"while [ -e /proc/$pid ]; do sleep 0.02; done; rm -f {_PID}"
        )

    def _command(self, command: str) -> str:
        try:
            return self._guest.client.check(command, netns=self._guest.netns)
        except AgentError as error:
            raise GuestError(f"radvd in the guest: {error}") from error
