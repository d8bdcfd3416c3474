"""From the `foreach` of a query to requests that are made row by row."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath

from runner.dicom.dictionary import Dictionary
from runner.dicom.encoding import EncodingError, encode
from runner.dicom.identifier import Element, Identifier, Path
from runner.dicom.tags import SPECIFIC_CHARACTER_SET
from runner.dicom.transfer_syntax import TransferSyntax
from runner.errors import InvalidJobError
from runner.jobfile.keys import DEFAULT_CHARACTER_SET, Bound, TextProblem, problem_with_text, tags_for
from runner.jobfile.nodes import Column
from runner.jobfile.problem import below_keys
from runner.jobfile.rows import CsvRows, ValueRows
from runner.jobfile.section import Section
from runner.model import Request, Requests

#: How many combinations of values a query may have; rows of a file may be more.
MAX_COMBINATIONS = 10_000_000

#: How many bad values of a query are listed.
MAX_LISTED = 20

#: A value with so many characters is encoded as a trial; no shorter one can be too long for its VR.
_LONG = 10_000

_DECLARATION = Element(SPECIFIC_CHARACTER_SET, "CS", DEFAULT_CHARACTER_SET)


@dataclass(frozen=True, slots=True)
class RowKey:
    """A key whose value comes from a row.

    Attributes:
        path: of its element.
        vr: of its element.
        pieces: of the value: texts, and numbers of cells.
        declared: the character set in which it is sent, None where none is declared.
        name: of the key, as messages name it.
        silenced: ids of rules that the job wants not to hear of.
    """

    path: Path
    vr: str
    pieces: tuple[str | int, ...]
    declared: str | None
    name: str
    silenced: frozenset[str]

    def text(self, cells: tuple[str, ...], dictionary: Dictionary) -> str:
        """Return the value for a row."""
        text = "".join([piece if isinstance(piece, str) else cells[piece] for piece in self.pieces])
        return tags_for(text, dictionary) if self.vr == "AT" else text

    def problem(self, text: str) -> TextProblem | None:
        """Say what is wrong with a value, and what to do."""
        wrong = problem_with_text(self.vr, text, self.declared, self.silenced)
        if wrong is None and len(text) >= _LONG:
            try:
                encode((Element(self.path[-1], self.vr, text), _DECLARATION), TransferSyntax.EXPLICIT_LITTLE)
            except EncodingError as error:
                return TextProblem("", f"the value cannot be sent: {error}", "shorten it")
        return wrong


@dataclass(frozen=True, slots=True)
class Template:
    """A request but for what comes from a row."""

    identifier: Identifier
    source: str
    keys: tuple[RowKey, ...]


@dataclass(frozen=True, slots=True)
class RowRequests:
    """For each row a request, or one for each query file; see runner.model.Requests.

    Attributes:
        rows: where they come from.
        templates: one, or one for each query file.
        dictionary: names and VRs.
        counted: how many rows there are, None where they are not counted yet.
    """

    rows: ValueRows | CsvRows
    templates: tuple[Template, ...]
    dictionary: Dictionary
    counted: int | None = None

    def __iter__(self) -> Iterator[Request]:
        for where, cells in self.rows:
            for template in self.templates:
                source = f"{template.source}, {where}" if template.source else where
                yield Request(self.identifier(template, where, cells), source)

    @property
    def size(self) -> int:
        """How many requests there are."""
        return (self.rows.size if self.counted is None else self.counted) * len(self.templates)

    def from_rows(self) -> Iterator[tuple[Identifier, tuple[Path, ...]]]:
        """Yield what is sent for every row but for the values at some paths, which come from it."""
        for template in self.templates:
            yield template.identifier, tuple(key.path for key in template.keys)

    def identifier(self, template: Template, where: str, cells: tuple[str, ...]) -> Identifier:
        """Return what is sent for a row.

        Raises:
            InvalidJobError: a value cannot be sent.
        """
        identifier = template.identifier
        is_ascii = True
        for key in template.keys:
            text = key.text(cells, self.dictionary)
            wrong = key.problem(text)
            if wrong is not None:
                raise InvalidJobError(f"{key.name}: {wrong.what}", wrong.advice, where)
            is_ascii = is_ascii and (key.declared is not None or text.isascii())
            identifier = _with_value(identifier, key.path, text)
        if is_ascii or any(element.tag == SPECIFIC_CHARACTER_SET for element in identifier):
            return identifier
        return tuple(sorted((*identifier, _DECLARATION), key=lambda element: element.tag))


def _with_value(identifier: Identifier, path: Path, text: str) -> Identifier:
    """Return an identifier with another value in one of its elements."""
    elements = list(identifier)
    for index, element in enumerate(elements):
        if element.tag != path[0]:
            continue
        value: str | tuple[Identifier, ...] = text
        if len(path) > 1 and isinstance(element.value, tuple):
            items = list(element.value)
            items[path[1]] = _with_value(items[path[1]], path[2:], text)
            value = tuple(items)
        elements[index] = Element(element.tag, element.vr, value)
    return tuple(elements)


def read_foreach(
    foreach: Section,
    drafts: Sequence[tuple[Identifier, str, tuple[Bound, ...]]],
    dictionary: Dictionary,
    *,
    check_rows: bool,
) -> Requests | tuple[Request, ...]:
    """Make the requests of a query with rows.

    Complains about files and columns that are not there, and about values that cannot be sent.

    Args:
        foreach: the part of the query.
        drafts: an identifier, its query file, and its keys that come from rows, for each query file.
        dictionary: names and VRs.
        check_rows: whether all rows are looked at, which takes a while where there are many.
    """
    rows = _value_rows(foreach) if "values" in foreach else _csv_rows(foreach)
    if rows is None or not drafts:
        return ()
    bounds = [bound for _, _, keys in drafts for bound in keys]
    known = [_is_known(column, bound, rows, foreach) for bound in bounds for column in bound.pieces]
    if not all(known):
        return ()
    if not bounds and not foreach.complaints.errors:
        what = "no key of the query has ${row.…}, so all its requests are the same"
        foreach.problem(what, "name a column in a key", of_key=True, rule="rows-not-used")
    templates = tuple(
        Template(identifier, source, tuple(_row_key(bound, rows) for bound in keys))
        for identifier, source, keys in drafts
    )
    counted = _checked(foreach, rows, templates, bounds, dictionary) if check_rows else None
    return RowRequests(rows, templates, dictionary, counted)


def _row_key(bound: Bound, rows: ValueRows | CsvRows) -> RowKey:
    pieces = tuple(
        rows.columns.index(piece.name) if isinstance(piece, Column) else piece for piece in bound.pieces
    )
    name = ".".join(map(str, below_keys(bound.section.path)))
    silenced = bound.section.complaints.silenced
    return RowKey(bound.path, bound.vr, pieces, bound.declared, name, silenced)


def _is_known(column: str | Column, bound: Bound, rows: ValueRows | CsvRows, foreach: Section) -> bool:
    if isinstance(column, str) or rows.columns.count(column.name) == 1:
        return True
    from runner.jobfile.schema_problems import meant

    likely = meant(column.name, rows.columns)
    called = "the rows"
    if bound.section.path[0] == "key_sets":  # which other queries may use too
        called = f"the rows of the query {foreach.path[1]!r}"
    if column.name in rows.columns:
        what, advice = f"{called} have several columns {column.name!r}", "give each a name of its own"
    else:
        what = f"{called} have no column {column.name!r}"
        advice = f"did you mean {likely!r}?" if likely else f"they have {', '.join(map(repr, rows.columns))}"
        other = next((mark for mark in ";\t|" if len(rows.columns) == 1 and mark in rows.columns[0]), None)
        if other is not None and isinstance(rows, CsvRows):
            shown = '"\\t"' if other == "\t" else f'"{other}"'
            advice = f"add delimiter: {shown} to foreach, if that is what stands between the columns"
    bound.section.problem(what, advice)
    return False


def _value_rows(foreach: Section) -> ValueRows | None:
    for name in ("delimiter", "encoding"):
        if name in foreach:
            foreach[name].problem(f"{name!r} is for 'csv', not for 'values'", "take it out", of_key=True)
    columns = {
        name: tuple(item.text() for item in values.items()) for name, values in foreach["values"].members()
    }
    if not columns or not all(columns.values()):
        return None  # the schema has complained
    rows = ValueRows(tuple(columns), tuple(columns.values()))
    if rows.size > MAX_COMBINATIONS:
        what = f"the values have {rows.size:,} combinations, at most {MAX_COMBINATIONS:,} are taken"
        foreach["values"].problem(what, "split the query", of_key=True)
        return None
    return rows


def _csv_rows(foreach: Section) -> CsvRows | None:
    name, encoding = foreach["csv"].text(), foreach["encoding"].text("utf-8")
    delimiter = foreach["delimiter"].text(",")
    if not name:
        return None
    before = foreach.complaints.errors
    if len(delimiter) != 1 or delimiter in '"\r\n ':
        what = "the delimiter must be a single character, no double quote, space or line end"
        foreach["delimiter"].problem(what, 'a tab is written "\\t", in double quotes')
    if not _is_text_encoding(encoding):
        foreach["encoding"].problem("this encoding is not known", "write one such as utf-8, cp1252 or utf-16")
    path = foreach["csv"].beside(name)
    if not _is_file(path):
        foreach["csv"].problem("there is no such file", "name a CSV file, relative to the job file")
    if foreach.complaints.errors > before:
        return None
    rows = CsvRows(path, name, delimiter, encoding)
    try:
        return CsvRows(path, name, delimiter, encoding, rows.header())
    except InvalidJobError as error:
        foreach["csv"].problem(_what(error), error.advice)
        return None


def _is_file(path: FilePath) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _is_text_encoding(name: str) -> bool:
    try:
        "".encode(name)
        codecs.lookup(name)
    except (LookupError, ValueError, UnicodeError):
        return False
    return True


def _checked(
    foreach: Section,
    rows: ValueRows | CsvRows,
    templates: Sequence[Template],
    bounds: Sequence[Bound],
    dictionary: Dictionary,
) -> int:
    """Look at every row, complain about values that cannot be sent, and return how many rows there are."""
    keys = [key for template in templates for key in template.keys]
    count = listed = 0
    try:
        for where, cells in rows:
            count += 1
            for number, key in enumerate(keys):
                wrong = key.problem(key.text(cells, dictionary))
                if wrong is None:
                    continue
                listed += 1
                bounds[number].section.problem(f"{where}: {wrong.what}", wrong.advice, rule=wrong.rule)
                if listed == MAX_LISTED:
                    what = f"{where}: rows behind this one are not checked, for {listed} values are wrong"
                    foreach.problem(what, "correct those first", of_key=True)
                    return count
    except InvalidJobError as error:
        foreach["csv"].problem(_what(error), error.advice)
        return count
    if not count:
        what = "the file has no rows, so nothing is asked"
        advice = "the first line names the columns, rows come below it"
        foreach["csv"].problem(what, advice, rule="no-rows")
    return count


def _what(error: InvalidJobError) -> str:
    return f"{error.where}: {error.what}" if error.where else error.what
