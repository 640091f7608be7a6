"""`python -m tests.labhost`: the whole suites on Linux behind ssh, over both links, on the guest that plays the hosts.

Strategy: both links at once, because each has hosts of its own (`rig_files`). Their clocks see that the guest, which is
this process's, is held up. What stands behind "--" goes to pytest, such as `--shard 1/4`. The records are in
reports/out/labhost-802154 and -ble.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.labhost.host import LabHosts
from tests.labhost.rig_files import CLOCK, LINKS, LOSSLESS, ROOT, declare_deviations, rig_file


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.labhost", description=__doc__.partition("\n")[0])
    parser.add_argument("--links", nargs="+", choices=LINKS, default=LINKS)
    parser.add_argument("words", nargs="*", help="of pytest, behind --")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, LabHosts(Path(place)) as lab:
        running = []
        for link in options.links:
            folder = Path(place) / link
            folder.mkdir()
            rig = rig_file(lab, link, folder)
            declare_deviations(link, folder)
            out = ROOT / "reports" / "out" / f"labhost-{link}"
            command = [sys.executable, "-m", "pytest", "suites", "-n0", "-q", "-p", CLOCK, "--rig", str(rig)]
            command += [*LOSSLESS, "--record-dir", str(out), *options.words]
            running.append(subprocess.Popen(command, cwd=ROOT))
        return max([process.wait() for process in running])


if __name__ == "__main__":
    sys.exit(main())
