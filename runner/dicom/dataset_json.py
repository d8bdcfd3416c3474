"""Reading the DICOM JSON Model (PS3.18 F) into identifiers; writing it is in `response_json`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from runner.dicom.dictionary import Dictionary
from runner.dicom.encoding import MAX_DEPTH
from runner.dicom.identifier import Element, Identifier, Value
from runner.dicom.tags import is_group_length, parse_tag
from runner.dicom.values import BYTES_VRS, NUMBER_FORMATS, VRS
from runner.errors import QueryFileError

_NAME = re.compile(r"[0-9a-fA-F]{8}")
_MEMBERS = frozenset({"vr", "Value", "InlineBinary", "BulkDataURI"})
_NAME_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
#: VRs of which a value holds one text, backslashes and all.
_SINGLE_VALUED = frozenset({"LT", "ST", "UR", "UT"})
_NOT_FINITE = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}


def identifier_from_json(document: object, dictionary: Dictionary) -> Identifier:
    """Return the identifier that a DICOM JSON object says, or a list of one object.

    Numbers become decimal text, `InlineBinary` bytes, names their component groups with `=` between them.
    File meta information and group lengths are left out.

    Args:
        document: as `json.loads` gives it.
        dictionary: gives the VR of attributes that state none.

    Raises:
        QueryFileError: the document is no such object; the message has the path in it.
    """
    if isinstance(document, list):
        if len(document) != 1:
            raise QueryFileError(
                f"it has {len(document)} DICOM JSON objects, a query file has one",
                "write one file for each query",
            )
        document = document[0]
    return _data_set(document, dictionary, "", 0)


def _data_set(document: object, dictionary: Dictionary, path: str, depth: int) -> Identifier:
    if not isinstance(document, dict):
        raise _error(path, "a data set is an object with tags as names, such as 00100010")
    if depth > MAX_DEPTH:
        raise _error(path.split("/", 1)[0], f"sequences nest deeper than {MAX_DEPTH}")
    elements: dict[int, Element] = {}
    for name, attribute in document.items():
        here = f"{path}/{name[:40]}" if path else name[:40]
        tag = parse_tag(name) if _NAME.fullmatch(name) else None
        if tag is None or tag >> 16 == 0xFFFE or tag >> 16 == 0:
            entry = dictionary.by_keyword(name)
            hint = f"write {entry.tag:08X}" if entry is not None else "a tag is eight hexadecimal digits"
            raise _error(here, f"this is not the tag of an attribute; {hint}")
        if tag >> 16 == 2 or is_group_length(tag):
            continue
        if tag in elements:
            raise _error(here, "the attribute is there twice")
        elements[tag] = _element(tag, attribute, dictionary, here, depth)
    return tuple(elements[tag] for tag in sorted(elements))


def _element(tag: int, attribute: object, dictionary: Dictionary, path: str, depth: int) -> Element:
    if not isinstance(attribute, dict):
        raise _error(path, 'an attribute is an object such as {"vr": "PN"}')
    unknown = attribute.keys() - _MEMBERS
    if unknown:
        raise _error(path, f"{ascii(min(unknown))[:40]} is none of vr, Value and InlineBinary")
    vr = attribute.get("vr")
    if vr is None:
        entry = dictionary.by_tag(tag)
        if entry is None:
            raise _error(path, "the attribute has no vr, and the dictionary has none for it")
        vr = entry.vr
    if not isinstance(vr, str) or vr not in VRS:
        raise _error(path, "its vr is not a value representation")
    return Element(tag, vr, _content(vr, attribute, dictionary, path, depth))


def _content(vr: str, attribute: Mapping[str, Any], dictionary: Dictionary, path: str, depth: int) -> Value:
    if "BulkDataURI" in attribute:
        raise _error(path, "BulkDataURI is not followed; use InlineBinary")
    if "InlineBinary" in attribute:
        if vr not in BYTES_VRS or "Value" in attribute:
            raise _error(path, f"InlineBinary does not go with {'Value' if vr in BYTES_VRS else vr}")
        return _bytes(attribute["InlineBinary"], path)
    values = attribute.get("Value")
    if values is None:
        values = []
    if not isinstance(values, list):
        raise _error(path, "Value is a list")
    if vr == "SQ":
        return tuple(
            _data_set({} if item is None else item, dictionary, f"{path}[{number}]", depth + 1)
            for number, item in enumerate(values)
        )
    if vr in BYTES_VRS:
        if values:
            raise _error(path, f"{vr} is binary; use InlineBinary")
        return b""
    if vr in _SINGLE_VALUED and len(values) > 1:
        raise _error(path, f"{vr} has one value only")
    read = _READERS.get(vr, _text)
    return "\\".join("" if value is None else read(vr, value, path) for value in values)


def _bytes(value: object, path: str) -> bytes:
    from base64 import b64decode

    if not isinstance(value, str):
        raise _error(path, "InlineBinary is text in base64")
    try:
        return b64decode("".join(value.split()), validate=True)
    except ValueError:
        raise _error(path, "InlineBinary is not base64") from None


def _text(vr: str, value: object, path: str) -> str:
    if not isinstance(value, str):
        raise _error(path, f"{vr} has texts, not {_kind(value)}")
    return value


def _person_name(vr: str, value: object, path: str) -> str:
    if not isinstance(value, dict):
        return _text(vr, value, path)
    if value.keys() - set(_NAME_GROUPS):
        raise _error(path, f"a name has {', '.join(_NAME_GROUPS)} and nothing else")
    groups = [value.get(group) or "" for group in _NAME_GROUPS]
    return "=".join(_text(vr, group, path) for group in groups).rstrip("=")


def _tag(vr: str, value: object, path: str) -> str:
    tag = parse_tag(value) if isinstance(value, str) else None
    if tag is None:
        raise _error(path, f"{vr} has tags of eight hexadecimal digits")
    return f"({tag >> 16:04x},{tag & 0xFFFF:04x})"


def _integer(vr: str, value: object, path: str) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9]{1,20}\s*", value):
        return value.strip()
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 2**64:
        raise _error(path, f"{vr} has whole numbers, not {_kind(value)}")
    return str(value)


def _decimal(vr: str, value: object, path: str) -> str:
    if isinstance(value, str):
        if vr in NUMBER_FORMATS and value in _NOT_FINITE:
            return _NOT_FINITE[value]
        if re.fullmatch(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?\s*", value):
            return value.strip()
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -1e308 < value < 1e308:
        raise _error(path, f"{vr} has numbers, not {_kind(value)}")
    text = repr(value)
    for digits in range(17, 0, -1):
        if vr != "DS" or len(text) <= 16:
            break
        text = f"{value:.{digits}g}"  # DS has 16 characters (PS3.5 6.2)
    return text


def _kind(value: object) -> str:
    """Name the kind of a JSON value; the value itself may be a patient's."""
    return {bool: "true or false", str: "this text", dict: "an object", list: "a list"}.get(
        type(value), "this number"
    )


def _error(path: str, what: str) -> QueryFileError:
    where = f"{ascii(path)[1:-1]}: " if path else ""
    return QueryFileError(f"{where}{what}", "see PS3.18 F for the DICOM JSON Model")


_READERS: dict[str, Callable[[str, object, str], str]] = {
    "AT": _tag,
    "DS": _decimal,
    "FD": _decimal,
    "FL": _decimal,
    "IS": _integer,
    "PN": _person_name,
    **dict.fromkeys(("SL", "SS", "SV", "UL", "US", "UV"), _integer),
}
