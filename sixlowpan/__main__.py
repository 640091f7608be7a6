"""`python -m sixlowpan decode|encode|explain|judge|budget`: the oracle on the command line.

Exit codes: 0 done, 1 findings (an error in a payload, a breach), 2 bad usage, or a capture of which nothing was judged.
An option that cannot apply to what was given is refused, because it would be believed to have had an effect.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sixlowpan import budget, command, explain_ghc, files, jsonl, security
from sixlowpan.codec import encode
from sixlowpan.contexts import Contexts
from sixlowpan.errors import DecodeError
from sixlowpan.explain import explain, render
from sixlowpan.fragment import Reassembler, fragment
from sixlowpan.link import BLE, IEEE802154, LinkInfo
from sixlowpan.lint import LintFinding, lint

if TYPE_CHECKING:
    from sixlowpan.capture import Options

EXAMPLES = """\
examples:
  python3 -m sixlowpan decode --src 00124b0001020304 --dst 00124b0005060708 7b333a80...
  python3 -m sixlowpan encode --src 1234 --dst 0001 --mtu 81 --tag 7 6000000000083aff...
  python3 -m sixlowpan encode --ghc --why --src 1234 --dst 0001 6000000000083aff...
  python3 -m sixlowpan explain --link ble --src c01122334455 --dst 001122aabbcc 7a33...
  python3 -m sixlowpan explain capture.pcapng --frame 12
  python3 -m sixlowpan decode --context 0=2001:db8::/64 --src 1234 --dst 0001 7a773b
  python3 -m sixlowpan decode --jsonl < requests.jsonl > answers.jsonl
  python3 -m sixlowpan judge capture.pcapng
  python3 -m sixlowpan judge capture.pcapng --pan abcd --key 00112233445566778899aabbccddeeff
  tcpdump -i lo -w - udp port 17754 | python3 -m sixlowpan judge -        (Ctrl-C ends both)
  python3 -m sixlowpan judge --jsonl < frames.jsonl
  python3 -m sixlowpan budget --level 5 --key-id-mode 1       (budget --help says more)

one line of --jsonl (decode, judge):
  {"id": 1, "link": "ieee802154", "src": "1234", "dst": "0001", "contexts": {"0": "2001:db8::/64"},
   "frames": ["7a333b", {"payload": "7a333b", "src": "0001", "dst": "1234", "t": 0.5}]}
and of encode: the same with "packet": hex in place of "frames", and "mtu": n, "tag": n to cut it into
fragments, "ghc": true for a receiver that reads GHC.
Optional keys: "pan": "abcd", "integrity": true, "role": "6LN"|"6LBR" (of the sender),
"registered": [addresses], a context as {"prefix": "2001:db8::/64", "compress": false}.

exit codes: 0 done, 1 findings, 2 bad usage, or a capture of which nothing was judged
"""
#: which options can apply to a capture, to payloads and packets in hex, and to --jsonl; the rest is refused
_FOR_CAPTURES: Final = {"context", "pan", "mtu", "fcs", "key", "frame", "json"}
_FOR_OCTETS: Final = {
    "link", "src", "dst", "context", "pan", "integrity", "role", "registered", "mtu", "tag", "ghc", "why", "json",
}  # fmt: skip
_OPTIONS: Final = sorted(_FOR_CAPTURES | _FOR_OCTETS)


#: Commands that also take a capture file.
_OF_CAPTURES: Final = frozenset({"explain", "judge"})


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="python -m sixlowpan",
        description="Decode, encode, explain and judge 6LoWPAN payloads, as the RFCs say; count what fits a frame.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="decode|encode|explain|judge|budget")
    helps = {
        "decode": "payloads (fragments too, in any order) to IPv6 packets",
        "encode": "IPv6 packets to their smallest payloads",
        "explain": "each field of a payload, or of a frame of a capture: bits, value, meaning, requirement",
        "judge": "what the sender of these payloads, or the senders of a capture file, did wrong",
    }
    for name, text in helps.items():
        verb = commands.add_parser(
            name,
            help=text,
            description=text,
            epilog=EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        _add_payloads(verb, name)
        if name in {"encode", "judge"}:
            verb.add_argument("--mtu", type=int, help="octets that one payload may have")
        if name == "encode":
            verb.add_argument("--tag", type=int, help="datagram_tag of the fragments (0)")
            verb.add_argument("--ghc", action="store_true", help="the receiver reads GHC (RFC 7400)")
            verb.add_argument(
                "--why", action="store_true", help="say how large each part is with GHC and without it"
            )
        if name in _OF_CAPTURES:
            _add_captures(verb)
        if name == "explain":
            verb.add_argument("--frame", type=int, metavar="N", help="capture: its frame N, from 1")
    budget.add_command(commands)
    return top


def _add_payloads(verb: argparse.ArgumentParser, name: str) -> None:
    """The octets, and what is known of them from elsewhere: addresses, contexts, the sender."""
    captures = name in _OF_CAPTURES
    what = "capture file (pcap, pcapng, btsnoop, also in gzip; - is stdin), or payloads in hex"
    verb.add_argument("octets", nargs="*", help=what if captures else "octets in hex")
    if name != "explain":
        verb.add_argument("--jsonl", action="store_true", help="one JSON request a line on stdin")
    verb.add_argument("--link", choices=(IEEE802154, BLE), help=f"default: {IEEE802154}")
    verb.add_argument("--src", metavar="HEX", help="link-layer source, big-endian")
    verb.add_argument("--dst", metavar="HEX", help="link-layer destination")
    verb.add_argument("--context", action="append", default=[], metavar="ID=PREFIX", help="0=2001:db8::/64")
    pan = "IIDs of short addresses as in RFC 4944 section 6"
    verb.add_argument(
        "--pan", metavar="HEX", help=f"payloads: {pan}; capture: look at this PAN only" if captures else pan
    )
    verb.add_argument("--integrity", action="store_true", help="an integrity check was in place")
    verb.add_argument("--role", choices=("6LN", "6LBR"), help="role of the sender (BLE)")
    verb.add_argument(
        "--registered", action="append", default=[], metavar="ADDRESS", help="latest last (BLE)"
    )


def _add_captures(verb: argparse.ArgumentParser) -> None:
    """How a capture file is read, and what is printed."""
    verb.add_argument("--json", action="store_true", help="JSON instead of text")
    verb.add_argument(
        "--fcs",
        choices=("auto", "crc", "ti", "skip", "none"),
        help="capture: what stands behind the frames: their FCS, what TI sniffers put there, "
        "two octets to skip, nothing; auto (the default) looks at the file",
    )
    verb.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="HEX",
        help="capture: opens secured frames; a MAC key or a Thread network key",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code."""
    return command.run("sixlowpan", lambda: _run(parser().parse_args(arguments)), refused=(ValueError,))


def _run(options: argparse.Namespace) -> int:
    if options.command == "budget":
        framing = budget.asked(options, _parameters(options.profile))
        print(json.dumps(budget.as_object(framing)) if options.json else budget.text(framing))
        return 0
    if getattr(options, "jsonl", False):
        _refuse(options, set(), "--jsonl, whose lines say it themselves")
        if options.octets:
            raise jsonl.UsageError("--jsonl reads its requests from stdin: give no octets beside it")
        return _jsonl(options.command)
    if not options.octets:
        raise jsonl.UsageError("nothing to do: give octets in hex, or --jsonl (see --help)")
    if any(_is_path(each) for each in options.octets):
        if options.command not in {"judge", "explain"}:
            raise jsonl.UsageError(
                f"{options.command} takes octets in hexadecimal, two digits each; `judge` and `explain` read captures"
            )
        _refuse(options, _FOR_CAPTURES, "a capture")
        if len(options.octets) > 1:
            raise jsonl.UsageError("one capture at a time, and no payloads beside it")
        return _capture(Path(options.octets[0]), options)
    _refuse(options, _FOR_OCTETS, "octets on the command line")
    return _octets(options)


def _parameters(profile: str | None) -> object:
    """[parameters] of the file that --profile names."""
    if profile is None:
        return {}
    try:
        return budget.parameters(files.text(Path(profile)))
    except (OSError, ValueError) as error:
        raise ValueError(f"--profile {profile}: {files.why(error)}") from error


def _is_path(text: str) -> bool:
    """True for a file, and for what is no hexadecimal and so can only be meant as one."""
    with contextlib.suppress(OSError, ValueError):  # too long for a name, or with a NUL in it
        if Path(text).exists():
            return True
    try:
        bytes.fromhex(text)
    except ValueError:
        return True
    return False


def _refuse(options: argparse.Namespace, allowed: set[str], what: str) -> None:
    """UsageError for an option that was given and cannot apply."""
    for name in _OPTIONS:
        value = getattr(options, name, None)
        if name not in allowed and value not in (None, False, []):
            raise jsonl.UsageError(f"--{name} does not apply to {what}")
    if allowed is _FOR_OCTETS:
        link = options.link or IEEE802154
        wrong = ("pan",) if link == BLE else ("role", "registered")
        for name in wrong:
            if getattr(options, name):
                raise jsonl.UsageError(f"--{name} does not apply to --link {link}")
    if getattr(options, "why", False) and not options.ghc:
        raise jsonl.UsageError("--why explains what GHC gains: it needs --ghc")
    mtu = getattr(options, "mtu", None)
    if mtu is not None and mtu < 1:
        raise jsonl.UsageError(f"--mtu {mtu}: a payload has at least one octet")


def _jsonl(command: str) -> int:
    """Requests from stdin, answers to stdout; 2 if some line was no request, 1 if judge found a breach."""
    code = 0
    for answer, good in jsonl.answers(command, sys.stdin.buffer):
        sys.stdout.write(json.dumps(answer) + "\n")
        if not good:
            code = 2
        elif code == 0 and any(finding["level"] == "fail" for finding in answer.get("findings", ())):
            code = 1
    return code


def _setting(options: argparse.Namespace) -> tuple[LinkInfo, Contexts]:
    record = {
        "link": options.link or IEEE802154,
        "src": options.src or "",
        "dst": options.dst or "",
        "pan": options.pan,
        "integrity": options.integrity,
        "role": options.role,
        "registered": options.registered,
        "contexts": jsonl.described(options.context),
    }
    reader = jsonl.Reader()
    return reader.link(record), reader.contexts(record)


def _octets(options: argparse.Namespace) -> int:
    link, contexts = _setting(options)
    given = [jsonl.octets(each, "octets") for each in options.octets]
    code = 0
    if options.command == "encode":
        for packet in given:
            _encode(packet, link, contexts, options)
        return 0
    if options.command == "judge":
        return _report(lint(given, link, contexts, mtu=options.mtu), len(given), as_json=options.json)
    if options.command == "explain":
        for payload in given:
            tree = explain(payload, link, contexts)
            print(_json(asdict(tree)) if options.json else render(tree))
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


def _encode(packet: bytes, link: LinkInfo, contexts: Contexts, options: argparse.Namespace) -> None:
    """The payloads of one packet, one a line; with --why lines that begin with # in front of them."""
    if options.mtu is None:
        payloads = [encode(packet, link, contexts, ghc=options.ghc)]
    else:
        tag = options.tag or 0
        payloads = fragment(packet, link, contexts, mtu=options.mtu, tag=tag, ghc=options.ghc)
    if options.why:
        for line in explain_ghc.choices(packet):
            print(f"# {line}")
    for payload in payloads:
        print(payload.hex())


def _json(value: Any) -> str:
    return json.dumps(value, default=lambda octets: octets.hex())


def _report(findings: Sequence[LintFinding], count: int, *, as_json: bool) -> int:
    for finding in findings:
        print(json.dumps(asdict(finding)) if as_json else finding)
    if not as_json:
        print(f"{count} payload{'s' * (count != 1)} read, {count} judged, 0 skipped")
    return int(any(finding.level == "fail" for finding in findings))


def _capture(path: Path, options: argparse.Namespace) -> int:
    """`judge` or `explain` of a capture file."""
    from sixlowpan.capture import Options, judge, piped, report

    if path != piped.STDIN and not path.exists():
        raise jsonl.UsageError(
            f"{path}: there is no such file, and it is no payload in hexadecimal (two digits an octet) either"
        )
    if path.is_dir():
        raise jsonl.UsageError(f"{path} is a folder: name a capture file in it")
    keys = tuple(_exactly(16, each, "--key") for each in options.key)
    if keys and not security.available():
        raise jsonl.UsageError("--key needs the Python package cryptography: pip install cryptography")
    pan = None if options.pan is None else _exactly(2, options.pan.removeprefix("0x"), "--pan")
    said = Options(options.fcs or "auto", keys, pan)
    contexts = Contexts.parse(jsonl.described(options.context))
    if options.command == "explain" and (options.frame is None or options.frame < 1):
        raise jsonl.UsageError("explain of a capture needs --frame N, a number from 1")
    with piped.whole(path) as whole:
        if options.command == "explain":
            return _explain(whole, options, contexts, said)
        judgement = judge(whole, contexts, options.mtu, said)
        judgement.damage = judgement.damage.replace(str(whole), piped.named(path))
    for line in report.json_lines(judgement) if options.json else report.text(judgement):
        print(line)
    return report.status(judgement)


def _explain(path: Path, options: argparse.Namespace, contexts: Contexts, said: Options) -> int:
    from sixlowpan.capture import explain_frame

    explained = explain_frame(path, options.frame, contexts, said)
    if options.json:
        print(_json(explained.object()))
    else:
        for line in [*explained.lines, *map(render, explained.trees)]:
            print(line)
    return int(not explained.trees or any(tree.has_error for tree in explained.trees))


def _exactly(count: int, text: str, name: str) -> bytes:
    octets = jsonl.octets(text.replace(":", ""), name)
    if len(octets) != count:
        raise jsonl.UsageError(f"{name} {text}: {2 * count} hexadecimal digits are expected")
    return octets


if __name__ == "__main__":
    sys.exit(main())
