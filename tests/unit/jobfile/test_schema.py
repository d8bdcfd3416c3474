import json
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from runner.dicom.values import VRS
from runner.jobfile import schema as module
from runner.jobfile.conform import resolved
from runner.jobfile.peers import TRANSFER_SYNTAXES
from runner.jobfile.schema import fragment_schema, fragment_schema_text, schema, schema_text
from runner.model import InformationModel, Level, Peer, Timeouts

ROOT = Path(__file__).parents[3]


def subschemas(node, path="#"):
    if isinstance(node, dict):
        yield path, node
        for key, value in node.items():
            if key not in {"default", "examples", "enum", "const", "required", "enumDescriptions"}:
                yield from subschemas(value, f"{path}/{key}")
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from subschemas(value, f"{path}/{number}")


def test_it_is_a_draft_07_schema():
    assert schema()["$schema"] == "http://json-schema.org/draft-07/schema#"
    Draft7Validator.check_schema(schema())


def test_every_property_and_definition_has_a_description():
    described = 0
    for path, node in subschemas(schema()):
        if "/oneOf/" in path and "definitions/peer" in path:
            continue  # what an alternative excludes
        for group in ("properties", "definitions"):
            if path.rsplit("/", 1)[-1] in {"properties", "definitions"}:
                continue
            for name, member in node.get(group, {}).items():
                assert member.get("description", "").endswith((".", "…")), f"{path}/{group}/{name}"
                described += 1
    assert described > 50


def test_every_choice_is_described():
    chosen = [(path, node) for path, node in subschemas(schema()) if "enum" in node]
    assert len(chosen) >= 10
    for path, node in chosen:
        said = node.get("enumDescriptions", ())
        assert len(said) == len(node["enum"]), f"{path}: one of enumDescriptions for each of enum"
        assert all(text.endswith(".") for text in said), path


def test_defaults_and_examples_are_valid():
    seen = set()
    for path, node in subschemas(schema()):
        of = {**node, "definitions": schema()["definitions"]}
        if "$ref" in of:  # beside which nothing counts
            of = {"allOf": [{"$ref": of["$ref"]}], "definitions": schema()["definitions"]}
        for value in (*node.get("examples", ()), *([node["default"]] if "default" in node else ())):
            seen.add(path)
            assert list(Draft7Validator(of).iter_errors(value)) == [], f"{path}: {value}"
    assert len(seen) > 20


def test_what_has_a_default_says_so():
    for path, node in subschemas(schema()):
        if "default" in node:
            assert "Default: " in node["description"], path


def test_every_mapping_is_closed():
    for path, node in subschemas(schema()):
        if node.get("type") == "object" and path != "#/definitions/sink":  # whose alternatives are
            members = {"$ref": "#/definitions/attributes"}
            assert "additionalProperties" in node or members in node.get("allOf", ()), path
    assert schema()["definitions"]["attributes"]["allOf"][1].keys() == {"additionalProperties"}


def test_references_lead_somewhere():
    for path, node in subschemas(schema()):
        if "$ref" in node:
            assert isinstance(resolved(node, schema()), dict), path


def test_names_are_the_models():
    definitions = schema()["definitions"]
    query = definitions["query"]["properties"]
    assert query["model"]["enum"] == [model.value for model in InformationModel]
    assert query["level"]["enum"] == [*(level.value for level in Level), None]
    assert set(definitions["key"]["properties"]["vr"]["enum"]) == VRS
    syntaxes = definitions["peer"]["properties"]["transfer_syntaxes"]["items"]["enum"]
    assert set(syntaxes) == set(TRANSFER_SYNTAXES)


def test_defaults_are_the_models():
    properties = schema()["definitions"]["peer"]["properties"]
    peer = Peer("x")
    for name in (
        *("ae_title", "calling_ae_title", "max_pdu", "max_associations", "operations_per_association"),
        *("reopen", "deflate_level"),
    ):
        assert properties[name]["default"] == getattr(peer, name), name
    assert properties["ip"]["default"] == peer.ip_version.value
    assert properties["end"]["default"] == peer.end.value
    timeouts = properties["timeouts"]["properties"]
    assert {name: timeouts[name]["default"] for name in timeouts} == {
        name: getattr(Timeouts(), name) for name in ("connect", "acse", "dimse", "silence")
    }
    syntaxes = tuple(TRANSFER_SYNTAXES[name] for name in properties["transfer_syntaxes"]["default"])
    assert syntaxes == peer.transfer_syntaxes


def test_editors_read_scalars_as_numbers_and_words_too():
    """What yaml-language-server sees: the core types of YAML 1.2 in place of texts."""
    document = {
        "version": 1,
        "name": 20240101,
        "peers": {"main": {"host": "localhost", "port": 104, "ae_title": 73000, "ip": 4}},
        "queries": {
            "q": {
                "model": "study-root",
                "level": None,
                "keys": {"PatientID": 100010, "AccessionNumber": False, "StudyDate": None, "Rows": [1, 2.5]},
            }
        },
        "sinks": [{"type": "csv", "path": 2024}],
    }
    assert list(Draft7Validator(schema()).iter_errors(document)) == []


def test_it_is_found_inside_the_package_as_beside_it(tmp_path, monkeypatch):
    (tmp_path / "package" / "schemas").mkdir(parents=True)
    (tmp_path / "package" / "schemas" / "job.schema.json").write_text('{"title": "wheel"}', encoding="utf-8")
    monkeypatch.setattr(module, "_PACKAGE", tmp_path / "package")
    assert json.loads(schema_text()) == {"title": "wheel"}
    monkeypatch.setattr(module, "_PACKAGE", tmp_path / "elsewhere" / "package")
    with pytest.raises(FileNotFoundError, match="neither in"):
        schema_text()


def test_it_is_found_from_any_folder(tmp_path):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from runner.jobfile.schema import schema; print(len(schema()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(ROOT)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert int(done.stdout) == len(schema())


def test_editors_have_a_schema_of_files_to_include():
    """By itself, as `cfind schema --included` prints it, and beside that of jobs, where modelines find it."""
    whole = json.loads(fragment_schema_text())
    beside = json.loads((ROOT / "schemas" / "fragment.schema.json").read_text("utf-8"))
    assert beside["title"] == whole["title"]
    assert beside["$ref"] == f"job.schema.json{whole['$ref']}"
    validator = Draft7Validator(whole)
    assert list(validator.iter_errors({"peers": {"main": {"host": "a", "port": 104}}})) == []
    for wrong in ({"queries": {}}, {"peers": {}}, {"vars": []}, {"key_sets": {"a": {}}}, {"name": "x"}, []):
        assert list(validator.iter_errors(wrong)), wrong
    assert fragment_schema()["$ref"] == whole["$ref"]


@pytest.mark.parametrize(
    "path", sorted((ROOT / "jobs" / "shared").glob("*.yaml")), ids=lambda path: path.stem
)
def test_examples_of_files_to_include_tell_editors_their_schema(path):
    modeline = path.read_text(encoding="utf-8").splitlines()[0]
    schema = modeline.removeprefix("# yaml-language-server: $schema=")
    assert (path.parent / schema).resolve() == ROOT / "schemas" / "fragment.schema.json"
