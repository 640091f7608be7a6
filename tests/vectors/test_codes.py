"""Every code that a finding can have is listed, with a sentence, and every word that is listed is used."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

from fixtures.judging.difference import difference
from rigs.configuration.models import Profile
from rigs.configuration.telling import mistakes_in
from sixlowpan import ipv6
from sixlowpan.errors import MALFORMED, RESERVED, UNSUPPORTED
from vectors.codes import CODES, FIELDS, LATE, WORDS, check, check_glob

ROOT = Path(__file__).parents[2]
#: Which argument of a call is a code; others name theirs by `code=`.
PLACE = {"finding": 0, "Breach": 0, "_say": 0, "_found": 0, "expect": 1}
MADE = {f"{kind}{name}" for name in FIELDS for kind in ("", "sent_")} | {
    "answer_source",
    "answer_destination",
}
MADE |= {"source_elision", "destination_elision", MALFORMED, RESERVED, UNSUPPORTED}


def codes_in(path):
    """Codes that stand in a module as words: in a call, in a default, in a choice, in a table of a few."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            place = PLACE.get(name, -1)
            if name == "expect" and node.args and ast.unparse(node.args[0]).endswith("case"):
                place += 1  # suites.performance.stream.expect takes the case first
            given = node.args[place : place + 1] if 0 <= place < len(node.args) else []
            given += [k.value for k in node.keywords if k.arg == "code"]
            for value in given:
                yield from (
                    n.value
                    for n in ast.walk(value)
                    if isinstance(n, ast.Constant) and isinstance(n.value, str)
                )


SOURCES = [path for folder in ("suites", "fixtures") for path in sorted((ROOT / folder).rglob("*.py"))] + [
    *sorted((ROOT / "sixlowpan").glob("lint*.py")),
    ROOT / "sixlowpan" / "nd" / "judging.py",
]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_code_is_listed(path):
    for code in codes_in(path):
        if re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", code):  # not the parts of an f-string
            assert code in CODES, f"{path}: give {code!r} a sentence in vectors/codes.py"


def test_what_may_come_late_is_listed():
    assert set(WORDS) >= LATE


def test_every_word_that_is_listed_is_used():
    text = "".join(path.read_text(encoding="utf-8") for path in SOURCES)
    assert not [code for code in WORDS if code not in MADE and f'"{code}"' not in text]


def test_a_sentence_is_a_sentence():
    for code, meaning in CODES.items():
        assert re.fullmatch(r"[A-Z].*\.", meaning), code
        assert ". " not in meaning, f"{code}: one sentence"


def test_every_field_in_which_packets_can_differ_is_listed():
    whole = ipv6.build(bytes(15) + b"\1", bytes(15) + b"\2", 17, bytes(range(16)))
    icmp = whole[:6] + bytes([58]) + whole[7:]
    found = {difference(whole, whole[:20]).field}
    for packet in (whole, icmp):
        for at in range(len(packet) * 8):
            other = (int.from_bytes(packet) ^ 1 << at).to_bytes(len(packet))
            found.add(difference(packet, other).field)
    assert found == set(FIELDS)


def test_an_unknown_code_is_refused_with_the_nearest():
    check("traffic_class")
    check("form-7a33")
    with pytest.raises(ValueError, match="'drop'; did you mean 'dropped'"):
        check("drop")
    check_glob("order-[01]*")
    with pytest.raises(ValueError, match="like 'trafic_cl\\*'; did you mean 'traffic_class'"):
        check_glob("trafic_cl*")


@pytest.mark.parametrize(
    "path", sorted((ROOT / "rigs").glob("**/profiles/*.toml")), ids=lambda path: path.stem
)
def test_the_profiles_name_codes_that_there_are(path):
    assert not mistakes_in(Profile, tomllib.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("code", ["acme.led_dark", "acme-2.led"])
def test_a_code_with_a_dot_is_somebody_elses(code):
    check(code)
    check_glob(code)
    check_glob("acme.*")
    with pytest.raises(ValueError, match="no such finding code"):
        check(code.replace(".", "_"))
