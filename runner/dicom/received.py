"""From the bytes of a received element to what its value is: text, numbers, tags (PS3.5 6.2)."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from runner.dicom.charset import CharacterSet, lenient_character_set
from runner.dicom.dictionary import Dictionary, Entry
from runner.dicom.elements import RawElement
from runner.dicom.tags import SPECIFIC_CHARACTER_SET, format_tag, is_private_creator, private_creator_of
from runner.dicom.transfer_syntax import TransferSyntax

#: VRs whose values are characters.
STRING_VRS = frozenset(
    "AE AS CS DA DS DT IS LO LT PN SH ST TM UC UI UR UT".split()  # noqa: SIM905
)
#: String VRs that hold one value, in which a backslash is only a backslash.
SINGLE_VALUED_VRS = frozenset({"LT", "ST", "UR", "UT"})
#: String VRs in which leading spaces mean something.
LEADING_SPACES_COUNT = frozenset({"LT", "ST", "UC", "UR", "UT"})
#: VRs whose values are binary numbers, and their `struct` format.
NUMBER_FORMATS = {
    "US": "H", "SS": "h", "UL": "L", "SL": "l", "UV": "Q", "SV": "q", "FL": "f", "FD": "d"
}  # fmt: skip
#: VRs that hold a stream of words, and the words' `struct` format.
WORD_FORMATS = {"OW": "H", "OL": "L", "OV": "Q", "OF": "f", "OD": "d"}


class Meaning(NamedTuple):
    """What the dictionary makes of an element.

    Attributes:
        vr: as stated, else the dictionary's; "" where neither says it.
        entry: None for an attribute that the dictionary does not have.
    """

    vr: str
    entry: Entry | None


class Surroundings:
    """What the elements of one identifier or item need of each other.

    Attributes:
        character_set: for their texts; an item inherits it (PS3.5 6.1.2.5, PS3.3 C.12.1.1.2).
    """

    __slots__ = ("_creators", "_dictionary", "character_set")

    def __init__(
        self,
        data: bytes,
        elements: Iterable[RawElement],
        dictionary: Dictionary,
        outer: Surroundings | None = None,
    ) -> None:
        self._dictionary = dictionary
        self._creators: dict[int, str] = {}
        self.character_set: CharacterSet = (
            outer.character_set if outer is not None else lenient_character_set("")
        )
        for element in elements:
            tag = element.tag
            if tag == SPECIFIC_CHARACTER_SET:
                self.character_set = declared_character_set(data[element.start : element.end])
            elif tag & 0x10000 and is_private_creator(tag):
                self._creators[tag] = _ascii(data[element.start : element.end])

    def meaning(self, element: RawElement) -> Meaning:
        """Return the VR of an element and what the dictionary knows of it."""
        tag = element.tag
        entry = self._dictionary.by_tag(tag)
        if entry is None and self._creators:
            creator = self._creators.get(private_creator_of(tag) or 0)
            if creator is not None:
                entry = self._dictionary.by_private(tag, creator)
        return Meaning(element.vr or (entry.vr if entry is not None else ""), entry)


def declared_character_set(value: bytes) -> CharacterSet:
    """Return the character set for the bytes of (0008,0005); what is unknown is taken for ASCII."""
    return lenient_character_set(_ascii(value))


def byte_order(element: RawElement, syntax: TransferSyntax) -> str:
    """Return the byte order character of `struct` for an element's value."""
    return ">" if element.vr and not syntax.little else "<"


def numbers(vr: str, value: bytes, order: str) -> tuple[int | float, ...]:
    """Return the numbers of a binary VR; bytes at the end that are too few for one are left out.

    Args:
        vr: one of NUMBER_FORMATS or WORD_FORMATS.
        value: its bytes.
        order: the byte order character of `struct`.
    """
    letter = NUMBER_FORMATS.get(vr) or WORD_FORMATS[vr]
    width = struct.calcsize("<" + letter)
    count = len(value) // width
    return struct.unpack(f"{order}{count}{letter}", value[: count * width])


def tags(value: bytes, order: str) -> tuple[int, ...]:
    """Return the tags of an AT value."""
    count = len(value) // 4 * 2
    words = struct.unpack(f"{order}{count}H", value[: count * 2])
    return tuple(group << 16 | element for group, element in zip(words[::2], words[1::2], strict=True))


def number_text(vr: str, number: int | float) -> str:  # noqa: PYI041 - mypy tells them apart
    """Return the shortest decimal number that is the same binary one."""
    if isinstance(number, int):
        return str(number)
    if vr in {"FL", "OF"}:
        for digits in range(6, 10):
            text = f"{number:.{digits}g}"
            if struct.pack("<f", float(text)) == struct.pack("<f", number):
                return text
    return repr(number).removesuffix(".0")


def string_values(vr: str, value: bytes, character_set: CharacterSet) -> list[str]:
    """Return the values of a string VR, without padding and without spaces that mean nothing."""
    text = character_set.decode(value, vr).rstrip(" \0")
    if vr in SINGLE_VALUED_VRS:
        return [text]
    if vr in LEADING_SPACES_COUNT:
        return [part.rstrip(" \0") for part in text.split("\\")]
    return [part.strip(" \0") for part in text.split("\\")]


def value_text(vr: str, value: bytes, character_set: CharacterSet, order: str) -> str:
    r"""Return a value as one line of a table has it.

    Several values have backslashes between them. Numbers are decimal, tags `(gggg,eeee)`, all other
    binary VRs hexadecimal, as are numbers and tags whose length is none of their VR.

    Args:
        vr: the value representation; "" where it is not known.
        value: the bytes.
        character_set: for texts.
        order: the byte order character of `struct`.
    """
    if vr in STRING_VRS:
        return "\\".join(string_values(vr, value, character_set))
    if vr == "AT" and not len(value) % 4:
        return "\\".join(map(format_tag, tags(value, order)))
    letter = NUMBER_FORMATS.get(vr)
    if letter is not None and not len(value) % struct.calcsize("<" + letter):
        return "\\".join(number_text(vr, number) for number in numbers(vr, value, order))
    return value.hex()


def find_path(elements: Sequence[RawElement], path: Sequence[int]) -> list[RawElement] | None:
    """Return the elements on a path (tag, item number, tag, …), the last of them the path's own.

    None where there is no such element or item. Of elements that stand twice the first one counts.
    """
    found = []
    for position in range(0, len(path), 2):
        element = next((one for one in elements if one.tag == path[position]), None)
        if element is None:
            return None
        found.append(element)
        if position + 1 < len(path):
            items = element.items or ()
            if path[position + 1] >= len(items):
                return None
            elements = items[path[position + 1]].elements
    return found


def _ascii(value: bytes) -> str:
    return value.decode("ascii", "replace").strip(" \0")
