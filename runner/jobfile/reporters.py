"""Print problems: for people, for programs and as annotations of a GitHub workflow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from runner.jobfile.load import Checked
from runner.jobfile.problem import Problem, Severity

#: Makes a whole report of the files that were checked, ending with a line end.
Reporter = Callable[[Sequence[Checked]], str]


def problems_of(checked: Sequence[Checked]) -> list[Problem]:
    """Return the problems of all files, each once: several may include the one that has it."""
    return list(dict.fromkeys(problem for one in checked for problem in one.problems))


def as_text(checked: Sequence[Checked]) -> str:
    """Return one line for each problem and a last one that sums up."""
    problems = problems_of(checked)
    lines = [str(problem) for problem in problems]
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    warnings = len(problems) - len(errors)
    invalid = sum(not one.is_valid for one in checked)
    fragments = sum(one.is_fragment for one in checked)
    counts = [
        _counted(number, noun)
        for number, noun in ((len(checked) - fragments, "job file"), (fragments, "included file"))
        if number
    ]
    summary = f"{', '.join(counts)}: "
    if errors:
        summary += f"{invalid} invalid, {_counted(len(errors), 'error')}"
    else:
        summary += "valid"
    if warnings:
        summary += f", {_counted(warnings, 'warning')}"
    return "\n".join([*lines, summary, ""])


def as_json(checked: Sequence[Checked]) -> str:
    """Return one object: `valid`, the `files`, and the `problems` with each of their attributes.

    `included_files` are those of the files that are for jobs to include.
    """
    import json

    document = {
        "valid": all(one.is_valid for one in checked),
        "files": [str(one.file) for one in checked],
        "included_files": [str(one.file) for one in checked if one.is_fragment],
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
            for problem in problems_of(checked)
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def as_github(checked: Sequence[Checked]) -> str:
    """Return a workflow command for each problem, which GitHub shows beside the line of the file."""
    return "".join(_workflow_command(problem) for problem in problems_of(checked))


def as_sarif(checked: Sequence[Checked]) -> str:
    """Return a log in SARIF 2.1.0, with the rules and their pages."""
    from runner.jobfile.sarif import sarif

    return sarif([one.file for one in checked], problems_of(checked))


def _workflow_command(problem: Problem) -> str:
    parameters = {"file": problem.file}
    if problem.line:
        parameters |= {"line": str(problem.line), "col": str(problem.column)}
    parameters["title"] = (problem.path or "job file") + (f" [{problem.id}]" if problem.id else "")
    text = f"{problem.what}; {problem.advice}" if problem.advice else problem.what
    return workflow_command(problem.severity.value, parameters, text) + "\n"


def workflow_command(severity: str, parameters: Mapping[str, str], text: str) -> str:
    """Return a line that GitHub makes an annotation of, `error`, `warning` or `notice`."""
    shown = ",".join(f"{name}={_escaped_parameter(value)}" for name, value in parameters.items())
    return f"::{severity} {shown}::{_escaped(text)}"


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
    "sarif": as_sarif,
}
