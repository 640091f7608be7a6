"""A rig file of rigs/examples/ as its reader makes one of it: copied, with its EDIT lines edited and nothing else."""

import re
import shutil

from rigs.configuration.loading import RIGS

EXAMPLES = RIGS.parent / "examples"


def edited(name, folder, **values):
    """Copy an example and the profiles beside it to `folder`; each of `values` is what one of its EDIT lines gets."""
    shutil.copytree(EXAMPLES / "profiles", folder / "profiles", dirs_exist_ok=True)
    lines = (EXAMPLES / f"{name}.toml").read_text().splitlines()
    for at, line in enumerate(lines):
        key = re.match(r"(\w+) = .*# EDIT", line)
        if key and key[1] in values:
            lines[at] = f"{key[1]} = {values.pop(key[1])!r}"
    assert not values, f"{name}.toml says nowhere that one is to edit {', '.join(values)}"
    path = folder / f"my-{name}.toml"
    path.write_text("\n".join(lines) + "\n")
    return path
