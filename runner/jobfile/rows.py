"""The rows of a `foreach`: combinations of values, or the lines of a CSV file, one at a time."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from pathlib import Path

from runner.errors import InvalidJobError

#: The longest line of a CSV file, in characters.
MAX_LINE = 1 << 20

#: After so many lines it is looked whether the file has changed.
_LOOK_EVERY = 1000

#: The number of a file, its length and when it was written.
Version = tuple[int, int, int]

#: A row: where it comes from, and its cells.
Row = tuple[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class NoRows:
    """What a query without `foreach` has: one row without cells."""

    columns: tuple[str, ...] = ()
    size: int = 1

    def __iter__(self) -> Iterator[Row]:
        yield "", ()

    def marks(self) -> Iterator[tuple[str, object]]:
        """Yield nothing."""
        return iter(())


@dataclass(frozen=True, slots=True)
class ValueRows:
    """Every combination of values; those of the last column change fastest.

    Attributes:
        columns: their names.
        values: of each column.
    """

    columns: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]

    def __iter__(self) -> Iterator[Row]:
        for number, cells in enumerate(product(*self.values), 1):
            yield f"row {number}", cells

    def marks(self) -> Iterator[tuple[str, object]]:
        """Yield what tells them from other ones, by names as in a job file."""
        for name, values in zip(self.columns, self.values, strict=True):
            yield f"values.{name}", values

    @property
    def size(self) -> int:
        """How many combinations there are."""
        return prod(map(len, self.values))


@dataclass(frozen=True, slots=True)
class CsvRows:
    """The lines of a CSV file (RFC 4180) below its header. The file is read anew each time.

    Attributes:
        path: the file.
        name: the file as messages name it.
        delimiter: between the cells.
        encoding: of the file; a byte order mark is skipped.
        columns: the header.
        version: what tells the file as it is from one that has changed; None where that does not matter.
    """

    path: Path
    name: str
    delimiter: str
    encoding: str
    columns: tuple[str, ...] = ()
    version: Version | None = None

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows; lines without anything are left out.

        Raises:
            InvalidJobError: the file cannot be read or has changed, or a row has more or fewer cells than the
                header.
        """
        lines = self._lines()
        _, header = next(lines, (0, []))
        if _names(header) != self.columns:
            raise self._changed()
        for number, cells in lines:
            if len(cells) != len(header):
                what = f"the row has {_counted(len(cells))}, the header {_counted(len(header))}"
                advice = "put cells that hold the delimiter in double quotes"
                if len(cells) < len(header):
                    advice = "give it a cell for each column, an empty one for what it lacks"
                raise InvalidJobError(what, advice, f"{self.name}:{number}")
            yield f"{self.name}:{number}", tuple(cells)

    def marks(self) -> Iterator[tuple[str, object]]:
        """Yield what tells them from other ones, by names as in a job file; of the file its path."""
        yield "csv", self.path
        yield "delimiter", (self.delimiter,)
        yield "encoding", self.encoding

    @property
    def size(self) -> int:
        """How many rows there are, found by reading all of them."""
        return sum(1 for _ in self)

    def with_header(self) -> CsvRows:
        """Return the rows of the file as it is now, with the names of its columns.

        Raises:
            InvalidJobError: the file cannot be read.
        """
        version = _version(self.path)
        for _, cells in self._lines():
            return replace(self, columns=_names(cells), version=version)
        raise InvalidJobError("the file is empty", "its first line names the columns", self.name)

    def _lines(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the records that are not empty, each with the number of the line that it begins in."""
        reader = None
        try:
            with self.path.open(encoding=self.encoding, newline="") as stream:
                self._check(stream.fileno())
                reader = csv.reader(
                    _bounded(stream.readline(MAX_LINE).removeprefix("\ufeff"), stream.readline),
                    delimiter=self.delimiter,
                    strict=True,
                )
                begin = 1
                for cells in reader:
                    if cells:
                        yield begin, cells
                    begin = reader.line_num + 1
                    if begin % _LOOK_EVERY == 0:
                        self._check(stream.fileno())
                self._check(stream.fileno())
        except UnicodeError:
            what = f"here or below there are bytes that are not {self.encoding}"
            advice = "write under 'encoding' what the file is in, such as cp1252 or utf-16"
            raise InvalidJobError(what, advice, self._place(reader)) from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "no path"
            raise InvalidJobError(f"the file cannot be read: {reason}", "check the path", self.name) from None
        except csv.Error as error:
            what = f"this is no CSV: {error}"
            advice = "check the double quotes, and that 'delimiter' is right"
            raise InvalidJobError(what, advice, self._place(reader)) from None

    def _check(self, file: int) -> None:
        """Check that the file is the one that it was: which answer is of which row depends on it."""
        if self.version not in (None, _version(file)):
            raise self._changed()

    def _changed(self) -> InvalidJobError:
        return InvalidJobError(
            "the file has changed since the job was read, so the answers are not known to be of its rows",
            "run the job again, and leave the file alone meanwhile",
            self.name,
        )

    def _place(self, reader: object) -> str:
        number = getattr(reader, "line_num", 0)
        return f"{self.name}:{number}" if number else self.name


#: The rows of a query.
Rows = NoRows | ValueRows | CsvRows


def _bounded(line: str, following: Callable[[int], str]) -> Iterator[str]:
    """Yield lines as long as they are lines: a file without line ends is not taken into memory."""
    while line:
        if len(line) >= MAX_LINE:
            raise csv.Error(f"a line is longer than {MAX_LINE:,} characters")
        yield line
        line = following(MAX_LINE)


def _version(file: Path | int) -> Version | None:
    """Return what a file is told by; None where it cannot be looked at, which reading it will tell."""
    try:
        found = os.stat(file)  # noqa: PTH116 - of a descriptor, too
    except (OSError, ValueError):
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _names(header: list[str]) -> tuple[str, ...]:
    return tuple(name.strip(" ") for name in header)


def _counted(cells: int) -> str:
    return f"{cells} cell" if cells == 1 else f"{cells} cells"
