"""A labgrid farm on loopback: a real coordinator, a real exporter, two boards of one kind."""

import http.server
import shutil
import socket
import threading

import pytest

from rigs.guests import processes
from rigs.leases.labgrid_client import OURS, Client
from tests.waiting import until

EXPORTED = """
{board}:
  NetworkSerialPort: {{host: 127.0.0.1, port: {port}, protocol: raw}}
  NetworkPowerPort: {{model: rest, host: "http://127.0.0.1:{power}/{board}", index: 0}}
  NetworkService: {{address: 192.0.2.7, username: root}}
"""
BOARDS = {"nrf-1": "00124b0000000001", "nrf-2": "00124b0000000002"}
PROMPT = b"uart:~$ "


def program(name):
    return shutil.which(name) or shutil.which(name, path=str(OURS))


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Farm:
    """Coordinator and exporter at work; `log` is what the coordinator has told so far."""

    def __init__(self, folder):
        self.folder, self.address = folder, f"127.0.0.1:{free_port()}"
        self.coordinator = self._start("coordinator", "-l", self.address)
        until(lambda: "Coordinator ready" in self.log)
        self.consoles = [socket.create_server(("127.0.0.1", 0)) for _ in BOARDS]
        for console in self.consoles:
            threading.Thread(target=self._serve, args=(console,), daemon=True).start()
        #: What the lab's power supply was asked: (path, data).
        self.switched = []
        self.supply = http.server.HTTPServer(("127.0.0.1", 0), self._supply())
        threading.Thread(target=self.supply.serve_forever, daemon=True).start()
        power = self.supply.server_port
        ports = [console.getsockname()[1] for console in self.consoles]
        exported = "".join(
            EXPORTED.format(board=b, port=p, power=power) for b, p in zip(BOARDS, ports, strict=True)
        )
        (folder / "exported.yaml").write_text(exported)
        self.exporter = self._start(
            "exporter", "-c", self.address, "-n", "lab", str(folder / "exported.yaml")
        )
        self.client = Client("test", "somebody", self.address)
        for board, address in BOARDS.items():
            self.client.call("-p", board, "create")
            self.client.call("-p", board, "add-match", f"lab/{board}/*")
            self.client.call("-p", board, "set-tags", "board=nrf", f"eui={address}", f"only={board}")
        until(lambda: self.log.count("avail: true") >= 3 * len(BOARDS))

    def _start(self, part, *arguments):
        words = ["env", "-C", str(self.folder), "PYTHONUNBUFFERED=1", program(f"labgrid-{part}"), *arguments]
        with (self.folder / f"{part}.log").open("wb") as log:
            return processes.start(words, log)

    def _serve(self, console):
        while True:
            try:
                with console.accept()[0] as peer:
                    while peer.recv(1):
                        peer.sendall(PROMPT)
            except OSError:
                return

    def _supply(self):
        class Supply(http.server.BaseHTTPRequestHandler):
            def do_PUT(handler):  # noqa: N805 - the library's name, and the farm is self
                data = handler.rfile.read(int(handler.headers["Content-Length"]))
                self.switched.append((handler.path, data))
                handler.send_response(200)
                handler.end_headers()

            def log_message(handler, *_):  # noqa: N805
                return

        return Supply

    @property
    def log(self):
        return (self.folder / "coordinator.log").read_text()

    @property
    def books(self):
        """What the coordinator knows to be taken or asked for."""
        return [(held.place, held.owner) for held in self.client.held()] + self.client.reservations()

    def close(self):
        for process in (self.exporter, self.coordinator):
            process.kill()
            process.wait()
        self.supply.shutdown()
        self.supply.server_close()
        for console in self.consoles:
            console.close()


@pytest.fixture(scope="module")
def farm(tmp_path_factory):
    made = Farm(tmp_path_factory.mktemp("farm"))
    yield made
    made.close()


def of_this_machine(run, rig="r"):
    return f"{socket.gethostname()}/keyhole.{run}.{rig}"
