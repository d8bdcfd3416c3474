"""Responses as rows of a table in CSV (RFC 4180, lines end with a line feed), in UTF-8.

A cell holds the value as it came, decoded: without padding, with backslashes between several values,
binary numbers as decimal ones, tags as `(gggg,eeee)`, other binary values in hexadecimal, a sequence as
a JSON array of its items. A cell that begins with `=`, `+`, `-` or `@` stays as it is: the file is data,
and a spreadsheet program is told to import such columns as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from runner.dicom.charset import CharacterSet
from runner.dicom.dictionary import Dictionary
from runner.dicom.elements import RawElement, walk
from runner.dicom.identifier import Path
from runner.dicom.layout import Captured, Field, Layout
from runner.dicom.path import path_text
from runner.dicom.received import (
    STRING_VRS,
    Surroundings,
    byte_order,
    declared_character_set,
    find_path,
    value_text,
)
from runner.dicom.tags import SPECIFIC_CHARACTER_SET, is_group_length
from runner.dicom.transfer_syntax import TransferSyntax
from runner.model import AncestorColumn, Column, Job, Query
from runner.plan import Operation
from runner.sinks.base import Batch

#: Between the cells and before the rows of a batch, while it is still to be seen whether any cell needs care.
_CELL, _ROW = b"\x1f", b"\x1e"
#: What may stand in a cell as it is: printable ASCII but for comma and quote; padding is looked at apart.
_PLAIN = bytes(range(0x20, 0x7F)).replace(b",", b"").replace(b'"', b"") + b"\0"
_PADDING = ((b" " + _CELL, _CELL), (b" " + _ROW, _ROW), (b"\0" + _CELL, _CELL), (b"\0" + _ROW, _ROW))
#: What shows that a cell has more spaces than one for padding.
_SPACES = (b" " + _CELL, b" " + _ROW, _CELL + b" ", _ROW + b" ", b" \\", b"\\ ", b"\0")
_NEEDS_QUOTES = re.compile(r'[",\r\n]|\A\s|\s\Z')

_CHARACTER_SET_PATH = (SPECIFIC_CHARACTER_SET,)
#: Declared character sets that are remembered by their bytes.
_MAX_CHARACTER_SETS = 64


def job_columns(queries: Sequence[Query]) -> tuple[Path, ...]:
    """Return the attributes that queries name, each once, in the order in which they stand."""
    paths = dict.fromkeys(path for query in queries for path in query.columns)
    if not paths:
        requests = (request for query in queries for request in query.requests)
        elements = (element for request in requests for element in request.identifier)
        paths = dict.fromkeys((element.tag,) for element in elements if not is_group_length(element.tag))
    return tuple(paths)


def quoted(cell: str) -> str:
    r"""Return a cell with quotes around it where it needs them; a NUL, which CSV cannot have, as `\x00`."""
    if "\0" in cell:
        cell = cell.replace("\0", "\\x00")
    return '"' + cell.replace('"', '""') + '"' if _NEEDS_QUOTES.search(cell) else cell


class CsvRows:
    """Makes rows of responses.

    Args:
        job: whose responses come.
        columns: the attributes, in order; empty for those that the queries name.
        queries: the names of those whose responses come; empty for all.
    """

    def __init__(self, job: Job, columns: Sequence[Column] = (), queries: Sequence[str] = ()) -> None:
        family = [member for query in job.queries for member in query.family]
        asked = [query for query in family if not queries or query.name in queries]
        self._dictionary = job.dictionary
        self._columns: tuple[Column, ...] = tuple(columns) or job_columns(asked)
        self._own = tuple(column for column in self._columns if isinstance(column, tuple))
        # what of the ancestors does not stand before all others is put in row by row
        self._leading = next(
            (place for place, column in enumerate(self._columns) if isinstance(column, tuple)),
            len(self._columns),
        )
        self._origin = len(asked) > 1 or len(job.used_peers) > 1
        self._tables: dict[TransferSyntax, ResponseTable] = {}

    def header(self) -> bytes:
        """Return the header line."""
        names = ["query", "peer"] if self._origin else []
        names += [_heading(column, self._dictionary) for column in self._columns]
        return (",".join(map(quoted, names)) + "\n").encode()

    def rows(self, batch: Batch) -> bytes:
        """Return the rows of the identifiers that can be decoded."""
        syntax = batch.find.transfer_syntax
        table = self._tables.get(syntax)
        if table is None:
            table = self._tables[syntax] = ResponseTable(syntax, self._dictionary, self._own)
        identifiers = batch.identifiers
        if batch.undecodable:
            bad = batch.undecodable
            identifiers = [data for index, data in enumerate(identifiers) if index not in bad]
        if not identifiers:
            return b""
        operation = batch.find.operation
        before = [operation.query.name, operation.peer.name] if self._origin else []
        before += [self._inherited(column, operation) for column in self._columns[: self._leading]]
        if self._own and len(self._own) + self._leading == len(self._columns):
            return table.rows(identifiers, b"".join(quoted(cell).encode() + b"," for cell in before))
        return b"".join(self._mixed(before, cells, operation) for cells in table.cells(identifiers))

    def _mixed(self, before: list[str], own: list[str], operation: Operation) -> bytes:
        cells = iter(own)
        row = [
            next(cells) if isinstance(column, tuple) else self._inherited(column, operation)
            for column in self._columns[self._leading :]
        ]
        return ",".join(map(quoted, before + row)).encode("utf-8", "replace") + b"\n"

    @staticmethod
    def _inherited(column: Column, operation: Operation) -> str:
        assert isinstance(column, AncestorColumn)
        return operation.ancestry.get(column.path, "")


def _heading(column: Column, dictionary: Dictionary) -> str:
    if isinstance(column, AncestorColumn):
        return f"parent.{path_text(column.path, dictionary)}"
    return path_text(column, dictionary)


class ResponseTable:
    """Makes rows of identifiers of one transfer syntax.

    Args:
        syntax: the transfer syntax.
        dictionary: names and VRs.
        columns: what the cells hold.
    """

    def __init__(self, syntax: TransferSyntax, dictionary: Dictionary, columns: tuple[Path, ...]) -> None:
        self._syntax = syntax
        self._dictionary = dictionary
        self._columns = columns
        self._layout = Layout(syntax, dictionary, (_CHARACTER_SET_PATH, *columns))
        self._version = 0
        self._character_sets: dict[bytes | None, CharacterSet] = {}
        # what the layout's fields mean for the columns: where each cell is in a captured tuple (one past
        # its end for a column that never came), how many bytes stand before its value, and its VR
        self._places: list[tuple[int, int]] = []
        self._vrs: list[str] = []
        self._character_set_at: int | None = None
        self._usable = False
        self._strings = False
        self._some_missing = False

    def cells(self, identifiers: Sequence[bytes]) -> Iterator[list[str]]:
        """Return the cells of each identifier, as texts without quotes."""
        for identifier, captured in zip(identifiers, self._captured(identifiers), strict=True):
            yield self._cells(captured) if captured is not None else self._walked_cells(identifier)

    def _captured(self, identifiers: Sequence[bytes]) -> Sequence[Captured | None]:
        captured = self._layout.values(identifiers)
        if self._layout.version != self._version:
            self._version = self._layout.version
            self._fit(self._layout.fields)
        if not self._usable:
            return [None] * len(identifiers)
        if self._some_missing:
            return [(*row, None) if row is not None else None for row in captured]
        return captured

    def rows(self, identifiers: Sequence[bytes], origin: bytes) -> bytes:
        """Return the lines of identifiers, each beginning with `origin`."""
        captured = self._captured(identifiers)
        if not self._strings or None in captured:
            return b"".join([self._row(*pair, origin) for pair in zip(identifiers, captured, strict=True)])
        places = self._places
        rows = [
            _CELL.join([cell[at:] if (cell := row[index]) else b"" for index, at in places])
            for row in captured
            if row is not None
        ]
        lines = self._plain(rows, origin)
        if lines is not None:
            return lines
        return b"".join(
            [
                self._plain([row], origin) or self._row(identifier, values, origin)
                for row, identifier, values in zip(rows, identifiers, captured, strict=True)
            ]
        )

    def _plain(self, rows: list[bytes], origin: bytes) -> bytes | None:
        """Return the lines of rows whose cells need neither decoding nor quotes; None where one does."""
        blob = _ROW + _ROW.join(rows) + _ROW
        separators = len(rows) * len(self._columns) + 1
        if len(blob.translate(None, _PLAIN)) != separators:
            return None
        for padded, bare in _PADDING:
            blob = blob.replace(padded, bare)
        if any(map(blob.__contains__, _SPACES)) or (len(self._columns) == 1 and _ROW + _ROW in blob):
            return None
        return origin + blob[1:-1].replace(_ROW, b"\n" + origin).replace(_CELL, b",") + b"\n"

    def _row(self, identifier: bytes, captured: Captured | None, origin: bytes) -> bytes:
        cells = self._cells(captured) if captured is not None else self._walked_cells(identifier)
        if len(cells) == 1 and not cells[0] and not origin:
            return b'""\n'  # an empty line would be no row
        return origin + ",".join(map(quoted, cells)).encode("utf-8", "replace") + b"\n"

    def _cells(self, captured: Captured) -> list[str]:
        character_set = self._character_set(
            captured[self._character_set_at] if self._character_set_at is not None else None
        )
        order = self._syntax.struct_order
        return [
            value_text(vr, cell[at:], character_set, order) if (cell := captured[index]) else ""
            for (index, at), vr in zip(self._places, self._vrs, strict=True)
        ]

    def _character_set(self, declared: bytes | None) -> CharacterSet:
        known = self._character_sets.get(declared)
        if known is None:
            # (0008,0005) is a CS: eight bytes stand before its value in every transfer syntax
            known = declared_character_set(declared[8:] if declared is not None else b"")
            if len(self._character_sets) < _MAX_CHARACTER_SETS:
                self._character_sets[declared] = known
        return known

    def _walked_cells(self, identifier: bytes) -> list[str]:
        elements = walk(identifier, self._syntax, self._dictionary)
        self._layout.learn(elements)
        surroundings = Surroundings(identifier, elements, self._dictionary)
        return [self._walked_cell(identifier, elements, surroundings, path) for path in self._columns]

    def _walked_cell(
        self, data: bytes, elements: Sequence[RawElement], surroundings: Surroundings, path: Path
    ) -> str:
        found = find_path(elements, path)
        if found is None:
            return ""
        for outer, item in zip(found, path[1::2], strict=False):
            inner = (outer.items or ())[item].elements
            surroundings = Surroundings(data, inner, self._dictionary, surroundings)
        element = found[-1]
        if element.items is not None:
            if not element.items:
                return ""
            from runner.dicom.response_json import items_json

            return items_json(data, element, self._syntax, self._dictionary, surroundings)
        vr, entry = surroundings.meaning(element)
        if vr == "UN" and entry is not None and entry.vr in STRING_VRS:
            vr = entry.vr  # a peer that did not know the attribute passed it on (PS3.5 6.2.2)
        order = byte_order(element, self._syntax)
        return value_text(vr, data[element.start : element.end], surroundings.character_set, order)

    def _fit(self, fields: Sequence[Field]) -> None:
        """Take note of what the layout captures now."""
        at = {field.path: index for index, field in enumerate(fields)}
        self._character_set_at = at.get(_CHARACTER_SET_PATH)
        self._places, self._vrs = [], []
        self._usable, self._some_missing = True, False
        for path in self._columns:
            index = at.get(path)
            if index is None:
                self._some_missing = True
                self._places.append((len(fields), 0))
                self._vrs.append("LO")
                continue
            field = fields[index]
            entry = self._dictionary.by_tag(path[-1])
            vr = field.vr or (entry.vr if entry is not None else "")
            # the VR of these is to be found among the other elements
            if field.sequence or vr in {"", "UN"}:
                self._usable = False
            self._places.append((index, field.value_at))
            self._vrs.append(vr)
        self._strings = self._usable and STRING_VRS.issuperset(self._vrs)
