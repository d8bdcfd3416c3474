"""What is generated is fresh, and what only editors read is true."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from runner.dicom.dictionary import STANDARD
from runner.jobfile.load import load_job
from runner.jobfile.schema import resolved_only, schema, schema_text
from tools.generate import GENERATED, ROOT
from tools.make_attributes import attributes


@pytest.mark.parametrize("name", GENERATED)
def test_it_is_fresh(name: str) -> None:
    assert (ROOT / name).read_text("utf-8") == GENERATED[name](), "run python tests/tools/generate.py"


def test_attributes_are_those_that_a_job_may_name(tmp_path: Path) -> None:
    """All of the dictionary, but for those that validation refuses."""
    listed = attributes().keys()
    job = tmp_path / "job.yaml"
    keys = "".join(f"      {keyword}:\n" for keyword in STANDARD.keywords())
    job.write_text(
        "version: 1\npeers: {a: {host: localhost, port: 104}}\n"
        f"queries:\n  all:\n    model: study-root\n    level: IMAGE\n    keys:\n{keys}",
        "utf-8",
    )
    refused = {
        problem.path.rsplit(".", 1)[-1]
        for problem in load_job(job)[1]
        if "the same attribute" not in problem.what  # some have two keywords
    }
    assert listed == set(STANDARD.keywords()) - refused
    assert len(listed) > 4500
    assert {"CommandField", "TransferSyntaxUID", "DirectoryRecordType"} <= refused


def test_what_is_read_at_run_time_is_the_schema_without_attributes_and_references() -> None:
    whole = json.loads(schema_text())
    known = whole["definitions"]["known_attributes"]
    assert known.pop("properties").keys() == attributes().keys()
    assert known.pop("$comment")
    assert json.loads(json.dumps(whole), object_hook=resolved_only) == schema()


def test_the_list_of_attributes_forbids_nothing() -> None:
    """So that a job is valid with it as without it."""
    whole = json.loads(schema_text())
    anything = {"array", "boolean", "null", "number", "object", "string"}
    for member in whole["definitions"]["known_attributes"]["properties"].values():
        assert member.keys() == {"description", "$ref"}
        definition = whole["definitions"][member["$ref"].removeprefix("#/definitions/")]
        assert definition.keys() == {"description", "type"}
        assert set(definition["type"]) == anything


def test_the_page_of_the_job_file_has_every_key_and_its_links_lead_somewhere() -> None:
    text = (ROOT / "docs" / "job-file.md").read_text("utf-8")
    anchors = re.findall(r'<a id="([^"]+)">', text)
    assert len(anchors) == len(set(anchors))
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) == set(anchors) - {"top"}
    definitions = schema()["definitions"].values()
    keys = {name for node in (schema(), *definitions) for name in node.get("properties", {})}
    assert len(keys) > 60
    assert keys <= set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
