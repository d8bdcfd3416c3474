"""Identifiers as text, in the line layout of DCMTK's dumps.

    (0010,0010) PN [DOE^JOHN]                               #   8, 1 PatientName

Tag, VR, value, length in bytes, value multiplicity, name. Where the VR is implicit and the dictionary leaves
a choice, DCMTK's word for that stands in its place: `xs` (US or SS), `ox` (OB or OW), `lt` (US, SS or OW).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import Enum

from runner.dicom.dictionary import Dictionary
from runner.dicom.element_pieces import ElementPieces
from runner.dicom.elements import RawElement, RawItem, Visit, visit, walk_readable
from runner.dicom.layout import Field
from runner.dicom.received import (
    NUMBER_FORMATS,
    SINGLE_VALUED_VRS,
    STRING_VRS,
    WORD_FORMATS,
    Surroundings,
    byte_order,
    number_text,
    numbers,
    tags,
)
from runner.dicom.shown_text import shown
from runner.dicom.tags import ITEM, ITEM_DELIMITATION, SEQUENCE_DELIMITATION, format_tag
from runner.dicom.transfer_syntax import TransferSyntax
from runner.errors import UndecodableIdentifierError

_WIDTHS = {"H": 2, "L": 4, "F": 4, "Q": 8, "D": 8}
_NO_VALUE = "(no value available)"
_NO_NUMBER = "(invalid value)"
_UNKNOWN_NAME = "Unknown Tag & Data"
#: Nesting is indented up to here, lest deep nesting make a text thousands of times as long as the bytes.
_MAX_INDENT = 4000
#: Behind a value in brackets, from its length on.
_PADDING = " " * 38
#: All UIDs of DICOM's own begin so; those that have names are among them.
_WELL_KNOWN = "1.2.840.10008."


class DumpStyle(Enum):
    """How values are shown."""

    DECODED = "decoded"
    """As text: by the character set, with unsafe characters as escapes, and numbers in full."""

    RAW = "raw"
    """As findscu 3.5.4 prints them: bytes as they came up to the first NUL, floats with six digits.

    A character of the text is one byte; see `Dump.encode`.
    """

    RAW_3_6 = "raw 3.6"
    """As findscu 3.6 prints them: floats in full, and a NUL that pads a UID as a space."""


class Dump:
    """Makes texts of identifiers of one transfer syntax. Not for two threads at the same time.

    Args:
        syntax: the negotiated transfer syntax; identifiers of a deflated one are given inflated.
        dictionary: the names of attributes, and their VRs where these are implicit.
        style: how values are shown.
        escaped: in the RAW styles, show control characters as escapes; DECODED always does.
    """

    def __init__(
        self,
        syntax: TransferSyntax,
        dictionary: Dictionary,
        style: DumpStyle = DumpStyle.DECODED,
        *,
        escaped: bool = False,
    ) -> None:
        self._syntax = syntax
        self._dictionary = dictionary
        self._raw = style is not DumpStyle.DECODED
        self._newer = style is DumpStyle.RAW_3_6
        self._escaped = escaped
        self._pieces = ElementPieces(syntax, dictionary, self._piece, self._faster)

    @staticmethod
    def encode(text: str, style: DumpStyle) -> bytes:
        """Return the bytes of a text of that style."""
        if style is DumpStyle.DECODED:
            return text.encode("utf-8", "replace")
        return text.encode("latin-1")

    def texts(self, identifiers: Sequence[bytes]) -> list[str]:
        """Return the lines of each identifier as one text.

        Raises:
            UndecodableIdentifierError: the bytes of one are no identifier in this transfer syntax.
        """
        return ["".join(pieces) for pieces in self._pieces.pieces(identifiers)]

    def readable_text(self, identifier: bytes) -> tuple[str, bytes, UndecodableIdentifierError | None]:
        """Return the lines of what can be read, the bytes behind it, and why these cannot be read."""
        elements, rest, error = walk_readable(identifier, self._syntax, self._dictionary)
        surroundings = Surroundings(identifier, elements, self._dictionary)
        lines = "".join(self._piece(identifier, element, surroundings) for element in elements)
        return lines, identifier[rest:], error

    def _faster(self, field: Field, surroundings: Surroundings) -> Callable[[bytes], str] | None:
        """Return what makes the lines of a string attribute, most of whose values are plain ASCII."""
        tag, at = field.path[0], field.value_at
        vr, entry = surroundings.meaning(RawElement(tag, field.vr, 0, at, at))
        if vr not in STRING_VRS or vr == "UI":
            return None
        name = _UNKNOWN_NAME if entry is None else self._own(entry.keyword or entry.name)
        head = f"{format_tag(tag)} {vr} ["
        single = vr in SINGLE_VALUED_VRS

        def line(raw: bytes) -> str:
            length = len(raw) - at
            if raw.isascii() and 0 < length < 1000:
                text = raw[at:].decode("ascii")
                if text.isprintable():
                    multiplicity = 1 if single else text.count("\\") + 1
                    padding = _PADDING[length:]
                    return f"{head}{text}]{padding} #{length:>4},{multiplicity:>2} {name}\n"
            return self._line("", raw, RawElement(tag, field.vr, 0, at, len(raw)), surroundings)

        return line

    def _piece(self, data: bytes, element: RawElement, surroundings: Surroundings) -> str:
        if element.items is not None:
            return "".join(self._nested(data, element, surroundings))
        return self._line("", data, element, surroundings)

    def _nested(self, data: bytes, sequence: RawElement, surroundings: Surroundings) -> Iterator[str]:
        levels = [surroundings]
        depth = 0
        for what, element, item in visit((sequence,), in_tag_order=True):
            indent = " " * min(2 * depth, _MAX_INDENT)
            if what is Visit.ELEMENT:
                yield self._line(indent, data, element, levels[-1])
            elif what is Visit.SEQUENCE:
                yield indent + _sequence_line(element, self._name(element, levels[-1]))
                depth += 1
            elif what is Visit.SEQUENCE_END:
                yield " " * min(2 * depth - 2, _MAX_INDENT) + _SEQUENCE_ENDS[element.undefined]
                depth -= 1
            elif item is not None and what is Visit.ITEM:
                yield indent + _item_line(item)
                levels.append(Surroundings(data, item.elements, self._dictionary, levels[-1]))
                depth += 1
            elif item is not None:
                yield " " * min(2 * depth - 2, _MAX_INDENT) + _ITEM_ENDS[item.undefined]
                levels.pop()
                depth -= 1

    def _line(self, indent: str, data: bytes, element: RawElement, surroundings: Surroundings) -> str:
        vr, entry = surroundings.meaning(element)
        name = _UNKNOWN_NAME if entry is None else self._own(entry.keyword or entry.name)
        value = data[element.start : element.end]
        if not value:
            text, multiplicity = _NO_VALUE, 1 if vr in _ALWAYS_ONE else 0
        elif vr in STRING_VRS:
            text, multiplicity = self._string(vr, value, surroundings)
        else:
            text, multiplicity = self._binary(vr, value, byte_order(element, self._syntax))
        shown_vr = vr or "??"
        if entry is not None and not element.vr:
            shown_vr = entry.choice or shown_vr
        return indent + _line(element.tag, shown_vr, text, str(len(value)), f"{multiplicity:>2} {name}")

    def _name(self, element: RawElement, surroundings: Surroundings) -> str:
        entry = surroundings.meaning(element).entry
        return _UNKNOWN_NAME if entry is None else self._own(entry.keyword or entry.name)

    def _own(self, text: str) -> str:
        """Return a text of ours as a text of the style."""
        if text.isascii() and text.isprintable():
            return text
        return text.encode("utf-8", "replace").decode("latin-1") if self._raw else shown(text)

    def _string(self, vr: str, value: bytes, surroundings: Surroundings) -> tuple[str, int]:
        if self._raw:
            text = value.partition(b"\0")[0].decode("latin-1")
        else:
            text = surroundings.character_set.decode(value.rstrip(b"\0"), vr)
        multiplicity = 1 if vr in SINGLE_VALUED_VRS else text.count("\\") + 1
        if vr == "UI" and text.startswith(_WELL_KNOWN):
            from runner.dicom.uid_names import uid_name

            name = uid_name(text)  # one that is padded with a space is another text, and has no name
            if name is not None:
                return "=" + name, multiplicity
        if vr == "UI" and self._newer and value.endswith(b"\0"):
            text += " "
        if not self._raw:
            text = shown(text)
        elif self._escaped and not (text.isascii() and text.isprintable()):
            text = _escaped_bytes(text)
        return f"[{text}]", multiplicity

    def _float_form(self, vr: str) -> str:
        """Return the format of floating point numbers, "" for the shortest that is exact."""
        if self._newer:
            return ".9g" if vr in {"FL", "OF"} else ".17g"
        return "g" if self._raw else ""

    def _binary(self, vr: str, value: bytes, order: str) -> tuple[str, int]:
        letter = "L" if vr == "AT" else NUMBER_FORMATS.get(vr) or WORD_FORMATS.get(vr)
        if letter is None:
            return value.hex("\\"), 1
        width = _WIDTHS[letter.upper()]
        if len(value) % width and not self._raw:
            return value.hex("\\"), 1
        # findscu shows the whole numbers, and nothing of the bytes behind them
        count = len(value) // width
        multiplicity = 1 if vr in WORD_FORMATS else count
        if not count:
            return _NO_NUMBER if self._newer and vr != "AT" else _NO_VALUE, multiplicity
        if vr == "AT":
            return "\\".join(map(format_tag, tags(value, order))), multiplicity
        whole = numbers(vr, value, order)
        form = self._float_form(vr)
        if letter in "fd":
            texts = [f"{number:{form}}" if form else number_text(vr, number) for number in whole]
        elif vr == "OW":
            texts = [f"{number:04x}" for number in whole]
        else:
            texts = [str(number) for number in whole]
        return "\\".join(texts), multiplicity


#: VRs that are one value even without any.
_ALWAYS_ONE = frozenset({"OB", "OW", "OL", "OV", "OF", "OD", "UN", "SQ", ""})


def _escaped_bytes(text: str) -> str:
    """Return bytes, given as characters, with escapes: what is UTF-8 is read as such."""
    data = text.encode("latin-1")
    try:
        return shown(data.decode("utf-8")).encode("utf-8").decode("latin-1")
    except UnicodeDecodeError:
        return shown(text)


def _line(tag: int, vr: str, text: str, length: str, rest: str) -> str:
    return f"{format_tag(tag)} {vr} {text:<40} # {length:>3},{rest}\n"


def _sequence_line(sequence: RawElement, name: str) -> str:
    kind = "undefined" if sequence.undefined else "explicit"
    length = "u/l" if sequence.undefined else str(sequence.end - sequence.start)
    text = f"(Sequence with {kind} length #={len(sequence.items or ())})"
    return _line(sequence.tag, "SQ", text, length, f" 1 {name}")


def _item_line(item: RawItem) -> str:
    kind = "undefined" if item.undefined else "explicit"
    length = "u/l" if item.undefined else str(item.end - item.start)
    text = f"(Item with {kind} length #={len(item.elements)})"
    return _line(ITEM, "na", text, length, " 1 Item")


#: By whether the length is undefined, that is, whether the delimiter came.
_ITEM_ENDS = {
    undefined: _line(
        ITEM_DELIMITATION, "na", f"(ItemDelimitationItem{remark})", "0", " 0 ItemDelimitationItem"
    )
    for undefined, remark in ((True, ""), (False, " for re-encoding"))
}
_SEQUENCE_ENDS = {
    undefined: _line(
        SEQUENCE_DELIMITATION, "na", f"(SequenceDelimitationItem{remark})", "0", " 0 SequenceDelimitationItem"
    )
    for undefined, remark in ((True, ""), (False, " for re-encod."))
}
