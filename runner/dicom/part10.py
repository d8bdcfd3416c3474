"""DICOM files (PS3.10 7): reading the data set of a query file, and file meta information to write."""

from __future__ import annotations

from struct import Struct, pack, unpack

from runner.dicom.dictionary import Dictionary
from runner.dicom.elements import RawElement, walk
from runner.dicom.encoding import LONG_VRS, MAX_DEPTH, swapped
from runner.dicom.identifier import Element, Identifier, Value
from runner.dicom.implementation import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from runner.dicom.tags import format_tag, is_group_length, is_private, private_creator_of
from runner.dicom.transfer_syntax import TransferSyntax
from runner.dicom.values import BYTES_VRS, NUMBER_FORMATS
from runner.errors import QueryFileError, UndecodableIdentifierError

PREFIX = b"DICM"
PREAMBLE_LENGTH = 128

_ADVICE = "see whether it is a whole DICOM file in an uncompressed transfer syntax"
_TRAILING_PADDING = 0xFFFCFFFC
#: Far more than a query can need, and little enough to hold.
_MAX_INFLATED = 256 * 2**20
_HEADER = Struct("<HH2sH")


def file_meta(sop_class_uid: str, sop_instance_uid: str, syntax: TransferSyntax) -> bytes:
    """Return a preamble, the prefix and the file meta information (PS3.10 7.1).

    Args:
        sop_class_uid: of the data set that follows.
        sop_instance_uid: of the data set that follows.
        syntax: the transfer syntax that it is in.
    """
    elements = pack("<HH2s2xI2s", 2, 1, b"OB", 2, b"\0\1")
    for number, vr, text in (
        (0x0002, b"UI", sop_class_uid),
        (0x0003, b"UI", sop_instance_uid),
        (0x0010, b"UI", syntax.uid),
        (0x0012, b"UI", IMPLEMENTATION_CLASS_UID),
        (0x0013, b"SH", IMPLEMENTATION_VERSION_NAME),
    ):
        value = text.encode("ascii")
        if len(value) % 2:
            value += b"\0" if vr == b"UI" else b" "
        elements += _HEADER.pack(2, number, vr, len(value)) + value
    group_length = pack("<HH2sHI", 2, 0, b"UL", 4, len(elements))
    return bytes(PREAMBLE_LENGTH) + PREFIX + group_length + elements


def read_part10(data: bytes, dictionary: Dictionary) -> Identifier:
    """Return the data set of a DICOM file, with or without its preamble and meta information.

    Without meta information the transfer syntax is found by trying. Texts stay the bytes that the file
    has; the meta information and trailing padding are left out. Group lengths are kept without their value,
    which `encode` computes: it depends on the transfer syntax.

    Raises:
        QueryFileError: the bytes are no such file, or its transfer syntax is compressed.
    """
    body, syntax = split_file(data)
    return _guessed(body, dictionary) if syntax is None else read_data_set(body, syntax, dictionary)


def split_file(data: bytes) -> tuple[bytes, TransferSyntax | None]:
    """Return the data set of a DICOM file, inflated where that is needed, and its transfer syntax.

    That is None where the file has no meta information.

    Raises:
        QueryFileError: the meta information is broken, or the transfer syntax is compressed.
    """
    start = PREAMBLE_LENGTH + len(PREFIX) if data[PREAMBLE_LENGTH:].startswith(PREFIX) else 0
    uid, at = _read_meta(data, start)
    if uid is None:
        return data[at:], None
    try:
        syntax = TransferSyntax(uid)
    except ValueError:
        raise QueryFileError(
            f"it is in the transfer syntax {uid[:64]!a}, but query files must not be compressed",
            "convert it to explicit VR little endian",
        ) from None
    return (_inflated(data[at:]) if syntax.deflated else data[at:]), syntax


def read_data_set(data: bytes, syntax: TransferSyntax, dictionary: Dictionary) -> Identifier:
    """Return a data set without preamble and meta information, inflated where that is needed.

    Raises:
        QueryFileError: the bytes are no data set in that transfer syntax.
    """
    try:
        elements = walk(data, syntax, dictionary)
    except UndecodableIdentifierError as error:
        raise QueryFileError(
            f"it cannot be read as DICOM from byte {error.offset} of the data set: {error.what}", _ADVICE
        ) from None
    return _identifier(data, elements, dictionary, little=syntax.little, depth=0)


def _read_meta(data: bytes, start: int) -> tuple[str | None, int]:
    """Return the Transfer Syntax UID of the meta information, None without it, and where that ends."""
    at = start
    uid = None
    while data[at : at + 2] == b"\2\0":
        if len(data) < at + 12:
            raise QueryFileError("it ends within the file meta information", _ADVICE)
        _, number, form, length = _HEADER.unpack_from(data, at)
        value = at + 8
        if form.decode("latin_1") in LONG_VRS:
            value = at + 12
            (length,) = unpack("<I", data[at + 8 : at + 12])
        elif not (form.isalpha() and form.isupper()):
            raise QueryFileError(f"its file meta information is broken at byte {at}", _ADVICE)
        at = value + length
        if at > len(data):
            raise QueryFileError("it ends within the file meta information", _ADVICE)
        if number == 0x0010:
            uid = data[value:at].decode("latin_1").strip(" \0")
    return uid, at


def _guessed(data: bytes, dictionary: Dictionary) -> Identifier:
    """Read a data set in the transfer syntax in which all of it makes sense and most tags are known."""
    if not data:
        raise QueryFileError("it is empty", _ADVICE)
    walked = [
        (syntax, _walked(data, syntax, dictionary))
        for syntax in (
            TransferSyntax.EXPLICIT_LITTLE,
            TransferSyntax.EXPLICIT_BIG,
            TransferSyntax.IMPLICIT_LITTLE,
        )
    ]
    # empty values make sense in both byte orders, but then the tags of one are unknown or absurdly high
    readable = [
        (sum(dictionary.by_tag(element.tag) is None for element in elements), elements[0].tag, number)
        for number, (_, elements) in enumerate(walked)
        if isinstance(elements, tuple) and elements
    ]
    if readable:
        syntax, elements = walked[min(readable)[2]]
        if isinstance(elements, tuple):
            return _identifier(data, elements, dictionary, little=syntax.little, depth=0)
    errors = [error for _, error in walked if not isinstance(error, tuple)]
    error = max(errors, key=lambda error: error.offset)
    raise QueryFileError(
        f"it cannot be read as DICOM from byte {error.offset} on, explicit or implicit VR, "
        f"little or big endian: {error.what}",
        _ADVICE,
    )


def _walked(
    data: bytes, syntax: TransferSyntax, dictionary: Dictionary
) -> tuple[RawElement, ...] | UndecodableIdentifierError:
    try:
        return walk(data, syntax, dictionary)
    except UndecodableIdentifierError as error:
        return error


def _inflated(data: bytes) -> bytes:
    import zlib

    inflater = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    try:
        inflated = inflater.decompress(data, _MAX_INFLATED)
    except zlib.error:
        raise QueryFileError("its deflated data set is broken", _ADVICE) from None
    if inflater.unconsumed_tail:
        raise QueryFileError(f"its data set inflates to more than {_MAX_INFLATED >> 20} MiB", "shorten it")
    if not inflater.eof:
        raise QueryFileError("its deflated data set is cut off", _ADVICE)
    return inflated


def _identifier(
    data: bytes, raw_elements: tuple[RawElement, ...], dictionary: Dictionary, *, little: bool, depth: int
) -> Identifier:
    if depth > MAX_DEPTH:
        raise QueryFileError(f"its sequences nest deeper than {MAX_DEPTH}", "send a simpler query")
    elements: dict[int, Element] = {}
    creators: dict[int, str] = {}
    for raw in raw_elements:
        tag = raw.tag
        if tag >> 16 == 2 or tag == _TRAILING_PADDING:
            continue
        if tag >> 16 == 0:
            raise QueryFileError(
                f"it has the command element {format_tag(tag)}, so it is a message and no data set", _ADVICE
            )
        if tag in elements:
            continue  # of an element that is there twice the first one counts, as in DCMTK
        if is_group_length(tag):
            elements[tag] = Element(tag, "UL")
            continue
        if raw.items is not None:
            items = tuple(
                _identifier(data, item.elements, dictionary, little=little, depth=depth + 1)
                for item in raw.items
            )
            elements[tag] = Element(tag, "SQ", items)
            continue
        value = data[raw.start : raw.end]
        if is_private(tag) and 0x10 <= tag & 0xFFFF <= 0xFF:
            creators[tag] = value.decode("latin_1").strip(" \0")
        vr = raw.vr or _implicit_vr(tag, creators, dictionary)
        elements[tag] = Element(tag, vr, _value(tag, vr, value, little=little or not raw.vr))
    return tuple(elements[tag] for tag in sorted(elements))


def _implicit_vr(tag: int, creators: dict[int, str], dictionary: Dictionary) -> str:
    entry = dictionary.by_tag(tag)
    if entry is None:
        creator = private_creator_of(tag)
        if creator in creators:
            entry = dictionary.by_private(tag, creators[creator])
    return "UN" if entry is None else entry.vr


def _value(tag: int, vr: str, data: bytes, *, little: bool) -> Value:
    """Turn the bytes of an element that has no items into a value of an identifier."""
    if vr == "SQ":
        if data:
            raise QueryFileError(f"the sequence {format_tag(tag)} has no items but bytes", _ADVICE)
        return ()
    if vr in NUMBER_FORMATS or vr == "AT":
        width = 4 if vr == "AT" else Struct(NUMBER_FORMATS[vr]).size
        if len(data) % width:
            raise QueryFileError(f"{format_tag(tag)} is {vr} and has {len(data)} bytes", _ADVICE)
        return number_text(vr, data, little=little)
    if vr in BYTES_VRS and not little and len(data) % BYTES_VRS[vr] == 0:
        return swapped(data, BYTES_VRS[vr])
    return data


def number_text(vr: str, data: bytes, *, little: bool = True) -> str:
    """Return numbers or tags as an identifier has them: as text, with backslashes between them."""
    order = "<" if little else ">"
    if vr == "AT":
        parts = unpack(f"{order}{len(data) // 2}H", data)
        return "\\".join(
            f"({group:04x},{number:04x})" for group, number in zip(parts[::2], parts[1::2], strict=True)
        )
    code = NUMBER_FORMATS[vr]
    numbers = unpack(f"{order}{len(data) // Struct(code).size}{code}", data)
    return "\\".join(_single(number) if code == "f" else repr(number) for number in numbers)


def _single(number: float) -> str:
    """Return the shortest decimal that stands for this number of 32 bits."""
    for digits in (6, 7, 8):
        text = f"{number:.{digits}g}"
        try:
            if unpack("<f", pack("<f", float(text)))[0] == number:
                return text
        except OverflowError:
            continue  # rounded up beyond the largest one
    return f"{number:.9g}"
