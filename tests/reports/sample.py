"""A realistic record for the report tests: three rigs, a known deviation, an unknown one, a dead node."""

import json

from reports.record import Finding, Result, Writer

ANNOTATED = """\
6LoWPAN payload, 17 octets
  0000  63 33 ee 0a bc de 3a 12 34 56 78 9a bc de f0 80 00
              ^^ ^^
  [2]   0xee    traffic class   ECN 3, DSCP 46 expected: 0xbb   RFC6282-3.2.1-01
"""

DEVIATION = {
    "id": "lwip-ecn-order",
    "case": "rfc6282/3.1.1/tf*",
    "finding": "traffic_class",
    "requirement": "RFC6282-3.2.1-01",
    "why": "ECN and DSCP are swapped: 6eeabcde comes out, 6bbabcde must (RFC 6282 3.1.1)",
    "frame": "6333ee0abcde3a",
    "versions": "==2.1.3",
}

UNSEEN = DEVIATION | {
    "id": "lwip-multicast-32",
    "case": "rfc6282/3.2.3/*",
    "requirement": "RFC6282-3.2.3-0?",
    "why": "the scope octet is shifted <once> too often & lost",
    "frame": "7a3a",
}


def result(case, rig, verdict, requirements, **rest):
    return Result(
        case=case,
        rig=rig,
        verdict=verdict,
        requirements=requirements,
        t=rest.pop("t", "2026-11-21T10:00:05.000Z"),
        seconds=rest.pop("seconds", 0.125),
        attempts=rest.pop("attempts", "1/1"),
        controls=rest.pop("controls", "2/2"),
        observed_by=rest.pop("observed_by", "quote"),
        repeat=f"pytest --rig {rig} --seed 7 -k '{case}'",
        evidence=f"evidence/{rig}/{case.replace('/', '_')}.pcapng",
        **rest,
    )


def sample_results():
    what = "Each TF form is decompressed to the traffic class and flow label that the RFC names."
    tf = ["RFC6282-3.1.1-01", "RFC6282-3.2.1-01"]
    wrong = Finding(
        "traffic_class",
        "RFC6282-3.2.1-01",
        "FORMAT",
        "6bbabcde",
        "6eeabcde",
        "6333ee0abcde3a",
        2,
        "lwip-ecn-order",
    )
    yield result(
        "rfc6282/3.1.1/tf[00]",
        "lwip-802154",
        "fail",
        tf,
        known="lwip-ecn-order",
        findings=[wrong],
        what=what,
        stimulus="UDP to closed port 5000 with TF=00, ECN 3, DSCP 46, flow label 0xabcde",
        expected="quoted IPv6 header starts with 6bbabcde",
        actual="quoted IPv6 header starts with 6eeabcde",
        annotated=ANNOTATED,
    )
    for rig in ("linux-802154", "linux-ble"):
        yield result("rfc6282/3.1.1/tf[00]", rig, "pass", tf, what=what, observed_by="tap")
    for rig in ("lwip-802154", "linux-802154", "linux-ble"):
        for value in (0, 1, 64, 255):
            yield result(
                f"rfc6282/3.1.1/hop_limit[{value}]",
                rig,
                "pass",
                ["RFC6282-3.1.1-07"],
                what="An in-line hop limit is taken as it stands.",
            )
    overlap = Finding(
        "mixed_tags",
        "RFC4944-5.3-18",
        "MUST",
        "no reply that mixes octets of two datagrams",
        "reply carries 8 octets of the other datagram",
        "e0500001" * 12,
        16,
    )
    yield result(
        "rfc4944/5.3/two_senders_same_tag",
        "linux-802154",
        "fail",
        ["RFC4944-5.3-18"],
        findings=[overlap],
        what="Two senders use one tag and size; their fragments are interleaved.",
        stimulus="FRAG1 from ::1, FRAG1 from ::2, FRAGN from ::1, FRAGN from ::2, size 96, tag 1",
        expected="two echo replies, each with the octets of its own request",
        actual="<script>alert('x')</script> one reply with mixed octets",
        annotated="e0 50 00 01 <b>not bold</b>",
    )
    yield result(
        "rfc4944/5.3/two_senders_same_tag",
        "lwip-802154",
        "inconclusive",
        ["RFC4944-5.3-18"],
        what="Two senders use one tag and size; their fragments are interleaved.",
        message="the tester heard none of its own controls: radio deaf since 10:00:02",
        controls="0/3",
        attempts="0/3",
    )
    yield result(
        "rfc4944/5.3/two_senders_same_tag",
        "linux-ble",
        "unsupported",
        ["RFC4944-5.3-18"],
        message="needs fragmentation: RFC 7668 §3 does not use it",
    )
    yield result(
        "rfc4944/5.10/late", "linux-802154", "error", ["RFC4944-5.3-29"], message="KeyError: 'clock'"
    )
    yield result(
        "robustness/truncation",
        "lwip-802154",
        "fail",
        ["RFC6282-2-04", "RFC0000-1-01"],
        what="Every proper prefix of every valid frame is sent; the node stays alive.",
        findings=[Finding("dut_lost", "RFC6282-2-04", "MUST", "node answers controls", "silence", "7b", 1)],
        message="the node did not answer 3 controls after frame 7b",
    )


def write_record(folder, results=None, *, footer=True, run_id="20261121-100000-7", dut_version="2.1.3"):
    writer = Writer(
        folder,
        run_id=run_id,
        seed=7,
        suite={"version": "0.1.0", "commit": "0123456789abcdef"},
        host={"python": "3.11.9", "system": "Linux"},
    )
    writer.rig(
        "lwip-802154",
        "ready",
        kind="ieee802154",
        profile="lwip-2.1.3",
        dut={"stack": "lwIP", "version": dut_version},
        deviations=[DEVIATION, UNSEEN],
    )
    for rig, kind in (("linux-802154", "ieee802154"), ("linux-ble", "ble")):
        writer.rig(
            rig,
            "ready",
            kind=kind,
            profile="linux",
            dut={"stack": "Linux", "version": "6.12", "kernel": "6.12.57"},
        )
    writer.rig("lwip-802154", "lost")
    writer.rig("lwip-802154", "recovered")
    for one in sample_results() if results is None else results:
        writer.write(one.to_json())
    writer.write(
        {
            "type": "measurement",
            "case": "performance/rtt",
            "rig": "linux-ble",
            "name": "rtt",
            "unit": "ms",
            "parameters": {"size": 64},
            "values": [50.1, 52.0, 51.2, 70.9],
            "clock": "tap",
        }
    )
    if footer:
        writer.close()
    _freeze(writer.path)
    return writer.path


def _freeze(path):
    """Wall-clock times of the writer are the only thing in a sample that would change from run to run."""
    lines = []
    for row in path.read_text().splitlines():
        line = json.loads(row)
        for key in ("started", "ended"):
            if key in line:
                line[key] = "2026-11-21T10:00:00.000Z"
        if line["type"] == "rig":
            line["t"] = "2026-11-21T10:00:01.000Z"
        lines.append(json.dumps(line, separators=(",", ":"), ensure_ascii=False))
    path.write_text("\n".join(lines) + "\n")
