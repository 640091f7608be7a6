"""More kinds of input: histories and policies, evidence that is sent again, what a corpus, a lab and a wire say."""

import contextlib
import json
import shlex
import shutil
import sqlite3
import struct

from fixtures.hunt.sequence import written
from fixtures.hunt.writing import Corpus
from reports.__main__ import main as reports
from rigs.__main__ import main as rigs
from rigs.configuration.leased import filled
from rigs.leases.labgrid_client import Client
from rigs.leases.model import LeaseError
from rigs.leases.program import Ended
from rigs.links.slip_radio.link import Unpacker, pack
from rigs.links.spinel import hdlc, protocol
from rigs.links.spinel.dongle import numbers, status_of
from rigs.links.zep.link import ZepError, unwrap, wrap
from rigs.model import RigError
from sixlowpan.hci import Trace
from tests.fuzz import made, mutators
from tests.fuzz.running import run
from tests.reports import sample
from tests.sixlowpan import bluetooth

POLICY = """\
required = ["rfc6282/*", "linux-* rfc4944/*"]
allowed = ["rfc4944/5.3.timer/*"]
inconclusive = 0.01

[[quarantine]]
case = "performance/*"
rig = "lab-*"
breach = "RFC4944-4-01 too_large"
until = 2026-12-31
why = "the pool of buffers is being rewritten"
"""


class Histories:
    """A history in SQLite, damaged in its octets or in what they say, and a policy, read by every verb of `history`."""

    def __init__(self, folder):
        self.folder = folder
        record = sample.write_record(folder / "run")
        status, said = run(reports, ["history", "add", folder / "good.db", record])
        assert status == 0, said
        self.good = (folder / "good.db").read_bytes()
        self.path, self.policy, self.record = folder / "x.db", folder / "policy.toml", record

    def __call__(self, chance):
        self.path.write_bytes(self.good)
        how = chance.randrange(4)
        if how == 0:
            self.path.write_bytes(mutators.octets(chance, self.good))
        elif how == 1:
            self._say_otherwise(chance)
        text = POLICY
        for _ in range(chance.choice([0, 1, 2]) if how < 3 else chance.choice([1, 2, 5])):
            text = mutators.toml(chance, text)
        self.policy.write_bytes(text.encode("utf-8", "surrogatepass"))
        verb = chance.choice(["show", "show", "gate", "gate", "bisect", "add", "html"])
        case = chance.choice(["rfc6282/*", "*", "[", *mutators.NASTY]).encode("utf-8", "replace").decode()
        asked = {
            "show": ["--all", *(["--case", case] if chance.randrange(2) else ["--figure", case])],
            "gate": ["--policy", self.policy],
            "bisect": [f"--case={case}"],
            "add": [self.record],
            "html": ["--html", self.folder / "html"],
        }[verb]
        word = "show" if verb == "html" else verb
        # a word that begins with - is an option to argparse, and is refused there
        status, said = run(reports, ["history", word, self.path, *map(str, asked)])
        shutil.rmtree(self.folder / "html", ignore_errors=True)
        allowed = {0: "", 2: ": "} | ({1: "gate: fail", 3: "gate: cannot be told"} if verb == "gate" else {})
        return status, said, allowed

    def _say_otherwise(self, chance):
        with contextlib.closing(sqlite3.connect(self.path, isolation_level=None)) as history:
            tables = [
                name for (name,) in history.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            ]
            table = chance.choice(tables)
            columns = [row[1] for row in history.execute(f"PRAGMA table_info({table})")]
            value = chance.choice(
                [None, -1, 0, 2**62, 1.5, 1e308, float("inf"), b"\xff\0", "x", *mutators.NASTY]
            )
            with contextlib.suppress(sqlite3.Error, UnicodeEncodeError):
                history.execute("PRAGMA ignore_check_constraints = 1")
                chance.choice(
                    [
                        lambda: history.execute(f"UPDATE {table} SET {chance.choice(columns)} = ?", (value,)),
                        lambda: history.execute(f"DELETE FROM {table}"),
                        lambda: history.execute(f"DROP TABLE {table}"),
                        lambda: history.execute(
                            f"ALTER TABLE {table} RENAME COLUMN {chance.choice(columns)} TO other"
                        ),
                        lambda: history.execute(f"PRAGMA user_version = {chance.randrange(5)}"),
                    ]
                )()


class Evidence:
    """A record with evidence of a real run, damaged, read by what sends frames again and by what writes profiles."""

    def __init__(self, folder):
        self.folder = folder / "run"
        self.record = sample.write_record(self.folder).read_text()
        self.captures = [made.pcapng(230), made.pcapng(201)]
        lines = [json.loads(line) for line in self.record.splitlines()]
        self.cases = [
            (line["case"], line["rig"], line["evidence"]) for line in lines if line["type"] == "result"
        ]

    def __call__(self, chance):
        text, octets = self.record, chance.choice(self.captures)
        if chance.randrange(3):
            text = mutators.json_line(chance, text)
        if chance.randrange(3):
            octets = mutators.octets(chance, octets)
        self.folder.mkdir(exist_ok=True)
        (self.folder / "run.jsonl").write_bytes(text.encode("utf-8", "surrogatepass"))
        case, rig, where = chance.choice(self.cases)
        path = self.folder / where
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(octets)
        verb = chance.choice(["deviation", "replay", "show", "matrix", "export", "validate"])
        command = {
            "deviation": [rigs, "deviation", self.folder, case, "--rig", rig],
            "replay": [
                rigs,
                "replay",
                path,
                "--rig",
                chance.choice(["reference", "reference-ble"]),
                "--wait",
                "0",
            ],
            "show": [reports, "show", self.folder, "--case", case],
            "matrix": [reports, "matrix", self.folder],
            "export": [reports, "export", "--junit", self.folder / "junit.xml", self.folder],
            "validate": [reports, "validate", self.folder],
        }[verb]
        status, said = run(command[0], command[1:])
        shutil.rmtree(self.folder)
        return status, said, {0: "", 1: "", 2: ": "}


class Corpora:
    """The corpus of a rig, from which the hunter plays."""

    def __init__(self, folder):
        self.path = folder / "corpus.txt"
        frames = ["c0f8770000", "e0f87700010000000000000000", "7b333a8000"]
        self.good = "\n\n".join(
            f"{kind}\n" + "\n".join(f"tester>dut {frame}" for frame in frames[: number % 3 + 1])
            for number, kind in enumerate(["# found", "# novel", "# novel", "# other"] * 3)
        )

    def __call__(self, chance):
        data = mutators.octets(chance, self.good.encode())
        for _ in range(chance.choice([0, 1, 3])):
            text = data.decode("utf-8", "replace")
            data = mutators.lines(chance, text).encode("utf-8", "replace")
        self.path.write_bytes(data)
        corpus = Corpus(self.path)
        for sequence in corpus:
            corpus.add(sequence, found=bool(chance.randrange(2)))
            assert written(sequence), "a sequence without frames"
        return 0, "", {0: ""}


SHOWN = """\
Place 'nrf-1':
  aliases:
  comment: on the shelf
  tags: board=nrf, eui=f4ce360000000001
  matches:
    exporter/nrf-1/NetworkSerialPort
  acquired: host/user
Acquired resource 'NetworkSerialPort' (exporter/nrf-1/NetworkSerialPort/serial):
  {'acquired': 'nrf-1',
   'avail': True,
   'cls': 'NetworkSerialPort',
   'params': {'extra': {'path': '/dev/ttyACM0'},
              'host': '192.0.2.7',
              'port': 4711,
              'speed': 115200}}
Acquired resource 'NetworkService' (exporter/nrf-1/NetworkService/ssh):
  {'acquired': 'nrf-1', 'avail': True, 'cls': 'NetworkService', 'params': {'address': '192.0.2.7', 'username': 'root'}}
Acquired resource 'NetworkPowerPort' (exporter/nrf-1/NetworkPowerPort/p):
  {'acquired': 'nrf-1', 'avail': True, 'cls': 'NetworkPowerPort', 'params': {'model': 'gude', 'host': 'h', 'index': 1}}
"""
RESERVED = """\
Reservation 'ABCDEFGH':
  owner: host/keyhole-run1-desk
  token: ABCDEFGH
  state: acquired
  prio: 0.0
  filters:
    main: board=nrf
  allocations:
    main: nrf-1
  created: 2026-11-29 10:00:00
  timeout: 2026-11-29 10:01:00
"""
WHO = """\
User                Host   Place  Changed
keyhole-run1-desk   host   nrf-1  2026-11-29 10:00:00
other               host   nrf-2  2026-11-29 10:00:00
"""
LEASED = {
    "tester": {
        "link": "packet:wpan0@ssh:${lease.NetworkService.username}@${lease.address}",
        "pan": "${lease.tag.pan}",
    },
    "dut": {
        "console": "${lease.serial}",
        "power": "${lease.power}",
        "address": "${lease.tag.eui}",
        "x": ["${lease.place}"],
    },
}


class _Told(Client):
    """A client whose program has said something already."""

    said = ""
    path = "labgrid-client"

    def _run(self, arguments, seconds, first=b""):
        del arguments, seconds, first
        return Ended(0, self.said, "")


class Labs:
    """What `labgrid-client` prints, and a rig file with it."""

    def __init__(self, folder):
        del folder

    def __call__(self, chance):
        client = _Told("desk", "keyhole-run1-desk", None)
        text = chance.choice([SHOWN, RESERVED, WHO])
        for _ in range(chance.choice([1, 2, 4])):
            how = chance.randrange(2)
            text = (
                mutators.lines(chance, text)
                if how
                else mutators.octets(chance, text.encode("utf-8", "replace")).decode("utf-8", "replace")
            )
        client.said = text
        client.reservations()
        for ask in (lambda: client.wait("ABCDEFGH", 1.0), client.held):
            with contextlib.suppress(LeaseError):
                ask()
        facts = client.facts("nrf-1")
        filled(LEASED, facts, "desk.toml", [])
        if "power" in facts:
            assert shlex.split(facts["power"].removeprefix("command:"))[-4:] == [
                "-p",
                "nrf-1",
                "power",
                "cycle",
            ]
        return 0, "", {0: ""}


class Wires:
    """Octets of a radio co-processor, a SLIP radio, a ZEP air and an HCI."""

    def __init__(self, folder):
        del folder
        psdu = bytes.fromhex("61880dcdab02000100") + bytes.fromhex("7b333a80001234000100020304")
        heard = (
            struct.pack("<H", len(psdu) + 2)
            + psdu
            + bytes(2)
            + b"\xec\x80\0\0"
            + struct.pack("<HBBQ", 10, 15, 255, 9)
        )
        spinel = [
            protocol.message(0, protocol.IS, protocol.STREAM_RAW, heard),
            protocol.message(1, protocol.IS, protocol.CAPABILITIES, bytes.fromhex("050c182281044041")),
            protocol.message(0, protocol.IS, protocol.LAST_STATUS, b"\x72"),
        ]
        self.spinel = b"".join(map(hdlc.encode, spinel)) * 3
        self.slip = (pack(b"?M") + pack(b"!S\x01\x01\0\0\0" + psdu) + pack(psdu)) * 3
        self.zep = wrap(psdu, 26, 1)
        self.hci = [packet for _, packet in bluetooth.hci()]

    def __call__(self, chance):
        return chance.choice([self._spinel, self._slip, self._zep, self._hci])(chance)

    def _spinel(self, chance):
        deframer = hdlc.Deframer()
        for piece in _pieces(chance, mutators.octets(chance, self.spinel)):
            for frame in deframer.feed(piece):
                self._message(frame)
        self._message(mutators.octets(chance, hdlc.Deframer().feed(self.spinel)[chance.randrange(3)]))
        assert len(deframer._octets) <= hdlc.LONGEST
        return 0, "", {0: ""}

    def _message(self, octets):
        with contextlib.suppress(protocol.SpinelError, RigError):
            message = protocol.parse(octets)
            assert status_of(message)
            with contextlib.suppress(RigError):
                numbers(message.value)
            protocol.received(message.value)

    def _slip(self, chance):
        unpacker = Unpacker()
        for piece in _pieces(chance, mutators.octets(chance, self.slip)):
            assert all(unpacker.feed(piece) or [b"x"])
        return 0, "", {0: ""}

    def _zep(self, chance):
        with contextlib.suppress(ZepError):
            unwrap(mutators.octets(chance, self.zep))
        return 0, "", {0: ""}

    def _hci(self, chance):
        trace = Trace()
        for packet in self.hci * 2:
            damaged = mutators.octets(chance, packet) if not chance.randrange(3) else packet
            trace.add(damaged, chance.choice([True, False, None]))
        return 0, "", {0: ""}


def _pieces(chance, data):
    cuts = sorted(chance.randrange(len(data) + 1) for _ in range(chance.choice([0, 3, 30])))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]


KINDS = {"histories": Histories, "evidence": Evidence, "corpora": Corpora, "labs": Labs, "wires": Wires}
