"""A part of a document: its data, its nodes, and a way to complain about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from runner.jobfile.nodes import Node, place
from runner.jobfile.problem import Problem, Severity, dotted


@dataclass(slots=True)
class Complaints:
    """The problems found in a document, each once."""

    file: str
    document: Node
    problems: dict[Problem, None] = field(default_factory=dict)

    @property
    def errors(self) -> bool:
        """Whether the job is invalid."""
        return any(problem.severity is Severity.ERROR for problem in self.problems)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a document that the schema has seen.

    What is not of the type that an accessor gives reads as if it were not there: the schema has
    complained about it.

    Attributes:
        data: of the part.
        path: where it stands.
        complaints: of the whole document.
    """

    data: Any
    path: tuple[str | int, ...]
    complaints: Complaints

    def __contains__(self, name: str) -> bool:
        return isinstance(self.data, dict) and name in self.data

    def __getitem__(self, name: str) -> Section:
        """Return a member of a mapping, with null as its data where there is none."""
        data = self.data.get(name) if isinstance(self.data, dict) else None
        return Section(data, (*self.path, name), self.complaints)

    def members(self) -> Iterator[tuple[str, Section]]:
        """Yield the members of a mapping, in the author's order."""
        if isinstance(self.data, dict):
            for name in self.data:
                yield name, self[name]

    def items(self) -> Iterator[Section]:
        """Yield the items of a list."""
        if isinstance(self.data, list):
            for number, item in enumerate(self.data):
                yield Section(item, (*self.path, number), self.complaints)

    def text(self, default: str = "") -> str:
        """Return a text."""
        return self.data if isinstance(self.data, str) else default

    def integer(self, default: int | None) -> int | None:
        """Return a whole number."""
        is_integer = isinstance(self.data, int) and not isinstance(self.data, bool)
        return self.data if is_integer else default

    def line(self) -> int:
        """Return the line in which its key stands."""
        return place(self.complaints.document, self.path, of_key=True)[0]

    def problem(
        self, what: str, advice: str = "", *, of_key: bool = False, severity: Severity = Severity.ERROR
    ) -> None:
        """Complain.

        Args:
            what: what is wrong.
            advice: what to do.
            of_key: point to the key in place of the value.
            severity: how grave it is.
        """
        line, column = place(self.complaints.document, self.path, of_key=of_key)
        found = Problem(self.complaints.file, line, column, dotted(self.path), what, advice, severity)
        self.complaints.problems[found] = None
