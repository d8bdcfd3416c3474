"""The schema as editors have it: they see a job as it is written, its references and YAML's core types."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from runner.jobfile.schema import schema_text

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads(schema_text())
#: Jobs, without files that are included; one has numbers in quotes, which cfind takes and editors underline.
JOBS = [
    path
    for folder in ("jobs", "tests/jobs/valid")
    for path in sorted((ROOT / folder).glob("*.yaml"))
    if re.search(rb"^version:", path.read_bytes(), re.MULTILINE) and path.stem != "scalars"
]


def as_an_editor_reads(node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        members: dict[str, Any] = {}
        for key, value in node.value:
            read = as_an_editor_reads(value)
            if key.value == "<<":
                for merged in read if isinstance(read, list) else [read]:
                    members = {**merged, **members}
            else:
                members[key.value] = read
        return members
    if isinstance(node, yaml.SequenceNode):
        return [as_an_editor_reads(item) for item in node.value]
    if node.style is not None:
        return node.value
    if node.value in {"", "~", "null"}:
        return None
    if node.value in {"true", "false"}:
        return node.value == "true"
    if re.fullmatch(r"[-+]?[0-9]+", node.value):
        return int(node.value)
    return float(node.value) if re.fullmatch(r"[-+]?[0-9]*\.[0-9]+", node.value) else node.value


def complaints(text: str) -> list[str]:
    data = as_an_editor_reads(yaml.compose(text, yaml.BaseLoader))
    return [f"{error.json_path}: {error.message}" for error in Draft7Validator(SCHEMA).iter_errors(data)]


@pytest.mark.parametrize("path", JOBS, ids=lambda path: path.stem)
def test_nothing_is_underlined_in_a_valid_job(path: Path) -> None:
    assert complaints(path.read_bytes().decode("utf-8-sig")) == []


JOB = """\
version: 1
vars: {MANY: 11112}
peers:
  main: {host: pacs, port: WORD, ip: WORD, reopen: WORD, timeouts: {connect: WORD}}
queries:
  all: {model: WORD, level: WORD, repeat: WORD, keys: {StudyDate: WORD}}
sinks: [{type: stdout, format: WORD}]
"""


def test_references_stand_for_numbers_and_choices() -> None:
    assert complaints(JOB.replace("WORD", '"${var:MANY}"')) == []


REFERENCE = {"$ref": "#/definitions/reference"}
#: What takes no reference: the version, what a list of rules, a sink or a value is.
UNREFERABLE = {"version", "ignore", "type", "vr"}


def strict_values(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The places of the schema where no text may stand, or only some, and no reference."""
    if isinstance(node, dict):
        types = node.get("type", "object")
        if path[-1:] != ("properties",) and (
            "enum" in node or {types} & {"integer", "number", "boolean"}
            if isinstance(types, str)
            else not {"string", "object"} & set(types)
        ):
            yield path
        for key, member in node.items():
            if key == "anyOf" and REFERENCE in member:
                continue
            yield from strict_values(member, (*path, key))
    elif isinstance(node, list):
        for number, member in enumerate(node):
            yield from strict_values(member, (*path, str(number)))


def test_what_is_no_text_takes_references_too() -> None:
    found = [path for path in strict_values(SCHEMA) if "default" not in path and "examples" not in path]
    assert {"version"} <= {path[-1] for path in found}
    bare = [path for path in found if not UNREFERABLE & set(path) and path[1:] != ("match", "anyOf", "0")]
    assert bare == [], "let it take a reference: CONTRIBUTING.md, The schema and editors"


def test_alternatives_are_told_apart_by_their_properties() -> None:
    """Or yaml-language-server takes all of them for met, and shows the separators between their texts.

    An empty mapping of properties will do, which forbids nothing.
    """
    seen = 0
    for node in every_mapping(SCHEMA):
        choices = node.get("anyOf")
        if isinstance(choices, list) and any("required" in choice for choice in choices):
            assert all("properties" in choice for choice in choices), choices
            seen += 1
    assert seen >= 2


def every_mapping(node: Any) -> Iterator[dict[str, Any]]:
    members = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    if isinstance(node, dict):
        yield node
    for member in members:
        yield from every_mapping(member)


def test_other_texts_do_not() -> None:
    places = {text.split(":")[0] for text in complaints(JOB)}
    assert places == {
        "$.peers.main.port",
        "$.peers.main.ip",
        "$.peers.main.reopen",
        "$.peers.main.timeouts.connect",
        "$.queries.all.model",
        "$.queries.all.level",
        "$.queries.all.repeat",
        "$.sinks[0]",
    }
