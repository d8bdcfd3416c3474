"""The JSON schema of job files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

_NAME = "job.schema.json"
#: From here on to its end the schema is the list of attributes, made by tests/tools/make_attributes.py.
_GENERATED = b'"$comment": "what follows is generated'
_END = b"}}}"
_REFERENCE = {"$ref": "#/definitions/reference"}
_PACKAGE = Path(__file__).resolve().parent.parent


def schema_text() -> str:
    """Return the schema as it is written."""
    return _file().read_text(encoding="utf-8")


@cache
def schema() -> dict[str, Any]:
    """Return the schema of a job whose references are resolved, without the list of attributes.

    Editors see a job as it is written, so the schema takes a reference in place of a number or a choice;
    here it does not. The list of attributes forbids nothing, and editors complete and explain keywords from
    it; reading its thousands of members would take longer than reading a job. The data is shared and must
    not be changed.
    """
    import json

    with _file().open("rb") as lines:
        text = b"".join(_hand_written(lines))
    text = text[:-2] + _END if text.endswith(b",\n") else text
    document: dict[str, Any] = json.loads(text, object_hook=resolved_only)
    return document


def resolved_only(node: dict[str, Any]) -> dict[str, Any]:
    """Return a part of the schema in which no reference stands for its value; for json's `object_hook`."""
    choices = node.get("anyOf", ())
    if _REFERENCE not in choices:
        return node
    return {**choices[0], **{key: value for key, value in node.items() if key != "anyOf"}}


def fragment_schema_text() -> str:
    """Return the schema of files that jobs include as a document of its own, with all that it refers to.

    Beside a `$ref` nothing else of a schema counts (draft-07, 8.3), so that of the job is the same but
    for what it is said to be about.
    """
    text = schema_text()
    title = '"title": "A cfind job",'
    made = '"title": "A file that cfind jobs include",\n  "$ref": "#/definitions/fragment",'
    return text.replace(title, made, 1)


@cache
def fragment_schema() -> dict[str, Any]:
    """Return the schema of files that jobs include; as shared as the other, whose definitions it has."""
    return {**schema(), "$ref": "#/definitions/fragment"}


def _hand_written(lines: Iterable[bytes]) -> Iterator[bytes]:
    for line in lines:
        if _GENERATED in line:
            return
        yield line


def _file() -> Path:
    """Find the schema: inside the package in a wheel, beside it in a checkout and an editable install."""
    for folder in (_PACKAGE / "schemas", _PACKAGE.parent / "schemas"):
        if (folder / _NAME).is_file():
            return folder / _NAME
    raise FileNotFoundError(f"{_NAME} is neither in {_PACKAGE} nor beside it: the installation is not whole")
