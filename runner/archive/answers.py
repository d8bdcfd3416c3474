"""From the identifier of a request to the identifiers of its responses (PS3.4 C.4.1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from runner.archive.catalogue import Catalogue
from runner.archive.hierarchy import (
    QUERY_RETRIEVE_LEVEL,
    Hierarchy,
    Refusal,
    checked_level,
    is_supported,
)
from runner.dicom.charset import UnknownCharacterSetError, character_set
from runner.dicom.encoding import EncodingError, UnencodableTextError, encode
from runner.dicom.identifier import Element, Identifier
from runner.dicom.matching import (
    Attributes,
    Matcher,
    attributes,
    creator_of,
    find_attribute,
    is_matched,
)
from runner.dicom.tags import SPECIFIC_CHARACTER_SET, is_private, is_private_creator
from runner.dicom.transfer_syntax import TransferSyntax
from runner.model import InformationModel, Level

_RETRIEVE_AE_TITLE = 0x00080054
_INSTANCE_AVAILABILITY = 0x00080056
_TIMEZONE_OFFSET_FROM_UTC = 0x00080201
_UTF_8 = "ISO_IR 192"


class Archive:
    """The records of an archive, ready to be asked; immutable."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._hierarchy = Hierarchy(catalogue.instances)
        self._worklist = catalogue.worklist

    def find(
        self, model: InformationModel, keys: Identifier, ae_title: str
    ) -> Iterator[Identifier] | Refusal:
        """Return what matches, lazily, each with what `keys` ask for; or why they are not answered.

        Args:
            model: the information model that is asked.
            keys: the request's identifier, texts decoded.
            ae_title: for RetrieveAETitle.
        """
        level = checked_level(model, attributes(keys))
        if isinstance(level, Refusal):
            return level
        records = self._worklist if level is None else self._hierarchy.records(level)
        return _matches(records, _Request(keys, level, ae_title))


def _matches(records: Sequence[Attributes], request: _Request) -> Iterator[Identifier]:
    # a key that is not supported at the level is ignored, and returned empty (PS3.4 C.2.2.1.3)
    supported = tuple(key for key in request.keys if is_supported(key.tag, request.level))
    matcher = Matcher(supported)
    return (request.answer(record) for record in records if matcher.matches(record))


@dataclass(frozen=True, slots=True)
class _Request:
    """What is asked for.

    Attributes:
        keys: the request's identifier.
        level: the query/retrieve level, None for the worklist.
        ae_title: for RetrieveAETitle.
    """

    keys: Identifier
    level: Level | None
    ae_title: str

    def answer(self, record: Attributes) -> Identifier:
        """Return the response for a record that matches, without SpecificCharacterSet, in tag order."""
        found = attributes(_requested(self.keys, record, self.level))
        if self.level is not None:
            found[QUERY_RETRIEVE_LEVEL] = Element(QUERY_RETRIEVE_LEVEL, "CS", self.level.value)
            found[_RETRIEVE_AE_TITLE] = Element(_RETRIEVE_AE_TITLE, "AE", self.ae_title)
            if any(key.tag == _INSTANCE_AVAILABILITY for key in self.keys):
                found[_INSTANCE_AVAILABILITY] = Element(_INSTANCE_AVAILABILITY, "CS", "ONLINE")
        return tuple(found[tag] for tag in sorted(found))


def _requested(keys: Identifier, record: Attributes, level: Level | None) -> Identifier:
    """Return the elements of a record that are asked for; empty ones for what it has not."""
    by_tag = attributes(keys)
    found = []
    for key in keys:
        tag = key.tag
        if is_private(tag) and is_private_creator(tag):
            found.append(key)
        elif is_matched(tag) or tag == _TIMEZONE_OFFSET_FROM_UTC:
            stored = (
                find_attribute(record, tag, creator_of(by_tag, tag)) if is_supported(tag, level) else None
            )
            found.append(_returned(key, stored))
    return tuple(found)


def _returned(key: Element, stored: Element | None) -> Element:
    if stored is None:
        return Element(key.tag, key.vr, () if key.vr == "SQ" else "")
    if isinstance(stored.value, tuple) and isinstance(key.value, tuple) and any(key.value):
        items = tuple(_requested(key.value[0], attributes(item), None) for item in stored.value)
        return Element(key.tag, "SQ", items)
    return stored if stored.tag == key.tag else replace(stored, tag=key.tag)


def encoded(answer: Identifier, terms: str, syntax: TransferSyntax) -> bytes:
    """Return the bytes of a response's identifier.

    It is in the character set that the request declared where that can carry it, in ASCII without
    SpecificCharacterSet where nothing else is needed, and else in ISO_IR 192. A value that cannot be sent
    (since it was stored against the rules of its VR) is sent empty.

    Args:
        answer: without SpecificCharacterSet.
        terms: the request's value of SpecificCharacterSet.
        syntax: the transfer syntax.
    """
    try:
        character_set(terms)
    except UnknownCharacterSetError:
        terms = ""
    try:
        return encode(_declaring(answer, terms), syntax)
    except UnencodableTextError:
        pass
    except EncodingError:
        answer = _encodable(answer, syntax)
    try:
        return encode(_declaring(answer, _UTF_8), syntax)
    except EncodingError:
        return encode(_declaring(_encodable(answer, syntax), _UTF_8), syntax)


def _declaring(answer: Identifier, terms: str) -> Identifier:
    return (Element(SPECIFIC_CHARACTER_SET, "CS", terms), *answer) if terms else answer


def _encodable(answer: Identifier, syntax: TransferSyntax) -> Identifier:
    return tuple(
        element if _is_encodable(element, syntax) else replace(element, value="") for element in answer
    )


def _is_encodable(element: Element, syntax: TransferSyntax) -> bool:
    try:
        encode(_declaring((element,), _UTF_8), syntax)
    except EncodingError:
        return False
    return True
