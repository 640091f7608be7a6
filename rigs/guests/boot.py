"""From a `GuestSpec`, or an image, to a guest whose agent answers.

Strategy: make or find the image, try KVM if it passed its probe, fall back to plain emulation when it does not bring
the guest up (and remember that), and put a hard deadline on it all. Whatever goes wrong is said with the console's
last lines, which is where a kernel says why.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from rigs import clock
from rigs.guests import kvm
from rigs.guests.client import AgentClient
from rigs.guests.handles import AgentError, TransportClosed
from rigs.guests.held import Gate
from rigs.guests.image import GuestSpec, Image, Kernel, build
from rigs.guests.qemu import Accelerator, Guest, GuestError, qemu_program
from rigs.model import overdue

#: Plain emulation on one busy core brings the guest up in about 5 s.
BOOT_DEADLINE = 60.0
_KVM_DEADLINE = 10.0


@dataclass(frozen=True, slots=True)
class Booted:
    """A guest and its agent. Use it as a context manager, or call `stop`."""

    guest: Guest
    client: AgentClient
    seconds: float  #: from the start of QEMU to the agent's first word

    def __enter__(self) -> Booted:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the guest."""
        self.stop()

    def stop(self) -> None:
        """End the guest. May be called twice."""
        self.client.close()
        self.guest.stop()


def boot(
    what: GuestSpec | Image,
    *,
    kernel: Kernel | None = None,
    ports: Sequence[str] = ("agent",),
    run_dir: Path | None = None,
    deadline: float = BOOT_DEADLINE,
    devices: Sequence[str] = (),
    gate: Gate | None = None,
) -> Booted:
    """Boot a guest within `deadline` seconds (making the image of a `GuestSpec` the first time is not counted).

    `kernel` goes into an image that is made; `devices` are further arguments of QEMU; with a `gate` the guest can take
    turns. Raises `GuestError`, and what `image.build` raises.
    """
    program = qemu_program()  # before the download: without QEMU there is no point in it
    image = what if isinstance(what, Image) else build(what, kernel)
    end = clock.now() + deadline
    if gate is None and kvm.probe(program).usable:  # instructions are counted under plain emulation only
        try:
            return _attempt(image, "kvm", ports, run_dir, min(end, clock.now() + _KVM_DEADLINE), devices)
        except GuestError as error:
            kvm.distrust(program, f"a guest did not come up under KVM: {str(error).splitlines()[0]}")
    return _attempt(image, "tcg", ports, run_dir, end, devices, gate)


def _attempt(
    image: Image,
    accel: Accelerator,
    ports: Sequence[str],
    run_dir: Path | None,
    end: float,
    devices: Sequence[str],
    gate: Gate | None = None,
) -> Booted:
    guest = Guest(image, accel=accel, ports=ports, run_dir=run_dir, extra=devices, gate=gate)
    began, limit = time.monotonic(), end - clock.now()
    guest.start()
    client, late = AgentClient(guest.port("agent")), False
    try:
        if client.wait_ready(end):
            return Booted(guest, client, time.monotonic() - began)
        late = True
        what = f"did not come up within {limit:.0f} s ({accel})"
    except (TransportClosed, AgentError) as error:
        guest.wait(2)
        what = f"ended while it came up ({accel}): {error}"
    except BaseException:
        client.close()
        guest.stop()
        raise
    status = guest.status()
    client.close()
    guest.stop()
    last = "\n".join(guest.console_text().splitlines()[-15:]) or "(nothing)"
    failed = GuestError(
        f"the guest {what}; {status.state}: {status.detail}\nkernel {image.origin}; its console ended with:\n{last}"
    )
    raise overdue(failed) if late else failed
