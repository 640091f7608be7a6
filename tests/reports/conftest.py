"""The sample record, written once for each test that reads it."""

import importlib.util
import sys
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location("keyhole_sample", Path(__file__).with_name("sample.py"))
sample = importlib.util.module_from_spec(_spec)
sys.modules["keyhole_sample"] = sample
_spec.loader.exec_module(sample)


@pytest.fixture(name="sample")
def sample_module():
    return sample


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    sample.write_record(folder)
    return folder
