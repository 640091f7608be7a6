"""`python -m rigs.guests`: get ready what the Linux guests boot, and say what that takes."""

from __future__ import annotations

import argparse
import logging
import sys
import time

from rigs.guests import image, packages
from rigs.guests.image import ImageError
from rigs.guests.modules import ModuleError
from sixlowpan import command


def main(arguments: list[str] | None = None) -> int:
    """Download (once), unpack and build; exit 0 ready, 1 not to be had."""
    parser = argparse.ArgumentParser(
        prog="python -m rigs.guests",
        description="Get the Linux guest ready: Debian packages are downloaded into the user cache, checked by apt "
        "against its signed lists, unpacked there and never installed; then the guest's image is built from them. "
        "Nothing is downloaded when the cache is complete.",
        epilog="KEYHOLE_CACHE names another cache; KEYHOLE_KERNEL (with KEYHOLE_KERNEL_MODULES) another kernel.",
    )
    parser.add_argument(
        "--refresh", action="store_true", help="ask apt for newer packages although the cache is complete"
    )
    chosen = parser.parse_args(arguments)
    start = time.monotonic()
    logging.basicConfig(level=logging.INFO, format="keyhole: %(message)s", stream=sys.stdout)
    try:
        if chosen.refresh:
            packages.ensure(
                sorted({*packages.BASE, *image.HWSIM.packages, *image.BLE.packages}), refresh=True
            )
        made = image.build(image.HWSIM)
    except (packages.PackageError, ImageError, ModuleError) as error:
        print(f"keyhole: the Linux guest is not to be had: {error}", file=sys.stderr)
        return 1
    print(f"keyhole: the Linux guest is ready: {made.origin} ({time.monotonic() - start:.1f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(command.run("python -m rigs.guests", main))
