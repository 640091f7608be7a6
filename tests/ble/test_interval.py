"""What only the tester's own controllers can do is unsupported on a real adapter, not an error of the rig."""

import pytest

from rigs.links.ipsp.bench import IpspBench
from rigs.model import Unsupported


def test_the_interval_of_a_real_adapter_is_not_ours():
    bench = IpspBench.__new__(IpspBench)
    bench._medium = None  # as with hci:usb:0
    with pytest.raises(Unsupported, match="central's") as caught:
        bench.set_interval(0.03)
    assert caught.value.reason == "not_on_this_link"
