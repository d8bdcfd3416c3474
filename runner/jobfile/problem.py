"""A problem of a job file: where, what, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum


class Severity(str, Enum):
    """How grave a problem is: an error makes the job invalid, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a job file.

    No text of it quotes the value of a key, for that may be a patient's name.

    Attributes:
        file: the job file, as it was named.
        line: counts from 1; 0 where the file as a whole is meant.
        column: counts characters from 1; 0 where the file as a whole is meant.
        path: where in the document, such as `queries.studies.keys.StudyDate`; "" for its top.
        what: what is wrong, without a full stop.
        advice: what to do, or "".
        severity: whether the job is invalid for it.
        id: of the rule that it breaks, "" where there is none; see runner.jobfile.lint.rules.
    """

    file: str
    line: int
    column: int
    path: str
    what: str
    advice: str = ""
    severity: Severity = Severity.ERROR
    id: str = ""

    def __str__(self) -> str:
        file = printable(self.file)
        place = f"{file}:{self.line}:{self.column}" if self.line else file
        return f"{place}: {self.message}"

    @property
    def message(self) -> str:
        """All but the place in the file."""
        text = f"{self.path}: {self.what}" if self.path else self.what
        if self.severity is Severity.WARNING:
            text = f"warning: {text}"
        if self.advice:
            text = f"{text}; {self.advice}"
        return f"{text} [{self.id}]" if self.id else text


def strict(problems: Iterable[Problem]) -> list[Problem]:
    """Return problems with errors for warnings."""
    return [replace(problem, severity=Severity.ERROR) for problem in problems]


def dotted(path: tuple[str | int, ...]) -> str:
    """Return a path in a document as people write it: `sinks[0].columns[1]`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return printable(text)


def below_keys(path: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Return the steps of a path from the name of a key on, of a query or of a key set; none elsewhere."""
    if path[:1] == ("queries",) and path[2:3] == ("keys",):
        return path[3:]
    return path[2:] if path[:1] == ("key_sets",) else ()


def printable(text: str) -> str:
    """Return a text with escapes for what would move the cursor or colour the terminal."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)
