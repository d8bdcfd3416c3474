"""The JSON schema of job files."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

_NAME = "job.schema.json"
_PACKAGE = Path(__file__).resolve().parent.parent


@cache
def schema_text() -> str:
    """Return the schema as it is written.

    A wheel carries it inside the package, a checkout (and an editable install) beside it.
    """
    for folder in (_PACKAGE / "schemas", _PACKAGE.parent / "schemas"):
        if (folder / _NAME).is_file():
            return (folder / _NAME).read_text(encoding="utf-8")
    raise FileNotFoundError(f"{_NAME} is neither in {_PACKAGE} nor beside it: the installation is not whole")


@cache
def schema() -> dict[str, Any]:
    """Return the schema as data, which is shared and must not be changed."""
    import json

    document: dict[str, Any] = json.loads(schema_text())
    return document
