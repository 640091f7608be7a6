"""Adapters that do as they are told through the options of the rig file."""

from pydantic import Field

from rigs.configuration.models import NodeOptions
from rigs.model import Health, Link, Node, Received, RigError
from rigs.registry import Missing


class Options(NodeOptions):
    fail: int = Field(0, description="how many times it does not open")
    lacks: str | None = Field(None, description="what is missing")


log: list[str] = []
failures: list[Exception] = []


class FakeLink(Link):
    clock = "virtual"
    kind, tester, dut = "ieee802154", bytes(7) + b"\x01", bytes(7) + b"\x02"

    def __init__(self):
        self.time = 0.0
        self.sent = []
        self.answers = []

    def now(self):
        return self.time

    def send(self, frame):
        self.sent.append((self.time, frame))

    def receive(self, deadline):
        if self.answers:
            return Received(self.answers.pop(0), self.time, "virtual")
        self.time = deadline
        return None

    def close(self):
        log.append("link closed")


class FakeNode(Node):
    stack = "fake"

    def version(self):
        return "1.0"

    def addresses(self):
        return (bytes(16),)

    def health(self):
        return Health("alive")

    def close(self):
        log.append("node closed")


class Guest:
    def __init__(self, name):
        self.name = name
        log.append(f"{name} started")

    def close(self):
        log.append(f"{self.name} ended")


def misread(address):
    return "expected a number behind x" if address.startswith("x=") else ""


def open_link(bench, address, rig):
    if address == "broken":
        raise RigError("no such radio")
    bench.resource("guest", lambda: Guest("guest"))
    bench.resource("radio", lambda: Guest("radio"))
    return FakeLink()


def open_node(bench, rig):
    bench.resource("guest", lambda: Guest("guest"))
    if failures:
        raise failures.pop(0)
    return FakeNode()


def check(rig):
    return [Missing(rig.dut.options["lacks"], "buy one")] if "lacks" in rig.dut.options else []


class Silent:
    """A node that says nothing, and remembers what it heard."""

    def __init__(self):
        self.heard = []

    def hear(self, frame, now):
        self.heard.append(frame)
        return []

    def wake(self, now):
        return []

    def next_timer(self):
        return None
