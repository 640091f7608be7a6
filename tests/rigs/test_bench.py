"""Rigs open as a whole or not at all, close in reverse, come back, and end when they do not."""

import pytest

from rigs import registry
from rigs.bench import OPENINGS, Bench, Rig
from rigs.configuration.models import ConfigError
from rigs.model import RigError, overdue


def test_link_and_node_share_what_they_hang_on_and_it_is_closed_last(make, fakes):
    with Rig.of(make()) as rig:
        assert rig.version == "1.0"
        assert rig.link.kind == "ieee802154"
        assert fakes.log == ["guest started", "radio started"]
        fakes.log.clear()
    assert fakes.log == ["node closed", "link closed", "radio ended", "guest ended"]
    rig.close()
    assert len(fakes.log) == 4
    with pytest.raises(RigError, match="r: the rig is not open"):
        _ = rig.link


@pytest.mark.parametrize("error", [RigError("silent"), OSError("no such device"), ValueError("a bug")])
def test_nothing_stays_open_when_one_part_fails(make, fakes, error):
    fakes.failures.append(error)
    rig = Rig.of(make())
    with pytest.raises(ValueError if isinstance(error, ValueError) else RigError, match=str(error)):
        rig.open()
    assert not rig.is_open
    assert fakes.log[-3:] == ["link closed", "radio ended", "guest ended"]
    rig.open()
    assert rig.is_open


def test_an_error_of_the_system_is_told_with_the_adapter_and_the_line_that_it_came_from(make, fakes):
    fakes.failures.append(FileNotFoundError(2, "No such file or directory"))
    with pytest.raises(
        RigError,
        match=r"r: cannot be opened: dut.node = 'tests.rigs.fakes': fakes.py line \d+: .*No such file",
    ):
        Rig.of(make()).open()


@pytest.mark.parametrize(
    ("error", "late"),
    [
        (overdue(RigError("silent")), True),
        (TimeoutError("no answer"), True),
        (RigError("two tables were found"), False),
        (OSError("no such device"), False),
    ],
)
@pytest.mark.parametrize(("held", "slow"), [(0.4, False), (55.0, True), (20.0, False)])
def test_a_rig_that_other_work_kept_from_opening_says_so(make, fakes, monkeypatch, error, late, held, slow):
    """Where something did not come in time: what has a reason of its own is no fault of the machine's."""
    tries = _a_minute_for_each_try(monkeypatch, fakes, held)
    fakes.failures += [error] * OPENINGS
    with pytest.raises(RigError) as told:
        Rig.of(make()).open()
    said = f"machine too slow: other work held the rig up for {held:.1f} of 60.0 s; "
    assert str(told.value).startswith(said) == (slow and late)
    assert str(error) in str(told.value)
    assert tries() == (OPENINGS if slow and late else 1)


def test_a_rig_that_other_work_kept_from_opening_is_opened_again(make, fakes, monkeypatch):
    _a_minute_for_each_try(monkeypatch, fakes, 55.0)
    fakes.failures += [overdue(RigError("silent"))] * (OPENINGS - 1)
    with Rig.of(make()) as rig:
        assert rig.version == "1.0"


def _a_minute_for_each_try(monkeypatch, fakes, held):
    """Each try to open takes a minute, of which other work has `held` seconds; the result tells how many there were."""

    def tries():
        return fakes.log.count("guest started")

    monkeypatch.setattr("rigs.bench.time.monotonic", lambda: 60.0 * tries())
    monkeypatch.setattr("rigs.bench.clock.held_up", lambda: held * tries())
    return tries


def test_two_failed_recoveries_in_a_row_end_a_rig(make, fakes):
    told = []
    rig = Rig.of(make(), lambda event, details: told.append((event, details.get("message", ""))))
    rig.open()
    fakes.failures.append(RigError("dead"))
    with pytest.raises(RigError, match=r"^dead$"):
        rig.recover("it oopsed")
    rig.recover("still")
    rig.proved()  # the second one works and the DUT answers: the count starts again
    assert told == [("lost", "it oopsed"), ("recovered", "")]
    fakes.failures += [RigError("dead"), RigError("really dead")]
    with pytest.raises(RigError):
        rig.recover()
    assert not rig.ended
    with pytest.raises(RigError, match="given up after 2 failed recoveries in a row: really dead"):
        rig.recover()
    assert rig.ended
    with pytest.raises(RigError, match="given up"):
        rig.recover()
    with pytest.raises(RigError, match="given up"):
        _ = rig.node


def test_a_recovery_that_brings_nothing_back_has_failed(make):
    rig = Rig.of(make())
    rig.open()
    rig.recover("silent")
    rig.unproved("still silent")
    with pytest.raises(RigError, match="given up after 2 failed recoveries in a row: still silent"):
        rig.unproved("still silent")
    assert rig.ended


def test_a_bench_closes_everything_even_if_one_part_does_not_close():
    closed = []

    class Part:
        def __init__(self, name, error=None):
            self.name, self.error = name, error

        def close(self):
            closed.append(self.name)
            if self.error:
                raise self.error

    bench = Bench()
    assert bench.resource("a", lambda: Part("a")) is bench.resource("a", lambda: Part("other"))
    bench.resource("b", lambda: Part("b", OSError("stuck")))
    with pytest.raises(OSError, match="stuck"):
        bench.close()
    assert closed == ["b", "a"]
    bench.close()


def test_adapters_are_found_by_name():
    assert registry.kinds("open_node")["reference"] == "rigs.nodes.reference.node"
    assert registry.kinds("open_link")["memory"] == "rigs.links.memory.link"
    assert set(registry.kinds("open_console")) == {"process", "pty", "rfc2217", "serial", "socket", "ssh"}


def test_what_only_adapters_know_is_told_together(make):
    with pytest.raises(ConfigError) as caught:
        registry.verify(make('tester.link="memry:802154"', 'dut.node="lwpi"', "dut.console=seral:x").rig)
    link, console, node = caught.value.mistakes
    assert (
        "dut.console: no console scheme 'seral' (did you mean 'serial'?); there are: process, pty" in console
    )
    assert "tester.link: no link scheme 'memry' (did you mean 'memory'?); there are: " in link
    assert "dut.node: no kind of node 'lwpi' (did you mean 'lwip'?)" in node
    with pytest.raises(ConfigError, match=r"no such option .did you mean 'fail'.*there are: fail, lacks"):
        registry.verify(make("dut.fial=1").rig)
    with pytest.raises(
        ConfigError, match=r"dut.node: there is no module acme.node in the folders of PYTHONPATH"
    ):
        registry.verify(make('dut.node="acme.node"').rig)
    with pytest.raises(ConfigError, match=r"the module json.tool has no function open_node"):
        registry.verify(make('dut.node="json.tool"').rig)


def test_a_node_that_needs_a_console_and_has_none(make):
    rig = make().rig
    with pytest.raises(
        ConfigError, match=r"dut.console: is missing: the node 'tests.rigs.fakes' needs its console"
    ):
        registry.open_console(Bench(), None, rig)
    with pytest.raises(ConfigError, match=r"no console scheme 'tty'"):
        registry.open_console(Bench(), "tty:/dev/ttyACM0", rig)


def test_a_console_is_opened_once_a_bench(make):
    bench, rig = Bench(), make().rig
    console = registry.open_console(bench, "process:cat", rig)
    assert registry.open_console(bench, "process:cat", rig) is console
    bench.close()
    assert console.health().state == "unreachable"


def test_what_a_console_lacks_is_missing(make):
    (missing,) = registry.missing(make("dut.console=process:./none.elf -E").rig)
    assert missing.what == "dut.console: there is no file ./none.elf"
    assert "build the firmware" in missing.remedy


def test_missing_things_are_told_once(make):
    assert registry.missing(make().rig) == []
    missing = registry.missing(make("dut.lacks=a radio").rig)
    assert [(item.what, item.remedy) for item in missing] == [("a radio", "buy one")]


@pytest.mark.parametrize("name", ["reference", "lwip", "linux"])
def test_profiles_of_the_tree_declare_nothing_that_an_adapter_lacks(name):
    import importlib
    import inspect

    from rigs.configuration.loading import known_rigs, load
    from rigs.model import Node

    module = importlib.import_module(registry.kinds("open_node")[name])
    (node,) = (
        kind
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Node) and kind.__module__ == module.__name__
    )
    loaded = [load(rig, unset=[]) for rig in known_rigs()]
    profiles = [each.profile for each in loaded if each.rig.dut.node == name]
    assert profiles
    for profile in profiles:
        assert set(profile.abilities) <= node.abilities, profile.name


def test_a_link_of_no_kind_is_told_as_the_adapters_mistake(make, monkeypatch, fakes):
    monkeypatch.setattr(fakes.FakeLink, "kind", "802154")
    loaded, said = make(), """says kind = '802154' of its link: a link is "ieee802154" or "ble\""""
    with pytest.raises(ConfigError, match=r"tester.link: the adapter tests.rigs.fakes " + said):
        Rig.of(loaded).open()
    (misfit,) = registry.misfits(loaded.rig, loaded.profile)
    assert misfit.endswith(said)


def test_a_process_that_stands_in_for_a_dongle_and_dies_says_why(tmp_path):
    path = tmp_path / "r.toml"
    path.write_text(
        'schema = 1\nprofile = "black-box-802154"\n[tester]\n'
        "link = \"spinel:process:/bin/sh -c 'echo no board $((1 + 1)); exit 3'\"\n"
        '[dut]\nnode = "black_box"\naddress = "02005efffe000001"\n'
    )
    rig = Rig.of(registry.load(str(path)))
    with pytest.raises(RigError) as caught:
        rig.open()
    assert str(caught.value).endswith(
        "the process ended with status 3; the last line on its console: 'no board 2'"
    )
    rig.close()


def test_what_a_process_said_before_it_ended_is_in_the_message(tmp_path):
    path = tmp_path / "r.toml"
    path.write_text(
        'schema = 1\nprofile = "black-box-802154"\n[tester]\nlink = "zep:127.0.0.1:0"\n[dut]\nnode = "black_box"\n'
        'address = "02005efffe000001"\nconsole = "process:/bin/sh -c \'echo no such board; exit 3\'"\n'
    )
    rig = Rig.of(registry.load(str(path)))
    with pytest.raises(RigError) as caught:
        rig.open()
    assert str(caught.value).endswith("ended with status 3; the last line on its console: 'no such board'")
    rig.close()
