"""From `foreach` and `any_of` of a query to requests that are made one by one."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, product
from math import prod
from pathlib import Path as FilePath

from runner.dicom.dictionary import Dictionary
from runner.dicom.encoding import EncodingError, encode
from runner.dicom.identifier import Element, Identifier, Path, with_value
from runner.dicom.matching import is_universal
from runner.dicom.path import path_text
from runner.dicom.tags import SPECIFIC_CHARACTER_SET
from runner.dicom.transfer_syntax import TransferSyntax
from runner.errors import InvalidJobError
from runner.jobfile.clock import Clock
from runner.jobfile.keys import DEFAULT_CHARACTER_SET, Bound, TextProblem, problem_with_text, tags_for
from runner.jobfile.nodes import Column
from runner.jobfile.problem import below_keys
from runner.jobfile.rows import CsvRows, NoRows, Rows, ValueRows
from runner.jobfile.section import Section
from runner.model import Request, Requests

#: How many combinations of values a query may have; rows of a file may be more.
MAX_COMBINATIONS = 10_000_000

#: How many bad values of a query are listed.
MAX_LISTED = 20

#: How many rows are named that leave a key without a value.
MAX_EMPTY_LISTED = 3

#: A value with so many characters is encoded as a trial; no shorter one can be too long for its VR.
_LONG = 10_000

_DECLARATION = Element(SPECIFIC_CHARACTER_SET, "CS", DEFAULT_CHARACTER_SET)


#: A value of a key: the members of a period by name, or a text under ""; each of texts and numbers of cells.
_Members = tuple[tuple[str, tuple[str | int, ...]], ...]


@dataclass(frozen=True, slots=True)
class RowKey:
    """A key whose value comes from a row, or which has several in turn.

    Attributes:
        path: of its element.
        vr: of its element.
        values: each makes requests of its own.
        declared: the character set in which they are sent, None where none is declared.
        name: of the key, as messages name it.
        silenced: ids of rules that the job wants not to hear of.
        clock: for periods.
    """

    path: Path
    vr: str
    values: tuple[_Members, ...]
    declared: str | None
    name: str
    silenced: frozenset[str]
    clock: Clock

    def texts(self, cells: tuple[str, ...], dictionary: Dictionary) -> tuple[str, ...]:
        """Return the values for a row, each once.

        Raises:
            PeriodError: a period cannot be asked for.
        """
        if len(self.values) == 1 and self.values[0][0][0] == "":
            return (self._text(self.values[0][0][1], cells, dictionary),)
        texts: dict[str, None] = {}
        for members in self.values:
            if members[0][0] == "":
                texts[self._text(members[0][1], cells, dictionary)] = None
                continue
            from runner.jobfile.periods import compiled

            ends = tuple((name, self._text(pieces, cells, dictionary)) for name, pieces in members)
            texts.update(dict.fromkeys(compiled(self.vr, ends, self.clock)))
        return tuple(texts)

    @property
    def mark(self) -> tuple[object, ...]:
        """What tells it from other ones; periods are other ones at another time."""
        has_periods = any(name for members in self.values for name, _ in members)
        return self.path, self.vr, self.values, self.declared, self.clock.instant if has_periods else None

    def _text(self, pieces: tuple[str | int, ...], cells: tuple[str, ...], dictionary: Dictionary) -> str:
        text = "".join([piece if isinstance(piece, str) else cells[piece] for piece in pieces])
        return tags_for(text, dictionary) if self.vr == "AT" else text

    def legal(
        self, cells: tuple[str, ...], dictionary: Dictionary
    ) -> tuple[tuple[str, ...], TextProblem | None]:
        """Return the values for a row, and what is wrong with the first that is not legal."""
        try:
            texts = self.texts(cells, dictionary)
        except ValueError as error:  # runner.jobfile.periods.PeriodError
            return (), TextProblem("", *error.args[:2])
        problems = (self.problem(text) for text in texts)
        return texts, next((problem for problem in problems if problem is not None), None)

    def problem(self, text: str) -> TextProblem | None:
        """Say what is wrong with a value, and what to do."""
        wrong = problem_with_text(self.vr, text, self.declared, self.silenced)
        if wrong is None and len(text) >= _LONG:
            try:
                encode((Element(self.path[-1], self.vr, text), _DECLARATION), TransferSyntax.EXPLICIT_LITTLE)
            except EncodingError as error:
                return TextProblem("", f"the value cannot be sent: {error}", "shorten it")
        return wrong

    @property
    def has_as_many_for_each_row(self) -> bool:
        """Whether it has as many values for each row; those that are the same count as one."""
        if len(self.values) == 1 and self.values[0][0][0] == "":
            return True
        return all(isinstance(piece, str) for members in self.values for _, of in members for piece in of)


@dataclass(frozen=True, slots=True)
class Template:
    """A request but for what comes from a row."""

    identifier: Identifier
    source: str
    keys: tuple[RowKey, ...]


@dataclass(frozen=True, slots=True)
class RowRequests:
    """For each row a request, or one for each query file and each value; see runner.model.Requests.

    Attributes:
        rows: where they come from.
        templates: one, or one for each query file.
        dictionary: names and VRs.
        counted: how many requests there are, None where they are not counted yet.
    """

    rows: Rows
    templates: tuple[Template, ...]
    dictionary: Dictionary
    counted: int | None = None

    def __iter__(self) -> Iterator[Request]:
        has_rows = not isinstance(self.rows, NoRows)
        for number, (where, cells) in enumerate(self.rows, 1):
            for template in self.templates:
                source = ", ".join(filter(None, (template.source, where)))
                for identifier, named in self.requests(template, where, cells):
                    yield Request(identifier, ", ".join(filter(None, (source, *named))), number * has_rows)

    def marks(self) -> Iterator[tuple[str, object]]:
        """Yield what tells them from other ones; see runner.model.Requests."""
        for name, value in self.rows.marks():
            yield f"foreach.{name}", value
        keys: dict[str, list[object]] = {}
        for number, template in enumerate(self.templates):
            for element in template.identifier:
                from_rows = [key.mark for key in template.keys if key.path[0] == element.tag]
                mark = (number, element.vr, element.value, from_rows)
                keys.setdefault(path_text((element.tag,), self.dictionary), []).append(mark)
        for name, values in keys.items():
            yield f"keys.{name}", values

    @property
    def size(self) -> int:
        """How many requests there are."""
        if self.counted is not None:
            return self.counted
        if all(key.has_as_many_for_each_row for template in self.templates for key in template.keys):
            return self.rows.size * sum(
                prod(len(key.values) for key in template.keys) for template in self.templates
            )
        return sum(self.of_row(cells) for _, cells in self.rows)

    def from_rows(self) -> Iterator[tuple[Identifier, tuple[Path, ...]]]:
        """Yield what is sent for every row but for the values at some paths, which come from it."""
        for template in self.templates:
            yield template.identifier, tuple(key.path for key in template.keys)

    def of_row(self, cells: tuple[str, ...]) -> int:
        """Return how many requests a row makes."""
        return sum(
            prod(len(key.texts(cells, self.dictionary)) for key in template.keys)
            for template in self.templates
        )

    def requests(
        self, template: Template, where: str, cells: tuple[str, ...]
    ) -> Iterator[tuple[Identifier, Sequence[str]]]:
        """Yield what is sent for a row: the product of the values that its keys have, and which these are.

        Raises:
            InvalidJobError: a value cannot be sent.
        """
        choices = [self.texts(key, where, cells) for key in template.keys]
        if all(len(texts) == 1 for texts in choices):
            yield self.identifier(template, [texts[0] for texts in choices]), ()
            return
        for picked in product(*(tuple(enumerate(texts, 1)) for texts in choices)):
            named = [
                f"{key.name} {number} of {len(texts)}"
                for key, texts, (number, _) in zip(template.keys, choices, picked, strict=True)
                if len(texts) > 1
            ]
            yield self.identifier(template, [text for _, text in picked]), named

    def texts(self, key: RowKey, where: str, cells: tuple[str, ...]) -> tuple[str, ...]:
        """Return the values of a key for a row.

        Raises:
            InvalidJobError: one of them cannot be sent.
        """
        texts, wrong = key.legal(cells, self.dictionary)
        if wrong is not None:
            raise InvalidJobError(f"{key.name}: {wrong.what}", wrong.advice, where)
        return texts

    def identifier(self, template: Template, texts: Sequence[str]) -> Identifier:
        """Return an identifier with the values of its keys."""
        identifier = template.identifier
        is_ascii = True
        for key, text in zip(template.keys, texts, strict=True):
            is_ascii = is_ascii and (key.declared is not None or text.isascii())
            identifier = with_value(identifier, key.path, key.vr, text)
        if is_ascii or any(element.tag == SPECIFIC_CHARACTER_SET for element in identifier):
            return identifier
        return tuple(sorted((*identifier, _DECLARATION), key=lambda element: element.tag))


def read_foreach(
    query: Section,
    drafts: Sequence[tuple[Identifier, str, tuple[Bound, ...]]],
    dictionary: Dictionary,
    *,
    check_rows: bool,
) -> Requests | tuple[Request, ...]:
    """Make the requests of a query with rows, or with keys that have several values.

    Complains about files and columns that are not there, and about values that cannot be sent.

    Args:
        query: the query.
        drafts: an identifier, its query file, and its keys that come from rows or have several values, for
            each query file.
        dictionary: names and VRs.
        check_rows: whether all rows are looked at, which takes a while where there are many.
    """
    rows = _rows(query["foreach"]) if "foreach" in query else NoRows()
    if rows is None or not drafts:
        return ()
    bounds = [bound for _, _, keys in drafts for bound in keys]
    columns = [(bound, column) for bound in bounds for column in _columns(bound)]
    known = [_is_known(column, bound, rows, query) for bound, column in columns]
    if not all(known) or not _is_bounded(query, drafts, rows):
        return ()
    if "foreach" in query and not columns and not query.complaints.errors:
        what = "no key of the query has ${row.…}, so all its requests are the same"
        query["foreach"].problem(what, "name a column in a key", of_key=True, rule="rows-not-used")
    templates = tuple(
        Template(identifier, source, tuple(_row_key(bound, rows) for bound in keys))
        for identifier, source, keys in drafts
    )
    requests = RowRequests(rows, templates, dictionary)
    if check_rows and "foreach" in query:  # otherwise all has been looked at
        return replace(requests, counted=_checked(query["foreach"], requests, bounds))
    return requests


def _is_bounded(
    query: Section, drafts: Sequence[tuple[Identifier, str, tuple[Bound, ...]]], rows: Rows
) -> bool:
    """Check that values make no more combinations than a query may have; the rows of a file do not count."""
    each = max(prod(len(bound.values) for bound in keys) for _, _, keys in drafts)
    combinations = each * (1 if isinstance(rows, CsvRows) else rows.size)
    if combinations <= MAX_COMBINATIONS:
        return True
    what = f"the values have {combinations:,} combinations, at most {MAX_COMBINATIONS:,} are taken"
    blamed = query["foreach"]["values"] if isinstance(rows, ValueRows) else query["keys"]
    blamed.problem(what, "split the query", of_key=True)
    return False


def _row_key(bound: Bound, rows: Rows) -> RowKey:
    values = tuple(
        tuple(
            (
                name,
                tuple(rows.columns.index(of.name) if isinstance(of, Column) else of for of in pieces),
            )
            for name, pieces in value.members
        )
        for value in bound.values
    )
    name = ".".join(map(str, below_keys(bound.section.path)))
    complaints = bound.section.complaints
    return RowKey(bound.path, bound.vr, values, bound.declared, name, complaints.silenced, complaints.clock)


def _columns(bound: Bound) -> Iterator[Column]:
    for value in bound.values:
        for _, pieces in value.members:
            yield from (piece for piece in pieces if isinstance(piece, Column))


def _is_known(column: Column, bound: Bound, rows: Rows, query: Section) -> bool:
    if rows.columns.count(column.name) == 1:
        return True
    from runner.jobfile.schema_problems import meant

    likely = meant(column.name, rows.columns)
    called = "the rows"
    if bound.section.path[0] == "key_sets":  # which other queries may use too
        called = f"the rows of the query {query.path[1]!r}"
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


def _rows(foreach: Section) -> ValueRows | CsvRows | None:
    return _value_rows(foreach) if "values" in foreach else _csv_rows(foreach)


def _value_rows(foreach: Section) -> ValueRows | None:
    for name in ("delimiter", "encoding"):
        if name in foreach:
            foreach[name].problem(f"{name!r} is for 'csv', not for 'values'", "take it out", of_key=True)
    columns = {
        name: tuple(item.text() for item in values.items()) for name, values in foreach["values"].members()
    }
    if not columns or not all(columns.values()):
        return None  # the schema has complained
    return ValueRows(tuple(columns), tuple(columns.values()))


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
    try:
        return CsvRows(path, name, delimiter, encoding).with_header()
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


def _checked(foreach: Section, requests: RowRequests, bounds: Sequence[Bound]) -> int:
    """Look at every row, complain about values that cannot be sent, and count the requests."""
    sections = iter(bounds)
    templates = [
        [(key, next(sections).section, _EmptyCells()) for key in template.keys]
        for template in requests.templates
    ]
    count = listed = 0
    try:
        for where, cells in requests.rows:
            for keys in templates:
                made = 1
                for key, section, empty in keys:
                    texts, wrong = key.legal(cells, requests.dictionary)
                    made *= len(texts)
                    empty.look(key, where, texts)
                    if wrong is not None:
                        listed += 1
                        section.problem(f"{where}: {wrong.what}", wrong.advice, rule=wrong.rule)
                count += made
            if listed >= MAX_LISTED:
                what = f"{where}: rows behind this one are not checked, for {listed} values are wrong"
                foreach.problem(what, "correct those first", of_key=True)
                return count
    except InvalidJobError as error:
        foreach["csv"].problem(_what(error), error.advice)
        return count
    for _, section, empty in chain.from_iterable(templates):
        if empty.count:
            what = f"{empty.told}: nothing is left of the value, so this key matches anything there"
            section.problem(what, "fill the cell, or leave the row out", rule="empty-cell")
    if not count and not listed:
        what = "the file has no rows, so nothing is asked"
        advice = "the first line names the columns, rows come below it"
        foreach["csv"].problem(what, advice, rule="no-rows")
    return count


@dataclass(slots=True)
class _EmptyCells:
    """The rows that leave a key without a value: how many, and where the first ones are."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def look(self, key: RowKey, where: str, texts: Iterable[str]) -> None:
        """Count a row if one of the values that it gives to a key matches anything."""
        if not any(is_universal(Element(key.path[-1], key.vr, text)) for text in texts):
            return
        self.count += 1
        if len(self.first) < MAX_EMPTY_LISTED:
            self.first.append(where or "one of several values")

    @property
    def told(self) -> str:
        """The rows, for people."""
        more = self.count - len(self.first)
        return ", ".join(self.first) + (f" and {more:,} more" if more else "")


def _what(error: InvalidJobError) -> str:
    return f"{error.where}: {error.what}" if error.where else error.what
