"""Data sets as records: DICOM files, and files of DICOM JSON objects (PS3.18 F)."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from runner.comparison.keys import key_names
from runner.comparison.record import Record, record_of_data_set, record_of_identifier
from runner.comparison.rules import Rules
from runner.comparison.source import Place, Scanned
from runner.dicom.dataset_json import identifier_from_json
from runner.dicom.dictionary import STANDARD
from runner.dicom.part10 import split_file
from runner.errors import InvalidJobError, QueryFileError, UndecodableIdentifierError

#: A JSON document that is not one object a line is held as a whole, if it is no longer; in bytes.
_MAX_DOCUMENT = 256 * 2**20
_OBJECT = re.compile(rb"\s*(?:\[\s*)?\{\s*(?:\"[0-9A-Fa-f]{8}\"\s*:|\})")


class DicomFiles:
    """DICOM files, one record each. See `runner.comparison.source.Source`.

    Args:
        path: of one file, or of a folder, whose files named *.dcm are taken.
        expected: how many a report says that there are; None where none does.
    """

    kind = "DICOM files"
    columns = None

    def __init__(self, path: Path, expected: int | None = None) -> None:
        self.name = str(path)
        self.expected = expected
        self._folder = path.parent
        self._names: Iterable[str] = (path.name,)
        if path.is_dir():
            self._folder = path
            self._names = dicom_names(path)

    def scan(self, rules: Rules, keys: Sequence[str], shared: Sequence[str]) -> Iterator[Scanned]:
        """Yield what is known of each file."""
        del shared
        return _scan(((name, self.record(name)) for name in self._names), rules, keys)

    def record(self, place: Place) -> Record:
        """Return the record in a file."""
        path = self._folder / str(place)
        try:
            data, syntax = split_file(path.read_bytes())
            if syntax is None:
                raise QueryFileError("it is no DICOM file with file meta information")
            return record_of_data_set(data, syntax)
        except OSError as error:
            raise InvalidJobError(f"it cannot be read: {error.strerror}", "", str(path)) from None
        except QueryFileError as error:
            raise InvalidJobError(error.what, error.advice, str(path)) from None
        except UndecodableIdentifierError as error:
            what = f"its data set cannot be decoded: {error.what}"
            raise InvalidJobError(what, "take it out to compare the others", str(path)) from None

    def close(self) -> None:
        """Nothing stays open."""


class JsonObjects:
    """A file of DICOM JSON objects, one a line, or an array of them. See `runner.comparison.source.Source`.

    Args:
        path: of the file.
    """

    kind = "DICOM JSON"
    columns = None
    expected = None

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._whole: list[Any] | None = None
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise InvalidJobError(f"it cannot be read: {error.strerror}", "", self.name) from None
        if not self._has_an_object_a_line():
            try:
                self._whole = self._document()
            except InvalidJobError:
                self._file.close()
                raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def scan(self, rules: Rules, keys: Sequence[str], shared: Sequence[str]) -> Iterator[Scanned]:
        """Yield what is known of each object."""
        del shared
        return _scan(self._all(), rules, keys)

    def record(self, place: Place) -> Record:
        """Return the object at a place."""
        assert isinstance(place, int)
        if self._whole is not None:
            return self._record(self._whole[place], f"{self.name}, object {place + 1}")
        self._file.seek(place)
        return self._parsed(self._file.readline(), self.name)

    def _all(self) -> Iterator[tuple[Place, Record]]:
        if self._whole is not None:
            yield from ((place, self.record(place)) for place in range(len(self._whole)))
            return
        self._file.seek(0)
        place = 0
        for number, line in enumerate(self._file, 1):
            if line.strip():
                yield place, self._parsed(line, f"{self.name}:{number}")
            place += len(line)

    def _has_an_object_a_line(self) -> bool:
        for line in self._file:
            if line.strip():
                try:
                    return isinstance(json.loads(line), dict)
                except (ValueError, RecursionError):
                    return False
        return True

    def _document(self) -> list[Any]:
        self._file.seek(0)
        data = self._file.read(_MAX_DOCUMENT + 1)
        if len(data) > _MAX_DOCUMENT:
            what = f"it is one JSON document of more than {_MAX_DOCUMENT >> 20} MiB"
            raise InvalidJobError(what, "write one object a line", self.name)
        document = self._json(data, self.name)
        return document if isinstance(document, list) else [document]

    def _parsed(self, line: bytes, where: str) -> Record:
        return self._record(self._json(line, where), where)

    @staticmethod
    def _json(data: bytes, where: str) -> Any:
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            raise InvalidJobError(
                "it is no JSON", "each line has one DICOM JSON object, or the file an array of them", where
            ) from None

    @staticmethod
    def _record(document: Any, where: str) -> Record:
        try:
            if not isinstance(document, dict):
                raise QueryFileError("it is no object")
            return record_of_identifier(identifier_from_json(document, STANDARD))
        except QueryFileError as error:
            raise InvalidJobError(f"it is no DICOM JSON: {error.what}", error.advice, where) from None


def looks_like_dicom_json(start: bytes) -> bool:
    """Whether a file that begins so holds objects whose members are named by tags."""
    return _OBJECT.match(start.removeprefix(b"\xef\xbb\xbf")) is not None


def dicom_names(folder: Path) -> list[str]:
    """Return the names of the DICOM files in a folder, in the order of their numbers."""
    with os.scandir(folder) as entries:
        names = [
            entry.name
            for entry in entries
            if entry.name.endswith(".dcm") and not entry.name.startswith(".") and entry.is_file()
        ]
    return sorted(names, key=lambda name: (len(name), name))


def _scan(records: Iterable[tuple[Place, Record]], rules: Rules, keys: Sequence[str]) -> Iterator[Scanned]:
    for place, record in records:
        yield place, record_key(record, rules, keys), record_content(record, rules)


def record_key(record: Record, rules: Rules, keys: Sequence[str]) -> object:
    """Return what tells a record from others, None where nothing does."""
    names = key_names(_getter(record), keys)
    values = record.values
    return [
        (name, rules.canonical(name, *values[name])) if name in values else (name, "") for name in names
    ] or None


def record_content(record: Record, rules: Rules) -> object:
    """Return what is equal for records that count as equal."""
    return [
        (name, rules.canonical(name, *value))
        for name, value in record.values.items()
        if not (rules.ignores(name) or (rules.empty and not value.text))
    ]


def _getter(record: Record) -> Callable[[str], str]:
    values = record.values
    return lambda name: values[name].text if name in values else ""
