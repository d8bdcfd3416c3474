"""Data sets from bytes to identifiers whose text is decoded: files, and the identifiers of requests."""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct, error

from runner.dicom.charset import lenient_character_set
from runner.dicom.dictionary import STANDARD
from runner.dicom.elements import RawElement
from runner.dicom.identifier import Element, Identifier
from runner.dicom.tags import (
    SPECIFIC_CHARACTER_SET,
    is_group_length,
    is_private,
    is_private_creator,
    private_creator_of,
)
from runner.dicom.transfer_syntax import TransferSyntax
from runner.dicom.values import BYTES_VRS, NUMBER_FORMATS
from runner.errors import UndecodableIdentifierError

#: How deep sequences may nest; nothing real comes near it.
MAX_DEPTH = 50

#: Longer binary values are pixels, curves and the like, which no query asks for; in bytes.
MAX_BINARY = 1024


class Decoder:
    """Makes identifiers of the elements of data sets; equal elements of one decoder are one object.

    Archives repeat themselves: what has been decoded once is not decoded again.

    Args:
        syntax: the transfer syntax of the data sets.
    """

    __slots__ = ("_explicit", "_order", "_seen")

    def __init__(self, syntax: TransferSyntax) -> None:
        self._explicit = syntax.explicit
        self._order = syntax.struct_order
        self._seen: dict[tuple[int, str, str, bytes], Element] = {}

    def identifier(
        self, data: bytes, elements: Sequence[RawElement], inherited: str = "", depth: int = 0
    ) -> Identifier:
        """Return the elements with decoded texts, in tag order; of repeated ones the first counts.

        SpecificCharacterSet is left out, and so are group lengths, pixel data and long binary values.

        Raises:
            UndecodableIdentifierError: sequences nest too deeply.
        """
        if depth > MAX_DEPTH:
            raise UndecodableIdentifierError(f"sequences nest deeper than {MAX_DEPTH}")
        terms = declared_terms(data, elements, inherited)
        creators: dict[int, str] = {}
        found: dict[int, Element] = {}
        for raw in elements:
            tag = raw.tag
            if tag in found or tag == SPECIFIC_CHARACTER_SET or tag >= 0x7FE00000 or is_group_length(tag):
                continue
            if raw.items is not None:
                items = tuple(self.identifier(data, item.elements, terms, depth + 1) for item in raw.items)
                found[tag] = Element(tag, "SQ", items)
                continue
            value = data[raw.start : raw.end]
            if is_private(tag) and is_private_creator(tag):
                creators[tag] = value.decode("ascii", "replace").strip(" \0")
            vr = raw.vr if raw.vr not in ("", "UN") else self._vr(tag, creators)
            if vr == "SQ":
                # empty, or one that was sent as UN with a length: the standard has no reader guess at that
                vr = "SQ" if not value else "UN"
            if vr in BYTES_VRS and len(value) > MAX_BINARY:
                continue
            found[tag] = self._element(tag, vr, terms, value)
        return tuple(found[tag] for tag in sorted(found))

    def _vr(self, tag: int, creators: dict[int, str]) -> str:
        entry = STANDARD.by_tag(tag)
        if entry is None and is_private(tag):
            creator = creators.get(private_creator_of(tag) or 0)
            entry = STANDARD.by_private(tag, creator) if creator else None
        return entry.vr if entry is not None else "UN"

    def _element(self, tag: int, vr: str, terms: str, value: bytes) -> Element:
        key = (tag, vr, terms, value)
        element = self._seen.get(key)
        if element is None:
            element = self._seen[key] = self._decoded(tag, vr, terms, value)
        return element

    def _decoded(self, tag: int, vr: str, terms: str, value: bytes) -> Element:
        if vr == "SQ":
            return Element(tag, vr, ())
        if vr in BYTES_VRS:
            return Element(tag, vr, value)
        if vr in NUMBER_FORMATS or vr == "AT":
            try:
                return Element(tag, vr, self._numbers(vr, value))
            except error:
                return Element(tag, "UN", value)
        text = lenient_character_set(terms).decode(value, vr)
        return Element(tag, vr, text.rstrip(" \0"))

    def _numbers(self, vr: str, value: bytes) -> str:
        if vr == "AT":
            pairs = Struct(f"{self._order}HH").iter_unpack(value)
            return "\\".join(f"({group:04x},{number:04x})" for group, number in pairs)
        numbers = Struct(f"{self._order}{NUMBER_FORMATS[vr]}").iter_unpack(value)
        shown = _single_precision if vr == "FL" else repr
        return "\\".join(shown(number) for (number,) in numbers)


def declared_terms(data: bytes, elements: Sequence[RawElement], inherited: str = "") -> str:
    """Return the value of the elements' own (0008,0005), or `inherited` where they have none."""
    for raw in elements:
        if raw.tag == SPECIFIC_CHARACTER_SET:
            return data[raw.start : raw.end].decode("ascii", "replace").strip(" \0")
        if raw.tag > SPECIFIC_CHARACTER_SET:
            break
    return inherited


def _single_precision(number: float) -> str:
    """Return the shortest text that means the same number in single precision."""
    single = Struct("<f")
    packed = single.pack(number)
    return next(
        (text for digits in range(1, 9) if single.pack(float(text := f"{number:.{digits}g}")) == packed),
        f"{number:.9g}",
    )
