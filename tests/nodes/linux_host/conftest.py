"""A shell of this machine in namespaces of its own, as the host that the adapter works on."""

import shutil
import subprocess

import pytest

from rigs import registry
from rigs.configuration.models import RigFile
from rigs.nodes.linux_host import node as linux_host

TOOLS = [
    *(
        "basename",
        "cat",
        "cut",
        "dmesg",
        "env",
        "grep",
        "id",
        "ls",
        "mkdir",
        "mkfifo",
        "mount",
        "readlink",
        "rm",
    ),
    *("sed", "seq", "sh", "sleep", "timeout", "touch", "uname"),
]


@pytest.fixture(scope="session")
def namespaces():
    """Skips where no namespaces can be made."""
    able = shutil.which("unshare") and shutil.which("ip")
    if not able or subprocess.run(["unshare", "-Urnm", "true"], check=False, capture_output=True).returncode:
        pytest.skip("no namespaces can be made here")


@pytest.fixture
def path(tmp_path):
    """A folder of the tools that a host has; nothing else is on its PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        (folder / tool).symlink_to(shutil.which(tool, path="/usr/bin:/bin:/usr/sbin:/sbin"))
    return folder


@pytest.fixture
def host(tmp_path, bench, namespaces):
    """Starts a shell in namespaces of its own, set up by `script`; returns the node on it."""

    def start(script, *, link="memory:802154", shell="sh -i", **options):
        (tmp_path / "setup.sh").write_text(f"set -e\n{script}\nexec {shell}\n")
        rig = RigFile.model_validate(
            {
                "schema": 1,
                "profile": "p",
                "tester": {"link": link, "channel": 21, "pan": 0x23},
                "dut": {"node": "linux_host", "console": f"process:unshare -Urnm sh {tmp_path}/setup.sh"}
                | options,
            }
        )
        registry.verify(rig)
        return linux_host.open_node(bench, rig)

    return start
