"""Two Linux guests: iperf3 and our own sender measure the same of the same air, and no more than it can carry."""

from statistics import median

import pytest

from tests.air import pairs

pytestmark = [pytest.mark.real, pytest.mark.soak]
#: Octets a second that both links carry with room to spare; 0 is TCP, which takes what there is.
LOADS = (3000.0, 0.0)
ROUNDS = 3


@pytest.fixture(scope="module", params=["ble", "ieee802154"])
def pair(request):
    with getattr(pairs, request.param)() as made:
        yield made


@pytest.mark.parametrize("load", LOADS, ids=["udp", "tcp"])
@pytest.mark.parametrize("way", ["there", "back"])
def test_iperf3_and_our_own_sender_agree(pair, way, load):
    """By turns, so that what else this machine does is in both; the median of each."""
    sender = pair.a if way == "there" else pair.b
    ours, theirs, tapped = [], [], []
    for _ in range(ROUNDS):
        ours.append(pair.ours(sender, load).rate)
        told, came = pair.theirs(sender, load)
        assert not told.error, told.error
        theirs.append(told.rate / 8)
        tapped.append(came.rate)
    shown = "; ".join(
        f"{name} {median(rates):.0f} ({min(rates):.0f} to {max(rates):.0f})"
        for name, rates in (("ours", ours), ("iperf3", theirs), ("iperf3 at the tap", tapped))
    )
    print(f"{way}, {load or 'TCP'}: {shown} B/s of {pair.ceiling:.0f} at most")
    assert 0 < max(ours + theirs) < pair.ceiling
    assert abs(median(ours) - median(theirs)) <= 0.1 * median(theirs), shown
