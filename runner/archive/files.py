"""Read the files of an archive: DICOM files, with and without meta header, and DICOM JSON."""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from struct import unpack_from

from runner.dicom.dataset_json import identifier_from_json
from runner.dicom.decoding import MAX_BINARY, Decoder, declared_terms
from runner.dicom.dictionary import STANDARD
from runner.dicom.elements import UNDEFINED_LENGTH, walk, walk_readable
from runner.dicom.identifier import Identifier
from runner.dicom.transfer_syntax import TransferSyntax
from runner.dicom.values import VRS
from runner.errors import QueryFileError, UndecodableIdentifierError

_PREAMBLE = 128
_SPECIFIC_CHARACTER_SET = "00080005"
#: How much of a file is read at a time: most need no more than the first, and few the last.
_HEADS = (1 << 16, 1 << 24, -1)
#: A deflated data set may not grow beyond this many bytes.
_MAX_INFLATED = 256 * 2**20


class UnreadableFileError(Exception):
    """A file is not DICOM, or broken; the text says how and has nothing of its values."""


class _NotDicomError(UnreadableFileError):
    """A file is something else altogether, and reading more of it changes nothing."""

    def __init__(self) -> None:
        super().__init__("it is neither DICOM nor DICOM JSON")


class FileReader:
    """Reads files one after another, and remembers what they have in common."""

    def __init__(self) -> None:
        self._decoders: dict[TransferSyntax, Decoder] = {}

    def read(self, path: Path) -> list[Identifier]:
        """Return the data sets of a file: one of a DICOM file, any number of a JSON file.

        Texts are decoded and without padding, numbers are decimal; pixel data is left out.

        Raises:
            UnreadableFileError: the file is no DICOM data set, or a broken one.
            OSError: it cannot be read.
        """
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            content = b""
            for more in _HEADS:
                content += file.read(more)
                try:
                    return self._read(content, whole=len(content) >= size)
                except _NotDicomError:
                    raise
                except UnreadableFileError:
                    if len(content) >= size:
                        raise
        raise UnreadableFileError("the file grew while it was read")

    def _read(self, data: bytes, *, whole: bool) -> list[Identifier]:
        start = data[: _PREAMBLE + 4]
        if start[_PREAMBLE:] == b"DICM":
            return [self._part10(data, _PREAMBLE + 4, whole=whole)]
        if start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
            return _json_data_sets(data)
        if start[:2] == b"\x02\x00" and start[4:6] == b"UL":
            return [self._part10(data, 0, whole=whole)]
        return [self._data_set(data, _guessed_syntax(start), whole=whole)]

    def _part10(self, data: bytes, at: int, *, whole: bool) -> Identifier:
        end, uid = _meta_header(data, at)
        try:
            syntax = TransferSyntax(uid)
        except ValueError:
            # all others are explicit little endian but for their pixel data (PS3.5 A.4)
            syntax = TransferSyntax.EXPLICIT_LITTLE
        if not syntax.deflated:
            return self._data_set(data[end:], syntax, whole=whole)
        return self._data_set(_inflated(data[end:]), TransferSyntax.EXPLICIT_LITTLE, whole=True)

    def _data_set(self, data: bytes, syntax: TransferSyntax, *, whole: bool) -> Identifier:
        elements, rest, problem = walk_readable(data, syntax, STANDARD)
        behind = elements[-1].tag if elements else 0
        # what follows on the data set's texts may be compressed, or not yet read
        if not _is_pixel_data(behind) and not _is_pixel_data(_tag_at(data, rest, syntax)):
            if problem is not None:
                raise UnreadableFileError(f"broken data set: {problem.what}")
            if not whole:
                raise UnreadableFileError("the data set goes on")
        decoder = self._decoders.get(syntax)
        if decoder is None:
            decoder = self._decoders[syntax] = Decoder(syntax)
        try:
            return decoder.identifier(data, elements)
        except UndecodableIdentifierError as too_deep:
            raise UnreadableFileError(too_deep.what) from None


def _tag_at(data: bytes, at: int, syntax: TransferSyntax) -> int:
    """Return the tag of the element that begins there, 0 for none."""
    if len(data) - at < 4:
        return 0
    group, number = unpack_from(f"{syntax.struct_order}HH", data, at)
    return int(group) << 16 | int(number)


def _is_pixel_data(tag: int) -> bool:
    return tag >> 16 >= 0x7FE0


def _meta_header(data: bytes, at: int) -> tuple[int, str]:
    """Return where the data set begins and its transfer syntax (PS3.10 7.1)."""
    uid = ""
    while data[at : at + 2] == b"\x02\x00":
        head = data[at : at + 12]
        if head[4:6] in (b"OB", b"UN", b"OW", b"UT"):
            start, length = at + 12, int.from_bytes(head[8:12], "little")
        else:
            start, length = at + 8, int.from_bytes(head[6:8], "little")
        if len(head) < 8 or start + length > len(data):
            raise UnreadableFileError("the file ends within its meta header")
        if head[2:4] == b"\x10\x00":
            uid = data[start : start + length].decode("ascii", "replace").strip(" \0")
        at = start + length
    if not uid:
        raise UnreadableFileError("the meta header names no transfer syntax")
    return at, uid


def _guessed_syntax(start: bytes) -> TransferSyntax:
    """Tell the encoding of a data set without meta header by its first element."""
    if len(start) < 8:
        raise _NotDicomError
    if start[4:6].decode("latin_1") in VRS:
        little = int.from_bytes(start[:2], "little") <= int.from_bytes(start[:2], "big")
        return TransferSyntax.EXPLICIT_LITTLE if little else TransferSyntax.EXPLICIT_BIG
    group, length = int.from_bytes(start[:2], "little"), int.from_bytes(start[4:8], "little")
    if 0x0008 <= group <= 0x0040 and (length < 1 << 16 or length == UNDEFINED_LENGTH):
        return TransferSyntax.IMPLICIT_LITTLE
    raise _NotDicomError


def _inflated(data: bytes) -> bytes:
    decompressor = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    try:
        inflated = decompressor.decompress(data, _MAX_INFLATED)
    except zlib.error:
        raise UnreadableFileError("the deflated data set is broken") from None
    if decompressor.unconsumed_tail or not decompressor.eof:
        raise UnreadableFileError("the deflated data set is cut off or grows too large")
    return inflated


def request_identifier(data: bytes, syntax: TransferSyntax) -> tuple[Identifier, str]:
    """Return the identifier of a request, its texts decoded, and its value of (0008,0005).

    Raises:
        UndecodableIdentifierError: the bytes are no identifier in this transfer syntax.
    """
    if syntax.deflated:
        try:
            data = _inflated(data)
        except UnreadableFileError as broken:
            raise UndecodableIdentifierError(str(broken)) from None
    elements = walk(data, syntax, STANDARD)
    return Decoder(syntax).identifier(data, elements), declared_terms(data, elements)


def _json_data_sets(content: bytes) -> list[Identifier]:
    """Return the data sets of a file in the DICOM JSON Model (PS3.18 F): an object, or a list of them."""
    import json

    try:
        loaded = json.loads(content.decode("utf-8-sig"))
        documents = loaded if isinstance(loaded, list) else [loaded]
        return [_without_long_values(identifier_from_json(_served(one), STANDARD)) for one in documents]
    except QueryFileError as problem:
        raise UnreadableFileError(f"the JSON is not in the DICOM JSON Model: {problem.what}") from None
    except (ValueError, RecursionError):
        raise UnreadableFileError("it is not valid JSON in UTF-8") from None


def _served(document: object) -> object:
    """Return a JSON data set without bulk data, which is elsewhere, and without SpecificCharacterSet."""
    if not isinstance(document, dict):
        return document
    served: dict[str, object] = {}
    for name, attribute in document.items():
        members = attribute if isinstance(attribute, dict) else {}
        values = members.get("Value")
        if name == _SPECIFIC_CHARACTER_SET or "BulkDataURI" in members:
            continue
        if members.get("vr") == "SQ" and isinstance(values, list):
            served[name] = {**members, "Value": [_served(item) for item in values]}
        else:
            served[name] = attribute
    return served


def _without_long_values(identifier: Identifier) -> Identifier:
    return tuple(
        element
        for element in identifier
        if not isinstance(element.value, bytes) or len(element.value) <= MAX_BINARY
    )
