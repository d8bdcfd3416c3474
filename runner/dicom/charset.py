r"""Specific Character Sets (PS3.3 C.12.1.1.2): text to bytes and back.

Single-byte sets, UTF-8, GB18030 and GBK are Python's codecs. Code extensions (PS3.5 6.1.2.5, ISO 2022)
are written out here, since what is active is reset at every delimiter, which no codec knows.

Text that came from bytes of no known encoding holds lone surrogates (Python's `surrogateescape`); they
are encoded as those bytes in every character set.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

#: VRs whose values depend on the Specific Character Set (PS3.5 6.1.2.3); all others are ASCII.
TEXT_VRS = frozenset({"SH", "LO", "ST", "LT", "UC", "UT", "PN"})

#: Text VRs in which a backslash separates values.
_MULTI_VALUED_VRS = frozenset({"SH", "LO", "UC", "PN"})

_ESCAPE = 0x1B


class UnknownCharacterSetError(ValueError):
    """A value of (0008,0005) that is no defined term, or a combination that is not allowed."""


@dataclass(frozen=True, slots=True)
class _Set:
    """A code element of ISO 2022 (PS3.3 tables C.12-3 and C.12-4).

    Attributes:
        name: its ISO-IR number, for messages.
        codec: Python's codec in which the set's bytes, with `prefix` before each character, mean the same.
        width: bytes in a character.
        g1: whether it stands in the upper half (G1), else in the lower one (G0).
        escape: the sequence that makes it active, ESC included.
        prefix: what the codec wants before each character's bytes.
    """

    name: str
    codec: str
    width: int
    g1: bool
    escape: bytes
    prefix: bytes = b""


_ASCII = _Set("6", "ascii", 1, False, b"\x1b(B")
# JIS X 0201: 0x5C and 0x7E are read as backslash and tilde, as everyone does: 0x5C separates values
_ROMAJI = _Set("14", "ascii", 1, False, b"\x1b(J")
_KATAKANA = _Set("13", "shift_jis", 1, True, b"\x1b)I")
_KANJI = _Set("87", "euc_jp", 2, False, b"\x1b$B")
_KANJI_SUPPLEMENT = _Set("159", "euc_jp", 2, False, b"\x1b$(D", b"\x8f")
_HANGUL = _Set("149", "euc_kr", 2, True, b"\x1b$)C")
_HANZI = _Set("58", "gb2312", 2, True, b"\x1b$)A")
_SINGLE_BYTE = {
    number: _Set(number, codec, 1, True, b"\x1b-" + final)
    for number, codec, final in (
        ("100", "latin_1", b"A"),
        ("101", "iso8859_2", b"B"),
        ("109", "iso8859_3", b"C"),
        ("110", "iso8859_4", b"D"),
        ("126", "iso8859_7", b"F"),
        ("127", "iso8859_6", b"G"),
        ("138", "iso8859_8", b"H"),
        ("144", "iso8859_5", b"L"),
        ("148", "iso8859_9", b"M"),
        ("166", "tis_620", b"T"),
        ("203", "iso8859_15", b"b"),
    )
}
#: The code elements that a defined term brings, by its ISO-IR number.
_TERMS: dict[str, tuple[_Set, ...]] = {
    "6": (_ASCII,),
    "13": (_ROMAJI, _KATAKANA),
    "87": (_KANJI,),
    "159": (_KANJI_SUPPLEMENT,),
    "149": (_HANGUL,),
    "58": (_HANZI,),
    **{number: (code_set,) for number, code_set in _SINGLE_BYTE.items()},
}
_ONLY_EXTENSIONS = frozenset({"87", "159", "149", "58"})
_BY_ESCAPE = {code_set.escape: code_set for sets in _TERMS.values() for code_set in sets}
_ESCAPE_SEQUENCE = re.compile(
    b"|".join(re.escape(escape) for escape in sorted(_BY_ESCAPE, key=len, reverse=True))
)
_UPPER_RUN = re.compile(rb"[\x80-\xff]+")
_LOWER_RUN = re.compile(rb"[\x21-\x7f]+")
_TO_UPPER_HALF = bytes(byte | 0x80 for byte in range(256))
#: What Japanese keyboards type for characters that Python's JIS X 0208 has at other code points.
_KANJI_ALIASES = str.maketrans("－～∥￠￡￢", "−〜‖¢£¬")
_WHOLE = {"ISO_IR 192": "utf_8", "GB18030": "gb18030", "GBK": "gbk"}
_TERM = re.compile(r"ISO(_IR| 2022 IR) (\d+)")


def _delimiters(vr: str) -> bytes:
    """The characters before which the first value's sets are active again (PS3.5 6.1.2.5.3)."""
    if vr == "PN":
        return b"\\^=\t\n\f\r"
    return b"\\\t\n\f\r" if vr in _MULTI_VALUED_VRS else b"\t\n\f\r"


class CharacterSet:
    """What a value of (0008,0005) says about text.

    Attributes:
        terms: the value, tidied.
    """

    __slots__ = ("terms",)

    def __init__(self, terms: str) -> None:
        self.terms = terms

    def encode(self, text: str, vr: str) -> bytes:
        """Return the bytes of a text of that VR, not padded.

        Raises:
            UnicodeEncodeError: a character is not in the character set.
        """
        if vr in TEXT_VRS and not text.isascii():
            return self._encode(text, vr)
        return text.encode("ascii", "surrogateescape")

    def decode(self, data: bytes, vr: str) -> str:
        """Return the text of a value of that VR, with U+FFFD for what cannot be decoded; padding stays."""
        try:
            return self.decode_strict(data, vr)
        except UnicodeDecodeError:
            return self._decode(data, vr, "replace") if vr in TEXT_VRS else data.decode("ascii", "replace")

    def decode_strict(self, data: bytes, vr: str) -> str:
        """Return the text of a value of that VR; padding stays.

        Raises:
            UnicodeDecodeError: the bytes are not in the character set.
        """
        if vr in TEXT_VRS:
            return self._decode(data, vr, "strict")
        return data.decode("ascii")

    def _encode(self, text: str, vr: str) -> bytes:
        raise NotImplementedError

    def _decode(self, data: bytes, vr: str, errors: str) -> str:
        raise NotImplementedError


class _CodecCharacterSet(CharacterSet):
    """One of Python's codecs for all."""

    __slots__ = ("codec",)

    def __init__(self, terms: str, codec: str) -> None:
        super().__init__(terms)
        self.codec = codec

    def _encode(self, text: str, vr: str) -> bytes:  # noqa: ARG002
        return text.encode(self.codec, "surrogateescape")

    def _decode(self, data: bytes, vr: str, errors: str) -> str:  # noqa: ARG002
        return data.decode(self.codec, errors)


class _UndeclaredCharacterSet(CharacterSet):
    """ASCII; for reading leniently, valid UTF-8 as well, since nothing else looks like it by accident."""

    __slots__ = ()

    def _encode(self, text: str, vr: str) -> bytes:  # noqa: ARG002
        return text.encode("ascii", "surrogateescape")

    def _decode(self, data: bytes, vr: str, errors: str) -> str:  # noqa: ARG002
        if errors == "strict":
            return data.decode("ascii")
        try:
            return data.decode("utf_8")
        except UnicodeDecodeError:
            return data.decode("ascii", errors)


class _ExtensibleCharacterSet(CharacterSet):
    """Code elements of ISO 2022: those of the first term are active at first, escapes bring in the others."""

    __slots__ = ("declared", "g0", "g1")

    def __init__(self, terms: str, numbers: tuple[str, ...]) -> None:
        super().__init__(terms)
        self.declared = tuple(code_set for number in numbers for code_set in _TERMS[number])
        first = _TERMS[numbers[0]]
        # a first term that has no set for G0, or a multi-byte one, leaves ASCII there
        self.g0 = next((code_set for code_set in first if not code_set.g1 and code_set.width == 1), _ASCII)
        self.g1 = next((code_set for code_set in first if code_set.g1), None)

    def _decode(self, data: bytes, vr: str, errors: str) -> str:
        if _ESCAPE not in data:
            if data.isascii():
                return data.decode("ascii")
            if self.g1 is _KATAKANA and errors != "strict":
                return data.decode("shift_jis", errors)  # which some declare so
            if self.g1 is not None and self.g1.width == 1 and self.g1 is not _KATAKANA:
                return data.decode(self.g1.codec, errors)
        delimiters = _delimiters(vr)
        pieces: list[str] = []
        g0, g1 = self.g0, self.g1
        at = 0
        while at < len(data):
            escape = _ESCAPE_SEQUENCE.match(data, at)
            if escape is not None:
                active = _BY_ESCAPE[escape.group()]
                g0, g1 = (g0, active) if active.g1 else (active, g1)
                at = escape.end()
                continue
            end = at + 1
            if data[at] >= 0x80:
                end = _UPPER_RUN.match(data, at).end()  # type: ignore[union-attr]
                pieces.append(_decoded(g1, data, at, end, errors))
            elif g0.width == 1 or data[at] <= 0x20:
                # a control character or a space is itself even among two-byte characters
                if data[at] in delimiters:
                    g0, g1 = self.g0, self.g1
                pieces.append(chr(data[at]))
            else:
                end = _LOWER_RUN.match(data, at).end()  # type: ignore[union-attr]
                pieces.append(_decoded(g0, data, at, end, errors))
            at = end
        return "".join(pieces)

    def _encode(self, text: str, vr: str) -> bytes:
        delimiters = _delimiters(vr).decode("ascii")
        encoded = bytearray()
        g0, g1 = self.g0, self.g1
        for at, character in enumerate(text):
            if character in delimiters:
                encoded += self._back(g0, g1) + character.encode("ascii")
                g0, g1 = self.g0, self.g1
                continue
            if "\udc80" <= character <= "\udcff":
                encoded.append(ord(character) - 0xDC00)
                continue
            found = self._find(character, g0, g1)
            if found is None:
                raise UnicodeEncodeError(self.terms, text, at, at + 1, "is in none of the character sets")
            code_set, data = found
            if code_set is not g0 and code_set is not g1:
                encoded += code_set.escape
                g0, g1 = (g0, code_set) if code_set.g1 else (code_set, g1)
            encoded += data
        return bytes(encoded + self._back(g0, None))

    def _find(self, character: str, g0: _Set, g1: _Set | None) -> tuple[_Set, bytes] | None:
        """Return the first set that has the character, active ones before the others, and its bytes."""
        for code_set in (g0, g1, self.g0, _ASCII, *self.declared):
            data = None if code_set is None else _encoded(code_set, character)
            if code_set is not None and data is not None:
                return code_set, data
        return None

    def _back(self, g0: _Set, g1: _Set | None) -> bytes:
        """Return the escapes that make the first term's sets active again; `g1` is None where it may stay."""
        escapes = self.g0.escape if g0 is not self.g0 else b""
        if g1 is not None and self.g1 is not None and g1 is not self.g1:
            escapes += self.g1.escape
        return escapes


def _decoded(code_set: _Set | None, data: bytes, start: int, end: int, errors: str) -> str:
    """Decode a run of bytes that are all in the upper or all in the lower half."""
    run = data[start:end]
    if code_set is None or (code_set is _KATAKANA and not all(0xA1 <= byte <= 0xDF for byte in run)):
        if errors == "strict":
            raise UnicodeDecodeError("ISO 2022", data, start, end, "no set for these bytes is active")
        return run.decode("ascii", errors)
    if not code_set.g1:
        run = run.translate(_TO_UPPER_HALF)
    if code_set.prefix:
        width = code_set.width
        run = b"".join(code_set.prefix + run[at : at + width] for at in range(0, len(run), width))
    return run.decode(code_set.codec, errors)


def _encoded(code_set: _Set, character: str) -> bytes | None:
    """Return the bytes of a character as they stand after the set's escape; None where it has none."""
    if code_set.codec == "ascii":
        return character.encode("ascii") if character.isascii() and character != "\x1b" else None
    try:
        data = (character.translate(_KANJI_ALIASES) if code_set is _KANJI else character).encode(
            code_set.codec
        )
    except UnicodeEncodeError:
        return None
    prefix = code_set.prefix
    if len(data) != len(prefix) + code_set.width or not data.startswith(prefix):
        return None
    data = data[len(prefix) :]
    if data[0] < (0xA1 if code_set.width == 2 else 0x80):
        return None  # ASCII, or one of EUC's single shifts
    return data if code_set.g1 else bytes(byte & 0x7F for byte in data)


def _tidied(terms: str) -> tuple[str, ...]:
    values = tuple(term.strip(" \0") for term in terms.split("\\"))
    return values if any(values) else ()


@lru_cache(maxsize=256)
def character_set(terms: str) -> CharacterSet:
    r"""Return the character set for a value of (0008,0005), such as `ISO_IR 100` or `\ISO 2022 IR 87`.

    Args:
        terms: the value, with backslashes between several terms; "" is the default repertoire, ASCII.

    Raises:
        UnknownCharacterSetError: a term is not defined, or the terms do not go together.
    """
    values = _tidied(terms)
    tidy = "\\".join(values)
    if not values:
        return _UndeclaredCharacterSet("")
    numbers: list[str] = []
    for value in values:
        if value in _WHOLE:
            if len(values) > 1:
                raise UnknownCharacterSetError(f"{value} allows no other character set beside it")
            return _CodecCharacterSet(tidy, _WHOLE[value])
        match = _TERM.fullmatch(value)
        number = match.group(2) if match else "6" if not value else ""
        if number not in _TERMS or (number in _ONLY_EXTENSIONS and match and match.group(1) == "_IR"):
            raise UnknownCharacterSetError(f"{_shown(value)} is not a defined term of SpecificCharacterSet")
        numbers.append(number)
    if len(values) == 1 and values[0].startswith("ISO_IR"):
        if numbers[0] == "6":
            return _UndeclaredCharacterSet(tidy)
        if numbers[0] != "13":
            return _CodecCharacterSet(tidy, _SINGLE_BYTE[numbers[0]].codec)
    return _ExtensibleCharacterSet(tidy, tuple(numbers))


@lru_cache(maxsize=256)
def lenient_character_set(terms: str) -> CharacterSet:
    """Return the character set that a value of (0008,0005) is likely to mean; never raises.

    Wrong spellings (`ISO-IR 100`, `iso_ir_100`, `UTF-8`) and combinations that are not allowed are
    understood; what is unknown is taken for ASCII.
    """
    values = [_respelled(term) for term in _tidied(terms)]
    whole = next((value for value in values if value in _WHOLE), None)
    if whole is not None:
        return character_set(whole)
    known = [value for position, value in enumerate(values) if not position or _is_defined(value)]
    if known and not _is_defined(known[0]):
        known[0] = ""
    return character_set("\\".join(known))


def _is_defined(term: str) -> bool:
    try:
        character_set(term)
    except UnknownCharacterSetError:
        return False
    return True


def _respelled(term: str) -> str:
    upper = term.upper()
    match = re.fullmatch(r"ISO[ _-]*(2022)?[ _-]*(?:IR)?[ _-]*(\d{1,3})", upper)
    if match is not None:
        extension, number = match.groups()
        if number == "192":
            return "ISO_IR 192"
        return f"ISO 2022 IR {number}" if extension or number in _ONLY_EXTENSIONS else f"ISO_IR {number}"
    return {"UTF-8": "ISO_IR 192", "UTF8": "ISO_IR 192", "ASCII": "ISO_IR 6"}.get(upper, upper)


def _shown(text: str) -> str:
    """Return a term fit for a message: printable and not long."""
    return ascii(text[:32])
