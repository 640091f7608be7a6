"""Pictures of measurements: well-formed, inert, and in words what they show."""

import random
from xml.etree import ElementTree as ET

import pytest

from reports.plots import loss_by_size, svg


def line(name, unit, values, figure=None, **parameters):
    return {"name": name, "unit": unit, "values": values, "parameters": parameters, "figure": figure}


def words(picture):
    return ET.fromstring(picture).get("aria-label")


def test_round_trips_are_a_distribution():
    values = [5 + random.Random(n).expovariate(1) for n in range(100)]
    picture = svg(line("round trip", "ms", [*values, None], size=56))
    assert "p50" in words(picture)
    assert "n = 100" in words(picture)
    assert words(picture).startswith("round trip (size 56)")
    assert len(ET.fromstring(picture).findall("line")) == 3


def test_thousands_of_round_trips_are_no_larger_a_picture():
    few, many = (svg(line("round trip", "ms", [1 + n % 97 for n in range(count)])) for count in (200, 20_000))
    assert len(many) < 1.2 * len(few)
    assert "n = 20000" in words(many)


def test_a_map_shows_its_holes_and_their_cause():
    picture = svg(
        line("size that does not work", "B", [729.0], tried=1233, first="tester", cause="729 octets alone")
    )
    assert "1 of 1233 sizes do not work: 729 octets alone" in words(picture)
    assert len([r for r in ET.fromstring(picture).iter("rect") if r.get("class") == "hole"]) == 1
    assert "all 26 sizes work" in words(svg(line("size that does not work", "B", [], tried=26)))


def test_a_series_is_a_line_over_time():
    assert "12 periods of 0.5 s" in words(svg(line("goodput", "B/s", [100.0] * 11 + [50.0], period=0.5)))
    assert "3 periods of 1 min" in words(svg(line("loss by minute", "share", [0.1, 0.0, 0.2])))


def test_loss_by_size_has_intervals():
    lines = [
        line(
            "loss",
            "share",
            [0.0],
            {"value": 0.1 * n, "low": 0.05 * n, "high": 0.2 * n, "n": 60},
            size=100 * n,
        )
        for n in range(1, 4)
    ]
    picture = loss_by_size([*lines, line("loss", "share", [0.0], None, size=5), line("other", "ms", [1.0])])
    assert "10.0 % with 100 octets" in words(picture)
    assert len(ET.fromstring(picture).findall("circle")) == 3
    assert loss_by_size([]) == ""


@pytest.mark.parametrize(
    "nothing",
    [
        line("round trip", "ms", []),
        line("round trip", "ms", [1.0, 2.0]),
        line("round trip", "ms", [3.0] * 20),
        line("loss", "share", [0.0] * 20),
        line("goodput", "B/s", [5.0]),
        line("goodput", "B/s", [0.0, 0.0], period=0.5),
        line("goodput", "B/s", [1.0, 2.0], period="long"),
        line("size that does not work", "B", [1.0], tried="many"),
    ],
)
def test_where_there_is_nothing_to_draw_there_is_no_picture(nothing):
    assert svg(nothing) == ""


def test_text_of_a_record_is_escaped():
    hostile = "</svg><script>alert('&\"')</script>"
    picture = svg(line(hostile, "ms", [1.0, 2.0, 3.0, 4.0, 5.0], size=hostile))
    assert "<script" not in picture
    assert hostile in words(picture)
