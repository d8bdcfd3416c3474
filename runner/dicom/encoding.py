"""Identifiers to bytes: data sets in the four transfer syntaxes of C-FIND (PS3.5 7 and A)."""

from __future__ import annotations

import re
from dataclasses import replace
from struct import Struct, error, pack

from runner.dicom.charset import (
    TEXT_VRS,
    UnknownCharacterSetError,
    character_set,
    lenient_character_set,
)
from runner.dicom.identifier import Element, Identifier
from runner.dicom.tags import ITEM, SPECIFIC_CHARACTER_SET, format_tag, is_group_length
from runner.dicom.transfer_syntax import TransferSyntax
from runner.dicom.values import BYTES_VRS, NUMBER_FORMATS, VRS

#: VRs that are followed by two reserved bytes and a length of 32 bits (PS3.5 table 7.1-1).
LONG_VRS = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"})

#: How deep sequences may nest in what we send; no query comes near it.
MAX_DEPTH = 100

_TAG = re.compile(r"\(?([0-9a-fA-F]{4}),?([0-9a-fA-F]{4})\)?")
_WORD_LENGTHS = {**BYTES_VRS, **{vr: Struct(code).size for vr, code in NUMBER_FORMATS.items()}, "AT": 2}


class EncodingError(ValueError):
    """An identifier cannot be encoded.

    Attributes:
        tag: the element that cannot be.
    """

    def __init__(self, tag: int, what: str) -> None:
        super().__init__(f"{format_tag(tag)}: {what}")
        self.tag = tag


class UnencodableTextError(EncodingError):
    """A text has a character that the identifier's Specific Character Set lacks."""


def encode(identifier: Identifier, syntax: TransferSyntax, deflate_level: int = 6) -> bytes:
    """Return the identifier's bytes in a transfer syntax.

    Args:
        identifier: what is encoded.
        syntax: how.
        deflate_level: how hard it is compressed in the deflated transfer syntax, 0 to 9.

    Sequences and items have defined lengths, group lengths that are there are computed (PS3.5 7.2), and
    values are padded to even length (PS3.5 6.2 and 7.1). Texts are encoded in the Specific Character Set that
    the identifier or the nearest item declares; where none is declared, that is ASCII. In the deflated
    transfer syntax the result is deflated, padded to even length (PS3.5 A.5).

    Raises:
        EncodingError: a value is not legal for its VR or too long for it.
        UnencodableTextError: a text has a character that its character set lacks.
    """
    data = b"".join(_elements(identifier, _Form(syntax), "", 0))
    return deflated(data, deflate_level) if syntax.deflated else data


def deflated(data: bytes, level: int = 6) -> bytes:
    """Return a data set in raw deflate (RFC 1951), padded to even length (PS3.5 A.5)."""
    import zlib

    compressor = zlib.compressobj(level, wbits=-zlib.MAX_WBITS)
    compressed = compressor.compress(data) + compressor.flush()
    return compressed + b"\0" * (len(compressed) % 2)


def declared_terms(identifier: Identifier, inherited: str = "") -> str:
    """Return the value of an identifier's own (0008,0005), or `inherited` where it has none."""
    for element in identifier:
        if element.tag == SPECIFIC_CHARACTER_SET:
            value = element.value
            return value if isinstance(value, str) else bytes(value).decode("latin_1")  # type: ignore[arg-type]
        if element.tag > SPECIFIC_CHARACTER_SET:
            break
    return inherited


def decode_text_values(identifier: Identifier, inherited: str = "") -> Identifier:
    """Return the identifier with texts in place of the bytes of its text VRs, padding left out.

    Args:
        identifier: as a query file has it.
        inherited: the value of (0008,0005) that counts where the identifier declares none.

    Bytes that are not in the character set become U+FFFD: this is for showing, not for sending.
    """
    terms = declared_terms(identifier, inherited)
    characters = lenient_character_set(terms)
    decoded = []
    for element in identifier:
        value = element.value
        if isinstance(value, tuple):
            value = tuple(decode_text_values(item, terms) for item in value)
        elif isinstance(value, bytes) and element.vr not in _WORD_LENGTHS:
            value = characters.decode(value, element.vr).rstrip("\0" if element.vr == "UI" else " \0")
        decoded.append(replace(element, value=value))
    return tuple(decoded)


class _Form:
    """How a transfer syntax writes tags, lengths and numbers."""

    __slots__ = ("explicit", "item", "long", "order", "short")

    def __init__(self, syntax: TransferSyntax) -> None:
        self.order = syntax.struct_order
        self.explicit = syntax.explicit
        self.item = Struct(f"{self.order}HHI")
        self.short = Struct(f"{self.order}HH2sH")
        self.long = Struct(f"{self.order}HH2s2xI")

    def header(self, tag: int, vr: str, length: int) -> bytes:
        group, number = tag >> 16, tag & 0xFFFF
        if length > 0xFFFFFFFE:
            raise EncodingError(tag, "the value is longer than 4 GiB")
        if not self.explicit or tag == ITEM:
            return self.item.pack(group, number, length)
        if vr in LONG_VRS:
            return self.long.pack(group, number, vr.encode("ascii"), length)
        if length > 0xFFFE:
            raise EncodingError(tag, f"the value has {length} bytes, {vr} has at most 65534 in explicit VR")
        return self.short.pack(group, number, vr.encode("ascii"), length)


def _elements(identifier: Identifier, form: _Form, inherited: str, depth: int) -> list[bytes]:
    terms = declared_terms(identifier, inherited)
    pieces: list[bytes] = []
    begun: tuple[int, int] | None = None  # the tag of the last group length, and where its group goes on
    for element in identifier:
        if begun is not None and element.tag >> 16 != begun[0] >> 16:
            _put_group_length(pieces, *begun, form)
            begun = None
        if is_group_length(element.tag):
            begun = element.tag, len(pieces) + 1
            pieces.append(b"")
            continue
        if element.vr not in VRS:
            raise EncodingError(element.tag, f"{element.vr!a} is not a value representation")
        if element.vr == "SQ":
            data = _sequence(element, form, terms, depth)
        else:
            data = _value(element, form, terms)
            if len(data) % 2:
                data += b"\0" if element.vr == "UI" or element.vr in BYTES_VRS else b" "
        pieces += (form.header(element.tag, element.vr, len(data)), data)
    if begun is not None:
        _put_group_length(pieces, *begun, form)
    return pieces


def _put_group_length(pieces: list[bytes], tag: int, following: int, form: _Form) -> None:
    """Put a group length into the place that was kept for it, before the pieces that it counts."""
    length = sum(map(len, pieces[following:]))
    pieces[following - 1] = form.header(tag, "UL", 4) + pack(f"{form.order}I", length)


def _sequence(element: Element, form: _Form, terms: str, depth: int) -> bytes:
    items = element.value
    if not items:
        return b""
    if not isinstance(items, tuple):
        raise EncodingError(element.tag, "the value of a sequence is a list of items")
    if depth >= MAX_DEPTH:
        raise EncodingError(element.tag, f"sequences nest deeper than {MAX_DEPTH}")
    pieces: list[bytes] = []
    for item in items:
        data = b"".join(_elements(item, form, terms, depth + 1))
        pieces += (form.header(ITEM, "", len(data)), data)
    return b"".join(pieces)


def _value(element: Element, form: _Form, terms: str) -> bytes:
    """Return the bytes of a value that is no sequence, not padded."""
    value, vr = element.value, element.vr
    if isinstance(value, bytes):
        return _ordered(element, value, form)
    if not isinstance(value, str):
        raise EncodingError(element.tag, f"{vr} has no items")
    if not value:
        return b""
    if vr in NUMBER_FORMATS:
        return _numbers(element, value, form)
    if vr == "AT":
        return _tags(element, value, form)
    if vr in BYTES_VRS and vr != "UN":
        raise EncodingError(element.tag, f"{vr} is binary, it has no text")
    return _text(element, value, terms)


def _ordered(element: Element, value: bytes, form: _Form) -> bytes:
    """Return little endian bytes in the byte order of the transfer syntax."""
    width = _WORD_LENGTHS.get(element.vr, 1)
    if width == 1:
        return value
    if len(value) % width:
        raise EncodingError(element.tag, f"{element.vr} has words of {width} bytes, here are {len(value)}")
    return value if form.order == "<" else swapped(value, width)


def swapped(data: bytes, width: int) -> bytes:
    """Return the bytes of words of `width` bytes in the other byte order."""
    other = bytearray(len(data))
    for offset in range(width):
        other[offset::width] = data[width - 1 - offset :: width]
    return bytes(other)


def _numbers(element: Element, text: str, form: _Form) -> bytes:
    code = NUMBER_FORMATS[element.vr]
    read = float if code in "fd" else int
    try:
        if not text.isascii() or "_" in text:
            raise ValueError(text)  # Python's own numbers go further than DICOM's
        numbers = [read(number.strip(" ")) for number in text.split("\\")]
        return pack(f"{form.order}{len(numbers)}{code}", *numbers)
    except (ValueError, error, OverflowError):
        raise EncodingError(
            element.tag, f"{element.vr} has decimal numbers in its range, with backslashes between them"
        ) from None


def _tags(element: Element, text: str, form: _Form) -> bytes:
    numbers: list[int] = []
    for value in text.split("\\"):
        match = _TAG.fullmatch(value.strip(" "))
        if match is None:
            raise EncodingError(element.tag, "AT has tags such as (0010,0020), with backslashes between them")
        numbers += (int(part, 16) for part in match.groups())
    return pack(f"{form.order}{len(numbers)}H", *numbers)


def _text(element: Element, text: str, terms: str) -> bytes:
    try:
        return text.encode("ascii", "surrogateescape")  # true for every character set
    except UnicodeEncodeError as problem:
        character = text[problem.start]
    if element.vr not in TEXT_VRS and element.vr != "UN":
        raise UnencodableTextError(
            element.tag, f"{element.vr} has ASCII only, it cannot have {_shown(character)}"
        )
    try:
        return character_set(terms).encode(text, "UT" if element.vr == "UN" else element.vr)
    except UnknownCharacterSetError as problem:
        raise EncodingError(SPECIFIC_CHARACTER_SET, str(problem)) from None
    except UnicodeEncodeError as problem:
        declared = ascii(terms.strip(" \0")) if terms.strip(" \0\\") else "nothing (so ASCII counts)"
        raise UnencodableTextError(
            element.tag,
            f"{_shown(text[problem.start])} cannot be encoded, SpecificCharacterSet declares {declared}",
        ) from None


def _shown(character: str) -> str:
    return f"the character U+{ord(character):04X}"
