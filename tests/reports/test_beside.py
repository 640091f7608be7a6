"""What stands beside the sentence of a cause: other effects, cases that passed, a declared one that is alike."""

from reports.beside import effects
from reports.causes import causes
from reports.record import Finding, read
from reports.view import view
from tests.reports.sample import result, write_record

HEAD = bytes.fromhex("41c8fecdab0100cf3cc247075e0002")


def uncompressed(carried):
    """A packet behind dispatch 41 whose Next Header is `carried`."""
    packet = bytes(40)
    return b"\x41\x60" + bytes(4) + bytes([8, carried, 64]) + packet[:32] + bytes(8)


def finding(code, row, payload, **rest):
    return Finding(code, row, "FORMAT", "understood", "nothing came", (HEAD + payload).hex(), **rest)


def failed(name, verdict, *findings, **rest):
    rows = [one.requirement for one in findings] or ["RFC4944-5.1-05"]
    stimulus = bytes.fromhex(findings[0].frame)[len(HEAD) :].hex(" ") if findings else ""
    return result(name, "lwip-802154", verdict, rows, findings=list(findings), stimulus=stimulus, **rest)


def found(tmp_path, *lines):
    return {
        one.name: one for one in causes(view(read(write_record(tmp_path / "run", list(lines))))) if one.shown
    }


def test_a_failure_with_the_effect_of_a_declared_one_says_what_tells_them_apart(tmp_path):
    """Both said, word for word, that packets whose header is not compressed never arrive."""
    row = "RFC4944-5.1-05"
    told = found(
        tmp_path,
        failed(
            "rfc4944/5.1/a", "fail", finding("dropped", row, uncompressed(58), known="no-41"), known="no-41"
        ),
        failed("rfc4944/5.1/udp", "fail", finding("dropped", row, uncompressed(17))),
    )
    (news,) = (cause for name, cause in told.items() if name != "no-41")
    assert (
        "The same effect is declared as no-41, and that declaration does not cover rfc4944/5.1/udp"
        in news.notice
    )
    assert news.packets == "The packet shown here carries UDP, the one there ICMPv6."
    assert "shown here" not in news.notice  # it is read where no packet is beside it, too
    assert "The same effect" not in told["no-41"].notice


def test_a_cause_of_several_effects_lists_them_all(tmp_path):
    """The heading said that nothing came out, the effect that other octets did."""
    payload = uncompressed(58)
    told = found(
        tmp_path,
        failed("rfc4944/5.1/a", "fail", finding("dropped", "RFC4944-5.1-05", payload, known="x"), known="x"),
        failed("rfc4944/5.1/b", "fail", finding("garbled", "RFC4944-5.1-05", payload, known="x"), known="x"),
    )["x"]
    assert (
        effects(told)
        == "Its cases show more than one effect: wrong data in 1 case; some forms lost in 1 case."
    )


def test_few_tests_that_passed_are_named(tmp_path):
    """Of five of six tests it was not said which the sixth was: the one that is not about the fault."""
    lost = finding("dropped", "RFC4944-5.1-05", uncompressed(58), known="x")
    told = found(
        tmp_path,
        failed("rfc4944/5.1/a[one]", "fail", lost, known="x"),
        failed("rfc4944/5.1/a[two]", "pass"),
    )["x"]
    assert "in 1 of 2 cases of this kind (passed: rfc4944/5.1/a[two])." in told.notice
    assert effects(told) == ""
