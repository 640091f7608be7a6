"""The cases about registration on a 6LN that registers, and on ones that do it wrongly: each wrong one is caught."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CAUGHT = {
    "": set(),
    "none": {"3.2.2/global_address_is_registered"},
    "first": {"3.2.4/earlier_registered_address"},
    "eui64": {"3.2.3/eui64_of_the_registration"},
    "early": {"3.2.4/unconfirmed_address", "3.2.4/unregistered_source_is_not_elided"},
    "context": {"3.2.3/context_is_taken"},
    "link-local": {"3.2.3/link_local_is_not_registered"},
    "on-link": {"3.2.3/same_prefix_goes_to_the_6lbr", "3.2.4/answer_to_a_context"},
}


@pytest.mark.parametrize("wrong", CAUGHT, ids=lambda wrong: wrong or "right")
def test_each_wrong_node_is_caught(wrong, tmp_path):
    suite = [f"suites/rfc7668/test_3_2_{n}.py" for n in (2, 3, 4)]
    command = [sys.executable, "-m", "pytest", *suite, "--rig", "tests/ble/registering.toml", "-q", "-n0"]
    command += ["--set", f'dut.wrong="{wrong}"', "--record-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    failed = set(re.findall(r"^FAIL \[registering\] rfc7668/(\S+):", done.stdout, re.MULTILINE))
    assert failed == CAUGHT[wrong] if wrong == "right" else failed >= CAUGHT[wrong], done.stdout[-3000:]
    assert re.search(r"^registering +\d+ .* 0$", done.stdout, re.MULTILINE), done.stdout[-3000:]  # no error
