"""The gate of a history: what of a policy wins, and mistakes in a policy that are told."""

import pytest

from reports.__main__ import main


@pytest.fixture
def gate(run, tmp_path, capsys):
    """Hold the sample run against the text of a policy: (status, output, mistakes)."""
    file, rules = str(tmp_path / "history.db"), tmp_path / "policy.toml"
    main(["history", "add", file, str(run)])
    capsys.readouterr()

    def held(text, *more):
        rules.write_text(f"inconclusive = 1\n{text}")
        status = main(["history", "gate", file, "--policy", str(rules), "--today", "2026-01-01", *more])
        told = capsys.readouterr()
        return status, told.out, told.err

    return held


QUARANTINE = """
[[quarantine]]
case = "*"
until = 2026-12-31
why = "the whole section is new"
"""


@pytest.mark.parametrize(
    ("rule", "by"),
    [('allowed = ["*"]', "allowed"), (QUARANTINE, "the quarantine")],
    ids=["allowed", "quarantine"],
)
def test_nothing_excuses_what_is_required(gate, rule, by):
    """A wide `allowed` undid every `required`, and the gate passed."""
    assert gate(rule)[0] == 0
    for line, status in (("robustness/*", 1), ("* robustness/*", 1), ("linux-ble rfc6282/3.1.1/*", 0)):
        found, text, _ = gate(f'required = ["{line}"]\n{rule}')
        assert found == status, text
        why = f"(required by '{line}', and {by} does not excuse what is required)"
        assert (
            f"failed: lwip-802154  robustness/truncation  fail: SURVIVAL-01 dut_lost {why}" in text
        ) == status
        assert ("failed" in text) == status
        assert "excused: linux-802154  rfc4944/5.3/two_senders_same_tag" in text, "it is not required"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('requierd = ["a/b"]', "requierd: there is no such key; there is required;"),
        (
            QUARANTINE.replace("until", "untill"),
            "quarantine.0.untill: there is no such key; there is until;",
        ),
        (
            QUARANTINE.replace("case", "cases"),
            "quarantine.0.cases: there is no such key; there is case;",
        ),
    ],
)
def test_a_key_that_is_none_is_told_with_the_nearest(gate, text, told):
    status, _, mistakes = gate(text)
    assert status == 2
    assert told in mistakes


@pytest.mark.parametrize("rig", ["linux-bel", "linux-bel*"])
def test_a_rig_that_the_history_has_not_is_told(gate, rig):
    words = f"the history has no rig '{rig}'; there is linux-ble"
    status, text, _ = gate(f'allowed = ["*"]\nrequired = ["{rig} rfc6282/3.1.1/*"]')
    assert status == 3
    assert f"cannot be told: required '{rig} rfc6282/3.1.1/*': {words}" in text
    status, text, _ = gate(f'allowed = ["*"]\n{QUARANTINE}rig = "{rig}"')
    assert status == 0
    assert f"note: the quarantine of * excuses nothing in this run: {words}" in text


def test_a_run_that_the_history_has_not_is_told_with_the_nearest(gate):
    status, _, mistakes = gate('allowed = ["*"]', "--run", "20261121-100000-8")
    assert status == 2
    assert "the history has no run '20261121-100000-8'; there is 20261121-100000-7" in mistakes


def test_what_nobody_requires_may_be_ignored(gate):
    """Of required cases all counts, inconclusive ones too; of others nothing."""
    only = 'required = ["linux-ble rfc6282/3.1.1/*"]\n'
    assert gate(only)[0] == 1
    status, text, _ = gate(only + 'others = "ignore"')
    assert status == 0
    assert (
        "excused: lwip-802154  robustness/truncation  fail: SURVIVAL-01 dut_lost (not required, and the policy"
        in text
    )
    status, text, _ = gate('required = ["robustness/*"]\nothers = "ignore"')
    assert (status, "failed: lwip-802154  robustness/truncation" in text) == (1, True)
    status, _, mistakes = gate('others = "none"')
    assert (status, "others: Input should be 'count' or 'ignore'" in mistakes) == (2, True)


def test_a_breach_that_nothing_has_is_told_with_the_nearest(gate):
    _, text, _ = gate(f'{QUARANTINE}breach = "SURVIVAL-01 dut_lots"\n')
    assert (
        "excuses nothing in this run: the whole section is new "
        "(no run has breach 'SURVIVAL-01 dut_lots' of these cases; there is SURVIVAL-01 dut_lost" in text
    )
    assert "no run" not in gate(f'{QUARANTINE}breach = "SURVIVAL-01 *"\n')[1]
    rule = QUARANTINE.replace('"*"', '"rfc6282/3.1.1/hop_limit[1]"')
    text = gate(f'{rule}breach = "SURVIVAL-01 dut_lost"\n')[1]
    assert "(no run has breach 'SURVIVAL-01 dut_lost' of these cases; they have none)" in text


@pytest.mark.parametrize(
    ("since", "said"),
    [
        ("", "(its breach was seen last in run first of "),
        ("2026-11-21", "(its breach was seen last in run first of "),
        ("2026-11-22", "(no run since 2026-11-22 has breach 'SURVIVAL-01 *' of these cases; they have none)"),
    ],
)
def test_a_breach_is_looked_for_in_the_runs_since_a_quarantine_began(sample, tmp_path, capsys, since, said):
    """What is gone from the last run is no mistake of the policy, as long as a run since its begin had it."""
    file, rules = str(tmp_path / "history.db"), tmp_path / "policy.toml"
    dead = [one for one in sample.sample_results() if one.case == "robustness/truncation"]
    good = [sample.result("robustness/truncation", one.rig, "pass", []) for one in dead]
    for run_id, day, results in (("first", 21, dead), ("second", 23, good)):
        path = sample.write_record(tmp_path / run_id, results, run_id=run_id)
        path.write_text(path.read_text().replace('"started":"2026-11-21', f'"started":"2026-11-{day}'))
        main(["history", "add", file, str(path.parent)])
    rules.write_text(f'{QUARANTINE}breach = "SURVIVAL-01 *"\n{f"since = {since}" if since else ""}')
    capsys.readouterr()
    assert main(["history", "gate", file, "--policy", str(rules), "--today", "2026-11-30"]) == 0
    assert f"excuses nothing in this run: the whole section is new {said}" in capsys.readouterr().out
