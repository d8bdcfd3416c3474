"""Problems as SARIF 2.1.0 (OASIS), which code hosts and editors read."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from runner import __version__
from runner.jobfile.lint.rules import RULES, page
from runner.jobfile.problem import Problem

#: The rule of errors that have none: what is no job cannot be silenced.
INVALID_JOB = "invalid-job"


def sarif(files: Iterable[Path], problems: Iterable[Problem]) -> str:
    """Return one log with one run: the rules with their pages, the files, and a result for each problem."""
    import json

    rules = _rules()
    index = {rule["id"]: number for number, rule in enumerate(rules)}
    run = {
        "tool": {"driver": {"name": "cfind", "version": __version__, "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "artifacts": [{"location": {"uri": _uri(str(file))}} for file in files],
        "results": [_result(problem, index) for problem in problems],
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _rules() -> list[dict[str, Any]]:
    invalid = {
        "id": INVALID_JOB,
        "shortDescription": {"text": "A job file is as its schema and the DICOM dictionary say"},
        "defaultConfiguration": {"level": "error"},
    }
    return [
        invalid,
        *(
            {
                "id": name,
                "shortDescription": {"text": rule.summary},
                "help": {"text": page(name), "markdown": page(name)},
                "defaultConfiguration": {"level": rule.severity.value},
            }
            for name, rule in RULES.items()
        ),
    ]


def _result(problem: Problem, index: dict[str, int]) -> dict[str, Any]:
    rule = problem.id or INVALID_JOB
    location: dict[str, Any] = {"physicalLocation": {"artifactLocation": {"uri": _uri(problem.file)}}}
    if problem.line:
        region = {"startLine": problem.line, "startColumn": problem.column}
        location["physicalLocation"]["region"] = region
    if problem.path:
        location["logicalLocations"] = [{"fullyQualifiedName": problem.path}]
    text = f"{problem.what}; {problem.advice}" if problem.advice else problem.what
    return {
        "ruleId": rule,
        "ruleIndex": index[rule],
        "level": problem.severity.value,
        "message": {"text": text},
        "locations": [location],
    }


def _uri(file: str) -> str:
    """Return the reference to a file (RFC 3986): an absolute path as a URI, others relative to the folder."""
    from urllib.parse import quote

    text = quote(os.fsencode(file.replace(os.sep, "/")))
    return f"file://{text}" if Path(file).is_absolute() else text
