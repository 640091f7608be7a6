"""`python -m sixlowpan decode|encode|explain|judge`: the oracle on the command line.

Exit codes: 0 done, 1 findings (an error in a payload, a breach), 2 bad usage.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from sixlowpan import jsonl
from sixlowpan.codec import encode
from sixlowpan.contexts import Contexts
from sixlowpan.errors import DecodeError
from sixlowpan.explain import explain, render
from sixlowpan.fragment import Reassembler, fragment
from sixlowpan.link import LinkInfo
from sixlowpan.lint import LintFinding, lint

EXAMPLES = """\
examples:
  python -m sixlowpan decode --src 00124b0001020304 --dst 00124b0005060708 7b333a80...
  python -m sixlowpan encode --src 1234 --dst 0001 --mtu 81 --tag 7 6000000000083aff...
  python -m sixlowpan explain --link ble --src c01122334455 --dst 001122aabbcc 7a33...
  python -m sixlowpan decode --context 0=2001:db8::/64 --src 1234 --dst 0001 7a773b
  python -m sixlowpan decode --jsonl < requests.jsonl > answers.jsonl
  python -m sixlowpan judge capture.pcapng
  python -m sixlowpan judge --jsonl < frames.jsonl

one line of --jsonl (decode, judge):
  {"id": 1, "link": "ieee802154", "src": "1234", "dst": "0001", "contexts": {"0": "2001:db8::/64"},
   "frames": ["7a333b", {"payload": "7a333b", "src": "0001", "dst": "1234", "t": 0.5}]}
and of encode: the same with "packet": hex in place of "frames", and "mtu": n, "tag": n to cut it into
fragments. Optional keys: "pan": "abcd", "integrity": true, "role": "6LN"|"6LBR" (of the sender),
"registered": [addresses], a context as {"prefix": "2001:db8::/64", "compress": false}.

exit codes: 0 done, 1 findings, 2 bad usage
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="python -m sixlowpan",
        description="Decode, encode, explain and judge 6LoWPAN payloads, as the RFCs say.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="decode|encode|explain|judge")
    helps = {
        "decode": "payloads (fragments too, in any order) to IPv6 packets",
        "encode": "IPv6 packets to their smallest payloads",
        "explain": "each field of a payload: bits, value, meaning, requirement",
        "judge": "what the sender of these payloads, or of a capture file, did wrong",
    }
    for name, text in helps.items():
        command = commands.add_parser(
            name,
            help=text,
            description=text,
            epilog=EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        what = "capture file (.pcap, .pcapng), or payloads in hex" if name == "judge" else "octets in hex"
        command.add_argument("octets", nargs="*", help=what)
        if name != "explain":
            command.add_argument("--jsonl", action="store_true", help="one JSON request a line on stdin")
        command.add_argument("--link", choices=("ieee802154", "ble"), default="ieee802154")
        command.add_argument("--src", default="", metavar="HEX", help="link-layer source, big-endian")
        command.add_argument("--dst", default="", metavar="HEX", help="link-layer destination")
        command.add_argument(
            "--context", action="append", default=[], metavar="ID=PREFIX", help="0=2001:db8::/64"
        )
        command.add_argument("--pan", metavar="HEX", help="IIDs of short addresses as in RFC 4944 section 6")
        command.add_argument("--integrity", action="store_true", help="an integrity check was in place")
        command.add_argument("--role", choices=("6LN", "6LBR"), help="role of the sender (BLE)")
        command.add_argument(
            "--registered", action="append", default=[], metavar="ADDRESS", help="latest last (BLE)"
        )
        if name in {"encode", "judge"}:
            command.add_argument("--mtu", type=int, help="octets that one payload may have")
        if name == "encode":
            command.add_argument("--tag", type=int, default=0, help="datagram_tag of the fragments")
        if name in {"judge", "explain"}:
            command.add_argument("--json", action="store_true", help="JSON instead of text")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code."""
    options = parser().parse_args(arguments)
    try:
        if getattr(options, "jsonl", False):
            return _jsonl(options.command)
        if not options.octets:
            raise jsonl.UsageError("nothing to do: give octets in hex, or --jsonl (see --help)")
        if options.command == "judge" and len(options.octets) == 1 and Path(options.octets[0]).is_file():
            return _judge_capture(Path(options.octets[0]), options)
        code = _octets(options)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # whoever reads the output has enough of it
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, OSError) as error:
        print(f"sixlowpan: {error}", file=sys.stderr)
        return 2


def _jsonl(command: str) -> int:
    """Requests from stdin, answers to stdout; 2 if some line was no request, 1 if judge found a breach."""
    code = 0
    for answer, good in jsonl.answers(command, sys.stdin.buffer):
        sys.stdout.write(json.dumps(answer) + "\n")
        if not good:
            code = 2
        elif code == 0 and any(finding["level"] == "fail" for finding in answer.get("findings", ())):
            code = 1
    sys.stdout.flush()
    return code


def _setting(options: argparse.Namespace) -> tuple[LinkInfo, Contexts]:
    described = {}
    for each in options.context:
        identifier, _, prefix = each.partition("=")
        if not identifier.isdigit() or not prefix:
            raise jsonl.UsageError(f"--context {each}: ID=PREFIX is expected, as in 0=2001:db8::/64")
        described[identifier] = prefix
    record = {
        "link": options.link,
        "src": options.src,
        "dst": options.dst,
        "pan": options.pan,
        "integrity": options.integrity,
        "role": options.role,
        "registered": options.registered,
        "contexts": described,
    }
    reader = jsonl.Reader()
    return reader.link(record), reader.contexts(record)


def _octets(options: argparse.Namespace) -> int:
    link, contexts = _setting(options)
    given = [jsonl.octets(each, "octets") for each in options.octets]
    code = 0
    if options.command == "encode":
        for packet in given:
            if options.mtu is None:
                print(encode(packet, link, contexts).hex())
            else:
                for payload in fragment(packet, link, contexts, mtu=options.mtu, tag=options.tag):
                    print(payload.hex())
        return 0
    if options.command == "judge":
        return _report(lint(given, link, contexts, mtu=options.mtu), options.json)
    if options.command == "explain":
        for payload in given:
            tree = explain(payload, link, contexts)
            print(
                json.dumps(asdict(tree), default=lambda value: value.hex()) if options.json else render(tree)
            )
            code |= tree.has_error
        return code
    reassembler = Reassembler()
    for index, payload in enumerate(given):
        try:
            packet_or_none = reassembler.receive(payload, link, contexts, 0.0, index)
        except DecodeError as error:
            print(f"payload {error.frame if error.frame is not None else index}: {error}", file=sys.stderr)
            code = 1
        else:
            if packet_or_none is not None:
                print(packet_or_none.hex())
    if reassembler.pending:
        print(f"{reassembler.pending} datagram(s) incomplete", file=sys.stderr)
        code = 1
    return code


def _report(findings: Sequence[LintFinding], as_json: bool) -> int:
    for finding in findings:
        print(json.dumps(asdict(finding)) if as_json else finding)
    return int(any(finding.level == "fail" for finding in findings))


def _judge_capture(path: Path, options: argparse.Namespace) -> int:
    from sixlowpan import capture

    return _report(capture.judge(path, _setting(options)[1]), options.json)


if __name__ == "__main__":
    sys.exit(main())
