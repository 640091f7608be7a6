"""One attempt of each kind of input: make it, damage it, have it read, and say what the reader did.

An attempt returns (status, text, statuses that are allowed with a sign of what each must say). It raises what the
reader raises: the runner takes any exception for a fault.
"""

import contextlib
import importlib
import inspect
import json
import os
import re
import shutil
from pathlib import Path

from reports.__main__ import main as reports
from rigs.__main__ import main as rigs
from rigs.configuration.loading import PROFILES, RIGS
from rigs.consoles.model import Console
from rigs.consoles.shell import Shell
from rigs.model import LinkClosed, RigError
from rigs.replay import sent_frames
from sixlowpan.__main__ import main as oracle
from tests.consoles.nodes import NODES
from tests.fuzz import made, mutators, newer
from tests.fuzz.running import run
from tests.reports import sample
from tests.sixlowpan import bluetooth, captures

ROOT = Path(__file__).parents[2]


#: What a prompt, a log line, an answer or a control sequence begins with.
PIECES = [
    *(
        b"\x1b[",
        b"\x1b]0;",
        b"\x1b",
        b"\x9b",
        b"\r",
        b"\b",
        b"\n",
        b"\xff",
        b"0",
        b"x",
        b"\x00",
        b";",
        b"K",
        b"J",
        b"D",
    ),
    *(b"assert ", b"> ", b"uart:~$ ", b"[A: ", b"*** ", b"\xe2\x82", b"Done\r\n", b"Error 7: x\r\n"),
]


class Records:
    """Records in a folder with evidence, read by every command of `python -m reports`."""

    def __init__(self, folder):
        self.good = sample.write_record(folder / "good").read_text()
        self.folder = folder

    def __call__(self, chance):
        theirs, ours = self.folder / "theirs", self.folder / "good"
        for old in (theirs, self.folder / "merged"):
            shutil.rmtree(old, ignore_errors=True)
        theirs.mkdir()
        text = self.good
        for _ in range(chance.choice([1, 1, 1, 2, 5])):
            how = chance.choice([mutators.json_line] * 4 + [mutators.lines])
            text = how(chance, text) or "\n"
        data = text.encode("utf-8", "surrogatepass")
        if not chance.randrange(6):
            data = mutators.octets(chance, data)
        (theirs / "run.jsonl").write_bytes(data)
        evidence = theirs / "evidence" / "lwip-802154"
        evidence.mkdir(parents=True)
        (evidence / "rfc6282_3.1.1_tf[00].pcapng").symlink_to(ROOT / "LICENSE")
        (theirs / "summary.md").symlink_to(self.folder / "precious")
        command = chance.choice(["render", "show", "compare", "compare", "history", "merge"])
        arguments = {"compare": [theirs, ours] if chance.randrange(2) else [ours, theirs]}.get(
            command, [theirs]
        )
        if command == "merge":
            arguments = [self.folder / "merged", theirs]
        if command == "history":
            arguments = ["add", self.folder / "history.db", theirs]
        status, said = run(reports, [command, *arguments])
        if (self.folder / "merged").exists():
            assert not any(path.is_symlink() for path in (self.folder / "merged").rglob("*")), (
                "a link was copied"
            )
        for path in (theirs / "index.html", theirs / "summary.md"):
            if path.exists() and not path.is_symlink():
                said += path.read_text()
        return (
            status,
            said,
            {
                0: "",
                2: "python -m reports: ",
                **(
                    {1: "result: regression", 3: "result: not comparable enough"}
                    if command == "compare"
                    else {}
                ),
            },
        )


class RigFiles:
    """Rig files and profiles, read by `python -m rigs check`."""

    def __init__(self, folder):
        self.folder = folder
        self.rigs = [path.read_text() for path in sorted(RIGS.glob("*.toml"))]
        self.rigs += [path.read_text() for path in sorted((ROOT / "rigs" / "examples").glob("*.toml"))]
        self.profiles = [path.read_text() for path in sorted(PROFILES.glob("*.toml"))]

    def __call__(self, chance):
        rig, profile = chance.choice(self.rigs), chance.choice(self.profiles)
        rig = re.sub(r"\$\{[A-Z_]+\}", "x", rig)
        if chance.randrange(2):  # else its own
            rig = re.sub(r"(?m)^profile.*", 'profile = "./p.toml"', rig)
        which = chance.randrange(3)
        if not which:
            profile = mutators.toml(chance, profile)
        else:
            rig = mutators.toml(chance, rig)
        self.write("r.toml", rig)
        self.write("p.toml", profile)
        more = ["--set", chance.choice(["dut.x", "tester.pan", "without", "dut.setup", "", "profile", "lease"]) + "="
                + chance.choice([*mutators.NASTY, *mutators.NUMBERS])]  # fmt: skip
        status, said = run(
            rigs, ["check", self.folder / "r.toml", *(more if not chance.randrange(3) else [])]
        )
        return status, said, {0: ": ready", 1: ": not ready", 2: " mistake"}

    def write(self, name, text):
        (self.folder / name).write_bytes(text.encode("utf-8", "surrogatepass"))


class Captures:
    """Captures of every container and link type, judged; some are explained, or read as evidence by `rigs.replay`.

    The status must be the one that the last line stands for: 2 where nothing was judged or the file is damaged.
    """

    OPTIONS = ([], [], [], ["--fcs", "none"], ["--pan", "abcd"], ["--mtu", "80"], ["--key", "00" * 16])

    def __init__(self, folder):
        self.path = folder / "x.pcapng"
        frames, path = list(made.frames()), folder / "made"
        self.good = [made.pcapng(230), made.pcapng(201)]
        for link_type, wrap in captures.WRAPPERS.values():
            self.good.append(captures.pcap(path, link_type, [wrap(frame) for frame in frames]).read_bytes())
        for link_type, make in bluetooth.FORMS.values():
            self.good.append(captures.pcap(path, link_type, make()).read_bytes())
        snooped = [(int(not sent), packet) for sent, packet in bluetooth.hci()]
        self.good.append(captures.btsnoop(path, snooped).read_bytes())
        self.good.append(captures.gzipped(captures.pcap(path, 230, frames)).read_bytes())

    def __call__(self, chance):
        self.path.write_bytes(mutators.octets(chance, chance.choice(self.good)))
        if not chance.randrange(5):
            more = chance.choice([[], ["--json"]])
            status, said = run(oracle, ["explain", self.path, "--frame", chance.randrange(9), *more])
            return status, said, {0: "", 1: "", 2: "sixlowpan: "}
        if not chance.randrange(4):
            try:
                return 0, f"{len(sent_frames(self.path))}", {0: ""}
            except RigError as error:
                return 1, str(error), {1: "x.pcapng: "}
        options = chance.choice(self.OPTIONS)
        if not chance.randrange(8):
            status, said = run(oracle, ["judge", self.path, "--json", *options])
            kinds = [json.loads(line)["type"] for line in said.splitlines() if line.startswith("{")]
            assert status == 2 or kinds[-1] == "count", "the last line is no count"
            return status, said, {0: "", 1: '"level": "fail"', 2: ""}
        status, said = run(oracle, ["judge", self.path, *options])
        if said.startswith("sixlowpan: "):
            return status, said, {2: "x.pcapng: "}
        counts = re.fullmatch(
            r"(\d+) frames? read, (\d+) judged, (\d+) skipped(: .+)?", said.splitlines()[-1]
        )
        assert counts, "the last line is no count"
        read, judged, skipped = (int(each) for each in counts.groups()[:3])
        assert read == judged + skipped, "the count does not add up"
        damaged = "\nhint: the rest of the file was not read: " in f"\n{said}"
        if not judged or damaged:
            return status, said, {2: ""}
        return status, said, {1: "fail: "} if re.search("(?m)^fail: ", said) else {0: ""}


class _Said(Console):
    """A console that says what it is given, piece by piece, then ends."""

    def __init__(self, pieces):
        super().__init__("fuzz:")
        self._pieces = iter(pieces)

    def after(self, mark, deadline):
        del deadline
        for piece in self._pieces:
            return piece, mark + len(piece)
        raise LinkClosed("fuzz: it ended")

    def _read(self):
        return b""

    def _write(self, data):
        pass

    def _release(self):
        pass


class Streams:
    """What a console says, put through the terminal, the shell of every stack, and the readers of their answers."""

    def __init__(self, folder):
        del folder
        self.nodes = [importlib.import_module(f"rigs.nodes.{name}") for name in NODES]
        self.good = [
            path.read_bytes()
            for path in sorted(
                (ROOT / "tests" / "nodes").glob("test_*.py")
            )  # they hold what real shells print
        ]
        riot = importlib.import_module("rigs.nodes.riot.text")
        zephyr = importlib.import_module("rigs.nodes.zephyr.answers")
        self.readers = [riot.interfaces, riot.datagrams, riot.packet_buffer, zephyr.interfaces, zephyr.pools]

    def __call__(self, chance):
        text = chance.choice(self.good)
        at = chance.randrange(len(text))
        said = mutators.octets(chance, text[at : at + chance.choice([200, 2000])].replace(b"\n", b"\r\n"))
        for _ in range(chance.choice([0, 1, 3])):
            at = chance.randrange(len(said) + 1)
            said = said[:at] + chance.choice(PIECES) * chance.choice([1, 3, 5000]) + said[at:]
        cuts = sorted(chance.randrange(len(said) + 1) for _ in range(chance.choice([0, 3, 30])))
        pieces = [said[a:b] for a, b in zip([0, *cuts], [*cuts, len(said)], strict=True) if b > a]
        module = chance.choice(self.nodes)
        console = _Said(pieces)
        prompt = getattr(module, "PROMPT", "> ")
        shell = Shell(console, prompt, logs=getattr(module, "LOGS", ""), signatures=module.SIGNATURES)
        try:
            rows = shell.command("ifconfig", 1.0)
        except (RigError, LinkClosed) as error:
            rows = str(error).splitlines()
        rows += shell.text().splitlines()[:200]
        shell.health()
        console._released = True
        os.close(console._waker)
        for reader in self.readers:
            with contextlib.suppress(RigError):
                wants_text = next(iter(inspect.signature(reader).parameters.values())).annotation == "str"
                reader("\n".join(rows) if wants_text else rows)
        return 0, "", {0: ""}


KINDS = {"records": Records, "rigs": RigFiles, "captures": Captures, "consoles": Streams} | newer.KINDS
