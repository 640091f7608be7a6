"""The wire format, and the real agent as a child process of the host (no guest, no root)."""

import contextlib
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from rigs.guests import wire
from rigs.guests.client import AgentClient
from rigs.guests.handles import AgentError, TransportClosed
from tests.waiting import PATIENCE, soon

ROOT = Path(__file__).parents[2]
LOOPBACK = bytes(15) + b"\x01"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_messages_survive_any_cutting(size):
    sent = [(wire.FRAME, 7, b"x" * 300), (wire.REPLY, 0xFFFFFFFF, b""), (wire.FAULT, 0, bytes(range(256)))]
    stream = b"".join(wire.message(*each) for each in sent)
    splitter = wire.Splitter()
    got = [each for at in range(0, len(stream), size) for each in splitter.feed(stream[at : at + size])]
    assert got == sent


@pytest.mark.parametrize(
    "garbage",
    [
        b"\0" * 9,
        b"GET / HTTP/1.1\r\n",
        wire.HEADER.pack(4, wire.RUN, 0),
        wire.HEADER.pack(9, 99, 0),
        wire.HEADER.pack(wire.MAX_BODY + 6, 1, 0),
    ],
)
def test_garbage_is_refused_and_not_waited_for(garbage):
    with pytest.raises(wire.ProtocolError, match=garbage[:9].hex()):
        wire.Splitter().feed(garbage)


def test_a_truncated_message_is_waited_for():
    whole = wire.message(wire.REPLY, 1, b"abc")
    splitter = wire.Splitter()
    assert splitter.feed(whole[:-1]) == []
    assert splitter.feed(whole[-1:]) == [(wire.REPLY, 1, b"abc")]


def test_strings():
    assert wire.take_text(wire.text("dut", "lowpan0")) == ("dut", wire.text("lowpan0"))
    with pytest.raises(wire.ProtocolError):
        wire.take_text(b"\0\x05abc")


@contextlib.contextmanager
def client_of(theirs_does):
    ours, theirs = socket.socketpair()
    thread = threading.Thread(target=theirs_does, args=(theirs,))
    thread.start()
    client = AgentClient(ours)
    try:
        yield client
    finally:
        client.close()
        thread.join(5)
        theirs.close()


def test_a_silent_agent_is_not_waited_for_beyond_the_deadline():
    with client_of(lambda theirs: None) as client:
        assert client.wait_ready(soon(0.05)) is False
        with pytest.raises(AgentError, match=r"did not answer within 0.05 s"):
            client.request(wire.CLOCK, timeout=0.05)


def test_the_clocks_are_compared_by_the_quickest_of_many_requests():
    """Most answers are held up on their way back: one alone would be off by half of that."""
    ahead, late = 5_000_000_000, 4_000_000

    def agent(theirs):
        splitter, answered = wire.Splitter(), 0
        while data := theirs.recv(4096):
            for _, number, _ in splitter.feed(data):
                guest = time.monotonic_ns() + ahead
                answered += 1
                until = time.monotonic_ns() + (0 if answered % 10 == 0 else late)
                while time.monotonic_ns() < until:
                    pass
                theirs.sendall(wire.message(wire.REPLY, number, wire.STAMP.pack(guest, 0)))

    with client_of(agent) as client:
        client.measure_offset(1)
        assert client.offset_error_ns >= late // 2
        client.measure_offset()
        assert abs(client.offset_ns - ahead) <= client.offset_error_ns
        assert client.offset_error_ns < late // 2


def test_garbage_closes_the_transport_with_its_reason():
    garbage = b"Kernel panic - not syncing"
    with (
        client_of(lambda theirs: theirs.sendall(garbage)) as client,
        pytest.raises(TransportClosed, match="no message"),
    ):
        client.wait_ready(soon())


def test_another_version_closes_the_transport():
    ready = wire.message(wire.READY, 99, bytes(16))
    with (
        client_of(lambda theirs: theirs.sendall(ready)) as client,
        pytest.raises(TransportClosed, match="version 99"),
    ):
        client.wait_ready(soon())


def test_what_came_before_the_end_can_still_be_taken():
    def agent(theirs):
        theirs.recv(4096)
        theirs.sendall(wire.message(wire.FRAME, 5, b"\x03" + struct.pack("!q", 42) + b"early"))
        theirs.sendall(wire.message(wire.REPLY, 1, struct.pack("!I", 5)))
        theirs.sendall(wire.message(wire.FRAME, 5, b"\x00" + struct.pack("!q", 43) + b"late"))
        theirs.shutdown(socket.SHUT_RDWR)

    with client_of(agent) as client:
        tap = client.open_tap("wpan0")
        first, second = tap.receive(soon()), tap.receive(soon())
        assert (first.data, first.time_ns, first.direction) == (b"early", 42, "otherhost")
        assert (second.data, second.direction) == (b"late", "host")
        with pytest.raises(TransportClosed, match="end of stream"):
            tap.receive(soon())
        with pytest.raises(TransportClosed):
            tap.send(b"x")


@pytest.fixture(scope="module")
def agent():
    """The agent's own code, serving over a socket pair."""
    ours, theirs = socket.socketpair()
    code = f"from rigs.guests.agent import Agent; Agent({theirs.fileno()}).serve()"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, pass_fds=[theirs.fileno()])
    theirs.close()
    client = AgentClient(ours)
    assert client.wait_ready(soon())
    yield client
    client.close()
    assert process.wait(5) == 0, "the agent ends quietly when the port closes"


def test_commands(agent):
    assert agent.run("echo out; echo err >&2; exit 3") == (3, "out\nerr\n")
    assert agent.run("kill -9 $$")[0] == -9
    assert agent.check("printf %s héllo") == "héllo"
    with pytest.raises(AgentError, match=r"`echo why; false` in the guest ended with 1: why"):
        agent.check("echo why; false")


def test_a_long_output_comes_whole(agent):
    status, text = agent.run("i=0; while [ $i -lt 20000 ]; do echo 0123456789; i=$((i+1)); done", timeout=30)
    assert (status, len(text)) == (0, 220000)


def test_a_command_that_hangs_is_ended_and_others_go_on(agent):
    done = []
    thread = threading.Thread(
        target=lambda: done.append(agent.run_completed("echo begun; sleep 100", timeout=0.3))
    )
    thread.start()
    assert agent.run("echo meanwhile") == (0, "meanwhile\n")
    thread.join()
    assert (done[0].status, done[0].text, done[0].late) == (-9, "begun\n", True)


def test_a_background_child_does_not_hold_up_the_reply(agent):
    status, child = agent.run("sleep 1000 & echo $!")
    assert status == 0
    assert agent.run(f"kill {child}")[0] == 0, "it was still there when the reply came"


def test_files_are_read_and_written(agent, tmp_path):
    file = tmp_path / "file"
    file.write_text("old and longer")
    agent.write(str(file), "new")
    assert agent.read(str(file)) == "new and longer", "as the shell writes to a file of /proc"
    with pytest.raises(AgentError, match="No such file"):
        agent.read(str(tmp_path / "nonesuch"))
    with pytest.raises(AgentError, match="No such file"):
        agent.write(str(tmp_path / "nonesuch"), "x")


@pytest.mark.parametrize("gone", [False, True])
def test_a_line_is_waited_for_and_others_go_on(agent, tmp_path, gone):
    file, done = tmp_path / "file", []
    other = "fe80 lo\nfe80 bt01\n2001 bt0\n"  # the words, but never all in one line
    with_it = other + "fe80 02 bt0\n"
    file.write_text(with_it if gone else other)
    wait = {"gone": gone, "timeout": PATIENCE}
    thread = threading.Thread(
        target=lambda: done.append(agent.await_line(str(file), "fe80", " bt0\n", **wait))
    )
    thread.start()
    assert agent.run("echo meanwhile") == (0, "meanwhile\n")
    assert not done
    after = other if gone else with_it
    other_file = tmp_path / "after"
    other_file.write_text(after)
    other_file.replace(file)
    thread.join(PATIENCE)
    assert done == [after]


def test_a_line_that_does_not_come_is_not_waited_for_for_ever(agent, tmp_path):
    (tmp_path / "file").write_text("some\n")
    assert agent.await_line(str(tmp_path / "file"), "other", timeout=0.1) is None
    assert agent.await_line(str(tmp_path / "file"), "some", gone=True, timeout=0.1) is None
    with pytest.raises(AgentError, match="No such file"):
        agent.await_line(str(tmp_path / "nonesuch"), "other")
    assert agent.await_line(str(tmp_path / "file"), "some") == "some\n", "and the agent lives on"


def test_refusals_carry_the_guests_words(agent):
    with pytest.raises(AgentError, match=r"No such (device|file)|not permitted"):
        agent.open_tap("nonesuch0")
    with pytest.raises(AgentError, match="No such file"):
        agent.run("true", netns="nonesuch")
    with pytest.raises(AgentError, match="unpack"):
        agent.request(wire.UDP, wire.text("", ""))
    with pytest.raises(AgentError):
        agent.request(wire.STATISTICS, struct.pack("!I", 4242))
    assert agent.run("true")[0] == 0, "and the agent lives on"


def test_udp_there_and_back(agent):
    echo, plain = agent.open_udp(echo=True), agent.open_udp()
    plain.send(LOOPBACK, echo.port, b"hello")
    got = plain.receive(soon())
    assert (got.data, got.source, got.port) == (b"hello", LOOPBACK, echo.port)
    assert abs(agent.host_seconds(got.time_ns) - time.monotonic()) < 1
    assert plain.receive(soon(0)) is None
    echo.close()
    echo.close()
    plain.close()


def test_tcp_both_ways(agent):
    with socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        port = probe.getsockname()[1]
    handle = agent.open_tcp(port)
    handle.send(b"for whoever comes first")
    with socket.create_connection(("::1", port), timeout=PATIENCE) as connection:
        assert connection.recv(100) == b"for whoever comes first"
        connection.sendall(b"word")
        assert handle.receive(soon()) == b"word"
        much = bytes(range(256)) * 4096  # more than a socket takes at once
        handle.send(much[: 1 << 19])
        handle.send(much[1 << 19 :])
        assert agent.run("true") == (0, "")
        heard = b""
        while len(heard) < len(much):
            heard += connection.recv(65536)
        assert heard == much
    with socket.create_connection(("::1", port), timeout=PATIENCE) as connection:
        connection.sendall(b"the latest")
        assert handle.receive(soon()) == b"the latest"
    handle.close()


def test_a_series_keeps_its_rate_on_the_guests_clock(agent):
    """Both ends have stamps of the guest: how late this host asked, or looked, is in none of them."""
    sender, receiver = agent.open_udp(), agent.open_udp()
    sent = sender.send_series(LOOPBACK, receiver.port, size=300, count=20, gap=0.01, timeout=PATIENCE)
    came = [receiver.receive(soon()) for _ in range(20)]
    assert [int.from_bytes(one.data[:4]) for one in came] == list(range(20))
    assert {len(one.data) for one in came} == {300}
    assert sent.refused == 0
    assert sent.last_ns - sent.first_ns >= 0.18e9, (
        "the last is not due before 19 times the gap, less the first's delay"
    )
    assert all(sent.first_ns <= one.time_ns for one in came)
    assert agent.run("true") == (0, ""), "and others were served meanwhile"
    for size, count in ((3, 1), (8, 0)):
        with pytest.raises(AgentError, match="one datagram at least"):
            sender.send_series(LOOPBACK, receiver.port, size, count, 0.01, PATIENCE)
    sender.close()
    receiver.close()


def test_a_series_tells_what_was_refused(agent):
    sender = agent.open_udp()
    sent = sender.send_series(LOOPBACK, 9, size=65535, count=3, gap=0.001, timeout=PATIENCE)
    assert sent.refused == 3, "UDP has no room for so many octets"
    sender.close()


def test_a_guest_connects_to_another(agent):
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        server.settimeout(PATIENCE)
        handle = agent.connect_tcp(LOOPBACK, server.getsockname()[1])
        much = bytes(range(256)) * 2048
        handle.send(much)
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"word")
            assert handle.receive(soon()) == b"word"
            heard = b""
            while len(heard) < len(much):
                heard += connection.recv(65536)
            assert heard == much
    handle.close()


def test_a_failed_send_is_told(agent):
    udp = agent.open_udp()
    udp.send(bytes.fromhex("20010db8") + bytes(12), 9, bytes(65000) + bytes(9000))
    agent.request(wire.CLOCK)
    assert "send:" in udp.faults[0]
    udp.close()
