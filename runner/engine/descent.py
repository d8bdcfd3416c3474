"""From the records that a query finds to the operations below it: their unique keys are passed down."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner.dicom.identifier import Element, Path, merged
from runner.dicom.received import STRING_VRS, value_text
from runner.dicom.tags import SPECIFIC_CHARACTER_SET
from runner.model import AncestorColumn, Job
from runner.plan import Operation

if TYPE_CHECKING:
    from runner.dicom.attribute_columns import AttributeColumns, Form

#: What is declared where an inherited value needs more than ASCII and the query declares nothing.
_UTF_8 = Element(SPECIFIC_CHARACTER_SET, "CS", "ISO_IR 192")


@dataclass(frozen=True, slots=True)
class Parent:
    """A record that something is asked for: its values by their paths, and those of its own parents."""

    values: Mapping[Path, str]


class Descent:
    """Collects the records that operations find, as far as something is to be asked for them; for any thread.

    Args:
        job: whose sinks may want more of the records than what is passed down.
    """

    def __init__(self, job: Job) -> None:
        columns = (column for sink in job.sinks for column in getattr(sink, "columns", ()))
        self._wanted = tuple(
            dict.fromkeys(column.path for column in columns if isinstance(column, AncestorColumn))
        )
        self._screens: dict[int, ParentScreen] = {}
        self._lock = threading.Lock()

    def screen(self, operation: Operation) -> ParentScreen:
        """Return what looks at the responses of an operation."""
        inherited = dict.fromkeys(tag for query in operation.query.then for tag in query.inherits)
        screen = ParentScreen(operation, tuple(inherited), self._wanted)
        with self._lock:
            self._screens[operation.number] = screen
        return screen

    def found(self, operation: Operation) -> tuple[Sequence[Parent], int]:
        """Return what an operation has found, each record once, and how many lack a unique key."""
        with self._lock:
            screen = self._screens.pop(operation.number, None)
        return ((), 0) if screen is None else (tuple(screen.parents.values()), screen.nameless)


class ParentScreen:
    """Collects records; see `runner.engine.screening.Consumer`.

    Args:
        operation: whose responses come.
        inherited: the tags of what is passed down; each record must have them.
        wanted: the paths of what sinks want of it besides.

    Attributes:
        parents: by what is passed down.
        nameless: how many records lack something of that.
    """

    def __init__(self, operation: Operation, inherited: Sequence[int], wanted: Sequence[Path]) -> None:
        self._ancestry = operation.ancestry
        # a key that was asked for by its value need not be returned to be known
        self._asked: Mapping[Path, str] = {
            (element.tag,): element.value.strip(" \0")
            for element in operation.identifier
            if element.tag in inherited and isinstance(element.value, str) and _is_single(element.value)
        }
        self._inherited: tuple[Path, ...] = tuple((tag,) for tag in inherited)
        self.paths: Sequence[Path] = tuple(dict.fromkeys((*self._inherited, *wanted)))
        self.parents: dict[tuple[str, ...], Parent] = {}
        self.nameless = 0

    def take(self, columns: AttributeColumns) -> None:
        """Note the records."""
        form = columns.form
        for declared, *elements in zip(
            columns.declared, *(columns[path] for path in self.paths), strict=True
        ):
            values = dict(self._ancestry)
            values.update(self._asked)
            for path, element in zip(self.paths, elements, strict=True):
                text = _text(form, element, declared) if element is not None else ""
                if text or path not in values:
                    values[path] = text
            key = tuple(values[path] for path in self._inherited)
            if not all(key):
                self.nameless += 1
            else:
                self.parents.setdefault(key, Parent(values))

    def report(self, screened: dict[str, object]) -> None:
        """Nothing: the descent knows."""


def child_operations(operation: Operation, parent: Parent) -> Iterator[Operation]:
    """Make the operations for a record, of which each lacks a number of its own.

    Args:
        operation: that found it.
        parent: the record.
    """
    for query in operation.query.then:
        inherited = tuple(
            Element(tag, _vr(operation, tag), parent.values[(tag,)]) for tag in sorted(query.inherits)
        )
        for request in query.requests:
            identifier = merged(request.identifier, inherited)
            if not _is_declared(identifier) and any(not str(one.value).isascii() for one in inherited):
                identifier = merged((_UTF_8,), identifier)
            for repetition in range(1, query.repeat + 1):
                yield replace(
                    operation,
                    query=query,
                    identifier=identifier,
                    source=request.source or operation.source,
                    repetition=repetition,
                    parent=operation.number,
                    part="",
                    ancestry=parent.values,
                    root=operation.origin,
                )


def _vr(operation: Operation, tag: int) -> str:
    entry = operation.dictionary.by_tag(tag)
    return entry.vr if entry is not None else "LO"


def _is_declared(identifier: Sequence[Element]) -> bool:
    return any(element.tag == SPECIFIC_CHARACTER_SET for element in identifier)


def _is_single(key: str) -> bool:
    """Whether a key asks for one value."""
    return bool(key.strip(" \0")) and not any(mark in key for mark in "*?\\")


def _text(form: Form, element: bytes, declared: bytes | None) -> str:
    """Return a value as a table has it."""
    decoded = form.element(element, declared)
    if isinstance(decoded.value, str) and decoded.vr in STRING_VRS:
        return decoded.value.strip(" \0")
    order = form.syntax.struct_order
    return value_text(decoded.vr, form.value(element), form.character_set(declared), order)
