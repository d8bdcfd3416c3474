"""Tables in CSV: their rows as records, found again by where they begin in the file."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

from runner.comparison.keys import LEVEL, ORIGIN, UNIQUE, key_names
from runner.comparison.record import Record, Value, identifier_values, sequence_value
from runner.comparison.rules import Rules
from runner.comparison.source import Place, Scanned
from runner.dicom.charset import lenient_character_set
from runner.dicom.dataset_json import identifier_from_json
from runner.dicom.dictionary import STANDARD
from runner.dicom.path import PathError, parse_path
from runner.errors import InvalidJobError, QueryFileError

#: Cells and rows may be long, but not longer than this, in characters.
_MAX_CELL = 64 * 2**20
#: So many values of a column are remembered with what they count as.
_REMEMBERED = 4096
_UTF_8 = lenient_character_set("ISO_IR 192")


class Table:
    """A CSV file with a header line, in UTF-8. See `runner.comparison.source.Source`.

    Args:
        path: of the file.
        expected: how many rows a report says that it has; None where none does.

    Attributes:
        columns: the header, in its order.

    Raises:
        InvalidJobError: it cannot be read, or has no header.
    """

    kind = "CSV"

    def __init__(self, path: Path, expected: int | None = None) -> None:
        self.name = str(path)
        self.expected = expected
        self._file: BinaryIO = _opened(path)
        self._lines = _Lines(self._file, self.name)
        try:
            self._read_header()
        except InvalidJobError:
            self._file.close()
            raise

    def _read_header(self) -> None:
        first = self._lines.first()
        self._delimiter = next((mark for mark in ",;\t" if mark in first), ",")
        rows = self._rows_from(0)
        self.columns: tuple[str, ...] = tuple(next(rows, (0, []))[1])
        self._body = self._lines.position
        twice = sorted({name for name in self.columns if self.columns.count(name) > 1})
        if not any(self.columns):
            raise InvalidJobError("the table has no header line", "give it one", self.name)
        if twice:
            raise InvalidJobError(f"two columns are headed {twice[0]!a}", "rename one", self.name)
        self._vrs = [_vr(name) for name in self.columns]

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def scan(self, rules: Rules, keys: Sequence[str], shared: Sequence[str]) -> Iterator[Scanned]:
        """Yield what is known of each row; `shared` are the columns that are compared, in their order."""
        at = {name: number for number, name in enumerate(self.columns)}
        compared = [
            (at[name], _remembered(partial(self._canonical, rules, at[name])))
            for name in shared
            if not rules.ignores(name)
        ]
        key_columns = {
            name: (at[name], _remembered(partial(self._canonical, rules, at[name])))
            for name in {*(keys or UNIQUE), *ORIGIN, LEVEL}
            if name in shared
        }
        origin = [
            key_columns[name] for name in ORIGIN if name in key_columns and not (keys or rules.ignores(name))
        ]
        cells: list[str] = []

        def get(name: str) -> str:
            column = key_columns.get(name)
            return cells[column[0]] if column is not None else ""

        for place, cells in self._rows_from(self._body):
            if len(cells) != len(self.columns):
                raise InvalidJobError(
                    f"the row has {len(cells)} cells, but the header {len(self.columns)}",
                    "see whether a cell wants quotes",
                    self._lines.where(),
                )
            names = key_names(get, keys)
            key: object = None
            if names:
                key = (
                    [canonical(cells[number]) for number, canonical in origin],
                    [(name, key_columns[name][1](get(name))) for name in names],
                )
            yield place, key, [canonical(cells[number]) for number, canonical in compared]

    def record(self, place: Place) -> Record:
        """Return the row that begins there."""
        assert isinstance(place, int)
        _, cells = next(self._rows_from(place), (0, []))
        if len(cells) != len(self.columns):
            raise InvalidJobError("the file was changed meanwhile", "compare again", self.name)
        values: dict[str, Value] = {}
        for name, vr, cell in zip(self.columns, self._vrs, cells, strict=True):
            values.update(_cell_values(name, vr, cell))
        return Record(values, _UTF_8)

    def _canonical(self, rules: Rules, number: int, cell: str) -> str:
        name, vr = self.columns[number], self._vrs[number]
        if vr != "SQ":
            return rules.canonical(name, vr, cell)
        return repr(
            [
                (inner, rules.canonical(inner, *value))
                for inner, value in _cell_values(name, vr, cell)
                if not (rules.ignores(inner) or (rules.empty and not value.text))
            ]
        )

    def _rows_from(self, position: int) -> Iterator[tuple[int, list[str]]]:
        """Yield where each row begins, in bytes, and its cells; lines with nothing are none."""
        csv.field_size_limit(_MAX_CELL)
        lines = self._lines
        lines.go_to(position)
        reader = csv.reader(lines, delimiter=self._delimiter, strict=True)
        while True:
            place = lines.position
            try:
                cells = next(reader, None)
            except csv.Error as error:
                raise InvalidJobError(f"it is no CSV: {error}", "mend it there", lines.where()) from None
            if cells is None:
                return
            if cells:
                yield place, cells


class _Lines:
    """The lines of a file, decoded, with the position behind the last one."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._name = name
        self._number = 0
        self.position = 0

    def first(self) -> str:
        """Return the first line; nothing has been read then."""
        self.go_to(0)
        line = next(self, "")
        self.go_to(0)
        return line

    def go_to(self, position: int) -> None:
        self._file.seek(position)
        self.position = position
        if not position:
            self._number = 0

    def where(self) -> str:
        """Say which line was read last, for a message, while lines are read from the first on."""
        return f"{self._name}:{self._number}"

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._file.readline()
        if not line:
            raise StopIteration
        text = line if self.position else line.removeprefix(b"\xef\xbb\xbf")
        self.position += len(line)
        self._number += 1
        try:
            return text.decode("utf-8")
        except UnicodeDecodeError:
            raise InvalidJobError("it is not in UTF-8", "save it in UTF-8", self.where()) from None


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb", buffering=1 << 16)
    except OSError as error:
        raise InvalidJobError(f"it cannot be read: {error.strerror}", "", str(path)) from None


def _vr(heading: str) -> str:
    """Return the VR of a column headed by an attribute's keyword, tag or path; LO for any other."""
    try:
        entry = STANDARD.by_tag(parse_path(heading.removeprefix("parent."), STANDARD)[-1])
    except PathError:
        return "LO"
    return entry.vr if entry is not None else "LO"


def _cell_values(name: str, vr: str, cell: str) -> Iterator[tuple[str, Value]]:
    """Yield what a cell has: of a sequence, which is a JSON array of items, all that is in them."""
    if vr == "SQ" and cell.startswith("["):
        try:
            items = [identifier_from_json(item, STANDARD) for item in json.loads(cell)]
        except (ValueError, QueryFileError, RecursionError):
            pass
        else:
            yield name, sequence_value(len(items))
            for number, item in enumerate(items):
                yield from identifier_values(item, f"{name}[{number}].")
            return
    yield name, Value(vr if vr != "SQ" else "LO", cell)


def _remembered(function: Callable[[str], str]) -> Callable[[str], str]:
    """Return a function that remembers what it returned: columns repeat themselves."""
    known: dict[str, str] = {}

    def of(text: str) -> str:
        found = known.get(text)
        if found is None:
            if len(known) >= _REMEMBERED:
                known.clear()
            found = known[text] = function(text)
        return found

    return of
