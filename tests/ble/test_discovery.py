"""Discovery: the program with a bleak of our own making, the archive for a guest, and its place in the cache."""

import asyncio
import json
import sys
from types import SimpleNamespace

import pytest

from rigs import discovery
from rigs.guests import lab, packages

FULL = "0000{}-0000-1000-8000-00805f9b34fb".format


def device(address, advertised, services=(), name="n", refuses=False):
    return SimpleNamespace(
        device=SimpleNamespace(address=address, services=services, refuses=refuses),
        data=SimpleNamespace(service_uuids=[FULL(u) for u in advertised], local_name=name, rssi=-42),
    )


@pytest.fixture
def bleak(monkeypatch):
    """A bleak that sees these devices."""
    around = []

    class BleakScanner:
        def __init__(self, heard):
            self.heard = heard

        async def __aenter__(self):
            for entry in around:
                self.heard(entry.device, entry.data)
            await asyncio.sleep(0)

        async def __aexit__(self, *_):
            return None

    class BleakClient:
        def __init__(self, found, timeout):
            self.found = found

        async def __aenter__(self):
            if self.found.refuses:
                raise OSError("le-connection-abort-by-local")
            self.services = [SimpleNamespace(uuid=FULL(u)) for u in self.found.services]
            return self

        async def __aexit__(self, *_):
            return None

    monkeypatch.setitem(
        sys.modules, "bleak", SimpleNamespace(BleakScanner=BleakScanner, BleakClient=BleakClient)
    )
    return around


def told(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_those_with_the_service_are_found(bleak, capsys):
    bleak += [device("AA:01", ["1820", "180f"], ["1801", "1820"]), device("AA:02", ["180f"])]
    assert discovery.main(["--seconds", "0.01"]) == 0
    assert told(capsys) == [
        {
            "address": "AA:01",
            "name": "n",
            "rssi": -42,
            "advertised": ["180f", "1820"],
            "services": ["1801", "1820"],
        }
    ]


def test_a_named_device_is_asked_whatever_it_advertises(bleak, capsys):
    bleak += [device("AA:01", ["1820"]), device("AA:02", [], ["1800"])]
    assert discovery.main(["--address", "aa:02"]) == 0
    assert [entry["services"] for entry in told(capsys)] == [["1800"]]


def test_nobody(bleak, capsys):
    assert discovery.main(["--seconds", "0.01"]) == 4
    assert told(capsys) == []


def test_one_that_cannot_be_connected_to(bleak, capsys):
    bleak.append(device("AA:01", ["1820"], refuses=True))
    assert discovery.main(["--seconds", "0.01"]) == 0
    (entry,) = told(capsys)
    assert entry["services"] is None
    assert "abort-by-local" in entry["error"]


def test_without_bleak_the_remedy_is_told(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "bleak", None)
    assert discovery.main([]) == 3
    assert "pip install" in capsys.readouterr().err


def test_a_host_that_cannot_scan(monkeypatch, capsys):
    def broken(_heard):
        raise RuntimeError("org.bluez was not provided")

    monkeypatch.setitem(sys.modules, "bleak", SimpleNamespace(BleakScanner=broken, BleakClient=None))
    assert discovery.main(["--seconds", "0"]) == 3
    assert "cannot scan: RuntimeError: org.bluez" in capsys.readouterr().err


def test_an_adapter_that_bluez_has_later_is_waited_for(bleak, monkeypatch, capsys):
    """On a busy host bluetoothd has just begun when bleak asks it."""
    bleak.append(device("AA:01", ["1820"], ["1820"]))
    said = [
        "org.bluez was not provided",
        "No Bluetooth adapters found.",
        "No powered Bluetooth adapters found.",
    ]
    scanner = sys.modules["bleak"].BleakScanner

    class Later(scanner):
        async def __aenter__(self):
            if said:
                raise RuntimeError(said.pop(0))
            return await super().__aenter__()

    monkeypatch.setattr(sys.modules["bleak"], "BleakScanner", Later)
    monkeypatch.setattr(discovery, "_LOOK", 0)
    assert discovery.main(["--address", "aa:01"]) == 0
    assert [entry["services"] for entry in told(capsys)] == [["1820"]]


def test_uuids():
    own = "6E400001-b5a3-f393-e0a9-e50e24dcca9e"
    assert [discovery.short(uuid) for uuid in (FULL("1820"), own)] == ["1820", own.lower()]


class Tree:
    """What `packages.ensure` gives, made by hand: as little of Debian as the archive needs to be made."""

    def __init__(self, root, files):
        for name, content in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)
        self.root, self.digest, self.packages = root, "digest", ()


def test_the_archive(tmp_path, monkeypatch):
    base = Tree(
        tmp_path / "base",
        {
            "usr/lib/python3.11/asyncio/base.py": b"x = 1\n",
            "usr/lib/python3.11/test/big.py": b"y = 1\n",
            "usr/libexec/bluetooth/bluetoothd": b"daemon",
        },
    )
    extra = Tree(
        tmp_path / "extra",
        {"usr/lib/python3/dist-packages/bleak/__init__.py": b"z = 1\n", "usr/bin/dbus-daemon": b"bus"},
    )
    monkeypatch.setattr(lab.image, "tree", lambda _spec, cache: base)
    monkeypatch.setattr(packages, "ensure", lambda _names, cache: extra)
    monkeypatch.setattr(lab.image, "add_libraries", lambda *_: None)
    made = lab.archive(cache=tmp_path)
    for name in (
        b"lab/bin/dbus-daemon",
        b"lab/bin/bluetoothd",
        b"lab/site/bleak",
        b"lab/discovery.py",
        b"asyncio/base.py",
    ):
        assert name in made
    assert b"test/big" not in made
    monkeypatch.setattr(lab, "_made", lambda *_: pytest.fail("it is in the cache"))
    assert lab.archive(cache=tmp_path) == made


def test_without_a_daemon_it_is_told(tmp_path, monkeypatch):
    base = Tree(tmp_path / "base", {"usr/lib/python3.11/os.py": b""})
    extra = Tree(tmp_path / "extra", {"usr/bin/dbus-daemon": b"bus"})
    monkeypatch.setattr(lab.image, "add_libraries", lambda *_: None)
    with pytest.raises(lab.image.ImageError, match="bluetoothd"):
        lab._made(base.root, extra.root)
