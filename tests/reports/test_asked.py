"""What a reader asks of a history, and names that nothing in it has."""

import pytest

from reports.__main__ import main


@pytest.fixture
def file(run, tmp_path, capsys):
    path = str(tmp_path / "history.db")
    main(["history", "add", path, str(run)])
    capsys.readouterr()
    return path


@pytest.mark.parametrize("verb", ["show", "bisect"])
@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("--case rfc6282/3.1.1/tg[00]", "no case 'rfc6282/3.1.1/tg[00]'; there is rfc6282/3.1.1/tf[00]"),
        ("--case rfc6283/*", "no case 'rfc6283/*'; there is rfc6282/*"),
        ("--case rfc6282/3.1.7/*", "no case 'rfc6282/3.1.7/*'; there is rfc6282/3.1.1/*"),
        ("--case * --rig linux-bel", "no rig 'linux-bel'; there is linux-ble"),
        ("--case * --rig linux-*", "no rig 'linux-*'; there is linux-"),
        ("--case robustness/* --rig linux-ble", "no case 'robustness/*' on linux-ble; there is "),
    ],
)
def test_a_name_that_nothing_has_is_told_with_the_nearest(file, capsys, verb, asked, told):
    assert main(["history", verb, file, *asked.split()]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("--figure rt", ""),
        ("--figure performance/*", ""),
        ("--figure performanse/rtt", "no figure 'performanse/rtt'; there is performance/rtt"),
        ("--figure *rtd*", "no figure '*rtd*'; there is rtt"),
        ("--figure rtt --rig lwip-802154", "no figure 'rtt' on lwip-802154; there is none"),
    ],
)
def test_a_figure_that_nothing_has_is_told_with_the_nearest(file, tmp_path, capsys, asked, told):
    for more in ([], ["--html", str(tmp_path / "pages")]):
        assert main(["history", "show", file, *asked.split(), *more]) == (2 if told else 0)
        assert told in capsys.readouterr().err
