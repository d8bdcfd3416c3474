"""What stands behind -k: an attribute by tag, name or path, and its value.

`gggg,eeee="text"` and `name="text"` are the manual's; the path notation `(gggg,eeee)[0].name="text"` came
with 3.6 (DCMTK's dcmodify has the same). The value is all behind the first equals sign, as it is.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from runner.dicom.dictionary import Dictionary
from runner.dicom.identifier import Element, Identifier, Path, Value
from runner.dicom.tags import format_tag, is_group_length
from runner.errors import UsageError
from runner.findscu.names import entry_of

#: A hexadecimal number as sscanf, by which findscu reads tags, takes it.
_HEX = "(?:0[xX])?([0-9a-fA-F]+)"
_TAG = re.compile(rf"\(\s*{_HEX}\s*,\s*{_HEX}\s*\)|{_HEX}\s*,\s*{_HEX}")
_STEP = re.compile(r"(\([^()\[\]]*\)|[^.\[\]]+)(?:\[([^\[\]]*)\])?")
_HEX_4 = "(?:0[xX])?([0-9a-fA-F]{1,4})"
_ATTRIBUTE_TAG = re.compile(rf"\(\s*{_HEX_4}\s*,\s*{_HEX_4}\s*\)|([0-9a-fA-F]{{4}})\s*,\s*([0-9a-fA-F]{{4}})")
_WHOLE = re.compile(r"\s*[+-]?[0-9]+\s*", re.ASCII)
_REAL = re.compile(r"\s*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\s*", re.ASCII)

_TEXT_VRS = frozenset(
    ("AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT")
)
#: Bits and sign of whole numbers, by VR; OL and OV are sent as bytes.
_WHOLE_VRS = {
    "US": (16, False),
    "SS": (16, True),
    "UL": (32, False),
    "SL": (32, True),
    "UV": (64, False),
    "SV": (64, True),
    "OL": (32, False),
    "OV": (64, False),
}
_PACKED = {"OL": "<I", "OV": "<Q", "OF": "<f", "OD": "<d"}
#: Hexadecimal digits of one value.
_HEX_DIGITS = {"OB": 2, "UN": 2, "OW": 4}

#: An item number above this is a slip of the pen, not a query.
MAX_ITEM = 999


@dataclass(frozen=True, slots=True)
class Key:
    """A key, understood.

    Attributes:
        text: as typed.
        path: of the attribute; of even length where it names an item, (tag, item number).
        element: the attribute, None where the path names an item.
    """

    text: str
    path: Path
    element: Element | None


def parse_key(text: str, dictionary: Dictionary) -> Key:
    """Understand the value of a -k.

    Values of text VRs become bytes as they are in `text` (lone surrogates stand for bytes that are not
    UTF-8), those of numeric VRs decimal text, the rest bytes in little endian. `=` and a name is a
    well-known UID.

    Raises:
        UsageError: if it is no attribute, or the value cannot be one of its VR.
    """
    name, equals, value = text.partition("=")
    name = name.strip()
    if not name:
        raise _wrong(text, "it names no attribute", 'write gggg,eeee="text" or name="text"')
    path: list[int] = []
    steps = _steps(name, text, dictionary)
    for index, (tag, item) in enumerate(steps):
        path.append(tag)
        inner = index < len(steps) - 1
        if item is None and not inner:
            return Key(text, tuple(path), Element(tag, (vr := _vr(tag, dictionary)), _value(vr, value, text)))
        if _vr(tag, dictionary) != "SQ":
            raise _wrong(text, f"{format_tag(tag)} is not a sequence", "only a sequence has items")
        if item is None:
            raise _wrong(text, f"the item of {format_tag(tag)} is missing", f"write {format_tag(tag)}[0]")
        path.append(item)
    if equals and value:
        raise _wrong(text, "an item has no value of its own", "name an attribute of the item")
    return Key(text, tuple(path), None)


def with_keys(base: Identifier, keys: Sequence[Key]) -> Identifier:
    """Return `base` with the keys put in one after the other, so that later ones count.

    A sequence without value replaces the file's, but not the items that an earlier key has made.
    """
    made: set[Path] = set()
    for key in keys:
        if key.element is not None and key.element.vr == "SQ" and key.path in made:
            continue
        base = _put(base, key.path, key.element)
        made.update(key.path[:length] for length in range(1, len(key.path), 2))
    return base


def _put(identifier: Identifier, path: Path, element: Element | None) -> Identifier:
    elements = {present.tag: present for present in identifier}
    tag = path[0]
    if len(path) == 1:
        if element is not None:
            elements[tag] = element
    else:
        present = elements.get(tag)
        items = list(present.value) if present is not None and isinstance(present.value, tuple) else []
        items.extend(() for _ in range(path[1] + 1 - len(items)))
        if len(path) > 2:
            items[path[1]] = _put(items[path[1]], path[2:], element)
        elements[tag] = Element(tag, "SQ", tuple(items))
    return tuple(elements[tag] for tag in sorted(elements))


def _wrong(text: str, what: str, advice: str = "") -> UsageError:
    """Make an error that names the attribute but not the value, which may identify a patient."""
    name, equals, _ = text.partition("=")
    message = f"-k {name}{'=…' if equals else ''}: {what}"
    return UsageError(message.encode("utf-8", "replace").decode(), advice)


def _steps(name: str, text: str, dictionary: Dictionary) -> list[tuple[int, int | None]]:
    tag = _tag(name, text, dictionary)
    if tag is not None:
        return [(tag, None)]
    steps: list[tuple[int, int | None]] = []
    position = 0
    while position < len(name):
        match = _STEP.match(name, position)
        if match is None:
            raise _wrong(text, "the path cannot be read", "write it as (gggg,eeee)[0].name")
        part, number = match.groups()
        tag = _tag(part.strip(), text, dictionary)
        if tag is None:
            close = dictionary.suggest(part.strip())
            advice = f"did you mean {' or '.join(close)}?" if close else "write its tag, gggg,eeee"
            raise _wrong(text, f"{part.strip()} is not a name that the dictionary has", advice)
        steps.append((tag, _item(number, text)))
        position = match.end()
        if position < len(name):
            if name[position] != "." or position + 1 == len(name):
                raise _wrong(text, "the path cannot be read", "write it as (gggg,eeee)[0].name")
            position += 1
    return steps


def _item(number: str | None, text: str) -> int | None:
    if number is None:
        return None
    if not number.strip().isdecimal() or int(number) > MAX_ITEM:
        raise _wrong(text, f"[{number}] is not an item number", f"items count from 0, up to {MAX_ITEM}")
    return int(number)


def _tag(name: str, text: str, dictionary: Dictionary) -> int | None:
    """Return the tag of a single step, None where it is neither a tag nor a known name."""
    match = _TAG.fullmatch(name)
    if match is None:
        entry = entry_of(name, dictionary)
        return None if entry is None else entry.tag
    group = int(match[1] or match[3], 16)
    number = int(match[2] or match[4], 16)
    if group > 0xFFFF or number > 0xFFFF:
        raise _wrong(text, "a tag has four digits before and behind the comma")
    tag = group << 16 | number
    if group in (0x0000, 0x0002, 0xFFFE) or is_group_length(tag):
        raise _wrong(text, f"{format_tag(tag)} cannot be part of an identifier")
    return tag


def _vr(tag: int, dictionary: Dictionary) -> str:
    entry = dictionary.by_tag(tag)
    return "UN" if entry is None else entry.vr


def _value(vr: str, value: str, text: str) -> Value:
    if vr == "SQ":
        if value:
            raise _wrong(
                text, "a sequence has no value of its own", "name an attribute of an item: …[0].name=…"
            )
        return ()
    if vr == "UI" and value.startswith("="):
        return _named_uid(value[1:], text)
    if vr in _TEXT_VRS:
        return os.fsencode(value)
    if vr in _HEX_DIGITS:
        return _hexadecimal(vr, value, text)
    return _numbers(vr, value.split("\\"), text) if value else b"" if vr in _PACKED else ""


def _named_uid(name: str, text: str) -> bytes:
    """Return the UID of a well-known name; one that is unknown is refused, for empty it would match all."""
    from runner.dicom.uid_names import uid_of_name

    uid = uid_of_name(name)
    if uid is None:
        advice = "write the UID itself, or a name as findscu prints it, such as =CTImageStorage"
        raise _wrong(text, "behind = stands no name of a well-known UID", advice)
    return uid.encode("ascii")


def _numbers(vr: str, parts: list[str], text: str) -> Value:
    if vr == "AT":
        return "\\".join(_attribute_tag(part, text) for part in parts)
    numbers = [_whole(vr, part, text) if vr in _WHOLE_VRS else _real(vr, part, text) for part in parts]
    if vr in _PACKED:
        return b"".join(struct.pack(_PACKED[vr], number) for number in numbers)
    return "\\".join(part.strip().lstrip("+") for part in parts)


def _attribute_tag(part: str, text: str) -> str:
    match = _ATTRIBUTE_TAG.fullmatch(part.strip())
    if match is None:
        raise _wrong(text, "the value of an AT is (gggg,eeee)")
    group, number = match[1] or match[3], match[2] or match[4]
    return f"({group.lower():0>4},{number.lower():0>4})"


def _whole(vr: str, part: str, text: str) -> int:
    if not _WHOLE.fullmatch(part):
        raise _wrong(text, f"the value of a {vr} is a whole number, or several with backslashes between them")
    bits, signed = _WHOLE_VRS[vr]
    number = int(part) if len(part) < 40 else 1 << 80
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    if not low <= number <= high:
        raise _wrong(text, f"the value of a {vr} is from {low} to {high}")
    return number


def _real(vr: str, part: str, text: str) -> float:
    if not _REAL.fullmatch(part):
        raise _wrong(text, f"the value of a {vr} is a number, or several with backslashes between them")
    number = float(part)
    if abs(number) > (3.4028235e38 if vr in ("FL", "OF") else 1.7976931348623157e308):
        raise _wrong(text, f"the value is too large for a {vr}")
    return number


def _hexadecimal(vr: str, value: str, text: str) -> bytes:
    """Read hexadecimal bytes or words with backslashes between them; words go to little endian."""
    if not value:
        return b""
    digits = _HEX_DIGITS[vr]
    parts = [part.strip() for part in value.split("\\")]
    if not all(re.fullmatch(f"[0-9a-fA-F]{{1,{digits}}}", part) for part in parts):
        form = "two hexadecimal digits a byte, such as 01\\ff" if digits == 2 else "such as 0001\\12ab"
        raise _wrong(text, f"the value of {'an' if vr[0] == 'O' else 'a'} {vr} is hexadecimal, {form}")
    return b"".join(int(part, 16).to_bytes(digits // 2, "little") for part in parts)
