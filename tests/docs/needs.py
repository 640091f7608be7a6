"""What the commands of the docs need that a machine without hardware and firmware does not have."""

#: Words of a command -> what it needs.
_NEEDED = {
    "desk.toml": "a board",
    "theirs.toml": "a stranger's rig file",
    "acme.toml": "the files of docs/write-an-adapter.md (test_write_an_adapter.py)",
    "first_answer": "the measurement of docs/write-a-case.md (test_write_a_case.py)",
    "hop_limit_of_zero": "the case of docs/write-a-case.md (test_write_a_case.py)",
    "hop-limit-zero": "the mutant of docs/write-a-case.md (test_write_a_case.py)",
    "policy.toml": "the policy of docs/reports.md",
    "BASE NEW": "two runs",
    "OUT RUN RUN": "runs of several labs",
    "rigs release": "a lab with a labgrid coordinator",
    "riot-zep": "RIOT's firmware",
    "linux-802154": "a guest",
    "lwip": "liblwip0",
}
#: How the run is made that a command speaks of.
_RUN = ".venv/bin/python -m pytest suites/rfc6282/test_3_1_1.py -k hlim --seed 1 --rig"


def what(line: str) -> str:
    """What `line` needs and is not looked for here; empty where it must run."""
    if " init " in line:
        return ""
    if "lwip" in line and "linux" not in line and _lwip():
        return ""
    return next((need for word, need in _NEEDED.items() if word in line), "")


def first(line: str) -> list[str]:
    """What must have been done before."""
    if " replay " in line:
        return [f"{_RUN} lwip-ble"]
    if "order_of_arrival" in line:
        return [".venv/bin/python -m pytest suites/rfc4944/test_5_3.py -k order_of_arrival --rig lwip-802154"]
    if "rfc6282/4.2/" in line:
        return [
            ".venv/bin/python -m pytest suites/rfc6282/test_4_2.py -k hop-by-hop --rig reference",
            ".venv/bin/python -m reports history add history.db reports/out/latest",
        ]
    if " reports " in line:
        return [f"{_RUN} reference"]
    if " deviation " in line:
        return [f"{_RUN} reference --mutant hlim-inline-ignored"]
    return []


def status(line: str) -> set[int]:
    """The exit statuses that the page leads one to expect."""
    return {0, 1} if " judge " in line or " explain " in line else {0}


def _lwip() -> bool:
    from rigs import registry

    return not registry.missing(registry.load("lwip-ble").rig)
