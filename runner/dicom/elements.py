"""The structure of a received identifier: its elements, found but not decoded (PS3.5 7).

Reading is iterative, so that nesting has no limit but the identifier's length. What cannot mean
anything (an element longer than what holds it, a VR that is none, bytes left over) is an error; what is
only untidy (odd lengths, elements out of order or twice) is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from struct import Struct
from typing import NamedTuple

from runner.dicom.dictionary import Dictionary
from runner.dicom.tags import (
    ITEM,
    ITEM_DELIMITATION,
    SEQUENCE_DELIMITATION,
    format_tag,
    is_private,
    is_private_creator,
    private_creator_of,
)
from runner.dicom.transfer_syntax import TransferSyntax
from runner.errors import UndecodableIdentifierError

#: VRs whose explicit form has two reserved bytes and a length of four bytes (PS3.5 table 7.1-1).
LONG_FORM_VRS = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"})
SHORT_FORM_VRS = frozenset(
    "AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split()  # noqa: SIM905
)
UNDEFINED_LENGTH = 0xFFFFFFFF

_FORMS = {vr.encode(): vr for vr in SHORT_FORM_VRS | LONG_FORM_VRS}
_LONG = frozenset(vr.encode() for vr in LONG_FORM_VRS)
_ADVICE = "the peer sent a broken identifier; its bytes are kept for whoever looks after the peer"


class RawItem(NamedTuple):
    """An item of a sequence.

    Attributes:
        start: where its content begins, in bytes from the identifier's start.
        end: where its content ends; an item delimitation item is not content.
        undefined: whether its length is undefined.
        elements: in the order in which they came.
    """

    start: int
    end: int
    undefined: bool
    elements: tuple[RawElement, ...]


class RawElement(NamedTuple):
    """An element as it stands in an identifier.

    Attributes:
        tag: 0xGGGGEEEE.
        vr: as stated; "" where the encoding is implicit, which is always little endian, even within
            UN of undefined length in a big endian identifier (PS3.5 6.2.2).
        at: where the element begins (its tag), in bytes from the identifier's start.
        start: where its value begins.
        end: where its value ends; a sequence delimitation item is not part of it.
        undefined: whether its length is undefined.
        items: of a sequence; None for all else.
    """

    tag: int
    vr: str
    at: int
    start: int
    end: int
    undefined: bool = False
    items: tuple[RawItem, ...] | None = None


def walk(data: bytes, syntax: TransferSyntax, dictionary: Dictionary) -> tuple[RawElement, ...]:
    """Find the elements of an identifier, in the order in which they came.

    Args:
        data: the identifier, inflated where the transfer syntax is deflated.
        syntax: the negotiated transfer syntax.
        dictionary: says which elements of implicit VR are sequences.

    Raises:
        UndecodableIdentifierError: the bytes are no identifier in this transfer syntax.
    """
    reader = _Reader(data, syntax, dictionary)
    reader.read()
    return tuple(reader.top.elements)


def walk_readable(
    data: bytes, syntax: TransferSyntax, dictionary: Dictionary
) -> tuple[tuple[RawElement, ...], int, UndecodableIdentifierError | None]:
    """Find the elements of an identifier as far as they can be read.

    Returns:
        the top-level elements that are whole; where the rest begins (the identifier's length where all
        was read); and why it could not be read (None where it could).
    """
    reader = _Reader(data, syntax, dictionary)
    try:
        reader.read()
    except UndecodableIdentifierError as error:
        elements = tuple(reader.top.elements)
        rest = elements[-1].end + (8 if elements[-1].undefined else 0) if elements else 0
        return elements, rest, error
    return tuple(reader.top.elements), len(data), None


class Visit(Enum):
    """What `visit` has come to."""

    ELEMENT = "element"
    SEQUENCE = "sequence"
    ITEM = "item"
    ITEM_END = "item end"
    SEQUENCE_END = "sequence end"


def visit(
    elements: Sequence[RawElement], *, in_tag_order: bool = False
) -> Iterator[tuple[Visit, RawElement, RawItem | None]]:
    """Go through elements, items and nested elements from first to last, without recursion.

    Args:
        elements: of an identifier or item.
        in_tag_order: whether the elements of an identifier or item are put in ascending order of tags.

    Yields:
        what has been come to; the element, or the sequence that it belongs to; and the item for `ITEM`
        and `ITEM_END`.
    """

    def ordered(some: Sequence[RawElement]) -> Iterator[RawElement]:
        return iter(sorted(some, key=_by_tag) if in_tag_order else some)

    levels: list[tuple[RawElement, Iterator[RawItem], RawItem | None, Iterator[RawElement]]] = []
    current = ordered(elements)
    while True:
        for element in current:
            if element.items is not None:
                yield Visit.SEQUENCE, element, None
                levels.append((element, iter(element.items), None, current))
                break
            yield Visit.ELEMENT, element, None
        if not levels:
            return
        sequence, items, item, outer = levels.pop()
        if item is not None:
            yield Visit.ITEM_END, sequence, item
        item = next(items, None)
        if item is None:
            yield Visit.SEQUENCE_END, sequence, None
            current = outer
        else:
            yield Visit.ITEM, sequence, item
            levels.append((sequence, items, item, outer))
            current = ordered(item.elements)


def _by_tag(element: RawElement) -> int:
    return element.tag


class _Encoding:
    """How headers are read: explicit or implicit, and in which byte order."""

    __slots__ = ("explicit", "header", "item", "long_length")

    def __init__(self, *, explicit: bool, order: str) -> None:
        self.explicit = explicit
        self.item = Struct(order + "HHL")
        self.header = Struct(order + "HH2sH") if explicit else self.item
        self.long_length = Struct(order + "L")


_IMPLICIT = _Encoding(explicit=False, order="<")
_EXPLICIT_LITTLE = _Encoding(explicit=True, order="<")
_EXPLICIT_BIG = _Encoding(explicit=True, order=">")


def _encoding(syntax: TransferSyntax) -> _Encoding:
    if not syntax.explicit:
        return _IMPLICIT
    return _EXPLICIT_LITTLE if syntax.little else _EXPLICIT_BIG


class _DataSet:
    """An identifier or item that is being read."""

    __slots__ = ("creators", "elements", "encoding", "limit", "start", "undefined")

    def __init__(self, start: int, limit: int, encoding: _Encoding, *, undefined: bool) -> None:
        self.start = start
        self.limit = limit
        self.encoding = encoding
        self.undefined = undefined
        self.elements: list[RawElement] = []
        self.creators: dict[int, str] | None = None


class _Sequence:
    """A sequence that is being read; `head` has the start of its value and not yet its end."""

    __slots__ = ("encoding", "head", "items", "limit")

    def __init__(self, head: RawElement, limit: int, encoding: _Encoding) -> None:
        self.head = head
        self.limit = limit
        self.encoding = encoding
        self.items: list[RawItem] = []

    @property
    def undefined(self) -> bool:
        return self.head.undefined


class _Reader:
    """Reads one identifier. `at` is where reading stands."""

    __slots__ = ("at", "data", "dictionary", "top")

    def __init__(self, data: bytes, syntax: TransferSyntax, dictionary: Dictionary) -> None:
        self.data = data
        self.dictionary = dictionary
        self.at = 0
        self.top = _DataSet(0, len(data), _encoding(syntax), undefined=False)

    def read(self) -> None:
        """Read all; the outer data sets and sequences lie on a stack, since Python's own is short."""
        outer: list[_DataSet | _Sequence] = []
        current: _DataSet | _Sequence = self.top
        while True:
            inner: _DataSet | _Sequence | None
            if isinstance(current, _DataSet):
                inner = self._read_elements(current)
            else:
                inner = self._next_item(current)
            if inner is not None:
                outer.append(current)
                current = inner
                continue
            if not outer:
                return
            enclosing = outer.pop()
            self._put(enclosing, current)
            current = enclosing

    def _put(self, enclosing: _DataSet | _Sequence, ended: _DataSet | _Sequence) -> None:
        """Put what has ended at `at` into what holds it, and step over its delimiter."""
        end = self.at
        if ended.undefined:
            self.at += 8
        if isinstance(ended, _DataSet) and isinstance(enclosing, _Sequence):
            enclosing.items.append(RawItem(ended.start, end, ended.undefined, tuple(ended.elements)))
        elif isinstance(ended, _Sequence) and isinstance(enclosing, _DataSet):
            enclosing.elements.append(ended.head._replace(end=end, items=tuple(ended.items)))

    def _read_elements(self, data_set: _DataSet) -> _Sequence | None:
        """Read elements up to the data set's end (None), or up to a sequence, which is returned."""
        if data_set.encoding.explicit:
            return self._read_explicit(data_set)
        return self._read_implicit(data_set)

    def _read_explicit(self, data_set: _DataSet) -> _Sequence | None:
        data, at, limit = self.data, self.at, data_set.limit
        unpack, take = data_set.encoding.header.unpack_from, data_set.elements.append
        try:
            while at < limit:
                if limit - at < 8:
                    raise self._left_over(at, limit)
                group, number, form, length = unpack(data, at)
                tag = group << 16 | number
                vr = _FORMS.get(form)
                if vr is None:
                    if self._ends(data_set, tag, at):
                        return None
                    raise self._broken(f"the element {format_tag(tag)} has no VR that DICOM knows", at)
                if form not in _LONG:
                    start = at + 8
                    end = start + length
                    if end > limit:
                        raise self._too_long(tag, length, at, limit - start)
                    take(RawElement(tag, vr, at, start, end))
                    at = end
                    continue
                inner = self._long_form(data_set, tag, vr, at)
                if inner is not None:
                    return inner
                at = self.at
            if data_set.undefined:
                raise self._broken("an item of undefined length has no end", at)
            return None
        finally:
            self.at = max(self.at, at)

    def _long_form(self, data_set: _DataSet, tag: int, vr: str, at: int) -> _Sequence | None:
        start = at + 12
        if start > data_set.limit:
            raise self._left_over(at, data_set.limit)
        encoding = data_set.encoding
        (length,) = encoding.long_length.unpack_from(self.data, at + 8)
        if vr == "SQ" or (vr == "UN" and length == UNDEFINED_LENGTH):
            # PS3.5 6.2.2: a sequence that is sent as UN is in implicit VR little endian
            head = RawElement(tag, vr, at, start, start, length == UNDEFINED_LENGTH)
            return self._sequence(data_set, head, length, encoding if vr == "SQ" else _IMPLICIT)
        if length == UNDEFINED_LENGTH:
            raise self._broken(f"the element {format_tag(tag)} of VR {vr} has undefined length", at)
        end = start + int(length)
        if end > data_set.limit:
            raise self._too_long(tag, length, at, data_set.limit - start)
        data_set.elements.append(RawElement(tag, vr, at, start, end))
        self.at = end
        return None

    def _read_implicit(self, data_set: _DataSet) -> _Sequence | None:
        data, at, limit = self.data, self.at, data_set.limit
        unpack, take = data_set.encoding.header.unpack_from, data_set.elements.append
        try:
            while at < limit:
                if limit - at < 8:
                    raise self._left_over(at, limit)
                group, number, length = unpack(data, at)
                tag = group << 16 | number
                if group == 0xFFFE:
                    if self._ends(data_set, tag, at):
                        return None
                    raise self._broken(f"an item or delimiter {format_tag(tag)} stands where none can be", at)
                start = at + 8
                if length == UNDEFINED_LENGTH or self._is_sequence(data_set, tag):
                    head = RawElement(tag, "", at, start, start, length == UNDEFINED_LENGTH)
                    return self._sequence(data_set, head, length, _IMPLICIT)
                end = start + length
                if end > limit:
                    raise self._too_long(tag, length, at, limit - start)
                take(RawElement(tag, "", at, start, end))
                if is_private_creator(tag):
                    if data_set.creators is None:
                        data_set.creators = {}
                    data_set.creators[tag] = data[start:end].decode("ascii", "replace").strip(" \0")
                at = end
            if data_set.undefined:
                raise self._broken("an item of undefined length has no end", at)
            return None
        finally:
            self.at = max(self.at, at)

    def _is_sequence(self, data_set: _DataSet, tag: int) -> bool:
        entry = self.dictionary.by_tag(tag)
        if entry is None and data_set.creators is not None and is_private(tag):
            creator = data_set.creators.get(private_creator_of(tag) or 0)
            entry = self.dictionary.by_private(tag, creator) if creator is not None else None
        return entry is not None and entry.vr == "SQ"

    def _sequence(self, data_set: _DataSet, head: RawElement, length: int, encoding: _Encoding) -> _Sequence:
        limit = data_set.limit if head.undefined else head.start + length
        if limit > data_set.limit:
            raise self._too_long(head.tag, length, head.at, data_set.limit - head.start)
        self.at = head.start
        return _Sequence(head, limit, encoding)

    def _next_item(self, sequence: _Sequence) -> _DataSet | None:
        """Begin the next item of a sequence; None at the sequence's end."""
        at, limit = self.at, sequence.limit
        if at == limit and not sequence.undefined:
            return None
        if limit - at < 8:
            raise self._left_over(at, limit)
        group, number, length = sequence.encoding.item.unpack_from(self.data, at)
        tag = group << 16 | number
        if tag == SEQUENCE_DELIMITATION and length == 0 and (sequence.undefined or at + 8 == limit):
            if not sequence.undefined:
                self.at = limit  # superfluous, harmless
            return None
        if tag != ITEM:
            name = format_tag(sequence.head.tag)
            raise self._broken(f"{format_tag(tag)} stands in place of an item in the sequence {name}", at)
        self.at = start = at + 8
        undefined = length == UNDEFINED_LENGTH
        end = limit if undefined else start + length
        if end > limit:
            raise self._too_long(tag, length, at, limit - start)
        return _DataSet(start, end, sequence.encoding, undefined=undefined)

    def _ends(self, data_set: _DataSet, tag: int, at: int) -> bool:
        """Whether an item delimitation item ends the data set here; `at` then stands where content ends."""
        if tag != ITEM_DELIMITATION or data_set is self.top:
            return False
        (length,) = data_set.encoding.long_length.unpack_from(self.data, at + 4)
        if length:
            return False
        if data_set.undefined:
            self.at = at
            return True
        if at + 8 == data_set.limit:
            self.at = data_set.limit  # superfluous, harmless
            return True
        return False

    def _broken(self, what: str, at: int) -> UndecodableIdentifierError:
        return UndecodableIdentifierError(f"{what}, at byte {at} of the identifier", _ADVICE, offset=at)

    def _left_over(self, at: int, limit: int) -> UndecodableIdentifierError:
        return self._broken(f"{limit - at} bytes are left over, too few for an element", at)

    def _too_long(self, tag: int, length: int, at: int, left: int) -> UndecodableIdentifierError:
        name = "an item" if tag == ITEM else f"the element {format_tag(tag)}"
        return self._broken(f"{name} says that it has {length} bytes where {left} are left", at)
