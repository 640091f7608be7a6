"""The sample CI jobs of docs/ci: parsed, each step read by bash, and run to the letter in a clean clone.

What stands in for what is not here: `make setup` does nothing (the clone is lent a `.venv`), a web server on loopback
plays GitLab's notes, and the rig is the reference node with a part of the cases (PYTEST_ADDOPTS).
"""

import http.server
import json
import os
import re
import shutil
import subprocess
import threading
import urllib.parse
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CI = ROOT / "docs" / "ci"
GITHUB = yaml.safe_load((CI / "github.yml").read_text(encoding="utf-8"))
GITLAB = yaml.safe_load((CI / "gitlab.yml").read_text(encoding="utf-8"))
STEPS = GITHUB["jobs"]["conformance"]["steps"]
JOB = GITLAB["6lowpan-conformance"]
BASH = [
    "bash",
    "--noprofile",
    "--norc",
    "-eo",
    "pipefail",
    "-c",
]  # as GitHub's `shell: bash` and GitLab's runner
GOOD, WRONG = "-k hlim --seed 1", "-k hlim --seed 1 --mutant hlim-inline-ignored"


@pytest.mark.parametrize(
    "script", [*(step["run"] for step in STEPS if "run" in step), *JOB["script"], "\n".join(JOB["script"])]
)
def test_bash_reads_every_step(script):
    done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_jobs_say_what_their_services_need():
    assert GITHUB[True] == {  # YAML 1.1 reads the key `on` so, and GitHub knows it
        "push": {"branches": ["main"]}, "pull_request": None, "workflow_dispatch": None,
    }  # fmt: skip
    assert all(("run" in step) != ("uses" in step) for step in STEPS)
    assert JOB["artifacts"]["paths"] == ["keyhole/"]
    assert JOB["variables"]["OUT"] == "$CI_PROJECT_DIR/keyhole"
    # steps that are named are there
    named = set(re.findall(r"steps\.(\w+)\.", (CI / "github.yml").read_text(encoding="utf-8")))
    assert named <= {step.get("id") for step in STEPS}


@pytest.fixture
def place(tmp_path):
    """A clean clone with a lent .venv, in which `make` has nothing to do; returns folder and environment."""
    clone, tools = tmp_path / "keyhole", tmp_path / "tools"
    subprocess.run(["git", "clone", "-q", "--no-hardlinks", str(ROOT), str(clone)], check=True)
    (clone / ".venv").symlink_to((ROOT / ".venv").resolve())
    tools.mkdir()
    (tools / "make").write_text("#!/bin/sh\n")
    (tools / "make").chmod(0o755)
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "COV", "PYTHON", "CI_", "GITHUB"))
    }
    return tmp_path, kept | {"PATH": f"{tools}:{os.environ['PATH']}"}


class Notes(http.server.BaseHTTPRequestHandler):
    """GitLab's notes of one merge request: listed, posted, written anew."""

    notes: list
    asked: list

    def do_GET(self):
        self.asked.append("GET")
        self.answer(self.notes)

    def do_POST(self):
        self.asked.append("POST")
        self.notes.append({"id": len(self.notes) + 70, "body": self.body()})
        self.answer(self.notes[-1], 201)

    def do_PUT(self):
        self.asked.append("PUT")
        (note,) = [n for n in self.notes if self.path.endswith(f"/{n['id']}")]
        note["body"] = self.body()
        self.answer(note)

    def body(self):
        octets = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.headers["PRIVATE-TOKEN"] == "secret"
        return urllib.parse.parse_qs(octets.decode())["body"][0]

    def answer(self, value, status=200):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(value).encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def gitlab():
    handler = type("Handler", (Notes,), {"notes": [{"id": 7, "body": "Nice work."}], "asked": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/api/v4", handler
        server.shutdown()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_gitlab_job(place, gitlab):
    folder, env = place
    address, api = gitlab
    env |= {
        "CI_PROJECT_DIR": str(folder), "KEYHOLE_CHECKOUT": str(folder / "keyhole"), "KEYHOLE_RIG": "reference",
        "CI_DEFAULT_BRANCH": "main", "CI_API_V4_URL": address, "CI_PROJECT_ID": "3", "KEYHOLE_TOKEN": "secret",
        "OUT": str(folder / "out"), "GOOD": str(folder / "good"),
    }  # fmt: skip

    def job(options, **more):
        line = [*BASH, "\n".join(JOB["script"])]
        return subprocess.run(
            line,
            cwd=folder,
            env=env | more | {"PYTEST_ADDOPTS": options},
            capture_output=True,
            text=True,
            check=False,
        )

    first = job(GOOD, CI_COMMIT_BRANCH="main")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "There is no good record to compare with yet." in first.stdout
    assert (folder / "good" / "run.jsonl").exists()
    assert api.asked == []
    for turn, methods in enumerate((["GET", "POST"], ["GET", "PUT"])):
        api.asked.clear()
        request = job(WRONG if turn else GOOD, CI_MERGE_REQUEST_IID="5")
        assert request.returncode == turn, request.stdout + request.stderr
        assert api.asked == methods, request.stderr
        assert [note["id"] for note in api.notes] == [7, 71]
        assert "hlim" in api.notes[1]["body"]
        assert ("hop_limit" in api.notes[1]["body"]) == bool(turn)
    assert api.notes[0]["body"] == "Nice work."
    assert list((folder / "out").glob("2*/junit.xml"))
    assert job(WRONG, CI_COMMIT_BRANCH="main").returncode == 1
    again = job(GOOD, CI_COMMIT_BRANCH="main")
    assert again.returncode == 0
    assert (
        "got worse" in again.stdout
    )  # it is compared with the good record, which the wrong run did not become


@pytest.mark.slow
def test_the_github_job(place):
    folder, env = place
    expressions = {
        "${{ vars.KEYHOLE_RIG }}": "reference",
        "${{ github.workspace }}/record": str(folder / "record"),
        "/var/lib/keyhole/good": str(folder / "good"),
    }
    env |= {key: expressions[value] for key, value in GITHUB["jobs"]["conformance"]["env"].items()}
    env["GITHUB_STEP_SUMMARY"] = str(folder / "step.md")

    def job(options, branch):
        outcomes = {}
        for step in STEPS:
            name, condition = step.get("id") or step.get("name"), step.get("if", "success()")
            wanted = {
                "success()": all(outcomes.values()),
                "success() && github.ref == 'refs/heads/main'": all(outcomes.values()) and branch == "main",
                "always() && steps.suites.outcome != 'skipped'": "suites" in outcomes,
            }
            if "run" in step and wanted[condition]:
                done = subprocess.run(
                    [*BASH, step["run"]], cwd=folder / "keyhole", env=env | {"PYTEST_ADDOPTS": options},
                    capture_output=True, text=True, check=False,
                )  # fmt: skip
                outcomes[name] = done.returncode == 0
        return outcomes

    assert all(job(GOOD, "main").values())
    assert (folder / "good" / "run.jsonl").exists()
    outcomes = job(WRONG, "topic")
    assert (outcomes["suites"], outcomes["compare"]) == (False, False)
    assert "hop_limit" in (folder / "record" / "comment.md").read_text()
    assert "There is no good record" in (folder / "step.md").read_text()
    outcomes = job(GOOD, "main")
    assert all(outcomes.values())


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.parametrize("there", [False, True])
def test_the_comment_on_github_is_written_anew(tmp_path, there):
    (script,) = [
        step["with"]["script"] for step in STEPS if step.get("uses", "").startswith("actions/github-script")
    ]
    (tmp_path / "comment.md").write_text("### Compared")
    comments = [{"id": 1, "body": "Nice."}, *([{"id": 2, "body": "<!-- keyhole -->\nold"}] if there else [])]
    around = f"""
const said = [], tell = (name) => (what) => said.push([name, what]);
const issues = {{ listComments: "list", updateComment: tell("update"), createComment: tell("create") }};
const github = {{ rest: {{ issues }}, paginate: async () => {json.dumps(comments)} }};
const context = {{ repo: {{ owner: "o", repo: "r" }}, issue: {{ number: 5 }} }};
(async () => {{ {script} }})().then(() => console.log(JSON.stringify(said)));
"""
    env = os.environ | {"OUT": str(tmp_path)}
    done = subprocess.run(["node", "-e", around], env=env, capture_output=True, text=True, check=True)
    ((name, what),) = json.loads(done.stdout)
    assert (name, what.get("comment_id"), what.get("issue_number")) == (
        ("update", 2, None) if there else ("create", None, 5)
    )
    assert what["body"] == "<!-- keyhole -->\n### Compared"
