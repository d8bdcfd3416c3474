"""What can be compared: something that gives its records one by one, and each again by its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from runner.comparison.record import Record
from runner.comparison.rules import Rules

#: Where a record is: an offset in bytes, a number, or a file's name.
Place = int | str
#: A record's place; what tells it from others, None for nothing; and what it holds: equal for equal records.
Scanned = tuple[Place, object, object]


class Source(Protocol):
    """One side of a comparison."""

    @property
    def kind(self) -> str:
        """What it is, for people."""

    @property
    def name(self) -> str:
        """Its path."""

    @property
    def columns(self) -> Sequence[str] | None:
        """What each of its records has; None where each says so itself."""

    @property
    def expected(self) -> int | None:
        """How many records a report says that it has; None where none does."""

    def scan(self, rules: Rules, keys: Sequence[str], shared: Sequence[str]) -> Iterator[Scanned]:
        """Go through all records, from first to last.

        Args:
            rules: what makes no difference.
            keys: names of the attributes that tell records apart; empty for the unique keys.
            shared: the columns that both sides have and that are compared; of sources with columns only.

        Raises:
            InvalidJobError: something cannot be read.
        """

    def record(self, place: Place) -> Record:
        """Return the record at a place.

        Raises:
            InvalidJobError: it cannot be read.
        """

    def close(self) -> None:
        """Close what is open."""
