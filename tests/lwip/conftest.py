import pytest

from rigs.nodes.lwip.library import INSTALLED, REMEDY, installed
from rigs.nodes.lwip.node import LwipProcess
from tests.lwip.exchange import Exchange


@pytest.fixture(params=["ieee802154", "ble"])
def lwip(request):
    if not installed():
        pytest.skip(f"{INSTALLED} is absent: {REMEDY}")
    process = LwipProcess(request.param)
    yield Exchange(process)
    process.close()
