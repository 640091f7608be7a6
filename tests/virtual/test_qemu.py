"""Starting, watching and reaping processes, with fake QEMUs and fake kernels; no guest boots here."""

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rigs.guests import boot, image, kvm, processes, qemu

needs_qemu = pytest.mark.skipif(
    shutil.which(qemu.QEMU) is None, reason=f"{qemu.QEMU} is not here: {qemu.REMEDY}"
)


def program(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KEYHOLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("KEYHOLE_ACCEL", raising=False)


@pytest.fixture
def device(tmp_path):
    path = tmp_path / "kvm-device"
    path.touch()
    return path


def test_kvm_that_hangs_is_found_out_in_time_and_remembered(tmp_path, device):
    hanging = program(tmp_path / "qemu", f"echo x >> {tmp_path}/runs; exec sleep 1000")
    verdict = kvm.probe(hanging, 0.3, device=device)
    assert not verdict.usable
    assert "did not run 7 octets of code within 0.3 s" in verdict.reason
    assert kvm.probe(hanging, 0.3, device=device) == verdict
    assert (tmp_path / "runs").read_text() == "x\n", "the second answer came from the cache"


@pytest.mark.parametrize(
    ("text", "usable", "reason"),
    [
        ("exit 33", True, "tried and works"),
        ("exit 0", False, "status 0"),
        ("echo 'failed to initialize kvm' >&2; exit 1", False, "failed to initialize kvm"),
    ],
)
def test_kvm_verdicts(tmp_path, device, text, usable, reason):
    verdict = kvm.probe(program(tmp_path / "qemu", text), device=device)
    assert verdict.usable is usable
    assert reason in verdict.reason


def test_kvm_that_is_not_there(tmp_path):
    assert "not there" in kvm.probe("any", device=tmp_path / "none").reason


def test_kvm_that_failed_a_guest_is_not_tried_again(tmp_path, device):
    works = program(tmp_path / "qemu", "exit 33")
    kvm.distrust(works, "a guest did not come up")
    assert kvm.probe(works, device=device).reason == "a guest did not come up"


def sleeper(token):
    return subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()", token])


def gone_parent(note):
    content = json.loads(note.read_text())
    content["parent_start"] = 1
    note.write_text(json.dumps(content))


def test_orphans_are_reaped_with_their_folder(tmp_path):
    token = processes.token()
    child = sleeper(token)
    run_dir = tmp_path / token
    run_dir.mkdir()
    note = processes.note(tmp_path / "guests", token, child.pid, run_dir)
    assert processes.reap(tmp_path / "guests") == [], "the parent, which is this process, lives"
    assert child.poll() is None
    gone_parent(note)
    assert processes.reap(tmp_path / "guests") == [child.pid]
    assert child.wait(5) == -signal.SIGKILL
    assert not run_dir.exists()
    assert not note.exists()


@pytest.mark.parametrize("other", ["token", "start"])
def test_a_process_that_is_not_proven_ours_is_left_alone(tmp_path, other):
    token = processes.token()
    child = sleeper("somebody-else" if other == "token" else token)
    try:
        note = processes.note(tmp_path / "guests", token, child.pid, tmp_path)
        gone_parent(note)
        if other == "start":
            content = json.loads(note.read_text())
            note.write_text(json.dumps({**content, "start": content["start"] + 1}))
        assert processes.reap(tmp_path / "guests") == []
        assert child.poll() is None
        assert tmp_path.exists(), "nor a folder that does not carry the token"
        assert not note.exists()
    finally:
        child.kill()
        child.wait()


def test_broken_notes_are_cleared_away(tmp_path):
    (tmp_path / "a.json").write_text("{")
    (tmp_path / "b.json").write_text('{"pid": 1}')
    assert processes.reap(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_child_outlives_the_thread_that_asked_for_it(tmp_path):
    started = []
    with (tmp_path / "log").open("wb") as log:
        thread = threading.Thread(target=lambda: started.append(processes.start(["sleep", "1000"], log)))
        thread.start()
        thread.join()
    with pytest.raises(subprocess.TimeoutExpired):
        started[0].wait(0.3)
    started[0].kill()
    started[0].wait()


class Interrupted(queue.SimpleQueue):
    """A Ctrl-C comes while the answer is waited for."""

    asked = False

    def get(self, *args, **kwargs):
        if not self.asked:
            self.asked = True
            self.put(super().get())  # it has been started
            raise KeyboardInterrupt
        return super().get(*args, **kwargs)


def test_a_child_that_nobody_came_to_know_is_ended(monkeypatch):
    """A Ctrl-C while it starts: a lab's client would go on, and reserve a board behind what gives all back."""
    monkeypatch.setattr(queue, "SimpleQueue", Interrupted)
    name = processes.token()
    with pytest.raises(KeyboardInterrupt):
        processes.start(["sh", "-c", f"sleep 600 # {name}"], subprocess.PIPE)
    lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not [line for line in lines if name.encode() in line]


def test_a_child_dies_with_its_parent(tmp_path):
    code = (
        "import sys; from rigs.guests import processes\n"
        "p = processes.start(['sleep', '1000'], sys.stderr.buffer); print(p.pid, flush=True); sys.stdin.read()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    pid = int(parent.stdout.readline())
    handle = os.pidfd_open(pid)
    parent.kill()
    parent.communicate()
    import select

    assert select.select([handle], [], [], 5)[0], "the child is still there"
    os.close(handle)


def test_missing_qemu_names_the_package(monkeypatch, tmp_path):
    monkeypatch.setenv("KEYHOLE_QEMU", str(tmp_path / "nonesuch"))
    with pytest.raises(
        qemu.GuestError, match=r"nonesuch is not here: install it .*apt-get install qemu-system-x86"
    ):
        boot.boot(image.HWSIM)


def bogus_image(tmp_path, kernel):
    (tmp_path / "kernel").write_bytes(kernel)
    (tmp_path / "initramfs").write_bytes(b"")
    return image.Image(tmp_path / "kernel", tmp_path / "initramfs", "bogus kernel")


@needs_qemu
def test_a_file_that_is_no_kernel(tmp_path, monkeypatch):
    monkeypatch.setenv("KEYHOLE_ACCEL", "tcg")
    with pytest.raises(
        qemu.GuestError, match=r"ended while it came up .*exited: QEMU ended with status 1(.|\n)*kernel"
    ):
        boot.boot(bogus_image(tmp_path, b"not a kernel"), deadline=20)


@needs_qemu
def test_a_kernel_that_hangs_meets_the_deadline_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("KEYHOLE_ACCEL", "tcg")
    kernel = bytearray(8192)
    kernel[0x1FE:0x20A] = bytes.fromhex("55aa ebfe") + b"HdrS" + bytes.fromhex("0002 0000")
    kernel[0x1F1] = 4  # sectors of set-up code, which jumps to itself for ever
    with pytest.raises(
        qemu.GuestError,
        match=r"did not come up within \d s \(tcg\); running(.|\n)*bogus kernel(.|\n)*nothing",
    ):
        boot.boot(bogus_image(tmp_path, bytes(kernel)), deadline=1.5)
    assert list((tmp_path / "cache/run").iterdir()) == []
    assert list((tmp_path / "cache/guests").iterdir()) == []


@needs_qemu
def test_stop_before_start_and_twice(tmp_path):
    guest = qemu.Guest(bogus_image(tmp_path, b"x"))
    assert guest.status().state == "exited"
    guest.stop()
    guest.stop()
    assert guest.status().state == "stopped"


def test_a_crash_is_seen_however_the_console_tells_it(tmp_path, monkeypatch):
    """Each look is at what is new, from the last whole line on: a crash that is told by halves is seen, and stays."""
    monkeypatch.setenv("KEYHOLE_QEMU", program(tmp_path / "qemu", "exec sleep 1000"))
    guest = qemu.Guest(bogus_image(tmp_path, b"x"))
    guest.start()
    try:
        console = guest._dir / "console"
        for text, crashed in [
            ("", False), ("[1] fine\r\n[2] also", False), (" fine\r\n", False), ("[3] Kernel pa", False),
            ("nic - not syncing: x\r\n", True), ("[4] more\r\n", True),
        ]:  # fmt: skip
            with console.open("a", newline="") as file:
                file.write(text)
            assert guest.status().state == ("crashed" if crashed else "running"), text
        assert guest.status().detail.splitlines()[:3] == [
            "[1] fine",
            "[2] also fine",
            "[3] Kernel panic - not syncing: x",
        ]
    finally:
        guest.stop()
    assert guest.status().state == "crashed"


PANIC = """\
[    1.0] fine
[    2.0] sysrq: Trigger a crash
[    2.1] Kernel panic - not syncing: sysrq triggered crash
[    2.2] CPU: 0 PID: 60 Comm: sh
"""


@pytest.mark.parametrize(
    ("console", "first"),
    [
        (PANIC, "[    1.0] fine"),
        ("[1] BUG: kernel NULL pointer dereference, address: 0\n[1] #PF", "[1] BUG"),
        ("x\n[2] general protection fault, probably for non-canonical address\n", "x"),
        ("[3] watchdog: BUG: soft lockup - CPU#0 stuck for 26s!\n", "[3] watchdog"),
        ("[4] BUG: KASAN: slab-out-of-bounds in lowpan_rcv\n", "[4] BUG"),
        ("[5] Oops: 0000 [#1] PREEMPT SMP\n", "[5] Oops"),
        ("[1] WARNING: CPU: 0 PID: 1 at net/6lowpan\n[2] rcu: INFO: rcu_preempt detected stalls\n", ""),
        ("OSError: [Errno 5]\nKEYHOLE agent ended with 1\n", ""),
    ],
)
def test_what_counts_as_a_crash(console, first):
    assert qemu.crash_excerpt(console).startswith(first)
    assert bool(qemu.crash_excerpt(console)) is bool(first)
