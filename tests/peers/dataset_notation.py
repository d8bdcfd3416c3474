"""Data sets as the golden recordings write them: lists of `[tag, VR, value, ...]`, to bytes and back.

A value is text, a list of numbers or of tags, a list of items (SQ), `{"hex"}`, or None. The words `items`
and `sequence` behind the value of an SQ give those an undefined length.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
BIG = "1.2.840.10008.1.2.2"
SYNTAXES = {"implicit": IMPLICIT, "explicit": EXPLICIT, "big": BIG}

_LONG = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"))
_NUMBERS = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d", "OW": "H"}
_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = (0xFFFE, 0xE000), (0xFFFE, 0xE00D), (0xFFFE, 0xE0DD)

Notation = Sequence[Sequence[Any]]


class Writer:
    """Writes data sets in one transfer syntax."""

    def __init__(self, syntax: str) -> None:
        self.implicit = syntax == IMPLICIT
        self.order = ">" if syntax == BIG else "<"

    def dataset(self, dataset: Notation) -> bytes:
        return b"".join(self._element(*element) for element in dataset)

    def _element(self, tag: str, vr: str, value: Any, *open_parts: str) -> bytes:
        body = self._items(value or [], open_parts) if vr == "SQ" else self._value(vr, value)
        length = _UNDEFINED if "sequence" in open_parts else len(body)
        numbers = [int(part, 16) for part in tag.split(",")]
        if self.implicit:
            return struct.pack("<HHI", *numbers, length) + body
        form = "HH2s2xI" if vr in _LONG else "HH2sH"
        return struct.pack(self.order + form, *numbers, vr.encode(), length) + body

    def _items(self, items: Sequence[Notation], open_parts: Sequence[str]) -> bytes:
        parts = []
        for item in items:
            content = self.dataset(item)
            is_open = "items" in open_parts
            parts.append(self._mark(_ITEM, _UNDEFINED if is_open else len(content)) + content)
            if is_open:
                parts.append(self._mark(_ITEM_END, 0))
        if "sequence" in open_parts:
            parts.append(self._mark(_SEQUENCE_END, 0))
        return b"".join(parts)

    def _mark(self, tag: tuple[int, int], length: int) -> bytes:
        return struct.pack(self.order + "HHI", *tag, length)

    def _value(self, vr: str, value: Any) -> bytes:
        if value is None:
            return b""
        if isinstance(value, dict):
            return bytes.fromhex(value["hex"])
        if isinstance(value, str):
            raw = value.encode("utf-8", "surrogateescape")
            return raw + (b"\0" if vr in ("UI", "OB", "UN") else b" ") * (len(raw) % 2)
        if vr == "AT":
            numbers = [int(part, 16) for tag in value for part in tag.split(",")]
            return struct.pack(f"{self.order}{len(numbers)}H", *numbers)
        return struct.pack(f"{self.order}{len(value)}{_NUMBERS[vr]}", *value)


def write(dataset: Notation, syntax: str) -> bytes:
    """Encode a data set; `syntax` is a UID."""
    return Writer(syntax).dataset(dataset)


class Reader:
    """Reads a data set as `[tag, VR or None, value in hex or items]`, whatever the form of its lengths."""

    def __init__(self, data: bytes, syntax: str) -> None:
        self.data = data
        self.at = 0
        self.implicit = syntax == IMPLICIT
        self.order = ">" if syntax == BIG else "<"

    def elements(self, end: int) -> list[list[Any]]:
        found: list[list[Any]] = []
        while self.at < end:
            tag = self._unpack("HH")
            if tag == _ITEM_END:
                self.at += 4
                break
            vr = None
            if self.implicit:
                (length,) = self._unpack("I")
            else:
                vr = self.data[self.at : self.at + 2].decode("latin-1")
                self.at += 2
                (length,) = self._unpack("2xI" if vr in _LONG else "H")
            value: Any
            looks_nested = self.implicit and self.data[self.at : self.at + 4] == b"\xfe\xff\x00\xe0"
            if vr == "SQ" or length == _UNDEFINED or looks_nested:
                value = self._items(end if length == _UNDEFINED else self.at + length)
            else:
                value = self.data[self.at : self.at + length].hex()
                self.at += length
            found.append([f"{tag[0]:04x},{tag[1]:04x}", vr, value])
        return found

    def _items(self, end: int) -> list[Any]:
        items = []
        while self.at < end:
            group, number, length = self._unpack("HHI")
            if (group, number) == _SEQUENCE_END:
                break
            items.append(self.elements(end if length == _UNDEFINED else self.at + length))
        return items

    def _unpack(self, form: str) -> tuple[Any, ...]:
        numbers = struct.unpack_from(self.order + form, self.data, self.at)
        self.at += struct.calcsize(self.order + form)
        return numbers


def read(data: bytes, syntax: str) -> list[list[Any]]:
    """Decode a data set; `syntax` is a UID."""
    return Reader(data, syntax).elements(len(data))


def part10(dataset: Notation, syntax: str) -> bytes:
    """Make a DICOM file with preamble and file meta information."""
    meta = write(
        [
            ["0002,0001", "OB", {"hex": "0001"}],
            ["0002,0002", "UI", "1.2.840.10008.5.1.4.1.2.2.1"],
            ["0002,0003", "UI", "1.2.3.4.5.6.7"],
            ["0002,0010", "UI", syntax],
            ["0002,0012", "UI", "1.2.3.4"],
        ],
        EXPLICIT,
    )
    length = write([["0002,0000", "UL", [len(meta)]]], EXPLICIT)
    return bytes(128) + b"DICM" + length + meta + write(dataset, syntax)


def split_part10(data: bytes) -> tuple[str, bytes]:
    """Return the transfer syntax in a DICOM file's meta information, and the data set's bytes."""
    assert data[128:132] == b"DICM"
    (length,) = struct.unpack_from("<I", data, 140)
    meta = {tag: value for tag, _, value in read(data[144 : 144 + length], EXPLICIT)}
    return bytes.fromhex(meta["0002,0010"]).rstrip(b"\0").decode(), data[144 + length :]
