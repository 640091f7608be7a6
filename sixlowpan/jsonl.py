"""The JSON lines of the command line: one request a line in, one answer a line out, in order.

    in   {"id", "link": "ieee802154"|"ble", "src": hex, "dst": hex, "contexts": {"0": "2001:db8::/64"},
          "frames": [payload, ...]}                          decode, judge; a payload is hex or
          {"payload": hex, "src": hex, "dst": hex, "t": seconds}
          ... "packet": hex, "mtu": n, "tag": n, "ghc": true encode
          optional: "pan": "abcd", "integrity": true, "role": "6LN"|"6LBR" (of the sender),
          "registered": [address]
    out  {"id", "packets": [hex], "pending": n,
          "errors": [{"frame", "offset", "kind", "requirement", "message"}]}
         {"id", "frames": [hex], "error": null|text}
         {"id", "findings": [{"code", "requirement", "level", "frame", "offset",
          "expected", "actual", "message"}]}

A line that is no request gets an answer, too, with kind "usage" and its line number. Links and contexts
repeat from line to line, so both are kept by their JSON.
"""

from __future__ import annotations

import ipaddress
import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from typing import Any, Final

from sixlowpan.codec import encode
from sixlowpan.contexts import NO_CONTEXTS, Contexts
from sixlowpan.errors import DecodeError
from sixlowpan.fragment import Reassembler, fragment
from sixlowpan.link import BLE, LinkInfo
from sixlowpan.lint import lint

Json = dict[str, Any]
_LIMIT: Final = 4096


class UsageError(ValueError):
    """A line that is no request: the message says what is wrong with it."""


def described(given: Iterable[str]) -> dict[str, str]:
    """Contexts as a request has them, from the ID=PREFIX of a command line. UsageError for one that is none."""
    found: dict[str, str] = {}
    for each in given:
        identifier, _, prefix = each.partition("=")
        wanted = "ID=PREFIX is expected, as in 0=2001:db8::/64"
        if not (identifier.isascii() and identifier.isdigit() and len(identifier) < 3) or not prefix:
            raise UsageError(f"--context {each}: {wanted}")
        if (number := str(int(identifier))) in found:
            raise UsageError(f"--context {each}: context {number} is given twice")
        found[number] = prefix
        try:
            Contexts.parse(found)
        except ValueError as error:
            raise UsageError(f"--context {each}: {error}; {wanted}") from error
    return found


class Reader:
    """Turns the keys of a request into LinkInfo and Contexts."""

    def __init__(self) -> None:
        self._links: dict[object, LinkInfo] = {}
        self._contexts: dict[str, Contexts] = {}

    def contexts(self, record: Json) -> Contexts:
        """The contexts of a request."""
        described = record.get("contexts")
        if not described:
            return NO_CONTEXTS
        key = json.dumps(described)
        found = self._contexts.get(key)
        if found is None:
            if not isinstance(described, dict):
                raise UsageError('"contexts" is an object: {"0": "2001:db8::/64"}')
            found = Contexts.parse(described)
            _bound(self._contexts)
            self._contexts[key] = found
        return found

    def link(self, record: Json, frame: Json | None = None) -> LinkInfo:
        """The link of a request, or of one payload of it that has addresses of its own."""
        src = record.get("src", "") if frame is None else frame.get("src", record.get("src", ""))
        dst = record.get("dst", "") if frame is None else frame.get("dst", record.get("dst", ""))
        registered = record.get("registered") or ()
        pan, role, integrity = record.get("pan"), record.get("role"), record.get("integrity", False)
        if frame is not None:
            integrity = frame.get("integrity", integrity)
        key = (record.get("link", "ieee802154"), src, dst, pan, integrity, role, *registered)
        found = self._links.get(key)
        if found is None:
            kind = key[0]
            found = LinkInfo(
                kind,
                octets(src, "src"),
                octets(dst, "dst"),
                None if pan is None else octets(pan, "pan"),
                bool(integrity),
                role if kind == BLE else None,
                tuple(_address(each) for each in registered),
            )
            _bound(self._links)
            self._links[key] = found
        return found

    def frames(self, record: Json) -> Iterator[tuple[bytes, LinkInfo, float]]:
        """(payload, link, time) of each frame of a request; a payload without a time comes with the one before."""
        frames = record.get("frames")
        if not isinstance(frames, list):
            raise UsageError('"frames" is a list of payloads')
        link, now = self.link(record), 0.0
        for frame in frames:
            if isinstance(frame, str):
                yield octets(frame, "payload"), link, now
            elif isinstance(frame, dict):
                now = float(frame.get("t", now))
                yield octets(frame.get("payload"), "payload"), self.link(record, frame), now
            else:
                raise UsageError("a payload is hex or an object")


def _bound(cache: dict[Any, Any]) -> None:
    if len(cache) >= _LIMIT:
        cache.clear()


def octets(text: object, name: str) -> bytes:
    """The octets of a hexadecimal text; UsageError names the key."""
    if isinstance(text, str):
        try:
            return bytes.fromhex(text)
        except ValueError:
            pass
    raise UsageError(f'"{name}" is hexadecimal, two digits an octet')


def _address(text: object) -> bytes:
    if not isinstance(text, str):
        raise UsageError('"registered" is a list of IPv6 addresses')
    try:
        return bytes.fromhex(text) if len(text) == 32 else ipaddress.IPv6Address(text).packed
    except ValueError:
        raise UsageError(f'"registered": {text!r} is no IPv6 address') from None


def error_object(error: DecodeError, frame: int) -> Json:
    """A DecodeError as it stands in an answer."""
    named = error.frame if isinstance(error.frame, int) else frame
    return {
        "frame": named,
        "offset": error.offset,
        "kind": error.kind,
        "requirement": error.requirement,
        "message": error.message,
    }


def decode_record(record: Json, reader: Reader) -> Json:
    """The answer to one decode request."""
    contexts = reader.contexts(record)
    packets: list[str] = []
    errors: list[Json] = []
    reassembler = Reassembler(max_datagrams=1024)
    for index, (payload, link, now) in enumerate(reader.frames(record)):
        try:
            packet = reassembler.receive(payload, link, contexts, now, index)
        except DecodeError as error:
            errors.append(error_object(error, index))
        else:
            if packet is not None:
                packets.append(packet.hex())
    return {"id": record.get("id"), "packets": packets, "pending": reassembler.pending, "errors": errors}


def encode_record(record: Json, reader: Reader) -> Json:
    """The answer to one encode request; with "mtu" the packet is cut into fragments where it must be."""
    packet = octets(record.get("packet"), "packet")
    link, contexts, mtu = reader.link(record), reader.contexts(record), record.get("mtu")
    ghc = record.get("ghc", False)
    if not isinstance(ghc, bool):
        raise UsageError('"ghc" is true or false: whether the receiver reads GHC')
    if mtu is None:
        payloads = [encode(packet, link, contexts, ghc=ghc)]
    else:
        tag = int(record.get("tag", 0))
        payloads = fragment(packet, link, contexts, mtu=int(mtu), tag=tag, ghc=ghc)
    return {"id": record.get("id"), "frames": [payload.hex() for payload in payloads], "error": None}


def judge_record(record: Json, reader: Reader) -> Json:
    """The answer to one judge request: what the sender of these frames did wrong."""
    frames = list(reader.frames(record))
    mtu = record.get("mtu")
    findings = lint(
        [payload for payload, _, _ in frames],
        [link for _, link, _ in frames],
        reader.contexts(record),
        times=[now for _, _, now in frames],
        mtu=None if mtu is None else int(mtu),
    )
    return {"id": record.get("id"), "findings": [asdict(finding) for finding in findings]}


def _usage_answer(command: str, identifier: object, message: str) -> Json:
    if command == "encode":
        return {"id": identifier, "frames": [], "error": message}
    error = {"frame": None, "offset": None, "kind": "usage", "requirement": None, "message": message}
    if command == "decode":
        return {"id": identifier, "packets": [], "pending": 0, "errors": [error]}
    return {"id": identifier, "findings": [], "error": message}


HANDLERS: Final[dict[str, Callable[[Json, Reader], Json]]] = {
    "decode": decode_record,
    "encode": encode_record,
    "judge": judge_record,
}


def _finite(text: str) -> float:
    """A number of JSON: it has neither NaN nor Infinity, and what is too large for a float would become one."""
    if not math.isfinite(number := float(text)):
        raise UsageError(f"{text} is no number that JSON has, or too large for one")
    return number


def answers(command: str, lines: Iterable[str | bytes]) -> Iterator[tuple[Json, bool]]:
    """(answer, True if the line was a request) for each line; empty lines are passed over."""
    handler, reader = HANDLERS[command], Reader()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        identifier: object = None
        try:
            record = json.loads(line, parse_constant=_finite, parse_float=_finite)
            if not isinstance(record, dict):
                raise UsageError("a request is a JSON object")
            identifier = record.get("id")
            answer = handler(record, reader)
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            # EncodeError is a ValueError: a packet that cannot be encoded is answered like any other bad
            # request
            answer = _usage_answer(command, identifier, f"line {number}: {error}")
            answer["line"] = number
            yield answer, False
            continue
        yield answer, True
