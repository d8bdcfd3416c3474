"""A part of a document: its data, its nodes, and a way to complain about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner.dicom.dictionary import Dictionary
from runner.jobfile.clock import Clock
from runner.jobfile.lint.rules import RULES
from runner.jobfile.nodes import Node, Place, find_place
from runner.jobfile.problem import Problem, Severity, dotted

#: How many names are looked up among all keywords for what they may have meant; each takes milliseconds.
MAX_GUESSES = 200


@dataclass(slots=True)
class Complaints:
    """The problems found in a document, each once.

    Attributes:
        document: the document.
        problems: in the order in which they were found.
        errors: how many of them make the job invalid.
        silenced: ids of rules whose problems the job wants not to hear of.
        clock: in the job's time zone.
    """

    document: Node
    problems: dict[Problem, None] = field(default_factory=dict)
    errors: int = 0
    guesses: dict[str, str | None] = field(default_factory=dict)
    silenced: frozenset[str] = frozenset()
    clock: Clock = field(default_factory=Clock.read)

    @property
    def zone(self) -> str:
        """The job's time zone by its IANA name, "" for the machine's."""
        return getattr(self.clock.zone, "key", "")

    def add(self, problems: Iterable[Problem]) -> None:
        """Note problems; not those that are known already, and not those that are silenced."""
        for problem in problems:
            if problem not in self.problems and problem.id not in self.silenced:
                self.problems[problem] = None
                self.errors += problem.severity is Severity.ERROR

    def keyword_meant(self, name: str, dictionary: Dictionary) -> str | None:
        """Return the keyword that a wrong one is likely to mean; None also after too many of them."""
        if name not in self.guesses:
            if len(self.guesses) >= MAX_GUESSES:
                return None
            self.guesses[name] = next(iter(dictionary.suggest(name)), None)
        return self.guesses[name]


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

    def texts(self) -> Iterator[Section]:
        """Yield the items of a list, or a text that stands in its place."""
        if isinstance(self.data, str):
            yield self
        yield from self.items()

    def text(self, default: str = "") -> str:
        """Return a text."""
        return self.data if isinstance(self.data, str) else default

    def integer(self, default: int | None) -> int | None:
        """Return a whole number."""
        is_integer = isinstance(self.data, int) and not isinstance(self.data, bool)
        return self.data if is_integer else default

    def number(self, default: float | None) -> float | None:
        """Return a number, whole or not."""
        is_number = isinstance(self.data, (int, float)) and not isinstance(self.data, bool)
        return float(self.data) if is_number else default

    def place(self, *, of_key: bool = False) -> Place:
        """Return where it stands, or its key."""
        return find_place(self.complaints.document, self.path, of_key=of_key)

    def beside(self, path: str) -> Path:
        """Return where a path leads that is written here: it is relative to the file that it stands in."""
        return Path(self.place().file).parent / path

    def other(self, of: Section) -> str:
        """Return where its key stands, for a message about a place which may be in the same file."""
        place = self.place(of_key=True)
        return f"in line {place.line}" if place.file == of.place().file else f"at {place}"

    def problem(self, what: str, advice: str = "", *, of_key: bool = False, rule: str = "") -> None:
        """Complain.

        Args:
            what: what is wrong.
            advice: what to do.
            of_key: point to the key in place of the value.
            rule: the id of the rule that is broken, which says how grave that is; "" for an error that
                cannot be silenced.
        """
        severity = RULES[rule].severity if rule else Severity.ERROR
        found = Problem(*self.place(of_key=of_key), dotted(self.path), what, advice, severity, rule)
        self.complaints.add([found])
