"""The page of measurements: what they are worth, what stands out, and every figure with its numbers and plots."""

import json

from reports.html import pages
from reports.html.overview import apart
from reports.record import read
from tests.reports.markup import Page


def test_measurements_have_their_numbers_and_plots(sample, run, tmp_path):
    path = run / "run.jsonl"
    rows = path.read_text().splitlines()
    one = '{"type":"measurement","case":"performance/x","rig":"linux-ble","name":"loss","unit":"s","values":[null]}'
    rtt = {"type": "measurement", "case": "performance/rtt", "rig": "linux-ble", "name": "rtt", "unit": "ms"}
    more = [json.dumps(rtt | {"parameters": {"size": n}, "values": [n, None, n + 3]}) for n in (1, 2, 3)]
    path.write_text("\n".join([*rows[:-1], one, *more, rows[-1]]) + "\n")
    text = pages(read(run))["measurements.html"]
    words = Page(text).text
    assert "50.1" in words
    assert "because all was lost: 1 measurement." in words
    assert "Median of rtt in performance/rtt over size, from 1.0 to 64.0" in words
    assert (
        "The record does not say whether a radio is simulated. No rig file of this run has a limit" in words
    )
    for size, value in ((1, "2.5"), (2, "3.5"), (3, "4.5"), (64, "51.6")):
        assert f"rtt {size} octets {value} ms" in words, "sizes that differ have no range in common"
    assert text.count('class="box"') == 4


def test_figures_of_several_cases_share_no_curve(sample, run):
    path = run / "run.jsonl"
    rows = path.read_text().splitlines()
    rtt = json.loads(next(row for row in rows if '"measurement"' in row))
    more = [
        json.dumps(
            rtt | {"case": f"performance/{case}[{n}]", "parameters": {"size": n}, "values": [n * factor]}
        )
        for case, factor in (("idle", 1), ("loaded", 9))
        for n in (1, 2, 3)
    ]
    path.write_text("\n".join([*rows[:-1], *more, rows[-1]]) + "\n")
    text = Page(pages(read(run))["measurements.html"]).text
    assert "Median of rtt in performance/idle over size, from 1.0 to 3.0; the height is 0 s to 3 ms" in text
    assert (
        "Median of rtt in performance/loaded over size, from 1.0 to 3.0; the height is 0 s to 27 ms" in text
    )


def test_measurements_say_what_carries_the_frames_and_which_limits_hold(run):
    path = run / "run.jsonl"
    rows = [json.loads(row) for row in path.read_text().splitlines()]
    file = 'profile = "x"\n[tester]\nlink = "hwsim:wpan0"\n[air]\nloss = 0.05\n'
    file += '[[limit]]\nfigure = "rtt"\nmost = 20.0\n[[limit]]\nfigure = "rt?"\nleast = 1\n'
    rows[0]["rigs"] = {
        "linux-ble": {"file": {"name": "linux-ble", "text": file}},
        "linux-802154": {"file": {"name": "b", "text": '[tester]\nlink = "packet:wpan0"\n'}},
        "lwip-802154": {"file": {"name": "c", "text": "no TOML at all ["}},
    }
    next(row for row in rows if row["type"] == "measurement")["figure"] = {
        "value": 51.6,
        "low": 50.1,
        "high": 70.9,
    }
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    text = Page(pages(read(run))["measurements.html"]).text
    assert "Some rigs have a simulated radio" in text
    assert (
        "linux-ble two mac802154_hwsim radios in one guest, behind a software air (loss 0.05) simulated "
        "rtt (*), rt? (*) not recorded" in text
    )
    assert (
        "linux-802154 a wpan interface of a host (a radio, unless that interface is itself simulated) real none"
        in text
    )
    assert "lwip-802154 not recorded not known none" in text
    assert "51.6 ms (50.1 ms to 70.9 ms) ✗ at most 20 ms ✓ at least 1 ms" in text
    assert "✗ beyond its limit: 51.6 ms" in text


def test_pictures_stand_in_the_page(run):
    """Size map, distribution, loss by size, goodput over time; without a style that the policy forbids."""
    path = run / "run.jsonl"
    rows = path.read_text().splitlines()
    rtt = json.loads(next(row for row in rows if '"measurement"' in row))

    def line(name, unit, values, **parameters):
        made = rtt | {"name": name, "unit": unit, "values": values, "parameters": parameters}
        if name == "loss":
            made["figure"] = {"value": 0.1, "low": 0.05, "high": 0.2, "n": 60, "interval": "Wilson"}
        return json.dumps(made)

    more = [
        line("size that does not work", "B", [], tried=1233, first="tester"),
        line("size that does not work", "B", [729.0], tried=1233, first="dut", cause="<b>one</b> alone"),
        line("round trip", "ms", [5.0 + n % 7 for n in range(40)], size=56),
        line("loss", "share", [0.1], size=100),
        line("loss", "share", [0.1], size=900),
        line("goodput", "B/s", [900.0] * 11 + [500.0], period=0.5),
    ]
    path.write_text("\n".join([*rows[:-1], *more, rows[-1]]) + "\n")
    text = pages(read(run))["measurements.html"]
    for told in (
        "all 1233 sizes work",
        "1 of 1233 sizes do not work: &lt;b&gt;one&lt;/b&gt; alone",
        "p50 8",
        "Loss by size, with 95 % intervals: 10.0 % with 100 octets",
        "12 periods of 0.5 s",
    ):
        assert told in text, told
    assert text.count('class="plot"') == 5
    assert text.count("<style") == 1
    assert "because all was lost" not in text, "a map without a hole is no loss"


def test_what_a_link_said_of_itself_counts_more_than_its_address(run):
    path = run / "run.jsonl"
    rows = [json.loads(row) for row in path.read_text().splitlines()]
    next(row for row in rows if row["type"] == "measurement")["medium"] = (
        "virtual Bluetooth controllers, at once"
    )
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    text = Page(pages(read(run))["measurements.html"]).text
    assert "linux-ble virtual Bluetooth controllers, at once simulated none" in text


def test_a_figure_of_a_host_that_was_held_up_most_of_the_time_says_so(run):
    path = run / "run.jsonl"
    rows = path.read_text().splitlines()
    figure = {"what": "median", "value": 2.0, "low": 1.0, "high": 3.0, "n": 9}
    rtt = {
        "type": "measurement",
        "rig": "linux-ble",
        "name": "rtt",
        "unit": "ms",
        "values": [2.0],
        "figure": figure,
    }
    more = [
        json.dumps(
            rtt | {"case": f"performance/{held}", "load": {"lasted": 10.0, "held_up": held, "pace": 1e-4}}
        )
        for held in (4.0, 6.0)
    ]
    path.write_text("\n".join([*rows[:-1], *more, rows[-1]]) + "\n")
    words = Page(pages(read(run))["measurements.html"]).text
    told = "2 ms (1 ms to 3 ms); the host was held up by other work for 60 % of the time"
    assert (told in words, words.count("the host was held up")) == (True, 1)


def test_sizes_that_were_found_have_a_range_and_no_median(run):
    """Of 1233, 1452 and 1960 octets 1452 was told, which nobody asked for."""
    path = run / "run.jsonl"
    rows = path.read_text().splitlines()
    size = {
        "type": "measurement",
        "case": "mtu/beyond",
        "rig": "linux-ble",
        "name": "size that works",
        "unit": "B",
    }
    rows.insert(-1, json.dumps(size | {"parameters": {}, "values": [1233, 1452, 1960]}))
    path.write_text("\n".join(rows) + "\n")
    summary = Page(pages(read(run))["measurements.html"]).text.partition("What stands out")[0]
    assert "size that works 1233 B to 1960 B" in summary


def test_a_figure_has_a_row_for_each_size_and_way_and_of_many_sizes_for_ranges():
    def rows(*parameters):
        return [(of, len(lines)) for of, lines in apart([{"parameters": one} for one in parameters])]

    assert rows({}, {"holes": []}) == [("", 2)]
    both = [{"size": size, "direction": way} for size in (8, 1000) for way in ("to-the-dut", "from-the-dut")]
    assert rows(*both, both[0]) == [
        ("from the DUT, 8 octets", 1),
        ("from the DUT, 1000 octets", 1),
        ("to the DUT, 8 octets", 2),
        ("to the DUT, 1000 octets", 1),
    ]
    assert rows({"interval": 30}, {"interval": 50}) == [
        ("at a connection interval of 30 ms", 1),
        ("at a connection interval of 50 ms", 1),
    ]
    many = rows(*({"size": size} for size in range(100)))
    assert many[:3] == [("0 octets", 1), ("1 octets", 1), ("2 to 3 octets", 2)]
    assert many[-1] == ("64 to 127 octets", 36)
    assert sum(count for _, count in many) == 100
