"""The vectors: well-formed, reproducible, independent of the oracle, and the oracle agrees with every one."""

import ast
import ipaddress
import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from sixlowpan import Contexts, DecodeError, LinkInfo, Reassembler, decode, encode, encodings
from vectors import generate as generated
from vectors.flags import FLAGS
from vectors.generate import FOLDER, SCHEMA, BadVector, all_vectors, check, documents, generate
from vectors.model import FAMILIES, Payload, Vector, family, vector

ROOT = Path(__file__).parents[2]
BY_FAMILY = {key: [v for v in all_vectors() if v.id.startswith(f"{key}[")] for key in FAMILIES}


def link_of(vector, payload=None):
    options = dict(vector.options)
    if "pan" in options:
        options["pan"] = bytes.fromhex(options["pan"])
    options["registered"] = tuple(ipaddress.IPv6Address(a).packed for a in options.get("registered", ()))
    src, dst = (payload.src or vector.src, payload.dst or vector.dst) if payload else (vector.src, vector.dst)
    return LinkInfo(vector.link, bytes.fromhex(src), bytes.fromhex(dst), **options)


def receive(vector):
    """What the oracle makes of a vector: packets, kinds of the errors, datagrams still incomplete."""
    contexts, reassembler = Contexts.parse(vector.contexts), Reassembler()
    packets, kinds = [], []
    for payload in vector.payloads:
        try:
            packet = reassembler.receive(
                bytes.fromhex(payload.payload), link_of(vector, payload), contexts, now=payload.t
            )
        except DecodeError as error:
            kinds.append(error.kind if 0 <= error.offset <= len(payload.payload) // 2 else "offset outside")
            continue
        if packet is not None:
            packets.append(packet.hex())
    return packets, kinds, reassembler.pending


@pytest.mark.parametrize("key", FAMILIES)
def test_the_oracle_agrees_with_every_vector(key):
    for one in BY_FAMILY[key]:
        packets, kinds, pending = receive(one)
        assert packets == list(one.packets), one.id
        assert pending == one.pending, one.id
        assert bool(kinds) == bool(one.refused), (one.id, kinds)
        assert set(kinds) <= set(one.refused), (one.id, kinds)


def whole(key):
    """Vectors of one payload that an encoder may produce (GHC and HC1 are never chosen by it)."""
    return [
        one
        for one in BY_FAMILY[key]
        if one.legal_to_send and len(one.payloads) == 1 and not {"ghc", "legacy"} & set(one.flags)
    ]


@pytest.mark.parametrize("key", [key for key in FAMILIES if whole(key)])
def test_the_encoder_does_at_least_as_well_and_knows_every_legal_form(key):
    for one in whole(key):
        link, contexts, packet = link_of(one), Contexts.parse(one.contexts), one.packet
        smallest = encode(packet, link, contexts)
        assert decode(smallest, link, contexts) == packet, one.id
        assert len(smallest) <= len(one.payload), one.id
        if one.payload[0] >> 5 == 0b011:
            assert one.payload in set(encodings(packet, link, contexts)), one.id


def test_the_files_are_what_the_families_generate():
    assert {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")} == dict(
        documents()
    ), "run python -m vectors generate"


def test_generating_twice_gives_the_same_bytes_and_removes_what_is_gone(tmp_path):
    generate(tmp_path)
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    (tmp_path / "rfc1-1.json").write_text("{}")
    assert [path.name for path in generate(tmp_path)] == ["rfc1-1.json"]
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == first


def test_every_file_obeys_the_schema_and_the_schema_allows_nothing_else():
    schema = json.loads(SCHEMA.read_text())
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    for path in FOLDER.glob("*.json"):
        validator.validate(json.loads(path.read_text()))
    document = json.loads((FOLDER / "rfc6282-4.3.json").read_text())
    document["families"][0]["vectors"][0]["surplus"] = 1
    assert not validator.is_valid(document)


def test_nothing_that_makes_vectors_imports_the_oracle():
    for path in (ROOT / "vectors").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                # sixlowpan.command says how a command ends, and knows no codec
                names += [f"{node.module}.{a.name}" for a in node.names if a.name != "command"]
            assert not [n for n in names if n.split(".")[0] in ("sixlowpan", "reports", "rigs", "pytest")], (
                path
            )


def test_every_flag_is_used_and_every_defect_has_a_name():
    used = {flag for one in all_vectors() for flag in one.flags}
    assert used == set(FLAGS)
    assert all(defect for flag in FLAGS.values() for defect in flag.defects)


def test_no_text_names_a_path_or_speaks_twice():
    ids = [one.id for one in all_vectors()]
    assert len(ids) == len(set(ids))
    for name, text in documents():
        assert str(ROOT) not in text, name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"requirements": ()}, "no requirement"),
        ({"requirements": ("RFC1-1-01",)}, "no requirement RFC1-1-01"),
        ({"flags": ("odd",)}, "flag odd"),
        ({"refused": ("broken",)}, "refused"),
        ({"packets": ()}, "neither"),
        ({"src": "12"}, "addresses"),
    ],
)
def test_a_bad_vector_is_named(change, message):
    good = Vector("x", 6282, "3", ("RFC6282-2-04",), "ieee802154", "", "1234", (Payload("7a"),), ("60",))
    check(good)
    with pytest.raises(BadVector, match=message):
        check(replace(good, **change))


def test_a_vector_is_told_apart_from_a_stream():
    two = Vector("x", 1, "1", (), "ble", "", "", (Payload("7a"), Payload("7b")), ("60", "61"))
    with pytest.raises(ValueError, match="2 payloads"):
        _ = two.payload
    with pytest.raises(ValueError, match="2 packets"):
        _ = two.packet
    assert Vector("x", 1, "1", (), "ble", "", "", (Payload("7a"),), refused=("malformed",)).packet is None


def test_a_family_needs_a_docstring_and_a_name_of_its_own():
    with pytest.raises(ValueError, match="docstring"):
        family(1, "1")(lambda: [])

    def tf():
        """Twice."""

    with pytest.raises(ValueError, match="twice"):
        family(6282, "3.1.1")(tf)


def test_a_vector_twice_is_refused(monkeypatch):
    def double():
        """Two of one name."""
        for _ in range(2):
            yield vector("a", b"\x40", refused="unsupported", requirements=["RFC6282-2-04"])

    monkeypatch.setattr(generated, "FAMILIES", {})
    monkeypatch.setattr("vectors.model.FAMILIES", generated.FAMILIES)
    family(1, "1")(double)
    with pytest.raises(BadVector, match="twice"):
        generated.all_vectors.__wrapped__()
