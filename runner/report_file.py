"""Run reports that were written before, read again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from runner.errors import InvalidJobError

Document = dict[str, Any]

#: What each job's report has at least; see schemas/report.schema.json.
_MEMBERS = {
    "job": str,
    "verdict": str,
    "exit_status": int,
    "responses": int,
    "operations": list,
    "sinks": list,
}


def read_report(path: Path) -> list[Document]:
    """Read the report of one job, or of several.

    Returns:
        Each job's report.

    Raises:
        InvalidJobError: the file cannot be read, or is no run report.
    """
    try:
        document = json.loads(path.read_text("utf-8"))
    except OSError as error:
        reason = error.strerror or "unreadable"
        raise InvalidJobError(
            f"the report cannot be read: {reason}", "check the path and the permissions", str(path)
        ) from None
    except (ValueError, RecursionError):
        raise _no_report(path, "it is no JSON") from None
    jobs = document.get("jobs", [document]) if isinstance(document, dict) else [document]
    for job in jobs if isinstance(jobs, list) else [jobs]:
        wrong = _wrong(job)
        if wrong:
            raise _no_report(path, wrong)
    return list(jobs)


def _wrong(job: Any) -> str:
    """Say what keeps a value from being a job's report; "" where nothing does."""
    if not isinstance(job, dict):
        return "it holds no object"
    for name, kind in _MEMBERS.items():
        if not isinstance(job.get(name), kind):
            return f"it has no {name!r}"
    members = [*job["operations"], *job["sinks"]]
    return (
        "" if all(isinstance(member, dict) for member in members) else "an operation or a sink is no object"
    )


def _no_report(path: Path, why: str) -> InvalidJobError:
    return InvalidJobError(
        f"this is no run report: {why}", "name a file that 'cfind run --report FILE' has written", str(path)
    )
