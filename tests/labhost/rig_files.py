"""The rig files of `rigs/examples/` for the guest that plays a lab's hosts, as who copies them makes them.

Strategy: their EDIT lines are edited and nothing else. Their profiles get the deviations that the profiles of the
embedded rigs prove of the same kernel, which is what the profiles themselves advise.
"""

from pathlib import Path

from tests.rigs.example_files import edited

ROOT = Path(__file__).parents[2]
LINKS = ("802154", "ble")
#: The plugin for runs whose hosts belong to the process that starts them.
CLOCK = "tests.links.clock_of_the_peer"
#: What the embedded rigs have in place of the examples' values for a real medium: simulated ones lose nothing.
LOSSLESS = ("--set", "attempts=1", "--set", "settle=100ms")


def rig_file(lab, link, folder):
    """The example's rig file of a link, on the lab's hosts."""
    if link == "802154":
        hosts = {"link": f"packet:wpan0@ssh:{lab.login('tester')}", "console": f"ssh:{lab.login('dut')}"}
        return edited("linux-802154-ssh", folder, wpan="wpan1", **hosts)
    hosts = {"link": f"ipsp:hci:{lab.adapter}", "console": f"ssh:{lab.login('tester')}"}
    return edited("linux-ble-ssh", folder, address="02:4b:65:79:68:02", **hosts)


def declare_deviations(link, folder):
    """Put the deviations that are proved of Debian's kernel into the profile of a rig file."""
    proved = (ROOT / "rigs" / "profiles" / f"linux-6.1-{link}.toml").read_text()
    profile = folder / "profiles" / f"linux-{link}.toml"
    profile.write_text(f"{profile.read_text()}\n{proved[proved.index('[[deviation]]') :]}")
