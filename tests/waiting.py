"""How the tests wait: for something observable, with deadlines that count progress and not wall time.

Strategy: a deadline here is on the clock that stands still while this process and its children are held up
(`rigs.clock`), so that a test which passes on an idle machine passes on a busy one.
"""

import contextlib
import signal
import subprocess
import threading

from rigs import clock

#: Seconds that anything may take on an idle machine.
PATIENCE = 120.0
_LOOK = 0.02
#: Seconds between two looks at a process, at least and at most.
_LEAST, _MOST = 0.02, 1.0


def soon(seconds=10.0):
    """A deadline for whoever takes one."""
    return clock.now() + seconds


def received(link, seconds=10.0):
    """The octets of the next frame on a link."""
    got = link.receive(soon(seconds))
    assert got is not None, "no frame came"
    return got.frame


def until(holds, what="it did not happen", seconds=PATIENCE):
    """Wait until `holds()` and return what it said."""
    deadline, pause = clock.now() + seconds, threading.Event()
    while not (said := holds()):
        assert clock.now() < deadline, what
        pause.wait(_LOOK)
    return said


def finished(process, text=None, seconds=PATIENCE):
    """(stdout, stderr) of a process once it has ended; it is killed when it does not.

    A thread writes `text`: a second `communicate` does not go on with what the first had not written in time.
    """
    if text is not None:
        threading.Thread(target=_feed, args=(process.stdin, text), daemon=True).start()
        process.stdin = None
    deadline = clock.now() + seconds
    while True:
        try:
            return process.communicate(timeout=max(_LEAST, min(_MOST, deadline - clock.now())))
        except subprocess.TimeoutExpired:
            if clock.now() >= deadline:
                process.kill()
                process.communicate()
                raise


def _feed(pipe, text):
    with contextlib.suppress(BrokenPipeError, ValueError), pipe:  # it ended without reading all
        pipe.write(text)


def completed(command, *, seconds=PATIENCE, check=False, **options):
    """As `subprocess.run`, with captured text; the bound counts progress."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
    text = options.pop("input", None)
    if text is not None:
        options["stdin"] = subprocess.PIPE
    with subprocess.Popen(command, **options) as process:
        out, err = finished(process, text, seconds)
    done = subprocess.CompletedProcess(command, process.returncode, out, err)
    if check:
        done.check_returncode()
    return done


def hears_interrupts():
    """For `preexec_fn`: a shell that starts us in the background has SIGINT ignored, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
