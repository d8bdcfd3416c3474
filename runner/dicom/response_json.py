"""A received identifier as a DICOM JSON Model object (PS3.18 F), on one line.

Text is UTF-8 whatever the peer's character set was, so (0008,0005) says `ISO_IR 192` where it was sent.
Binary values are inline, in little endian. The text is written piece by piece: nesting has no limit.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from json.encoder import encode_basestring as _json_string

from runner.dicom.charset import CharacterSet
from runner.dicom.dictionary import Dictionary
from runner.dicom.element_pieces import ElementPieces
from runner.dicom.elements import RawElement, Visit, visit
from runner.dicom.received import (
    NUMBER_FORMATS,
    STRING_VRS,
    WORD_FORMATS,
    Surroundings,
    byte_order,
    number_text,
    numbers,
    string_values,
    tags,
)
from runner.dicom.shown_text import UNSAFE
from runner.dicom.tags import SPECIFIC_CHARACTER_SET
from runner.dicom.transfer_syntax import TransferSyntax

_PERSON_NAME_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
_NUMBER = re.compile(r"(-?)\+?0*([0-9]+)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?")
#: Beyond this a JSON number would lose digits in most readers (RFC 8259 6).
_MAX_SAFE_INTEGER = 2**53 - 1
_MAX_SAFE_DIGITS = 15


class ResponseJson:
    """Makes JSON objects, without line breaks, of identifiers of one transfer syntax.

    Args:
        syntax: the negotiated transfer syntax; identifiers of a deflated one are given inflated.
        dictionary: for the VRs of implicit elements; what it does not know is UN.
    """

    def __init__(self, syntax: TransferSyntax, dictionary: Dictionary) -> None:
        def make(data: bytes, element: RawElement, surroundings: Surroundings) -> str:
            return "".join(_pieces(data, (element,), syntax, dictionary, surroundings))

        self._pieces = ElementPieces(syntax, dictionary, make)

    def objects(self, identifiers: Sequence[bytes]) -> list[str]:
        """Return one object for each identifier.

        Raises:
            UndecodableIdentifierError: the bytes of one are no identifier in this transfer syntax.
        """
        return ["{" + ",".join(filter(None, pieces)) + "}" for pieces in self._pieces.pieces(identifiers)]


def items_json(
    data: bytes,
    sequence: RawElement,
    syntax: TransferSyntax,
    dictionary: Dictionary,
    surroundings: Surroundings,
) -> str:
    """Return the items of a sequence as a JSON array."""
    items = []
    for item in sequence.items or ():
        inside = Surroundings(data, item.elements, dictionary, surroundings)
        items.append("{" + "".join(_pieces(data, item.elements, syntax, dictionary, inside)) + "}")
    return "[" + ",".join(items) + "]"


def _pieces(
    data: bytes,
    elements: Sequence[RawElement],
    syntax: TransferSyntax,
    dictionary: Dictionary,
    surroundings: Surroundings,
) -> Iterator[str]:
    levels = [surroundings]
    comma = ""
    for what, element, item in visit(elements, in_tag_order=True):
        if what is Visit.ELEMENT:
            yield f'{comma}"{element.tag:08X}":{_attribute(data, element, syntax, levels[-1])}'
        elif what is Visit.SEQUENCE:
            yield f'{comma}"{element.tag:08X}":{{"vr":"SQ"'
            if element.items:
                yield ',"Value":['
        elif what is Visit.SEQUENCE_END:
            yield "]}" if element.items else "}"
        elif item is not None and what is Visit.ITEM:
            levels.append(Surroundings(data, item.elements, dictionary, levels[-1]))
            yield comma + "{"
        else:
            levels.pop()
            yield "}"
        comma = "" if what in {Visit.SEQUENCE, Visit.ITEM} else ","


def _attribute(data: bytes, element: RawElement, syntax: TransferSyntax, surroundings: Surroundings) -> str:
    vr = surroundings.meaning(element).vr or "UN"
    if vr == "SQ":
        vr = "UN"  # a sequence that implicit encoding did not show as one
    value = data[element.start : element.end]
    if element.tag == SPECIFIC_CHARACTER_SET and value.strip(b" \0"):
        return '{"vr":"CS","Value":["ISO_IR 192"]}'
    values = _values(vr, value, surroundings.character_set, byte_order(element, syntax))
    if values is not None:
        return f'{{"vr":"{vr}","Value":[{",".join(values)}]}}' if values else f'{{"vr":"{vr}"}}'
    if not value:
        return f'{{"vr":"{vr}"}}'
    return f'{{"vr":"{vr}","InlineBinary":"{_inline(vr, value, byte_order(element, syntax))}"}}'


def _values(vr: str, value: bytes, character_set: CharacterSet, order: str) -> list[str] | None:
    """Return the values as JSON; None for binary data, and for numbers of the wrong length."""
    if vr in STRING_VRS:
        texts = string_values(vr, value, character_set)
        return [_text(vr, text) for text in texts] if any(texts) or len(texts) > 1 else []
    if vr == "AT" and not len(value) % 4:
        return [f'"{tag:08X}"' for tag in tags(value, order)]
    if vr in NUMBER_FORMATS:
        found = numbers(vr, value, order)
        if len(value) == len(found) * _width(vr):
            return [_number(vr, number) for number in found]
    return None


def _width(vr: str) -> int:
    return {"H": 2, "L": 4, "F": 4, "Q": 8, "D": 8}[NUMBER_FORMATS[vr].upper()]


def _text(vr: str, text: str) -> str:
    if not text:
        return "null"
    if vr == "PN":
        groups = [group.strip(" \0") for group in text.split("=")]
        named = zip((*_PERSON_NAME_GROUPS, *[""] * len(groups)), groups, strict=False)
        return "{" + ",".join(f'"{name}":{_string(group)}' for name, group in named if group and name) + "}"
    if vr in {"DS", "IS"}:
        return _decimal(text) or _string(text)
    return _string(text)


def _decimal(text: str) -> str | None:
    """Return a decimal or integer string as a JSON number; None where that would lose anything."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    sign, whole, fraction, exponent = match.groups()
    digits = whole + (fraction or "")
    if len(digits.lstrip("0")) > _MAX_SAFE_DIGITS or (exponent is not None and abs(int(exponent)) > 300):
        return None
    return sign + whole + (f".{fraction}" if fraction else "") + (f"e{int(exponent)}" if exponent else "")


def _number(vr: str, number: int | float) -> str:  # noqa: PYI041
    if isinstance(number, float) and not math.isfinite(number):
        return f'"{number}"'
    text = number_text(vr, number)
    return text if isinstance(number, float) or abs(number) <= _MAX_SAFE_INTEGER else f'"{text}"'


def _inline(vr: str, value: bytes, order: str) -> str:
    from base64 import b64encode

    letter = WORD_FORMATS.get(vr) or NUMBER_FORMATS.get(vr)
    if order == ">" and letter is not None:
        value = _swapped(value, {"H": 2, "L": 4, "F": 4, "Q": 8, "D": 8}[letter.upper()])
    return b64encode(value).decode("ascii")


def _swapped(value: bytes, width: int) -> bytes:
    """Return words in the other byte order; a rest that is no whole word stays as it is."""
    whole = len(value) // width * width
    swapped = bytearray(value)
    for byte in range(width):
        swapped[byte:whole:width] = value[width - 1 - byte : whole : width]
    return bytes(swapped)


def _string(text: str) -> str:
    """Return a JSON string, in which no control or format character stands as it is."""
    quoted = _json_string(text)
    return quoted if quoted.isprintable() else UNSAFE.sub(_escape, quoted)


def _escape(match: re.Match[str]) -> str:
    units = match.group().encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
