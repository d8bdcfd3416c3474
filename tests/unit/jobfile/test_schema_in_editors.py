"""The schema as editors have it: they see a job as it is written, its references and YAML's core types."""

from __future__ import annotations

import json
import re
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
