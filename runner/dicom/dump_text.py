r"""Query files as text, in the form that DCMTK's dump2dcm reads and dcmdump writes.

One element is one line: `(gggg,eeee) VR value # comment`. The VR may be left out or be `??`. A value is

- text in square brackets, up to the last closing one of the line, or bare without spaces and `#`;
- `=Name` of a well-known UID;
- decimal numbers, tags `(gggg,eeee)`, or hexadecimal bytes (`00\01`) or words (`0102\ffff`), with
  backslashes between them;
- nothing, or a remark in parentheses such as `(no value available)`.

After a sequence come its items, `(fffe,e000)` to `(fffe,e00d)`, and its end `(fffe,e0dd)`; a sequence
with no items may do without an end.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from struct import error, pack

from runner.dicom.dictionary import Dictionary
from runner.dicom.encoding import MAX_DEPTH
from runner.dicom.identifier import Element, Identifier, Value
from runner.dicom.tags import (
    ITEM,
    ITEM_DELIMITATION,
    SEQUENCE_DELIMITATION,
    format_tag,
    is_group_length,
    is_private_creator,
    private_creator_of,
)
from runner.dicom.uid_names import uid_of_name
from runner.dicom.values import BYTES_VRS, NUMBER_FORMATS, VRS, problem_with_value
from runner.errors import QueryFileError

_LINE = re.compile(rb"\s*\(\s*([0-9a-fA-F]{4})\s*,\s*([0-9a-fA-F]{4})\s*\)(.*)", re.DOTALL)
_VR = re.compile(rb"\s*(\?\?|[A-Z]{2}|na|xs|ox|px|lt|up|pi)(?=[\s\[(=#]|$)")
#: What DCMTK calls an element that may have one of several VRs, and the one in whose form its dumps show it.
_AMBIGUOUS = {"xs": "US", "ox": "OB", "px": "OW", "lt": "OW", "up": "UL"}
_TAGS = re.compile(rb"(\([0-9a-fA-F]{4},[0-9a-fA-F]{4}\)\\?)+")
#: VRs that dcmdump shows as decimal numbers although they are arrays of words.
_NUMBER_ARRAYS = {"OF": "f", "OD": "d", "OL": "I", "OV": "Q"}
_HEXADECIMAL = re.compile(rb"[0-9a-fA-F]+")


@dataclass(slots=True)
class _Open:
    """A data set, item or sequence whose end has not come yet."""

    line: int
    sequence: int | None = None
    elements: dict[int, Element] = field(default_factory=dict)
    items: list[Identifier] = field(default_factory=list)
    creators: dict[int, str] = field(default_factory=dict)

    def identifier(self) -> Identifier:
        return tuple(self.elements[tag] for tag in sorted(self.elements))


def read_dump_text(data: bytes, dictionary: Dictionary) -> Identifier:
    """Return the data set that a text says.

    ASCII texts are texts in the identifier, others stay the bytes that the file has. File meta information,
    group lengths and trailing padding are left out.

    Raises:
        QueryFileError: a line cannot be understood; the message has its number.
    """
    return _DumpReader(dictionary).read(data.removeprefix(b"\xef\xbb\xbf"))


class _DumpReader:
    """Reads one text. `stack` has the data set, then sequences and items in turn."""

    __slots__ = ("dictionary", "line", "stack")

    def __init__(self, dictionary: Dictionary) -> None:
        self.dictionary = dictionary
        self.line = 0
        self.stack = [_Open(0)]

    def read(self, data: bytes) -> Identifier:
        for self.line, line in enumerate(re.split(rb"\r\n|\n|\r", data), 1):
            text = line.strip()
            if text and not text.startswith(b"#"):
                self._take(text)
        self._close_empty_sequence()
        if len(self.stack) > 1:
            raise QueryFileError(
                f"line {self.stack[-1].line}: the sequence or item that begins here has no end",
                "add (fffe,e00d) after an item and (fffe,e0dd) after the last item",
            )
        return self.stack[0].identifier()

    def _take(self, text: bytes) -> None:
        match = _LINE.fullmatch(text)
        if match is None:
            raise self._error("there is no tag (gggg,eeee) at the beginning", "begin remarks with #")
        group, number, rest = match.groups()
        tag = int(group, 16) << 16 | int(number, 16)
        if tag == ITEM:
            self._open_item()
        elif tag == ITEM_DELIMITATION:
            self._close_item()
        elif tag == SEQUENCE_DELIMITATION:
            self._close_sequence()
        else:
            self._take_element(tag, rest)

    def _take_element(self, tag: int, rest: bytes) -> None:
        self._close_empty_sequence()
        current = self.stack[-1]
        if current.sequence is not None:
            raise self._error(
                f"{format_tag(tag)} stands between the items of {format_tag(current.sequence)}",
                "end the sequence before it with (fffe,e0dd)",
            )
        match = _VR.match(rest)
        stated = match.group(1).decode("ascii") if match is not None else ""
        rest = rest[match.end() :] if match is not None else rest
        vr = self._vr(tag, stated, current)
        if not stated and vr == "UN":
            raise self._error(f"{format_tag(tag)} is in no dictionary and has no VR", "write its VR")
        if vr == "SQ":
            self.stack.append(_Open(self.line, tag))
            if len(self.stack) > 2 * MAX_DEPTH:
                raise self._error(f"sequences nest deeper than {MAX_DEPTH}", "send a simpler query")
            return
        token = _token(rest, self._error)
        if stated == "xs" and vr == "US" and b"-" in token:
            vr = "SS"
        value = self._value(tag, vr, token)
        if is_private_creator(tag) and isinstance(value, str):
            current.creators[tag] = value.strip(" ")
        if tag >> 16 != 2 and not is_group_length(tag) and tag != 0xFFFCFFFC:
            current.elements.setdefault(tag, Element(tag, vr, value))  # the first one counts, as in DCMTK

    def _vr(self, tag: int, stated: str, current: _Open) -> str:
        if stated in VRS:
            return stated
        if stated in _AMBIGUOUS:
            return _AMBIGUOUS[stated]
        if stated.isupper():
            raise self._error(f"{stated} is not a value representation", "use one of PS3.5 6.2")
        entry = self.dictionary.by_tag(tag)
        if entry is None:
            creator = private_creator_of(tag)
            if creator in current.creators:
                entry = self.dictionary.by_private(tag, current.creators[creator])
        return entry.vr if entry is not None else "UN"

    def _open_item(self) -> None:
        if self.stack[-1].sequence is None:
            raise self._error("an item begins outside a sequence", "begin the sequence before it")
        self.stack.append(_Open(self.line))

    def _close_item(self) -> None:
        self._close_empty_sequence()
        if self.stack[-1].sequence is not None or len(self.stack) == 1:
            raise self._error("an item ends, but none has begun", "begin it with (fffe,e000)")
        item = self.stack.pop().identifier()
        self.stack[-1].items.append(item)

    def _close_sequence(self) -> None:
        if self.stack[-1].sequence is None and len(self.stack) > 2:
            # the delimiter of an inner sequence that had no items and was closed already, or a lost item end
            raise self._error("a sequence ends within an item", "end the item before it with (fffe,e00d)")
        if self.stack[-1].sequence is None:
            raise self._error("a sequence ends, but none has begun", "begin it with its tag and SQ")
        self._put_sequence()

    def _close_empty_sequence(self) -> None:
        if self.stack[-1].sequence is not None and not self.stack[-1].items:
            self._put_sequence()

    def _put_sequence(self) -> None:
        ended = self.stack.pop()
        tag = ended.sequence
        if tag is not None:
            self.stack[-1].elements.setdefault(tag, Element(tag, "SQ", tuple(ended.items)))

    def _value(self, tag: int, vr: str, token: bytes) -> Value:
        if not token:
            return b"" if vr in BYTES_VRS else ""
        if token.startswith(b"="):
            return self._named(tag, vr, token[1:])
        if token.startswith(b"("):
            return self._remark(tag, vr, token)
        bracketed = token.startswith(b"[")
        content = token[1:-1] if bracketed else token
        if vr in BYTES_VRS:
            return content if bracketed and vr == "UN" else self._binary(tag, vr, content)
        if vr in NUMBER_FORMATS or vr == "AT" or content.isascii():
            return self._ascii(tag, vr, content)
        return content

    def _named(self, tag: int, vr: str, name: bytes) -> Value:
        if vr in BYTES_VRS:
            raise self._error(f"{format_tag(tag)} names a file, which is not read", "write its bytes")
        uid = uid_of_name(name.decode("ascii", "replace")) if vr == "UI" else None
        if uid is None:
            raise self._error(f"{format_tag(tag)} has an unknown name after =", "write the UID, in [ ]")
        return uid

    def _remark(self, tag: int, vr: str, token: bytes) -> Value:
        if vr == "AT" and _TAGS.fullmatch(token):
            return token.decode("ascii").rstrip("\\")
        if b"not loaded" in token:
            raise self._error(f"the value of {format_tag(tag)} is not in the text", "dump it with all values")
        return b"" if vr in BYTES_VRS else ""

    def _ascii(self, tag: int, vr: str, content: bytes) -> str:
        text = content.decode("ascii", "replace")
        problem = problem_with_value(vr, text) if vr in NUMBER_FORMATS or vr == "AT" else None
        if problem is not None:
            raise self._error(f"{format_tag(tag)}: {problem}")
        return text

    def _binary(self, tag: int, vr: str, content: bytes) -> bytes:
        values = content.split(b"\\")
        try:
            if vr in _NUMBER_ARRAYS:
                code = _NUMBER_ARRAYS[vr]
                numbers = [float(value) if code in "fd" else int(value) for value in values]
                return pack(f"<{len(numbers)}{code}", *numbers)
            if not all(_HEXADECIMAL.fullmatch(value) for value in values):
                raise ValueError(vr)
            return pack(f"<{len(values)}{'H' if vr == 'OW' else 'B'}", *(int(value, 16) for value in values))
        except (ValueError, OverflowError, error):
            form = r"numbers such as 1\2" if vr in _NUMBER_ARRAYS else r"hexadecimal such as 00\01"
            raise self._error(f"{format_tag(tag)} is {vr} and has no such value", f"write {form}") from None

    def _error(self, what: str, advice: str = "") -> QueryFileError:
        return QueryFileError(f"line {self.line}: {what}", advice)


def _token(rest: bytes, failure: Callable[[str, str], QueryFileError]) -> bytes:
    """Return a line's value with its brackets, without the comment."""
    rest = rest.strip()
    if rest.startswith(b"["):
        end = rest.rfind(b"]")
        if end < 0:
            raise failure("the value has no closing ]", "dcmdump shortens long values unless it is given +L")
        return rest[: end + 1]
    if rest.startswith(b"("):
        tags = _TAGS.match(rest)
        return tags.group() if tags else rest
    return rest.partition(b"#")[0].rstrip()
