"""A record as it is compared: its attributes by their paths, those in items of sequences too.

In whatever transfer syntax and character set a record came, the same value is the same text here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from runner.dicom.charset import CharacterSet, lenient_character_set
from runner.dicom.dictionary import STANDARD
from runner.dicom.elements import RawElement, walk
from runner.dicom.encoding import swapped
from runner.dicom.identifier import Identifier
from runner.dicom.path import path_text
from runner.dicom.received import Surroundings, byte_order, value_text
from runner.dicom.tags import SPECIFIC_CHARACTER_SET, is_group_length
from runner.dicom.transfer_syntax import TransferSyntax
from runner.dicom.values import BYTES_VRS
from runner.errors import UndecodableIdentifierError

#: How deep sequences may nest; nothing real comes near it.
MAX_DEPTH = 50

_TRAILING_PADDING = 0xFFFCFFFC


class Value(NamedTuple):
    r"""An attribute's value.

    Attributes:
        vr: the value representation, UN where it is not known.
        text: decoded, with backslashes between several values; of a sequence how many items it has, such as
            `2 items`, and "" for none; binary values in hexadecimal.
    """

    vr: str
    text: str


@dataclass(frozen=True, slots=True)
class Record:
    """One response.

    Attributes:
        values: by paths such as `ScheduledProcedureStepSequence[0].Modality`, in the order of tags or of
            columns.
        character_set: of what has no known VR.
    """

    values: Mapping[str, Value]
    character_set: CharacterSet


def record_of_data_set(data: bytes, syntax: TransferSyntax) -> Record:
    """Return the record that a data set is, inflated where that is needed.

    SpecificCharacterSet, group lengths and padding are left out: they say how, not what.

    Raises:
        UndecodableIdentifierError: the bytes are no data set in that transfer syntax, or nest too deep.
    """
    elements = walk(data, syntax, STANDARD)
    surroundings = Surroundings(data, elements, STANDARD)
    return Record(dict(_raw_values(data, elements, syntax, surroundings, "", 0)), surroundings.character_set)


def record_of_identifier(identifier: Identifier) -> Record:
    """Return the record that an identifier with decoded texts is."""
    return Record(dict(identifier_values(identifier, "")), lenient_character_set("ISO_IR 192"))


def identifier_values(identifier: Identifier, prefix: str) -> Iterator[tuple[str, Value]]:
    """Yield the attributes of an identifier with decoded texts, each under its path behind `prefix`."""
    for tag, vr, value in ((element.tag, element.vr, element.value) for element in identifier):
        if _is_left_out(tag):
            continue
        name = prefix + attribute_name(tag)
        if isinstance(value, tuple):
            yield name, sequence_value(len(value))
            for number, item in enumerate(value):
                yield from identifier_values(item, f"{name}[{number}].")
        else:
            yield name, Value(vr, value.hex() if isinstance(value, bytes) else value)


def sequence_value(items: int) -> Value:
    """Return the value that stands for a sequence itself."""
    return Value("SQ", f"{items} item{'s' * (items > 1)}" if items else "")


@lru_cache(maxsize=4096)
def attribute_name(tag: int) -> str:
    """Return the keyword of a tag, or the tag where it has none."""
    return path_text((tag,), STANDARD)


def _is_left_out(tag: int) -> bool:
    return tag in (SPECIFIC_CHARACTER_SET, _TRAILING_PADDING) or is_group_length(tag)


def _raw_values(
    data: bytes,
    elements: Sequence[RawElement],
    syntax: TransferSyntax,
    surroundings: Surroundings,
    prefix: str,
    depth: int,
) -> Iterator[tuple[str, Value]]:
    if depth > MAX_DEPTH:
        raise UndecodableIdentifierError(f"sequences nest deeper than {MAX_DEPTH}")
    before = -1
    for element in sorted(elements, key=lambda element: element.tag):
        tag = element.tag
        if tag == before or _is_left_out(tag):
            continue  # of an attribute that is there twice the first one counts
        before = tag
        name = prefix + attribute_name(tag)
        if element.items is None:
            yield name, _raw_value(data, element, syntax, surroundings)
            continue
        yield name, sequence_value(len(element.items))
        for number, item in enumerate(element.items):
            inside = Surroundings(data, item.elements, STANDARD, surroundings)
            yield from _raw_values(data, item.elements, syntax, inside, f"{name}[{number}].", depth + 1)


def _raw_value(data: bytes, element: RawElement, syntax: TransferSyntax, surroundings: Surroundings) -> Value:
    value = data[element.start : element.end]
    order = byte_order(element, syntax)
    vr, entry = surroundings.meaning(element)
    if vr == "UN":
        order = "<"  # whatever the transfer syntax (PS3.5 6.2.2)
        vr = entry.vr if entry is not None else vr
    if vr == "SQ" and not value:
        return sequence_value(0)
    if vr in ("", "SQ"):
        vr = "UN"
    if vr in BYTES_VRS:
        width = BYTES_VRS[vr]
        return Value(vr, (swapped(value, width) if order == ">" and not len(value) % width else value).hex())
    return Value(vr, value_text(vr, value, surroundings.character_set, order))


def same_but_for_its_vr(a: Value, b: Value, of_a: CharacterSet, of_b: CharacterSet) -> tuple[Value, Value]:
    """Return two values so that they can be compared where one side alone knows the VR.

    Implicit VR does not say what a private attribute is, explicit VR does.
    """
    if a.vr == "UN" != b.vr:
        return _as(b.vr, a, of_a), b
    if b.vr == "UN" != a.vr:
        return a, _as(a.vr, b, of_b)
    return a, b


def _as(vr: str, unknown: Value, character_set: CharacterSet) -> Value:
    if vr == "SQ" or vr in BYTES_VRS:
        return unknown
    try:
        value = bytes.fromhex(unknown.text)
    except ValueError:
        return unknown
    return Value(vr, value_text(vr, value, character_set, "<"))
