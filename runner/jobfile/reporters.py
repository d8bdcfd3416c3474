"""Print problems: for people, for programs and as annotations of a GitHub workflow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from runner.jobfile.problem import Problem, Severity

#: Makes a whole report of these files and the problems found in them, ending with a line end.
Reporter = Callable[[Sequence[Path], Sequence[Problem]], str]


def as_text(files: Sequence[Path], problems: Sequence[Problem]) -> str:
    """Return one line for each problem and a last one that sums up."""
    lines = [str(problem) for problem in problems]
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    warnings = len(problems) - len(errors)
    invalid = len({problem.file for problem in errors})
    summary = f"{_counted(len(files), 'job file')}: "
    if errors:
        summary += f"{invalid} invalid, {_counted(len(errors), 'error')}"
    else:
        summary += "valid"
    if warnings:
        summary += f", {_counted(warnings, 'warning')}"
    return "\n".join([*lines, summary, ""])


def as_json(files: Sequence[Path], problems: Sequence[Problem]) -> str:
    """Return one object: `valid`, the `files`, and the `problems` with each of their attributes."""
    import json

    document = {
        "valid": all(problem.severity is not Severity.ERROR for problem in problems),
        "files": [str(file) for file in files],
        "problems": [
            {
                "file": problem.file,
                "line": problem.line,
                "column": problem.column,
                "path": problem.path,
                "severity": problem.severity.value,
                "id": problem.id or None,
                "what": problem.what,
                "advice": problem.advice,
            }
            for problem in problems
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def as_github(files: Sequence[Path], problems: Sequence[Problem]) -> str:  # noqa: ARG001 - the reporters' signature
    """Return a workflow command for each problem, which GitHub shows beside the line of the file."""
    return "".join(_workflow_command(problem) for problem in problems)


def _workflow_command(problem: Problem) -> str:
    parameters = {"file": problem.file}
    if problem.line:
        parameters |= {"line": str(problem.line), "col": str(problem.column)}
    parameters["title"] = (problem.path or "job file") + (f" [{problem.id}]" if problem.id else "")
    text = f"{problem.what}; {problem.advice}" if problem.advice else problem.what
    shown = ",".join(f"{name}={_escaped_parameter(value)}" for name, value in parameters.items())
    return f"::{problem.severity.value} {shown}::{_escaped(text)}\n"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escaped_parameter(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


REPORTERS: dict[str, Reporter] = {
    "text": as_text,
    "json": as_json,
    "github": as_github,
}
