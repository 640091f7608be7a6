"""The wrong oracles: the vectors catch each of them, and find nothing wrong with the oracle as it is."""

import subprocess
import sys

from tests.mutation.oracles import ORACLES, ROOT, outcomes
from vectors.catalogue import CATALOGUE


def test_each_names_what_it_breaks():
    assert all(oracle.requirement in CATALOGUE for oracle in ORACLES.values())


def test_the_vectors_catch_each():
    assert [name for name, killer in outcomes(2) if not killer] == []


def test_the_oracle_as_it_is_survives():
    code = "from tests.mutation.oracles import *; print(killer(Oracle('', '', ())))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_an_edit_that_does_not_fit_is_told():
    code = (
        "from tests.mutation.oracles import *; print(killer(Oracle('', '', (('iphc', 'no such text', ''),))))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "'no such text' stands there 0 times, not once" in done.stderr
