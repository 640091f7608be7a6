"""Every command of the docs runs as it is printed, in a clean clone that has a `.venv` and nothing else."""

import os
import re
import shlex
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from rigs.__main__ import parser
from rigs.consoles import device
from tests.docs import needs
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PYTHON = ".venv/bin/python -m "
#: What only a person can do, or takes a whole run; each is held by a job or a test of its own.
ELSEWHERE = ("make conformance", "apt-get ", "export ")


def blocks(page):
    """The commands of a page's fenced blocks that have no language (a block with one is a file, or what is printed)."""
    text = page.read_text(encoding="utf-8")
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        if not language and block.startswith((PYTHON, "python", "pytest", "make ", "export ", "apt-get ")):
            yield from block.splitlines()


def commands():
    return [pytest.param(page, line, id=f"{page.name}: {line}") for page in PAGES for line in blocks(page)]


@pytest.fixture(scope="session")
def clone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clean") / "keyhole"
    subprocess.run(["git", "clone", "-q", "--no-hardlinks", str(ROOT), str(folder)], check=True)
    (folder / ".venv").symlink_to((ROOT / ".venv").resolve())
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(("page", "line"), commands())
def test_it_runs_as_it_is_printed(clone, page, line):
    if line.startswith(ELSEWHERE):
        return
    assert line.startswith((PYTHON, "python3 -m sixlowpan ", "grep ")), (
        f"{page.name}: a clean Debian has no such command: {line}"
    )
    if needs.what(line):
        words = shlex.split(line.removeprefix(PYTHON))
        if words[0] == "rigs":  # what it needs is not here, but its command line must be right
            parser().parse_args(words[1:])
        return
    for before in needs.first(line):
        subprocess.run(before, shell=True, cwd=clone, check=False, capture_output=True, env=clean())
    done = subprocess.run(
        line, shell=True, cwd=clone, check=False, capture_output=True, text=True, env=clean()
    )
    assert done.returncode in needs.status(line), done.stdout[-2000:] + done.stderr[-2000:]
    assert "Traceback" not in done.stdout + done.stderr


def clean():
    return {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "COV", "PYTHON"))
    }


def test_there_are_commands_and_none_needs_a_python_of_the_users():
    found = [(page, line) for page in PAGES for line in blocks(page)]
    assert len(found) > 8
    for page in PAGES[1:]:
        if page.name == "modules.md":  # the docstrings' own words
            continue
        text = page.read_text(encoding="utf-8")
        bare = re.findall(r"(?:^|`)((?:python|pytest) [^`\n]*)", text, re.MULTILINE)
        assert [line for line in bare if not line.startswith("pytest side")] == [], page.name


def test_the_deviation_that_the_docs_show_is_one():
    import tomllib

    from rigs.configuration.models import Deviation

    text = (ROOT / "docs" / "bring-your-board.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```toml\n(\[\[deviation\]\].*?)^```$", text, re.DOTALL | re.MULTILINE)
    made = Deviation.model_validate(tomllib.loads(shown)["deviation"][0])
    assert made.matches("rfc6282/3.1.1/hlim[00-63]", "hop_limit", "RFC6282-3.1.1-07")


def test_no_comment_and_no_help_names_a_python_that_debian_has_not():
    rigs = ROOT / "rigs"
    texts = [
        path.read_text(encoding="utf-8")
        for path in [*rigs.glob("files/*.toml"), *rigs.glob("examples/*.toml")]
    ]
    for command in ("rigs", "reports", "sixlowpan"):
        done = subprocess.run(
            [ROOT / PYTHON.split(maxsplit=1)[0], "-m", command, "--help"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        texts.append(done.stdout)
    for text in texts:
        shown = [line.strip("# ") for line in text.splitlines()]
        assert [line for line in shown if line.startswith(("python -m", "pytest ", "python "))] == []


@pytest.mark.skipif(shutil.which("socat") is None, reason="no socat here: apt-get install socat")
def test_a_program_behind_socat(tmp_path):
    """The line that gives a program a terminal: it starts the program, and nobody counts as a rival at its port."""
    page = (ROOT / "docs" / "bring-your-board.md").read_text(encoding="utf-8")
    line = re.search(r"^socat .*$", page, re.MULTILINE)[0]
    node = tmp_path / "node.elf"
    node.write_text('#!/bin/sh\necho "$@"\nexec cat\n')
    node.chmod(0o755)
    port = tmp_path / "node1"
    line = line.replace("/run/lab/node1", str(port)).replace("/path/to/node.elf", str(node))
    with subprocess.Popen(shlex.split(line), stderr=subprocess.PIPE, start_new_session=True) as board:
        try:
            until(lambda: port.exists() or board.poll() is not None)
            assert board.poll() is None, board.stderr.read()
            with port.open("rb", buffering=0) as terminal:
                assert terminal.read(18) == b"-z [::1]:17754\n"
            assert device.users(str(port)) == ""
        finally:
            os.killpg(board.pid, signal.SIGKILL)
