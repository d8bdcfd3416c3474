"""Comparisons of results, as they are printed: differences on stdout, what was compared on stderr."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import chain, islice
from typing import Any

from runner.cli.messages import complain, printable, say
from runner.comparison.compare import AttributeDifference, Comparison, Counts, Difference, Kind
from runner.comparison.inputs import Output, open_source
from runner.comparison.rules import Rules
from runner.comparison.source import Source
from runner.dicom.dictionary import STANDARD
from runner.dicom.path import PathError, parse_path, path_text
from runner.errors import UsageError

Pairs = Sequence[tuple[Output, Output]]


def print_comparisons(pairs: Pairs, rules: Rules, keys: Sequence[str], form: str) -> bool:
    """Compare pairs of outputs and print what differs.

    Args:
        pairs: what is compared with what.
        rules: what makes no difference; names are checked here.
        keys: names of the attributes that tell records apart.
        form: one of FORMATS.

    Returns:
        Whether anything differs.

    Raises:
        UsageError: a name is neither an attribute nor a column.
        InvalidJobError: something cannot be read.
    """
    different = False
    printer = FORMATS[form]()
    for number, (one, other) in enumerate(pairs):
        with closing(open_source(one)) as a, closing(open_source(other)) as b:
            comparison = Comparison(a, b, _checked_rules(rules, a, b), _checked_keys(keys, a, b))
            differences = comparison.differences()
            first = list(islice(differences, 1))  # nothing is printed of what cannot be read
            if not number:
                printer.begin()
            name = one.name if len(pairs) > 1 else ""
            printer.comparison(comparison, chain(first, differences), name)
            different = different or comparison.counts.different
            _tell(comparison)
    printer.end(different=different)
    return different


def _tell(comparison: Comparison) -> None:
    counts = comparison.counts
    for letter, source, count in (("A", comparison.a, counts.a), ("B", comparison.b, counts.b)):
        complain(f"{letter}: {source.name}: {_counted(count, 'record')} ({source.kind})")
    if counts.repeated:
        complain(
            f"warning: {_counted(counts.repeated, 'key')} of several records each: these are compared as "
            "a whole, regardless of order; --key names what tells records apart"
        )
    if counts.keyless:
        complain(
            f"warning: {_counted(counts.keyless, 'record')} without a unique key: these are compared as a "
            "whole; --key names what tells records apart"
        )


def _checked_rules(rules: Rules, a: Source, b: Source) -> Rules:
    return replace(
        rules,
        ignored=frozenset(_name(name, a, b) for name in rules.ignored),
        case_of=frozenset(_name(name, a, b) for name in rules.case_of),
    )


def _checked_keys(keys: Sequence[str], a: Source, b: Source) -> tuple[str, ...]:
    names = tuple(_name(name, a, b) for name in keys)
    for source in (a, b):
        missing = [name for name in names if source.columns is not None and name not in source.columns]
        if missing:
            raise UsageError(
                f"{source.name} has no column {missing[0]!a} to be a key", "name one that it has"
            )
    return names


def _name(name: str, a: Source, b: Source) -> str:
    """Return the name under which records have an attribute."""
    if name in (a.columns or ()) or name in (b.columns or ()):
        return name
    try:
        return path_text(parse_path(name, STANDARD), STANDARD)
    except PathError as error:
        raise UsageError(error.what, error.advice) from None


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


# --- text -------------------------------------------------------------------------------------------------


class _Text:
    """Lines for people."""

    def begin(self) -> None:
        """Nothing stands before."""

    def comparison(self, comparison: Comparison, differences: Iterable[Difference], name: str) -> None:
        """Print each difference and the numbers."""
        if name:
            _say(f"{name}:")
        for difference in differences:
            for line in _lines(difference):
                _say(line)
        _say(_summary(comparison.counts))

    def end(self, *, different: bool) -> None:
        """Nothing stands behind."""


def _say(line: str) -> None:
    say(printable(line) + "\n")


def _lines(difference: Difference) -> Iterator[str]:
    kind, attributes = difference.kind, difference.attributes
    if kind in (Kind.COLUMN_ONLY_A, Kind.COLUMN_ONLY_B):
        yield f"column only in {'A' if kind is Kind.COLUMN_ONLY_A else 'B'}: {attributes[0].name}"
        return
    times = ""
    if max(difference.times) > 1 and difference.key:
        times = f" ({difference.times[0]:,} in A and {difference.times[1]:,} in B have this key)"
    key = ", ".join(f"{name} {value}" for name, value in difference.key) or "a record without a unique key"
    yield f"{_WORDS[kind]}: {key}{times}"
    if kind is Kind.CHANGED:
        yield from (f"  {one.name}: {_shown(one.a)} -> {_shown(one.b)}" for one in attributes)
    elif not difference.key or times:
        yield from (f"  {one.name}: {_shown(one.b if one.a is None else one.a)}" for one in attributes)


_WORDS = {Kind.ONLY_A: "only in A", Kind.ONLY_B: "only in B", Kind.CHANGED: "different"}


def _shown(text: str | None) -> str:
    return "(absent)" if text is None else text or "(empty)"


def _summary(counts: Counts) -> str:
    if not counts.different:
        return f"no difference in {_counted(counts.a, 'record')}"
    told = [
        f"{number:,} {words}"
        for number, words in (
            (counts.only_a, "only in A"),
            (counts.only_b, "only in B"),
            (counts.changed, "different"),
        )
        if number
    ]
    told += [f"{_counted(counts.columns, 'column')} on one side only"] if counts.columns else []
    return f"{', '.join(told)}; {_counted(counts.same, 'record')} alike"


# --- JSON -------------------------------------------------------------------------------------------------


class _Json:
    """One object, written difference by difference; `null` is an attribute that is absent."""

    def __init__(self) -> None:
        self._before = ""

    def begin(self) -> None:
        """Begin the object."""
        say('{"comparisons": [')

    def comparison(self, comparison: Comparison, differences: Iterable[Difference], name: str) -> None:
        """Print one member of `comparisons`."""
        head: dict[str, Any] = {"output": name} if name else {}
        head |= {"a": comparison.a.name, "b": comparison.b.name}
        say(f'{self._before}\n {{{_json(head)[1:-1]}, "differences": [')
        before = ""
        for difference in differences:
            say(f"{before}\n  {_json(_document(difference))}")
            before = ","
        counts = comparison.counts
        numbers = {name: getattr(counts, name) for name in Counts.__slots__}
        say(f'\n ], "records": {_json(numbers)}}}')
        self._before = ","

    def end(self, *, different: bool) -> None:
        """End the object."""
        say(f'\n], "different": {_json(different)}}}\n')


def _document(difference: Difference) -> dict[str, Any]:
    a, b = difference.times
    document: dict[str, Any] = {"difference": difference.kind.value}
    if difference.kind not in (Kind.COLUMN_ONLY_A, Kind.COLUMN_ONLY_B):
        document |= {"key": dict(difference.key), "records_with_key": {"a": a, "b": b}}
    return document | {
        "attributes": [{"attribute": one.name, "a": one.a, "b": one.b} for one in difference.attributes]
    }


def _json(value: Any) -> str:
    # lone surrogates become escapes of JSON
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace").decode("utf-8")


# --- CSV --------------------------------------------------------------------------------------------------


class _Csv:
    """A row for each record that is on one side only, and for each attribute of the others that differs."""

    def begin(self) -> None:
        """Print the header."""
        self._row("output", "difference", "key", "attribute", "a", "b")

    def comparison(self, comparison: Comparison, differences: Iterable[Difference], name: str) -> None:
        """Print the rows."""
        del comparison
        for difference in differences:
            key = ";".join(f"{part}={value}" for part, value in difference.key)
            if difference.kind is Kind.CHANGED:
                for one in difference.attributes:
                    self._row(name, _kind(one), key, one.name, one.a or "", one.b or "")
            elif not difference.key:  # columns, and records that only all of it can tell
                for one in difference.attributes:
                    self._row(name, difference.kind.value, "", one.name, one.a or "", one.b or "")
            else:
                self._row(name, difference.kind.value, key, "", "", "")

    def end(self, *, different: bool) -> None:
        """Nothing stands behind."""

    @staticmethod
    def _row(*cells: str) -> None:
        csv.writer(_SAYING, lineterminator="\n").writerow(
            cell.encode("utf-8", "backslashreplace").decode("utf-8") for cell in cells
        )


def _kind(one: AttributeDifference) -> str:
    if one.a is None or one.b is None:
        return "attribute-only-b" if one.a is None else "attribute-only-a"
    return "changed"


class _Saying:
    @staticmethod
    def write(text: str) -> int:
        say(text)
        return len(text)


_SAYING = _Saying()

FORMATS: Mapping[str, Callable[[], _Text | _Json | _Csv]] = {"text": _Text, "json": _Json, "csv": _Csv}
