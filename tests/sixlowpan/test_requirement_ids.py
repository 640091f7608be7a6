"""Every requirement id that the oracle names has a row in the catalogue, those put together at run time included."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import sixlowpan
from sixlowpan import DecodeError, LinkInfo, Reassembler, explain, lint
from sixlowpan.contexts import Contexts
from tests.sixlowpan.samples import CONTEXTS, LONG
from vectors.catalogue import CATALOGUE, ID
from vectors.generate import all_vectors

MODULES = sorted(Path(sixlowpan.__file__).parent.glob("*.py"))


def literals(tree: ast.AST) -> set[str]:
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in inside
        and ID.fullmatch(node.value)
    }


def templates(tree: ast.AST) -> set[str]:
    """Regular expressions of the f-strings that build an id."""
    found = set()
    for node in ast.walk(tree):
        first = node.values[0] if isinstance(node, ast.JoinedStr) else None
        if isinstance(first, ast.Constant) and re.match(r"RFC\d+-", first.value):
            parts = (re.escape(p.value) if isinstance(p, ast.Constant) else r"\d+" for p in node.values)
            found.add("".join(parts))
    return found


def named(field) -> set[str]:
    found = {field.requirement} if field.requirement else set()
    return found.union(*(named(child) for child in field.children))


@pytest.mark.parametrize("path", MODULES, ids=[path.stem for path in MODULES])
def test_written_ids(path):
    assert literals(ast.parse(path.read_text(encoding="utf-8"))) <= set(CATALOGUE)


def seen() -> set[str]:
    """The ids that come out of every IPHC header word, every NHC octet and every vector."""
    found: set[str] = set()
    payloads = [(word.to_bytes(2, "big") + bytes(48), LONG, CONTEXTS) for word in range(0x6000, 0x8000, 1)]
    payloads += [
        (bytes.fromhex("7f33") + bytes((octet,)) + bytes(48), LONG, CONTEXTS) for octet in range(256)
    ]
    payloads += [(bytes((octet,)) + bytes(48), LONG, CONTEXTS) for octet in range(256)]
    for one in all_vectors():
        options = {key: one.options[key] for key in ("integrity", "role") if key in one.options}
        link = LinkInfo(one.link, bytes.fromhex(one.src), bytes.fromhex(one.dst), **options)
        contexts, reassembler = Contexts.parse(one.contexts), Reassembler()
        octets = [bytes.fromhex(each.payload) for each in one.payloads]
        payloads += [(each, link, contexts) for each in octets]
        found |= {
            finding.requirement for finding in lint(octets, link, contexts, mtu=102) if finding.requirement
        }
        for each in octets:
            try:
                reassembler.receive(each, link, contexts)
            except DecodeError as error:
                found |= {error.requirement} - {None}
    for payload, link, contexts in payloads:
        found |= named(explain(payload, link, contexts))
    return found


def test_ids_that_are_put_together():
    found = seen()
    assert found <= set(CATALOGUE), sorted(found - set(CATALOGUE))
    for path in MODULES:
        for template in templates(ast.parse(path.read_text(encoding="utf-8"))):
            assert any(re.fullmatch(template, each) for each in found), (
                f"{path.name}: {template} is never seen"
            )
