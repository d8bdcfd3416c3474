"""Data sets from bytes to identifiers whose text is decoded: files, requests, and what is to be compared."""

from __future__ import annotations

from collections.abc import Sequence
from struct import calcsize

from runner.dicom.charset import lenient_character_set
from runner.dicom.dictionary import STANDARD
from runner.dicom.elements import RawElement
from runner.dicom.encoding import swapped
from runner.dicom.identifier import Element, Identifier
from runner.dicom.part10 import number_text
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

#: Bytes of a number, a tag or a word; of a tag two words.
_WIDTHS = {**BYTES_VRS, **{vr: calcsize(f"<{code}") for vr, code in NUMBER_FORMATS.items()}, "AT": 4}


class Decoder:
    """Makes identifiers of the elements of data sets; equal elements of one decoder are one object.

    Archives repeat themselves: what has been decoded once is not decoded again.

    Args:
        syntax: the transfer syntax of the data sets.
    """

    __slots__ = ("_little", "_seen")

    def __init__(self, syntax: TransferSyntax) -> None:
        self._little = syntax.little
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
        width = _WIDTHS.get(vr, 1)
        if len(value) % width:
            return Element(tag, "UN", value)
        if vr in BYTES_VRS:
            return Element(tag, vr, value if self._little else swapped(value, width))
        if vr in _WIDTHS:
            return Element(tag, vr, number_text(vr, value, little=self._little))
        text = lenient_character_set(terms).decode(value, vr)
        return Element(tag, vr, text.rstrip(" \0"))


def declared_terms(data: bytes, elements: Sequence[RawElement], inherited: str = "") -> str:
    """Return the value of the elements' own (0008,0005), or `inherited` where they have none."""
    for raw in elements:
        if raw.tag == SPECIFIC_CHARACTER_SET:
            return data[raw.start : raw.end].decode("ascii", "replace").strip(" \0")
        if raw.tag > SPECIFIC_CHARACTER_SET:
            break
    return inherited
