"""Sections in reports are those that the RFCs have; what else a case's id says is the subject, in words."""

from pathlib import Path

from fixtures.plugin.scheduling import case_of
from reports.sections import SUBJECTS, section_of
from vectors.catalogue import CATALOGUE

ROOT = Path(__file__).parents[2]
FILES = sorted(ROOT.glob("suites/rfc*/test_*.py"))


def test_a_case_stands_under_its_section():
    assert section_of("rfc6282/3.1.1/hop_limit[255]") == ("rfc6282/3.1.1", "RFC 6282 §3.1.1")
    assert section_of("rfc4944/5.3.key/tags[a/b]") == (
        "rfc4944/5.3.key",
        "RFC 4944 §5.3, which fragments belong together",
    )
    assert section_of("rfc4944/beyond/x") == ("rfc4944/beyond", "RFC 4944, what this suite cannot try")
    assert section_of("robustness/truncation[a/b]") == ("robustness", "robustness")
    assert section_of("rfc6282/all") == ("rfc6282", "RFC 6282")


def test_a_record_of_another_version_has_numbers_and_words_too():
    assert section_of("rfc9159/3.3.many.more/x")[1] == "RFC 9159 §3.3, many more"
    assert section_of("rfc9159/3.6lbr/x")[1] == "RFC 9159 §3, 6lbr"
    assert section_of("rfc9159/other/x")[1] == "RFC 9159, other"


def test_every_file_of_cases_has_a_section_that_its_rfc_has():
    known = {(row.rfc, row.section) for row in CATALOGUE.values()}
    keys = set()
    for path in FILES:
        key, title = section_of(case_of(f"{path.relative_to(ROOT).as_posix()}::test_x"))
        keys.add(key)
        plain = key.partition("/")[2].replace(".", "").isdigit()
        assert plain or key in SUBJECTS, f"{path}: give {key} a section and a subject in reports/sections.py"
        rfc, _, section = title.partition(",")[0].removeprefix("RFC ").partition(" §")
        below = [s for number, s in known if number == int(rfc) and f"{s}.".startswith(f"{section}.")]
        assert below or not section, f"{path}: RFC {rfc} has no §{section}"
    assert not SUBJECTS.keys() - keys, "files that are gone"
    titles = [section_of(f"{key}/x")[1] for key in keys]
    assert len(titles) == len(set(titles)), "two groups with one title"
