import pytest

from rigs.nodes.lwip.node import LIBRARY, REMEDY, LwipProcess, installed
from tests.lwip.exchange import Exchange


@pytest.fixture(params=["ieee802154", "ble"])
def lwip(request):
    if not installed():
        pytest.skip(f"{LIBRARY} is absent: {REMEDY}")
    process = LwipProcess(request.param)
    yield Exchange(process)
    process.close()
